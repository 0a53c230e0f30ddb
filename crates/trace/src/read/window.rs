//! The part of a file that is looked at while it is read as it comes.

use std::io::{self, Read};

/// Bytes that are read at a time.
const READ: usize = 1 << 18;

/// What was read and not yet taken.
pub(super) struct Window<'a> {
    source: &'a mut dyn Read,
    bytes: Vec<u8>,
    /// How much of `bytes` was read, and how much of that was taken.
    read: usize,
    taken: usize,
    /// Where `bytes` begins in the file.
    offset: usize,
}

impl<'a> Window<'a> {
    pub(super) fn new(source: &'a mut dyn Read) -> Self {
        Window { source, bytes: Vec::new(), read: 0, taken: 0, offset: 0 }
    }

    /// What is there.
    pub(super) fn rest(&self) -> &[u8] {
        self.bytes.get(self.taken..self.read).unwrap_or_default()
    }

    /// Where that stands in the file.
    pub(super) fn offset(&self) -> usize {
        self.offset + self.taken
    }

    /// Takes bytes off the front.
    pub(super) fn take(&mut self, count: usize) {
        self.taken = self.read.min(self.taken + count);
    }

    /// Reads on. Whether anything came; what is there grows only by what comes.
    pub(super) fn more(&mut self) -> io::Result<bool> {
        self.bytes.copy_within(self.taken..self.read, 0);
        self.offset += self.taken;
        self.read -= self.taken;
        self.taken = 0;
        if self.bytes.len() < self.read + READ {
            self.bytes.resize(self.read + READ.max(self.read), 0);
        }
        loop {
            let room = self.bytes.get_mut(self.read..).unwrap_or_default();
            match self.source.read(room) {
                Ok(count) => {
                    self.read += count;
                    return Ok(count > 0);
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives one byte at a time.
    struct Drops<'a>(&'a [u8]);

    impl Read for Drops<'_> {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            let one = out.len().min(1);
            self.0.read(&mut out[..one])
        }
    }

    #[test]
    fn what_was_not_taken_stays() {
        let mut source = Drops(b"abcdef");
        let mut window = Window::new(&mut source);
        while window.rest().len() < 3 {
            assert!(window.more().unwrap());
        }
        window.take(2);
        while window.more().unwrap() {}
        assert_eq!((window.rest(), window.offset()), (&b"cdef"[..], 2));
    }
}

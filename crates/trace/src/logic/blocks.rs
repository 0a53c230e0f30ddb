//! Text in blocks that end with a line, so that a file of any size needs little memory.

use std::io::{self, Read};

/// Bytes that are read at a time.
const BLOCK: usize = 1 << 18;
/// A longer line is no line.
const LONGEST: usize = 1 << 22;

/// Reads blocks.
pub(super) struct Blocks<'a> {
    source: &'a mut dyn Read,
    buffer: Vec<u8>,
    /// How much of the buffer holds text, and how much of that was given out.
    held: usize,
    given: usize,
    /// Offset of the head of the buffer in the file.
    pub(super) offset: u64,
    ended: bool,
    /// The file ends without the end of a line.
    pub(super) open_end: bool,
}

impl<'a> Blocks<'a> {
    pub(super) fn new(source: &'a mut dyn Read) -> Self {
        Blocks { source, buffer: Vec::new(), held: 0, given: 0, offset: 0, ended: false, open_end: false }
    }

    /// The next lines with their offset, all of them whole; at the end of the file also what is no whole line, with
    /// `open_end` set.
    pub(super) fn next(&mut self) -> io::Result<Option<(u64, &[u8])>> {
        self.offset += u64::try_from(self.given).unwrap_or_default();
        self.buffer.copy_within(self.given..self.held, 0);
        self.held -= self.given;
        self.given = 0;
        while !self.ended {
            if self.held + BLOCK > self.buffer.len() {
                self.buffer.resize(self.held + BLOCK, 0);
            }
            let room = self.buffer.get_mut(self.held..).unwrap_or_default();
            let wanted = room.len();
            let count = fill(self.source, room)?;
            self.held += count;
            self.ended = count < wanted;
            if let Some(end) = self.text().iter().rposition(|byte| *byte == b'\n') {
                self.given = end + 1;
                break;
            }
            if self.held > LONGEST {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "a line has no end"));
            }
        }
        if self.given == 0 {
            // Nothing more comes: whole lines first, then what is none.
            let end = self.text().iter().rposition(|byte| *byte == b'\n');
            self.given = end.map_or(self.held, |end| end + 1);
            self.open_end |= end.is_none() && self.given != 0;
        }
        let block = self.buffer.get(..self.given).filter(|block| !block.is_empty());
        Ok(block.map(|block| (self.offset, block)))
    }

    fn text(&self) -> &[u8] {
        self.buffer.get(..self.held).unwrap_or_default()
    }
}

/// Reads until the buffer is full or the source ends.
fn fill(source: &mut dyn Read, mut buffer: &mut [u8]) -> io::Result<usize> {
    let mut count = 0;
    while !buffer.is_empty() {
        match source.read(buffer) {
            Ok(0) => break,
            Ok(n) => {
                count += n;
                buffer = buffer.get_mut(n..).unwrap_or_default();
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_whole_lines_and_nothing_is_lost() {
        let text: String = (0..400_000).map(|n| format!("{n}\n")).collect::<String>() + "end";
        let mut source = text.as_bytes();
        let mut blocks = Blocks::new(&mut source);
        let (mut all, mut count) = (Vec::new(), 0);
        loop {
            let expected = all.len() as u64;
            let Some((offset, block)) = blocks.next().unwrap() else { break };
            assert_eq!(offset, expected);
            count += 1;
            let last = all.len() + block.len() >= text.len() - 3;
            assert!(last || block.ends_with(b"\n"));
            all.extend_from_slice(block);
        }
        assert!(count > 1 && blocks.open_end);
        assert_eq!(all, text.as_bytes());
    }

    #[test]
    fn a_line_without_end_is_an_error_and_not_all_the_memory() {
        let mut source = io::repeat(b'x');
        assert!(Blocks::new(&mut source).next().is_err());
    }
}

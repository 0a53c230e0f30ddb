//! One file with several readers, each at its own place.

use super::Seekable;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::{Arc, Mutex, PoisonError};

/// Bytes that are read ahead.
const AHEAD: usize = 1 << 15;

/// One of the readers.
pub(super) struct Shared<'a> {
    file: Arc<Mutex<&'a mut dyn Seekable>>,
    length: u64,
    at: u64,
    /// What was read ahead, and where it stands in the file.
    ahead: Vec<u8>,
    from: u64,
}

impl<'a> Shared<'a> {
    pub(super) fn new(file: &'a mut dyn Seekable) -> io::Result<Self> {
        let length = file.seek(SeekFrom::End(0))?;
        Ok(Shared { file: Arc::new(Mutex::new(file)), length, at: 0, ahead: Vec::new(), from: 0 })
    }

    fn known(&self) -> &[u8] {
        let skip = self.at.checked_sub(self.from).and_then(|skip| usize::try_from(skip).ok());
        skip.and_then(|skip| self.ahead.get(skip..)).unwrap_or_default()
    }

    fn read_ahead(&mut self) -> io::Result<()> {
        self.ahead.clear();
        self.from = self.at;
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(self.at))?;
        let most = u64::try_from(AHEAD).unwrap_or(u64::MAX);
        (&mut **file).take(most).read_to_end(&mut self.ahead).map(drop)
    }
}

impl Clone for Shared<'_> {
    fn clone(&self) -> Self {
        Shared { file: Arc::clone(&self.file), ahead: Vec::new(), ..*self }
    }
}

impl Read for Shared<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.known().is_empty() {
            self.read_ahead()?;
        }
        let count = self.known().read(out)?;
        self.at += u64::try_from(count).unwrap_or_default();
        Ok(count)
    }
}

impl Seek for Shared<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let place = match to {
            SeekFrom::Start(place) => Some(place),
            SeekFrom::Current(step) => self.at.checked_add_signed(step),
            SeekFrom::End(step) => self.length.checked_add_signed(step),
        };
        self.at = place.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    #[test]
    fn readers_of_one_file_do_not_disturb_each_other() {
        let bytes: Vec<u8> = (0..200_000u32).map(|n| (n % 251) as u8).collect();
        let mut file = Cursor::new(bytes.clone());
        let mut one = Shared::new(&mut file).unwrap();
        let mut other = one.clone();
        other.seek(SeekFrom::End(-7)).unwrap();
        let (mut all, mut tail, mut some) = (Vec::new(), Vec::new(), [0; 5]);
        one.read_exact(&mut some).unwrap();
        other.read_to_end(&mut tail).unwrap();
        one.seek(SeekFrom::Current(-5)).unwrap();
        one.read_to_end(&mut all).unwrap();
        assert_eq!((all, tail.as_slice()), (bytes.clone(), &bytes[bytes.len() - 7..]));
        assert!(other.seek(SeekFrom::Current(-300_000)).is_err());
    }
}

//! The cursor under every decoder. It never indexes: what is not there is an error that names what was wanted.

use crate::{DecodeError, Decoded};

/// Walks over a packet.
#[derive(Debug, Clone)]
pub(crate) struct Reader<'a> {
    what: &'static str,
    rest: &'a [u8],
    used: usize,
    stray: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(what: &'static str, bytes: &'a [u8]) -> Self {
        Reader { what, rest: bytes, used: 0, stray: 0 }
    }

    pub(crate) fn left(&self) -> usize {
        self.rest.len()
    }

    /// Errors name this from now on.
    pub(crate) fn call(&mut self, what: &'static str) {
        self.what = what;
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let Some((head, tail)) = self.rest.split_first_chunk::<N>() else {
            return Err(DecodeError::Truncated { what: self.what, needed: N, had: self.left() });
        };
        self.rest = tail;
        self.used += N;
        Ok(*head)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, DecodeError> {
        self.array::<1>().map(|[b]| b)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, DecodeError> {
        self.array().map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, DecodeError> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn bytes(&mut self, count: usize) -> Result<&'a [u8], DecodeError> {
        let Some((head, tail)) = self.rest.split_at_checked(count) else {
            return Err(DecodeError::Truncated { what: self.what, needed: count, had: self.left() });
        };
        self.rest = tail;
        self.used += count;
        Ok(head)
    }

    pub(crate) fn words(&mut self, count: usize) -> Result<Vec<u32>, DecodeError> {
        let bytes = self.bytes(count.saturating_mul(4))?;
        let (words, _) = bytes.as_chunks::<4>();
        Ok(words.iter().map(|word| u32::from_le_bytes(*word)).collect())
    }

    /// Reserved bytes: passed over, and counted when they are not zero.
    pub(crate) fn skip(&mut self, count: usize) -> Result<(), DecodeError> {
        let bytes = self.bytes(count)?;
        self.stray += nonzero(bytes);
        Ok(())
    }

    pub(crate) fn rest(&mut self) -> &'a [u8] {
        let all = self.rest;
        self.rest = &[];
        self.used += all.len();
        all
    }

    pub(crate) fn done<T>(self, value: T) -> Decoded<T> {
        let stray = self.stray + nonzero(self.rest);
        Decoded { value, used: self.used, padding: self.rest.len(), stray }
    }
}

fn nonzero(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte != 0).count()
}

//! The cursor under every decoder. It never indexes: what is not there is an error that names what was wanted.

use crate::DecodeError;

/// Walks over a packet.
#[derive(Debug, Clone)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    used: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Reader { rest: bytes, used: 0 }
    }

    pub(crate) fn used(&self) -> usize {
        self.used
    }

    pub(crate) fn left(&self) -> usize {
        self.rest.len()
    }

    fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], DecodeError> {
        match self.rest.split_first_chunk::<N>() {
            Some((head, tail)) => {
                self.rest = tail;
                self.used += N;
                Ok(*head)
            }
            None => Err(DecodeError::Truncated { what, needed: N, had: self.left() }),
        }
    }

    pub(crate) fn u8(&mut self, what: &'static str) -> Result<u8, DecodeError> {
        self.array::<1>(what).map(|[b]| b)
    }

    pub(crate) fn u16(&mut self, what: &'static str) -> Result<u16, DecodeError> {
        self.array(what).map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self, what: &'static str) -> Result<u32, DecodeError> {
        self.array(what).map(u32::from_le_bytes)
    }

    pub(crate) fn words(&mut self, count: usize, what: &'static str) -> Result<Vec<u32>, DecodeError> {
        let bytes = self.bytes(count.saturating_mul(4), what)?;
        let (words, _) = bytes.as_chunks::<4>();
        Ok(words.iter().map(|word| u32::from_le_bytes(*word)).collect())
    }

    pub(crate) fn bytes(&mut self, count: usize, what: &'static str) -> Result<&'a [u8], DecodeError> {
        match self.rest.split_at_checked(count) {
            Some((head, tail)) => {
                self.rest = tail;
                self.used += count;
                Ok(head)
            }
            None => Err(DecodeError::Truncated { what, needed: count, had: self.left() }),
        }
    }

    pub(crate) fn rest(&mut self) -> &'a [u8] {
        let all = self.rest;
        self.rest = &[];
        self.used += all.len();
        all
    }
}

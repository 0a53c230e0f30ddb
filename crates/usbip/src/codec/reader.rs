//! Taking a message apart without indexing.

use super::CodecError;

/// What is left of a message.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], CodecError> {
        let (head, rest) = self
            .0
            .split_first_chunk::<N>()
            .ok_or(CodecError::Truncated { missing: N.saturating_sub(self.0.len()) })?;
        self.0 = rest;
        Ok(*head)
    }

    pub(super) fn u8(&mut self) -> Result<u8, CodecError> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(super) fn u16(&mut self) -> Result<u16, CodecError> {
        self.array().map(u16::from_be_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, CodecError> {
        self.array().map(u32::from_be_bytes)
    }

    pub(super) fn i32(&mut self) -> Result<i32, CodecError> {
        self.array().map(i32::from_be_bytes)
    }

    pub(super) fn take(&mut self, len: usize) -> Result<&'a [u8], CodecError> {
        let (head, rest) = self
            .0
            .split_at_checked(len)
            .ok_or(CodecError::Truncated { missing: len.saturating_sub(self.0.len()) })?;
        self.0 = rest;
        Ok(head)
    }

    /// A text of `N` bytes that ends at its first zero byte, which must be there.
    pub(super) fn text<const N: usize>(&mut self, bad: CodecError) -> Result<&'a str, CodecError> {
        let field = self.take(N)?;
        let end = field.iter().position(|byte| *byte == 0).ok_or(bad)?;
        let (text, _) = field.split_at_checked(end).ok_or(bad)?;
        std::str::from_utf8(text).map_err(|_| bad)
    }

    /// The message must end here.
    pub(super) fn end(self) -> Result<(), CodecError> {
        match self.0.len() {
            0 => Ok(()),
            more => Err(CodecError::Trailing(more)),
        }
    }
}

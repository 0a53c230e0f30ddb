//! What can be wrong with a packet.

use thiserror::Error;

/// Why bytes are no packet of the expected kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// Not even a command byte.
    #[error("an empty packet")]
    Empty,
    /// The packet ends inside a field.
    #[error("{what}: {needed} bytes wanted, {had} left")]
    Truncated {
        /// The field, with its command's name.
        what: &'static str,
        /// Bytes of the field.
        needed: usize,
        /// Bytes that were left.
        had: usize,
    },
    /// Something follows a packet that had to be the whole of it.
    #[error("{what}: {extra} bytes follow its end")]
    Trailing {
        /// The command's name.
        what: &'static str,
        /// How many bytes.
        extra: usize,
    },
    /// The answer belongs to another command.
    #[error("command {asked:#04x} was answered as {answered:#04x}")]
    WrongId {
        /// The command byte of the request.
        asked: u8,
        /// The command byte of the answer.
        answered: u8,
    },
    /// More was answered than was asked for.
    #[error("{what}: {answered} answered, but only {asked} asked")]
    Count {
        /// The command's name.
        what: &'static str,
        /// Items of the request.
        asked: usize,
        /// Items of the answer.
        answered: usize,
    },
    /// A command of unknown length stands inside a list, so what follows it cannot be told.
    #[error("command {id:#04x} has an unknown length and stands before others in one packet")]
    Opaque {
        /// The command byte.
        id: u8,
    },
}

/// Why a value does not fit into a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum EncodeError {
    /// A list is longer (or a bit string shorter or longer) than its length field can say.
    #[error("{what}: a length of {len} cannot be encoded (at least {least}, at most {most})")]
    Length {
        /// The field, with its command's name.
        what: &'static str,
        /// Its length.
        len: usize,
        /// Smallest length.
        least: usize,
        /// Largest length.
        most: usize,
    },
}

/// A decoded value and how much of the packet it was.
///
/// HID probes pad every answer to a full report, often with remains of an older one, so a packet is parsed by what its
/// command says and never by its own length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded<T> {
    /// The value.
    pub value: T,
    /// Bytes that belong to it.
    pub used: usize,
    /// Bytes behind it: padding, or stale.
    pub padding: usize,
}

impl<T> Decoded<T> {
    /// The value, if the packet held nothing else.
    ///
    /// # Errors
    /// [`DecodeError::Trailing`] with the name `what`.
    pub fn whole(self, what: &'static str) -> Result<T, DecodeError> {
        match self.padding {
            0 => Ok(self.value),
            extra => Err(DecodeError::Trailing { what, extra }),
        }
    }
}

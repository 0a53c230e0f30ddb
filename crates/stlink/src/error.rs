//! What can be wrong with a packet.

use thiserror::Error;

/// Why bytes are no command or answer of the expected kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// The packet ends inside a field.
    #[error("{what}: {needed} bytes wanted, {had} left")]
    Truncated {
        /// The command or answer.
        what: &'static str,
        /// Bytes of the field.
        needed: usize,
        /// Bytes that were left.
        had: usize,
    },
    /// A command packet is longer than 16 bytes, or a list is longer than it says.
    #[error("{what}: {extra} bytes follow its end")]
    Trailing {
        /// The command or answer.
        what: &'static str,
        /// How many bytes.
        extra: usize,
    },
    /// The command is never answered.
    #[error("{what} has no answer")]
    Unanswered {
        /// The command.
        what: &'static str,
    },
}

/// Why a value does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum EncodeError {
    /// An answer that does not belong to the command.
    #[error("this is no answer to {what}")]
    WrongAnswer {
        /// The command.
        what: &'static str,
    },
    /// There is no such command.
    #[error("there is no {width}-bit memory command without increment")]
    NoCommand {
        /// Bits of an access.
        width: u32,
    },
}

/// A decoded value and what of the packet was not used for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded<T> {
    /// The value.
    pub value: T,
    /// Bytes that belong to it, reserved ones included.
    pub used: usize,
    /// Bytes behind it.
    pub padding: usize,
    /// How many of the reserved bytes and of the padding are not zero.
    pub stray: usize,
}

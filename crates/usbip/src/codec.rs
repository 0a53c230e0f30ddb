//! The messages of USB/IP, both directions. All numbers are big-endian, except the setup bytes of a control transfer.
//!
//! A connection begins with one [`Request`] of the handshake and its [`Reply`]; after a successful import it carries
//! [`Command`]s one way and [`Return`]s the other. Every parser takes a whole message; `needed` says how long the whole
//! message is once its header has arrived, so a reader of a stream never guesses.

mod handshake;
mod reader;
#[cfg(test)]
mod tests;
mod transfer;

pub use handshake::{BusId, Exported, Refusal, Reply, Request};
pub use transfer::{Command, Return, Submit, flag, status};

/// The version of the protocol that both sides name: 1.1.1.
pub const VERSION: u16 = 0x0111;

/// Longest data of one transfer that is accepted: Linux lets all transfers of usbfs together have this much by default.
pub const MAX_TRANSFER: u32 = 16 * 1024 * 1024;

/// Why bytes are not a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// The message ends too early.
    #[error("the message is cut off: {missing} more bytes were expected")]
    Truncated {
        /// How many bytes are missing at least.
        missing: usize,
    },
    /// There are bytes behind the message.
    #[error("{0} bytes stand behind the end of the message")]
    Trailing(usize),
    /// A version other than [`VERSION`].
    #[error("USB/IP version {0:#06x}, not 0x0111")]
    Version(u16),
    /// An operation code that is not one of the handshake.
    #[error("operation code {0:#06x} is unknown")]
    Operation(u16),
    /// A command that is not one of the transfer phase.
    #[error("command {0:#010x} is unknown")]
    Command(u32),
    /// A direction that is neither OUT (0) nor IN (1).
    #[error("direction {0} is neither OUT nor IN")]
    Direction(u32),
    /// An endpoint number above 15.
    #[error("endpoint number {0} is above 15")]
    Endpoint(u32),
    /// A length that is negative or above [`MAX_TRANSFER`].
    #[error("a transfer of {0} bytes (as a signed number) is not possible here")]
    Length(i32),
    /// An isochronous transfer.
    #[error("isochronous transfers are not supported ({0} packets)")]
    Isochronous(i32),
    /// A bus id that is not text closed with a zero byte.
    #[error("the bus id is not a text of at most 31 bytes")]
    BusId,
    /// A path that is not text.
    #[error("the path is not a text of at most 255 bytes")]
    Path,
}

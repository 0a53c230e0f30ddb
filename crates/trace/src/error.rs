//! What can go wrong with a trace as a file.

use std::path::PathBuf;

/// Why a trace could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    /// The file could not be created, read or written.
    #[error("trace {path}: {source}", path = path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// The operating system's answer.
        source: std::io::Error,
    },
    /// The operating system gave no random numbers, so secrets could not be masked.
    #[error("no random numbers for the key that masks secrets: {0}")]
    Random(String),
    /// The bytes are no recording in a format that is known.
    #[error("this is no recording: {0}")]
    Unknown(String),
    /// The secrets of such a recording cannot be masked.
    #[error(
        "the secrets of {0} cannot be masked, only those of recordings of USB: record USB too (swdtrace record), or hand on \
         what `swdtrace show --level 5` or `stat` prints of it, when you have read it"
    )]
    NotRedacted(String),
    /// Several probes are in the recording and none was chosen.
    #[error("no device {0} in the recording")]
    NoSuchDevice(String),
    /// What is to be read from could not be read.
    #[error("{0}")]
    Source(#[source] std::io::Error),
    /// A capture of a logic analyser makes no sense.
    #[error("{format}, {place}: {why}")]
    Capture {
        /// Which format it was taken for.
        format: &'static str,
        /// Where: a byte, a sample, a part of the file.
        place: String,
        /// What is wrong.
        why: String,
    },
    /// A pin is not among the channels of a capture.
    #[error(
        "no channel{wanted} for {pin} in the capture, which has {has}: tell by name or number which one it is"
    )]
    Channel {
        /// The pin.
        pin: &'static str,
        /// ` named "X"`, where one was named.
        wanted: String,
        /// The channels that there are.
        has: String,
    },
    /// One channel cannot be two pins.
    #[error("channel {0} cannot be two pins")]
    SameChannel(String),
}

impl TraceError {
    /// Whether nobody told on which channel a pin is.
    pub(crate) fn asks_for_a_pin(&self) -> bool {
        matches!(self, TraceError::Channel { wanted, .. } if wanted.is_empty())
    }
}

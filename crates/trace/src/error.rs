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
    /// Several probes are in the recording and none was chosen.
    #[error("no device {0} in the recording")]
    NoSuchDevice(String),
}

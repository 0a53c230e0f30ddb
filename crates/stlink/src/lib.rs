//! ST-Link commands and answers, host side and device side.
//!
//! **What it is.** A codec without any I/O, and the tables around it:
//!
//! | module | question it answers |
//! |---|---|
//! | [`command`] | what does this 16-byte packet say, and what follows it? |
//! | [`answer`] | what does this answer say, given its command? |
//! | [`memory`] | memory commands, and how much one may move |
//! | [`misc`] | the lists of RW_MISC |
//! | [`status`] | what does a status number mean on the wire? |
//! | [`version`] | which firmware is it, and what can it do? ([`Feature`]) |
//! | [`clock`] | which SWCLK frequencies are there? |
//! | [`device`](mod@device) | which USB product is which probe? |
//!
//! Decoders are total: they never panic, keep values that nobody has named, and say how many bytes they did not use.
//!
//! **What it knows.** The command set of V2, V2-1 and V3 (API version 2) and when each command came.
//!
//! **What it must not know.** USB, time, retries as a policy, what a register means.
//!
//! **Specification.** None is published; the notes STL-1 to STL-16 say where each fact comes from.
//!
//! **Not supported.** V1 (mass-storage wrapper, packets of 10 bytes), SWIM beyond leaving it, the bridge of a V3, ST's TCP
//! server. The answers of RW_MISC_GET_MAX and DFT_REG have no known layout and are kept as bytes.
#![deny(clippy::indexing_slicing, clippy::cast_possible_truncation)]

pub mod answer;
pub mod clock;
pub mod command;
pub mod device;
pub mod error;
pub mod memory;
pub mod misc;
pub mod named;
mod reader;
pub mod status;
pub mod version;

pub use answer::{Answer, RwStatus};
pub use command::{Command, PACKET, Phase};
pub use device::{Device, Family, device};
pub use error::{DecodeError, Decoded, EncodeError};
pub use memory::{Memory, MemoryOp};
pub use misc::{MiscItem, MiscOp, MiscResult};
pub use named::{ComPort, DapPort, Enter, Mode, Nrst};
pub use status::{Meaning, Status};
pub use version::{Feature, RawVersion, Version, VersionExt};

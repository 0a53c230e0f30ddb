//! CMSIS-DAP packets, host side and device side.
//!
//! **What it is.** A codec and the arithmetic around it, without any I/O:
//!
//! | module | question it answers |
//! |---|---|
//! | [`command`] | what does this packet say? ([`Request`] and [`Response`], both directions) |
//! | [`transfer`] | request byte, status byte, items and answers of DAP_Transfer and DAP_TransferBlock |
//! | [`pack`](mod@pack) | which packets carry this list of DAP operations? |
//! | [`unpack`] | what became of the operations of a packet, given its answer? |
//! | [`expand`](mod@expand) | which SWD transactions did that packet cause? |
//! | [`model`] | in what do firmwares differ that changes the answers to the questions above? |
//!
//! Decoders are total: they never panic, keep values that no specification names, tell how much of a packet a command was
//! and how much padding follows, and name what is missing.
//!
//! **What it knows.** The command set, and how the reference firmware counts, posts and flushes.
//!
//! **What it must not know.** USB, time, retries as a policy, what a register means.
//!
//! **Specification.** Arm CMSIS-DAP 2.1.2 (document and reference firmware `DAP.c`), which includes 1.x packets.
//!
//! **Not supported.** Transfers are understood for SWD only: a JTAG probe posts DP reads too. Lists inside of lists (7F in
//! 7F) are kept as unknown bytes, as the reference firmware refuses them. Extended vendor commands are kept as bytes. In a
//! list, the answer of a transfer that ended badly is measured by the reference firmware's rules.
#![deny(clippy::indexing_slicing, clippy::cast_possible_truncation)]

pub mod command;
pub mod error;
pub mod expand;
#[cfg(test)]
mod fake;
pub mod model;
pub mod pack;
mod reader;
pub mod transfer;
pub mod unpack;

pub use command::{
    Capabilities, CommandId, DebugPort, InfoData, InfoId, JtagItem, Led, Request, Response, Status,
    SwdConfig, SwdSequenceItem, SwoExtended, pins,
};
pub use error::{DecodeError, Decoded, EncodeError};
pub use expand::{Repeats, Step, expand};
pub use model::Model;
pub use pack::{Kind, PackLimits, Planned, pack, pack_groups};
pub use transfer::{
    BlockReply, Item, Transfer, TransferBlock, TransferReply, TransferRequest, TransferStatus,
};
pub use unpack::{Outcome, SettleError, settle};

//! The wire and what stands behind it on the chip: line states, debug port, MEM-APs.
//!
//! One model, two faces: [`Target::clock`] takes one SWCLK cycle, [`Target::transact`] a whole transaction. Both come to
//! the same verdicts through the same functions; `tests.rs` holds them equal. [ADI-1] [ADI-13]

mod dp;
mod faults;
mod frame;
mod line;
mod memap;
mod target;
#[cfg(test)]
pub(crate) mod tests;

pub(crate) use faults::Faults;
pub(crate) use frame::{Header, HostSide, Line};
pub(crate) use line::{History, Pattern};
pub(crate) use target::{PowerUpMode, Target};

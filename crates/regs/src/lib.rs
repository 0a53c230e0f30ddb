//! Register facts: DP, MEM-AP, Cortex-M33 debug and STM32H5, each of them once.
//!
//! What it is: addresses, offsets, bits, keys, codes and tables, with names. Driver, decoder and
//! simulator all take them from here, so that a fact can be wrong in one place only.
//!
//! What it knows: names and numbers, and for each group the id of the note in `vendor-notes/` that
//! gives source and confidence. [`note::NOTES`] holds all notes as data.
//!
//! What it must not know: how to reach a register, how long anything takes, what to do about a
//! value. No I/O, no time, no dependency.
//!
//! Specifications: ADIv5.2 (IHI 0031), Armv8-M (DDI 0553), STM32H5 numbers as in ST's device header
//! `cmsis_device_h5` 1.3.0 and HAL driver 1.3.0. `tests/header_numbers.txt` holds the header's numbers as a witness.
//!
//! Not supported: STM32H543/H553 and STM32H5E/H5F (only recognised, see [`h5::device::OTHER_DEV_IDS`]),
//! ADIv6 access ports beyond the names, JTAG instruction registers.
//!
//! Addresses are non-secure ones; the secure alias is [`h5::SECURE_ALIAS`] higher.

pub mod ap;
pub mod coresight;
pub mod dp;
pub mod field;
pub mod h5;
mod lookup;
pub mod m33;
pub mod note;
pub mod reading;
pub mod volatile;

pub use field::{Field, Register};
pub use lookup::{Hit, by_name, lookup, region};
pub use note::{Confidence, Note, NoteId};

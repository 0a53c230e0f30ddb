//! The STM32H5 driver: identity, flash, option bytes, product state, option-byte keys, OTP, debug authentication.
//!
//! **What it is.** The knowledge of how an STM32H5 is worked on from outside, over an ADI engine ([`adi::Adi`]).
//! [`identify`] says what is there, [`Part`] works on it, [`da`] talks to the ROM when every other door is shut, and
//! [`obk`] reads, writes and checks provisioning files without any target.
//!
//! **What it knows.** The order of writes that each operation needs, which flags belong to it, what must be read before
//! something is written, and what must never be written twice.
//!
//! **What it must not know.** Probes, USB, files, jobs, what an operator wants. It prints nothing, and it waits only through
//! [`pace::poll`], so every wait has a key in the policy.
//!
//! **Specification.** ST publishes no machine-readable description of the sequences; they follow ST's HAL 1.3.0 and the
//! notes H5-FLASH-*, H5-OB-*, H5-STATE-*, H5-OBK-*, H5-DA-* in `vendor-notes/`, which say how sure each fact is. Numbers
//! come from `regs::h5`. Nothing here has been tried on silicon yet.
//!
//! **Not supported.** STM32H543/H553 and STM32H5E/H5F (recognised and refused), other crypto systems than ECDSA P-256 in certificates, the high-cycle data area (EDATA), encrypted OBK without the ROM's service.
#![deny(clippy::indexing_slicing, clippy::cast_possible_truncation)]

mod busy;
pub mod da;
mod error;
mod flash;
mod identity;
mod lock;
pub mod obk;
mod options;
mod otp;
mod part;
mod password;
mod state;

pub use da::{DaEntry, DaError, Discovery, Integrity, Permission, Permissions, PublicKey, Regression};
pub use error::H5Error;
pub use flash::{EraseReport, Fallback, FlashPace, FlashRange, ProgramReport, UpdateReport};
pub use identity::{ApEnable, Identity, Tzen, Uid, ap_open, identify, wait_ap_open};
pub use obk::{Credential, ObkError, ObkFile, ObkReport, ObkRoute, RssGuesses};
pub use options::{BadChange, OptionBytes, OptionChange, OptionDiff, OptionReport, OptionValue, Proof};
pub use otp::{OtpBlock, OtpReport};
pub use part::{Doing, Flags, Part, Progress};
pub use password::{BadPassword, Password};
pub use regs::h5::state::ProductState;
pub use state::Interrupted;

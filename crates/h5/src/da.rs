//! Debug authentication: talking to the ROM through the mailbox in DBGMCU. Only AP0 is used, so it works on a closed part;
//! that a regression is over is then seen through AP1.
//! [H5-DA-1] [H5-DA-4]
//!
//! A session begins with NRST low and a magic word, and ends with a reset, so that the part boots as it would without us.

mod discovery;
mod mailbox;
mod permissions;
mod session;
pub mod tlv;

pub use discovery::{Discovery, Integrity};
pub use permissions::Permissions;
pub use session::{DaEntry, DaError, Regression, discover, discover_with, greet, regress, regress_with};
pub use tlv::{Tlv, TlvError};

use regs::h5::da::status;

/// A status of the protocol in words: `FAILURE (0x0001)`.
pub fn status_text(code: u16) -> String {
    let name = status::NAMES.iter().find(|(value, _)| *value == u32::from(code)).map(|(_, name)| *name);
    format!("{} (0x{code:04X})", name.unwrap_or("unknown status"))
}

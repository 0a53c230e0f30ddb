//! Debug authentication: talking to the ROM through the mailbox in DBGMCU. Only AP0 is used, so it works on a closed part;
//! that a regression is over is then seen through AP1.
//! [H5-DA-1] [H5-DA-4]
//!
//! A session begins with NRST low and a magic word, and ends with a reset, so that the part boots as it would without us;
//! only one that opened debug does not, because a reset would shut it again.

mod certificate;
mod certified;
mod chain;
mod debug;
mod discovery;
mod key;
mod mailbox;
mod permissions;
mod regression;
mod session;
pub mod tlv;
mod token;

pub use certificate::{Certificate, MalformedError, Role};
pub use certified::Certified;
pub use chain::{Chain, ChainError, Place};
pub use debug::{Opened, Shut, close_debug, open_debug};
pub use discovery::{Discovery, Integrity};
pub use key::{BadKey, PrivateKey, PublicKey};
pub use permissions::{Permission, Permissions};
pub use regression::{Back, Regression, regress, regress_certified, regress_with};
pub use session::{DaEntry, DaError, discover, discover_with, greet};
pub use tlv::{Tlv, TlvError};
pub use token::{Challenge, Token};

use regs::h5::da::status;

/// A status of the protocol in words: `FAILURE (0x0001)`.
pub fn status_text(code: u16) -> String {
    let name = status::NAMES.iter().find(|(value, _)| *value == u32::from(code)).map(|(_, name)| *name);
    format!("{} (0x{code:04X})", name.unwrap_or("unknown status"))
}

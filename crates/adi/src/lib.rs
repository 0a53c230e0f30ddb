//! The Arm debug interface: debug port, access ports and the memory behind them, over any [`wire::Link`].
//!
//! **What it is.** An engine ([`Adi`]) that attaches in one of four ways, reads and writes registers and memory, and reacts
//! to WAIT, FAULT and silence by [`pace::Policy`]. Each cause of failure is its own [`AdiError`] with its evidence. A
//! flight recorder ([`Flight`]) of the last accesses is always on.
//!
//! ```text
//! attach reset cortex      how to get hold of the target and its core
//! memory ports rom         what a caller asks for
//! plan cache               memory steps -> DAP operations; what SELECT, CSW and TAR are believed to hold
//! mem_ap registers native  three kinds of attempt, each remembering how far it got
//! react                    the one place that decides about WAIT, FAULT and silence
//! flight waited            the last accesses and the last waits, for whoever asks
//! ```
//!
//! **What it knows.** Debug port, MEM-AP and the debug registers of a Cortex-M core. Register facts come from [`regs`].
//!
//! **What it must not know.** Probe protocols, USB, any chip's flash or option bytes, how long anything takes.
//!
//! **Specification.** Arm IHI 0031 (ADIv5.2), Armv8-M (DDI 0553) for the core.
//!
//! **Not supported.** JTAG, several debug ports on one line (TARGETSEL), ADIv6 access ports, pushed compare and verify,
//! packed transfers, addresses beyond 32 bits.

mod access;
mod attach;
mod cache;
mod cortex;
mod engine;
mod error;
mod flight;
mod line;
mod mem_ap;
mod memory;
mod native;
mod plan;
mod ports;
mod react;
mod registers;
mod reset;
mod rom;
mod waited;

pub use access::{ApInfo, Attach, Attached, Catch, ConnectMode, CoreAccess, CoreStatus, Doing, DpReg, Wake};
pub use engine::Adi;
pub use error::{AdiError, Cause, CtrlStat, Stuck};
pub use flight::{Flight, Flown, Seen};
pub use native::Native;
pub use react::{Attempt, End, Hazard, react};
pub use rom::Component;
pub use waited::Waited;

//! Words everybody speaks, and the seams between the layers.
//!
//! **What it is.** The vocabulary of the workspace: units, the SWD ack, DAP operations, SWD transactions, memory accesses,
//! marks, and the traits at which one layer meets the next.
//!
//! | seam | between | carries |
//! |---|---|---|
//! | [`Pipe`] | links and the USB (or TCP, or simulated) probe | packets, with the ranges that are secret |
//! | [`Link`] | the ADI engine and one probe protocol | DAP operations, line sequences, pins |
//! | [`Mem`] | the ADI engine and a probe that has memory commands of its own | batches of reads, writes and waits |
//! | [`UsbDevice`] | a simulated probe and whatever exports it | endpoint traffic with explicit times |
//! | [`Bench`] | experiments and a person's hands | cable, BOOT0, power, reset button |
//! | [`Sink`] | the recorder's tap and the trace file | submit and complete records, marks |
//!
//! **What it knows.** Nothing about any probe, any chip, or any clock. Points in time are [`Duration`]s since the start of
//! whatever clock the composition root chose.
//!
//! **What it must not know.** Register names, policies, file formats, USB libraries.
//!
//! **Specification.** SWD words as in Arm IHI 0031G (ADIv5.2).
//!
//! **Not supported.** ADIv6 addresses (64-bit AP addresses) and JTAG scan chains have no words here yet.
//!
//! [`Duration`]: std::time::Duration

pub mod bench;
pub mod dap;
pub mod event;
pub mod link;
pub mod mem;
pub mod pipe;
pub mod sink;
pub mod unit;
pub mod usb;

pub use bench::{Bench, BenchError, Cable};
pub use dap::{Ack, DapOp, Port, RegSel, Transaction, WireEvent};
pub use event::{Access, Certainty, Level, Mark, MarkKind};
pub use link::{Bits, Flow, Link, LinkCaps, LinkConfig, LinkError, Pins, Stop, SwdItem, Transferred};
pub use mem::{Answer, Attr, Batch, Mem, MemOp, MemStatus};
pub use pipe::{Packet, Pipe, PipeError, PipeShape, Secret};
pub use sink::{Record, Sink};
pub use unit::{Addr, ApSel, Hz, Width};
pub use usb::{Endpoint, InterfaceText, Setup, Taken, TransferKind, UsbDevice, UsbFault, UsbIdentity};

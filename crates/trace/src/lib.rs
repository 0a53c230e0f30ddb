//! Traces: recorded, read, decoded, lifted to memory accesses, named, folded, counted, compared, exported and replayed.
//!
//! **What it is.** The way from the bytes that pass between a host and a probe to a story that a person can follow:
//!
//! | level | what | module |
//! |---|---|---|
//! | 0 | USB transfers | [`read`] |
//! | 1 | probe commands: CMSIS-DAP, ST-Link (a J-Link's shifts go straight to level 2) | [`decode`] |
//! | 2 | SWD transactions, line sequences, the reset pin; of an ST-Link only what its commands spell out | [`decode`], `swd` |
//! | 3 | memory accesses; accesses to DP and AP registers that are not part of one | `lift`, `fold` |
//! | 4 | the same with register and field names | `name` |
//! | 5 | actions: "erase sector 3 of bank 1" | [`action`] |
//! | M | marks that the driver wrote | [`read`] |
//!
//! A recording holds level 0 and marks only; everything else is derived here, so that our own run, a capture of another
//! tool and a simulated run go the same way. [`Recorder`] writes, [`open`] reads, [`diff`](mod@diff) compares. A capture
//! of the pins by a logic analyser ([`logic`]) begins at level 2, a text log of another tool ([`log`](mod@log)) at the
//! lowest level that its lines show, and from there on it is the same.
//!
//! On what was read, views: rows in which loops are folded ([`Trace::rows`]), what passes a [`filter`], counts and times
//! ([`Stat`]), what a session should not have done ([`lint`]), what it spent and what it needed to ([`cost`]).
//!
//! What goes out: [`export`] writes a trace for other programs, [`replay`] lets a recording play the probe,
//! [`redact`](mod@redact) masks the secrets of a recording of somebody else, [`Monitor`] makes a recording of what Linux'
//! usbmon gives. No view and no export shows what is secret, whether the recorder marked it or not
//! ([`Options::show_secrets`]).
//!
//! Wireshark reads a recording. Its marks have link type 147 (DLT_USER0), and what was on the wire in exports has 148, which
//! [`open`] reads again; the dissector for both comes with `swdtrace wireshark`.
//!
//! Register names, actions and rules of the STM32H5 hold where the trace shows that the target is one ([`Target`]), or where
//! a person says so; otherwise only DP, AP and what every Cortex-M has are named.
//!
//! **What it knows.** pcapng and pcap, the headers of usbmon, USBPcap and macOS, sigrok sessions, VCD, CSV and binary
//! exports of Saleae Logic 2, how levels at clock edges become SWD transactions, how CMSIS-DAP packets become
//! transactions (through `cmsis-dap`), how shifts of a J-Link become clocks, what the lines of five tools' logs say, SELECT, CSW and TAR make an address in ADIv5 and ADIv6, how ST-Link commands become memory accesses (through `stlink`), and register
//! names (through `regs`).
//!
//! **What it must not know.** Probes as devices, the driver, the simulator, clocks. Times come with the records.
//!
//! **Specification.** pcapng (IETF draft, version 1.0), Linux usbmon binary records, Perfetto's `perfetto_trace.proto`,
//! CMSIS-DAP 2.1.2, Arm IHI 0031G (ADIv5.2), Arm IHI 0074 (ADIv6, note ADI-15); none for ST-Link (notes STL-1 to STL-16); IEEE 1364 (VCD), the sources of
//! libsigrok, support.saleae.com.
//!
//! **Not supported.** Saleae's own `.sal`; SEGGER's own commands of a J-Link; JTAG; a second
//! device's traffic beside the chosen one (one that comes back at another address is followed where its descriptors were
//! captured both times); redaction of captures of the pins, of logs, of exports and of J-Link recordings, and of secrets that were written byte by byte in one place
//! and as words in another. A CMSIS-DAP probe hides how often it repeated a transaction after WAIT, and when within a
//! packet each transaction happened: all transactions of a packet carry the times of the packet. An ST-Link hides nearly
//! all transactions.
//!
//! **Memory.** Everything is read as it comes, and no file is ever held whole but for [`redact`](mod@redact), which changes it
//! in place. A recording of USB in a file is gone through piece by piece ([`Pieces`]) by whoever needs no whole: counts,
//! costs, lint, exports of events. A [`Trace`] holds all events of a recording, up to a limit that it warns of.
#![deny(clippy::indexing_slicing, clippy::cast_possible_truncation)]

pub mod action;
pub mod cost;
pub mod decode;
pub mod diff;
mod error;
pub mod event;
pub mod export;
pub mod filter;
pub mod fold;
mod lift;
pub mod lint;
pub mod log;
pub mod logic;
mod loops;
mod mask;
mod monitor;
mod name;
mod pcapng;
mod quick;
pub mod read;
pub mod recorder;
pub mod redact;
pub mod replay;
#[cfg(test)]
mod script;
mod secrets;
mod stat;
mod swd;
mod target;
mod text;
mod trace;
mod truth;
mod usbmon;

pub use action::{Action, ActionKind};
pub use error::TraceError;
pub use event::{Body, Event};
pub use lift::Assume;
pub use logic::{Channels, Seekable};
pub use monitor::{Monitor, NoRecord};
pub use name::span;
pub use read::Protocol;
pub use recorder::{ClockKind, Header, Recorder, Secrets, Written};
pub use stat::{Busy, Counts, Fault, Gap, Latency, Memory, Rates, Stat, Swclk, Transactions, Usb, Waits};
pub use target::{Names, Target};
pub use text::line;
pub use trace::pieces::Pieces;
pub use trace::{Options, Trace, Write, WriteTo, open, open_channels, open_file, open_from, open_with};
pub use truth::truth;

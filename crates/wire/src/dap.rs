//! The ack, one DAP operation, one SWD transaction.

use std::fmt;
use std::time::Duration;

/// Which of the two register files of a debug port an operation addresses (the `APnDP` bit).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Port {
    /// The debug port itself.
    Dp,
    /// The access port chosen by `SELECT`.
    Ap,
}

/// A register as an SWD request addresses it: the port and `A[3:2]`. The bank is the business of `SELECT`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RegSel {
    /// Debug port or access port.
    pub port: Port,
    /// Bits 3:2 of the register address in place: 0x0, 0x4, 0x8 or 0xC.
    pub a: u8,
}

impl RegSel {
    /// A register of the debug port. Only bits 3:2 of `a` are kept.
    pub const fn dp(a: u8) -> Self {
        RegSel { port: Port::Dp, a: a & 0xC }
    }

    /// A register of the selected access port. Only bits 3:2 of `a` are kept.
    pub const fn ap(a: u8) -> Self {
        RegSel { port: Port::Ap, a: a & 0xC }
    }
}

/// The three ack bits of a transaction as they came, plus the two outcomes that have no ack of their own.
///
/// Every value survives: an ack that no specification names prints as its number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ack(pub u8);

impl Ack {
    /// The transaction was accepted.
    pub const OK: Ack = Ack(1);
    /// Not accepted, try again; nothing was performed.
    pub const WAIT: Ack = Ack(2);
    /// Not accepted because a sticky flag is set; nothing was performed.
    pub const FAULT: Ack = Ack(4);
    /// Nobody drove the line: all three bits read as one.
    pub const NONE: Ack = Ack(7);
    /// The read data had the wrong parity (CMSIS-DAP's "protocol error", value 8 in the ack's place).
    pub const PARITY: Ack = Ack(8);
}

impl fmt::Display for Ack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Ack::OK => f.write_str("OK"),
            Ack::WAIT => f.write_str("WAIT"),
            Ack::FAULT => f.write_str("FAULT"),
            Ack::NONE => f.write_str("no ack"),
            Ack::PARITY => f.write_str("parity error"),
            Ack(other) => write!(f, "ack {other:#05b}"),
        }
    }
}

impl fmt::Debug for Ack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One thing a [`Link`](crate::Link) is asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DapOp {
    /// Read a register. An access-port read is answered with its own value: the link resolves posting.
    Read {
        /// The register.
        reg: RegSel,
        /// The value must not be recorded.
        secret: bool,
    },
    /// Write a register.
    Write {
        /// The register.
        reg: RegSel,
        /// The value.
        value: u32,
        /// The value must not be recorded.
        secret: bool,
    },
    /// Set the mask that later [`DapOp::ReadUntil`] operations of the same call use. No wire traffic.
    SetMask(u32),
    /// Read a register until `(read & mask) == value` or the probe's match budget is spent. Yields no value.
    ReadUntil {
        /// The register.
        reg: RegSel,
        /// The masked value to wait for.
        value: u32,
    },
}

impl DapOp {
    /// A plain read.
    pub const fn read(reg: RegSel) -> Self {
        DapOp::Read { reg, secret: false }
    }

    /// A plain write.
    pub const fn write(reg: RegSel, value: u32) -> Self {
        DapOp::Write { reg, value, secret: false }
    }
}

/// One SWD transaction as it went over the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transaction {
    /// The register addressed.
    pub reg: RegSel,
    /// `true` for a read.
    pub read: bool,
    /// What the target answered.
    pub ack: Ack,
    /// The data phase: what was read or written. `None` when there was none, or when its source cannot show it.
    pub data: Option<u32>,
}

/// Something on the wire, with the time it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WireEvent {
    /// A request and what came of it.
    Transaction(Transaction),
    /// At least 50 clocks with SWDIO high.
    LineReset,
    /// A switch sequence that was recognised, by name (`"JTAG to SWD"`, `"dormant to SWD"`).
    Switch(&'static str),
    /// nRESET went low (`true`) or was released.
    Reset(bool),
    /// The host left the line alone for this long (only what a source can show).
    Idle(Duration),
}

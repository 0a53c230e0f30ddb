//! `Mem`: memory through one access port, in batches.

use crate::{Addr, ApSel, Flow, LinkError, Mark, Width};

/// The security attribute of the accesses of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Attr {
    /// Leave the access port's own default alone.
    Default,
    /// Secure accesses.
    Secure,
    /// Non-secure accesses.
    NonSecure,
}

/// One step of a batch. Addresses must be aligned to the width.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MemOp {
    /// Read one value.
    Read {
        /// Where.
        at: Addr,
        /// How wide.
        width: Width,
        /// The value must not be recorded.
        secret: bool,
    },
    /// Write one value.
    Write {
        /// Where.
        at: Addr,
        /// How wide.
        width: Width,
        /// What.
        value: u32,
        /// Not idempotent (a key, OPTSTRT, a mailbox word): never repeated, and nothing is sent behind it.
        once: bool,
        /// The value must not be recorded.
        secret: bool,
    },
    /// Read consecutive words.
    ReadWords {
        /// The first word.
        at: Addr,
        /// How many.
        count: usize,
        /// The values must not be recorded.
        secret: bool,
    },
    /// Write consecutive words.
    WriteWords {
        /// The first word.
        at: Addr,
        /// The values.
        words: Vec<u32>,
        /// The values must not be recorded.
        secret: bool,
    },
    /// Read a word until `(word & mask) == value` or the probe's match budget is spent. Yields no value.
    WaitUntil {
        /// Where.
        at: Addr,
        /// Which bits.
        mask: u32,
        /// What they shall be.
        value: u32,
    },
}

impl MemOp {
    /// A plain word read.
    pub const fn read(at: Addr) -> Self {
        MemOp::Read { at, width: Width::Word, secret: false }
    }

    /// A plain word write that may be repeated.
    pub const fn write(at: Addr, value: u32) -> Self {
        MemOp::Write { at, width: Width::Word, value, once: false, secret: false }
    }

    /// A word write that must happen exactly once.
    pub const fn write_once(at: Addr, value: u32) -> Self {
        MemOp::Write { at, width: Width::Word, value, once: true, secret: false }
    }

    /// The first address the step touches.
    pub const fn at(&self) -> Addr {
        match self {
            MemOp::Read { at, .. }
            | MemOp::Write { at, .. }
            | MemOp::ReadWords { at, .. }
            | MemOp::WriteWords { at, .. }
            | MemOp::WaitUntil { at, .. } => *at,
        }
    }
}

/// Memory steps that belong together: one access port, one attribute, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// The access port.
    pub ap: ApSel,
    /// The security attribute.
    pub attr: Attr,
    /// Whether steps may be queued behind one that might be refused.
    pub flow: Flow,
    /// The steps.
    pub ops: Vec<MemOp>,
}

/// How a batch ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemStatus {
    /// All of it was done.
    Done,
    /// The target still answers WAIT.
    Wait,
    /// A bus error or another sticky flag.
    Fault,
    /// A [`MemOp::WaitUntil`] never saw its value.
    Mismatch {
        /// The word as it was seen last.
        last: u32,
        /// How often was looked.
        looks: u32,
    },
    /// Nobody answers.
    NoAck,
    /// Data came with the wrong parity.
    Parity,
    /// Something else, by the probe's own number.
    Other(u32),
}

/// How far a batch got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Steps that completed.
    pub done: usize,
    /// Words that completed in the step that did not.
    pub words: usize,
    /// The values of all completed reads, words of block reads included, in order.
    pub values: Vec<u32>,
    /// How it ended.
    pub status: MemStatus,
}

/// A probe that has memory commands of its own. Like [`Link`](crate::Link) it returns what happened and does not decide.
pub trait Mem {
    /// Performs a batch as far as it goes.
    ///
    /// # Errors
    /// When the pipe fails or the answer makes no sense.
    fn batch(&mut self, batch: &Batch) -> Result<Answer, LinkError>;

    /// Puts a mark into the recording.
    fn mark(&mut self, mark: &Mark);
}

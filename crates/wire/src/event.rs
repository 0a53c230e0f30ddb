//! Levels of a trace, how sure it is, memory accesses and marks.

use crate::{Addr, ApSel, Width};
use std::fmt;

/// The levels at which one and the same session can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// 0: USB transfers.
    Usb,
    /// 1: probe commands.
    Command,
    /// 2: SWD transactions.
    Transaction,
    /// 3: memory accesses, and the DP/AP accesses that are not part of one.
    Access,
    /// 4: register and field names.
    Meaning,
    /// 5: actions such as "unlock option bytes".
    Action,
}

impl Level {
    /// All levels, lowest first.
    pub const ALL: [Level; 6] =
        [Level::Usb, Level::Command, Level::Transaction, Level::Access, Level::Meaning, Level::Action];

    /// The number people type: 0 to 5.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The level with this number.
    pub fn from_number(n: u8) -> Option<Level> {
        Level::ALL.get(usize::from(n)).copied()
    }
}

/// How sure a trace is of an event that it derived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Certainty {
    /// It stands in the recording.
    Explicit,
    /// It follows from the recording by a published rule.
    Deterministic,
    /// It is likely, from how such probes behave.
    Inferred,
    /// It rests on something that the recording does not show and that is usually so.
    Assumed,
    /// It happened inside the probe; only its effect is known.
    Hidden,
}

/// One memory access through a MEM-AP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Access {
    /// The access port.
    pub ap: ApSel,
    /// The address.
    pub at: Addr,
    /// The width.
    pub width: Width,
    /// `true` for a write.
    pub write: bool,
    /// What was read or written; `None` when it is not known (a read that failed).
    pub value: Option<u32>,
}

/// What a mark is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MarkKind {
    /// A step of a plan begins or ends.
    Step,
    /// A try of something begins.
    Attempt,
    /// The host waited on purpose.
    Sleep,
    /// What the policy is, or a change of it.
    Policy,
    /// What somebody did to the board.
    Bench,
    /// Anything else worth reading.
    Note,
}

impl MarkKind {
    /// The word used in files.
    pub const fn word(self) -> &'static str {
        match self {
            MarkKind::Step => "step",
            MarkKind::Attempt => "attempt",
            MarkKind::Sleep => "sleep",
            MarkKind::Policy => "policy",
            MarkKind::Bench => "bench",
            MarkKind::Note => "note",
        }
    }

    /// The kind for a word; anything unknown is a note.
    pub fn from_word(word: &str) -> MarkKind {
        match word {
            "step" => MarkKind::Step,
            "attempt" => MarkKind::Attempt,
            "sleep" => MarkKind::Sleep,
            "policy" => MarkKind::Policy,
            "bench" => MarkKind::Bench,
            _ => MarkKind::Note,
        }
    }
}

/// A line that the driver writes into the recording so that a reader knows what it was about to do. Never secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// What it is about.
    pub kind: MarkKind,
    /// For a reader.
    pub text: String,
}

impl Mark {
    /// A mark of this kind.
    pub fn new(kind: MarkKind, text: impl Into<String>) -> Self {
        Mark { kind, text: text.into() }
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind.word(), self.text)
    }
}

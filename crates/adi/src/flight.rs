//! The flight recorder: the last accesses, always on.

use crate::Doing;
use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;
use wire::Ack;

/// How many accesses are kept. Enough to see a whole key sequence and what led to it, small enough to read.
const LENGTH: usize = 128;

/// The value of an access, as far as it may be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// There is none: the access failed, or it has no value.
    Nothing,
    /// The value.
    Value(u32),
    /// This many words.
    Words(usize),
    /// A secret.
    Hidden,
}

/// One access.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flown {
    /// When it ended.
    pub at: Duration,
    /// What it was.
    pub what: Doing,
    /// Its value.
    pub seen: Seen,
    /// How it was answered.
    pub ack: Ack,
    /// How often the engine went on after a WAIT.
    pub waits: u32,
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Seen::Nothing => Ok(()),
            Seen::Value(value) => write!(f, " = {value:#010x}"),
            Seen::Words(count) => write!(f, ", {count} words"),
            Seen::Hidden => f.write_str(" = (secret)"),
        }
    }
}

impl fmt::Display for Flown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>14.6} ms  {}{}", self.at.as_secs_f64() * 1e3, self.what, self.seen)?;
        if self.ack != Ack::OK {
            write!(f, "  {}", self.ack)?;
        }
        if self.waits > 0 { write!(f, "  after {} WAITs", self.waits) } else { Ok(()) }
    }
}

/// A ring of the last accesses. Prints as one line each, oldest first.
#[derive(Debug, Clone)]
pub struct Flight {
    ring: VecDeque<Flown>,
    length: usize,
    total: u64,
}

impl Default for Flight {
    fn default() -> Self {
        Flight { ring: VecDeque::new(), length: LENGTH, total: 0 }
    }
}

impl Flight {
    /// The accesses that are still remembered, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Flown> + '_ {
        self.ring.iter()
    }

    /// How many accesses there were in all.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.total
    }

    /// From now on nothing is forgotten.
    pub(crate) const fn keep_all(&mut self) {
        self.length = usize::MAX;
    }

    pub(crate) fn push(&mut self, flown: Flown) {
        if self.ring.len() == self.length {
            self.ring.pop_front();
        }
        self.ring.push_back(flown);
        self.total += 1;
    }
}

impl fmt::Display for Flight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kept = u64::try_from(self.ring.len()).unwrap_or(u64::MAX);
        if self.total > kept {
            writeln!(f, "({} earlier accesses not shown)", self.total - kept)?;
        }
        self.ring.iter().try_for_each(|flown| writeln!(f, "{flown}"))
    }
}

//! What is compared: where something goes, with what value, and how it ended.

use crate::Secrets;
use crate::action::ActionKind;
use crate::event::Match;
use wire::{Ack, Addr, ApSel, Port, RegSel, Width};

/// A value as far as its trace shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Value {
    Known(u32),
    /// A secret of which the recording holds a mask, which says nothing across two recordings.
    Masked,
    /// The source does not say it.
    Unknown,
}

impl Value {
    /// A value of a recording that holds `secrets` in this way.
    pub(super) fn of(value: Option<u32>, secret: bool, secrets: Secrets) -> Value {
        match value {
            _ if secret && secrets == Secrets::Masked => Value::Masked,
            Some(value) => Value::Known(value),
            None => Value::Unknown,
        }
    }

    /// Whether nothing says that the two differ.
    fn may_be(self, other: Value) -> bool {
        !matches!((self, other), (Value::Known(a), Value::Known(b)) if a != b)
    }
}

/// The same where there may be no value at all: a read writes nothing.
fn may_be(a: Option<Value>, b: Option<Value>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a.may_be(b),
        (a, b) => a == b,
    }
}

/// Where an item goes, whatever its value and its outcome.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Place {
    /// A register or a part of memory. Each bit of `lanes` is a byte of the word at `at`; in memory accesses of any width
    /// are alike, and `width` is `None`.
    Memory {
        ap: ApSel,
        at: Addr,
        lanes: u8,
        width: Option<Width>,
    },
    Register {
        port: Port,
        ap: Option<ApSel>,
        bank: Option<u8>,
        a: u8,
    },
    Wire(RegSel),
    Reset(bool),
    Line(Box<str>),
    Bits(Box<[u8]>),
    Action(ActionKind, Box<str>),
    /// What the probe did or refused to do by itself.
    ByProbe(Box<str>),
}

/// What an item is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) place: Place,
    /// `None` for a read.
    pub(super) written: Option<Value>,
    pub(super) ack: Ack,
    /// What a transaction on the wire read, and what a probe waited for; nothing from level 2 on.
    pub(super) read: Option<Value>,
    pub(super) matching: Option<Box<Match>>,
}

impl Key {
    pub(super) fn plain(place: Place) -> Key {
        Key { place, written: None, ack: Ack::OK, read: None, matching: None }
    }

    /// Whether the two are equal as far as both are known.
    pub(super) fn may_be(&self, other: &Key) -> bool {
        (&self.place, self.ack, &self.matching) == (&other.place, other.ack, &other.matching)
            && may_be(self.written, other.written)
            && may_be(self.read, other.read)
    }
}

//! From a trace to the items that are compared.

use super::cells::Cells;
use super::{Equality, Masks, polls};
use crate::Trace;
use crate::action::ActionKind;
use crate::event::{Accessed, Body, Event, Match, OnWire, Procedure, RegisterAccess, Wired};
use regs::{ap, dp};
use std::time::Duration;
use wire::{Ack, Addr, ApSel, Level, Port, RegSel, Width, WireEvent};

/// One thing that is compared with one of the other trace. There are millions of them, so each is small.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// When it began and when it was over, in nanoseconds.
    pub(super) began: u64,
    pub(super) ended: u64,
    /// Its event in the list of its level; of a poll the last.
    pub(super) event: u32,
    /// Events that it consists of.
    pub(super) events: u32,
    /// Turns of a poll, 1 for everything else.
    pub turns: u32,
    /// What it read.
    pub(super) value: Option<u32>,
    /// What it is.
    pub(super) key: Key,
}

/// A value that was written. Secrets are equal to each other: their masks say nothing across two recordings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Written {
    Value(u32),
    Secret,
    Unknown,
}

impl Written {
    pub(super) fn of(value: Option<u32>, secret: bool) -> Written {
        match value {
            _ if secret => Written::Secret,
            Some(value) => Written::Value(value),
            None => Written::Unknown,
        }
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
    pub(super) written: Option<Written>,
    pub(super) ack: Ack,
    /// What a transaction on the wire read, and what a probe waited for; nothing from level 2 on.
    pub(super) read: Option<Written>,
    pub(super) matching: Option<Box<Match>>,
}

impl Key {
    fn plain(place: Place) -> Key {
        Key { place, written: None, ack: Ack::OK, read: None, matching: None }
    }

    /// Whether nothing about the two says that they differ: one of them is secret.
    pub(super) fn may_be(&self, other: &Key) -> bool {
        let hidden = matches!(
            (self.written, other.written),
            (Some(Written::Secret), Some(_)) | (Some(_), Some(Written::Secret))
        );
        hidden && self.place == other.place && self.ack == other.ack
    }
}

impl Item {
    pub(super) fn of(event: &Event, index: usize, key: Key, value: Option<u32>) -> Item {
        let (began, ended) = (nanos(event.at), nanos(event.until));
        Item { began, ended, event: small(index), events: 1, turns: 1, value, key }
    }

    /// When it began.
    pub fn at(&self) -> Duration {
        Duration::from_nanos(self.began)
    }

    /// When it was over.
    pub fn until(&self) -> Duration {
        Duration::from_nanos(self.ended)
    }

    /// Both read the same place and are known to have read something different.
    pub(super) fn gave_another_value_than(&self, other: &Item, masks: &Masks) -> bool {
        let counts = match &self.key.place {
            Place::Memory { at, .. } => !masks.of(*at),
            _ => u32::MAX,
        };
        self.key.written.is_none()
            && matches!((self.value, other.value), (Some(a), Some(b)) if (a ^ b) & counts != 0)
    }

    /// Whether `next` goes on in memory where this ends, in the same direction: then they can be shown as one block.
    pub fn goes_on_in(&self, next: &Item) -> bool {
        let word = |item: &Item| match &item.key.place {
            Place::Memory { ap, at, lanes: 0b1111, width: None } if item.turns == 1 => Some((*ap, *at)),
            _ => None,
        };
        let secret = |item: &Item| item.key.written == Some(Written::Secret);
        match (word(self), word(next)) {
            (Some((a, at)), Some((b, next_at))) => {
                a == b
                    && at.plus(4) == next_at
                    && self.key.written.is_some() == next.key.written.is_some()
                    && secret(self) == secret(next)
            }
            _ => false,
        }
    }

    /// The item in words, as the trace that it is from shows its events.
    pub fn text(&self, trace: &Trace, level: Equality) -> String {
        self.text_of_block(1, trace, level)
    }

    /// So many items, of which this is the first and each [goes on](Item::goes_on_in) in the next, in words.
    pub fn text_of_block(&self, items: u32, trace: &Trace, level: Equality) -> String {
        let list = match level {
            Equality::Transactions => trace.events(Level::Transaction),
            Equality::Actions => trace.events(Level::Action),
            _ => trace.accesses(),
        };
        let Some(event) = usize::try_from(self.event).ok().and_then(|n| list.get(n)) else {
            return String::new();
        };
        let mut event = event.clone();
        if event.level == Level::Access {
            event.level = Level::Meaning;
        }
        if let (Body::Access(a), Place::Memory { at, lanes, width: None, .. }) =
            (&mut event.body, &self.key.place)
        {
            if *lanes == 0b1111 {
                a.access.at = *at;
                a.access.width = Width::Word;
                a.access.value = match self.key.written {
                    Some(Written::Value(value)) => Some(value),
                    Some(_) => a.access.value,
                    None => self.value,
                };
                a.run = items;
            } else {
                a.run = self.events;
            }
        }
        let mut text = crate::line(&event);
        if self.turns > 1 {
            text.push_str(&format!(" (×{})", self.turns));
        }
        text
    }
}

/// Nanoseconds: 584 years fit.
pub(super) fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

fn small(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

/// The items of a trace.
pub(super) fn items(trace: &Trace, level: Equality) -> Vec<Item> {
    match level {
        Equality::Transactions => wire(trace.events(Level::Transaction)),
        Equality::Performed => performed(trace.accesses()),
        Equality::Accesses => accesses(trace.accesses()),
        Equality::Polls => polls::fold(accesses(trace.accesses())),
        Equality::Actions => polls::fold(actions(trace)),
    }
}

fn wire(events: &[Event]) -> Vec<Item> {
    let mut items = Vec::with_capacity(events.len());
    for (index, event) in events.iter().enumerate() {
        if let Body::Wire(wired) = &event.body {
            items.push(Item::of(event, index, on_wire(wired), None));
        }
    }
    items
}

fn on_wire(wired: &Wired) -> Key {
    match &wired.what {
        OnWire::Event(WireEvent::Transaction(t)) => Key {
            written: (!t.read).then(|| Written::of(t.data.or(wired.refused), wired.secret)),
            ack: t.ack,
            read: t.read.then(|| Written::of(t.data, wired.secret)),
            matching: wired.matching.map(Box::new),
            ..Key::plain(Place::Wire(t.reg))
        },
        OnWire::Event(WireEvent::Reset(low)) => Key::plain(Place::Reset(*low)),
        OnWire::Event(event) => Key::plain(Place::Line(format!("{event:?}").into())),
        OnWire::Bits { data, .. } => Key::plain(Place::Bits(data.as_slice().into())),
        OnWire::Unreadable(unreadable) => Key::plain(Place::Bits(unreadable.data.as_slice().into())),
        OnWire::Lost => Key { ack: Ack::NONE, ..Key::plain(Place::Bits(Box::default())) },
    }
}

/// Level 2: everything that was performed or finally refused, in the order of the wire.
fn performed(lifted: &[Event]) -> Vec<Item> {
    let mut items = Vec::with_capacity(lifted.len());
    for (index, event) in lifted.iter().enumerate() {
        let found = match &event.body {
            Body::Access(a) => access(a),
            Body::Register(r) if r.redundant && r.ack == Ack::OK => continue,
            // The look at RDBUFF by which the probe's firmware ends each packet.
            Body::Register(r) if r.housekeeping && !r.write => continue,
            Body::Register(r) => register(r),
            Body::Line(WireEvent::Reset(low)) => (Key::plain(Place::Reset(*low)), None),
            _ => continue,
        };
        items.push(Item::of(event, index, found.0, found.1));
    }
    items
}

/// Level 3.
fn accesses(lifted: &[Event]) -> Vec<Item> {
    let mut cells = Cells::with_capacity(lifted.len());
    for (index, event) in lifted.iter().enumerate() {
        match &event.body {
            Body::Access(a) => cells.access(event, index, a),
            body => {
                if let Some((key, value)) = beside_memory(body) {
                    cells.other(Item::of(event, index, key, value));
                }
            }
        }
    }
    cells.finish()
}

/// What counts at level 3 beside accesses to memory.
fn beside_memory(body: &Body) -> Option<(Key, Option<u32>)> {
    match body {
        Body::Register(r) if counts(r) => Some(register(r)),
        Body::Line(WireEvent::Reset(low)) => Some((Key::plain(Place::Reset(*low)), None)),
        Body::ByProbe(done) if done.what == Procedure::Access => {
            Some((Key::plain(Place::ByProbe(done.text.as_str().into())), None))
        }
        _ => None,
    }
}

/// Whether a register access is more than the machinery around memory accesses: an AP register that is neither of SELECT, CSW
/// and TAR nor its identification, and DAPABORT.
fn counts(r: &RegisterAccess) -> bool {
    match r.port {
        Port::Dp => {
            r.write && r.a == dp::ABORT && r.value.is_some_and(|value| value & dp::abort::DAPABORT != 0)
        }
        Port::Ap => {
            let offset = r.bank.map(|bank| bank << 4 | r.a & 0xC);
            let machinery = [ap::CSW, ap::TAR, ap::TAR_HI, ap::CFG, ap::BASE, ap::BASE_HI, ap::IDR];
            !offset.is_some_and(|offset| machinery.contains(&offset))
        }
    }
}

fn register(r: &RegisterAccess) -> (Key, Option<u32>) {
    let place = Place::Register { port: r.port, ap: r.ap, bank: r.bank, a: r.a };
    let written = r.write.then(|| Written::of(r.value, r.secret));
    let value = r.value.filter(|_| !r.write && !r.secret);
    (Key { written, ack: r.ack, ..Key::plain(place) }, value)
}

/// An access as it is, width and all.
pub(super) fn access(a: &Accessed) -> (Key, Option<u32>) {
    let lanes = lanes(a.access.at, a.access.width);
    let Accessed { access, .. } = a;
    let place = Place::Memory { ap: access.ap, at: access.at, lanes, width: Some(access.width) };
    let written = access.write.then(|| Written::of(access.value, a.secret));
    let value = access.value.filter(|_| !access.write && !a.secret);
    (Key { written, ack: a.ack, ..Key::plain(place) }, value)
}

/// The bytes of its word that an access moves.
pub(super) fn lanes(at: Addr, width: Width) -> u8 {
    let all: u8 = match width {
        Width::Byte => 0b1,
        Width::Half => 0b11,
        Width::Word => 0b1111,
    };
    all << (at.0 & 3)
}

/// Level 5.
fn actions(trace: &Trace) -> Vec<Item> {
    let mut cells = Cells::default();
    for (index, event) in trace.events(Level::Action).iter().enumerate() {
        match &event.body {
            Body::Action(action) if action.kind == ActionKind::Connect => {}
            // Waiting is reading until it fits, however often and whoever looks.
            Body::Action(action) if action.kind == ActionKind::Wait => {
                let waited = trace.events(Level::Meaning).get(action.of.start);
                if let Some(Body::Access(a)) = waited.map(|event| &event.body) {
                    let (key, value) = access(a);
                    cells.other(Item::of(event, index, key, value));
                }
            }
            Body::Action(action) => {
                // Whether a value is secret is something that a recording knows or not, not something that is done.
                let core = action.core.replace(&format!(" {}", crate::name::SECRET), "");
                let key = Key::plain(Place::Action(action.kind, core.into()));
                cells.other(Item::of(event, index, key, None));
            }
            Body::Access(a) => cells.other(Item::of(event, index, access(a).0, access(a).1)),
            body => {
                if let Some((key, value)) = beside_memory(body) {
                    cells.other(Item::of(event, index, key, value));
                }
            }
        }
    }
    cells.finish()
}

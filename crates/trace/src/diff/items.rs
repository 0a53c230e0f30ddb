//! From a trace to the items that are compared.

use super::cells::Cells;
use super::key::{Key, Place, Value};
use super::{Equality, Masks, polls};
use crate::action::ActionKind;
use crate::event::{Accessed, Body, Event, OnWire, Procedure, RegisterAccess, Wired};
use crate::{Names, Secrets, Trace};
use regs::{ap, dp};
use std::time::Duration;
use wire::{Ack, Addr, Level, Port, Width, WireEvent};

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
    pub(super) read: Option<Value>,
    /// Its value must not be shown, whether it is known or not.
    pub(super) secret: bool,
    /// What it is.
    pub(super) key: Key,
}

impl Item {
    pub(super) fn of(event: &Event, index: usize, key: Key, read: Option<Value>) -> Item {
        let (began, ended) = (nanos(event.at), nanos(event.until));
        let secret = match &event.body {
            Body::Access(a) => a.secret,
            Body::Register(r) => r.secret,
            Body::Wire(w) => w.secret,
            _ => false,
        };
        Item { began, ended, event: small(index), events: 1, turns: 1, read, secret, key }
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
    pub(super) fn gave_another_value_than(&self, other: &Item, masks: &Masks, names: Names) -> bool {
        let counts = match &self.key.place {
            Place::Memory { at, .. } => !masks.of(*at, names),
            _ => u32::MAX,
        };
        matches!((self.read, other.read), (Some(Value::Known(a)), Some(Value::Known(b))) if (a ^ b) & counts != 0)
    }

    /// Both are known to have moved something different, and neither may be shown.
    pub(super) fn keeps_another_secret_than(&self, other: &Item) -> bool {
        let known = |item: &Item| [item.key.written, item.read, item.key.read].into_iter().flatten().next();
        let apart =
            matches!((known(self), known(other)), (Some(Value::Known(a)), Some(Value::Known(b))) if a != b);
        apart && self.secret && other.secret
    }

    /// How much it moves.
    pub(super) fn bytes(&self) -> u32 {
        match &self.key.place {
            Place::Memory { lanes, .. } => lanes.count_ones(),
            _ => 4,
        }
    }

    /// Whether `next` goes on in memory where this ends, in the same direction: then they can be shown as one block.
    pub fn goes_on_in(&self, next: &Item) -> bool {
        let word = |item: &Item| match &item.key.place {
            Place::Memory { ap, at, lanes: 0b1111, width: None } if item.turns == 1 => Some((*ap, *at)),
            _ => None,
        };
        match (word(self), word(next)) {
            (Some((a, at)), Some((b, next_at))) => {
                a == b
                    && at.plus(4) == next_at
                    && self.key.written.is_some() == next.key.written.is_some()
                    && self.secret == next.secret
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
                a.access.value = match self.key.written.or(self.read) {
                    Some(Value::Known(value)) => Some(value),
                    // It is shown as a secret.
                    Some(Value::Masked) => a.access.value,
                    _ => None,
                };
                a.run = items;
            } else {
                a.run = self.events;
            }
        }
        if self.secret {
            hide(&mut event.body);
        }
        let mut text = crate::line(&event);
        if self.turns > 1 {
            text.push_str(&format!(" (×{})", self.turns));
        }
        text
    }
}

/// Marks a value as one that must not be shown.
fn hide(body: &mut Body) {
    match body {
        Body::Access(a) => a.secret = true,
        Body::Register(r) => r.secret = true,
        Body::Wire(w) => w.secret = true,
        _ => {}
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
    let secrets = trace.secrets();
    match level {
        Equality::Transactions => wire(trace.events(Level::Transaction), secrets),
        Equality::Performed => performed(trace.accesses(), secrets),
        Equality::Accesses => accesses(trace.accesses(), secrets),
        Equality::Polls => polls::fold(accesses(trace.accesses(), secrets)),
        Equality::Actions => polls::fold(actions(trace)),
    }
}

fn wire(events: &[Event], secrets: Secrets) -> Vec<Item> {
    let mut items = Vec::with_capacity(events.len());
    for (index, event) in events.iter().enumerate() {
        if let Body::Wire(wired) = &event.body {
            items.push(Item::of(event, index, on_wire(wired, secrets), None));
        }
    }
    items
}

fn on_wire(wired: &Wired, secrets: Secrets) -> Key {
    match &wired.what {
        OnWire::Event(WireEvent::Transaction(t)) => Key {
            written: (!t.read).then(|| Value::of(t.data.or(wired.refused), wired.secret, secrets)),
            ack: t.ack,
            read: t.read.then(|| Value::of(t.data, wired.secret, secrets)),
            matching: wired.matching.map(Box::new),
            ..Key::plain(Place::Wire(t.reg))
        },
        OnWire::Event(WireEvent::Reset(low)) => Key::plain(Place::Reset(*low)),
        OnWire::Event(event) => Key::plain(Place::Line(format!("{event:?}").into())),
        OnWire::Bits { data, .. } => Key::plain(Place::Bits(data.as_slice().into())),
        OnWire::Unreadable(unreadable) => Key::plain(Place::Bits(unreadable.data.as_slice().into())),
        OnWire::Gap(_) => hole(),
        OnWire::Lost => Key { ack: Ack::NONE, ..Key::plain(Place::Bits(Box::default())) },
    }
}

/// Nobody knows what was done here.
fn hole() -> Key {
    Key { ack: Ack::NONE, ..Key::plain(Place::Line("hole".into())) }
}

/// Level 2: everything that was performed or finally refused, in the order of the wire.
fn performed(lifted: &[Event], secrets: Secrets) -> Vec<Item> {
    let mut items = Vec::with_capacity(lifted.len());
    for (index, event) in lifted.iter().enumerate() {
        let found = match &event.body {
            Body::Access(a) => access(a, secrets),
            Body::Register(r) if r.redundant && r.ack == Ack::OK => continue,
            // The look at RDBUFF by which the probe's firmware ends each packet.
            Body::Register(r) if r.housekeeping && !r.write => continue,
            Body::Register(r) => register(r, secrets),
            Body::Line(WireEvent::Reset(low)) => (Key::plain(Place::Reset(*low)), None),
            Body::Gap(_) => (hole(), None),
            _ => continue,
        };
        items.push(Item::of(event, index, found.0, found.1));
    }
    items
}

/// Level 3.
fn accesses(lifted: &[Event], secrets: Secrets) -> Vec<Item> {
    let mut cells = Cells::with_capacity(lifted.len(), secrets);
    for (index, event) in lifted.iter().enumerate() {
        match &event.body {
            Body::Access(a) => cells.access(event, index, a),
            body => {
                if let Some((key, value)) = beside_memory(body, secrets) {
                    cells.other(Item::of(event, index, key, value));
                }
            }
        }
    }
    cells.finish()
}

/// What counts at level 3 beside accesses to memory.
fn beside_memory(body: &Body, secrets: Secrets) -> Option<(Key, Option<Value>)> {
    match body {
        Body::Register(r) if counts(r) => Some(register(r, secrets)),
        Body::Line(WireEvent::Reset(low)) => Some((Key::plain(Place::Reset(*low)), None)),
        Body::Gap(_) => Some((hole(), None)),
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
            let machinery = [ap::CSW, ap::TAR, ap::TAR_HI, ap::CFG, ap::BASE, ap::BASE_HI, ap::IDR];
            !r.offset().is_some_and(|offset| machinery.contains(&offset))
        }
    }
}

fn register(r: &RegisterAccess, secrets: Secrets) -> (Key, Option<Value>) {
    let place = Place::Register { port: r.port, ap: r.ap, bank: r.bank, a: r.a };
    let (written, read) = moved(r.write, r.ack, Value::of(r.value, r.secret, secrets));
    (Key { written, ack: r.ack, ..Key::plain(place) }, read)
}

/// An access as it is, width and all.
pub(super) fn access(a: &Accessed, secrets: Secrets) -> (Key, Option<Value>) {
    let lanes = lanes(a.access.at, a.access.width);
    let Accessed { access, .. } = a;
    let place = Place::Memory { ap: access.ap, at: access.at, lanes, width: Some(access.width) };
    let (written, read) = moved(access.write, a.ack, Value::of(access.value, a.secret, secrets));
    (Key { written, ack: a.ack, ..Key::plain(place) }, read)
}

/// A value as the one that was written or the one that was read. A read that was refused read nothing.
fn moved(write: bool, ack: Ack, value: Value) -> (Option<Value>, Option<Value>) {
    if write { (Some(value), None) } else { (None, Some(value).filter(|_| ack == Ack::OK)) }
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
    let secrets = trace.secrets();
    let mut cells = Cells::with_capacity(0, secrets);
    for (index, event) in trace.events(Level::Action).iter().enumerate() {
        match &event.body {
            Body::Action(action) if action.kind == ActionKind::Connect => {}
            // Waiting is reading until it fits, however often and whoever looks.
            Body::Action(action) if action.kind == ActionKind::Wait => {
                let waited = trace.events(Level::Meaning).get(action.of.start);
                if let Some(Body::Access(a)) = waited.map(|event| &event.body) {
                    let (key, value) = access(a, secrets);
                    cells.other(Item::of(event, index, key, value));
                }
            }
            Body::Action(action) => {
                // Whether a value is secret is something that a recording knows or not, not something that is done.
                let core = action.core.replace(&format!(" {}", crate::name::SECRET), "");
                let key = Key::plain(Place::Action(action.kind, core.into()));
                cells.other(Item::of(event, index, key, None));
            }
            Body::Access(a) => {
                let (key, value) = access(a, secrets);
                cells.other(Item::of(event, index, key, value));
            }
            body => {
                if let Some((key, value)) = beside_memory(body, secrets) {
                    cells.other(Item::of(event, index, key, value));
                }
            }
        }
    }
    cells.finish()
}

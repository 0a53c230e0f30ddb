//! Transactions of which SELECT is not to be seen: each stands for itself.
//!
//! An ST-Link spells out single registers and keeps SELECT to itself [STL-10], so a list of what is seen of it says neither
//! which access port nor which bank a transaction went to, and each read has its own value: the probe has fetched it.

use crate::event::{Body, Event, Missing, OnWire, RegisterAccess, Repeats, Wired};
use regs::dp;
use wire::{Level, Port, Transaction, WireEvent};

/// Lifts a list of level 2 events of a source that hides the rest of them.
pub(crate) fn spelled_out(wire: &[Event]) -> Vec<Event> {
    let lifted = |(index, event): (usize, &Event)| {
        let Body::Wire(wired) = &event.body else { return None };
        let body = body(wired)?;
        Some(Event { level: Level::Access, cause: Some(index), body, ..event.clone() })
    };
    wire.iter().enumerate().filter_map(lifted).collect()
}

fn body(wired: &Wired) -> Option<Body> {
    match &wired.what {
        OnWire::Event(WireEvent::Transaction(transaction)) => {
            Some(Body::Register(register(wired, transaction)))
        }
        OnWire::Event(line) => Some(Body::Line(line.clone())),
        OnWire::Gap(records) => Some(Body::Gap(*records)),
        OnWire::Bits { .. } | OnWire::Lost | OnWire::Unreadable(_) => None,
    }
}

fn register(wired: &Wired, t: &Transaction) -> RegisterAccess {
    let banked = t.reg.port == Port::Ap || t.reg.a == dp::CTRL_STAT;
    RegisterAccess {
        port: t.reg.port,
        ap: None,
        bank: None,
        a: t.reg.a,
        write: !t.read,
        value: t.data.or(wired.refused.filter(|_| !t.read)),
        repeats: Repeats { same: 1, first: None, waits: 0 },
        ack: t.ack,
        secret: wired.secret,
        housekeeping: false,
        redundant: false,
        missing: banked.then_some(Missing::Select),
        matching: wired.matching,
    }
}

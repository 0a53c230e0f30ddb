//! Secrets of sources that hold no packets: marked in transactions and in accesses.

use super::{Look, Secrets};
use crate::event::{Body, Event, OnWire, Wired};
use ::wire::{Ack, Port, Transaction, WireEvent};
use regs::dp;
use std::collections::BTreeSet;

/// Marks secret accesses, and the transactions that they were made of. Whether there are any.
pub(crate) fn hide(wire: &mut [Event], lifted: &mut [Event]) -> bool {
    let secrets = Secrets::of(lifted, &Look::default());
    for n in &secrets.accesses {
        let Some(event) = lifted.get_mut(*n) else { continue };
        secret(event);
        let cause = event.cause.unwrap_or(usize::MAX);
        let all = listed(wire, cause).into_iter().chain(fetching(wire, cause));
        for n in all.collect::<Vec<_>>() {
            wire.get_mut(n).into_iter().for_each(secret);
        }
    }
    wire.iter_mut().filter(|event| holds_one_of(&secrets.values, event)).for_each(secret);
    !secrets.accesses.is_empty()
}

/// Makes what is marked a value like all others.
pub(crate) fn show(event: &mut Event) {
    set(event, false);
}

fn secret(event: &mut Event) {
    set(event, true);
}

fn set(event: &mut Event, secret: bool) {
    match &mut event.body {
        Body::Access(access) => access.secret = secret,
        Body::Register(register) => register.secret = secret,
        Body::Wire(wired) => wired.secret = secret,
        _ => {}
    }
}

fn transaction(event: &Event) -> Option<&Transaction> {
    match &event.body {
        Body::Wire(Wired { what: OnWire::Event(WireEvent::Transaction(transaction)), .. }) => {
            Some(transaction)
        }
        _ => None,
    }
}

/// Whether a transaction moves data that are one of these values.
fn holds_one_of(values: &BTreeSet<u32>, event: &Event) -> bool {
    let moves = |t: &&Transaction| t.reg.port == Port::Ap || fetches(t);
    let value = transaction(event).filter(moves).and_then(|t| t.data);
    value.is_some_and(|value| values.contains(&value))
}

/// Whether a transaction gives the value of the read before it.
fn fetches(t: &Transaction) -> bool {
    t.read && (t.reg.port == Port::Ap || t.reg.a == dp::RDBUFF)
}

/// The transactions of an access that began at `first`: those that were answered WAIT and repeated, the one that was not, and
/// behind a read the reads of RDBUFF that follow at once.
pub(super) fn listed(wire: &[Event], first: usize) -> Vec<usize> {
    let Some(begun) = wire.get(first).and_then(transaction) else { return Vec::new() };
    let mut found = Vec::new();
    let mut performed = false;
    for (n, t) in (first..).zip(wire.get(first..).unwrap_or_default().iter().map_while(transaction)) {
        let same = (t.reg, t.read) == (begun.reg, begun.read);
        let rdbuff = t.reg.port == Port::Dp && fetches(t);
        let belongs = if performed { begun.read && rdbuff } else { same };
        if !belongs {
            break;
        }
        found.push(n);
        performed |= t.ack != Ack::WAIT;
    }
    found
}

/// The transaction that gives the value of a read that began at `first`.
fn fetching(wire: &[Event], first: usize) -> Option<usize> {
    let begun = wire.get(first).and_then(transaction).filter(|t| t.read && t.reg.port == Port::Ap)?;
    let performed = listed(wire, first).into_iter().find(|n| {
        wire.get(*n).and_then(transaction).is_some_and(|t| t.reg == begun.reg && t.ack != Ack::WAIT)
    })?;
    let behind = wire.iter().enumerate().skip(performed + 1);
    let all = behind.map_while(|(n, event)| Some((n, transaction(event)?)));
    // A write to an access port ends what was posted.
    let posted = all.take_while(|(_, t)| t.read || t.reg.port == Port::Dp || t.ack != Ack::OK);
    let mut fetching = posted.filter(|(_, t)| fetches(t) && t.ack == Ack::OK);
    fetching.next().map(|(n, _)| n)
}

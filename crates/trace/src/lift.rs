//! Lifting: from transactions to memory accesses. [ADI-3] [ADI-7] [ADI-12]
//!
//! Follows SELECT and, for every access port, CSW and TAR, so that an access to DRW or BD0 to BD3 becomes a memory access.
//! A posted read gets its value from the transaction that fetches it; a transaction that was answered WAIT and repeated
//! becomes one access with a count. What was not seen is not guessed: an access whose address or width is not known stays
//! an access to DRW, and says what is missing.

mod ap;
pub(crate) mod native;

use crate::event::{Accessed, Body, Event, Match, Missing, OnWire, RegisterAccess, Repeats, Wired};
use ap::{Ap, Lane, Place};
use regs::{ap as mem_ap, dp};
use std::collections::BTreeMap;
use wire::{Access, Ack, ApSel, Certainty, Level, Port, RegSel, Transaction, WireEvent};

/// Lifts a whole list of level 2 events. Nothing is left out: SELECT, CSW and TAR writes are marked as housekeeping.
pub(crate) fn lift(wire: &[Event]) -> Vec<Event> {
    let mut state = Lift { out: Vec::with_capacity(wire.len()), ..Lift::default() };
    for (index, event) in wire.iter().enumerate() {
        if let Body::Wire(wired) = &event.body {
            state.take(index, event, wired);
        }
    }
    state.give_up_waiting();
    state.out
}

/// An access-port read whose value has not come yet.
#[derive(Debug, Clone, Copy)]
struct Posted {
    /// First event that waits for it, and how many (packed reads make several).
    first: usize,
    count: usize,
    /// The register, for CSW and TAR, whose value then is known.
    register: Option<(u8, u8)>,
    /// The firmware posted it of its own accord, to begin a value match.
    implied: bool,
}

/// A transaction that was answered WAIT, and may be repeated.
#[derive(Debug)]
struct Waiting {
    source: Source,
    transaction: Transaction,
    waits: u32,
}

/// Where a lifted event comes from.
#[derive(Debug, Clone, Copy)]
struct Source {
    index: usize,
    at: std::time::Duration,
    until: std::time::Duration,
    certainty: Certainty,
    order: u64,
    secret: bool,
    implied: bool,
    matching: Option<Match>,
}

#[derive(Debug, Default)]
struct Lift {
    out: Vec<Event>,
    select: Option<u32>,
    aps: BTreeMap<u8, Ap>,
    posted: Option<Posted>,
    waiting: Option<Waiting>,
}

/// What a transaction is about, before it is known how it ended.
enum Target {
    Register { port: Port, ap: Option<u8>, bank: Option<u8>, missing: Option<Missing> },
    Memory { ap: u8, place: Place },
}

impl Lift {
    fn take(&mut self, index: usize, event: &Event, wired: &Wired) {
        let source = Source {
            index,
            at: event.at,
            until: event.until,
            certainty: event.certainty,
            order: event.order,
            secret: wired.secret,
            implied: wired.implied,
            matching: wired.matching,
        };
        match &wired.what {
            OnWire::Event(WireEvent::Transaction(transaction)) => {
                let data = transaction.data.or(wired.refused.filter(|_| !transaction.read));
                self.transaction(source, Transaction { data, ..*transaction });
            }
            OnWire::Event(line) => self.line(source, line),
            OnWire::Bits { .. } => {}
            OnWire::Lost | OnWire::Unreadable(_) => {
                self.give_up_waiting();
                self.forget();
            }
        }
    }

    fn forget(&mut self) {
        self.posted = None;
        self.select = None;
        self.aps.clear();
    }

    fn line(&mut self, source: Source, line: &WireEvent) {
        self.give_up_waiting();
        match line {
            WireEvent::LineReset => self.posted = None,
            // The port may have been without power, or in JTAG, where others may have used it.
            WireEvent::Switch(_) => self.forget(),
            _ => {}
        }
        self.push(source, Body::Line(line.clone()));
    }

    fn transaction(&mut self, source: Source, t: Transaction) {
        let (mut source, mut waits) = (source, 0);
        match self.waiting.take() {
            Some(before) if same(&before.transaction, &t) => {
                waits = before.waits;
                source.at = before.source.at;
                source.index = before.source.index;
                source.order = before.source.order;
            }
            Some(before) => {
                self.waiting = Some(before);
                self.give_up_waiting();
            }
            None => {}
        }
        if t.ack == Ack::WAIT {
            self.waiting = Some(Waiting { source, transaction: t, waits: waits + 1 });
            return;
        }
        let repeats = Repeats { same: 1, first: None, waits };
        // A read whose data came with wrong parity was performed all the same.
        if t.ack == Ack::OK || t.ack == Ack::PARITY && t.read {
            self.performed(source, t, repeats);
        } else {
            self.refused(source, t, repeats);
        }
    }

    /// The host did not repeat what was answered WAIT.
    fn give_up_waiting(&mut self) {
        if let Some(Waiting { source, transaction, waits }) = self.waiting.take() {
            self.refused(source, transaction, Repeats { same: 1, first: None, waits });
        }
    }

    fn target(&self, reg: RegSel) -> Target {
        if reg.port == Port::Dp {
            let bank = self.select.map(ap::low4);
            return Target::Register { port: Port::Dp, ap: None, bank, missing: None };
        }
        let Some(select) = self.select else {
            let missing = Some(Missing::Select);
            return Target::Register { port: Port::Ap, ap: None, bank: None, missing };
        };
        let (number, bank) = (ap::apsel(select), ap::low4(select >> 4));
        match self.aps.get(&number).copied().unwrap_or_default().place(bank, reg.a) {
            Some(Ok(place)) => Target::Memory { ap: number, place },
            Some(Err(missing)) => {
                let missing = Some(missing);
                Target::Register { port: Port::Ap, ap: Some(number), bank: Some(bank), missing }
            }
            None => Target::Register { port: Port::Ap, ap: Some(number), bank: Some(bank), missing: None },
        }
    }

    fn refused(&mut self, source: Source, t: Transaction, repeats: Repeats) {
        // A FAULT behind a posted read is how the target says that the read went wrong.
        let fetches = t.read && t.reg.port == Port::Dp && t.reg.a == dp::RDBUFF;
        if t.ack == Ack::FAULT && self.fetch(source, t, None) && fetches {
            return;
        }
        let value = if t.read { None } else { t.data };
        match self.target(t.reg) {
            Target::Memory { ap, place } => {
                let at = place.lanes.first().map_or_else(Default::default, |lane| *lane);
                self.push(source, access(source, ap, at, &t, value, repeats));
            }
            Target::Register { port, ap, bank, missing } => {
                let body = RegisterAccess {
                    port,
                    ap: ap.map(ApSel),
                    bank,
                    a: t.reg.a,
                    write: !t.read,
                    value,
                    repeats,
                    ack: t.ack,
                    secret: source.secret,
                    housekeeping: false,
                    redundant: false,
                    missing,
                    matching: source.matching,
                };
                self.push(source, Body::Register(body));
            }
        }
    }

    fn performed(&mut self, source: Source, t: Transaction, repeats: Repeats) {
        if let (Some(_), Some(posted)) = (source.matching, self.posted.filter(|posted| posted.implied)) {
            // The read that began the match is no access of its own.
            self.out.truncate(posted.first);
            self.posted = None;
        }
        let value = if t.ack == Ack::OK { t.data } else { None };
        let fetches = t.read && (t.reg.port == Port::Ap || t.reg.a == dp::RDBUFF);
        let fetched = fetches && self.fetch(source, t, value);
        match (t.reg.port, t.read) {
            // A read of RDBUFF that fetched a value is part of the access that it belongs to.
            (Port::Dp, true) if t.reg.a == dp::RDBUFF && fetched => {}
            (Port::Dp, _) => self.dp(source, t, value, repeats),
            (Port::Ap, _) => self.ap(source, t, value, repeats),
        }
    }

    /// Gives a posted read its value. Whether there was one.
    fn fetch(&mut self, source: Source, t: Transaction, value: Option<u32>) -> bool {
        let Some(posted) = self.posted.take() else { return false };
        for event in self.out.iter_mut().skip(posted.first).take(posted.count) {
            event.until = source.until;
            match &mut event.body {
                Body::Access(a) => {
                    a.access.value = value.map(|v| ap::lane(v, a.access.at, a.access.width));
                    a.secret |= source.secret;
                    a.ack = t.ack;
                }
                Body::Register(r) => {
                    r.value = value;
                    r.secret |= source.secret;
                    r.ack = t.ack;
                }
                _ => {}
            }
        }
        if let (Some((number, offset)), Some(value)) = (posted.register, value) {
            self.aps.entry(number).or_default().learn(offset, value);
        }
        true
    }

    fn dp(&mut self, source: Source, t: Transaction, value: Option<u32>, repeats: Repeats) {
        let bank = self.select.map(ap::low4);
        let mut redundant = false;
        let mut housekeeping = source.implied && t.read && t.reg.a == dp::RDBUFF;
        if !t.read {
            match (t.reg.a, bank.unwrap_or(0)) {
                (dp::SELECT, _) => {
                    redundant = value.is_some() && self.select == value;
                    self.select = value.filter(|_| !source.secret);
                    housekeeping = true;
                }
                (dp::ABORT, _) if value.is_none_or(|v| v & dp::abort::DAPABORT != 0) => self.aborted(),
                (dp::CTRL_STAT, 0) if value.is_none_or(|v| v & dp::ctrl_stat::CDBGPWRUPREQ == 0) => {
                    // Without power the access ports forget.
                    self.aps.clear();
                }
                _ => {}
            }
        }
        let body = RegisterAccess {
            port: Port::Dp,
            ap: None,
            bank,
            a: t.reg.a,
            write: !t.read,
            value,
            repeats,
            ack: t.ack,
            secret: source.secret,
            housekeeping,
            redundant,
            missing: None,
            matching: source.matching,
        };
        self.push(source, Body::Register(body));
    }

    /// DAPABORT gave up an access: its value will not come, and nobody knows whether TAR moved on.
    fn aborted(&mut self) {
        self.posted = None;
        if let Some(ap) = self.select.and_then(|select| self.aps.get_mut(&ap::apsel(select))) {
            ap.forget_tar();
        }
    }

    fn ap(&mut self, source: Source, t: Transaction, value: Option<u32>, repeats: Repeats) {
        // An AP write ends what a read before it had posted.
        self.posted = None;
        let first = self.out.len();
        let mut register = None;
        match self.target(t.reg) {
            Target::Memory { ap, place } => {
                for lane in place.lanes.iter() {
                    let value = if t.read { None } else { value.map(|v| ap::lane(v, lane.at, lane.width)) };
                    self.push(source, access(source, ap, *lane, &t, value, repeats));
                }
                let state = self.aps.entry(ap).or_default();
                if source.matching.is_some() {
                    // How often the probe read is not known. BDx leaves TAR alone.
                    state.forget_tar_moved_by(&place);
                } else {
                    state.advance(&place);
                }
            }
            Target::Register { port, ap, bank, missing } => {
                let offset = bank.map(|bank| bank << 4 | t.reg.a & 0xC);
                let mut redundant = false;
                let moves = matches!(offset, Some(mem_ap::CSW | mem_ap::TAR | mem_ap::TAR_HI)) && !t.read;
                if let (Some(ap), Some(offset)) = (ap, offset) {
                    register = Some((ap, offset));
                    if !t.read {
                        let state = self.aps.entry(ap).or_default();
                        redundant = value.is_some_and(|value| state.holds(offset, value));
                        state.set(offset, value.filter(|_| !source.secret));
                    } else if missing.is_some() {
                        self.aps.entry(ap).or_default().forget_tar_if_it_moves();
                    }
                }
                let body = RegisterAccess {
                    port,
                    ap: ap.map(ApSel),
                    bank,
                    a: t.reg.a,
                    write: !t.read,
                    value: if t.read { None } else { value },
                    repeats,
                    ack: t.ack,
                    secret: source.secret,
                    housekeeping: moves,
                    redundant,
                    missing,
                    matching: source.matching,
                };
                self.push(source, Body::Register(body));
            }
        }
        if t.read && source.matching.is_none() {
            let count = self.out.len() - first;
            self.posted = Some(Posted { first, count, register, implied: source.implied });
        }
    }

    fn push(&mut self, source: Source, body: Body) {
        self.out.push(Event {
            level: Level::Access,
            at: source.at,
            until: source.until,
            certainty: source.certainty,
            cause: Some(source.index),
            order: source.order,
            body,
        });
        if let Some(event) = self.out.last_mut()
            && let Body::Access(_) = event.body
            && self.select.and_then(|s| self.aps.get(&ap::apsel(s))).is_some_and(|ap| ap.wrapped)
        {
            event.certainty = event.certainty.max(Certainty::Inferred);
        }
    }
}

/// Whether one transaction is the repetition of another.
fn same(a: &Transaction, b: &Transaction) -> bool {
    a.reg == b.reg && a.read == b.read && (a.read || a.data == b.data || a.data.is_none() || b.data.is_none())
}

fn access(source: Source, ap: u8, lane: Lane, t: &Transaction, value: Option<u32>, repeats: Repeats) -> Body {
    Body::Access(Accessed {
        access: Access { ap: ApSel(ap), at: lane.at, width: lane.width, write: !t.read, value },
        run: 1,
        repeats,
        ack: t.ack,
        secret: source.secret,
        matching: source.matching,
    })
}

#[cfg(test)]
mod tests;

//! Lifting: from transactions to memory accesses. [ADI-3] [ADI-7] [ADI-12]
//!
//! Follows SELECT and, for every access port, CSW and TAR, so that an access to DRW or BD0 to BD3 becomes a memory access.
//! A posted read gets its value from the transaction that fetches it; a transaction that was answered WAIT and repeated
//! becomes one access with a count. An access whose address or width is not known stays an access to DRW, and says what is
//! missing.
//!
//! A capture that begins in the middle of a session shows neither SELECT nor CSW before they are written again. What is usual
//! is then assumed ([`Assume`]), and what rests on it says so. Behind a hole nothing is.

mod ap;
pub(crate) mod native;
mod select;
mod spelled;

pub use select::Assume;
pub(crate) use select::tells;
pub(crate) use spelled::spelled_out;

use crate::event::{Accessed, Body, Event, Match, Missing, OnWire, RegisterAccess, Repeats, Wired};
use crate::target::Names;
use ap::{Ap, Lane, Place};
use regs::{ap as mem_ap, dp};
use select::{Chosen, Select, is_hole};
use std::collections::BTreeMap;
use wire::{Access, Ack, ApSel, Certainty, Level, Port, RegSel, Transaction, WireEvent};

/// What lifting gives.
#[derive(Debug, Default)]
pub(crate) struct Lifted {
    pub(crate) events: Vec<Event>,
    /// In ADIv6 access ports have addresses: those of AP0, AP1 and so on.
    pub(crate) ports: Vec<u64>,
}

/// Lifts a whole list of level 2 events. Nothing is left out: SELECT, CSW and TAR writes are marked as housekeeping.
pub(crate) fn lift(wire: &[Event], assume: Assume) -> Lifted {
    let mut state = Lift::assuming(assume, wire);
    state.out.reserve(wire.len());
    state.take(0, wire);
    state.give_up_waiting();
    Lifted { events: state.out, ports: state.select.ports }
}

/// An access-port read whose value has not come yet.
#[derive(Debug, Clone, Copy)]
struct Posted {
    /// First event that waits for it, and how many (packed reads make several).
    first: usize,
    count: usize,
    /// The register, for CSW and TAR, whose value then is known.
    register: Option<Register>,
    /// The firmware posted it of its own accord, to begin a value match.
    implied: bool,
}

/// A register of an access port.
#[derive(Debug, Clone, Copy)]
struct Register {
    ap: u8,
    offset: u8,
    assumed: bool,
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

/// Lifts events of level 2 as they come.
#[derive(Debug, Default)]
pub(crate) struct Lift {
    pub(crate) out: Vec<Event>,
    select: Select,
    aps: BTreeMap<u8, Ap>,
    /// What was not seen of CSW may be taken to be as usual.
    usual: bool,
    /// TARGETSEL as it was written last: each target has its own SELECT.
    target: Option<u32>,
    posted: Option<Posted>,
    waiting: Option<Waiting>,
    /// The last transaction was a write that was accepted.
    written: bool,
}

/// What a transaction is about, before it is known how it ended.
enum Target {
    Register(Named),
    Memory { ap: u8, place: Place },
}

/// A register of the DP or of an access port.
struct Named {
    port: Port,
    ap: Option<u8>,
    bank: Option<u8>,
    missing: Option<Missing>,
    certainty: Certainty,
}

impl Named {
    /// Its access, as far as it is known before it ends.
    fn access(
        &self,
        source: Source,
        t: &Transaction,
        value: Option<u32>,
        repeats: Repeats,
    ) -> RegisterAccess {
        RegisterAccess {
            port: self.port,
            ap: self.ap.map(ApSel),
            bank: self.bank,
            a: t.reg.a,
            write: !t.read,
            value,
            repeats,
            ack: t.ack,
            secret: source.secret,
            housekeeping: false,
            redundant: false,
            missing: self.missing,
            matching: source.matching,
        }
    }
}

impl Lift {
    /// What the beginning is taken to be is told by the first events.
    pub(crate) fn assuming(assume: Assume, beginning: &[Event]) -> Lift {
        let select = Select::assuming(assume, beginning);
        Lift { select, usual: assume != Assume::Nothing, ..Lift::default() }
    }

    /// Takes events, of which the first has this number.
    pub(crate) fn take(&mut self, first: usize, wire: &[Event]) {
        for (index, event) in (first..).zip(wire) {
            if let Body::Wire(wired) = &event.body {
                self.one(index, event, wired);
            }
        }
    }

    /// The first of the events that are out that may change yet.
    pub(crate) fn unsettled(&self) -> Option<usize> {
        self.posted.map(|posted| posted.first)
    }

    /// So many events at the front are gone.
    pub(crate) fn passed(&mut self, count: usize) {
        if let Some(posted) = &mut self.posted {
            posted.first = posted.first.saturating_sub(count);
        }
    }

    /// The addresses of the access ports of ADIv6.
    pub(crate) fn ports(&self) -> &[u64] {
        &self.select.ports
    }

    fn one(&mut self, index: usize, event: &Event, wired: &Wired) {
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
            what if is_hole(what) => {
                self.give_up_waiting();
                self.forget();
                self.select.lose();
                if let OnWire::Gap(records) = what {
                    self.push(source, source.certainty, Body::Gap(*records));
                }
            }
            OnWire::Bits { .. } | OnWire::Lost | OnWire::Gap(_) | OnWire::Unreadable(_) => {}
        }
    }

    fn forget(&mut self) {
        self.posted = None;
        self.select.forget();
        self.forget_ports();
    }

    /// Access ports have lost what they held.
    fn forget_ports(&mut self) {
        self.aps.clear();
        self.usual = false;
    }

    fn line(&mut self, source: Source, line: &WireEvent) {
        self.give_up_waiting();
        match line {
            WireEvent::LineReset => self.posted = None,
            // The port may have been without power, or in JTAG, where others may have used it.
            WireEvent::Switch(_) => self.forget(),
            _ => {}
        }
        self.push(source, Certainty::Explicit, Body::Line(line.clone()));
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
    pub(crate) fn give_up_waiting(&mut self) {
        if let Some(Waiting { source, transaction, waits }) = self.waiting.take() {
            self.refused(source, transaction, Repeats { same: 1, first: None, waits });
        }
    }

    fn target(&mut self, reg: RegSel) -> Target {
        let none =
            Named { port: reg.port, ap: None, bank: None, missing: None, certainty: Certainty::Explicit };
        if reg.port == Port::Dp {
            return Target::Register(Named { bank: self.select.dp_bank(), ..none });
        }
        let Some(Chosen { ap, bank, assumed }) = self.select.chosen() else {
            return Target::Register(Named { missing: Some(Missing::Select), ..none });
        };
        let certainty = if assumed { Certainty::Assumed } else { Certainty::Explicit };
        let known = self.aps.get(&ap).copied().unwrap_or_default();
        let missing = match known.place(bank, reg.a, self.usual) {
            Some(Ok(mut place)) => {
                place.certainty = place.certainty.max(certainty);
                return Target::Memory { ap, place };
            }
            Some(Err(missing)) => Some(missing),
            None => None,
        };
        Target::Register(Named { ap: Some(ap), bank: Some(bank), missing, certainty, ..none })
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
                self.push(source, place.certainty, access(source, ap, at, &t, value, repeats));
            }
            Target::Register(named) => {
                let body = named.access(source, &t, value, repeats);
                self.push(source, named.certainty, Body::Register(body));
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
        self.written = !t.read && t.ack == Ack::OK;
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
        if let (Some(Register { ap, offset, assumed }), Some(value)) = (posted.register, value) {
            self.aps.entry(ap).or_default().learn(offset, value, assumed);
        }
        true
    }

    fn dp(&mut self, source: Source, t: Transaction, value: Option<u32>, repeats: Repeats) {
        let bank = self.select.dp_bank();
        let named = Named { port: Port::Dp, ap: None, bank, missing: None, certainty: Certainty::Explicit };
        let mut body = named.access(source, &t, value, repeats);
        // Behind a write it fetches nothing: whoever looks there wants to see that what was written got through.
        body.housekeeping = (source.implied || self.written) && t.read && t.reg.a == dp::RDBUFF;
        let value = value.filter(|_| !source.secret);
        match (t.read, t.reg.a, bank.unwrap_or(0)) {
            (true, dp::DPIDR, 0) => value.into_iter().for_each(|value| self.select.identified(value)),
            (true, ..) => {}
            (false, dp::SELECT, _) => {
                body.redundant = self.select.write(value);
                body.housekeeping = true;
            }
            (false, dp::SELECT1, dp::bank::SELECT1) => {
                self.select.write_high(value);
                body.housekeeping = true;
            }
            (false, dp::TARGETSEL, _) => self.targeted(value),
            (false, dp::ABORT, _) if value.is_none_or(|v| v & dp::abort::DAPABORT != 0) => self.aborted(),
            (false, dp::CTRL_STAT, 0) if value.is_none_or(|v| v & dp::ctrl_stat::CDBGPWRUPREQ == 0) => {
                // Without power the access ports forget.
                self.forget_ports();
            }
            _ => {}
        }
        self.push(source, Certainty::Explicit, Body::Register(body));
    }

    /// Another target on the same line has a SELECT and access ports of its own.
    fn targeted(&mut self, value: Option<u32>) {
        if self.target.is_some() && self.target != value {
            self.forget();
            self.select.lose();
        }
        self.target = value;
    }

    /// DAPABORT gave up an access: its value will not come, and nobody knows whether TAR moved on.
    fn aborted(&mut self) {
        self.posted = None;
        if let Some(chosen) = self.select.chosen()
            && let Some(ap) = self.aps.get_mut(&chosen.ap)
        {
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
                    self.push(source, place.certainty, access(source, ap, *lane, &t, value, repeats));
                }
                let state = self.aps.entry(ap).or_default();
                if source.matching.is_some() {
                    // How often the probe read is not known. BDx leaves TAR alone.
                    state.forget_tar_moved_by(&place);
                } else {
                    state.advance(&place);
                }
            }
            Target::Register(named) => register = self.ap_register(source, &t, &named, value, repeats),
        }
        if t.read && source.matching.is_none() {
            let count = self.out.len() - first;
            self.posted = Some(Posted { first, count, register, implied: source.implied });
        }
    }

    /// A register of an access port that moves no data, or data that nobody knows where. Which one it was, where that is known.
    fn ap_register(
        &mut self,
        source: Source,
        t: &Transaction,
        named: &Named,
        value: Option<u32>,
        repeats: Repeats,
    ) -> Option<Register> {
        let mut body = named.access(source, t, value.filter(|_| !t.read), repeats);
        let assumed = named.certainty == Certainty::Assumed;
        let register = named.ap.zip(body.offset()).map(|(ap, offset)| Register { ap, offset, assumed });
        if let Some(Register { ap, offset, .. }) = register {
            let state = self.aps.entry(ap).or_default();
            if !t.read {
                body.housekeeping = matches!(offset, mem_ap::CSW | mem_ap::TAR | mem_ap::TAR_HI);
                body.redundant = value.is_some_and(|value| state.holds(offset, value));
                state.set(offset, value.filter(|_| !source.secret), assumed);
            } else if named.missing.is_some() {
                state.forget_tar_if_it_moves();
            }
        }
        self.push(source, named.certainty, Body::Register(body));
        register
    }

    fn push(&mut self, source: Source, certainty: Certainty, body: Body) {
        self.out.push(Event {
            level: Level::Access,
            at: source.at,
            until: source.until,
            certainty: source.certainty.max(certainty),
            cause: Some(source.index),
            order: source.order,
            body,
        });
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
        names: Names::default(),
    })
}

#[cfg(test)]
mod tests;

//! The least number of transactions for a list of accesses.

use super::Floor;
use crate::event::{Accessed, Body, Event, RegisterAccess};
use regs::{ap, dp};
use std::collections::BTreeMap;
use wire::{Ack, Addr, Port, Width};

/// What is known of one access port.
#[derive(Debug, Clone, Copy)]
struct Known {
    width: Width,
    last: Addr,
}

/// A walk over accesses, paying as little as can be.
#[derive(Debug, Default)]
pub(super) struct Walk {
    pub(super) floor: Floor,
    pub(super) accesses: u64,
    pub(super) words_out: u64,
    pub(super) words_in: u64,
    /// Access port and bank.
    selected: Option<(u8, u8)>,
    known: BTreeMap<u8, Known>,
    /// A value waits to be fetched.
    posted: bool,
    /// The transaction of the last access: packed transfers move several values in one.
    cause: Option<usize>,
}

/// Whether an access port that was at `last` is at `next` without a new TAR: the same again, the next one in the same block,
/// or another word of the same four.
fn reaches(last: &Known, next: Addr) -> bool {
    let after = last.last.0.wrapping_add(last.width.bytes());
    let in_block = after & (ap::TAR_WRAP_BYTES - 1) != 0;
    let banked = last.width == Width::Word && last.last.0 & !0xF == next.0 & !0xF;
    next == last.last || (in_block && next.0 == after) || banked
}

impl Walk {
    pub(super) fn over(&mut self, accesses: &[Event]) {
        for event in accesses {
            match &event.body {
                Body::Access(a) if a.ack == Ack::OK => self.memory(event, a),
                Body::Register(r) if r.ack == Ack::OK && !r.housekeeping => self.register(r),
                _ => {}
            }
        }
    }

    /// Nothing follows.
    pub(super) fn end(&mut self) {
        self.fetch();
        let Floor { data, registers, tar, select, csw, rdbuff, .. } = self.floor;
        self.floor.transactions = data + registers + tar + select + csw + rdbuff;
    }

    /// The value of the last read, before something ends what it posted.
    fn fetch(&mut self) {
        if std::mem::take(&mut self.posted) {
            self.floor.rdbuff += 1;
        }
    }

    fn write(&mut self) {
        self.fetch();
        self.words_out += 1;
    }

    fn select(&mut self, ap: u8, bank: u8) {
        if self.selected.replace((ap, bank)) != Some((ap, bank)) {
            self.write();
            self.floor.select += 1;
        }
    }

    fn memory(&mut self, event: &Event, a: &Accessed) {
        let (ap, at, width) = (a.access.ap.0, a.access.at, a.access.width);
        self.accesses += 1;
        // BD0 to BD3 are in bank 1 and DRW in bank 0: whichever is selected serves.
        let bank = match self.selected {
            Some((selected, 1)) if selected == ap => 1,
            _ => 0,
        };
        self.select(ap, bank);
        let known = self.known.insert(ap, Known { width, last: at });
        if known.is_none_or(|known| known.width != width) {
            self.write();
            self.floor.csw += 1;
        }
        if known.is_none_or(|known| !reaches(&known, at)) {
            self.write();
            self.floor.tar += 1;
        }
        if event.cause.is_some() && self.cause == event.cause {
            return;
        }
        self.cause = event.cause;
        self.floor.data += 1;
        if a.access.write {
            self.write();
        } else {
            self.posted = a.matching.is_none();
            self.words_in += u64::from(self.posted);
        }
    }

    fn register(&mut self, r: &RegisterAccess) {
        self.accesses += 1;
        self.floor.registers += 1;
        self.cause = None;
        if let (Port::Ap, Some(ap), Some(bank)) = (r.port, r.ap, r.bank) {
            self.select(ap.0, bank);
        }
        if r.write {
            self.write();
            return;
        }
        self.words_in += 1;
        // A host that reads RDBUFF itself fetches what is posted.
        self.posted = r.port == Port::Ap || self.posted && r.a != dp::RDBUFF;
    }
}

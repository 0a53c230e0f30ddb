//! The debug port: TAR, sticky flags, SELECT.

use super::{Context, Found, Look, Rule, counted, dp_register};
use crate::event::{Body, Event, RegisterAccess};
use regs::{ap, dp};
use std::collections::BTreeMap;
use std::time::Duration;
use wire::{Access, Ack, ApSel, Port, WireEvent};

pub(super) const TAR_WRAP: Rule = Rule {
    id: "tar-wrap",
    finds: "accesses that run over a boundary of 1 KiB without a new TAR",
    why: "auto-increment is guaranteed inside an aligned block of 1 KiB only: some ports go on, some begin the block again",
    note: "ADI-7",
};

pub(super) const STICKY_LEFT: Rule = Rule {
    id: "sticky-left",
    finds: "an access-port access behind a FAULT or a sticky flag that ABORT has not cleared",
    why: "while a sticky flag is set every access-port access is answered with FAULT and is not performed",
    note: "ADI-4",
};

pub(super) const SELECT_AGAIN: Rule = Rule {
    id: "select-again",
    finds: "SELECT written with what it holds",
    why: "each costs a transaction of 46 clocks and changes nothing",
    note: "ADI-14",
};

/// Flags that make access-port accesses fail. A match that was not reached (STICKYCMP) is one too, but asked for.
const STICKY: u32 = dp::ctrl_stat::STICKYERR | dp::ctrl_stat::WDATAERR | dp::ctrl_stat::STICKYORUN;

/// Accesses over the end of a block.
#[derive(Debug, Default)]
pub(super) struct TarWrap {
    /// Of each access port the last access, unless TAR was written since.
    last: BTreeMap<u8, (usize, Access)>,
    found: Vec<Found>,
}

/// Whether `next` stands at the beginning of the block at whose end `last` stood.
fn wraps(last: &Access, next: &Access) -> bool {
    let begins = last.at.0 & !(ap::TAR_WRAP_BYTES - 1);
    let ends = last.at.0.wrapping_add(last.width.bytes()) == begins.wrapping_add(ap::TAR_WRAP_BYTES);
    ends && next.at.0 == begins && last.width == next.width
}

fn writes_tar(r: &RegisterAccess) -> bool {
    r.port == Port::Ap && r.write && (r.bank.is_none() || r.offset() == Some(ap::TAR))
}

impl Look for TarWrap {
    fn see(&mut self, n: usize, event: &Event, _: &Context) {
        match &event.body {
            Body::Access(a) if a.ack == Ack::OK => {
                let ApSel(ap) = a.access.ap;
                let before = self.last.insert(ap, (n, a.access));
                if let Some((m, _)) = before.filter(|(_, last)| wraps(last, &a.access)) {
                    let end = a.access.at.plus(ap::TAR_WRAP_BYTES);
                    let what = format!("TAR is not written at {end}, where auto-increment ends");
                    self.found.push(Found { rule: TAR_WRAP, what, events: vec![m, n] });
                }
            }
            Body::Register(r) if writes_tar(r) => match r.ap {
                Some(ApSel(ap)) => drop(self.last.remove(&ap)),
                None => self.last.clear(),
            },
            Body::Line(_) | Body::Gap(_) => self.last.clear(),
            _ => {}
        }
    }

    fn found(self: Box<Self>) -> Vec<Found> {
        self.found
    }
}

/// A sticky flag that is set, as far as the host can know.
#[derive(Debug, Clone, Copy)]
struct Sticky {
    event: usize,
    /// When the host learned it: what it had sent before is not its fault.
    known: Duration,
    told: bool,
}

/// Sticky flags that nobody cleared.
#[derive(Debug, Default)]
pub(super) struct StickyLeft {
    sticky: Option<Sticky>,
    found: Vec<Found>,
}

impl StickyLeft {
    fn set(&mut self, n: usize, event: &Event) {
        self.sticky.get_or_insert(Sticky { event: n, known: event.until, told: false });
    }

    fn debug_port(&mut self, n: usize, event: &Event, r: &RegisterAccess) {
        match (r.a, r.write, r.dp_bank()) {
            (dp::ABORT, true, _) if r.value.is_none_or(|value| value & dp::abort::CLEAR_ALL != 0) => {
                self.sticky = None
            }
            (dp::CTRL_STAT, false, dp::bank::CTRL_STAT) if r.ack == Ack::OK => match r.value {
                Some(value) if value & STICKY != 0 => self.set(n, event),
                _ => self.sticky = None,
            },
            _ => {}
        }
    }

    fn access_port(&mut self, n: usize, event: &Event, ack: Ack) {
        match &mut self.sticky {
            Some(sticky) if !sticky.told && event.at >= sticky.known => {
                sticky.told = true;
                let what = "an access follows and the sticky flag is still set".to_owned();
                self.found.push(Found { rule: STICKY_LEFT, what, events: vec![sticky.event, n] });
            }
            Some(_) => {}
            None if ack == Ack::FAULT => self.set(n, event),
            None => {}
        }
    }
}

impl Look for StickyLeft {
    fn see(&mut self, n: usize, event: &Event, _: &Context) {
        match &event.body {
            Body::Register(r) if r.port == Port::Dp => self.debug_port(n, event, r),
            Body::Register(r) => self.access_port(n, event, r.ack),
            Body::Access(a) => self.access_port(n, event, a.ack),
            Body::Line(WireEvent::Reset(true)) | Body::Gap(_) => self.sticky = None,
            _ => {}
        }
    }

    fn found(self: Box<Self>) -> Vec<Found> {
        self.found
    }
}

/// SELECT written with what it holds.
#[derive(Debug, Default)]
pub(super) struct SelectAgain {
    /// It was written since the line was last reset: before, nobody can be sure of it.
    sure: bool,
    events: Vec<usize>,
}

impl Look for SelectAgain {
    fn see(&mut self, n: usize, event: &Event, _: &Context) {
        if matches!(event.body, Body::Line(_) | Body::Gap(_)) {
            self.sure = false;
        }
        let Some(r) = dp_register(event).filter(|r| r.write && r.a == dp::SELECT) else { return };
        let again = r.redundant && self.sure;
        self.sure = r.ack == Ack::OK;
        if again {
            self.events.push(n);
        }
    }

    fn found(self: Box<Self>) -> Vec<Found> {
        let SelectAgain { events, .. } = *self;
        if events.is_empty() {
            return Vec::new();
        }
        let what = format!("{} of SELECT with what it holds", counted(events.len(), "write", "writes"));
        vec![Found { rule: SELECT_AGAIN, what, events }]
    }
}

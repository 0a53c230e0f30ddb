//! Folding: polls and block transfers become one event each, and loops one row.

mod rows;

pub(crate) use rows::rows;
pub use rows::{Loop, Row, What};

use crate::event::{Accessed, Body, Event, OnWire, RegisterAccess};
use crate::read::Marked;
use regs::{h5::dbgmcu, m33};
use std::time::Duration;
use wire::{Access, Ack, Addr, MarkKind};

/// Nothing is joined over a silence of this length: what stands behind it is a new beginning.
const GAP: Duration = Duration::from_secs(1);

/// Reading these twice is not the same as reading them once.
pub(crate) const NEVER_FOLDED: [u32; 3] =
    [m33::DCRDR, dbgmcu::BASE + dbgmcu::DBG_AUTH_DEVICE, dbgmcu::BASE_AP0 + dbgmcu::DBG_AUTH_DEVICE];

/// Places in the recording over which nothing is joined: a step, a try or somebody's hand on the board begins there, or it
/// is not known what happened there.
#[derive(Debug, Default)]
pub(crate) struct Breaks(Vec<u64>);

impl Breaks {
    /// The breaks that marks make at these places, and holes in what is known of the wire.
    pub(crate) fn of(marked: impl Iterator<Item = u64>, wire: &[Event]) -> Breaks {
        let hole = |e: &&Event| matches!(&e.body, Body::Wire(w) if matches!(w.what, OnWire::Lost | OnWire::Gap(_) | OnWire::Unreadable(_)));
        let mut all: Vec<u64> = marked.chain(wire.iter().filter(hole).map(|e| e.order)).collect();
        all.sort_unstable();
        Breaks(all)
    }

    /// The number of the section that an event lies in.
    pub(crate) fn section(&self, event: &Event) -> usize {
        self.0.partition_point(|order| *order < event.order)
    }
}

/// Where marks stand that begin something.
pub(crate) fn marked(marks: &[Marked]) -> impl Iterator<Item = u64> {
    let begins = |m: &&Marked| matches!(m.mark.kind, MarkKind::Step | MarkKind::Attempt | MarkKind::Bench);
    marks.iter().filter(begins).map(|m| m.order)
}

/// What folding gives.
#[derive(Debug, Default)]
pub(crate) struct Folded {
    pub(crate) events: Vec<Event>,
    /// Of each event, where its originals end; they begin where those of the one before end.
    pub(crate) ends: Vec<usize>,
}

/// Whether so much time lies between two events that they have nothing to do with each other.
pub(crate) fn is_gap(before: &Event, after: &Event) -> bool {
    after.at.saturating_sub(before.until) > GAP
}

/// Leaves out housekeeping, and joins what belongs together.
pub(crate) fn fold(lifted: &[Event], breaks: &Breaks) -> Folded {
    let mut out = Folded::default();
    let mut section = 0;
    for (n, event) in lifted.iter().enumerate() {
        if matches!(&event.body, Body::Register(r) if r.housekeeping && r.ack == Ack::OK) {
            continue;
        }
        let here = breaks.section(event);
        let cut = std::mem::replace(&mut section, here) != here;
        if let (Some(last), Some(end)) = (out.events.last_mut(), out.ends.last_mut())
            && !cut
            && !is_gap(last, event)
            && join(&mut last.body, &event.body)
        {
            last.until = event.until;
            last.certainty = last.certainty.max(event.certainty);
            *end = n + 1;
            continue;
        }
        out.events.push(event.clone());
        out.ends.push(n + 1);
    }
    // Housekeeping behind everything belongs to the last.
    if let Some(end) = out.ends.last_mut() {
        *end = lifted.len();
    }
    out
}

fn join(last: &mut Body, next: &Body) -> bool {
    match (last, next) {
        (Body::Access(last), Body::Access(next)) => join_accesses(last, next),
        (Body::Register(last), Body::Register(next)) => join_registers(last, next),
        _ => false,
    }
}

fn join_accesses(last: &mut Accessed, next: &Accessed) -> bool {
    let (a, b) = (last.access, next.access);
    let alike = a.ap == b.ap
        && a.width == b.width
        && a.write == b.write
        && last.ack == next.ack
        && last.secret == next.secret;
    if !alike || last.matching.is_some() || next.matching.is_some() {
        return false;
    }
    let polled = a.at == b.at && last.run == 1 && !a.write && !NEVER_FOLDED.contains(&a.at.0);
    let refused_again = a == b && last.ack != Ack::OK;
    if polled || refused_again {
        last.repeats.first = if last.repeats.same == 1 { a.value } else { last.repeats.first };
        last.repeats.same = last.repeats.same.saturating_add(1);
        last.repeats.waits = last.repeats.waits.saturating_add(next.repeats.waits);
        last.access.value = b.value;
        return true;
    }
    let continues = last.ack == Ack::OK
        && last.repeats.same == 1
        && next.repeats.same == 1
        && is_memory(a)
        && a.at.plus(a.width.bytes().wrapping_mul(last.run)) == b.at;
    if continues {
        last.run = last.run.saturating_add(1);
        last.repeats.waits = last.repeats.waits.saturating_add(next.repeats.waits);
    }
    continues
}

/// Flash, SRAM and the like, where neighbours have no names of their own.
pub(crate) fn is_memory(access: Access) -> bool {
    let Addr(at) = access.at;
    !(0x4000_0000..0x6000_0000).contains(&at) && at < 0xE000_0000
}

fn join_registers(last: &mut RegisterAccess, next: &RegisterAccess) -> bool {
    let alike = last.port == next.port
        && last.ap == next.ap
        && last.bank == next.bank
        && last.a == next.a
        && last.write == next.write
        && last.ack == next.ack
        && last.secret == next.secret
        && last.missing == next.missing
        && last.matching.is_none()
        && next.matching.is_none();
    let again = !last.write || last.ack != Ack::OK && last.value == next.value;
    // A read of DRW at an unknown address may be a different one each time.
    if !alike || !again || last.missing.is_some() {
        return false;
    }
    last.repeats.first = if last.repeats.same == 1 { last.value } else { last.repeats.first };
    last.repeats.same = last.repeats.same.saturating_add(1);
    last.repeats.waits = last.repeats.waits.saturating_add(next.repeats.waits);
    last.value = next.value;
    true
}

#[cfg(test)]
mod tests;

//! The accesses of a trace as steps that another tool can do again.
//!
//! SELECT, CSW, TAR and the fetching of posted reads are a tool's own business, and so are connecting and powering up: they
//! are no steps.

use crate::event::{Accessed, Body, Event, RegisterAccess};
use crate::text;
use crate::trace::Trace;
use regs::{ap, dp};
use wire::{Ack, Addr, ApSel, Port, Width, WireEvent};

/// Most words of a block in one step.
const BLOCK: usize = 64;
/// So many reads of one place in a row are a wait.
const WAIT: usize = 3;

/// Something to be done again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// Memory is written, ascending.
    Write { place: Place, values: Vec<u32> },
    /// Memory is read, ascending; what it gave.
    Read { place: Place, values: Vec<u32> },
    /// One place is read until these bits of it are so; how often it took.
    Until { place: Place, mask: u32, value: u32, count: usize },
    /// A register of an access port, or of the debug port where there is none.
    Register { ap: Option<ApSel>, offset: u16, write: bool, value: u32 },
    /// nRESET goes low, or is released.
    Reset { low: bool },
    /// What cannot be done again, in words.
    Note(String),
}

/// Where memory is accessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) ap: ApSel,
    pub(super) at: Addr,
    pub(super) width: Width,
}

impl Place {
    /// The place behind so many units.
    fn behind(self, count: usize) -> Place {
        let bytes = u32::try_from(count).unwrap_or(u32::MAX).wrapping_mul(self.width.bytes());
        Place { at: self.at.plus(bytes), ..self }
    }
}

/// The steps of a trace.
pub(super) fn steps(trace: &Trace) -> Vec<Step> {
    let mut steps = Vec::new();
    let all: Vec<&Event> = trace.accesses().iter().filter(|event| !serves(event)).collect();
    let v6 = !trace.port_addresses().is_empty();
    let mut rest = all.as_slice();
    while let Some(first) = rest.first() {
        let (step, used) = wait(rest).or_else(|| block(rest)).unwrap_or_else(|| (single(first, v6), 1));
        steps.push(step);
        rest = rest.get(used.max(1)..).unwrap_or_default();
    }
    steps
}

/// Whether a tool does this by itself: what serves the accesses around it, and connecting.
fn serves(event: &Event) -> bool {
    match &event.body {
        Body::Register(r) => {
            let state = match (r.port, r.bank) {
                // RDBUFF and TARGETSEL are one address.
                (Port::Dp, _) => r.a == dp::RDBUFF || r.a == dp::CTRL_STAT && r.dp_bank() == 0,
                (Port::Ap, bank) => bank == Some(0) && matches!(r.a, ap::CSW | ap::TAR | ap::TAR_HI),
            };
            state || r.housekeeping
        }
        Body::Line(line) => !matches!(line, WireEvent::Reset(_)),
        _ => false,
    }
}

/// A memory access that was performed and whose value is known.
fn known(event: &Event) -> Option<(Place, bool, u32)> {
    match &event.body {
        Body::Access(Accessed { access: a, ack: Ack::OK, secret: false, matching: None, .. }) => {
            Some((Place { ap: a.ap, at: a.at, width: a.width }, a.write, a.value?))
        }
        _ => None,
    }
}

/// Reads of one place that went on until it gave something else.
fn wait(events: &[&Event]) -> Option<(Step, usize)> {
    let (place, write, _) = known(events.first()?)?;
    let same =
        events.iter().map_while(|event| known(event)).take_while(|(p, w, _)| (*p, *w) == (place, false));
    let values: Vec<u32> = same.map(|(_, _, value)| value).collect();
    let value = *values.last()?;
    let count = values.len();
    (!write && count >= WAIT).then_some((Step::Until { place, mask: u32::MAX, value, count }, count))
}

/// Accesses to places one behind the other.
fn block(events: &[&Event]) -> Option<(Step, usize)> {
    let (place, write, _) = known(events.first()?)?;
    let next = events.iter().map_while(|event| known(event)).take(BLOCK).enumerate();
    let values: Vec<u32> = next
        .take_while(|(n, (p, w, _))| (*p, *w) == (place.behind(*n), write))
        .map(|(_, (_, _, value))| value)
        .collect();
    let used = values.len();
    let step = if write { Step::Write { place, values } } else { Step::Read { place, values } };
    Some((step, used))
}

/// Everything that is no plain access to memory.
fn single(event: &Event, v6: bool) -> Step {
    match &event.body {
        Body::Access(access) if access.secret => Step::Note(format!(
            "{}: a secret (--show-secrets, where the recording holds it)",
            text::line(event)
        )),
        Body::Access(Accessed { access: a, ack: Ack::OK, matching: Some(matching), .. }) => {
            let place = Place { ap: a.ap, at: a.at, width: a.width };
            Step::Until { place, mask: matching.mask.unwrap_or(u32::MAX), value: matching.value, count: 1 }
        }
        Body::Register(r) => register(r, v6).unwrap_or_else(|| Step::Note(text::line(event))),
        Body::Line(WireEvent::Reset(low)) => Step::Reset { low: *low },
        _ => Step::Note(text::line(event)),
    }
}

fn register(r: &RegisterAccess, v6: bool) -> Option<Step> {
    let value = r.value.filter(|_| r.ack == Ack::OK && !r.secret && r.matching.is_none())?;
    let offset = match r.port {
        Port::Dp if r.dp_bank() == 0 || r.a != dp::CTRL_STAT => u16::from(r.a),
        Port::Dp => return None,
        Port::Ap if v6 => r.adiv6_offset()?,
        Port::Ap => u16::from(r.offset()?),
    };
    if r.port == Port::Ap && r.ap.is_none() {
        return None;
    }
    Some(Step::Register { ap: r.ap, offset, write: r.write, value })
}

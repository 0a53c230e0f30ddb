//! Filters: which events of a level are about an address, a register, an access port, an ack, a time or a mark.
//!
//! What is asked of an access (address, register, port, ack) is asked of the accesses of level 3. An event above it passes
//! when one of the accesses that it consists of does, and an event below it when an access that is derived from it does.

mod hint;

pub use hint::Nothing;

use crate::Trace;
use crate::event::{Body, Event, OnWire};
use crate::name::register_name;
use crate::read::Protocol;
use std::ops::{Range, RangeInclusive};
use std::time::Duration;
use wire::{Ack, ApSel, Level, Port, WireEvent};

/// What passes. Everything that is set must hold; of several addresses and registers one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Addresses.
    pub addresses: Vec<RangeInclusive<u32>>,
    /// Registers by name, memory-mapped or of the DP and AP; a name may end in `*`.
    pub registers: Vec<String>,
    /// The access port.
    pub ap: Option<ApSel>,
    /// How it ended; WAIT holds too for what was repeated after WAIT.
    pub ack: Option<Ack>,
    /// Not before this time.
    pub from: Option<Duration>,
    /// Not after this time.
    pub to: Option<Duration>,
    /// Behind a mark with this text, up to the next mark of its kind.
    pub mark: Option<String>,
}

impl Filter {
    /// Whether everything passes.
    pub fn is_open(&self) -> bool {
        *self == Filter::default()
    }

    /// Of each event of a level, whether it passes.
    pub fn select(&self, trace: &Trace, level: Level) -> Vec<bool> {
        let mut pass = self.about(trace, level);
        let sections = self.sections(trace);
        for (event, pass) in trace.events(level).iter().zip(&mut pass) {
            let in_time =
                self.from.is_none_or(|from| event.at >= from) && self.to.is_none_or(|to| event.at <= to);
            let in_section = sections.as_ref().is_none_or(|all| all.iter().any(|s| s.contains(&event.order)));
            *pass &= in_time && in_section;
        }
        pass
    }

    /// The parts of the recording behind marks with the text.
    fn sections(&self, trace: &Trace) -> Option<Vec<Range<u64>>> {
        let text = self.mark.as_deref()?;
        let marks = trace.marks();
        let section = |n: usize| {
            let begins = marks.get(n).filter(|marked| marked.mark.text.contains(text))?;
            let mut behind = marks.iter().skip(n + 1);
            let end =
                behind.find(|marked| marked.mark.kind == begins.mark.kind).map_or(u64::MAX, |end| end.order);
            Some(begins.order..end)
        };
        Some((0..marks.len()).filter_map(section).collect())
    }

    /// Whether it asks nothing of accesses.
    fn takes_any_access(&self) -> bool {
        self.addresses.is_empty() && self.registers.is_empty() && self.ap.is_none() && self.ack.is_none()
    }

    fn about(&self, trace: &Trace, level: Level) -> Vec<bool> {
        let count = trace.events(level).len();
        if self.takes_any_access() {
            return vec![true; count];
        }
        let accesses: Vec<bool> = trace.accesses().iter().map(|event| self.takes(event)).collect();
        if level >= Level::Access {
            let any = |n: usize| {
                accesses.get(trace.originals(level, n..n + 1)).is_some_and(|all| all.contains(&true))
            };
            return (0..count).map(any).collect();
        }
        self.below(trace, level, &accesses)
    }

    /// Down from accesses to what they are derived from.
    fn below(&self, trace: &Trace, level: Level, accesses: &[bool]) -> Vec<bool> {
        let hidden = trace.protocol() == Some(Protocol::StLink);
        let mut at = if hidden { Level::Command } else { Level::Transaction };
        let before = |level: Level| trace.before().of(level);
        let mut pass = carried_down(trace.accesses(), accesses, before(at), trace.events(at).len());
        if at == Level::Transaction {
            for (event, pass) in trace.events(at).iter().zip(&mut pass) {
                *pass &= self.ack.is_none_or(|ack| ack_of(event) == Some(ack));
            }
        }
        while at > level {
            let Some(lower) = Level::from_number(at.number() - 1) else { break };
            pass = carried_down(trace.events(at), &pass, before(lower), trace.events(lower).len());
            at = lower;
        }
        // Level 2 of an ST-Link is not below its accesses.
        pass.resize(trace.events(level).len(), false);
        pass
    }

    fn takes(&self, event: &Event) -> bool {
        let (ap, ack, waits) = match &event.body {
            Body::Access(a) => (Some(a.access.ap), a.ack, a.repeats.waits),
            Body::Register(r) if r.housekeeping && r.ack == Ack::OK && !self.names(event) => return false,
            Body::Register(r) => (r.ap, r.ack, r.repeats.waits),
            _ => return false,
        };
        let nowhere = self.addresses.is_empty() && self.registers.is_empty();
        (nowhere || self.lies_in(event) || self.names(event))
            && self.ap.is_none_or(|wanted| ap == Some(wanted))
            && self.ack.is_none_or(|wanted| ack == wanted || wanted == Ack::WAIT && waits > 0)
    }

    fn lies_in(&self, event: &Event) -> bool {
        let Body::Access(a) = &event.body else { return false };
        let (first, last) = (a.access.at.0, a.access.at.0.saturating_add(a.access.width.bytes() - 1));
        self.addresses.iter().any(|range| *range.start() <= last && first <= *range.end())
    }

    fn names(&self, event: &Event) -> bool {
        let name = match &event.body {
            Body::Access(a) => a.names.register(a.access.at).map(|hit| hit.register.name.to_owned()),
            Body::Register(r) if r.port == Port::Ap => {
                // "AP1 CSW" is found as CSW too.
                let full = register_name(r);
                return self.is_named(&full)
                    || full.split_once(' ').is_some_and(|(_, short)| self.is_named(short));
            }
            Body::Register(r) => Some(register_name(r)),
            _ => None,
        };
        name.is_some_and(|name| self.is_named(&name))
    }

    fn is_named(&self, name: &str) -> bool {
        self.registers.iter().any(|wanted| match wanted.strip_suffix('*') {
            Some(start) => name.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start)),
            None => name.eq_ignore_ascii_case(wanted),
        })
    }
}

/// The ack of a transaction.
fn ack_of(event: &Event) -> Option<Ack> {
    match &event.body {
        Body::Wire(wired) => match &wired.what {
            OnWire::Event(WireEvent::Transaction(t)) => Some(t.ack),
            _ => None,
        },
        _ => None,
    }
}

/// Which of `count` events of the next lower level, before which stand others, those that pass are derived from: from the
/// cause of each to that of the next.
fn carried_down(events: &[Event], pass: &[bool], before: usize, count: usize) -> Vec<bool> {
    let mut below = vec![false; count];
    let mut end = count;
    let mut begun = count;
    for (event, pass) in events.iter().zip(pass).rev() {
        let Some(cause) = event.cause.map(|cause| cause.saturating_sub(before)) else { continue };
        if cause < begun {
            (end, begun) = (begun, cause);
        }
        if *pass {
            below.iter_mut().take(end).skip(cause).for_each(|below| *below = true);
        }
    }
    below
}

#[cfg(test)]
mod tests;

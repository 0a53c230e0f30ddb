//! Why nothing passes a filter, in words.

use super::Filter;
use crate::Trace;
use crate::event::{Body, Event};
use regs::{ap, dp};
use std::collections::BTreeSet;
use std::time::Duration;
use wire::{ApSel, Level};

/// Looks out for a filter that lets nothing pass.
#[derive(Debug)]
pub struct Nothing<'a> {
    filter: &'a Filter,
    level: Level,
    passes: bool,
    events: usize,
    end: Option<Duration>,
    ports: BTreeSet<ApSel>,
}

impl<'a> Nothing<'a> {
    /// Nothing was seen yet.
    pub fn new(filter: &'a Filter, level: Level) -> Nothing<'a> {
        Nothing { filter, level, passes: filter.is_open(), events: 0, end: None, ports: BTreeSet::new() }
    }

    /// Looks at a piece of a recording, of which these events [pass](Filter::select).
    pub fn look(&mut self, piece: &Trace, pass: &[bool]) {
        self.passes |= pass.contains(&true);
        if self.passes {
            return;
        }
        let events = piece.events(self.level);
        self.events += events.len();
        self.end = events.last().map(|event| event.until).or(self.end);
        if self.filter.ap.is_some() {
            self.ports.extend(piece.accesses().iter().filter_map(port));
        }
    }

    /// What may be wrong with the filter, `None` where anything passed. `last` is the last piece.
    pub fn hint(&self, last: &Trace) -> Option<String> {
        let Nothing { filter, level, passes, events, end, ports } = self;
        if *passes {
            return None;
        }
        let mut hint =
            format!("nothing passes the filter; without it level {} has {events} events", level.number());
        for name in filter.registers.iter().filter(|name| !is_register(name)) {
            hint.push_str(&format!("; no register is called {name}"));
        }
        if filter.ap.is_some() {
            let all: Vec<String> = ports.iter().map(ApSel::to_string).collect();
            let all = if all.is_empty() { "none".to_owned() } else { all.join(", ") };
            hint.push_str(&format!("; access ports in it: {all}"));
        }
        if let Some(end) = end.filter(|end| filter.from.is_some_and(|from| from > *end)) {
            hint.push_str(&format!("; it ends at {:.6} s", end.as_secs_f64()));
        }
        let told = |text: &&String| last.marks().iter().any(|marked| marked.mark.text.contains(*text));
        if let Some(text) = filter.mark.as_ref().filter(|text| !told(text)) {
            hint.push_str(&format!("; no mark has the text {text:?}"));
        }
        Some(hint)
    }
}

/// Whether a register of the target, of the debug port or of an access port may have this name.
fn is_register(name: &str) -> bool {
    let short = name.rsplit(' ').next().unwrap_or(name);
    let mut port = dp::REGISTERS.iter().chain(ap::REGISTERS);
    name.ends_with('*')
        || regs::by_name(name).is_some()
        || port.any(|register| register.name.eq_ignore_ascii_case(short))
}

/// The access port that an event goes through.
fn port(event: &Event) -> Option<ApSel> {
    match &event.body {
        Body::Access(a) => Some(a.access.ap),
        Body::Register(r) => r.ap,
        _ => None,
    }
}

//! Why nothing passes a filter, in words.

use super::Filter;
use crate::Trace;
use crate::event::{Body, Event};
use regs::{ap, dp};
use std::collections::BTreeSet;
use wire::{ApSel, Level};

impl Filter {
    /// What may be wrong with a filter that lets no event of this level pass. `None` where any does.
    pub fn why_nothing(&self, trace: &Trace, level: Level) -> Option<String> {
        if self.is_open() || self.select(trace, level).contains(&true) {
            return None;
        }
        let events = trace.events(level);
        let mut hint = format!(
            "nothing passes the filter; without it level {} has {} events",
            level.number(),
            events.len()
        );
        for name in self.registers.iter().filter(|name| !is_register(name)) {
            hint.push_str(&format!("; no register is called {name}"));
        }
        if self.ap.is_some() {
            hint.push_str(&format!("; access ports in it: {}", ports(trace)));
        }
        let end = events.last().map(|event| event.until);
        if let Some(end) = end.filter(|end| self.from.is_some_and(|from| from > *end)) {
            hint.push_str(&format!("; it ends at {:.6} s", end.as_secs_f64()));
        }
        let told = |text: &&String| trace.marks().iter().any(|marked| marked.mark.text.contains(*text));
        if let Some(text) = self.mark.as_ref().filter(|text| !told(text)) {
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

/// The access ports that are used.
fn ports(trace: &Trace) -> String {
    let port = |event: &Event| match &event.body {
        Body::Access(a) => Some(a.access.ap),
        Body::Register(r) => r.ap,
        _ => None,
    };
    let all: BTreeSet<ApSel> = trace.accesses().iter().filter_map(port).collect();
    let all: Vec<String> = all.iter().map(ApSel::to_string).collect();
    if all.is_empty() { "none".to_owned() } else { all.join(", ") }
}

//! Actions (level 5): what a run of accesses was for.
//!
//! A list of patterns is tried at each place; what none of them knows stays an event of level 4, so that nothing is hidden.

mod core;
mod flash;
mod link;
mod mailbox;
mod memory;
mod obk;
mod options;

use crate::event::{Accessed, Body, Event};
use crate::fold::Breaks;
use crate::name::canonical;
use crate::target::Names;
use regs::h5::flash::sr;
use std::collections::BTreeMap;
use std::ops::Range;
use wire::{Ack, Level, Width};

/// What kind of action it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ActionKind {
    /// Line sequences, DPIDR, power-up.
    Connect,
    /// The reset pin, or a reset asked for by register.
    Reset,
    /// Halting, running, registers of the core.
    Core,
    /// A key sequence.
    Unlock,
    /// A lock set again.
    Lock,
    /// An erase of flash.
    Erase,
    /// Programming of flash, OTP or data flash.
    Program,
    /// A change of option bytes.
    Option,
    /// Option-byte keys.
    Obk,
    /// The debug authentication mailbox.
    Mailbox,
    /// A command for ST's ROM.
    Rom,
    /// Waiting for a register.
    Wait,
    /// A block read.
    Read,
    /// A block written to memory that is not flash.
    Write,
}

impl ActionKind {
    /// The word used in output.
    pub const fn word(self) -> &'static str {
        match self {
            ActionKind::Connect => "connect",
            ActionKind::Reset => "reset",
            ActionKind::Core => "core",
            ActionKind::Unlock => "unlock",
            ActionKind::Lock => "lock",
            ActionKind::Erase => "erase",
            ActionKind::Program => "program",
            ActionKind::Option => "option",
            ActionKind::Obk => "obk",
            ActionKind::Mailbox => "mailbox",
            ActionKind::Rom => "rom",
            ActionKind::Wait => "wait",
            ActionKind::Read => "read",
            ActionKind::Write => "write",
        }
    }
}

/// An action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// What kind.
    pub kind: ActionKind,
    /// For a reader.
    pub text: String,
    /// The same without how long it took and how often it was looked at: what it is, whoever did it.
    pub core: String,
    /// Its events in the list of level 4.
    pub of: Range<usize>,
}

/// What a pattern found at the head of a list: how many events, and what they are.
struct Found {
    length: usize,
    kind: ActionKind,
    text: String,
    core: String,
}

/// Stands before and behind a [`measured`] part of a text. It is in no text that leaves this module.
const MEASURED: char = '\u{1}';

/// A part of an action's text that says how long or how often. It is shown, and is no part of what the action is.
fn measured(text: impl AsRef<str>) -> String {
    format!("{MEASURED}{}{MEASURED}", text.as_ref())
}

impl Found {
    fn new(length: usize, kind: ActionKind, text: impl Into<String>) -> Option<Found> {
        let text: String = text.into();
        let core = text.split(MEASURED).step_by(2).collect();
        Some(Found { length, kind, text: text.replace(MEASURED, ""), core })
    }
}

/// Last values of registers, by canonical address.
#[derive(Debug, Default, Clone)]
pub(crate) struct Known(BTreeMap<u32, u32>);

impl Known {
    pub(crate) fn note(&mut self, event: &Event) {
        if let Body::Access(a) = &event.body
            && a.ack == Ack::OK
            && a.run == 1
            && !a.secret
            && a.access.width == Width::Word
            && let Some(value) = a.access.value
        {
            let address = canonical(a.access.at.0);
            if regs::h5::flash::BASE <= address && address - regs::h5::flash::BASE < regs::h5::flash::LEN {
                self.0.insert(address, value);
            }
        }
    }
}

type Pattern = fn(&[Event], &Known) -> Option<Found>;

/// What every chip does, in the order in which they are tried: before those of the STM32H5, and behind them.
const FIRST: &[Pattern] = &[link::connect, link::reset_pin];
const LAST: &[Pattern] = &[core::reset, core::halt_or_run, core::register, memory::wait, memory::block];

/// What only an STM32H5 does.
const STM32H5: &[Pattern] = &[
    flash::unlock,
    flash::erase,
    flash::option_change,
    options::dump,
    obk::write,
    flash::program,
    flash::obk_control,
    flash::lock,
    mailbox::magic,
    mailbox::exchange,
    mailbox::rom_command,
];

/// Finds actions in a list of level 3 or 4, of which the first has this number and before which this was known.
pub(crate) fn find(
    meanings: &[Event],
    breaks: &Breaks,
    names: Names,
    known: &Known,
    number: usize,
) -> Vec<Event> {
    let own = if names == Names::Stm32H5 { STM32H5 } else { &[] };
    let patterns = [FIRST, own, LAST].concat();
    let mut out = Vec::new();
    let mut known = known.clone();
    let mut at = 0;
    let mut end = 0;
    while let Some(first) = meanings.get(at) {
        if at >= end {
            let section = breaks.section(first);
            let rest = meanings.get(at..).unwrap_or_default();
            end = at + rest.partition_point(|event| breaks.section(event) <= section);
        }
        let Some(rest) = meanings.get(at..end) else { break };
        let found = patterns.iter().find_map(|pattern| pattern(rest, &known)).filter(|f| f.length > 0);
        let length = found.as_ref().map_or(1, |f| f.length.min(rest.len()));
        let Some(events) = rest.get(..length) else { break };
        events.iter().for_each(|event| known.note(event));
        if let (Some(first), Some(last)) = (events.first(), events.last()) {
            let mut event = first.clone();
            event.level = Level::Action;
            event.until = last.until;
            event.cause = Some(number + at);
            event.certainty = events.iter().map(|e| e.certainty).max().unwrap_or(first.certainty);
            if let Some(Found { kind, text, core, .. }) = found {
                event.body = Body::Action(Box::new(Action { kind, text, core, of: at..at + length }));
            }
            out.push(event);
        }
        at += length;
    }
    out
}

/// A memory access that was performed.
fn performed(event: &Event) -> Option<&Accessed> {
    match &event.body {
        Body::Access(a) if a.ack == Ack::OK => Some(a),
        _ => None,
    }
}

/// A word written to one register: its canonical address and the value, where it may be known.
fn written(event: &Event) -> Option<(u32, Option<u32>)> {
    let a = performed(event).filter(|a| a.access.write && a.run == 1)?;
    Some((canonical(a.access.at.0), a.access.value.filter(|_| !a.secret)))
}

/// A register that was read, once or often, or waited for by the probe: its canonical address and the last value.
fn read(event: &Event) -> Option<(u32, Option<u32>)> {
    let a = performed(event).filter(|a| !a.access.write && a.run == 1)?;
    Some((canonical(a.access.at.0), a.access.value.filter(|_| !a.secret)))
}

/// How many events at the head of `rest` read one of these registers, and how often they read in all. The count is `None`
/// where the probe itself waited.
fn polls(rest: &[Event], registers: &[u32]) -> (usize, Option<u32>) {
    let mut reads = Some(0u32);
    let mut length = 0;
    let mut beside = false;
    for event in rest {
        let Some(a) = performed(event).filter(|a| !a.access.write && a.run == 1) else { break };
        let at = canonical(a.access.at.0);
        // Each look at a status register may bring its control register along: has the start bit gone?
        if beside && flash::CONTROL.contains(&at) {
            beside = false;
            length += 1;
            continue;
        }
        // A wait that ended without its end in sight must be seen.
        if !registers.contains(&at) || a.matching.is_some_and(|m| !m.reached) {
            break;
        }
        length += 1;
        beside = flash::STATUS.contains(&at);
        reads = reads.filter(|_| a.matching.is_none()).map(|n| n.saturating_add(a.repeats.same));
    }
    (length, reads)
}

/// How long a run of events took, as `, in 1.2 ms`; nothing when it took no time that the recording shows.
fn took(events: &[Event]) -> String {
    match (events.first(), events.last()) {
        (Some(first), Some(last)) if last.until > first.at => {
            measured(format!(", in {}", crate::name::span(last.until - first.at)))
        }
        _ => String::new(),
    }
}

/// How an operation of the flash ended, by the last look at a status register: nothing when it ended well, else the bits
/// that say busy or error.
fn outcome(events: &[Event]) -> String {
    let mut looks = events.iter().filter_map(read).filter(|(register, _)| flash::STATUS.contains(register));
    let Some((register, Some(status))) = looks.next_back() else { return String::new() };
    let told = status & (sr::ERRORS | sr::BUSY);
    match regs::lookup(register).filter(|_| told != 0) {
        Some(hit) => format!(": {}", hit.register.describe(told)),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests;

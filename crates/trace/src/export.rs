//! Exports: a trace in forms that other programs read.
//!
//! | format | read by | what it holds |
//! |---|---|---|
//! | [`Format::Pcapng`] | Wireshark | marks, and what was on the wire with a comment in words |
//! | [`Format::Jsonl`] | scripts | the events of one level, one object a line, behind a line that names the schema |
//! | [`Format::Csv`] | spreadsheets | the same in columns |
//! | [`Format::Perfetto`] | ui.perfetto.dev | every level that the trace has, a track each, and the marks |
//! | [`Format::Vcd`], [`Format::Sr`] | waveform viewers, sigrok | SWCLK, SWDIO and nRESET, drawn from level 2 |
//!
//! [`script`] writes the accesses as a program for another tool. What a form needs and the trace does not have is
//! made up by a plain rule, and what the trace has and the form does not hold is left out; [`export`] says both in words. No form
//! holds a secret in clear: where a value must stand, a mask does.
//!
//! [`open`](crate::open) reads pcapng, VCD and sigrok sessions again. pcapng gives the same events from level 2 on, the pins
//! the same transactions, line sequences and resets. The others are not read again.

mod accesses;
mod again;
mod csv;
mod json;
mod perfetto;
mod pins;
mod protobuf;
mod sr;
#[cfg(test)]
mod tests;
mod vcd;
mod veil;
mod wireshark;

pub use again::{Tool, script};
pub use json::{SCHEMA, object};

use crate::event::{Body, Event, OnWire};
use crate::read::Marked;
use crate::trace::Trace;
use std::io::{self, Write};
use std::time::Duration;
use wire::{Level, WireEvent};

/// In the head of an export: transactions have the times of the packets that they came in.
pub(crate) const TIMES: &str = "times of packets";
/// In the head of an export: the source shows nearly nothing of the wire.
pub(crate) const HIDDEN: &str = "wire hidden by";

/// Forms that a trace can be written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// pcapng with link types 147 (marks) and 148 (what was on the wire).
    Pcapng,
    /// JSON, one object a line.
    Jsonl,
    /// Comma separated values.
    Csv,
    /// Perfetto's protobuf trace.
    Perfetto,
    /// Value change dump of the pins.
    Vcd,
    /// sigrok session with the pins.
    Sr,
}

/// What is to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// The form.
    pub format: Format,
    /// The level, for the forms that hold one.
    pub level: Level,
    /// Whether the marks go along, where the form has a place for them.
    pub marks: bool,
}

/// What a reader of an export must know, in words.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Told {
    /// What the form needs and the trace does not say.
    pub made_up: Vec<String>,
    /// What the trace has and the form does not hold.
    pub left_out: Vec<String>,
}

impl Told {
    fn left_out(&mut self, count: u64, what: &str) {
        if count > 0 {
            self.left_out.push(format!("{count} {what}"));
        }
    }
}

/// Writes a trace.
///
/// # Errors
/// Those of `out`.
pub fn export(trace: &Trace, wanted: &Wanted, out: &mut dyn Write) -> io::Result<Told> {
    let mut told = written(trace, wanted, out)?;
    match wanted.format {
        Format::Pcapng | Format::Vcd | Format::Sr => without_a_wire(trace, &mut told),
        Format::Jsonl | Format::Csv => without_the_level(trace, wanted.level, &mut told),
        Format::Perfetto => {}
    }
    Ok(told)
}

/// What the source shows without showing how it was done on the wire.
fn without_a_wire(trace: &Trace, told: &mut Told) {
    if !trace.hides_the_wire() {
        return;
    }
    let (mut accesses, mut registers, mut procedures) = (0u64, 0u64, 0u64);
    for event in trace.accesses() {
        match &event.body {
            Body::Access(_) => accesses += 1,
            Body::Register(_) => registers += 1,
            Body::ByProbe(_) => procedures += 1,
            _ => {}
        }
    }
    let is_transaction = |event: &&Event| match &event.body {
        Body::Wire(wired) => matches!(wired.what, OnWire::Event(WireEvent::Transaction(_))),
        _ => false,
    };
    let drawn = trace.events(Level::Transaction).iter().filter(is_transaction).count();
    let why = "are not there: the source does not show how they were done on the wire";
    told.left_out(accesses, &format!("memory accesses {why}"));
    // An ST-Link's commands spell out single registers.
    let unseen = registers.saturating_sub(u64::try_from(drawn).unwrap_or(u64::MAX));
    told.left_out(unseen, &format!("register accesses {why}"));
    told.left_out(procedures, &format!("procedures of the probe {why}"));
}

fn without_the_level(trace: &Trace, level: Level, told: &mut Told) {
    let shown = |level: &Level| !trace.events(*level).is_empty();
    let lowest = (0..=5).filter_map(Level::from_number).find(shown);
    if let Some(lowest) = lowest.filter(|_| !shown(&level)) {
        told.left_out.push(format!(
            "the trace shows nothing at level {}; --level {} is the lowest at which it does",
            level.number(),
            lowest.number()
        ));
    } else if level == Level::Transaction {
        without_a_wire(trace, told);
    }
}

fn written(trace: &Trace, wanted: &Wanted, out: &mut dyn Write) -> io::Result<Told> {
    match wanted.format {
        Format::Pcapng => wireshark::write(trace, wanted.marks, out),
        Format::Jsonl => json::write(trace, wanted, out),
        Format::Csv => csv::write(trace, wanted, out),
        Format::Perfetto => perfetto::write(trace, wanted.marks, out),
        Format::Vcd => vcd::write(trace, out),
        Format::Sr => sr::write(trace, out),
    }
}

/// A row of a list of events with the marks between them.
enum Row<'a> {
    Event(&'a Event),
    Mark(&'a Marked),
}

/// Events and marks in the order of the recording.
fn rows<'a>(events: &'a [Event], marks: &'a [Marked]) -> impl Iterator<Item = Row<'a>> {
    let (mut events, mut marks) = (events.iter().peekable(), marks.iter().peekable());
    std::iter::from_fn(move || {
        let mark_first = match (events.peek(), marks.peek()) {
            (Some(event), Some(mark)) => mark.order < event.order,
            (None, _) => true,
            (Some(_), None) => false,
        };
        if mark_first { marks.next().map(Row::Mark) } else { events.next().map(Row::Event) }
    })
}

/// The marks that are wanted.
fn marks(trace: &Trace, wanted: bool) -> &[Marked] {
    if wanted { trace.marks() } else { &[] }
}

fn nanos(at: Duration) -> u64 {
    u64::try_from(at.as_nanos()).unwrap_or(u64::MAX)
}

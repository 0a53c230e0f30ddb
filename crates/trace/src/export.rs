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
//! [`script`] writes the accesses as a program for another tool. What a form needs and the trace does not have is made up by a plain rule, and [`export`] says so in words.

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
mod wireshark;

pub use again::{Tool, script};
pub use json::{SCHEMA, object};

use crate::event::Event;
use crate::read::Marked;
use crate::trace::Trace;
use std::io::{self, Write};
use std::time::Duration;
use wire::Level;

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

/// Writes a trace and gives, in words, what was made up or left out.
///
/// # Errors
/// Those of `out`.
pub fn export(trace: &Trace, wanted: &Wanted, out: &mut dyn Write) -> io::Result<Vec<String>> {
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

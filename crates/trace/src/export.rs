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
    let mut export = Export::new(*wanted);
    export.piece(trace, out)?;
    Ok(export.told(trace))
}

impl Format {
    /// Whether it can be written piece by piece: the others need the whole trace at once.
    pub const fn goes_in_pieces(self) -> bool {
        matches!(self, Format::Pcapng | Format::Jsonl | Format::Csv)
    }
}

/// An export in the course of being written.
#[derive(Debug)]
pub struct Export {
    wanted: Wanted,
    begun: bool,
    told: Told,
    /// Which levels show anything.
    shown: [bool; 6],
    accesses: u64,
    registers: u64,
    procedures: u64,
    /// Transactions.
    drawn: u64,
    /// Events in the file, where that must be known.
    written: u64,
}

impl Export {
    /// Nothing is written yet.
    pub fn new(wanted: Wanted) -> Export {
        let (accesses, registers, procedures, drawn, written) = (0, 0, 0, 0, 0);
        let (begun, told, shown) = (false, Told::default(), [false; 6]);
        Export { wanted, begun, told, shown, accesses, registers, procedures, drawn, written }
    }

    /// Writes a piece of a recording: the only one, or one of a [format that goes in pieces](Format::goes_in_pieces).
    ///
    /// # Errors
    /// Those of `out`.
    pub fn piece(&mut self, piece: &Trace, out: &mut dyn Write) -> io::Result<()> {
        let begins = !std::mem::replace(&mut self.begun, true);
        self.look(piece);
        let Wanted { format, marks, .. } = self.wanted;
        match format {
            Format::Pcapng => wireshark::write(piece, begins, marks, &mut self.written, out)?,
            Format::Jsonl => json::write(piece, begins, &self.wanted, out)?,
            Format::Csv => csv::write(piece, begins, &self.wanted, out)?,
            Format::Perfetto => self.told = perfetto::write(piece, marks, out)?,
            Format::Vcd => self.told = vcd::write(piece, out)?,
            Format::Sr => self.told = sr::write(piece, out)?,
        }
        Ok(())
    }

    /// Counts what may have no place in the form.
    fn look(&mut self, piece: &Trace) {
        for (shown, level) in self.shown.iter_mut().zip(Level::ALL) {
            *shown |= piece.count(level) > 0;
        }
        if !piece.hides_the_wire() {
            return;
        }
        for event in piece.accesses() {
            match &event.body {
                Body::Access(_) => self.accesses += 1,
                Body::Register(_) => self.registers += 1,
                Body::ByProbe(_) => self.procedures += 1,
                _ => {}
            }
        }
        let transactions = piece.events(Level::Transaction).iter().filter(|event| is_transaction(event));
        self.drawn += u64::try_from(transactions.count()).unwrap_or(u64::MAX);
    }

    /// What a reader must know; `last` is the last piece.
    pub fn told(mut self, last: &Trace) -> Told {
        match self.wanted.format {
            Format::Pcapng => {
                if last.usb_hides_times() && self.shows(Level::Transaction) {
                    self.told
                        .made_up
                        .push("transactions of one packet have the time of the packet".to_owned());
                }
                self.without_a_wire(last);
            }
            Format::Vcd | Format::Sr => self.without_a_wire(last),
            Format::Jsonl | Format::Csv => self.without_the_level(last),
            Format::Perfetto => {}
        }
        self.told
    }

    fn shows(&self, level: Level) -> bool {
        self.shown.get(usize::from(level.number())).is_some_and(|shown| *shown)
    }

    /// What the source shows without showing how it was done on the wire.
    fn without_a_wire(&mut self, last: &Trace) {
        if !last.hides_the_wire() {
            return;
        }
        let why = "are not there: the source does not show how they were done on the wire";
        self.told.left_out(self.accesses, &format!("memory accesses {why}"));
        // An ST-Link's commands spell out single registers.
        self.told.left_out(self.registers.saturating_sub(self.drawn), &format!("register accesses {why}"));
        self.told.left_out(self.procedures, &format!("procedures of the probe {why}"));
    }

    fn without_the_level(&mut self, last: &Trace) {
        let level = self.wanted.level;
        let lowest = Level::ALL.into_iter().find(|level| self.shows(*level));
        if let Some(lowest) = lowest.filter(|_| !self.shows(level)) {
            self.told.left_out.push(format!(
                "the trace shows nothing at level {}; --level {} is the lowest at which it does",
                level.number(),
                lowest.number()
            ));
        } else if level == Level::Transaction {
            self.without_a_wire(last);
        }
    }
}

fn is_transaction(event: &Event) -> bool {
    match &event.body {
        Body::Wire(wired) => matches!(wired.what, OnWire::Event(WireEvent::Transaction(_))),
        _ => false,
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
    if wanted { trace.marks_here() } else { &[] }
}

fn nanos(at: Duration) -> u64 {
    u64::try_from(at.as_nanos()).unwrap_or(u64::MAX)
}

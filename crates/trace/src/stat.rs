//! Counts, times and troubles over a whole trace.

mod busy;
mod swclk;
mod time;
mod trouble;

pub use swclk::Swclk;
pub use time::{Gap, Latency, Rates};
pub use trouble::{Fault, Waits};

use crate::Trace;
use crate::decode::Problem;
use crate::event::{Accessed, Body, OnWire};
use busy::Addresses;
use serde::Serialize;
use std::time::Duration;
use swclk::Speed;
use time::{Silences, Spreads};
use trouble::{Faults, WaitRuns};
use wire::{Ack, Level, WireEvent};

/// Counts over a whole trace. `schema` grows when a field changes its meaning or goes away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stat {
    /// Version of this form: 1.
    pub schema: u32,
    /// What the probe speaks: "CMSIS-DAP", or "ST-Link", which hides most of its transactions. Absent where it is neither.
    pub probe: Option<String>,
    /// The chip, and what tells it.
    pub target: String,
    /// From the first to the last event, in nanoseconds.
    pub duration_ns: u64,
    /// Events by level, 0 to 5.
    pub events: [usize; 6],
    /// Marks.
    pub marks: usize,
    /// USB.
    pub usb: Usb,
    /// Transactions on the wire.
    pub transactions: Transactions,
    /// Line resets.
    pub line_resets: u64,
    /// Stretches of a logic capture that could not be read.
    pub unreadable: u64,
    /// Memory accesses.
    pub memory: Memory,
    /// How long things took, by level.
    pub latency: Vec<Latency>,
    /// WAIT.
    pub waits: Waits,
    /// FAULTs, all of them.
    pub fault_count: usize,
    /// The first FAULTs, with their causes.
    pub faults: Vec<Fault>,
    /// The longest silences, longest first.
    pub gaps: Vec<Gap>,
    /// Rates.
    pub rates: Rates,
    /// SWCLK.
    pub swclk: Swclk,
    /// Warnings of the reader.
    pub warnings: Vec<String>,
}

/// USB counts.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Usb {
    /// Commands that were answered: each a round trip, unless several were under way.
    pub round_trips: usize,
    /// Commands that were not answered although they should have been.
    pub unanswered: usize,
    /// Answers without a request.
    pub stale: usize,
    /// Requests and answers that make no sense.
    pub unreadable: usize,
    /// Bytes to the probe.
    pub bytes_out: u64,
    /// Bytes from the probe.
    pub bytes_in: u64,
}

/// Transactions by ack. WAITs that a probe repeats of its own accord are not in a recording of USB.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Transactions {
    /// All.
    pub total: u64,
    /// Accepted.
    pub ok: u64,
    /// Answered WAIT.
    pub wait: u64,
    /// Answered FAULT.
    pub fault: u64,
    /// Not answered.
    pub no_ack: u64,
    /// Read data with wrong parity.
    pub parity_errors: u64,
    /// Any other ack.
    pub other: u64,
    /// Added by the probe's firmware.
    pub implied: u64,
    /// Most WAITs in a row.
    pub longest_wait_run: u64,
    /// Times that nRESET went low.
    pub resets: u64,
}

/// Memory accesses, each value counted, and how often an address was used.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Memory {
    /// Reads that were accepted.
    pub reads: u64,
    /// Writes that were accepted.
    pub writes: u64,
    /// Accesses that were refused.
    pub refused: u64,
    /// Waits inside the probe.
    pub matches: u64,
    /// Bytes read.
    pub bytes_read: u64,
    /// Bytes written.
    pub bytes_written: u64,
    /// The addresses with the most accesses.
    pub busiest: Vec<Busy>,
}

/// An address and how often it was used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Busy {
    /// The address, `0x4002_2020`.
    pub address: String,
    /// Its name, or the region it lies in.
    pub name: String,
    /// Accesses.
    pub accesses: u64,
}

impl Stat {
    /// Counts.
    pub fn of(trace: &Trace) -> Stat {
        let mut counts = Counts::default();
        counts.add(trace);
        counts.stat(trace)
    }
}

/// Counts over pieces of a recording.
#[derive(Debug, Default)]
pub struct Counts {
    /// When the first event began and the last was over.
    span: Option<(Duration, Duration)>,
    events: [usize; 6],
    usb: Usb,
    transactions: Transactions,
    line_resets: u64,
    unreadable: u64,
    memory: Memory,
    busy: Addresses,
    spreads: Spreads,
    waits: WaitRuns,
    faults: Faults,
    silences: Silences,
    swclk: Speed,
}

impl Counts {
    /// Counts a piece, which stands behind the one before.
    pub fn add(&mut self, piece: &Trace) {
        for (count, level) in self.events.iter_mut().zip(Level::ALL) {
            *count += piece.count(level);
        }
        self.usb.transfers(piece);
        self.usb.commands(piece);
        self.times(piece);
        self.wire(piece);
        for event in piece.accesses() {
            if let Body::Access(a) = &event.body {
                self.memory.access(a);
                self.busy.count(a.access.at);
            }
        }
        self.spreads.add(piece);
        self.faults.add(piece);
        self.silences.add(piece);
    }

    /// From when to when. What is on the wire is within the command that it is derived from.
    fn times(&mut self, piece: &Trace) {
        let commands = piece.events(Level::Command);
        let own = if commands.is_empty() { piece.events(Level::Transaction) } else { commands };
        for event in piece.events(Level::Usb).iter().chain(own) {
            self.within(event.at, event.until);
        }
        piece.marks_here().iter().for_each(|marked| self.within(marked.at, marked.at));
    }

    fn within(&mut self, at: Duration, until: Duration) {
        let (first, last) = self.span.get_or_insert((at, until));
        (*first, *last) = (at.min(*first), until.max(*last));
    }

    fn wire(&mut self, piece: &Trace) {
        let Counts { transactions, line_resets, unreadable, waits, swclk, .. } = self;
        swclk.each(piece, |event, wired| match &wired.what {
            OnWire::Event(WireEvent::Transaction(t)) => {
                transactions.count(t.ack, wired.implied);
                waits.take(event, t.ack);
            }
            OnWire::Event(WireEvent::Reset(true)) => transactions.resets += 1,
            OnWire::Event(WireEvent::LineReset) => *line_resets += 1,
            OnWire::Unreadable(_) => *unreadable += 1,
            _ => {}
        });
    }

    /// What was counted; `last` is the last piece.
    pub fn stat(self, last: &Trace) -> Stat {
        let (first, end) = self.span.unwrap_or_default();
        let duration_ns = time::nanos(end.saturating_sub(first));
        let waits = self.waits.finish();
        let transactions = Transactions { longest_wait_run: waits.longest_run, ..self.transactions };
        let memory = Memory { busiest: self.busy.busiest(last.target().names), ..self.memory };
        let (fault_count, faults) = self.faults.finish();
        let rate = |count| time::rate(count, duration_ns);
        Stat {
            schema: 1,
            probe: last.protocol().map(|protocol| protocol.to_string()),
            target: last.target().to_string(),
            duration_ns,
            events: self.events,
            marks: last.marks().len(),
            rates: Rates {
                bytes_read: rate(memory.bytes_read),
                bytes_written: rate(memory.bytes_written),
                usb_bytes: rate(self.usb.bytes_out + self.usb.bytes_in),
                round_trips: rate(u64::try_from(self.usb.round_trips).unwrap_or(u64::MAX)),
                transactions: rate(transactions.total),
            },
            usb: self.usb,
            transactions,
            line_resets: self.line_resets,
            unreadable: self.unreadable,
            memory,
            latency: self.spreads.latency(last),
            waits,
            fault_count,
            faults,
            gaps: self.silences.gaps(last),
            swclk: self.swclk.swclk(last),
            warnings: last.warnings().iter().map(ToString::to_string).collect(),
        }
    }
}

impl Usb {
    fn transfers(&mut self, piece: &Trace) {
        for event in piece.events(Level::Usb) {
            let Body::Transfer(transfer) = &event.body else { continue };
            let bytes = u64::try_from(transfer.data.len()).unwrap_or(u64::MAX);
            let sum = if transfer.is_in() { &mut self.bytes_in } else { &mut self.bytes_out };
            *sum += bytes;
        }
    }

    /// Commands and their answers.
    pub(crate) fn commands(&mut self, piece: &Trace) {
        for event in piece.events(Level::Command) {
            let (problem, answered) = match &event.body {
                Body::Command(command) => (&command.problem, command.response.is_some()),
                Body::StLink(command) => (&command.problem, command.answer.is_some()),
                _ => continue,
            };
            match problem {
                None => self.round_trips += usize::from(answered),
                Some(Problem::Unanswered | Problem::NotSent) => self.unanswered += 1,
                Some(Problem::Stale) => self.stale += 1,
                Some(Problem::Request(_) | Problem::Answer(_)) => self.unreadable += 1,
            }
        }
    }
}

impl Transactions {
    fn count(&mut self, ack: Ack, implied: bool) {
        self.total += 1;
        self.implied += u64::from(implied);
        let slot = match ack {
            Ack::OK => &mut self.ok,
            Ack::WAIT => &mut self.wait,
            Ack::FAULT => &mut self.fault,
            Ack::NONE => &mut self.no_ack,
            Ack::PARITY => &mut self.parity_errors,
            _ => &mut self.other,
        };
        *slot += 1;
    }
}

impl Memory {
    fn access(&mut self, a: &Accessed) {
        if a.ack != Ack::OK {
            self.refused += 1;
        } else if a.matching.is_some() {
            self.matches += 1;
        } else if a.access.write {
            self.writes += 1;
            self.bytes_written += a.bytes();
        } else {
            self.reads += 1;
            self.bytes_read += a.bytes();
        }
    }
}

#[cfg(test)]
mod tests;

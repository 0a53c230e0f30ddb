//! Counts, times and troubles over a whole trace.

mod swclk;
mod time;
mod trouble;

pub use swclk::Swclk;
pub use time::{Gap, Latency, Rates};
pub use trouble::{Fault, Waits};

use crate::Trace;
use crate::event::{Body, OnWire};
use serde::Serialize;
use std::collections::HashMap;
use wire::{Ack, Level, WireEvent};

/// How many busy addresses are listed.
const BUSIEST: usize = 10;

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
        // The levels above are derived from these, with times within theirs.
        let levels = [Level::Usb, Level::Command, Level::Transaction];
        let all = || levels.into_iter().flat_map(|level| trace.events(level));
        let first = all().map(|e| e.at).chain(trace.marks().iter().map(|m| m.at)).min().unwrap_or_default();
        let last = all().map(|e| e.until).chain(trace.marks().iter().map(|m| m.at)).max().unwrap_or_default();
        let duration_ns = time::nanos(last.saturating_sub(first));
        let (usb, transactions, memory) = (usb(trace), transactions(trace), memory(trace));
        let (fault_count, faults) = trouble::faults(trace);
        let rate = |count| time::rate(count, duration_ns);
        Stat {
            schema: 1,
            probe: trace.protocol().map(|protocol| protocol.to_string()),
            target: trace.target().to_string(),
            duration_ns,
            events: Level::ALL.map(|level| trace.count(level)),
            marks: trace.marks().len(),
            rates: Rates {
                bytes_read: rate(memory.bytes_read),
                bytes_written: rate(memory.bytes_written),
                usb_bytes: rate(usb.bytes_out + usb.bytes_in),
                round_trips: rate(u64::try_from(usb.round_trips).unwrap_or(u64::MAX)),
                transactions: rate(transactions.total),
            },
            usb,
            transactions,
            line_resets: on_wire(trace, |what| matches!(what, OnWire::Event(WireEvent::LineReset))),
            unreadable: on_wire(trace, |what| matches!(what, OnWire::Unreadable(_))),
            memory,
            latency: time::latency(trace),
            waits: trouble::waits(trace),
            fault_count,
            faults,
            gaps: time::gaps(trace),
            swclk: swclk::swclk(trace),
            warnings: trace.warnings().iter().map(ToString::to_string).collect(),
        }
    }
}

impl Stat {
    /// Commands that were answered.
    pub(crate) fn of_usb(trace: &Trace) -> u64 {
        u64::try_from(usb(trace).round_trips).unwrap_or(u64::MAX)
    }
}

fn usb(trace: &Trace) -> Usb {
    use crate::decode::Problem;
    let mut usb = Usb::default();
    for event in trace.events(Level::Usb) {
        let Body::Transfer(transfer) = &event.body else { continue };
        let bytes = u64::try_from(transfer.data.len()).unwrap_or(u64::MAX);
        let sum = if transfer.is_in() { &mut usb.bytes_in } else { &mut usb.bytes_out };
        *sum += bytes;
    }
    for event in trace.events(Level::Command) {
        let (problem, answered) = match &event.body {
            Body::Command(command) => (&command.problem, command.response.is_some()),
            Body::StLink(command) => (&command.problem, command.answer.is_some()),
            _ => continue,
        };
        match problem {
            None => usb.round_trips += usize::from(answered),
            Some(Problem::Unanswered | Problem::NotSent) => usb.unanswered += 1,
            Some(Problem::Stale) => usb.stale += 1,
            Some(Problem::Request(_) | Problem::Answer(_)) => usb.unreadable += 1,
        }
    }
    usb
}

/// How many events of level 2 are such.
fn on_wire(trace: &Trace, such: impl Fn(&OnWire) -> bool) -> u64 {
    let events = trace.events(Level::Transaction).iter();
    let count = events.filter(|event| matches!(&event.body, Body::Wire(wired) if such(&wired.what))).count();
    u64::try_from(count).unwrap_or(u64::MAX)
}

fn transactions(trace: &Trace) -> Transactions {
    let mut counts = Transactions::default();
    let mut waits = 0;
    for event in trace.events(Level::Transaction) {
        let Body::Wire(wired) = &event.body else { continue };
        match &wired.what {
            OnWire::Event(WireEvent::Transaction(t)) => {
                counts.total += 1;
                counts.implied += u64::from(wired.implied);
                waits = if t.ack == Ack::WAIT { waits + 1 } else { 0 };
                counts.longest_wait_run = counts.longest_wait_run.max(waits);
                let slot = match t.ack {
                    Ack::OK => &mut counts.ok,
                    Ack::WAIT => &mut counts.wait,
                    Ack::FAULT => &mut counts.fault,
                    Ack::NONE => &mut counts.no_ack,
                    Ack::PARITY => &mut counts.parity_errors,
                    _ => &mut counts.other,
                };
                *slot += 1;
            }
            OnWire::Event(WireEvent::Reset(true)) => counts.resets += 1,
            _ => {}
        }
    }
    counts
}

fn memory(trace: &Trace) -> Memory {
    let mut memory = Memory::default();
    let mut addresses: HashMap<wire::Addr, u64> = HashMap::new();
    for event in trace.accesses() {
        let Body::Access(a) = &event.body else { continue };
        *addresses.entry(a.access.at).or_default() += 1;
        if a.ack != Ack::OK {
            memory.refused += 1;
        } else if a.matching.is_some() {
            memory.matches += 1;
        } else if a.access.write {
            memory.writes += 1;
            memory.bytes_written += a.bytes();
        } else {
            memory.reads += 1;
            memory.bytes_read += a.bytes();
        }
    }
    let mut busiest: Vec<(wire::Addr, u64)> = addresses.into_iter().collect();
    busiest.sort_by_key(|(at, count)| (std::cmp::Reverse(*count), *at));
    busiest.truncate(BUSIEST);
    let names = trace.target().names;
    memory.busiest = busiest
        .into_iter()
        .map(|(at, accesses)| Busy { address: at.to_string(), name: crate::name::place(names, at), accesses })
        .collect();
    memory
}

#[cfg(test)]
mod tests;

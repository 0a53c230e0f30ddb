//! The pins, drawn from what was on the wire: SWCLK, SWDIO and nRESET in quarters of a clock. [ADI-1] [ADI-9] [ADI-13]
//!
//! The host sets SWDIO as SWCLK falls; the target sets it a quarter of a clock behind the rise before. Nobody drives it in
//! turnarounds, and it is high there. Behind every packet come eight low clocks. A trace of USB knows neither the rate of
//! SWCLK nor when within a packet a transaction was, so these are made up and told.

use super::veil::Veil;
use super::{Told, nanos};
use crate::event::{Body, Event, OnWire, Wired};
use crate::trace::Trace;
use cmsis_dap::Request;
use regs::dp::{self, LineSequence, SEQUENCES};
use std::io;
use stlink::{Answer, Command};
use wire::{Ack, Hz, Level, Port, Transaction, WireEvent};

/// Where nothing tells how fast it was.
const UNKNOWN_RATE: Hz = Hz::khz(1000);
/// Quarters of a clock.
const QUARTERS: u64 = 4;
/// Low clocks behind a packet.
const IDLE: usize = 8;
/// High clocks of a line reset.
const LINE_RESET: usize = 56;

/// Takes the levels of the pins.
pub(super) trait Pen {
    /// From this quarter on they are so.
    fn levels(&mut self, quarter: u64, pins: Pins) -> io::Result<()>;
}

/// Levels of the pins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pins {
    pub(super) swclk: bool,
    pub(super) swdio: bool,
    pub(super) nrst: bool,
}

/// One clock: the level before its rise, and whether the target drives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Clock {
    high: bool,
    target: bool,
}

/// What is to be drawn, and how wide.
pub(super) struct Drawing<'a> {
    trace: &'a Trace,
    /// A quarter of a clock, in nanoseconds.
    pub(super) quarter: u64,
    rate_note: String,
}

/// What could not be drawn as it was.
#[derive(Debug, Default)]
struct Unknown {
    data: u64,
    lost: u64,
    secret: u64,
    matches: u64,
    unnamed: u64,
    holes: u64,
}

impl<'a> Drawing<'a> {
    pub(super) fn new(trace: &'a Trace) -> Self {
        let (Hz(rate), source) = rate(trace);
        let quarter = (1_000_000_000 / (u64::from(rate.max(1)) * QUARTERS)).max(1);
        let drawn = Hz(u32::try_from(1_000_000_000 / (quarter * QUARTERS)).unwrap_or(u32::MAX));
        Drawing { trace, quarter, rate_note: format!("SWCLK was drawn at {drawn}: {source}") }
    }

    /// Draws everything and says what was made up.
    pub(super) fn draw(&self, pen: &mut dyn Pen) -> io::Result<Told> {
        let mut hand = Hand { pen, at: 0, pins: Pins { swclk: false, swdio: false, nrst: true } };
        hand.set(0)?;
        let (mut unknown, veil) = (Unknown::default(), Veil::of(self.trace)?);
        let events = self.trace.events(Level::Transaction);
        for (n, event) in events.iter().enumerate() {
            let Body::Wire(wired) = &event.body else { continue };
            hand.at = hand.at.max(nanos(event.at).div_ceil(self.quarter));
            if let OnWire::Event(WireEvent::Reset(low)) = wired.what {
                hand.reset(low)?;
                continue;
            }
            unknown.secret += u64::from(wired.secret);
            unknown.matches += u64::from(wired.matching.is_some());
            hand.clocks(&clocks(&veil.over(wired), events.get(n + 1), &mut unknown))?;
        }
        hand.set(QUARTERS)?;
        Ok(self.told(&unknown))
    }

    fn told(&self, unknown: &Unknown) -> Told {
        let Unknown { data, lost, secret, matches, unnamed, holes } = *unknown;
        let mut told = Told { made_up: vec![self.rate_note.clone()], ..Told::default() };
        let mut made_up = |count: u64, what: &str| {
            if count > 0 {
                told.made_up.push(format!("{count} {what}"));
            }
        };
        made_up(data, "data phases of which the trace does not show the data were drawn as zeros");
        made_up(matches, "waits inside the probe were drawn as the read that ended them");
        made_up(secret, "secrets were drawn as their masks, and a reader takes them for data");
        made_up(u64::try_from(self.trace.marks().len()).unwrap_or(u64::MAX), "marks have no place in it");
        if self.trace.usb_hides_times() {
            told.made_up
                .push("the transactions of a packet follow each other from its beginning on".to_owned());
        }
        told.left_out(lost, "commands without an answer were not drawn");
        told.left_out(holes, "holes in the recording cannot be drawn");
        told.left_out(unnamed, "switch sequences of a name that is not known were not drawn");
        told
    }
}

struct Hand<'a> {
    pen: &'a mut dyn Pen,
    at: u64,
    pins: Pins,
}

impl Hand<'_> {
    fn set(&mut self, quarters: u64) -> io::Result<()> {
        self.pen.levels(self.at, self.pins)?;
        self.at += quarters;
        Ok(())
    }

    fn reset(&mut self, low: bool) -> io::Result<()> {
        self.pins.nrst = !low;
        self.set(QUARTERS)
    }

    fn clocks(&mut self, clocks: &[Clock]) -> io::Result<()> {
        for (n, clock) in clocks.iter().enumerate() {
            self.pins.swclk = false;
            if !clock.target {
                self.pins.swdio = clock.high;
            }
            self.set(2)?;
            self.pins.swclk = true;
            self.set(1)?;
            if let Some(next) = clocks.get(n + 1).filter(|next| next.target) {
                self.pins.swdio = next.high;
            }
            self.set(1)?;
        }
        if !clocks.is_empty() {
            self.pins.swclk = false;
            self.set(0)?;
        }
        Ok(())
    }
}

/// How fast SWCLK was, and where that is known from.
fn rate(trace: &Trace) -> (Hz, &'static str) {
    if let Some(rate) = fastest(trace) {
        return (rate, "as fast as the fastest transaction of the capture");
    }
    let asked = trace.events(Level::Command).iter().rev().find_map(|event| match &event.body {
        Body::Command(command) => match command.request {
            Some(Request::SwjClock(rate)) => Some(rate),
            _ => None,
        },
        Body::StLink(exchange) => match (exchange.command, &exchange.answer) {
            (Some(Command::SetComFreq { .. }), Some(Answer::Value { value, .. })) => Some(Hz::khz(*value)),
            _ => None,
        },
        _ => None,
    });
    match asked {
        Some(rate) => (rate, "what the host asked the probe for last; the real rate is not in the trace"),
        None => (UNKNOWN_RATE, "the trace says nothing of the rate, so this is made up"),
    }
}

/// The rate of the fastest transaction that was captured on the pins.
fn fastest(trace: &Trace) -> Option<Hz> {
    if trace.usb_hides_times() {
        return None;
    }
    let rates = trace.events(Level::Transaction).iter().filter_map(|event| {
        let Body::Wire(Wired { what: OnWire::Event(WireEvent::Transaction(t)), .. }) = &event.body else {
            return None;
        };
        // From the first rise to the last.
        let clocks = packet(t, &mut Unknown::default()).len().checked_sub(IDLE + 1)?;
        let took = nanos(event.until.saturating_sub(event.at));
        u32::try_from((u64::try_from(clocks).ok()? * 1_000_000_000).checked_div(took)?).ok()
    });
    rates.max().map(Hz)
}

fn host(high: bool) -> Clock {
    Clock { high, target: false }
}

fn bits(data: &[u8], count: usize) -> impl Iterator<Item = bool> {
    data.iter().flat_map(|byte| (0..8).map(move |n| byte >> n & 1 != 0)).take(count)
}

/// The clocks of an event; `next` is the one behind it.
fn clocks(wired: &Wired, next: Option<&Event>, unknown: &mut Unknown) -> Vec<Clock> {
    match &wired.what {
        OnWire::Event(WireEvent::Transaction(transaction)) => packet(transaction, unknown),
        OnWire::Event(WireEvent::LineReset) => {
            let mut clocks = vec![host(true); LINE_RESET];
            // A select code follows the high clocks at once.
            if !next.is_some_and(is_switch) {
                clocks.extend([host(false); IDLE]);
            }
            clocks
        }
        OnWire::Event(WireEvent::Switch(name)) => {
            let known = SEQUENCES.iter().find(|sequence| sequence.name == *name);
            unknown.unnamed += u64::from(known.is_none());
            known.map(|sequence| code(sequence)).unwrap_or_default()
        }
        OnWire::Event(WireEvent::Reset(_) | WireEvent::Idle(_)) => Vec::new(),
        OnWire::Bits { count, data } => bits(data, *count).map(host).collect(),
        OnWire::Unreadable(found) => bits(&found.data, found.count).map(host).collect(),
        OnWire::Gap(_) => {
            unknown.holes += 1;
            Vec::new()
        }
        OnWire::Lost => {
            unknown.lost += 1;
            Vec::new()
        }
    }
}

fn is_switch(event: &Event) -> bool {
    matches!(&event.body, Body::Wire(Wired { what: OnWire::Event(WireEvent::Switch(_)), .. }))
}

/// The part of a switch sequence that is an event: a select code, or a selection alert with what stands before it and the
/// activation code.
fn code(sequence: &LineSequence) -> Vec<Clock> {
    /// Clocks of lead, alert, low clocks and activation code.
    const ALERTED: usize = 8 + 128 + 4 + 8;
    /// Bytes of high clocks before a select code.
    const LEAD: usize = 7;
    const CODE: usize = 16;
    let (start, count) = match sequence.bytes.first() {
        Some(0xFF) if sequence.name.starts_with("dormant") => (0, ALERTED),
        Some(0xFF)
            if sequence.bytes.get(..LEAD).is_some_and(|lead| lead.iter().all(|byte| *byte == 0xFF)) =>
        {
            (LEAD, CODE)
        }
        _ => (0, usize::from(sequence.bits)),
    };
    bits(sequence.bytes.get(start..).unwrap_or_default(), count).map(host).collect()
}

/// The clocks of a transaction.
fn packet(transaction: &Transaction, unknown: &mut Unknown) -> Vec<Clock> {
    let Transaction { reg, read, ack, data } = *transaction;
    let request = dp::request(reg.port == Port::Ap, read, reg.a);
    let mut clocks: Vec<Clock> = bits(&[request], 8).map(host).collect();
    let turnaround = host(true);
    clocks.push(turnaround);
    // Nobody answers TARGETSEL, and the data are taken all the same.
    let unanswered = !read && reg.port == Port::Dp && reg.a == dp::TARGETSEL && ack == Ack::OK;
    let shown = match ack {
        Ack::PARITY => Ack::OK,
        _ if unanswered => Ack::NONE,
        ack => ack,
    };
    clocks.extend(bits(&[shown.0], 3).map(|high| Clock { high, target: true }));
    let moves = data.is_some() || matches!(ack, Ack::OK | Ack::PARITY);
    if moves && data.is_none() {
        unknown.data += 1;
    }
    let word = data.unwrap_or(0);
    let parity = (word.count_ones() % 2 == 1) != (ack == Ack::PARITY);
    let bytes = word.to_le_bytes();
    let phase = bits(&bytes, 32).chain([parity]).map(|high| Clock { high, target: read });
    match (moves, read) {
        (true, true) => {
            clocks.extend(phase);
            clocks.push(turnaround);
        }
        (true, false) => {
            clocks.push(turnaround);
            clocks.extend(phase);
        }
        (false, _) => clocks.push(turnaround),
    }
    clocks.extend([host(false); IDLE]);
    clocks
}

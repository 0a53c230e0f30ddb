//! How fast SWCLK was.

use crate::Trace;
use crate::cost::Clocks;
use crate::event::{Body, Event, OnWire};
use crate::read::Protocol;
use cmsis_dap::Request;
use serde::Serialize;
use wire::{Ack, Level, WireEvent};

/// An estimate of SWCLK.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Swclk {
    /// What the host asked the probe for last.
    pub asked_hz: Option<u64>,
    /// In a capture of the pins: what half of the accepted transactions reach.
    pub measured_hz: Option<u64>,
    /// Over USB: what the busiest command must have had, its clocks divided by its time.
    pub at_least_hz: Option<u64>,
}

const SECOND: u64 = 1_000_000_000;

pub(super) fn swclk(trace: &Trace) -> Swclk {
    let clocks = Clocks::of(trace);
    match trace.protocol() {
        Some(Protocol::CmsisDap) => {
            Swclk { asked_hz: asked(trace), at_least_hz: at_least(trace, &clocks), ..Swclk::default() }
        }
        _ if trace.usb_hides_times() => Swclk::default(),
        _ => Swclk { measured_hz: measured(trace, &clocks), ..Swclk::default() },
    }
}

fn asked(trace: &Trace) -> Option<u64> {
    let asks = |event: &Event| match &event.body {
        Body::Command(command) => match &command.request {
            Some(Request::SwjClock(hz)) => Some(u64::from(hz.0)),
            _ => None,
        },
        _ => None,
    };
    trace.events(Level::Command).iter().rev().find_map(asks)
}

fn per_second(clocks: u64, event: &Event) -> Option<u64> {
    let nanos = super::time::nanos(event.until.saturating_sub(event.at));
    (clocks > 0).then(|| clocks.saturating_mul(SECOND).checked_div(nanos)).flatten()
}

fn measured(trace: &Trace, clocks: &Clocks) -> Option<u64> {
    let accepted = |event: &&Event| match &event.body {
        Body::Wire(wired) => {
            matches!(&wired.what, OnWire::Event(WireEvent::Transaction(t)) if t.ack == Ack::OK)
        }
        _ => false,
    };
    let events = trace.events(Level::Transaction).iter().zip(&clocks.each);
    // From the rise of the first clock to that of the last.
    let rate = |(event, clocks): (&Event, &u64)| per_second(clocks.saturating_sub(1), event);
    let mut all: Vec<u64> = events.filter(|(event, _)| accepted(event)).filter_map(rate).collect();
    all.sort_unstable();
    all.get(all.len() / 2).copied()
}

fn at_least(trace: &Trace, clocks: &Clocks) -> Option<u64> {
    let commands = trace.events(Level::Command);
    let mut each = vec![0u64; commands.len()];
    for (event, clocks) in trace.events(Level::Transaction).iter().zip(&clocks.each) {
        if let Some(sum) = event.cause.and_then(|cause| each.get_mut(cause)) {
            *sum += clocks;
        }
    }
    each.iter().zip(commands).filter_map(|(clocks, event)| per_second(*clocks, event)).max()
}

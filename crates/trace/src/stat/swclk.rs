//! How fast SWCLK was.

use super::time::Spread;
use crate::Trace;
use crate::cost::Clocks;
use crate::event::{Body, Event, OnWire, Wired};
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

/// What speaks for how fast it was.
#[derive(Debug, Default)]
pub(super) struct Speed {
    clocks: Clocks,
    asked: Option<u64>,
    /// The command whose clocks are added up, and they.
    command: Option<(usize, u64)>,
    at_least: Option<u64>,
    /// Of accepted transactions with times of their own.
    rates: Spread,
}

impl Speed {
    /// Shows each event of the wire in a piece, and notes how many clocks it took.
    pub(super) fn each(&mut self, piece: &Trace, mut see: impl FnMut(&Event, &Wired)) {
        let of_packets = piece.protocol() == Some(Protocol::CmsisDap);
        let timed = !of_packets && !piece.usb_hides_times();
        let Speed { clocks, command, at_least, rates, asked } = self;
        clocks.each(piece, |event, wired, clocks| {
            see(event, wired);
            if let Some(cause) = event.cause.filter(|_| of_packets) {
                let sum = command.filter(|(last, _)| *last == cause).map_or(0, |(_, sum)| sum) + clocks;
                *command = Some((cause, sum));
                // The clocks of a command grow, so its last sum is its greatest.
                *at_least = (*at_least).max(per_second(sum, event));
            } else if timed && is_accepted(wired) {
                // From the rise of the first clock to that of the last.
                per_second(clocks.saturating_sub(1), event).into_iter().for_each(|rate| rates.take(rate));
            }
        });
        *asked = piece.events(Level::Command).iter().rev().find_map(asks).or(*asked);
    }

    pub(super) fn swclk(&self, last: &Trace) -> Swclk {
        match last.protocol() {
            Some(Protocol::CmsisDap) => {
                Swclk { asked_hz: self.asked, at_least_hz: self.at_least, ..Swclk::default() }
            }
            _ if last.usb_hides_times() => Swclk::default(),
            _ => Swclk { measured_hz: self.rates.sorted().middle(), ..Swclk::default() },
        }
    }
}

fn asks(event: &Event) -> Option<u64> {
    match &event.body {
        Body::Command(command) => match &command.request {
            Some(Request::SwjClock(hz)) => Some(u64::from(hz.0)),
            _ => None,
        },
        _ => None,
    }
}

fn is_accepted(wired: &Wired) -> bool {
    matches!(&wired.what, OnWire::Event(WireEvent::Transaction(t)) if t.ack == Ack::OK)
}

fn per_second(clocks: u64, event: &Event) -> Option<u64> {
    let nanos = super::time::nanos(event.until.saturating_sub(event.at));
    (clocks > 0).then(|| clocks.saturating_mul(SECOND).checked_div(nanos)).flatten()
}

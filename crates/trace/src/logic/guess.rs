//! Which channels are SWCLK and SWDIO where neither a name nor a person tells: those that decode.
//!
//! A clock rises often, so the channels that rise most are tried as SWCLK, each with every other channel that moves as
//! SWDIO, on the beginning of the capture. The pair with the most transactions wins.

use super::Capture;
use super::channels::Channels;
use super::intake::Intake;
use crate::TraceError;
use crate::event::{Body, Event, OnWire};
use crate::read::Warning;
use std::cell::Cell;
use std::io::Read;
use std::rc::Rc;
use wire::{Ack, WireEvent};

/// Bytes of a capture that are looked at.
const BEGINNING: u64 = 1 << 25;
/// Channels that are tried as SWCLK.
const CLOCKS: usize = 3;
/// Fewer transactions can be chance.
const FEWEST: usize = 3;

/// Remembers what was read until the pins are found.
pub(super) struct Remembering<'a> {
    source: &'a mut dyn Read,
    seen: Vec<u8>,
    settled: Rc<Cell<bool>>,
    too_much: bool,
}

impl<'a> Remembering<'a> {
    pub(super) fn new(source: &'a mut dyn Read, intake: &Intake) -> Remembering<'a> {
        Remembering { source, seen: Vec::new(), settled: Rc::clone(&intake.settled), too_much: false }
    }

    /// The beginning of what is read, as long as all of it that was read is in it.
    pub(super) fn beginning(&mut self) -> Option<Vec<u8>> {
        if self.too_much {
            return None;
        }
        let mut beginning = std::mem::take(&mut self.seen);
        let more = BEGINNING.saturating_sub(u64::try_from(beginning.len()).unwrap_or(u64::MAX));
        // What cannot be read now fails again when all of it is read.
        let _ = (&mut *self.source).take(more).read_to_end(&mut beginning);
        Some(beginning)
    }

    /// What stands behind it.
    pub(super) fn rest(self) -> &'a mut dyn Read {
        self.source
    }
}

impl Read for Remembering<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.source.read(buffer)?;
        if !self.settled.get() && !self.too_much {
            self.seen.extend_from_slice(buffer.get(..count).unwrap_or_default());
            self.too_much = u64::try_from(self.seen.len()).is_ok_and(|seen| seen > BEGINNING);
        } else if self.settled.get() {
            self.seen = Vec::new();
        }
        Ok(count)
    }
}

/// The beginning of a file.
pub(super) fn beginning(file: &mut dyn Read) -> Result<Vec<u8>, TraceError> {
    let mut bytes = Vec::new();
    file.take(BEGINNING).read_to_end(&mut bytes).map_err(TraceError::Source)?;
    Ok(bytes)
}

/// SWCLK and SWDIO as places in the list of channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Guess {
    swclk: usize,
    swdio: usize,
    transactions: usize,
}

impl Guess {
    /// The pair that decodes best; `attempt` reads the beginning of the capture with these channels.
    pub(super) fn of(
        names: &[String],
        channels: &Channels,
        attempt: impl Fn(&Channels) -> Capture,
    ) -> Option<Guess> {
        let [swclk, swdio] = channels.told(names);
        let places = || 0..names.len();
        let rises: Vec<u64> = places()
            .map(|place| attempt(&channels.at(place, usize::from(place == 0))).tally.clocks)
            .collect();
        let moves = |place: &usize| rises.get(*place).is_some_and(|rises| *rises > 0);
        let mut clocks: Vec<usize> =
            places().filter(moves).filter(|n| swclk.is_none_or(|told| told == *n)).collect();
        clocks.sort_by_key(|place| std::cmp::Reverse(rises.get(*place)));
        clocks.truncate(CLOCKS);
        let mut best: Option<Guess> = None;
        for swclk in clocks {
            let others =
                places().filter(moves).filter(|n| *n != swclk && swdio.is_none_or(|told| told == *n));
            for swdio in others {
                let transactions = readable(&attempt(&channels.at(swclk, swdio)).events);
                if transactions >= best.map_or(FEWEST, |best| best.transactions + 1) {
                    best = Some(Guess { swclk, swdio, transactions });
                }
            }
        }
        best
    }

    pub(super) fn channels(&self, told: &Channels) -> Channels {
        told.at(self.swclk, self.swdio)
    }

    pub(super) fn told(&self, names: &[String]) -> Warning {
        let name = |place: usize| match names.get(place).map(String::as_str) {
            None | Some("") => place.to_string(),
            Some(name) => format!("{name} ({place})"),
        };
        Warning::Guessed { swclk: name(self.swclk), swdio: name(self.swdio), transactions: self.transactions }
    }
}

/// Transactions that were accepted, if there are more of them than of stretches that nobody can read.
fn readable(events: &[Event]) -> usize {
    let (mut accepted, mut unreadable) = (0, 0);
    for event in events {
        let Body::Wire(wired) = &event.body else { continue };
        match &wired.what {
            OnWire::Event(WireEvent::Transaction(t)) if t.ack == Ack::OK => accepted += 1,
            OnWire::Event(WireEvent::Transaction(_)) | OnWire::Unreadable(_) => unreadable += 1,
            _ => {}
        }
    }
    if accepted > unreadable { accepted } else { 0 }
}

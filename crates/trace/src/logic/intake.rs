//! Where every reader of logic captures puts what it reads: clocks go to the wire decoder, and its events come out with times.

use super::channels::{Channels, Pins};
use crate::TraceError;
use crate::event::{Body, Event};
use crate::read::Warning;
use crate::swd::{Decoder, Found};
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;
use wire::{Certainty, Level};

/// Nanoseconds in a second, femtoseconds in a nanosecond.
const NANOS: u64 = 1_000_000_000;
const FEMTOS: u64 = 1_000_000;
/// More events than this are not kept: several gigabytes of them.
const MOST_EVENTS: usize = 20_000_000;

/// What a tick is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scale {
    /// So many ticks a second.
    Rate(u64),
    /// So many femtoseconds a tick.
    Femtos(u64),
}

impl Scale {
    /// The time of a tick since tick 0.
    pub(super) fn time(self, tick: u64) -> Duration {
        match self {
            Scale::Rate(rate) => {
                let rate = rate.max(1);
                let rest = u128::from(tick % rate) * u128::from(NANOS) / u128::from(rate);
                Duration::new(tick / rate, u32::try_from(rest).unwrap_or_default())
            }
            Scale::Femtos(femtos) if femtos.is_multiple_of(FEMTOS) => {
                Duration::from_nanos(tick.saturating_mul(femtos / FEMTOS))
            }
            Scale::Femtos(femtos) => {
                let nanos = u128::from(tick) * u128::from(femtos) / u128::from(FEMTOS);
                Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
            }
        }
    }
}

/// A capture in the course of being read.
#[derive(Debug)]
pub(super) struct Intake {
    pub(super) decoder: Decoder,
    pub(super) scale: Scale,
    pub(super) events: Vec<Event>,
    pub(super) warnings: Vec<Warning>,
    /// Lines `key: value` about the capture.
    pub(super) comment: String,
    /// The names of the channels.
    pub(super) names: Vec<String>,
    /// The pins are found among them.
    pub(super) settled: Rc<Cell<bool>>,
}

impl Intake {
    pub(super) fn new() -> Intake {
        Intake {
            decoder: Decoder::default(),
            scale: Scale::Femtos(FEMTOS),
            events: Vec::new(),
            warnings: Vec::new(),
            comment: String::new(),
            names: Vec::new(),
            settled: Rc::default(),
        }
    }

    /// Finds the pins among the channels of these names.
    pub(super) fn pins(&mut self, channels: &Channels, names: &[String]) -> Result<Pins, TraceError> {
        self.names = names.to_vec();
        let pins = channels.find(names)?;
        self.settled.set(true);
        Ok(pins)
    }

    /// Notes something about the capture.
    pub(super) fn note(&mut self, key: &str, value: &str) {
        self.comment.push_str(&format!("{key}: {value}\n"));
    }

    /// Decodes what has come. Whether more may come.
    pub(super) fn digest(&mut self) -> bool {
        self.decoder.run(false);
        self.fetch();
        if self.events.len() < MOST_EVENTS {
            return true;
        }
        if let Some(last) = self.events.last() {
            self.warnings.push(Warning::TooMuch { events: self.events.len(), at: last.until });
        }
        false
    }

    /// Nothing more comes.
    pub(super) fn end(&mut self) {
        self.decoder.run(true);
        self.fetch();
    }

    fn fetch(&mut self) {
        let scale = self.scale;
        self.events.reserve(self.decoder.found.len());
        for Found { at, until, what } in self.decoder.found.drain(..) {
            let order = u64::try_from(self.events.len()).unwrap_or(u64::MAX);
            self.events.push(Event {
                level: Level::Transaction,
                at: scale.time(at),
                until: scale.time(until),
                certainty: Certainty::Explicit,
                cause: None,
                order,
                body: Body::Wire(what),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_become_times_without_rounding_twice() {
        assert_eq!(Scale::Rate(8_000_000).time(36_976_640), Duration::from_nanos(4_622_080_000));
        assert_eq!(Scale::Rate(3).time(4), Duration::from_nanos(1_333_333_333));
        assert_eq!(Scale::Femtos(10_000_000).time(7), Duration::from_nanos(70));
        assert_eq!(Scale::Femtos(1_000).time(2_500_000), Duration::from_nanos(2_500));
        assert_eq!(Scale::Rate(0).time(7), Duration::from_secs(7));
        assert_eq!(Scale::Femtos(FEMTOS).time(u64::MAX), Duration::from_nanos(u64::MAX));
    }
}

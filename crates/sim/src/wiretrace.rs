//! The truth about the wire: every transaction, line reset and edge of nRESET, and every clock, kept when asked for.
//!
//! What a decoder derives from the probe's packets can be compared with it.

use crate::bus::Time;
use crate::pins::PinRun;
use crate::swd::{History, Line, Pattern};
use std::time::Duration;
use wire::{Hz, Transaction, WireEvent};

/// The log, or nothing.
#[derive(Debug, Default)]
pub(crate) struct Truth {
    log: Option<Vec<(Duration, WireEvent)>>,
    runs: Vec<PinRun>,
    history: History,
}

impl Truth {
    /// A log that keeps events, or one that does not.
    pub(crate) fn new(kept: bool) -> Truth {
        Truth { log: kept.then(Vec::new), runs: Vec::new(), history: History::default() }
    }

    /// What was kept.
    pub(crate) fn events(&self) -> &[(Duration, WireEvent)] {
        self.log.as_deref().unwrap_or_default()
    }

    /// Every clock that was kept.
    pub(crate) fn runs(&self) -> &[PinRun] {
        &self.runs
    }

    /// One clock that began at `at`.
    pub(crate) fn clock(&mut self, at: Time, clock: Hz, level: bool, target: bool) {
        if self.log.is_some() && !self.runs.last_mut().is_some_and(|run| run.join(at, clock, level, target)) {
            let (levels, target) = (level.into(), target.into());
            self.runs.push(PinRun { at: Duration::from_nanos(at), clock, clocks: 1, levels, target });
        }
    }

    /// Clocks that began at `at`, at most 64.
    pub(crate) fn run(&mut self, at: Time, clock: Hz, line: Line) {
        if self.log.is_some() {
            let Line { clocks, levels, target } = line;
            self.runs.push(PinRun { at: Duration::from_nanos(at), clock, clocks, levels, target });
        }
    }

    /// Whether events are kept.
    pub(crate) fn is_kept(&self) -> bool {
        self.log.is_some()
    }

    /// A transaction that ended at `now`.
    pub(crate) fn transaction(&mut self, transaction: Transaction, now: Time) {
        self.history = History::default(); // its own bits are no part of a sequence
        self.push(WireEvent::Transaction(transaction), now);
    }

    /// nRESET as the probe drives it.
    pub(crate) fn reset(&mut self, low: bool, now: Time) {
        self.push(WireEvent::Reset(low), now);
    }

    /// One bit of a line sequence.
    pub(crate) fn bit(&mut self, level: bool, now: Time) {
        if self.log.is_none() {
            return;
        }
        match self.history.push(level) {
            Some(Pattern::LineReset) => self.push(WireEvent::LineReset, now),
            Some(pattern) => self.push(WireEvent::Switch(pattern.switch_name()), now),
            None => {}
        }
    }

    fn push(&mut self, event: WireEvent, now: Time) {
        if let Some(log) = &mut self.log {
            log.push((Duration::from_nanos(now), event));
        }
    }
}

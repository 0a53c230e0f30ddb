//! The truth about the wire: every transaction, line reset and edge of nRESET, kept when asked for.
//!
//! What a decoder derives from the probe's packets can be compared with it.

use crate::bus::Time;
use crate::swd::{History, Pattern};
use std::time::Duration;
use wire::{Transaction, WireEvent};

/// The log, or nothing.
#[derive(Debug, Default)]
pub(crate) struct Truth {
    log: Option<Vec<(Duration, WireEvent)>>,
    history: History,
}

impl Truth {
    /// A log that keeps events, or one that does not.
    pub(crate) fn new(kept: bool) -> Truth {
        Truth { log: kept.then(Vec::new), history: History::default() }
    }

    /// What was kept.
    pub(crate) fn events(&self) -> &[(Duration, WireEvent)] {
        self.log.as_deref().unwrap_or_default()
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

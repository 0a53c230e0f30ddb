//! Waits for the target as they went: what a histogram is made of. The engine only keeps them for whoever asks.

use std::collections::VecDeque;
use std::time::Duration;
use wire::Addr;

/// How many waits are kept.
const LENGTH: usize = 256;

/// One wait, over or given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waited {
    /// What was being done.
    pub doing: String,
    /// The policy key of the wait.
    pub key: &'static str,
    /// When it began.
    pub started: Duration,
    /// When it ended.
    pub ended: Duration,
    /// How often was looked.
    pub looks: u32,
    /// When a look first saw the target busy, since the start.
    pub first_busy: Option<Duration>,
    /// The longest look: WAITs and a late host make it long.
    pub longest_look: Duration,
    /// The registers that were looked at, as they read last.
    pub last: Vec<(Addr, u32)>,
    /// What was waited for came.
    pub done: bool,
}

impl Waited {
    /// A wait that begins now.
    #[must_use]
    pub fn begin(doing: impl Into<String>, key: &'static str, now: Duration) -> Waited {
        Waited {
            doing: doing.into(),
            key,
            started: now,
            ended: now,
            looks: 0,
            first_busy: None,
            longest_look: Duration::ZERO,
            last: Vec::new(),
            done: false,
        }
    }

    /// A look is over.
    pub fn look(
        &mut self,
        begun: Duration,
        now: Duration,
        last: impl Iterator<Item = (Addr, u32)>,
        ready: bool,
    ) {
        self.looks = self.looks.saturating_add(1);
        self.ended = now;
        self.longest_look = self.longest_look.max(now.saturating_sub(begun));
        self.last = last.collect();
        self.done = ready;
        if !ready && self.first_busy.is_none() {
            self.first_busy = Some(now.saturating_sub(self.started));
        }
    }

    /// From the first look to the last.
    #[must_use]
    pub fn took(&self) -> Duration {
        self.ended.saturating_sub(self.started)
    }
}

/// The last waits.
#[derive(Debug, Default)]
pub(crate) struct Waits(VecDeque<Waited>);

impl Waits {
    pub(crate) fn push(&mut self, waited: Waited) {
        if self.0.len() == LENGTH {
            self.0.pop_front();
        }
        self.0.push_back(waited);
    }

    pub(crate) fn take(&mut self) -> Vec<Waited> {
        std::mem::take(&mut self.0).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_wait_keeps_its_longest_look_and_the_first_that_saw_the_target_busy() {
        let mut waited = Waited::begin("erase", "flash.erase", 10 * MS);
        waited.look(10 * MS, 11 * MS, [(Addr(4), 0)].into_iter(), false);
        waited.look(12 * MS, 19 * MS, [(Addr(4), 1)].into_iter(), true);
        assert_eq!((waited.first_busy, waited.longest_look, waited.took()), (Some(MS), 7 * MS, 9 * MS));
        assert_eq!((waited.looks, waited.done, waited.last), (2, true, vec![(Addr(4), 1)]));
    }

    #[test]
    fn only_the_last_waits_are_kept() {
        let mut waits = Waits::default();
        (0..LENGTH + 3).for_each(|n| waits.push(Waited::begin(n.to_string(), "flash.erase", MS)));
        let kept = waits.take();
        assert_eq!((kept.len(), kept[0].doing.as_str()), (LENGTH, "3"));
        assert!(waits.take().is_empty());
    }
}

//! Times, apart from what is done: where both do the same, how long did each take until it went on?

use super::Diff;
use super::items::Item;
use std::time::Duration;

/// Something that both do and that takes one of them much longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// Its items.
    pub items: (usize, usize),
    /// From its beginning to the beginning of what follows on both sides, in the first trace.
    pub a: Duration,
    /// The same in the second trace.
    pub b: Duration,
}

impl Timing {
    /// By how much they differ.
    pub fn difference(&self) -> Duration {
        self.a.abs_diff(self.b)
    }
}

impl Diff {
    /// What takes one trace more than `ratio` times as long as the other, and more than `least` longer; the largest difference
    /// first. Only steps between two things that follow each other on both sides are compared: what differs has its own time.
    pub fn timing(&self, ratio: f64, least: Duration) -> Vec<Timing> {
        let mut found = Vec::new();
        let mut before: Option<(usize, usize)> = None;
        for (n, m) in self.pairs() {
            let last = before.replace((n, m));
            let Some((x, y)) = last.filter(|(x, y)| x + 1 == n && y + 1 == m) else { continue };
            let (Some(a), Some(b)) = (took(&self.a, x, n), took(&self.b, y, m)) else { continue };
            let timing = Timing { items: (x, y), a, b };
            let apart = a.max(b).as_secs_f64() > ratio * a.min(b).as_secs_f64();
            if apart && timing.difference() > least {
                found.push(timing);
            }
        }
        found.sort_by_key(|timing| (std::cmp::Reverse(timing.difference()), timing.items));
        found
    }
}

/// From the beginning of one item to that of another.
fn took(items: &[Item], from: usize, to: usize) -> Option<Duration> {
    Some(items.get(to)?.at().saturating_sub(items.get(from)?.at()))
}

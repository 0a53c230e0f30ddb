//! Polls: a loop that reads until it likes what it reads is one turn of itself.
//!
//! A loop is a list of items that is repeated at once. One that only reads is folded from two turns on; one that writes too
//! (it may feed a watchdog) from three on, because doing something twice is not waiting for it. Nothing is folded over a
//! refused access or a reset, nor where reading twice is not the same as reading once.

use super::digest::Digest;
use super::items::Item;
use super::key::{Key, Place};
use crate::fold::NEVER_FOLDED;
use crate::loops::{self, DEEPEST, LONGEST, Least, Mark, Turns};
use wire::Ack;

const LEAST: Least = Least { reads: 2, writes: 3 };

/// Folds all loops.
pub(super) fn fold(mut items: Vec<Item>) -> Vec<Item> {
    for _ in 0..DEEPEST {
        let before = items.len();
        once(&mut items);
        if items.len() == before {
            break;
        }
    }
    items
}

/// The items as the search for loops sees them. Addresses do not move on here: what is done elsewhere is something else.
///
/// What is the same has the same key as far as a loop can see: each turn stands no further behind the one before than the
/// longest body is long.
fn marks(items: &[Item]) -> Vec<Mark> {
    let digests: Vec<Digest<&Key>> = items.iter().map(|item| Digest::new(&item.key)).collect();
    let mut marks: Vec<Mark> = Vec::with_capacity(items.len());
    for (n, (item, digest)) in items.iter().zip(&digests).enumerate() {
        let from = n.saturating_sub(LONGEST);
        let before = digests.get(from..n).unwrap_or_default();
        let same = before.iter().rposition(|other| other == digest).and_then(|place| marks.get(from + place));
        let writes = item.key.written.is_some();
        let key = same.map_or(n, |mark| mark.key);
        marks.push(Mark { key, at: 0, foldable: foldable(&item.key), reads: !writes, writes });
    }
    marks
}

/// Folds in place: what is kept moves to the front.
fn once(items: &mut Vec<Item>) {
    let marks = marks(items);
    let (mut read, mut kept) = (0, 0);
    while let Some(rest) = marks.get(read..).filter(|rest| !rest.is_empty()) {
        let found = loops::best(rest, LEAST).unwrap_or(Turns { period: 1, turns: 1 });
        for n in 0..found.period {
            let last = turned(items, read + n, found);
            items.swap(kept + n, last);
        }
        read += found.period * found.turns;
        kept += found.period;
    }
    items.truncate(kept);
}

/// Gives the last turn of an item what all of them say together, and says where that is.
fn turned(items: &mut [Item], first: usize, Turns { period, turns }: Turns) -> usize {
    let column = items.iter().skip(first).step_by(period).take(turns);
    let counted = column.fold(0u32, |sum, item| sum.saturating_add(item.turns));
    let began = items.get(first).map_or(0, |item| item.began);
    let last = first + period * (turns - 1);
    if let Some(item) = items.get_mut(last) {
        (item.began, item.turns) = (began, counted);
    }
    last
}

fn foldable(key: &Key) -> bool {
    key.ack == Ack::OK
        && match &key.place {
            Place::Memory { at, .. } => !NEVER_FOLDED.contains(&at.0),
            Place::Register { .. } => true,
            _ => false,
        }
}

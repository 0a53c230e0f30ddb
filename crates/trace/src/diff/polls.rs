//! Polls: a loop that reads until it likes what it reads is one turn of itself.
//!
//! A loop is a list of items that is repeated at once. One that only reads is folded from two turns on; one that writes too
//! (it may feed a watchdog) from three on, because doing something twice is not waiting for it. Nothing is folded over a
//! refused access or a reset, nor where reading twice is not the same as reading once.

use super::items::{Item, Key, Place};
use crate::fold::NEVER_FOLDED;
use crate::loops::{self, DEEPEST, Least, Mark, Turns};
use std::collections::HashMap;
use wire::Ack;

const LEAST: Least = Least { reads: 2, writes: 3 };

/// Folds all loops.
pub(super) fn fold(mut items: Vec<Item>) -> Vec<Item> {
    for _ in 0..DEEPEST {
        let before = items.len();
        items = once(items);
        if items.len() == before {
            break;
        }
    }
    items
}

/// The items as the search for loops sees them. Addresses do not move on here: what is done elsewhere is something else.
fn marks(items: &[Item]) -> Vec<Mark> {
    let mut known: HashMap<&Key, usize> = HashMap::new();
    let mut marks = Vec::with_capacity(items.len());
    for item in items {
        let next = known.len();
        let key = *known.entry(&item.key).or_insert(next);
        let writes = item.key.written.is_some();
        marks.push(Mark { key, at: 0, foldable: foldable(&item.key), reads: !writes, writes });
    }
    marks
}

fn once(items: Vec<Item>) -> Vec<Item> {
    let marks = marks(&items);
    let mut out: Vec<Item> = Vec::with_capacity(items.len());
    let (mut rest, mut marks) = (items.as_slice(), marks.as_slice());
    while let Some(first) = rest.first() {
        let Some(Turns { period, turns }) = loops::best(marks, LEAST) else {
            out.push(first.clone());
            rest = rest.get(1..).unwrap_or_default();
            marks = marks.get(1..).unwrap_or_default();
            continue;
        };
        let (all, behind) = rest.split_at(period * turns);
        let (begun, last) = (all.get(..period), all.get(period * (turns - 1)..));
        for (n, (first, last)) in begun.into_iter().flatten().zip(last.into_iter().flatten()).enumerate() {
            let column = all.iter().skip(n).step_by(period);
            let counted = column.fold(0u32, |sum, item| sum.saturating_add(item.turns));
            out.push(Item { at: first.at, turns: counted, ..last.clone() });
        }
        rest = behind;
        marks = marks.get(period * turns..).unwrap_or_default();
    }
    out
}

fn foldable(key: &Key) -> bool {
    key.ack == Ack::OK
        && match &key.place {
            Place::Memory { at, .. } => !NEVER_FOLDED.contains(&at.0),
            Place::Register { .. } => true,
            _ => false,
        }
}

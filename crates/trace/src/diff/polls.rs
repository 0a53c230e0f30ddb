//! Polls: a loop that reads until it likes what it reads is one turn of itself.
//!
//! A loop is a list of items that is repeated at once. One that only reads is folded from two turns on; one that writes too
//! (it may feed a watchdog) from three on, because doing something twice is not waiting for it. Nothing is folded over a
//! refused access or a reset, nor where reading twice is not the same as reading once.

use super::items::{Item, Key, Place};
use crate::fold::NEVER_FOLDED;
use std::collections::HashMap;
use wire::Ack;

/// Longest body of a loop.
const LONGEST: usize = 16;
/// Loops in loops in loops.
const DEEPEST: usize = 3;
/// Turns from which a body that only reads, and one that writes, is a loop.
const TURNS: (usize, usize) = (2, 3);

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

/// What the search for loops looks at, in place of the item: which key it has, and what that means for a loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Mark {
    key: usize,
    foldable: bool,
    writes: bool,
}

fn marks(items: &[Item]) -> Vec<Mark> {
    let mut known: HashMap<&Key, usize> = HashMap::new();
    let mut marks = Vec::with_capacity(items.len());
    for item in items {
        let next = known.len();
        let key = *known.entry(&item.key).or_insert(next);
        marks.push(Mark { key, foldable: foldable(&item.key), writes: item.key.written.is_some() });
    }
    marks
}

fn once(items: Vec<Item>) -> Vec<Item> {
    let marks = marks(&items);
    let mut out: Vec<Item> = Vec::with_capacity(items.len());
    let (mut rest, mut marks) = (items.as_slice(), marks.as_slice());
    while let Some(first) = rest.first() {
        let Some((period, turns)) = best(marks) else {
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

/// The loop at the head of a list that covers most: length of its body and number of turns.
fn best(marks: &[Mark]) -> Option<(usize, usize)> {
    let first = marks.first()?;
    let mut found: Option<(usize, usize)> = None;
    let mut writes = 0;
    for (period, last) in (1..=LONGEST.min(marks.len() / 2)).zip(marks) {
        // A longer body holds this one too.
        if !last.foldable {
            break;
        }
        writes += usize::from(last.writes);
        if marks.get(period) != Some(first) || writes == period {
            continue;
        }
        let mut turns = marks.chunks_exact(period);
        let Some(body) = turns.next() else { break };
        let turns = 1 + turns.take_while(|turn| *turn == body).count();
        let least = if writes > 0 { TURNS.1 } else { TURNS.0 };
        if turns >= least && found.is_none_or(|(p, t)| period * turns > p * t) {
            found = Some((period, turns));
        }
    }
    found
}

fn foldable(key: &Key) -> bool {
    key.ack == Ack::OK
        && match &key.place {
            Place::Memory { at, .. } => !NEVER_FOLDED.contains(&at.0),
            Place::Register { .. } => true,
            _ => false,
        }
}

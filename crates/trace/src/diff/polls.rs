//! Polls: a loop that reads until it likes what it reads is one turn of itself.
//!
//! A loop is a list of items that is repeated at once. One that only reads is folded from two turns on; one that writes too
//! (it may feed a watchdog) from three on, because doing something twice is not waiting for it. Nothing is folded over a
//! refused access or a reset, nor where reading twice is not the same as reading once.

use super::items::{Item, Key, Place};
use crate::fold::NEVER_FOLDED;
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

fn once(items: Vec<Item>) -> Vec<Item> {
    let mut out: Vec<Item> = Vec::with_capacity(items.len());
    let mut rest = items.as_slice();
    while let Some(first) = rest.first() {
        let Some((period, turns)) = best(rest) else {
            out.push(first.clone());
            rest = rest.get(1..).unwrap_or_default();
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
    }
    out
}

/// The loop at the head of a list that covers most: length of its body and number of turns.
fn best(rest: &[Item]) -> Option<(usize, usize)> {
    let mut found: Option<(usize, usize)> = None;
    for period in 1..=LONGEST.min(rest.len() / 2) {
        let Some(body) = rest.get(..period) else { break };
        // A longer body holds this item too.
        if !body.last().is_some_and(|item| foldable(&item.key)) {
            break;
        }
        let writes = body.iter().any(|item| item.key.written.is_some());
        if writes && body.iter().all(|item| item.key.written.is_some()) {
            continue;
        }
        let turns = rest.chunks_exact(period).take_while(|turn| alike(turn, body)).count();
        let least = if writes { TURNS.1 } else { TURNS.0 };
        if turns >= least && found.is_none_or(|(p, t)| period * turns > p * t) {
            found = Some((period, turns));
        }
    }
    found
}

fn alike(turn: &[Item], body: &[Item]) -> bool {
    turn.iter().zip(body).all(|(a, b)| a.key == b.key)
}

fn foldable(key: &Key) -> bool {
    key.ack == Ack::OK
        && match &key.place {
            Place::Memory { at, .. } => !NEVER_FOLDED.contains(&at.0),
            Place::Register { .. } => true,
            _ => false,
        }
}

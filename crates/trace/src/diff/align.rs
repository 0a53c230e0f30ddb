//! The longest common part of two lists, and what is left of them side by side.

use super::digest::Digest;
use super::items::Item;
use super::key::{Key, Place};
use super::{Hunk, Row};
use imara_diff::{Algorithm, Diff, InternedInput, Interner};
use std::hash::Hash;
use std::ops::Range;
use wire::Addr;

/// Where the lists differ. Exchanging the lists exchanges the sides and changes nothing else.
pub(super) fn hunks(a: &[Item], b: &[Item]) -> Vec<Hunk> {
    // Where several answers are equally good the algorithm prefers one by the order of its inputs, so that is fixed.
    let (x, y) = (digests(a), digests(b));
    let swapped = a.len() > b.len() || a.len() == b.len() && number(&x) > number(&y);
    let (first, second) = if swapped { (b, a) } else { (a, b) };
    let found = if swapped { common(y, x) } else { common(x, y) };
    let mut hunks = Vec::new();
    for (before, after) in found {
        let mut hunk = Hunk { rows: rows(first, second, &before, &after), a: before, b: after };
        if hunk.rows.iter().all(|row| matches!(row, Row::Same(..))) {
            continue;
        }
        if swapped {
            hunk = hunk.swapped();
        }
        hunks.push(hunk);
    }
    hunks
}

impl Hunk {
    pub(super) fn swapped(self) -> Hunk {
        let swap = |row: &Row| match *row {
            Row::OnlyA(n) => Row::OnlyB(n),
            Row::OnlyB(n) => Row::OnlyA(n),
            Row::Changed(n, m) => Row::Changed(m, n),
            Row::Same(n, m) => Row::Same(m, n),
        };
        let mut rows: Vec<Row> = self.rows.iter().map(swap).collect();
        // What only the first has stands above what only the second has.
        for run in rows.chunk_by_mut(|a, b| one_sided(a) && one_sided(b)) {
            run.sort_by_key(|row| matches!(row, Row::OnlyB(_)));
        }
        Hunk { a: self.b, b: self.a, rows }
    }
}

fn one_sided(row: &Row) -> bool {
    matches!(row, Row::OnlyA(_) | Row::OnlyB(_))
}

fn digests(items: &[Item]) -> Vec<Digest<&Key>> {
    items.iter().map(|item| Digest::new(&item.key)).collect()
}

/// A number that depends on nothing but what the items are.
fn number(items: &[Digest<&Key>]) -> u64 {
    Digest::new(items).number
}

/// The ranges that are not common to both.
fn common<T: Hash + Eq>(before: Vec<T>, after: Vec<T>) -> Vec<(Range<usize>, Range<usize>)> {
    let interner = Interner::new(before.len() + after.len());
    let mut input = InternedInput { before: Vec::new(), after: Vec::new(), interner };
    input.update_before(before.into_iter());
    input.update_after(after.into_iter());
    let mut diff = Diff::compute(Algorithm::Histogram, &input);
    diff.postprocess_no_heuristic(&input);
    let wide = |range: Range<u32>| {
        let [start, end] = [range.start, range.end].map(|n| usize::try_from(n).unwrap_or(usize::MAX));
        start..end
    };
    diff.hunks().map(|hunk| (wide(hunk.before), wide(hunk.after))).collect()
}

/// Both sides of a hunk, with those beside each other that go to the same place.
fn rows(a: &[Item], b: &[Item], before: &Range<usize>, after: &Range<usize>) -> Vec<Row> {
    let place = |item: &Item| coarse(&item.key);
    let (one, other) = (a.get(before.clone()).unwrap_or_default(), b.get(after.clone()).unwrap_or_default());
    let mut rows = Vec::with_capacity(one.len().max(other.len()));
    let (mut n, mut m) = (0, 0);
    let ends = std::iter::once((one.len()..one.len(), other.len()..other.len()));
    let places = common(one.iter().map(place).collect(), other.iter().map(place).collect());
    for (left, right) in places.into_iter().chain(ends) {
        for (n, m) in (n..left.start).zip(m..right.start) {
            let (x, y) = (before.start + n, after.start + m);
            let alike = match (one.get(n), other.get(m)) {
                (Some(a), Some(b)) => a.key.may_be(&b.key),
                _ => false,
            };
            rows.push(if alike { Row::Same(x, y) } else { Row::Changed(x, y) });
        }
        rows.extend(left.clone().map(|n| Row::OnlyA(before.start + n)));
        rows.extend(right.clone().map(|m| Row::OnlyB(after.start + m)));
        (n, m) = (left.end, right.end);
    }
    rows
}

/// What two items must share to stand beside each other: where they go and in which direction.
fn coarse(key: &Key) -> (Place, bool) {
    let place = match &key.place {
        // Actions of one kind stand beside each other whatever they are about.
        Place::Action(kind, _) => Place::Action(*kind, Box::default()),
        Place::Memory { ap, at, .. } => Place::Memory { ap: *ap, at: Addr(at.0 & !3), lanes: 0, width: None },
        place => place.clone(),
    };
    (place, key.written.is_some())
}

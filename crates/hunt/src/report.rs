//! What a person and a program get: one page for a terminal, one object, one file for a browser.

mod html;
mod json;
mod page;
mod steps;

pub use html::html;
pub use json::json;
pub use page::page;

use crate::cell::{Cell, Look};
use crate::run::Hunt;
use crate::stat::{Count, fisher, holm};
use crate::trial::{Trial, Wait};
use std::collections::BTreeMap;

/// A cell, and how its trials went.
pub(crate) struct Arm {
    pub(crate) cell: Cell,
    pub(crate) fails: Count,
    /// Fisher's test against the first arm, corrected for as many comparisons as there are arms; none for the first.
    pub(crate) p: Option<f64>,
}

fn fails(hunt: &Hunt, cell: &Cell) -> Count {
    Count::of(hunt.trials.iter().filter(|t| t.cell == *cell).map(|t| t.outcome.fails()))
}

/// The cells in the order of the matrix.
pub(crate) fn arms(hunt: &Hunt) -> Vec<Arm> {
    let counts: Vec<Count> = hunt.matrix.cells.iter().map(|cell| fails(hunt, cell)).collect();
    let first = counts.first().copied().unwrap_or_default();
    let raw: Vec<f64> = counts.iter().skip(1).map(|count| fisher(first, *count)).collect();
    let p = std::iter::once(None).chain(holm(&raw).into_iter().map(Some));
    let arms = hunt.matrix.cells.iter().zip(counts).zip(p);
    arms.map(|((cell, fails), p)| Arm { cell: *cell, fails, p }).collect()
}

/// A cell with its twin that differs in looking only.
pub(crate) struct Twins {
    /// The cell that is not looked at.
    pub(crate) cell: Cell,
    pub(crate) blind: Count,
    pub(crate) instrumented: Count,
    /// Fisher's test, corrected for as many pairs as there are.
    pub(crate) p: f64,
}

/// Does looking change anything?
pub(crate) fn twins(hunt: &Hunt) -> Vec<Twins> {
    let pair = |cell: &Cell| {
        let other = Cell { look: Look::Instrumented, ..*cell };
        let both = cell.look == Look::Blind && hunt.matrix.cells.contains(&other);
        both.then(|| (*cell, fails(hunt, cell), fails(hunt, &other)))
    };
    let pairs: Vec<_> = hunt.matrix.cells.iter().filter_map(pair).collect();
    let p = holm(&pairs.iter().map(|(_, blind, seen)| fisher(*blind, *seen)).collect::<Vec<_>>());
    let twins = pairs.into_iter().zip(p);
    twins.map(|((cell, blind, instrumented), p)| Twins { cell, blind, instrumented, p }).collect()
}

/// All waits by what was waited for.
pub(crate) fn sites(hunt: &Hunt) -> BTreeMap<&str, Vec<&Wait>> {
    let mut sites: BTreeMap<&str, Vec<&Wait>> = BTreeMap::new();
    for wait in hunt.trials.iter().flat_map(|t| &t.waits) {
        sites.entry(wait.site.as_str()).or_default().push(wait);
    }
    sites
}

/// A trial that passed and one that failed, of cells that differ as little as can be had, and if it can be had not in the
/// cable.
pub(crate) fn pair(hunt: &Hunt) -> Option<(&Trial, &Trial)> {
    let told = |t: &&Trial| !t.waits.is_empty() && !t.cell.is_control();
    let passed = || hunt.trials.iter().filter(|t| !t.outcome.fails()).filter(told);
    let failed = || hunt.trials.iter().filter(|t| t.outcome.fails()).filter(told);
    let distance =
        |(p, f): &(&Trial, &Trial)| (f.cell.differing(&p.cell).len(), f.cell.cable != p.cell.cable);
    failed().flat_map(|f| passed().map(move |p| (p, f))).min_by_key(distance)
}

/// Microseconds as people read them.
pub(crate) fn span(us: f64) -> String {
    match us {
        ..1e3 => format!("{us:.0} us"),
        ..1e6 => format!("{:.1} ms", us / 1e3),
        _ => format!("{:.2} s", us / 1e6),
    }
}

/// A p value as people read it.
pub(crate) fn chance(p: f64) -> String {
    if p < 0.001 { "<0.001".to_owned() } else { format!("{p:.3}") }
}

//! What a person and a program get: one page for a terminal, one object, one file for a browser.

mod html;
mod json;
mod page;

pub use html::html;
pub use json::json;
pub use page::page;

use crate::cell::Cell;
use crate::run::Hunt;
use crate::stat::Count;
use crate::trial::{Trial, Wait};
use std::collections::BTreeMap;

/// Failures of each cell, in the order of the matrix.
pub(crate) fn arms(hunt: &Hunt) -> Vec<(Cell, Count)> {
    let of =
        |cell: &Cell| Count::of(hunt.trials.iter().filter(|t| t.cell == *cell).map(|t| t.outcome.fails()));
    hunt.matrix.cells.iter().map(|cell| (*cell, of(cell))).collect()
}

/// All waits by what was waited for.
pub(crate) fn sites(hunt: &Hunt) -> BTreeMap<&str, Vec<&Wait>> {
    let mut sites: BTreeMap<&str, Vec<&Wait>> = BTreeMap::new();
    for wait in hunt.trials.iter().flat_map(|t| &t.waits) {
        sites.entry(wait.site.as_str()).or_default().push(wait);
    }
    sites
}

/// A trial that passed and one that failed, of cells that differ as little as can be had.
pub(crate) fn pair(hunt: &Hunt) -> Option<(&Trial, &Trial)> {
    let passed = || hunt.trials.iter().filter(|t| !t.outcome.fails() && !t.waits.is_empty());
    let failed = || hunt.trials.iter().filter(|t| t.outcome.fails() && !t.waits.is_empty());
    failed().flat_map(|f| passed().map(move |p| (p, f))).min_by_key(|(p, f)| differences(&p.cell, &f.cell))
}

fn differences(a: &Cell, b: &Cell) -> usize {
    [
        a.cable != b.cable,
        a.boot0 != b.boot0,
        a.connect != b.connect,
        a.reset != b.reset,
        a.settle_ms != b.settle_ms,
        a.khz != b.khz,
        a.budget != b.budget,
        a.look != b.look,
    ]
    .into_iter()
    .filter(|differs| *differs)
    .count()
}

/// Microseconds as people read them.
pub(crate) fn span(us: f64) -> String {
    match us {
        ..1e3 => format!("{us:.0} us"),
        ..1e6 => format!("{:.1} ms", us / 1e3),
        _ => format!("{:.2} s", us / 1e6),
    }
}

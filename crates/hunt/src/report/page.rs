//! One page for a terminal of 80 columns.

use super::json::durations;
use super::{arms, pair, sites, span};
use crate::cell::Cell;
use crate::run::Hunt;
use crate::stat::{Count, fisher, quantile};
use crate::table::row;
use crate::trial::{Trial, Wait};
use crate::verdict::Finding;

/// The lines of the page.
#[must_use]
pub fn page(hunt: &Hunt) -> Vec<String> {
    let mut lines = verdict(hunt);
    lines.push(String::new());
    lines.extend(table(hunt));
    lines.push(String::new());
    lines.extend(waits(hunt));
    if let Some((passed, failed)) = pair(hunt) {
        lines.push(String::new());
        lines.extend(timeline("passed", passed));
        lines.extend(timeline("failed", failed));
    }
    lines.push(String::new());
    lines.extend(rows(hunt));
    lines
}

/// The cause and what to do, or why there is none.
pub(super) fn verdict(hunt: &Hunt) -> Vec<String> {
    let verdict = &hunt.verdict;
    let fails = format!("{} of {} trials failed", verdict.fails.hits, verdict.fails.of);
    let Some(row) = verdict.cause.and_then(row) else {
        let why = verdict.why_not.as_deref().unwrap_or("no cause is known");
        let mut lines = vec![format!("verdict: not established ({fails})"), format!("  {why}")];
        if !verdict.alternatives.is_empty() {
            lines.push(format!("  something speaks for: {}", numbers(&verdict.alternatives)));
        }
        return lines;
    };
    let mut lines = vec![
        format!("verdict: cause {}: {}", row.cause, row.name),
        format!("  {fails}; it explains more than {:.0} % of them (95 % sure)", verdict.confidence * 100.0),
    ];
    if verdict.class.len() > 1 {
        lines.push(format!("  these trials cannot tell it from: {}", numbers(&verdict.class)));
    }
    if !verdict.alternatives.is_empty() {
        lines.push(format!("  something speaks for: {}", numbers(&verdict.alternatives)));
    }
    lines.push(format!("  confirm: {}", row.confirm));
    lines.push(format!("  do:      {}", row.remedy));
    lines.push("  The table is a guess until it was held against a real part.".to_owned());
    lines
}

fn numbers(causes: &[u8]) -> String {
    let all: Vec<_> = causes.iter().map(ToString::to_string).collect();
    all.join(", ")
}

fn table(hunt: &Hunt) -> Vec<String> {
    let arms = arms(hunt);
    let base = arms.first().map(|(_, count)| *count).unwrap_or_default();
    let head = format!("{:<44} {:>7}  {:>9}  p", "arm (what differs from the first)", "failed", "95 %");
    let first = hunt.matrix.cells.first().copied().unwrap_or_default();
    let line = |(index, (cell, count)): (usize, &(Cell, Count))| {
        let name = if index == 0 { "first".to_owned() } else { differing(cell, &first) };
        let bounds = format!("{:.0}-{:.0} %", count.lower() * 100.0, count.upper() * 100.0);
        let p = if index == 0 { String::new() } else { format!("{:.3}", fisher(base, *count)) };
        format!("{name:<44} {:>3}/{:<3}  {bounds:>9}  {p}", count.hits, count.of)
    };
    let mut lines = vec![format!("first arm: {first}"), head];
    lines.extend(arms.iter().enumerate().map(line));
    lines
}

/// The levels in which a cell differs from another.
pub(super) fn differing(cell: &Cell, from: &Cell) -> String {
    let mut words = Vec::new();
    let mut say = |differs: bool, word: String| {
        if differs {
            words.push(word);
        }
    };
    say(cell.cable != from.cable, format!("usb {}", cell.cable));
    say(cell.boot0 != from.boot0, format!("BOOT0 {}", u8::from(cell.boot0)));
    say(cell.connect != from.connect, cell.connect.to_string());
    say(cell.reset != from.reset, format!("reset {}", cell.reset));
    say(cell.settle_ms != from.settle_ms, format!("settle {} ms", cell.settle_ms));
    say(cell.khz != from.khz, format!("{} kHz", cell.khz));
    say(cell.budget != from.budget, format!("wait {}", cell.budget));
    say(cell.look != from.look, cell.look.to_string());
    if words.is_empty() { "nothing".to_owned() } else { words.join(", ") }
}

fn waits(hunt: &Hunt) -> Vec<String> {
    let mut lines = vec![format!(
        "{:<40} {:>5} {:>8} {:>8} {:>8} {:>5}",
        "waits", "n", "median", "p99", "longest", "cut"
    )];
    for (site, waits) in sites(hunt) {
        let times = durations(&waits);
        let at = |share| quantile(&times, share).map_or_else(|| "> limit".to_owned(), span);
        let longest = waits.iter().map(|w| w.took_us).max().unwrap_or_default();
        let cut = waits.iter().filter(|w| !w.done).count();
        let short: String = site.chars().take(40).collect();
        lines.push(format!(
            "{short:<40} {:>5} {:>8} {:>8} {:>8} {cut:>5}",
            waits.len(),
            at(0.5),
            at(0.99),
            span(longest as f64)
        ));
    }
    lines
}

/// The waits of a trial, the end and what it showed.
pub(super) fn timeline(word: &str, trial: &Trial) -> Vec<String> {
    let mut lines = vec![format!("{word}: trial {}: {}", trial.number, trial.cell)];
    lines.extend(trial.waits.iter().map(|wait| format!("  {}", told(wait))));
    if let Some(error) = &trial.error {
        lines.push(format!("  {error}"));
    }
    let signs: Vec<_> = trial.signs.iter().map(|s| s.word()).collect();
    if !signs.is_empty() {
        lines.push(format!("  showed: {}", signs.join(", ")));
    }
    lines
}

/// A wait: when, what, how long, and what was read last.
pub(super) fn told(wait: &Wait) -> String {
    let last: Vec<_> = wait.last.iter().map(|(at, value)| register(*at, *value)).collect();
    let end = if wait.done { "" } else { ", given up" };
    format!(
        "{:>9}  {} x{} {}{end}; {}",
        span(wait.since_reset_us as f64),
        wait.site,
        wait.looks,
        span(wait.took_us as f64),
        last.join(", ")
    )
}

fn register(at: u32, value: u32) -> String {
    let name = regs::lookup(at).map_or("memory", |hit| hit.register.name);
    format!("{name} {}", crate::snapshot::described(name, value))
}

fn rows(hunt: &Hunt) -> Vec<String> {
    let mut best: Vec<&Finding> = hunt.verdict.findings.iter().collect();
    let missing = |f: &Finding| f.clauses.len() - f.evidence_for();
    best.sort_by_key(|f| (missing(f), std::cmp::Reverse(f.explains.hits)));
    let mut lines = vec!["what speaks for and against the nearest causes:".to_owned()];
    for finding in best.into_iter().take(3) {
        lines.push(format!("  {} {}", finding.row.cause, finding.row.name));
        for clause in &finding.clauses {
            let sign = if clause.holds { '+' } else { '-' };
            lines.push(format!("    {sign} {}: {}", clause.clause, clause.evidence));
        }
    }
    lines
}

//! One page for a terminal of 80 columns.

use super::json::durations;
use super::steps::{Step, steps};
use super::{Arm, arms, chance, pair, sites, span, twins};
use crate::cell::Cell;
use crate::run::Hunt;
use crate::stat::quantile;
use crate::table::row;
use crate::trial::{Trial, Wait};
use crate::verdict::Finding;

/// Columns of the terminal.
const COLUMNS: usize = 80;

/// The lines of the page.
#[must_use]
pub fn page(hunt: &Hunt) -> Vec<String> {
    let mut parts = vec![verdict(hunt), notes(hunt), table(hunt), looking(hunt), waits(hunt)];
    if let Some((passed, failed)) = pair(hunt) {
        parts.push(beside(passed, failed));
    }
    parts.push(rows(hunt));
    parts.retain(|part| !part.is_empty());
    let lines = parts.join(&String::new());
    lines.iter().flat_map(|line| folded(line)).collect()
}

/// A line broken at its spaces, with what follows under its text.
fn folded(line: &str) -> Vec<String> {
    let indent = line.chars().take_while(|c| *c == ' ').count();
    let text = line.get(indent..).unwrap_or_default();
    let under = indent + if text.starts_with(['+', '-']) { 4 } else { 2 };
    let mut lines = vec![line.to_owned()];
    while let Some(last) = lines.pop_if(|last| last.chars().count() > COLUMNS) {
        let from = last.chars().take_while(|c| *c == ' ').count();
        let fits = last.char_indices().take(COLUMNS + 1).filter(|(at, c)| *c == ' ' && *at > from);
        let Some((at, _)) = fits.last() else {
            lines.push(last);
            break;
        };
        let (head, rest) = last.split_at(at);
        lines.push(head.trim_end().to_owned());
        lines.push(format!("{:under$}{}", "", rest.trim_start()));
    }
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

/// What is to be known before the numbers, and what is not as it should be afterwards.
pub(super) fn notes(hunt: &Hunt) -> Vec<String> {
    let before = hunt.notes.iter().map(|note| format!("before: {note}"));
    let left = hunt.left.iter().map(|what| format!("left behind: {what}"));
    std::iter::once(format!("part: {}", hunt.part)).chain(before).chain(left).collect()
}

fn table(hunt: &Hunt) -> Vec<String> {
    let first = hunt.matrix.cells.first().copied().unwrap_or_default();
    let head =
        format!("{:<46} {:>7}  {:>9}  p (Holm)", "arm (what differs from the first)", "failed", "95 %");
    let line = |arm: &Arm| {
        let name = name(&arm.cell, &first);
        let c = arm.fails;
        let bounds = format!("{:.0}-{:.0} %", c.lower() * 100.0, c.upper() * 100.0);
        let p = arm.p.map(chance).unwrap_or_default();
        format!("{name:<46} {:>3}/{:<3}  {bounds:>9}  {p}", c.hits, c.of).trim_end().to_owned()
    };
    let mut lines = vec![format!("first arm: {first}"), head];
    lines.extend(arms(hunt).iter().map(line));
    lines
}

/// What an arm is called beside the first.
pub(super) fn name(cell: &Cell, first: &Cell) -> String {
    let words = cell.differing(first);
    if words.is_empty() { "first".to_owned() } else { words.join(", ") }
}

/// What looking changes.
fn looking(hunt: &Hunt) -> Vec<String> {
    let twins = twins(hunt);
    let changed: Vec<_> = twins.iter().filter(|t| t.p < SURE).collect();
    if changed.is_empty() {
        let all = twins.len();
        return if all == 0 { Vec::new() } else { vec![format!("looking changed none of {all} cells")] };
    }
    let first = hunt.matrix.cells.first().copied().unwrap_or_default();
    let line = |t: &&super::Twins| {
        let (blind, seen) = (t.blind, t.instrumented);
        format!(
            "looking changes the result ({}): blind {}/{} failed, instrumented {}/{}, p {}",
            name(&t.cell, &first),
            blind.hits,
            blind.of,
            seen.hits,
            seen.of,
            chance(t.p)
        )
    };
    changed.iter().map(line).collect()
}

/// A difference is said where chance makes one as large in fewer than this share of cases.
const SURE: f64 = 0.05;

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

/// Two trials, step beside step; of the steps that differ, what was read last.
fn beside(passed: &Trial, failed: &Trial) -> Vec<String> {
    let all = steps(passed, failed);
    let differ = failed.cell.differing(&passed.cell);
    let differ =
        if differ.is_empty() { "in nothing".to_owned() } else { format!("in {}", differ.join(", ")) };
    let heads = format!("trial {}", passed.number);
    let mut lines = vec![
        format!(
            "trial {} passed, trial {} failed; their cells differ {differ}",
            passed.number, failed.number
        ),
        format!("{:<40} {heads:>18} {:>18}", "step", format!("trial {}", failed.number)),
    ];
    for step in folded_steps(&all) {
        lines.push(step);
    }
    lines.extend(ending(failed));
    lines
}

/// Steps that are alike, or that one of the trials did not reach, stand in one line where they have one name.
fn folded_steps(all: &[Step<'_>]) -> Vec<String> {
    let mut lines = Vec::new();
    let shape = |s: &Step<'_>| (s.passed.is_some(), s.failed.is_some(), s.failed.is_some() && s.differs());
    let alike = |a: &Step<'_>, b: &Step<'_>| a.site == b.site && shape(a) == shape(b) && !shape(a).2;
    for group in all.chunk_by(alike) {
        let sum = |of: fn(&Step<'_>) -> Option<u64>| {
            let times: Option<Vec<u64>> = group.iter().map(of).collect();
            times.map(|times| span(times.iter().sum::<u64>() as f64))
        };
        let passed = sum(|step| step.passed.map(|wait| wait.took_us));
        let failed = sum(|step| step.failed.map(|wait| wait.took_us));
        let cut = group.iter().any(|step| step.failed.is_some_and(|wait| !wait.done));
        let failed = failed.map(|took| if cut { format!("gave up {took}") } else { took });
        let Some(first) = group.first() else { continue };
        let times = if group.len() > 1 { format!(" x{}", group.len()) } else { String::new() };
        let cell = |text: Option<String>| text.unwrap_or_else(|| "not reached".to_owned());
        let mark = if first.differs() { '!' } else { ' ' };
        lines.push(format!(
            "{:<40} {:>18} {:>18} {mark}",
            format!("{}{times}", first.site),
            cell(passed),
            cell(failed)
        ));
        let last = first.failed.filter(|_| first.differs()).map(|wait| format!("    last: {}", last(wait)));
        lines.extend(last);
    }
    lines.iter().map(|line| line.trim_end().to_owned()).collect()
}

/// How a trial ended and what it showed.
pub(super) fn ending(trial: &Trial) -> Vec<String> {
    let mut lines: Vec<String> = trial.error.iter().map(|error| format!("  {error}")).collect();
    let signs: Vec<_> = trial.signs.iter().map(|s| s.word()).collect();
    if !signs.is_empty() {
        lines.push(format!("  showed: {}", signs.join(", ")));
    }
    lines
}

/// What the registers read last in a wait, by name.
pub(super) fn last(wait: &Wait) -> String {
    let register = |at: u32, value: u32| {
        let name = regs::lookup(at).map_or("memory", |hit| hit.register.name);
        format!("{name} {}", crate::snapshot::described(name, value))
    };
    let last: Vec<_> = wait.last.iter().map(|(at, value)| register(*at, *value)).collect();
    last.join(", ")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_is_broken_under_its_own_text_and_nothing_is_lost() {
        let words = "word ".repeat(40);
        for (head, under) in [("", 2), ("    + ", 8), ("  ", 4)] {
            let line = format!("{head}{}", words.trim_end());
            let lines = folded(&line);
            assert!(lines.len() > 2 && lines.iter().all(|l| l.chars().count() <= COLUMNS), "{lines:?}");
            assert!(lines.iter().skip(1).all(|l| l.chars().take_while(|c| *c == ' ').count() == under));
            let back: Vec<_> = lines.iter().flat_map(|l| l.split_whitespace()).collect();
            assert_eq!(back, line.split_whitespace().collect::<Vec<_>>());
        }
        let wide = "x".repeat(100);
        assert_eq!((folded(&wide), folded("")), (vec![wide], vec![String::new()]));
    }
}

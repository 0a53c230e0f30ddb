//! What the trials say of each row of the table, and of the cause.

use crate::cell::{Level, Reset};
use crate::sign::Sign;
use crate::stat::Count;
use crate::table::{Clause, Row, TABLE};
use crate::trial::Trial;
use std::collections::BTreeMap;

/// "Most" of the failing trials.
const MOST: f64 = 0.8;
/// "Few" of them, or of the passing ones.
const FEW: f64 = 0.2;
/// A row is an alternative when what it is known by is shown by this share of the failing trials.
const SOME: f64 = 0.25;
/// Trials that a cell must have for a word about it.
const LEAST: u32 = 3;
/// Failing trials that a verdict needs.
const LEAST_FAILS: u32 = 5;
/// Times that differ by less than this share of the longest are one time.
const TOGETHER: f64 = 0.25;

/// A clause, and what the trials say of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// The clause.
    pub clause: Clause,
    /// It holds.
    pub holds: bool,
    /// The numbers.
    pub evidence: String,
}

/// A row, and what the trials say of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// The row.
    pub row: &'static Row,
    /// Its clauses.
    pub clauses: Vec<Judged>,
    /// Failing trials that it explains.
    pub explains: Count,
}

impl Finding {
    /// Everything that must have been seen was seen.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.clauses.iter().all(|clause| clause.holds)
    }

    /// The row knows its failures by what they show, and not only by the cells that they are of.
    fn has_signs(&self) -> bool {
        self.row.clauses.iter().any(|clause| matches!(clause, Clause::Shows(_)))
    }

    /// The row knows its failures by what those of some cells show, they do, and all but one clause hold.
    fn is_near(&self) -> bool {
        let shown = |c: &Judged| matches!(c.clause, Clause::ShowsIn(..)) && c.holds;
        self.clauses.iter().any(shown) && self.evidence_for() + 1 >= self.clauses.len()
    }

    /// Clauses that hold.
    #[must_use]
    pub fn evidence_for(&self) -> usize {
        self.clauses.iter().filter(|clause| clause.holds).count()
    }
}

/// What comes of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// The cause, or "not established".
    pub cause: Option<u8>,
    /// The causes that it may be as far as these trials can tell; several where several rows hold.
    pub class: Vec<u8>,
    /// The share of failing trials that the cause explains is above this, 95 % sure. 0 without a cause.
    pub confidence: f64,
    /// Others that something speaks for.
    pub alternatives: Vec<u8>,
    /// Why no cause is named, where none is.
    pub why_not: Option<String>,
    /// Each row, by number.
    pub findings: Vec<Finding>,
    /// How many trials failed.
    pub fails: Count,
}

impl Verdict {
    /// What can be said of trials of which not all were made: never a cause, because some cells may lack.
    pub(crate) fn of_a_part(trials: &[Trial], of: usize) -> Verdict {
        let judged = judge(trials);
        let mut alternatives = judged.alternatives;
        alternatives.extend(judged.cause);
        alternatives.sort_unstable();
        Verdict {
            cause: None,
            class: Vec::new(),
            confidence: 0.0,
            alternatives,
            why_not: Some(format!("{} of {of} trials were made", trials.len())),
            ..judged
        }
    }
}

/// Judges the trials. Those of a control cell are none of the evidence.
#[must_use]
pub fn judge(trials: &[Trial]) -> Verdict {
    let trials: Vec<Trial> = trials.iter().filter(|t| !t.cell.is_control()).cloned().collect();
    let trials = trials.as_slice();
    let fails = Count::of(trials.iter().map(|t| t.outcome.fails()));
    let findings: Vec<Finding> = TABLE.iter().map(|row| finding(row, trials)).collect();
    let holding: Vec<&Finding> = findings.iter().filter(|f| f.holds()).collect();
    let alternatives = |but: &[u8]| {
        let some = |f: &&Finding| f.holds() || f.is_near() || f.has_signs() && f.explains.share() >= SOME;
        findings.iter().filter(some).map(|f| f.row.cause).filter(|c| !but.contains(c)).collect::<Vec<_>>()
    };
    let none = |why: String, class: Vec<u8>, alternatives: Vec<u8>| Verdict {
        cause: None,
        class,
        confidence: 0.0,
        alternatives,
        why_not: Some(why),
        findings: findings.clone(),
        fails,
    };
    if fails.hits < LEAST_FAILS {
        let why = format!("{} of {} trials failed: too few to say why", fails.hits, fails.of);
        return none(why, Vec::new(), Vec::new());
    }
    match holding.as_slice() {
        [only] => Verdict {
            cause: Some(only.row.cause),
            class: only.row.class.to_vec(),
            confidence: only.explains.lower(),
            alternatives: alternatives(&[only.row.cause]),
            why_not: None,
            findings: findings.clone(),
            fails,
        },
        [] => none("no row of the table has all that it needs".to_owned(), Vec::new(), alternatives(&[])),
        several => {
            let class: Vec<u8> = several.iter().map(|f| f.row.cause).collect();
            none(
                "more than one row holds: the causes act together, or the matrix cannot tell them apart"
                    .to_owned(),
                class.clone(),
                class,
            )
        }
    }
}

fn finding(row: &'static Row, trials: &[Trial]) -> Finding {
    let clauses = row.clauses.iter().map(|clause| judged(clause, trials)).collect();
    Finding { row, clauses, explains: explains(row, trials) }
}

/// Failing trials that show one sign of each [`Clause::Shows`], and that no other clause speaks against: they are of no cell
/// that must pass, and show what trials of their cell must show.
fn explains(row: &Row, trials: &[Trial]) -> Count {
    let fits = |trial: &Trial, clause: &Clause| match clause {
        Clause::Shows(signs) => signs.iter().any(|sign| trial.shows(*sign)),
        Clause::ShowsIn(levels, sign) => !Level::all_fit(levels, &trial.cell) || trial.shows(*sign),
        Clause::Passes(levels) => !Level::all_fit(levels, &trial.cell),
        Clause::Lacks(sign) => !trial.shows(*sign),
        Clause::PassesLack(_) | Clause::Fails(_) | Clause::Sometimes(_) | Clause::EndTogether(_) => true,
    };
    Count::of(failing(trials).map(|trial| row.clauses.iter().all(|clause| fits(trial, clause))))
}

fn failing(trials: &[Trial]) -> impl Iterator<Item = &Trial> {
    trials.iter().filter(|t| t.outcome.fails())
}

fn judged(clause: &Clause, trials: &[Trial]) -> Judged {
    let numbers = |c: Count| format!("{} of {}", c.hits, c.of);
    let fails_in = |levels: &[Level]| {
        Count::of(trials.iter().filter(|t| Level::all_fit(levels, &t.cell)).map(|t| t.outcome.fails()))
    };
    let (holds, evidence) = match clause {
        Clause::Shows(signs) => {
            let c = Count::of(failing(trials).map(|t| signs.iter().any(|s| t.shows(*s))));
            (c.of > 0 && c.share() >= MOST, numbers(c))
        }
        Clause::ShowsIn(levels, sign) => {
            let here = failing(trials).filter(|t| Level::all_fit(levels, &t.cell));
            let c = Count::of(here.map(|t| t.shows(*sign)));
            (c.of > 0 && c.share() >= MOST, numbers(c))
        }
        Clause::Lacks(sign) => {
            let c = Count::of(failing(trials).map(|t| t.shows(*sign)));
            (c.share() <= FEW, numbers(c))
        }
        Clause::PassesLack(sign) => {
            let c = Count::of(trials.iter().filter(|t| !t.outcome.fails()).map(|t| t.shows(*sign)));
            (c.share() <= FEW, numbers(c))
        }
        Clause::Fails(levels) => {
            let c = fails_in(levels);
            (c.of >= LEAST && 2 * c.hits >= c.of, format!("{} failed", numbers(c)))
        }
        Clause::Sometimes(levels) => {
            let c = fails_in(levels);
            (c.hits > 0, format!("{} failed", numbers(c)))
        }
        Clause::Passes(levels) => {
            let c = fails_in(levels);
            (c.of >= LEAST && c.hits == 0, format!("{} failed, below {:.0} %", numbers(c), c.upper() * 100.0))
        }
        Clause::EndTogether(together) => ends(trials, *together),
    };
    Judged { clause: *clause, holds, evidence }
}

/// Whether the waits that ended late ended at one time after the reset: those of each settle time among themselves, and the
/// settle times among each other.
fn ends(trials: &[Trial], together: bool) -> (bool, String) {
    let mut by_settle: BTreeMap<u32, Vec<u64>> = BTreeMap::new();
    for (settle_ms, end) in failing(trials).filter_map(late_end) {
        by_settle.entry(settle_ms).or_default().push(end);
    }
    let groups: Vec<(u64, u64)> = by_settle.values_mut().filter_map(|ends| most(ends)).collect();
    let first = groups.iter().map(|(first, _)| *first).min();
    let last = groups.iter().map(|(_, last)| *last).max();
    let (Some(first), Some(last)) = (first, last) else {
        return (together, "no late wait ended".to_owned());
    };
    let spread = (last - first) as f64 / last.max(1) as f64;
    let text = format!("most of them {} to {} ms after the reset", first / 1000, last / 1000);
    ((spread <= TOGETHER) == together, text)
}

/// Settle time and end of a trial's late wait, where the time of the last reset is known.
fn late_end(trial: &Trial) -> Option<(u32, u64)> {
    let known = !trial.shows(Sign::NoPowerOn) && trial.cell.reset != Reset::None;
    let late = trial.shows(Sign::FinishedLate) && known;
    let wait = trial.longest().filter(|_| late)?;
    Some((trial.cell.settle_ms, wait.since_reset_us))
}

/// Between which times most of them lie: a tenth at each end is left out.
fn most(ends: &mut [u64]) -> Option<(u64, u64)> {
    ends.sort_unstable();
    let out = ends.len() / 10;
    Some((*ends.get(out)?, *ends.get(ends.len() - 1 - out)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cell::{Cell, Connect, Plug};
    use crate::snapshot::Snapshot;
    use crate::trial::{Outcome, Wait};

    fn trial(cell: Cell, outcome: Outcome, signs: &[Sign]) -> Trial {
        Trial {
            number: 0,
            cell,
            outcome,
            error: None,
            signs: signs.to_vec(),
            waits: Vec::new(),
            before: None,
            after: Snapshot::default(),
            took_us: 0,
        }
    }

    fn many(cell: Cell, outcome: Outcome, signs: &[Sign]) -> Vec<Trial> {
        vec![trial(cell, outcome, signs); 6]
    }

    #[test]
    fn nothing_is_established_without_failures() {
        let verdict = judge(&many(Cell::default(), Outcome::Passed, &[]));
        assert_eq!((verdict.cause, verdict.class.len()), (None, 0));
        assert!(verdict.why_not.unwrap().contains("0 of 6"));
        assert_eq!(judge(&[]).cause, None);
    }

    #[test]
    fn failures_without_any_sign_are_not_explained() {
        let verdict = judge(&many(Cell::default(), Outcome::TimedOut, &[]));
        assert_eq!((verdict.cause, verdict.alternatives), (None, Vec::new()));
    }

    #[test]
    fn one_row_that_holds_is_the_cause_with_the_bound_as_confidence() {
        let verdict = judge(&many(Cell::default(), Outcome::TimedOut, &[Sign::BufferHalf]));
        assert_eq!((verdict.cause, verdict.class), (Some(6), vec![6]));
        assert!((verdict.confidence - 0.05f64.powf(1.0 / 6.0)).abs() < 1e-9);
    }

    #[test]
    fn two_rows_that_hold_are_not_decided_between() {
        let verdict = judge(&many(Cell::default(), Outcome::TimedOut, &[Sign::BufferHalf, Sign::PortShut]));
        assert_eq!((verdict.cause, verdict.class), (None, vec![6, 9]));
    }

    #[test]
    fn a_halted_core_is_named_only_where_hotplug_passes() {
        let halt = Cell::default();
        let hotplug = Cell { connect: Connect::Hotplug, ..halt };
        let signs = [Sign::CoreHalted, Sign::BusyStuck];
        let mut trials = many(halt, Outcome::TimedOut, &signs);
        trials.extend(many(hotplug, Outcome::Passed, &[]));
        assert_eq!(judge(&trials).cause, Some(2));
        trials.extend(many(hotplug, Outcome::TimedOut, &signs));
        let verdict = judge(&trials);
        assert_eq!((verdict.cause, verdict.alternatives), (None, vec![2, 12]));
    }

    fn late(settle_ms: u32, since_reset_us: u64) -> Trial {
        let wait = Wait { since_reset_us, took_us: 900_000, ..Wait::default() };
        let cell = Cell { settle_ms, ..Cell::default() };
        Trial { waits: vec![wait], ..trial(cell, Outcome::Late, &[Sign::FinishedLate]) }
    }

    #[test]
    fn ends_are_together_when_they_are_for_each_settle_time_and_one_straggler_in_ten_does_not_count() {
        let holds = |trials: &[Trial]| ends(trials, true).0;
        let mut all = vec![late(0, 3_000_000); 20];
        all.extend(vec![late(100, 3_100_000); 20]);
        assert!(holds(&all) && !ends(&all, false).0);
        all.push(late(0, 60_000));
        assert!(holds(&all), "one straggler");
        all.extend(vec![late(5000, 8_000_000); 2]);
        assert!(!holds(&all), "two of another settle time are no stragglers");
        assert!(ends(&[], true).0 && !ends(&[], false).0);
    }

    #[test]
    fn a_hunt_that_was_cut_short_names_no_cause_and_keeps_what_speaks_for_one() {
        let trials = many(Cell::default(), Outcome::TimedOut, &[Sign::BufferHalf]);
        let verdict = Verdict::of_a_part(&trials, 102);
        assert_eq!((verdict.cause, verdict.alternatives), (None, vec![6]));
        assert_eq!(verdict.why_not.unwrap(), "6 of 102 trials were made");
    }

    #[test]
    fn trials_through_a_port_without_flash_are_no_evidence() {
        let mut trials = many(Cell::default(), Outcome::TimedOut, &[Sign::BufferHalf]);
        trials.extend(vec![trial(Cell { ap: 0, ..Cell::default() }, Outcome::Failed, &[]); 60]);
        let verdict = judge(&trials);
        assert_eq!((verdict.cause, verdict.fails.of), (Some(6), 6));
    }

    #[test]
    fn a_part_of_the_failures_makes_an_alternative() {
        let mut trials = many(Cell::default(), Outcome::TimedOut, &[Sign::BufferHalf]);
        trials.extend(many(Cell { cable: Plug::Out, ..Cell::default() }, Outcome::TimedOut, &[]));
        let verdict = judge(&trials);
        assert_eq!((verdict.cause, verdict.alternatives), (None, vec![6]));
    }
}

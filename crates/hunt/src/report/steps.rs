//! Two trials of one job, step beside step: where did they part?

use crate::trial::{Trial, Wait};

/// A step of the job that one of them waited at, or both.
pub(crate) struct Step<'t> {
    /// What was waited for.
    pub(crate) site: &'t str,
    pub(crate) passed: Option<&'t Wait>,
    pub(crate) failed: Option<&'t Wait>,
}

impl Step<'_> {
    /// One of them did not come here, or gave up, or took longer by more than this factor.
    pub(crate) fn differs(&self) -> bool {
        let (Some(passed), Some(failed)) = (self.passed, self.failed) else { return true };
        let (short, long) = (passed.took_us.min(failed.took_us), passed.took_us.max(failed.took_us));
        passed.done != failed.done || long > FACTOR * short.max(LEAST_US)
    }
}

/// Durations that differ by less are alike.
const FACTOR: u64 = 3;
/// Durations below this are alike: a transfer more or less.
const LEAST_US: u64 = 2000;

/// The steps of both, in order. Both run the same job, so a step that one of them lacks is one that the other was led to by
/// what it saw: what follows is aligned again at the next step of the same name.
pub(crate) fn steps<'t>(passed: &'t Trial, failed: &'t Trial) -> Vec<Step<'t>> {
    let (mut left, mut right) = (passed.waits.as_slice(), failed.waits.as_slice());
    let mut steps = Vec::new();
    loop {
        let (site, to_left, to_right) = match (left.first(), right.first()) {
            (None, None) => return steps,
            (Some(own), None) => (&own.site, true, false),
            (None, Some(own)) => (&own.site, false, true),
            (Some(a), Some(b)) if a.site == b.site => (&a.site, true, true),
            (Some(a), Some(b)) if right.iter().any(|later| later.site == a.site) => (&b.site, false, true),
            (Some(a), Some(_)) => (&a.site, true, false),
        };
        let take = |from: &mut &'t [Wait], is_here: bool| {
            let (first, rest) = from.split_first().filter(|_| is_here)?;
            *from = rest;
            Some(first)
        };
        steps.push(Step { site, passed: take(&mut left, to_left), failed: take(&mut right, to_right) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Cell, Outcome, Snapshot};

    fn trial(waits: &[(&str, u64, bool)]) -> Trial {
        let wait = |(site, took_us, done): &(&str, u64, bool)| Wait {
            site: (*site).to_owned(),
            took_us: *took_us,
            done: *done,
            ..Wait::default()
        };
        Trial {
            number: 0,
            cell: Cell::default(),
            outcome: Outcome::Passed,
            error: None,
            signs: Vec::new(),
            waits: waits.iter().map(wait).collect(),
            before: None,
            after: Snapshot::default(),
            took_us: 0,
        }
    }

    #[test]
    fn steps_of_one_name_stand_beside_each_other_and_the_others_alone() {
        let passed = trial(&[("a", 10, true), ("b", 10, true), ("b", 10, true), ("c", 10, true)]);
        let failed = trial(&[("a", 900, true), ("x", 10, true), ("b", 9_000_000, false)]);
        let all = steps(&passed, &failed);
        let shape: Vec<_> =
            all.iter().map(|s| (s.site, s.passed.is_some(), s.failed.is_some(), s.differs())).collect();
        let want = [
            ("a", true, true, false),
            ("x", false, true, true),
            ("b", true, true, true),
            ("b", true, false, true),
            ("c", true, false, true),
        ];
        assert_eq!(shape, want);
    }
}

//! The object for programs.

use super::{arms, sites, twins};
use crate::lab::VARIED;
use crate::run::Hunt;
use crate::stat::{Censored, Count, quantile};
use crate::trial::Wait;
use serde_json::{Value, json};

/// Everything that was found, with the same numbers as on the page.
#[must_use]
pub fn json(hunt: &Hunt) -> Value {
    let verdict = &hunt.verdict;
    let arms = arms(hunt).into_iter().map(|arm| {
        let c = arm.fails;
        json!({ "cell": arm.cell, "fails": c.hits, "trials": c.of, "below": c.upper(), "above": c.lower(), "p_holm": arm.p })
    });
    let looking = twins(hunt).into_iter().map(|t| {
        let count = |c: Count| json!({ "fails": c.hits, "trials": c.of });
        json!({ "cell": t.cell, "blind": count(t.blind), "instrumented": count(t.instrumented), "p_holm": t.p })
    });
    let findings = verdict.findings.iter().map(|f| {
        let clauses = f.clauses.iter().map(|c| {
            json!({ "clause": c.clause.to_string(), "holds": c.holds, "evidence": c.evidence })
        });
        json!({
            "cause": f.row.cause, "class": f.row.class, "name": f.row.name, "holds": f.holds(), "explains": f.explains.hits,
            "clauses": clauses.collect::<Vec<_>>(), "confirm": f.row.confirm, "remedy": f.row.remedy,
        })
    });
    // The snapshots and waits of each trial are in the book.
    let trials = hunt.trials.iter().map(|t| {
        json!({ "number": t.number, "cell": t.cell, "outcome": t.outcome, "signs": t.signs, "error": t.error })
    });
    let sites = sites(hunt).into_iter().map(|(site, waits)| site_json(site, &waits));
    json!({
        "what": hunt.what,
        "part": hunt.part,
        "seed": hunt.seed,
        "policy": hunt.policy,
        "varied": VARIED,
        "notes": hunt.notes,
        "left": hunt.left,
        "matrix": hunt.matrix,
        "verdict": {
            "cause": verdict.cause, "class": verdict.class, "confidence": verdict.confidence,
            "alternatives": verdict.alternatives, "why_not": verdict.why_not,
        },
        "fails": { "of": verdict.fails.of, "hits": verdict.fails.hits },
        "arms": arms.collect::<Vec<_>>(),
        "looking": looking.collect::<Vec<_>>(),
        "sites": sites.collect::<Vec<_>>(),
        "rows": findings.collect::<Vec<_>>(),
        "trials": trials.collect::<Vec<_>>(),
    })
}

fn site_json(site: &str, waits: &[&Wait]) -> Value {
    let times = durations(waits);
    json!({
        "site": site,
        "waits": waits.len(),
        "given_up": waits.iter().filter(|w| !w.done).count(),
        "median_us": quantile(&times, 0.5),
        "p99_us": quantile(&times, 0.99),
        "longest_us": waits.iter().map(|w| w.took_us).max(),
        "first_busy_us": waits.iter().filter_map(|w| w.first_busy_us).max(),
        "looks": waits.iter().map(|w| w.looks).max(),
        "longest_look_us": waits.iter().map(|w| w.longest_look_us).max(),
    })
}

/// The durations of waits, cut off where they were given up.
pub(super) fn durations(waits: &[&Wait]) -> Vec<Censored> {
    waits.iter().map(|w| Censored { time: w.took_us as f64, over: w.done }).collect()
}

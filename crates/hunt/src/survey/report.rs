//! The page for a terminal. The report for a file is [`Survey`] itself.

use super::{Allow, Finding, Survey, Verdict, unasked};
use std::collections::BTreeMap;

/// The form of a report.
pub const SCHEMA: &str = "ackwait.survey/1";

/// A word and a text for each line of a page.
#[must_use]
pub fn page(survey: &Survey, allow: Allow) -> Vec<(String, String)> {
    let mut lines: Vec<_> =
        survey.findings.iter().filter(|f| f.verdict != Verdict::NotHere).map(line).collect();
    lines.extend(left_out(survey));
    lines.extend(summary(survey, allow));
    lines
}

fn line(finding: &Finding) -> (String, String) {
    let words = format!("{} {}", finding.verdict.word(), finding.note);
    let claim = if finding.verdict == Verdict::Refuted {
        format!("{}. The note says ({}): {}", finding.evidence, finding.confidence, finding.claim)
    } else {
        finding.evidence.clone()
    };
    (words, claim)
}

/// The checks that could not be made, together where the reason is the same.
fn left_out(survey: &Survey) -> Vec<(String, String)> {
    let mut by_reason: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for finding in survey.findings.iter().filter(|f| f.verdict == Verdict::NotHere) {
        by_reason.entry(finding.evidence.as_str()).or_default().push(finding.note);
    }
    let line = |(why, notes): (&str, Vec<&str>)| {
        (Verdict::NotHere.word().to_owned(), format!("{}: {why}", notes.join(" ")))
    };
    by_reason.into_iter().map(line).collect()
}

fn summary(survey: &Survey, allow: Allow) -> Vec<(String, String)> {
    let count = |verdict| survey.count(verdict);
    let counts = format!(
        "{} confirmed, {} refuted, {} not testable here; {} notes are for no survey",
        count(Verdict::Confirmed),
        count(Verdict::Refuted),
        count(Verdict::NotHere),
        unasked().count(),
    );
    let did = match allow {
        Allow::Look => "nothing was written",
        Allow::Reset => "the part was reset; nothing in flash or option bytes was written",
        Allow::Write => "the part was reset; its last sector and its option bytes are as they were",
    };
    vec![("notes".to_owned(), counts), ("part".to_owned(), did.to_owned())]
}

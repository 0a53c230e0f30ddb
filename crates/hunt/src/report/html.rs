//! The file for a browser: nothing in it is loaded from anywhere.

use super::page::{ending, last, name, notes, verdict};
use super::steps::steps;
use super::{arms, chance, pair, sites, span, twins};
use crate::lab::VARIED;
use crate::run::Hunt;
use crate::stat::histogram;
use crate::trial::{Trial, Wait};
use pace::experiment::GIVE_UP;
use std::fmt::Write as _;

/// Bins of a histogram: three for each decade of microseconds, from one microsecond to a hundred seconds.
const BINS: usize = 25;
const BINS_OF_A_DECADE: usize = 3;
/// Pixels of a bin and of the height of a histogram.
const BIN: usize = 24;
const HEIGHT: f64 = 80.0;
/// Pixels of the longest bar.
const BAR: f64 = 120.0;

/// The report as one HTML file.
#[must_use]
pub fn html(hunt: &Hunt) -> String {
    let mut out = String::from(HEAD);
    section(&mut out, "Verdict", &lines(&[verdict(hunt), notes(hunt)].concat()));
    section(&mut out, "Arms", &arm_table(hunt));
    section(&mut out, "What looking changes", &looking(hunt));
    let histograms: String = sites(hunt).iter().map(|(site, waits)| chart(site, waits)).collect();
    section(&mut out, "Waits, by duration", &histograms);
    if let Some((passed, failed)) = pair(hunt) {
        section(
            &mut out,
            "A trial that passed and one that failed, step beside step",
            &beside(passed, failed),
        );
        let changes = failed.after.changes_since(&passed.after);
        section(&mut out, "Registers after the job: passed -> failed", &lines(&changes));
    }
    section(&mut out, "What speaks for and against each cause", &rows(hunt));
    let setting = [
        format!("seed: {}", hunt.seed),
        format!("policy: {}", hunt.policy),
        format!("the trials set these keys themselves: {}", VARIED.join(", ")),
        "The table is a guess until it was held against a real part.".to_owned(),
    ];
    section(&mut out, "Setting", &lines(&setting));
    out.push_str("</body></html>\n");
    out
}

const HEAD: &str = "<!doctype html><html lang=en><head><meta charset=utf-8><title>ackwait hunt</title><style>\
body{font:14px/1.4 sans-serif;max-width:70em;margin:2em auto;padding:0 1em}pre{white-space:pre-wrap;margin:0}\
table{border-collapse:collapse}td,th{padding:.1em .8em .1em 0;text-align:left;vertical-align:top}\
td.at{white-space:nowrap}.holds{color:#075}.not{color:#a30}rect{fill:#47a}rect.cut{fill:#c52}text{font-size:10px}</style></head><body>\
<h1>ackwait hunt</h1>";

fn section(out: &mut String, title: &str, body: &str) {
    // Writing into a String cannot fail.
    let _ = write!(out, "<h2>{title}</h2>{body}");
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn lines(all: &[String]) -> String {
    format!("<pre>{}</pre>", escaped(&all.join("\n")))
}

fn arm_table(hunt: &Hunt) -> String {
    let first = hunt.matrix.cells.first().copied().unwrap_or_default();
    let mut out = format!(
        "<p>First arm: {}. Each is compared with it by Fisher's exact test, and p is corrected for so many comparisons \
         (Holm).</p><table><tr><th>differs by<th>failed<th>95 %<th>p",
        escaped(&first.to_string())
    );
    for arm in arms(hunt) {
        let count = arm.fails;
        let _ = write!(
            out,
            "<tr><td>{}<td>{}/{}<td>{:.0}-{:.0} %<td>{}",
            name(&arm.cell, &first),
            count.hits,
            count.of,
            count.lower() * 100.0,
            count.upper() * 100.0,
            escaped(&arm.p.map(chance).unwrap_or_default())
        );
    }
    out + "</table>"
}

/// Does looking change anything?
fn looking(hunt: &Hunt) -> String {
    let mut out = String::from("<table><tr><th>cell<th>blind<th>instrumented<th>p");
    for t in twins(hunt) {
        let (blind, seen) = (t.blind, t.instrumented);
        let _ = write!(
            out,
            "<tr><td>{}<td>{}/{}<td>{}/{}<td>{}",
            escaped(&t.cell.to_string()),
            blind.hits,
            blind.of,
            seen.hits,
            seen.of,
            escaped(&chance(t.p))
        );
    }
    out + "</table>"
}

/// Two trials: each step in one line, with when it ended, how long it took and what was read last; a bar on one scale.
fn beside(passed: &Trial, failed: &Trial) -> String {
    let all = steps(passed, failed);
    let longest = all.iter().flat_map(|s| [s.passed, s.failed]).flatten().map(|w| w.took_us).max();
    let mut out = format!(
        "<p>passed: trial {}: {}<br>failed: trial {}: {}</p><table><tr><th>step<th colspan=3>passed<th colspan=3>failed",
        passed.number,
        escaped(&passed.cell.to_string()),
        failed.number,
        escaped(&failed.cell.to_string())
    );
    for step in all {
        let class = if step.differs() { " class=not" } else { "" };
        let _ = write!(out, "<tr{class}><td>{}", escaped(step.site));
        for wait in [step.passed, step.failed] {
            out += &wait
                .map_or_else(|| "<td colspan=3>not reached".to_owned(), |w| told(w, longest.unwrap_or(1)));
        }
    }
    out + "</table>" + &lines(&ending(failed))
}

/// A wait: its end since the reset, duration and looks, what was read last; the bar is as long as its logarithm.
fn told(wait: &Wait, longest: u64) -> String {
    let scale = |us: u64| (us.max(1) as f64).ln() + 1.0;
    let width = BAR * scale(wait.took_us) / scale(longest);
    let class = if wait.done { "" } else { " class=cut" };
    let end = if wait.done { "" } else { ", given up" };
    format!(
        "<td class=at>{}<td class=at><svg width={BAR} height=8><rect{class} width={width:.0} height=8 /></svg><br>{} x{}{end}<td>{}",
        span(wait.since_reset_us as f64),
        span(wait.took_us as f64),
        wait.looks,
        escaped(&last(wait))
    )
}

/// Where a bin begins, in microseconds.
fn edge(bin: usize) -> f64 {
    10f64.powf(bin as f64 / BINS_OF_A_DECADE as f64)
}

/// How far to the right a time is.
fn place(us: f64) -> f64 {
    us.max(1.0).log10() * (BINS_OF_A_DECADE * BIN) as f64
}

/// A histogram: waits that came to their end, and on top those that were given up.
fn chart(site: &str, waits: &[&Wait]) -> String {
    let edges: Vec<f64> = (0..BINS).map(edge).collect();
    let bins =
        |done: bool| histogram(waits.iter().filter(|w| w.done == done).map(|w| w.took_us as f64), &edges);
    let (done, cut) = (bins(true), bins(false));
    let tallest = done.iter().zip(&cut).map(|(a, b)| a + b).max().unwrap_or(1).max(1);
    let tall = |count: u32| HEIGHT * f64::from(count) / f64::from(tallest);
    let mut bars = String::new();
    for (bin, (done, cut)) in done.iter().zip(&cut).enumerate() {
        let (x, low, high) = (bin * BIN, tall(*done), tall(*cut));
        let _ = write!(bars, "<rect x={x} y={:.1} width={} height={low:.1} />", HEIGHT - low, BIN - 2);
        let y = HEIGHT - low - high;
        let _ = write!(bars, "<rect class=cut x={x} y={y:.1} width={} height={high:.1} />", BIN - 2);
    }
    for (line, (name, patience)) in GIVE_UP.into_iter().enumerate() {
        let x = place(patience.as_secs_f64() * 1e6);
        let _ = write!(bars, "<line x1={x:.0} x2={x:.0} y1=0 y2={HEIGHT} stroke=black stroke-dasharray=2 />");
        let _ = write!(bars, "<text x={x:.0} y={} text-anchor=end>{name}</text>", 10 + 12 * line);
    }
    for (bin, edge) in edges.iter().enumerate().step_by(BINS_OF_A_DECADE) {
        let label = span(*edge);
        let _ = write!(bars, "<text x={} y={}>{label}</text>", bin * BIN, HEIGHT + 12.0);
    }
    let width = BINS * BIN + 40;
    format!(
        "<h3>{} ({} waits)</h3><svg width={width} height={}>{bars}</svg>",
        escaped(site),
        waits.len(),
        HEIGHT + 16.0
    )
}

fn rows(hunt: &Hunt) -> String {
    let mut out = String::from("<table>");
    for finding in &hunt.verdict.findings {
        let class = if finding.holds() { "holds" } else { "not" };
        let _ = write!(out, "<tr><th class={class}>{}<th colspan=2>{}", finding.row.cause, finding.row.name);
        for clause in &finding.clauses {
            let (class, sign) = if clause.holds { ("holds", '+') } else { ("not", '-') };
            let _ = write!(
                out,
                "<tr><td class={class}>{sign}<td>{}<td>{}",
                escaped(&clause.clause.to_string()),
                escaped(&clause.evidence)
            );
        }
    }
    out + "</table>"
}

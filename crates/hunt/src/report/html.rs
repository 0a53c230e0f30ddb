//! The file for a browser: nothing in it is loaded from anywhere.

use super::page::{differing, timeline, verdict};
use super::{arms, pair, sites, span};
use crate::run::Hunt;
use crate::stat::histogram;
use crate::trial::Wait;
use std::fmt::Write as _;

/// The bins of a histogram begin at these times, in microseconds: a third of a decade each.
const EDGES: [f64; 18] = [
    1.0, 2.15, 4.64, 10.0, 21.5, 46.4, 100.0, 215.0, 464.0, 1e3, 2.15e3, 4.64e3, 1e4, 2.15e4, 4.64e4, 1e5,
    1e6, 1e7,
];
/// What tools give up after, in milliseconds: lines in the histograms. [TOOL-5]
const PATIENCE: [(&str, f64); 2] = [("OpenOCD of ST", 250.0), ("HAL of ST", 1000.0)];
/// Pixels of a bin and of the height of a histogram.
const BIN: usize = 24;
const HEIGHT: f64 = 80.0;

/// The report as one HTML file.
#[must_use]
pub fn html(hunt: &Hunt) -> String {
    let mut out = String::from(HEAD);
    section(&mut out, "Verdict", &lines(&verdict(hunt)));
    section(&mut out, "Arms", &arm_table(hunt));
    let histograms: String = sites(hunt).iter().map(|(site, waits)| chart(site, waits)).collect();
    section(&mut out, "Waits, by duration", &histograms);
    if let Some((passed, failed)) = pair(hunt) {
        let both = format!(
            "<div class=pair>{}{}</div>",
            lines(&timeline("passed", passed)),
            lines(&timeline("failed", failed))
        );
        section(&mut out, "A trial that passed beside one that failed", &both);
        let changes = failed.after.changes_since(&passed.after);
        section(&mut out, "Registers after the job: passed -> failed", &lines(&changes));
    }
    section(&mut out, "What speaks for and against each cause", &rows(hunt));
    let setting = [
        format!("part: {}", hunt.part),
        format!("seed: {}", hunt.seed),
        format!("policy: {}", hunt.policy),
        "The table is a guess until it was held against a real part.".to_owned(),
    ];
    section(&mut out, "Setting", &lines(&setting));
    out.push_str("</body></html>\n");
    out
}

const HEAD: &str = "<!doctype html><html lang=en><head><meta charset=utf-8><title>ackwait hunt</title><style>\
body{font:14px/1.4 sans-serif;max-width:70em;margin:2em auto;padding:0 1em}pre{white-space:pre-wrap;margin:0}\
table{border-collapse:collapse}td,th{padding:.1em .8em .1em 0;text-align:left}.pair{display:flex;gap:2em}.pair pre{flex:1}\
.holds{color:#075}.not{color:#a30}rect{fill:#47a}rect.cut{fill:#c52}text{font-size:10px}</style></head><body>\
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
        "<p>First arm: {}</p><table><tr><th>differs by<th>failed<th>95 %",
        escaped(&first.to_string())
    );
    for (cell, count) in arms(hunt) {
        let _ = write!(
            out,
            "<tr><td>{}<td>{}/{}<td>{:.0}-{:.0} %",
            differing(&cell, &first),
            count.hits,
            count.of,
            count.lower() * 100.0,
            count.upper() * 100.0
        );
    }
    out + "</table>"
}

/// A histogram: waits that came to their end, and on top those that were given up.
fn chart(site: &str, waits: &[&Wait]) -> String {
    let bins =
        |done: bool| histogram(waits.iter().filter(|w| w.done == done).map(|w| w.took_us as f64), &EDGES);
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
    for (name, ms) in PATIENCE {
        let bin = EDGES.iter().rposition(|edge| ms * 1000.0 >= *edge).unwrap_or(0);
        let x = bin * BIN + BIN / 2;
        let _ = write!(bars, "<line x1={x} x2={x} y1=0 y2={HEIGHT} stroke=black stroke-dasharray=2 />");
        let _ = write!(bars, "<text x={x} y=10 text-anchor=end>{name}</text>");
    }
    for (bin, edge) in EDGES.iter().enumerate().step_by(3) {
        let label = span(*edge);
        let _ = write!(bars, "<text x={} y={}>{label}</text>", bin * BIN, HEIGHT + 12.0);
    }
    let width = EDGES.len() * BIN + 40;
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

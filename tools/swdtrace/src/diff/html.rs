//! `swdtrace diff --html`: one page with everything in it: no font, no script and no style from elsewhere.
//!
//! A timeline of both recordings with their differences, then both columns. Equal rows far from a difference are folded.

use super::{Report, seconds, sides};
use std::fmt::Write as _;
use std::io::{self, Write};
use std::ops::Range;
use std::time::Duration;
use trace::diff::{Hunk, Item, Row, Side};

const STYLE: &str = include_str!("html/page.css");
const SCRIPT: &str = include_str!("html/page.js");
/// Parts that the timeline is divided into.
const PARTS: usize = 400;
/// Height of a lane of the timeline, and from one to the next.
const LANE: (usize, usize) = (26, 40);
/// Equal rows in one fold beyond which the middle is left out: nobody reads on, and browsers have limits too.
const FOLDED: usize = 2000;

/// Where a page is written to, with its first error.
type Out<'a> = &'a mut dyn Write;

impl Report<'_> {
    pub(crate) fn html(&self, context: usize, out: Out<'_>) -> io::Result<()> {
        let title = format!("{} and {}", escaped(self.a.0), escaped(self.b.0));
        writeln!(
            out,
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n<title>swdtrace diff: {title}</title>\n\
             <style>\n{STYLE}</style>\n</head>\n<body>"
        )?;
        self.head(out)?;
        self.timeline(out)?;
        self.columns(context, out)?;
        writeln!(out, "<script>\n{SCRIPT}</script>\n</body>\n</html>")
    }

    fn head(&self, out: Out<'_>) -> io::Result<()> {
        let level = self.diff.level;
        writeln!(
            out,
            "<header>\n<h1>{}</h1>\n<p>level {}: {level}. Not compared: {}.</p>",
            self.verdict(),
            level.number(),
            level.ignores()
        )?;
        if !self.diff.unseen.is_empty() {
            writeln!(out, "<p>Not compared either: {}.</p>", self.diff.unseen)?;
        }
        if let Some(side) = self.hiding() {
            writeln!(out, "<p>{side} is an ST-Link, whose transactions and WAITs are its own business.</p>")?;
        }
        for (side, (name, trace), items) in [("A", self.a, &self.diff.a), ("B", self.b, &self.diff.b)] {
            let protocol = trace.protocol().map_or_else(String::new, |p| p.to_string());
            let cut = if trace.truncated_at().is_some() {
                ", cut off: what is missing was not compared"
            } else {
                ""
            };
            writeln!(
                out,
                "<p><b>{side}</b> {} <small>{protocol}, {} items{cut}</small></p>",
                escaped(name),
                items.len()
            )?;
        }
        let keys = "<kbd>n</kbd> <kbd>p</kbd> next and previous difference, <kbd>e</kbd> fold and unfold equal rows, \
                    <kbd>t</kbd> the top";
        writeln!(out, "<p class=\"keys\">{keys}</p>\n</header>")
    }

    /// Two lanes over one time axis that begins for each recording with its first item.
    fn timeline(&self, out: Out<'_>) -> io::Result<()> {
        let length =
            [&self.diff.a, &self.diff.b].map(|items| span(items)).into_iter().max().unwrap_or_default();
        let (lane, step) = LANE;
        let height = step + lane + 18;
        writeln!(
            out,
            "<svg class=\"timeline\" role=\"img\" aria-label=\"timeline of both recordings\" viewBox=\"0 0 {PARTS} {height}\" \
             preserveAspectRatio=\"none\">"
        )?;
        for (side, items, top) in [(Side::A, &self.diff.a, 0), (Side::B, &self.diff.b, step)] {
            writeln!(out, "<rect class=\"lane\" x=\"0\" y=\"{top}\" width=\"{PARTS}\" height=\"{lane}\"/>")?;
            self.activity(items, length, top, out)?;
            self.marks(side, items, length, top, out)?;
        }
        writeln!(out, "</svg>")?;
        let (a, b) = (trace::span(span(&self.diff.a)), trace::span(span(&self.diff.b)));
        writeln!(
            out,
            "<p class=\"axis\"><span>0</span><span>above A, {a}; below B, {b}; red: differences</span><span>{}</span></p>",
            trace::span(length)
        )
    }

    /// How much is done in each part of the time.
    fn activity(&self, items: &[Item], length: Duration, top: usize, out: Out<'_>) -> io::Result<()> {
        let mut counts = vec![0usize; PARTS];
        for item in items {
            if let Some(count) = counts.get_mut(part(items, item.at(), length)) {
                *count += 1;
            }
        }
        let most = counts.iter().copied().max().unwrap_or(0).max(1);
        let mut path = String::new();
        for (x, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            let height = (count * LANE.0).div_ceil(most).max(2);
            // Writing into a String cannot fail.
            let _ = write!(path, "M{x} {}h1v-{height}h-1z", top + LANE.0);
        }
        writeln!(out, "<path class=\"busy\" d=\"{path}\"/>")
    }

    /// The differences of one side, each a link to its place below.
    fn marks(
        &self,
        side: Side,
        items: &[Item],
        length: Duration,
        top: usize,
        out: Out<'_>,
    ) -> io::Result<()> {
        for (n, hunk) in self.diff.hunks.iter().enumerate() {
            let range = if side == Side::A { &hunk.a } else { &hunk.b };
            let at = |n: usize| items.get(n).map(|item| part(items, item.at(), length));
            let Some(from) = at(range.start).or_else(|| at(range.start.checked_sub(1)?)) else { continue };
            let to = range.end.checked_sub(1).and_then(at).unwrap_or(from).max(from);
            let class = if range.is_empty() { "nothing" } else { "differs" };
            writeln!(
                out,
                "<a href=\"#d{}\"><rect class=\"{class}\" x=\"{from}\" y=\"{top}\" width=\"{}\" height=\"{}\"><title>{} of \
                 {}</title></rect></a>",
                n + 1,
                to - from + 1,
                LANE.0,
                n + 1,
                self.diff.hunks.len()
            )?;
        }
        Ok(())
    }

    fn columns(&self, context: usize, out: Out<'_>) -> io::Result<()> {
        writeln!(
            out,
            "<main>\n<div class=\"row names\"><span></span><span>A at</span><span>{}</span><span>B at</span><span>{}</span></div>",
            escaped(self.a.0),
            escaped(self.b.0)
        )?;
        let (mut n, mut m) = (0, 0);
        let count = self.diff.hunks.len();
        for (number, hunk) in self.diff.hunks.iter().enumerate() {
            let after = if number == 0 { 0 } else { context };
            self.between(n..hunk.a.start, m, (after, context), out)?;
            self.hunk_rows(hunk, number + 1, count, out)?;
            (n, m) = (hunk.a.end, hunk.b.end);
        }
        self.between(n..self.diff.a.len(), m, (if count == 0 { 0 } else { context }, 0), out)?;
        writeln!(out, "</main>")
    }

    fn hunk_rows(&self, hunk: &Hunk, number: usize, count: usize, out: Out<'_>) -> io::Result<()> {
        writeln!(
            out,
            "<section class=\"hunk\" id=\"d{number}\" tabindex=\"-1\">\n<h2>{number} of {count}</h2>"
        )?;
        for (row, items) in self.joined(&hunk.rows) {
            self.html_row(&row, items, out)?;
        }
        writeln!(out, "</section>")
    }

    /// Equal rows: those near a difference, and the others folded.
    fn between(
        &self,
        a: Range<usize>,
        b: usize,
        (after, before): (usize, usize),
        out: Out<'_>,
    ) -> io::Result<()> {
        let rows: Vec<Row> = a.clone().zip(b..).map(|(n, m)| Row::Same(n, m)).collect();
        let head = after.min(rows.len());
        let tail = rows.len() - before.min(rows.len() - head);
        let near = |range: Range<usize>, out: Out<'_>| {
            rows.get(range).unwrap_or_default().iter().try_for_each(|row| self.html_row(row, 1, out))
        };
        near(0..head, out)?;
        if tail > head {
            writeln!(out, "<details class=\"equal\"><summary>{} equal rows</summary>", tail - head)?;
            let shown = (tail - head).min(FOLDED);
            near(head..head + shown, out)?;
            if tail - head > shown {
                writeln!(out, "<p>… {} more</p>", tail - head - shown)?;
            }
            writeln!(out, "</details>")?;
        }
        near(tail..rows.len(), out)
    }

    fn html_row(&self, row: &Row, items: u32, out: Out<'_>) -> io::Result<()> {
        let (sign, ..) = sides(row);
        let class = match row {
            Row::OnlyA(_) => "a",
            Row::OnlyB(_) => "b",
            Row::Changed(..) => "c",
            Row::Same(..) => "s",
        };
        write!(out, "<div class=\"row {class}\"><span>{sign}</span>")?;
        for side in self.texts(row, items) {
            match side {
                Some((item, text)) => {
                    write!(out, "<span>{}</span><span>{}</span>", seconds(item.at()), escaped(&text))?;
                }
                None => write!(out, "<span></span><span></span>")?,
            }
        }
        writeln!(out, "</div>")
    }
}

/// From the first item to the end of the last.
fn span(items: &[Item]) -> Duration {
    match (items.first(), items.last()) {
        (Some(first), Some(last)) => last.until().saturating_sub(first.at()),
        _ => Duration::ZERO,
    }
}

/// The part of the timeline that a time is in.
fn part(items: &[Item], at: Duration, length: Duration) -> usize {
    let begins = items.first().map_or(Duration::ZERO, |first| first.at());
    let parts = u128::try_from(PARTS).unwrap_or(1);
    let place = (at.saturating_sub(begins).as_nanos() * parts).checked_div(length.as_nanos()).unwrap_or(0);
    usize::try_from(place).unwrap_or(PARTS).min(PARTS - 1)
}

/// Text in which nothing is markup.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

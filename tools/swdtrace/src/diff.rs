//! `swdtrace diff`: two recordings side by side.

mod args;
mod columns;
mod html;
mod json;
mod unified;

pub(crate) use args::Args;

use crate::output::spare;
use crate::{DIFFERENT, Failure, OK, USAGE, open};
use args::Format;
use columns::{Columns, seconds};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::ops::Range;
use std::time::Duration;
use trace::Trace;
use trace::diff::{Diff, Hunk, Item, Row, Timing};

/// Of a hunk with more lines than so many, the head and the tail are printed as text.
const LINES_SHOWN: usize = 60;
/// More pairs of values than so many are not printed as text.
const VALUES_SHOWN: usize = 5;
/// More differences in time than so many are not printed as text.
const TIMES_SHOWN: usize = 10;
/// Words of a block with other values, up to which each is printed beside the other.
const VALUES_BESIDE: usize = 8;

/// What is to be printed.
#[derive(Debug)]
pub(crate) struct Report<'a> {
    pub(crate) diff: &'a Diff,
    /// Name and trace of each side.
    pub(crate) a: (&'a str, &'a Trace),
    pub(crate) b: (&'a str, &'a Trace),
    /// What reads gave counts.
    pub(crate) values: bool,
    /// What takes one of them much longer, when that was asked for.
    pub(crate) timing: Option<Vec<Timing>>,
}

/// Compares and reports.
pub(crate) fn run(args: &Args, out: &mut dyn Write, err: &mut dyn Write) -> Result<u8, Failure> {
    spare(args.html.as_deref(), &[&args.a, &args.b])?;
    let [a, b] = args.inputs();
    let (first, second) = (open(&a, err)?, open(&b, err)?);
    let found = trace::diff::diff_with(&first, &second, args.equality(), &args.masks())?;
    let names = [&args.a, &args.b].map(|path| path.display().to_string());
    let [name_a, name_b] = &names;
    let timing = args.time_ratio.map(|ratio| found.timing(ratio, args.time_least));
    let (a, b) = ((name_a.as_str(), &first), (name_b.as_str(), &second));
    let report = Report { diff: &found, a, b, values: args.values, timing };
    report.print(args, out)?;
    if args.format == Format::Unified && !found.unseen.is_empty() {
        let _ = writeln!(err, "swdtrace: not compared: {}", found.unseen);
    }
    if let Some(path) = &args.html {
        let failed = |source| Failure::Write { path: path.clone(), source };
        let mut file = BufWriter::new(File::create(path).map_err(failed)?);
        report.html(args.context, &mut file).and_then(|()| file.flush()).map_err(failed)?;
    }
    if !report.is_same() {
        return Ok(DIFFERENT);
    }
    let is_partial = |trace: &Trace| trace.truncated_at().is_some() || trace.lost() > 0;
    match is_partial(&first) || is_partial(&second) {
        // What is missing may differ.
        true => Ok(USAGE),
        false => Ok(OK),
    }
}

/// Differences that stand close to each other, with what is equal around them.
struct Block<'a> {
    a: Range<usize>,
    b: Range<usize>,
    hunks: &'a [Hunk],
}

impl Report<'_> {
    fn print(&self, args: &Args, out: &mut dyn Write) -> io::Result<()> {
        match args.format {
            Format::Text => self.text(args.context, usize::from(args.width), out),
            Format::Unified => self.unified(args.context, out),
            Format::Json => self.json(args.context, out),
            Format::Html => self.html(args.context, out),
        }
    }

    /// Whether both do the same.
    fn is_same(&self) -> bool {
        self.diff.same() && (!self.values || self.diff.values.is_empty())
    }

    /// Both sides of a row that stands for so many: the item and its words.
    fn texts(&self, row: &Row, items: u32) -> [Option<(&Item, String)>; 2] {
        let (_, a, b) = sides(row);
        let differs = a.zip(b).and_then(|(n, m)| self.diff.differing_secret(n, m));
        let note = differs.map_or_else(String::new, |bytes| {
            format!(" (secrets differ, {} bytes)", u64::from(bytes) * u64::from(items))
        });
        let text = |item: &Item, trace| item.text_of_block(items, trace, self.diff.level) + &note;
        [
            a.and_then(|n| self.diff.a.get(n)).map(|item| (item, text(item, self.a.1))),
            b.and_then(|m| self.diff.b.get(m)).map(|item| (item, text(item, self.b.1))),
        ]
    }

    /// Hunks whose context touches are one block.
    fn blocks(&self, context: usize) -> Vec<Block<'_>> {
        let close = |one: &Hunk, next: &Hunk| next.a.start.saturating_sub(one.a.end) <= 2 * context;
        let mut blocks = Vec::new();
        for hunks in self.diff.hunks.chunk_by(close) {
            let (Some(first), Some(last)) = (hunks.first(), hunks.last()) else { continue };
            // Both sides are equal around it, so as much fits before it on one side as on the other.
            let before = context.min(first.a.start).min(first.b.start);
            let behind = context
                .min(self.diff.a.len().saturating_sub(last.a.end))
                .min(self.diff.b.len().saturating_sub(last.b.end));
            blocks.push(Block {
                a: first.a.start - before..last.a.end + behind,
                b: first.b.start - before..last.b.end + behind,
                hunks,
            });
        }
        blocks
    }

    /// Lines for a reader, A to the left and B to the right.
    pub(crate) fn text(&self, context: usize, width: usize, out: &mut dyn Write) -> io::Result<()> {
        let diff = self.diff;
        writeln!(out, "level {}: {}", diff.level.number(), diff.level)?;
        for (side, (name, trace), items) in [("A", self.a, &diff.a), ("B", self.b, &diff.b)] {
            let protocol = trace.protocol().map_or_else(String::new, |p| p.to_string());
            writeln!(out, "{side}: {name} ({protocol}, {} items)", items.len())?;
        }
        writeln!(out, "not compared: {}", diff.level.ignores())?;
        if let Some(side) = self.hiding() {
            writeln!(
                out,
                "not seen: {side} does not show transactions and WAITs (an ST-Link keeps them to itself, a log of accesses \
                 has none)"
            )?;
        }
        let latest = [&diff.a, &diff.b].map(|items| items.last().map_or(Duration::ZERO, Item::at));
        let columns = Columns::new(width, latest.into_iter().max().unwrap_or_default());
        let blocks = self.blocks(context);
        let count = blocks.len();
        for (n, block) in blocks.iter().enumerate() {
            writeln!(out)?;
            writeln!(
                out,
                "@@ {} of {count}: A {}, B {}{}",
                n + 1,
                numbered(&block.a),
                numbered(&block.b),
                if n == 0 { ", the first difference" } else { "" }
            )?;
            self.block(block, columns, out)?;
        }
        self.summary(out)
    }

    fn hiding(&self) -> Option<&'static str> {
        let hides = Trace::hides_the_wire;
        match (hides(self.a.1), hides(self.b.1)) {
            (true, true) => Some("each side"),
            (true, false) => Some("A"),
            (false, true) => Some("B"),
            (false, false) => None,
        }
    }

    fn block(&self, block: &Block<'_>, columns: Columns, out: &mut dyn Write) -> io::Result<()> {
        let (mut n, mut m) = (block.a.start, block.b.start);
        for hunk in block.hunks {
            self.equal(n..hunk.a.start, m..hunk.b.start, columns, out)?;
            let lines = self.joined(&hunk.rows);
            let hidden = lines.len().saturating_sub(LINES_SHOWN);
            let head = if hidden > 0 { LINES_SHOWN / 2 } else { lines.len() };
            for (place, (row, items)) in lines.iter().enumerate() {
                if place == head {
                    writeln!(out, "  … {hidden} more lines (--format json has them)")?;
                }
                if place < head || place >= head + hidden {
                    self.line(row, *items, columns, out)?;
                }
            }
            (n, m) = (hunk.a.end, hunk.b.end);
        }
        self.equal(n..block.a.end, m..block.b.end, columns, out)
    }

    fn equal(
        &self,
        a: Range<usize>,
        b: Range<usize>,
        columns: Columns,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        for (n, m) in a.zip(b) {
            self.line(&Row::Same(n, m), 1, columns, out)?;
        }
        Ok(())
    }

    /// Rows with the number of rows that each stands for: a block of memory that only one side has is one line, and so is a
    /// long one that both have with other values.
    fn joined(&self, rows: &[Row]) -> Vec<(Row, u32)> {
        let goes_on = |items: &[Item], n: usize, m: usize| match (items.get(n), items.get(m)) {
            (Some(one), Some(next)) => m == n + 1 && one.goes_on_in(next),
            _ => false,
        };
        let joins = |one: &Row, next: &Row| match (one, next) {
            (Row::OnlyA(n), Row::OnlyA(m)) => goes_on(&self.diff.a, *n, *m),
            (Row::OnlyB(n), Row::OnlyB(m)) => goes_on(&self.diff.b, *n, *m),
            (Row::Changed(n, x), Row::Changed(m, y)) => {
                goes_on(&self.diff.a, *n, *m) && goes_on(&self.diff.b, *x, *y)
            }
            _ => false,
        };
        let mut lines = Vec::new();
        for run in rows.chunk_by(joins) {
            match run {
                [Row::Changed(..), ..] if run.len() <= VALUES_BESIDE => {
                    lines.extend(run.iter().map(|row| (*row, 1)))
                }
                [first, ..] => lines.push((*first, u32::try_from(run.len()).unwrap_or(u32::MAX))),
                [] => {}
            }
        }
        lines
    }

    fn line(&self, row: &Row, items: u32, columns: Columns, out: &mut dyn Write) -> io::Result<()> {
        let (sign, ..) = sides(row);
        let texts = self.texts(row, items);
        let sides = texts.each_ref().map(|side| side.as_ref().map(|(item, text)| (item.at(), text.as_str())));
        columns.write(sign, sides, out)
    }

    fn summary(&self, out: &mut dyn Write) -> io::Result<()> {
        let diff = self.diff;
        writeln!(out)?;
        let counts = if self.values { "" } else { " (no difference; --values counts them)" };
        if !diff.values.is_empty() {
            writeln!(out, "{} equal reads gave other values{counts}:", diff.values.len())?;
            for (n, m) in diff.values.iter().take(VALUES_SHOWN) {
                if let [Some((_, a)), Some((_, b))] = self.texts(&Row::Changed(*n, *m), 1) {
                    writeln!(out, "  A {a}\n  B {b}")?;
                }
            }
            if diff.values.len() > VALUES_SHOWN {
                writeln!(out, "  …")?;
            }
        }
        if !diff.polls.is_empty() {
            let turns = |items: &[Item], pick: fn(&(usize, usize)) -> usize| -> u64 {
                diff.polls.iter().filter_map(|p| items.get(pick(p))).map(|item| u64::from(item.turns)).sum()
            };
            writeln!(
                out,
                "{} polls are of different length: {} turns in A, {} in B",
                diff.polls.len(),
                turns(&diff.a, |p| p.0),
                turns(&diff.b, |p| p.1)
            )?;
        }
        self.slower(out)?;
        for (side, (name, trace)) in [("A", self.a), ("B", self.b)] {
            if trace.truncated_at().is_some() {
                writeln!(out, "{side} ({name}) is cut off: what is missing was not compared")?;
            }
            if trace.lost() > 0 {
                writeln!(out, "{side} ({name}) has holes: what is missing was not compared")?;
            }
        }
        if !diff.unseen.is_empty() {
            writeln!(out, "not compared: {}", diff.unseen)?;
        }
        writeln!(out, "{}", self.verdict())
    }

    /// The result in a few words.
    fn verdict(&self) -> String {
        match self.diff.hunks.len() {
            0 if self.is_same() && self.diff.unseen.all_writes_seen() => "the same".to_owned(),
            0 if self.is_same() => "the same, as far as both show it".to_owned(),
            0 => "different in values".to_owned(),
            1 => "different in 1 place".to_owned(),
            n => format!("different in {n} places"),
        }
    }
}

impl Report<'_> {
    /// What takes one of them much longer.
    fn slower(&self, out: &mut dyn Write) -> io::Result<()> {
        let Some(timing) = &self.timing else { return Ok(()) };
        writeln!(
            out,
            "{} steps that both take are of very different length, up to what follows:",
            timing.len()
        )?;
        for one in timing.iter().take(TIMES_SHOWN) {
            if let [Some((_, text)), _] = self.texts(&Row::OnlyA(one.items.0), 1) {
                writeln!(out, "  A {:>10}  B {:>10}  {text}", trace::span(one.a), trace::span(one.b))?;
            }
        }
        if timing.len() > TIMES_SHOWN { writeln!(out, "  …") } else { Ok(()) }
    }
}

/// The sign of a row, and its item on each side.
fn sides(row: &Row) -> (&'static str, Option<usize>, Option<usize>) {
    match *row {
        Row::OnlyA(n) => ("-", Some(n), None),
        Row::OnlyB(m) => ("+", None, Some(m)),
        Row::Changed(n, m) => ("!", Some(n), Some(m)),
        Row::Same(n, m) => (" ", Some(n), Some(m)),
    }
}

/// Items as people count them: from 1.
fn numbered(items: &Range<usize>) -> String {
    match items.len() {
        0 => format!("behind item {}", items.start),
        1 => format!("item {}", items.end),
        _ => format!("items {} to {}", items.start + 1, items.end),
    }
}

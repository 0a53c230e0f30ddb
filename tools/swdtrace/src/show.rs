//! `swdtrace show`: the rows of a level with the marks between them.

mod args;
mod json;

pub(crate) use args::{Args, Format, time};
pub(crate) use json::jsonl;

use std::io::{self, Write};
use std::ops::Range;
use std::time::Duration;
use trace::filter::Filter;
use trace::fold::{Loop, Row, What};
use trace::read::Marked;
use trace::{Body, Event, Trace};
use wire::{Ack, Level, MarkKind};

/// What is to be shown.
#[derive(Debug, Clone)]
pub(crate) struct View {
    pub(crate) level: Level,
    pub(crate) marks: bool,
    pub(crate) causes: bool,
    /// Below each row, all that was folded into it.
    pub(crate) expand: bool,
    pub(crate) filter: Filter,
    /// Rows around each that passes.
    pub(crate) context: usize,
    /// The first event with this ack is the last.
    pub(crate) until: Option<Ack>,
}

/// One thing to show.
pub(crate) enum Line<'a> {
    Row(Row),
    /// A mark, and those behind it that it stands for.
    Mark(&'a Marked, Vec<&'a Marked>),
    /// Rows that did not pass.
    LeftOut,
}

/// The rows that pass, with what is around them: of each row whether it is shown.
fn shown(trace: &Trace, view: &View, rows: &[Row]) -> Vec<bool> {
    let pass = view.filter.select(trace, view.level);
    let passes = |row: &Row| pass.get(row.events.clone()).is_some_and(|events| events.contains(&true));
    let mut shown = vec![false; rows.len()];
    let mut done = 0;
    for (n, _) in rows.iter().enumerate().filter(|(_, row)| passes(row)) {
        let from = n.saturating_sub(view.context).max(done);
        done = (n + view.context + 1).min(rows.len());
        shown.iter_mut().take(done).skip(from).for_each(|shown| *shown = true);
    }
    shown
}

/// The number of events up to the one at which the view ends, that one included.
fn ending(trace: &Trace, view: &View) -> usize {
    let all = trace.events(view.level).len();
    let Some(ack) = view.until else { return all };
    let ends = Filter { ack: Some(ack), ..Filter::default() }.select(trace, view.level);
    ends.iter().position(|ends| *ends).map_or(all, |last| last + 1)
}

/// Rows and marks in the order of the recording. Equal marks in a row, and sleeps whatever they say, are one.
pub(crate) fn lines<'a>(trace: &'a Trace, view: &View) -> Vec<Line<'a>> {
    let end = ending(trace, view);
    let mut rows = trace.rows(view.level);
    rows.retain(|row| row.events.start < end);
    let shown = shown(trace, view, &rows);
    let mut marks = trace.marks().iter().filter(|_| view.marks).peekable();
    let mut out: Vec<Line<'a>> = Vec::new();
    // Of marks between rows that are left out, the last step tells where the next row belongs.
    let mut step: Option<&Marked> = None;
    let mut left_out = false;
    for (row, shown) in rows.into_iter().zip(shown) {
        let order = event(trace, view, row.events.start).map_or(0, |event| event.order);
        let before: Vec<&Marked> = std::iter::from_fn(|| marks.next_if(|mark| mark.order < order)).collect();
        if !shown {
            step = before.into_iter().rfind(|mark| mark.mark.kind == MarkKind::Step).or(step);
            left_out = true;
            continue;
        }
        if std::mem::take(&mut left_out) {
            out.push(Line::LeftOut);
        }
        step.take().into_iter().chain(before).for_each(|mark| put(&mut out, mark));
        out.push(Line::Row(row));
    }
    if view.filter.is_open() && view.until.is_none() {
        marks.for_each(|mark| put(&mut out, mark));
    }
    out
}

fn put<'a>(lines: &mut Vec<Line<'a>>, mark: &'a Marked) {
    match lines.last_mut() {
        Some(Line::Mark(last, more)) if alike(last, mark) => more.push(mark),
        _ => lines.push(Line::Mark(mark, Vec::new())),
    }
}

fn alike(a: &Marked, b: &Marked) -> bool {
    a.mark.kind == b.mark.kind && (a.mark.kind == MarkKind::Sleep || a.mark.text == b.mark.text)
}

fn event<'a>(trace: &'a Trace, view: &View, n: usize) -> Option<&'a Event> {
    trace.events(view.level).get(n)
}

fn column(at: Duration) -> String {
    format!("{:>12.6}", at.as_secs_f64())
}

/// Lines for a reader: a time column, steps as headings, what belongs to a step indented.
pub(crate) fn text(trace: &Trace, view: &View, out: &mut dyn Write) -> io::Result<()> {
    for line in trace.comment().lines() {
        writeln!(out, "# {line}")?;
    }
    writeln!(out, "# target: {}", trace.target())?;
    for (n, address) in trace.port_addresses().iter().enumerate() {
        writeln!(out, "# AP{n}: the access port at {address:#x}")?;
    }
    let mut indent = "";
    for line in lines(trace, view) {
        match line {
            Line::LeftOut => writeln!(out, "{:>12}", "…")?,
            Line::Mark(marked, more) if marked.mark.kind == MarkKind::Step => {
                writeln!(out, "{}  == {}", column(marked.at), told(marked, &more))?;
                indent = "  ";
            }
            Line::Mark(marked, more) => {
                let kind = marked.mark.kind.word();
                writeln!(out, "{}  {indent}-- {kind}: {}", column(marked.at), told(marked, &more))?;
            }
            Line::Row(row) => {
                self::row(trace, view, &row, indent, out)?;
                originals(trace, view, &row, indent, out)?;
            }
        }
    }
    Ok(())
}

/// A row, and the first turn of a loop below it.
fn row(trace: &Trace, view: &View, row: &Row, indent: &str, out: &mut dyn Write) -> io::Result<()> {
    let Some(first) = event(trace, view, row.events.start) else { return Ok(()) };
    write!(out, "{}  {indent}", column(first.at))?;
    match &row.what {
        What::Event => {
            let number = number(trace, view, row).map_or_else(String::new, |n| format!("#{n} "));
            writeln!(out, "{number}{}{}", trace::line(first), moved(row.stride))?;
            for cause in causes(trace, view, first) {
                writeln!(out, "{}  {indent}    {}", column(cause.at), trace::line(cause))?;
            }
        }
        What::Loop(found) => {
            writeln!(out, "{}{}", looped(trace, view, row, found), moved(row.stride))?;
            if !view.expand {
                let deeper = format!("{indent}    ");
                found.body.iter().try_for_each(|row| self::row(trace, view, row, &deeper, out))?;
            }
        }
    }
    Ok(())
}

/// By how much an address moves on in each turn.
fn moved(stride: i32) -> String {
    if stride == 0 { String::new() } else { format!(", {stride:+} each turn") }
}

fn looped(trace: &Trace, view: &View, row: &Row, found: &Loop) -> String {
    let ends = row.events.end.checked_sub(1).and_then(|last| event(trace, view, last));
    let took = match (event(trace, view, row.events.start), ends) {
        (Some(first), Some(last)) => last.until.saturating_sub(first.at),
        _ => Duration::ZERO,
    };
    let begins = if view.expand { "" } else { "; the first:" };
    format!("loop ×{} over {}{begins}", found.turns, trace::span(took))
}

/// The number of an access that is a row of its own, where rows are expanded.
fn number(trace: &Trace, view: &View, row: &Row) -> Option<usize> {
    let originals = trace.originals(view.level, row.events.clone());
    (view.expand && originals.len() == 1).then_some(originals.start)
}

/// What was folded into a row.
fn originals(trace: &Trace, view: &View, row: &Row, indent: &str, out: &mut dyn Write) -> io::Result<()> {
    let originals: Range<usize> = trace.originals(view.level, row.events.clone());
    if !view.expand || originals.len() < 2 {
        return Ok(());
    }
    let all = trace.accesses().get(originals.clone()).unwrap_or_default();
    for (n, original) in originals.zip(all) {
        let level = view.level.min(Level::Meaning);
        let line = trace::line(&Event { level, ..original.clone() });
        writeln!(out, "{}  {indent}    #{n} {line}", column(original.at))?;
    }
    Ok(())
}

/// Marks in a row, in words: the same one `(×3)`; different ones one by one, or the first and the last of many.
fn told(first: &Marked, more: &[&Marked]) -> String {
    /// More than so many are not listed.
    const LISTED: usize = 3;
    let text = &first.mark.text;
    let count = 1 + more.len();
    match more.last() {
        None => text.clone(),
        Some(_) if more.iter().all(|mark| mark.mark.text == *text) => format!("{text} (×{count})"),
        Some(last) if count > LISTED => format!("{text} … {} (×{count})", last.mark.text),
        Some(_) => {
            let all: Vec<&str> = more.iter().map(|mark| mark.mark.text.as_str()).collect();
            format!("{text}, {}", all.join(", "))
        }
    }
}

/// The accesses of an action.
fn causes<'a>(trace: &'a Trace, view: &View, event: &Event) -> &'a [Event] {
    match &event.body {
        Body::Action(action) if view.causes => {
            trace.events(Level::Meaning).get(action.of.clone()).unwrap_or_default()
        }
        _ => &[],
    }
}

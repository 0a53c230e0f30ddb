//! `swdtrace show`: the rows of a level with the marks between them.

mod args;
mod json;

pub(crate) use args::{Args, Format, time};
use json::jsonl;

use crate::{Failure, pieces};
use std::io::{self, Write};
use std::ops::{ControlFlow, Range};
use std::time::Duration;
use trace::filter::{Filter, Nothing};
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

/// What goes on from one piece of a recording to the next.
#[derive(Debug, Default)]
pub(crate) struct Going {
    /// The head was printed.
    begun: bool,
    /// A step was shown, so what follows belongs to it.
    in_step: bool,
    /// The last rows were left out.
    left_out: bool,
    /// Of marks between rows that were left out, the place of the last step: it tells where the next row belongs.
    step: Option<u64>,
    /// The view ends here.
    ended: bool,
}

/// Shows a recording.
pub(crate) fn run(args: &Args, out: &mut dyn Write, err: &mut dyn Write) -> Result<u8, Failure> {
    let (view, mut going, mut hint) = (args.view(), Going::default(), None);
    let mut nothing = Nothing::new(&view.filter, view.level);
    let code = pieces(&args.input, err, |piece| {
        let lines = lines(piece, &view, &mut going, &mut nothing);
        match args.format {
            Format::Text => text(piece, &view, lines, &mut going, out)?,
            Format::Jsonl => jsonl(piece, &view, lines, out)?,
        }
        if going.ended {
            return Ok(ControlFlow::Break(()));
        }
        if piece.is_last() {
            hint = nothing.hint(piece);
        }
        Ok(ControlFlow::Continue(()))
    })?;
    if let Some(hint) = hint {
        let _ = writeln!(err, "swdtrace: {hint}");
    }
    Ok(code)
}

/// The rows that pass, with what is around them: of each row whether it is shown.
fn shown(view: &View, rows: &[Row], pass: &[bool]) -> Vec<bool> {
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

/// The number of events up to the one at which the view ends, that one included. `None` where it does not end.
fn ending(trace: &Trace, view: &View) -> Option<usize> {
    let ends = Filter { ack: Some(view.until?), ..Filter::default() }.select(trace, view.level);
    ends.iter().position(|ends| *ends).map(|last| last + 1)
}

/// Rows and marks of a piece in the order of the recording. Equal marks in a row, and sleeps whatever they say, are one.
fn lines<'a>(trace: &'a Trace, view: &View, going: &mut Going, nothing: &mut Nothing<'_>) -> Vec<Line<'a>> {
    let mut rows = trace.rows(view.level);
    if let Some(end) = ending(trace, view) {
        rows.retain(|row| row.events.start < end);
        going.ended = true;
    }
    let pass = view.filter.select(trace, view.level);
    nothing.look(trace, &pass);
    let shown = shown(view, &rows, &pass);
    let mut marks = trace.marks_here().iter().filter(|_| view.marks).peekable();
    let mut out: Vec<Line<'a>> = Vec::new();
    let mut step = going.step.and_then(|order| trace.marks().iter().find(|mark| mark.order == order));
    for (row, shown) in rows.into_iter().zip(shown) {
        let order = event(trace, view, row.events.start).map_or(0, |event| event.order);
        let before: Vec<&Marked> = std::iter::from_fn(|| marks.next_if(|mark| mark.order < order)).collect();
        if !shown {
            step = before.into_iter().rfind(|mark| mark.mark.kind == MarkKind::Step).or(step);
            going.left_out = true;
            continue;
        }
        if std::mem::take(&mut going.left_out) {
            out.push(Line::LeftOut);
        }
        step.take().into_iter().chain(before).for_each(|mark| put(&mut out, mark));
        out.push(Line::Row(row));
    }
    if view.filter.is_open() && view.until.is_none() {
        marks.for_each(|mark| put(&mut out, mark));
    } else {
        step = marks.rfind(|mark| mark.mark.kind == MarkKind::Step).or(step);
    }
    going.step = step.map(|mark| mark.order);
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

/// What a reader should know before the first line.
fn head(trace: &Trace, out: &mut dyn Write) -> io::Result<()> {
    for line in trace.comment().lines() {
        writeln!(out, "# {line}")?;
    }
    writeln!(out, "# target: {}", trace.target())?;
    for (n, address) in trace.port_addresses().iter().enumerate() {
        writeln!(out, "# AP{n}: the access port at {address:#x}")?;
    }
    Ok(())
}

/// Lines for a reader: a time column, steps as headings, what belongs to a step indented.
fn text(
    trace: &Trace,
    view: &View,
    lines: Vec<Line<'_>>,
    going: &mut Going,
    out: &mut dyn Write,
) -> io::Result<()> {
    if !std::mem::replace(&mut going.begun, true) {
        head(trace, out)?;
    }
    for line in lines {
        let indent = if going.in_step { "  " } else { "" };
        match line {
            Line::LeftOut => writeln!(out, "{:>12}", "…")?,
            Line::Mark(marked, more) if marked.mark.kind == MarkKind::Step => {
                writeln!(out, "{}  == {}", column(marked.at), told(marked, &more))?;
                going.in_step = true;
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
    (view.expand && originals.len() == 1).then_some(originals.start + trace.accesses_before())
}

/// What was folded into a row.
fn originals(trace: &Trace, view: &View, row: &Row, indent: &str, out: &mut dyn Write) -> io::Result<()> {
    let originals: Range<usize> = trace.originals(view.level, row.events.clone());
    if !view.expand || originals.len() < 2 {
        return Ok(());
    }
    let all = trace.accesses().get(originals.clone()).unwrap_or_default();
    for (n, original) in (originals.start + trace.accesses_before()..).zip(all) {
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

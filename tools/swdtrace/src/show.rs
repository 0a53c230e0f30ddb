//! `swdtrace show`: the events of a level with the marks between them.

use serde_json::{Value, json};
use std::io::{self, Write};
use std::time::Duration;
use trace::event::{Accessed, OnWire, RegisterAccess};
use trace::read::Marked;
use trace::{Body, Event, Trace};
use wire::{Level, MarkKind, WireEvent};

/// What is to be shown.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View {
    pub(crate) level: Level,
    pub(crate) marks: bool,
    pub(crate) causes: bool,
}

/// One thing to show.
enum Line<'a> {
    Event(&'a Event),
    /// A mark, and those behind it that it stands for.
    Mark(&'a Marked, Vec<&'a Marked>),
}

/// Events and marks in the order of the recording. Equal marks in a row, and sleeps whatever they say, are one.
fn lines<'a>(trace: &'a Trace, view: &View) -> Vec<Line<'a>> {
    let mut marks = trace.marks().iter().filter(|_| view.marks).peekable();
    let mut lines: Vec<Line<'a>> = Vec::new();
    let put = |lines: &mut Vec<Line<'a>>, mark: &'a Marked| match lines.last_mut() {
        Some(Line::Mark(last, more)) if alike(last, mark) => more.push(mark),
        _ => lines.push(Line::Mark(mark, Vec::new())),
    };
    for event in trace.events(view.level) {
        while let Some(mark) = marks.next_if(|mark| mark.order < event.order) {
            put(&mut lines, mark);
        }
        lines.push(Line::Event(event));
    }
    marks.for_each(|mark| put(&mut lines, mark));
    lines
}

fn alike(a: &Marked, b: &Marked) -> bool {
    a.mark.kind == b.mark.kind && (a.mark.kind == MarkKind::Sleep || a.mark.text == b.mark.text)
}

fn column(at: Duration) -> String {
    format!("{:>12.6}", at.as_secs_f64())
}

/// Lines for a reader: a time column, steps as headings, what belongs to a step indented.
pub(crate) fn text(trace: &Trace, view: &View, out: &mut dyn Write) -> io::Result<()> {
    for line in trace.comment().lines() {
        writeln!(out, "# {line}")?;
    }
    let mut indent = "";
    for line in lines(trace, view) {
        match line {
            Line::Mark(marked, more) if marked.mark.kind == MarkKind::Step => {
                writeln!(out, "{}  == {}", column(marked.at), told(marked, &more))?;
                indent = "  ";
            }
            Line::Mark(marked, more) => {
                let kind = marked.mark.kind.word();
                writeln!(out, "{}  {indent}-- {kind}: {}", column(marked.at), told(marked, &more))?;
            }
            Line::Event(event) => {
                writeln!(out, "{}  {indent}{}", column(event.at), trace::line(event))?;
                for cause in causes(trace, view, event) {
                    writeln!(out, "{}  {indent}    {}", column(cause.at), trace::line(cause))?;
                }
            }
        }
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

/// One JSON object a line.
pub(crate) fn jsonl(trace: &Trace, view: &View, out: &mut dyn Write) -> io::Result<()> {
    for line in lines(trace, view) {
        let value = match line {
            Line::Mark(marked, more) => json!({
                "t_ns": nanos(marked.at), "level": "M", "kind": marked.mark.kind.word(),
                "text": told(marked, &more), "count": 1 + more.len(),
            }),
            Line::Event(event) => object(event),
        };
        writeln!(out, "{value}")?;
    }
    Ok(())
}

fn nanos(at: Duration) -> u64 {
    u64::try_from(at.as_nanos()).unwrap_or(u64::MAX)
}

fn object(event: &Event) -> Value {
    let (kind, detail) = match &event.body {
        Body::Transfer(t) => {
            ("usb", json!({ "endpoint": t.endpoint, "bytes": t.data.len(), "status": t.status }))
        }
        Body::Command(_) | Body::StLink(_) => ("command", json!({})),
        Body::Wire(wired) => match &wired.what {
            OnWire::Event(WireEvent::Transaction(t)) => (
                "transaction",
                json!({
                    "port": port(t.reg.port), "a": t.reg.a, "write": !t.read, "ack": t.ack.to_string(),
                    "value": t.data.filter(|_| !wired.secret), "secret": wired.secret, "implied": wired.implied,
                }),
            ),
            _ => ("line", json!({})),
        },
        Body::Access(a) => ("access", access(a)),
        Body::Register(r) => ("register", register(r)),
        Body::Line(_) => ("line", json!({})),
        Body::ByProbe(_) => ("by_probe", json!({})),
        Body::Action(action) => {
            ("action", json!({ "action": action.kind.word(), "events": action.of.len() }))
        }
    };
    let mut value = json!({
        "t_ns": nanos(event.at), "until_ns": nanos(event.until), "level": event.level.number(), "kind": kind,
        "certainty": format!("{:?}", event.certainty).to_lowercase(), "cause": event.cause,
        "text": trace::line(event),
    });
    if let (Some(object), Value::Object(detail)) = (value.as_object_mut(), detail) {
        object.extend(detail);
    }
    value
}

const fn port(port: wire::Port) -> &'static str {
    match port {
        wire::Port::Dp => "dp",
        wire::Port::Ap => "ap",
    }
}

fn access(a: &Accessed) -> Value {
    json!({
        "ap": a.access.ap.0, "address": a.access.at.0, "width": a.access.width.bytes(), "write": a.access.write,
        "value": a.access.value.filter(|_| !a.secret), "secret": a.secret, "run": a.run,
        "count": a.repeats.same, "waits": a.repeats.waits, "ack": a.ack.to_string(),
    })
}

fn register(r: &RegisterAccess) -> Value {
    json!({
        "port": port(r.port), "ap": r.ap.map(|ap| ap.0), "bank": r.bank, "a": r.a, "write": r.write,
        "value": r.value.filter(|_| !r.secret), "secret": r.secret,
        "count": r.repeats.same, "waits": r.repeats.waits, "ack": r.ack.to_string(),
    })
}

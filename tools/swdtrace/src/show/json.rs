//! `swdtrace show --format jsonl`.

use super::{Line, View, lines, told};
use serde_json::{Value, json};
use std::io::{self, Write};
use std::ops::Range;
use std::time::Duration;
use trace::event::{Accessed, OnWire, RegisterAccess};
use trace::fold::{Row, What};
use trace::{Body, Event, Trace};
use wire::{Level, WireEvent};

/// One JSON object a line.
pub(crate) fn jsonl(trace: &Trace, view: &View, out: &mut dyn Write) -> io::Result<()> {
    for line in lines(trace, view) {
        let value = match line {
            Line::LeftOut => continue,
            Line::Mark(marked, more) => json!({
                "t_ns": nanos(marked.at), "level": "M", "kind": marked.mark.kind.word(),
                "text": told(marked, &more), "count": 1 + more.len(),
            }),
            Line::Row(row) if !view.expand => self::row(trace, view, &row),
            Line::Row(row) => {
                for n in row.events {
                    writeln!(out, "{}", event(trace, view, n))?;
                }
                continue;
            }
        };
        writeln!(out, "{value}")?;
    }
    Ok(())
}

fn nanos(at: Duration) -> u64 {
    u64::try_from(at.as_nanos()).unwrap_or(u64::MAX)
}

/// An event, with the places of its originals from level 3 on.
fn event(trace: &Trace, view: &View, n: usize) -> Value {
    let Some(event) = trace.events(view.level).get(n) else { return Value::Null };
    let mut value = object(event);
    if let Some(object) = value.as_object_mut().filter(|_| view.level >= Level::Access) {
        let Range { start, end } = trace.originals(view.level, n..n + 1);
        object.insert("originals".to_owned(), json!([start, end]));
    }
    value
}

fn row(trace: &Trace, view: &View, row: &Row) -> Value {
    let What::Loop(found) = &row.what else { return event(trace, view, row.events.start) };
    let at = |n: usize| trace.events(view.level).get(n);
    let last = row.events.end.checked_sub(1).and_then(at);
    let Range { start, end } = trace.originals(view.level, row.events.clone());
    let body: Vec<Value> = found
        .body
        .iter()
        .map(|inner| {
            let mut value = self::row(trace, view, inner);
            if let Some(object) = value.as_object_mut() {
                object.insert("stride".to_owned(), json!(inner.stride));
            }
            value
        })
        .collect();
    json!({
        "t_ns": at(row.events.start).map(|event| nanos(event.at)), "until_ns": last.map(|event| nanos(event.until)),
        "level": view.level.number(), "kind": "loop", "turns": found.turns, "events": row.events.len(),
        "originals": [start, end], "body": body,
    })
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

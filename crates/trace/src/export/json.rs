//! JSON Lines, and one event as a JSON object.

use super::{Row, Wanted, marks, nanos, rows};
use crate::event::{Accessed, Body, Event, OnWire, RegisterAccess};
use crate::read::Marked;
use crate::text;
use crate::trace::Trace;
use serde_json::{Value, json};
use std::io::{self, Write};
use wire::{Port, WireEvent};

/// Version of the objects. A new key does not raise it; a key that goes or means something else does.
pub const SCHEMA: u32 = 1;

/// A line that names the schema and holds the recording's own comment, then a line for each event and mark.
pub(super) fn write(trace: &Trace, begins: bool, wanted: &Wanted, out: &mut dyn Write) -> io::Result<()> {
    if begins {
        writeln!(out, "{}", head(trace, wanted))?;
    }
    for row in rows(trace.events(wanted.level), marks(trace, wanted.marks)) {
        let value = match row {
            Row::Event(event) => object(event),
            Row::Mark(marked) => mark(marked),
        };
        writeln!(out, "{value}")?;
    }
    Ok(())
}

fn head(trace: &Trace, wanted: &Wanted) -> Value {
    json!({
        "kind": "trace", "schema": SCHEMA, "level": wanted.level.number(),
        "probe": trace.protocol().map(|p| p.to_string()), "comment": trace.comment(),
        "target": trace.target().to_string(),
        "access_ports": trace.port_addresses().iter().map(|at| format!("{at:#x}")).collect::<Vec<_>>(),
        "warnings": trace.warnings().iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}

/// A mark as an object.
pub(super) fn mark(marked: &Marked) -> Value {
    json!({
        "t_ns": nanos(marked.at), "level": "M", "kind": marked.mark.kind.word(), "text": marked.mark.text,
    })
}

/// An event as an object. Secret values are `null`.
pub fn object(event: &Event) -> Value {
    let (kind, detail) = detail(event);
    let mut value = json!({
        "t_ns": nanos(event.at), "until_ns": nanos(event.until), "level": event.level.number(), "kind": kind,
        "certainty": format!("{:?}", event.certainty).to_lowercase(), "cause": event.cause,
        "text": text::line(event),
    });
    if let (Some(object), Value::Object(detail)) = (value.as_object_mut(), detail) {
        object.extend(detail);
    }
    value
}

fn detail(event: &Event) -> (&'static str, Value) {
    match &event.body {
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
            OnWire::Gap(records) => ("hole", json!({ "records": records })),
            _ => ("line", json!({})),
        },
        Body::Access(a) => ("access", access(a)),
        Body::Register(r) => ("register", register(r)),
        Body::Line(_) => ("line", json!({})),
        Body::Gap(records) => ("hole", json!({ "records": records })),
        Body::ByProbe(_) => ("by_probe", json!({})),
        Body::Action(action) => {
            ("action", json!({ "action": action.kind.word(), "events": action.of.len() }))
        }
    }
}

const fn port(port: Port) -> &'static str {
    match port {
        Port::Dp => "dp",
        Port::Ap => "ap",
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

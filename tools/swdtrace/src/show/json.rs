//! `swdtrace show --format jsonl`.

use super::{Line, View, told};
use serde_json::{Value, json};
use std::io::{self, Write};
use std::ops::Range;
use std::time::Duration;
use trace::Trace;
use trace::fold::{Row, What};
use wire::Level;

/// One JSON object a line.
pub(super) fn jsonl(trace: &Trace, view: &View, lines: Vec<Line<'_>>, out: &mut dyn Write) -> io::Result<()> {
    for line in lines {
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
    let mut value = trace::export::object(event);
    if let Some(object) = value.as_object_mut().filter(|_| view.level >= Level::Access) {
        object.insert("originals".to_owned(), originals(trace, view, n..n + 1));
    }
    value
}

fn row(trace: &Trace, view: &View, row: &Row) -> Value {
    let What::Loop(found) = &row.what else { return event(trace, view, row.events.start) };
    let at = |n: usize| trace.events(view.level).get(n);
    let last = row.events.end.checked_sub(1).and_then(at);
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
        "originals": originals(trace, view, row.events.clone()), "body": body,
    })
}

/// The numbers of the accesses that events consist of, from the first to the one behind the last.
fn originals(trace: &Trace, view: &View, events: Range<usize>) -> Value {
    let Range { start, end } = trace.originals(view.level, events);
    json!([start + trace.accesses_before(), end + trace.accesses_before()])
}

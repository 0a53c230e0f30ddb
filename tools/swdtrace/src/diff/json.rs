//! `swdtrace diff --format json`.

use super::{Report, sides};
use serde_json::{Value, json};
use std::io::{self, Write};
use std::time::Duration;
use trace::Trace;
use trace::diff::{Hidden, Hunk, Item, Row, Timing};

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

fn hidden(hidden: Hidden) -> Value {
    json!({ "masked": hidden.masked, "unknown": hidden.unknown })
}

impl Report<'_> {
    /// One JSON object.
    pub(crate) fn json(&self, context: usize, out: &mut dyn Write) -> io::Result<()> {
        let diff = self.diff;
        let side = |(name, trace): (&str, &Trace), items: &[Item]| {
            json!({
                "file": name, "protocol": trace.protocol().map(|p| p.to_string()), "items": items.len(),
                "cut_off": trace.truncated_at().is_some(),
            })
        };
        let pairs = |pairs: &[(usize, usize)]| -> Vec<Value> {
            pairs.iter().map(|(n, m)| self.object(&Row::Changed(*n, *m))).collect()
        };
        let hunks: Vec<Value> = diff.hunks.iter().map(|hunk| self.hunk(hunk, context)).collect();
        let value = json!({
            "schema": 1, "level": diff.level.number(), "what": diff.level.to_string(),
            "ignores": diff.level.ignores(), "same": self.is_same(),
            "a": side(self.a, &diff.a), "b": side(self.b, &diff.b),
            "not_compared": { "written": hidden(diff.unseen.written), "read": hidden(diff.unseen.read) },
            "hunks": hunks, "values": pairs(&diff.values), "polls": pairs(&diff.polls),
            "timing": self.timing.as_ref().map(|all| all.iter().map(|timing| self.timing(timing)).collect::<Vec<_>>()),
        });
        serde_json::to_writer_pretty(&mut *out, &value)?;
        writeln!(out)
    }

    fn hunk(&self, hunk: &Hunk, context: usize) -> Value {
        let before = context.min(hunk.a.start).min(hunk.b.start);
        let lead = (hunk.a.start - before..hunk.a.start).zip(hunk.b.start - before..hunk.b.start);
        json!({
            "a": { "from": hunk.a.start, "count": hunk.a.len() },
            "b": { "from": hunk.b.start, "count": hunk.b.len() },
            "before": lead.map(|(n, m)| self.object(&Row::Same(n, m))).collect::<Vec<_>>(),
            "rows": hunk.rows.iter().map(|row| self.object(row)).collect::<Vec<_>>(),
        })
    }

    fn object(&self, row: &Row) -> Value {
        let (sign, n, m) = sides(row);
        let side = |place: Option<usize>, found: Option<(&Item, String)>| match (place, found) {
            (Some(n), Some((item, text))) => json!({
                "item": n, "t_ns": nanos(item.at()),
                "turns": item.turns, "text": text,
            }),
            _ => Value::Null,
        };
        let [a, b] = self.texts(row, 1);
        json!({ "op": sign, "a": side(n, a), "b": side(m, b) })
    }

    fn timing(&self, timing: &Timing) -> Value {
        let mut value = self.object(&Row::Same(timing.items.0, timing.items.1));
        if let Some(object) = value.as_object_mut() {
            object.insert("a_ns".to_owned(), json!(nanos(timing.a)));
            object.insert("b_ns".to_owned(), json!(nanos(timing.b)));
        }
        value
    }
}

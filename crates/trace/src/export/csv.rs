//! Comma separated values (RFC 4180): a row for each event and mark, numbers of registers and values in hexadecimal.

use super::{Row, Wanted, json, marks, rows};
use crate::trace::Trace;
use serde_json::Value;
use std::io::{self, Write};

/// The columns, named as in the JSON objects.
const COLUMNS: [&str; 18] = [
    "t_ns",
    "until_ns",
    "level",
    "kind",
    "certainty",
    "port",
    "ap",
    "bank",
    "a",
    "address",
    "width",
    "write",
    "value",
    "ack",
    "run",
    "count",
    "waits",
    "text",
];

/// Columns that a person reads in hexadecimal.
const HEXADECIMAL: [&str; 3] = ["a", "address", "value"];

pub(super) fn write(trace: &Trace, begins: bool, wanted: &Wanted, out: &mut dyn Write) -> io::Result<()> {
    if begins {
        writeln!(out, "{}\r", COLUMNS.join(","))?;
    }
    for row in rows(trace.events(wanted.level), marks(trace, wanted.marks)) {
        let object = match row {
            Row::Event(event) => json::object(event),
            Row::Mark(marked) => json::mark(marked),
        };
        let cells: Vec<String> =
            COLUMNS.iter().map(|column| cell(column, object.get(*column).unwrap_or(&Value::Null))).collect();
        writeln!(out, "{}\r", cells.join(","))?;
    }
    Ok(())
}

fn cell(column: &str, value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => quoted(text),
        Value::Number(number) if HEXADECIMAL.contains(&column) => {
            number.as_u64().map_or_else(|| number.to_string(), |n| format!("0x{n:08X}"))
        }
        other => other.to_string(),
    }
}

fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

//! The settings whose right value nobody knows.

use crate::cli::Format;
use serde::Serialize;
use std::io::{self, Write};

#[derive(Serialize)]
struct Row {
    key: &'static str,
    default: &'static str,
    choices: &'static str,
    note: &'static str,
    what: &'static str,
}

/// Lists them.
pub(crate) fn list(format: Format, out: &mut dyn Write) -> io::Result<()> {
    match format {
        Format::Text => {
            for sim::Guess { key, default, choices, note, what } in sim::guesses() {
                writeln!(out, "{key}={default}  [{note}] {what} ({choices})")?;
            }
        }
        Format::Json => {
            let rows: Vec<_> = sim::guesses()
                .iter()
                .map(|g| Row {
                    key: g.key,
                    default: g.default,
                    choices: g.choices,
                    note: g.note,
                    what: g.what,
                })
                .collect();
            serde_json::to_writer_pretty(&mut *out, &rows)?;
            writeln!(out)?;
        }
    }
    out.flush()
}

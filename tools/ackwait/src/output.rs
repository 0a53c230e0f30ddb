//! Where the tool writes.

use crate::cli::Format;
use serde_json::{Value, json};
use std::fmt;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Columns of a small terminal.
const COLUMNS: usize = 80;
/// Columns of the words at the left.
const WORDS: usize = 11;

/// A word and a text behind it, broken so that it fits a small terminal.
pub(crate) fn wrapped(word: &str, text: &str) -> Vec<String> {
    wrapped_at(WORDS, word, text)
}

/// The same with as many columns for the word.
pub(crate) fn wrapped_at(columns: usize, word: &str, text: &str) -> Vec<String> {
    let mut lines = vec![format!("{word:<columns$}")];
    let mut fresh = true;
    for piece in text.split(' ') {
        let Some(line) = lines.last_mut() else { break };
        if !fresh && line.chars().count() + 1 + piece.chars().count() > COLUMNS {
            lines.push(format!("{:columns$}{piece}", ""));
            continue;
        }
        if !fresh {
            line.push(' ');
        }
        line.push_str(piece);
        fresh = false;
    }
    lines
}

/// The streams, and the flag that Ctrl-C raises.
pub struct Output {
    /// Data.
    pub out: Box<dyn Write>,
    /// Everything else.
    pub err: Box<dyn Write>,
    /// `err` is a terminal: progress may be drawn over itself.
    pub terminal: bool,
    /// Raised when the work shall stop at its next safe point.
    pub stop: Arc<AtomicBool>,
    /// The first error of `out`.
    failed: Option<io::Error>,
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output").field("terminal", &self.terminal).finish_non_exhaustive()
    }
}

impl Output {
    /// Output to these streams, no terminal, nothing raised.
    pub fn new(out: Box<dyn Write>, err: Box<dyn Write>) -> Output {
        Output { out, err, terminal: false, stop: Arc::default(), failed: None }
    }

    /// A line of data.
    pub(crate) fn print(&mut self, line: &str) {
        self.raw(line.as_bytes());
        self.raw(b"\n");
    }

    /// Bytes of data.
    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        if self.failed.is_none() {
            self.failed = self.out.write_all(bytes).err();
        }
    }

    /// A line for the person who watches. There is nobody to tell when it cannot be written.
    pub(crate) fn say(&mut self, line: &str) {
        let _ = writeln!(self.err, "{line}");
    }

    /// Progress, drawn over itself, where somebody watches.
    pub(crate) fn progress(&mut self, doing: &str, done: usize, of: usize) {
        if self.terminal && of > 0 {
            let end = if done >= of { "\r\x1b[K" } else { "" };
            let _ = write!(self.err, "\r{doing} {:>3} %{end}", done.saturating_mul(100) / of);
            let _ = self.err.flush();
        }
    }

    /// The data of a command: one object with its schema, or lines.
    pub(crate) fn data(
        &mut self,
        format: Format,
        schema: &str,
        object: Value,
        lines: impl FnOnce() -> Vec<String>,
    ) {
        match format {
            Format::Json => {
                let mut all = json!({ "schema": format!("ackwait.{schema}/1") });
                if let (Some(all), Value::Object(fields)) = (all.as_object_mut(), object) {
                    all.extend(fields);
                }
                self.print(&all.to_string());
            }
            Format::Text => lines().iter().for_each(|line| self.print(line)),
        }
    }

    /// Ctrl-C was pressed.
    pub(crate) fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Writes out what is kept back. A reader that has seen enough is no error.
    ///
    /// # Errors
    /// The first error of any write.
    pub(crate) fn finish(&mut self) -> io::Result<()> {
        let flushed = self.out.flush();
        match self.failed.take().map_or(flushed, Err) {
            Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            done => done,
        }
    }
}

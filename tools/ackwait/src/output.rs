//! Where the tool writes.

use crate::cli::Format;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value, json};
use std::borrow::Cow;
use std::ffi::OsStr;
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

/// Words that begin a line, and how a terminal shows them.
const TINTS: [(&str, &str); 5] =
    [("error:", "1;31"), ("refuted ", "1;31"), ("confirmed ", "32"), ("not here ", "2"), ("verdict:", "1")];

/// A line with its first word in colour, where colours are wanted.
fn tinted(line: &str, wanted: bool) -> Cow<'_, str> {
    match TINTS.iter().find(|(word, _)| wanted && line.starts_with(word)) {
        Some((word, tint)) => {
            let rest = line.strip_prefix(word).unwrap_or_default();
            Cow::Owned(format!("\x1b[{tint}m{word}\x1b[0m{rest}"))
        }
        None => Cow::Borrowed(line),
    }
}

/// Whether a stream gets colours: on a terminal that can show them, unless NO_COLOR says anything.
pub(crate) fn colours(terminal: bool, no_color: Option<&OsStr>, term: Option<&OsStr>) -> bool {
    terminal && no_color.is_none_or(OsStr::is_empty) && term.is_none_or(|term| term != "dumb")
}

/// The streams, and the flag that Ctrl-C raises.
pub struct Output {
    /// Data.
    pub out: Box<dyn Write>,
    /// Everything else.
    pub err: Box<dyn Write>,
    /// `err` is a terminal: progress may be drawn over itself.
    pub terminal: bool,
    /// `out` and `err` get colours.
    pub colours: [bool; 2],
    /// Raised when the work shall stop at its next safe point.
    pub stop: Arc<AtomicBool>,
    /// The first error of `out`.
    failed: Option<io::Error>,
    /// What is going on, and its bar.
    bar: Option<(String, ProgressBar)>,
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output").field("terminal", &self.terminal).finish_non_exhaustive()
    }
}

impl Output {
    /// Output to these streams, no terminal, nothing raised.
    pub fn new(out: Box<dyn Write>, err: Box<dyn Write>) -> Output {
        Output {
            out,
            err,
            terminal: false,
            colours: [false; 2],
            stop: Arc::default(),
            failed: None,
            bar: None,
        }
    }

    /// A line of data.
    pub(crate) fn print(&mut self, line: &str) {
        self.raw(line.as_bytes());
        self.raw(b"\n");
    }

    /// Bytes of data.
    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.clear();
        if self.failed.is_none() {
            self.failed = self.out.write_all(bytes).err();
        }
    }

    /// A line for the person who watches. There is nobody to tell when it cannot be written.
    pub(crate) fn say(&mut self, line: &str) {
        let (err, [_, colours]) = (&mut self.err, self.colours);
        let mut write = || drop(writeln!(err, "{}", tinted(line, colours)));
        match &self.bar {
            Some((_, bar)) => bar.suspend(write),
            None => write(),
        }
    }

    /// Progress, drawn over itself on standard error, where somebody watches.
    pub(crate) fn progress(&mut self, doing: &str, done: usize, of: usize) {
        if !self.terminal || of == 0 {
            return;
        }
        if self.bar.as_ref().is_none_or(|(what, _)| what != doing) {
            self.clear();
            self.bar = Some((doing.to_owned(), bar(doing, of)));
        }
        if let Some((_, bar)) = &self.bar {
            bar.set_position(u64::try_from(done).unwrap_or(u64::MAX));
        }
        if done >= of {
            self.clear();
        }
    }

    /// Nothing is drawn any more.
    fn clear(&mut self) {
        if let Some((_, bar)) = self.bar.take() {
            bar.finish_and_clear();
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
            Format::Text => {
                let [colours, _] = self.colours;
                lines().iter().for_each(|line| self.print(&tinted(line, colours)));
            }
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
        self.clear();
        let flushed = self.out.flush();
        match self.failed.take().map_or(flushed, Err) {
            Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            done => done,
        }
    }
}

/// `erasing [=====>    ] 40 %, 3s to go`
fn bar(doing: &str, of: usize) -> ProgressBar {
    let length = u64::try_from(of).unwrap_or(u64::MAX);
    let bar = ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{msg} [{bar:30}] {percent:>3} %, {eta} to go");
    let style = style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> ");
    bar.with_style(style).with_message(doing.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_for_terminals_that_show_them_and_where_no_color_says_nothing() {
        let on = |terminal, no_color: Option<&str>, term: &str| {
            colours(terminal, no_color.map(OsStr::new), Some(OsStr::new(term)))
        };
        assert!(on(true, None, "xterm") && on(true, Some(""), "xterm"));
        assert!(!on(true, Some("1"), "xterm") && !on(false, None, "xterm") && !on(true, None, "dumb"));
    }

    #[test]
    fn a_first_word_is_painted_and_nothing_else() {
        assert_eq!(tinted("error: no error: here", true), "\x1b[1;31merror:\x1b[0m no error: here");
        assert_eq!(tinted("error: x", false), "error: x");
        assert_eq!(tinted("an error: x", true), "an error: x");
    }
}

//! What people and programs see.

use crate::cli::Format;
use h5::{Doing, Progress};
use provision::text::span;
use provision::{Answer, Report, Step, Watch, record};
use serde_json::{Value, json};
use std::fmt;
use std::io::{BufRead as _, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Where the tool writes, and who is there.
pub struct Output {
    /// Data.
    pub out: Box<dyn Write>,
    /// Everything else.
    pub err: Box<dyn Write>,
    /// `err` is a terminal: progress can be drawn over itself.
    pub terminal: bool,
    /// Somebody sits at standard input and can be asked.
    pub asks: bool,
    /// Raised when the run shall stop at its next safe point.
    pub stop: Arc<AtomicBool>,
    /// Makes signals raise `stop`. Called before a probe is opened; until then a signal may simply end the process.
    pub(crate) catch_signals: fn(&mut Output),
    /// The first line of data that could not be written.
    lost: Option<std::io::Error>,
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output")
            .field("terminal", &self.terminal)
            .field("asks", &self.asks)
            .finish_non_exhaustive()
    }
}

impl Output {
    /// Two streams; `terminal` and `asks` are `false`.
    pub fn new(out: Box<dyn Write>, err: Box<dyn Write>) -> Output {
        Output {
            out,
            err,
            terminal: false,
            asks: false,
            stop: Arc::default(),
            catch_signals: |_| {},
            lost: None,
        }
    }

    /// A line of data.
    pub(crate) fn print(&mut self, line: &str) {
        if let Err(e) = writeln!(self.out, "{line}").and_then(|()| self.out.flush()) {
            self.lost.get_or_insert(e);
        }
    }

    /// Why data was lost, if it was. A reader that went away is no error of ours.
    pub(crate) fn lost(&self) -> Option<&std::io::Error> {
        self.lost.as_ref().filter(|e| e.kind() != std::io::ErrorKind::BrokenPipe)
    }

    /// A line for the person who watches.
    pub(crate) fn say(&mut self, line: &str) {
        let _ = writeln!(self.err, "{line}");
    }

    pub(crate) fn json(&mut self, value: &Value) {
        self.print(&value.to_string());
    }
}

/// Shows a run.
pub(crate) struct Console<'a> {
    pub(crate) output: &'a mut Output,
    pub(crate) format: Format,
    /// Nobody has to be asked: `-y`, or a board that only exists in memory.
    pub(crate) yes: bool,
    /// A progress line stands on the terminal.
    drawn: bool,
}

impl<'a> Console<'a> {
    pub(crate) fn new(output: &'a mut Output, format: Format, yes: bool) -> Self {
        Console { output, format, yes, drawn: false }
    }

    /// Waits until something was typed; `false` when the run shall stop. A read of standard input is begun anew after a
    /// signal, so Ctrl-C at the question would do nothing.
    #[cfg(unix)]
    fn wait_for_a_line(&self) -> bool {
        use rustix::event::{PollFd, PollFlags, poll};
        use rustix::io::Errno;
        let stdin = std::io::stdin();
        let mut typed = [PollFd::new(&stdin, PollFlags::IN)];
        while !self.stop() {
            match poll(&mut typed, None) {
                Err(Errno::INTR) => {}
                // What else may be wrong with standard input, reading it tells.
                _ => return true,
            }
        }
        false
    }

    #[cfg(not(unix))]
    fn wait_for_a_line(&self) -> bool {
        true
    }

    fn clear(&mut self) {
        if self.drawn {
            let _ = write!(self.output.err, "\r\x1b[K");
            let _ = self.output.err.flush();
            self.drawn = false;
        }
    }

    /// The lines before the first step.
    pub(crate) fn head(&mut self, job: &str, probe: &str, policy: &str) {
        match self.format {
            Format::Text => {
                self.output.print(&format!("job    {job}"));
                self.output.print(&format!("probe  {probe}"));
                self.output.print(&format!("policy {policy}"));
            }
            Format::Json => {
                let line = json!({ "event": "begin", "job": job, "probe": probe, "policy": policy });
                self.output.json(&line);
            }
        }
    }

    /// The lines after the last step. Returns nothing: the exit code stands in the report.
    pub(crate) fn tail(&mut self, report: &Report, verdict: &str, extra: &[(&str, String)]) {
        self.clear();
        match self.format {
            Format::Text => {
                for (name, text) in extra {
                    let mut lines = text.lines();
                    self.output.print(&format!("{name:<6} {}", lines.next().unwrap_or_default()));
                    lines.for_each(|line| self.output.print(&format!("       {line}")));
                }
                if report.result.is_ok() {
                    self.output.print(verdict);
                }
            }
            Format::Json => {
                let mut end = record::result(report);
                end.insert("event".to_owned(), json!("end"));
                end.insert("uid".to_owned(), json!(report.facts.uid));
                end.insert("state".to_owned(), json!(report.facts.state.map(|s| s.to_string())));
                for (name, text) in extra {
                    end.insert((*name).to_owned(), json!(text));
                }
                self.output.json(&Value::Object(end));
            }
        }
    }
}

impl Watch for Console<'_> {
    fn begin(&mut self, step: Step) {
        if self.output.terminal {
            let _ = write!(self.output.err, "\r\x1b[K{step} ...");
            let _ = self.output.err.flush();
            self.drawn = true;
        }
    }

    fn end(&mut self, step: Step, took: Duration, summary: &str) {
        self.clear();
        match self.format {
            Format::Text => self.output.print(&format!("{:<13}{:>10}  {summary}", step.name(), span(took))),
            Format::Json => {
                let took = took.as_secs_f64() * 1e3;
                let line =
                    json!({ "event": "step", "step": step.name(), "took_ms": took, "summary": summary });
                self.output.json(&line);
            }
        }
    }

    fn note(&mut self, step: Step, text: &str) {
        self.clear();
        self.output.say(&format!("{step}: {text}"));
    }

    fn progress(&mut self, step: Step, progress: Progress) {
        if !self.output.terminal {
            return;
        }
        let verb = match progress.doing {
            Doing::Erase => "erasing",
            Doing::Program => "programming",
            Doing::Compare => "comparing",
            Doing::Verify => "verifying",
            Doing::Read => "reading",
        };
        let percent = u64::from(progress.done) * 100 / u64::from(progress.total.max(1));
        let _ = write!(self.output.err, "\r\x1b[K{step}: {verb} {percent:>3} %");
        let _ = self.output.err.flush();
        self.drawn = true;
    }

    fn confirm(&mut self, question: &str) -> Answer {
        if self.yes {
            return Answer::Yes;
        }
        if !self.output.asks {
            return Answer::Nobody;
        }
        self.clear();
        let _ = write!(self.output.err, "{question} Type yes: ");
        let _ = self.output.err.flush();
        if !self.wait_for_a_line() {
            return Answer::Nobody;
        }
        let mut line = String::new();
        match std::io::stdin().lock().read_line(&mut line) {
            Ok(n) if n > 0 && line.trim().eq_ignore_ascii_case("yes") => Answer::Yes,
            Ok(n) if n > 0 => Answer::No,
            _ => Answer::Nobody,
        }
    }

    fn stop(&self) -> bool {
        self.output.stop.load(Ordering::Relaxed)
    }
}

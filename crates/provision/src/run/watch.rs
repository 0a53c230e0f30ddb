//! Who watches a run: shows it, answers for it, stops it.

use crate::Step;
use h5::Progress;
use std::time::Duration;

/// What somebody says when asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Go on.
    Yes,
    /// Do not.
    No,
    /// Nobody is there.
    Nobody,
}

/// Watches a run.
pub trait Watch {
    /// A step begins.
    fn begin(&mut self, step: Step);
    /// A step reached its end.
    fn end(&mut self, step: Step, took: Duration, summary: &str);
    /// Something worth knowing.
    fn note(&mut self, step: Step, text: &str);
    /// Flash work goes on.
    fn progress(&mut self, step: Step, progress: Progress);
    /// May it be done?
    fn confirm(&mut self, question: &str) -> Answer;
    /// Shall the run stop at the next safe point?
    fn stop(&self) -> bool;
}

/// Shows nothing, says yes, never stops.
#[derive(Debug, Clone, Copy, Default)]
pub struct Quiet;

impl Watch for Quiet {
    fn begin(&mut self, _: Step) {}
    fn end(&mut self, _: Step, _: Duration, _: &str) {}
    fn note(&mut self, _: Step, _: &str) {}
    fn progress(&mut self, _: Step, _: Progress) {}
    fn confirm(&mut self, _: &str) -> Answer {
        Answer::Yes
    }
    fn stop(&self) -> bool {
        false
    }
}

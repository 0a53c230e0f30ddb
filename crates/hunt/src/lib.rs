//! The timeout experiment: why does a write of keys or option bytes not come to its end? And the [`survey`]: is what the
//! notes claim true of the part that is there?
//!
//! **What it is.** Trials of one job under conditions that differ in one thing at a time, in an order that chance decides
//! and a seed repeats; what was seen in each; statistics; a table of suspected causes, each with what must have been seen for
//! it; a verdict with its confidence, or "not established"; and the reports.
//!
//! ```text
//! cell matrix      what is varied, and which conditions a matrix has
//! gate             who the part is, whether keys fit it, whether its ROM vouches for a way back
//! hands            what somebody does at the bench, and how it is left
//! lab after        one trial: hands, reset, attach, job, and what was seen of it; what is made good behind it
//! trial snapshot   the record of a trial
//! sign             what a trial showed, in words that the table uses
//! stat             exact bounds, Fisher's test, Holm's correction, durations with a limit
//! table verdict    suspected causes as data, and what the trials say of each
//! survey           what the notes claim, asked of the part: a table of checks, findings, a report
//! run book         the trials in order, and the file from which a hunt goes on
//! report           one page, JSON, HTML
//! ```
//!
//! **What it knows.** The signatures of `vendor-notes/stm32h5-timeout.md` (H5-TIMEOUT-1 to H5-TIMEOUT-16), and how the STM32H5
//! driver does the job.
//!
//! **What it must not know.** Whether the board is simulated: it sees the engine and the [`wire::Bench`].
//!
//! **Specification.** Clopper and Pearson 1934 for bounds, Fisher 1935 (two-sided, by probability), Holm 1979 for many
//! comparisons, Kaplan and Meier 1958.
//!
//! **Not supported.** Comparing two probes (cause 13 says so), replaying mixtures of two recordings, causes that act together
//! (it says "not established" and lists them). The rss-command route (the ROM does the job in a reset, where nothing can be
//! watched; it is refused); by the rsslib route the job itself halts the core, so that nothing is learnt of causes that a halted
//! core has. Secure and privileged accesses as a factor, a host port that is suspended, a hub as a factor. A part that does not
//! tell its unique id (NRST not wired, in PROVISIONING) has no book that can be gone on with.
#![deny(clippy::indexing_slicing, clippy::cast_possible_truncation)]

mod after;
mod book;
mod cell;
mod gate;
mod hands;
mod lab;
mod matrix;
mod report;
mod run;
mod sign;
mod snapshot;
pub mod stat;
pub mod survey;
mod table;
mod trial;
mod verdict;

pub use book::{Book, BookError, Heading};
pub use cell::{Budget, Cell, Connect, Level, Look, Plug, Reset};
pub use lab::VARIED;
pub use matrix::{BadMatrix, Matrix};
pub use report::{html, json, page};
pub use run::{Cut, Hunt, HuntError, Job, Lab, Plan, Progress};
pub use sign::Sign;
pub use snapshot::Snapshot;
pub use table::{Clause, Row, TABLE};
pub use trial::{Outcome, Trial, Wait};
pub use verdict::{Finding, Judged, Verdict, judge};

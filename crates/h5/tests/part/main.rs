//! The driver against a small register model: what it writes, in which order, and what it makes of the answers.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod da;
mod flash;
mod model;
mod obk;
mod options;

//! Provisioning: a job file becomes a plan, the plan becomes a run, the run leaves a journal and a record.
//!
//! **What it is.** Everything between "this is what parts shall become" and the STM32H5 driver. [`Job`] is what a person
//! wrote, [`Goods`] the files it names, checked against each other before a probe is touched; [`Plan`] shows every step and
//! what cannot be taken back; [`run()`] does it and [`regress()`] takes it back. [`next_edge`] decides where a run goes on
//! after whatever happened before; a [`Journal`](journal::Journal) per part remembers what cannot be read back.
//!
//! **What it knows.** The order of steps, the gate before CLOSED, which receipts count, which exit code means what. The run that
//! closes a part has written the credential and compared the flash itself: receipts of an earlier run only tell what a part
//! that was closed holds.
//!
//! **What it must not know.** Probes, USB, simulators, traces, terminals. It prints nothing: a [`Watch`] is told.
//!
//! **Specification.** None of its own. The order follows ST's published scripts (H5-STATE-2, TOOL-6) with three additions:
//! everything is read back, discovery gates the step to CLOSED, and discovery proves it.
//!
//! **Not supported.** LOCKED, TZ-CLOSED and IROT-PROVISIONED as goals; certificates; the STM32H503, whose credential lies in
//! OTP; option bytes that can never be taken back; several parts at once.

#[cfg(test)]
mod bench;
mod credential;
mod edge;
mod error;
mod exit;
mod goods;
mod image;
mod job;
pub mod journal;
mod live;
mod plan;
pub mod present;
pub mod record;
mod run;
mod step;
mod target;
pub mod text;

pub use credential::{CredentialError, FileRule, LoadedObk, load_key, load_password, rule_exit};
pub use edge::{Contents, Edge, Observation, Receipt, StopReason, next_edge};
pub use error::RunError;
pub use exit::Exit;
pub use goods::Goods;
pub use image::{Firmware, ImageError, Images, LoadedFile, SectorData, Segment, is_raw};
pub use job::{ApChoice, Goal, ImageSource, Job, JobError, ObkSource, Overrides, Reset, StepSettings};
pub use live::{Live, named};
pub use plan::{Basis, Plan, PlannedStep, Reversible, Write};
pub use run::{Answer, End, Facts, Failure, Limits, Quiet, Regress, Report, StepRecord, Watch, regress, run};
pub use step::Step;
pub use target::{Changed, Connect, CredentialKind, OnProgress, Target, Vouched};

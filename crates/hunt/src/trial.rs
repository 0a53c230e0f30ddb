//! The record of a trial, and what signs are made of.

use crate::cell::Cell;
use crate::sign::{Sign, micros};
use crate::snapshot::Snapshot;
use adi::{AdiError, Waited};
use h5::H5Error;
use regs::h5::flash::sr;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// An option change that nothing came of.
pub(crate) const NOT_STARTED: &str =
    "the option change did not start: OPTLOCK was 1 when OPTSTRT was written";

/// How a trial ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The job was done in time.
    Passed,
    /// It was done, but a wait was longer than the budget.
    Late,
    /// A wait was given up at the limit.
    TimedOut,
    /// Something else failed.
    Failed,
}

impl Outcome {
    /// A tool with the matrix's budget would have failed.
    #[must_use]
    pub fn fails(self) -> bool {
        self != Outcome::Passed
    }
}

/// A wait of the job.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wait {
    /// What was waited for.
    pub site: String,
    /// The policy key.
    pub key: String,
    /// From the first look to the last, in microseconds.
    pub took_us: u64,
    /// Since the trial's reset, when it ended.
    pub since_reset_us: u64,
    /// When a look first saw the part busy.
    pub first_busy_us: Option<u64>,
    /// Looks.
    pub looks: u32,
    /// The longest of them.
    pub longest_look_us: u64,
    /// It came.
    pub done: bool,
    /// What the registers read last: address and value.
    pub last: Vec<(u32, u32)>,
}

/// The record of a trial.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trial {
    /// From 0, in the order of the schedule.
    pub number: usize,
    /// The conditions.
    pub cell: Cell,
    /// The end.
    pub outcome: Outcome,
    /// What failed, in words.
    pub error: Option<String>,
    /// What it showed.
    pub signs: Vec<Sign>,
    /// The waits of the job.
    pub waits: Vec<Wait>,
    /// Before the job, if it was looked at.
    pub before: Option<Snapshot>,
    /// After it.
    pub after: Snapshot,
    /// How long the job took.
    pub took_us: u64,
}

impl Trial {
    /// It showed this.
    #[must_use]
    pub fn shows(&self, sign: Sign) -> bool {
        self.signs.contains(&sign)
    }

    /// The longest wait.
    #[must_use]
    pub fn longest(&self) -> Option<&Wait> {
        self.waits.iter().max_by_key(|wait| wait.took_us)
    }
}

/// What failed, as far as signs depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The part stayed busy: the register that said so.
    Busy(&'static str),
    /// A lock did not open: its register.
    Locked(&'static str),
    /// Error flags.
    Flags(u32),
    /// The access port is shut.
    PortShut,
    /// WAIT until patience was spent.
    Wait,
    /// Anything else.
    Other,
}

/// What signs are made of.
pub(crate) struct Seen<'a> {
    pub(crate) cell: &'a Cell,
    pub(crate) after: &'a Snapshot,
    pub(crate) fault: Option<Fault>,
    pub(crate) budget: Duration,
    /// The longest wait of the job.
    pub(crate) longest: Duration,
    /// RCC_RSR before the job; its flags were removed before the reset.
    pub(crate) rsr: Option<u32>,
    /// Whether the reset reached the core.
    pub(crate) was_reset: Option<bool>,
    /// NSSR at the last look of the last wait.
    pub(crate) last_status: Option<u32>,
    /// OPTCR while the option change was waited for.
    pub(crate) option_control: Option<u32>,
}

/// What a register of the flash interface read last in a wait.
pub(crate) fn last(waited: &Waited, at: u32) -> Option<u32> {
    waited
        .last
        .iter()
        .find(|(address, _)| regs::h5::memory::non_secure(address.0) == at)
        .map(|(_, value)| *value)
}

/// The record of a wait.
pub(crate) fn wait(waited: &Waited, reset_at: Duration) -> Wait {
    Wait {
        site: waited.doing.clone(),
        key: waited.key.to_owned(),
        took_us: micros(waited.took()),
        since_reset_us: micros(waited.ended.saturating_sub(reset_at)),
        first_busy_us: waited.first_busy.map(micros),
        looks: waited.looks,
        longest_look_us: micros(waited.longest_look),
        done: waited.done,
        last: waited.last.iter().map(|(at, value)| (at.0, *value)).collect(),
    }
}

/// What failed, as far as signs depend on it.
pub(crate) fn fault(error: &H5Error) -> Fault {
    match error {
        H5Error::TargetBusy { register, .. } => Fault::Busy(register),
        H5Error::LockedUntilReset { register, .. } => Fault::Locked(register),
        H5Error::FlashFlags { flags, .. } | H5Error::OptionRejected { flags, .. } => {
            Fault::Flags(flags.bits & sr::ERRORS)
        }
        H5Error::ApShut { .. } | H5Error::Adi(AdiError::ApClosed { .. }) => Fault::PortShut,
        H5Error::Adi(AdiError::WaitSpent { .. } | AdiError::ApBusy { .. }) => Fault::Wait,
        _ => Fault::Other,
    }
}

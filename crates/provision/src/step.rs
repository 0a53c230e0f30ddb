//! The steps of a job, in their order.

use std::fmt;

/// A step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// Which part is this, and what state is it in?
    Identify,
    /// Do job, credential, part and wiring fit? Nothing is written before this has passed.
    Preflight,
    /// Images into flash, and compare.
    Flash,
    /// Option bytes.
    Options,
    /// To PROVISIONING.
    Provisioning,
    /// The credential into OBK.
    Obk,
    /// The gate: discovery must vouch for the credential.
    Discover,
    /// To CLOSED.
    Close,
    /// Discovery proves CLOSED.
    Prove,
    /// The audit record.
    Record,
    /// Back to OPEN with the password.
    Regress,
}

impl Step {
    /// The steps that a job and a command line may set things for.
    pub const SETTABLE: &'static [Step] = &[
        Step::Identify,
        Step::Flash,
        Step::Options,
        Step::Provisioning,
        Step::Obk,
        Step::Discover,
        Step::Close,
    ];

    /// The steps of a run, in their order.
    pub const RUN: &'static [Step] = &[
        Step::Identify,
        Step::Preflight,
        Step::Flash,
        Step::Options,
        Step::Provisioning,
        Step::Obk,
        Step::Discover,
        Step::Close,
        Step::Prove,
        Step::Record,
    ];

    /// The word people type.
    pub const fn name(self) -> &'static str {
        match self {
            Step::Identify => "identify",
            Step::Preflight => "preflight",
            Step::Flash => "flash",
            Step::Options => "options",
            Step::Provisioning => "provisioning",
            Step::Obk => "obk",
            Step::Discover => "discover",
            Step::Close => "close",
            Step::Prove => "prove",
            Step::Record => "record",
            Step::Regress => "regress",
        }
    }

    /// The step called `name`.
    pub fn from_name(name: &str) -> Option<Step> {
        Step::RUN.iter().copied().find(|s| s.name() == name)
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

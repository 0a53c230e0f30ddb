//! Why a run ends before its goal.

use crate::credential::CredentialError;
use crate::edge::StopReason;
use crate::image::ImageError;
use crate::job::JobError;
use crate::journal::StoreError;
use crate::{Exit, Step};
use h5::H5Error;
use regs::h5::state::ProductState;
use std::time::Duration;
use thiserror::Error;

/// Why a run ended before its goal.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RunError {
    /// The job.
    #[error(transparent)]
    Job(#[from] JobError),
    /// An image.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// The credential.
    #[error(transparent)]
    Credential(#[from] CredentialError),
    /// A journal or a record.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The part, the link or the probe.
    #[error(transparent)]
    Part(#[from] H5Error),
    /// A gate is shut. Nothing irreversible was done.
    #[error("refused: {0}")]
    Refused(String),
    /// There is no way on from the state the part is in.
    #[error("{0}")]
    Stop(StopReason),
    /// Neither option bytes nor discovery can be read.
    #[error("the product state cannot be told; debug authentication: {discovery}; option bytes: {options}")]
    Unreadable {
        /// Why discovery failed.
        discovery: Box<H5Error>,
        /// Why the option bytes could not be read.
        options: Box<H5Error>,
    },
    /// NRST is driven and the core does not see it.
    #[error("NRST was pulsed and its pin followed, but the core saw no reset: is NRST wired to the chip?")]
    NrstUnseen,
    /// Discovery does not vouch for the credential.
    #[error("the gate before CLOSED is shut: {0}")]
    Gate(String),
    /// The state after a step is not what it must be.
    #[error("after {step}, discovery reports {}; expected {wanted}", found.map_or_else(|| "no lifecycle".to_owned(), |s| s.to_string()))]
    NotProven {
        /// The step.
        step: Step,
        /// The state it should be.
        wanted: ProductState,
        /// The state discovery reports.
        found: Option<ProductState>,
    },
    /// CLOSED is reported, and the access port is still open.
    #[error("discovery reports CLOSED, but the access port behind which the flash lies is still open")]
    PortStillOpen,
    /// Another part answers than the one the run began with.
    #[error("another part answers: the run began with {began}, and discovery reports {found}")]
    OtherPart {
        /// The unique id at the beginning.
        began: String,
        /// The unique id now.
        found: String,
    },
    /// In PROVISIONING, flash or option bytes are not as the job wants them.
    #[error("the part is in PROVISIONING and {0}; flash and option bytes are written in OPEN only")]
    WrongContents(String),
    /// The flash is not erased after a regression.
    #[error("after the regression, flash at {0} does not read as erased")]
    NotErased(wire::Addr),
    /// Somebody said no.
    #[error("not confirmed")]
    Denied,
    /// A confirmation is needed, and nobody is there.
    #[error("a confirmation is needed and nobody is there to give it; -y gives it on the command line")]
    Unattended,
    /// The deadline is over.
    #[error("the deadline of {} is over", crate::text::span(*.0))]
    Deadline(Duration),
    /// Ctrl-C.
    #[error("interrupted at a safe point")]
    Interrupted,
}

impl RunError {
    /// The exit code.
    pub fn exit(&self) -> Exit {
        match self {
            RunError::Job(e) => e.exit(),
            RunError::Image(e) => e.exit(),
            RunError::Credential(e) => e.exit(),
            RunError::Store(e) => e.exit(),
            RunError::Part(e) => Exit::from(e),
            RunError::Refused(_) => Exit::Refused,
            RunError::Stop(reason) => stop_exit(*reason),
            RunError::Unreadable { .. }
            | RunError::NotProven { .. }
            | RunError::PortStillOpen
            | RunError::NotErased(_) => Exit::Unknown,
            RunError::NrstUnseen => Exit::Nrst,
            RunError::Gate(_) => Exit::Integrity,
            RunError::OtherPart { .. } => Exit::WrongDevice,
            RunError::WrongContents(_) => Exit::Verify,
            RunError::Denied | RunError::Unattended => Exit::Confirm,
            RunError::Deadline(_) => Exit::Deadline,
            RunError::Interrupted => Exit::Interrupted,
        }
    }
}

fn stop_exit(reason: StopReason) -> Exit {
    match reason {
        StopReason::Unreadable | StopReason::ContentsUnknown | StopReason::Regressing => Exit::Unknown,
        StopReason::NoCredential => Exit::Integrity,
        StopReason::OtherContents | StopReason::BeyondGoal(_) | StopReason::NoWay(_) | StopReason::Locked => {
            Exit::Refused
        }
    }
}

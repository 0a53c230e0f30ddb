//! What ends a command before there is a report.

use h5::H5Error;
use pace::BadSetting;
use provision::journal::StoreError;
use provision::{CredentialError, Exit, JobError, RunError};
use session::SessionError;

/// Exit code, text, state of the part and advice.
#[derive(Debug)]
pub(crate) struct Trouble {
    pub(crate) exit: Exit,
    pub(crate) text: String,
    /// The part, where something was done to one.
    pub(crate) state: Option<String>,
    pub(crate) next: Option<String>,
}

impl Trouble {
    pub(crate) fn new(exit: Exit, text: impl Into<String>) -> Trouble {
        Trouble { exit, text: text.into(), state: None, next: None }
    }

    pub(crate) fn usage(text: impl Into<String>) -> Trouble {
        Trouble::new(Exit::Usage, text)
    }

    pub(crate) fn state(mut self, state: impl Into<String>) -> Trouble {
        self.state = Some(state.into());
        self
    }

    pub(crate) fn next(mut self, next: impl Into<String>) -> Trouble {
        self.next = Some(next.into());
        self
    }
}

/// The same advice for whatever is wrong with the input.
const CORRECT: &str = "correct what is named above; nothing was written";

impl From<JobError> for Trouble {
    fn from(e: JobError) -> Self {
        Trouble::new(e.exit(), e.to_string()).next(CORRECT)
    }
}

impl From<CredentialError> for Trouble {
    fn from(e: CredentialError) -> Self {
        Trouble::new(e.exit(), e.to_string()).next(CORRECT)
    }
}

impl From<RunError> for Trouble {
    fn from(e: RunError) -> Self {
        Trouble::new(e.exit(), e.to_string()).next(CORRECT)
    }
}

impl From<StoreError> for Trouble {
    fn from(e: StoreError) -> Self {
        Trouble::new(e.exit(), e.to_string())
    }
}

impl From<BadSetting> for Trouble {
    fn from(e: BadSetting) -> Self {
        Trouble::usage(e.to_string()).next("`h5-provision policy show` lists the keys and what they take")
    }
}

impl From<H5Error> for Trouble {
    fn from(e: H5Error) -> Self {
        Trouble::new(Exit::from(&e), e.to_string()).next(e.next_step())
    }
}

impl From<SessionError> for Trouble {
    fn from(e: SessionError) -> Self {
        let exit = match &e {
            SessionError::Adi(adi) => Exit::from(adi),
            _ => Exit::from_code(e.exit_code()).unwrap_or(Exit::Bug),
        };
        Trouble::new(exit, e.to_string())
    }
}

/// What to do about a probe that failed.
const REPLUG: &str =
    "plug the probe in again, into another port or with another cable; then the same command";

impl Trouble {
    /// A session that could not be opened. What it does before it is there touches the probe only.
    pub(crate) fn opening(e: SessionError) -> Trouble {
        let probe_failed = matches!(e, SessionError::Probe(_) | SessionError::Adi(_));
        let trouble = Trouble::from(e);
        if probe_failed {
            trouble.state("as it was: the probe failed before anything was asked of the part").next(REPLUG)
        } else {
            trouble
        }
    }

    /// A session that did not end well, behind whatever the command did.
    pub(crate) fn closing(e: SessionError) -> Trouble {
        let files_failed = matches!(e, SessionError::Trace(_) | SessionError::Sim(_));
        let mut trouble = Trouble::from(e);
        if files_failed {
            // They were fine when they were opened.
            trouble.exit = Exit::Storage;
            return trouble
                .state("what the command did to the part stands; only a file of the session was not written")
                .next("see to the file named above, then the same command again");
        }
        trouble
            .state("what the command did to the part stands; the probe failed while it let go of it")
            .next(REPLUG)
    }
}

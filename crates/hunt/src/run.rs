//! A hunt: the gates before it, the trials in order, the verdict.

use crate::book::{Book, BookError};
use crate::cell::Plug;
use crate::matrix::Matrix;
use crate::trial::Trial;
use crate::verdict::{Verdict, judge};
use adi::{Adi, Attach};
use h5::obk::{LintContext, Severity};
use h5::{H5Error, Identity, ObkFile, ObkRoute, Password};
use pace::Policy;
use regs::h5::state::ProductState;
use thiserror::Error;
use wire::{ApSel, Bench, BenchError};

/// What is tried.
#[derive(Debug, Clone)]
pub enum Job {
    /// The option bytes are written as they are, then the keys of a file.
    Keys {
        /// The file.
        file: ObkFile,
        /// The way into the part.
        route: ObkRoute,
    },
    /// The option bytes are written as they are.
    Options,
}

impl Job {
    /// The word of the command.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Job::Keys { .. } => "obk-timeout",
            Job::Options => "ob-timeout",
        }
    }
}

/// Why there is no hunt, or why it did not come to its end.
#[derive(Debug, Error)]
pub enum HuntError {
    /// A gate is shut: nothing was written.
    #[error("{0}")]
    Refused(String),
    /// The part cannot be reached before anything was tried.
    #[error(transparent)]
    Part(#[from] H5Error),
    /// The bench.
    #[error(transparent)]
    Bench(#[from] BenchError),
    /// The record of the trials.
    #[error(transparent)]
    Book(#[from] BookError),
    /// Somebody asked to stop; what was tried is kept.
    #[error("stopped after {done} of {of} trials; the same command with --resume goes on")]
    Stopped {
        /// Trials made.
        done: usize,
        /// Trials of the matrix.
        of: usize,
    },
}

/// Told of each trial; `false` asks to stop.
pub type Progress<'p> = &'p mut dyn FnMut(&Trial, usize) -> bool;

/// A part on a bench, ready for trials.
pub struct Lab<'a> {
    pub(crate) adi: &'a mut Adi,
    pub(crate) bench: &'a mut dyn Bench,
    pub(crate) ap: ApSel,
    pub(crate) identity: Identity,
    pub(crate) job: Job,
    pub(crate) matrix: Matrix,
    pub(crate) policy: Policy,
    /// What is in the connector, as far as somebody here put it there.
    pub(crate) plugged: Option<Plug>,
    pub(crate) boot0: bool,
}

impl std::fmt::Debug for Lab<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lab").field("ap", &self.ap).field("identity", &self.identity).finish_non_exhaustive()
    }
}

/// What a hunt found.
#[derive(Debug, Clone, PartialEq)]
pub struct Hunt {
    /// The command.
    pub what: &'static str,
    /// The part, in words.
    pub part: String,
    /// The matrix.
    pub matrix: Matrix,
    /// Where chance began.
    pub seed: u64,
    /// The policy that the cells start from, in one line.
    pub policy: String,
    /// Every trial.
    pub trials: Vec<Trial>,
    /// What they say.
    pub verdict: Verdict,
}

impl<'a> Lab<'a> {
    /// Goes through the gates: the part is identified with nothing in the board's USB connector, and it is made sure that
    /// nothing which the trials do can shut it. Nothing is written.
    ///
    /// # Errors
    /// [`HuntError::Refused`] with the reason, and others.
    pub fn open(
        adi: &'a mut Adi,
        bench: &'a mut dyn Bench,
        matrix: Matrix,
        keys: Option<(&ObkFile, &Password)>,
        route: Option<ObkRoute>,
    ) -> Result<Lab<'a>, HuntError> {
        let ap = ApSel(regs::h5::device::AP1.ap);
        bench.cable(Plug::Out.into())?;
        bench.boot0(false)?;
        adi.attach(&Attach::HOTPLUG).map_err(H5Error::from)?;
        // The board was just unplugged, so that the part may have lost its power; and what was before is over now.
        adi.pulse_reset().map_err(H5Error::from)?;
        let identity = h5::identify(adi, ap)?;
        let job = match keys {
            None => Job::Options,
            Some((file, password)) => {
                let route = route.unwrap_or_else(|| ObkRoute::default_for(identity.device, identity.tzen));
                check_keys(&identity, file, password)?;
                Job::Keys { file: file.clone(), route }
            }
        };
        check_state(&identity, &job)?;
        let policy = adi.policy().clone();
        Ok(Lab { adi, bench, ap, identity, job, matrix, policy, plugged: Some(Plug::Out), boot0: false })
    }

    /// Makes the trials that the book does not hold yet, and judges all of them.
    ///
    /// # Errors
    /// [`HuntError::Stopped`], [`HuntError::Book`], [`HuntError::Part`]. A trial that fails is no error.
    pub fn hunt(&mut self, seed: u64, book: &mut Book, progress: Progress<'_>) -> Result<Hunt, HuntError> {
        let schedule = self.matrix.schedule(seed);
        let part = described(&self.identity);
        let mut trials = book.begin(self.job.word(), &self.matrix, seed, &part)?;
        for (number, cell) in schedule.iter().enumerate().skip(trials.len()) {
            let trial = self.trial(number, cell);
            book.keep(&trial)?;
            let go_on = progress(&trial, schedule.len());
            trials.push(trial);
            if !go_on {
                return Err(HuntError::Stopped { done: trials.len(), of: schedule.len() });
            }
        }
        // The bench is left as it was found, and the policy too.
        self.bench.cable(Plug::Out.into())?;
        self.adi.set_policy(self.policy.clone()).map_err(H5Error::from)?;
        let verdict = judge(&trials);
        Ok(Hunt {
            what: self.job.word(),
            part,
            matrix: self.matrix.clone(),
            seed,
            policy: self.policy.line(),
            trials,
            verdict,
        })
    }
}

/// The part in words: die, revision, state, TrustZone.
fn described(identity: &Identity) -> String {
    let families: Vec<_> = identity.families().iter().map(ToString::to_string).collect();
    let revision = identity.revision().map_or_else(|| format!("0x{:04X}", identity.rev_id), str::to_owned);
    let trust_zone = if identity.tzen.is_on() { "on" } else { "off" };
    format!("{}, revision {revision}, {}, TrustZone {trust_zone}", families.join("/"), identity.state)
}

fn refuse<T>(why: impl Into<String>) -> Result<T, HuntError> {
    Err(HuntError::Refused(why.into()))
}

/// The keys must open the part again, and fit it.
fn check_keys(identity: &Identity, file: &ObkFile, password: &Password) -> Result<(), HuntError> {
    if !file.matches_password(password) {
        return refuse(
            "the password does not belong to the OBK file: with these keys nobody could open the part again",
        );
    }
    let family = identity.device.family;
    let context =
        LintContext { family, tzen: identity.tzen, credential: Some(password.into()), production: false };
    let wrong: Vec<_> =
        file.lint(&context).into_iter().filter(|f| f.severity == Severity::Refuse).map(|f| f.text).collect();
    if wrong.is_empty() {
        Ok(())
    } else {
        refuse(format!("the OBK file does not fit the part: {}", wrong.join("; ")))
    }
}

/// Only states from which nothing that the trials do leads away.
fn check_state(identity: &Identity, job: &Job) -> Result<(), HuntError> {
    let state = identity.state;
    let fits = match job {
        Job::Keys { .. } => state == ProductState::PROVISIONING,
        Job::Options => matches!(state, ProductState::OPEN | ProductState::PROVISIONING),
    };
    if fits {
        return Ok(());
    }
    let needs = match job {
        Job::Keys { .. } => {
            "PROVISIONING: keys can be written there again and again, and the trials never change the state"
        }
        Job::Options => "OPEN or PROVISIONING: in any other state a torn option change may be for ever",
    };
    refuse(format!("the part is in {state}, and this hunt needs {needs}"))
}

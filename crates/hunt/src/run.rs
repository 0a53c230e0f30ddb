//! A hunt: what is to be done, the trials in order, the verdict.

use crate::book::{Book, BookError};
use crate::cell::Cell;
use crate::hands::Hands;
use crate::matrix::Matrix;
use crate::trial::Trial;
use crate::verdict::{Verdict, judge};
use adi::Adi;
use h5::{H5Error, Identity, ObkFile, ObkRoute, OptionBytes, Password};
use pace::Policy;
use thiserror::Error;
use wire::{BenchError, Hz};

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

/// What a person asks for.
#[derive(Debug, Clone)]
pub struct Plan<'p> {
    /// The cells.
    pub matrix: Matrix,
    /// Where chance begins.
    pub seed: u64,
    /// The keys and the password that opens the part again; without them only option bytes are written.
    pub keys: Option<(&'p ObkFile, &'p Password)>,
    /// The way into the part, where the default is not wanted.
    pub route: Option<ObkRoute>,
    /// Go on where the ROM does not vouch for the part.
    pub undiscovered: bool,
}

impl Plan<'_> {
    /// The word of the command.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        if self.keys.is_some() { "obk-timeout" } else { "ob-timeout" }
    }
}

/// Why there is no hunt, or why it did not come to its end.
#[derive(Debug, Error)]
pub enum HuntError {
    /// A gate is shut: nothing was written.
    #[error("{0}")]
    Refused(String),
    /// Nobody vouches for a way back: nothing was written.
    #[error("{0}")]
    Unvouched(String),
    /// The probe, or a part that cannot be reached at all: no trial's failure.
    #[error(transparent)]
    Part(#[from] H5Error),
    /// The bench.
    #[error(transparent)]
    Bench(#[from] BenchError),
    /// The record of the trials.
    #[error(transparent)]
    Book(#[from] BookError),
    /// Somebody asked to stop.
    #[error("stopped")]
    Stopped,
    /// A debugger's bits could not be taken back.
    #[error(
        "the core is still held: C_DEBUGEN, C_MASKINTS (DHCSR) or VC_CORERESET (DEMCR) may be set, and could not be cleared: \
         {0}; only cutting all power of the board, cable included, clears them for sure"
    )]
    Held(H5Error),
    /// The part is no longer what it was.
    #[error("the option bytes changed during the hunt: {what}; {opsr}")]
    Changed {
        /// What, from and to.
        what: String,
        /// What the part says of it.
        opsr: String,
    },
    /// The selectors could not be repaired.
    #[error("{what}, and the repair failed: {error}; `ackwait ob repair` does it")]
    Torn {
        /// What was interrupted.
        what: String,
        /// What the repair failed with.
        error: H5Error,
    },
}

/// A hunt that did not come to its end, with what it found until then.
#[derive(Debug, Error)]
#[error("{why}; {} of {} trials were made", hunt.trials.len(), hunt.matrix.trials())]
pub struct Cut {
    /// Why.
    pub why: Box<HuntError>,
    /// What there is.
    pub hunt: Box<Hunt>,
}

/// Told of each trial; `false` asks to stop.
pub type Progress<'p> = &'p mut dyn FnMut(&Trial, usize) -> bool;

/// A part on a bench, ready for trials.
pub struct Lab<'a> {
    pub(crate) adi: &'a mut Adi,
    pub(crate) hands: Hands<'a>,
    pub(crate) identity: Identity,
    /// The option bytes of the beginning.
    pub(crate) options: OptionBytes,
    /// DEMCR of the beginning.
    pub(crate) demcr: u32,
    pub(crate) job: Job,
    pub(crate) matrix: Matrix,
    pub(crate) seed: u64,
    pub(crate) policy: Policy,
    pub(crate) swclk: Hz,
    /// The unique id, if it can be had.
    pub(crate) board: Option<String>,
    /// What is to be known before the numbers.
    pub(crate) notes: Vec<String>,
    /// A debugger's bits may be set in the core.
    pub(crate) held: bool,
}

impl std::fmt::Debug for Lab<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lab")
            .field("hands", &self.hands)
            .field("identity", &self.identity)
            .finish_non_exhaustive()
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
    /// What was found before the first trial.
    pub notes: Vec<String>,
    /// Every trial.
    pub trials: Vec<Trial>,
    /// What they say.
    pub verdict: Verdict,
    /// What is not as it should be afterwards; nothing, if all went well.
    pub left: Vec<String>,
}

impl Lab<'_> {
    /// Makes the trials that the book does not hold yet, and judges all of them. On every way out the board is left as
    /// [`Lab::open`] left it, or [`Hunt::left`] says what is not so.
    ///
    /// # Errors
    /// [`Cut`], with what was found until then. A trial that fails is no error.
    pub fn hunt(&mut self, book: &mut Book, progress: Progress<'_>) -> Result<Hunt, Cut> {
        let schedule = self.matrix.schedule(self.seed);
        let part = described(&self.identity);
        let begun = book.begin(&part, self.board.as_deref(), &schedule);
        let (mut trials, mut cut) = match begun {
            Ok(trials) => (trials, None),
            Err(error) => (Vec::new(), Some(HuntError::from(error))),
        };
        if cut.is_none() {
            cut = self.trials(&schedule, &mut trials, book, progress).err();
        }
        let left = self.leave();
        let hunt = Hunt {
            what: if matches!(self.job, Job::Keys { .. }) { "obk-timeout" } else { "ob-timeout" },
            part,
            matrix: self.matrix.clone(),
            seed: self.seed,
            policy: self.policy.line(),
            notes: self.notes.clone(),
            verdict: if cut.is_none() { judge(&trials) } else { Verdict::of_a_part(&trials, schedule.len()) },
            trials,
            left,
        };
        match cut {
            None => Ok(hunt),
            Some(why) => Err(Cut { why: Box::new(why), hunt: Box::new(hunt) }),
        }
    }

    fn trials(
        &mut self,
        schedule: &[Cell],
        trials: &mut Vec<Trial>,
        book: &mut Book,
        progress: Progress<'_>,
    ) -> Result<(), HuntError> {
        for (number, cell) in schedule.iter().enumerate().skip(trials.len()) {
            let trial = self.trial(number, cell)?;
            let kept = book.keep(&trial);
            let go_on = progress(&trial, schedule.len());
            let good = self.make_good(&trial);
            trials.push(trial);
            kept?;
            good?;
            if !go_on && trials.len() < schedule.len() {
                return Err(HuntError::Stopped);
            }
        }
        Ok(())
    }
}

/// The part in words: die, revision, state, TrustZone.
fn described(identity: &Identity) -> String {
    let families: Vec<_> = identity.families().iter().map(ToString::to_string).collect();
    let revision = identity.revision().map_or_else(|| format!("0x{:04X}", identity.rev_id), str::to_owned);
    let trust_zone = if identity.tzen.is_on() { "on" } else { "off" };
    format!("{}, revision {revision}, {}, TrustZone {trust_zone}", families.join("/"), identity.state)
}

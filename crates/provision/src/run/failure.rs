//! What a person is told when a run fails: what, the evidence, the state of the part, whether it can be recovered, what to
//! type next.

use super::Engine;
use crate::edge::StopReason;
use crate::error::RunError;
use crate::job::Job;
use crate::text::span;
use crate::{Exit, Step};
use adi::AdiError;
use h5::H5Error;
use regs::h5::state::ProductState;
use std::fmt;
use std::time::Duration;

/// A failed run, told.
#[derive(Debug)]
pub struct Failure {
    /// The step that failed.
    pub step: Step,
    /// Why.
    pub error: RunError,
    /// The exit code.
    pub exit: Exit,
    /// Since the run began.
    pub elapsed: Duration,
    /// The product state now, if it can be told without touching more.
    pub state: Option<ProductState>,
    /// The product state as it was last read or reported in this run.
    pub last: Option<ProductState>,
    /// The product state that was being written, and nobody knows whether it is in.
    pub under_way: Option<ProductState>,
    /// Whether the part can be recovered.
    pub recoverable: String,
    /// What to type next.
    pub next: String,
    /// The last accesses, oldest first. Holds no secret.
    pub flight: String,
}

impl Engine<'_> {
    /// Looks at what is left when a run has failed.
    pub(super) fn failure(&mut self, error: RunError) -> Failure {
        let elapsed = self.target.clock().now().saturating_sub(self.began);
        let flight = self.target.flight();
        let state = if worth_asking(&error) { self.target.state_now() } else { None };
        let last = self.facts.state;
        let under_way = self.under_way.filter(|_| state.is_none());
        if state.is_some() || under_way.is_some() {
            // What was true before the change must not stand in a record as what is true after it.
            self.facts.state = state;
        }
        let next = next(&error, last, self.command, self.job);
        let recoverable = match &error {
            RunError::Stop(StopReason::NoCredential) => "by all that the ROM says, no: not from outside",
            RunError::Part(H5Error::Erasing(_)) if under_way.is_some() => {
                recoverable(Some(ProductState::REGRESSION))
            }
            _ if under_way.is_some() => "yes: a run looks which of the two it is, and goes on from there",
            _ => recoverable(state.or(last)),
        };
        let recoverable = recoverable.to_owned();
        let (step, exit) = (self.now, self.exit(&error, state));
        Failure { step, exit, error, elapsed, state, last, under_way, recoverable, next, flight }
    }
}

impl Engine<'_> {
    /// Once the change to CLOSED is begun, only discovery proves it: whatever hides that is "state unknown", unless the change
    /// has certainly not happened.
    fn exit(&self, error: &RunError, state: Option<ProductState>) -> Exit {
        match error {
            RunError::Part(_) if self.closing && state != Some(ProductState::PROVISIONING) => Exit::Unknown,
            error => error.exit(),
        }
    }
}

impl Failure {
    /// The state line: what is known, and how well.
    pub fn state_line(&self) -> String {
        match (self.state, self.last, self.under_way) {
            (Some(state), ..) => state.to_string(),
            (None, Some(last), Some(to)) => {
                format!("{last} or {to}: the change was begun, and what came of it cannot be read now")
            }
            (None, Some(last), None) => {
                format!("{last} when it was last seen in this run; it cannot be read now")
            }
            (None, None, _) => "not known: it could not be read in this run".to_owned(),
        }
    }

    /// The end of the flight recorder, short enough for a terminal.
    pub fn short_flight(&self, lines: usize) -> Vec<&str> {
        let all: Vec<_> = self.flight.lines().collect();
        let from = all.len().saturating_sub(lines);
        all.into_iter().skip(from).collect()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} failed after {}: {}", self.step, span(self.elapsed), self.error)?;
        writeln!(f, "  state now:   {}", self.state_line())?;
        writeln!(f, "  recoverable: {}", self.recoverable)?;
        writeln!(f, "  next:        {}", self.next)?;
        write!(f, "  exit code:   {}", self.exit)
    }
}

/// Nobody is asked who is known not to answer, or before the probe was used at all.
fn worth_asking(error: &RunError) -> bool {
    match error {
        RunError::Part(e) => !matches!(
            e.link_error(),
            Some(
                AdiError::ProbeSilent { .. }
                    | AdiError::Probe(_)
                    | AdiError::NoTarget { .. }
                    | AdiError::LinkLost { answers_again: false, .. }
            )
        ),
        RunError::Unreadable { .. } => false,
        _ => true,
    }
}

fn recoverable(state: Option<ProductState>) -> &'static str {
    match state {
        Some(ProductState::OPEN) => "yes: nothing irreversible has happened",
        Some(ProductState::PROVISIONING) => {
            "yes: in PROVISIONING the program of the part does not run, which is normal; the OBK can be written again, and \
             with the OBK in, a regression goes back to OPEN"
        }
        Some(ProductState::CLOSED) => "with the password: a regression goes back to OPEN and erases the part",
        Some(ProductState::LOCKED) => "no",
        Some(ProductState::IROT_PROVISIONED | ProductState::TZ_CLOSED) => {
            "with the credential: a regression goes back to OPEN and erases the part"
        }
        Some(ProductState::REGRESSION | ProductState::NS_REGRESSION) => {
            "likely: a regression under way ends by itself at the next power-up"
        }
        _ => {
            "not known before the state is known; every step can be run again, because each looks before it writes"
        }
    }
}

fn next(error: &RunError, state: Option<ProductState>, command: &str, job: &Job) -> String {
    let again = format!("h5-provision {command} {} --probe ...", job.argument());
    let regress = format!("h5-provision regress {} --probe ...", job.argument());
    let job = job.file_argument();
    match error {
        RunError::Job(_) | RunError::Image(_) | RunError::Credential(_) | RunError::Refused(_) => {
            format!("correct the job or the file named above, then `{again}`; nothing was written")
        }
        RunError::Store(_) => {
            format!(
                "see to the file named above (room on the disk, its owner), then `{again}`: it goes on where the part is"
            )
        }
        RunError::Part(H5Error::AuthenticationFailed { .. }) if state == Some(ProductState::PROVISIONING) => {
            format!(
                "the part may hold no credential, or another one; in PROVISIONING it can be written again: `h5-provision run {job} \
             --until obk --probe ...`, then `{again}`"
            )
        }
        RunError::Part(e) => format!("{}; then `{again}`", e.next_step()),
        RunError::Stop(StopReason::ContentsUnknown | StopReason::OtherContents) => {
            format!("put the part aside, or bring it back to OPEN with its password: `{regress}`")
        }
        RunError::Stop(StopReason::NoCredential) => format!(
            "keep the part powered and try `{regress}`: it fails safely; otherwise only the program in the part could \
             repair its option bytes"
        ),
        RunError::Stop(StopReason::Locked) => "nothing can be done; scrap the part".to_owned(),
        RunError::Stop(StopReason::Regressing) => format!("power the board off and on, then `{regress}`"),
        RunError::Stop(_) | RunError::WrongContents(_) => format!("`{regress}`, then `{again}`"),
        RunError::Unreadable { .. } => {
            "check NRST and the cable, power the board off and on, then `h5-provision discover --probe ...`"
                .to_owned()
        }
        RunError::NrstUnseen => format!(
            "wire the probe's nRESET to NRST of the chip, then `{again}`; debug authentication cannot work without it"
        ),
        RunError::Gate(_) => format!("`{again}` writes the OBK again; the part stays in PROVISIONING"),
        RunError::NotProven { .. } | RunError::PortStillOpen | RunError::NotErased(_) => {
            "put the part into quarantine, then `h5-provision discover --probe ...`; do not repeat the write"
                .to_owned()
        }
        RunError::OtherPart { .. } => format!("see to it that one part is connected, then `{again}`"),
        RunError::Denied | RunError::Unattended => format!("`{again} -y`"),
        RunError::Deadline(_) => {
            format!("`{again} --deadline ...` with more time, or look at the step times above")
        }
        RunError::Interrupted if state == Some(ProductState::CLOSED) => {
            format!("`{again}` proves what was done")
        }
        RunError::Interrupted => format!("`{again}` goes on from here"),
    }
}

//! The run: from what a part is to what the job wants, one step at a time.
//!
//! Each step reads, decides, acts, reads back and writes the journal. The order of steps cannot be changed, and the step that
//! closes a part takes a proof that only the gate makes: without the gate there is no CLOSED.

mod close;
mod detect;
mod failure;
mod regress;
#[cfg(test)]
mod tests;
mod watch;
mod write;

pub use failure::Failure;
pub use regress::{Regress, regress};
pub use watch::{Answer, Quiet, Watch};

use crate::edge::Edge;
use crate::error::RunError;
use crate::goods::Goods;
use crate::job::{Goal, Job, Reset};
use crate::journal::{Event, Journal, Shelf, Store};
use crate::target::{Changed, Connect, Target, Vouched};
use crate::text::rfc3339;
use crate::{Exit, Step};
use h5::{H5Error, Identity, ObkRoute};
use regs::h5::state::ProductState;
use std::time::Duration;

/// How a run ended well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The goal is reached.
    Done,
    /// The goal had been reached before; nothing was written.
    AlreadyDone,
    /// The run was asked to stop after this step.
    Until(Step),
}

/// What became of one step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepRecord {
    /// The step.
    pub step: Step,
    /// When it began, RFC 3339.
    pub began: String,
    /// How long it took.
    pub took: Duration,
    /// It reached its end.
    pub ok: bool,
    /// What it did, or why it failed.
    pub summary: String,
}

/// What was learned about the part.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Unique id, hex.
    pub uid: Option<String>,
    /// Identity, as read through the option bytes.
    pub identity: Option<Identity>,
    /// The last discovery.
    pub discovery: Option<Vouched>,
    /// The product state as last read or reported.
    pub state: Option<ProductState>,
    /// Option bytes that were changed, one line each.
    pub options_changed: Vec<String>,
    /// The OBK of the job, by the name that the seal of the journals gives it.
    pub obk: Option<String>,
    /// How the OBK went in.
    pub route: Option<ObkRoute>,
    /// What was odd but allowed.
    pub warnings: Vec<String>,
}

/// A run, told.
#[derive(Debug)]
pub struct Report {
    /// When it began, RFC 3339.
    pub began: String,
    /// When it ended.
    pub ended: String,
    /// How long it took.
    pub took: Duration,
    /// What was learned.
    pub facts: Facts,
    /// The steps.
    pub steps: Vec<StepRecord>,
    /// How it ended.
    pub result: Result<End, Failure>,
}

impl Report {
    /// The exit code.
    pub fn exit(&self) -> Exit {
        self.result.as_ref().map_or_else(|failure| failure.exit, |_| Exit::Done)
    }
}

/// What limits a run.
#[derive(Debug, Clone, Copy, Default)]
pub struct Limits {
    /// It must be over by then.
    pub deadline: Option<Duration>,
    /// It stops after this step.
    pub until: Option<Step>,
}

/// Runs a job on a part.
pub fn run(
    job: &Job,
    goods: &Goods,
    target: &mut dyn Target,
    shelf: &dyn Shelf,
    limits: Limits,
    watch: &mut dyn Watch,
) -> Report {
    let mut engine = Engine::new(job, goods, target, shelf, limits, watch);
    let result = engine.go();
    engine.report(result)
}

/// Why the steps do not go on.
enum Halt {
    Failed(RunError),
    Until(Step),
}

impl<E: Into<RunError>> From<E> for Halt {
    fn from(e: E) -> Self {
        Halt::Failed(e.into())
    }
}

/// Discovery vouched for the credential in this session. Made by the gate, used up by the step that closes.
struct GateProof(());

/// The credential was written in this session. Made by the step that writes it, used up by the step that closes: a receipt of
/// an earlier session does not tell what another tool has done since.
struct ObkWritten(());

struct Engine<'a> {
    job: &'a Job,
    goods: &'a Goods,
    target: &'a mut dyn Target,
    shelf: &'a dyn Shelf,
    limits: Limits,
    watch: &'a mut dyn Watch,
    began: Duration,
    journal: Option<Journal<Box<dyn Store>>>,
    facts: Facts,
    steps: Vec<StepRecord>,
    /// What a person typed: `run` or `regress`.
    command: &'static str,
    /// The step under way.
    now: Step,
    /// The product state that is being written.
    under_way: Option<ProductState>,
    /// CLOSED is being written, or was, and is not proven yet.
    closing: bool,
    /// How the link stands; `None` when it must be made anew.
    connected: Option<Connect>,
    discovered: bool,
    wrote: bool,
    confirmed: bool,
}

impl<'a> Engine<'a> {
    fn new(
        job: &'a Job,
        goods: &'a Goods,
        target: &'a mut dyn Target,
        shelf: &'a dyn Shelf,
        limits: Limits,
        watch: &'a mut dyn Watch,
    ) -> Self {
        let began = target.clock().now();
        let facts = Facts { warnings: goods.warnings.clone(), ..Facts::default() };
        Engine {
            job,
            goods,
            target,
            shelf,
            limits,
            watch,
            began,
            journal: None,
            facts,
            steps: Vec::new(),
            command: "run",
            now: Step::Identify,
            under_way: None,
            closing: false,
            connected: None,
            discovered: false,
            wrote: false,
            confirmed: false,
        }
    }

    /// The whole way.
    fn go(&mut self) -> Result<End, RunError> {
        match self.steps() {
            Ok(()) if self.wrote => Ok(End::Done),
            Ok(()) => Ok(End::AlreadyDone),
            Err(Halt::Until(step)) => Ok(End::Until(step)),
            Err(Halt::Failed(e)) => Err(e),
        }
    }

    fn steps(&mut self) -> Result<(), Halt> {
        for warning in self.goods.warnings.clone() {
            self.watch.note(Step::Identify, &warning);
        }
        let edge = self.step(Step::Identify, Self::identify)?;
        match edge {
            Edge::Done => return Ok(()),
            Edge::Stop(reason) => return Err(RunError::Stop(reason).into()),
            Edge::Discover | Edge::Open | Edge::Obk | Edge::Gate => {}
        }
        self.step(Step::Preflight, |engine| engine.preflight(edge))?;
        if edge == Edge::Open {
            self.step(Step::Flash, Self::flash)?;
            self.step(Step::Options, Self::options)?;
            if self.job.goal == Goal::Open {
                return Ok(());
            }
            self.step(Step::Provisioning, Self::provisioning)?;
        } else {
            self.step(Step::Flash, Self::contents)?;
        }
        let written = if edge == Edge::Gate { None } else { Some(self.step(Step::Obk, Self::obk)?) };
        let proof = self.step(Step::Discover, Self::gate)?;
        let Some(written) = written.filter(|_| self.job.goal == Goal::Closed) else { return Ok(()) };
        self.step(Step::Close, |engine| engine.close(written, proof))?;
        self.step(Step::Prove, Self::prove)
    }

    /// Does one step, with everything around it: marks, times, the record, and the place where a run may stop.
    fn step<T>(
        &mut self,
        step: Step,
        work: impl FnOnce(&mut Self) -> Result<(T, String), RunError>,
    ) -> Result<T, Halt> {
        // The step to stop after may be one that this part does not need any more: then the one behind it is not begun.
        if let Some(until) = self.limits.until.filter(|until| step > *until) {
            return Err(Halt::Until(until));
        }
        self.check()?;
        self.now = step;
        self.watch.begin(step);
        self.target.mark(&format!("{step} begins"));
        let clock = self.target.clock();
        let (start, calendar) = (clock.now(), clock.calendar());
        let result = work(self);
        let took = clock.now().saturating_sub(start);
        let (ok, summary) = match &result {
            Ok((_, summary)) => (true, summary.clone()),
            Err(e) => (false, e.to_string()),
        };
        // A mark is one line; the rest of a failure is in the report.
        let why = summary.lines().next().unwrap_or_default();
        self.target.mark(&if ok { format!("{step} ends") } else { format!("{step} failed: {why}") });
        if ok {
            self.watch.end(step, took, &summary);
        }
        self.steps.push(StepRecord { step, began: rfc3339(calendar), took, ok, summary });
        let (value, _) = result?;
        if self.limits.until == Some(step) { Err(Halt::Until(step)) } else { Ok(value) }
    }

    /// A safe point: nothing is half done here.
    fn check(&mut self) -> Result<(), RunError> {
        if self.watch.stop() {
            return Err(RunError::Interrupted);
        }
        match self.limits.deadline {
            Some(limit) if self.target.clock().now().saturating_sub(self.began) > limit => {
                Err(RunError::Deadline(limit))
            }
            _ => Ok(()),
        }
    }

    fn how(&self, step: Step) -> Connect {
        Connect {
            mode: self.job.mode_of(step),
            ap: self.job.ap_of(step).resolve(),
            policy: self.job.policy_of(step),
        }
    }

    /// Brings the link into the shape that a step wants.
    fn enter(&mut self, step: Step) -> Result<(), RunError> {
        self.check()?;
        let how = self.how(step);
        self.reset(self.job.reset_before(step))?;
        if self.connected.as_ref() != Some(&how) {
            self.connected = None;
            self.target.connect(&how)?;
            self.connected = Some(how);
        }
        Ok(())
    }

    fn reset(&mut self, kind: Reset) -> Result<(), RunError> {
        if kind != Reset::None {
            self.connected = None;
            self.target.reset(kind)?;
        }
        Ok(())
    }

    /// Moves the product state: intent, one change, what came of it.
    fn move_state(&mut self, to: ProductState) -> Result<Changed, RunError> {
        self.log(Event::StateIntent { to: to.to_string() })?;
        self.wrote = true;
        self.under_way = Some(to);
        self.closing = to == ProductState::CLOSED;
        let changed = self.target.change_state(to)?;
        self.under_way = None;
        self.facts.state = Some(to);
        self.facts.options_changed.extend(changed.lines.iter().cloned());
        Ok(changed)
    }

    fn note(&mut self, text: &str) {
        self.watch.note(self.now, text);
    }

    fn warn(&mut self, text: String) {
        self.note(&text);
        self.facts.warnings.push(text);
    }

    /// What the journal calls something that a secret could be guessed from.
    fn sealed(&self, what: &str) -> String {
        self.journal.as_ref().map(|j| j.seal().name(what.as_bytes())).unwrap_or_default()
    }

    /// Writes the journal. Nothing may be done to a part that has none.
    fn log(&mut self, event: Event) -> Result<(), RunError> {
        let time = rfc3339(self.target.clock().calendar());
        let journal = self.journal.as_mut().ok_or(H5Error::NoUid)?;
        Ok(journal.append(&time, event)?)
    }

    /// Asks once before the first move that cannot simply be taken back.
    fn confirm(&mut self, question: &str) -> Result<(), RunError> {
        if !self.confirmed {
            let answer = self.watch.confirm(question);
            self.check()?;
            match answer {
                Answer::Yes => self.confirmed = true,
                Answer::No => return Err(RunError::Denied),
                Answer::Nobody => return Err(RunError::Unattended),
            }
        }
        Ok(())
    }

    fn report(mut self, result: Result<End, RunError>) -> Report {
        let clock = self.target.clock();
        let result = result.map_err(|e| self.failure(e));
        if let Err(e) = self.target.let_go() {
            self.warn(format!("the core may still be halted: {e}"));
        }
        let took = clock.now().saturating_sub(self.began);
        Report {
            began: rfc3339(clock.calendar().saturating_sub(took)),
            ended: rfc3339(clock.calendar()),
            took,
            facts: self.facts,
            steps: self.steps,
            result,
        }
    }
}

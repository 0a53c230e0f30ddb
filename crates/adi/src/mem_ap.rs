//! A batch on its way through a MEM-AP over a [`Link`]. [ADI-3] [ADI-7] [ADI-12]

use crate::Doing;
use crate::cache::{ApBelief, Cache};
use crate::plan::{Beliefs, Kind, Plan, Pos, plan};
use crate::react::{Attempt, End, Hazard};
use pace::{Clock, PollEnd, Wait, poll};
use wire::{
    Ack, Addr, Batch, DapOp, Flow, Link, LinkCaps, LinkError, MemOp, RegSel, Stop, Transferred, Width,
};

/// How often and how long value matches look.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Matching {
    /// The probe's tries.
    pub(crate) tries: u32,
    /// The host's rhythm, where the probe has no value match.
    pub(crate) wait: Wait,
}

/// The attempt.
pub(crate) struct Carry<'a> {
    link: &'a mut dyn Link,
    cache: &'a mut Cache,
    clock: &'a dyn Clock,
    batch: &'a Batch,
    matching: Matching,
    caps: LinkCaps,
    own: u32,
    pos: Pos,
    suspect: Pos,
    /// Every write was accepted, but the outcome of the last one is not known yet: ask RDBUFF, repeat nothing.
    check: bool,
    pub(crate) values: Vec<u32>,
}

impl<'a> Carry<'a> {
    /// `own`: CSW of the access port as it was when the port was first used. `detecting`: overrun detection is on.
    pub(crate) fn new(
        link: &'a mut dyn Link,
        cache: &'a mut Cache,
        clock: &'a dyn Clock,
        batch: &'a Batch,
        matching: Matching,
        own: u32,
        detecting: bool,
    ) -> Self {
        let caps = LinkCaps { overrun_detection: detecting, ..link.caps() };
        let (pos, check) = (Pos::default(), false);
        Carry { link, cache, clock, batch, matching, caps, own, pos, suspect: pos, check, values: Vec::new() }
    }

    /// How many steps are done.
    pub(crate) const fn steps(&self) -> usize {
        self.pos.op
    }

    fn beliefs(&self) -> Beliefs {
        let unknown = ApBelief { own: self.own, csw: None, tar: None };
        Beliefs { select: self.cache.select(), ap: self.cache.ap(self.batch.ap).unwrap_or(unknown) }
    }

    fn place(&self, pos: Pos) -> Doing {
        // A stop behind the last step is about the last step.
        let last = self.batch.ops.len().saturating_sub(1);
        let (op, word) = if pos.op > last { (last, 0) } else { (pos.op, pos.word) };
        let ap = self.batch.ap;
        match self.batch.ops.get(op) {
            Some(step) => Doing::step(ap, step, word),
            None => Doing::Ap { ap, reg: regs::ap::CSW, write: false },
        }
    }

    /// Asks RDBUFF, which waits for the access port and starts nothing. [ADI-3]
    fn settle(&mut self) -> Result<Option<End>, LinkError> {
        let rdbuff = DapOp::read(RegSel::dp(regs::dp::RDBUFF));
        let moved = self.link.transfer(&[rdbuff], Flow::Lockstep)?;
        let Some(stop) = moved.stop else {
            self.check = false;
            return Ok(None);
        };
        Ok(Some(match stop.ack {
            Ack::WAIT => End::Wait { moved: false, hazard: None },
            Ack::FAULT => End::Fault { hazard: None },
            // The value of this RDBUFF read means nothing.
            Ack::PARITY => {
                self.check = false;
                return Ok(None);
            }
            ack => End::Silent(ack),
        }))
    }

    /// Sends one plan and takes what came of it; `None`: go on.
    fn step(&mut self, plan: &Plan) -> Result<Option<End>, LinkError> {
        let moved = self.link.transfer(&plan.ops, plan.flow).inspect_err(|_| self.cache.forget())?;
        let Some(stop) = moved.stop else {
            if moved.done < plan.ops.len() {
                return Err(LinkError::Protocol(format!("{} of {} operations", moved.done, plan.ops.len())));
            }
            self.take(plan, &moved)?;
            self.pos = plan.end;
            self.cache.settle(self.batch.ap, plan.after.select, plan.after.ap.csw, plan.after.ap.tar);
            return Ok(None);
        };
        self.cache.forget();
        self.stopped(plan, moved, stop).map(Some)
    }

    /// Takes the values of the operations that were done.
    fn take(&mut self, plan: &Plan, moved: &Transferred) -> Result<(), LinkError> {
        let mut values = moved.values.iter();
        for run in &plan.runs {
            let Kind::Read { shift, mask } = run.kind else { continue };
            let done = moved.done.saturating_sub(run.first).min(run.len);
            let before = self.values.len();
            self.values.extend(values.by_ref().take(done).map(|value| (value >> shift) & mask));
            if self.values.len() - before < done {
                return Err(LinkError::Protocol("fewer values than reads".to_owned()));
            }
        }
        Ok(())
    }

    fn stopped(&mut self, plan: &Plan, moved: Transferred, stop: Stop) -> Result<End, LinkError> {
        let start = self.pos;
        self.suspect = plan.suspect(moved.done);
        self.take(plan, &moved)?;
        self.pos = plan.reached(moved.done);
        if stop.ack == Ack::OK && stop.mismatch {
            return Ok(self.mismatch(None));
        }
        Ok(match stop.ack {
            Ack::WAIT => {
                let hazard = self.waited(plan, &moved, stop);
                End::Wait { moved: self.pos > start || self.check, hazard }
            }
            Ack::FAULT => End::Fault { hazard: None },
            Ack::PARITY => End::Parity { again: false },
            ack => End::Silent(ack),
        })
    }

    /// WAIT: decides where to go on. [DAP-5]
    fn waited(&mut self, plan: &Plan, moved: &Transferred, stop: Stop) -> Option<Hazard> {
        if stop.overrun && plan.has_writes() {
            return Some(Hazard::Overrun(self.dirty()));
        }
        if self.caps.exact_count {
            self.check = moved.done == plan.ops.len() && plan.has_writes();
            return None;
        }
        // The count may be one too high. Repeating the write before does no harm, unless it must happen only once.
        let before = moved.done.checked_sub(1).and_then(|index| plan.run_of(index));
        let refused = plan.run_of(moved.done).map(|(run, _)| run.pos.op);
        let doubtful = before.filter(|(run, _)| run.kind == Kind::Write);
        if refused.is_some_and(|op| self.is_once(op))
            || doubtful.is_some_and(|(run, _)| self.is_once(run.pos.op))
        {
            return Some(Hazard::Unsure);
        }
        if let Some((run, word)) = doubtful {
            self.pos = Pos { op: run.pos.op, word: run.pos.word + word };
        }
        None
    }

    /// The first word that is not certain when writes were performed behind a stop. Their packets said where they go, so
    /// no word is at a wrong place, but which of them are there is not known.
    fn dirty(&self) -> Addr {
        let Doing::Memory { at, .. } = self.place(self.pos) else { return Addr(0) };
        // The count may be one too high.
        let back = if self.caps.exact_count || self.pos.word == 0 { 0 } else { Width::Word.bytes() };
        Addr(at.0.wrapping_sub(back))
    }

    fn is_once(&self, op: usize) -> bool {
        matches!(self.batch.ops.get(op), Some(MemOp::Write { once: true, .. }))
    }

    fn mismatch(&self, last: Option<u32>) -> End {
        let (mask, value) = match self.batch.ops.get(self.pos.op) {
            Some(MemOp::WaitUntil { mask, value, .. }) => (*mask, *value),
            _ => (0, 0),
        };
        End::Mismatch { op: self.pos.op, mask, value, last, tries: self.matching.tries }
    }

    /// The step at hand, if it is a wait that the probe cannot do by itself.
    fn host_wait(&self) -> Option<(u32, u32)> {
        match self.batch.ops.get(self.pos.op) {
            Some(MemOp::WaitUntil { mask, value, .. }) if !self.caps.value_match => Some((*mask, *value)),
            _ => None,
        }
    }

    /// Waits for a value without the probe's help.
    fn poll(&mut self, mask: u32, value: u32) -> Result<Option<End>, LinkError> {
        let (here, clock, wait) = (self.pos, self.clock, self.matching.wait);
        let mut last = None;
        let end = poll(clock, &wait, || {
            let plan = plan(self.batch, here, self.beliefs(), &self.caps);
            let end = self.step(&plan)?;
            if end.is_some() {
                return Ok(end);
            }
            let seen = self.values.pop().unwrap_or_default();
            last = Some(seen);
            if seen & mask == value {
                return Ok(Some(End::Done));
            }
            self.pos = here;
            Ok(None)
        });
        match end {
            Ok(End::Done) => Ok(None),
            Ok(end) => Ok(Some(end)),
            Err(PollEnd::Failed(error)) => Err(error),
            Err(PollEnd::Spent(spent)) => {
                self.matching.tries = spent.tries;
                Ok(Some(self.mismatch(last)))
            }
        }
    }
}

impl Attempt for Carry<'_> {
    fn send(&mut self) -> Result<End, LinkError> {
        let mut moved_before = false;
        if self.check {
            if let Some(end) = self.settle()? {
                return Ok(end);
            }
            moved_before = true;
        }
        loop {
            let end = if let Some((mask, value)) = self.host_wait() {
                self.poll(mask, value)?
            } else {
                let plan = plan(self.batch, self.pos, self.beliefs(), &self.caps);
                if plan.ops.is_empty() {
                    // Blocks without words are done without a word.
                    let all = plan.end.op >= self.batch.ops.len();
                    self.pos = plan.end;
                    if all {
                        return Ok(End::Done);
                    }
                    continue;
                }
                self.step(&plan)?
            };
            match end {
                Some(End::Wait { moved, hazard }) => {
                    return Ok(End::Wait { moved: moved || moved_before, hazard });
                }
                Some(end) => return Ok(end),
                None => moved_before = true,
            }
        }
    }

    fn doing(&self) -> Doing {
        self.place(self.pos)
    }

    fn suspect(&self) -> Doing {
        self.place(self.suspect)
    }

    fn link(&mut self) -> Option<&mut dyn Link> {
        Some(self.link)
    }
}

//! Memory: batches, words, blocks.

use crate::mem_ap::{Carry, Matching};
use crate::native::Blocks;
use crate::react::react;
use crate::{Adi, AdiError, Cause, Doing, DpReg, Native, Seen};
use pace::Wait;
use regs::ap::{CSW, csw};
use regs::dp::{abort, ctrl_stat};
use wire::{Ack, Addr, ApSel, Attr, Batch, Flow, MemOp, Width};

impl Adi {
    /// Carries out a batch and returns the values of all its reads, words of block reads included, in order.
    ///
    /// Reads and plain writes that were refused with WAIT are gone on with; a plain read may then reach the bus twice. A
    /// `once` write is sent again only when it is certain that it was refused, and so is a block that the probe writes by
    /// itself: see [`Adi::write_words`] for one that may be written twice.
    ///
    /// # Errors
    /// [`AdiError`]. Steps before the one it names are done; those behind it are not, except as
    /// [`AdiError::Overrun`] says.
    pub fn run(&mut self, batch: &Batch) -> Result<Vec<u32>, AdiError> {
        self.run_with(batch, Blocks::Once)
    }

    fn run_with(&mut self, batch: &Batch, blocks: Blocks) -> Result<Vec<u32>, AdiError> {
        check(batch)?;
        let own = self.open(batch.ap)?;
        let native = self.link.mem().is_some();
        let (result, steps, values) =
            if native { self.natively(batch, blocks) } else { self.by_registers(batch, own) };
        let waits = *result.as_ref().unwrap_or(&0);
        self.note_steps(batch, steps, &values, waits);
        match result {
            Ok(_) => Ok(values),
            Err(error) => {
                self.cache.forget();
                if let Some(op) = batch.ops.get(steps) {
                    self.note(Doing::step(batch.ap, op, 0), Seen::Nothing, error.ack(), 0);
                }
                Err(self.with_last_value(batch, error))
            }
        }
    }

    /// Through the probe's own memory commands, which move CSW and TAR as they like.
    fn natively(&mut self, batch: &Batch, blocks: Blocks) -> (Result<u32, AdiError>, usize, Vec<u32>) {
        self.cache.disturbed(batch.ap);
        let mut native = Native::over(&mut *self.link, batch, blocks);
        let result = react(&mut native, &self.policy, &*self.clock);
        (result, native.steps(), native.values)
    }

    /// Through the registers of the access port.
    fn by_registers(&mut self, batch: &Batch, own: u32) -> (Result<u32, AdiError>, usize, Vec<u32>) {
        let (tries, wait) = (u32::from(self.config.match_retry) + 1, self.match_wait());
        let (clock, matching, detecting) = (&*self.clock, Matching { tries, wait }, self.config.data_phase);
        let mut carry = Carry::new(&mut *self.link, &mut self.cache, clock, batch, matching, own, detecting);
        let result = react(&mut carry, &self.policy, clock);
        (result, carry.steps(), carry.values)
    }

    /// Adds what a word is now to the error of a wait that never saw its value, where the probe looked and does not tell.
    fn with_last_value(&mut self, batch: &Batch, mut error: AdiError) -> AdiError {
        if let AdiError::MatchSpent { doing: Doing::Memory { ap, at, .. }, last, .. } = &mut error
            && last.is_none()
        {
            *last = self.read_word(*ap, batch.attr, *at).ok();
        }
        error
    }

    fn match_wait(&self) -> Wait {
        let poll = &self.policy.poll;
        let (interval, ceiling) = (poll.interval, poll.ceiling);
        Wait { key: "probe.match", patience: self.policy.probe.matching, interval, ceiling }
    }

    /// CSW of an access port as it was before we touched it. Read once; a port that makes no accesses is an error.
    fn open(&mut self, ap: ApSel) -> Result<u32, AdiError> {
        if let Some(belief) = self.cache.ap(ap) {
            return Ok(belief.own);
        }
        let own = self.read_ap(ap, CSW)?;
        if own & csw::DEVICE_EN == 0 {
            return Err(AdiError::ApClosed { ap, csw: own });
        }
        self.cache.open(ap, own);
        Ok(own)
    }

    fn note_steps(&mut self, batch: &Batch, steps: usize, values: &[u32], waits: u32) {
        let mut values = values.iter().copied();
        for (index, op) in batch.ops.iter().take(steps).enumerate() {
            let (seen, secret) = match op {
                MemOp::Read { secret, .. } => (values.next().map_or(Seen::Nothing, Seen::Value), *secret),
                MemOp::Write { value, secret, .. } => (Seen::Value(*value), *secret),
                MemOp::ReadWords { count, secret, .. } => {
                    (Seen::Words(values.by_ref().take(*count).count()), *secret)
                }
                MemOp::WriteWords { words, secret, .. } => (Seen::Words(words.len()), *secret),
                MemOp::WaitUntil { value, .. } => (Seen::Value(*value), false),
            };
            let seen = if secret { Seen::Hidden } else { seen };
            // Which step the WAITs belong to is not kept; they stand at the last one.
            let waits = if index + 1 == steps { waits } else { 0 };
            self.note(Doing::step(batch.ap, op, 0), seen, Ack::OK, waits);
        }
    }

    /// Reads a word.
    ///
    /// # Errors
    /// As [`Adi::run`].
    pub fn read_word(&mut self, ap: ApSel, attr: Attr, at: Addr) -> Result<u32, AdiError> {
        let values = self.run(&batch(ap, attr, MemOp::read(at)))?;
        Ok(values.first().copied().unwrap_or_default())
    }

    /// Writes a word. It may be written again after a WAIT; see [`MemOp::write_once`] for what must not.
    ///
    /// # Errors
    /// As [`Adi::run`].
    pub fn write_word(&mut self, ap: ApSel, attr: Attr, at: Addr, value: u32) -> Result<(), AdiError> {
        self.run(&batch(ap, attr, MemOp::write(at, value))).map(|_| ())
    }

    /// Reads consecutive words, with several packets under way.
    ///
    /// # Errors
    /// As [`Adi::run`].
    pub fn read_words(
        &mut self,
        ap: ApSel,
        attr: Attr,
        at: Addr,
        count: usize,
    ) -> Result<Vec<u32>, AdiError> {
        let op = MemOp::ReadWords { at, count, secret: false };
        self.run(&Batch { flow: Flow::Pipelined, ..batch(ap, attr, op) })
    }

    /// Reads one word `count` times, with as few packets as the probe allows.
    ///
    /// # Errors
    /// As [`Adi::run`].
    pub fn read_repeatedly(
        &mut self,
        ap: ApSel,
        attr: Attr,
        at: Addr,
        count: usize,
    ) -> Result<Vec<u32>, AdiError> {
        let ops = vec![MemOp::read(at); count];
        self.run(&Batch { ap, attr, flow: Flow::Pipelined, ops })
    }

    /// Writes consecutive words of a memory that may be written twice, with several packets under way. Where a WAIT came
    /// with packets behind it, the rest is written again, one packet at a time; where it came to a probe that writes blocks
    /// by itself, the block is, in pieces, within `adi.wait`.
    ///
    /// # Errors
    /// As [`Adi::run`], but not [`AdiError::Overrun`].
    pub fn write_words(&mut self, ap: ApSel, attr: Attr, at: Addr, words: &[u32]) -> Result<(), AdiError> {
        let block = |at, words: &[u32]| MemOp::WriteWords { at, words: words.to_vec(), secret: false };
        let queued = Batch { flow: Flow::Pipelined, ..batch(ap, attr, block(at, words)) };
        let detects = self.caps().overrun_detection && words.len() > self.caps().group.saturating_mul(MANY);
        let written =
            if detects { self.run_detecting(&queued) } else { self.run_with(&queued, Blocks::Again) };
        let again = match written {
            Err(AdiError::Overrun { dirty, .. }) => dirty,
            Err(AdiError::Fault {
                access: Doing::Memory { at: last, .. }, cause: Cause::Overrun, ..
            }) => last,
            // A firmware that does not clock the data phase loses step at a WAIT. Nothing was performed from there on.
            Err(AdiError::LinkLost { answers_again: true, .. }) if detects => at,
            result => return result.map(drop),
        };
        let done = again.0.wrapping_sub(at.0) / Width::Word.bytes();
        let rest = words.get(done as usize..).unwrap_or_default();
        self.run_with(&batch(ap, attr, block(again, rest)), Blocks::Again).map(drop)
    }

    /// Runs a batch with overrun detection on: after a WAIT nothing more is performed until the host has seen it, so packets
    /// of plain words can be queued. The probe does not repeat what was answered WAIT. [ADI-5]
    fn run_detecting(&mut self, batch: &Batch) -> Result<Vec<u32>, AdiError> {
        // What comes before the words may be answered WAIT too, and the probe waits for that.
        self.open(batch.ap)?;
        self.detect_overrun(true)?;
        let ran = self.run(batch);
        let off = self.detect_overrun(false);
        // What went wrong first is what is told.
        let values = ran?;
        off.map(|()| values)
    }

    /// Probe and target must agree on the data phase whenever a WAIT may come: CTRL/STAT is never answered so.
    fn detect_overrun(&mut self, on: bool) -> Result<(), AdiError> {
        if !on {
            // With a sticky bit set, CTRL/STAT is not written. [ADI-2]
            self.write_dp(DpReg::ABORT, abort::CLEAR_ALL)?;
            self.write_dp(DpReg::CTRL_STAT, ctrl_stat::PWRUPREQ)?;
        }
        self.clock_data_phases(on)?;
        if on {
            self.write_dp(DpReg::CTRL_STAT, ctrl_stat::PWRUPREQ | ctrl_stat::ORUNDETECT)?;
        }
        Ok(())
    }
}

/// Overrun detection is worth turning on for blocks of more packets than this.
const MANY: usize = 8;

fn batch(ap: ApSel, attr: Attr, op: MemOp) -> Batch {
    Batch { ap, attr, flow: Flow::Lockstep, ops: vec![op] }
}

/// Refuses a batch with a misaligned step before anything is sent.
fn check(batch: &Batch) -> Result<(), AdiError> {
    for op in &batch.ops {
        let (MemOp::Read { width, .. } | MemOp::Write { width, .. }) = op else {
            aligned(op.at(), Width::Word)?;
            continue;
        };
        aligned(op.at(), *width)?;
    }
    Ok(())
}

fn aligned(at: Addr, width: Width) -> Result<(), AdiError> {
    if at.0.is_multiple_of(width.bytes()) { Ok(()) } else { Err(AdiError::Misaligned { at, width }) }
}

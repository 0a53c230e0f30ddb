//! Lists of DAP operations: planned packets, several under way, matched with their answers.

use super::DapLink;
use super::quirks::Quirk;
use ::cmsis_dap::{Outcome, Planned, SettleError, pack, pack_groups, settle};
use std::time::Duration;
use wire::{DapOp, Flow, LinkError, Pipe, RegSel, Stop, Transferred};

/// Reading it tells what became of the write before, and does nothing else.
const RDBUFF: RegSel = RegSel::dp(0xC);

impl<P: Pipe> DapLink<P> {
    pub(super) fn run(&mut self, ops: &[DapOp], flow: Flow) -> Result<Transferred, LinkError> {
        if !self.info.model.matches_values() && ops.iter().any(|op| matches!(op, DapOp::ReadUntil { .. })) {
            return Err(LinkError::Unsupported("its firmware has no usable value match"));
        }
        if !(self.quirks.has(Quirk::ChecksNoWrite) && ends_with_write(ops)) {
            return self.in_packets(ops, flow);
        }
        // A stop at the read that is added is that of the check behind the last write.
        let mut checked = ops.to_vec();
        checked.push(DapOp::read(RDBUFF));
        let mut all = self.in_packets(&checked, flow)?;
        if all.done > ops.len() {
            all.done = ops.len();
            all.values.pop();
        }
        Ok(all)
    }

    fn in_packets(&mut self, ops: &[DapOp], flow: Flow) -> Result<Transferred, LinkError> {
        self.packets.ready()?;
        let mut all = Transferred::default();
        while let Some(rest) = ops.get(all.done..).filter(|rest| !rest.is_empty()) {
            let (plan, window) = match flow {
                Flow::Lockstep => (pack(rest, self.limits), 1),
                Flow::Pipelined => (pack(rest, self.limits), self.in_flight),
                Flow::Grouped if all.done == 0 => {
                    (pack_groups(rest, self.limits.group(), self.limits), self.in_flight)
                }
                // What a firmware left over begins in the middle of a group.
                Flow::Grouped => (pack(rest, self.limits), 1),
            };
            let part = self.window(&plan, window);
            // An answer that makes no sense leaves others under way.
            let part = part.inspect_err(|_| self.packets.desynchronised = true)?;
            all.done += part.done;
            all.values.extend(part.values);
            all.stop = part.stop;
            if all.stop.is_some() {
                break;
            }
        }
        Ok(all)
    }

    /// Performs packets until all are answered or one ends early. A firmware that ends a packet early and says OK leaves
    /// operations over, without a stop: they are to be sent again.
    fn window(&mut self, plan: &[Planned], window: usize) -> Result<Transferred, LinkError> {
        let mut all = Transferred::default();
        let mut to_send = plan.iter();
        for planned in plan.iter().take(window) {
            self.packets.send_planned(planned)?;
            to_send.next();
        }
        let mut answered = plan.iter();
        while let Some(planned) = answered.next() {
            let outcome = self.outcome(planned)?;
            let more_under_way = answered.as_slice().len() > to_send.as_slice().len();
            if more_under_way && outcome.padding > 0 && self.packets.pipe.shape().report.is_none() {
                // An old picoprobe, raspberrypi/debugprobe issue 46 [USB-6], and whatever else has one buffer for all.
                self.in_flight = 1;
                let what =
                    "it joined two answers in one transfer; from now on one packet is under way at a time";
                return Err(LinkError::Protocol(what.to_owned()));
            }
            all.done += outcome.done;
            all.values.extend(outcome.values);
            if outcome.stop.is_some() || outcome.short {
                let under_way = answered.as_slice().len() - to_send.as_slice().len();
                let overrun = self.collect(answered.as_slice(), under_way)?;
                if outcome.short && overrun {
                    let what = "it ended a packet early, said OK, and performed the packets behind it";
                    return Err(LinkError::Protocol(what.to_owned()));
                }
                if outcome.short {
                    // The answer to an older packet looks the same: nothing is sent again for that.
                    self.packets.prove_step()?;
                }
                all.stop = outcome.stop.map(|ack| Stop { ack, mismatch: outcome.mismatch, overrun });
                return Ok(all);
            }
            if let Some(next) = to_send.next() {
                if window == 1 {
                    self.packets.expect_quiet()?;
                }
                self.packets.send_planned(next)?;
            }
        }
        Ok(all)
    }

    /// The answers to packets behind one that ended early. Returns whether any of them did something.
    fn collect(&mut self, behind: &[Planned], under_way: usize) -> Result<bool, LinkError> {
        let mut overrun = false;
        for planned in behind.iter().take(under_way) {
            overrun |= self.outcome(planned)?.counted > 0;
        }
        Ok(overrun)
    }

    fn outcome(&mut self, planned: &Planned) -> Result<Outcome, LinkError> {
        let answer = self.packets.receive(Duration::ZERO)?;
        settle(planned, &answer, self.info.model).map_err(|error| match error {
            SettleError::Unimplemented(_) | SettleError::NothingDone(_) => {
                LinkError::Refused(error.to_string())
            }
            SettleError::Decode(_) | SettleError::Contradiction { .. } => {
                LinkError::Protocol(error.to_string())
            }
        })
    }
}

/// Whether the last thing that goes over the wire is a write.
fn ends_with_write(ops: &[DapOp]) -> bool {
    let last = ops.iter().rev().find(|op| !matches!(op, DapOp::SetMask(_)));
    matches!(last, Some(DapOp::Write { .. }))
}

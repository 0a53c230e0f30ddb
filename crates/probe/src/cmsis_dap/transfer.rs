//! Lists of DAP operations: planned packets, several under way, matched with their answers.

use super::DapLink;
use ::cmsis_dap::{Outcome, Planned, SettleError, pack, pack_groups, settle};
use std::time::Duration;
use wire::{DapOp, Flow, LinkError, Pipe, Stop, Transferred};

impl<P: Pipe> DapLink<P> {
    pub(super) fn run(&mut self, ops: &[DapOp], flow: Flow) -> Result<Transferred, LinkError> {
        if !self.info.model.matches_values() && ops.iter().any(|op| matches!(op, DapOp::ReadUntil { .. })) {
            return Err(LinkError::Unsupported("its firmware has no usable value match"));
        }
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
            all.done += outcome.done;
            all.values.extend(outcome.values);
            if outcome.stop.is_some() || outcome.short {
                let under_way = answered.as_slice().len() - to_send.as_slice().len();
                let overrun = self.collect(answered.as_slice(), under_way)?;
                if outcome.short && overrun {
                    let what = "it ended a packet early, said OK, and performed the packets behind it";
                    return Err(LinkError::Protocol(what.to_owned()));
                }
                all.stop = outcome.stop.map(|ack| Stop { ack, mismatch: outcome.mismatch, overrun });
                return Ok(all);
            }
            if let Some(next) = to_send.next() {
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

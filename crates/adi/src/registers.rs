//! Single registers of the debug port and the access ports on their way over a [`Link`].

use crate::Doing;
use crate::react::{Attempt, End, Hazard};
use wire::{Ack, DapOp, Flow, Link, LinkError, Port, RegSel};

/// A few register accesses, in order, none of which is done twice.
pub(crate) struct Registers<'a> {
    link: &'a mut dyn Link,
    ops: &'a [DapOp],
    /// What it is all about.
    doing: Doing,
    done: usize,
    check: bool,
    pub(crate) values: Vec<u32>,
}

impl<'a> Registers<'a> {
    pub(crate) fn new(link: &'a mut dyn Link, ops: &'a [DapOp], doing: Doing) -> Self {
        Registers { link, ops, doing, done: 0, check: false, values: Vec::new() }
    }

    fn left(&self) -> &'a [DapOp] {
        self.ops.get(self.done..).unwrap_or_default()
    }
}

impl Attempt for Registers<'_> {
    fn send(&mut self) -> Result<End, LinkError> {
        let rdbuff = [DapOp::read(RegSel::dp(regs::dp::RDBUFF))];
        let check = self.check;
        let ops = if check { &rdbuff } else { self.left() };
        let moved = self.link.transfer(ops, Flow::Lockstep)?;
        if !check {
            self.done += moved.done;
            self.values.extend(&moved.values);
        }
        let refused = ops.get(moved.done);
        let Some(stop) = moved.stop else { return Ok(End::Done) };
        Ok(match stop.ack {
            Ack::WAIT if check => End::Wait { moved: false, hazard: None },
            Ack::WAIT => {
                self.check = refused.is_none();
                // Without an exact count only reads and SELECT may be sent again.
                let before = moved.done.checked_sub(1).and_then(|index| ops.get(index));
                let write = |op: &DapOp| matches!(op, DapOp::Write { reg, .. } if reg.port == Port::Ap);
                let unsure = !self.link.caps().exact_count && before.into_iter().chain(refused).any(write);
                End::Wait { moved: moved.done > 0, hazard: unsure.then_some(Hazard::Unsure) }
            }
            Ack::FAULT => End::Fault { hazard: None },
            Ack::PARITY => {
                let dp = |op: &DapOp| matches!(op, DapOp::Read { reg, .. } if reg.port == Port::Dp);
                End::Parity { again: refused.is_some_and(dp) }
            }
            ack => End::Silent(ack),
        })
    }

    fn doing(&self) -> Doing {
        self.doing
    }

    fn suspect(&self) -> Doing {
        self.doing
    }

    fn link(&mut self) -> Option<&mut dyn Link> {
        Some(self.link)
    }
}

//! Memory through a probe's own commands, under the same reaction as everything else.

use crate::plan::{Pos, word_at};
use crate::react::{Attempt, End, Hazard, react};
use crate::{AdiError, Doing};
use pace::{Clock, Policy};
use wire::{Ack, Answer, Batch, Link, LinkError, Mem, MemOp, MemStatus};

/// A batch on its way through a probe that has memory commands of its own.
///
/// Where such a probe is no [`Link`] too, errors carry no CTRL/STAT and DAPABORT is its own business.
pub struct Native<'a> {
    way: Way<'a>,
    batch: &'a Batch,
    pos: Pos,
    pub(crate) values: Vec<u32>,
}

/// How to reach the memory commands.
enum Way<'a> {
    Mem(&'a mut dyn Mem),
    Link(&'a mut dyn Link),
}

impl Way<'_> {
    fn batch(&mut self, batch: &Batch) -> Result<Answer, LinkError> {
        match self {
            Way::Mem(mem) => mem.batch(batch),
            Way::Link(link) => match link.mem() {
                Some(mem) => mem.batch(batch),
                None => Err(LinkError::Unsupported("this probe has no memory commands")),
            },
        }
    }
}

impl std::fmt::Debug for Native<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Native").field("batch", &self.batch).field("pos", &self.pos).finish_non_exhaustive()
    }
}

impl<'a> Native<'a> {
    /// Carries out a batch and returns the values of all its reads.
    ///
    /// # Errors
    /// As [`react`].
    pub fn run(
        mem: &'a mut dyn Mem,
        batch: &'a Batch,
        policy: &Policy,
        clock: &dyn Clock,
    ) -> Result<Vec<u32>, AdiError> {
        let mut native = Native { way: Way::Mem(mem), batch, pos: Pos::default(), values: Vec::new() };
        react(&mut native, policy, clock)?;
        Ok(native.values)
    }

    /// A batch through the memory commands of a link, whose debug port can be looked at when something goes wrong.
    pub(crate) fn over(link: &'a mut dyn Link, batch: &'a Batch) -> Self {
        Native { way: Way::Link(link), batch, pos: Pos::default(), values: Vec::new() }
    }

    /// How many steps are done.
    pub(crate) const fn steps(&self) -> usize {
        self.pos.op
    }

    /// What is left, up to and with the next write that must happen only once.
    fn rest(&self) -> Batch {
        let mut ops = Vec::new();
        for (index, op) in self.batch.ops.iter().enumerate().skip(self.pos.op) {
            let skip = if index == self.pos.op { self.pos.word } else { 0 };
            ops.push(tail(op, skip));
            if is_once(op) {
                break;
            }
        }
        Batch { ops, ..*self.batch }
    }
}

/// A step without its first words.
fn tail(op: &MemOp, skip: usize) -> MemOp {
    match op {
        MemOp::ReadWords { at, count, secret } => {
            MemOp::ReadWords { at: word_at(*at, skip), count: count.saturating_sub(skip), secret: *secret }
        }
        MemOp::WriteWords { at, words, secret } => {
            let words = words.get(skip..).unwrap_or_default().to_vec();
            MemOp::WriteWords { at: word_at(*at, skip), words, secret: *secret }
        }
        other => other.clone(),
    }
}

const fn is_once(op: &MemOp) -> bool {
    matches!(op, MemOp::Write { once: true, .. })
}

impl Attempt for Native<'_> {
    fn send(&mut self) -> Result<End, LinkError> {
        let start = self.pos;
        while self.pos.op < self.batch.ops.len() {
            let rest = self.rest();
            let answer = self.way.batch(&rest)?;
            self.values.extend(&answer.values);
            let word = if answer.done == 0 { self.pos.word + answer.words } else { answer.words };
            self.pos = Pos { op: self.pos.op + answer.done, word };
            let here = self.batch.ops.get(self.pos.op);
            match answer.status {
                MemStatus::Done if answer.done > 0 => {}
                MemStatus::Done => return Err(LinkError::Protocol("done, but nothing was done".to_owned())),
                MemStatus::Wait => {
                    // A memory command that is sent again begins at its start, and how far it got is not known.
                    let unsure = |op| is_once(op) || matches!(op, MemOp::WriteWords { .. });
                    let hazard = here.is_some_and(unsure).then_some(Hazard::Unsure);
                    return Ok(End::Wait { moved: self.pos > start, hazard });
                }
                MemStatus::Fault => return Ok(End::Fault),
                MemStatus::NoAck => return Ok(End::Silent(Ack::NONE)),
                MemStatus::Parity => return Ok(End::Parity { again: false }),
                MemStatus::Other(status) => return Ok(End::Other(status)),
                MemStatus::Mismatch { last, looks } => {
                    let (mask, value) = match here {
                        Some(MemOp::WaitUntil { mask, value, .. }) => (*mask, *value),
                        _ => (0, 0),
                    };
                    let last = Some(last);
                    return Ok(End::Mismatch { op: self.pos.op, mask, value, last, tries: looks });
                }
            }
        }
        Ok(End::Done)
    }

    fn doing(&self) -> Doing {
        match self.batch.ops.get(self.pos.op).or(self.batch.ops.last()) {
            Some(op) => Doing::step(self.batch.ap, op, self.pos.word),
            None => Doing::Setup,
        }
    }

    fn suspect(&self) -> Doing {
        self.doing()
    }

    fn clears_sticky(&self) -> bool {
        true
    }

    fn link(&mut self) -> Option<&mut dyn Link> {
        match &mut self.way {
            Way::Mem(_) => None,
            Way::Link(link) => Some(&mut **link),
        }
    }
}

#[cfg(test)]
#[path = "native/tests.rs"]
mod tests;

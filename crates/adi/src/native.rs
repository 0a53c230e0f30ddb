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
    blocks: Blocks,
    pos: Pos,
    /// Where to go on behind a FAULT that turns out to be none.
    again: Option<Pos>,
    /// A block was answered WAIT: what is left of it goes in pieces.
    waited: bool,
    pub(crate) values: Vec<u32>,
}

/// What may be done about a block of writes that was answered WAIT. Sent again it begins at its start, and how far it had got
/// is not known. [STL-6]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Blocks {
    /// It may be written twice.
    Again,
    /// Nobody said so.
    Once,
}

/// Words of the pieces in which a block is written again: what every such probe takes in one command. [STL-6]
const PIECE: usize = 6144 / 4;

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
        let mut native = Native::new(Way::Mem(mem), batch, Blocks::Once);
        react(&mut native, policy, clock)?;
        Ok(native.values)
    }

    /// A batch through the memory commands of a link, whose debug port can be looked at when something goes wrong.
    pub(crate) fn over(link: &'a mut dyn Link, batch: &'a Batch, blocks: Blocks) -> Self {
        Native::new(Way::Link(link), batch, blocks)
    }

    fn new(way: Way<'a>, batch: &'a Batch, blocks: Blocks) -> Self {
        let (pos, again, waited, values) = (Pos::default(), None, false, Vec::new());
        Native { way, batch, blocks, pos, again, waited, values }
    }

    /// How many steps are done.
    pub(crate) const fn steps(&self) -> usize {
        self.pos.op
    }

    /// What is left, up to and with the next write that must happen only once, or the next piece of a block; and how many
    /// words that piece has.
    fn rest(&self) -> (Batch, Option<usize>) {
        let (mut ops, mut cut) = (Vec::new(), None);
        for (index, op) in self.batch.ops.iter().enumerate().skip(self.pos.op) {
            let skip = if index == self.pos.op { self.pos.word } else { 0 };
            let mut left = tail(op, skip);
            if self.waited {
                cut = cut_to_piece(&mut left);
            }
            ops.push(left);
            if cut.is_some() || is_once(op) {
                break;
            }
        }
        (Batch { ops, ..*self.batch }, cut)
    }

    /// Where the batch stands when `done` of the steps that were sent are done and `words` of the next one. The last of them
    /// was cut to `piece` words, if it was.
    fn reached(&self, done: usize, words: usize, sent: usize, piece: Option<usize>) -> Pos {
        let whole = if piece.is_some() && done == sent { done - 1 } else { done };
        let words = if whole == done { words } else { piece.unwrap_or_default() };
        let before = if whole == 0 { self.pos.word } else { 0 };
        Pos { op: self.pos.op + whole, word: before + words }
    }

    /// Why the step at hand, which was answered WAIT or a FAULT that is none, may not be sent again.
    fn hazard(&mut self) -> Option<Hazard> {
        let here = self.batch.ops.get(self.pos.op)?;
        let block = matches!(here, MemOp::WriteWords { .. });
        self.waited |= block;
        (is_once(here) || block && self.blocks == Blocks::Once).then_some(Hazard::Unsure)
    }
}

/// Leaves of a block of writes that is longer than a piece its first piece, and says how many words that is.
fn cut_to_piece(op: &mut MemOp) -> Option<usize> {
    let MemOp::WriteWords { words, .. } = op else { return None };
    let longer = words.len() > PIECE;
    words.truncate(PIECE);
    longer.then_some(PIECE)
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
        self.pos = self.again.take().unwrap_or(self.pos);
        let start = self.pos;
        while self.pos.op < self.batch.ops.len() {
            let (rest, piece) = self.rest();
            let answer = self.way.batch(&rest)?;
            self.values.extend(&answer.values);
            let before = self.pos;
            self.pos = self.reached(answer.done, answer.words, rest.ops.len(), piece);
            let here = self.batch.ops.get(self.pos.op);
            match answer.status {
                MemStatus::Done if answer.done > 0 => {}
                MemStatus::Done => return Err(LinkError::Protocol("done, but nothing was done".to_owned())),
                MemStatus::Wait => {
                    let hazard = self.hazard();
                    return Ok(End::Wait { moved: self.pos > start, hazard });
                }
                MemStatus::Fault => {
                    // How much of a block was done before a FAULT that is none is not to be believed.
                    let block = matches!(here, Some(MemOp::WriteWords { .. }));
                    let word = if self.pos.op == before.op { before.word } else { 0 };
                    self.again = block.then_some(Pos { op: self.pos.op, word });
                    return Ok(End::Fault { hazard: self.hazard() });
                }
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

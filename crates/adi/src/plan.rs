//! From memory steps to DAP operations, with as few writes of SELECT, CSW and TAR as the access port allows.
//!
//! A plan is what goes to the link in one call. It ends where nothing may be queued behind, where it grows too long, and
//! where the flow changes. It remembers which operation belongs to which step, so that a stop can be told in words of
//! memory and the batch can be planned anew from there.

use crate::cache::ApBelief;
use regs::ap::{self, csw};
use regs::dp::{self, select};
use wire::{Addr, Attr, Batch, DapOp, Flow, LinkCaps, MemOp, RegSel, Width};

/// Longest plan in DAP operations (16 KiB of words): bounds memory, and no probe notices the seam.
const LONGEST: usize = 4096;

/// The address `word` words behind `at`.
pub(crate) fn word_at(at: Addr, word: usize) -> Addr {
    // The 32-bit address space wraps, so only the low bits of the index count.
    at.plus((word as u32).wrapping_mul(4))
}

/// Where in a batch something is: the step, and the word in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Pos {
    pub(crate) op: usize,
    pub(crate) word: usize,
}

impl Pos {
    pub(crate) const fn step(op: usize) -> Pos {
        Pos { op, word: 0 }
    }
}

/// What SELECT, CSW and TAR hold at some point of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Beliefs {
    pub(crate) select: Option<u32>,
    pub(crate) ap: ApBelief,
}

/// What a run of operations is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Reads; a value is shifted down and masked.
    Read { shift: u32, mask: u32 },
    /// Writes.
    Write,
    /// A value match.
    Match,
}

/// Consecutive operations that carry consecutive words of one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Run {
    /// Index of the first of them in the plan.
    pub(crate) first: usize,
    /// How many.
    pub(crate) len: usize,
    /// The word that the first one carries.
    pub(crate) pos: Pos,
    pub(crate) kind: Kind,
}

/// One call of the link.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) ops: Vec<DapOp>,
    pub(crate) runs: Vec<Run>,
    pub(crate) flow: Flow,
    /// Where the batch stands when all of it went through.
    pub(crate) end: Pos,
    /// What SELECT, CSW and TAR hold then.
    pub(crate) after: Beliefs,
}

impl Plan {
    /// Where the batch stands when the first `done` operations went through.
    pub(crate) fn reached(&self, done: usize) -> Pos {
        self.runs.iter().find(|run| done < run.first + run.len).map_or(self.end, |run| {
            let words = done.saturating_sub(run.first);
            Pos { op: run.pos.op, word: run.pos.word + words }
        })
    }

    /// The run that operation `index` belongs to, and its place in it; `None` for SELECT, CSW, TAR and masks.
    pub(crate) fn run_of(&self, index: usize) -> Option<(&Run, usize)> {
        let run = self.runs.iter().rev().find(|run| run.first <= index)?;
        (index < run.first + run.len).then_some((run, index - run.first))
    }

    /// The word of memory that a FAULT at operation `done` is about. A write's bus error shows at the next transaction,
    /// a read's at its own. [ADI-4]
    pub(crate) fn suspect(&self, done: usize) -> Pos {
        let before = done.checked_sub(1).and_then(|index| self.run_of(index));
        match before {
            Some((run, word)) if run.kind == Kind::Write => Pos { op: run.pos.op, word: run.pos.word + word },
            _ => self.reached(done),
        }
    }

    pub(crate) fn has_writes(&self) -> bool {
        self.runs.iter().any(|run| run.kind == Kind::Write)
    }
}

/// Plans the next call of the link from `from` on. Where the link has no value match, a [`MemOp::WaitUntil`] becomes one
/// plain read in a plan of its own. [`LinkCaps::overrun_detection`] says here that it is on.
pub(crate) fn plan(batch: &Batch, from: Pos, beliefs: Beliefs, caps: &LinkCaps) -> Plan {
    let queue = batch.flow == Flow::Pipelined && caps.in_flight > 1 && caps.group > 1;
    let mut builder = Builder::new(batch, from, beliefs, queue.then_some(caps.group), caps.overrun_detection);
    while let Some(op) = batch.ops.get(builder.plan.end.op) {
        if builder.plan.ops.len() >= LONGEST || builder.step(op, caps.value_match) == Next::Stop {
            break;
        }
    }
    builder.plan
}

#[derive(PartialEq, Eq)]
enum Next {
    Go,
    Stop,
}

struct Builder<'a> {
    batch: &'a Batch,
    plan: Plan,
    from: Pos,
    /// Several packets may be under way, and how many operations one of them holds.
    queue: Option<usize>,
    /// Overrun detection is on: nothing behind a stop is performed.
    detecting: bool,
    /// TAR is written again where this many operations were planned: at the head of a packet.
    head: Option<usize>,
    mask: Option<u32>,
}

impl<'a> Builder<'a> {
    fn new(batch: &'a Batch, from: Pos, after: Beliefs, queue: Option<usize>, detecting: bool) -> Self {
        let plan = Plan { ops: Vec::new(), runs: Vec::new(), flow: Flow::Lockstep, end: from, after };
        Builder { batch, plan, from, queue, detecting, head: None, mask: None }
    }

    /// Adds a step, or as much of it as fits.
    fn step(&mut self, op: &MemOp, matching: bool) -> Next {
        let pos = self.plan.end;
        match op {
            MemOp::Read { at, width, secret } => {
                let shift = lane(*at, *width);
                let kind = Kind::Read { shift, mask: width.mask() };
                self.single(*at, *width, kind, |reg| DapOp::Read { reg, secret: *secret });
                Next::Go
            }
            MemOp::Write { at, width, value, once, secret } => {
                let value = (value & width.mask()) << lane(*at, *width);
                self.single(*at, *width, Kind::Write, |reg| DapOp::Write { reg, value, secret: *secret });
                if *once { Next::Stop } else { Next::Go }
            }
            MemOp::ReadWords { at, count, secret } => {
                let kind = Kind::Read { shift: 0, mask: u32::MAX };
                let left = count.saturating_sub(pos.word);
                self.block(*at, left, kind, |_| DapOp::Read { reg: DRW, secret: *secret })
            }
            MemOp::WriteWords { at, words, secret } => {
                let words = words.get(pos.word..).unwrap_or_default();
                let write = |value| DapOp::Write { reg: DRW, value, secret: *secret };
                // `block` asks for words that are there.
                self.block(*at, words.len(), Kind::Write, |i| {
                    write(words.get(i).copied().unwrap_or_default())
                })
            }
            MemOp::WaitUntil { at, mask, value } if matching => {
                self.until(*at, *mask, *value);
                Next::Go
            }
            MemOp::WaitUntil { at, .. } if pos == self.from => {
                let kind = Kind::Read { shift: 0, mask: u32::MAX };
                self.single(*at, Width::Word, kind, DapOp::read);
                Next::Stop
            }
            MemOp::WaitUntil { .. } => Next::Stop,
        }
    }

    fn run(&mut self, kind: Kind, len: usize) {
        self.plan.runs.push(Run { first: self.plan.ops.len(), len, pos: self.plan.end, kind });
    }

    fn next_step(&mut self) {
        self.plan.end = Pos::step(self.plan.end.op + 1);
    }

    /// The next step reads a word in the same 16 bytes, and not the one that TAR moves on to.
    fn reads_on_near(&self, at: Addr) -> bool {
        match self.batch.ops.get(self.plan.end.op + 1) {
            Some(MemOp::Read { at: next, width: Width::Word, .. }) => {
                next.0 & !0xF == at.0 & !0xF && *next != word_at(at, 1)
            }
            _ => false,
        }
    }

    /// One access. Where TAR already points into the same 16 bytes, or more reads there follow, a banked data register
    /// saves writing TAR again.
    fn single(&mut self, at: Addr, width: Width, kind: Kind, op: impl FnOnce(RegSel) -> DapOp) {
        let in_bank_1 = self.plan.after.select == Some(self.select_of(ap::BD0));
        let near = self.plan.after.ap.tar.filter(|tar| width == Width::Word && tar & !0xF == at.0 & !0xF);
        let reg = match near {
            Some(tar) if tar != at.0 || in_bank_1 => {
                self.csw(width);
                self.bank(ap::BD0);
                RegSel::ap(banked(at))
            }
            None if width == Width::Word && kind != Kind::Write && self.reads_on_near(at) => {
                self.csw(width);
                self.tar(at);
                self.bank(ap::BD0);
                RegSel::ap(banked(at))
            }
            _ => {
                self.csw(width);
                self.tar(at);
                self.bank(ap::DRW);
                self.advance(at, width);
                DRW
            }
        };
        self.run(kind, 1);
        self.plan.ops.push(op(reg));
        self.next_step();
    }

    /// A value match through a banked data register, so that TAR does not move while the probe repeats it.
    fn until(&mut self, at: Addr, mask: u32, value: u32) {
        let near = self.plan.after.ap.tar.is_some_and(|tar| tar & !0xF == at.0 & !0xF);
        self.csw(Width::Word);
        if !near {
            self.tar(at);
        }
        self.bank(ap::BD0);
        if self.mask != Some(mask) {
            self.plan.ops.push(DapOp::SetMask(mask));
            self.mask = Some(mask);
        }
        self.run(Kind::Match, 1);
        self.plan.ops.push(DapOp::ReadUntil { reg: RegSel::ap(banked(at)), value });
        self.next_step();
    }

    /// Consecutive words through DRW. `left`: how many of the step are still to do.
    fn block(&mut self, start: Addr, left: usize, kind: Kind, op: impl Fn(usize) -> DapOp) -> Next {
        let at = word_at(start, self.plan.end.word);
        if left == 0 {
            self.next_step();
            return Next::Go;
        }
        self.ready();
        if let Some(group) = self.queue {
            // Packets behind a refused SELECT or CSW would go to another register. So these are settled, and answered,
            // before anything is queued: with the steps before the block, where there are any.
            if !self.plan.ops.is_empty() {
                return Next::Stop;
            }
            // Reads behind a stop do no harm. Writes behind a stop go where TAR stands: each packet says where that is, or
            // nothing behind a stop is performed at all. [ADI-5]
            (self.plan.flow, self.head) = match kind {
                Kind::Write if !self.detecting => (Flow::Grouped, Some(group)),
                _ => (Flow::Pipelined, None),
            };
        }
        let here = left.min(LONGEST.saturating_sub(self.plan.ops.len()).max(1));
        self.words(at, here, kind, op);
        if here == left {
            self.next_step();
        } else {
            self.plan.end.word += here;
        }
        if self.queue.is_some() { Next::Stop } else { Next::Go }
    }

    fn ready(&mut self) {
        self.csw(Width::Word);
        self.bank(ap::DRW);
    }

    /// How many words fit behind TAR until a packet ends; TAR is to be written where one begins.
    fn packet_room(&mut self) -> usize {
        let Some(group) = self.head else { return usize::MAX };
        let here = self.plan.ops.len() % group;
        if here == 0 {
            self.plan.after.ap.tar = None;
        }
        group - here
    }

    /// The words themselves, with TAR written wherever its auto-increment may not reach. [ADI-7]
    fn words(&mut self, start: Addr, count: usize, kind: Kind, op: impl Fn(usize) -> DapOp) {
        let mut word = 0;
        let base = self.plan.end;
        while word < count {
            let at = word_at(start, word);
            let room = self.packet_room();
            let before = self.plan.ops.len();
            self.tar(at);
            let room = room.saturating_sub(self.plan.ops.len() - before);
            let reach = (ap::TAR_WRAP_BYTES - at.0 % ap::TAR_WRAP_BYTES) / 4;
            let here = (count - word).min(reach as usize).min(room);
            // TAR for a new KiB may have taken the last place in its packet.
            let Some(last) = here.checked_sub(1) else { continue };
            let pos = Pos { op: base.op, word: base.word + word };
            self.plan.runs.push(Run { first: self.plan.ops.len(), len: here, pos, kind });
            self.plan.ops.extend((word..word + here).map(&op));
            word += here;
            self.advance(word_at(at, last), Width::Word);
        }
    }

    /// TAR after an access at `at`; past the end of its 1 KiB nobody knows. [ADI-7]
    fn advance(&mut self, at: Addr, width: Width) {
        let next = at.0.wrapping_add(width.bytes());
        self.plan.after.ap.tar = (!next.is_multiple_of(ap::TAR_WRAP_BYTES)).then_some(next);
    }

    fn select_of(&self, register: u8) -> u32 {
        select::value(self.batch.ap.0, register >> 4, 0)
    }

    /// Selects the bank of an access-port register.
    fn bank(&mut self, register: u8) {
        let value = self.select_of(register);
        if self.plan.after.select != Some(value) {
            self.plan.ops.push(DapOp::write(RegSel::dp(dp::SELECT), value));
            self.plan.after.select = Some(value);
        }
    }

    fn csw(&mut self, width: Width) {
        let value = csw_for(self.plan.after.ap.own, self.batch.attr, width);
        if self.plan.after.ap.csw != Some(value) {
            self.bank(ap::CSW);
            self.plan.ops.push(DapOp::write(RegSel::ap(ap::CSW), value));
            self.plan.after.ap.csw = Some(value);
        }
    }

    fn tar(&mut self, at: Addr) {
        if self.plan.after.ap.tar != Some(at.0) {
            self.bank(ap::TAR);
            self.plan.ops.push(DapOp::write(RegSel::ap(ap::TAR), at.0));
            self.plan.after.ap.tar = Some(at.0);
        }
    }
}

const DRW: RegSel = RegSel::ap(ap::DRW);

/// The banked data register of an address: BD0 to BD3.
const fn banked(at: Addr) -> u8 {
    (at.0 & 0xC) as u8
}

/// How far up the 32 data bits a narrow access travels: in the byte lane of its address.
const fn lane(at: Addr, width: Width) -> u32 {
    match width {
        Width::Byte => (at.0 & 3) * 8,
        Width::Half => (at.0 & 2) * 8,
        Width::Word => 0,
    }
}

/// CSW for an attribute and a width. Everything else stays as the port had it. [ADI-12] [H5-DBG-5]
pub(crate) const fn csw_for(own: u32, attr: Attr, width: Width) -> u32 {
    const STATUS: u32 = csw::DEVICE_EN | csw::TR_IN_PROG | csw::SPIDEN;
    let own = own & !(STATUS | csw::SIZE | csw::ADDR_INC);
    let own = match attr {
        Attr::Default => own,
        Attr::Secure => own & !csw::H5_PROT_MASK | csw::H5_SECURE,
        Attr::NonSecure => own & !csw::H5_PROT_MASK | csw::H5_NON_SECURE,
    };
    let size = match width {
        Width::Byte => csw::SIZE_8,
        Width::Half => csw::SIZE_16,
        Width::Word => csw::SIZE_32,
    };
    own | size | csw::ADDR_INC_SINGLE
}

#[cfg(test)]
#[path = "plan/tests.rs"]
mod tests;

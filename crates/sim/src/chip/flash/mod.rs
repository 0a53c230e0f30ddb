//! The flash interface: locks, flags, the one operation under way and the one waiting behind it.
//!
//! [H5-FLASH-1] to [H5-FLASH-11]. Registers are in `registers.rs`, the memory side (write buffer, reads) in `memory.rs`.

mod lock;
mod memory;
pub(crate) mod op;
mod registers;

use super::nonvolatile::NonVolatile;
use super::options::Options;
use crate::bus::Time;
use crate::knobs::{CutAt, Knobs};
use lock::Lock;
use memory::Buffer;
pub(crate) use memory::Target;
pub(crate) use op::{Op, Who};
use regs::h5::flash::{acr, sr};
use regs::h5::opsr::Opsr;

/// Later than anything.
pub(crate) const NEVER: Time = Time::MAX;

/// One of the two register sets, non-secure and secure.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Face {
    lock: Lock,
    cr: u32,
    sr: u32,
    obk_lock: Lock,
    obkcfgr: u32,
}

/// An operation under way.
#[derive(Debug, Clone)]
struct Running {
    op: Op,
    who: Who,
    started: Time,
    ends: Time,
}

/// What the flash needs to know of the world at one moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Env<'a> {
    /// The settings.
    pub(crate) knobs: &'a Knobs,
    /// Now.
    pub(crate) now: Time,
    /// The ROM's code owns the interface until then (it shows as BSY).
    pub(crate) claim: Option<Time>,
    /// The protection level that counts for OBK.
    pub(crate) level: u8,
    /// A quad-word that is committed now goes wrong. [H5-TIMEOUT-14]
    pub(crate) upset: bool,
}

/// What the interface remembers until the next reset, for a board that is put away with power on.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FlashState {
    faces: [Face; 2],
    option_lock: Lock,
    prg: Options,
    opsr: u32,
}

/// The flash interface and everything non-volatile behind it.
#[derive(Debug, Clone)]
pub(crate) struct Flash {
    pub(crate) nv: NonVolatile,
    faces: [Face; 2],
    option_lock: Lock,
    prg: Options,
    opsr: u32,
    acr: u32,
    eccdetr: u32,
    swapped: bool,
    trust_zone: bool,
    buffer: Buffer,
    /// OPTSTRT was set and nothing comes of it.
    start_stays: bool,
    running: Option<Running>,
    waiting: Option<(Op, Who)>,
    /// Operations begun.
    pub(crate) windows: u64,
    /// Time spent in operations.
    pub(crate) busy_total: Time,
    /// When the supply is to fail inside the operation under way.
    pub(crate) cut_at: Option<Time>,
}

impl Flash {
    /// The interface after a reset.
    pub(crate) fn new(nv: NonVolatile) -> Self {
        let prg = nv.options;
        let mut flash = Flash {
            nv,
            faces: [Face::default(), Face::default()],
            option_lock: Lock::Locked,
            prg,
            opsr: 0,
            acr: acr::RESET,
            eccdetr: 0,
            swapped: false,
            trust_zone: false,
            buffer: Buffer::default(),
            start_stays: false,
            running: None,
            waiting: None,
            windows: 0,
            busy_total: 0,
            cut_at: None,
        };
        flash.reset();
        flash
    }

    /// For putting away.
    pub(crate) fn state(&self) -> FlashState {
        let (faces, option_lock) = (self.faces.clone(), self.option_lock);
        FlashState { faces, option_lock, prg: self.prg, opsr: self.opsr }
    }

    /// As it was put away.
    pub(crate) fn restore(&mut self, state: FlashState) {
        self.faces = state.faces;
        self.option_lock = state.option_lock;
        self.prg = state.prg;
        self.opsr = state.opsr;
    }

    /// A system reset: locks closed, flags gone, options loaded. What was under way must have been torn before.
    pub(crate) fn reset(&mut self) {
        let face = Face { obkcfgr: regs::h5::flash::obkcfgr::SWAP_OFFSET, ..Face::default() };
        self.faces = [face.clone(), face];
        self.option_lock = Lock::Locked;
        self.prg = self.nv.options;
        self.acr = acr::RESET;
        self.eccdetr = 0;
        self.swapped = self.nv.options.swap_bank();
        self.trust_zone = self.nv.options.trust_zone();
        self.buffer = Buffer::default();
        self.start_stays = false;
        self.opsr = self.nv.interrupted;
        // Codes 6 and 7 stay until the repair, the others tell of the last reset only (inferred). [H5-OB-5]
        if !Opsr(self.opsr).needs_recovery() {
            self.nv.interrupted = 0;
        }
    }

    /// Reset or supply failure at `now`: what is under way is torn, what waits never happens.
    pub(crate) fn interrupt(&mut self, now: Time, knobs: &Knobs) {
        self.waiting = None;
        self.cut_at = None;
        if let Some(running) = self.running.take() {
            let done = now.saturating_sub(running.started);
            let total = running.ends - running.started;
            self.busy_total += done.min(total);
            running.op.tear(&mut self.nv, done, total, knobs);
        }
    }

    /// TrustZone as of the last reset.
    pub(crate) fn trust_zone(&self) -> bool {
        self.trust_zone
    }

    /// Whether the flash works or is to work.
    pub(crate) fn works(&self) -> bool {
        self.running.is_some() || self.waiting.is_some()
    }

    fn busy(&self, env: &Env<'_>) -> bool {
        self.works() || env.claim.is_some()
    }

    /// Begins an operation, or lets it wait until the flash is free. There is room for one that waits.
    pub(crate) fn begin(&mut self, op: Op, who: Who, env: &Env<'_>) {
        if self.waiting.is_some() {
            self.flag(who, sr::PGSERR);
        } else if self.running.is_some() || env.claim.is_some() {
            self.waiting = Some((op, who));
        } else {
            self.start(op, who, env.now, env.knobs);
        }
    }

    fn start(&mut self, op: Op, who: Who, now: Time, knobs: &Knobs) {
        self.windows += 1;
        let ends = now + op.duration(knobs, &self.nv).max(1) + op.slower_by(knobs, self.windows);
        if let Some((_, place)) = knobs.cut_busy.filter(|(n, _)| *n == self.windows) {
            self.cut_at = Some(match place {
                CutAt::Start => now,
                CutAt::Middle => now + (ends - now) / 2,
                CutAt::End => ends - 1,
            });
        }
        self.running = Some(Running { op, who, started: now, ends });
    }

    /// When something happens here by itself.
    pub(crate) fn next_due(&self, now: Time, claim: Option<Time>) -> Time {
        match (&self.running, &self.waiting) {
            (Some(running), _) => running.ends,
            (None, Some(_)) => claim.unwrap_or(now),
            (None, None) => NEVER,
        }
    }

    /// Does what is due at `env.now`; returns the operation that ended.
    pub(crate) fn step(&mut self, env: &Env<'_>) -> Option<Op> {
        if let Some(running) = self.running.take_if(|running| running.ends <= env.now) {
            self.busy_total += running.ends - running.started;
            self.cut_at = None;
            self.end(&running, env.knobs);
            return Some(running.op);
        }
        if self.running.is_none()
            && env.claim.is_none()
            && let Some((op, who)) = self.waiting.take()
        {
            self.start(op, who, env.now, env.knobs);
        }
        None
    }

    fn end(&mut self, running: &Running, knobs: &Knobs) {
        running.op.finish(&mut self.nv);
        if matches!(running.op, Op::Options(_)) {
            self.opsr = 0;
        }
        let face = match running.who {
            Who::NonSecure => &mut self.faces[0],
            Who::Secure => &mut self.faces[1],
            Who::Rom => return,
        };
        // EOPIE in the control register lies where EOP lies in the status register. [H5-FLASH-3]
        if !knobs.eop_needs_ie || face.cr & sr::EOP != 0 {
            face.sr |= sr::EOP;
        }
    }

    /// When the flash will be free of everything that is known now, or [`NEVER`].
    fn free_at(&self, env: &Env<'_>) -> Time {
        let claim = env.claim.unwrap_or(0);
        let running = self.running.as_ref().map_or(env.now, |running| running.ends).max(claim);
        match &self.waiting {
            Some((op, _)) => running.saturating_add(op.duration(env.knobs, &self.nv)),
            None => running,
        }
    }

    /// When the operation that waits will have begun, so that the buffer is free again.
    fn buffer_free_at(&self, env: &Env<'_>) -> Time {
        let running = self.running.as_ref().map_or(env.now, |running| running.ends);
        running.max(env.claim.unwrap_or(0))
    }

    fn flag(&mut self, who: Who, flags: u32) {
        match who {
            Who::Secure => self.faces[1].sr |= flags,
            Who::NonSecure | Who::Rom => self.faces[0].sr |= flags,
        }
    }

    fn face(&mut self, who: Who) -> &mut Face {
        &mut self.faces[usize::from(who == Who::Secure)]
    }
}

//! One memory access port: CSW, TAR, DRW, BD0-3 and the read-only registers. [ADI-7] [ADI-12]

use crate::bus::{ApIdent, Chip, Outcome, Request, Time};
use regs::ap::{self, csw};
use wire::Width;

/// CSW bits that the debugger can change; the rest is the port's own. (Type, mode and ERRNPASS are not modelled.)
const CSW_WRITABLE: u32 = csw::SIZE | csw::ADDR_INC | 0x7F00_0000 | csw::DBG_SW_ENABLE;

/// What an access to a register of the port led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Effect {
    /// What was read, in its byte lane; 0 for a write.
    pub(crate) value: u32,
    /// When the port is free again; `None`: never by itself.
    pub(crate) end: Option<Time>,
    /// The transfer failed: STICKYERR.
    pub(crate) error: bool,
}

impl Effect {
    fn at_once(value: u32, now: Time) -> Effect {
        Effect { value, end: Some(now), error: false }
    }

    fn failed(now: Time) -> Effect {
        Effect { value: 0, end: Some(now), error: true }
    }
}

/// The registers of one port.
#[derive(Debug, Clone, Default)]
pub(crate) struct MemAp {
    /// The writable bits of CSW; `None` until first used, when they come from the chip.
    csw: Option<u32>,
    tar: u32,
    /// An aborted bus access goes on until then: TrInProg reads 1 and new accesses end no earlier.
    in_progress_until: Time,
}

/// One access to an AP register as the debug port passes it on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ApAccess {
    /// Access port number.
    pub(crate) ap: u8,
    /// Bank (SELECT.APBANKSEL) and A[3:2] as one offset.
    pub(crate) offset: u8,
    /// The value to write, or `None` for a read.
    pub(crate) write: Option<u32>,
    /// Memory accesses to the word at this address fail (fault injection).
    pub(crate) fault_at: Option<u32>,
}

impl MemAp {
    /// The debugger gave up on an access that ends at `end`. [ADI-10]
    pub(crate) fn abandon(&mut self, end: Time) {
        self.in_progress_until = self.in_progress_until.max(end);
    }

    /// Reads or writes a register. An access port that does not exist reads as zero and ignores writes.
    pub(crate) fn access(&mut self, chip: &mut impl Chip, access: ApAccess, now: Time) -> Effect {
        let Some(ident) = chip.ap(access.ap, now) else { return Effect::at_once(0, now) };
        match (access.offset, access.write) {
            (ap::CSW, Some(value)) => {
                self.csw = Some(canonical_csw(value, &ident));
                Effect::at_once(0, now)
            }
            (ap::TAR, Some(value)) => {
                self.tar = value;
                Effect::at_once(0, now)
            }
            (ap::DRW, _) => self.drw(chip, &ident, access, now),
            (ap::BD0 | ap::BD1 | ap::BD2 | ap::BD3, _) => {
                let at = (self.tar & !0xF) | u32::from(access.offset - ap::BD0);
                let effect = transfer(chip, &self.bus(&ident), access, (at, Width::Word), now);
                self.queued(effect)
            }
            (_, Some(_)) => Effect::at_once(0, now),
            (offset, None) => Effect::at_once(self.read_plain(offset, &ident, now), now),
        }
    }

    fn read_plain(&self, offset: u8, ident: &ApIdent, now: Time) -> u32 {
        match offset {
            ap::CSW => self.read_csw(ident, now),
            ap::TAR => self.tar,
            ap::BASE => ident.base,
            ap::IDR => ident.idr,
            _ => 0,
        }
    }

    fn read_csw(&self, ident: &ApIdent, now: Time) -> u32 {
        let flag = |on: bool, bit| if on { bit } else { 0 };
        self.settings(ident)
            | flag(ident.enabled, csw::DEVICE_EN)
            | flag(ident.secure_enabled, csw::SPIDEN)
            | flag(now < self.in_progress_until, csw::TR_IN_PROG)
    }

    fn settings(&self, ident: &ApIdent) -> u32 {
        self.csw.unwrap_or_else(|| canonical_csw(ident.csw, ident))
    }

    fn bus(&self, ident: &ApIdent) -> Bus {
        let secure = self.settings(ident) & csw::HNONSEC == 0 && ident.secure_enabled;
        Bus { open: ident.enabled, secure }
    }

    /// DRW: one access at TAR, or as many as fill a word when packed.
    fn drw(&mut self, chip: &mut impl Chip, ident: &ApIdent, access: ApAccess, now: Time) -> Effect {
        let settings = self.settings(ident);
        let width = width(settings);
        let (increment, count) = match settings & csw::ADDR_INC {
            csw::ADDR_INC_SINGLE => (width.bytes(), 1),
            csw::ADDR_INC_PACKED => (width.bytes(), 4 / width.bytes()),
            _ => (0, 1),
        };
        let bus = self.bus(ident);
        let mut whole = Effect::at_once(0, now);
        for _ in 0..count {
            let at = self.tar & !(width.bytes() - 1);
            let part = transfer(chip, &bus, access, (at, width), now);
            whole.value |= part.value;
            whole.error |= part.error;
            whole.end = whole.end.zip(part.end).map(|(a, b)| a.max(b));
            if part.error || part.end.is_none() {
                break;
            }
            let wrap = ap::TAR_WRAP_BYTES - 1;
            self.tar = (self.tar & !wrap) | (self.tar.wrapping_add(increment) & wrap);
        }
        self.queued(whole)
    }

    /// Until when the same read gives the same again and changes nothing; `now` where that is not known.
    pub(crate) fn steady_until(&self, chip: &mut impl Chip, access: ApAccess, now: Time) -> Time {
        let Some(ident) = chip.ap(access.ap, now) else { return chip.steady_until(None, now) };
        let settings = self.settings(&ident);
        let (at, width) = match access.offset {
            ap::DRW if settings & csw::ADDR_INC != 0 => return now,
            ap::DRW => (self.tar & !(width(settings).bytes() - 1), width(settings)),
            ap::BD0 | ap::BD1 | ap::BD2 | ap::BD3 => {
                ((self.tar & !0xF) | u32::from(access.offset - ap::BD0), Width::Word)
            }
            _ if now < self.in_progress_until => return now,
            _ => return chip.steady_until(None, now),
        };
        if now < self.in_progress_until || !ident.enabled || access.fault_at == Some(at & !3) {
            return now;
        }
        let secure = self.bus(&ident).secure;
        chip.steady_until(Some(&Request { ap: access.ap, at, width, write: None, secure }), now)
    }

    fn queued(&self, effect: Effect) -> Effect {
        Effect { end: effect.end.map(|end| end.max(self.in_progress_until)), ..effect }
    }
}

/// CSW.Size.
fn width(settings: u32) -> Width {
    match settings & csw::SIZE {
        csw::SIZE_8 => Width::Byte,
        csw::SIZE_16 => Width::Half,
        _ => Width::Word,
    }
}

/// Whether and how the port may use the bus now.
struct Bus {
    open: bool,
    secure: bool,
}

/// One bus access; data travels in the byte lane of the address.
fn transfer(
    chip: &mut impl Chip,
    bus: &Bus,
    access: ApAccess,
    (at, width): (u32, Width),
    now: Time,
) -> Effect {
    if !bus.open || access.fault_at == Some(at & !3) {
        return Effect::failed(now);
    }
    let shift = 8 * (at & 3);
    let write = access.write.map(|v| (v >> shift) & width.mask());
    match chip.access(&Request { ap: access.ap, at, width, write, secure: bus.secure }, now) {
        Outcome::Done { value, at } => {
            let value = if write.is_some() { 0 } else { (value & width.mask()) << shift };
            Effect { value, end: Some(at), error: false }
        }
        Outcome::Error { at } => Effect { value: 0, end: Some(at), error: true },
        Outcome::Stuck => Effect { value: 0, end: None, error: false },
    }
}

/// What CSW holds of a value: a size that the port does not have becomes a word. An APB has words only. [H5-DBG-1]
fn canonical_csw(value: u32, ident: &ApIdent) -> u32 {
    let value = value & CSW_WRITABLE;
    let words_only = !ap::Idr(ident.idr).is_system_bus();
    if words_only || value & csw::SIZE > csw::SIZE_32 { (value & !csw::SIZE) | csw::SIZE_32 } else { value }
}

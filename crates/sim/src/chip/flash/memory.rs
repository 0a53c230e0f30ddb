//! The memory side of the flash: the write buffer, stalls, reads. [H5-FLASH-3] [H5-FLASH-6] [H5-FLASH-7] [H5-FLASH-9]

use super::super::array::SLOT;
use super::super::obk::{Obk, Slot};
use super::{Env, Flash, NEVER, Op, Who};
use crate::bus::{Outcome, Time};
use crate::knobs::FlashBus;
use regs::h5::flash::{self as f, BANKS, SECTOR, cr, ecc, obkcfgr, sr};
use regs::h5::memory::OTP_BLOCK;
use regs::h5::state::ProductState;
use wire::Width;

/// A slot that words go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    /// A slot of the array, by its physical offset.
    Array(u32),
    /// A slot of OBK.
    Obk {
        /// Number.
        slot: usize,
        /// In the alternate sector.
        alternate: bool,
    },
}

/// The quad-word being collected.
#[derive(Debug, Clone)]
pub(super) struct Buffer {
    target: Option<(Target, Who)>,
    data: [u8; SLOT],
    filled: u16,
}

impl Default for Buffer {
    fn default() -> Self {
        Buffer { target: None, data: [0xFF; SLOT], filled: 0 }
    }
}

impl Buffer {
    pub(super) fn is_filling(&self, who: Who) -> bool {
        self.target.is_some_and(|(_, owner)| owner == who)
    }
}

/// Flags that stop the buffer from taking words until they are cleared. That all of them do is inferred: four words that
/// straddle two slots show INCERR alone, so the fourth word was not taken. [H5-FLASH-9]
const STOPPERS: u32 = sr::WRPERR | sr::PGSERR | sr::STRBERR | sr::INCERR | sr::OBKERR | sr::OBKWERR;

impl Flash {
    /// Somebody else begins a quad-word and does not end it. [H5-TIMEOUT-6]
    pub(crate) fn leave_half(&mut self) {
        if self.buffer.target.is_none() {
            self.buffer.target = Some((Target::Array(0), Who::NonSecure));
            self.buffer.filled = 0xF;
        }
    }

    pub(super) fn drop_buffer(&mut self) {
        self.buffer = Buffer::default();
    }

    /// The physical offset of a logical one: SWAP_BANK exchanges the banks.
    pub(crate) fn physical(&self, at: u32) -> u32 {
        let bank = self.nv.array.len() / BANKS;
        if self.swapped { (at + bank) % self.nv.array.len() } else { at }
    }

    /// Whether accesses to OBK go to the alternate sector.
    pub(crate) fn alternate(&self, who: Who) -> bool {
        self.faces[usize::from(who == Who::Secure)].obkcfgr & obkcfgr::ALT_SECT != 0
    }

    /// A write to the array or to OBK. `lane` is the offset inside the slot.
    pub(crate) fn store(
        &mut self,
        target: Target,
        lane: u32,
        width: Width,
        value: u32,
        who: Who,
        env: &Env<'_>,
    ) -> Outcome {
        let at = match self.accept(who, env) {
            Some(NEVER) => return Outcome::Stuck,
            Some(at) => at,
            None => return Outcome::Done { value: 0, at: env.now },
        };
        self.take(target, lane, width, value, who, env);
        Outcome::Done { value: 0, at }
    }

    /// When the bus takes the word; `None`: it is lost. A guess, selectable. [H5-FLASH-6]
    fn accept(&mut self, who: Who, env: &Env<'_>) -> Option<Time> {
        if !self.busy(env) {
            return Some(env.now);
        }
        match env.knobs.flash_bus {
            FlashBus::Stall => Some(self.free_at(env)),
            FlashBus::Buffered if self.waiting.is_none() => Some(env.now),
            FlashBus::Buffered => Some(self.buffer_free_at(env)),
            FlashBus::Drop => {
                self.flag(who, sr::PGSERR);
                None
            }
        }
    }

    fn take(&mut self, target: Target, lane: u32, width: Width, value: u32, who: Who, env: &Env<'_>) {
        let face = self.face(who);
        if face.sr & STOPPERS != 0 {
            return;
        }
        if face.lock.is_locked() || face.cr & cr::PG == 0 {
            return self.flag(who, sr::PGSERR);
        }
        match self.buffer.target {
            Some((same, owner)) if same == target && owner == who => {}
            Some(_) => {
                self.drop_buffer();
                return self.flag(who, sr::INCERR);
            }
            None => match self.refusal(target, who, env) {
                0 => self.buffer.target = Some((target, who)),
                flags => return self.flag(who, flags),
            },
        }
        self.fill(lane, width, value, who);
        if self.buffer.filled == u16::MAX {
            self.commit(env);
        }
    }

    /// The flags that refuse a slot.
    fn refusal(&self, target: Target, who: Who, env: &Env<'_>) -> u32 {
        match target {
            Target::Array(at) if self.is_write_protected(at / SECTOR) => sr::WRPERR,
            Target::Array(_) => 0,
            Target::Obk { slot, alternate } => {
                let locked = self.faces[usize::from(who == Who::Secure)].obk_lock.is_locked();
                if locked || !self.obk_is_open(who, env) || Obk::level(slot) != env.level {
                    sr::OBKERR
                } else if self.nv.obk.slot(alternate, slot) != Slot::Virgin {
                    sr::OBKWERR
                } else {
                    0
                }
            }
        }
    }

    fn fill(&mut self, lane: u32, width: Width, value: u32, who: Who) {
        let lane = lane as usize;
        let bytes = width.bytes() as usize;
        let mask = ((1u16 << bytes) - 1) << lane;
        if self.buffer.filled & mask != 0 {
            self.drop_buffer();
            return self.flag(who, sr::STRBERR);
        }
        self.buffer.filled |= mask;
        self.buffer.data[lane..lane + bytes].copy_from_slice(&value.to_le_bytes()[..bytes]);
    }

    /// FW: the rest of the quad-word is ones.
    pub(super) fn force_buffer(&mut self, who: Who, env: &Env<'_>) {
        if self.buffer.is_filling(who) {
            self.commit(env);
        }
    }

    fn commit(&mut self, env: &Env<'_>) {
        let Buffer { target, data, .. } = std::mem::take(&mut self.buffer);
        let Some((target, who)) = target else { return };
        if env.upset {
            return self.flag(who, sr::INCERR);
        }
        let op = match target {
            Target::Array(at) => Op::QuadWord { at, data },
            Target::Obk { slot, alternate } => {
                Op::ObkSlot { alternate, slot, value: Slot::Written { bytes: data, encrypted: false } }
            }
        };
        self.begin(op, who, env);
    }

    /// A write to OTP: half-words only, once. [H5-DBG-7] [H503-1]
    pub(crate) fn store_otp(
        &mut self,
        at: u32,
        width: Width,
        value: u32,
        who: Who,
        env: &Env<'_>,
    ) -> Outcome {
        let time = match self.accept(who, env) {
            Some(NEVER) => return Outcome::Stuck,
            Some(time) => time,
            None => return Outcome::Done { value: 0, at: env.now },
        };
        let locked = self.nv.options.get(f::OTPBLR_CUR) >> (at / OTP_BLOCK) & 1 == 1;
        let face = self.face(who);
        if face.lock.is_locked() || face.cr & cr::PG == 0 || width != Width::Half {
            self.flag(who, sr::PGSERR);
        } else if locked {
            self.flag(who, sr::WRPERR);
        } else {
            let index = at as usize / 2;
            if self.nv.otp[index].is_some() {
                // Data changes in spite of the error. [H503-1]
                self.flag(who, sr::PGSERR);
            }
            // Lossless: a half-word.
            self.begin(Op::Otp { index, value: value as u16 }, who, env);
        }
        Outcome::Done { value: 0, at: time }
    }

    /// A read of the array at a physical offset: the slot and when the bus has it. `None`: torn.
    pub(crate) fn load(&mut self, at: u32, env: &Env<'_>) -> (Option<[u8; SLOT]>, Time) {
        let bank = at / (self.nv.array.len() / BANKS);
        let slot_at = at & !(f::QUAD_WORD - 1);
        let slot = match &self.running {
            Some(running) if running.op.blocks_bank(bank, &self.nv) && !env.knobs.reads_through => {
                // The bus waits for the end, so it sees the memory as it will be then.
                (slot_after(&running.op, self.nv.array.slot(slot_at), slot_at, bank), running.ends)
            }
            _ => (self.nv.array.slot(slot_at), env.now),
        };
        if slot.0.is_none() {
            let number = slot_at % (self.nv.array.len() / BANKS) / f::QUAD_WORD;
            let place = if bank == 1 { ecc::BK } else { 0 };
            self.eccdetr = ecc::ECCD | place | (number & ecc::ADDR);
        }
        slot
    }

    /// A read of an OBK slot. `None`: a bus error. [H5-OBK-5] [H5-OBK-13] [H5-DBG-9]
    pub(crate) fn load_obk(&mut self, slot: usize, who: Who, env: &Env<'_>) -> (Option<[u8; SLOT]>, Time) {
        let at = match &self.running {
            Some(running) if running.op.blocks_obk() => running.ends,
            _ => env.now,
        };
        let hidden = !env.knobs.obk_read && self.nv.options.state() != ProductState::OPEN;
        if hidden || (self.trust_zone && who != Who::Secure) {
            return (Some([0; SLOT]), at);
        }
        if Obk::level(slot) != env.level {
            self.flag(who, sr::OBKERR);
            return (Some([0; SLOT]), at);
        }
        if self.nv.obk.undefined {
            return (None, at);
        }
        let value = match self.nv.obk.slot(self.alternate(who), slot) {
            Slot::Written { bytes, encrypted: false } => Some(bytes),
            // Not the cipher of the part, only something that is not the clear text.
            Slot::Written { bytes, encrypted: true } => Some(bytes.map(|byte| byte ^ 0xA5)),
            Slot::Virgin | Slot::Torn => {
                self.eccdetr = ecc::ECCD | ecc::OBK | (slot as u32 & ecc::ADDR);
                None
            }
        };
        (value, at)
    }

    /// A half-word of OTP, or `None` when it was never written: a bus error. [H5-DBG-9]
    pub(crate) fn load_otp(&mut self, at: u32) -> Option<u16> {
        let value = self.nv.otp[at as usize / 2];
        if value.is_none() {
            self.eccdetr = ecc::ECCD | ecc::OTP | ((at / 2) & ecc::ADDR);
        }
        value
    }
}

/// What a slot of a busy bank will hold when the operation has ended.
fn slot_after(op: &Op, now: Option<[u8; SLOT]>, at: u32, bank: u32) -> Option<[u8; SLOT]> {
    match op {
        Op::QuadWord { at: target, data } if *target == at => {
            now.map(|old| std::array::from_fn(|i| old[i] & data[i]))
        }
        Op::Sector(sector) if *sector == at / SECTOR => Some([0xFF; SLOT]),
        Op::Bank(own) if *own == bank => Some([0xFF; SLOT]),
        Op::Mass => Some([0xFF; SLOT]),
        _ => now,
    }
}

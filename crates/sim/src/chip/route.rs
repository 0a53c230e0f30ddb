//! What an address is: the buses behind AP0 and AP1. [H5-MEM-1] [H5-MEM-2] [H5-DBG-2] [H5-DBG-5]

use super::flash::Target;
use super::{Env, Flash, H5, Runs, SLOT, Small, Sram, Who, dbgmcu, ids};
use crate::bus::{Outcome, Request};
use regs::h5::device::Family;
use regs::h5::flash::{QUAD_WORD, SECWM1R_CUR, SECWM2R_CUR};
use regs::h5::memory::{self, OBK, OBK_LEN, OTP, OTP_LEN, UID, UID_LEN};
use regs::h5::state::ProductState;
use regs::h5::{flash as f, option, rss, sbs};
use wire::Width;

/// Bytes of a peripheral's register space.
const BLOCK: u32 = 0x400;
/// Package code of a 144-pin part, an example.
const PACKAGE_CODE: u32 = 0x0000_0007;
/// Where the ROM's DataProvisioning begins inside RSSLIB (invented; only the table that names it is real).
const SERVICE_OFFSET: u32 = 0x100;

/// The part of a word that an access reads.
pub(super) fn lanes(word: u32, at: u32, width: Width) -> u32 {
    word >> (8 * (at % 4)) & width.mask()
}

/// Peripherals behind the bridges to APB lie in the first 128 KiB of 64 MiB. [H5-MEM-3]
const fn is_apb(at: u32) -> bool {
    at & 0x03FF_FFFF < 0x0002_0000
}

/// The word that a register gets: on APB a byte or half-word stands in every lane; on AHB the lanes beside it keep what
/// they read as. [H5-MEM-3]
fn widened(at: u32, width: Width, value: u32, old: impl FnOnce() -> u32) -> u32 {
    let (mask, shift) = (width.mask(), 8 * (at % 4));
    match width {
        Width::Word => value,
        Width::Half if is_apb(at) => (value & mask) * 0x0001_0001,
        Width::Byte if is_apb(at) => (value & mask) * 0x0101_0101,
        Width::Half | Width::Byte => old() & !(mask << shift) | (value & mask) << shift,
    }
}

impl H5 {
    fn done(&self, value: u32) -> Outcome {
        Outcome::Done { value, at: self.now }
    }

    fn error(&self) -> Outcome {
        Outcome::Error { at: self.now }
    }

    /// The debug APB: DBGMCU and ST's ROM table. [H5-DBG-1] [H5-DBG-10]
    pub(super) fn access_ap0(&mut self, request: &Request) -> Outcome {
        let word_at = request.at & !3;
        if let Some(offset) = word_at.checked_sub(regs::h5::dbgmcu::BASE_AP0)
            && offset < regs::h5::dbgmcu::LEN
        {
            return self.access_dbgmcu(offset, request);
        }
        match word_at.checked_sub(ids::TABLE_AP0) {
            Some(offset @ 0..0x1000) => {
                let value = ids::ap0_table(offset, self.device().dev_id, 0);
                self.done(lanes(value, request.at, request.width))
            }
            _ => self.error(),
        }
    }

    fn access_dbgmcu(&mut self, offset: u32, request: &Request) -> Outcome {
        let (dev_id, rev_id, open) = (self.device().dev_id, self.rev_id(), self.ap1_open());
        let (value, rang) = match request.write {
            Some(value) => (0, self.dbgmcu.write(offset, value)),
            None if offset == regs::h5::dbgmcu::DBG_AUTH_DEVICE => {
                self.dbgmcu.read_device_word(self.knobs.da_ack_by_write)
            }
            None => (self.dbgmcu.read(offset, dev_id, rev_id, open), dbgmcu::Rang::No),
        };
        if rang == dbgmcu::Rang::Yes {
            self.rom_rang();
        }
        self.done(lanes(value, request.at, request.width))
    }

    /// The core's bus.
    pub(super) fn access_ap1(&mut self, request: &Request) -> Outcome {
        let at = request.at;
        if let Some(offset) = dbgmcu::covers(at & !3) {
            return self.access_dbgmcu(offset, request);
        }
        if at >> 20 == 0xE00 {
            return self.access_core_bus(request);
        }
        // While reset is held the bus works, but nothing behind it does. [H5-DBG-5]
        if self.core.runs == Runs::Reset {
            return self.done(0);
        }
        if self.is_denied(request) {
            return if self.knobs.tz_error { self.error() } else { self.done(0) };
        }
        let who = if self.flash.trust_zone() && request.secure { Who::Secure } else { Who::NonSecure };
        self.access_memory(memory::non_secure(at), who, request)
    }

    /// Whether what this reads changes only when something is due: SRAM, flash, the flash interface and, through AP0, DBGMCU
    /// but for the device's word, while no code runs.
    pub(super) fn is_steady(&self, request: &Request) -> bool {
        if request.ap == 0 {
            let offset = request.at.checked_sub(regs::h5::dbgmcu::BASE_AP0);
            return offset.is_some_and(|offset| {
                offset < regs::h5::dbgmcu::LEN && offset & !3 != regs::h5::dbgmcu::DBG_AUTH_DEVICE
            });
        }
        let at = memory::non_secure(request.at);
        let within = |base: u32, len: u32| at.checked_sub(base).is_some_and(|offset| offset < len);
        let reached = self.ap1_open() && self.core.runs != Runs::Reset;
        let flash = within(f::BASE, BLOCK) || within(memory::FLASH, self.flash.nv.array.len());
        reached && (flash || Sram::covers(self.device().map, at))
    }

    fn access_core_bus(&mut self, request: &Request) -> Outcome {
        let at = request.at & !3;
        match request.write {
            // Registers here are words; narrower writes are not modelled.
            Some(value) if request.width == Width::Word => {
                self.write_core(at, value);
                self.done(0)
            }
            Some(_) => self.done(0),
            None => {
                let value = self.read_core(at);
                self.done(lanes(value, request.at, request.width))
            }
        }
    }

    /// TrustZone: a non-secure transaction reaches nothing secure. [H5-DBG-5]
    fn is_denied(&self, request: &Request) -> bool {
        if !self.flash.trust_zone() || request.secure {
            return false;
        }
        let at = memory::non_secure(request.at);
        memory::is_secure_alias(request.at) || self.is_secure_sector(at)
    }

    /// The sectors, by their physical numbers, that are not secure.
    pub(crate) fn non_secure_sectors(&self) -> Vec<u32> {
        let offsets = (0..self.flash.nv.array.sectors()).map(|sector| sector * f::SECTOR);
        let open = offsets.filter(|offset| !self.is_secure_sector(memory::FLASH + offset));
        open.map(|offset| self.flash.physical(offset) / f::SECTOR).collect()
    }

    fn is_secure_sector(&self, at: u32) -> bool {
        let Some(offset) = at.checked_sub(memory::FLASH).filter(|offset| *offset < self.flash.nv.array.len())
        else {
            return false;
        };
        let bank_len = self.flash.nv.array.len() / f::BANKS;
        let register = if offset < bank_len { SECWM1R_CUR } else { SECWM2R_CUR };
        let mark = self.flash.nv.options.get(register);
        let sector = offset % bank_len / f::SECTOR;
        (mark & option::AREA_STRT..=(mark & option::AREA_END) >> 16).contains(&sector)
    }

    fn access_memory(&mut self, at: u32, who: Who, request: &Request) -> Outcome {
        let map = self.device().map;
        if Sram::covers(map, at) {
            return self.access_sram(at, request);
        }
        if (memory::SRAM_CODE_BUS..memory::SRAM_CODE_BUS + map.sram_len()).contains(&at) {
            return self.access_sram(at - memory::SRAM_CODE_BUS + memory::SRAM1, request);
        }
        if let Some(offset) = at.checked_sub(memory::FLASH)
            && offset < self.flash.nv.array.len()
        {
            return self.access_array(offset, who, request);
        }
        if let Some(offset) = at.checked_sub(OBK)
            && offset < OBK_LEN
            && self.flash.nv.family != Family::H503
        {
            return self.access_obk(offset, who, request);
        }
        if let Some(offset) = at.checked_sub(OTP)
            && offset < OTP_LEN
        {
            return self.access_otp(offset, who, request);
        }
        if Small::covers(at) {
            return self.access_peripheral(at, request);
        }
        match self.fixed_word(at & !3) {
            Some(word) => self.done(lanes(word, at, request.width)),
            None => self.error(),
        }
    }

    fn access_sram(&mut self, at: u32, request: &Request) -> Outcome {
        match request.write {
            Some(value) => {
                self.sram.write(at, request.width, value);
                self.done(0)
            }
            None => self.done(self.sram.read(at, request.width)),
        }
    }

    fn access_array(&mut self, offset: u32, who: Who, request: &Request) -> Outcome {
        let at = self.flash.physical(offset);
        let (slot, lane) = (at & !(QUAD_WORD - 1), at % QUAD_WORD);
        self.through_flash(lane, request, |flash, env| match request.write {
            Some(value) => Err(flash.store(Target::Array(slot), lane, request.width, value, who, env)),
            None => Ok(flash.load(at, env)),
        })
    }

    fn access_obk(&mut self, offset: u32, who: Who, request: &Request) -> Outcome {
        let (slot, lane) = (offset as usize / SLOT, offset % QUAD_WORD);
        self.through_flash(lane, request, |flash, env| match request.write {
            Some(value) => {
                let target = Target::Obk { slot, alternate: flash.alternate(who) };
                Err(flash.store(target, lane, request.width, value, who, env))
            }
            None => Ok(flash.load_obk(slot, who, env)),
        })
    }

    /// A read gives a slot (or none) and a time, a write its outcome.
    fn through_flash(
        &mut self,
        lane: u32,
        request: &Request,
        access: impl FnOnce(&mut Flash, &Env<'_>) -> Result<(Option<[u8; SLOT]>, u64), Outcome>,
    ) -> Outcome {
        match self.with_flash(access) {
            Err(outcome) => outcome,
            Ok((None, at)) => Outcome::Error { at },
            Ok((Some(slot), at)) => {
                let bytes = &slot[lane as usize..][..request.width.bytes() as usize];
                let value = bytes.iter().rev().fold(0, |value, byte| value << 8 | u32::from(*byte));
                Outcome::Done { value, at }
            }
        }
    }

    fn access_otp(&mut self, offset: u32, who: Who, request: &Request) -> Outcome {
        if let Some(value) = request.write {
            return self.with_flash(|flash, env| flash.store_otp(offset, request.width, value, who, env));
        }
        let half = |flash: &mut Flash, at: u32| flash.load_otp(at).map(u32::from);
        let first = half(&mut self.flash, offset & !1);
        let value = match request.width {
            Width::Word => first.and_then(|low| Some(half(&mut self.flash, offset + 2)? << 16 | low)),
            Width::Half => first,
            Width::Byte => first.map(|value| value >> (8 * (offset & 1)) & 0xFF),
        };
        value.map_or(self.error(), |value| self.done(value))
    }

    fn access_peripheral(&mut self, at: u32, request: &Request) -> Outcome {
        let word_at = at & !3;
        let block = |base: u32| word_at.checked_sub(base).filter(|offset| *offset < BLOCK);
        let family = self.flash.nv.family;
        let stalled = block(f::BASE).and(self.flash.registers_stall_until(&self.knobs));
        let Some(value) = request.write else {
            let word = self.peripheral_word(word_at);
            return match stalled {
                Some(at_end) => self
                    .flash
                    .read_at_end(word_at - f::BASE, word, at_end, |word| lanes(word, at, request.width)),
                None => self.done(lanes(word, at, request.width)),
            };
        };
        let value = widened(at, request.width, value, || self.peripheral_word(word_at));
        match (block(f::BASE), block(sbs::BASE)) {
            (Some(offset), _) => {
                self.flash_was_written(offset);
                self.with_flash(|flash, env| flash.write_register(offset, value, env));
            }
            (_, Some(offset)) => self.sbs.write(offset, value, family),
            _ => self.small.write(word_at, value),
        }
        Outcome::Done { value: 0, at: stalled.unwrap_or(self.now) }
    }

    /// The register at a word's address, as it reads.
    fn peripheral_word(&self, at: u32) -> u32 {
        let block = |base: u32| at.checked_sub(base).filter(|offset| *offset < BLOCK);
        match (block(f::BASE), block(sbs::BASE)) {
            (Some(offset), _) => self.flash.read_register(offset, &self.env()),
            (_, Some(offset)) => self.sbs.read(offset, self.flash.nv.family),
            _ => self.small.read(at, self.usb_view()),
        }
    }

    /// Words that never change: factory data, system flash. `None`: nothing is mapped there.
    fn fixed_word(&self, at: u32) -> Option<u32> {
        let nv = &self.flash.nv;
        if (UID..UID + UID_LEN).contains(&at) {
            // The UID reads as zero in PROVISIONING. [H5-DBG-8]
            if self.state() == ProductState::PROVISIONING {
                return Some(0);
            }
            let from = (at - UID) as usize;
            let bytes = &nv.uid[from..from + 4];
            return Some(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]));
        }
        if at == memory::FLASHSIZE {
            return Some(PACKAGE_CODE << 16 | u32::from(nv.kib));
        }
        let system = memory::SYSTEM_FLASH..memory::SYSTEM_FLASH + memory::SYSTEM_FLASH_MAPPED;
        system.contains(&at).then(|| self.descriptor_word(at))
    }

    /// System flash reads as zero but for the descriptor of a current ROM. [H5-OBK-7]
    fn descriptor_word(&self, at: u32) -> u32 {
        let descriptor = rss::DESCRIPTORS[0];
        let Some(magic) = self.device().descriptor_magic else { return 0 };
        let word = |half: usize| {
            u32::from_le_bytes([magic[half], magic[half + 1], magic[half + 2], magic[half + 3]])
        };
        match at.checked_sub(descriptor) {
            Some(rss::MAGIC_OFFSET) => word(0),
            Some(offset) if offset == rss::MAGIC_OFFSET + 4 => word(4),
            Some(offset) if offset == rss::TABLE_OFFSET + rss::table::DATA_PROVISIONING => {
                self.service_address().unwrap_or(0)
            }
            _ => 0,
        }
    }

    /// The address of DataProvisioning as the table holds it (Thumb bit set). `None`: the part has no such service.
    pub(crate) fn service_address(&self) -> Option<u32> {
        self.device().descriptor_magic.map(|_| (self.device().map.rom_library.start + SERVICE_OFFSET) | 1)
    }
}

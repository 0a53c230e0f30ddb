//! DataProvisioning: the ROM service that writes OBK. [H5-OBK-7] [H5-OBK-8] [H5-OBK-9] [H5-OBK-10]

use super::Then;
use crate::chip::{H5, Op, Runs, SLOT, SLOTS, Slot};
use regs::h5::rss::{self, conf, guess, result};
use regs::h5::state::ProductState;
use regs::h5::{memory, obk};
use regs::m33::core_register as reg;
use std::collections::VecDeque;
use wire::Width;

/// What a caller hands over.
#[derive(Debug, Clone, Copy)]
struct Conf {
    source: u32,
    destination: u32,
    size: u32,
    do_encryption: u32,
    crc: u32,
}

impl H5 {
    /// A command left in SBS_RSSCMDR before the reset; `false` when there is none to run. [H5-OBK-9]
    pub(super) fn command_at_reset(&mut self) -> bool {
        let command = u32::from(self.sbs.command);
        let served = [ProductState::OPEN, ProductState::PROVISIONING].contains(&self.rom.boot_state);
        if command == 0 || !served {
            return false;
        }
        self.sbs.command = 0;
        let staged = self.staging().filter(|_| command == guess::COMMAND_DATA_PROVISIONING);
        let Some(start) = staged else { return false };
        let allowed = self.knobs.obk_rss_command;
        let work = if allowed { self.provisioning(start + guess::STAGED_CONF) } else { Err(result::ERROR) };
        match work {
            Ok(ops) => self.start_job(ops, Then::Boot(result::SUCCESS)),
            Err(code) => self.start_job(VecDeque::new(), Then::Boot(code)),
        }
        true
    }

    /// A debugger has put the program counter on the service: R0 is the structure, LR the way back.
    pub(crate) fn call_service(&mut self) {
        let conf_at = self.core.register(0);
        // In OPEN the service works only under the bootloader. [H5-OBK-10]
        let runs = self.rom.boot_state == ProductState::PROVISIONING || self.rom.bootloader_since.is_some();
        let allowed = self.knobs.obk_rsslib && runs;
        self.core.runs = Runs::Service;
        self.rom.entry = self.core.register(reg::PC) & !1;
        let work = if allowed { self.provisioning(conf_at) } else { Err(result::ERROR) };
        match work {
            Ok(ops) => self.start_job(ops, Then::Return(result::SUCCESS)),
            Err(code) => self.start_job(VecDeque::new(), Then::Return(code)),
        }
    }

    /// The service is through: R0 holds the result, the core goes on at LR.
    pub(super) fn service_returns(&mut self, code: u32) {
        self.core.set_register(0, code);
        let back = self.core.register(reg::LR) & !1;
        self.core.set_register(reg::PC, back);
        self.core.runs = Runs::Foreign;
    }

    /// Checks the structure and turns it into operations, or gives the result word of the refusal.
    fn provisioning(&self, conf_at: u32) -> Result<VecDeque<Op>, u32> {
        let conf = self.read_conf(conf_at).ok_or(result::ERROR)?;
        let data = self.source(&conf).ok_or(result::ERROR)?;
        if self.knobs.rss_crc && conf.crc != crc(&conf, &data) {
            return Err(result::CRC_ERROR);
        }
        let encrypted = match conf.do_encryption {
            0 | rss::DO_ENCRYPTION_NONE => false,
            1 | guess::DO_ENCRYPTION_YES if self.device().crypto => true,
            _ => return Err(result::ERROR),
        };
        let first = slot_of(conf.destination).ok_or(result::ERROR)?;
        let slots = data.chunks_exact(SLOT);
        if !slots.remainder().is_empty() || first + slots.len() > SLOTS || self.flash.nv.obk.undefined {
            return Err(result::ERROR);
        }
        let mut ops = VecDeque::from([Op::ObkErase]);
        ops.extend((first..).zip(slots).map(|(slot, chunk)| {
            let mut bytes = [0; SLOT];
            bytes.copy_from_slice(chunk);
            Op::ObkSlot { alternate: true, slot, value: Slot::Written { bytes, encrypted } }
        }));
        ops.push_back(Op::ObkSwap(SLOTS));
        Ok(ops)
    }

    fn read_conf(&self, at: u32) -> Option<Conf> {
        let at = memory::non_secure(at);
        let block = self.device().map.sram.iter().find(|block| block.contains(at))?;
        if !at.is_multiple_of(4) || at > block.end() - conf::LEN {
            return None;
        }
        let word = |offset| self.sram.read(at + offset, Width::Word);
        Some(Conf {
            source: word(conf::SOURCE),
            destination: word(conf::DESTINATION),
            size: word(conf::SIZE),
            do_encryption: word(conf::DO_ENCRYPTION),
            crc: word(conf::CRC),
        })
    }

    /// The data, which must lie in SRAM3.
    fn source(&self, conf: &Conf) -> Option<Vec<u8>> {
        let block = self.device().map.sram_block("SRAM3")?;
        let at = memory::non_secure(conf.source);
        let fits = block.contains(at) && conf.size > 0 && conf.size <= memory::OBK_LEN;
        (fits && conf.size <= block.end() - at).then(|| self.sram.bytes(at, conf.size))
    }
}

/// The slot of a destination; level 0 belongs to the ROM.
fn slot_of(destination: u32) -> Option<usize> {
    let offset = memory::non_secure(destination).checked_sub(memory::OBK)?;
    let ok = offset % SLOT as u32 == 0 && offset >= obk::area::HDPL1.0 && offset < memory::OBK_LEN;
    ok.then_some(offset as usize / SLOT)
}

/// The checksum as both sides take it (guess). [H5-OBK-8]
fn crc(conf: &Conf, data: &[u8]) -> u32 {
    let words = data.chunks(4).map(|chunk| {
        let mut word = [0; 4];
        word[..chunk.len()].copy_from_slice(chunk);
        u32::from_le_bytes(word)
    });
    let fields = [conf.source, conf.destination, conf.size, conf.do_encryption];
    words.chain(fields).fold(guess::CRC_INIT, |crc, word| {
        (0..32).fold(crc ^ word, |crc, _| crc << 1 ^ if crc >> 31 == 1 { guess::CRC_POLY } else { 0 })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn destinations_are_secure_or_plain_obk_addresses_above_level_0() {
        assert_eq!(slot_of(0x0FFD_0100), Some(16));
        assert_eq!(slot_of(0x0BFD_0100), Some(16));
        assert_eq!(slot_of(0x0FFD_0000), None);
        assert_eq!(slot_of(0x0FFD_0108), None);
        assert_eq!(slot_of(0x0FFD_2000), None);
        assert_eq!(slot_of(0x0800_0000), None);
    }

    #[test]
    fn the_checksum_is_crc_32_of_words_highest_bit_first() {
        // The check value of CRC-32/MPEG-2 over "12345678": the words come highest byte first there, so they are
        // swapped here.
        let conf = Conf { source: 0, destination: 0, size: 0, do_encryption: 0, crc: 0 };
        let with_fields = crc(&conf, b"43218765");
        let plain = b"43218765".chunks(4).fold(guess::CRC_INIT, |crc, chunk| {
            let word = u32::from_le_bytes([chunk[0], chunk[1], chunk[2], chunk[3]]);
            (0..32).fold(crc ^ word, |c, _| c << 1 ^ if c >> 31 == 1 { guess::CRC_POLY } else { 0 })
        });
        assert_ne!(with_fields, plain, "the four fields count too");
    }
}

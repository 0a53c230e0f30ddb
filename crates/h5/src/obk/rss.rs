//! The two routes through the ROM's DataProvisioning service. Everything that is not in ST's device header is a guess.
//! [H5-OBK-7] [H5-OBK-8] [H5-OBK-9] [H5-OBK-10]

use super::{ObkFile, ObkRoute};
use crate::busy::{Look, wait_for};
use crate::{H5Error, Part, wait_ap_open};
use adi::CoreAccess;
use pace::Site;
use regs::h5::memory::{Range, non_secure};
use regs::h5::rss::{self, DESCRIPTORS, MAGIC_OFFSET, TABLE_OFFSET, guess, table};
use regs::h5::sbs;
use regs::m33::{DHCSR, XPSR_T, core_register, dhcsr};
use wire::{Addr, Flow, MemOp};
use zeroize::Zeroizing;

/// What is guessed about the service; the defaults are `regs::h5::rss::guess`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RssGuesses {
    /// Polynomial of the CRC. [H5-OBK-8]
    pub crc_poly: u32,
    /// Its start value. [H5-OBK-8]
    pub crc_init: u32,
    /// The word that asks for encryption. [H5-OBK-7]
    pub encrypt: u32,
    /// The word that asks for none, as a user passed it. [H5-OBK-7]
    pub plain: u32,
    /// The command for SBS_RSSCMDR. [H5-OBK-9]
    pub command: u32,
}

impl Default for RssGuesses {
    fn default() -> Self {
        RssGuesses {
            crc_poly: guess::CRC_POLY,
            crc_init: guess::CRC_INIT,
            encrypt: guess::DO_ENCRYPTION_YES,
            plain: rss::DO_ENCRYPTION_NONE,
            command: guess::COMMAND_DATA_PROVISIONING,
        }
    }
}

impl RssGuesses {
    /// The CRC over the data and then the fields before it in the structure.
    pub(super) fn crc(&self, data: &[u32], fields: &[u32]) -> u32 {
        data.iter().chain(fields).fold(self.crc_init, |crc, word| self.crc_word(crc ^ word))
    }

    fn crc_word(&self, mut crc: u32) -> u32 {
        for _ in 0..u32::BITS {
            let carry = crc >> 31;
            crc = (crc << 1) ^ (self.crc_poly * carry);
        }
        crc
    }

    /// The structure and behind it the data, as words from `at` on.
    pub(super) fn stage(&self, file: &ObkFile, at: Addr) -> Zeroizing<Vec<u32>> {
        let data = file.words();
        let size = u32::try_from(file.payload_len()).unwrap_or(u32::MAX);
        let encryption = if file.do_encryption() == 0 { self.plain } else { self.encrypt };
        let fields = [at.plus(guess::STAGED_DATA).0, file.destination().0, size, encryption];
        let mut words = Zeroizing::new(Vec::with_capacity(data.len() + 8));
        words.extend_from_slice(&fields);
        words.push(self.crc(&data, &fields));
        words.resize((guess::STAGED_DATA / 4) as usize, 0);
        words.extend_from_slice(&data);
        words
    }
}

/// Core registers that the service call uses and that are put back after it.
const BORROWED: [u32; 9] =
    [0, 1, 2, 3, 12, core_register::LR, core_register::PC, core_register::XPSR, core_register::MSP];

/// Two BKPT instructions: where the service returns to.
const BREAKPOINT: u32 = 0xBE00_BE00;

impl Part<'_> {
    /// Halts the core, calls the service, waits until it comes back to a breakpoint, and puts the core's registers back.
    pub(super) fn obk_rsslib(&mut self, file: &ObkFile) -> Result<u32, H5Error> {
        let sram = self.sram3(ObkRoute::Rsslib)?;
        let service = self.service_address()?;
        let core = CoreAccess { ap: self.ap, attr: self.attr() };
        let was_halted = self.adi.core_status(core)?.halted();
        self.adi.halt_core(core)?;
        let mut saved = [0; BORROWED.len()];
        for (slot, register) in saved.iter_mut().zip(BORROWED) {
            *slot = self.adi.read_core_reg(core, register)?;
        }
        let called = self.call_service(file, sram, service, core);
        if called.as_ref().is_err_and(H5Error::link_is_gone) {
            return called;
        }
        let cleaned = self.after_call(core, saved, was_halted);
        let code = called?;
        cleaned?;
        accepted(ObkRoute::Rsslib, code)
    }

    fn call_service(
        &mut self,
        file: &ObkFile,
        sram: &Range,
        service: u32,
        core: CoreAccess,
    ) -> Result<u32, H5Error> {
        let staged = self.alias(Addr(sram.start));
        let words = self.guesses.stage(file, staged);
        let len = words.len();
        let done = self.with_staged(&words, staged, |part| {
            let stop = staged.plus(u32::try_from(len * 4).unwrap_or(u32::MAX));
            part.write_reg(stop, BREAKPOINT)?;
            let registers = [
                (0, staged.0),
                (core_register::MSP, part.alias(Addr(sram.end())).0),
                (core_register::LR, stop.0 | 1),
                (core_register::XPSR, XPSR_T),
                (core_register::PC, service & !1),
            ];
            for (register, value) in registers {
                part.adi.write_core_reg(core, register, value)?;
            }
            part.adi.resume_core(core)?;
            let doing = "the ROM's DataProvisioning service";
            part.wait_reg(Addr(DHCSR), Site::ObkService, doing, |v| v & dhcsr::S_HALT != 0)?;
            let pc = part.adi.read_core_reg(core, core_register::PC)?;
            if pc & !1 != stop.0 {
                let why = format!("the core stopped at {} instead of returning to {stop}", Addr(pc));
                return Err(H5Error::RouteRefused { route: ObkRoute::Rsslib, why });
            }
            Ok(part.adi.read_core_reg(core, 0)?)
        })?;
        Ok(done)
    }

    /// Writes the staging buffer, works, and wipes the buffer whatever came of it.
    fn with_staged<T>(
        &mut self,
        words: &[u32],
        at: Addr,
        work: impl FnOnce(&mut Self) -> Result<T, H5Error>,
    ) -> Result<T, H5Error> {
        self.stage(at, words.to_vec())?;
        let result = work(self);
        if result.as_ref().is_err_and(H5Error::link_is_gone) {
            self.note("the link is gone: the staging buffer in SRAM3 could not be wiped");
            return result;
        }
        match (self.stage(at, vec![0; words.len()]), result) {
            (Err(e), Ok(_)) => Err(e),
            (_, result) => result,
        }
    }

    fn stage(&mut self, at: Addr, words: Vec<u32>) -> Result<(), H5Error> {
        self.run(Flow::Lockstep, vec![MemOp::WriteWords { at, words, secret: true }])?;
        Ok(())
    }

    /// The core goes back to where it was.
    fn after_call(
        &mut self,
        core: CoreAccess,
        saved: [u32; BORROWED.len()],
        was_halted: bool,
    ) -> Result<(), H5Error> {
        if !self.adi.core_status(core)?.halted() {
            self.adi.halt_core(core)?;
        }
        for (register, value) in BORROWED.into_iter().zip(saved) {
            self.adi.write_core_reg(core, register, value)?;
        }
        if !was_halted {
            self.adi.resume_core(core)?;
            self.adi.leave_debug(core)?;
        }
        Ok(())
    }

    /// The address of the service: from the descriptor that ends in the part's magic, else from the last place. [H5-OBK-7]
    fn service_address(&mut self) -> Result<u32, H5Error> {
        let magic = self.identity.device.descriptor_magic;
        let mut place = None;
        for descriptor in DESCRIPTORS {
            let words = self.read_block(Addr(descriptor + MAGIC_OFFSET), 2)?;
            let bytes: Vec<u8> = words.iter().flat_map(|w| w.to_le_bytes()).collect();
            if magic.is_some_and(|m| m.as_slice() == bytes) {
                place = Some(descriptor);
                break;
            }
        }
        let [.., last] = DESCRIPTORS;
        let entry = Addr(place.unwrap_or(last) + TABLE_OFFSET + table::DATA_PROVISIONING);
        let service = self.read_reg(self.alias(entry))?;
        let library = &self.identity.device.map.rom_library;
        if !library.contains(service & !1) && !library.contains(non_secure(service & !1)) {
            let why =
                format!("the ROM's table at {entry} holds {}, no address in {}", Addr(service), library.name);
            return Err(H5Error::RouteRefused { route: ObkRoute::Rsslib, why });
        }
        Ok(service)
    }

    /// Stages the data, leaves the command in SBS_RSSCMDR, resets the part, and waits for the result word.
    pub(super) fn obk_rss_command(&mut self, file: &ObkFile) -> Result<u32, H5Error> {
        let sram = self.sram3(ObkRoute::RssCommand)?;
        let staged = self.alias(Addr(sram.start));
        let words = self.guesses.stage(file, staged.plus(guess::STAGED_CONF));
        let command = self.alias(Addr(sbs::BASE + sbs::RSSCMDR));
        let value = self.guesses.command;
        let code = self.with_staged(&words, staged, |part| {
            part.run(Flow::Lockstep, vec![MemOp::write_once(command, value)])?;
            part.adi.pulse_reset()?;
            wait_ap_open(part.adi, part.ap)?;
            let at = staged.plus(guess::STAGED_RESULT);
            let doing = "the ROM's DataProvisioning service at reset";
            let look = Look { ap: part.ap, attr: part.attr(), at, site: Site::ObkService, doing };
            wait_for(part.adi, &look, |word| rss::result_name(word).is_some())
        })?;
        accepted(ObkRoute::RssCommand, code)
    }
}

fn accepted(route: ObkRoute, code: u32) -> Result<u32, H5Error> {
    if code == rss::result::SUCCESS { Ok(code) } else { Err(H5Error::ObkRejected { route, code }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Password;
    use crate::obk::ObkSpec;
    use regs::h5::device::Family;

    #[test]
    fn the_guessed_crc_is_that_of_the_crc_unit() {
        let guesses = RssGuesses::default();
        // What the CRC unit of every STM32 makes of this word.
        assert_eq!(guesses.crc(&[0x1234_5678], &[]), 0xDF8A_8A2B);
        assert_ne!(guesses.crc(&[1, 2], &[]), guesses.crc(&[2, 1], &[]));
    }

    #[test]
    fn the_structure_stands_before_the_data_and_ends_in_its_crc() {
        let file =
            ObkFile::build(&ObkSpec::new(Family::H562, &Password::from_bytes(b"correct horse").unwrap()));
        let at = Addr(0x2005_0000);
        let words = RssGuesses::default().stage(&file, at);
        assert_eq!(words[..4], [0x2005_0020, 0x0FFD_0100, 0x60, rss::DO_ENCRYPTION_NONE]);
        assert_eq!(words[8..], file.words()[..]);
        assert_eq!(words[4], RssGuesses::default().crc(&words[8..], &words[..4]));
        assert_eq!(words[5..8], [0; 3]);
    }
}

//! Halting, resuming, stepping, and where the program counter is. [M33-1]

use super::core::Ask;
use super::{Gate, H5, LOCKUP_PC, Runs, Sram};
use crate::knobs::US;
use regs::h5::rcc::rsr;
use regs::h5::state::ProductState;
use regs::h5::{option, usb};
use regs::m33::{self, aircr, core_register as reg, dauthstatus, demcr, dfsr, dscsr, icsr};
use wire::Width;

/// A value of DWT_PCSR that is no address.
const NO_SAMPLE: u32 = 0xFFFF_FFFF;
/// BKPT in Thumb code: 0xBExx.
const BKPT: u32 = 0xBE00;

impl H5 {
    /// Reads a word of the core's private bus.
    pub(super) fn read_core(&mut self, at: u32) -> u32 {
        let secure = self.flash.trust_zone() && self.rom.boot_state == ProductState::OPEN;
        match at {
            m33::CPUID => regs::h5::device::CPUID,
            m33::ICSR => self.exception(),
            m33::AIRCR => aircr::VECTKEYSTAT,
            m33::DHCSR => self.core.read_dhcsr(secure),
            m33::DSCSR if self.flash.trust_zone() => dscsr::CDS,
            m33::DAUTHSTATUS => {
                let secure_pairs = dauthstatus::SID | dauthstatus::SNID;
                let disabled = secure_pairs & 0b1010_0000;
                dauthstatus::NSID | dauthstatus::NSNID | if secure { secure_pairs } else { disabled }
            }
            m33::DWT_PCSR => self.sample(),
            _ => {
                let (dev_id, rev) = (self.device().dev_id, 0);
                self.core.read(at).or_else(|| super::ids::core_bus(at, dev_id, rev)).unwrap_or(0)
            }
        }
    }

    /// Writes a word of the core's private bus.
    pub(super) fn write_core(&mut self, at: u32, value: u32) {
        let ask = match at {
            m33::DHCSR => self.core.write_dhcsr(value),
            m33::AIRCR if value & 0xFFFF_0000 == aircr::VECTKEY && value & aircr::SYSRESETREQ != 0 => {
                Ask::Reset
            }
            m33::DCRSR => {
                self.core.write_dcrsr(value);
                Ask::Nothing
            }
            _ => {
                self.core.write(at, value);
                Ask::Nothing
            }
        };
        match ask {
            Ask::Nothing => {}
            Ask::Halt => self.halt_request(),
            Ask::Resume => self.resume(),
            Ask::Step => self.step(),
            Ask::Reset if self.core.runs != Runs::Reset => self.system_reset(rsr::SFTRSTF | rsr::PINRSTF),
            Ask::Reset => {}
        }
    }

    /// The ROM cannot be halted: the request takes effect when other code starts.
    fn halt_request(&mut self) {
        if !matches!(self.core.runs, Runs::Reset | Runs::Rss | Runs::Session) {
            self.halt_here(dfsr::HALTED);
        }
    }

    fn halt_here(&mut self, cause: u32) {
        let pc = self.program_counter();
        self.core.set_register(reg::PC, pc);
        self.core.set_register(reg::XPSR, m33::XPSR_T);
        self.core.halt(cause);
    }

    /// Other code than the ROM's starts at `pc`; a halt that was asked for happens now.
    pub(crate) fn enter(&mut self, runs: Runs, sp: u32, pc: u32) {
        self.core.runs = runs;
        self.rom.entry = pc & !1;
        self.core.set_register(reg::MSP, sp);
        self.core.set_register(reg::LR, 0xFFFF_FFFF);
        self.core.set_register(reg::PC, pc & !1);
        self.core.set_register(reg::XPSR, m33::XPSR_T);
        if !self.core.wants_halt() {
            return;
        }
        match self.gate {
            Gate::Open => {
                let caught = self.core.demcr & demcr::VC_CORERESET != 0;
                self.core.halt(if caught { dfsr::VCATCH } else { dfsr::HALTED });
                self.rom.halted_at = pc & !1;
            }
            // Debug is not open yet, so the catch happens when the ROM opens it (inferred).
            Gate::OpensAt(time) => self.rom.due = Some(time),
            Gate::Shut => {}
        }
    }

    /// Debug has been opened while a halt was waiting.
    pub(crate) fn late_halt(&mut self) {
        if self.core.wants_halt() && !self.core.halted && self.ap1_open() {
            self.halt_here(dfsr::VCATCH);
        }
    }

    fn resume(&mut self) {
        let pc = self.core.register(reg::PC) & !1;
        self.core.resume();
        if self.service_address().is_some_and(|at| at & !1 == pc) {
            return self.call_service();
        }
        if self.is_breakpoint(pc) {
            return self.stop_at(pc);
        }
        let map = self.device().map;
        if pc == LOCKUP_PC {
            self.core.runs = Runs::Lockup;
        } else if map.bootloader.contains(pc) && self.rom.bootloader_since.is_some() {
            self.core.runs = Runs::Bootloader;
        } else if pc != self.rom.halted_at {
            self.core.runs = Runs::Foreign;
            self.rom.entry = pc;
        }
    }

    /// The core runs into a breakpoint instruction: it halts if a debugger is there.
    pub(crate) fn stop_at(&mut self, pc: u32) {
        self.core.runs = Runs::Foreign;
        self.rom.entry = pc;
        self.core.set_register(reg::PC, pc);
        if self.core.control & m33::dhcsr::C_DEBUGEN != 0 {
            self.core.halt(dfsr::BKPT);
            self.rom.halted_at = pc;
        } else {
            self.core.runs = Runs::Lockup;
        }
    }

    /// Whether a BKPT instruction stands at an address of SRAM.
    pub(crate) fn is_breakpoint(&self, pc: u32) -> bool {
        let at = regs::h5::memory::non_secure(pc);
        Sram::covers(self.device().map, at) && self.sram.read(at, Width::Half) & 0xFF00 == BKPT
    }

    fn step(&mut self) {
        let pc = self.core.register(reg::PC) & !1;
        self.core.resume();
        self.core.control |= m33::dhcsr::C_STEP;
        if self.core.runs != Runs::Lockup {
            self.core.set_register(reg::PC, pc.wrapping_add(2));
        }
        self.core.halt(dfsr::HALTED);
    }

    /// Where the core is: the debugger's register when halted, else something that fits what runs and moves with time.
    fn program_counter(&mut self) -> u32 {
        // Lossless: small numbers.
        let wander = (self.now / US % 64) as u32 * 2;
        let pc = match self.core.runs {
            Runs::Lockup => LOCKUP_PC,
            Runs::Bootloader => self.device().map.bootloader.start + 0x1000 + wander,
            _ => self.rom.entry.wrapping_add(wander),
        };
        self.rom.halted_at = pc;
        pc
    }

    fn sample(&mut self) -> u32 {
        let on = self.core.demcr & demcr::TRCENA != 0;
        if !on || self.core.halted || matches!(self.core.runs, Runs::Reset | Runs::Rss | Runs::Session) {
            return NO_SAMPLE;
        }
        let kept = self.rom.halted_at;
        let pc = self.program_counter();
        self.rom.halted_at = kept;
        pc
    }

    /// ICSR: while the bootloader is caught serving USB, its interrupt is active.
    fn exception(&self) -> u32 {
        let caught = self.core.halted && self.core.runs == Runs::Bootloader && self.claim().is_some();
        if caught { (16 + usb::IRQ) & icsr::VECTACTIVE } else { 0 }
    }

    /// Where the part boots from in flash: initial stack pointer and program counter. `None`: nothing there.
    pub(crate) fn vectors(&mut self) -> Option<(u32, u32)> {
        let options = &self.flash.nv.options;
        let register = if self.flash.trust_zone() {
            regs::h5::flash::SECBOOTR_CUR
        } else {
            regs::h5::flash::NSBOOTR_CUR
        };
        let base = regs::h5::memory::non_secure(options.get(register) & option::BOOTADD);
        let offset = base.checked_sub(regs::h5::memory::FLASH)?;
        if offset >= self.flash.nv.array.len() {
            return None;
        }
        let slot = self.flash.nv.array.slot(self.flash.physical(offset))?;
        let word = |at: usize| u32::from_le_bytes([slot[at], slot[at + 1], slot[at + 2], slot[at + 3]]);
        let (sp, pc) = (word(0), word(4));
        (sp != u32::MAX && pc != u32::MAX && pc & 1 == 1).then_some((sp, pc))
    }

    /// While debug authentication runs, the core's port is shut outside OPEN.
    pub(crate) fn shut_ap1(&mut self) {
        if self.rom.boot_state != ProductState::OPEN {
            self.gate = Gate::Shut;
        }
    }
}

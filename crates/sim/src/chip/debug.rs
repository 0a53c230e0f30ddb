//! Halting, resuming, stepping, and where the program counter is. [M33-1]

use super::core::Ask;
use super::{Gate, H5, LOCKUP_PC, Runs};
use crate::knobs::US;
use regs::h5::rcc::rsr;
use regs::h5::state::ProductState;
use regs::h5::{option, usb};
use regs::m33::{self, aircr, core_register as reg, dauthstatus, demcr, dfsr, dscsr, icsr};

/// A value of DWT_PCSR that is no address.
const NO_SAMPLE: u32 = 0xFFFF_FFFF;
/// Four data comparators, in DWT_CTRL.
const DWT_COMPARATORS: u32 = 4 << 28;
/// CYCCNTENA in DWT_CTRL.
const DWT_CYCCNTENA: u32 = 1 << 0;
/// Registers that are the processor's own: interrupts, system control, MPU, FPU.
const SYSTEM: std::ops::Range<u32> = 0xE000_E000..0xE000_EF90;

impl H5 {
    /// Reads a word of the core's private bus.
    pub(super) fn read_core(&mut self, at: u32) -> u32 {
        let secure = self.flash.trust_zone() && self.secure_debug();
        match at {
            m33::CPUID => regs::h5::device::CPUID,
            m33::ICSR if self.exception() != 0 => self.exception(),
            m33::AIRCR => aircr::VECTKEYSTAT,
            m33::DHCSR => self.core.read_dhcsr(secure, self.sleeps()),
            m33::DSCSR if self.flash.trust_zone() => dscsr::CDS,
            m33::DAUTHSTATUS => {
                let secure_pairs = dauthstatus::SID | dauthstatus::SNID;
                let disabled = secure_pairs & 0b1010_0000;
                dauthstatus::NSID | dauthstatus::NSNID | if secure { secure_pairs } else { disabled }
            }
            m33::DWT_PCSR => self.sample(),
            m33::DWT_CTRL => DWT_COMPARATORS | self.system().system(at) & DWT_CYCCNTENA,
            m33::DWT_CYCCNT => self.system().system(at),
            _ => self.core.read(at).unwrap_or_else(|| self.read_system(at)),
        }
    }

    fn read_system(&mut self, at: u32) -> u32 {
        match super::ids::core_bus(at, self.device().dev_id, 0) {
            Some(id) => id,
            None if SYSTEM.contains(&at) => self.system().system(at),
            None => 0,
        }
    }

    fn write_system(&mut self, at: u32, value: u32) {
        self.core.write(at, value);
        let own = SYSTEM.contains(&at) && self.core.read(at).is_none();
        if own || [m33::DWT_CTRL, m33::DWT_CYCCNT].contains(&at) {
            self.system().set_system(at, value);
        } else if let (m33::DEMCR, Some(cpu)) = (at, &self.cpu) {
            cpu.set_system(at, value);
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
                self.write_system(at, value);
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
        if self.core.live {
            return self.halt_executing(cause);
        }
        let pc = self.program_counter();
        self.core.set_register(reg::PC, pc);
        self.core.set_register(reg::XPSR, m33::XPSR_T);
        self.rom.halted_at = pc;
        self.core.halt(cause);
    }

    /// Halts a core that executes code, at the next instruction.
    pub(super) fn halt_executing(&mut self, cause: u32) {
        self.stop_executing();
        self.rom.halted_at = self.core.register(reg::PC);
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
        if self.ap1_open() {
            let caught = self.core.demcr & demcr::VC_CORERESET != 0;
            self.core.halt(if caught { dfsr::VCATCH } else { dfsr::HALTED });
            self.rom.halted_at = pc & !1;
        } else if let Gate::OpensAt(time) = self.gate {
            // Debug is not open yet, so the catch happens when the ROM opens it (inferred).
            self.rom.due = Some(time);
        }
    }

    /// Debug has been opened while a halt was waiting.
    pub(crate) fn late_halt(&mut self) {
        if self.core.wants_halt() && !self.core.halted && self.ap1_open() {
            self.halt_here(dfsr::VCATCH);
        }
    }

    fn resume(&mut self) {
        self.core.resume();
        self.go_on();
    }

    /// The core goes on where its program counter is: a model runs, or code is executed.
    pub(crate) fn go_on(&mut self) {
        let pc = self.core.register(reg::PC) & !1;
        if self.service_address().is_some_and(|at| at & !1 == pc) {
            return self.call_service();
        }
        if pc == LOCKUP_PC {
            self.core.runs = Runs::Lockup;
        } else if self.device().map.bootloader.contains(pc) {
            self.core.runs = Runs::Bootloader;
            self.rom.bootloader_since.get_or_insert(self.now);
        } else if pc != self.rom.halted_at || self.core.runs != Runs::User {
            self.core.runs = Runs::Foreign;
        }
    }

    /// One instruction of code; of a model, which has none, the program counter moves on.
    fn step(&mut self) {
        let pc = self.core.register(reg::PC) & !1;
        self.core.resume();
        self.core.control |= m33::dhcsr::C_STEP;
        self.go_on();
        match self.core.runs {
            Runs::Lockup | Runs::Service => self.core.halt(dfsr::HALTED),
            Runs::User | Runs::Foreign => {
                if self.execute_one() {
                    self.halt_executing(dfsr::HALTED);
                }
            }
            _ => {
                self.core.set_register(reg::PC, pc.wrapping_add(2));
                self.core.halt(dfsr::HALTED);
            }
        }
    }

    /// Where the core is: where it executes, or something that fits what runs and moves with time.
    fn program_counter(&self) -> u32 {
        // Lossless: small numbers.
        let wander = (self.now / US % 64) as u32 * 2;
        match self.core.runs {
            Runs::Lockup => LOCKUP_PC,
            Runs::Bootloader => self.device().map.bootloader.start + 0x1000 + wander,
            _ => self.executing_at().unwrap_or_else(|| self.rom.entry.wrapping_add(wander)),
        }
    }

    fn sample(&self) -> u32 {
        let on = self.core.demcr & demcr::TRCENA != 0;
        if !on || self.core.halted || matches!(self.core.runs, Runs::Reset | Runs::Rss | Runs::Session) {
            return NO_SAMPLE;
        }
        self.program_counter()
    }

    /// ICSR: while the bootloader is caught serving USB, or does nothing else, its interrupt is active.
    fn exception(&self) -> u32 {
        let caught = self.core.halted && self.core.runs == Runs::Bootloader && self.claim().is_some();
        if caught || self.starves() { (16 + usb::IRQ) & icsr::VECTACTIVE } else { 0 }
    }

    /// The address of the vector table after a reset. [H5-OB-2]
    pub(super) fn boot_address(&self) -> u32 {
        let register = if self.flash.trust_zone() {
            regs::h5::flash::SECBOOTR_CUR
        } else {
            regs::h5::flash::NSBOOTR_CUR
        };
        self.flash.nv.options.get(register) & option::BOOTADD
    }

    /// The vectors of reset there: initial stack pointer and program counter. `None`: nothing there.
    pub(crate) fn vectors(&mut self) -> Option<(u32, u32)> {
        let base = regs::h5::memory::non_secure(self.boot_address());
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

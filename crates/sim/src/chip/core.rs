//! The Cortex-M33 as a debugger sees it: what runs, whether it is halted, its registers. [M33-1] Instructions are in `exec.rs`.

use super::exec::Pace;
use regs::m33::{self, core_register as reg, dcrsr, demcr, dfsr, dhcsr};
use std::collections::BTreeMap;

/// What the core executes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Runs {
    /// Nothing: reset is held.
    Reset,
    /// The first stage of the ROM.
    Rss,
    /// The ROM's debug authentication.
    Session,
    /// The ROM bootloader.
    Bootloader,
    /// Code from flash.
    User,
    /// Nothing useful: no vector table.
    Lockup,
    /// DataProvisioning, called by a debugger.
    Service,
    /// Whatever a debugger put the program counter on.
    Foreign,
}

/// Where the core is when it locks up.
pub(crate) const LOCKUP_PC: u32 = 0xEFFF_FFFE;
/// CONTROL.SPSEL in the word of the special registers.
const SPSEL: u32 = 1 << 25;
/// Bits of DHCSR that a debugger keeps.
const CONTROL: u32 =
    dhcsr::C_DEBUGEN | dhcsr::C_HALT | dhcsr::C_STEP | dhcsr::C_MASKINTS | dhcsr::C_SNAPSTALL;

/// The core.
#[derive(Debug, Clone)]
pub(crate) struct Core {
    /// What it executes, or would if it were not halted.
    pub(crate) runs: Runs,
    /// Halted by the debugger.
    pub(crate) halted: bool,
    /// Debug control bits (DHCSR 15:0).
    pub(crate) control: u32,
    /// DEMCR.
    pub(crate) demcr: u32,
    sticky: u32,
    ready: bool,
    dcrdr: u32,
    dfsr: u32,
    pub(crate) registers: BTreeMap<u32, u32>,
    comparators: [u32; 8],
    fp_enabled: bool,
    /// The processor holds the core registers: it executes.
    pub(crate) live: bool,
    /// Its time.
    pub(crate) pace: Pace,
}

/// What a write to the debug registers asks the chip to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ask {
    /// Nothing more.
    Nothing,
    /// Go on from the program counter.
    Resume,
    /// One instruction.
    Step,
    /// Halt.
    Halt,
    /// System reset.
    Reset,
}

impl Core {
    /// After power-on.
    pub(crate) fn new() -> Self {
        Core {
            runs: Runs::Reset,
            halted: false,
            control: 0,
            demcr: 0,
            sticky: 0,
            ready: false,
            dcrdr: 0,
            dfsr: 0,
            registers: BTreeMap::new(),
            comparators: [0; 8],
            fp_enabled: false,
            live: false,
            pace: Pace::default(),
        }
    }

    /// A system reset: the core starts anew, most of its debug registers stay.
    pub(crate) fn reset(&mut self) {
        self.runs = Runs::Reset;
        self.halted = false;
        self.live = false;
        self.control &= !(dhcsr::C_HALT | dhcsr::C_STEP);
        self.sticky |= dhcsr::S_RESET_ST;
        self.registers.clear();
    }

    /// A core register.
    pub(crate) fn register(&self, selector: u32) -> u32 {
        self.registers.get(&self.alias(selector)).copied().unwrap_or(0)
    }

    /// Sets a core register.
    pub(crate) fn set_register(&mut self, selector: u32, value: u32) {
        self.registers.insert(self.alias(selector), value);
    }

    /// A halt was asked for, now or for the end of the reset.
    pub(crate) fn wants_halt(&self) -> bool {
        let debug = self.control & dhcsr::C_DEBUGEN != 0;
        debug && (self.control & dhcsr::C_HALT != 0 || self.demcr & demcr::VC_CORERESET != 0)
    }

    /// Halts; `cause` is a bit of DFSR.
    pub(crate) fn halt(&mut self, cause: u32) {
        self.halted = true;
        self.control |= dhcsr::C_HALT;
        self.dfsr |= cause;
        self.ready = true;
    }

    /// Leaves debug state.
    pub(crate) fn resume(&mut self) {
        self.halted = false;
        self.control &= !(dhcsr::C_HALT | dhcsr::C_STEP);
        self.sticky |= dhcsr::S_RESTART_ST | dhcsr::S_RETIRE_ST;
    }

    /// DHCSR; reading clears the sticky bits.
    pub(crate) fn read_dhcsr(&mut self, secure: bool, asleep: bool) -> u32 {
        let mut value = self.control | self.sticky;
        self.sticky = 0;
        let mut bit = |on: bool, bit: u32| value |= if on { bit } else { 0 };
        bit(self.ready, dhcsr::S_REGRDY);
        bit(self.halted, dhcsr::S_HALT);
        // Entering debug state ends a lockup; it comes back when the core is let go where it was.
        bit(self.runs == Runs::Lockup && !self.halted, dhcsr::S_LOCKUP);
        bit(asleep, dhcsr::S_SLEEP);
        bit(secure, dhcsr::S_SDE);
        let works = !matches!(self.runs, Runs::Reset | Runs::Lockup);
        if !self.halted && !asleep && works {
            self.sticky |= dhcsr::S_RETIRE_ST;
        }
        value
    }

    /// A write to DHCSR, without what the chip must do about it.
    pub(crate) fn write_dhcsr(&mut self, value: u32) -> Ask {
        if value & 0xFFFF_0000 != dhcsr::KEY {
            return Ask::Nothing;
        }
        let debug = value & dhcsr::C_DEBUGEN != 0;
        // Without C_DEBUGEN the other bits do nothing.
        self.control = if debug { value & CONTROL } else { 0 };
        let wants = self.control & dhcsr::C_HALT != 0;
        match (self.halted, wants) {
            (false, true) => Ask::Halt,
            (true, false) if self.control & dhcsr::C_STEP != 0 => Ask::Step,
            (true, false) => Ask::Resume,
            _ => Ask::Nothing,
        }
    }

    /// A write to DCRSR: moves one core register. Only a halted core answers.
    pub(crate) fn write_dcrsr(&mut self, value: u32) {
        self.ready = self.halted;
        if !self.halted {
            return;
        }
        let selector = value & dcrsr::REGSEL;
        if value & dcrsr::REGWNR != 0 {
            self.set_register(selector, self.dcrdr);
        } else {
            self.dcrdr = self.register(selector);
        }
    }

    /// A comparator of the breakpoint unit stands at this address.
    pub(crate) fn compares(&self, pc: u32) -> bool {
        self.fp_enabled && self.comparators.contains(&(pc | m33::fp_comp::BE))
    }

    /// SP is one of the two stack pointers; the two security states have one set of registers here.
    fn alias(&self, selector: u32) -> u32 {
        let own = |selector| self.registers.get(&selector).copied().unwrap_or(0);
        match selector {
            reg::SP if own(reg::SPECIAL) & SPSEL != 0 && own(reg::XPSR) & m33::XPSR_EXCEPTION == 0 => {
                reg::PSP
            }
            reg::SP | reg::MSP_NS | reg::MSP_S => reg::MSP,
            reg::PSP_NS | reg::PSP_S => reg::PSP,
            reg::MSPLIM_NS => reg::MSPLIM_S,
            reg::PSPLIM_NS => reg::PSPLIM_S,
            _ => selector,
        }
    }

    /// The other registers of the debug blocks that are not ids. `None`: not here.
    pub(crate) fn read(&mut self, at: u32) -> Option<u32> {
        Some(match at {
            m33::DCRDR => self.dcrdr,
            m33::DEMCR => self.demcr,
            m33::DFSR => self.dfsr,
            // Eight comparators, version 2.
            m33::FP_CTRL => 0x1000_0080 | u32::from(self.fp_enabled),
            _ => *self.comparators.get(comparator(at)?)?,
        })
    }

    /// Writes one of them.
    pub(crate) fn write(&mut self, at: u32, value: u32) {
        match at {
            m33::DCRDR => self.dcrdr = value,
            m33::DEMCR => self.demcr = value & (demcr::TRCENA | demcr::SDME | 0xFFFF),
            m33::DFSR => self.dfsr &= !(value & (dfsr::HALTED | 0x1F)),
            m33::FP_CTRL if value & m33::fp_ctrl::KEY != 0 => {
                self.fp_enabled = value & m33::fp_ctrl::ENABLE != 0;
            }
            _ => {
                if let Some(slot) = comparator(at).and_then(|n| self.comparators.get_mut(n)) {
                    *slot = value;
                }
            }
        }
    }
}

fn comparator(at: u32) -> Option<usize> {
    at.checked_sub(m33::FP_COMP0).map(|offset| offset as usize / 4).filter(|n| *n < 8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dhcsr_takes_writes_with_its_key_only() {
        let mut core = Core::new();
        assert_eq!(core.write_dhcsr(dhcsr::C_DEBUGEN | dhcsr::C_HALT), Ask::Nothing);
        assert_eq!(core.write_dhcsr(dhcsr::KEY | dhcsr::C_DEBUGEN | dhcsr::C_HALT), Ask::Halt);
        assert_eq!(core.write_dhcsr(dhcsr::KEY | dhcsr::C_HALT), Ask::Nothing, "C_HALT needs C_DEBUGEN");
    }

    #[test]
    fn s_reset_st_is_cleared_by_reading() {
        let mut core = Core::new();
        core.reset();
        assert_ne!(core.read_dhcsr(false, false) & dhcsr::S_RESET_ST, 0);
        assert_eq!(core.read_dhcsr(false, false) & dhcsr::S_RESET_ST, 0);
    }

    #[test]
    fn core_registers_move_only_while_halted() {
        let mut core = Core::new();
        core.write(m33::DCRDR, 0x1234);
        core.write_dcrsr(reg::PC | dcrsr::REGWNR);
        assert_eq!(core.register(reg::PC), 0);
        core.halt(dfsr::HALTED);
        core.write_dcrsr(reg::PC | dcrsr::REGWNR);
        assert_eq!(core.register(reg::PC), 0x1234);
        core.write(m33::DCRDR, 0);
        core.write_dcrsr(reg::PC);
        assert_eq!(core.read(m33::DCRDR), Some(0x1234));
        assert_ne!(core.read_dhcsr(false, false) & dhcsr::S_REGRDY, 0);
    }

    #[test]
    fn sp_is_the_stack_pointer_that_control_names() {
        let mut core = Core::new();
        core.set_register(reg::MSP, 0x2000_1000);
        core.set_register(reg::PSP, 0x2000_2000);
        assert_eq!(core.register(reg::SP), 0x2000_1000);
        core.set_register(reg::SPECIAL, SPSEL);
        assert_eq!(core.register(reg::SP), 0x2000_2000);
        core.set_register(reg::XPSR, m33::XPSR_T | 3);
        assert_eq!(core.register(reg::SP), 0x2000_1000, "an exception uses the main stack");
    }
}

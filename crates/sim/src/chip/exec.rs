//! The core executes code: time, what stops it, what it reaches. [M33-2] [M33-3]
//!
//! The chip has no clock, so the core lags behind and catches up whenever somebody looks ([`H5::execute`]). ROM code is not
//! executed: where the program counter enters a modelled function, the model runs.

use super::core::Core;
use super::{H5, LOCKUP_PC, NonVolatile, Runs, Sram};
use crate::bus::{Outcome, Request, Time};
use crate::cpu::{Bus, Cpu, Regs};
use crate::knobs::{Knobs, RomUsb};
use regs::h5::device::Family;
use regs::h5::memory;
use regs::h5::rcc::rsr;
use regs::h5::usb;
use regs::m33::{self, core_register as reg, demcr, dfsr, dhcsr};
use wire::Width;

/// Picoseconds a microsecond, to divide a clock in MHz.
const PICOS: u64 = 1_000_000;
/// Longest stretch of instructions that is executed between two looks at the chip; the rest of the time passes without. A
/// bound on the simulator's own work, not a fact.
const STRETCH: u32 = 500_000;
/// Loops of up to so many instructions that change nothing are passed over.
const LOOP: u32 = 256;
/// First address of memory that code cannot be fetched from (peripherals).
const EXECUTE_NEVER: u32 = 0x4000_0000;
/// Registers and memory of USB.
const USB_LEN: u32 = 0x1000;
/// BKPT in Thumb code: 0xBExx.
const BKPT: u32 = 0xBE00;

/// What the core's clock and bus remember from instruction to instruction.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pace {
    /// When the next instruction begins.
    pub(crate) time: Time,
    /// Picoseconds of it.
    picos: u64,
    /// The bus is held until then.
    held: Time,
    /// Memory changed, or something was read that changes by itself.
    touched: bool,
    /// Instructions since somebody last looked.
    pub(crate) stretch: u32,
}

/// Why the core does not go on by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stop {
    /// The time is over, or something else is due.
    Time,
    /// Breakpoint instruction or comparator.
    Breakpoint,
    /// A fault that is to be caught.
    Catch,
    /// A fault met a fault.
    Lockup,
    /// Code asked for a reset.
    Reset,
    /// It runs into a modelled function.
    Model,
}

/// A place in a loop, to see whether the core comes by again with nothing changed.
struct Mark {
    registers: Regs,
    time: Time,
    age: u32,
}

impl H5 {
    /// Whether code is executed now (not a model of it).
    pub(super) fn executes(&self) -> bool {
        matches!(self.core.runs, Runs::User | Runs::Foreign) && !self.core.halted && self.has_power()
    }

    /// Executes up to `end`, or until something else comes first.
    pub(super) fn execute(&mut self, end: Time) {
        if self.core.live && self.core.pace.time >= end {
            return;
        }
        let stop = self.with_cpu(|cpu| run(cpu, end));
        self.stopped(stop);
    }

    /// One instruction for a debugger; `false`: it stopped for another reason than having done so.
    pub(super) fn execute_one(&mut self) -> bool {
        let stop = self.with_cpu(|cpu| stops_before(cpu).or_else(|| one(cpu)));
        match stop {
            None | Some(Stop::Time | Stop::Catch) => true,
            Some(stop) => {
                self.stopped(stop);
                false
            }
        }
    }

    fn stopped(&mut self, stop: Stop) {
        match stop {
            Stop::Time => {}
            Stop::Breakpoint => self.halt_executing(dfsr::BKPT),
            Stop::Catch => self.halt_executing(dfsr::VCATCH),
            Stop::Lockup => {
                self.stop_executing();
                self.core.runs = Runs::Lockup;
                self.core.set_register(reg::PC, LOCKUP_PC);
            }
            Stop::Reset => self.system_reset(rsr::SFTRSTF | rsr::PINRSTF),
            Stop::Model => {
                self.stop_executing();
                self.go_on();
            }
        }
    }

    /// The debugger's registers are those of the processor from now on.
    pub(super) fn stop_executing(&mut self) {
        if let Some(cpu) = self.cpu.as_mut().filter(|_| self.core.live) {
            cpu.mask_interrupts(false);
            keep(&mut self.core, cpu);
        }
        self.core.live = false;
    }

    /// The core's registers, also while it runs.
    pub(crate) fn core_registers(&self) -> std::collections::BTreeMap<u32, u32> {
        let mut core = self.core.clone();
        if let (true, Some(cpu)) = (core.live, &self.cpu) {
            keep(&mut core, cpu);
        }
        core.registers
    }

    /// Lends the chip to the processor, which goes on with the core's registers.
    fn with_cpu<T>(&mut self, f: impl FnOnce(&Cpu<H5>) -> T) -> T {
        let mut cpu = self.cpu.take().unwrap_or_else(|| self.processor());
        if !self.core.live {
            load(&mut cpu, &self.core);
            self.core.live = true;
            self.core.pace = Pace { time: self.now, ..Pace::default() };
        }
        let debug = dhcsr::C_DEBUGEN | dhcsr::C_MASKINTS;
        cpu.mask_interrupts(self.core.control & debug == debug);
        cpu.lend(self);
        let result = f(&cpu);
        cpu.lend(self);
        self.cpu = Some(cpu);
        result
    }

    /// The processor with its own registers (NVIC, system control). After a reset there is a new one.
    pub(super) fn system(&mut self) -> &Cpu<H5> {
        let cpu = self.cpu.take().unwrap_or_else(|| self.processor());
        self.cpu.insert(cpu)
    }

    fn processor(&self) -> Box<Cpu<H5>> {
        let cpu = Cpu::new(self.boot_address(), regs::h5::device::CPUID, spare());
        cpu.set_system(m33::DEMCR, self.core.demcr);
        Box::new(cpu)
    }

    /// Where the core is, while it executes.
    pub(super) fn executing_at(&self) -> Option<u32> {
        self.cpu.as_ref().filter(|_| self.core.live).map(|cpu| cpu.pc())
    }

    /// Whether the core waits for an interrupt.
    pub(super) fn sleeps(&self) -> bool {
        self.core.live && self.cpu.as_ref().is_some_and(|cpu| cpu.is_asleep())
    }

    /// A half-word of memory that code can stand in, without a bus access.
    fn code_at(&self, pc: u32) -> u32 {
        let at = memory::non_secure(pc);
        if Sram::covers(self.device().map, at) {
            return self.sram.read(at, Width::Half);
        }
        let slot = at.checked_sub(memory::FLASH).filter(|offset| *offset < self.flash.nv.array.len());
        let slot = slot.and_then(|offset| self.flash.nv.array.slot(self.flash.physical(offset)));
        let half = |slot: [u8; super::SLOT]| {
            let from = (at % super::SLOT as u32) as usize & !1;
            slot.get(from..from + 2)
                .map_or(0, |half| half.iter().rev().fold(0, |v, b| v << 8 | u32::from(*b)))
        };
        slot.map_or(0, half)
    }

    /// Whether the code at `pc` is one of the functions that are modelled.
    fn is_model(&self, pc: u32) -> bool {
        let service = self.service_address().is_some_and(|at| at & !1 == pc);
        service || self.device().map.bootloader.contains(pc) || pc == LOCKUP_PC
    }

    /// What stops the core at `pc` before the instruction there, when a debugger is there.
    fn is_breakpoint(&self, pc: u32) -> bool {
        let debugged = self.core.control & dhcsr::C_DEBUGEN != 0;
        debugged && (self.core.compares(pc) || self.code_at(pc) & 0xFF00 == BKPT)
    }

    /// Whether what is read in peripheral space changes by itself, or by being read, before anything is due.
    fn moves(&self, at: u32) -> bool {
        let usb = (usb::BASE..usb::BASE + USB_LEN).contains(&memory::non_secure(at));
        usb || super::dbgmcu::covers(at & !3).is_some() || self.knobs.rom_usb != RomUsb::Off
    }

    /// An access of the core.
    fn core_access(&mut self, at: u32, width: Width, write: Option<u32>) -> Option<u32> {
        let secure = self.flash.trust_zone();
        match self.access_ap1(&Request { ap: 1, at, width, write, secure }) {
            Outcome::Done { value, at } => {
                self.core.pace.held = self.core.pace.held.max(at);
                Some(value)
            }
            Outcome::Error { .. } => None,
            Outcome::Stuck => {
                self.core.pace.held = super::NEVER;
                Some(0)
            }
        }
    }
}

impl Clone for Cpu<H5> {
    fn clone(&self) -> Self {
        self.copy(spare())
    }
}

impl Bus for H5 {
    fn load(&mut self, at: u32, width: Width, fetch: bool) -> Option<u32> {
        if fetch && at >= EXECUTE_NEVER {
            return None;
        }
        self.core.pace.touched |= at >= EXECUTE_NEVER && self.moves(at);
        self.core_access(at, width, None)
    }

    fn store(&mut self, at: u32, width: Width, value: u32) -> Option<()> {
        self.core.pace.touched = true;
        self.core_access(at, width, Some(value)).map(|_| ())
    }
}

/// What stands on the processor's bus while the chip is not lent.
fn spare() -> H5 {
    H5::new(Knobs::default(), NonVolatile::factory(Family::H503, 128, None))
}

/// Goes on until `end`.
fn run(cpu: &Cpu<H5>, end: Time) -> Stop {
    let mut mark: Option<Mark> = None;
    loop {
        let (touched, due, now) = cpu.with_bus(|chip| {
            let touched = std::mem::take(&mut chip.core.pace.touched);
            (touched, touched && chip.next_due() < end, chip.core.pace.time)
        });
        if due || now >= end {
            return Stop::Time;
        }
        if let Some(stop) = stops_before(cpu) {
            return stop;
        }
        if cpu.is_asleep() {
            sleep(cpu, end);
        } else if touched || cpu.counts() {
            mark = None;
        } else {
            mark = pass_over(cpu, mark, end);
        }
        if let Some(stop) = one(cpu) {
            return stop;
        }
    }
}

/// What stops the core before the next instruction.
fn stops_before(cpu: &Cpu<H5>) -> Option<Stop> {
    let pc = cpu.pc();
    cpu.with_bus(|chip| {
        if chip.is_breakpoint(pc) { Some(Stop::Breakpoint) } else { chip.is_model(pc).then_some(Stop::Model) }
    })
}

/// One instruction and the time it takes; what it led to.
fn one(cpu: &Cpu<H5>) -> Option<Stop> {
    let catches = cpu.with_bus(|chip| {
        chip.now = chip.now.max(chip.core.pace.time);
        let catches = chip.core.control & dhcsr::C_DEBUGEN != 0 && chip.core.demcr & demcr::VC_FAULTS != 0;
        catches.then_some(chip.core.demcr)
    });
    let before = cpu.exception();
    let cycles = cpu.step();
    cpu.with_bus(|chip| chip.pass(cycles));
    if cpu.wants_reset() {
        Some(Stop::Reset)
    } else if cpu.is_locked_up() {
        Some(Stop::Lockup)
    } else {
        let caught = catches.is_some_and(|demcr| cpu.exception() != before && is_caught(cpu, demcr));
        caught.then_some(Stop::Catch)
    }
}

impl H5 {
    /// Somebody looks: the core has its stretch anew.
    pub(super) fn looked_at(&mut self) {
        if self.core.pace.stretch > STRETCH {
            self.core.pace.time = self.now;
        }
        self.core.pace.stretch = 0;
    }

    /// Lets the time of so many cycles pass for the core, and of what held its bus.
    fn pass(&mut self, cycles: u64) {
        let pace = &mut self.core.pace;
        pace.picos += cycles * PICOS / u64::from(self.knobs.core_mhz);
        pace.time = pace.time.saturating_add(pace.picos / 1000).max(pace.held);
        pace.picos %= 1000;
        pace.stretch += 1;
        if pace.stretch > STRETCH {
            pace.time = super::NEVER;
        }
    }
}

/// Whether vector catch stops at the exception that was just entered. [M33-3]
fn is_caught(cpu: &Cpu<H5>, catch: u32) -> bool {
    const UFSR: u32 = 16;
    let faults = cpu.system(m33::CFSR) >> UFSR;
    let wanted = match cpu.exception() {
        3 => demcr::VC_HARDERR,
        4 => demcr::VC_MMERR,
        5 => demcr::VC_BUSERR,
        6 if faults & 0b1000 != 0 => demcr::VC_NOCPERR,
        6 if faults & 0x300 != 0 => demcr::VC_CHKERR,
        6 => demcr::VC_STATERR,
        7 => demcr::VC_SFERR,
        _ => 0,
    };
    // An exception that ends can lead back into a fault handler: that is no entry.
    let vector = cpu.system(m33::VTOR) + 4 * u32::from(cpu.exception());
    let entry = cpu.with_bus(|chip| chip.core_access(vector, Width::Word, None));
    catch & wanted != 0 && entry.is_some_and(|entry| entry & !1 == cpu.pc())
}

/// Sleep: nothing but its own counter wakes the core.
fn sleep(cpu: &Cpu<H5>, end: Time) {
    let left = cpu.with_bus(|chip| {
        let left = end.saturating_sub(chip.core.pace.time);
        u64::try_from(u128::from(left) * u128::from(chip.knobs.core_mhz) / 1000).unwrap_or(u64::MAX)
    });
    let cycles = cpu.sleep(left);
    cpu.with_bus(|chip| chip.pass(cycles));
}

/// A loop that comes by with the same registers, no store and nothing read that changes goes on so: whole turns of it are
/// passed over.
fn pass_over(cpu: &Cpu<H5>, mark: Option<Mark>, end: Time) -> Option<Mark> {
    let time = cpu.with_bus(|chip| chip.core.pace.time);
    let Some(mark) = mark.filter(|mark| mark.age < LOOP) else {
        return Some(Mark { registers: cpu.registers(), time, age: 0 });
    };
    if cpu.pc() == mark.registers.r[15] && cpu.registers() == mark.registers {
        let turn = (time - mark.time).max(1);
        cpu.with_bus(|chip| chip.core.pace.time += (end - time) / turn * turn);
        return None;
    }
    Some(Mark { age: mark.age + 1, ..mark })
}

/// The debugger's registers from the processor.
fn keep(core: &mut Core, cpu: &Cpu<H5>) {
    let registers = cpu.registers();
    let special = [
        registers.control,
        u32::from(registers.faultmask),
        registers.basepri.into(),
        registers.primask.into(),
    ];
    let special = special.into_iter().fold(0, |word, byte| word << 8 | byte);
    core.registers.extend((0..).zip(registers.r));
    let (main, process) = cpu.stack_limits();
    let named = [
        (reg::XPSR, registers.xpsr),
        (reg::MSP, registers.msp),
        (reg::PSP, registers.psp),
        (reg::SPECIAL, special),
        (reg::MSPLIM_S, main),
        (reg::PSPLIM_S, process),
    ];
    core.registers.extend(named);
    core.registers.extend((0..33).map(|n| (float(n), cpu.float(n))));
}

/// The processor's registers from the debugger's.
fn load(cpu: &mut Cpu<H5>, core: &Core) {
    let mut registers = Regs::new();
    (0..).zip(&mut registers.r).for_each(|(n, to)| *to = core.register(n));
    let special = core.register(reg::SPECIAL);
    registers.msp = core.register(reg::MSP) & !3;
    registers.psp = core.register(reg::PSP) & !3;
    registers.xpsr = core.register(reg::XPSR);
    // Lossless: one byte each.
    registers.basepri = (special >> 8) as u8;
    registers.control = special >> 24;
    registers.faultmask = special >> 16 & 1 != 0;
    registers.primask = special & 1 != 0;
    registers.r[15] &= !1;
    cpu.set_registers(registers);
    cpu.set_stack_limits(core.register(reg::MSPLIM_S), core.register(reg::PSPLIM_S));
    (0..33).for_each(|n| cpu.set_float(n, core.register(float(n))));
}

/// The selector of a floating-point register; 32 is FPSCR.
fn float(n: u8) -> u32 {
    if n < 32 { reg::S0 + u32::from(n) } else { reg::FPSCR }
}

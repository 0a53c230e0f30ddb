//! The Armv8-M processor: the only module that names the emulator (`rsemu`).
//!
//! The emulator owns what its bus leads to, so a chip is lent to it while code runs ([`Cpu::lend`]) and taken back after.
//! Supported is what `rsemu` does for a Cortex-M33 with single-precision FPU: Armv8-M Mainline, its exceptions, faults, NVIC,
//! SysTick, MPU and stack limits. Not supported: security states (code of a part with TrustZone runs in one state),
//! peripheral interrupts, and halting debug, which the chip does around it.

use rsemu::core::error::BusError;
use rsemu::core::space::{AccessPurpose, AddressSpace, MemAttrs, MemOps, MemResult, Region};
use rsemu::cpu::arm::v7m::sys::Exception;
use rsemu::cpu::arm::v7m::{ArmV7m, Config};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use wire::Width;

pub(crate) use rsemu::cpu::arm::v7m::Regs;

/// Priority bits of an STM32H5. [M33-2]
const PRIORITY_BITS: u8 = 4;
/// First exception that C_MASKINTS holds back: PendSV, SysTick and interrupts.
const FIRST_MASKABLE: u32 = 14;

/// Bits of SYST_CSR.
mod syst_csr {
    pub(super) const ENABLE: u32 = 1 << 0;
    pub(super) const TICKINT: u32 = 1 << 1;
}

/// What the processor's loads, stores and fetches go to.
pub(crate) trait Bus: fmt::Debug + Send + 'static {
    /// A read, aligned to its width. `None`: a bus fault.
    fn load(&mut self, at: u32, width: Width, fetch: bool) -> Option<u32>;
    /// A write, aligned to its width. `None`: a bus fault.
    fn store(&mut self, at: u32, width: Width, value: u32) -> Option<()>;
}

/// The bus as the emulator sees it; it answers while a chip is lent.
#[derive(Debug)]
struct Wires<B> {
    lent: bool,
    bus: B,
}

#[derive(Debug)]
struct Port<B>(Mutex<Wires<B>>);

impl<B> Port<B> {
    fn wires(&self) -> MutexGuard<'_, Wires<B>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<B: Bus> MemOps for Port<B> {
    fn read(&self, offset: u64, bytes: &mut [u8], attrs: MemAttrs) -> MemResult {
        let (at, width) = place(offset, bytes.len())?;
        let mut wires = self.wires();
        let fetch = attrs.purpose == AccessPurpose::FETCH;
        let value = if wires.lent { wires.bus.load(at, width, fetch) } else { None };
        let value = value.ok_or(BusError::Unassigned)?;
        bytes.iter_mut().zip(value.to_le_bytes()).for_each(|(to, from)| *to = from);
        Ok(())
    }

    fn write(&self, offset: u64, bytes: &[u8], _: MemAttrs) -> MemResult {
        let (at, width) = place(offset, bytes.len())?;
        let value = bytes.iter().rev().fold(0, |value, byte| value << 8 | u32::from(*byte));
        let mut wires = self.wires();
        if !wires.lent {
            return Err(BusError::Unassigned);
        }
        wires.bus.store(at, width, value).ok_or(BusError::Unassigned)
    }
}

fn place(offset: u64, len: usize) -> MemResult<(u32, Width)> {
    let at = u32::try_from(offset).map_err(|_| BusError::Unassigned)?;
    let width = match len {
        1 => Width::Byte,
        2 => Width::Half,
        4 => Width::Word,
        _ => return Err(BusError::BadAccess),
    };
    Ok((at, width))
}

/// The processor.
#[derive(Debug)]
pub(crate) struct Cpu<B> {
    core: ArmV7m,
    port: Arc<Port<B>>,
    space: Arc<AddressSpace>,
    config: Config,
    masked: Option<Vec<u32>>,
}

impl<B: Bus> Cpu<B> {
    /// A processor whose vector table is at `vectors` after reset. `spare` stands on its bus while no chip is lent.
    pub(crate) fn new(vectors: u32, cpuid: u32, spare: B) -> Self {
        let mut config = Config::CORTEX_M33F;
        config.cpuid = cpuid;
        config.priority_bits = PRIORITY_BITS;
        config.reset_vtor = vectors;
        Self::wired(config, spare)
    }

    fn wired(config: Config, spare: B) -> Self {
        let port = Arc::new(Port(Mutex::new(Wires { lent: false, bus: spare })));
        let space = AddressSpace::new("core", 32);
        // There is nothing else in this space that it could overlap.
        let _ = space.topology().map(Region::io("chip", 1 << 32, Arc::clone(&port) as _), 0);
        let space = Arc::new(space);
        Cpu { core: started(config, &space), port, space, config, masked: None }
    }

    /// Another one in the same state, awake.
    pub(crate) fn copy(&self, spare: B) -> Self {
        let mut copy = Self::wired(self.config, spare);
        copy.take_state(&self.core);
        copy.masked.clone_from(&self.masked);
        copy.core.set_regs(self.core.regs());
        copy
    }

    /// Lends the chip to the bus, or takes it back: it changes places with what stands there.
    pub(crate) fn lend(&self, bus: &mut B) {
        let mut wires = self.port.wires();
        wires.lent = !wires.lent;
        std::mem::swap(&mut wires.bus, bus);
    }

    /// Does something with what is lent.
    pub(crate) fn with_bus<T>(&self, f: impl FnOnce(&mut B) -> T) -> T {
        f(&mut self.port.wires().bus)
    }

    /// One instruction, exception entry or cycle of sleep; how many cycles it took.
    pub(crate) fn step(&self) -> u64 {
        self.core.step()
    }

    /// The register file.
    pub(crate) fn registers(&self) -> Regs {
        self.core.regs()
    }

    /// Sets the register file. A processor that slept or was locked up goes on from there.
    pub(crate) fn set_registers(&mut self, registers: Regs) {
        if self.core.is_asleep() || self.core.is_locked_up() {
            self.renew();
        }
        self.core.set_regs(registers);
    }

    /// The emulator has no way out of sleep and lockup but reset, so its state moves to another one.
    fn renew(&mut self) {
        let fresh = started(self.config, &self.space);
        let old = std::mem::replace(&mut self.core, fresh);
        self.take_state(&old);
    }

    /// Takes over all but the core registers.
    fn take_state(&self, old: &ArmV7m) {
        let sys = old.with_sys(|sys| sys.clone());
        self.core.with_sys(|to| *to = sys);
        let (main, process) = old.stack_limits();
        self.core.set_stack_limits(main, process);
        self.core.set_fpscr(old.fpscr());
        (0..32).for_each(|n| self.core.set_s(n, old.s(n)));
    }

    /// Address of the next instruction.
    pub(crate) fn pc(&self) -> u32 {
        self.core.pc()
    }

    /// Number of the running exception.
    pub(crate) fn exception(&self) -> u16 {
        self.core.current_exception().0
    }

    /// The processor waits for an interrupt or event.
    pub(crate) fn is_asleep(&self) -> bool {
        self.core.is_asleep()
    }

    /// A fault met a fault.
    pub(crate) fn is_locked_up(&self) -> bool {
        self.core.is_locked_up()
    }

    /// Code wrote AIRCR.SYSRESETREQ.
    pub(crate) fn wants_reset(&self) -> bool {
        self.core.reset_requested()
    }

    /// Stack limits, main and process.
    pub(crate) fn stack_limits(&self) -> (u32, u32) {
        self.core.stack_limits()
    }

    /// Sets them.
    pub(crate) fn set_stack_limits(&self, main: u32, process: u32) {
        self.core.set_stack_limits(main, process);
    }

    /// A floating-point register; 32 is FPSCR.
    pub(crate) fn float(&self, n: u8) -> u32 {
        if n < 32 { self.core.s(n) } else { self.core.fpscr() }
    }

    /// Sets one.
    pub(crate) fn set_float(&self, n: u8, value: u32) {
        if n < 32 { self.core.set_s(n, value) } else { self.core.set_fpscr(value) }
    }

    /// A word of the processor's own registers (NVIC, SysTick, system control, MPU), without side effects.
    pub(crate) fn system(&self, at: u32) -> u32 {
        self.core.with_sys(|sys| sys.read_word(at, true)).unwrap_or(0)
    }

    /// Writes one.
    pub(crate) fn set_system(&self, at: u32, value: u32) {
        self.core.with_sys(|sys| sys.write_word(at, value));
    }

    /// Something of its own counts: standing still is not the same as doing nothing.
    pub(crate) fn counts(&self) -> bool {
        self.core.with_sys(|sys| sys.syst_csr & syst_csr::ENABLE != 0 || sys.cyccnt_enabled())
    }

    /// Lets its counters pass over this many cycles of sleep, but not beyond the next SysTick interrupt; how many passed.
    pub(crate) fn sleep(&self, cycles: u64) -> u64 {
        self.core.with_sys(|sys| {
            let ticks = sys.syst_csr & syst_csr::ENABLE != 0;
            let cycles = if ticks { cycles.min(u64::from(sys.syst_cvr).max(1)) } else { cycles };
            if sys.tick_systick(cycles) && sys.syst_csr & syst_csr::TICKINT != 0 {
                sys.set_pending(Exception::SYSTICK, true);
            }
            sys.tick_cyccnt(cycles);
            cycles
        })
    }

    /// C_MASKINTS: holds PendSV, SysTick and interrupts back, or lets them come again.
    pub(crate) fn mask_interrupts(&mut self, mask: bool) {
        if mask == self.masked.is_some() {
            return;
        }
        let kept = self.masked.take();
        self.masked = self.core.with_sys(|sys| match kept {
            Some(kept) => {
                sys.enable.iter_mut().zip(kept).for_each(|(word, kept)| *word |= kept);
                None
            }
            None => {
                let kept = sys.enable.to_vec();
                let system = (1 << FIRST_MASKABLE) - 1;
                sys.enable
                    .iter_mut()
                    .enumerate()
                    .for_each(|(n, word)| *word &= if n == 0 { system } else { 0 });
                Some(kept)
            }
        });
    }
}

/// A core that is through its reset sequence; nothing is lent, so it read no vectors and its registers are to be set.
fn started(config: Config, space: &Arc<AddressSpace>) -> ArmV7m {
    let core = ArmV7m::new(config);
    core.attach_space(Arc::clone(space));
    core.set_vtor(config.reset_vtor);
    core.step();
    core
}

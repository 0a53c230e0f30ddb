//! The core's debug registers: halt, run, core registers. [M33-1]
//!
//! How long the core may take to acknowledge is `adi.power-up`: the patience with the debug domain.

use crate::{Adi, AdiError, CoreAccess, CoreStatus};
use pace::{PollEnd, Site, poll};
use regs::m33::{DCRDR, DCRSR, DEMCR, DHCSR, DWT_PCSR, dcrsr, demcr, dhcsr};
use std::sync::Arc;
use wire::{Addr, Batch, Flow, MemOp};

impl CoreAccess {
    pub(crate) const fn batch(self, ops: Vec<MemOp>) -> Batch {
        Batch { ap: self.ap, attr: self.attr, flow: Flow::Lockstep, ops }
    }
}

impl Adi {
    /// DHCSR. Reading it clears its `_ST` bits.
    ///
    /// # Errors
    /// [`AdiError`].
    pub fn core_status(&mut self, core: CoreAccess) -> Result<CoreStatus, AdiError> {
        self.read_word(core.ap, core.attr, Addr(DHCSR)).map(CoreStatus)
    }

    /// Halts the core.
    ///
    /// # Errors
    /// [`AdiError::Core`] when it does not halt.
    pub fn halt_core(&mut self, core: CoreAccess) -> Result<(), AdiError> {
        self.write_dhcsr(core, dhcsr::C_DEBUGEN | dhcsr::C_HALT)?;
        self.await_bit(core, dhcsr::S_HALT, "S_HALT")?;
        if let Some(attached) = &mut self.attached {
            attached.halted = true;
        }
        Ok(())
    }

    /// Lets the core run on, with halting debug still on.
    ///
    /// # Errors
    /// [`AdiError`].
    pub fn resume_core(&mut self, core: CoreAccess) -> Result<(), AdiError> {
        self.write_dhcsr(core, dhcsr::C_DEBUGEN)?;
        self.not_halted_by_us();
        Ok(())
    }

    /// Lets the core run on and switches halting debug off.
    ///
    /// # Errors
    /// [`AdiError`].
    pub fn leave_debug(&mut self, core: CoreAccess) -> Result<(), AdiError> {
        self.write_dhcsr(core, 0)?;
        self.not_halted_by_us();
        Ok(())
    }

    fn not_halted_by_us(&mut self) {
        if let Some(attached) = &mut self.attached {
            attached.halted = false;
        }
    }

    /// Lets a halted core execute one instruction. With `mask_interrupts` none of them is taken instead.
    ///
    /// # Errors
    /// [`AdiError::Core`] when it does not halt again.
    pub fn step_core(&mut self, core: CoreAccess, mask_interrupts: bool) -> Result<(), AdiError> {
        let mask = if mask_interrupts { dhcsr::C_MASKINTS } else { 0 };
        let control = |bits| MemOp::write_once(Addr(DHCSR), dhcsr::KEY | dhcsr::C_DEBUGEN | mask | bits);
        // C_MASKINTS may change only while the core is halted and stays so: one write before, one behind. [M33-1]
        if mask_interrupts {
            self.run(&core.batch(vec![control(dhcsr::C_HALT)]))?;
        }
        self.run(&core.batch(vec![control(dhcsr::C_STEP)]))?;
        self.await_bit(core, dhcsr::S_HALT, "S_HALT")?;
        if mask_interrupts {
            self.write_dhcsr(core, dhcsr::C_DEBUGEN | dhcsr::C_HALT)?;
        }
        Ok(())
    }

    /// Reads several core registers of a halted core in one batch. Reading one twice does no harm, so nothing here must
    /// happen only once.
    ///
    /// # Errors
    /// [`AdiError::MatchSpent`] when a transfer does not finish.
    pub fn read_core_regs(&mut self, core: CoreAccess, selectors: &[u32]) -> Result<Vec<u32>, AdiError> {
        let ready = dhcsr::S_REGRDY;
        let each = |selector: &u32| {
            [
                MemOp::write(Addr(DCRSR), selector & dcrsr::REGSEL),
                MemOp::WaitUntil { at: Addr(DHCSR), mask: ready, value: ready },
                MemOp::read(Addr(DCRDR)),
            ]
        };
        self.run(&core.batch(selectors.iter().flat_map(each).collect()))
    }

    /// Reads DWT_PCSR `count` times, as fast as the wire allows. DEMCR.TRCENA is set for it and put back.
    ///
    /// # Errors
    /// [`AdiError`].
    pub fn sample_pc(&mut self, core: CoreAccess, count: usize) -> Result<Vec<u32>, AdiError> {
        let before = self.read_word(core.ap, core.attr, Addr(DEMCR))?;
        let off = before & demcr::TRCENA == 0;
        if off {
            self.write_word(core.ap, core.attr, Addr(DEMCR), before | demcr::TRCENA)?;
        }
        let sampled = self.read_repeatedly(core.ap, core.attr, Addr(DWT_PCSR), count);
        if off {
            self.write_word(core.ap, core.attr, Addr(DEMCR), before)?;
        }
        sampled
    }

    /// Reads a core register of a halted core. `selector` as in [`regs::m33::core_register`].
    ///
    /// # Errors
    /// [`AdiError::Core`] when the transfer does not finish.
    pub fn read_core_reg(&mut self, core: CoreAccess, selector: u32) -> Result<u32, AdiError> {
        let select = MemOp::write_once(Addr(DCRSR), selector & dcrsr::REGSEL);
        self.run(&core.batch(vec![select]))?;
        self.await_bit(core, dhcsr::S_REGRDY, "S_REGRDY")?;
        self.read_word(core.ap, core.attr, Addr(DCRDR))
    }

    /// Writes a core register of a halted core.
    ///
    /// # Errors
    /// [`AdiError::Core`] when the transfer does not finish.
    pub fn write_core_reg(&mut self, core: CoreAccess, selector: u32, value: u32) -> Result<(), AdiError> {
        let select = MemOp::write_once(Addr(DCRSR), selector & dcrsr::REGSEL | dcrsr::REGWNR);
        self.run(&core.batch(vec![MemOp::write(Addr(DCRDR), value), select]))?;
        self.await_bit(core, dhcsr::S_REGRDY, "S_REGRDY")
    }

    pub(crate) fn write_dhcsr(&mut self, core: CoreAccess, bits: u32) -> Result<(), AdiError> {
        self.write_word(core.ap, core.attr, Addr(DHCSR), dhcsr::KEY | bits)
    }

    fn await_bit(&mut self, core: CoreAccess, bit: u32, name: &'static str) -> Result<(), AdiError> {
        let (clock, wait) = (Arc::clone(&self.clock), self.policy.wait(Site::PowerUp));
        let mut last = 0;
        let end = poll(&*clock, &wait, || {
            last = self.core_status(core)?.0;
            Ok((last & bit != 0).then_some(()))
        });
        end.map_err(|end| match end {
            PollEnd::Failed(error) => error,
            PollEnd::Spent(spent) => AdiError::Core { bit: name, dhcsr: last, spent: Box::new(spent) },
        })
    }
}

//! nRESET. Whatever happens, it does not stay low.

use crate::attach::not_yet;
use crate::engine::Nreset;
use crate::{Adi, AdiError, Attached, ConnectMode, CoreAccess, CoreStatus, Doing, Seen};
use pace::{PollEnd, Site, poll};
use regs::m33::{AIRCR, aircr};
use std::sync::Arc;
use std::time::Duration;
use wire::{Ack, Addr, Mark, MarkKind, MemOp, Pins};

impl Adi {
    /// Drives nRESET low and lets `reset.hold` pass, or releases it and lets `reset.settle` pass. What was believed of the
    /// access ports is forgotten. Returns the pins as they read.
    ///
    /// Whoever drives it low must release it: see [`Adi::in_reset`]. Dropping the engine releases it too.
    ///
    /// # Errors
    /// [`AdiError::NrstNotWorking`] when the pin does not follow; it is released then.
    pub fn hold_reset(&mut self, low: bool) -> Result<Pins, AdiError> {
        let result = self.drive_reset(low);
        if result.is_err() {
            self.release_reset();
        }
        result
    }

    fn drive_reset(&mut self, low: bool) -> Result<Pins, AdiError> {
        if !self.link.caps().reset_pin {
            return Err(AdiError::Unsupported("this probe has no nRESET"));
        }
        self.cache.clear();
        let doing = Doing::Nreset { low };
        let (out, pause) =
            if low { (Pins(0), self.policy.reset.hold) } else { (Pins::NRESET, self.policy.reset.settle) };
        // From here on it may be low, even if the probe does not answer.
        self.nreset = Nreset::Low;
        let pins = self.link.pins(out, Pins::NRESET, pause).map_err(|e| self.probe_error(e, doing))?;
        self.note(doing, Seen::Value(u32::from(pins.0)), Ack::OK, 0);
        if pins.has(Pins::NRESET) == low {
            return Err(AdiError::NrstNotWorking { low, pins });
        }
        if !low {
            self.nreset = Nreset::Released;
        }
        self.pause(pause);
        Ok(pins)
    }

    fn pause(&mut self, span: Duration) {
        if !span.is_zero() {
            self.link.mark(&Mark::new(MarkKind::Sleep, format!("{span:?}")));
            self.clock.sleep(span);
        }
    }

    /// Releases nRESET if it may be low. For error paths: there is nothing left to do when this fails.
    pub(crate) fn release_reset(&mut self) {
        if self.nreset == Nreset::Released {
            return;
        }
        match self.link.pins(Pins::NRESET, Pins::NRESET, self.policy.reset.settle) {
            Ok(_) => self.nreset = Nreset::Released,
            Err(error) => log::warn!("nRESET may still be low: {error}"),
        }
    }

    /// Does `work` with nRESET low and releases it whatever comes of it.
    ///
    /// # Errors
    /// Those of `work`, else those of [`Adi::hold_reset`].
    pub fn in_reset<T, E: From<AdiError>>(
        &mut self,
        work: impl FnOnce(&mut Adi) -> Result<T, E>,
    ) -> Result<T, E> {
        self.hold_reset(true)?;
        let done = work(self);
        if done.is_err() {
            self.release_reset();
            return done;
        }
        self.hold_reset(false)?;
        done
    }

    /// Pulses nRESET (`reset.hold`, `reset.settle`), proves that the pin follows, and connects to the debug port again
    /// (`reset.reconnect`).
    ///
    /// # Errors
    /// [`AdiError`].
    pub fn pulse_reset(&mut self) -> Result<(), AdiError> {
        self.pulse()?;
        self.reconnect().map(|_| ())
    }

    /// nRESET low and high again.
    pub(crate) fn pulse(&mut self) -> Result<(), AdiError> {
        self.in_reset(|_| Ok(()))
    }

    /// Resets the core and its peripherals by AIRCR.SYSRESETREQ, and waits until DHCSR says that it happened; with `halt`
    /// also until the core stands at its first instruction. nRESET is not driven.
    ///
    /// # Errors
    /// [`AdiError::Core`] when no reset is seen, or no halt; AIRCR was written exactly once.
    pub fn system_reset(&mut self, core: CoreAccess, halt: bool) -> Result<(), AdiError> {
        if halt {
            self.arm(core)?;
        }
        // Clears S_RESET_ST, so that what is seen afterwards is this reset.
        self.core_status(core)?;
        let request = MemOp::write_once(Addr(AIRCR), aircr::VECTKEY | aircr::SYSRESETREQ);
        match self.run(&core.batch(vec![request])) {
            Ok(_) => {}
            // The access port goes away with the reset that was asked for.
            Err(error) if not_yet(&error) => log::debug!("after SYSRESETREQ: {error}"),
            Err(error) => return Err(error),
        }
        self.cache.clear();
        self.await_reset(core, halt)?;
        if halt { self.disarm(core) } else { Ok(()) }
    }

    fn await_reset(&mut self, core: CoreAccess, halt: bool) -> Result<(), AdiError> {
        let (clock, wait) = (Arc::clone(&self.clock), self.policy.wait(Site::Reconnect));
        let (mut was_reset, mut last) = (false, Ok(CoreStatus(0)));
        let end = poll(&*clock, &wait, || {
            last = self.core_status(core);
            match &last {
                Ok(status) => {
                    // The bit clears when it is read.
                    was_reset |= status.was_reset();
                    Ok((was_reset && (status.halted() || !halt)).then_some(()))
                }
                Err(error) if not_yet(error) => {
                    if matches!(error, AdiError::LinkLost { .. }) {
                        self.establish_once(&mut None)?;
                    }
                    Ok(None)
                }
                Err(error) => Err(error.clone()),
            }
        });
        match (end, last) {
            (Ok(()), _) => Ok(()),
            (Err(PollEnd::Failed(error)), _) | (Err(PollEnd::Spent(_)), Err(error)) => Err(error),
            (Err(PollEnd::Spent(spent)), Ok(status)) => {
                let bit = if was_reset { "S_HALT" } else { "S_RESET_ST" };
                Err(AdiError::Core { bit, dhcsr: status.0, spent: Box::new(spent) })
            }
        }
    }

    /// Connects to the debug port again, within `reset.reconnect`, without touching nRESET.
    ///
    /// # Errors
    /// [`AdiError::NoTarget`] when it does not answer, and others.
    pub fn reconnect(&mut self) -> Result<Attached, AdiError> {
        self.link.mark(&Mark::new(MarkKind::Attempt, "reconnect"));
        let mode = self.attached.map_or(ConnectMode::Hotplug, |attached| attached.mode);
        let port = self.establish()?;
        Ok(self.now_attached(port, mode, None, false))
    }
}

//! nRESET. Whatever happens, it does not stay low.

use crate::engine::Nreset;
use crate::{Adi, AdiError, Attached, ConnectMode, Doing, Seen};
use std::time::Duration;
use wire::{Ack, Mark, MarkKind, Pins};

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

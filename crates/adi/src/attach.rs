//! Getting hold of the target in one of four ways. [ADI-8] [ADI-9] [ADI-13]

use crate::{
    Adi, AdiError, Attach, Attached, Catch, ConnectMode, CoreAccess, CtrlStat, Doing, DpReg, Seen, Wake, line,
};
use pace::{PollEnd, Site, Spent, poll};
use regs::dp::{DORMANT_TO_SWD, Dpidr, JTAG_TO_SWD, TargetId, abort, ctrl_stat};
use regs::m33;
use std::sync::Arc;
use wire::{Ack, Addr, Mark, MarkKind, MemOp};

/// A debug port that answers and is powered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DebugPort {
    dpidr: Dpidr,
    targetid: Option<TargetId>,
    wake: Wake,
}

/// The first debug port with a TARGETID.
const DPV2: u8 = 2;

impl Adi {
    /// Attaches. nRESET is released on every way out.
    ///
    /// [`ConnectMode::Hotplug`] writes nothing but ABORT, SELECT and the power-up bits of CTRL/STAT; later memory reads add
    /// CSW and TAR of their access port. [`ConnectMode::Normal`] also halts the core, and [`ConnectMode::UnderReset`]
    /// catches it at its reset vector.
    ///
    /// # Errors
    /// [`AdiError`].
    pub fn attach(&mut self, how: &Attach) -> Result<Attached, AdiError> {
        self.link.mark(&Mark::new(MarkKind::Attempt, format!("attach {}", how.mode)));
        self.attached = None;
        let result = self.attach_by(how);
        if result.is_err() {
            self.release_reset();
        }
        result
    }

    fn attach_by(&mut self, how: &Attach) -> Result<Attached, AdiError> {
        let core = || how.core.ok_or(AdiError::NoCore { mode: how.mode });
        match how.mode {
            ConnectMode::Hotplug => {
                let port = self.establish()?;
                Ok(self.now_attached(port, how.mode, None, false))
            }
            ConnectMode::Normal => {
                let core = core()?;
                let port = self.establish()?;
                self.halt_core(core)?;
                Ok(self.now_attached(port, how.mode, None, true))
            }
            ConnectMode::Pulse => {
                self.configure()?;
                self.pulse()?;
                let port = self.establish()?;
                Ok(self.now_attached(port, how.mode, None, false))
            }
            ConnectMode::UnderReset => self.attach_under_reset(core()?),
        }
    }

    pub(crate) fn now_attached(
        &mut self,
        port: DebugPort,
        mode: ConnectMode,
        catch: Option<Catch>,
        halted: bool,
    ) -> Attached {
        let DebugPort { dpidr, targetid, wake } = port;
        let attached = Attached { mode, dpidr, targetid, wake, catch, halted };
        self.attached = Some(attached);
        attached
    }

    /// Wakes the debug port, clears its sticky bits and powers it up, within `reset.reconnect`.
    pub(crate) fn establish(&mut self) -> Result<DebugPort, AdiError> {
        self.configure()?;
        let (clock, wait) = (Arc::clone(&self.clock), self.policy.wait(Site::Reconnect));
        let mut odd = None;
        poll(&*clock, &wait, || self.establish_once(&mut odd)).map_err(|end| match end {
            PollEnd::Failed(error) => error,
            PollEnd::Spent(spent) => AdiError::NoTarget { spent: Box::new(spent), dpidr: odd },
        })
    }

    /// One try. `None`: nobody answered. `odd`: what was read as DPIDR and cannot be one.
    pub(crate) fn establish_once(&mut self, odd: &mut Option<u32>) -> Result<Option<DebugPort>, AdiError> {
        self.cache.clear();
        let Some((dpidr, wake)) = self.wake(odd)? else { return Ok(None) };
        match self.power_up(dpidr) {
            Ok(targetid) => Ok(Some(DebugPort { dpidr, targetid, wake })),
            Err(AdiError::LinkLost { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn wake(&mut self, odd: &mut Option<u32>) -> Result<Option<(Dpidr, Wake)>, AdiError> {
        let ways: &[_] = if self.link.caps().sequences {
            &[(Wake::JtagToSwd, Some(&JTAG_TO_SWD)), (Wake::Dormant, Some(&DORMANT_TO_SWD))]
        } else {
            &[(Wake::ByProbe, None)]
        };
        for &(wake, sequence) in ways {
            if let Some(sequence) = sequence {
                let doing = Doing::Line(sequence.name);
                line::send(&mut *self.link, sequence).map_err(|e| self.probe_error(e, doing))?;
                self.note(doing, Seen::Nothing, Ack::OK, 0);
            }
            let doing = Doing::Dp { reg: DpReg::DPIDR, write: false };
            let id = line::dpidr(&mut *self.link).map_err(|e| self.probe_error(e, doing))?;
            let ack = if id.is_some() { Ack::OK } else { Ack::NONE };
            self.note(doing, id.map_or(Seen::Nothing, |id| Seen::Value(id.0)), ack, 0);
            match id {
                Some(id) if id.is_valid() => return Ok(Some((id, wake))),
                Some(id) => *odd = Some(id.0),
                None => {}
            }
        }
        Ok(None)
    }

    /// Clears what a session before left behind, and powers up. ABORT comes first: with a sticky bit set, everything else
    /// is answered FAULT. [ADI-2]
    fn power_up(&mut self, dpidr: Dpidr) -> Result<Option<TargetId>, AdiError> {
        self.write_dp(DpReg::ABORT, abort::CLEAR_ALL)?;
        self.write_dp(DpReg::SELECT, 0)?;
        self.write_dp(DpReg::CTRL_STAT, ctrl_stat::PWRUPREQ)?;
        let (clock, wait) = (Arc::clone(&self.clock), self.policy.wait(Site::PowerUp));
        let mut last = CtrlStat(0);
        let powered = poll(&*clock, &wait, || {
            last = CtrlStat(self.read_dp(DpReg::CTRL_STAT)?);
            Ok(last.powered().then_some(()))
        });
        powered.map_err(|end| match end {
            PollEnd::Failed(error) => error,
            PollEnd::Spent(spent) => AdiError::PowerUp { spent: Box::new(spent), ctrl_stat: last },
        })?;
        if dpidr.version() < DPV2 {
            return Ok(None);
        }
        match self.read_dp(DpReg::TARGETID) {
            Ok(id) => Ok(Some(TargetId(id))),
            // It only says what the target is: a probe that has no banked registers can do without.
            Err(AdiError::Unsupported(why)) => {
                log::debug!("TARGETID stays unknown: {why}");
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// nRESET low, connect, arm the reset catch, release, wait for the halt.
    fn attach_under_reset(&mut self, core: CoreAccess) -> Result<Attached, AdiError> {
        self.configure()?;
        self.hold_reset(true)?;
        // One try only: where the debug port is held in reset too, waiting longer does not help.
        let early = match self.establish_once(&mut None) {
            Err(error) if not_yet(&error) || matches!(error, AdiError::PowerUp { .. }) => None,
            answer => answer?,
        };
        let armed = early.is_some() && self.arm_in_reset(core)?;
        self.hold_reset(false)?;
        let port = match early {
            Some(port) => port,
            None => self.establish()?,
        };
        let catch = self.await_catch(core, armed)?;
        self.disarm(core)?;
        Ok(self.now_attached(port, ConnectMode::UnderReset, Some(catch), true))
    }

    /// Sets the reset catch. `false`: the access port cannot be used while nRESET is low.
    fn arm_in_reset(&mut self, core: CoreAccess) -> Result<bool, AdiError> {
        match self.arm(core) {
            Ok(()) => Ok(true),
            Err(error) if not_yet(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }

    pub(crate) fn arm(&mut self, core: CoreAccess) -> Result<(), AdiError> {
        let demcr = self.read_word(core.ap, core.attr, Addr(m33::DEMCR))?;
        let ops = vec![
            MemOp::write(Addr(m33::DHCSR), m33::dhcsr::KEY | m33::dhcsr::C_DEBUGEN),
            MemOp::write(Addr(m33::DEMCR), demcr | m33::demcr::VC_CORERESET),
        ];
        self.run(&core.batch(ops)).map(|_| ())
    }

    /// Later resets shall not halt the core.
    pub(crate) fn disarm(&mut self, core: CoreAccess) -> Result<(), AdiError> {
        let demcr = self.read_word(core.ap, core.attr, Addr(m33::DEMCR))?;
        self.write_word(core.ap, core.attr, Addr(m33::DEMCR), demcr & !m33::demcr::VC_CORERESET)
    }

    /// Waits for the halt after nRESET was released. A core that the catch did not hold is halted as soon as it can be
    /// reached.
    fn await_catch(&mut self, core: CoreAccess, armed: bool) -> Result<Catch, AdiError> {
        let (clock, wait) = (Arc::clone(&self.clock), self.policy.wait(Site::Reconnect));
        let mut catch = if armed { Catch::InReset } else { Catch::AfterRelease };
        let mut last = None;
        let end = poll(&*clock, &wait, || {
            let looked = self.look_for_halt(core, &mut catch);
            match looked {
                Ok((true, _)) => Ok(Some(())),
                Ok((false, dhcsr)) => {
                    last = Some(Ok(dhcsr));
                    Ok(None)
                }
                Err(error) if not_yet(&error) => {
                    if matches!(error, AdiError::LinkLost { .. }) {
                        self.establish_once(&mut None)?;
                    }
                    last = Some(Err(error));
                    Ok(None)
                }
                Err(error) => Err(error),
            }
        });
        match (end, last) {
            (Ok(()), _) => Ok(catch),
            (Err(PollEnd::Failed(error)), _) | (Err(PollEnd::Spent(_)), Some(Err(error))) => Err(error),
            (Err(PollEnd::Spent(spent)), last) => Err(not_halted(spent, last)),
        }
    }

    fn look_for_halt(&mut self, core: CoreAccess, catch: &mut Catch) -> Result<(bool, u32), AdiError> {
        let status = self.core_status(core)?;
        if !status.halted() {
            *catch = Catch::AfterRelease;
            self.write_dhcsr(core, m33::dhcsr::C_DEBUGEN | m33::dhcsr::C_HALT)?;
        }
        Ok((status.halted(), status.0))
    }
}

fn not_halted(spent: Spent, last: Option<Result<u32, AdiError>>) -> AdiError {
    let dhcsr = last.and_then(Result::ok).unwrap_or_default();
    AdiError::Core { bit: "S_HALT", dhcsr, spent: Box::new(spent) }
}

/// What an access port answers that cannot be used yet: in reset, or right after it.
pub(crate) const fn not_yet(error: &AdiError) -> bool {
    matches!(
        error,
        AdiError::Fault { .. }
            | AdiError::ApClosed { .. }
            | AdiError::WaitSpent { .. }
            | AdiError::ApBusy { .. }
            | AdiError::LinkLost { .. }
    )
}

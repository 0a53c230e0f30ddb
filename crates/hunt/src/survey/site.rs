//! The part under survey: how it is reached, in which moment, and what an answer is.

use super::{Allow, Check, Where};
use adi::{Adi, AdiError, Attach, ConnectMode, CoreAccess};
use h5::{ApEnable, H5Error, Identity, Part, ProductState, ap_open, identify, wait_ap_open};
use pace::Policy;
use regs::h5::dbgmcu::{self, idcode};
use regs::h5::device::{AP0, Device, OTHER_DEV_IDS};
use regs::h5::flash;
use std::time::Duration;
use wire::{Addr, ApSel, Attr, Batch, Flow, MemOp};

/// The access port that sees DBGMCU whatever the product state.
const DEBUG: ApSel = ApSel(AP0.ap);

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    /// The note holds.
    pub(crate) holds: bool,
    /// What was read.
    pub(crate) evidence: String,
    /// What makes a simulated board do the same.
    pub(crate) scenario: Vec<String>,
}

impl Found {
    pub(crate) fn new(holds: bool, evidence: impl Into<String>) -> Found {
        Found { holds, evidence: evidence.into(), scenario: Vec::new() }
    }

    /// One of several answers, each a value of a setting; the note holds when it is the one that is taken for granted.
    pub(crate) fn choice(key: &str, seen: &str, granted: &str, evidence: impl Into<String>) -> Found {
        Found::new(seen == granted, evidence).with(key, seen)
    }

    /// A setting that makes a simulated board do the same.
    pub(crate) fn with(mut self, key: &str, value: impl std::fmt::Display) -> Found {
        self.scenario.push(format!("{key}={value}"));
        self
    }
}

/// Why a check could not be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Gap(pub(crate) String);

pub(crate) type Answer = Result<Found, Gap>;

/// A reason for not asking.
pub(crate) fn gap<T>(why: impl Into<String>) -> Result<T, Gap> {
    Err(Gap(why.into()))
}

/// The part and the way to it.
pub(crate) struct Site<'a> {
    pub(crate) adi: &'a mut Adi,
    /// The access port of the core.
    pub(crate) ap: ApSel,
    pub(crate) device: &'static Device,
    pub(crate) dev_id: u16,
    pub(crate) rev_id: u16,
    /// `None`: the core's access port is shut.
    pub(crate) identity: Option<Identity>,
    /// Halting debug was switched on.
    halted: bool,
}

impl<'a> Site<'a> {
    /// Who is there. A shut access port is no error.
    pub(crate) fn open(adi: &'a mut Adi, ap: ApSel) -> Result<Self, H5Error> {
        let word = adi.read_word(DEBUG, Attr::Default, Addr(dbgmcu::BASE_AP0 + dbgmcu::IDCODE))?;
        let [_, _, rev_low, rev_high] = word.to_le_bytes();
        let [dev_low, dev_high, ..] = (word & idcode::DEV_ID).to_le_bytes();
        let dev_id = u16::from_le_bytes([dev_low, dev_high]);
        let Some(device) = Device::by_dev_id(dev_id).next() else {
            let name = OTHER_DEV_IDS.iter().find(|(id, _)| *id == dev_id).map_or("no STM32H5", |(_, n)| n);
            return Err(H5Error::WrongDevice(format!(
                "DEV_ID 0x{dev_id:03X} is {name}: there are no notes on it"
            )));
        };
        let identity = match identify(adi, ap) {
            Ok(identity) => Some(identity),
            Err(H5Error::ApShut { .. }) => None,
            Err(e) => return Err(e),
        };
        let rev_id = u16::from_le_bytes([rev_low, rev_high]);
        Ok(Site { adi, ap, device, dev_id, rev_id, identity, halted: false })
    }

    /// Whether a check can be made here.
    pub(crate) fn fits(&self, check: &Check, allow: Allow) -> Result<(), Gap> {
        if let Err(why) = self.is(check.on) {
            return gap(why);
        }
        if check.needs > allow {
            return gap(match check.needs {
                Allow::Look => "it was not allowed",
                Allow::Reset => "it resets the part: --allow-reset",
                Allow::Write => "it writes to flash or option bytes: --allow-writes",
            });
        }
        Ok(())
    }

    fn is(&self, on: Where) -> Result<(), &'static str> {
        let state = self.identity.as_ref().map(|i| i.state);
        let open = state == Some(ProductState::OPEN);
        let secure = self.identity.as_ref().is_some_and(|i| i.tzen.is_on());
        let (fits, why) = match on {
            Where::Any => (true, ""),
            Where::Reached => (state.is_some(), "the core's access port is shut"),
            Where::Open => (open, "only in OPEN"),
            Where::OpenPlain => (open && !secure, "only in OPEN with TrustZone off"),
            Where::OpenSecure => (open && secure, "only in OPEN with TrustZone on"),
            Where::Provisioning => (state == Some(ProductState::PROVISIONING), "only in PROVISIONING"),
            Where::Shut => (state.is_none(), "only where the core's access port is shut"),
        };
        if fits { Ok(()) } else { Err(why) }
    }

    /// The way to the core.
    pub(crate) fn core(&self) -> CoreAccess {
        CoreAccess { ap: self.ap, attr: Attr::Default }
    }

    /// The part, for what the driver does better.
    pub(crate) fn part(&mut self) -> Result<Part<'_>, Gap> {
        match self.identity.clone() {
            Some(identity) => Ok(Part::new(self.adi, self.ap, identity)),
            None => gap("the core's access port is shut"),
        }
    }

    /// A pulse on NRST, and the part runs as usual.
    pub(crate) fn restart(&mut self) -> Result<(), Gap> {
        if std::mem::take(&mut self.halted) {
            self.adi.leave_debug(self.core())?;
        }
        self.adi.pulse_reset()?;
        if self.identity.is_some() {
            wait_ap_open(self.adi, self.ap)?;
        }
        Ok(())
    }

    /// Reset, and the core halted before its first instruction.
    pub(crate) fn at_reset(&mut self) -> Result<(), AdiError> {
        let core = Some(self.core());
        self.halted = true;
        self.adi.attach(&Attach { mode: ConnectMode::UnderReset, core }).map(|_| ())
    }

    /// Does `work` without pauses behind a reset or between two looks, so that short times can be seen.
    pub(crate) fn brisk<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T, Gap>) -> Result<T, Gap> {
        let usual = self.adi.policy().clone();
        self.adi.set_policy(brisk(&usual))?;
        let done = work(self);
        self.adi.set_policy(usual)?;
        done
    }

    /// Which access ports are open.
    pub(crate) fn enabled(&mut self) -> Result<ApEnable, Gap> {
        Ok(ap_open(self.adi)?)
    }

    pub(crate) fn word(&mut self, at: u32) -> Result<u32, AdiError> {
        self.adi.read_word(self.ap, Attr::NonSecure, Addr(at))
    }

    /// A register of the flash interface.
    pub(crate) fn flash_word(&mut self, offset: u32) -> Result<u32, AdiError> {
        self.word(flash::BASE + offset)
    }

    pub(crate) fn run(&mut self, ops: Vec<MemOp>) -> Result<Vec<u32>, AdiError> {
        self.adi.run(&Batch { ap: self.ap, attr: Attr::NonSecure, flow: Flow::Lockstep, ops })
    }

    /// What `ops` took.
    pub(crate) fn timed(&mut self, ops: Vec<MemOp>) -> Result<(Vec<u32>, Duration), AdiError> {
        let start = self.adi.clock().now();
        let values = self.run(ops)?;
        Ok((values, self.adi.clock().now().saturating_sub(start)))
    }
}

fn brisk(usual: &Policy) -> Policy {
    let mut policy = usual.clone();
    policy.reset.settle = Duration::ZERO;
    policy.poll.interval = Duration::ZERO;
    policy.poll.ceiling = Duration::ZERO;
    policy
}

/// The word that a scenario has for a product state.
pub(crate) fn product(state: ProductState) -> Option<&'static str> {
    match state {
        ProductState::OPEN => Some("open"),
        ProductState::PROVISIONING => Some("provisioning"),
        _ => None,
    }
}

/// A refused access: what a shut door answers.
pub(crate) fn is_refused(error: &AdiError) -> bool {
    matches!(error, AdiError::Fault { .. } | AdiError::ApClosed { .. })
}

/// A duration in microseconds.
pub(crate) fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

//! One trial: hands, reset, settle, attach, look, job, look again. Whatever fails becomes part of the record.

use crate::cell::{Budget, Cell, Connect, Look, Reset};
use crate::run::{Job, Lab};
use crate::sign::{Sign, micros, signs};
use crate::snapshot::Snapshot;
use adi::{AdiError, Attach, ConnectMode, CoreAccess, Waited};
use h5::{H5Error, Part, wait_ap_open};
use pace::{Patience, Policy};
use regs::h5::flash::sr;
use regs::h5::{flash, rcc};
use regs::m33::{DHCSR, dhcsr};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use wire::{Addr, Attr, Hz};

/// How long the board's supply stays off.
const SUPPLY_OFF: Duration = Duration::from_millis(500);
/// First and longest pause between two looks: in the rhythm of the tools that are imitated, then slower, so that a limit
/// of many seconds costs a few hundred looks.
const RHYTHM: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(100));
/// The tools whose patience with WAIT [`Budget::Count`] and [`Budget::Few`] have. [TOOL-3] [TOOL-1]
const COUNT: &str = "probe-rs";
const FEW: &str = "openocd";
/// Patience of [`Budget::Time`], by the probe and then by the engine.
const BY_TIME: Patience = Patience::ms(1000);

/// An option change that nothing came of.
const NOT_STARTED: &str = "the option change did not start: OPTLOCK was 1 when OPTSTRT was written";

/// How a trial ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The job was done in time.
    Passed,
    /// It was done, but a wait was longer than the budget.
    Late,
    /// A wait was given up at the limit.
    TimedOut,
    /// Something else failed.
    Failed,
}

impl Outcome {
    /// A tool with the matrix's budget would have failed.
    #[must_use]
    pub fn fails(self) -> bool {
        self != Outcome::Passed
    }
}

/// A wait of the job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wait {
    /// What was waited for.
    pub site: String,
    /// The policy key.
    pub key: String,
    /// From the first look to the last, in microseconds.
    pub took_us: u64,
    /// Since the trial's reset, when it ended.
    pub since_reset_us: u64,
    /// When a look first saw the part busy.
    pub first_busy_us: Option<u64>,
    /// Looks.
    pub looks: u32,
    /// The longest of them.
    pub longest_look_us: u64,
    /// It came.
    pub done: bool,
    /// What the registers read last: address and value.
    pub last: Vec<(u32, u32)>,
}

/// The record of a trial.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trial {
    /// From 0, in the order of the schedule.
    pub number: usize,
    /// The conditions.
    pub cell: Cell,
    /// The end.
    pub outcome: Outcome,
    /// What failed, in words.
    pub error: Option<String>,
    /// What it showed.
    pub signs: Vec<Sign>,
    /// The waits of the job.
    pub waits: Vec<Wait>,
    /// Before the job, if it was looked at.
    pub before: Option<Snapshot>,
    /// After it.
    pub after: Snapshot,
    /// How long the job took.
    pub took_us: u64,
}

impl Trial {
    /// It showed this.
    #[must_use]
    pub fn shows(&self, sign: Sign) -> bool {
        self.signs.contains(&sign)
    }

    /// The longest wait.
    #[must_use]
    pub fn longest(&self) -> Option<&Wait> {
        self.waits.iter().max_by_key(|wait| wait.took_us)
    }
}

/// What failed, as far as signs depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The part stayed busy: the register that said so.
    Busy(&'static str),
    /// A lock did not open: its register.
    Locked(&'static str),
    /// Error flags.
    Flags(u32),
    /// The access port is shut.
    PortShut,
    /// WAIT until patience was spent.
    Wait,
    /// Anything else.
    Other,
}

/// What signs are made of.
pub(crate) struct Seen<'a> {
    pub(crate) cell: &'a Cell,
    pub(crate) after: &'a Snapshot,
    pub(crate) fault: Option<Fault>,
    pub(crate) budget: Duration,
    /// The longest wait of the job.
    pub(crate) longest: Duration,
    /// RCC_RSR before the job; its flags were removed before the reset.
    pub(crate) rsr: Option<u32>,
    /// Whether the reset reached the core.
    pub(crate) was_reset: Option<bool>,
    /// NSSR at the last look of the last wait.
    pub(crate) last_status: Option<u32>,
    /// OPTCR while the option change was waited for.
    pub(crate) option_control: Option<u32>,
}

/// What the first half of a trial found.
#[derive(Default)]
struct Begun {
    rsr: Option<u32>,
    was_reset: Option<bool>,
    before: Option<Snapshot>,
    reset_at: Duration,
}

impl Lab<'_> {
    /// Makes a trial.
    pub(crate) fn trial(&mut self, number: usize, cell: &Cell) -> Trial {
        let mut begun = Begun::default();
        let _ = self.adi.take_waits();
        let result = self.begin(cell, &mut begun);
        let clock = self.adi.clock().clone();
        let start = clock.now();
        let connected = result.is_ok();
        if connected {
            let _ = self.adi.take_waits();
        }
        let result = result.and_then(|()| self.work());
        let took = clock.now().saturating_sub(start);
        let waits = self.adi.take_waits();
        let fault = result.as_ref().err().map(fault);
        let after = self.look_again(fault);
        self.let_go();
        let job_waits: Vec<Waited> = if connected { waits } else { Vec::new() };
        let longest = job_waits.iter().map(Waited::took).max().unwrap_or_default();
        let seen = Seen {
            cell,
            after: &after,
            fault,
            budget: self.matrix.budget(),
            longest,
            rsr: begun.rsr,
            was_reset: begun.was_reset,
            last_status: job_waits.last().and_then(|w| last(w, flash::BASE + flash::NSSR)),
            option_control: job_waits.iter().find_map(|w| last(w, flash::BASE + flash::OPTCR)),
        };
        let signs = signs(&seen);
        let not_started = fault.is_none() && signs.contains(&Sign::OptionsLocked);
        let outcome = match fault {
            None if not_started => Outcome::Failed,
            None if longest > self.matrix.budget() => Outcome::Late,
            None => Outcome::Passed,
            Some(Fault::Busy(_)) => Outcome::TimedOut,
            Some(_) => Outcome::Failed,
        };
        let waits = job_waits.iter().map(|w| wait(w, begun.reset_at)).collect();
        let error = result.err().map(|e| e.to_string());
        let error = error.or_else(|| not_started.then(|| NOT_STARTED.to_owned()));
        Trial {
            number,
            cell: *cell,
            outcome,
            error,
            signs,
            waits,
            before: begun.before,
            after,
            took_us: micros(took),
        }
    }

    /// What the part shows afterwards. A port that shut during the job may open again, and then tells of a reset.
    fn look_again(&mut self, fault: Option<Fault>) -> Snapshot {
        if matches!(fault, Some(Fault::PortShut | Fault::Other)) {
            let open = self.adi.set_policy(self.policy.clone()).map_err(H5Error::from);
            if let Err(error) = open.and_then(|()| wait_ap_open(self.adi, self.ap)) {
                log::debug!("nothing is seen through AP1 afterwards: {error}");
            }
        }
        Snapshot::take(self.adi, self.core())
    }

    /// The way to the core.
    pub(crate) fn core(&self) -> CoreAccess {
        CoreAccess { ap: self.ap, attr: Attr::Default }
    }

    fn begin(&mut self, cell: &Cell, begun: &mut Begun) -> Result<(), H5Error> {
        self.hands(cell)?;
        self.adi.set_policy(policy(&self.policy, cell, self.matrix.limit()))?;
        self.adi.set_swclk(Hz::khz(cell.khz))?;
        self.adi.attach(&Attach::HOTPLUG)?;
        // What the registers of the last reset say must be this trial's. Behind a shut port that cannot be had.
        let core = self.core();
        let flags = Addr(rcc::BASE + rcc::RSR);
        let cleared = self.adi.write_word(core.ap, core.attr, flags, rcc::rsr::RMVF).is_ok();
        let known = self.adi.core_status(core).is_ok();
        self.fresh(cell.reset)?;
        let clock = self.adi.clock().clone();
        begun.reset_at = clock.now();
        clock.sleep(Duration::from_millis(u64::from(cell.settle_ms)));
        // Catching the core at its vector begins with a reset of its own.
        if cell.connect != Connect::UnderReset {
            wait_ap_open(self.adi, self.ap)?;
            let was_reset = self.adi.core_status(core)?.was_reset();
            begun.was_reset = (known && cell.reset != Reset::None).then_some(was_reset);
        }
        self.connect(cell.connect)?;
        if cleared && cell.reset != Reset::None {
            begun.rsr = self.adi.read_word(core.ap, core.attr, flags).ok();
        }
        // From here on S_RESET_ST tells of a reset during the job.
        self.adi.core_status(core)?;
        if cell.look == Look::Instrumented {
            begun.before = Some(Snapshot::take(self.adi, core));
        }
        Ok(())
    }

    /// What the bench does.
    fn hands(&mut self, cell: &Cell) -> Result<(), H5Error> {
        let failed = |e: wire::BenchError| H5Error::Unsupported(e.to_string());
        if self.plugged != Some(cell.cable) {
            self.bench.cable(cell.cable.into()).map_err(failed)?;
            self.plugged = Some(cell.cable);
        }
        if self.boot0 != cell.boot0 {
            self.bench.boot0(cell.boot0).map_err(failed)?;
            self.boot0 = cell.boot0;
        }
        Ok(())
    }

    /// The trial's reset.
    fn fresh(&mut self, reset: Reset) -> Result<(), H5Error> {
        match reset {
            Reset::None => Ok(()),
            Reset::Nrst => Ok(self.adi.pulse_reset()?),
            Reset::System => {
                wait_ap_open(self.adi, self.ap)?;
                Ok(self.adi.system_reset(self.core(), false)?)
            }
            Reset::Power => {
                // Where the supply does not go, the trial before must not be seen.
                self.adi.pulse_reset()?;
                let failed = |e: wire::BenchError| H5Error::Unsupported(e.to_string());
                self.bench.power(false).map_err(failed)?;
                self.adi.clock().sleep(SUPPLY_OFF);
                self.bench.power(true).map_err(failed)?;
                self.adi.attach(&Attach::HOTPLUG)?;
                Ok(())
            }
        }
    }

    fn connect(&mut self, connect: Connect) -> Result<(), H5Error> {
        let core = self.core();
        let attach = |mode| Attach { mode, core: Some(core) };
        if connect == Connect::UnderReset {
            self.adi.attach(&attach(ConnectMode::UnderReset))?;
            return Ok(());
        }
        if connect == Connect::Hotplug {
            return Ok(());
        }
        self.adi.attach(&attach(ConnectMode::Normal))?;
        if connect == Connect::Masked {
            // C_MASKINTS may change only while the core is halted. [M33-1]
            let masked = dhcsr::KEY | dhcsr::C_DEBUGEN | dhcsr::C_MASKINTS;
            self.adi.write_word(core.ap, core.attr, Addr(DHCSR), masked | dhcsr::C_HALT)?;
            self.adi.write_word(core.ap, core.attr, Addr(DHCSR), masked)?;
        }
        Ok(())
    }

    /// The option bytes are written as they are, then the keys.
    fn work(&mut self) -> Result<(), H5Error> {
        let mut part = Part::new(self.adi, self.ap, self.identity.clone());
        part.recover_selectors()?;
        if let Job::Keys { file, route } = &self.job {
            part.provision_obk(file, *route)?;
        }
        Ok(())
    }

    /// The core runs on. Behind a shut port nobody holds it.
    fn let_go(&mut self) {
        let core = self.core();
        if let Err(error) = self.adi.leave_debug(core) {
            log::debug!("the core is let go by the next reset: {error}");
        }
    }
}

/// The policy of a cell.
fn policy(base: &Policy, cell: &Cell, limit: Duration) -> Policy {
    let mut policy = base.clone();
    (policy.poll.interval, policy.poll.ceiling) = RHYTHM;
    let limit = Patience::Time(limit);
    policy.flash.option = limit;
    policy.flash.obk = limit;
    policy.flash.service = limit;
    policy.reset.reconnect = limit;
    (policy.probe.wait, policy.adi.wait) = match cell.budget {
        Budget::Count => like(COUNT, base),
        Budget::Few => like(FEW, base),
        Budget::Time => (BY_TIME, BY_TIME),
    };
    policy.name = format!("{}+", base.name.trim_end_matches('+'));
    policy
}

/// Patience with WAIT, by the probe and by the engine, as a preset has it.
fn like(preset: &str, base: &Policy) -> (Patience, Patience) {
    let policy = Policy::preset(preset).unwrap_or_else(|| base.clone());
    (policy.probe.wait, policy.adi.wait)
}

fn last(waited: &Waited, at: u32) -> Option<u32> {
    waited
        .last
        .iter()
        .find(|(address, _)| regs::h5::memory::non_secure(address.0) == at)
        .map(|(_, value)| *value)
}

fn wait(waited: &Waited, reset_at: Duration) -> Wait {
    Wait {
        site: waited.doing.clone(),
        key: waited.key.to_owned(),
        took_us: micros(waited.took()),
        since_reset_us: micros(waited.ended.saturating_sub(reset_at)),
        first_busy_us: waited.first_busy.map(micros),
        looks: waited.looks,
        longest_look_us: micros(waited.longest_look),
        done: waited.done,
        last: waited.last.iter().map(|(at, value)| (at.0, *value)).collect(),
    }
}

fn fault(error: &H5Error) -> Fault {
    match error {
        H5Error::TargetBusy { register, .. } => Fault::Busy(register),
        H5Error::LockedUntilReset { register, .. } => Fault::Locked(register),
        H5Error::FlashFlags { flags, .. } | H5Error::OptionRejected { flags, .. } => {
            Fault::Flags(flags.bits & sr::ERRORS)
        }
        H5Error::ApShut { .. } | H5Error::Adi(AdiError::ApClosed { .. }) => Fault::PortShut,
        H5Error::Adi(AdiError::WaitSpent { .. } | AdiError::ApBusy { .. }) => Fault::Wait,
        _ => Fault::Other,
    }
}

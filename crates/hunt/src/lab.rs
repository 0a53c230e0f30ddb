//! One trial as it is made: hands, reset, settle, attach, look, job, look again, let go. Whatever the part fails with becomes
//! part of the record; when probe or bench fail, there is no trial.

use crate::cell::{AP1, Budget, Cell, Connect, Look, Reset};
use crate::gate::CORE;
use crate::run::{HuntError, Job, Lab};
use crate::sign::{Sign, micros, signs};
use crate::snapshot::Snapshot;
use crate::trial::{Fault, NOT_STARTED, Outcome, Seen, Trial, fault, last, wait};
use adi::{AdiError, Attach, ConnectMode, Waited};
use h5::{H5Error, Part, wait_ap_open};
use pace::experiment::{RHYTHM, WAIT_BY_TIME};
use pace::{Patience, Policy};
use regs::h5::{flash, rcc};
use regs::m33::{DHCSR, dhcsr};
use std::time::Duration;
use wire::{Addr, ApSel, Hz};

/// The tools whose patience with WAIT [`Budget::Count`] and [`Budget::Few`] have. [TOOL-3] [TOOL-1]
const COUNT: &str = "probe-rs";
const FEW: &str = "openocd";

/// What the first half of a trial found.
#[derive(Default)]
struct Begun {
    rsr: Option<u32>,
    was_reset: Option<bool>,
    before: Option<Snapshot>,
    reset_at: Duration,
}

impl Lab<'_> {
    /// Makes a trial; [`Lab::make_good`] comes behind it. An error is none of the part's: it says that there was no trial.
    pub(crate) fn trial(&mut self, number: usize, cell: &Cell) -> Result<Trial, HuntError> {
        let mut begun = Begun::default();
        let begin = of_the_part(self.begin(cell, &mut begun))?;
        let clock = self.adi.clock().clone();
        let start = clock.now();
        // The waits of the beginning are none of the job's.
        let _ = self.adi.take_waits();
        let result = match begin {
            Ok(()) => of_the_part(self.work(cell).map_err(HuntError::from))?,
            Err(error) => Err(error),
        };
        let took = clock.now().saturating_sub(start);
        let waits = self.adi.take_waits();
        let fault = result.as_ref().err().map(fault);
        if result.as_ref().is_err_and(is_silent) {
            // A part that a reset does not bring back has no supply, or no probe.
            self.pulse()?;
        }
        let after = self.look_again(fault);
        let mut trial = self.record(number, cell, begun, &waits, after, fault);
        trial.took_us = micros(took);
        trial.error = trial.error.or_else(|| result.err().map(|e| e.to_string()));
        Ok(trial)
    }

    fn record(
        &self,
        number: usize,
        cell: &Cell,
        begun: Begun,
        waits: &[Waited],
        after: Snapshot,
        fault: Option<Fault>,
    ) -> Trial {
        let longest = waits.iter().map(Waited::took).max().unwrap_or_default();
        let seen = Seen {
            cell,
            after: &after,
            fault,
            budget: self.matrix.budget(),
            longest,
            rsr: begun.rsr,
            was_reset: begun.was_reset,
            last_status: waits.last().and_then(|w| last(w, flash::BASE + flash::NSSR)),
            option_control: waits.iter().find_map(|w| last(w, flash::BASE + flash::OPTCR)),
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
        Trial {
            number,
            cell: *cell,
            outcome,
            error: not_started.then(|| NOT_STARTED.to_owned()),
            signs,
            waits: waits.iter().map(|w| wait(w, begun.reset_at)).collect(),
            before: begun.before,
            after,
            took_us: 0,
        }
    }

    /// What the part shows afterwards. A port that shut during the job may open again, and then tells of a reset.
    fn look_again(&mut self, fault: Option<Fault>) -> Snapshot {
        if matches!(fault, Some(Fault::PortShut | Fault::Other)) {
            let open = self.adi.set_policy(self.policy.clone()).map_err(H5Error::from);
            if let Err(error) = open.and_then(|()| wait_ap_open(self.adi, AP1)) {
                log::debug!("nothing is seen through AP1 afterwards: {error}");
            }
        }
        Snapshot::take(self.adi, CORE)
    }

    fn begin(&mut self, cell: &Cell, begun: &mut Begun) -> Result<(), HuntError> {
        self.hands.cable(cell.cable)?;
        self.hands.boot0(cell.boot0)?;
        self.adi.set_policy(policy(&self.policy, cell, self.matrix.limit())).map_err(H5Error::from)?;
        self.adi.set_swclk(Hz::khz(cell.khz)).map_err(H5Error::from)?;
        self.adi.attach(&Attach::HOTPLUG).map_err(H5Error::from)?;
        // What the registers of the last reset say must be this trial's. Behind a shut port that cannot be had.
        let flags = Addr(rcc::BASE + rcc::RSR);
        let cleared = self.adi.write_word(AP1, CORE.attr, flags, rcc::rsr::RMVF).is_ok();
        let known = self.adi.core_status(CORE).is_ok();
        begun.reset_at = self.fresh(cell.reset)?;
        self.settled(cell, begun, known)?;
        if cleared && cell.reset != Reset::None {
            begun.rsr = self.adi.read_word(AP1, CORE.attr, flags).ok();
        }
        if cell.look == Look::Instrumented {
            begun.before = Some(Snapshot::take(self.adi, CORE));
        }
        // From here on S_RESET_ST tells of a reset during the job.
        self.adi.core_status(CORE).map_err(H5Error::from)?;
        Ok(())
    }

    /// The pause after the reset, and the core. Catching it at its vector is a reset of its own, so the pause comes behind.
    fn settled(&mut self, cell: &Cell, begun: &mut Begun, known: bool) -> Result<(), H5Error> {
        let clock = self.adi.clock().clone();
        let pause = Duration::from_millis(u64::from(cell.settle_ms));
        if cell.connect == Connect::UnderReset {
            self.connect(cell.connect)?;
            begun.reset_at = clock.now();
            clock.sleep(pause);
            return Ok(());
        }
        clock.sleep(pause);
        wait_ap_open(self.adi, AP1)?;
        // Whatever is written to the core from here on has to be taken back.
        self.held = true;
        let was_reset = self.adi.core_status(CORE)?.was_reset();
        begun.was_reset = (known && cell.reset != Reset::None).then_some(was_reset);
        self.connect(cell.connect)
    }

    /// The trial's reset. Returns when it was over.
    fn fresh(&mut self, reset: Reset) -> Result<Duration, HuntError> {
        let clock = self.adi.clock().clone();
        match reset {
            Reset::None => Ok(clock.now()),
            Reset::Nrst => Ok(self.pulse()?),
            Reset::System => {
                wait_ap_open(self.adi, AP1)?;
                let at = clock.now();
                self.adi.system_reset(CORE, false).map_err(H5Error::from)?;
                Ok(at)
            }
            Reset::Power => {
                // Where the supply does not go, the trial before must not be seen.
                self.pulse()?;
                self.hands.power_cycle(&*clock)?;
                let at = clock.now();
                self.adi.attach(&Attach::HOTPLUG).map_err(H5Error::from)?;
                Ok(at)
            }
        }
    }

    /// A pulse on NRST. Returns when it was over.
    pub(crate) fn pulse(&mut self) -> Result<Duration, H5Error> {
        self.adi.in_reset::<_, AdiError>(|_| Ok(()))?;
        let released = self.adi.clock().now().saturating_sub(self.adi.policy().reset.settle);
        self.adi.reconnect()?;
        Ok(released)
    }

    fn connect(&mut self, connect: Connect) -> Result<(), H5Error> {
        let attach = |mode| Attach { mode, core: Some(CORE) };
        match connect {
            Connect::Hotplug => return Ok(()),
            Connect::UnderReset => {
                self.held = true;
                self.adi.attach(&attach(ConnectMode::UnderReset))?;
            }
            Connect::Halt | Connect::Masked => {
                self.adi.attach(&attach(ConnectMode::Normal))?;
            }
        }
        if connect == Connect::Masked {
            // C_MASKINTS may change only while the core is halted. [M33-1]
            let masked = dhcsr::KEY | dhcsr::C_DEBUGEN | dhcsr::C_MASKINTS;
            self.adi.write_word(AP1, CORE.attr, Addr(DHCSR), masked | dhcsr::C_HALT)?;
            self.adi.write_word(AP1, CORE.attr, Addr(DHCSR), masked)?;
        }
        Ok(())
    }

    /// The option bytes are written as they are, then the keys.
    fn work(&mut self, cell: &Cell) -> Result<(), H5Error> {
        let mut part = Part::new(self.adi, ApSel(cell.ap), self.identity.clone());
        part.recover_selectors()?;
        if let Job::Keys { file, route } = &self.job {
            part.provision_obk(file, *route)?;
        }
        Ok(())
    }
}

/// What the part failed with stays inside; what probe, bench or this program failed with goes out.
fn of_the_part(result: Result<(), HuntError>) -> Result<Result<(), H5Error>, HuntError> {
    match result {
        Ok(()) => Ok(Ok(())),
        Err(HuntError::Part(error)) if !is_dead(&error) => Ok(Err(error)),
        Err(error) => Err(error),
    }
}

/// The probe does not answer or its NRST is stuck, or the mistake is in here.
fn is_dead(error: &H5Error) -> bool {
    matches!(
        error,
        H5Error::Adi(
            AdiError::ProbeSilent { .. }
                | AdiError::Probe(_)
                | AdiError::NrstNotWorking { .. }
                | AdiError::NoCore { .. }
                | AdiError::Misaligned { .. }
        )
    )
}

/// Nobody answers on the wire.
fn is_silent(error: &H5Error) -> bool {
    matches!(error, H5Error::Adi(AdiError::NoTarget { .. } | AdiError::PowerUp { .. }))
}

/// The keys of the policy that the trials set, whatever a person wants them to be: they are factors, or the limit of the
/// matrix.
pub const VARIED: [&str; 8] = [
    "probe.wait",
    "adi.wait",
    "poll.interval",
    "poll.ceiling",
    "flash.option",
    "flash.obk",
    "flash.service",
    "reset.reconnect",
];

/// The policy of a cell.
fn policy(base: &Policy, cell: &Cell, limit: Duration) -> Policy {
    let mut policy = base.clone();
    let steady = |us: u32| Duration::from_micros(u64::from(us));
    (policy.poll.interval, policy.poll.ceiling) = cell.poll_us.map_or(RHYTHM, |us| (steady(us), steady(us)));
    let limit = Patience::Time(limit);
    policy.flash.option = limit;
    policy.flash.obk = limit;
    policy.flash.service = limit;
    policy.reset.reconnect = limit;
    (policy.probe.wait, policy.adi.wait) = match cell.budget {
        Budget::Count => like(COUNT, base),
        Budget::Few => like(FEW, base),
        Budget::Time => (Patience::Time(WAIT_BY_TIME), Patience::Time(WAIT_BY_TIME)),
    };
    policy.name = format!("{}+", base.name.trim_end_matches('+'));
    policy
}

/// Patience with WAIT, by the probe and by the engine, as a preset has it.
fn like(preset: &str, base: &Policy) -> (Patience, Patience) {
    let policy = Policy::preset(preset).unwrap_or_else(|| base.clone());
    (policy.probe.wait, policy.adi.wait)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_the_keys_that_are_named_may_differ_from_what_a_person_wants() {
        let mut base = Policy::default();
        for key in VARIED {
            base.set(key, "77ms").unwrap();
        }
        let odd = Cell { poll_us: Some(50), ..Cell::default() };
        for cell in
            [Cell::default(), Cell { budget: Budget::Few, ..odd }, Cell { budget: Budget::Time, ..odd }]
        {
            let trial = policy(&base, &cell, Duration::from_secs(9));
            for (key, wanted) in base.settings() {
                let same = trial.get(key.key).unwrap() == wanted;
                assert_eq!(same, !VARIED.contains(&key.key), "{}", key.key);
            }
        }
    }

    #[test]
    fn each_budget_of_waits_is_that_of_the_tool_it_imitates() {
        let of = |budget| {
            let policy = policy(&Policy::default(), &Cell { budget, ..Cell::default() }, Duration::ZERO);
            (policy.probe.wait, policy.adi.wait)
        };
        assert_eq!(of(Budget::Count), (Patience::Tries(0xFFFF), Patience::Tries(0)));
        assert_eq!(of(Budget::Few), (Patience::Tries(64), Patience::Tries(0)));
        assert_eq!(of(Budget::Time), (Patience::ms(1000), Patience::ms(1000)));
    }
}

//! What is made good after a trial and after all of them: nothing that a trial did to the part may reach into the next one,
//! or outlast the hunt.

use crate::cell::{AP1, Plug};
use crate::gate::CORE;
use crate::run::{HuntError, Lab};
use crate::sign::Sign;
use crate::trial::Trial;
use adi::AdiError;
use h5::{H5Error, Interrupted, Part, wait_ap_open};
use pace::{Patience, Site, poll};
use regs::h5::flash::{self, obkcfgr, optcr, sr};
use regs::m33::{DEMCR, DHCSR, dhcsr};
use wire::Addr;

impl Lab<'_> {
    /// Lets the core go, lets a change of option bytes come to its end, and looks whether the part still is what it was.
    pub(crate) fn make_good(&mut self, trial: &Trial) -> Result<(), HuntError> {
        // A core that is held may be what keeps the flash interface busy.
        let released = self.released();
        let ended = self.has_ended(trial);
        if !released {
            self.let_go()?;
        }
        if !ended {
            // Then it is cut here, where its traces are looked for, and not by the next trial.
            self.pulse()?;
        }
        if ended && !trial.shows(Sign::ResetDuring) && !trial.shows(Sign::CutShort) {
            return Ok(());
        }
        self.same_part()
    }

    /// Nothing of a debugger's bits is left in the core.
    fn released(&mut self) -> bool {
        self.held = self.held && self.release().is_err();
        !self.held
    }

    /// The core runs on without a debugger. Where its port is shut or stalled, a reset opens it, and if need be a reset
    /// without the cable. The reset itself does not let go of the core: only a loss of power clears C_DEBUGEN. [M33-1]
    pub(crate) fn let_go(&mut self) -> Result<(), HuntError> {
        if !self.released() && self.release_after_reset().is_err() {
            self.hands.cable(Plug::Out)?;
            self.release_after_reset().map_err(HuntError::Held)?;
        }
        self.held = false;
        Ok(())
    }

    fn release_after_reset(&mut self) -> Result<(), H5Error> {
        self.pulse()?;
        wait_ap_open(self.adi, AP1)?;
        self.release()
    }

    /// C_MASKINTS may change only while the core is halted, so it is cleared there, before the core goes on. [M33-1]
    fn release(&mut self) -> Result<(), H5Error> {
        let control = self.adi.core_status(CORE)?.0;
        if control & dhcsr::C_MASKINTS != 0 {
            let halted = dhcsr::KEY | dhcsr::C_DEBUGEN | dhcsr::C_HALT;
            self.adi.write_word(AP1, CORE.attr, Addr(DHCSR), halted | dhcsr::C_MASKINTS)?;
            self.adi.write_word(AP1, CORE.attr, Addr(DHCSR), halted)?;
        }
        if self.adi.read_word(AP1, CORE.attr, Addr(DEMCR))? != self.demcr {
            self.adi.write_word(AP1, CORE.attr, Addr(DEMCR), self.demcr)?;
        }
        self.adi.leave_debug(CORE)?;
        Ok(())
    }

    /// The next reset would cut an option change short that is still under way, so it is waited for. [H5-OB-5]
    fn has_ended(&mut self, trial: &Trial) -> bool {
        match trial.after.get("FLASH_NSSR") {
            Some(status) if status & sr::BSY != 0 && is_under_way(trial) => self.wait_on(),
            Some(_) => true,
            // Nothing is seen of it: it gets the time that the policy gives it.
            None => {
                if let Patience::Time(span) = self.policy.flash.option {
                    self.adi.clock().sleep(span);
                }
                true
            }
        }
    }

    /// Waits until the flash interface is idle, as long as any flash operation may take by the policy. `false`: it never
    /// came.
    fn wait_on(&mut self) -> bool {
        let clock = self.adi.clock().clone();
        let wait = self.policy.wait(Site::FlashMassErase);
        let at = Addr(flash::BASE + flash::NSSR);
        let end = poll(&*clock, &wait, || {
            let status = self.adi.read_word(AP1, CORE.attr, at)?;
            Ok::<_, AdiError>((status & sr::BSY == 0).then_some(()))
        });
        end.is_ok()
    }

    fn same_part(&mut self) -> Result<(), HuntError> {
        match self.look_at_options() {
            // With the cable in the port may be shut; without it everything is seen.
            Err(HuntError::Part(error)) => {
                log::debug!("the option bytes are read again without the cable: {error}");
                self.hands.cable(Plug::Out)?;
                self.pulse()?;
                self.look_at_options()
            }
            done => done,
        }
    }

    /// Product state and selectors must be those of the beginning.
    fn look_at_options(&mut self) -> Result<(), HuntError> {
        wait_ap_open(self.adi, AP1)?;
        let mut part = Part::new(self.adi, AP1, self.identity.clone());
        let changed = self.options.diff(&part.options()?);
        let opsr = part.interrupted()?;
        if changed.is_empty() {
            return Ok(());
        }
        let changed: Vec<_> = changed.iter().map(ToString::to_string).collect();
        let opsr =
            opsr.map_or_else(|| "FLASH_OPSR names no operation".to_owned(), |i| format!("FLASH_OPSR: {i}"));
        Err(HuntError::Changed { what: changed.join(", "), opsr })
    }

    /// Leaves bench, probe and part as every hunt begins: supply on, nothing in the board's connector, BOOT0 low, the policy
    /// and SWCLK of before; the core runs without a debugger, the selectors are whole, the option bytes those of the
    /// beginning. All of it is tried. Returns what could not be done.
    pub(crate) fn leave(&mut self) -> Vec<String> {
        let mut left: Vec<String> = self.hands.rest().iter().map(ToString::to_string).collect();
        let policy = self.adi.set_policy(self.policy.clone());
        let quiet = policy.and_then(|()| self.adi.set_swclk(self.swclk)).map_err(H5Error::from);
        let rested = quiet.and_then(|_| self.pulse()).and_then(|_| wait_ap_open(self.adi, AP1));
        let let_go = match rested {
            Ok(_) => self.let_go(),
            Err(error) if self.held => Err(HuntError::Held(error)),
            Err(error) => Err(error.into()),
        };
        if let Err(error) = let_go {
            left.push(error.to_string());
            return left;
        }
        left.extend(self.repair().err().map(|e| e.to_string()));
        left
    }

    /// Selectors that a reset hit are repaired, as the next trial would have done it. [H5-OB-5]
    fn repair(&mut self) -> Result<(), HuntError> {
        let mut part = Part::new(self.adi, AP1, self.identity.clone());
        let torn = part.interrupted()?.filter(Interrupted::needs_recovery);
        self.look_at_options()?;
        let Some(what) = torn else { return Ok(()) };
        let mut part = Part::new(self.adi, AP1, self.identity.clone());
        part.recover_selectors().map_err(|error| HuntError::Torn { what: what.to_string(), error })
    }
}

/// An option change or a swap of OBK was started and not seen to end.
fn is_under_way(trial: &Trial) -> bool {
    let started = trial.after.has("FLASH_OPTCR", optcr::OPTSTRT);
    started || trial.after.has("FLASH_NSOBKCFGR", obkcfgr::SWAP_SECT_REQ)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Book, Cell, Connect, Matrix, Outcome, Plan};
    use h5::OptionChange;
    use session::Session;
    use std::time::Duration;
    use wire::Hz;

    fn session(scenario: &str) -> Session {
        let options = session::Options {
            probe: format!("sim:{scenario}"),
            policy: pace::Policy::default(),
            swclk: Hz::khz(4000),
            trace: None,
            trace_secrets: false,
            tool: "tests".to_owned(),
        };
        session::open(&options).unwrap()
    }

    fn plan(cells: &[Cell]) -> Plan<'static> {
        let matrix = Matrix { rounds: 2, cells: cells.to_vec(), ..Matrix::quick() };
        Plan { matrix, seed: 1, keys: None, route: None, undiscovered: false }
    }

    /// What a register holds after a hunt of these cells.
    fn hunted(scenario: &str, cells: &[Cell], at: u32) -> (crate::Hunt, u32) {
        let mut session = session(scenario);
        let mut bench = session.bench().unwrap();
        let mut lab = Lab::open(&mut session.adi, &mut *bench, &plan(cells)).unwrap();
        let hunt = lab.hunt(&mut Book::none(), &mut |_, _| true).unwrap();
        wait_ap_open(&mut session.adi, AP1).unwrap();
        (hunt, session.adi.read_word(AP1, CORE.attr, Addr(at)).unwrap())
    }

    const FREE: u32 = dhcsr::C_DEBUGEN | dhcsr::C_MASKINTS | dhcsr::C_HALT;

    #[test]
    fn a_core_whose_port_stalled_or_that_ran_masked_is_let_go_of() {
        for scenario in ["cause-10", "cause-09", "none-00"] {
            for connect in [Connect::Masked, Connect::Halt, Connect::UnderReset] {
                let cell = Cell { connect, ..Cell::default() };
                let (hunt, control) = hunted(scenario, &[cell], DHCSR);
                assert_eq!(control & FREE, 0, "{scenario} {connect}");
                assert_eq!(hunt.left, [""; 0], "{scenario} {connect}");
            }
        }
    }

    #[test]
    fn interrupts_are_unmasked_while_the_core_is_halted_and_before_the_next_trial() {
        let mut session = session("none-00");
        let mut bench = session.bench().unwrap();
        let cell = Cell { connect: Connect::Masked, ..Cell::default() };
        let mut lab = Lab::open(&mut session.adi, &mut *bench, &plan(&[cell])).unwrap();
        let trial = lab.trial(0, &cell).unwrap();
        lab.make_good(&trial).unwrap();
        assert_eq!(lab.adi.core_status(CORE).unwrap().0 & FREE, 0);
        assert!(!lab.held);
    }

    #[test]
    fn an_option_change_that_outlasts_the_limit_is_not_cut_short() {
        // 15 s, and the limit is 10 s.
        let cell = Cell { connect: Connect::Hotplug, ..Cell::default() };
        let (hunt, opsr) = hunted("none-00,time.option=15000000", &[cell], flash::BASE + flash::OPSR);
        assert!(hunt.trials.iter().all(|t| t.outcome == Outcome::TimedOut && !t.shows(Sign::CutShort)));
        assert_eq!((regs::h5::opsr::Opsr(opsr).code(), hunt.left), (regs::h5::opsr::NONE, Vec::new()));
    }

    #[test]
    fn what_had_to_be_cut_short_is_repaired_in_the_end() {
        // A minute, and nothing waits as long.
        let cell = Cell { connect: Connect::Hotplug, ..Cell::default() };
        let mut session = session("none-00,time.option=60000000");
        let mut bench = session.bench().unwrap();
        let mut lab = Lab::open(&mut session.adi, &mut *bench, &plan(&[cell])).unwrap();
        let hunt = lab.hunt(&mut Book::none(), &mut |_, _| true).unwrap();
        assert!(
            hunt.left.iter().any(|what| what.contains("option change") && what.contains("ob repair")),
            "{:?}",
            hunt.left
        );
        // With patience for it the repair succeeds.
        lab.policy.flash.option = Patience::Time(Duration::from_secs(120));
        assert_eq!(lab.leave(), [""; 0]);
    }

    #[test]
    fn option_bytes_that_are_no_longer_those_of_the_beginning_end_the_hunt() {
        let mut session = session("none-00");
        let mut bench = session.bench().unwrap();
        let mut lab = Lab::open(&mut session.adi, &mut *bench, &plan(&[Cell::default()])).unwrap();
        assert!(lab.same_part().is_ok());
        let change = OptionChange::new(lab.identity.device.family, "BOR_LEV", 2).unwrap();
        let identity = lab.identity.clone();
        Part::new(lab.adi, AP1, identity).change_options(&[change]).unwrap();
        let error = lab.same_part().unwrap_err().to_string();
        assert!(error.contains("BOR_LEV 0x0 -> 0x2") && error.contains("FLASH_OPSR"), "{error}");
    }
}

//! What a person's hands do to the board, and how they leave it.

use crate::cell::Plug;
use pace::Clock;
use pace::experiment::SUPPLY_OFF;
use std::fmt;
use wire::{Bench, BenchError};

/// The bench, and what was asked of it. Nothing is asked for twice, because somebody may have to get up for it.
pub(crate) struct Hands<'a> {
    bench: &'a mut dyn Bench,
    cable: Option<Plug>,
    boot0: Option<bool>,
    on: bool,
}

impl fmt::Debug for Hands<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Hands { bench: _, cable, boot0, on } = self;
        f.debug_struct("Hands").field("cable", cable).field("boot0", boot0).field("on", on).finish()
    }
}

impl<'a> Hands<'a> {
    /// Whoever hunts has a board that is switched on; of cable and BOOT0 nothing is known.
    pub(crate) fn new(bench: &'a mut dyn Bench) -> Hands<'a> {
        Hands { bench, cable: None, boot0: None, on: true }
    }

    /// What is in the board's USB connector. What came of an order that failed is not known.
    pub(crate) fn cable(&mut self, plug: Plug) -> Result<(), BenchError> {
        if self.cable == Some(plug) {
            return Ok(());
        }
        self.cable = None;
        self.bench.cable(plug.into())?;
        self.cable = Some(plug);
        Ok(())
    }

    pub(crate) fn boot0(&mut self, high: bool) -> Result<(), BenchError> {
        if self.boot0 == Some(high) {
            return Ok(());
        }
        self.boot0 = None;
        self.bench.boot0(high)?;
        self.boot0 = Some(high);
        Ok(())
    }

    /// The supply off and on again.
    pub(crate) fn power_cycle(&mut self, clock: &dyn Clock) -> Result<(), BenchError> {
        self.on = false;
        self.bench.power(false)?;
        clock.sleep(SUPPLY_OFF);
        self.power_on()
    }

    fn power_on(&mut self) -> Result<(), BenchError> {
        if !self.on {
            self.bench.power(true)?;
            self.on = true;
        }
        Ok(())
    }

    /// Supply on, nothing in the connector, BOOT0 low: how every hunt begins and ends. All of it is tried; the errors are
    /// returned.
    pub(crate) fn rest(&mut self) -> Vec<BenchError> {
        let done = [self.power_on(), self.cable(Plug::Out), self.boot0(false)];
        done.into_iter().filter_map(Result::err).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pace::VirtualClock;
    use std::time::Duration;
    use wire::Cable;

    /// A bench that writes down what is asked, and cannot do some of it.
    #[derive(Default)]
    struct Notes {
        asked: Vec<String>,
        cannot: &'static str,
    }

    impl Notes {
        fn ask(&mut self, what: String) -> Result<(), BenchError> {
            let done = if what == self.cannot { Err(BenchError(what.clone())) } else { Ok(()) };
            self.asked.push(what);
            done
        }
    }

    impl Bench for Notes {
        fn cable(&mut self, cable: Cable) -> Result<(), BenchError> {
            self.ask(format!("{cable:?}"))
        }
        fn boot0(&mut self, high: bool) -> Result<(), BenchError> {
            self.ask(format!("boot0 {high}"))
        }
        fn power(&mut self, on: bool) -> Result<(), BenchError> {
            self.ask(format!("power {on}"))
        }
        fn press_reset(&mut self, _: Duration) -> Result<(), BenchError> {
            self.ask("reset".to_owned())
        }
    }

    #[test]
    fn nothing_is_asked_for_twice_and_the_end_is_the_beginning() {
        let mut notes = Notes::default();
        let mut hands = Hands::new(&mut notes);
        assert!(hands.rest().is_empty());
        hands.cable(Plug::Data).unwrap();
        hands.cable(Plug::Data).unwrap();
        hands.boot0(true).unwrap();
        hands.power_cycle(&VirtualClock::default()).unwrap();
        assert!(hands.rest().is_empty() && hands.rest().is_empty());
        let all = "Out|boot0 false|Data|boot0 true|power false|power true|Out|boot0 false";
        assert_eq!(notes.asked.join("|"), all);
    }

    #[test]
    fn a_supply_that_may_be_off_is_switched_on_whatever_else_fails() {
        for cannot in ["power false", "Out"] {
            let mut notes = Notes { cannot, ..Notes::default() };
            let mut hands = Hands::new(&mut notes);
            let cut = hands.power_cycle(&VirtualClock::default());
            let left = hands.rest();
            assert_eq!((cut.is_err(), left.is_empty()), (cannot == "power false", cannot != "Out"));
            assert!(
                notes.asked.ends_with(&["power true".into(), "Out".into(), "boot0 false".into()])
                    || cannot == "Out"
            );
            assert!(notes.asked.contains(&"power true".to_owned()));
        }
    }
}

//! Captures that hold changes of pins: finds the rises of SWCLK.

use super::intake::Intake;

/// A pin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pin {
    Swclk,
    Swdio,
    Nrst,
}

/// What a pin is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    Low,
    High,
    /// Not driven: pulled up.
    Open,
    /// Not known.
    Unknown,
}

/// Changes between two calls of the decoder.
const BATCH: u32 = 1 << 13;

/// The pins at a time.
#[derive(Debug)]
pub(super) struct Changes {
    pub(super) tick: u64,
    swclk: Level,
    swdio: bool,
    /// SWDIO before anything happened at `tick`: who samples at an edge sees what was there before.
    before: bool,
    nrst: bool,
    since: u32,
}

impl Changes {
    pub(super) fn new() -> Changes {
        Changes { tick: 0, swclk: Level::Unknown, swdio: false, before: false, nrst: true, since: 0 }
    }

    /// It is now so late. `false` when it was later already.
    pub(super) fn now(&mut self, tick: u64) -> bool {
        let onward = tick >= self.tick;
        if tick > self.tick {
            self.tick = tick;
            self.before = self.swdio;
        }
        onward
    }

    /// A pin changes, or is told again.
    pub(super) fn set(&mut self, pin: Pin, level: Level, intake: &mut Intake) {
        match pin {
            Pin::Swclk => {
                let level = if level == Level::Open { Level::High } else { level };
                if self.swclk == Level::Low && level == Level::High {
                    intake.decoder.clocks.push(self.before, self.tick);
                    self.since += 1;
                }
                self.swclk = level;
            }
            Pin::Swdio if level != Level::Unknown => self.swdio = level != Level::Low,
            Pin::Nrst if level != Level::Unknown => {
                let high = level != Level::Low;
                if high != self.nrst {
                    intake.decoder.reset(self.tick, !high);
                }
                self.nrst = high;
            }
            Pin::Swdio | Pin::Nrst => {}
        }
    }

    /// Decodes when enough has come. Whether more may come.
    pub(super) fn digest(&mut self, intake: &mut Intake) -> bool {
        if self.since < BATCH {
            return true;
        }
        self.since = 0;
        intake.digest()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_of_swdio_at_the_rise_of_swclk_comes_too_late() {
        let (mut changes, mut intake) = (Changes::new(), Intake::new());
        changes.set(Pin::Swclk, Level::Low, &mut intake);
        changes.set(Pin::Swdio, Level::High, &mut intake);
        for (tick, order) in [(10, [Pin::Swdio, Pin::Swclk]), (30, [Pin::Swclk, Pin::Swdio])] {
            assert!(changes.now(tick));
            for pin in order {
                let level = if pin == Pin::Swdio && tick == 10 { Level::Low } else { Level::High };
                changes.set(pin, level, &mut intake);
            }
            assert!(changes.now(tick + 10));
            changes.set(Pin::Swclk, Level::Low, &mut intake);
        }
        let clocks = &intake.decoder.clocks;
        let seen: Vec<(bool, u64)> = (0..clocks.len()).map(|n| (clocks.bit(n), clocks.tick(n))).collect();
        assert_eq!(seen, [(true, 10), (false, 30)]);
        assert!(!changes.now(3));
    }

    #[test]
    fn a_clock_that_was_not_known_does_not_rise() {
        let (mut changes, mut intake) = (Changes::new(), Intake::new());
        for level in [Level::High, Level::Unknown, Level::High, Level::Low, Level::Unknown, Level::High] {
            changes.set(Pin::Swclk, level, &mut intake);
        }
        assert_eq!(intake.decoder.clocks.len(), 0);
    }
}

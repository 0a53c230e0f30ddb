//! The pins: what was on SWCLK and SWDIO clock by clock, and a way for a host to drive them itself.

use crate::board::Board;
use crate::bus::Time;
use crate::firmware::Lines;
use std::time::Duration;
use wire::Hz;

/// Up to 64 clocks in a row at one frequency. Bit n of the masks is clock n.
///
/// In each clock SWCLK is low first and rises in the middle. What the host drives changes when SWCLK falls; what the target
/// drives changes when it rises, half a clock before the clock that it belongs to. [ADI-1]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PinRun {
    /// When the first clock began.
    pub at: Duration,
    /// The frequency.
    pub clock: Hz,
    /// How many clocks.
    pub clocks: u32,
    /// The level of SWDIO in each of them; high where nobody drives it.
    pub levels: u64,
    /// Clocks in which the target drives it.
    pub target: u64,
}

impl PinRun {
    /// One clock that belongs to this run, if it follows at once and there is room.
    pub(crate) fn join(&mut self, at: Time, clock: Hz, level: bool, target: bool) -> bool {
        let follows = self.clock == clock && self.end() == at && self.clocks < 64;
        if follows {
            self.levels |= u64::from(level) << self.clocks;
            self.target |= u64::from(target) << self.clocks;
            self.clocks += 1;
        }
        follows
    }

    fn end(&self) -> Time {
        let start = Time::try_from(self.at.as_nanos()).unwrap_or(Time::MAX);
        start.saturating_add(self.clock.nanos(self.clocks.into()))
    }
}

/// The pins of a probe, driven by a host that makes every edge itself.
#[derive(Debug)]
pub struct Pins<'a> {
    lines: &'a mut Lines<Board>,
}

impl<'a> Pins<'a> {
    /// The pins at this time, or as late as they were last used.
    pub(crate) fn new(lines: &'a mut Lines<Board>, now: Time) -> Pins<'a> {
        lines.now = lines.now.max(now);
        Pins { lines }
    }

    /// The host begins to drive SWDIO, or lets go of it.
    pub fn drive(&mut self, on: bool) {
        self.lines.drive_data(on);
    }

    /// Sets SWCLK, and what the host puts on SWDIO while it drives it. The target looks when SWCLK rises.
    pub fn write(&mut self, swclk: bool, swdio: bool) {
        self.lines.set_pins(swclk, swdio);
    }

    /// The level of SWDIO; high when nobody drives it.
    #[must_use]
    pub fn swdio(&mut self) -> bool {
        self.lines.data_level()
    }

    /// Pulls nRESET low, or lets go of it.
    pub fn reset(&mut self, low: bool) {
        self.lines.drive_reset(low);
    }
}

#[cfg(test)]
#[path = "pins_tests.rs"]
mod tests;

//! The pins as a VCD file, which logic analysers' programs read: SWCLK, SWDIO, nRESET, in nanoseconds.
//!
//! SWCLK falls at the beginning of a clock and rises in its middle. What the host drives changes with the fall, what the
//! target drives with the rise before. When the target lets go, SWDIO is pulled high until the host takes it.

use sim::PinRun;
use std::fmt::Write as _;
use std::time::Duration;
use wire::{Hz, WireEvent};

/// One change of one pin. Sorted by time; at one time the clock is first, so that who looks at an edge sees it so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Change {
    at: u64,
    pin: Pin,
    high: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Pin {
    Swclk,
    Swdio,
    Reset,
}

impl Pin {
    const ALL: [(Pin, &'static str); 3] =
        [(Pin::Swclk, "SWCLK"), (Pin::Swdio, "SWDIO"), (Pin::Reset, "nRESET")];

    fn symbol(self) -> char {
        match self {
            Pin::Swclk => '!',
            Pin::Swdio => '"',
            Pin::Reset => '#',
        }
    }
}

/// The file, of the clocks and events that a simulated probe kept.
pub fn vcd(runs: &[PinRun], events: &[(Duration, WireEvent)]) -> String {
    let mut changes = Vec::new();
    let mut last = Last::default();
    for run in runs {
        last.run(run, &mut changes);
    }
    for (at, event) in events {
        if let WireEvent::Reset(low) = event {
            changes.push(Change { at: nanos(*at), pin: Pin::Reset, high: !low });
        }
    }
    changes.sort();
    write(&changes)
}

/// How the clock before ended.
#[derive(Debug, Clone, Copy, Default)]
struct Last {
    /// When SWCLK rose.
    rise: u64,
    /// Whether the target drove SWDIO.
    target: bool,
}

impl Last {
    fn run(&mut self, run: &PinRun, changes: &mut Vec<Change>) {
        let start = nanos(run.at);
        for n in 0..run.clocks {
            let fall = start + run.clock.nanos(n.into());
            let rise = start + middle(run.clock, n.into());
            let (high, target) = (run.levels >> n & 1 == 1, run.target >> n & 1 == 1);
            changes.push(Change { at: fall, pin: Pin::Swclk, high: false });
            changes.push(Change { at: rise, pin: Pin::Swclk, high: true });
            if target {
                let at = if self.target || n > 0 { self.rise } else { fall };
                changes.push(Change { at, pin: Pin::Swdio, high });
            } else {
                if self.target {
                    changes.push(Change { at: self.rise, pin: Pin::Swdio, high: true });
                }
                changes.push(Change { at: fall, pin: Pin::Swdio, high });
            }
            *self = Last { rise, target };
        }
    }
}

/// From the beginning of a run to the middle of clock `n`.
fn middle(clock: Hz, n: u64) -> u64 {
    Hz(clock.0.saturating_mul(2)).nanos(2 * n + 1)
}

fn nanos(at: Duration) -> u64 {
    u64::try_from(at.as_nanos()).unwrap_or(u64::MAX)
}

fn write(changes: &[Change]) -> String {
    let mut text = String::from("$version simprobe $end\n$timescale 1 ns $end\n$scope module wire $end\n");
    // Writing into a String cannot fail.
    for (pin, name) in Pin::ALL {
        let _ = writeln!(text, "$var wire 1 {} {name} $end", pin.symbol());
    }
    text.push_str("$upscope $end\n$enddefinitions $end\n#0\n$dumpvars\n1!\n1\"\n1#\n$end\n");
    let mut level = [true; 3];
    let mut now = 0;
    for Change { at, pin, high } in changes {
        let Some(level) = level.get_mut(*pin as usize).filter(|level| **level != *high) else { continue };
        *level = *high;
        if now != *at {
            now = *at;
            let _ = writeln!(text, "#{now}");
        }
        let _ = writeln!(text, "{}{}", u8::from(*high), pin.symbol());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(text: &str) -> Vec<&str> {
        text.split_once("$end\n#0\n").unwrap().1.lines().skip(5).collect()
    }

    #[test]
    fn the_host_changes_data_when_the_clock_falls_and_the_target_when_it_rises() {
        // Two clocks of the host (1, 0), a turnaround, two of the target (0, 1), a turnaround, at 10 MHz.
        let run = PinRun {
            at: Duration::from_nanos(1000),
            clock: Hz(10_000_000),
            clocks: 6,
            levels: 0b11_0101,
            target: 0b01_1000,
        };
        let text = vcd(&[run], &[]);
        let expected = [
            "#1000", "0!", "#1050", "1!", // 1 by the host: it was high
            "#1100", "0!", "0\"", "#1150", "1!", // 0 by the host
            "#1200", "0!", "1\"", "#1250", "1!",
            "0\"", // turnaround; the target begins when SWCLK has risen
            "#1300", "0!", "#1350", "1!", "1\"", // 0 is read; 1 comes
            "#1400", "0!", "#1450", "1!", // 1 is read; pulled high
            "#1500", "0!", "#1550", "1!",
        ];
        assert_eq!(body(&text), expected);
    }

    #[test]
    fn nreset_is_a_pin_too() {
        let at = Duration::from_micros(3);
        let text = vcd(&[], &[(at, WireEvent::Reset(true)), (2 * at, WireEvent::Reset(false))]);
        assert_eq!(body(&text), ["#3000", "0#", "#6000", "1#"]);
    }

    #[test]
    fn a_line_that_the_target_lets_go_of_is_pulled_high_at_once() {
        let run =
            PinRun { at: Duration::ZERO, clock: Hz(1_000_000), clocks: 3, levels: 0b001, target: 0b010 };
        let text = vcd(&[run], &[]);
        let data: Vec<_> = body(&text).into_iter().filter(|line| line.ends_with('"')).collect();
        assert_eq!(data, ["0\"", "1\"", "0\""]);
    }
}

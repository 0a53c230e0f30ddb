//! What it costs to program and verify: SWCLK cycles, USB packets and simulated time, against the floor.

use crate::{Rig, options, pattern};
use h5::{FlashPace, FlashRange};
use pace::Patience;
use regs::dp;
use sim::Bill;
use std::fmt;
use std::time::Duration;
use wire::{Addr, Hz};

/// Clocks of one transaction that is accepted, without idle clocks. [ADI-14]
pub const CLOCKS_OK: u64 = 46;
/// One quad-word in the simulator. [H5-FLASH-5]
pub const QUAD_WORD: Duration = Duration::from_micros(32);
/// Where programs go.
pub const FLASH: Addr = Addr(0x0800_0000);

/// One measurement.
#[derive(Debug, Clone)]
pub struct Row {
    /// How quad-words were paced.
    pub pace: FlashPace,
    /// What the bus does while the flash is busy.
    pub bus: &'static str,
    /// SWCLK.
    pub swclk: Hz,
    /// Words programmed.
    pub words: u64,
    /// What programming cost.
    pub program: Bill,
    /// What verifying cost.
    pub verify: Bill,
}

/// What was spent between two bills.
pub(crate) fn spent(before: &Bill, after: &Bill) -> Bill {
    Bill {
        usb_out: after.usb_out - before.usb_out,
        usb_in: after.usb_in - before.usb_in,
        usb_bytes: after.usb_bytes - before.usb_bytes,
        swclk_ok: after.swclk_ok - before.swclk_ok,
        swclk_wait: after.swclk_wait - before.swclk_wait,
        swclk_other: after.swclk_other - before.swclk_other,
        ok: after.ok - before.ok,
        wait: after.wait - before.wait,
        fault: after.fault - before.fault,
        no_ack: after.no_ack - before.no_ack,
        parity: after.parity - before.parity,
        busy: after.busy - before.busy,
        time: after.time - before.time,
    }
}

/// Programs and verifies `len` bytes on a fresh board.
pub fn measure(pace: FlashPace, bus: &'static str, swclk: Hz, len: usize) -> Row {
    let mut options = options();
    options.swclk = swclk;
    // The probe's count of 16 bits covers 35 ms at 24 MHz; a quad-word takes 0.1 ms at most.
    options.policy.flash.program = Patience::ms(10);
    let mut rig = Rig::with(&format!("h562,flash.bus={bus}"), &options);
    let data = pattern(len);
    let size = u32::try_from(len).expect("fits the flash");
    rig.part().erase(&FlashRange::covering(FLASH, size), &mut |_| {}).expect("erased");
    let part_then = |rig: &mut Rig, act: &mut dyn FnMut(&mut h5::Part<'_>)| {
        act(&mut rig.part());
        rig.bill()
    };
    let start = part_then(&mut rig, &mut |_| {});
    let programmed = part_then(&mut rig, &mut |part| {
        let report = part.program(FLASH, &data, pace, &mut |_| {}).expect("programmed");
        assert_eq!((report.pace, report.fallbacks.len()), (pace, 0), "{report:?}");
    });
    let verified = part_then(&mut rig, &mut |part| part.verify(FLASH, &data, &mut |_| {}).expect("verified"));
    let words = (len / 4) as u64;
    Row {
        pace,
        bus,
        swclk,
        words,
        program: spent(&start, &programmed),
        verify: spent(&programmed, &verified),
    }
}

impl Row {
    /// Accepted clocks for each word programmed.
    pub fn program_clocks(&self) -> f64 {
        self.program.swclk_ok as f64 / self.words as f64
    }

    /// Accepted clocks for each word verified.
    pub fn verify_clocks(&self) -> f64 {
        self.verify.swclk_ok as f64 / self.words as f64
    }

    /// The time below which no way of programming on this bus can come: a bus that stalls takes three words beside each
    /// quad-word's programming time, one that buffers takes the larger of wire and flash.
    pub fn floor(&self) -> Duration {
        let word = Duration::from_nanos(self.swclk.nanos(CLOCKS_OK));
        let quads = u32::try_from(self.words / 4).expect("fits");
        match self.bus {
            "buffered" => (word * 4).max(QUAD_WORD) * quads,
            _ => (QUAD_WORD + word * 3) * quads,
        }
    }

    /// Time programming took, as a multiple of the floor.
    pub fn over_floor(&self) -> f64 {
        self.program.time.as_secs_f64() / self.floor().as_secs_f64()
    }
}

impl Row {
    /// The heading of a table of rows.
    pub const HEAD: &str = "pace    bus       SWCLK   | program: OK clk/word  WAIT clk/word  USB out  time        x floor \
                            | verify: OK clk/word  USB out  time";
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waits = self.program.swclk_wait as f64 / self.words as f64;
        write!(
            f,
            "{:<7} {:<9} {:<7} | {:>20.2} {:>14.2} {:>8} {:>9.1} ms {:>7.3} | {:>19.2} {:>8} {:>8.1} ms",
            self.pace.to_string(),
            self.bus,
            self.swclk.to_string(),
            self.program_clocks(),
            waits,
            self.program.usb_out,
            self.program.time.as_secs_f64() * 1e3,
            self.over_floor(),
            self.verify_clocks(),
            self.verify.usb_out,
            self.verify.time.as_secs_f64() * 1e3,
        )
    }
}

/// Whether a DP register write is housekeeping: ABORT, SELECT, CTRL/STAT.
pub fn is_dp_housekeeping(a: u8) -> bool {
    [dp::ABORT, dp::SELECT, dp::CTRL_STAT].contains(&a)
}

//! A value change dump of the pins (IEEE 1364).

use super::Told;
use super::pins::{Drawing, Pen, Pins};
use crate::trace::Trace;
use std::io::{self, Write};

/// Writes what changes.
struct Changes<'a> {
    out: &'a mut dyn Write,
    /// Nanoseconds of a quarter of a clock.
    quarter: u64,
    before: Option<Pins>,
}

pub(super) fn write(trace: &Trace, out: &mut dyn Write) -> io::Result<Told> {
    let drawing = Drawing::new(trace);
    for line in trace.comment().lines() {
        // `$end` ends a comment wherever it stands.
        writeln!(out, "$comment {} $end", line.replace('$', "_"))?;
    }
    writeln!(out, "$version swdtrace {} $end", env!("CARGO_PKG_VERSION"))?;
    writeln!(out, "$timescale 1 ns $end\n$scope module swd $end")?;
    writeln!(out, "$var wire 1 ! SWCLK $end\n$var wire 1 \" SWDIO $end\n$var wire 1 # nRESET $end")?;
    writeln!(out, "$upscope $end\n$enddefinitions $end")?;
    drawing.draw(&mut Changes { out, quarter: drawing.quarter, before: None })
}

impl Pen for Changes<'_> {
    fn levels(&mut self, quarter: u64, pins: Pins) -> io::Result<()> {
        if self.before == Some(pins) {
            return Ok(());
        }
        write!(self.out, "#{}", quarter.saturating_mul(self.quarter))?;
        let pairs = [
            (pins.swclk, self.before.map(|before| before.swclk), '!'),
            (pins.swdio, self.before.map(|before| before.swdio), '"'),
            (pins.nrst, self.before.map(|before| before.nrst), '#'),
        ];
        for (now, before, id) in pairs {
            if before != Some(now) {
                write!(self.out, " {}{id}", u8::from(now))?;
            }
        }
        self.before = Some(pins);
        writeln!(self.out)
    }
}

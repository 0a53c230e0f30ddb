//! A sigrok session (version 2): one byte a sample, a sample for each quarter of a clock.
//!
//! A session has no times but the number of the sample, so a long silence costs many samples. They compress well; what is
//! longer than [`LONGEST`] is cut short, and told.

use super::Told;
use super::pins::{Drawing, Pen, Pins};
use crate::trace::Trace;
use std::io::{self, Cursor, Write};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// Samples of one file of the session.
const PIECE: usize = 4 << 20;
/// Samples of silence that are written.
const LONGEST: u64 = 16 << 20;

/// Collects samples into files of the session.
struct Samples {
    zip: ZipWriter<Cursor<Vec<u8>>>,
    piece: Vec<u8>,
    pieces: u32,
    /// The sample from which on the level is `level`.
    at: u64,
    level: u8,
    /// Samples that were left out so far.
    short: u64,
}

pub(super) fn write(trace: &Trace, out: &mut dyn Write) -> io::Result<Told> {
    let drawing = Drawing::new(trace);
    let rate = 1_000_000_000 / drawing.quarter.max(1);
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("version", SimpleFileOptions::default())?;
    zip.write_all(b"2")?;
    zip.start_file("metadata", SimpleFileOptions::default())?;
    write!(
        zip,
        "[global]\nsigrok version=0.5.2\n\n[device 1]\ncapturefile=logic-1\ntotal probes=3\nsamplerate={rate} Hz\n\
         total analog=0\nprobe1=SWCLK\nprobe2=SWDIO\nprobe3=nRESET\nunitsize=1\n"
    )?;
    let mut samples = Samples { zip, piece: Vec::with_capacity(PIECE), pieces: 0, at: 0, level: 0, short: 0 };
    let mut told = drawing.draw(&mut samples)?;
    if samples.short > 0 {
        let lost = samples.short.saturating_mul(drawing.quarter) / 1_000_000;
        told.made_up.push(format!("long silences were cut short, by {lost} ms in all"));
    }
    out.write_all(&samples.finish()?)?;
    Ok(told)
}

impl Samples {
    fn fill(&mut self, mut count: u64) -> io::Result<()> {
        while count > 0 {
            let room = u64::try_from(PIECE - self.piece.len()).unwrap_or(1);
            let now = count.min(room);
            self.piece.resize(self.piece.len() + usize::try_from(now).unwrap_or(0), self.level);
            count -= now;
            if self.piece.len() >= PIECE {
                self.end_piece()?;
            }
        }
        Ok(())
    }

    fn end_piece(&mut self) -> io::Result<()> {
        if self.piece.is_empty() {
            return Ok(());
        }
        self.pieces += 1;
        self.zip.start_file(format!("logic-1-{}", self.pieces), SimpleFileOptions::default())?;
        self.zip.write_all(&self.piece)?;
        self.piece.clear();
        Ok(())
    }

    fn finish(mut self) -> io::Result<Vec<u8>> {
        self.fill(1)?;
        self.end_piece()?;
        Ok(self.zip.finish()?.into_inner())
    }
}

impl Pen for Samples {
    fn levels(&mut self, quarter: u64, pins: Pins) -> io::Result<()> {
        let silence = quarter.saturating_sub(self.at);
        let kept = silence.min(LONGEST);
        self.short += silence - kept;
        self.fill(kept)?;
        self.at = quarter;
        self.level = u8::from(pins.swclk) | u8::from(pins.swdio) << 1 | u8::from(pins.nrst) << 2;
        Ok(())
    }
}

//! Captures of logic analysers: sigrok sessions, VCD, CSV of sigrok and of Saleae Logic 2, binary exports of Saleae Logic 2.
//!
//! A capture is recognised by its content. Its channels are found by their names, or by [`Channels`]. Every reader hands on
//! the same: the level of SWDIO before each rise of SWCLK, with its time, and the changes of nRESET. What comes of it are
//! events of level 2; times begin with the capture.

mod blocks;
mod changes;
mod channels;
mod csv;
mod intake;
mod packed;
mod saleae;
mod sr;
#[cfg(test)]
mod tests;
mod vcd;

pub use channels::Channels;

use crate::TraceError;
use crate::event::Event;
use crate::read::Warning;
use intake::Intake;
use std::io::Read;

/// Formats of logic captures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Sigrok,
    Vcd,
    Csv,
    SaleaeBinary,
}

impl Format {
    /// The format of a file that begins so.
    pub(crate) fn of(head: &[u8]) -> Option<Format> {
        if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
            return Some(Format::Sigrok);
        }
        if head.starts_with(saleae::MAGIC) {
            return Some(Format::SaleaeBinary);
        }
        let text = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head).trim_ascii_start();
        let line = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let vcd = [&b"$date"[..], b"$version", b"$comment", b"$timescale", b"$scope", b"$var"];
        if vcd.iter().any(|word| text.starts_with(word)) {
            return Some(Format::Vcd);
        }
        let csv = line.starts_with(b"; CSV") || line.starts_with(b"Time [s]") || line.starts_with(b"Time,");
        let rows = line.split(|byte| *byte == b',').all(|cell| cell.trim_ascii() == b"logic");
        (csv || rows).then_some(Format::Csv)
    }
}

/// What came of a capture.
#[derive(Debug)]
pub(crate) struct Capture {
    pub(crate) comment: String,
    pub(crate) events: Vec<Event>,
    pub(crate) warnings: Vec<Warning>,
}

/// Reads a capture of a format that was recognised.
pub(crate) fn read(
    format: Format,
    source: &mut dyn Read,
    channels: &Channels,
) -> Result<Capture, TraceError> {
    let mut intake = Intake::new();
    match format {
        Format::Sigrok => {
            let mut bytes = Vec::new();
            source.read_to_end(&mut bytes).map_err(TraceError::Source)?;
            sr::read(&bytes, channels, &mut intake)?;
        }
        Format::Vcd => vcd::read(source, channels, &mut intake)?,
        Format::Csv => csv::read(source, channels, &mut intake)?,
        Format::SaleaeBinary => {
            return Err(TraceError::Capture {
                format: "Saleae binary",
                place: "this file".to_owned(),
                why: "it holds one channel; give the folder with the files of all channels".to_owned(),
            });
        }
    }
    Ok(finish(intake))
}

/// Only what is on the wire (level 2) of a capture in one file, without what is derived from it.
///
/// # Errors
/// [`TraceError::Unknown`] when the bytes are no capture, otherwise as [`open_with`](crate::open_with).
pub fn on_wire(bytes: &[u8], channels: &Channels) -> Result<Vec<Event>, TraceError> {
    let format = Format::of(bytes).ok_or_else(|| TraceError::Unknown("no logic capture".to_owned()))?;
    let mut source = bytes;
    read(format, &mut source, channels).map(|capture| capture.events)
}

/// What is on the wire in samples that stand one behind the other, `unit` bytes each, with a bit for each channel.
///
/// `rate` is in samples a second; `swclk` and `swdio` are the numbers of the bits.
pub fn on_wire_in_samples(samples: &[u8], unit: usize, rate: u64, swclk: usize, swdio: usize) -> Vec<Event> {
    let mut intake = Intake::new();
    intake.scale = intake::Scale::Rate(rate);
    let pins = channels::Pins { swclk, swdio, nrst: None };
    // It stops by itself when there is too much.
    let _ = packed::Packed::new(unit, pins).feed(samples, &mut intake);
    finish(intake).events
}

/// Reads the binary exports of the channels of one capture, each with its name.
pub(crate) fn read_channels(
    files: Vec<(String, &mut dyn Read)>,
    channels: &Channels,
) -> Result<Capture, TraceError> {
    let mut intake = Intake::new();
    saleae::read(files, channels, &mut intake)?;
    Ok(finish(intake))
}

fn finish(mut intake: Intake) -> Capture {
    intake.end();
    let Intake { comment, events, warnings, .. } = intake;
    Capture { comment, events, warnings }
}

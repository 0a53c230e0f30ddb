//! Captures of logic analysers: sigrok sessions, VCD, CSV of sigrok and of Saleae Logic 2, binary exports of Saleae Logic 2.
//!
//! A capture is recognised by its content. Its channels are found by their names, by [`Channels`], or by what decodes. Every
//! reader hands on the same: the level of SWDIO before each rise of SWCLK, with its time, and the changes of nRESET. What comes
//! of it are events of level 2; times begin with the capture.

mod blocks;
mod changes;
mod channels;
mod csv;
mod guess;
mod intake;
mod packed;
mod saleae;
mod sr;
#[cfg(test)]
mod tests;
mod vcd;

pub use channels::Channels;
pub use sr::Seekable;

use crate::TraceError;
use crate::event::Event;
use crate::read::Warning;
use crate::swd::Tally;
use guess::{Guess, Remembering, beginning};
use intake::Intake;
use std::io::{Cursor, Read};

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
        (csv || rows || csv::begins(text)).then_some(Format::Csv)
    }
}

/// What came of a capture.
#[derive(Debug)]
pub(crate) struct Capture {
    pub(crate) comment: String,
    pub(crate) events: Vec<Event>,
    pub(crate) warnings: Vec<Warning>,
    /// What the clocks were for.
    pub(crate) tally: Tally,
}

/// Reads a sigrok session any place of which can be read.
pub(crate) fn read_session(source: &mut dyn Seekable, channels: &Channels) -> Result<Capture, TraceError> {
    let mut intake = Intake::new();
    let failure = match sr::read(source, channels, &mut intake) {
        Ok(()) => return Ok(finish(intake)),
        Err(failure) => failure,
    };
    if !failure.asks_for_a_pin() {
        return Err(failure);
    }
    source.rewind().map_err(TraceError::Source)?;
    let beginning = beginning(&mut { &mut *source })?;
    let Some(guess) = guessed(Format::Sigrok, &intake.names, channels, &beginning) else {
        return Err(failure);
    };
    let names = std::mem::replace(&mut intake, Intake::new()).names;
    sr::read(source, &guess.channels(channels), &mut intake)?;
    intake.warnings.push(guess.told(&names));
    Ok(finish(intake))
}

/// The pins that decode best in the beginning of a capture, which may end anywhere.
fn guessed(format: Format, names: &[String], channels: &Channels, beginning: &[u8]) -> Option<Guess> {
    Guess::of(names, channels, |channels| {
        let mut intake = Intake::new();
        let _ = of_format(format, &mut { beginning }, channels, &mut intake);
        finish(intake)
    })
}

/// Reads a capture of a format that was recognised, as it comes.
pub(crate) fn read(
    format: Format,
    source: &mut dyn Read,
    channels: &Channels,
) -> Result<Capture, TraceError> {
    let mut intake = Intake::new();
    let mut source = Remembering::new(source, &intake);
    let failure = match of_format(format, &mut source, channels, &mut intake) {
        Ok(()) => return Ok(finish(intake)),
        Err(failure) => failure,
    };
    let names = std::mem::take(&mut intake.names);
    let Some(beginning) = source.beginning().filter(|_| failure.asks_for_a_pin()) else {
        return Err(failure);
    };
    let Some(guess) = guessed(format, &names, channels, &beginning) else { return Err(failure) };
    let mut intake = Intake::new();
    of_format(
        format,
        &mut beginning.as_slice().chain(source.rest()),
        &guess.channels(channels),
        &mut intake,
    )?;
    let mut capture = finish(intake);
    capture.warnings.push(guess.told(&names));
    Ok(capture)
}

fn of_format(
    format: Format,
    source: &mut dyn Read,
    channels: &Channels,
    intake: &mut Intake,
) -> Result<(), TraceError> {
    match format {
        Format::Sigrok => sr::in_order(source, channels, intake),
        Format::Vcd => vcd::read(source, channels, intake),
        Format::Csv => csv::read(source, channels, intake),
        Format::SaleaeBinary => Err(TraceError::Capture {
            format: "Saleae binary",
            place: "this file".to_owned(),
            why: "it holds one channel; give the folder with the files of all channels".to_owned(),
        }),
    }
}

/// Only what is on the wire (level 2) of a capture in one file, without what is derived from it.
///
/// # Errors
/// [`TraceError::Unknown`] when the bytes are no capture, otherwise as [`open_with`](crate::open_with).
pub fn on_wire(bytes: &[u8], channels: &Channels) -> Result<Vec<Event>, TraceError> {
    let format = Format::of(bytes).ok_or_else(|| TraceError::Unknown("no logic capture".to_owned()))?;
    let capture = match format {
        Format::Sigrok => read_session(&mut Cursor::new(bytes), channels),
        _ => read(format, &mut { bytes }, channels),
    };
    capture.map(|capture| capture.events)
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
    mut files: Vec<(String, &mut dyn Read)>,
    channels: &Channels,
) -> Result<Capture, TraceError> {
    let names: Vec<String> = files.iter().map(|(name, _)| name.clone()).collect();
    let mut intake = Intake::new();
    match channels.find(&names) {
        Err(failure) if failure.asks_for_a_pin() => {
            let beginnings =
                files.iter_mut().map(|(_, file)| beginning(file)).collect::<Result<Vec<_>, _>>()?;
            let attempt = |channels: &Channels| {
                let mut intake = Intake::new();
                let mut parts: Vec<&[u8]> = beginnings.iter().map(Vec::as_slice).collect();
                let parts = parts.iter_mut().map(|part| part as &mut dyn Read);
                let _ = saleae::read(names.iter().cloned().zip(parts).collect(), channels, &mut intake);
                finish(intake)
            };
            let Some(guess) = Guess::of(&names, channels, attempt) else { return Err(failure) };
            let mut whole: Vec<_> = beginnings
                .iter()
                .zip(&mut files)
                .map(|(head, (_, rest))| head.as_slice().chain(rest))
                .collect();
            let whole = whole.iter_mut().map(|file| file as &mut dyn Read);
            let all = names.iter().cloned().zip(whole).collect();
            saleae::read(all, &guess.channels(channels), &mut intake)?;
            intake.warnings.push(guess.told(&names));
        }
        _ => saleae::read(files, channels, &mut intake)?,
    }
    Ok(finish(intake))
}

fn finish(mut intake: Intake) -> Capture {
    intake.end();
    let tally = intake.decoder.tally();
    let Intake { comment, events, warnings, .. } = intake;
    Capture { comment, events, warnings, tally }
}

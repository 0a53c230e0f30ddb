//! Sessions of sigrok (`.sr`): a zip archive with a file of settings and the samples in pieces.

use super::channels::Channels;
use super::intake::{Intake, Scale};
use super::packed::Packed;
use crate::TraceError;
use crate::read::Warning;
use std::io::{Cursor, Read};
use std::ops::ControlFlow;
use zip::ZipArchive;

const FORMAT: &str = "sigrok session";
/// A file of settings is not longer.
const MOST_SETTINGS: u64 = 1 << 20;
/// More bytes of samples are not inflated: a file of a few kilobytes can promise any number.
const MOST_SAMPLES: u64 = 1 << 36;
/// Bytes that are inflated at a time.
const PIECE: usize = 1 << 18;

fn wrong(place: &str, why: impl Into<String>) -> TraceError {
    TraceError::Capture { format: FORMAT, place: place.to_owned(), why: why.into() }
}

/// What the settings say.
#[derive(Debug, PartialEq, Eq)]
struct Settings {
    /// How the pieces are called.
    capture: String,
    rate: Option<u64>,
    unit: usize,
    /// Names by bit; unnamed where a channel was off.
    names: Vec<String>,
}

impl Settings {
    /// Reads the settings of the first device.
    fn read(text: &str) -> Result<Settings, TraceError> {
        let place = "metadata";
        let mut settings = Settings { capture: String::new(), rate: None, unit: 1, names: Vec::new() };
        let device = text.lines().map(str::trim).skip_while(|line| *line != "[device 1]").skip(1);
        for line in device.take_while(|line| !line.starts_with('[')) {
            let Some((key, value)) = line.split_once('=') else { continue };
            let number = || value.parse().map_err(|_| wrong(place, format!("{line:?} holds no number")));
            match key {
                "capturefile" => value.clone_into(&mut settings.capture),
                "samplerate" => {
                    let rate = rate(value).ok_or_else(|| wrong(place, format!("{line:?} is no rate")))?;
                    settings.rate = Some(rate);
                }
                "unitsize" => settings.unit = number()?,
                _ => {
                    if let Some(bit) = key.strip_prefix("probe").and_then(|n| n.parse::<usize>().ok()) {
                        settings.name(bit, value);
                    }
                }
            }
        }
        if settings.capture.is_empty() {
            return Err(wrong(place, "it names no logic samples"));
        }
        // sigrok has at most 64 channels or so; a kilobyte a sample is nobody's.
        if !(1..=1024).contains(&settings.unit) {
            return Err(wrong(place, format!("samples of {} bytes", settings.unit)));
        }
        Ok(settings)
    }

    fn name(&mut self, bit: usize, name: &str) {
        let most = 8 * 1024;
        if (1..=most).contains(&bit) {
            if self.names.len() < bit {
                self.names.resize(bit, String::new());
            }
            if let Some(place) = self.names.get_mut(bit - 1) {
                name.clone_into(place);
            }
        }
    }
}

/// `8 MHz`, `200 kHz`, `1000000`.
pub(super) fn rate(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let scale = match unit.trim() {
        "" | "Hz" => 1,
        "kHz" => 1_000,
        "MHz" => 1_000_000,
        "GHz" => 1_000_000_000,
        _ => return None,
    };
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let mut rate = whole.parse::<u64>().ok()?.checked_mul(scale)?;
    let mut place = scale;
    for digit in part.chars() {
        place /= 10;
        rate = rate.checked_add(u64::from(digit.to_digit(10)?) * place)?;
    }
    (rate > 0).then_some(rate)
}

/// Reads a session.
pub(super) fn read(bytes: &[u8], channels: &Channels, intake: &mut Intake) -> Result<(), TraceError> {
    match ZipArchive::new(Cursor::new(bytes)) {
        Ok(archive) => whole(archive, channels, intake),
        // The directory stands at the end: what is cut off has none.
        Err(_) => in_order(bytes, channels, intake),
    }
}

fn text_of(file: &mut dyn Read, name: &str) -> Result<String, TraceError> {
    let mut bytes = Vec::new();
    file.take(MOST_SETTINGS).read_to_end(&mut bytes).map_err(|e| wrong(name, e.to_string()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The number of a piece: `logic-1-12` is 12, `logic-1` alone is 0.
fn number(name: &str, capture: &str) -> Option<u64> {
    match name.strip_prefix(capture)? {
        "" => Some(0),
        rest => rest.strip_prefix('-')?.parse().ok(),
    }
}

fn whole(
    mut archive: ZipArchive<Cursor<&[u8]>>,
    channels: &Channels,
    intake: &mut Intake,
) -> Result<(), TraceError> {
    if archive.index_for_name("metadata").is_none() {
        let saleae = archive.index_for_name("meta.json").is_some();
        let why = if saleae {
            "this is a capture of Saleae Logic, which is documented nowhere: export it as CSV or binary there"
        } else {
            "the archive holds no metadata, so it is no session"
        };
        return Err(wrong("zip archive", why));
    }
    let mut file = archive.by_name("metadata").map_err(|e| wrong("metadata", e.to_string()))?;
    let text = text_of(&mut file, "metadata")?;
    drop(file);
    let mut session = Session::new(&text, channels, intake)?;
    let mut pieces: Vec<(u64, String)> = archive
        .file_names()
        .filter_map(|name| {
            let name = name.ok()?.into_owned();
            Some((number(&name, &session.settings.capture)?, name))
        })
        .collect();
    pieces.sort();
    if pieces.is_empty() {
        return Err(wrong("zip archive", format!("it holds no samples ({})", session.settings.capture)));
    }
    for (number, name) in pieces {
        let piece = archive.by_name(&name).map_err(|e| wrong(&name, e.to_string()));
        let flow = match piece {
            Ok(mut piece) => session.piece(number, &mut piece, intake),
            Err(_) => session.cut(intake),
        };
        if flow.is_break() {
            break;
        }
    }
    session.end(intake);
    Ok(())
}

/// Reads an archive without its directory, piece by piece as they stand.
fn in_order(bytes: &[u8], channels: &Channels, intake: &mut Intake) -> Result<(), TraceError> {
    let mut rest = Cursor::new(bytes);
    let mut session: Option<Session> = None;
    while let Ok(Some(mut file)) = zip::read::read_zipfile_from_stream(&mut rest) {
        let Ok(name) = file.name().map(|name| name.into_owned()) else { break };
        if name == "metadata" {
            let text = text_of(&mut file, &name)?;
            session = Some(Session::new(&text, channels, intake)?);
        } else if let Some(session) = &mut session
            && let Some(number) = number(&name, &session.settings.capture)
            && session.piece(number, &mut file, intake).is_break()
        {
            break;
        }
    }
    let Some(mut session) = session else {
        return Err(wrong("zip archive", "it is cut off before the settings that say what it holds"));
    };
    let _ = session.cut(intake);
    session.end(intake);
    Ok(())
}

/// A session in the course of being read.
struct Session {
    settings: Settings,
    packed: Packed,
    /// The piece that was read last.
    last: Option<u64>,
    inflated: u64,
    is_cut: bool,
}

impl Session {
    fn new(text: &str, channels: &Channels, intake: &mut Intake) -> Result<Session, TraceError> {
        let settings = Settings::read(text)?;
        let pins = channels.find(&settings.names)?;
        let highest = pins.swclk.max(pins.swdio).max(pins.nrst.unwrap_or(0));
        if highest >= settings.unit * 8 {
            return Err(wrong(
                "metadata",
                format!("channel {highest} is not in samples of {} bytes", settings.unit),
            ));
        }
        intake.note("format", FORMAT);
        match settings.rate {
            Some(rate) => {
                intake.scale = Scale::Rate(rate);
                intake.note("rate", &format!("{rate} samples a second"));
            }
            None => intake.warnings.push(Warning::NoRate),
        }
        let packed = Packed::new(settings.unit, pins);
        Ok(Session { settings, packed, last: None, inflated: 0, is_cut: false })
    }

    fn piece(&mut self, number: u64, piece: &mut dyn Read, intake: &mut Intake) -> ControlFlow<()> {
        if self.last.is_some_and(|last| last.checked_add(1) != Some(number)) {
            return self.cut(intake);
        }
        self.last = Some(number);
        let mut buffer = vec![0; PIECE];
        loop {
            let count = match piece.read(&mut buffer) {
                Ok(0) => return ControlFlow::Continue(()),
                Ok(count) => count,
                Err(_) => return self.cut(intake),
            };
            self.inflated += u64::try_from(count).unwrap_or_default();
            if self.inflated > MOST_SAMPLES {
                return self.cut(intake);
            }
            self.packed.feed(buffer.get(..count).unwrap_or_default(), intake)?;
        }
    }

    /// What follows is not there or not to be read.
    fn cut(&mut self, intake: &mut Intake) -> ControlFlow<()> {
        if !self.is_cut {
            intake.warnings.push(Warning::CutAtSample { sample: self.packed.samples });
        }
        self.is_cut = true;
        ControlFlow::Break(())
    }

    fn end(&mut self, intake: &mut Intake) {
        if self.packed.left_over() != 0 {
            let _ = self.cut(intake);
        }
        intake.note("samples", &self.packed.samples.to_string());
    }
}

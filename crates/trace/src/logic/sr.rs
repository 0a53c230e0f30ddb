//! Sessions of sigrok (`.sr`): a zip archive with a file of settings and the samples in pieces.

use super::channels::Channels;
use super::intake::{Intake, Scale};
use super::packed::Packed;
use crate::TraceError;
use crate::read::Warning;
use std::io::{Cursor, Read};
use std::ops::ControlFlow;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;
use zip::ZipArchive;

const FORMAT: &str = "sigrok session";
/// A file of settings is not longer.
const MOST_SETTINGS: u64 = 1 << 20;
/// More bytes of samples are not inflated: a file of a few kilobytes can promise any number.
const MOST_SAMPLES: u64 = 1 << 36;
/// Bytes that are looked at a time.
const STEP: usize = 1 << 18;
/// Larger pieces are not inflated ahead of time: sigrok's have four megabytes.
const LARGE: u64 = 1 << 24;
/// Pieces that each worker has ready, and how many workers there are.
const AHEAD: usize = 2;
const MOST_WORKERS: usize = 4;

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

/// Of other versions nobody knows what their files mean.
fn known_version(text: &str) -> Result<(), TraceError> {
    match text.trim() {
        "1" | "2" => Ok(()),
        other => {
            Err(wrong("version", format!("version {other:?} of sigrok's sessions is not known; 1 and 2 are")))
        }
    }
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
    if let Ok(mut file) = archive.by_name("version") {
        known_version(&text_of(&mut file, "version")?)?;
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
    inflated(&archive, &pieces, |number, piece| match piece {
        Piece::Whole(bytes) => session.piece(number, &mut bytes.as_slice(), intake),
        Piece::Broken(bytes) => {
            session.piece(number, &mut bytes.as_slice(), intake)?;
            session.cut(intake)
        }
        Piece::Large(name) => match archive.clone().by_name(name) {
            Ok(mut piece) => session.piece(number, &mut piece, intake),
            Err(_) => session.cut(intake),
        },
        Piece::Missing => session.cut(intake),
    });
    session.end(intake);
    Ok(())
}

/// Reads an archive without its directory, piece by piece as they stand.
fn in_order(bytes: &[u8], channels: &Channels, intake: &mut Intake) -> Result<(), TraceError> {
    let mut rest = Cursor::new(bytes);
    let mut session: Option<Session> = None;
    while let Ok(Some(mut file)) = zip::read::read_zipfile_from_stream(&mut rest) {
        let Ok(name) = file.name().map(|name| name.into_owned()) else { break };
        if name == "version" {
            known_version(&text_of(&mut file, &name)?)?;
        } else if name == "metadata" {
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

/// A piece of the samples.
enum Piece<'a> {
    /// All of it.
    Whole(Vec<u8>),
    /// As much as could be inflated.
    Broken(Vec<u8>),
    /// Too large to be inflated ahead of time: it has this name.
    Large(&'a str),
    Missing,
}

impl Piece<'_> {
    fn inflate<'a>(archive: &mut ZipArchive<Cursor<&[u8]>>, name: &'a str) -> Piece<'a> {
        let Ok(mut file) = archive.by_name(name) else { return Piece::Missing };
        if file.size() > LARGE {
            return Piece::Large(name);
        }
        let mut bytes = Vec::with_capacity(usize::try_from(file.size()).unwrap_or_default());
        // A piece may hold more than it declares.
        match file.by_ref().take(LARGE + 1).read_to_end(&mut bytes) {
            Ok(count) if u64::try_from(count).is_ok_and(|count| count <= LARGE) => Piece::Whole(bytes),
            Ok(_) => Piece::Large(name),
            Err(_) => Piece::Broken(bytes),
        }
    }
}

/// Hands on the pieces in their order, inflated on all cores.
fn inflated(
    archive: &ZipArchive<Cursor<&[u8]>>,
    pieces: &[(u64, String)],
    mut take: impl FnMut(u64, Piece<'_>) -> ControlFlow<()>,
) {
    let workers = thread::available_parallelism().map_or(1, usize::from).min(MOST_WORKERS).min(pieces.len());
    thread::scope(|scope| {
        let worker = |first: usize| {
            let (give, taken) = sync_channel(AHEAD);
            let mut archive = archive.clone();
            scope.spawn(move || {
                let mine = pieces.iter().skip(first).step_by(workers);
                // It fails when nobody wants more.
                mine.map(|(_, name)| give.send(Piece::inflate(&mut archive, name))).all(|sent| sent.is_ok());
            });
            taken
        };
        let taken: Vec<Receiver<Piece<'_>>> = (0..workers).map(worker).collect();
        for (turn, (number, _)) in pieces.iter().enumerate() {
            let piece = taken.get(turn % workers.max(1)).and_then(|taken| taken.recv().ok());
            if take(*number, piece.unwrap_or(Piece::Missing)).is_break() {
                break;
            }
        }
    });
}

/// A session in the course of being read.
struct Session {
    settings: Settings,
    packed: Packed,
    /// The piece that was read last.
    last: Option<u64>,
    inflated: u64,
    buffer: Vec<u8>,
    is_cut: bool,
}

impl Session {
    fn new(text: &str, channels: &Channels, intake: &mut Intake) -> Result<Session, TraceError> {
        let settings = Settings::read(text)?;
        let pins = intake.pins(channels, &settings.names)?;
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
        Ok(Session { settings, packed, last: None, inflated: 0, buffer: Vec::new(), is_cut: false })
    }

    fn piece(&mut self, number: u64, piece: &mut dyn Read, intake: &mut Intake) -> ControlFlow<()> {
        if self.last.is_some_and(|last| last.checked_add(1) != Some(number)) {
            return self.cut(intake);
        }
        self.last = Some(number);
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.resize(STEP, 0);
        let flow = self.samples(piece, &mut buffer, intake);
        self.buffer = buffer;
        flow
    }

    fn samples(&mut self, piece: &mut dyn Read, buffer: &mut [u8], intake: &mut Intake) -> ControlFlow<()> {
        loop {
            let count = match piece.read(buffer) {
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

//! Sessions of sigrok (`.sr`): a zip archive with a file of settings and the samples in pieces.
//!
//! Where any place of the archive can be read, its list of contents (at the end) says where the pieces stand, and they are
//! inflated on all cores. Out of a pipe, and where the list was cut off, they are read as they stand, one by one.

mod pieces;
mod settings;
mod shared;

pub(in crate::logic) use settings::rate;

use super::channels::Channels;
use super::intake::{Intake, Scale};
use super::packed::Packed;
use crate::TraceError;
use crate::read::Warning;
use pieces::{Order, STEP, Step, fill, inflated};
use settings::{Settings, number};
use shared::Shared;
use std::io::{BufReader, Read, Seek};
use std::ops::ControlFlow;
use zip::result::ZipError;
use zip::{CompressionMethod, ZipArchive};

/// What can be read at any place.
pub trait Seekable: Read + Seek + Send {}

impl<T: Read + Seek + Send> Seekable for T {}

const FORMAT: &str = "sigrok session";
/// A file of settings is not longer.
const MOST_SETTINGS: u64 = 1 << 20;
/// More bytes of samples are not inflated: a file of a few kilobytes can promise any number.
const MOST_SAMPLES: u64 = 1 << 36;
/// What stands behind the pieces in a pipe is read away, up to this, so that whoever writes it does not fail.
const LONGEST_TAIL: u64 = 1 << 24;

fn wrong(place: &str, why: impl Into<String>) -> TraceError {
    TraceError::Capture { format: FORMAT, place: place.to_owned(), why: why.into() }
}

/// Reads a session any place of which can be read.
pub(super) fn read(
    source: &mut dyn Seekable,
    channels: &Channels,
    intake: &mut Intake,
) -> Result<(), TraceError> {
    if let Ok(archive) = ZipArchive::new(Shared::new(source).map_err(TraceError::Source)?) {
        return whole(archive, channels, intake);
    }
    // The list of contents stands at the end: what is cut off has none.
    source.rewind().map_err(TraceError::Source)?;
    in_order(source, channels, intake)
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

fn whole(
    mut archive: ZipArchive<Shared<'_>>,
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
    let order = order(&archive, &session.settings.capture)?;
    inflated(&archive, &order, session.packed.watched(), |number, step| session.step(number, step, intake));
    session.end(intake);
    Ok(())
}

/// The pieces in their order. What cannot be inflated, and what was made to be inflated without end, is an error at once.
fn order(archive: &ZipArchive<Shared<'_>>, capture: &str) -> Result<Order, TraceError> {
    let mut order = Order::new();
    let mut packed = 0u64;
    for place in 0..archive.len() {
        let Ok(entry) = archive.by_index_data(place) else { continue };
        let Ok(name) = entry.name() else { continue };
        let Some(number) = number(&name, capture) else { continue };
        if entry.encrypted() {
            return Err(wrong(&name, "it is encrypted: pack the session again without a password"));
        }
        known_packing(&name, entry.compression())?;
        packed = packed.saturating_add(entry.compressed_size());
        order.push((number, place));
    }
    if order.is_empty() {
        return Err(wrong("zip archive", format!("it holds no samples ({capture})")));
    }
    if packed > archive.central_directory_start() {
        let why = format!("its pieces claim {packed} bytes, more than there are: they share their data");
        return Err(wrong("zip archive", why));
    }
    order.sort_unstable();
    Ok(order)
}

fn known_packing(name: &str, method: CompressionMethod) -> Result<(), TraceError> {
    match method {
        CompressionMethod::Stored | CompressionMethod::Deflated => Ok(()),
        other => Err(wrong(name, format!("it is packed by {other}: pack the session again with deflate"))),
    }
}

/// Reads a session piece by piece as they stand: out of a pipe, or without the list of contents.
pub(super) fn in_order(
    source: &mut dyn Read,
    channels: &Channels,
    intake: &mut Intake,
) -> Result<(), TraceError> {
    let mut rest = BufReader::with_capacity(STEP, source);
    let mut session: Option<Session> = None;
    let ended = loop {
        let mut file = match zip::read::read_zipfile_from_stream(&mut rest) {
            Ok(Some(file)) => file,
            Ok(None) => break true,
            Err(e) if is_unsupported(&e) => {
                return Err(wrong(
                    "zip archive",
                    format!("out of a pipe, or cut off, it cannot be read: {e}"),
                ));
            }
            Err(_) => break false,
        };
        let Ok(name) = file.name().map(|name| name.into_owned()) else { break false };
        known_packing(&name, file.compression())?;
        if name == "version" {
            known_version(&text_of(&mut file, &name)?)?;
            continue;
        }
        if name == "metadata" {
            let text = text_of(&mut file, &name)?;
            session = Some(Session::new(&text, channels, intake)?);
            continue;
        }
        let Some(session) = &mut session else {
            if name.starts_with("logic-") {
                return Err(wrong(
                    &name,
                    "it stands before the metadata: give the session as a file, not as a pipe",
                ));
            }
            continue;
        };
        let Some(number) = number(&name, &session.settings.capture) else { continue };
        if session.last.is_some_and(|last| number <= last) {
            return Err(wrong(
                &name,
                "it stands out of order: give the session as a whole file, not as a pipe",
            ));
        }
        if session.piece(number, &mut file, intake).is_break() {
            break false;
        }
    };
    let Some(mut session) = session else {
        return Err(wrong("zip archive", "it is cut off before the settings that say what it holds"));
    };
    if ended {
        // Whether this can be read does not matter any more.
        let _ = std::io::copy(&mut rest.take(LONGEST_TAIL), &mut std::io::sink());
    } else {
        let _ = session.cut(intake);
    }
    session.end(intake);
    Ok(())
}

/// Whether an archive was refused for what it is, not for where it ends.
fn is_unsupported(e: &ZipError) -> bool {
    matches!(e, ZipError::UnsupportedArchive(_))
}

/// A session in the course of being read.
struct Session {
    settings: Settings,
    packed: Packed,
    /// The piece that was read last.
    last: Option<u64>,
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
        Ok(Session { settings, packed, last: None, is_cut: false })
    }

    /// A piece, inflated here.
    fn piece(&mut self, number: u64, piece: &mut dyn Read, intake: &mut Intake) -> ControlFlow<()> {
        let mut bytes = vec![0; STEP];
        loop {
            bytes.resize(STEP, 0);
            let (count, end) = fill(piece, &mut bytes);
            bytes.truncate(count);
            bytes = self.step(number, Step::Samples(bytes), intake)?.unwrap_or_default();
            if let Some(end) = end {
                return self.step(number, end, intake).map_continue(drop);
            }
        }
    }

    /// What comes of a piece, part by part. Gives back the buffer that is done with.
    fn step(&mut self, number: u64, step: Step, intake: &mut Intake) -> ControlFlow<(), Option<Vec<u8>>> {
        let follows = self.last.is_none_or(|last| last == number || last.checked_add(1) == Some(number));
        if !follows || self.packed.volume() > MOST_SAMPLES {
            self.cut(intake)?;
        }
        self.last = Some(number);
        match step {
            Step::Samples(bytes) => {
                self.packed.feed(&bytes, intake)?;
                return ControlFlow::Continue(Some(bytes));
            }
            Step::Still(still) => self.packed.still(still, intake)?,
            Step::End => {}
            Step::Broken => self.cut(intake)?,
        }
        ControlFlow::Continue(None)
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

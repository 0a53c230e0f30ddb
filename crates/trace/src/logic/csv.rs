//! Comma-separated values: those of sigrok, with a line for each sample, and those of Saleae Logic 2, with a line for each
//! change and its time.

use super::blocks::Blocks;
use super::changes::{Changes, Level, Pin};
use super::channels::{Channels, Pins};
use super::intake::{Intake, Scale};
use super::packed::Packed;
use super::sr::rate;
use crate::TraceError;
use crate::read::Warning;
use std::io::Read;

const SIGROK: &str = "sigrok CSV";
const SALEAE: &str = "Saleae CSV";
/// Channels of a sample as they are handed on: SWCLK, SWDIO, nRESET.
const PACKED: Pins = Pins { swclk: 0, swdio: 1, nrst: Some(2) };
/// Digits of a second that are kept: picoseconds.
const DIGITS: usize = 12;
const PICOSECOND: Scale = Scale::Femtos(1000);

/// Lines with their offsets.
#[derive(Clone, Copy)]
struct Lines<'a> {
    text: &'a [u8],
    offset: u64,
}

impl<'a> Lines<'a> {
    /// The next line that is not empty, without its end, and where it stands.
    fn next(&mut self) -> Option<(&'a [u8], u64)> {
        while !self.text.is_empty() {
            let end = self.text.iter().position(|byte| *byte == b'\n');
            let length = end.map_or(self.text.len(), |end| end + 1);
            let (line, rest) = self.text.split_at_checked(length)?;
            let at = self.offset;
            self.text = rest;
            self.offset += u64::try_from(length).unwrap_or_default();
            let line = line.trim_ascii_end();
            if !line.is_empty() {
                return Some((line, at));
            }
        }
        None
    }
}

fn cells(line: &[u8]) -> Vec<String> {
    line.split(|byte| *byte == b',')
        .map(|cell| String::from_utf8_lossy(cell).trim().trim_matches('"').to_owned())
        .collect()
}

/// What a line is, by its cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Words.
    Names,
    /// Levels.
    Sample,
    /// A time, and levels.
    Change,
}

impl Kind {
    fn of(cells: &[String]) -> Kind {
        let level = |cell: &String| matches!(cell.as_str(), "0" | "1" | "X" | "x");
        let time = |cell: &String| cell.parse::<f64>().is_ok_and(f64::is_finite);
        match cells {
            [first, rest @ ..] if !rest.is_empty() && rest.iter().all(level) => match first {
                first if level(first) => Kind::Sample,
                first if time(first) => Kind::Change,
                _ => Kind::Names,
            },
            _ => Kind::Names,
        }
    }
}

/// Whether a text begins as such a file without a comment does: with levels, or with names above levels.
pub(super) fn begins(text: &[u8]) -> bool {
    let mut lines = Lines { text, offset: 0 };
    let mut next = || lines.next().map(|(line, _)| cells(line));
    let Some(first) = next() else { return false };
    let named = |second: Vec<String>| second.len() == first.len() && Kind::of(&second) != Kind::Names;
    Kind::of(&first) != Kind::Names || first.len() > 1 && next().is_some_and(named)
}

/// Names for channels that have none: their places.
fn numbered(count: usize) -> Vec<String> {
    (0..count).map(|place| place.to_string()).collect()
}

/// Reads a file of either kind.
pub(super) fn read(
    source: &mut dyn Read,
    channels: &Channels,
    intake: &mut Intake,
) -> Result<(), TraceError> {
    let mut blocks = Blocks::new(source);
    let mut head = Head::default();
    let mut rows: Option<Rows> = None;
    loop {
        let (offset, block) = match blocks.next() {
            Ok(Some((offset, block))) => (offset, block.to_vec()),
            Ok(None) => break,
            Err(e) => return Err(wrong(SIGROK, blocks.offset, e.to_string())),
        };
        let mut lines = Lines { text: &block, offset };
        while rows.is_none() {
            let before = lines;
            let Some((line, at)) = lines.next() else { break };
            let next = { lines }.next().map(|(line, _)| cells(line)).unwrap_or_default();
            rows = head.take((line, at), &next, channels, intake)?;
            if head.begun {
                lines = before;
            }
        }
        let taken = match &mut rows {
            Some(Rows::Samples(samples)) => samples.take(&mut lines, intake),
            Some(Rows::Changes(changes)) => changes.take(&mut lines, intake),
            None => Ok(true),
        };
        match taken {
            Ok(true) => {}
            Ok(false) => break,
            // The last line of a file that is cut off may be anything.
            Err(Bad { at, .. }) if blocks.open_end && lines.text.is_empty() => {
                intake.warnings.push(Warning::Truncated { at: usize::try_from(at).unwrap_or(usize::MAX) });
            }
            Err(Bad { at, why }) => {
                let format = if matches!(rows, Some(Rows::Changes(_))) { SALEAE } else { SIGROK };
                return Err(wrong(format, at, why));
            }
        }
    }
    match rows {
        Some(Rows::Samples(samples)) => intake.note("samples", &samples.packed.samples.to_string()),
        Some(Rows::Changes(_)) => {}
        None => return Err(wrong(SIGROK, blocks.offset, "it ends before the names of the channels")),
    }
    Ok(())
}

fn wrong(format: &'static str, byte: u64, why: impl Into<String>) -> TraceError {
    TraceError::Capture { format, place: format!("byte {byte}"), why: why.into() }
}

/// A line that makes no sense.
struct Bad {
    at: u64,
    why: String,
}

enum Rows {
    Samples(Samples),
    Changes(Saleae),
}

/// What stands before the samples.
#[derive(Default)]
struct Head {
    names: Vec<String>,
    rate: Option<u64>,
    /// The last line was no head: it is the first of the rows.
    begun: bool,
}

impl Head {
    /// Takes a line behind which `next` follows; what kind of rows there are, if it was the last one.
    fn take(
        &mut self,
        (line, at): (&[u8], u64),
        next: &[String],
        channels: &Channels,
        intake: &mut Intake,
    ) -> Result<Option<Rows>, TraceError> {
        if let [b';', comment @ ..] = line {
            let comment = String::from_utf8_lossy(comment);
            if let Some((key, value)) = comment.trim().split_once(':') {
                if key.starts_with("Channels") {
                    self.names = value.split(',').map(|name| name.trim().to_owned()).collect();
                } else if key == "Samplerate" {
                    self.rate = rate(value);
                }
            }
            return Ok(None);
        }
        let cells = cells(line);
        let first = cells.first().map(String::as_str).unwrap_or_default();
        let kind = match Kind::of(&cells) {
            // A time may be 0 or 1.
            Kind::Sample if Kind::of(next) == Kind::Change => Kind::Change,
            kind => kind,
        };
        self.begun = kind != Kind::Names;
        if first.starts_with("Time") && first.contains("[s]") || kind == Kind::Change {
            let names: Vec<String> = cells.get(1..).unwrap_or_default().to_vec();
            let names = if self.begun { numbered(names.len()) } else { names };
            let pins = intake.pins(channels, &names)?;
            intake.scale = PICOSECOND;
            intake.note("format", SALEAE);
            return Ok(Some(Rows::Changes(Saleae { pins, first: None, changes: Changes::new() })));
        }
        if first.starts_with("Time") {
            return Err(wrong(SALEAE, at, "times must be in seconds: export it without ISO 8601 timestamps"));
        }
        // Columns are called "logic" by older versions, and by their channels by others.
        if kind == Kind::Names && cells.iter().any(|cell| cell != "logic") {
            self.names = cells;
        } else if self.names.len() != cells.len() {
            self.names = numbered(cells.len());
        }
        let pins = intake.pins(channels, &self.names)?;
        intake.note("format", SIGROK);
        match self.rate {
            Some(rate) => intake.scale = Scale::Rate(rate),
            None => intake.warnings.push(Warning::NoRate),
        }
        let packed = Packed::new(1, PACKED);
        Ok(Some(Rows::Samples(Samples { pins, columns: self.names.len(), packed, bytes: Vec::new() })))
    }
}

/// Lines of samples.
struct Samples {
    pins: Pins,
    columns: usize,
    packed: Packed,
    bytes: Vec<u8>,
}

impl Samples {
    /// Takes lines. Whether more may come.
    fn take(&mut self, lines: &mut Lines<'_>, intake: &mut Intake) -> Result<bool, Bad> {
        self.bytes.clear();
        let mut bad = None;
        while let Some((line, at)) = lines.next() {
            match self.sample(line) {
                Some(sample) => self.bytes.push(sample),
                None if line.starts_with(b";") => {}
                None => {
                    let line = String::from_utf8_lossy(line.get(..40).unwrap_or(line)).into_owned();
                    let why = format!("{line:?} is not {} values of 0 or 1", self.columns);
                    bad = Some(Bad { at, why });
                    break;
                }
            }
        }
        let flow = self.packed.feed(&self.bytes, intake);
        match bad {
            Some(bad) => Err(bad),
            None => Ok(flow.is_continue()),
        }
    }

    fn sample(&self, line: &[u8]) -> Option<u8> {
        // A digit and a comma for each column.
        let cell = |column: usize| line.get(2 * column)?.checked_sub(b'0').filter(|bit| *bit < 2);
        if line.len() + 1 != 2 * self.columns {
            return None;
        }
        let nrst = self.pins.nrst.map_or(Some(1), cell)?;
        Some(cell(self.pins.swclk)? | cell(self.pins.swdio)? << 1 | nrst << 2)
    }
}

/// Lines of changes.
struct Saleae {
    pins: Pins,
    first: Option<i64>,
    changes: Changes,
}

impl Saleae {
    /// Takes lines. Whether more may come.
    fn take(&mut self, lines: &mut Lines<'_>, intake: &mut Intake) -> Result<bool, Bad> {
        while let Some((line, at)) = lines.next() {
            self.row(line, intake).map_err(|why| Bad { at, why })?;
        }
        Ok(self.changes.digest(intake))
    }

    fn row(&mut self, line: &[u8], intake: &mut Intake) -> Result<(), String> {
        let mut cells = line.split(|byte| *byte == b',');
        let time = cells.next().unwrap_or_default();
        let picos = picos(time)
            .ok_or_else(|| format!("{:?} is no time in seconds", String::from_utf8_lossy(time)))?;
        let first = *self.first.get_or_insert(picos);
        let tick = picos.checked_sub(first).and_then(|tick| u64::try_from(tick).ok());
        if !tick.is_some_and(|tick| self.changes.now(tick)) {
            return Err("time goes back".to_owned());
        }
        let (mut swclk, mut swdio, mut nrst) = (None, None, None);
        for (column, cell) in cells.enumerate() {
            let place = if column == self.pins.swclk {
                &mut swclk
            } else if column == self.pins.swdio {
                &mut swdio
            } else if Some(column) == self.pins.nrst {
                &mut nrst
            } else {
                continue;
            };
            *place = Some(match cell {
                b"0" => Level::Low,
                b"1" => Level::High,
                // A gap in the capture.
                b"X" | b"x" => Level::Unknown,
                _ => return Err(format!("{:?} is neither 0 nor 1", String::from_utf8_lossy(cell))),
            });
        }
        let (Some(swclk), Some(swdio)) = (swclk, swdio) else { return Err("columns are missing".to_owned()) };
        self.changes.set(Pin::Swclk, swclk, intake);
        self.changes.set(Pin::Swdio, swdio, intake);
        if let Some(nrst) = nrst {
            self.changes.set(Pin::Nrst, nrst, intake);
        }
        Ok(())
    }
}

/// Seconds in decimal, as picoseconds.
fn picos(text: &[u8]) -> Option<i64> {
    let text = str::from_utf8(text).ok()?;
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    if !whole.bytes().chain(part.bytes()).all(|byte| byte.is_ascii_digit()) || whole.is_empty() {
        // 1e-06, as some exports have it.
        let seconds: f64 = text.parse().ok()?;
        return super::saleae::picos(seconds);
    }
    let mut picos = whole.parse::<i64>().ok()?;
    for digit in part.bytes().chain(std::iter::repeat(b'0')).take(DIGITS) {
        picos = picos.checked_mul(10)?.checked_add(i64::from(digit - b'0'))?;
    }
    Some(if negative { -picos } else { picos })
}

//! Binary exports of Saleae Logic 2, versions 0 and 1: a file for each channel with the times of its changes.

use super::changes::{Changes, Level, Pin};
use super::channels::Channels;
use super::intake::{Intake, Scale};
use crate::TraceError;
use crate::read::Warning;
use std::io::Read;

const FORMAT: &str = "Saleae binary";
/// How such a file begins.
pub(super) const MAGIC: &[u8; 8] = b"<SALEAE>";
const PICOSECOND: Scale = Scale::Femtos(1000);

/// Seconds as picoseconds; `None` for what is no time.
pub(super) fn picos(seconds: f64) -> Option<i64> {
    let picos = (seconds * 1e12).round();
    // Within these bounds the conversion is exact.
    #[allow(clippy::cast_possible_truncation)]
    (picos.abs() < 9e18).then_some(picos as i64)
}

/// A change of a channel, or the beginning of a stretch in which it was looked at.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Edge {
    at: i64,
    level: Level,
}

/// The changes of a file, in order.
struct Edges<'a> {
    name: String,
    source: &'a mut dyn Read,
    /// Stretches that have not begun. Version 0 has one, without a count and a rate.
    chunks: u64,
    rated: bool,
    left: u64,
    level: Level,
    last: i64,
    offset: u64,
    /// Why it ended before its end.
    problem: Option<Problem>,
}

#[derive(Debug)]
enum Problem {
    Cut(u64),
    Bad(u64, String),
}

impl<'a> Edges<'a> {
    fn open(name: &str, source: &'a mut dyn Read) -> Result<Self, TraceError> {
        let mut edges = Edges {
            name: name.to_owned(),
            source,
            chunks: 1,
            rated: false,
            left: 0,
            level: Level::Unknown,
            last: i64::MIN,
            offset: 0,
            problem: None,
        };
        let head = |edges: &mut Self| {
            let (magic, version, kind) = (edges.bytes::<8>()?, edges.u32()?, edges.u32()?);
            let chunks = if version == 1 { edges.u64()? } else { 1 };
            Some((magic, version, kind, chunks))
        };
        let wrong = |why: String| Err(TraceError::Capture { format: FORMAT, place: name.to_owned(), why });
        match head(&mut edges) {
            Some((magic, version @ (0 | 1), 0, chunks)) if magic == *MAGIC => {
                edges.chunks = chunks;
                edges.rated = version == 1;
                Ok(edges)
            }
            Some((magic, 0 | 1, kind, _)) if magic == *MAGIC => {
                wrong(format!("it holds no digital channel (type {kind})"))
            }
            Some((magic, version, ..)) if magic == *MAGIC => wrong(format!("version {version} is not known")),
            Some(_) => wrong("it does not begin with <SALEAE>".to_owned()),
            None => wrong("it is cut off within its head".to_owned()),
        }
    }

    fn bytes<const N: usize>(&mut self) -> Option<[u8; N]> {
        let mut bytes = [0; N];
        match self.source.read_exact(&mut bytes) {
            Ok(()) => {
                self.offset += u64::try_from(N).unwrap_or_default();
                Some(bytes)
            }
            Err(_) => {
                self.problem.get_or_insert(Problem::Cut(self.offset));
                None
            }
        }
    }

    fn u32(&mut self) -> Option<u32> {
        self.bytes().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.bytes().map(u64::from_le_bytes)
    }

    /// A time that is not before the last one.
    fn time(&mut self) -> Option<i64> {
        let at = self.offset;
        let seconds = f64::from_le_bytes(self.bytes()?);
        match picos(seconds).filter(|time| *time >= self.last) {
            Some(time) => {
                self.last = time;
                Some(time)
            }
            None => {
                let why = format!("{seconds} s cannot follow what stands before");
                self.problem = Some(Problem::Bad(at, why));
                None
            }
        }
    }

    fn chunk(&mut self) -> Option<Edge> {
        let initial = self.u32()?;
        if self.rated {
            let _rate = self.u64()?;
        }
        let begin = self.time()?;
        let _end = self.u64()?;
        self.left = self.u64()?;
        self.chunks -= 1;
        self.level = if initial == 0 { Level::Low } else { Level::High };
        Some(Edge { at: begin, level: self.level })
    }
}

impl Iterator for Edges<'_> {
    type Item = Edge;

    fn next(&mut self) -> Option<Edge> {
        if self.problem.is_some() {
            return None;
        }
        if self.left == 0 {
            return if self.chunks == 0 { None } else { self.chunk() };
        }
        self.left -= 1;
        let at = self.time()?;
        self.level = if self.level == Level::High { Level::Low } else { Level::High };
        Some(Edge { at, level: self.level })
    }
}

/// A file with the change that comes next.
struct Channel<'a> {
    pin: Pin,
    edges: Edges<'a>,
    next: Option<Edge>,
}

/// Reads the files of the channels of one capture, each with its name.
pub(super) fn read(
    files: Vec<(String, &mut dyn Read)>,
    channels: &Channels,
    intake: &mut Intake,
) -> Result<(), TraceError> {
    let names: Vec<String> = files.iter().map(|(name, _)| name.clone()).collect();
    let found = intake.pins(channels, &names)?;
    let mut pins: Vec<Channel<'_>> = Vec::new();
    for (place, (name, source)) in files.into_iter().enumerate() {
        let pin = match place {
            _ if place == found.swclk => Pin::Swclk,
            _ if place == found.swdio => Pin::Swdio,
            _ if Some(place) == found.nrst => Pin::Nrst,
            _ => continue,
        };
        let mut edges = Edges::open(&name, source)?;
        pins.push(Channel { pin, next: edges.next(), edges });
    }
    intake.scale = PICOSECOND;
    intake.note("format", FORMAT);
    let mut changes = Changes::new();
    let mut first = None;
    while let Some((edge, channel)) =
        pins.iter_mut().filter_map(|channel| Some((channel.next?, channel))).min_by_key(|(edge, _)| edge.at)
    {
        channel.next = channel.edges.next();
        let tick = edge.at.saturating_sub(*first.get_or_insert(edge.at));
        changes.now(u64::try_from(tick).unwrap_or_default());
        changes.set(channel.pin, edge.level, intake);
        if !changes.digest(intake) {
            break;
        }
    }
    for Channel { edges, .. } in pins {
        match edges.problem {
            None => {}
            Some(Problem::Cut(at)) => {
                intake.warnings.push(Warning::Truncated { at: usize::try_from(at).unwrap_or(usize::MAX) });
            }
            Some(Problem::Bad(at, why)) => {
                let place = format!("{}, byte {at}", edges.name);
                return Err(TraceError::Capture { format: FORMAT, place, why });
            }
        }
    }
    Ok(())
}

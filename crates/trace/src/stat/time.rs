//! Where the time went: how long things take at each level, silences, rates.

use crate::event::{Body, Event};
use crate::quick::QuickMap;
use crate::read::Protocol;
use crate::{Trace, line};
use serde::Serialize;
use std::time::Duration;
use wire::Level;

/// Silences that are listed.
const GAPS: usize = 5;

/// How long things of a level took.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Latency {
    /// The level, 0 to 5.
    pub level: u8,
    /// What took so long. Level 2 is there only where transactions have times of their own: in captures of the pins, and of an
    /// ST-Link, where it is the command that makes one. CMSIS-DAP shows how long packets take, and no more.
    pub of: &'static str,
    /// Events.
    pub count: usize,
    /// Half of them took no longer, in nanoseconds.
    pub p50_ns: u64,
    /// 95 of 100 took no longer.
    pub p95_ns: u64,
    /// 99 of 100 took no longer.
    pub p99_ns: u64,
    /// The longest.
    pub max_ns: u64,
    /// Upper ends in the series 1, 2, 5, 10, and how many took longer than the one before and no longer than this.
    pub histogram: Vec<(u64, usize)>,
}

/// A silence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Gap {
    /// When it began, in nanoseconds.
    pub t_ns: u64,
    /// How long.
    pub duration_ns: u64,
    /// What was done before it.
    pub behind: String,
    /// A mark in it that may say why.
    pub mark: Option<String>,
}

/// Rates over the whole recording, a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Rates {
    /// Bytes of memory read.
    pub bytes_read: u64,
    /// Bytes of memory written.
    pub bytes_written: u64,
    /// Bytes over USB in both directions.
    pub usb_bytes: u64,
    /// Round trips over USB.
    pub round_trips: u64,
    /// SWD transactions.
    pub transactions: u64,
}

pub(super) fn nanos(time: Duration) -> u64 {
    time.as_secs().saturating_mul(1_000_000_000).saturating_add(u64::from(time.subsec_nanos()))
}

/// So many in this time, a second.
pub(super) fn rate(count: u64, duration_ns: u64) -> u64 {
    let all = u128::from(count) * 1_000_000_000;
    u64::try_from(all.checked_div(u128::from(duration_ns)).unwrap_or(0)).unwrap_or(u64::MAX)
}

/// How often each number came.
#[derive(Debug, Default)]
pub(super) struct Spread {
    counts: QuickMap<u64, usize>,
    /// The number that came last, which often comes again, and how often it did.
    last: Option<(u64, usize)>,
}

impl Spread {
    pub(super) fn take(&mut self, number: u64) {
        match &mut self.last {
            Some((last, count)) if *last == number => *count += 1,
            last => {
                if let Some((number, count)) = last.replace((number, 1)) {
                    *self.counts.entry(number).or_default() += count;
                }
            }
        }
    }

    pub(super) fn sorted(&self) -> Sorted {
        let all = self.counts.iter().map(|(number, count)| (*number, *count)).chain(self.last);
        let mut all: Vec<(u64, usize)> = all.collect();
        all.sort_unstable();
        let mut upto = 0;
        for (_, count) in &mut all {
            upto += *count;
            *count = upto;
        }
        Sorted(all)
    }
}

/// Numbers in order, each with how many there are up to it.
#[derive(Debug)]
pub(super) struct Sorted(Vec<(u64, usize)>);

impl Sorted {
    fn count(&self) -> usize {
        self.0.last().map_or(0, |(_, upto)| *upto)
    }

    /// The one at a place in the order.
    fn at(&self, place: usize) -> Option<u64> {
        self.0.get(self.0.partition_point(|(_, upto)| *upto <= place)).map(|(number, _)| *number)
    }

    /// The one in the middle.
    pub(super) fn middle(&self) -> Option<u64> {
        self.at(self.count() / 2)
    }

    /// How many are no greater.
    fn upto(&self, end: u64) -> usize {
        let behind = self.0.partition_point(|(number, _)| *number <= end);
        behind.checked_sub(1).and_then(|last| self.0.get(last)).map_or(0, |(_, upto)| *upto)
    }

    fn latency(&self, level: Level, of: &'static str) -> Latency {
        let count = self.count();
        let at = |percent: usize| self.at((count * percent).div_ceil(100).saturating_sub(1)).unwrap_or(0);
        Latency {
            level: level.number(),
            of,
            count,
            p50_ns: at(50),
            p95_ns: at(95),
            p99_ns: at(99),
            max_ns: self.0.last().map_or(0, |(number, _)| *number),
            histogram: self.histogram(),
        }
    }

    /// By the smallest of 0, 1, 2, 5, 10, 20, 50 … that is not below them.
    fn histogram(&self) -> Vec<(u64, usize)> {
        let series = (0..19).flat_map(|n| [1, 2, 5].map(|lead| lead * 10u64.pow(n)));
        let ends = std::iter::once(0).chain(series).chain(std::iter::once(u64::MAX));
        let mut done = 0;
        let mut out = Vec::new();
        for end in ends {
            let upto = self.upto(end);
            if upto > done {
                out.push((end, upto - done));
                done = upto;
            }
        }
        out
    }
}

/// How long events took, by level. Level 4 is level 3 with names.
#[derive(Debug, Default)]
pub(super) struct Spreads([Spread; LEVELS.len()]);

const LEVELS: [Level; 5] = [Level::Usb, Level::Command, Level::Transaction, Level::Access, Level::Action];

impl Spreads {
    pub(super) fn add(&mut self, piece: &Trace) {
        for (spread, level) in self.0.iter_mut().zip(LEVELS) {
            if measured(piece, level).is_some() {
                let events = if level == Level::Access { piece.accesses() } else { piece.events(level) };
                let took = |event: &Event| nanos(event.until.saturating_sub(event.at));
                events.iter().for_each(|event| spread.take(took(event)));
            }
        }
    }

    /// Of each level that has events.
    pub(super) fn latency(&self, last: &Trace) -> Vec<Latency> {
        let of =
            |(spread, level): (&Spread, Level)| Some(spread.sorted().latency(level, measured(last, level)?));
        self.0.iter().zip(LEVELS).filter_map(of).filter(|latency| latency.count > 0).collect()
    }
}

/// What it is that the times of a level are of, where they are times of their own.
fn measured(trace: &Trace, level: Level) -> Option<&'static str> {
    let protocol = trace.protocol();
    let packets = match protocol {
        Some(Protocol::CmsisDap | Protocol::JLink) => true,
        // What a list says of times is what it was derived from.
        Some(Protocol::List) => trace.usb_hides_times(),
        _ => false,
    };
    match level {
        Level::Usb => Some("USB transfers"),
        Level::Command if packets => Some("packets"),
        Level::Command => Some("commands"),
        Level::Transaction => match protocol? {
            Protocol::Wire => Some("transactions"),
            Protocol::StLink => Some("single commands"),
            // A list may have the times of the packets that it was derived from.
            Protocol::CmsisDap | Protocol::JLink | Protocol::Log | Protocol::List => None,
        },
        Level::Access | Level::Meaning if packets => Some("accesses, by packets"),
        Level::Access | Level::Meaning => Some("accesses"),
        Level::Action => Some("actions"),
    }
}

/// The longest silences: nothing was under way.
#[derive(Debug, Default)]
pub(super) struct Silences {
    /// When everything so far was over.
    end: Option<Duration>,
    /// The longest, longest first.
    longest: Vec<Silence>,
    /// The last access worth telling.
    told: Option<Event>,
}

#[derive(Debug)]
struct Silence {
    length: Duration,
    at: Duration,
    behind: Option<Event>,
}

impl Silences {
    pub(super) fn add(&mut self, piece: &Trace) {
        let commands = piece.events(Level::Command);
        let events = if commands.is_empty() { piece.events(Level::Transaction) } else { commands };
        for event in events {
            let end = *self.end.get_or_insert(event.at);
            if event.at > end {
                self.silence(piece, event.at - end, end);
            }
            self.end = Some(end.max(event.until));
        }
        self.told = piece.accesses().iter().rfind(|event| is_told(event)).cloned().or(self.told.take());
    }

    fn silence(&mut self, piece: &Trace, length: Duration, at: Duration) {
        // Of those that are equally long the first count.
        let place = self.longest.partition_point(|longer| longer.length >= length);
        if place >= GAPS {
            return;
        }
        let all = piece.accesses();
        let before = all.get(..all.partition_point(|event| event.at < at)).unwrap_or_default();
        let behind = before.iter().rfind(|event| is_told(event)).or(self.told.as_ref()).cloned();
        self.longest.insert(place, Silence { length, at, behind });
        self.longest.truncate(GAPS);
    }

    pub(super) fn gaps(self, last: &Trace) -> Vec<Gap> {
        self.longest.into_iter().map(|silence| silence.gap(last)).collect()
    }
}

fn is_told(event: &Event) -> bool {
    match &event.body {
        Body::Register(r) => !r.housekeeping,
        body => !matches!(body, Body::Line(_)),
    }
}

impl Silence {
    fn gap(self, last: &Trace) -> Gap {
        let Silence { length, at, behind } = self;
        let told = behind.map(|event| line(&Event { level: Level::Meaning, ..event }));
        let within = |at_mark: Duration| at_mark >= at && at_mark <= at + length;
        let mark = last.marks().iter().find(|marked| within(marked.at));
        Gap {
            t_ns: nanos(at),
            duration_ns: nanos(length),
            behind: told.unwrap_or_else(|| "the beginning".to_owned()),
            mark: mark.map(|marked| marked.mark.to_string()),
        }
    }
}

//! Where the time went: how long things take at each level, silences, rates.

use crate::event::{Body, Event};
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
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// So many in this time, a second.
pub(super) fn rate(count: u64, duration_ns: u64) -> u64 {
    let all = u128::from(count) * 1_000_000_000;
    u64::try_from(all.checked_div(u128::from(duration_ns)).unwrap_or(0)).unwrap_or(u64::MAX)
}

/// Of each level that has events. Level 4 is level 3 with names.
pub(super) fn latency(trace: &Trace) -> Vec<Latency> {
    let levels = [Level::Usb, Level::Command, Level::Transaction, Level::Access, Level::Action];
    let events = |level| if level == Level::Access { trace.accesses() } else { trace.events(level) };
    levels
        .into_iter()
        .filter_map(|level| Some(of_level(level, measured(trace, level)?, events(level))))
        .filter(|latency| latency.count > 0)
        .collect()
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

fn of_level(level: Level, of: &'static str, events: &[Event]) -> Latency {
    let mut all: Vec<u64> = events.iter().map(|event| nanos(event.until.saturating_sub(event.at))).collect();
    all.sort_unstable();
    let at =
        |percent: usize| all.get((all.len() * percent).div_ceil(100).saturating_sub(1)).copied().unwrap_or(0);
    Latency {
        level: level.number(),
        of,
        count: all.len(),
        p50_ns: at(50),
        p95_ns: at(95),
        p99_ns: at(99),
        max_ns: all.last().copied().unwrap_or(0),
        histogram: histogram(&all),
    }
}

/// Sorted values by the smallest of 0, 1, 2, 5, 10, 20, 50 … that is not below them.
fn histogram(sorted: &[u64]) -> Vec<(u64, usize)> {
    let series = (0..19).flat_map(|n| [1, 2, 5].map(|lead| lead * 10u64.pow(n)));
    let ends = std::iter::once(0).chain(series).chain(std::iter::once(u64::MAX));
    let mut done = 0;
    let mut out = Vec::new();
    for end in ends {
        let upto = sorted.partition_point(|value| *value <= end);
        if upto > done {
            out.push((end, upto - done));
            done = upto;
        }
    }
    out
}

/// The longest silences: nothing was under way.
pub(super) fn gaps(trace: &Trace) -> Vec<Gap> {
    let commands = trace.events(Level::Command);
    let events = if commands.is_empty() { trace.events(Level::Transaction) } else { commands };
    let mut end = events.first().map_or(Duration::ZERO, |event| event.at);
    let mut found: Vec<(Duration, Duration)> = Vec::new();
    for event in events {
        if event.at > end {
            found.push((event.at - end, end));
        }
        end = end.max(event.until);
    }
    found.sort_by_key(|(length, at)| (std::cmp::Reverse(*length), *at));
    found.truncate(GAPS);
    found.into_iter().map(|(length, at)| gap(trace, at, length)).collect()
}

fn gap(trace: &Trace, at: Duration, length: Duration) -> Gap {
    let all = trace.accesses();
    let before = all.get(..all.partition_point(|event| event.at < at)).unwrap_or_default();
    let told = before.iter().rfind(|event| match &event.body {
        Body::Register(r) => !r.housekeeping,
        body => !matches!(body, Body::Line(_)),
    });
    let told = told.map(|event| line(&Event { level: Level::Meaning, ..event.clone() }));
    let within = |at_mark: Duration| at_mark >= at && at_mark <= at + length;
    let mark = trace.marks().iter().find(|marked| within(marked.at));
    Gap {
        t_ns: nanos(at),
        duration_ns: nanos(length),
        behind: told.unwrap_or_else(|| "the beginning".to_owned()),
        mark: mark.map(|marked| marked.mark.to_string()),
    }
}

//! What went wrong on the wire: WAIT and what it cost, FAULT and where it came from.

use super::time::nanos;
use crate::Trace;
use crate::event::{Body, Event, OnWire, RegisterAccess};
use regs::dp;
use serde::Serialize;
use std::time::Duration;
use wire::{Ack, Level, Port, WireEvent};

/// FAULTs that are listed.
const FAULTS: usize = 20;

/// WAITs. Those that a CMSIS-DAP probe repeats of its own accord are not in a recording of USB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Waits {
    /// Transactions answered WAIT.
    pub count: u64,
    /// Runs of them.
    pub runs: u64,
    /// The longest run.
    pub longest_run: u64,
    /// When that began, in nanoseconds.
    pub longest_at_ns: u64,
    /// From the first WAIT of each run to the transaction behind it, added up.
    pub lost_ns: u64,
}

/// A FAULT.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// When, in nanoseconds.
    pub t_ns: u64,
    /// Its number among all accesses (`show --level 3 --expand`).
    pub event: usize,
    /// What was refused.
    pub what: String,
    /// Why, as far as the recording shows it.
    pub cause: String,
}

pub(super) fn waits(trace: &Trace) -> Waits {
    let mut waits = Waits::default();
    let mut run: Option<(u64, Duration, Duration)> = None;
    let ends = |waits: &mut Waits, (count, from, _): (u64, Duration, Duration), until: Duration| {
        waits.runs += 1;
        waits.lost_ns += nanos(until.saturating_sub(from));
        if count > waits.longest_run {
            (waits.longest_run, waits.longest_at_ns) = (count, nanos(from));
        }
    };
    for event in trace.events(Level::Transaction) {
        let Body::Wire(wired) = &event.body else { continue };
        let OnWire::Event(WireEvent::Transaction(t)) = &wired.what else { continue };
        if t.ack == Ack::WAIT {
            waits.count += 1;
            let (count, from, _) = run.unwrap_or((0, event.at, event.until));
            run = Some((count + 1, from, event.until));
        } else if let Some(ended) = run.take() {
            ends(&mut waits, ended, event.at);
        }
    }
    if let Some(ended) = run {
        ends(&mut waits, ended, ended.2);
    }
    waits
}

/// The number of FAULTs, and the first of them.
pub(super) fn faults(trace: &Trace) -> (usize, Vec<Fault>) {
    let all = trace.accesses();
    let refused = || all.iter().enumerate().filter(|(_, event)| is_fault(event));
    (refused().count(), refused().take(FAULTS).map(|(n, event)| fault(all, n, event)).collect())
}

fn is_fault(event: &Event) -> bool {
    match &event.body {
        Body::Access(a) => a.ack == Ack::FAULT,
        Body::Register(r) => r.ack == Ack::FAULT,
        _ => false,
    }
}

fn fault(all: &[Event], n: usize, event: &Event) -> Fault {
    let named = |event: &Event| crate::line(&Event { level: Level::Meaning, ..event.clone() });
    let behind = all.get(n + 1..).unwrap_or_default();
    let before = all.get(..n).unwrap_or_default();
    let cause = match (still_set(before), sticky_read(behind)) {
        (Some(m), _) => format!("the sticky flag that #{m} met is still set"),
        (None, Some(flags)) => {
            let last = before.iter().rfind(|event| matches!(event.body, Body::Access(_)));
            // A write that fails on the bus is accepted on the wire: the next transaction meets the flag.
            let suspect = last.map_or_else(String::new, |last| format!(", behind {}", named(last)));
            format!("{flags}{suspect}")
        }
        (None, None) => "CTRL/STAT was not read behind it".to_owned(),
    };
    Fault { t_ns: nanos(event.at), event: n, what: named(event), cause }
}

fn dp_register(event: &Event) -> Option<&RegisterAccess> {
    match &event.body {
        Body::Register(r) if r.port == Port::Dp => Some(r),
        _ => None,
    }
}

fn clears(event: &Event) -> bool {
    let clears = |r: &RegisterAccess| r.write && r.a == dp::ABORT;
    dp_register(event).is_some_and(clears) || matches!(event.body, Body::Line(WireEvent::Reset(true)))
}

/// The FAULT before, when nothing has cleared the flag since.
fn still_set(before: &[Event]) -> Option<usize> {
    let last = before.iter().rposition(|event| is_fault(event) || clears(event))?;
    before.get(last).is_some_and(is_fault).then_some(last)
}

/// What the next look at CTRL/STAT shows, unless the flags are cleared first.
fn sticky_read(behind: &[Event]) -> Option<String> {
    let mut looks = behind.iter().take_while(|event| !clears(event)).filter_map(dp_register);
    let look = looks.find(|r| {
        !r.write && r.a == dp::CTRL_STAT && r.dp_bank() == dp::bank::CTRL_STAT && r.ack == Ack::OK
    })?;
    let flags = look.value? & dp::ctrl_stat::STICKY;
    let register = dp::register(true, dp::CTRL_STAT, dp::bank::CTRL_STAT)?;
    Some(if flags == 0 { "no sticky flag is set".to_owned() } else { register.describe(flags) })
}

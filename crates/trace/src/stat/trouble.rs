//! What went wrong on the wire: WAIT and what it cost, FAULT and where it came from.

use super::time::nanos;
use crate::Trace;
use crate::event::{Body, Event, RegisterAccess};
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

/// Runs of WAITs.
#[derive(Debug, Default)]
pub(super) struct WaitRuns {
    waits: Waits,
    /// The run that goes on: how many, from when, until when.
    run: Option<(u64, Duration, Duration)>,
}

impl WaitRuns {
    /// Takes a transaction.
    pub(super) fn take(&mut self, event: &Event, ack: Ack) {
        if ack == Ack::WAIT {
            self.waits.count += 1;
            let (count, from, _) = self.run.unwrap_or((0, event.at, event.until));
            self.run = Some((count + 1, from, event.until));
        } else if let Some((count, from, _)) = self.run.take() {
            self.ended(count, from, event.at);
        }
    }

    fn ended(&mut self, count: u64, from: Duration, until: Duration) {
        let waits = &mut self.waits;
        waits.runs += 1;
        waits.lost_ns += nanos(until.saturating_sub(from));
        if count > waits.longest_run {
            (waits.longest_run, waits.longest_at_ns) = (count, nanos(from));
        }
    }

    pub(super) fn finish(mut self) -> Waits {
        if let Some((count, from, until)) = self.run.take() {
            self.ended(count, from, until);
        }
        self.waits
    }
}

/// The number of FAULTs, and the first of them.
#[derive(Debug, Default)]
pub(super) struct Faults {
    count: usize,
    first: Vec<Fault>,
    /// Those of the first whose cause may be found yet, each with what it is suspected to be.
    open: Vec<(usize, String)>,
    /// The last FAULT, when nothing has cleared its flag since.
    set: Option<usize>,
    /// The last access to memory.
    suspect: Option<Event>,
}

impl Faults {
    pub(super) fn add(&mut self, piece: &Trace) {
        let all = piece.accesses();
        let mut suspect = None;
        for (n, event) in all.iter().enumerate() {
            if let Body::Access(a) = &event.body
                && a.ack != Ack::FAULT
            {
                suspect = Some(n);
                continue;
            }
            self.behind(event);
            if is_fault(event) {
                let before = suspect.and_then(|n| all.get(n)).or(self.suspect.as_ref()).map(named);
                self.fault(piece.accesses_before() + n, event, before);
            } else if clears(event) {
                self.set = None;
            }
            if matches!(event.body, Body::Access(_)) {
                suspect = Some(n);
            }
        }
        self.suspect = suspect.and_then(|n| all.get(n)).cloned().or(self.suspect.take());
    }

    fn fault(&mut self, n: usize, event: &Event, before: Option<String>) {
        self.count += 1;
        let set = self.set.replace(n);
        if self.first.len() == FAULTS {
            return;
        }
        let cause = match set {
            Some(m) => format!("the sticky flag that #{m} met is still set"),
            None => {
                // A write that fails on the bus is accepted on the wire: the next transaction meets the flag.
                let suspect = before.map_or_else(String::new, |before| format!(", behind {before}"));
                self.open.push((self.first.len(), suspect));
                "CTRL/STAT was not read behind it".to_owned()
            }
        };
        self.first.push(Fault { t_ns: nanos(event.at), event: n, what: named(event), cause });
    }

    /// What stands behind FAULTs may tell their cause: the next look at CTRL/STAT, unless the flags are cleared first.
    fn behind(&mut self, event: &Event) {
        if self.open.is_empty() {
            return;
        }
        if clears(event) {
            self.open.clear();
        } else if let Some(value) = looks(event) {
            let told = value.and_then(sticky);
            for (place, suspect) in self.open.drain(..) {
                if let (Some(fault), Some(flags)) = (self.first.get_mut(place), &told) {
                    fault.cause = format!("{flags}{suspect}");
                }
            }
        }
    }

    pub(super) fn finish(self) -> (usize, Vec<Fault>) {
        (self.count, self.first)
    }
}

fn named(event: &Event) -> String {
    crate::line(&Event { level: Level::Meaning, ..event.clone() })
}

fn is_fault(event: &Event) -> bool {
    match &event.body {
        Body::Access(a) => a.ack == Ack::FAULT,
        Body::Register(r) => r.ack == Ack::FAULT,
        _ => false,
    }
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

/// What a look at CTRL/STAT gave.
fn looks(event: &Event) -> Option<Option<u32>> {
    let looks = |r: &&RegisterAccess| {
        !r.write && r.a == dp::CTRL_STAT && r.dp_bank() == dp::bank::CTRL_STAT && r.ack == Ack::OK
    };
    dp_register(event).filter(looks).map(|r| r.value)
}

/// Which sticky flags CTRL/STAT shows.
fn sticky(value: u32) -> Option<String> {
    let flags = value & dp::ctrl_stat::STICKY;
    let register = dp::register(true, dp::CTRL_STAT, dp::bank::CTRL_STAT)?;
    Some(if flags == 0 { "no sticky flag is set".to_owned() } else { register.describe(flags) })
}

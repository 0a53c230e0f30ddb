//! `cargo bench -p ackwait-trace --bench diff`: two traces of a million accesses each are compared, at each level, and a page
//! says how long that took and how much memory beyond the traces themselves.

#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

use pace::{Clock, RealClock};
use std::time::Duration;
use trace::diff::{Equality, diff};
use trace::{ClockKind, Header, Recorder, Secrets, Trace};
use wire::{Record, Secret, Sink, TransferKind};

/// Words in a packet.
const WORDS: u32 = 100;
const PACKETS: u32 = 10_000;
/// Every so many packets one has another word in the second trace.
const EDITS: u32 = 500;

struct Session {
    recorder: Recorder,
    urb: u64,
}

impl Session {
    fn transfer(&mut self, endpoint: u8, request: &[u8], answer: &[u8]) {
        self.urb += 1;
        let at = Duration::from_micros(100 * self.urb);
        let (urb, kind, secret) = (self.urb, TransferKind::Bulk, &Secret::NONE);
        let length = request.len().max(answer.len());
        let r = &mut self.recorder;
        r.record(Record::Submit { at, urb, endpoint, kind, setup: None, length, data: request, secret });
        r.record(Record::Complete { at, urb, endpoint, kind, status: 0, length, data: answer, secret });
    }

    fn ask(&mut self, request: &[u8], answer: &[u8]) {
        self.transfer(0x04, request, &[]);
        self.transfer(0x85, &[], answer);
    }
}

/// A million words into memory, each packet behind a look at the flash; some words differ.
fn session(edited: bool) -> Trace {
    let header = Header::new("bench", "1", ClockKind::Virtual);
    let recorder = Recorder::in_memory(&header, Secrets::Masked).expect("a recorder");
    let mut session = Session { recorder, urb: 0 };
    session.ask(&[5, 0, 2, 8, 0, 0, 0, 1, 1, 0x12, 0, 0, 0x23], &[5, 2, 1]);
    let mut word = 1u32;
    for n in 0..PACKETS {
        session.ask(&[5, 0, 2, 5, 0x20, 0x20, 2, 0x40, 0xF], &[5, 2, 1, 0, 0, 0, 0]);
        let mut tar = vec![5, 0, 1, 5];
        tar.extend((0x2000_0000 + 4 * WORDS * (n % 64)).to_le_bytes());
        session.ask(&tar, &[5, 1, 1]);
        let mut block = vec![6, 0, 100, 0, 0xD];
        for k in 0..WORDS {
            word = word.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let other = edited && n % EDITS == 7 && k == 50;
            block.extend((word ^ u32::from(other)).to_le_bytes());
        }
        session.ask(&block, &[6, 100, 0, 1]);
    }
    trace::open(&session.recorder.into_bytes()).expect("a recording")
}

/// A line of /proc/self/status in MiB, where there is one.
fn memory(line: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let found = status
        .lines()
        .find_map(|text| text.strip_prefix(line)?.split_whitespace().next()?.parse::<u64>().ok());
    found.unwrap_or(0) / 1024
}

fn main() {
    let clock = RealClock::start();
    let (a, b) = (session(false), session(true));
    let traces = memory("VmRSS:");
    println!(
        "{} and {} accesses; the traces themselves {traces} MiB",
        a.accesses().len(),
        b.accesses().len()
    );
    for level in (1..=5).filter_map(Equality::from_number) {
        // The peak begins anew, where the system lets it.
        let _ = std::fs::write("/proc/self/clear_refs", "5");
        let (before, began) = (memory("VmRSS:"), clock.now());
        let found = diff(&a, &b, level).expect("both can be compared");
        let took = clock.now() - began;
        let more = memory("VmHWM:").saturating_sub(before);
        println!(
            "level {}: {:>6.0} ms, {more:>4} MiB more, {} and {} items, {} hunks",
            level.number(),
            took.as_secs_f64() * 1e3,
            found.a.len(),
            found.b.len(),
            found.hunks.len()
        );
    }
}

//! `cargo bench -p ackwait-trace --bench diff`: two traces of a million accesses each are compared, at each level, and a page
//! says how long that took and how much memory beyond the traces themselves.

#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

mod session;

use pace::{Clock, RealClock};
use session::{Session, next};
use trace::Trace;
use trace::diff::{Equality, diff};

/// Words in a packet.
const WORDS: u32 = 100;
const PACKETS: u32 = 10_000;
/// Every so many packets one has another word in the second trace.
const EDITS: u32 = 500;

/// A million words into memory, each packet behind a look at the flash; some words differ.
fn session(edited: bool) -> Trace {
    let mut session = Session::begin();
    let mut word = 1u32;
    for n in 0..PACKETS {
        session.ask(&[5, 0, 2, 5, 0x20, 0x20, 2, 0x40, 0xF], &[5, 2, 1, 0, 0, 0, 0]);
        session.tar(0x2000_0000 + 4 * WORDS * (n % 64));
        let other = |k: usize| u32::from(edited && n % EDITS == 7 && k == 50);
        session.block((0..WORDS as usize).map(|k| next(&mut word) ^ other(k)));
    }
    trace::open(&session.end()).expect("a recording")
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

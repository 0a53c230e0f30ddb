//! `cargo bench -p ackwait-trace --bench usb`: how fast recordings of USB become counted transactions, on one core, from the bytes
//! of the file on. The best of several runs counts.
//!
//! `cargo bench -p ackwait-trace --bench usb -- --write FILE MEGABYTES` writes a recording of that size, to be timed whole.

#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

mod session;

use pace::{Clock, RealClock};
use session::{Session, next};
use std::io::Cursor;
use std::ops::ControlFlow;
use trace::{Counts, Options, Pieces, TraceError};

const RUNS: usize = 5;
/// Bytes of a recording.
const SIZE: usize = 32 << 20;
/// Words that fit into a packet of 512 bytes.
const WORDS: usize = 126;

/// Looks at a register, each in a packet of its own: SELECT, TAR and DRW, as a debugger polls.
fn polls(session: &mut Session, word: &mut u32) {
    let mut packet = vec![5, 0, 3, 8, 0, 0, 0, 1, 5];
    packet.extend((0x4002_2000 + (next(word) & 0xFC)).to_le_bytes());
    packet.push(0xF);
    let mut answer = vec![5, 3, 1];
    answer.extend(next(word).to_le_bytes());
    session.ask(&packet, &answer);
}

/// Writes a block of words, and looks whether the flash is done with it.
fn blocks(session: &mut Session, word: &mut u32) {
    session.tar(0x0800_0000 + (next(word) & 0x000F_FC00));
    session.block((0..WORDS).map(|_| next(word)));
    session.ask(&[5, 0, 2, 5, 0x20, 0x20, 2, 0x40, 0xF], &[5, 2, 1, 0, 0, 0, 0]);
}

/// Data of a disk in the same device, a few sectors at a time, beside polls.
fn other(session: &mut Session, word: &mut u32) {
    let sector: Vec<u8> = (0..512).flat_map(|_| next(word).to_le_bytes()).collect();
    session.elsewhere(&sector);
    polls(session, word);
}

/// Adds a few packets to a session.
type Traffic = fn(&mut Session, &mut u32);

fn recording(size: usize, traffic: Traffic) -> Vec<u8> {
    let (mut session, mut word) = (Session::begin(), 1);
    // A session knows its size only at its end; the first packets tell how much each of them takes.
    for _ in 0..100 {
        traffic(&mut session, &mut word);
    }
    let each = session.size() / 100;
    for _ in 100..size / each.max(1) {
        traffic(&mut session, &mut word);
    }
    session.end()
}

/// The shortest time of several runs, and what the last one gave.
fn best<T>(clock: &RealClock, mut run: impl FnMut() -> T) -> (f64, T) {
    let mut timed = || {
        let start = clock.now();
        let gave = run();
        ((clock.now() - start).as_secs_f64(), gave)
    };
    let (mut best, mut gave) = timed();
    for _ in 1..RUNS {
        let (took, now) = timed();
        best = best.min(took);
        gave = now;
    }
    (best, gave)
}

/// How many transactions a recording holds, by all that `stat` counts.
fn counted(file: &[u8]) -> u64 {
    let (mut file, mut counts, mut total) = (Cursor::new(file), Counts::default(), 0);
    let mut pieces = Pieces::open(&mut file, &Options::default()).expect("a recording");
    let counted = pieces.each(|piece| {
        counts.add(piece);
        if piece.is_last() {
            total = std::mem::take(&mut counts).stat(piece).transactions.total;
        }
        Ok::<_, TraceError>(ControlFlow::Continue(()))
    });
    counted.expect("a recording");
    total
}

fn main() {
    let clock = RealClock::start();
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(place) = arguments.iter().position(|argument| argument == "--write") {
        let file = arguments.get(place + 1).expect("a file");
        let megabytes: usize = arguments.get(place + 2).and_then(|n| n.parse().ok()).expect("megabytes");
        std::fs::write(file, recording(megabytes << 20, blocks)).expect("written");
        return;
    }
    let all: [(&str, Traffic); 3] = [("polls", polls), ("blocks", blocks), ("polls beside a disk", other)];
    for (name, traffic) in all {
        let file = recording(SIZE, traffic);
        let megabytes = file.len() as f64 / 1e6;
        let (took, read) = best(&clock, || trace::read::read(&file).expect("a recording").transfers.len());
        println!("{name}: {megabytes:.0} MB, {read} transfers read at {:.0} MB/s", megabytes / took);
        let (took, total) = best(&clock, || counted(&file));
        println!(
            "{name}: {total} transactions counted at {:.0} MB/s, {:.2} M transactions/s",
            megabytes / took,
            total as f64 / took / 1e6
        );
    }
}

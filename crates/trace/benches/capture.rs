//! `cargo bench -p ackwait-trace`: how fast logic captures are decoded, on one core. The best of several runs counts.
//!
//! `cargo bench -p ackwait-trace --bench capture -- --write FOLDER` writes the dense capture there as `dense.sr` and
//! `dense.vcd`, to be timed with other programs.

#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

use pace::{Clock, RealClock};
use std::io::{Cursor, Write as _};
use std::path::PathBuf;
use trace::{Channels, Event, Options};
use zip::CompressionMethod;
use zip::write::SimpleFileOptions;

const PACKETS: usize = 100_000;
const RUNS: usize = 7;
/// Reads and writes that go well, and reads of which every tenth is told to wait.
const REQUESTS: [u8; 4] = [0x9F, 0xBB, 0x9F, 0x8B];

/// Levels of SWDIO at the clocks of so many packets behind a line reset and a read of DPIDR.
fn levels(packets: usize, idle: usize) -> Vec<bool> {
    let mut bits = Vec::new();
    let put =
        |bits: &mut Vec<bool>, value: u64, count: usize| bits.extend((0..count).map(|n| value >> n & 1 == 1));
    put(&mut bits, u64::MAX >> 8, 64);
    let mut word = 0x6BA0_2477_u32;
    for n in 0..packets {
        let request = if n == 0 { 0xA5 } else { REQUESTS[n % REQUESTS.len()] };
        put(&mut bits, u64::from(request), 8);
        if n % 10 == 9 {
            put(&mut bits, 0b1_0101, 5);
        } else {
            let data = u64::from(word) | u64::from(word.count_ones() % 2) << 32;
            let read = request & 4 != 0;
            if read {
                put(&mut bits, 0b0011, 4)
            } else {
                put(&mut bits, 0b1_0011, 5)
            }
            put(&mut bits, data, 33);
            put(&mut bits, 1, usize::from(read));
        }
        put(&mut bits, 0, idle);
        word = word.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
    }
    bits
}

/// Two samples a clock, SWCLK in bit 0 and SWDIO in bit 1, and so many samples without a clock every hundred packets.
fn samples(bits: &[bool], rest: usize) -> Vec<u8> {
    let mut samples = Vec::new();
    for (n, bit) in bits.iter().enumerate() {
        samples.extend([u8::from(*bit) << 1, u8::from(*bit) << 1 | 1]);
        if n % 4600 == 4599 {
            samples.extend(std::iter::repeat_n(0, rest));
        }
    }
    samples
}

fn sr(samples: &[u8], method: CompressionMethod) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(method);
    let metadata = "[global]\nsigrok version=0.5.2\n\n[device 1]\ncapturefile=logic-1\ntotal probes=2\n\
                    samplerate=20 MHz\ntotal analog=0\nprobe1=SWCLK\nprobe2=SWDIO\nunitsize=1\n";
    let mut file = |name: String, data: &[u8]| {
        zip.start_file(name, options).expect("a file");
        zip.write_all(data).expect("written");
    };
    file("version".to_owned(), b"2");
    file("metadata".to_owned(), metadata.as_bytes());
    for (n, piece) in samples.chunks(4 << 20).enumerate() {
        file(format!("logic-1-{}", n + 1), piece);
    }
    zip.finish().expect("an archive").into_inner()
}

fn vcd(bits: &[bool]) -> Vec<u8> {
    let mut text = String::from(
        "$timescale 1 ns $end\n$var wire 1 ! SWCLK $end\n$var wire 1 \" SWDIO $end\n$enddefinitions $end\n#0 0! 0\"\n",
    );
    let mut last = false;
    for (n, bit) in bits.iter().enumerate() {
        let dio = if *bit == last { "" } else { [" 0\"", " 1\""][usize::from(*bit)] };
        text += &format!("#{} 0!{dio}\n#{} 1!\n", 100 * n + 50, 100 * n + 100);
        last = *bit;
    }
    text.into_bytes()
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

fn print(name: &str, unit: &str, amount: usize, (took, events): (f64, Vec<Event>)) {
    let events = events.len();
    println!(
        "{name}: {amount} {unit}, {events} events in {:.1} ms: {:.2} G{unit}/s, {:.2} M events/s",
        took * 1e3,
        amount as f64 / took / 1e9,
        events as f64 / took / 1e6
    );
}

fn main() {
    let clock = RealClock::start();
    let channels = Channels::default();
    let bits = levels(PACKETS, 2);
    let dense = samples(&bits, 0);
    let (stored, deflated) = (sr(&dense, CompressionMethod::Stored), sr(&dense, CompressionMethod::Deflated));
    let text = vcd(&bits);
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(place) = arguments.iter().position(|argument| argument == "--write") {
        let folder = PathBuf::from(arguments.get(place + 1).map_or(".", String::as_str));
        for (name, bytes) in [("dense.sr", &deflated), ("dense.vcd", &text)] {
            std::fs::write(folder.join(name), bytes).expect("written");
        }
        return;
    }
    let idle = samples(&levels(PACKETS / 10, 2), 1_000_000);
    for (name, samples) in [("dense samples", &dense), ("mostly idle samples", &idle)] {
        let run = || trace::logic::on_wire_in_samples(samples, 1, 20_000_000, 0, 1);
        print(name, "samples", samples.len(), best(&clock, run));
    }
    for (name, bytes, amount, unit) in [
        ("dense .sr, stored", &stored, dense.len(), "samples"),
        ("dense .sr, deflated", &deflated, dense.len(), "samples"),
        ("dense VCD", &text, text.len(), "bytes"),
    ] {
        let run = || trace::logic::on_wire(bytes, &channels).expect("a capture");
        print(name, unit, amount, best(&clock, run));
    }
    let (took, _) = best(&clock, || trace::open_with(&deflated, &Options::default()).expect("a trace"));
    println!(
        "dense.sr to levels 2 to 5: {:.1} ms, {:.2} M packets/s",
        took * 1e3,
        PACKETS as f64 / took / 1e6
    );
}

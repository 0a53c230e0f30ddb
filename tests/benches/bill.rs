//! `cargo bench`: what programming and verifying 1 MiB costs on the wire, for each pace, bus and clock. Counted, not timed:
//! the same on every machine.

#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

use ackwait_tests::bill::{Row, measure};
use h5::FlashPace;
use wire::Hz;

const MIB: usize = 1 << 20;

fn main() {
    println!("1 MiB, CMSIS-DAP v2 at high speed, quad-word 32 us; time is simulated\n{}", Row::HEAD);
    for swclk in [Hz::khz(4000), Hz::khz(10_000)] {
        for bus in ["stall", "buffered"] {
            for pace in [FlashPace::Stream, FlashPace::Match, FlashPace::Poll] {
                println!("{}", measure(pace, bus, swclk, MIB));
            }
        }
    }
}

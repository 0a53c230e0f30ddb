//! `cargo bench --bench rate`: how much of the wire, or of the cable, 1 MiB of SRAM in one block uses on each simulated probe.
//! Counted on virtual time: the same on every machine.

#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

use ackwait_tests::rate::block;
use wire::Hz;

const PROBES: [&str; 6] = [
    "h562,profile=hs",
    "h562,profile=fs",
    "h562,profile=hid",
    "h562,probe=stlink-v2",
    "h562,probe=stlink-v21",
    "h562,probe=stlink-v3",
];

fn main() {
    for swclk in [Hz::khz(4000), Hz::khz(10_000)] {
        for probe in PROBES {
            block(probe, swclk).iter().for_each(|rate| println!("{rate}"));
        }
    }
}

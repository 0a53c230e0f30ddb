//! A block of memory uses the wire, or the cable, for nearly all of the time it takes.

use ackwait_tests::rate::{Rate, block};
use wire::Hz;

fn show(rates: [Rate; 2]) -> [Rate; 2] {
    rates.iter().for_each(|rate| println!("{rate}"));
    rates
}

/// Bulk at high speed: 512-byte packets, 4 under way, 125 us of latency a packet.
#[test]
fn at_high_speed_a_block_uses_the_wire_for_95_percent_of_its_time() {
    for rate in show(block("h562,profile=hs", Hz::khz(10_000))) {
        assert!(rate.of_the_wire() >= 0.95, "{rate}");
    }
}

/// HID at full speed: 64-byte reports, 4 under way, one a millisecond in each direction.
#[test]
fn over_hid_a_block_uses_95_percent_of_the_reports_there_are() {
    for rate in show(block("h562,profile=hid", Hz::khz(10_000))) {
        assert!(rate.packets_per_ms() >= 0.95, "{rate}");
    }
}

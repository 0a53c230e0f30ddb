//! What the wire costs, in counts that are the same on every machine.

use ackwait_tests::bill::{CLOCKS_OK, Row, measure};
use h5::FlashPace;
use wire::Hz;

const MIB: usize = 1 << 20;
const CLOCKS: [Hz; 2] = [Hz::khz(4000), Hz::khz(10_000)];

fn show(row: Row) -> Row {
    println!("{row}");
    row
}

#[test]
fn streaming_1_mib_costs_hardly_more_than_one_transaction_a_word_in_each_direction() {
    for swclk in CLOCKS {
        let row = show(measure(FlashPace::Stream, "stall", swclk, MIB));
        let limit = 1.10 * CLOCKS_OK as f64;
        assert!(row.program_clocks() <= limit, "{row}");
        assert!(row.verify_clocks() <= limit, "{row}");
    }
}

#[test]
fn streaming_comes_within_a_tenth_of_the_floor_that_the_bus_sets() {
    for swclk in CLOCKS {
        for bus in ["stall", "buffered"] {
            let row = show(measure(FlashPace::Stream, bus, swclk, MIB));
            assert!((1.0..=1.10).contains(&row.over_floor()), "{row}");
        }
    }
}

#[test]
fn neither_stream_nor_match_makes_a_round_trip_for_each_quad_word_and_poll_does() {
    let quads = (MIB / 16) as u64;
    let packets = |pace| show(measure(pace, "stall", Hz::khz(4000), MIB)).program.usb_out;
    assert!(packets(FlashPace::Stream) < quads / 20);
    assert!(packets(FlashPace::Match) < quads / 5);
    assert!(packets(FlashPace::Poll) > quads);
}

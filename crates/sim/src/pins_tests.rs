//! Behaviour of the pins.

use super::*;
use crate::probe::SimProbe;
use wire::UsbDevice as _;

/// One clock as a host makes it that drives.
fn put(pins: &mut Pins<'_>, bit: bool) {
    pins.write(false, bit);
    pins.write(true, bit);
}

/// One clock as a host makes it that listens: it looks before SWCLK rises.
fn get(pins: &mut Pins<'_>) -> bool {
    pins.write(false, false);
    let level = pins.swdio();
    pins.write(true, false);
    level
}

fn bytes(pins: &mut Pins<'_>, bytes: &[u8]) {
    bytes.iter().for_each(|byte| (0..8).for_each(|n| put(pins, byte >> n & 1 == 1)));
}

fn word(pins: &mut Pins<'_>, bits: u32) -> u64 {
    (0..bits).fold(0, |word, n| word | u64::from(get(pins)) << n)
}

#[test]
fn a_host_that_makes_every_edge_reads_the_identification() {
    let mut probe = SimProbe::open("h563,truth=on").unwrap();
    let mut pins = probe.pins(Duration::from_millis(100));
    pins.drive(true);
    bytes(&mut pins, regs::dp::JTAG_TO_SWD.bytes);
    bytes(&mut pins, &[0xA5]);
    pins.drive(false);
    get(&mut pins);
    assert_eq!(word(&mut pins, 3), 0b001);
    let data = word(&mut pins, 33);
    assert_eq!(data as u32, 0x6BA0_2477);
    assert_eq!(data >> 32, u64::from(0x6BA0_2477_u32.count_ones() % 2));
    let bits = regs::dp::JTAG_TO_SWD.bytes.len() * 8 + 8 + 1 + 3 + 33;
    let clocks: u32 = probe.pin_runs().iter().map(|run| run.clocks).sum();
    assert_eq!(clocks as usize, bits);
    let driven: u32 = probe.pin_runs().iter().map(|run| run.target.count_ones()).sum();
    assert_eq!(driven, 36, "ack, data and parity are the target's");
    assert_eq!(
        (probe.bill().swclk() as usize, probe.bill().ok),
        (bits, 0),
        "its last clock is still to come"
    );
}

#[test]
fn reset_reaches_the_board_and_an_undriven_line_is_high() {
    let mut probe = SimProbe::open("h563,truth=on").unwrap();
    let mut pins = probe.pins(Duration::from_millis(1));
    pins.drive(false);
    assert!(pins.swdio());
    pins.reset(true);
    pins.reset(true);
    pins.reset(false);
    let edges = probe.truth().iter().map(|(_, event)| event.clone());
    let expected = [wire::WireEvent::Reset(true), wire::WireEvent::Reset(false)];
    assert!(edges.eq(expected));
}

#[test]
fn the_clocks_that_are_kept_are_the_clocks_that_are_billed() {
    let mut probe = SimProbe::open("h563,truth=on").unwrap();
    let [out, input] = probe.endpoints();
    let packets: [&[u8]; 7] = [
        &[0x02, 1],              // connect
        &[0x04, 3, 64, 0, 0, 0], // three idle clocks, 64 retries
        &[
            0x12, 136, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x9E, 0xE7, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
            0xFF, 0xFF, 0,
        ],
        &[0x05, 0, 2, 0x02, 0x04, 0x00, 0x00, 0x00, 0x50], // DPIDR, power-up
        &[0x05, 0, 2, 0x08, 0x00, 0x00, 0x00, 0x01, 0x0F], // SELECT, IDR by a posted read
        &[0x1D, 3, 0x08, 0xA5, 0x80 | 37, 0x01, 0],        // a read as a sequence
        &[0x05, 0, 1, 0x06],                               // CTRL/STAT
    ];
    let mut now = Duration::from_millis(100);
    for packet in packets {
        now = probe.out(out.address, packet, now).unwrap() + Duration::from_millis(1);
        while probe.take_in(input.address).is_some() {}
    }
    let runs = probe.pin_runs();
    let clocks: u64 = runs.iter().map(|run| u64::from(run.clocks)).sum();
    assert_eq!(clocks, probe.bill().swclk());
    assert!(probe.bill().ok >= 4, "{}", probe.bill());
    for pair in runs.windows(2) {
        assert!(Duration::from_nanos(pair[0].end()) <= pair[1].at, "{pair:?}");
    }
}

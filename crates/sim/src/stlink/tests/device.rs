//! The USB side: identity, data phases, times, faults.

use crate::SimProbe;
use std::time::Duration;
use wire::{TransferKind, UsbDevice, UsbFault};

const MS: Duration = Duration::from_millis(1);

fn open(spec: &str) -> SimProbe {
    SimProbe::open(spec).unwrap()
}

/// A command in its sixteen bytes.
fn command(bytes: &[u8]) -> Vec<u8> {
    let mut whole = bytes.to_vec();
    whole.resize(16, 0);
    whole
}

fn ask(probe: &mut SimProbe, bytes: &[u8], at: Duration) -> Vec<u8> {
    let [out, input] = probe.endpoints().map(|endpoint| endpoint.address);
    probe.out(out, &command(bytes), at).unwrap();
    probe.take_in(input).map(|answer| answer.to_vec()).unwrap_or_default()
}

#[test]
fn each_model_has_its_product_number_endpoints_and_packet_size() {
    for (spec, pid, out, size) in [
        ("probe=stlink-v2", 0x3748, 0x02, 64),
        ("probe=stlink-v21", 0x374B, 0x01, 64),
        ("probe=stlink-v21,stlink.pid=0x3752", 0x3752, 0x01, 64),
        ("probe=stlink-v3", 0x374E, 0x01, 512),
        ("probe=stlink-v3,stlink.pid=0x3754", 0x3754, 0x01, 512),
    ] {
        let mut probe = open(spec);
        let identity = probe.identity();
        assert_eq!((identity.vid, identity.pid), (0x0483, pid));
        assert_eq!(identity.serial.len(), 24);
        assert!(identity.serial.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let [commands, answers] = probe.endpoints();
        assert_eq!((commands.address, answers.address), (out, 0x81));
        assert_eq!((commands.kind, commands.max_packet), (TransferKind::Bulk, size));
        assert_eq!(ask(&mut probe, &[0xF1], MS)[4..], pid.to_le_bytes());
    }
}

#[test]
fn a_short_command_is_taken_as_if_zeros_followed() {
    let mut probe = open("probe=stlink-v3");
    probe.out(0x01, &[0xFB], MS).unwrap();
    assert_eq!(probe.take_in(0x81).unwrap().len(), 12);
}

#[test]
fn an_answer_takes_the_latency_both_ways_and_a_slot_for_each_packet() {
    let mut probe = open("probe=stlink-v2");
    probe.out(0x02, &command(&[0xF5]), MS).unwrap();
    assert_eq!(probe.next_in(0x81), Some(MS + Duration::from_micros(55 + 1000 + 1000)));
    probe.take_in(0x81).unwrap();
    let mut probe = open("probe=stlink-v2,stlink.mode=dfu");
    probe.out(0x02, &command(&[0xF2, 0x07, 0, 0, 0, 0x20, 0, 4]), MS).unwrap();
    // Refused at once; 1024 bytes are 16 packets.
    assert_eq!(probe.next_in(0x81), Some(MS + Duration::from_micros(55 + 2000 + 15 * 55)));
    assert_eq!(probe.take_in(0x81).unwrap().len(), 1024);
}

#[test]
fn data_comes_whole_or_in_packets() {
    for size in [200, 64] {
        let mut probe = open("probe=stlink-v2");
        ask(&mut probe, &[0xF2, 0x30, 0xA3], 100 * MS);
        ask(&mut probe, &[0xF2, 0x4B, 1], 200 * MS);
        let data: Vec<u8> = (0..200).collect();
        let write = command(&[0xF2, 0x08, 0, 0, 0, 0x20, 200, 0, 1]);
        probe.out(0x02, &write, 300 * MS).unwrap();
        for packet in data.chunks(size) {
            probe.out(0x02, packet, 300 * MS).unwrap();
        }
        assert_eq!(ask(&mut probe, &[0xF2, 0x3E], 400 * MS)[0], 0x80);
        let back = ask(&mut probe, &[0xF2, 0x07, 0, 0, 0, 0x20, 200, 0, 1], 500 * MS);
        assert_eq!(back, data, "in packets of {size}");
    }
}

/// A probe in debug mode with AP1 open, 200 ms after it was plugged in.
fn attached(spec: &str) -> SimProbe {
    let mut probe = open(spec);
    ask(&mut probe, &[0xF2, 0x30, 0xA3], 100 * MS);
    ask(&mut probe, &[0xF2, 0x4B, 1], 200 * MS);
    probe
}

/// Words of SRAM, as they are in the chip.
fn ram(probe: &SimProbe, len: u32) -> Vec<u8> {
    probe.board().ram(0x2000_0000, len)
}

/// Neither a short packet nor a transfer's end is the end of the data: a command in its middle is data. [STL-29]
#[test]
fn a_data_phase_ends_with_its_last_byte_and_a_command_within_it_is_data() {
    let mut probe = attached("probe=stlink-v3");
    probe.out(0x01, &command(&[0xF2, 0x08, 0, 0, 0, 0x20, 200, 0, 1]), 300 * MS).unwrap();
    probe.out(0x01, &[1; 100], 300 * MS).unwrap();
    assert_eq!(ask(&mut probe, &[0xF1], 400 * MS), [0_u8; 0]);
    assert_eq!(ram(&probe, 120), [vec![1; 100], command(&[0xF1]), vec![0; 4]].concat());
    probe.out(0x01, &[2; 84], 500 * MS).unwrap();
    assert_eq!(ask(&mut probe, &[0xF2, 0x3E], 600 * MS)[0], 0x80);
    assert_eq!(ram(&probe, 200)[116..], [2; 84]);
}

/// At 5 kHz a word takes 9.2 ms, and the buffer holds 32 of them: two packets. [STL-30]
#[test]
fn no_more_data_is_taken_than_fits_ahead_of_the_wire() {
    let mut probe = attached("probe=stlink-v2,stlink.buffer=128");
    ask(&mut probe, &[0xF2, 0x43, 0x1E, 0x03], 250 * MS);
    let start = Duration::from_secs(1);
    probe.out(0x02, &command(&[0xF2, 0x08, 0, 0, 0, 0x20, 0, 2, 1]), start).unwrap();
    let block = [7; 512];
    let taken: Vec<_> =
        block.chunks(64).map(|packet| probe.out(0x02, packet, start).unwrap() - start).collect();
    let word = Duration::from_micros(9200);
    for pair in taken.windows(2).skip(2) {
        assert!((pair[1] - pair[0]).abs_diff(16 * word) < word, "{taken:?}");
    }
    assert!(taken[1] < MS && taken[7] > 16 * 6 * word, "{taken:?}");
}

#[test]
fn what_the_host_takes_back_was_never_there() {
    for (spec, out) in [("probe=stlink-v2", 0x02), ("probe=stlink-v3", 0x01)] {
        let mut probe = attached(&format!("{spec},stlink.buffer=512"));
        let start = Duration::from_secs(1);
        probe.out(out, &command(&[0xF2, 0x08, 0, 0, 0, 0x20, 0, 0x40, 1]), start).unwrap();
        let data = vec![9; 0x4000];
        let taken = probe.out_until(out, &data, start, start + 3 * MS).unwrap();
        assert!(taken.bytes > 0 && taken.bytes < data.len() && taken.when > start + 3 * MS, "{taken:?}");
        let stands = ram(&probe, 0x4000);
        assert!(stands[..taken.bytes].iter().all(|byte| *byte == 9), "{spec}");
        assert!(stands[taken.bytes..].iter().all(|byte| *byte == 0), "{spec}");
        let rest = probe.out(out, &data[taken.bytes..], start + 4 * MS).unwrap();
        assert!(rest > taken.when);
        assert_eq!(ask(&mut probe, &[0xF2, 0x3E], rest + 100 * MS)[0], 0x80, "the rest ends it");
    }
}

/// Nothing tells a host that the rest is not wanted. [STL-30]
#[test]
fn data_behind_a_word_that_failed_is_taken_and_comes_to_nothing() {
    let mut probe = attached("probe=stlink-v3");
    // The last KiB of SRAM, and as much behind it.
    let at = 0x200A_0000_u32 - 1024;
    let [a, b, c, d] = at.to_le_bytes();
    probe.out(0x01, &command(&[0xF2, 0x08, a, b, c, d, 0, 8, 1]), 300 * MS).unwrap();
    probe.out(0x01, &[3; 2048], 300 * MS).unwrap();
    let status = ask(&mut probe, &[0xF2, 0x3E], 400 * MS);
    assert_eq!((status[0], &status[4..8]), (0x11, &0x200A_0000_u32.to_le_bytes()[..]));
    assert_eq!(probe.board().ram(at, 1024), [3; 1024]);
}

#[test]
fn the_next_command_is_taken_when_the_one_before_is_done() {
    let mut probe = open("probe=stlink-v3");
    probe.out(0x01, &command(&[0xF2, 0x30, 0xA3]), 100 * MS).unwrap();
    let done = probe.bill().time;
    let taken = probe.out(0x01, &command(&[0xF5]), 100 * MS).unwrap();
    assert_eq!(taken, done + Duration::from_micros(10));
    assert_eq!(std::iter::from_fn(|| probe.take_in(0x81)).count(), 2);
}

#[test]
fn overlong_transfers_other_endpoints_and_control_requests_stall() {
    let mut probe = open("probe=stlink-v2");
    assert_eq!(probe.out(0x02, &[0xF1; 17], MS), Err(UsbFault::Stall));
    assert_eq!(probe.out(0x01, &[0xF1], MS), Err(UsbFault::Stall));
    probe.out(0x02, &command(&[0xF2, 0x0D, 0, 0, 0, 0x20, 8, 0, 1]), MS).unwrap();
    assert_eq!(probe.out(0x02, &[0; 9], MS), Err(UsbFault::Stall));
    let setup = wire::Setup { request_type: 0xC0, request: 1, value: 0, index: 0, length: 4 };
    assert_eq!(probe.control(setup, &[], MS), Err(UsbFault::Stall));
}

#[test]
fn a_usb_reset_ends_a_data_phase_and_forgets_answers() {
    let mut probe = open("probe=stlink-v3");
    probe.out(0x01, &command(&[0xF5]), MS).unwrap();
    probe.out(0x01, &command(&[0xF2, 0x08, 0, 0, 0, 0x20, 200, 0, 1]), 2 * MS).unwrap();
    probe.reset(3 * MS);
    assert_eq!(probe.next_in(0x81), None);
    assert_eq!(ask(&mut probe, &[0xF5], 4 * MS), [1, 0]);
}

#[test]
fn usb_faults_strike_an_st_link_as_they_do_others() {
    let mut probe = open("probe=stlink-v3,lost=1,corrupt=2,unplug=4");
    assert_eq!(ask(&mut probe, &[0xF5], MS), [0_u8; 0]);
    assert_eq!(ask(&mut probe, &[0xF5], 2 * MS), [0xFE, 0]);
    assert_eq!(ask(&mut probe, &[0xF5], 3 * MS), [1, 0]);
    assert_eq!(probe.out(0x01, &command(&[0xF5]), 4 * MS), Err(UsbFault::Gone));
    assert!(!probe.plugged(5 * MS));
}

#[test]
fn wire_faults_strike_behind_an_st_link_too() {
    let mut probe = open("probe=stlink-v3,wait=3:200");
    ask(&mut probe, &[0xF2, 0x30, 0xA3], 100 * MS);
    assert_ne!(probe.bill().wait, 0);
    let mut probe = open("probe=stlink-v3,noack=2");
    assert_eq!(ask(&mut probe, &[0xF2, 0x30, 0xA3], 100 * MS), [0x16, 0]);
}

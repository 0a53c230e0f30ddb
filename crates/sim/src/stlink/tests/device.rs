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

#[test]
fn a_data_phase_that_ends_early_is_a_command_error() {
    let mut probe = open("probe=stlink-v3");
    ask(&mut probe, &[0xF2, 0x30, 0xA3], 100 * MS);
    ask(&mut probe, &[0xF2, 0x4B, 1], 200 * MS);
    probe.out(0x01, &command(&[0xF2, 0x08, 0, 0, 0, 0x20, 200, 0, 1]), 300 * MS).unwrap();
    probe.out(0x01, &[1; 100], 300 * MS).unwrap();
    assert_eq!(ask(&mut probe, &[0xF2, 0x3E], 400 * MS)[0], 0x08);
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

//! Commands that are no transfers.

use super::Probe;
use crate::swd::Faults;
use std::time::Duration;
use wire::WireEvent;

fn probe() -> Probe {
    Probe::new(Faults::default())
}

#[test]
fn commands_that_the_firmware_does_not_have_are_answered_ff() {
    // Vendor, unknown, trace, UART, an empty packet, and one that ends inside its fields.
    for packet in [&[0x80, 1][..], &[0x55], &[0x17, 1], &[0x19, 0, 0, 0, 0], &[0x22, 1], &[], &[0x05, 0, 9]] {
        assert_eq!(probe().ask(packet), [0xFF], "{packet:x?}");
    }
}

#[test]
fn jtag_commands_are_refused_with_a_status() {
    assert_eq!(probe().ask(&[0x14, 1, 1, 0]), [0x14, 0xFF]);
    assert_eq!(probe().ask(&[0x15, 1, 4]), [0x15, 0xFF]);
    assert_eq!(probe().ask(&[0x16, 0]), [0x16, 0xFF]);
}

#[test]
fn info_tells_names_capabilities_and_sizes() {
    let mut probe = probe();
    assert_eq!(probe.ask(&[0, 0x04]), *b"\x00\x062.1.2\0");
    assert!(String::from_utf8_lossy(&probe.ask(&[0, 0x02])).contains("CMSIS-DAP"));
    assert_eq!(probe.ask(&[0, 0xF0]), [0, 1, 0x31], "SWD, atomic commands, timer");
    assert_eq!(probe.ask(&[0, 0xF1]), [0, 4, 0x40, 0x42, 0x0F, 0]);
    assert_eq!(probe.ask(&[0, 0xFE]), [0, 1, 4]);
    assert_eq!(probe.ask(&[0, 0xFF]), [0, 2, 0, 2]);
    assert_eq!(probe.ask(&[0, 0x05]), [0, 0]);
}

#[test]
fn connect_takes_swd_and_refuses_jtag() {
    assert_eq!(probe().ask(&[2, 0]), [2, 1]);
    assert_eq!(probe().ask(&[2, 1]), [2, 1]);
    assert_eq!(probe().ask(&[2, 2]), [2, 0]);
    assert_eq!(probe().ask(&[3]), [3, 0]);
}

#[test]
fn statuses_are_ok_and_a_clock_of_zero_is_an_error() {
    let mut probe = probe();
    assert_eq!(probe.ask(&[0x01, 0, 1]), [0x01, 0]);
    assert_eq!(probe.ask(&[0x04, 2, 64, 0, 0, 0]), [0x04, 0]);
    assert_eq!(probe.ask(&[0x13, 0]), [0x13, 0]);
    assert_eq!(probe.ask(&[0x11, 0x40, 0x42, 0x0F, 0]), [0x11, 0]);
    assert_eq!(probe.ask(&[0x11, 0, 0, 0, 0]), [0x11, 0xFF]);
    assert_eq!(probe.ask(&[0x0A]), [0x0A, 0, 0]);
}

#[test]
fn a_transfer_abort_is_not_answered() {
    assert!(probe().ask(&[0x07]).is_empty());
}

#[test]
fn delay_takes_its_microseconds() {
    let mut probe = probe();
    probe.ask(&[0x09, 0xE8, 0x03]);
    assert_eq!(probe.firmware.lines.now, 1_000_000);
}

#[test]
fn several_commands_in_one_packet_are_answered_in_one() {
    let mut probe = Probe::attached(Faults::default());
    let packet = [0x7F, 3, 0x01, 0, 1, 0x05, 0, 1, 0x02, 0x09, 10, 0];
    assert_eq!(probe.ask(&packet), [0x7F, 3, 0x01, 0, 0x05, 1, 1, 0x77, 0x24, 0xA0, 0x6B, 0x09, 0]);
    assert_eq!(probe.ask(&[0x7E, 1, 0x09, 1, 0]), [0x7F, 1, 0x09, 0], "queued ones answer as 7F");
}

#[test]
fn pins_are_driven_waited_for_and_read() {
    let mut probe = Probe::attached(Faults::default());
    assert_eq!(probe.ask(&[0x10, 0, 0, 0, 0, 0, 0]), [0x10, 0x83]);
    assert_eq!(probe.ask(&[0x10, 0x00, 0x80, 0, 0, 0, 0]), [0x10, 0x03]);
    assert!(probe.ram().reset_low);
    let before = probe.firmware.lines.now;
    assert_eq!(probe.ask(&[0x10, 0x80, 0x80, 0xE8, 0x03, 0, 0]), [0x10, 0x83]);
    assert_eq!(probe.firmware.lines.now, before, "it rises at once");
    let edges = probe.firmware.lines.truth.events().iter().filter_map(|(_, e)| match e {
        WireEvent::Reset(low) => Some(*low),
        _ => None,
    });
    assert_eq!(edges.collect::<Vec<_>>(), [true, false]);
}

#[test]
fn a_pin_that_never_follows_costs_the_whole_wait() {
    let mut probe = Probe::attached(Faults::default());
    probe.ram().reset_low = true; // somebody else holds it
    let before = probe.firmware.lines.now;
    assert_eq!(probe.ask(&[0x10, 0x80, 0x80, 0xE8, 0x03, 0, 0]), [0x10, 0x03]);
    assert_eq!(probe.firmware.lines.now - before, 1_000_000);
    let before = probe.firmware.lines.now;
    probe.ask(&[0x10, 0x80, 0x80, 0xFF, 0xFF, 0xFF, 0xFF]);
    assert_eq!(probe.firmware.lines.now - before, 3_000_000_000, "three seconds at most");
}

#[test]
fn reset_is_let_go_by_connect_and_by_disconnect() {
    for command in [&[0x02, 1][..], &[0x03]] {
        let mut probe = probe();
        probe.ask(&[0x10, 0x00, 0x80, 0, 0, 0, 0]);
        assert!(probe.ram().reset_low);
        probe.ask(command);
        assert!(!probe.ram().reset_low);
    }
}

#[test]
fn line_sequences_are_in_the_truth_by_name() {
    let mut probe = Probe::new(Faults::default());
    let mut switch = vec![0x12, 136];
    switch.extend_from_slice(regs::dp::JTAG_TO_SWD.bytes);
    probe.ask(&switch);
    let events: Vec<_> = probe.firmware.lines.truth.events().to_vec();
    let at = |clocks: u64| Duration::from_micros(clocks); // 1 MHz
    let expected = [
        (at(50), WireEvent::LineReset),
        (at(72), WireEvent::Switch(regs::dp::JTAG_TO_SWD.name)),
        (at(119), WireEvent::LineReset), // the select code ends in three high clocks
    ];
    assert_eq!(events, expected);
}

#[test]
fn an_swd_sequence_can_make_a_whole_transaction() {
    let mut probe = Probe::attached(Faults::default());
    // DPIDR: 8 out, 1 turnaround, 3 ack, 33 data and 1 turnaround in.
    let answer = probe.ask(&[0x1D, 4, 8, 0xA5, 0x81, 0x83, 0xA2]);
    assert_eq!(answer[..4], [0x1D, 0, 1, 1]);
    assert_eq!(answer[4..8], [0x77, 0x24, 0xA0, 0x6B]);
    assert_eq!(probe.story(), "rdp0");
}

#[test]
fn the_target_can_be_chosen_by_targetsel_in_an_swd_sequence() {
    let mut probe = Probe::attached(Faults::default());
    probe.ask(&[0x12, 64, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x00]);
    // 8 out, 5 in, 33 out: the parity bit of this TARGETID is one.
    let value = 0x1484_0041_u32 & 0x0FFF_FFFF;
    assert_eq!(value.count_ones() % 2, 1);
    let [a, b, c, d] = value.to_le_bytes();
    assert_eq!(probe.ask(&[0x1D, 3, 8, 0x99, 0x85, 33, a, b, c, d, 1]), [0x1D, 0, 0x1F]);
    assert_eq!(probe.ask(&[0x05, 0, 1, 0x02]), [0x05, 1, 1, 0x77, 0x24, 0xA0, 0x6B]);
    assert_eq!(probe.story(), "wdpC- rdp0");
}

#[test]
fn swclk_can_be_clocked_by_hand() {
    let mut probe = Probe::attached(Faults::default());
    let before = probe.firmware.lines.bill.swclk_other;
    for _ in 0..50 {
        probe.ask(&[0x10, 0x02, 0x03, 0, 0, 0, 0]);
        probe.ask(&[0x10, 0x03, 0x03, 0, 0, 0, 0]);
    }
    assert_eq!(probe.firmware.lines.bill.swclk_other - before, 50);
    assert_eq!(probe.ask(&[0x05, 0, 1, 0x06]), [0x05, 0, 7], "fifty high clocks were a line reset");
}

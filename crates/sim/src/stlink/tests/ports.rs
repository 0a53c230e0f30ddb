//! Entering, debug and access port registers, opening access ports, WAIT and FAULT.

use super::*;
use regs::ap::{CSW, DRW, IDR, TAR};
use regs::dp::ctrl_stat;

/// The debug port.
const DP: u16 = 0xFFFF;
/// An access here lasts 200 µs, and here it fails.
const SLOW: u32 = 0x00C8_0000;
const BROKEN: u32 = 0x00F0_0000;
const STUCK: u32 = 0x00FF_0000;

#[test]
fn entering_old_firmware_looks_on_the_wire_like_the_capture() {
    let mut probe = Probe::new("V2J17S4");
    assert_eq!(probe.ask(&[0xF2, 0x30, 0xA3]), [0x80, 0]);
    assert_eq!(probe.story(), "rdp0 rdp4 wdp4 rdp4 rdp4 wdp8 rapC rap8 rdpC");
    assert_eq!(probe.ask(&[0xF5]), [2, 0]);
}

#[test]
fn entering_newer_firmware_leaves_the_access_ports_to_the_command_for_them() {
    let mut probe = Probe::new("V3J13M4");
    assert_eq!(probe.ask(&[0xF2, 0x30, 0xA3]), [0x80, 0]);
    assert_eq!(probe.story(), "rdp0 rdp4 wdp4 rdp4 rdp4");
    assert_eq!(probe.ask(&[0xF2, 0x31])[..8], [0x80, 0, 0, 0, 0x77, 0x24, 0xA0, 0x6B]);
    assert_eq!(probe.ask(&[0xF2, 0x4B, 1]), [0x80, 0]);
    assert_eq!(probe.story(), "rdp0 wdp8 rapC rap8 rdpC");
}

#[test]
fn entering_clears_what_is_left_of_an_error_and_of_a_bank() {
    let mut probe = Probe::attached_with("V3J13M4", StLinkKnobs { keep_sticky: true, ..usual() });
    probe.memory(0x07, BROKEN, 4, &[]);
    assert_ne!(probe.register(DP, 0x04).1 & ctrl_stat::STICKYERR, 0);
    assert_eq!(probe.ask(&[0xF2, 0x30, 0xA3]), [0x80, 0]);
    assert_eq!(probe.register(DP, 0x04), (0x80, 0xF000_0000));
    assert_eq!(probe.register(DP, 0x24).0, 0x80);
    assert_eq!(probe.ask(&[0xF2, 0x30, 0xA3]), [0x80, 0]);
    assert_eq!(probe.register(DP, 0x04).1 & 0xF000_0000, 0xF000_0000);
}

#[test]
fn without_a_target_entering_finds_no_idcode_and_jtag_no_chain() {
    let mut probe = Probe::new("V3J13M4");
    assert_eq!(probe.ask(&[0xF2, 0x30, 0xA4]), [0x04, 0]);
    assert_eq!(probe.ask(&[0xF2, 0x30, 0x00]), [0x04, 0]);
    assert_eq!(probe.ask(&[0xF2, 0x30, 0x77]), [0x08, 0]);
    probe.ram().dead = true;
    assert_eq!(probe.ask(&[0xF2, 0x30, 0xA3]), [0x09, 0]);
    assert_eq!(probe.ask(&[0xF5]), [1, 0]);
}

#[test]
fn debug_port_registers_are_reached_with_their_bank() {
    let mut probe = Probe::attached("V2J32S7");
    assert_eq!(probe.register(DP, 0x00), (0x80, 0x6BA0_2477));
    assert_eq!(probe.register(DP, 0x24), (0x80, 0x1484_0041));
    assert_eq!(probe.register(DP, 0x04), (0x80, 0xF000_0040));
    assert_eq!(probe.story(), "rdp0 wdp8 rdp4 wdp8 rdp4");
}

#[test]
fn before_j32_the_bank_is_not_heard() {
    let mut probe = Probe::attached("V2J31S7");
    assert_eq!(probe.register(DP, 0x24).1, probe.register(DP, 0x04).1);
}

#[test]
fn an_access_port_read_is_posted_and_fetched() {
    let mut probe = Probe::attached("V2J37S7");
    assert_eq!(probe.register(1, IDR.into()), (0x80, 0x8477_0001));
    assert_eq!(probe.story(), "rapC rdpC");
    assert_eq!(probe.set_register(1, TAR.into(), 0x1234), 0x80);
    assert_eq!(probe.register(1, TAR.into()), (0x80, 0x1234));
    assert_eq!(probe.story(), "wdp8 wap4 rap4 rdpC");
}

#[test]
fn a_write_of_select_by_the_host_is_forgotten_at_the_next_access() {
    let mut probe = Probe::attached("V2J37S7");
    assert_eq!(probe.set_register(DP, 0x08, 0x0200_0011), 0x80);
    assert_eq!(probe.register(1, IDR.into()), (0x80, 0x8477_0001));
    assert_eq!(probe.register(DP, 0x04).1, 0xF000_0040);
}

#[test]
fn an_access_port_must_be_opened_from_j37_and_v3j7_on() {
    let strict = StLinkKnobs { all_shut: true, ..usual() };
    for (version, must) in [("V2J36S7", false), ("V2J37S7", true), ("V3J6", false), ("V3J7", true)] {
        let mut probe = Probe::attached_with(version, strict);
        let status = if must { 0x1D } else { 0x80 };
        assert_eq!(probe.register(0, IDR.into()).0, status, "{version}");
        assert_eq!(probe.set_register(0, TAR.into(), 0), status);
        probe.send(&memory_command(0x07, 0x100, 4, 0, 0), &[]);
        assert_eq!(probe.last().0, status);
        assert_eq!(probe.ask(&[0xF2, 0x36, 0, 1, 0, 0, 0])[0], status);
        assert_eq!(probe.ask(&[0xF2, 0x4B, 0]), [0x80, 0]);
        assert_eq!(probe.register(0, IDR.into()).0, 0x80);
        assert_eq!(probe.ask(&[0xF2, 0x4C, 0]), [0x80, 0]);
        assert_eq!(probe.register(0, IDR.into()).0, status);
    }
}

#[test]
fn leaving_debug_mode_closes_every_access_port() {
    let mut probe = Probe::attached("V3J13M4");
    assert_eq!(probe.send(&[0xF2, 0x21], &[]), None);
    assert_eq!(probe.ask(&[0xF2, 0x30, 0xA3]), [0x80, 0]);
    assert_eq!(probe.register(1, TAR.into()).0, 0x1D);
}

#[test]
fn ap0_is_open_after_enter_and_of_the_others_only_idr_can_be_read() {
    let mut probe = Probe::attached("V3J13M4");
    assert_eq!(probe.send(&[0xF2, 0x21], &[]), None);
    assert_eq!(probe.ask(&[0xF2, 0x30, 0xA3]), [0x80, 0]);
    assert_eq!(probe.register(0, TAR.into()).0, 0x80);
    assert_eq!(probe.register(1, IDR.into()), (0x80, 0x8477_0001));
    assert_eq!(probe.register(3, IDR.into()), (0x80, 0));
    assert_eq!(probe.register(9, IDR.into()).0, 0x1D);
    assert_eq!(probe.set_register(1, TAR.into(), 0), 0x1D);
    probe.send(&memory_command(0x07, 0x100, 4, 1, 0), &[]);
    assert_eq!(probe.last().0, 0x1D);
}

#[test]
fn an_access_port_that_does_not_exist_is_not_opened() {
    let mut probe = Probe::attached("V3J13M4");
    assert_eq!(probe.ask(&[0xF2, 0x4B, 3]), [0x1D, 0]);
    assert_eq!(probe.ask(&[0xF2, 0x4B, 9]), [0x1D, 0]);
    assert_eq!(probe.register(0x0123, IDR.into()).0, 0x1D);
    let blind = StLinkKnobs { open_needs_idr: false, ..usual() };
    assert_eq!(Probe::attached_with("V3J13M4", blind).ask(&[0xF2, 0x4B, 3]), [0x80, 0]);
}

#[test]
fn j28_closes_with_a_bogus_status() {
    assert_eq!(Probe::attached("V2J28S7").ask(&[0xF2, 0x4C, 1]), [0x1D, 0]);
    assert_eq!(Probe::attached("V2J29S7").ask(&[0xF2, 0x4C, 1]), [0x80, 0]);
}

#[test]
fn an_access_port_write_answers_before_the_bus_write_has_ended() {
    let mut probe = Probe::attached_with("V2J37S7", impatient());
    assert_eq!(probe.set_register(1, TAR.into(), SLOW), 0x80);
    assert_eq!(probe.set_register(1, DRW.into(), 1), 0x80);
    assert_eq!(probe.register(DP, 0x0C).0, 0x14);
    assert_eq!(probe.register(DP, 0x04), (0x80, 0xF000_0000));
    assert_eq!(probe.set_register(1, TAR.into(), 0), 0x10);
    probe.pause(200_000);
    assert_eq!(probe.register(DP, 0x0C).0, 0x80);
}

#[test]
fn a_failed_write_shows_at_the_next_register_and_stays_until_it_is_cleared() {
    let mut probe = Probe::attached("V2J37S7");
    probe.set_register(1, TAR.into(), BROKEN);
    assert_eq!(probe.set_register(1, DRW.into(), 1), 0x80);
    probe.pause(10_000);
    assert_eq!(probe.register(DP, 0x0C).0, 0x15);
    assert_eq!(probe.register(1, CSW.into()).0, 0x11);
    assert_ne!(probe.register(DP, 0x04).1 & ctrl_stat::STICKYERR, 0);
    assert_eq!(probe.set_register(DP, 0x00, 0x04), 0x80);
    assert_eq!(probe.register(1, CSW.into()).0, 0x80);
}

#[test]
fn a_v2_answers_wait_as_long_as_it_lasts_and_then_reads_again() {
    let mut probe = Probe::attached_with("V2J37S7", impatient());
    probe.set_register(1, TAR.into(), SLOW);
    assert_eq!(probe.register(1, DRW.into()).0, 0x10);
    assert_eq!(probe.register(1, DRW.into()).0, 0x10);
    probe.pause(200_000);
    probe.set_register(1, TAR.into(), 0);
    assert_eq!(probe.register(1, DRW.into()).0, 0x80);
    let reads = probe.ram().log.len();
    assert_eq!(reads, 2);
}

#[test]
fn a_v3_answers_wait_once_then_fault_and_then_ok_with_the_pending_result() {
    let mut probe = Probe::attached_with("V3J13M4", impatient());
    probe.ram().words.insert(SLOW, 0xCAFE_0001);
    probe.set_register(1, TAR.into(), SLOW);
    assert_eq!(probe.register(1, DRW.into()).0, 0x10);
    assert_eq!(probe.register(1, DRW.into()).0, 0x11);
    assert_eq!(probe.register(DP, 0x04).1 & ctrl_stat::STICKY, 0);
    assert_eq!(probe.register(1, DRW.into()).0, 0x11);
    probe.pause(200_000);
    probe.story();
    assert_eq!(probe.register(1, DRW.into()), (0x80, 0xCAFE_0001));
    assert_eq!(probe.story(), "rdpC");
    assert_eq!(probe.ram().log.len(), 1);
}

#[test]
fn another_command_makes_a_v3_forget_what_is_pending() {
    let mut probe = Probe::attached_with("V3J13M4", impatient());
    probe.set_register(1, TAR.into(), SLOW);
    assert_eq!(probe.register(1, DRW.into()).0, 0x10);
    assert_eq!(probe.register(1, CSW.into()).0, 0x10);
    assert_eq!(probe.register(1, DRW.into()).0, 0x10);
}

#[test]
fn a_stuck_access_port_is_freed_by_dapabort() {
    for version in ["V2J37S7", "V3J13M4"] {
        let mut probe = Probe::attached(version);
        probe.set_register(1, TAR.into(), STUCK);
        assert_eq!(probe.register(1, DRW.into()).0, 0x10);
        assert_eq!(probe.set_register(DP, 0x00, 0x01), 0x80);
        assert_eq!(probe.register(1, CSW.into()).0, 0x80, "{version}");
    }
}

#[test]
fn the_number_of_tries_is_a_setting() {
    let tries = |knobs| {
        let mut probe = Probe::attached_with("V2J37S7", knobs);
        probe.set_register(1, TAR.into(), STUCK);
        probe.register(1, DRW.into());
        probe.firmware.lines.bill.wait
    };
    assert_eq!((tries(usual()), tries(impatient())), (100, 3));
}

#[test]
fn a_silent_target_is_neither_wait_nor_fault() {
    let mut probe = Probe::attached("V2J37S7");
    probe.ram().dead = true;
    assert_eq!(probe.register(DP, 0x04).0, 0x16);
    assert_eq!(probe.register(1, CSW.into()).0, 0x12);
}

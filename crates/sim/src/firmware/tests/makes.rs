//! Firmware of other makes: each deviation on the wire or in the answer. [DAP-14] [DAP-15] [DAP-16]

use super::Probe;
use super::transfers::{DP_R, DRW_R, DRW_W, MASK, MATCH, TAR, block, configure, transfer, words};
use crate::swd::Faults;

fn of(make: &str) -> Probe {
    Probe::of(make, Faults::default())
}

/// Nothing is mapped here.
const NOWHERE: u32 = 0x00F0_0000;
/// The bus is busy for long here.
const BUSY: u32 = 0x00FF_0000;

#[test]
fn free_dap_counts_tries_and_never_tries_with_none() {
    for (tries, waits) in [(1, 1), (5, 5)] {
        let mut probe = of("free-dap");
        probe.ask(&configure(tries, 0));
        let answer = probe.ask(&transfer(&[(TAR, Some(BUSY)), (DRW_W, Some(1)), (DRW_W, Some(2))]));
        assert_eq!(answer, [0x05, 2, 2]);
        assert_eq!(probe.story().matches("wapC?").count(), waits);
    }
    let mut probe = of("free-dap");
    probe.ask(&configure(0, 0));
    assert_eq!(probe.ask(&transfer(&[(DP_R, None)])), [0x05, 0, 0]);
    assert_eq!(probe.story(), "");
}

#[test]
fn free_dap_does_not_look_when_it_may_match_never() {
    let mut probe = of("free-dap");
    probe.ram().words.insert(0, 7);
    probe.ask(&transfer(&[(TAR, Some(0)), (MASK, Some(0xFF))]));
    probe.wire();
    probe.ask(&configure(10, 0));
    assert_eq!(probe.ask(&transfer(&[(MATCH, Some(7))])), [0x05, 0, 0x11]);
    assert_eq!(probe.story(), "rapC");
    probe.ask(&configure(10, 1));
    assert_eq!(probe.ask(&transfer(&[(TAR, Some(0)), (MATCH, Some(7))]))[..2], [0x05, 2]);
    assert_eq!(probe.story(), "wap4 rapC rapC");
}

#[test]
fn free_dap_has_a_word_for_a_read_that_could_not_be_fetched() {
    let answer = of("free-dap").ask(&transfer(&[(TAR, Some(NOWHERE)), (DRW_R, None)]));
    assert_eq!((answer.len(), &answer[..3]), (7, &[0x05, 2, 4][..]));
}

#[test]
fn free_dap_drives_nothing_for_a_sequence_of_256_bits() {
    let cycles = |make: &str, bits: u8, bytes: usize| {
        let mut probe = of(make);
        let before = probe.firmware.lines.bill.swclk_other;
        let packet = [&[0x12, bits][..], &vec![0xFF; bytes]].concat();
        assert_eq!(probe.ask(&packet), [0x12, 0]);
        probe.firmware.lines.bill.swclk_other - before
    };
    assert_eq!((cycles("free-dap", 0, 32), cycles("reference", 0, 32)), (0, 256));
    assert_eq!((cycles("free-dap", 248, 31), cycles("reference", 248, 31)), (248, 248));
}

#[test]
fn some_let_the_whole_wait_for_a_pin_pass_and_one_takes_it_for_milliseconds() {
    let took = |make: &str| {
        let mut probe = of(make);
        let before = probe.firmware.lines.now;
        assert_eq!(probe.ask(&[0x10, 0x80, 0x80, 100, 0, 0, 0])[0], 0x10);
        probe.firmware.lines.now - before
    };
    assert!(took("reference") < 100_000);
    assert_eq!((took("dap-rs"), took("free-dap")), (100_000, 100_000_000));
}

#[test]
fn dap_rs_fetches_each_read_and_checks_no_write() {
    let mut probe = of("dap-rs");
    probe.ram().words.extend([(0, 10), (4, 11)]);
    let answer = probe.ask(&transfer(&[(TAR, Some(0)), (DRW_R, None), (DRW_R, None)]));
    assert_eq!((&answer[..3], words(&answer, 3)), (&[0x05, 3, 1][..], vec![10, 11]));
    assert_eq!(probe.story(), "wap4 rapC rdpC rapC rdpC");
    probe.ask(&transfer(&[(TAR, Some(NOWHERE)), (DRW_W, Some(1))]));
    assert_eq!(probe.story(), "wap4 wapC");
    assert_eq!(probe.ask(&transfer(&[(TAR, Some(0))])), [0x05, 1, 4], "it counts what was refused");
}

#[test]
fn dap_rs_counts_the_word_of_a_block_that_was_refused() {
    let mut probe = of("dap-rs");
    probe.ask(&transfer(&[(TAR, Some(NOWHERE))]));
    probe.wire();
    assert_eq!(probe.ask(&block(DRW_W, 4, &[1, 2, 3, 4])), [0x06, 2, 0, 4]);
    assert_eq!(probe.story(), "wapC wapC!");
    assert_eq!(probe.ask(&block(DRW_R, 4, &[])), [0x06, 1, 0, 4]);
}

#[test]
fn dap_rs_says_mismatch_in_the_count_and_forgets_the_mask() {
    let mut probe = of("dap-rs");
    probe.ram().words.insert(0, 0x17);
    let packet = transfer(&[(TAR, Some(0)), (MASK, Some(0xF)), (MATCH, Some(8))]);
    assert_eq!(probe.ask(&packet), [0x05, 0x13, 1]);
    let fitting = transfer(&[(TAR, Some(0)), (MASK, Some(0xF)), (MATCH, Some(7))]);
    assert_eq!(probe.ask(&fitting), [0x05, 3, 1]);
    assert_eq!(probe.ask(&transfer(&[(TAR, Some(0)), (MATCH, Some(7))])), [0x05, 0x12, 1]);
}

#[test]
fn dap_rs_does_not_tell_silence_from_bad_parity() {
    for faults in [
        Faults { no_ack_at: Some(6), ..Faults::default() },
        Faults { parity_at: Some(6), ..Faults::default() },
    ] {
        let mut probe = Probe::of("dap-rs", faults);
        let status: Vec<u8> = (0..6).map(|_| probe.ask(&transfer(&[(DP_R, None)]))[2]).collect();
        assert!(status.contains(&0x0F), "{status:X?}");
    }
}

#[test]
fn dap_rs_refuses_a_data_phase_and_makes_no_idle_clocks() {
    let mut probe = of("dap-rs");
    assert_eq!(probe.ask(&[0x13, 0x00]), [0x13, 0x00]);
    assert_eq!(probe.ask(&[0x13, 0x04]), [0x13, 0xFF]);
    probe.ask(&[0x04, 20, 5, 0, 5, 0]);
    let before = probe.firmware.lines.bill.swclk_ok;
    probe.ask(&transfer(&[(DP_R, None)]));
    assert_eq!(probe.firmware.lines.bill.swclk_ok - before, 46);
}

#[test]
fn edbg_forgets_its_clock_behind_a_sequence() {
    let mut probe = of("edbg");
    probe.ask(&[0x11, 0x80, 0x84, 0x1E, 0x00]); // 2 MHz
    assert_eq!(probe.firmware.lines.clock.0, 2_000_000);
    probe.ask(&[0x12, 8, 0xFF]);
    assert_eq!(probe.firmware.lines.clock.0, 1_000_000);
}

#[test]
fn commands_that_a_firmware_lacks_are_answered_with_ff() {
    assert_eq!(of("wch-link").ask(&[0x1D, 1, 0x88]), [0xFF]);
    assert_eq!(of("debugprobe").ask(&[0x1D, 1, 0x88])[0], 0x1D);
    for make in ["free-dap", "dap-rs", "edbg", "wch-link", "orbtrace"] {
        assert_eq!(of(make).ask(&[0x7F, 1, 0x03]), [0xFF], "{make}");
        assert_eq!(of(make).ask(&[0x7E, 1, 0x03]), [0xFF], "{make}");
    }
}

#[test]
fn the_version_texts_are_what_each_make_believes_them_to_be() {
    let text = |make: &str| {
        let answer = of(make).ask(&[0x00, 0x04]);
        assert_eq!(usize::from(answer[1]), answer.len() - 2);
        String::from_utf8(answer[2..].to_vec()).unwrap()
    };
    assert_eq!(text("daplink-old"), "0254\0");
    assert_eq!(text("mcu-link"), "1.10\0");
    assert_eq!(text("edbg"), "03.25.01B6\0");
    assert_eq!(text("dap-rs"), "v0.2.0-git");
    assert_eq!(of("dap-rs").ask(&[0x00, 0x02]), [0x00, 0]);
}

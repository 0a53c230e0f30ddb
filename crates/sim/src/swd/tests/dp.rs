//! The debug port on its wire.

use super::bench::{DPIDR, Host, Ram, TARGETID};
use crate::swd::{Faults, Header, HostSide, PowerUpMode, Target};
use regs::ap;
use regs::dp::{self, abort, ctrl_stat};

const OK: u8 = 1;
const WAIT: u8 = 2;
const FAULT: u8 = 4;
const NONE: u8 = 7;

#[test]
fn a_port_in_jtag_is_silent_until_the_switch_sequence() {
    let mut host = Host::new(Faults::default());
    host.bytes(dp::LINE_RESET.bytes);
    assert_eq!(host.read_dp(dp::DPIDR).0, NONE);
    host.bytes(dp::JTAG_TO_SWD.bytes);
    assert_eq!(host.read_dp(dp::DPIDR), (OK, DPIDR));
}

#[test]
fn a_dormant_port_wakes_from_the_alert_only() {
    let mut host = Host::new(Faults::default());
    host.target = Target::new(Ram::default(), Faults::default(), PowerUpMode::Dormant);
    host.bytes(dp::JTAG_TO_SWD.bytes);
    assert_eq!(host.read_dp(dp::DPIDR).0, NONE);
    host.bytes(dp::DORMANT_TO_SWD.bytes);
    assert_eq!(host.read_dp(dp::DPIDR), (OK, DPIDR));
    host.bytes(dp::SWD_TO_DORMANT.bytes);
    host.bytes(dp::LINE_RESET.bytes);
    assert_eq!(host.read_dp(dp::DPIDR).0, NONE);
}

#[test]
fn after_a_line_reset_only_dpidr_and_targetsel_are_understood() {
    for (a, read) in [(dp::CTRL_STAT, true), (dp::SELECT, false), (dp::ABORT, false), (dp::RDBUFF, true)] {
        let mut host = Host::attached();
        host.bytes(dp::LINE_RESET.bytes);
        let seen = host.whole(Header { ap: false, read, a }, 0, true);
        assert_eq!((seen.ack, seen.line.clocks), (NONE, 46));
        // It is a protocol error: even DPIDR needs a new line reset.
        assert_eq!(host.read_dp(dp::DPIDR).0, NONE);
        host.bytes(dp::LINE_RESET.bytes);
        assert_eq!(host.read_dp(dp::DPIDR), (OK, DPIDR));
    }
}

#[test]
fn one_low_clock_after_a_line_reset_is_not_enough() {
    let mut host = Host::attached();
    host.bytes(&[0xFF; 7]);
    host.now += 1;
    host.target.clock(Some(false), host.now);
    assert_eq!(host.read_dp(dp::DPIDR).0, NONE);
}

#[test]
fn targetsel_chooses_this_target_or_silences_it() {
    let mut host = Host::attached();
    host.bytes(dp::LINE_RESET.bytes);
    assert_eq!(host.write_dp_unacknowledged(TARGETID & 0x0FFF_FFFF), NONE);
    assert_eq!(host.read_dp(dp::DPIDR), (OK, DPIDR));
    for other in [TARGETID ^ 0x1000, 0x1000_0000 | (TARGETID & 0x0FFF_FFFF)] {
        host.bytes(dp::LINE_RESET.bytes);
        host.write_dp_unacknowledged(other);
        assert_eq!(host.read_dp(dp::DPIDR).0, NONE, "{other:#x}");
    }
}

#[test]
fn a_wrong_header_silences_the_port() {
    let mut host = Host::attached();
    assert_eq!(host.clocked(0xA5 ^ 0x20, true, 0, true).ack, NONE);
    assert_eq!(host.read_dp(dp::DPIDR).0, NONE);
    host.bytes(dp::LINE_RESET.bytes);
    assert_eq!(host.read_dp(dp::DPIDR), (OK, DPIDR));
}

#[test]
fn a_line_reset_keeps_sticky_flags_select_and_power() {
    let mut host = Host::attached();
    host.fail_once();
    host.bytes(dp::LINE_RESET.bytes);
    assert_eq!(host.read_dp(dp::DPIDR).0, OK);
    assert_eq!(host.ctrl_stat(), 0xF000_0000 | ctrl_stat::STICKYERR);
}

#[test]
fn banked_registers_are_where_select_puts_them() {
    let mut host = Host::attached();
    let mut bank = |n| {
        assert_eq!(host.write_dp(dp::SELECT, n), OK);
        host.read_dp(dp::CTRL_STAT)
    };
    assert_eq!(bank(1), (OK, 0));
    assert_eq!(bank(2), (OK, TARGETID));
    assert_eq!(bank(3), (OK, 1));
    assert_eq!(bank(9), (OK, 0));
    assert_eq!(bank(0), (OK, 0xF000_0000));
}

#[test]
fn power_up_is_acknowledged_after_a_while_and_taken_back_at_once() {
    let mut host = Host::new(Faults::default());
    host.bytes(dp::JTAG_TO_SWD.bytes);
    host.read_dp(dp::DPIDR);
    host.write_dp(dp::CTRL_STAT, ctrl_stat::CDBGPWRUPREQ);
    assert_eq!(host.ctrl_stat(), ctrl_stat::CDBGPWRUPREQ);
    host.now += 50_000;
    assert_eq!(host.ctrl_stat(), ctrl_stat::CDBGPWRUPREQ | ctrl_stat::CDBGPWRUPACK);
    host.write_dp(dp::CTRL_STAT, 0);
    assert_eq!(host.ctrl_stat(), 0);
}

#[test]
fn an_access_port_without_debug_power_sets_stickyerr() {
    let mut host = Host::new(Faults::default());
    host.bytes(dp::JTAG_TO_SWD.bytes);
    host.read_dp(dp::DPIDR);
    host.read_ap(0xC);
    assert_eq!(host.ctrl_stat() & ctrl_stat::STICKYERR, ctrl_stat::STICKYERR);
}

#[test]
fn while_the_port_is_busy_everything_but_three_requests_is_answered_wait() {
    let mut host = Host::attached();
    host.store_ap(1, ap::TAR, 0x0064_0000); // 100 us
    host.store_ap(1, ap::DRW, 7);
    assert_eq!(host.read_ap(ap::DRW).0, WAIT);
    assert_eq!(host.write_ap(ap::DRW, 8), WAIT);
    assert_eq!(host.read_dp(dp::RDBUFF).0, WAIT);
    assert_eq!(host.write_dp(dp::SELECT, 0), WAIT);
    assert_eq!(host.read_dp(dp::DPIDR), (OK, DPIDR));
    assert_eq!(host.ctrl_stat(), 0xF000_0000);
    assert_eq!(host.write_dp(dp::ABORT, abort::CLEAR_ALL), OK);
    assert_eq!(host.read_dp(dp::RDBUFF).0, WAIT);
    host.now += 100_000;
    assert_eq!(host.read_dp(dp::RDBUFF).0, OK);
    assert_eq!(host.target.chip.log.len(), 1, "refused requests did nothing");
}

#[test]
fn ap_reads_are_posted_and_resend_repeats_the_last_answer() {
    let mut host = Host::attached();
    host.target.chip.words.extend([(0, 10), (4, 11), (8, 12)]);
    host.store_ap(1, ap::CSW, 0x4300_0012);
    host.store_ap(1, ap::TAR, 0);
    host.read_ap(ap::DRW);
    assert_eq!(host.read_ap(ap::DRW), (OK, 10));
    assert_eq!(host.read_dp(dp::RESEND), (OK, 10));
    assert_eq!(host.read_ap(ap::DRW), (OK, 11));
    assert_eq!(host.read_dp(dp::RDBUFF), (OK, 12));
    assert_eq!(host.read_dp(dp::RESEND), (OK, 12));
    assert_eq!(host.read_dp(dp::RDBUFF), (OK, 12));
    assert_eq!(host.target.chip.log.len(), 3);
}

#[test]
fn a_bus_error_shows_at_the_next_transaction_and_faults_until_cleared() {
    let mut host = Host::attached();
    host.fail_once();
    assert_eq!(host.write_ap(ap::TAR, 0), FAULT);
    assert_eq!(host.read_dp(dp::RDBUFF).0, FAULT);
    assert_eq!(host.write_dp(dp::SELECT, 0), FAULT);
    assert_eq!(host.write_dp(dp::ABORT, abort::WDERRCLR), OK);
    assert_eq!(host.read_dp(dp::RDBUFF).0, FAULT, "another flag's clear bit does not help");
    assert_eq!(host.write_dp(dp::ABORT, abort::STKERRCLR), OK);
    assert_eq!(host.read_dp(dp::RDBUFF).0, OK);
}

#[test]
fn readok_tells_whether_the_last_data_read_was_accepted() {
    let mut host = Host::attached();
    host.read_dp(dp::RDBUFF);
    assert_eq!(host.ctrl_stat() & ctrl_stat::READOK, ctrl_stat::READOK);
    host.fail_once();
    assert_eq!(host.read_dp(dp::RDBUFF).0, FAULT);
    assert_eq!(host.ctrl_stat() & ctrl_stat::READOK, 0);
}

#[test]
fn write_data_with_a_wrong_parity_bit_is_dropped_and_sets_wdataerr() {
    let mut host = Host::attached();
    host.store_ap(1, ap::TAR, 0x20);
    let seen = host.whole(Header { ap: true, read: false, a: ap::DRW }, 0x1234, false);
    assert_eq!(seen.ack, OK);
    assert_eq!(host.ctrl_stat() & ctrl_stat::STICKY, ctrl_stat::WDATAERR);
    assert_eq!(host.write_ap(ap::DRW, 0x1234), FAULT);
    assert!(host.target.chip.log.is_empty());
    host.write_dp(dp::ABORT, abort::WDERRCLR);
    assert_eq!(host.write_ap(ap::DRW, 0x1234), OK);
}

#[test]
fn with_overrun_detection_a_wait_sets_stickyorun_and_has_a_data_phase() {
    let mut host = Host::attached();
    host.store_ap(1, ap::TAR, 0x0064_0000);
    host.write_dp(dp::CTRL_STAT, 0x5000_0001);
    host.side.data_phase = true;
    assert_eq!(host.write_ap(ap::DRW, 1), OK);
    let refused = host.whole(Header { ap: true, read: false, a: ap::DRW }, 2, true);
    assert_eq!((refused.ack, refused.line.clocks), (WAIT, 46));
    assert_eq!(host.write_ap(ap::DRW, 3), FAULT);
    assert_eq!(host.ctrl_stat() & ctrl_stat::STICKY, ctrl_stat::STICKYORUN);
    host.now += 100_000;
    host.write_dp(dp::ABORT, abort::ORUNERRCLR);
    assert_eq!(host.write_ap(ap::DRW, 4), OK);
    assert_eq!(host.target.chip.log.len(), 2, "nothing queued behind the WAIT was performed");
}

#[test]
fn a_host_without_data_phase_loses_step_with_overrun_detection() {
    let mut host = Host::attached();
    host.store_ap(1, ap::TAR, 0x0064_0000);
    host.write_dp(dp::CTRL_STAT, 0x5000_0001);
    host.write_ap(ap::DRW, 1);
    let acks: Vec<u8> = (0..3).map(|_| host.read_ap(ap::DRW).0).collect();
    assert_ne!(acks, [WAIT, FAULT, FAULT]);
}

#[test]
fn dapabort_frees_a_stuck_port_and_nothing_else_does() {
    let mut host = Host::attached();
    host.store_ap(1, ap::TAR, 0x00FF_0000);
    host.store_ap(1, ap::DRW, 1);
    host.now += 3_600_000_000_000;
    assert_eq!(host.read_dp(dp::RDBUFF).0, WAIT);
    assert_eq!(host.write_dp(dp::ABORT, abort::STKERRCLR), OK);
    assert_eq!(host.read_dp(dp::RDBUFF).0, WAIT);
    assert_eq!(host.write_dp(dp::ABORT, abort::DAPABORT), OK);
    assert_eq!(host.fetch_ap(1, ap::TAR), 0x00FF_0000);
}

#[test]
fn after_dapabort_trinprog_shows_the_access_that_still_runs() {
    let mut host = Host::attached();
    host.store_ap(1, ap::TAR, 0x0064_0000);
    host.store_ap(1, ap::DRW, 1);
    host.write_dp(dp::ABORT, abort::DAPABORT);
    assert_eq!(host.fetch_ap(1, ap::CSW) & ap::csw::TR_IN_PROG, ap::csw::TR_IN_PROG);
    host.now += 100_000;
    assert_eq!(host.fetch_ap(1, ap::CSW) & ap::csw::TR_IN_PROG, 0);
}

#[test]
fn the_turnaround_of_dlcr_is_kept_by_both_sides_and_ends_with_a_line_reset() {
    let mut host = Host::attached();
    host.write_dp(dp::SELECT, 1);
    host.write_dp(dp::DLCR, 3 << 8);
    host.side.turnaround = 4;
    let seen = host.whole(Header { ap: false, read: true, a: dp::DPIDR }, 0, true);
    assert_eq!((seen.ack, seen.data, seen.line.clocks), (OK, DPIDR, 52));
    host.bytes(dp::LINE_RESET.bytes);
    host.side.turnaround = 1;
    assert_eq!(host.read_dp(dp::DPIDR), (OK, DPIDR));
}

#[test]
fn a_host_with_another_turnaround_than_the_target_is_not_understood() {
    let mut host = Host::attached();
    host.side = HostSide { turnaround: 2, data_phase: false };
    assert_ne!(host.read_dp(dp::DPIDR), (OK, DPIDR));
}

#[test]
fn pushed_verify_and_pushed_compare_set_stickycmp() {
    for (mode, written, sticky) in [(1, 7, false), (1, 8, true), (2, 7, true), (2, 8, false)] {
        let mut host = Host::attached();
        host.target.chip.words.insert(0x10, 7);
        host.store_ap(1, ap::TAR, 0x10);
        host.write_dp(dp::CTRL_STAT, 0x5000_0F00 | mode << 2);
        assert_eq!(host.write_ap(ap::DRW, written), OK);
        assert_eq!(host.ctrl_stat() & ctrl_stat::STICKYCMP != 0, sticky, "mode {mode}, {written}");
        assert_eq!(host.target.chip.words[&0x10], 7);
    }
}

#[test]
fn a_power_cycle_puts_the_port_back_to_jtag_with_its_registers_lost() {
    let mut host = Host::attached();
    host.target.chip.dead = true;
    assert_eq!(host.read_dp(dp::DPIDR).0, NONE);
    (host.target.chip.dead, host.target.chip.cycles) = (false, 1);
    assert_eq!(host.read_dp(dp::DPIDR).0, NONE);
    host.bytes(dp::JTAG_TO_SWD.bytes);
    assert_eq!(host.read_dp(dp::DPIDR), (OK, DPIDR));
    assert_eq!(host.ctrl_stat(), 0);
}

#[test]
fn scripted_faults_strike_the_transaction_they_name() {
    let struck = |faults: Faults| {
        let mut host = Host::new(faults);
        host.bytes(dp::JTAG_TO_SWD.bytes);
        let acks: Vec<u8> = (0..5)
            .map(|n| match n {
                0 => host.read_dp(dp::DPIDR).0,
                _ => host.whole(Header { ap: false, read: true, a: dp::RDBUFF }, 0, true).host_ack(),
            })
            .collect();
        (acks, host)
    };
    assert_eq!(struck(Faults { no_ack_at: Some(3), ..Faults::default() }).0, [OK, OK, NONE, NONE, NONE]);
    assert_eq!(struck(Faults { parity_at: Some(3), ..Faults::default() }).0, [OK, OK, 8, OK, OK]);
    assert_eq!(
        struck(Faults { wait: std::iter::once(2..4).collect(), ..Faults::default() }).0,
        [OK, WAIT, WAIT, OK, OK]
    );
    let (acks, host) = struck(Faults { cut_at: Some(4), ..Faults::default() });
    assert_eq!(acks, [OK, OK, OK, NONE, NONE]);
    assert!(host.target.chip.dead);
    assert_eq!(host.target.transactions(), 4);
}

#[test]
fn a_spoiled_write_is_dropped_by_the_target() {
    let mut host = Host::new(Faults { parity_at: Some(2), ..Faults::default() });
    host.bytes(dp::JTAG_TO_SWD.bytes);
    host.read_dp(dp::DPIDR);
    assert_eq!(host.write_dp(dp::CTRL_STAT, 0x5000_0000), OK);
    assert_eq!(host.ctrl_stat(), ctrl_stat::WDATAERR);
}

#[test]
fn skipping_waits_is_the_same_as_playing_them() {
    let cases = [
        (100, 1000, Faults::default()),
        (100, 7, Faults::default()),
        (0, 1000, Faults::default()),
        (100, 1000, Faults { parity_at: Some(20), ..Faults::default() }),
        (100, 1000, Faults { wait: std::iter::once(15..40).collect(), ..Faults::default() }),
        (100, 1000, Faults { no_ack_at: Some(12), ..Faults::default() }),
    ];
    // A write also with clocks behind it that the target does not expect.
    let hosts = [(true, false), (false, false), (false, true)];
    for ((busy_us, most, faults), (read, data_phase)) in
        cases.iter().flat_map(|case| hosts.map(|host| (case.clone(), host)))
    {
        let busy = || {
            let mut host = Host::new(faults.clone());
            host.clock = wire::Hz(3_000_000);
            host.attach();
            host.store_ap(1, ap::TAR, busy_us << 16);
            host.store_ap(1, ap::DRW, 1);
            host.side.data_phase = data_phase;
            host
        };
        let header = Header { ap: true, read, a: ap::DRW };
        let (mut played, mut skipped) = (busy(), busy());
        let skip = skipped.target.skip_waits(skipped.side, header, skipped.clock, most, skipped.now);
        skipped.now += u64::from(skip.tries) * skipped.clock.nanos(u64::from(skip.line.clocks));
        for _ in 0..skip.tries {
            let seen = played.whole(header, 0, true);
            assert_eq!((seen.ack, seen.line), (WAIT, skip.line));
        }
        assert_eq!(format!("{:?}", played.target), format!("{:?}", skipped.target));
        assert_eq!(played.now, skipped.now);
        if skip.tries < most {
            let (a, b) = (played.whole(header, 0, true), skipped.whole(header, 0, true));
            assert_eq!(a, b);
            assert!(a.host_ack() != WAIT || faults != Faults::default(), "it skipped too few");
        }
    }
}

#[test]
fn a_long_wait_is_skipped_in_one_step() {
    let mut host = Host::attached();
    host.clock = wire::Hz(10_000_000);
    host.store_ap(1, ap::TAR, 0x00EF_0000); // 239 us
    host.store_ap(1, ap::DRW, 1);
    let header = Header { ap: true, read: true, a: ap::DRW };
    let skip = host.target.skip_waits(host.side, header, host.clock, u32::MAX, host.now);
    assert!((180..=184).contains(&skip.tries), "{}", skip.tries);
}

#[test]
fn no_wait_is_skipped_past_a_doubtful_supply_nor_with_overrun_detection() {
    let skipped = |doubt_us: Option<u64>, ctrl: u32| {
        let mut host = Host::attached();
        host.clock = wire::Hz(1_000_000);
        host.store_ap(1, ap::TAR, 0x0064_0000);
        host.write_dp(dp::CTRL_STAT, ctrl);
        host.side.data_phase = ctrl & 1 == 1;
        assert_eq!(host.write_ap(ap::DRW, 1), OK);
        host.target.chip.doubt = doubt_us.map(|us| host.now + us * 1000);
        let header = Header { ap: true, read: true, a: ap::DRW };
        host.target.skip_waits(host.side, header, host.clock, 1000, host.now).tries
    };
    assert_eq!(skipped(None, 0x5000_0000), 8); // looked at after 8, 21, ... 99 us
    assert_eq!(skipped(Some(40), 0x5000_0000), 3);
    assert_eq!(skipped(Some(0), 0x5000_0000), 0);
    assert_eq!(skipped(None, 0x5000_0001), 0);
}

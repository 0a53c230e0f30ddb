//! What the engine does about WAIT, FAULT, silence and wrong parity.

use crate::target::{KEY, Mishap, RAM, STATUS};
use crate::{AP1, Rig, batch, impatient};
use adi::{AdiError, Cause, DpReg};
use pace::{Patience, Policy};
use regs::dp::ctrl_stat;
use std::time::Duration;
use wire::{Ack, Addr, Attr, Flow, MemOp, Port};

fn read(rig: &mut Rig, at: u32) -> Result<u32, AdiError> {
    rig.adi.read_word(AP1, Attr::Default, Addr(at))
}

#[test]
fn patience_with_wait_that_runs_out_names_key_time_tries_and_the_state_of_the_port() {
    let mut rig = Rig::attached(impatient());
    rig.with(|t| t.mishaps.insert(0, Mishap::Wait(u32::MAX)));
    let error = read(&mut rig, RAM + 0x100).unwrap_err();
    let AdiError::WaitSpent { spent, stuck, .. } = &error else { panic!("{error}") };
    assert_eq!(spent.key, "adi.wait");
    assert!(spent.elapsed >= Duration::from_millis(500) && spent.tries > 10, "{spent}");
    assert!(stuck.aborted && stuck.csw.is_some());
    let text = error.to_string();
    for part in ["32-bit read of 0x2000_0100", "AP1", "adi.wait = 500ms", "DAPABORT", "CDBGPWRUPACK"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    // DAPABORT freed the port.
    assert_eq!(read(&mut rig, RAM).unwrap(), 0);
}

#[test]
fn a_fault_behind_which_the_probe_says_nothing_more_is_the_probe_s_silence() {
    let mut rig = Rig::attached(impatient());
    rig.with(|t| t.mishaps.insert(0, Mishap::Sticky(ctrl_stat::STICKYERR)));
    let next = rig.bench.borrow().calls;
    rig.bench.borrow_mut().silent_call = Some(next + 1);
    let error = read(&mut rig, RAM + 0x100).unwrap_err();
    assert!(matches!(error, AdiError::ProbeSilent { .. }), "{error}");
}

#[test]
fn a_port_that_stays_busy_after_dapabort_is_another_error() {
    let mut rig = Rig::attached(impatient());
    rig.with(|t| {
        t.abort_frees = false;
        t.mishaps.insert(0, Mishap::Wait(u32::MAX));
    });
    let error = read(&mut rig, RAM + 0x100).unwrap_err();
    assert!(matches!(&error, AdiError::ApBusy { stuck, .. } if stuck.csw.is_none()), "{error}");
}

#[test]
fn without_adi_abort_nothing_is_aborted() {
    let mut policy = impatient();
    policy.adi.abort = false;
    let mut rig = Rig::attached(policy);
    rig.with(|t| t.mishaps.insert(0, Mishap::Wait(u32::MAX)));
    let error = read(&mut rig, RAM + 0x100).unwrap_err();
    assert!(matches!(&error, AdiError::ApBusy { stuck, .. } if !stuck.aborted), "{error}");
    rig.with(|t| assert!(!t.log.iter().any(|s| s.port == Port::Dp && s.reg == 0 && s.write.is_some())));
}

#[test]
fn a_tool_that_never_goes_on_after_wait_stops_at_the_first() {
    let mut policy = Policy::preset("openocd").unwrap();
    policy.probe.wait = Patience::Tries(2);
    let mut rig = Rig::attached(policy.clone());
    rig.with(|t| t.mishaps.insert(1, Mishap::Wait(2)));
    read(&mut rig, RAM + 0x100).unwrap();
    let mut rig = Rig::attached(policy);
    rig.with(|t| t.mishaps.insert(1, Mishap::Wait(3)));
    let error = read(&mut rig, RAM + 0x100).unwrap_err();
    assert!(matches!(&error, AdiError::WaitSpent { spent, .. } if spent.tries == 1), "{error}");
}

#[test]
fn patience_begins_anew_when_something_was_done() {
    // 40 stalls of 20 ms each are longer than adi.wait, but none of them is.
    let mut policy = impatient();
    policy.poll.interval = Duration::from_millis(5);
    policy.poll.ceiling = Duration::from_millis(5);
    let mut rig = Rig::attached(policy);
    rig.bench.borrow_mut().packet = 1000;
    rig.with(|t| t.mishaps.extend((0..40).map(|i| (20 + i * 60, Mishap::Wait(4)))));
    rig.adi.write_words(AP1, Attr::Default, Addr(RAM), &vec![3; 2000]).unwrap();
    rig.with(|t| assert!(t.ram[..8000].chunks(4).all(|w| w == [3, 0, 0, 0])));
}

#[test]
fn a_bus_error_names_the_access_that_caused_it_and_is_not_repeated() {
    let mut rig = Rig::attached(Policy::default());
    let ops =
        vec![MemOp::write(Addr(RAM), 1), MemOp::write(Addr(0x6000_0000), 2), MemOp::write(Addr(RAM + 4), 3)];
    let error = rig.adi.run(&batch(Flow::Lockstep, ops)).unwrap_err();
    let AdiError::Fault { access, ctrl_stat, cause } = &error else { panic!("{error}") };
    assert!(access.to_string().contains("write of 0x6000_0000"), "{access}");
    assert_eq!(*cause, Cause::BusError);
    assert_eq!(ctrl_stat.unwrap().sticky(), ctrl_stat::STICKYERR);
    assert!(error.to_string().contains("STICKYERR=1"), "{error}");
    // The sticky bit is cleared, what was in front is done, what was behind is not.
    assert_eq!(read(&mut rig, RAM).unwrap(), 1);
    assert_eq!(read(&mut rig, RAM + 4).unwrap(), 0);
}

#[test]
fn a_read_that_fails_on_the_bus_is_named_itself() {
    let mut rig = Rig::attached(Policy::default());
    let ops = vec![MemOp::read(Addr(RAM)), MemOp::read(Addr(0x6000_0010)), MemOp::read(Addr(RAM + 4))];
    let error = rig.adi.run(&batch(Flow::Lockstep, ops)).unwrap_err();
    assert!(error.to_string().contains("read of 0x6000_0010"), "{error}");
    let block = MemOp::ReadWords { at: Addr(RAM + 0x3FF0), count: 16, secret: false };
    let error = rig.adi.run(&batch(Flow::Pipelined, vec![block])).unwrap_err();
    assert!(error.to_string().contains("read of 0x2000_4000"), "{error}");
}

#[test]
fn write_data_that_arrived_damaged_is_told_from_a_bus_error() {
    let mut rig = Rig::attached(Policy::default());
    rig.with(|t| t.mishaps.insert(2, Mishap::Sticky(ctrl_stat::WDATAERR)));
    let error = rig.adi.write_word(AP1, Attr::Default, Addr(RAM + 0x80), 1).unwrap_err();
    assert!(matches!(error, AdiError::Fault { cause: Cause::WriteData, .. }), "{error}");
    assert_eq!(read(&mut rig, RAM).unwrap(), 0);
}

#[test]
fn a_port_that_closes_is_told_from_a_refused_address() {
    let mut rig = Rig::attached(Policy::default());
    rig.with(|t| t.ap1_open = false);
    let error = read(&mut rig, RAM + 0x40).unwrap_err();
    assert!(matches!(error, AdiError::ApClosed { ap: AP1, csw } if csw & 0x40 == 0), "{error}");
    rig.with(|t| t.ap1_open = true);
    assert_eq!(read(&mut rig, RAM).unwrap(), 0);
}

#[test]
fn a_lost_link_says_whether_the_target_is_still_there_and_repeats_nothing() {
    for (mishap, there) in [(Mishap::Silence, true), (Mishap::Cut, false)] {
        let mut rig = Rig::attached(Policy::default());
        rig.with(|t| t.mishaps.insert(1, mishap));
        let error = rig.adi.write_word(AP1, Attr::Default, Addr(KEY), 7).unwrap_err();
        let AdiError::LinkLost { ack, answers_again, .. } = error else { panic!("{error}") };
        assert_eq!((ack, answers_again), (Ack::NONE, there));
        rig.with(|t| assert!(t.key_writes.is_empty()));
    }
}

#[test]
fn a_debug_port_read_with_wrong_parity_is_read_again_and_a_memory_read_is_not() {
    let mut rig = Rig::attached(Policy::default());
    rig.with(|t| t.mishaps.insert(0, Mishap::Parity));
    rig.adi.read_dp(DpReg::CTRL_STAT).unwrap();
    rig.with(|t| {
        assert_eq!(t.count, 2);
        t.mishaps.extend([(2, Mishap::Parity), (3, Mishap::Parity)]);
    });
    assert!(matches!(rig.adi.read_dp(DpReg::CTRL_STAT), Err(AdiError::Parity { .. })));
    let mut rig = Rig::attached(Policy::default());
    let block = MemOp::ReadWords { at: Addr(RAM), count: 8, secret: false };
    rig.with(|t| t.mishaps.insert(5, Mishap::Parity));
    let error = rig.adi.run(&batch(Flow::Lockstep, vec![block])).unwrap_err();
    assert!(matches!(error, AdiError::Parity { .. }), "{error}");
}

#[test]
fn a_value_match_that_runs_out_names_the_step_and_what_the_word_is_now() {
    for value_match in [true, false] {
        let mut rig = Rig::attached(impatient());
        rig.bench.borrow_mut().caps.value_match = value_match;
        rig.with(|t| t.status_busy = u32::MAX);
        let ops = vec![
            MemOp::write(Addr(RAM), 5),
            MemOp::WaitUntil { at: Addr(STATUS), mask: 1, value: 0 },
            MemOp::write(Addr(RAM), 6),
        ];
        let error = rig.adi.run(&batch(Flow::Lockstep, ops)).unwrap_err();
        let AdiError::MatchSpent { op, last, spent, .. } = &error else { panic!("{error}") };
        assert_eq!((*op, *last, spent.key), (1, Some(1), "probe.match"));
        assert!(spent.tries >= 20, "{spent}");
        assert_eq!(read(&mut rig, RAM).unwrap(), 5);
    }
}

#[test]
fn a_probe_without_value_match_is_helped_by_the_host() {
    let mut rig = Rig::attached(impatient());
    rig.bench.borrow_mut().caps.value_match = false;
    rig.with(|t| t.status_busy = 7);
    let ops = vec![
        MemOp::WaitUntil { at: Addr(STATUS), mask: 1, value: 0 },
        MemOp::write(Addr(RAM), 9),
        MemOp::read(Addr(RAM)),
    ];
    assert_eq!(rig.adi.run(&batch(Flow::Lockstep, ops)).unwrap(), [9]);
}

#[test]
fn a_fault_without_a_sticky_bit_right_after_a_wait_means_still_busy() {
    let mut rig = Rig::attached(impatient());
    // Some probes answer the second look at a busy port so. Between the two the engine sends SELECT, CSW and TAR again.
    rig.with(|t| t.mishaps.extend([(1, Mishap::Wait(1)), (2, Mishap::FalseFault)]));
    assert_eq!(read(&mut rig, RAM + 0x100).unwrap(), 0);
    // Without a WAIT before it, it is a FAULT that nothing explains.
    let mut rig = Rig::attached(impatient());
    rig.with(|t| t.mishaps.insert(1, Mishap::FalseFault));
    let error = read(&mut rig, RAM + 0x100).unwrap_err();
    assert!(matches!(error, AdiError::Fault { cause: Cause::Unknown, .. }), "{error}");
}

#[test]
fn the_outcome_of_the_last_write_is_awaited_and_reported() {
    let write = |at| batch(Flow::Lockstep, vec![MemOp::write_once(Addr(at), 1)]);
    let last = {
        let mut dry = Rig::attached(impatient());
        dry.adi.run(&write(KEY)).unwrap();
        dry.with(|t| t.count - 1)
    };
    let mut rig = Rig::attached(impatient());
    rig.with(|t| t.mishaps.insert(last, Mishap::Wait(u32::MAX)));
    let error = rig.adi.run(&write(KEY)).unwrap_err();
    assert!(matches!(error, AdiError::WaitSpent { .. }) && error.outcome_unknown(), "{error}");
    rig.with(|t| assert_eq!(t.key_writes, [1]));
    let mut rig = Rig::attached(impatient());
    rig.with(|t| t.mishaps.insert(last, Mishap::Wait(3)));
    let error = rig.adi.run(&write(0x6000_0000)).unwrap_err();
    assert!(matches!(error, AdiError::Fault { cause: Cause::BusError, .. }), "{error}");
    assert!(error.to_string().contains("write of 0x6000_0000"), "{error}");
}

#[test]
fn a_silent_probe_is_not_a_silent_target() {
    let mut rig = Rig::attached(Policy::default());
    let now = rig.bench.borrow().calls;
    rig.bench.borrow_mut().silent_call = Some(now);
    let error = read(&mut rig, RAM + 0x200).unwrap_err();
    assert!(matches!(&error, AdiError::ProbeSilent { spent, .. } if spent.key == "usb.timeout"), "{error}");
    assert!(error.to_string().contains("probe is silent"));
}

#[test]
fn a_banked_register_leaves_ctrl_stat_selected() {
    let mut rig = Rig::attached(Policy::default());
    assert_eq!(rig.adi.read_dp(DpReg::TARGETID).unwrap(), crate::target::TARGETID);
    let stat = rig.adi.read_dp(DpReg::CTRL_STAT).unwrap();
    assert_eq!(stat & ctrl_stat::PWRUPACK, ctrl_stat::PWRUPACK);
    rig.with(|t| assert_eq!(t.log.last().map(|s| (s.port, s.reg, s.write)), Some((Port::Dp, 4, None))));
    assert!(matches!(rig.adi.write_dp(DpReg { a: 0xC, bank: 0 }, 0), Err(AdiError::Unsupported(_))));
}

#[test]
fn raw_access_port_registers_do_not_confuse_memory_accesses() {
    let mut rig = Rig::attached(Policy::default());
    rig.adi.write_word(AP1, Attr::Default, Addr(RAM), 0x11).unwrap();
    rig.adi.write_ap(AP1, regs::ap::TAR, RAM + 0x40).unwrap();
    rig.adi.write_ap(AP1, regs::ap::CSW, 0).unwrap();
    assert_eq!(read(&mut rig, RAM + 4).unwrap(), 0);
    assert_eq!(read(&mut rig, RAM).unwrap(), 0x11);
}

#[test]
fn the_flight_recorder_ends_with_the_access_that_failed() {
    let mut rig = Rig::attached(Policy::default());
    read(&mut rig, RAM).unwrap();
    let _ = read(&mut rig, 0x6000_0000).unwrap_err();
    let text = rig.adi.flight().to_string();
    let last = text.lines().last().unwrap();
    assert!(last.contains("read of 0x6000_0000") && last.contains("FAULT"), "{text}");
}

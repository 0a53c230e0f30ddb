//! A write that must happen only once happens at most once, whatever goes wrong wherever.

use crate::target::{KEY, Mishap, RAM};
use crate::{AP1, CORE, Rig, batch, impatient};
use adi::AdiError;
use pace::Policy;
use regs::dp::ctrl_stat;
use wire::{Addr, Attr, Flow, MemOp};

fn keys(rig: &mut Rig) -> Result<Vec<u32>, AdiError> {
    let ops = vec![
        MemOp::write(Addr(RAM), 1),
        MemOp::write_once(Addr(KEY), 0x4567_0123),
        MemOp::write_once(Addr(KEY), 0xCDEF_89AB),
        MemOp::write(Addr(RAM + 8), 2),
        MemOp::read(Addr(RAM)),
    ];
    rig.adi.run(&batch(Flow::Lockstep, ops))
}

const BOTH: [u32; 2] = [0x4567_0123, 0xCDEF_89AB];

/// How many transactions the batch takes when nothing goes wrong.
fn length(policy: &Policy) -> usize {
    let mut rig = Rig::attached(policy.clone());
    keys(&mut rig).unwrap();
    rig.with(|t| t.count)
}

#[test]
fn waits_anywhere_leave_each_key_written_exactly_once() {
    for at in 0..length(&impatient()) {
        for waits in [1, 2, 5] {
            let mut rig = Rig::attached(impatient());
            rig.with(|t| t.mishaps.insert(at, Mishap::Wait(waits)));
            keys(&mut rig).unwrap_or_else(|e| panic!("{at}: {e}"));
            rig.with(|t| assert_eq!(t.key_writes, BOTH, "{waits} WAITs at {at}"));
        }
    }
}

#[test]
fn no_failure_anywhere_writes_a_key_twice() {
    let mishaps = [
        Mishap::Wait(1_000_000),
        Mishap::Sticky(ctrl_stat::STICKYERR),
        Mishap::Sticky(ctrl_stat::WDATAERR),
        Mishap::Silence,
        Mishap::Cut,
        Mishap::Parity,
    ];
    let end = length(&impatient());
    for at in 0..end {
        for mishap in mishaps {
            let mut rig = Rig::attached(impatient());
            rig.with(|t| t.mishaps.insert(at, mishap));
            let _ = keys(&mut rig);
            let written = rig.with(|t| t.key_writes.clone());
            assert!(BOTH.starts_with(&written), "{mishap:?} at {at}: {written:x?}");
        }
    }
}

#[test]
fn a_silent_probe_anywhere_never_makes_the_engine_write_a_key_twice() {
    for call in 0..12 {
        let mut rig = Rig::attached(impatient());
        let now = rig.bench.borrow().calls;
        rig.bench.borrow_mut().silent_call = Some(now + call);
        if let Err(error) = keys(&mut rig) {
            assert!(matches!(error, AdiError::ProbeSilent { .. }), "{error}");
            assert!(error.outcome_unknown());
        }
        rig.with(|t| assert!(BOTH.starts_with(&t.key_writes)));
    }
}

#[test]
fn with_a_count_that_cannot_be_trusted_a_wait_at_a_key_is_an_error() {
    let mut unsure = 0;
    for at in 0..length(&impatient()) {
        let mut rig = Rig::attached(impatient());
        rig.bench.borrow_mut().caps.exact_count = false;
        rig.with(|t| t.mishaps.insert(at, Mishap::Wait(1)));
        match keys(&mut rig) {
            Ok(_) => rig.with(|t| assert_eq!(t.key_writes, BOTH)),
            Err(AdiError::Unsure { .. }) => unsure += 1,
            Err(error) => panic!("{error}"),
        }
        rig.with(|t| assert!(BOTH.starts_with(&t.key_writes)));
    }
    assert!(unsure >= 2);
}

#[test]
fn nothing_is_sent_behind_a_key_before_the_key_is_answered() {
    let mut rig = Rig::attached(Policy::default());
    let before = rig.bench.borrow().transfers;
    keys(&mut rig).unwrap();
    assert_eq!(rig.bench.borrow().transfers - before, 3);
}

#[test]
fn an_accepted_write_whose_outcome_is_awaited_is_not_repeated() {
    let mut rig = Rig::attached(impatient());
    // Transactions: the write and, after it, the probe's RDBUFF check. WAIT hits the check.
    let ops = vec![MemOp::write_once(Addr(KEY), 1)];
    let check = {
        let mut dry = Rig::attached(impatient());
        dry.adi.run(&batch(Flow::Lockstep, ops.clone())).unwrap();
        dry.with(|t| t.count - 1)
    };
    rig.with(|t| t.mishaps.insert(check, Mishap::Wait(30)));
    rig.adi.run(&batch(Flow::Lockstep, ops)).unwrap();
    rig.with(|t| assert_eq!(t.key_writes, [1]));
    let last = *rig.adi.flight().iter().last().unwrap();
    assert!(last.waits > 0);
}

#[test]
fn core_registers_are_selected_once_and_read_back() {
    let mut rig = Rig::attached(Policy::default());
    rig.adi.halt_core(CORE).unwrap();
    rig.adi.write_core_reg(CORE, regs::m33::core_register::PC, 0x0800_0101).unwrap();
    assert_eq!(rig.adi.read_core_reg(CORE, regs::m33::core_register::PC).unwrap(), 0x0800_0101);
    rig.with(|t| assert_eq!(t.core[15], 0x0800_0101));
    rig.adi.resume_core(CORE).unwrap();
    assert!(!rig.adi.core_status(CORE).unwrap().halted());
    rig.adi.leave_debug(CORE).unwrap();
    assert!(!rig.adi.core_status(CORE).unwrap().debug_enabled());
    assert_eq!(rig.adi.read_word(AP1, Attr::Default, Addr(RAM)).unwrap(), 0);
}

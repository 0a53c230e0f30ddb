use super::*;
use crate::error::Cause;
use pace::{Patience, VirtualClock};
use std::collections::VecDeque;
use std::time::Duration;
use wire::{
    Addr, ApSel, Attr, Bits, DapOp, Flow, Hz, LinkCaps, LinkConfig, Mark, Pins, SwdItem, Transferred,
};

/// A probe that answers each batch with the next of its statuses; `Done` means all of it, anything else stops after so
/// many words.
struct Fake {
    script: VecDeque<(usize, MemStatus)>,
    asked: Vec<Vec<MemOp>>,
}

impl Fake {
    fn new(script: impl IntoIterator<Item = (usize, MemStatus)>) -> Fake {
        Fake { script: script.into_iter().collect(), asked: Vec::new() }
    }
}

fn size(op: &MemOp) -> usize {
    match op {
        MemOp::ReadWords { count, .. } => *count,
        MemOp::WriteWords { words, .. } => words.len(),
        _ => 1,
    }
}

impl Mem for Fake {
    fn batch(&mut self, batch: &Batch) -> Result<Answer, LinkError> {
        self.asked.push(batch.ops.clone());
        let (stop, status) = self.script.pop_front().unwrap_or((0, MemStatus::Done));
        let mut left = if status == MemStatus::Done { usize::MAX } else { stop };
        let mut answer = Answer { done: 0, words: 0, values: Vec::new(), status };
        for op in &batch.ops {
            let here = size(op).min(left);
            if matches!(op, MemOp::Read { .. } | MemOp::ReadWords { .. }) {
                answer.values.extend((0..here).map(|i| word_at(op.at(), i).0));
            }
            left -= here;
            if here < size(op) {
                answer.words = here;
                break;
            }
            answer.done += 1;
        }
        Ok(answer)
    }

    fn mark(&mut self, _mark: &Mark) {}
}

fn run(fake: &mut Fake, ops: Vec<MemOp>) -> Result<Vec<u32>, AdiError> {
    let batch = Batch { ap: ApSel(1), attr: Attr::Default, flow: Flow::Lockstep, ops };
    Native::run(fake, &batch, &Policy::default(), &VirtualClock::new())
}

fn block(at: u32, count: usize) -> MemOp {
    MemOp::ReadWords { at: Addr(at), count, secret: false }
}

#[test]
fn a_wait_is_gone_on_from_with_the_same_reaction() {
    let mut fake = Fake::new([(3, MemStatus::Wait), (0, MemStatus::Wait), (2, MemStatus::Wait)]);
    let values = run(&mut fake, vec![MemOp::read(Addr(0x100)), block(0x200, 6)]).unwrap();
    assert_eq!(values, [0x100, 0x200, 0x204, 0x208, 0x20C, 0x210, 0x214]);
    assert_eq!(fake.asked[1], [block(0x208, 4)]);
    assert_eq!(fake.asked[3], [block(0x210, 2)]);
}

#[test]
fn patience_is_the_same_as_over_a_link() {
    let mut fake = Fake::new(std::iter::repeat_n((0, MemStatus::Wait), 100_000));
    let error = run(&mut fake, vec![MemOp::read(Addr(0x100))]).unwrap_err();
    assert!(matches!(&error, AdiError::WaitSpent { spent, .. } if spent.key == "adi.wait"), "{error}");
}

#[test]
fn a_write_that_must_happen_once_is_sent_last_and_not_again() {
    let ops = vec![MemOp::write_once(Addr(0x10), 1), MemOp::read(Addr(0x20))];
    let mut fake = Fake::new([]);
    run(&mut fake, ops.clone()).unwrap();
    assert_eq!(fake.asked.iter().map(Vec::len).collect::<Vec<_>>(), [1, 1]);
    let mut fake = Fake::new([(0, MemStatus::Wait)]);
    let error = run(&mut fake, ops).unwrap_err();
    assert!(matches!(error, AdiError::Unsure { .. }), "{error}");
    assert_eq!(fake.asked.len(), 1);
}

fn words(at: u32, count: usize) -> MemOp {
    MemOp::WriteWords { at: Addr(at), words: vec![7; count], secret: false }
}

/// Blocks may be written twice.
fn run_again(fake: &mut Fake, ops: Vec<MemOp>) -> Result<u32, AdiError> {
    let batch = Batch { ap: ApSel(1), attr: Attr::Default, flow: Flow::Lockstep, ops };
    let mut native = Native::new(Way::Mem(fake), &batch, Blocks::Again);
    react(&mut native, &Policy::default(), &VirtualClock::new())
}

#[test]
fn a_block_write_that_was_refused_is_not_sent_again_unless_that_was_said_to_be_harmless() {
    let mut fake = Fake::new([(2, MemStatus::Wait)]);
    let error = run(&mut fake, vec![words(0x200, 6)]).unwrap_err();
    assert!(matches!(error, AdiError::Unsure { .. }), "{error}");
    assert!(error.to_string().contains("nothing was sent again"), "{error}");
    assert_eq!(fake.asked.len(), 1);
    let mut fake = Fake::new([(0, MemStatus::Wait), (0, MemStatus::Wait)]);
    assert_eq!(run_again(&mut fake, vec![words(0x200, 6)]), Ok(2));
    assert_eq!(fake.asked, vec![vec![words(0x200, 6)]; 3]);
}

#[test]
fn a_block_that_was_refused_goes_on_in_pieces_and_what_is_behind_it_follows() {
    let mut fake = Fake::new([(10, MemStatus::Wait)]);
    let ops = vec![words(0x1000, 4010), words(0x8000, 3), MemOp::write(Addr(0x40), 1)];
    assert_eq!(run_again(&mut fake, ops), Ok(1));
    let behind = 0x1000 + 4 * 10;
    let pieces =
        [words(behind, PIECE), words(behind + 6144, PIECE), words(behind + 2 * 6144, 4000 - 2 * PIECE)];
    let last = fake.asked.split_off(3);
    assert_eq!(fake.asked[1..], pieces[..2].iter().map(|op| vec![op.clone()]).collect::<Vec<_>>());
    assert_eq!(last, [vec![pieces[2].clone(), words(0x8000, 3), MemOp::write(Addr(0x40), 1)]]);
}

#[test]
fn a_block_that_is_refused_for_ever_ends_with_the_patience() {
    let mut fake = Fake::new(std::iter::repeat_n((0, MemStatus::Wait), 100_000));
    let error = run_again(&mut fake, vec![words(0x200, 6)]).unwrap_err();
    assert!(matches!(&error, AdiError::WaitSpent { spent, .. } if spent.key == "adi.wait"), "{error}");
    let mut fake = Fake::new([(0, MemStatus::Wait)]);
    let once = run_again(&mut fake, vec![MemOp::write_once(Addr(0x10), 1)]).unwrap_err();
    assert!(matches!(once, AdiError::Unsure { .. }), "a write that must happen once is no block: {once}");
}

/// Only the WAIT had to do with the block; how far it got is not to be believed. [STL-7]
#[test]
fn a_fault_that_is_none_sends_the_block_again_from_its_start() {
    let script = [(0, MemStatus::Wait), (4, MemStatus::Fault)];
    let mut probe = Both { mem: Fake::new(script), ctrl_stat: 0xF000_0040 };
    let batch = Batch { ap: ApSel(1), attr: Attr::Default, flow: Flow::Lockstep, ops: vec![words(0x200, 6)] };
    let mut native = Native::over(&mut probe, &batch, Blocks::Again);
    react(&mut native, &Policy::default(), &VirtualClock::new()).unwrap();
    assert_eq!(probe.mem.asked, vec![vec![words(0x200, 6)]; 3]);
}

fn after_a_wait(
    ctrl_stat: u32,
    script: &[(usize, MemStatus)],
    blocks: Blocks,
    ops: Vec<MemOp>,
) -> (Both, Ran) {
    let script = [(0, MemStatus::Wait)].into_iter().chain(script.iter().copied());
    let mut probe = Both { mem: Fake::new(script), ctrl_stat };
    let batch = Batch { ap: ApSel(1), attr: Attr::Default, flow: Flow::Lockstep, ops };
    let mut native = Native::over(&mut probe, &batch, blocks);
    let end = react(&mut native, &Policy::default(), &VirtualClock::new());
    let values = native.values;
    (probe, end.map(|_| values))
}

type Ran = Result<Vec<u32>, AdiError>;

const NOT_STICKY: u32 = 0xF000_0040;

#[test]
fn a_fault_that_is_none_does_not_repeat_what_came_before_its_block() {
    let ops = vec![block(0x40, 2), words(0x200, 6)];
    let (probe, read) = after_a_wait(NOT_STICKY, &[(6, MemStatus::Fault)], Blocks::Again, ops.clone());
    assert_eq!(read.unwrap(), [0x40, 0x44]);
    assert_eq!(probe.mem.asked, [ops.clone(), ops, vec![words(0x200, 6)]]);
}

#[test]
fn a_fault_that_is_none_sends_nothing_again_that_must_happen_once() {
    for step in [words(0x200, 6), MemOp::write_once(Addr(0x200), 1)] {
        let ops = vec![block(0x40, 2), step];
        let (probe, end) = after_a_wait(NOT_STICKY, &[(2, MemStatus::Fault)], Blocks::Once, ops);
        assert!(matches!(end, Err(AdiError::Unsure { .. })), "{end:?}");
        assert_eq!(probe.mem.asked.len(), 2);
    }
}

/// [STL-22]
#[test]
fn a_fault_that_stays_is_a_fault_although_the_probe_clears_the_sticky_bits() {
    let faults = vec![(0, MemStatus::Fault); 100_000];
    let (_, end) = after_a_wait(NOT_STICKY, &faults, Blocks::Once, vec![MemOp::read(Addr(0x100))]);
    assert!(matches!(end, Err(AdiError::Fault { cause: Cause::BusError, .. })), "{end:?}");
}

#[test]
fn a_fault_right_after_a_wait_is_believed_only_with_a_sticky_bit() {
    for (ctrl_stat, good) in [(0xF000_0040, true), (0xF000_0060, false)] {
        let script = [MemStatus::Wait, MemStatus::Fault, MemStatus::Done].map(|status| (0, status));
        let mut probe = Both { mem: Fake::new(script), ctrl_stat };
        let batch = Batch {
            ap: ApSel(1),
            attr: Attr::Default,
            flow: Flow::Lockstep,
            ops: vec![MemOp::read(Addr(0x100))],
        };
        let mut native = Native::over(&mut probe, &batch, Blocks::Once);
        let result = react(&mut native, &Policy::default(), &VirtualClock::new());
        assert_eq!(result.is_ok(), good, "{result:?}");
        assert!(good || matches!(result, Err(AdiError::Fault { ctrl_stat: Some(_), .. })));
    }
}

/// A probe with memory commands whose debug port can be read too.
struct Both {
    mem: Fake,
    ctrl_stat: u32,
}

impl Link for Both {
    fn caps(&self) -> LinkCaps {
        let (sequences, value_match) = (false, false);
        LinkCaps {
            sequences,
            value_match,
            reset_pin: true,
            in_flight: 1,
            group: 1,
            overrun_detection: false,
            exact_count: true,
        }
    }
    fn configure(&mut self, _: &LinkConfig) -> Result<(), LinkError> {
        Ok(())
    }
    fn set_clock(&mut self, clock: Hz) -> Result<Hz, LinkError> {
        Ok(clock)
    }
    fn transfer(&mut self, ops: &[DapOp], _: Flow) -> Result<Transferred, LinkError> {
        let reads = ops.iter().filter(|op| matches!(op, DapOp::Read { .. })).count();
        Ok(Transferred { done: ops.len(), values: vec![self.ctrl_stat; reads], stop: None })
    }
    fn swj_sequence(&mut self, _: &Bits) -> Result<(), LinkError> {
        Err(LinkError::Unsupported("none"))
    }
    fn swd_sequence(&mut self, _: &[SwdItem]) -> Result<Vec<Bits>, LinkError> {
        Err(LinkError::Unsupported("none"))
    }
    fn pins(&mut self, out: Pins, _: Pins, _: Duration) -> Result<Pins, LinkError> {
        Ok(out)
    }
    fn write_abort(&mut self, _: u32) -> Result<(), LinkError> {
        Ok(())
    }
    fn release(&mut self) -> Result<(), LinkError> {
        Ok(())
    }
    fn mark(&mut self, _: &Mark) {}
    fn mem(&mut self) -> Option<&mut dyn Mem> {
        Some(&mut self.mem)
    }
}

#[test]
fn each_status_is_its_own_error() {
    let mut errors = Vec::new();
    for status in [MemStatus::Fault, MemStatus::NoAck, MemStatus::Parity, MemStatus::Other(0x1D)] {
        errors.push(run(&mut Fake::new([(0, status)]), vec![block(0x40, 2)]).unwrap_err());
    }
    assert!(matches!(errors[0], AdiError::Fault { .. }));
    assert!(matches!(errors[1], AdiError::LinkLost { answers_again: false, .. }));
    assert!(matches!(errors[2], AdiError::Parity { .. }));
    assert!(matches!(errors[3], AdiError::Other { status: 0x1D, .. }));
    let wait = MemOp::WaitUntil { at: Addr(0x44), mask: 1, value: 0 };
    let never = MemStatus::Mismatch { last: 0x31, looks: 7 };
    let error = run(&mut Fake::new([(1, never)]), vec![MemOp::read(Addr(0x40)), wait]).unwrap_err();
    let AdiError::MatchSpent { op: 1, mask: 1, value: 0, last: Some(0x31), spent, .. } = error else {
        panic!("{error}")
    };
    assert_eq!(spent.tries, 7);
}

#[test]
fn done_without_anything_done_is_nonsense() {
    struct Lazy;
    impl Mem for Lazy {
        fn batch(&mut self, _: &Batch) -> Result<Answer, LinkError> {
            Ok(Answer { done: 0, words: 0, values: Vec::new(), status: MemStatus::Done })
        }
        fn mark(&mut self, _: &Mark) {}
    }
    let batch = Batch { ap: ApSel(0), attr: Attr::Default, flow: Flow::Lockstep, ops: vec![block(0, 1)] };
    let mut policy = Policy::default();
    policy.adi.wait = Patience::ms(1);
    let error = Native::run(&mut Lazy, &batch, &policy, &VirtualClock::new()).unwrap_err();
    assert!(matches!(error, AdiError::Probe(LinkError::Protocol(_))), "{error}");
}

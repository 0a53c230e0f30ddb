//! Memory through the engine is memory.

use crate::target::{AP1_CSW, Mishap, RAM, STATUS, Seen};
use crate::{AP1, Rig, batch, impatient};
use adi::AdiError;
use pace::{Patience, Policy};
use proptest::prelude::*;
use regs::ap::csw;
use wire::{Addr, Attr, Batch, Flow, MemOp, Port, Width};

const SPAN: u32 = 0x2000;

#[derive(Debug, Clone)]
enum Do {
    Read(u32, Width),
    Write(u32, Width, u32),
    ReadWords(u32, usize),
    WriteWords(u32, Vec<u32>),
    WaitWord(u32),
}

fn width() -> impl Strategy<Value = Width> {
    prop_oneof![Just(Width::Byte), Just(Width::Half), Just(Width::Word)]
}

fn step() -> impl Strategy<Value = Do> {
    prop_oneof![
        (0..SPAN, width()).prop_map(|(at, w)| Do::Read(at & !(w.bytes() - 1), w)),
        (0..SPAN, width(), any::<u32>()).prop_map(|(at, w, v)| Do::Write(at & !(w.bytes() - 1), w, v)),
        (0..SPAN / 4, 0..600usize).prop_map(|(at, n)| Do::ReadWords(at * 4, n)),
        (0..SPAN / 4, prop::collection::vec(any::<u32>(), 0..600))
            .prop_map(|(at, w)| Do::WriteWords(at * 4, w)),
        (0..SPAN / 4).prop_map(|at| Do::WaitWord(at * 4)),
    ]
}

fn flow() -> impl Strategy<Value = Flow> {
    prop_oneof![Just(Flow::Lockstep), Just(Flow::Pipelined)]
}

fn get(plain: &[u8], at: u32, width: Width) -> u32 {
    let bytes = &plain[at as usize..(at + width.bytes()) as usize];
    bytes.iter().rev().fold(0, |value, byte| value << 8 | u32::from(*byte))
}

fn put(plain: &mut [u8], at: u32, width: Width, value: u32) {
    for i in 0..width.bytes() {
        plain[(at + i) as usize] = (value >> (8 * i)) as u8;
    }
}

/// The steps as a batch, and what a plain byte array answers.
fn expected(plain: &mut [u8], steps: &[Do]) -> (Vec<MemOp>, Vec<u32>) {
    let (mut ops, mut values) = (Vec::new(), Vec::new());
    let secret = false;
    for step in steps {
        match step {
            Do::Read(at, width) => {
                ops.push(MemOp::Read { at: Addr(RAM + at), width: *width, secret });
                values.push(get(plain, *at, *width));
            }
            Do::Write(at, width, value) => {
                let (at_, width_) = (Addr(RAM + at), *width);
                ops.push(MemOp::Write { at: at_, width: width_, value: *value, once: false, secret });
                put(plain, *at, *width, *value);
            }
            Do::ReadWords(at, count) => {
                ops.push(MemOp::ReadWords { at: Addr(RAM + at), count: *count, secret });
                values.extend((0..*count as u32).map(|i| get(plain, at + 4 * i, Width::Word)));
            }
            Do::WriteWords(at, words) => {
                ops.push(MemOp::WriteWords { at: Addr(RAM + at), words: words.clone(), secret });
                for (i, word) in (0u32..).zip(words) {
                    put(plain, at + 4 * i, Width::Word, *word);
                }
            }
            Do::WaitWord(at) => {
                let value = get(plain, *at, Width::Word) & 0x00FF_FFF0;
                ops.push(MemOp::WaitUntil { at: Addr(RAM + at), mask: 0x00FF_FFF0, value });
            }
        }
    }
    (ops, values)
}

fn check(rig: &mut Rig, runs: &[(Flow, Vec<Do>)]) -> Result<(), TestCaseError> {
    let mut plain = rig.with(|target| target.ram.clone());
    for (flow, steps) in runs {
        let (ops, values) = expected(&mut plain, steps);
        prop_assert_eq!(rig.adi.run(&batch(*flow, ops)).unwrap(), values);
        prop_assert!(rig.with(|target| target.ram == plain), "memory differs");
    }
    Ok(())
}

fn runs() -> impl Strategy<Value = Vec<(Flow, Vec<Do>)>> {
    prop::collection::vec((flow(), prop::collection::vec(step(), 1..12)), 1..4)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_sequence_of_accesses_equals_a_plain_byte_array(runs in runs(), value_match in any::<bool>()) {
        let mut rig = Rig::attached(Policy::default());
        rig.bench.borrow_mut().caps.value_match = value_match;
        check(&mut rig, &runs)?;
    }

    #[test]
    fn waits_that_the_engine_sees_change_nothing(
        runs in prop::collection::vec((Just(Flow::Lockstep), prop::collection::vec(step(), 1..12)), 1..4),
        waits in prop::collection::vec((0..3000usize, 1..6u32), 0..20),
        exact in any::<bool>(),
        packet in 1..40usize,
    ) {
        let mut rig = Rig::attached(impatient());
        rig.bench.borrow_mut().caps.exact_count = exact;
        rig.bench.borrow_mut().packet = packet;
        rig.with(|t| t.mishaps.extend(waits.iter().map(|(at, n)| (*at, Mishap::Wait(*n)))));
        check(&mut rig, &runs)?;
    }

    #[test]
    fn waits_that_the_probe_absorbs_change_nothing_even_with_packets_queued(
        runs in runs(),
        waits in prop::collection::vec((0..3000usize, 1..60u32), 0..20),
    ) {
        let mut rig = Rig::attached(Policy::default());
        rig.with(|t| t.mishaps.extend(waits.iter().map(|(at, n)| (*at, Mishap::Wait(*n)))));
        check(&mut rig, &runs)?;
    }
}

fn writes_of(log: &[Seen], port: Port, reg: u8) -> Vec<u32> {
    log.iter().filter(|s| s.port == port && s.reg == reg).filter_map(|s| s.write).collect()
}

#[test]
fn tar_is_written_at_each_kib_boundary_and_nowhere_else() {
    let mut rig = Rig::attached(Policy::default());
    let words: Vec<u32> = (0..1024).collect();
    let block = MemOp::WriteWords { at: Addr(RAM + 0x3F0), words: words.clone(), secret: false };
    rig.adi.run(&batch(Flow::Lockstep, vec![block])).unwrap();
    let tars = rig.with(|t| writes_of(&t.log, Port::Ap, regs::ap::TAR));
    assert_eq!(tars, [RAM + 0x3F0, RAM + 0x400, RAM + 0x800, RAM + 0xC00, RAM + 0x1000]);
    assert_eq!(rig.adi.read_words(AP1, Attr::Default, Addr(RAM + 0x3F0), 1024).unwrap(), words);
}

#[test]
fn a_block_costs_hardly_more_transactions_than_words() {
    for flow in [Flow::Lockstep, Flow::Pipelined] {
        let mut rig = Rig::attached(Policy::default());
        rig.bench.borrow_mut().packet = 126;
        rig.bench.borrow_mut().caps.group = 101;
        let words = vec![7; 2048];
        rig.adi.run(&batch(flow, vec![MemOp::WriteWords { at: Addr(RAM), words, secret: false }])).unwrap();
        let cost = rig.with(|t| t.log.len());
        assert!(cost <= 2048 * 103 / 100, "{flow:?}: {cost}");
        // One call of the link for the words, one more to settle SELECT and CSW before packets are queued.
        let calls = rig.bench.borrow().transfers;
        let mut rig = Rig::attached(Policy::default());
        let before = rig.bench.borrow().transfers;
        rig.adi.read_words(AP1, Attr::Default, Addr(RAM), 4096).unwrap();
        assert!(rig.bench.borrow().transfers - before <= 2 && calls < 12);
    }
}

#[test]
fn narrow_accesses_travel_in_the_byte_lane_of_their_address() {
    let mut rig = Rig::attached(Policy::default());
    let write =
        |at, width, value| MemOp::Write { at: Addr(RAM + at), width, value, once: false, secret: false };
    let ops = vec![write(3, Width::Byte, 0xAB), write(6, Width::Half, 0xC0DE)];
    rig.adi.run(&batch(Flow::Lockstep, ops)).unwrap();
    let data = rig.with(|t| writes_of(&t.log, Port::Ap, regs::ap::DRW));
    assert_eq!(data, [0xAB00_0000, 0xC0DE_0000]);
    let read = |at, width| MemOp::Read { at: Addr(RAM + at), width, secret: false };
    let ops = vec![read(3, Width::Byte), read(6, Width::Half), read(4, Width::Word)];
    assert_eq!(rig.adi.run(&batch(Flow::Lockstep, ops)).unwrap(), [0xAB, 0xC0DE, 0xC0DE_0000]);
}

#[test]
fn many_small_groups_of_writes_and_waits_go_in_few_calls() {
    let mut rig = Rig::attached(impatient());
    let mut ops = Vec::new();
    for group in 0..256u32 {
        let words = vec![group; 4];
        ops.push(MemOp::WriteWords { at: Addr(RAM + group * 16), words, secret: false });
        ops.push(MemOp::WaitUntil { at: Addr(STATUS), mask: 1, value: 0 });
    }
    rig.with(|t| t.status_busy = 15);
    let before = rig.bench.borrow().transfers;
    rig.adi.run(&batch(Flow::Pipelined, ops)).unwrap();
    assert!(
        rig.bench.borrow().transfers - before <= 3 * 256,
        "TAR and words of a queued block are two calls"
    );
    let mut rig = Rig::attached(impatient());
    let ops = (0..256u32)
        .flat_map(|group| {
            let words = vec![group; 4];
            let write = MemOp::WriteWords { at: Addr(RAM + group * 16), words, secret: false };
            [write, MemOp::WaitUntil { at: Addr(STATUS), mask: 1, value: 0 }]
        })
        .collect();
    let before = rig.bench.borrow().transfers;
    rig.adi.run(&batch(Flow::Lockstep, ops)).unwrap();
    assert_eq!(rig.bench.borrow().transfers - before, 1);
    rig.with(|t| assert_eq!(&t.ram[255 * 16..256 * 16], [255, 0, 0, 0].repeat(4)));
}

#[test]
fn looking_at_the_same_register_again_costs_one_read() {
    let mut rig = Rig::attached(Policy::default());
    for _ in 0..2 {
        rig.adi.read_word(AP1, Attr::Default, Addr(STATUS)).unwrap();
    }
    rig.with(|t| t.log.clear());
    rig.adi.read_word(AP1, Attr::Default, Addr(STATUS)).unwrap();
    rig.with(|t| {
        assert_eq!(
            t.log.iter().map(|s| (s.port, s.reg)).collect::<Vec<_>>(),
            [(Port::Ap, 0x10), (Port::Dp, 0xC)]
        )
    });
}

#[test]
fn the_security_attribute_decides_the_protection_bits_and_the_default_leaves_them_alone() {
    let mut rig = Rig::attached(Policy::default());
    let wanted = [
        (Attr::Secure, csw::H5_SECURE),
        (Attr::NonSecure, csw::H5_NON_SECURE),
        (Attr::Default, AP1_CSW & csw::H5_PROT_MASK),
    ];
    for (attr, prot) in wanted {
        rig.adi.write_word(AP1, attr, Addr(RAM), 1).unwrap();
        let written = rig.with(|t| *t.csw_written.last().unwrap());
        assert_eq!(written & csw::H5_PROT_MASK, prot, "{attr:?}");
        assert_eq!(written & csw::DBG_SW_ENABLE, csw::DBG_SW_ENABLE);
        assert_eq!(written & (csw::DEVICE_EN | csw::SPIDEN | csw::TR_IN_PROG), 0);
    }
    let count = rig.with(|t| t.csw_written.len());
    rig.adi.read_word(AP1, Attr::Default, Addr(RAM)).unwrap();
    assert_eq!(rig.with(|t| t.csw_written.len()), count, "CSW is not written again for the same value");
}

#[test]
fn a_misaligned_step_is_refused_before_anything_is_sent() {
    let mut rig = Rig::attached(Policy::default());
    let ops = vec![
        MemOp::write(Addr(RAM), 1),
        MemOp::Read { at: Addr(RAM + 1), width: Width::Half, secret: false },
    ];
    let error = rig.adi.run(&batch(Flow::Lockstep, ops)).unwrap_err();
    assert_eq!(error, AdiError::Misaligned { at: Addr(RAM + 1), width: Width::Half });
    assert_eq!(error.to_string(), "0x2000_0001 is not aligned to 2 bytes");
    rig.with(|t| assert!(t.log.is_empty()));
}

#[test]
fn writes_performed_behind_a_stop_are_at_their_own_places_and_reported_from_the_first_missing_word() {
    for (stop, exact) in (280..320).flat_map(|stop| [(stop, true), (stop, false)]) {
        let mut rig = Rig::attached(brief());
        rig.bench.borrow_mut().caps.exact_count = exact;
        rig.with(|t| t.mishaps.insert(stop, Mishap::Wait(4)));
        let words = (1..=1024).collect();
        let block = MemOp::WriteWords { at: Addr(RAM), words, secret: false };
        let error = rig.adi.run(&batch(Flow::Pipelined, vec![block])).unwrap_err();
        let AdiError::Overrun { dirty, .. } = error else { panic!("{error}") };
        let landed = rig.with(|t| (0..1024u32).map(|i| get(&t.ram, i * 4, Width::Word)).collect::<Vec<_>>());
        assert!(
            (1..).zip(&landed).all(|(own, word)| [0, own].contains(word)),
            "WAIT at {stop}: a stray word"
        );
        let missing = landed.iter().position(|word| *word == 0).unwrap();
        let doubtful = (dirty.0 - RAM) as usize / 4;
        assert!(doubtful == missing || !exact && doubtful + 1 == missing, "WAIT at {stop}: {dirty}");
    }
}

/// The probe gives up after two tries.
fn brief() -> Policy {
    let mut policy = impatient();
    policy.probe.wait = Patience::Tries(1);
    policy
}

#[test]
fn a_block_of_ram_is_whole_even_where_packets_behind_a_wait_were_performed() {
    for (stop, exact) in (0..140).step_by(3).flat_map(|stop| [(stop, true), (stop, false)]) {
        let mut rig = Rig::attached(brief());
        rig.bench.borrow_mut().caps.exact_count = exact;
        rig.with(|t| t.mishaps.insert(stop, Mishap::Wait(4)));
        let words: Vec<_> = (1..=200).collect();
        rig.adi.write_words(AP1, Attr::Default, Addr(RAM + 0x3F0), &words).unwrap();
        let landed =
            rig.with(|t| (0..200).map(|i| get(&t.ram, 0x3F0 + i * 4, Width::Word)).collect::<Vec<_>>());
        assert_eq!(landed, words, "WAIT at {stop}");
    }
}

#[test]
fn queued_writes_never_stray_to_where_tar_stood_before() {
    for at in 0..40 {
        let mut rig = Rig::attached(impatient());
        rig.adi.write_word(AP1, Attr::Default, Addr(RAM + 0x100), 0).unwrap();
        let base = rig.with(|t| t.count);
        rig.with(|t| t.mishaps.insert(base + at, Mishap::Wait(1)));
        let block = MemOp::WriteWords { at: Addr(RAM + 0x1000), words: vec![u32::MAX; 100], secret: false };
        let _ = rig.adi.run(&batch(Flow::Pipelined, vec![block]));
        rig.with(|t| assert!(t.ram[..0x1000].iter().all(|b| *b == 0), "WAIT at {at}"));
    }
}

#[test]
fn reads_performed_behind_a_stop_do_no_harm() {
    let mut rig = Rig::attached(impatient());
    rig.with(|t| {
        (0..t.ram.len()).for_each(|i| t.ram[i] = (i * 7) as u8);
        t.mishaps.extend([(50, Mishap::Wait(3)), (301, Mishap::Wait(2)), (700, Mishap::Wait(1))]);
    });
    let plain = rig.with(|t| t.ram.clone());
    let read = rig.adi.read_words(AP1, Attr::Default, Addr(RAM), 1024).unwrap();
    assert!((0..1024u32).all(|i| read[i as usize] == get(&plain, i * 4, Width::Word)));
}

#[test]
fn a_block_without_words_is_no_step_at_all() {
    let mut rig = Rig::attached(Policy::default());
    rig.bench.borrow_mut().caps.value_match = false;
    let empty = MemOp::WriteWords { at: Addr(RAM), words: Vec::new(), secret: false };
    let wait = MemOp::WaitUntil { at: Addr(RAM), mask: 1, value: 0 };
    let ops = vec![empty.clone(), wait, MemOp::read(Addr(RAM)), empty];
    assert_eq!(rig.adi.run(&batch(Flow::Pipelined, ops)).unwrap(), [0]);
    assert_eq!(rig.adi.run(&batch(Flow::Pipelined, Vec::new())).unwrap(), []);
}

#[test]
fn nothing_secret_is_kept_in_the_flight_recorder() {
    let mut rig = Rig::attached(Policy::default());
    let secret = true;
    let ops = vec![
        MemOp::Write { at: Addr(RAM), width: Width::Word, value: 0x5EC2_E700, once: false, secret },
        MemOp::Read { at: Addr(RAM), width: Width::Word, secret },
        MemOp::WriteWords { at: Addr(RAM), words: vec![0x5EC2_E701; 4], secret },
    ];
    rig.adi.run(&Batch { attr: Attr::Default, ..batch(Flow::Lockstep, ops) }).unwrap();
    let text = format!("{} {:?}", rig.adi.flight(), rig.adi.flight());
    assert!(!text.to_lowercase().contains("5ec2") && !text.contains(&0x5EC2_E700u32.to_string()), "{text}");
    assert!(text.contains("(secret)"));
}

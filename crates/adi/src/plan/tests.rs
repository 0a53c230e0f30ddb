use super::*;
use wire::{ApSel, Port};

const CAPS: LinkCaps = LinkCaps {
    sequences: true,
    value_match: true,
    reset_pin: true,
    in_flight: 4,
    group: 10,
    overrun_detection: false,
    exact_count: true,
};
const UNKNOWN: Beliefs = Beliefs { select: None, ap: ApBelief { own: 0xC380_0040, csw: None, tar: None } };
const RAM: Addr = Addr(0x2000_0000);
const STATUS: Addr = Addr(0x4002_2020);

fn batch(flow: Flow, ops: Vec<MemOp>) -> Batch {
    Batch { ap: ApSel(1), attr: Attr::Default, flow, ops }
}

fn words(at: Addr, count: usize) -> MemOp {
    MemOp::WriteWords { at, words: vec![5; count], secret: false }
}

/// A plan in short: `S01000000` SELECT, `w4` write of AP register 4, `rc` read, `m` mask, `u0` value match.
fn short(plan: &Plan) -> String {
    let text = plan.ops.iter().map(|op| match *op {
        DapOp::Write { reg, value, .. } if reg.port == Port::Dp => format!("S{value:08x}"),
        DapOp::Write { reg, .. } => format!("w{:x}", reg.a),
        DapOp::Read { reg, .. } => format!("r{:x}", reg.a),
        DapOp::SetMask(_) => "m".to_owned(),
        DapOp::ReadUntil { reg, .. } => format!("u{:x}", reg.a),
    });
    text.collect::<Vec<_>>().join(" ")
}

#[test]
fn the_first_access_sets_everything_and_the_next_word_needs_nothing() {
    let batch = batch(Flow::Lockstep, vec![MemOp::write(RAM, 1), MemOp::write(RAM.plus(4), 2)]);
    let plan = plan(&batch, Pos::default(), UNKNOWN, &CAPS);
    assert_eq!(short(&plan), "S01000000 w0 w4 wc wc");
    assert_eq!(plan.after.ap.csw, Some(0xC300_0012));
    assert_eq!(plan.after.ap.tar, Some(0x2000_0008));
}

#[test]
fn groups_of_words_and_a_wait_cost_two_selects_and_two_tars_each() {
    let wait = || MemOp::WaitUntil { at: STATUS, mask: 1, value: 0 };
    let batch = batch(Flow::Lockstep, vec![words(RAM, 4), wait(), words(RAM.plus(16), 4), wait()]);
    let plan = plan(&batch, Pos::default(), UNKNOWN, &CAPS);
    assert_eq!(
        short(&plan),
        "S01000000 w0 w4 wc wc wc wc w4 S01000010 m u0 S01000000 w4 wc wc wc wc w4 S01000010 u0"
    );
}

#[test]
fn one_word_read_again_and_again_costs_one_transaction_each_wherever_it_lies() {
    for at in (0..16).step_by(4).map(|offset| RAM.plus(offset)) {
        let batch = batch(Flow::Pipelined, vec![MemOp::read(at); 100]);
        let plan = plan(&batch, Pos::default(), UNKNOWN, &CAPS);
        let overhead = plan.ops.iter().filter(|op| !matches!(op, DapOp::Read { .. })).count();
        // SELECT, CSW, TAR, SELECT of the banked registers.
        assert_eq!((plan.ops.len() - overhead, overhead), (100, 4), "{at}: {}", short(&plan));
    }
    let walk: Vec<_> = (0..4).map(|word| MemOp::read(word_at(RAM, word))).collect();
    let plan = plan(&batch(Flow::Lockstep, walk), Pos::default(), UNKNOWN, &CAPS);
    assert_eq!(short(&plan), "S01000000 w0 w4 rc rc rc rc");
}

#[test]
fn a_queued_block_is_a_plan_of_its_own_behind_its_settings() {
    let batch = batch(Flow::Pipelined, vec![words(Addr(0x2000_03F8), 4), MemOp::read(RAM)]);
    let settings = plan(&batch, Pos::default(), UNKNOWN, &CAPS);
    assert_eq!((short(&settings).as_str(), settings.flow), ("S01000000 w0", Flow::Lockstep));
    assert_eq!(settings.end, Pos::default());
    let block = plan(&batch, settings.end, settings.after, &CAPS);
    assert_eq!((short(&block).as_str(), block.flow), ("w4 wc wc w4 wc wc", Flow::Grouped));
    let rest = plan(&batch, block.end, block.after, &CAPS);
    assert_eq!((short(&rest).as_str(), rest.flow), ("w4 rc", Flow::Lockstep));
    // A probe that takes one packet at a time gets it all in one.
    let single = LinkCaps { in_flight: 1, ..CAPS };
    let all = plan(&batch, Pos::default(), UNKNOWN, &single);
    assert_eq!((short(&all).as_str(), all.flow), ("S01000000 w0 w4 wc wc w4 wc wc w4 rc", Flow::Lockstep));
}

/// Where the words of a queued plan go when every packet finds TAR somewhere else: whatever a packet needs is in it.
fn landed(plan: &Plan, group: usize) -> Vec<(u32, u32)> {
    let mut all = Vec::new();
    for packet in plan.ops.chunks(group) {
        let mut tar = None;
        for op in packet {
            match *op {
                DapOp::Write { reg, value, .. } if reg == RegSel::ap(ap::TAR) => tar = Some(value),
                DapOp::Write { value, .. } => {
                    let at = tar.expect("a packet says where its words go");
                    all.push((at, value));
                    let next = at.wrapping_add(4);
                    tar = Some(at & !(ap::TAR_WRAP_BYTES - 1) | next & (ap::TAR_WRAP_BYTES - 1));
                }
                _ => panic!("only writes are queued: {op:?}"),
            }
        }
    }
    all
}

#[test]
fn each_packet_of_queued_writes_says_where_its_words_go() {
    for (group, start, count) in
        [(2, 0, 9), (3, 0x3F8, 600), (10, 4, 300), (12, 0x3FC, 1000), (101, 0x10, 4096), (255, 0, 9000)]
    {
        let caps = LinkCaps { group, ..CAPS };
        let at = RAM.plus(start);
        let words: Vec<u32> = (0..count).collect();
        let block = MemOp::WriteWords { at, words, secret: false };
        let batch = batch(Flow::Pipelined, vec![block]);
        let (mut pos, mut beliefs, mut all) = (Pos::default(), UNKNOWN, Vec::new());
        while pos.op == 0 {
            let plan = plan(&batch, pos, beliefs, &caps);
            (pos, beliefs) = (plan.end, plan.after);
            if plan.flow == Flow::Grouped {
                all.extend(landed(&plan, group));
            }
        }
        let wanted: Vec<_> = (0..count).map(|n| (at.0 + n * 4, n)).collect();
        assert_eq!(all, wanted, "groups of {group} from {at}");
    }
}

#[test]
fn what_a_queued_block_needs_is_settled_with_the_steps_before_it() {
    let wait = MemOp::WaitUntil { at: STATUS, mask: 1, value: 0 };
    let read = MemOp::ReadWords { at: RAM, count: 3, secret: false };
    let batch = batch(Flow::Pipelined, vec![wait, MemOp::read(STATUS), read]);
    let first = plan(&batch, Pos::default(), UNKNOWN, &CAPS);
    assert_eq!(short(&first), "S01000000 w0 w4 S01000010 m u0 r0 S01000000");
    let second = plan(&batch, first.end, first.after, &CAPS);
    assert_eq!((short(&second).as_str(), second.flow), ("w4 rc rc rc", Flow::Pipelined));
    // A stop at the last SELECT is told as one of the block.
    assert_eq!(first.reached(7), Pos::step(2));
}

#[test]
fn a_long_block_is_cut_and_goes_on_where_it_stopped() {
    let batch = batch(Flow::Lockstep, vec![words(RAM, 10_000)]);
    let (mut pos, mut beliefs, mut calls, mut written) = (Pos::default(), UNKNOWN, 0, 0);
    loop {
        let plan = plan(&batch, pos, beliefs, &CAPS);
        if plan.ops.is_empty() {
            break;
        }
        assert!(plan.ops.len() <= LONGEST + LONGEST / 256);
        written += plan.ops.iter().filter(|op| matches!(op, DapOp::Write { reg, .. } if *reg == DRW)).count();
        (pos, beliefs, calls) = (plan.end, plan.after, calls + 1);
    }
    assert_eq!((written, calls, pos), (10_000, 3, Pos::step(1)));
}

#[test]
fn a_stop_is_told_in_words_of_memory() {
    let batch =
        batch(Flow::Lockstep, vec![MemOp::read(STATUS), words(Addr(0x2000_03F8), 4), MemOp::read(RAM)]);
    let plan = plan(&batch, Pos::default(), UNKNOWN, &CAPS);
    assert_eq!(short(&plan), "S01000000 w0 w4 rc w4 wc wc w4 wc wc w4 rc");
    let at = |op, word| Pos { op, word };
    let reached: Vec<_> = (0..=12).map(|done| plan.reached(done)).collect();
    assert_eq!(reached[..5], [at(0, 0), at(0, 0), at(0, 0), at(0, 0), at(1, 0)]);
    assert_eq!(
        reached[5..],
        [at(1, 0), at(1, 1), at(1, 2), at(1, 2), at(1, 3), at(2, 0), at(2, 0), at(3, 0)]
    );
    // FAULT at the TAR write behind two words is about the second word; FAULT at a read is about the read.
    assert_eq!(plan.suspect(7), at(1, 1));
    assert_eq!(plan.suspect(3), at(0, 0));
    assert_eq!(plan.suspect(11), at(2, 0));
}

#[test]
fn a_write_that_must_happen_once_ends_the_plan() {
    let ops = vec![MemOp::write(RAM, 1), MemOp::write_once(RAM.plus(4), 2), MemOp::read(RAM)];
    let batch = batch(Flow::Lockstep, ops);
    let first = plan(&batch, Pos::default(), UNKNOWN, &CAPS);
    assert_eq!((short(&first).as_str(), first.end), ("S01000000 w0 w4 wc wc", Pos::step(2)));
}

#[test]
fn csw_keeps_what_the_port_had_and_changes_size_increment_and_protection() {
    assert_eq!(csw_for(0xC380_0040, Attr::Default, Width::Word), 0xC300_0012);
    assert_eq!(csw_for(0xC380_0040, Attr::Secure, Width::Word), 0x8B00_0012);
    assert_eq!(csw_for(0xC380_0040, Attr::NonSecure, Width::Half), 0xCB00_0011);
    assert_eq!(csw_for(0x8000_00C0, Attr::Default, Width::Byte), 0x8000_0010);
}

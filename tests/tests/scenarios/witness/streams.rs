//! Any stream of operations, and what the three witnesses say of it.

use super::Said;
use ackwait_tests::{AP1, Rig, options};
use adi::{Attach, DpReg};
use proptest::prelude::*;
use std::ops::Range;
use trace::Trace;
use trace::diff::{Equality, Item, diff};
use wire::{Addr, Attr, Batch, Flow, MemOp, Width};

/// SRAM that nobody else uses, around the end of a KiB.
const SRAM: u32 = 0x2000_0300;
const ROOM: u32 = 0x400;
/// Nothing is there: a FAULT.
const NOWHERE: Addr = Addr(0x7000_0000);

/// One thing to do.
#[derive(Debug, Clone)]
enum Act {
    Batch(Flow, Vec<MemOp>),
    Nowhere,
    Dp,
    Ap(u8),
}

fn place(width: Width) -> impl Strategy<Value = Addr> {
    (0..ROOM / width.bytes()).prop_map(move |n| Addr(SRAM + n * width.bytes()))
}

fn width() -> impl Strategy<Value = Width> {
    prop_oneof![Just(Width::Byte), Just(Width::Half), Just(Width::Word)]
}

/// A wait for bits that come: the word is written first, and the wait is for what the mask leaves of it.
fn wait() -> impl Strategy<Value = Vec<MemOp>> {
    let mask = prop_oneof![Just(0), Just(u32::MAX), Just(1), any::<u32>()];
    (place(Width::Word), mask, any::<u32>()).prop_map(|(at, mask, value)| {
        let write = MemOp::Write { at, width: Width::Word, value, once: false, secret: false };
        vec![write, MemOp::WaitUntil { at, mask, value: value & mask }]
    })
}

fn operations() -> impl Strategy<Value = Vec<MemOp>> {
    prop_oneof![
        80 => operation().prop_map(|op| vec![op]),
        2 => wait(),
    ]
}

fn operation() -> impl Strategy<Value = MemOp> {
    let one = |width: Width| (place(width), Just(width));
    prop_oneof![
        20 => width().prop_flat_map(one).prop_map(|(at, width)| MemOp::Read { at, width, secret: false }),
        20 => (width().prop_flat_map(one), any::<u32>(), any::<bool>()).prop_map(|((at, width), value, once)| {
            let value = match width {
                Width::Byte => value & 0xFF,
                Width::Half => value & 0xFFFF,
                Width::Word => value,
            };
            MemOp::Write { at, width, value, once, secret: false }
        }),
        20 => (place(Width::Word), 1..200usize).prop_map(|(at, count)| MemOp::ReadWords {
            at,
            count,
            secret: false
        }),
        20 => (place(Width::Word), prop::collection::vec(any::<u32>(), 1..200))
            .prop_map(|(at, words)| MemOp::WriteWords { at, words, secret: false }),
    ]
}

fn act() -> impl Strategy<Value = Act> {
    let flow = prop_oneof![Just(Flow::Lockstep), Just(Flow::Pipelined)];
    prop_oneof![
        8 => (flow, prop::collection::vec(operations(), 1..12))
            .prop_map(|(flow, ops)| Act::Batch(flow, ops.concat())),
        1 => Just(Act::Nowhere),
        1 => Just(Act::Dp),
        1 => prop_oneof![Just(regs::ap::IDR), Just(regs::ap::CSW), Just(regs::ap::BASE)].prop_map(Act::Ap),
    ]
}

/// Does all of it. A refusal is part of what is recorded.
fn perform(scenario: &str, acts: &[Act]) -> Said {
    let folder = tempfile::tempdir().expect("a folder");
    let recording = folder.path().join("stream.pcapng");
    let mut options = options();
    options.trace = Some(recording.clone());
    let mut rig = Rig::with(&format!("{scenario},truth=on"), &options);
    let adi = rig.adi();
    adi.attach(&Attach::HOTPLUG).expect("attached");
    for act in acts {
        match act {
            Act::Batch(flow, ops) => {
                let batch = Batch { ap: AP1, attr: Attr::Default, flow: *flow, ops: ops.clone() };
                adi.run(&batch).expect("SRAM can be had");
            }
            Act::Nowhere => {
                adi.read_word(AP1, Attr::Default, NOWHERE).expect_err("nothing is there");
            }
            Act::Dp => {
                adi.read_dp(DpReg::CTRL_STAT).expect("CTRL/STAT");
            }
            Act::Ap(offset) => {
                adi.read_ap(AP1, *offset).expect("a register of AP1");
            }
        }
    }
    Said::at_the_end_of(rig, &recording)
}

/// How often a probe looks until it sees what it waits for is not on USB.
fn level(acts: &[Act]) -> Equality {
    let waits = |act: &Act| matches!(act, Act::Batch(_, ops) if ops.iter().any(|op| matches!(op, MemOp::WaitUntil { .. })));
    if acts.iter().any(waits) { Equality::Polls } else { Equality::Accesses }
}

/// The same cases on every machine.
fn cases(count: u32, scenarios: &[&str], judge: impl Fn(&Said, Equality, &str)) {
    use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
    let config = Config { failure_persistence: None, ..Config::with_cases(count) };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let streams = prop::collection::vec(act(), 1..12);
    for scenario in scenarios {
        let run = runner.run(&streams, |acts| {
            judge(&perform(scenario, &acts), level(&acts), scenario);
            Ok(())
        });
        if let Err(failure) = run {
            unreachable!("{scenario}: {failure}");
        }
    }
}

/// What USB shows the target was asked for is what the pins show.
#[track_caller]
fn accesses_agree(said: &Said, level: Equality, context: &str) {
    let found = diff(&said.usb, &said.pins, level).expect("both show accesses");
    let side = |items: &[Item], range: &Range<usize>, trace: &Trace| -> Vec<String> {
        items.get(range.clone()).unwrap_or_default().iter().map(|item| item.text(trace, level)).collect()
    };
    let hunks: Vec<_> = found
        .hunks
        .iter()
        .map(|hunk| (side(&found.a, &hunk.a, &said.usb), side(&found.b, &hunk.b, &said.pins)))
        .collect();
    assert!(hunks.is_empty(), "{context}: on USB and on the pins: {hunks:#?}");
    assert_eq!(found.values, [], "{context}: other values");
}

#[test]
fn any_stream_over_cmsis_dap_is_the_same_on_usb_on_the_pins_and_in_truth() {
    let scenarios = ["h562", "h562,profile=fs", "h562,profile=hid", "h562,wait=30:3,wait=90:40,wait=200:7"];
    cases(40, &scenarios, |said, level, scenario| {
        said.pins_agree(scenario);
        said.usb_agrees(scenario);
        accesses_agree(said, level, scenario);
    });
}

#[test]
fn any_stream_over_an_stlink_has_the_same_accesses_on_usb_and_on_the_pins() {
    let scenarios = ["h562,probe=stlink-v2", "h562,probe=stlink-v21", "h562,probe=stlink-v3"];
    cases(40, &scenarios, |said, level, scenario| {
        said.pins_agree(scenario);
        accesses_agree(said, level, scenario);
    });
}

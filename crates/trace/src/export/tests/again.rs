//! What an export holds can be read again, and what it cannot hold is told.

use super::{lines_on_wire, session, transactions, written};
use crate::Trace;
use crate::event::Body;
use crate::export::{Format, Told};
use crate::read::Protocol;
use crate::script::{AP, DP, READ, Script, lines, st, with_a_hole};
use proptest::prelude::*;
use wire::{Level, MarkKind, Secret};

/// Something that a session does, over a probe that lists its transactions.
#[derive(Debug, Clone)]
enum Step {
    Poke(u32, u32),
    Peek(u32, u32),
    /// Answered so, without a data phase.
    Refused(u8, bool),
    Reset(bool),
    /// JTAG to SWD with its line resets.
    Switch,
    Match(u32),
    Secret(u32),
    Mark,
}

fn step() -> impl Strategy<Value = Step> {
    let at = (0u32..0x40).prop_map(|n| 0x2000_0000 + 4 * n);
    prop_oneof![
        4 => (at.clone(), any::<u32>()).prop_map(|(at, value)| Step::Poke(at, value)),
        4 => (at, any::<u32>()).prop_map(|(at, value)| Step::Peek(at, value)),
        1 => (prop_oneof![Just(2u8), Just(4)], any::<bool>()).prop_map(|(ack, read)| Step::Refused(ack, read)),
        1 => any::<bool>().prop_map(Step::Reset),
        1 => Just(Step::Switch),
        1 => any::<u32>().prop_map(Step::Match),
        1 => any::<u32>().prop_map(Step::Secret),
        1 => Just(Step::Mark),
    ]
}

fn played(steps: &[Step]) -> Trace {
    let mut script = Script::new();
    script.read(DP, 0, 0x6BA0_2477).ap1();
    for step in steps {
        do_step(&mut script, step);
    }
    script.trace()
}

fn do_step(script: &mut Script, step: &Step) {
    match *step {
        Step::Poke(at, value) => script.poke(at, value),
        Step::Peek(at, value) => script.peek(at, value),
        Step::Refused(ack, true) => script.ask(&[0x05, 0, 1, AP | READ | 0xC], &[0x05, 0, ack]),
        Step::Refused(ack, false) => script.ask(&[0x05, 0, 1, AP | 0xC, 1, 2, 3, 4], &[0x05, 0, ack]),
        Step::Reset(low) => script.ask(&[0x10, if low { 0 } else { 0x80 }, 0x80, 0, 0, 0, 0], &[0x10, 0]),
        Step::Switch => {
            let wake = [&[0x12, 136][..], regs::dp::JTAG_TO_SWD.bytes].concat();
            script.ask(&wake, &[0x12, 0])
        }
        Step::Match(value) => {
            let request =
                [&[0x05, 0, 2, 0x20][..], &[0xFF; 4], &[AP | READ | 0x1C], &value.to_le_bytes()].concat();
            script.ask(&request, &[0x05, 2, 1])
        }
        Step::Secret(value) => {
            let request = [&[0x05, 0, 1, AP | 0xC][..], &value.to_le_bytes()].concat();
            script.send_secret(&request, &Secret(std::iter::once(4..8).collect())).receive(&[0x05, 1, 1])
        }
        Step::Mark => script.mark(MarkKind::Step, "go on"),
    };
}

/// All that an event of level 2 is, but for what it is derived from.
fn events(trace: &Trace) -> Vec<String> {
    let all = trace.events(Level::Transaction).iter();
    all.map(|e| format!("{:?} {:?} {:?} {:?}", e.at, e.until, e.certainty, e.body)).collect()
}

fn reread(trace: &Trace, format: Format) -> (Trace, Told) {
    let (file, told) = written(trace, format, Level::Transaction);
    (crate::open(&file).unwrap(), told)
}

/// Without commands that give nRESET the level that it has: the pins do not show them.
fn levels(lines: Vec<String>) -> Vec<String> {
    let mut level = "nRESET released".to_owned();
    let mut changes =
        |line: &String| !line.starts_with("nRESET") || std::mem::replace(&mut level, line.clone()) != *line;
    lines.into_iter().filter(|line| changes(line)).collect()
}

proptest! {
    #[test]
    fn pcapng_gives_the_same_events_and_marks_from_level_2_on(steps in proptest::collection::vec(step(), 0..40)) {
        let trace = played(&steps);
        let (again, told) = reread(&trace, Format::Pcapng);
        prop_assert_eq!((again.protocol(), again.warnings()), (Some(Protocol::List), &[][..]));
        prop_assert!(told.left_out.is_empty());
        prop_assert_eq!(events(&again), events(&trace));
        for level in [Level::Access, Level::Meaning, Level::Action] {
            prop_assert_eq!(lines(&again, level), lines(&trace, level));
        }
        let marks = |trace: &Trace| trace.marks().iter().map(|m| (m.at, m.mark.clone())).collect::<Vec<_>>();
        prop_assert_eq!(marks(&again), marks(&trace));
        prop_assert_eq!((again.secrets(), again.usb_hides_times()), (trace.secrets(), true));
        let (twice, _) = reread(&again, Format::Pcapng);
        prop_assert_eq!((events(&twice), twice.comment()), (events(&again), again.comment()));
    }

    #[test]
    fn drawn_pins_give_the_same_transactions_lines_and_resets(steps in proptest::collection::vec(step(), 0..40)) {
        let trace = played(&steps);
        for format in [Format::Vcd, Format::Sr] {
            let (again, told) = reread(&trace, format);
            prop_assert_eq!(transactions(&again), transactions(&trace), "{:?}", format);
            prop_assert_eq!(levels(lines_on_wire(&again)), levels(lines_on_wire(&trace)), "{:?}", format);
            let has = |words: &str| told.made_up.iter().any(|note| note.contains(words));
            let any = |is: fn(&Step) -> bool| steps.iter().any(is);
            prop_assert_eq!(has("secrets were drawn as their masks"), any(|step| matches!(step, Step::Secret(_))));
            prop_assert_eq!(has("waits inside the probe"), any(|step| matches!(step, Step::Match(_))));
            prop_assert_eq!(has("marks have no place"), any(|step| matches!(step, Step::Mark)));
        }
    }
}

#[test]
fn clocks_that_could_not_be_read_keep_their_place_and_their_reason() {
    let mut pins = String::from(
        "$timescale 1 us $end $var wire 1 ! SWCLK $end $var wire 1 \" SWDIO $end $enddefinitions $end\n",
    );
    for n in 0..200u32 {
        let bit = n.wrapping_mul(2_654_435_761) >> 13 & 1;
        pins += &format!("#{} 0! {bit}\"\n#{} 1!\n", 2 * n, 2 * n + 1);
    }
    let trace = crate::open(pins.as_bytes()).unwrap();
    assert!(lines(&trace, Level::Transaction).iter().any(|line| line.contains("unreadable")));
    let (again, _) = reread(&trace, Format::Pcapng);
    assert_eq!(events(&again), events(&trace));
    assert!(!again.usb_hides_times());
}

#[test]
fn what_a_simulator_saw_is_read_again() {
    use std::time::Duration;
    use wire::{Ack, RegSel, Transaction, WireEvent};
    let read = Transaction { reg: RegSel::dp(0), read: true, ack: Ack::OK, data: Some(0x6BA0_2477) };
    let seen = [
        (Duration::from_micros(1), WireEvent::LineReset),
        (Duration::from_micros(2), WireEvent::Transaction(read)),
        (Duration::from_micros(3), WireEvent::Idle(Duration::from_millis(7))),
        (Duration::from_micros(4), WireEvent::Switch(regs::dp::SWD_TO_JTAG.name)),
    ];
    let trace = crate::open(&crate::truth("a probe", &seen)).unwrap();
    let expected = ["line reset", "DP read 0x0 OK 0x6BA0_2477", "idle for 7.00 ms", "SWD to JTAG"];
    assert_eq!(lines(&trace, Level::Transaction), expected);
    let at = |trace: &Trace| trace.events(Level::Transaction).iter().map(|e| e.at).collect::<Vec<_>>();
    assert_eq!(at(&trace), seen.map(|(at, _)| at));
    assert_eq!((trace.protocol(), trace.usb_hides_times()), (Some(Protocol::List), false));
}

#[test]
fn a_source_without_a_wire_says_how_much_is_not_in_the_export() {
    let mut script = Script::new();
    script.send(&st(&[0xF2, 0x08, 0, 0, 0, 0x20, 8, 0, 1])).send(&[1, 0, 0, 0, 2, 0, 0, 0]);
    script.ask(&st(&[0xF2, 0x3E]), &[0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    script.ask(&st(&[0xF2, 0x45, 0xFF, 0xFF, 0, 0]), &[0x80, 0, 0, 0, 0x77, 0x24, 0xA0, 0x6B]);
    let trace = script.trace();
    for format in [Format::Pcapng, Format::Vcd, Format::Sr] {
        let (_, told) = written(&trace, format, Level::Transaction);
        let [left_out] = &told.left_out[..] else { panic!("{told:?}") };
        assert!(left_out.starts_with("2 memory accesses are not there"), "{left_out}");
    }
    let (again, _) = reread(&trace, Format::Pcapng);
    assert_eq!((events(&again), again.hides_the_wire()), (events(&trace), true));
    assert!(written(&trace, Format::Jsonl, Level::Access).1.left_out.is_empty());
}

#[test]
fn a_level_that_the_source_does_not_show_is_told() {
    let pins = written(&session(), Format::Vcd, Level::Transaction).0;
    let (_, told) = written(&crate::open(&pins).unwrap(), Format::Jsonl, Level::Usb);
    let [left_out] = &told.left_out[..] else { panic!("{told:?}") };
    assert_eq!(left_out, "the trace shows nothing at level 0; --level 2 is the lowest at which it does");
}

#[test]
fn a_list_beside_the_usb_transfers_that_it_follows_from_is_left_out() {
    let trace = session();
    let count = trace.events(Level::Transaction).len();
    let usb = {
        let mut script = Script::new();
        script.read(DP, 0, 0x6BA0_2477);
        script.bytes()
    };
    let both = [usb, written(&trace, Format::Pcapng, Level::Transaction).0].concat();
    let both = crate::open(&both).unwrap();
    assert!(both.events(Level::Transaction).iter().all(|e| matches!(e.body, Body::Wire(_))));
    assert_eq!(both.events(Level::Transaction).len(), 1);
    let told: Vec<String> = both.warnings().iter().map(ToString::to_string).collect();
    assert!(told[0].starts_with(&format!("{count} packets of link type 148 were left out")), "{told:?}");
}

#[test]
fn holes_are_lost_records_in_what_is_read_again_too() {
    let mut script = Script::new();
    script.ap1().poke(0x2000_0000, 1);
    let place = script.trace().events(Level::Usb).len();
    script.poke(0x2000_0000, 2);
    let (again, _) = reread(&with_a_hole(&script, place), Format::Pcapng);
    assert_eq!(again.lost(), 3);
    let holes = lines(&again, Level::Access).iter().filter(|line| line.starts_with("HOLE: 3 ")).count();
    assert_eq!(holes, 1);
    // Nobody knows where these were lost.
    let mut file = script.bytes();
    crate::pcapng::statistics(&mut file, 0, 0, 100, 5);
    let lossy = crate::open(&file).unwrap();
    let (again, _) = reread(&lossy, Format::Pcapng);
    assert_eq!((again.lost(), again.warnings()), (5, lossy.warnings()));
    assert_eq!(reread(&again, Format::Pcapng).0.lost(), 5);
}

/// An ST-Link that is asked for single registers: TARGETID in bank 2 of the debug port, IDR of AP1.
fn st_link() -> Trace {
    let mut script = Script::new();
    script.ask(&st(&[0xF2, 0x45, 0xFF, 0xFF, 0, 0]), &[0x80, 0, 0, 0, 0x77, 0x24, 0xA0, 0x6B]);
    script.ask(&st(&[0xF2, 0x45, 0xFF, 0xFF, 0x24, 0]), &[0x80, 0, 0, 0, 0x41, 0x40, 0x84, 0x04]);
    script.ask(&st(&[0xF2, 0x45, 1, 0, 0xFC, 0]), &[0x80, 0, 0, 0, 0x15, 0, 0x77, 0x14]);
    script.ask(&st(&[0xF2, 0x45, 1, 0, 0xFC, 0]), &[0x80, 0, 0, 0, 0x15, 0, 0x77, 0x14]);
    script.trace()
}

#[test]
fn registers_of_a_probe_that_hides_select_are_named_as_far_as_they_are_known() {
    let (again, _) = reread(&st_link(), Format::Pcapng);
    let told = |trace: &Trace| lines(trace, Level::Meaning);
    let shown = told(&st_link());
    assert!(shown[1].starts_with("TARGETID read"), "{shown:?}");
    let expected = [
        "DPIDR read 0x6BA0_2477 (DPv2, part 0xba, rev 6, designer 0x23b)",
        "DP 0x4 (unknown bank) read 0x0484_4041 (SELECT not seen)",
        "AP register 0xC read 0x1477_0015 (SELECT not seen) [inferred]",
    ];
    let found = told(&again);
    assert_eq!(found[..3], expected, "{found:?}");
    assert_eq!(found[3], expected[2], "each read has its own value");
    let (twice, _) = reread(&again, Format::Pcapng);
    assert_eq!(told(&twice), found);
}

#[test]
fn a_list_of_what_a_probe_that_hides_the_wire_shows_is_no_whole_wire() {
    let (again, _) = reread(&st_link(), Format::Pcapng);
    let cost = crate::cost::Cost::of(&again);
    assert_eq!((cost.wire, cost.usb, cost.usb_floor), (None, None, None));
    let lint = crate::lint::Lint::of(&again, &crate::lint::Settings::default());
    let blind = |rule| lint.blind.iter().any(|blind| blind.rule == rule);
    assert!(blind("tar-wrap") && blind("sticky-left") && blind("select-again"), "{:?}", lint.blind);
}

#[test]
fn times_of_a_list_are_called_what_they_were_taken_from() {
    let of = |trace: &Trace| -> Vec<&'static str> {
        crate::Stat::of(trace).latency.iter().map(|latency| latency.of).collect()
    };
    let (list, _) = reread(&session(), Format::Pcapng);
    assert!(of(&list).contains(&"accesses, by packets"), "{:?}", of(&list));
    let pins = crate::open(&written(&session(), Format::Vcd, Level::Transaction).0).unwrap();
    let (list, _) = reread(&pins, Format::Pcapng);
    assert!(of(&list).contains(&"accesses"), "{:?}", of(&list));
}

//! What is told apart from what is done: masked reads, times; and what leaves a level without a difference.

use super::{ALL, CR, RAM, SR, same, trace};
use crate::diff::{Equality, Masks, diff, diff_with};
use crate::script::{AP, READ, Script};
use crate::{Names, Options, Trace};
use proptest::prelude::*;
use std::time::Duration;
use wire::Addr;

fn read(at: u32, value: u32) -> Trace {
    trace(|s| {
        s.peek(at, value).poke(CR, 1);
    })
}

#[test]
fn bits_that_say_nothing_are_no_other_value() {
    let values = |at, a, b, masks: &Masks| {
        diff_with(&read(at, a), &read(at, b), Equality::Accesses, masks).unwrap().values.len()
    };
    let table = Masks::default();
    assert_eq!(values(0xE000_1004, 1, 99, &table), 0, "a cycle counter");
    assert_eq!((values(SR, 1, 0, &table), values(SR, 0, 1 << 20, &table)), (0, 1), "BSY, and an error");
    assert_eq!(values(RAM, 1, 2, &table), 1);
    let mut masks = Masks::default();
    masks.set(Addr(RAM), 0b11);
    assert_eq!((values(RAM, 1, 2, &masks), values(RAM, 1, 4, &masks)), (0, 1));
}

#[test]
fn what_takes_one_of_them_much_longer_is_told_apart() {
    let slept = |millis| {
        trace(|s| {
            s.poke(CR, 1).poke(RAM, 1);
            s.at += Duration::from_millis(millis);
            s.peek(SR, 0).poke(CR, 2);
        })
    };
    let (fast, slow) = (slept(1), slept(50));
    let found = diff(&fast, &slow, Equality::Accesses).unwrap();
    assert!(found.same());
    let timing = found.timing(2.0, Duration::from_millis(5));
    assert_eq!(timing.len(), 1);
    assert_eq!((timing[0].items, timing[0].difference()), ((1, 1), Duration::from_millis(49)));
    assert!(found.timing(100.0, Duration::from_millis(5)).is_empty());
    assert!(found.timing(2.0, Duration::from_millis(60)).is_empty());
}

proptest! {
    #[test]
    fn polls_of_another_length_are_no_difference_at_level_4(
        times in proptest::collection::vec((2usize..6, 2usize..6), 1..12),
    ) {
        let polled = |pick: fn(&(usize, usize)) -> usize| trace(|s| {
            for (n, times) in times.iter().enumerate() {
                s.poke(CR, u32::try_from(n).unwrap());
                (0..pick(times)).for_each(|_| { s.peek(SR, 0); });
            }
        });
        let (a, b) = (polled(|t| t.0), polled(|t| t.1));
        prop_assert!(same(&a, &b, Equality::Polls));
        prop_assert_eq!(same(&a, &b, Equality::Accesses), times.iter().all(|(x, y)| x == y));
    }

    #[test]
    fn repeated_waits_are_no_difference_at_level_2(values in proptest::collection::vec((0u32..9, 0usize..4), 1..20)) {
        let waited = |wait: bool| trace(|s| {
            for (value, times) in &values {
                s.write(AP, 4, RAM);
                (0..*times).filter(|_| wait).for_each(|_| { s.ask(&[0x05, 0, 1, AP | READ | 0xC], &[0x05, 0, 2]); });
                s.read(AP, 0xC, *value);
            }
        });
        let (a, b) = (waited(true), waited(false));
        prop_assert!(same(&a, &b, Equality::Performed));
        prop_assert_eq!(same(&a, &b, Equality::Transactions), values.iter().all(|(_, times)| *times == 0));
    }

    #[test]
    fn other_cuts_of_the_same_blocks_are_no_difference_at_level_3(
        words in proptest::collection::vec(any::<u32>(), 1..60), cuts in proptest::collection::vec(any::<bool>(), 60),
    ) {
        // Where a cut is, TAR is written again.
        let cut = |cuts: &[bool]| trace(|s| {
            s.write(AP, 4, RAM);
            for ((n, word), cut) in (0u32..).zip(&words).zip(cuts) {
                if *cut { s.write(AP, 4, RAM + 4 * n); }
                s.write(AP, 0xC, *word);
            }
        });
        let (a, b) = (cut(&cuts), cut(&[false; 60]));
        prop_assert!(same(&a, &b, Equality::Accesses));
    }
}

#[test]
fn a_hole_is_a_difference_at_every_level() {
    let mut script = Script::new();
    script.ap1().poke(RAM, 1);
    let place = script.trace().events(wire::Level::Usb).len();
    script.ap1().poke(RAM, 2);
    let holed = crate::script::with_a_hole(&script, place);
    for level in ALL {
        assert!(!same(&script.trace(), &holed, level), "{level}");
    }
}

#[test]
fn busy_bits_of_one_chip_count_on_another() {
    let read = |value: u32, names| {
        let mut script = Script::new();
        script.ap1().peek(SR, value).peek(0xE000_1004, value);
        crate::open_with(&script.bytes(), &Options { names: Some(names), ..Options::default() }).unwrap()
    };
    let differing = |names| {
        let (a, b) = (read(0, names), read(1, names));
        diff(&a, &b, Equality::Accesses).unwrap().values.len()
    };
    assert_eq!(differing(Names::Stm32H5), 0);
    assert_eq!(differing(Names::CortexM), 1, "DWT_CYCCNT is where every Cortex-M has it");
}

#[test]
fn what_a_firmware_adds_behind_writes_is_no_difference_to_what_the_pins_show() {
    let mut script = Script::new();
    script.read(0, 0, 0x6BA0_2477).ap1().poke(RAM, 1).poke(RAM + 4, 2).peek(RAM, 1).poke(RAM + 8, 3);
    let usb = script.trace();
    let seen: Vec<(Duration, wire::WireEvent)> = usb
        .events(wire::Level::Transaction)
        .iter()
        .filter_map(|event| match &event.body {
            crate::Body::Wire(crate::event::Wired { what: crate::event::OnWire::Event(seen), .. }) => {
                Some((event.at, seen.clone()))
            }
            _ => None,
        })
        .collect();
    let how = Options { names: Some(Names::Stm32H5), ..Options::default() };
    let wire = crate::open_with(&crate::truth("a probe", &seen), &how).unwrap();
    for level in ALL {
        assert!(same(&usb, &wire, level), "{level}: {:?}", diff(&usb, &wire, level).unwrap().hunks);
    }
}

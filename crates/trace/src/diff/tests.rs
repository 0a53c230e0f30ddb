mod apart;

use super::{Equality, Hidden, NotComparable, Row, Side, Unseen, diff};
use crate::script::{AP, DP, READ, Script, st};
use crate::{Secrets, Trace};
use proptest::prelude::*;
use wire::Secret;

const SR: u32 = 0x4002_2020;
const CR: u32 = 0x4002_2028;
const RAM: u32 = 0x2000_0000;

fn trace(build: impl FnOnce(&mut Script)) -> Trace {
    let mut script = Script::new();
    script.ap1();
    build(&mut script);
    script.trace()
}

/// The rows of all hunks, as `-` and `+` lines.
fn lines(a: &Trace, b: &Trace, level: Equality) -> Vec<String> {
    let diff = diff(a, b, level).unwrap();
    let text = |n: usize, trace: &Trace, items: &[super::Item]| items[n].text(trace, level);
    let mut lines = Vec::new();
    for row in diff.hunks.iter().flat_map(|hunk| &hunk.rows) {
        match *row {
            Row::OnlyA(n) => lines.push(format!("- {}", text(n, a, &diff.a))),
            Row::OnlyB(n) => lines.push(format!("+ {}", text(n, b, &diff.b))),
            Row::Changed(n, m) => {
                lines.push(format!("! {} | {}", text(n, a, &diff.a), text(m, b, &diff.b)));
            }
            Row::Same(..) => {}
        }
    }
    lines
}

fn same(a: &Trace, b: &Trace, level: Equality) -> bool {
    diff(a, b, level).unwrap().same()
}

#[test]
fn one_more_write_is_one_hunk_of_one_row() {
    let a = trace(|s| {
        s.poke(CR, 1).poke(RAM, 5).peek(SR, 0);
    });
    let b = trace(|s| {
        s.poke(CR, 1).poke(CR, 3).poke(RAM, 5).peek(SR, 0);
    });
    assert_eq!(lines(&a, &b, Equality::Accesses), ["+ FLASH_NSCR write LOCK=1 PG=1 (0x0000_0003)"]);
    assert_eq!(lines(&b, &a, Equality::Accesses), ["- FLASH_NSCR write LOCK=1 PG=1 (0x0000_0003)"]);
}

#[test]
fn another_value_stands_beside_the_one_that_was_expected() {
    let a = trace(|s| {
        s.poke(CR, 1).poke(RAM, 5);
    });
    let b = trace(|s| {
        s.poke(CR, 2).poke(RAM, 5);
    });
    let found = lines(&a, &b, Equality::Accesses);
    assert_eq!(found, ["! FLASH_NSCR write LOCK=1 (0x0000_0001) | FLASH_NSCR write PG=1 (0x0000_0002)"]);
}

#[test]
fn how_a_block_is_cut_and_how_wide_its_accesses_are_makes_no_difference_in_memory() {
    let words = trace(|s| {
        s.write(AP, 4, RAM).write(AP, 0xC, 0x0403_0201).write(AP, 0xC, 0x0807_0605);
    });
    let again = trace(|s| {
        s.poke(RAM, 0x0403_0201).poke(RAM + 4, 0x0807_0605);
    });
    let bytes = trace(|s| {
        s.write(AP, 0, 0x2300_0010).write(AP, 4, RAM);
        for n in 0u32..8 {
            s.write(AP, 0xC, (n + 1) << (n % 4 * 8));
        }
    });
    assert!(same(&words, &again, Equality::Accesses));
    assert!(same(&words, &bytes, Equality::Accesses));
    assert!(same(&words, &again, Equality::Performed), "TAR was written with what it held");
    assert!(!same(&words, &again, Equality::Transactions));
}

#[test]
fn a_byte_of_a_register_is_not_the_register() {
    let word = trace(|s| {
        s.poke(CR, 1);
    });
    let byte = trace(|s| {
        s.write(AP, 0, 0x2300_0010).poke(CR, 1);
    });
    assert!(!same(&word, &byte, Equality::Accesses));
}

#[test]
fn wait_that_is_repeated_differs_at_level_1_only() {
    let a = trace(|s| {
        s.poke(RAM, 1);
    });
    let b = trace(|s| {
        s.write(AP, 4, RAM);
        s.ask(&[0x05, 0, 1, AP | 0xC, 1, 0, 0, 0], &[0x05, 0, 2]);
        s.write(AP, 0xC, 1);
    });
    assert!(!same(&a, &b, Equality::Transactions));
    for level in [Equality::Performed, Equality::Accesses, Equality::Polls, Equality::Actions] {
        assert!(same(&a, &b, level), "{level}");
    }
}

#[test]
fn a_register_that_is_written_with_what_it_held_differs_at_level_1_only() {
    let a = trace(|s| {
        s.poke(RAM, 1);
    });
    let b = trace(|s| {
        s.write(DP, 8, 0x0100_0000).write(AP, 0, 0x2300_0012).write(AP, 4, RAM).poke(RAM, 1);
    });
    assert!(!same(&a, &b, Equality::Transactions));
    assert_eq!(lines(&a, &b, Equality::Performed), [""; 0]);
}

#[test]
fn polls_of_different_length_differ_below_level_4_and_are_told_at_it() {
    let polled = |times: usize| {
        trace(|s| {
            s.poke(CR, 0x20);
            (1..times).for_each(|_| {
                s.peek(SR, 1);
            });
            s.peek(SR, 0).poke(CR, 1);
        })
    };
    let (a, b) = (polled(1), polled(5));
    assert!(!same(&a, &b, Equality::Accesses));
    let diff = diff(&a, &b, Equality::Polls).unwrap();
    assert!(diff.same());
    let [(n, m)] = diff.polls[..] else { panic!("{:?}", diff.polls) };
    assert_eq!((diff.a[n].turns, diff.b[m].turns), (1, 5));
    assert_eq!(diff.b[m].text(&b, Equality::Polls), "FLASH_NSSR read 0x0000_0000 (×5)");
    assert!(same(&a, &b, Equality::Actions));
}

#[test]
fn a_loop_that_writes_on_every_turn_is_a_poll_and_doing_something_twice_is_not() {
    let fed = |times: usize| {
        trace(|s| {
            (0..times).for_each(|_| {
                s.poke(0x4000_3000, 0xAAAA).peek(SR, 1);
            });
            s.poke(CR, 1);
        })
    };
    assert!(same(&fed(3), &fed(20), Equality::Polls));
    assert!(!same(&fed(1), &fed(2), Equality::Polls));
}

#[test]
fn writes_alone_are_never_a_poll_and_mailbox_words_never_fold() {
    let write = |times: usize| {
        trace(|s| {
            for _ in 0..times {
                s.poke(CR, 1);
            }
        })
    };
    assert!(!same(&write(3), &write(4), Equality::Polls));
    let mailbox = |times: usize| {
        trace(|s| {
            for _ in 0..times {
                s.peek(0xE004_4104, 0);
            }
        })
    };
    assert!(!same(&mailbox(3), &mailbox(4), Equality::Polls));
}

#[test]
fn what_was_read_is_no_difference_and_is_told_apart() {
    let read = |value| {
        trace(|s| {
            s.peek(RAM, value).poke(CR, 1);
        })
    };
    let (a, b) = (read(1), read(2));
    let diff = diff(&a, &b, Equality::Accesses).unwrap();
    assert!(diff.same());
    assert_eq!(diff.values, [(0, 0)]);
}

#[test]
fn a_refused_access_is_not_the_one_that_went_well() {
    let a = trace(|s| {
        s.poke(RAM, 1);
    });
    let b = trace(|s| {
        s.write(AP, 4, RAM).ask(&[0x05, 0, 1, AP | 0xC, 1, 0, 0, 0], &[0x05, 0, 4]);
    });
    let found = lines(&a, &b, Equality::Accesses);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("! ") && found[0].ends_with("-> FAULT"), "{found:?}");
}

#[test]
fn a_secret_may_be_whatever_the_other_trace_shows_there() {
    let write = [0x05, 0, 1, AP | 0xC, 0xDE, 0xC0, 0xAD, 0x0B];
    let hidden = trace(|s| {
        s.write(AP, 4, RAM)
            .send_secret(&write, &Secret(std::iter::once(4..8).collect()))
            .receive(&[0x05, 1, 1]);
    });
    let shown = trace(|s| {
        s.write(AP, 4, RAM).ask(&write, &[0x05, 1, 1]);
    });
    let elsewhere = trace(|s| {
        s.poke(RAM + 4, 0x0BAD_C0DE);
    });
    for level in [Equality::Accesses, Equality::Polls, Equality::Actions] {
        assert!(same(&hidden, &shown, level), "{level}");
    }
    assert!(same(&hidden, &hidden, Equality::Transactions));
    assert!(!same(&hidden, &elsewhere, Equality::Accesses));
}

/// A word written as a secret, in a recording that holds it in clear.
fn in_clear(value: u32) -> Trace {
    let mut script = Script::with(Secrets::Shown);
    let request = [&[0x05, 0, 1, AP | 0xC][..], &value.to_le_bytes()].concat();
    script.ap1().write(AP, 4, RAM).send_secret(&request, &Secret(std::iter::once(4..8).collect()));
    script.receive(&[0x05, 1, 1]).poke(RAM + 4, 7);
    script.trace()
}

#[test]
fn secrets_that_both_hold_in_clear_are_compared_and_never_shown() {
    let (one, other) = (in_clear(0x5EC2_E701), in_clear(0x5EC2_E702));
    for level in [Equality::Transactions, Equality::Performed, Equality::Accesses, Equality::Polls] {
        assert!(same(&one, &in_clear(0x5EC2_E701), level), "{level}");
        let found = diff(&one, &other, level).unwrap();
        let [hunk] = &found.hunks[..] else { panic!("{level}: {:?}", found.hunks) };
        let [Row::Changed(n, m)] = hunk.rows[..] else { panic!("{level}: {:?}", hunk.rows) };
        assert_eq!(
            (found.differing_secret(n, m), found.unseen.written),
            (Some(4), Hidden::default()),
            "{level}"
        );
        let text = found.a[n].text(&one, level) + &found.b[m].text(&other, level);
        assert!(text.contains("«secret»") && !text.contains("5EC2"), "{text}");
    }
}

#[test]
fn what_one_of_them_keeps_secret_is_not_shown_of_the_other_either() {
    let plain = trace(|s| {
        s.poke(RAM, 0x5EC2_E702).poke(RAM + 4, 7);
    });
    let found = lines(&in_clear(0x5EC2_E701), &plain, Equality::Accesses);
    assert_eq!(found, ["! SRAM1 0x2000_0000 write «secret» | SRAM1 0x2000_0000 write «secret»"]);
}

#[test]
fn masked_values_are_counted_as_not_compared() {
    let write = [0x05, 0, 1, AP | 0xC, 0xDE, 0xC0, 0xAD, 0x0B];
    let hidden = trace(|s| {
        s.write(AP, 4, RAM).send_secret(&write, &Secret(std::iter::once(4..8).collect()));
        s.receive(&[0x05, 1, 1]).poke(RAM + 4, 7);
    });
    for other in [&in_clear(1), &hidden] {
        let found = diff(&hidden, other, Equality::Accesses).unwrap();
        assert!(found.same());
        assert_eq!(found.unseen.written, Hidden { masked: 1, unknown: 0 });
        assert_eq!(found.unseen.read, Hidden::default());
        assert!(found.unseen.to_string().starts_with("1 written values are masked"));
    }
}

#[test]
fn what_a_source_does_not_say_is_no_difference_and_is_counted() {
    // Of an ST-Link block this log shows where it goes and how long it is.
    let line = |bytes: &[u8]| {
        let all: Vec<String> = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
        format!(
            "TRACE probe_rs::probe::stlink::usb_interface: Sending command [{}] to STLink\n",
            all.join(", ")
        )
    };
    let log =
        line(&[0xF2, 0x08, 0, 0, 0, 0x20, 8, 0, 1]) + &line(&[0xF2, 0x07, 0x20, 0x20, 0x02, 0x40, 4, 0, 1]);
    let log = crate::open(log.as_bytes()).unwrap();
    let dap = |value| {
        trace(|s| {
            s.poke(RAM, value).poke(RAM + 4, 2).peek(SR, 1).read(DP, 0xC, 1);
        })
    };
    for (a, b) in [(&log, &dap(1)), (&dap(5), &log)] {
        let found = diff(a, b, Equality::Accesses).unwrap();
        assert!(found.same(), "{:?}", found.hunks);
        let unknown = |unknown| Hidden { masked: 0, unknown };
        assert_eq!(found.unseen, Unseen { written: unknown(2), read: unknown(1) });
    }
    let elsewhere = trace(|s| {
        s.poke(RAM, 1).poke(RAM + 8, 2).peek(SR, 1);
    });
    assert!(!same(&log, &elsewhere, Equality::Accesses));
}

#[test]
fn an_st_link_is_compared_from_level_3_on() {
    let mut script = Script::new();
    script.send(&st(&[0xF2, 0x08, 0, 0, 0, 0x20, 8, 0, 1])).send(&[1, 0, 0, 0, 2, 0, 0, 0]);
    script.ask(&st(&[0xF2, 0x3E]), &[0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    let st_link = script.trace();
    let dap = trace(|s| {
        s.read(DP, 0, 0x6BA0_2477).poke(RAM, 1).poke(RAM + 4, 2);
    });
    assert!(same(&dap, &st_link, Equality::Accesses));
    assert!(same(&dap, &st_link, Equality::Actions));
    let level = Equality::Performed;
    assert_eq!(diff(&dap, &st_link, level).err(), Some(NotComparable::Hidden { side: Side::B, level }));
}

#[test]
fn a_recording_without_a_probe_cannot_be_compared() {
    let nothing = crate::open(&Script::new().bytes()).unwrap();
    let some = trace(|_| {});
    let found = diff(&some, &nothing, Equality::Accesses).err();
    assert_eq!(found, Some(NotComparable::Nothing { side: Side::B }));
}

/// What a session does, one thing after the other.
#[derive(Debug, Clone, Copy)]
enum Step {
    Poke(u32, u32),
    Peek(u32, u32),
    Wait(u32),
}

fn step() -> impl Strategy<Value = Step> {
    let place = prop_oneof![Just(SR), Just(CR), Just(RAM), Just(RAM + 4), Just(RAM + 8), Just(0x0800_0000)];
    prop_oneof![
        (place.clone(), 0u32..4).prop_map(|(at, value)| Step::Poke(at, value)),
        (place, 0u32..4).prop_map(|(at, value)| Step::Peek(at, value)),
        (0u32..3).prop_map(Step::Wait),
    ]
}

fn played(steps: &[Step]) -> Trace {
    trace(|s| {
        for step in steps {
            match *step {
                Step::Poke(at, value) => s.poke(at, value),
                Step::Peek(at, value) => s.peek(at, value),
                Step::Wait(value) => {
                    s.write(AP, 4, SR).ask(&[0x05, 0, 1, AP | READ | 0xC], &[0x05, 0, 2]);
                    s.read(AP, 0xC, value)
                }
            };
        }
    })
}

const ALL: [Equality; 5] =
    [Equality::Transactions, Equality::Performed, Equality::Accesses, Equality::Polls, Equality::Actions];

proptest! {
    #[test]
    fn a_trace_does_not_differ_from_itself(steps in proptest::collection::vec(step(), 0..60)) {
        let trace = played(&steps);
        for level in ALL {
            prop_assert!(same(&trace, &trace, level), "{}", level);
        }
    }

    #[test]
    fn an_injected_write_is_one_hunk_wherever_it_is(
        steps in proptest::collection::vec(step(), 0..60), place: prop::sample::Index,
    ) {
        let a = played(&steps);
        let mut more = steps.clone();
        more.insert(place.index(steps.len() + 1), Step::Poke(0x4002_2004, 0x4567_0123));
        let b = played(&more);
        let diff = diff(&a, &b, Equality::Accesses).unwrap();
        prop_assert_eq!(diff.hunks.len(), 1);
        let [super::Hunk { rows, .. }] = &diff.hunks[..] else { panic!() };
        prop_assert_eq!(rows.len(), 1);
        prop_assert!(matches!(rows[0], Row::OnlyB(_)));
    }

    #[test]
    fn exchanging_the_traces_exchanges_the_sides(
        one in proptest::collection::vec(step(), 0..40), other in proptest::collection::vec(step(), 0..40),
    ) {
        let (a, b) = (played(&one), played(&other));
        for level in ALL {
            let there = diff(&a, &b, level).unwrap();
            let back = diff(&b, &a, level).unwrap();
            prop_assert_eq!(there.hunks.len(), back.hunks.len());
            for (there, back) in there.hunks.iter().zip(back.hunks) {
                prop_assert_eq!((&there.a, &there.b), (&back.b, &back.a));
                let back = back.swapped();
                prop_assert_eq!(&there.rows, &back.rows);
            }
        }
    }

    #[test]
    fn every_item_is_in_a_hunk_or_has_its_equal(
        one in proptest::collection::vec(step(), 0..40), other in proptest::collection::vec(step(), 0..40),
    ) {
        let (a, b) = (played(&one), played(&other));
        for level in ALL {
            let diff = diff(&a, &b, level).unwrap();
            for (n, m) in diff.pairs() {
                prop_assert_eq!(&diff.a[n].key, &diff.b[m].key);
            }
            let common = diff.pairs().count();
            let of = |pick: fn(&super::Hunk) -> usize| diff.hunks.iter().map(pick).sum::<usize>();
            prop_assert_eq!(common + of(|hunk| hunk.a.len()), diff.a.len());
            prop_assert_eq!(common + of(|hunk| hunk.b.len()), diff.b.len());
            for hunk in &diff.hunks {
                let left = hunk.rows.iter().filter(|row| !matches!(row, Row::OnlyB(_))).count();
                let right = hunk.rows.iter().filter(|row| !matches!(row, Row::OnlyA(_))).count();
                prop_assert_eq!((left, right), (hunk.a.len(), hunk.b.len()));
            }
        }
    }
}

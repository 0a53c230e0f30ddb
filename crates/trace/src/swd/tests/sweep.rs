//! Every setting of host and target, and every way to spoil what they said.

use super::writer::{Fate, Rng, Setting, Writer, session};
use super::{decoded, transactions, unreadable};
use crate::event::{OnWire, Why};
use wire::Ack;

fn settings() -> impl Iterator<Item = Setting> {
    (0..=16).flat_map(|idle| {
        (1..=4).flat_map(move |turnaround| {
            [false, true].into_iter().flat_map(move |overrun| {
                [true, false].map(|floating| Setting { idle, turnaround, overrun, floating })
            })
        })
    })
}

#[test]
fn every_setting_is_decoded_exactly() {
    for setting in settings() {
        let seed = 1 + setting.idle as u64 * 64 + setting.turnaround as u64 * 8 + u64::from(setting.overrun);
        let writer = session(setting, 300, Rng(seed * 0x9E37_79B9));
        let found = decoded(&writer.bits, 4096);
        assert_eq!(unreadable(&found).len(), 0, "{setting:?}: {:?}", unreadable(&found));
        let seen = transactions(&found);
        let apart = seen.iter().zip(&writer.expected).position(|(a, b)| a != b);
        assert_eq!(
            apart,
            None,
            "{setting:?}: {:?}",
            apart.map(|n| (&seen[n..n + 2], &writer.expected[n..n + 2]))
        );
        assert_eq!(seen.len(), writer.expected.len(), "{setting:?}");
    }
}

#[test]
fn a_capture_that_begins_between_two_packets_needs_no_line_reset() {
    for setting in settings() {
        let mut writer = Writer::new(setting, Rng(99));
        for n in 0..100 {
            let fates = [Fate::Ok, Fate::Wait, Fate::Ok, Fate::Fault, Fate::Ok, Fate::Ok];
            writer.packet(fates[n % fates.len()]);
        }
        let found = decoded(&writer.bits, 4096);
        assert_eq!(transactions(&found), writer.expected, "{setting:?}");
    }
}

#[test]
fn a_capture_that_begins_anywhere_is_in_step_after_two_packets() {
    let mut rng = Rng(5);
    for _ in 0..400 {
        let setting = Setting { turnaround: 1, ..Setting::any(&mut rng) };
        let writer = session(setting, 60, Rng(rng.next() | 1));
        // Somewhere behind the line resets.
        let begin = writer.begins[3] + rng.below((writer.begins[20] - writer.begins[3]) as u64) as usize;
        let next = writer.begins.partition_point(|at| *at < begin);
        let found = decoded(&writer.bits[begin..], 512);
        let (seen, expected) = (transactions(&found), &writer.expected[next..]);
        assert!(seen.ends_with(&expected[2..]), "{setting:?} from {begin}: {seen:?}, not {expected:?}");
        assert!(seen.len() <= expected.len() + 1, "{setting:?} from {begin}");
        let left_over = writer.bits[begin..writer.begins[next]].iter().any(|bit| *bit);
        assert!(!left_over || !unreadable(&found).is_empty() || seen.len() > expected.len(), "{begin}");
    }
}

#[test]
fn a_capture_that_is_cut_anywhere_ends_with_what_was_whole_and_says_what_was_not() {
    let writer = session(Setting { idle: 2, ..Setting::default() }, 12, Rng(11));
    let refused = |n: usize| matches!(writer.expected[n].ack, Ack::WAIT | Ack::FAULT);
    for end in writer.begins[2]..writer.bits.len() {
        let found = decoded(&writer.bits[..end], 300);
        let whole = writer.ends.partition_point(|at| *at <= end);
        let seen = transactions(&found);
        assert!(seen.starts_with(&writer.expected[..whole]), "cut at {end}");
        // Without its last turnaround clock a packet is as good as whole.
        assert!(seen.len() <= whole + 1, "cut at {end}");
        let begun = writer.begins.get(whole).is_some_and(|begin| *begin < end);
        let cut = unreadable(&found).iter().any(|u| u.why == Why::Cut);
        let almost = seen.len() == whole + 1 && (refused(whole) || end + 1 >= writer.ends[whole]);
        assert!(!begun || cut || almost || seen.len() > whole, "cut at {end}: {found:?}");
    }
}

/// What is done to the levels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spoil {
    Flip,
    Drop,
    Insert,
}

fn spoiled(bits: &[bool], at: usize, how: Spoil) -> Vec<bool> {
    let mut bits = bits.to_vec();
    match how {
        Spoil::Flip => bits[at] = !bits[at],
        Spoil::Drop => {
            bits.remove(at);
        }
        Spoil::Insert => bits.insert(at, at.is_multiple_of(2)),
    }
    bits
}

/// Whether something tells a reader that not all was well.
fn complaints(found: &[OnWire]) -> usize {
    let odd = transactions(found);
    let odd = odd.iter().filter(|t| !matches!(t.ack, Ack::OK | Ack::WAIT | Ack::FAULT)).count();
    odd + unreadable(found).len()
}

#[test]
fn a_clock_that_is_flipped_lost_or_doubled_costs_two_packets_at_most_and_is_told() {
    let mut rng = Rng(1234);
    let mut unnoticed = (0, 0);
    let mut all = 0;
    for round in 0..60 {
        let setting = Setting::any(&mut rng);
        let mut writer = Writer::new(setting, Rng(rng.next() | 1));
        writer.connect();
        for n in 0..30 {
            writer.packet(if n % 5 == 3 { Fate::Wait } else { Fate::Ok });
        }
        for how in [Spoil::Flip, Spoil::Drop, Spoil::Insert] {
            for _ in 0..40 {
                all += 1;
                let first = 6;
                let span = writer.begins[24] - writer.begins[first];
                let at = writer.begins[first] + rng.below(span as u64) as usize;
                let hit = writer.begins.partition_point(|begin| *begin <= at) - 1;
                let found = decoded(&spoiled(&writer.bits, at, how), 1000);
                let seen = transactions(&found);
                let context =
                    || format!("round {round}, {how:?} at {at} in packet {hit}, {setting:?}: {found:?}");
                assert!(seen.starts_with(&writer.expected[..hit - 1]), "{}", context());
                assert!(seen.ends_with(&writer.expected[hit + 3..]), "{}", context());
                if seen != writer.expected && complaints(&found) == 0 {
                    // Nobody could tell: a clock more or less among the data is made up for by an idle clock and the parity
                    // fits by chance, or one between packets makes a proper header to which the next one is the ack.
                    let same = seen.iter().zip(&writer.expected).filter(|(a, b)| a == b).count();
                    assert!(same + 2 >= writer.expected.len(), "{}", context());
                    let flips = usize::from(how == Spoil::Flip);
                    unnoticed = (unnoticed.0 + 1 - flips, unnoticed.1 + flips);
                }
            }
        }
    }
    assert!(unnoticed.0 * 10 < all && unnoticed.1 * 500 < all, "{unnoticed:?} of {all}");
}

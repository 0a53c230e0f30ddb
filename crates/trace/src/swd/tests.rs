//! Packets written clock by clock from the specification, and what becomes of them.
#![allow(clippy::cast_possible_truncation, reason = "numbers that only have to look random")]

mod sweep;
pub(crate) mod writer;

use super::*;
use proptest::prelude::*;
use writer::{Fate, Rng, Setting, Writer, session};

/// Everything that the decoder makes of these levels. It is asked to decode after every `step` clocks.
fn decoded(bits: &[bool], step: usize) -> Vec<OnWire> {
    let mut decoder = Decoder::default();
    for (n, bit) in bits.iter().enumerate() {
        decoder.clocks.push(*bit, n as u64);
        if n % step == step - 1 {
            decoder.run(false);
        }
    }
    decoder.run(true);
    decoder.found.into_iter().map(|found| found.what.what).collect()
}

fn transactions(found: &[OnWire]) -> Vec<Transaction> {
    let transaction = |what: &OnWire| match what {
        OnWire::Event(WireEvent::Transaction(t)) => Some(*t),
        _ => None,
    };
    found.iter().filter_map(transaction).collect()
}

fn unreadable(found: &[OnWire]) -> Vec<&Unreadable> {
    let all = found.iter().filter_map(|what| match what {
        OnWire::Unreadable(unreadable) => Some(&**unreadable),
        _ => None,
    });
    all.collect()
}

fn named(found: &[OnWire]) -> Vec<&str> {
    let name = |what: &OnWire| match what {
        OnWire::Event(WireEvent::LineReset) => Some("line reset"),
        OnWire::Event(WireEvent::Switch(name)) => Some(*name),
        _ => None,
    };
    found.iter().filter_map(name).collect()
}

#[test]
fn every_published_sequence_is_named_and_leaves_nothing_over() {
    let expected: [(&dp::LineSequence, &[&str]); 6] = [
        (&dp::LINE_RESET, &["line reset"]),
        (&dp::JTAG_TO_SWD, &["line reset", "JTAG to SWD", "line reset"]),
        (&dp::SWD_TO_JTAG, &["line reset", "SWD to JTAG"]),
        (&dp::SWD_TO_DORMANT, &["line reset", "SWD to dormant"]),
        (&dp::DORMANT_TO_SWD, &["dormant to SWD", "line reset"]),
        (&dp::JTAG_TO_DORMANT, &["JTAG to dormant"]),
    ];
    for (sequence, names) in expected {
        let mut writer = Writer::new(Setting::default(), Rng(7));
        writer.sequence(sequence);
        writer.idle(8);
        let found = decoded(&writer.bits, 64);
        assert_eq!(named(&found), names, "{}", sequence.name);
        assert!(unreadable(&found).is_empty(), "{}: {found:?}", sequence.name);
    }
}

#[test]
fn after_a_switch_away_clocks_are_kept_as_they_are_until_the_port_is_back() {
    let mut writer = Writer::new(Setting::default(), Rng(7));
    writer.connect();
    writer.packet(Fate::Ok);
    writer.sequence(&dp::SWD_TO_JTAG);
    let away = writer.expected.len();
    for _ in 0..50 {
        // What JTAG does may well look like packets.
        writer.packet(Fate::Ok);
    }
    writer.expected.truncate(away);
    writer.connect();
    writer.packet(Fate::Ok);
    let found = decoded(&writer.bits, 999);
    assert_eq!(transactions(&found), writer.expected);
    assert!(unreadable(&found).is_empty(), "{found:?}");
    assert!(found.iter().any(|what| matches!(what, OnWire::Bits { count, .. } if *count > 40 * 46)));
}

#[test]
fn a_port_that_ignored_the_switch_is_heard_again_when_it_answers_a_line_reset() {
    let mut writer = Writer::new(Setting::default(), Rng(7));
    writer.connect();
    writer.sequence(&dp::SWD_TO_DORMANT);
    writer.idle(3);
    writer.sequence(&dp::LINE_RESET);
    writer.dpidr();
    writer.packet(Fate::Ok);
    assert_eq!(transactions(&decoded(&writer.bits, 100)), writer.expected);
}

#[test]
fn forty_nine_high_clocks_are_no_line_reset_and_a_million_are_one() {
    let high = |count| {
        let mut bits = vec![false; 4];
        bits.extend(vec![true; count]);
        bits.extend([false; 4]);
        decoded(&bits, 1000)
    };
    let found = high(49);
    assert_eq!((named(&found).len(), unreadable(&found).len()), (0, 1));
    assert_eq!((unreadable(&found)[0].count, unreadable(&found)[0].tick), (49, 4));
    for count in [50, 51, 600, 1_000_000] {
        let found = high(count);
        assert_eq!((named(&found), unreadable(&found).len()), (vec!["line reset"], 0), "{count}");
    }
}

#[test]
fn stray_clocks_say_where_they_begin_and_what_they_are() {
    let mut writer = Writer::new(Setting { idle: 4, ..Setting::default() }, Rng(3));
    writer.connect();
    writer.packet(Fate::Ok);
    let place = writer.bits.len();
    writer.bits.extend([true, true, false, true, true, true, true, true]);
    writer.idle(5);
    (0..20).for_each(|_| writer.packet(Fate::Ok));
    let found = decoded(&writer.bits, 77);
    assert_eq!(transactions(&found), writer.expected);
    let expected = Unreadable { why: Why::NoPacket, tick: place as u64, count: 8, data: vec![0b1111_1011] };
    assert_eq!(unreadable(&found), [&expected]);
}

#[test]
fn the_reset_pin_stands_between_the_transactions_around_it() {
    let mut writer = Writer::new(Setting { idle: 4, ..Setting::default() }, Rng(3));
    (0..4).for_each(|_| writer.packet(Fate::Ok));
    let mut decoder = Decoder::default();
    let half = writer.ends[1] as u64;
    writer.bits.iter().enumerate().for_each(|(n, bit)| decoder.clocks.push(*bit, n as u64));
    decoder.reset(half, true);
    decoder.reset(half + 1, false);
    decoder.run(true);
    let resets: Vec<usize> = (0..decoder.found.len())
        .filter(|n| matches!(decoder.found[*n].what.what, OnWire::Event(WireEvent::Reset(_))))
        .collect();
    assert_eq!(resets, [2, 3]);
}

proptest! {
    #[test]
    fn any_levels_are_decoded_without_a_panic_and_however_they_arrive(
        seed in any::<u64>(), length in 0usize..6000, dense in 1u64..8, step in 1usize..2000,
    ) {
        let mut rng = Rng(seed | 1);
        let bits: Vec<bool> = (0..length).map(|_| rng.below(8) < dense).collect();
        prop_assert_eq!(decoded(&bits, step), decoded(&bits, length + 1));
    }

    #[test]
    fn a_session_is_decoded_however_it_arrives(seed in any::<u64>(), step in 1usize..3000) {
        let mut rng = Rng(seed | 1);
        let setting = Setting::any(&mut rng);
        let writer = session(setting, 200, rng);
        let found = decoded(&writer.bits, step);
        prop_assert_eq!(&found, &decoded(&writer.bits, writer.bits.len() + 1));
        let seen = transactions(&found);
        let apart = seen.iter().zip(&writer.expected).position(|(seen, sent)| seen != sent);
        // On a line that rests low, what follows a packet that nobody answered can be read in two ways: one session in 20,000.
        let before = apart.and_then(|n| writer.expected.get(n.checked_sub(1)?)).map(|packet| packet.ack);
        prop_assert!(apart.is_none() || before == Some(Ack::NONE) && !setting.floating, "{:?}: {:?}", setting, apart);
        prop_assert!(apart.is_some() || seen.len() == writer.expected.len());
    }
}

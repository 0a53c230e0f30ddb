//! A recording read piece by piece is the same recording.

use super::*;
use crate::Secrets;
use crate::cost::{Bill, Cost};
use crate::script::{AP, DP, READ, Script, st};
use crate::stat::{Counts, Stat};
use proptest::prelude::*;
use std::io::{self, Cursor, Read, Seek};
use wire::Level;

/// Everything that a piece says, with the numbers that its events have in the whole.
#[derive(Debug, Default, PartialEq)]
struct Said {
    lines: [Vec<String>; 6],
    accesses: Vec<String>,
    originals: Vec<usize>,
    marks: Vec<String>,
}

/// Fails at the first difference.
fn assert_same([(a, stat, cost), (b, other, price)]: [(Said, Stat, Cost); 2]) {
    let first = |a: &[String], b: &[String]| {
        let place = a.iter().zip(b).position(|(a, b)| a != b).unwrap_or(a.len().min(b.len()));
        let from = place.saturating_sub(2);
        [a, b].map(|all| all.iter().skip(from).take(5).cloned().collect::<Vec<_>>())
    };
    for (a, b) in a.lines.iter().chain([&a.accesses]).zip(b.lines.iter().chain([&b.accesses])) {
        let [x, y] = first(a, b);
        assert_eq!(x, y);
    }
    assert_eq!(a, b);
    let fields = |stat: &Stat| serde_json::to_value(stat).unwrap().as_object().unwrap().clone();
    for (one, other) in fields(&stat).iter().zip(&fields(&other)) {
        assert_eq!(one, other);
    }
    assert_eq!(cost, price);
}

impl Said {
    fn add(&mut self, piece: &Trace) {
        let said = |event: &Event| {
            let Event { at, until, certainty, cause, order, .. } = event;
            format!("{at:?} {until:?} {certainty:?} {cause:?} {order} {}", crate::line(event))
        };
        for (lines, level) in self.lines.iter_mut().zip(Level::ALL) {
            lines.extend(piece.events(level).iter().map(said));
        }
        self.accesses.extend(piece.accesses().iter().map(said));
        let count = piece.count(Level::Action);
        let ends = (0..count).map(|n| piece.originals(Level::Action, n..n + 1).end + piece.accesses_before());
        self.originals.extend(ends);
        self.marks.extend(piece.marks_here().iter().map(|marked| marked.mark.to_string()));
    }
}

/// A file that gives a record or so at a time.
struct Drops<'a>(Cursor<&'a [u8]>);

impl Read for Drops<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let most = out.len().min(100);
        self.0.read(&mut out[..most])
    }
}

impl Seek for Drops<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.0.seek(to)
    }
}

/// What whole and pieces say, count and cost, and how many pieces there are.
fn both(file: &[u8], size: Size) -> ([(Said, Stat, Cost); 2], usize) {
    let whole = crate::open(file).unwrap();
    let mut said = Said::default();
    said.add(&whole);
    let expected = (said, Stat::of(&whole), Cost::of(&whole));
    let mut drops = Drops(Cursor::new(file));
    let mut pieces = Pieces::open(&mut drops, &Options::default()).unwrap();
    let Source::File { size: of, .. } = &mut pieces.0 else { panic!("it is held whole") };
    *of = size;
    let (mut said, mut counts, mut bill) = (Said::default(), Counts::default(), Bill::default());
    let (mut last, mut seen) = (None, 0);
    let shown = pieces.each(|piece| {
        seen += 1;
        said.add(piece);
        counts.add(piece);
        bill.add(piece);
        if piece.is_last() {
            let (counts, bill) = (std::mem::take(&mut counts), std::mem::take(&mut bill));
            last = Some((counts.stat(piece), bill.cost(piece)));
        }
        Ok::<_, TraceError>(ControlFlow::Continue(()))
    });
    shown.unwrap();
    let (stat, cost) = last.unwrap();
    assert_eq!(summed(file, size), expected.1);
    ([expected, (said, stat, cost)], seen)
}

/// What is counted without a reading that only finds out what the recording is.
fn summed(file: &[u8], size: Size) -> Stat {
    let mut cursor = Cursor::new(file);
    let mut pieces = Pieces::open(&mut cursor, &Options::default()).unwrap();
    if let Source::File { size: of, .. } = &mut pieces.0 {
        *of = size;
    }
    let sum = pieces.sum(|(counts, stat): &mut (Counts, Option<Stat>), piece| {
        counts.add(piece);
        if piece.is_last() {
            *stat = Some(std::mem::take(counts).stat(piece));
        }
        Ok::<_, TraceError>(())
    });
    sum.unwrap().1.unwrap()
}

/// One thing that a host does, by number.
fn act(script: &mut Script, act: u8, word: u32) {
    let [a, b, c, d] = word.to_le_bytes();
    match act {
        0 => _ = script.ask(&[5, 0, 1, DP | 8, 0, 0, 0, 1], &[5, 1, 1]),
        1 => _ = script.ask(&[5, 0, 2, AP, 0x12, 0, 0, 0x23, AP | 4, 0, b, 0x02, 0x40], &[5, 2, 1]),
        2 => _ = script.ask(&[5, 0, 1, AP | READ | 0xC], &[5, 1, 1, a, b, c, d]),
        3 => {
            let look = [5, 0, 2, AP | 4, 0x20, 0x20, 2, 0x40, AP | READ | 0xC];
            script.ask(&look, &[5, 2, 1, a & 1, 0, 0, 0]);
        }
        4 => _ = script.ask(&[6, 0, 3, 0, AP | 0xC, a, b, c, d, 1, 2, 3, 4, d, c, b, a], &[6, 3, 0, 1]),
        5 => _ = script.ask(&[5, 0, 1, AP | READ | 0xC], &[5, 0, 2]),
        6 => _ = script.ask(&[5, 0, 1, AP | READ | 0xC], &[5, 0, 4]),
        7 => _ = script.ask(&[5, 0, 1, DP, 0x1E, 0, 0, 0], &[5, 1, 1]),
        8 => _ = script.ask(&[5, 0, 1, DP | READ], &[5, 1, 1, 0x14, 0, 0xE0, 0x6B]),
        9 => _ = script.ask(&[5, 0, 1, DP | READ | 4], &[5, 1, 1, a, 0, 0, 0xF0]),
        10 => _ = script.send(&[5, 0, 1, AP | READ | 0xC]),
        11 => _ = script.ask(&[0x11, a, b, 1, 0], &[0x11, 0]),
        12 => _ = script.ask(&[0x12, 51, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], &[0x12, 0]),
        13 => script.at += std::time::Duration::from_millis(u64::from(a) * 10),
        14 => _ = script.mark(wire::MarkKind::Step, &format!("step {a}")),
        _ => _ = script.ask(&[5, 0, 2, AP | 4, 8, 0x20, 2, 0x40, AP | 0xC, 0x23, 1, 0x67, 0x45], &[5, 2, 1]),
    }
}

/// One thing that a host tells an ST-Link, by number.
fn tell(script: &mut Script, act: u8, word: u32) {
    const OK: [u8; 12] = [0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let [a, b, ..] = word.to_le_bytes();
    let [at, value] = [[a & 0xFC, b & 1, 0, 0x20], word.to_le_bytes()];
    let poke = [&[0xF2, 0x35], &at[..], &value[..], &[1]].concat();
    let block = |op: u8| [&[0xF2, op], &at[..], &[8, 0, 1]].concat();
    match act {
        0 => _ = script.ask(&st(&poke), &[0x80, 0]),
        1 => _ = script.ask(&st(&poke), &[0x10, 0]),
        2 => _ = script.ask(&st(&[&[0xF2, 0x36], &at[..], &[1]].concat()), &OK[..8]),
        3 => _ = script.ask(&st(&block(0x07)), &[a; 8]),
        4 => _ = script.send(&st(&block(0x08))).send(&[b; 8]),
        5 => _ = script.ask(&st(&[0xF2, 0x3E]), &OK),
        6 => _ = script.send(&st(&poke)),
        7 => _ = script.ask(&st(&[0xF2, 0x45, 1, 0, 0, 0]), &OK[..8]),
        _ => _ = script.mark(wire::MarkKind::Attempt, &format!("try {a}")),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn pieces_say_count_and_cost_what_the_whole_does(
        acts in prop::collection::vec((0u8..16, any::<u32>()), 40..400), events in 4usize..200,
    ) {
        let mut script = Script::new();
        [0, 1].into_iter().for_each(|first| act(&mut script, first, 0));
        acts.iter().for_each(|(what, word)| act(&mut script, *what, *word));
        assert_same(both(&script.bytes(), Size { events, behind: 64 }).0);
    }

    #[test]
    fn pieces_of_an_st_links_commands_are_the_same_too(
        acts in prop::collection::vec((0u8..9, any::<u32>()), 40..400), events in 4usize..200,
    ) {
        let mut script = Script::new();
        (0..5).for_each(|n| tell(&mut script, 0, n));
        acts.iter().for_each(|(what, word)| tell(&mut script, *what, *word));
        assert_same(both(&script.bytes(), Size { events, behind: 64 }).0);
    }
}

#[test]
fn a_long_recording_is_read_in_many_pieces_and_what_is_polled_stays_together() {
    let mut script = Script::new();
    script.ap1();
    for n in 0..3000 {
        script.write(AP, 4, 0x4002_2020).read(AP, 0xC, u32::from(n % 1000 != 999));
        if n % 1000 == 999 {
            for word in 0..20 {
                script.poke(0x2000_0000 + 4 * word, word);
            }
        }
    }
    let (both, count) = both(&script.bytes(), Size { events: 500, behind: 4 });
    assert_same(both);
    assert!(count > 2, "{count} pieces");
}

#[test]
fn no_piece_shows_a_secret_that_nobody_marked_wherever_it_stands() {
    const KEY: u32 = 0x1234_5678;
    let mut script = Script::with(Secrets::Shown);
    script.ap1().poke(0x2000_0000, KEY);
    for n in 0..500 {
        script.peek(0x4002_2020, n);
    }
    script.poke(regs::h5::memory::OBK, KEY);
    let (both, count) = both(&script.bytes(), Size { events: 50, behind: 4 });
    let shown = both[1].0.accesses.concat();
    assert_eq!((shown.matches("1234_5678").count(), count), (0, 1), "{shown}");
    assert_same(both);
}

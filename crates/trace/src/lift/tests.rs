use super::*;
use crate::event::OnWire;
use std::time::Duration;
use wire::{Addr, Width};

/// A list of level 2 events, one microsecond apart.
#[derive(Default)]
struct Line(Vec<Event>);

impl Line {
    fn push(&mut self, what: WireEvent) -> &mut Self {
        let at = Duration::from_micros(u64::try_from(self.0.len()).unwrap());
        let wired =
            Wired { what: OnWire::Event(what), secret: false, implied: false, refused: None, matching: None };
        self.0.push(Event {
            level: Level::Transaction,
            at,
            until: at,
            certainty: Certainty::Explicit,
            cause: None,
            order: 0,
            body: Body::Wire(wired),
        });
        self
    }

    fn ack(&mut self, reg: RegSel, read: bool, ack: Ack, data: Option<u32>) -> &mut Self {
        self.push(WireEvent::Transaction(Transaction { reg, read, ack, data }))
    }

    fn w(&mut self, reg: RegSel, value: u32) -> &mut Self {
        self.ack(reg, false, Ack::OK, Some(value))
    }

    fn r(&mut self, reg: RegSel, value: u32) -> &mut Self {
        self.ack(reg, true, Ack::OK, Some(value))
    }

    fn at(&mut self, csw: u32, tar: u32) -> &mut Self {
        self.w(SELECT, 0x0100_0000).w(CSW, csw).w(TAR, tar)
    }

    fn lift(&self) -> Vec<Event> {
        lift(&self.0, Assume::Nothing).events
    }

    fn accesses(&self) -> Vec<(u32, bool, Option<u32>)> {
        self.lift()
            .iter()
            .filter_map(access_of)
            .map(|a| (a.access.at.0, a.access.write, a.access.value))
            .collect()
    }
}

fn access_of(event: &Event) -> Option<&Accessed> {
    match &event.body {
        Body::Access(a) => Some(a),
        _ => None,
    }
}

const SELECT: RegSel = RegSel::dp(8);
const RDBUFF: RegSel = RegSel::dp(0xC);
const CSW: RegSel = RegSel::ap(0);
const TAR: RegSel = RegSel::ap(4);
const DRW: RegSel = RegSel::ap(0xC);
const WORDS: u32 = 0x12;
const BYTES: u32 = 0x10;
const PACKED_BYTES: u32 = 0x20;
const NO_INCREMENT: u32 = 0x02;

#[test]
fn posted_reads_get_the_value_that_the_next_transaction_brings() {
    let mut line = Line::default();
    line.at(WORDS, 0x2000_0000).r(DRW, 0xDEAD).r(DRW, 1).r(DRW, 2).r(RDBUFF, 3);
    assert_eq!(
        line.accesses(),
        [(0x2000_0000, false, Some(1)), (0x2000_0004, false, Some(2)), (0x2000_0008, false, Some(3)),]
    );
}

#[test]
fn a_posted_read_that_nobody_fetched_has_no_value() {
    let mut line = Line::default();
    line.at(WORDS, 0x2000_0000).r(DRW, 9).w(TAR, 0x2000_0100).r(DRW, 9).r(RDBUFF, 3);
    assert_eq!(line.accesses(), [(0x2000_0000, false, None), (0x2000_0100, false, Some(3))]);
}

#[test]
fn a_read_ends_when_its_value_arrived() {
    let mut line = Line::default();
    line.at(WORDS, 0x2000_0000).r(DRW, 0).r(RDBUFF, 3);
    let lifted = line.lift();
    let read = lifted.last().unwrap();
    assert_eq!((read.at, read.until), (Duration::from_micros(3), Duration::from_micros(4)));
    assert_eq!(read.cause, Some(3));
}

#[test]
fn waits_are_an_attribute_of_the_access_that_was_repeated() {
    let mut line = Line::default();
    line.at(WORDS, 0x2000_0000);
    line.ack(DRW, false, Ack::WAIT, Some(7)).ack(DRW, false, Ack::WAIT, Some(7)).w(DRW, 7).w(DRW, 8);
    let waits: Vec<u32> = line.lift().iter().filter_map(access_of).map(|a| a.repeats.waits).collect();
    assert_eq!(waits, [2, 0]);
    assert_eq!(line.accesses(), [(0x2000_0000, true, Some(7)), (0x2000_0004, true, Some(8))]);
}

#[test]
fn an_access_that_was_given_up_after_wait_is_shown_as_refused() {
    let mut line = Line::default();
    line.at(WORDS, 0x2000_0000).ack(DRW, false, Ack::WAIT, Some(7)).w(RegSel::dp(0), 1).w(DRW, 8);
    let lifted = line.lift();
    let first = lifted.iter().find_map(access_of).unwrap();
    assert_eq!((first.ack, first.repeats.waits, first.access.at), (Ack::WAIT, 1, Addr(0x2000_0000)));
}

#[test]
fn a_wait_at_the_end_of_the_recording_is_not_lost() {
    let mut line = Line::default();
    line.at(WORDS, 0x2000_0000).ack(DRW, true, Ack::WAIT, None);
    assert_eq!(line.lift().iter().find_map(access_of).map(|a| a.ack), Some(Ack::WAIT));
}

#[test]
fn a_wait_on_the_fetch_does_not_cost_the_value() {
    let mut line = Line::default();
    line.at(WORDS, 0x2000_0000).r(DRW, 0).ack(RDBUFF, true, Ack::WAIT, None).r(RDBUFF, 3);
    assert_eq!(line.accesses(), [(0x2000_0000, false, Some(3))]);
}

#[test]
fn a_fault_performs_nothing() {
    let mut line = Line::default();
    line.at(WORDS, 0x2000_0000).ack(DRW, false, Ack::FAULT, Some(7)).w(DRW, 8);
    let lifted = line.lift();
    let all: Vec<_> = lifted.iter().filter_map(access_of).map(|a| (a.access.at.0, a.ack)).collect();
    assert_eq!(all, [(0x2000_0000, Ack::FAULT), (0x2000_0000, Ack::OK)]);
}

#[test]
fn a_read_with_wrong_parity_was_performed_and_cost_the_value_before_it() {
    let mut line = Line::default();
    line.at(WORDS, 0x2000_0000).r(DRW, 0).ack(DRW, true, Ack::PARITY, Some(5)).r(RDBUFF, 6);
    assert_eq!(line.accesses(), [(0x2000_0000, false, None), (0x2000_0004, false, Some(6))]);
}

#[test]
fn auto_increment_wraps_inside_one_kibibyte_and_says_that_it_is_a_guess_from_there() {
    let mut line = Line::default();
    line.at(WORDS, 0x2000_03FC).w(DRW, 1).w(DRW, 2).w(TAR, 0x2000_0400).w(DRW, 3);
    let lifted = line.lift();
    let all: Vec<_> = lifted.iter().filter_map(|e| Some((access_of(e)?.access.at.0, e.certainty))).collect();
    assert_eq!(
        all,
        [
            (0x2000_03FC, Certainty::Explicit),
            (0x2000_0000, Certainty::Inferred),
            (0x2000_0400, Certainty::Explicit),
        ]
    );
}

#[test]
fn narrow_accesses_use_the_lane_of_their_address() {
    let mut line = Line::default();
    line.at(BYTES, 0x2000_0001).w(DRW, 0x4433_2211).w(DRW, 0x4433_2211).r(DRW, 0).r(RDBUFF, 0x8877_6655);
    assert_eq!(
        line.accesses(),
        [(0x2000_0001, true, Some(0x22)), (0x2000_0002, true, Some(0x33)), (0x2000_0003, false, Some(0x88))]
    );
    let mut line = Line::default();
    line.at(0x11, 0x2000_0002).w(DRW, 0x4433_2211);
    assert_eq!(line.accesses(), [(0x2000_0002, true, Some(0x4433))]);
}

#[test]
fn a_packed_access_is_several() {
    let mut line = Line::default();
    line.at(PACKED_BYTES, 0x2000_0000).w(DRW, 0x4433_2211).r(DRW, 0).r(RDBUFF, 0x8877_6655);
    assert_eq!(
        line.accesses(),
        [
            (0x2000_0000, true, Some(0x11)),
            (0x2000_0001, true, Some(0x22)),
            (0x2000_0002, true, Some(0x33)),
            (0x2000_0003, true, Some(0x44)),
            (0x2000_0004, false, Some(0x55)),
            (0x2000_0005, false, Some(0x66)),
            (0x2000_0006, false, Some(0x77)),
            (0x2000_0007, false, Some(0x88)),
        ]
    );
}

#[test]
fn banked_data_registers_reach_the_sixteen_bytes_around_tar() {
    let mut line = Line::default();
    line.at(WORDS, 0xE000_EDF4).w(SELECT, 0x0100_0010).w(RegSel::ap(0xC), 1).w(RegSel::ap(0), 2);
    line.w(SELECT, 0x0100_0000).w(DRW, 3);
    assert_eq!(
        line.accesses(),
        [(0xE000_EDFC, true, Some(1)), (0xE000_EDF0, true, Some(2)), (0xE000_EDF4, true, Some(3))]
    );
}

#[test]
fn access_ports_keep_their_own_tar() {
    let mut line = Line::default();
    line.at(NO_INCREMENT, 0x2000_0000).w(SELECT, 0).w(CSW, NO_INCREMENT).w(TAR, 0xE004_4000);
    line.w(SELECT, 0x0100_0000).w(DRW, 1).w(SELECT, 0).w(DRW, 2);
    let lifted = line.lift();
    let all: Vec<_> = lifted.iter().filter_map(access_of).map(|a| (a.access.ap.0, a.access.at.0)).collect();
    assert_eq!(all, [(1, 0x2000_0000), (0, 0xE004_4000)]);
}

#[test]
fn a_recording_that_began_late_says_what_is_missing() {
    let missing = |line: &Line| {
        line.lift().iter().find_map(|e| match &e.body {
            Body::Register(r) if r.port == Port::Ap && r.a == 0xC => Some((r.missing, r.value)),
            _ => None,
        })
    };
    let mut line = Line::default();
    line.w(DRW, 1);
    assert_eq!(missing(&line), Some((Some(Missing::Select), Some(1))));
    let mut line = Line::default();
    line.w(SELECT, 0x0100_0000).w(TAR, 0x2000_0000).w(DRW, 1);
    assert_eq!(missing(&line), Some((Some(Missing::Csw), Some(1))));
    let mut line = Line::default();
    line.w(SELECT, 0x0100_0000).w(CSW, WORDS).w(DRW, 1);
    assert_eq!(missing(&line), Some((Some(Missing::Tar), Some(1))));
}

#[test]
fn csw_and_tar_that_were_read_are_known() {
    let mut line = Line::default();
    line.w(SELECT, 0).r(CSW, 0).r(TAR, 0x0300_0012).r(RDBUFF, 0x2000_0010).w(DRW, 1);
    assert_eq!(line.accesses(), [(0x2000_0010, true, Some(1))]);
}

#[test]
fn after_dapabort_the_place_is_not_known() {
    let mut line = Line::default();
    line.at(WORDS, 0x2000_0000).w(DRW, 1).w(RegSel::dp(0), 1).w(DRW, 2);
    assert_eq!(line.accesses(), [(0x2000_0000, true, Some(1))]);
}

#[test]
fn clearing_sticky_flags_forgets_nothing() {
    let mut line = Line::default();
    line.at(WORDS, 0x2000_0000).w(DRW, 1).w(RegSel::dp(0), 0x1E).w(DRW, 2);
    assert_eq!(line.accesses(), [(0x2000_0000, true, Some(1)), (0x2000_0004, true, Some(2))]);
}

#[test]
fn a_switch_sequence_forgets_select() {
    let mut line = Line::default();
    line.at(WORDS, 0x2000_0000).push(WireEvent::Switch("JTAG to SWD")).w(DRW, 2);
    assert_eq!(line.accesses(), []);
}

#[test]
fn the_width_of_an_access_is_that_of_csw() {
    let mut line = Line::default();
    line.at(BYTES, 0x2000_0000).w(DRW, 0xFF);
    assert_eq!(line.lift().iter().find_map(access_of).map(|a| a.access.width), Some(Width::Byte));
}

proptest::proptest! {
    /// A reference that keeps TAR as a plain number: words written with single increment land one after the other, as long
    /// as they stay inside one kibibyte.
    #[test]
    fn a_block_inside_one_kibibyte_lands_word_by_word(start in 0u32..200, words in proptest::collection::vec(0u32.., 1..50)) {
        let mut line = Line::default();
        let base = 0x2000_0000 + start * 4;
        line.at(WORDS, base);
        for word in &words {
            line.w(DRW, *word);
        }
        let expected: Vec<_> =
            words.iter().zip(0u32..).map(|(word, n)| (base + n * 4, true, Some(*word))).collect();
        proptest::prop_assert_eq!(line.accesses(), expected);
    }

    #[test]
    fn lifting_any_transactions_never_panics(all in proptest::collection::vec((0u8..2, 0u8..4, proptest::bool::ANY, 0u8..9, proptest::option::of(0u32..)), 0..200)) {
        let mut line = Line::default();
        for (port, a, read, ack, data) in all {
            let reg = if port == 0 { RegSel::dp(a << 2) } else { RegSel::ap(a << 2) };
            line.ack(reg, read, Ack(ack), data);
        }
        let _ = crate::fold::fold(&line.lift(), &crate::fold::Breaks::default());
    }
}

/// What is assumed of a list, and the accesses that come of it, each with how sure it is.
fn assuming(line: &Line, assume: Assume) -> Vec<(u32, Certainty)> {
    let lifted = lift(&line.0, assume).events;
    lifted.iter().filter_map(|e| Some((access_of(e)?.access.at.0, e.certainty))).collect()
}

#[test]
fn a_capture_that_begins_behind_select_is_lifted_as_usual_and_says_so() {
    let mut line = Line::default();
    line.w(TAR, 0x2000_0020).w(DRW, 1).w(TAR, 0xE000_EDF0).r(DRW, 0).r(RDBUFF, 3);
    let usual = [(0x2000_0020, Certainty::Assumed), (0xE000_EDF0, Certainty::Assumed)];
    assert_eq!(assuming(&line, Assume::Usual), usual);
    assert_eq!(assuming(&line, Assume::Selected { ap: 0, bank: 0 }), usual);
    assert_eq!(assuming(&line, Assume::Nothing), []);
    assert_eq!(lift(&line.0, Assume::Nothing).events.len(), 4, "they are there as they are");
}

#[test]
fn the_access_port_of_the_beginning_is_the_one_that_is_chosen_first() {
    let mut line = Line::default();
    line.w(TAR, 0x2000_0020).w(DRW, 1).w(SELECT, 0x0300_0000);
    let first = lift(&line.0, Assume::Usual).events;
    assert_eq!(access_of(&first[1]).map(|a| a.access.ap), Some(ApSel(3)));
}

#[test]
fn what_was_not_seen_of_csw_is_assumed_for_the_first_access_at_an_address_only() {
    let mut line = Line::default();
    line.w(SELECT, 0).w(TAR, 0x2000_0020).w(DRW, 1).w(DRW, 2).w(TAR, 0x2000_0031).w(DRW, 3);
    assert_eq!(assuming(&line, Assume::Usual), [(0x2000_0020, Certainty::Assumed)]);
    line.w(CSW, WORDS).w(TAR, 0x2000_0040).w(DRW, 4);
    assert_eq!(assuming(&line, Assume::Usual)[1..], [(0x2000_0040, Certainty::Explicit)]);
}

#[test]
fn a_tar_of_an_assumed_bank_is_as_sure_as_the_bank() {
    let mut line = Line::default();
    line.w(TAR, 0xE000_EDF0).w(SELECT, 0x10).r(RegSel::ap(4), 0).r(RDBUFF, 3);
    assert_eq!(assuming(&line, Assume::Usual), [(0xE000_EDF4, Certainty::Assumed)]);
}

#[test]
fn a_beginning_that_does_not_fit_bank_0_is_left_as_it_is() {
    let mut line = Line::default();
    line.w(RegSel::ap(4), 1).w(RegSel::ap(8), 2).w(DRW, 3);
    assert_eq!(assuming(&line, Assume::Usual), []);
    let mut reads = Line::default();
    reads.r(DRW, 1).r(RDBUFF, 2);
    assert_eq!(assuming(&reads, Assume::Usual), []);
}

#[test]
fn behind_a_hole_nothing_is_assumed() {
    let mut line = Line::default();
    line.w(TAR, 0x2000_0020).w(DRW, 1);
    let lost = Wired::plain(OnWire::Lost);
    line.0.push(Event { body: Body::Wire(lost), ..line.0[0].clone() });
    line.w(TAR, 0x2000_0030).w(DRW, 1);
    assert_eq!(assuming(&line, Assume::Usual), [(0x2000_0020, Certainty::Assumed)]);
}

/// DPIDR of a debug port of ADIv6, as an RP2350 has it.
const DPV3: u32 = 0x4C01_3477;

#[test]
fn select_of_adiv6_holds_an_address_and_the_registers_lie_0xd00_above_it() {
    let mut line = Line::default();
    line.r(RegSel::dp(0), DPV3).w(SELECT, 0x0000_2DF0).r(RegSel::ap(0xC), 0).r(RDBUFF, 0x3477_0008);
    line.w(SELECT, 0x0000_2D00).w(CSW, WORDS).w(TAR, 0x2000_0000).w(DRW, 7);
    line.w(SELECT, 0x0000_4D10).w(RegSel::ap(0), 1).w(SELECT, 0x0000_2D10).w(RegSel::ap(0xC), 9);
    let lifted = lift(&line.0, Assume::Usual);
    assert_eq!(lifted.ports, [0x2000, 0x4000]);
    let lines: Vec<String> = lifted.events.iter().map(crate::line).collect();
    assert!(lines.contains(&"read AP0 IDR 0x3477_0008".to_owned()), "{lines:?}");
    assert!(lines.contains(&"write AP1 BD0 0x0000_0001 (TAR not known)".to_owned()), "{lines:?}");
    assert_eq!(line.accesses(), [(0x2000_0000, true, Some(7)), (0x2000_000C, true, Some(9))]);
}

#[test]
fn select1_chooses_the_upper_half_of_the_address() {
    let mut line = Line::default();
    line.r(RegSel::dp(0), DPV3).w(SELECT, 5).w(RegSel::dp(4), 0x12).w(SELECT, 0x0000_3D00).w(CSW, WORDS);
    line.w(SELECT, 5).w(RegSel::dp(4), 0).w(SELECT, 0x0000_3D00).w(CSW, WORDS);
    let lifted = lift(&line.0, Assume::Nothing);
    assert_eq!(lifted.ports, [0x12_0000_3000, 0x3000]);
    assert!(lifted.events.iter().map(crate::line).any(|line| line.contains("SELECT1")));
}

#[test]
fn direct_access_registers_of_adiv6_reach_the_kibibyte_around_tar() {
    let mut line = Line::default();
    line.r(RegSel::dp(0), DPV3).w(SELECT, 0x2D00).w(CSW, WORDS).w(TAR, 0x4000_0404);
    line.w(SELECT, 0x2120).w(RegSel::ap(4), 5).w(SELECT, 0x2D00).w(DRW, 6);
    assert_eq!(line.accesses(), [(0x4000_0524, true, Some(5)), (0x4000_0404, true, Some(6))]);
}

#[test]
fn what_is_no_port_for_memory_keeps_its_offset() {
    let mut line = Line::default();
    line.r(RegSel::dp(0), DPV3).w(SELECT, 0).r(RegSel::ap(0), 0).r(RDBUFF, 0x2003);
    line.w(SELECT, 0xFE0)
        .r(RegSel::ap(4), 0)
        .r(RDBUFF, 0xB4)
        .w(SELECT, 0xCF0)
        .r(RegSel::ap(8), 0)
        .r(RDBUFF, 1);
    let lines: Vec<String> = line.lift().iter().map(crate::line).collect();
    for expected in [
        "read AP0 register 0x000 0x0000_2003",
        "read AP0 register 0xFE4 0x0000_00B4",
        "read AP0 register 0xCF8 0x0000_0001",
    ] {
        assert!(lines.iter().any(|line| line == expected), "{expected}: {lines:?}");
    }
}

#[test]
fn another_dpidr_makes_select_unknown_until_it_is_written_again() {
    let mut line = Line::default();
    line.at(WORDS, 0x2000_0000).w(DRW, 1).r(RegSel::dp(0), DPV3).w(DRW, 2);
    assert_eq!(line.accesses().len(), 1);
    let mut same = Line::default();
    same.at(WORDS, 0x2000_0000).w(DRW, 1).r(RegSel::dp(0), 0x6BA0_2477).w(DRW, 2);
    assert_eq!(same.accesses().len(), 2);
}

#[test]
fn another_target_on_the_line_has_a_select_of_its_own() {
    let targetsel = |line: &mut Line, value| {
        line.w(RegSel::dp(0xC), value);
    };
    let mut line = Line::default();
    targetsel(&mut line, 0x0100_2927);
    line.at(WORDS, 0x2000_0000).w(DRW, 1);
    targetsel(&mut line, 0x0100_2927);
    line.w(DRW, 2);
    targetsel(&mut line, 0x1100_2927);
    line.w(DRW, 3);
    assert_eq!(line.accesses(), [(0x2000_0000, true, Some(1)), (0x2000_0004, true, Some(2))]);
}

use crate::script::{Script, lines};
use wire::{Level, MarkKind};

fn folded(script: &Script) -> Vec<String> {
    lines(&script.trace(), Level::Access)
}

#[test]
fn polls_of_one_register_are_one_event_with_count_time_and_last_value() {
    let mut script = Script::new();
    script.ap1().peek(0x4002_2020, 1).peek(0x4002_2020, 1).peek(0x4002_2020, 0);
    assert_eq!(folded(&script), ["AP1 read 0x4002_2020 0x0000_0000, first 0x0000_0001 ×3 over 500.0 µs"]);
}

#[test]
fn words_of_a_block_are_one_event_with_its_length() {
    let mut script = Script::new();
    script.ap1().poke(0x2000_0000, 1).poke(0x2000_0004, 2).poke(0x2000_0008, 3).poke(0x2000_0010, 4);
    assert_eq!(
        folded(&script),
        ["AP1 write 0x2000_0000, 12 bytes, first 0x0000_0001", "AP1 write 0x2000_0010 0x0000_0004"]
    );
}

#[test]
fn neighbouring_peripheral_registers_stay_apart() {
    let mut script = Script::new();
    script.ap1().peek(0x4002_2050, 1).peek(0x4002_2054, 2);
    assert_eq!(folded(&script).len(), 2);
}

#[test]
fn a_register_whose_reads_have_effects_is_never_folded() {
    let mut script = Script::new();
    script.ap1().peek(0x4402_4104, 1).peek(0x4402_4104, 1);
    assert_eq!(folded(&script).len(), 2);
}

#[test]
fn repeated_writes_are_never_folded() {
    let mut script = Script::new();
    script.ap1().poke(0x4002_2030, 1).poke(0x4002_2030, 1);
    assert_eq!(folded(&script).len(), 2);
}

#[test]
fn nothing_is_folded_over_the_beginning_of_a_step() {
    let mut script = Script::new();
    script.ap1().peek(0x4002_2020, 1).mark(MarkKind::Step, "next").peek(0x4002_2020, 1);
    assert_eq!(folded(&script).len(), 2);
    let mut script = Script::new();
    script.ap1().peek(0x4002_2020, 1).mark(MarkKind::Sleep, "1 ms").peek(0x4002_2020, 1);
    assert_eq!(folded(&script).len(), 1);
}

const SR: u32 = 0x4002_2020;
const KR: u32 = 0x4000_3000;
const RAM: u32 = 0x2000_0000;

/// The rows of level 3: an event as its line, a loop as its count, and what is in it indented.
fn rows(script: &Script) -> Vec<String> {
    fn put(trace: &crate::Trace, row: &super::Row, depth: usize, out: &mut Vec<String>) {
        let indent = " ".repeat(depth);
        match &row.what {
            super::What::Event => {
                let line = crate::line(&trace.events(Level::Access)[row.events.start]);
                let stride = if row.stride == 0 { String::new() } else { format!(" {:+}", row.stride) };
                out.push(format!("{indent}{line}{stride}"));
            }
            super::What::Loop(found) => {
                out.push(format!("{indent}×{}", found.turns));
                found.body.iter().for_each(|row| put(trace, row, depth + 1, out));
            }
        }
    }
    let trace = script.trace();
    let mut out = Vec::new();
    trace.rows(Level::Access).iter().for_each(|row| put(&trace, row, 0, &mut out));
    out
}

/// Feeds the watchdog and looks whether it is done, so often.
fn fed(script: &mut Script, times: usize) -> &mut Script {
    for _ in 0..times {
        script.poke(KR, 0xAAAA).peek(SR, 1).peek(SR + 8, 0);
    }
    script
}

#[test]
fn a_loop_of_several_accesses_with_a_write_inside_is_one_row() {
    let mut script = Script::new();
    fed(script.ap1(), 5).poke(SR + 8, 1);
    let found = rows(&script);
    assert_eq!(found[0], "×5");
    assert_eq!(found.len(), 1 + 3 + 1, "{found:?}");
    assert_eq!(found[1], " AP1 write 0x4000_3000 0x0000_AAAA");
}

#[test]
fn twice_is_no_loop() {
    let mut script = Script::new();
    fed(script.ap1(), 2);
    assert_eq!(rows(&script).len(), 6);
}

#[test]
fn loops_in_a_loop_are_folded_with_their_own_counts() {
    let mut script = Script::new();
    script.ap1();
    for turn in 0..4 {
        fed(&mut script, 3 + turn).poke(SR + 8, 1);
    }
    let found = rows(&script);
    assert_eq!((found[0].as_str(), found[1].as_str(), found.len()), ("×4", " ×3", 6), "{found:?}");
}

#[test]
fn addresses_in_memory_may_move_on_by_the_same_step() {
    let mut script = Script::new();
    script.ap1();
    (0..6).for_each(|n| {
        script.peek(RAM + 16 * n, n).peek(SR, 0);
    });
    assert_eq!(
        rows(&script),
        ["×6", " AP1 read 0x2000_0000 0x0000_0000 +16", " AP1 read 0x4002_2020 0x0000_0000"]
    );
    let mut uneven = Script::new();
    uneven.ap1();
    [0, 16, 32, 40, 60].iter().for_each(|n| {
        uneven.peek(RAM + n, 0).peek(SR, 0);
    });
    assert_eq!(rows(&uneven).len(), 3 + 4, "{:?}", rows(&uneven));
}

#[test]
fn registers_that_are_read_one_after_the_other_stay_apart() {
    let mut script = Script::new();
    script.ap1();
    (0..6).for_each(|n| {
        script.peek(0x4002_2050 + 4 * n, 0);
    });
    assert_eq!(rows(&script).len(), 6);
}

#[test]
fn nothing_is_folded_over_a_fault_a_reset_or_a_silence() {
    let fault = |s: &mut Script| {
        s.ask(&[0x05, 0, 1, 1 | 2 | 0xC], &[0x05, 0, 4]);
    };
    let reset = |s: &mut Script| {
        s.ask(&[0x10, 0, 0x80, 0, 0, 0, 0], &[0x10, 0]);
    };
    let silence = |s: &mut Script| s.at += std::time::Duration::from_secs(2);
    for between in [fault, reset, silence] {
        let mut script = Script::new();
        fed(script.ap1(), 3);
        between(&mut script);
        fed(&mut script, 3);
        let loops = rows(&script).iter().filter(|row| *row == "×3").count();
        assert_eq!(loops, 2, "{:?}", rows(&script));
        assert_eq!(rows(&script).iter().filter(|row| row.starts_with('×')).count(), 2);
    }
}

#[test]
fn a_silence_parts_the_polls_of_one_register_too() {
    let mut script = Script::new();
    script.ap1().peek(SR, 1).peek(SR, 1);
    script.at += std::time::Duration::from_secs(2);
    script.peek(SR, 0);
    assert_eq!(folded(&script).len(), 2);
}

#[test]
fn every_row_expands_to_its_originals_and_nothing_is_missing() {
    let mut script = Script::new();
    fed(script.ap1(), 7).poke(RAM, 1).poke(RAM + 4, 2).poke(RAM + 8, 3).peek(SR, 1).peek(SR, 0);
    let trace = script.trace();
    for level in [Level::Access, Level::Meaning, Level::Action] {
        let mut end = 0;
        let mut events = 0;
        for row in trace.rows(level) {
            assert_eq!(row.events.start, events);
            let originals = trace.originals(level, row.events.clone());
            assert_eq!(originals.start, end, "{level:?} {row:?}");
            (end, events) = (originals.end, row.events.end);
        }
        assert_eq!((end, events), (trace.accesses().len(), trace.events(level).len()));
    }
    let first = &trace.rows(Level::Access)[0];
    let all = trace.accesses().get(trace.originals(Level::Access, first.events.clone())).unwrap();
    assert_eq!(all.iter().filter(|event| matches!(event.body, crate::Body::Access(_))).count(), 21);
}

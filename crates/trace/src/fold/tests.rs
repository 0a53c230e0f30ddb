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

use crate::Trace;
use crate::script::{Script, lines, st};
use wire::{Level, Secret};

fn accesses(trace: &Trace) -> Vec<String> {
    trace.accesses().iter().map(crate::line).collect()
}

const OK: [u8; 2] = [0x80, 0];

fn status(code: u8, fault: u32) -> Vec<u8> {
    let mut answer = vec![code, 0, 0, 0];
    answer.extend(fault.to_le_bytes());
    answer.extend([0; 4]);
    answer
}

/// WRITEDEBUGREG.
fn poke(at: u32, value: u32) -> Vec<u8> {
    let mut command = vec![0xF2, 0x35];
    command.extend(at.to_le_bytes());
    command.extend(value.to_le_bytes());
    command.push(1);
    st(&command)
}

fn block(op: u8, at: u32, len: u16) -> Vec<u8> {
    let mut command = vec![0xF2, op];
    command.extend(at.to_le_bytes());
    command.extend(len.to_le_bytes());
    command.push(1);
    st(&command)
}

#[test]
fn a_block_is_one_access_for_each_value_once_its_status_is_known() {
    let mut script = Script::new();
    script.send(&block(0x48, 0x2000_0000, 4)).send(&[1, 2, 3, 4]).ask(&st(&[0xF2, 0x3E]), &status(0x80, 0));
    script.ask(&block(0x0C, 0x2000_0001, 1), &[7, 0]).ask(&st(&[0xF2, 0x3B]), &OK);
    script.ask(&block(0x54, 0x4002_2020, 8), &[1, 0, 0, 0, 0, 0, 0, 0]);
    script.ask(&st(&[0xF2, 0x3E]), &status(0x80, 0));
    assert_eq!(
        accesses(&script.trace()),
        [
            "AP1 write 0x2000_0000 0x0201",
            "AP1 write 0x2000_0002 0x0403",
            "AP1 read 0x2000_0001 0x07",
            "AP1 read 0x4002_2020 0x0000_0001",
            "AP1 read 0x4002_2020 0x0000_0000",
        ]
    );
}

#[test]
fn a_block_whose_status_nobody_asks_for_is_inferred_to_have_gone_well() {
    let mut script = Script::new();
    script.send(&block(0x08, 0x2000_0000, 4)).send(&[1, 2, 3, 4]).ask(&st(&[0xF5]), &[2, 0]);
    assert_eq!(accesses(&script.trace()), ["AP1 write 0x2000_0000 0x0403_0201 [inferred]"]);
}

#[test]
fn a_fault_ends_a_block_at_the_address_that_the_probe_names() {
    let mut script = Script::new();
    script.send(&block(0x08, 0x2000_0000, 12)).send(&[0x11; 12]);
    script.ask(&st(&[0xF2, 0x3E]), &status(0x11, 0x2000_0004));
    assert_eq!(
        accesses(&script.trace()),
        ["AP1 write 0x2000_0000 0x1111_1111 [inferred]", "AP1 write 0x2000_0004 0x1111_1111 -> FAULT"]
    );
}

#[test]
fn a_fault_somewhere_in_a_block_is_a_refusal_of_all_of_it() {
    let mut script = Script::new();
    script.ask(&block(0x07, 0x2000_0000, 8), &[0; 8]).ask(&st(&[0xF2, 0x3B]), &[0x11, 0]);
    assert_eq!(accesses(&script.trace()), ["AP1 read 0x2000_0000, 8 bytes, first ? -> FAULT"]);
}

#[test]
fn a_command_that_is_repeated_after_wait_is_one_access() {
    let mut script = Script::new();
    for answer in [0x10, 0x10, 0x80] {
        script.ask(&poke(0x2000_0000, 5), &[answer, 0]);
    }
    script.send(&block(0x08, 0x2000_0000, 4)).send(&[1, 0, 0, 0]).ask(&st(&[0xF2, 0x3E]), &status(0x10, 0));
    script.send(&block(0x08, 0x2000_0000, 4)).send(&[1, 0, 0, 0]).ask(&st(&[0xF2, 0x3E]), &status(0x80, 0));
    assert_eq!(
        accesses(&script.trace()),
        ["AP1 write 0x2000_0000 0x0000_0005 (2 WAIT)", "AP1 write 0x2000_0000 0x0000_0001 (1 WAIT)"]
    );
}

#[test]
fn a_wait_that_is_followed_by_something_else_stands_alone() {
    let mut script = Script::new();
    script.ask(&poke(0x2000_0000, 5), &[0x10, 0]).ask(&poke(0x2000_0000, 6), &OK);
    assert_eq!(
        accesses(&script.trace()),
        ["AP1 write 0x2000_0000 0x0000_0005 (1 WAIT) -> WAIT", "AP1 write 0x2000_0000 0x0000_0006"]
    );
}

#[test]
fn what_the_probe_itself_refuses_is_no_access() {
    let mut script = Script::new();
    script.ask(&poke(0x2000_0000, 5), &[0x1D, 0]);
    assert_eq!(
        accesses(&script.trace()),
        ["by the probe: WRITEDEBUGREG AP1 0x2000_0000 := 0x0000_0005: bad AP [hidden in the probe]"]
    );
}

#[test]
fn a_lost_answer_leaves_open_whether_a_write_was_done() {
    let mut script = Script::new();
    script.send(&poke(0x2000_0000, 5)).receive_secret(&[], -108, &Secret::NONE);
    let found = accesses(&script.trace());
    assert!(found[0].contains("no answer; whether it was done is not known"), "{found:?}");
    assert_eq!(found.len(), 1);
}

#[test]
fn a_list_of_words_is_one_access_for_each_word_with_its_own_outcome() {
    let items = [(5u8, 1u32), (1, 0x2000_0000), (2, 0x1122_3344), (3, 0xE000_ED00), (3, 0x9000_0000)];
    let mut list: Vec<u8> = items.iter().map(|(op, _)| *op).collect();
    list.resize(8, 0);
    list.extend(items.iter().flat_map(|(_, word)| word.to_le_bytes()));
    let mut results: Vec<u8> = [0u32, 0, 0, 0x410F_D241, 0].iter().flat_map(|v| v.to_le_bytes()).collect();
    results.extend([0x80u32, 0x80, 0x80, 0x80, 0x11].iter().flat_map(|v| v.to_le_bytes()));
    let mut script = Script::new();
    script.send(&st(&[0xF2, 0x51, 5])).send(&list).ask(&st(&[0xF2, 0x52]), &results);
    assert_eq!(
        accesses(&script.trace()),
        [
            "AP1 write 0x2000_0000 0x1122_3344",
            "AP1 read 0xE000_ED00 0x410F_D241",
            "AP1 read 0x9000_0000 -> FAULT"
        ]
    );
    script.send(&st(&[0xF2, 0x51, 5])).send(&list).ask(&st(&[0xF5]), &[2, 0]);
    let found = accesses(&script.trace());
    assert!(found[3].contains("nobody asked"), "{found:?}");
}

#[test]
fn registers_written_one_by_one_are_lifted_to_memory_accesses() {
    let mut script = Script::new();
    let mut register = |offset: u8, value: u32| {
        let mut command = vec![0xF2, 0x46, 1, 0, offset, 0];
        command.extend(value.to_le_bytes());
        script.ask(&st(&command), &OK);
    };
    register(0x00, 0x2300_0002);
    register(0x04, 0x2000_0010);
    register(0x0C, 7);
    register(0x14, 8);
    script.ask(&st(&[0xF2, 0x45, 1, 0, 0x0C, 0]), &[0x80, 0, 0, 0, 9, 0, 0, 0]);
    // A memory command moves TAR and CSW behind the host's back.
    script.ask(&block(0x07, 0x2000_0000, 4), &[0; 4]).ask(&st(&[0xF2, 0x3B]), &OK);
    script.ask(&st(&[0xF2, 0x45, 1, 0, 0x0C, 0]), &[0x80, 0, 0, 0, 9, 0, 0, 0]);
    let trace = script.trace();
    assert_eq!(
        lines(&trace, Level::Access),
        [
            "AP1 write 0x2000_0010, 8 bytes, first 0x0000_0007",
            "AP1 read 0x2000_0010 0x0000_0009",
            "AP1 read 0x2000_0000 0x0000_0000",
            "read AP1 DRW 0x0000_0009 (CSW not seen)",
        ]
    );
}

#[test]
fn core_registers_and_a_system_reset_are_the_actions_that_they_are_with_any_other_probe() {
    let mut script = Script::new();
    script.ask(&st(&[0xF2, 0x33, 15, 1]), &[0x80, 0, 0, 0, 0x34, 0x12, 0, 8]);
    script.ask(&st(&[0xF2, 0x34, 0, 1, 0, 0, 0, 1]), &OK);
    script.ask(&st(&[0xF2, 0x32]), &OK);
    let found = lines(&script.trace(), Level::Action);
    assert_eq!(
        found,
        [
            "core PC = 0x0800_1234 [inferred]",
            "core R0 := 0x0000_0001 [inferred]",
            "system reset (AIRCR.SYSRESETREQ) [inferred]"
        ]
    );
}

#[test]
fn entering_debug_mode_and_opening_a_port_is_one_connect() {
    let mut script = Script::new();
    script.ask(&st(&[0xF2, 0x30, 0xA3]), &OK);
    script.ask(&st(&[0xF2, 0x45, 0xFF, 0xFF, 0, 0]), &[0x80, 0, 0, 0, 0x14, 0, 0xE0, 0x6B]);
    script.ask(&st(&[0xF2, 0x4B, 1, 0]), &OK);
    assert_eq!(
        lines(&script.trace(), Level::Action),
        ["connect: enter SWD, DPIDR 0x6BE0_0014, open AP1 [hidden in the probe]"]
    );
}

use crate::Trace;
use crate::read::Protocol;
use crate::script::{Script, lines, st, with_a_hole};
use proptest::prelude::*;
use wire::{Level, Secret};

fn commands(trace: &Trace) -> Vec<String> {
    lines(trace, Level::Command)
}

#[test]
fn commands_are_told_with_their_arguments_and_their_status() {
    let mut script = Script::new();
    script.ask(&st(&[0xF1]), &[0x2B, 0x40, 0x83, 0x04, 0x4B, 0x37]);
    script.ask(&st(&[0xF5]), &[1, 0]);
    script.ask(&st(&[0xF2, 0x30, 0xA3]), &[0x80, 0]);
    script.ask(&st(&[0xF2, 0x4B, 1, 1]), &[0x1D, 0]);
    script.ask(&st(&[0xF2, 0x36, 0, 0xED, 0, 0xE0, 1]), &[0x80, 0, 0, 0, 0x41, 0xD2, 0x0F, 0x41]);
    let trace = script.trace();
    assert_eq!(trace.protocol(), Some(Protocol::StLink));
    assert_eq!(
        commands(&trace),
        [
            "GET_VERSION -> V2J45",
            "GET_CURRENT_MODE -> mass storage",
            "ENTER SWD -> OK",
            "INIT_AP AP1, core 1 -> bad AP",
            "READDEBUGREG AP1 0xE000_ED00 -> OK, 0x410F_D241",
        ]
    );
}

#[test]
fn the_data_of_a_write_belong_to_the_command_and_are_no_command_themselves() {
    let mut script = Script::new();
    // The data look like a command.
    script.send(&st(&[0xF2, 0x08, 0, 0, 0, 0x20, 16, 0, 1])).send(&st(&[0xF2, 0x3C, 0]));
    script.ask(&st(&[0xF2, 0x3E]), &[0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    let trace = script.trace();
    assert_eq!(
        commands(&trace),
        [
            "WRITEMEM_32BIT AP1 0x2000_0000, 16 bytes: F2 3C 00 00 00 00 00 00 00 00 00 00 00 00 00 00",
            "GETLASTRWSTATUS2 -> OK",
        ]
    );
    assert!(lines(&trace, Level::Transaction).is_empty());
}

#[test]
fn an_answer_in_parts_is_one_answer() {
    let read = st(&[0xF2, 0x07, 0, 0, 0, 0x20, 72, 0, 1]);
    let mut script = Script::new();
    script.send(&read).receive(&[0x11; 64]).receive(&[0x22; 8]);
    let trace = script.trace();
    assert_eq!(commands(&trace).len(), 1);
    assert_eq!(trace.accesses().len(), 18);
}

#[test]
fn an_answer_that_ends_early_is_said_to_be_short_and_the_next_command_keeps_its_own() {
    let mut script = Script::new();
    script.send(&st(&[0xF2, 0x07, 0, 0, 0, 0x20, 72, 0, 1])).receive(&[0x11; 10]);
    script.ask(&st(&[0xF5]), &[2, 0]);
    assert_eq!(
        commands(&script.trace()),
        [
            "READMEM_32BIT AP1 0x2000_0000, 72 bytes -> answer cannot be read: READMEM_32BIT: 72 bytes wanted, 10 left",
            "GET_CURRENT_MODE -> debug"
        ]
    );
}

#[test]
fn a_command_without_an_answer_is_unanswered_and_an_answer_without_a_command_is_stale() {
    let mut script = Script::new();
    script.receive(&[0x80, 0]);
    script.send(&st(&[0xF2, 0x36, 0, 0xED, 0, 0xE0, 1])).receive_secret(&[], -2, &Secret::NONE);
    script.ask(&st(&[0xF5]), &[2, 0]);
    assert_eq!(
        commands(&script.trace()),
        [
            "80 00 -> stale answer, without a request",
            "READDEBUGREG AP1 0xE000_ED00 -> no answer",
            "GET_CURRENT_MODE -> debug"
        ]
    );
}

#[test]
fn registers_and_the_reset_pin_are_all_of_the_wire_that_the_commands_spell_out() {
    let mut script = Script::new();
    script.ask(&st(&[0xF2, 0x45, 0xFF, 0xFF, 0, 0]), &[0x80, 0, 0, 0, 0x14, 0, 0xE0, 0x6B]);
    script.ask(&st(&[0xF2, 0x45, 1, 0, 0xFC, 0]), &[0x80, 0, 0, 0, 1, 0, 0xE0, 0x14]);
    script.ask(&st(&[0xF2, 0x46, 0xFF, 0xFF, 4, 0, 0, 0, 0, 0x50]), &[0x80, 0]);
    script.ask(&st(&[0xF2, 0x46, 1, 0, 0, 0, 1, 2, 3, 4]), &[0x10, 0]);
    script.ask(&st(&[0xF2, 0x3C, 2]), &[0x80, 0]);
    assert_eq!(
        lines(&script.trace(), Level::Transaction),
        [
            "DP read 0x0 OK 0x6BE0_0014",
            "AP read 0xC OK 0x14E0_0001 [inferred]",
            "DP write 0x4 OK 0x5000_0000",
            "AP write 0x0 WAIT",
            "nRESET low",
            "nRESET released"
        ]
    );
}

#[test]
fn a_secret_value_is_hidden_at_every_level() {
    let mut secret = Secret::NONE;
    secret.add(6..10);
    let mut script = Script::with(crate::Secrets::Shown);
    script
        .send_secret(&st(&[0xF2, 0x35, 0, 0, 0, 0x20, 0xDE, 0xC0, 0xAD, 0x0B, 1]), &secret)
        .receive(&[0x80, 0]);
    let mut data = Secret::NONE;
    data.add(4..8);
    script.send(&st(&[0xF2, 0x08, 0, 0, 0, 0x20, 8, 0, 1]));
    script.send_secret(&[1, 0, 0, 0, 0xDE, 0xC0, 0xAD, 0x0B], &data);
    script.send(&st(&[0xF2, 0x36, 0, 0, 0, 0x20, 1]));
    script.receive_secret(&[0x80, 0, 0, 0, 0xDE, 0xC0, 0xAD, 0x0B], 0, &data);
    let trace = script.trace();
    for level in [Level::Command, Level::Access, Level::Meaning, Level::Action] {
        for line in lines(&trace, level) {
            assert!(!line.to_uppercase().contains("DE C0") && !line.contains("0BAD"), "{line}");
        }
    }
    assert!(lines(&trace, Level::Access).iter().filter(|line| line.contains("«secret»")).count() >= 3);
    assert_eq!(trace.writes().iter().filter(|write| write.value.is_none()).count(), 2);
}

/// A piece of a conversation: mostly commands, sometimes anything.
fn piece() -> impl Strategy<Value = (bool, Vec<u8>, i32)> {
    let op = prop_oneof![0x05u8..0x10, 0x30u8..0x64];
    let args = proptest::collection::vec(prop_oneof![Just(0u8), Just(1), Just(8), any::<u8>()], 14);
    let command = (op, args).prop_map(|(op, args)| [vec![0xF2, op], args].concat());
    let data = proptest::collection::vec(any::<u8>(), 0..80);
    let answer = proptest::collection::vec(prop_oneof![Just(0u8), Just(0x10), Just(0x80)], 0..24);
    prop_oneof![
        4 => command.prop_map(|bytes| (true, bytes, 0)),
        1 => data.clone().prop_map(|bytes| (true, bytes, 0)),
        3 => answer.prop_map(|bytes| (false, bytes, 0)),
        1 => data.prop_map(|bytes| (false, bytes, 0)),
        1 => Just((false, Vec::new(), -2)),
    ]
}

proptest! {
    #[test]
    fn no_conversation_however_strange_is_too_much(
        pieces in proptest::collection::vec(piece(), 0..60), cut in any::<prop::sample::Index>(),
    ) {
        let mut script = Script::new();
        script.ask(&st(&[0xF5]), &[2, 0]);
        for (out, bytes, status) in &pieces {
            if *out {
                script.send(bytes);
            } else {
                script.receive_secret(bytes, *status, &Secret::NONE);
            }
        }
        let bytes = script.bytes();
        for bytes in [&bytes[..], &bytes[..cut.index(bytes.len() - 4) + 4]] {
            let trace = crate::open(bytes).unwrap();
            for level in Level::ALL {
                let _ = lines(&trace, level);
            }
            let _ = crate::Stat::of(&trace);
            if trace.protocol().is_some() {
                prop_assert!(crate::diff::diff(&trace, &trace, crate::diff::Equality::Polls).unwrap().same());
            }
        }
    }
}

#[test]
fn behind_a_hole_the_length_of_results_is_not_known() {
    let mut script = Script::new();
    script.send(&st(&[0xF2, 0x51, 1])).send(&[3, 0, 0, 0, 0, 0xED, 0, 0xE0]);
    let place = script.trace().events(Level::Usb).len();
    // Results of a list that was not recorded, and that had nine items.
    script.ask(&st(&[0xF2, 0x52]), &[0; 64]).receive(&[0; 8]).ask(&st(&[0xF5]), &[2, 0]);
    let holed = commands(&with_a_hole(&script, place));
    assert!(holed[2].starts_with("RW_MISC_IN -> 9 results"), "{holed:?}");
    assert_eq!(holed[3..], ["GET_CURRENT_MODE -> debug"], "{holed:?}");
    let whole = commands(&script.trace());
    assert!(whole[2].contains("stale"), "behind a list of one item there is no more: {whole:?}");
}

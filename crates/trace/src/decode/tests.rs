use super::*;
use crate::Trace;
use crate::script::{AP, DP, READ, Script, lines, with_a_hole};
use wire::Secret;

fn commands(trace: &Trace) -> Vec<String> {
    lines(trace, Level::Command)
}

fn wire_lines(trace: &Trace) -> Vec<String> {
    lines(trace, Level::Transaction)
}

#[test]
fn answers_belong_to_requests_in_order_when_several_are_under_way() {
    let mut script = Script::new();
    script.send(&[0x05, 0, 1, DP | READ]).send(&[0x05, 0, 1, DP | READ | 4]);
    script.receive(&[0x05, 1, 1, 0x77, 0x24, 0xA0, 0x6B]).receive(&[0x05, 1, 1, 0, 0, 0, 0xF0]);
    assert_eq!(wire_lines(&script.trace()), ["DP read 0x0 OK 0x6BA0_2477", "DP read 0x4 OK 0xF000_0000"]);
}

#[test]
fn an_answer_from_before_the_recording_is_stale_and_pairs_with_nothing() {
    let mut script = Script::new();
    script.send(&[0x00, 0xFE]).receive(&[0x05, 1, 1]).receive(&[0x00, 1, 4]);
    let trace = script.trace();
    assert_eq!(commands(&trace).len(), 2);
    assert!(commands(&trace)[0].starts_with("DAP_Info"), "{:?}", commands(&trace));
    assert!(commands(&trace)[1].ends_with("stale answer, without a request"), "{:?}", commands(&trace));
}

#[test]
fn a_transfer_abort_is_not_waited_for() {
    let mut script = Script::new();
    script.send(&[0x05, 0, 1, DP | READ]).send(&[0x07]).receive(&[0x05, 1, 1, 1, 0, 0, 0]);
    let trace = script.trace();
    assert_eq!(commands(&trace), ["DAP_Transfer read DP 0x0 -> 1 done, OK", "DAP_TransferAbort"]);
}

#[test]
fn a_lone_ff_answers_the_oldest_request() {
    let mut script = Script::new();
    script.ask(&[0x7F, 0], &[0xFF]);
    assert_eq!(commands(&script.trace()), ["DAP_ExecuteCommands [] -> not implemented"]);
}

#[test]
fn padding_of_a_report_is_not_read() {
    let mut script = Script::new();
    let mut request = vec![0x05, 0, 1, DP | READ];
    request.resize(64, 0x32);
    let mut answer = vec![0x05, 1, 1, 0x77, 0x24, 0xA0, 0x6B];
    answer.resize(64, 0x2E);
    script.ask(&request, &answer);
    assert_eq!(wire_lines(&script.trace()), ["DP read 0x0 OK 0x6BA0_2477"]);
}

#[test]
fn an_answer_that_never_came_leaves_the_next_answer_to_the_next_request() {
    let mut script = Script::new();
    script.send(&[0x05, 0, 1, DP | READ]).receive_secret(&[], -2, &Secret::NONE);
    script.ask(&[0x05, 0, 1, DP | READ | 4], &[0x05, 1, 1, 0, 0, 0, 0xF0]);
    let trace = script.trace();
    assert_eq!(commands(&trace)[0], "DAP_Transfer read DP 0x0 -> no answer");
    assert_eq!(
        wire_lines(&trace),
        [
            "no answer: what happened on the wire is not known [hidden in the probe]",
            "DP read 0x4 OK 0xF000_0000"
        ]
    );
}

#[test]
fn a_slice_of_a_longer_wait_that_is_taken_back_is_no_giving_up() {
    let mut script = Script::new();
    script.send(&[0x05, 0, 1, DP | READ]);
    let slice = script.listen();
    script.heard(slice, &[], -2, &Secret::NONE);
    let next = script.listen();
    script.send(&[0x05, 0, 1, DP | READ | 4]);
    script.heard(next, &[0x05, 1, 1, 0x77, 0x24, 0xA0, 0x6B], 0, &Secret::NONE);
    script.receive(&[0x05, 1, 1, 0, 0, 0, 0xF0]);
    assert_eq!(wire_lines(&script.trace()), ["DP read 0x0 OK 0x6BA0_2477", "DP read 0x4 OK 0xF000_0000"]);
}

#[test]
fn an_answer_that_came_late_still_belongs_to_its_request() {
    let mut script = Script::new();
    script.send(&[0x05, 0, 1, DP | READ]).receive_secret(&[], -2, &Secret::NONE);
    script.receive(&[0x05, 1, 1, 0x77, 0x24, 0xA0, 0x6B]);
    assert_eq!(wire_lines(&script.trace()), ["DP read 0x0 OK 0x6BA0_2477"]);
}

#[test]
fn two_listed_reads_of_an_access_port_are_three_transactions() {
    let mut script = Script::new();
    let read = AP | READ | 0xC;
    script.ask(&[0x05, 0, 2, read, read], &[0x05, 2, 1, 1, 0, 0, 0, 2, 0, 0, 0]);
    assert_eq!(
        wire_lines(&script.trace()),
        ["AP read 0xC OK", "AP read 0xC OK 0x0000_0001", "DP read 0xC OK 0x0000_0002 (added by the probe)",]
    );
}

#[test]
fn the_match_mask_is_remembered_from_packet_to_packet() {
    let mut script = Script::new();
    // Set the mask 0xB; then in another packet read AP 0xC until it is 0.
    script.ask(&[0x05, 0, 1, 0x20, 0x0B, 0, 0, 0], &[0x05, 1, 1]);
    script.ask(&[0x05, 0, 1, AP | READ | 0x10 | 0xC, 0, 0, 0, 0], &[0x05, 1, 1]);
    let trace = script.trace();
    let matching = trace.events(Level::Transaction).iter().find_map(|event| match &event.body {
        Body::Wire(wired) => wired.matching,
        _ => None,
    });
    assert_eq!(matching, Some(Match { mask: Some(0xB), value: 0, reached: true }));
}

#[test]
fn a_match_that_ran_out_is_not_reached() {
    let mut script = Script::new();
    script.ask(&[0x05, 0, 2, 0x20, 0x0B, 0, 0, 0, AP | READ | 0x10 | 0xC, 0, 0, 0, 0], &[0x05, 1, 0x11]);
    let trace = script.trace();
    let matching = trace.events(Level::Transaction).iter().find_map(|event| match &event.body {
        Body::Wire(wired) => wired.matching,
        _ => None,
    });
    assert_eq!(matching, Some(Match { mask: Some(0xB), value: 0, reached: false }));
}

#[test]
fn the_reset_pin_and_write_abort_are_seen() {
    let mut script = Script::new();
    script.ask(&[0x10, 0x00, 0x80, 0, 0, 0, 0], &[0x10, 0x03]);
    script.ask(&[0x10, 0x80, 0x80, 0, 0, 0, 0], &[0x10, 0x83]);
    script.ask(&[0x08, 0, 0x1E, 0, 0, 0], &[0x08, 0]);
    let lines = wire_lines(&script.trace());
    assert_eq!(lines[..2], ["nRESET low", "nRESET released"]);
    assert!(lines[2].starts_with("DP write 0x0 OK 0x0000_001E"), "{lines:?}");
}

#[test]
fn a_pin_command_that_only_reads_is_no_reset() {
    let mut script = Script::new();
    script.ask(&[0x10, 0x00, 0x00, 0, 0, 0, 0], &[0x10, 0x83]);
    assert_eq!(wire_lines(&script.trace()), [""; 0]);
}

#[test]
fn a_targetsel_write_is_told_from_other_sequences() {
    let mut script = Script::new();
    let mut request = vec![0x1D, 3, 8, 0x99, 0x85, 33];
    request.extend(0x0100_2927u32.to_le_bytes());
    request.push(0);
    script.ask(&request, &[0x1D, 0, 0x1F]);
    assert_eq!(wire_lines(&script.trace()), ["DP write 0xC OK 0x0100_2927"]);
}

#[test]
fn commands_in_one_packet_are_taken_apart() {
    let mut script = Script::new();
    script.ask(
        &[0x7F, 2, 0x05, 0, 1, DP | READ, 0x05, 0, 1, DP | READ | 4],
        &[0x7F, 2, 0x05, 1, 1, 0x77, 0x24, 0xA0, 0x6B, 0x05, 1, 1, 0, 0, 0, 0xF0],
    );
    assert_eq!(wire_lines(&script.trace()), ["DP read 0x0 OK 0x6BA0_2477", "DP read 0x4 OK 0xF000_0000"]);
}

#[test]
fn secret_items_are_secret_on_the_wire_and_others_are_not() {
    let mut script = Script::with(crate::Secrets::Shown);
    let request = [0x06, 0, 2, 0, AP | 0xC, 1, 0, 0, 0, 2, 0, 0, 0];
    script.send_secret(&request, &Secret(std::iter::once(9..13).collect())).receive(&[0x06, 2, 0, 1]);
    assert_eq!(
        wire_lines(&script.trace()),
        ["AP write 0xC OK 0x0000_0001", "AP write 0xC OK «secret»", "DP read 0xC OK (added by the probe)",]
    );
}

#[test]
fn the_secret_value_of_a_posted_read_is_hidden_where_it_appears() {
    let mut script = Script::with(crate::Secrets::Shown);
    let read = AP | READ | 0xC;
    script.send(&[0x05, 0, 2, read, read]).receive_secret(
        &[0x05, 2, 1, 1, 0, 0, 0, 2, 0, 0, 0],
        0,
        &Secret(std::iter::once(3..7).collect()),
    );
    assert_eq!(
        wire_lines(&script.trace()),
        ["AP read 0xC OK", "AP read 0xC OK «secret»", "DP read 0xC OK 0x0000_0002 (added by the probe)"]
    );
}

#[test]
fn a_transfer_names_its_registers_and_counts_repetitions() {
    let mut script = Script::new();
    let mut request = vec![0x05, 0, 6, 0x08, 0, 0, 0, 1, 0x20, 1, 0, 0, 0, 0x1F, 0, 0, 0, 0];
    request.extend([0x0F; 3]);
    script.ask(&request, &[0x05, 6, 1, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0]);
    let mut long = vec![0x05, 0, 14];
    (0..7).for_each(|_| long.extend([0x02, 0x06]));
    script.ask(&long, &[0x05, 0, 4]);
    assert_eq!(
        commands(&script.trace()),
        [
            "DAP_Transfer write DP 0x8, set mask, match AP 0xC, read AP 0xC ×3 -> 6 done, OK",
            "DAP_Transfer read DP 0x0, read DP 0x4, read DP 0x0, read DP 0x4, read DP 0x0, read DP 0x4, … (14 items) \
             -> 0 done, FAULT",
        ]
    );
}

/// Sets the match mask, and a match in a packet of its own.
const SET_MASK: [u8; 8] = [0x05, 0, 1, 0x20, 0x0F, 0, 0, 0];
const MATCH: [u8; 8] = [0x05, 0, 1, AP | READ | 0x1C, 0, 0, 0, 0];

#[test]
fn behind_a_hole_and_behind_an_unanswered_transfer_the_match_mask_is_not_known() {
    let masks = |trace: &Trace| -> Vec<Option<u32>> {
        let wire = trace.events(Level::Transaction).iter();
        wire.filter_map(|event| if let Body::Wire(wired) = &event.body { wired.matching } else { None })
            .map(|matching| matching.mask)
            .collect()
    };
    let mut script = Script::new();
    script.ask(&SET_MASK, &[0x05, 1, 1]).ask(&MATCH, &[0x05, 1, 1]);
    let place = script.trace().events(Level::Usb).len();
    script.ask(&MATCH, &[0x05, 1, 1]);
    assert_eq!(masks(&script.trace()), [Some(0x0F), Some(0x0F)]);
    assert_eq!(masks(&with_a_hole(&script, place)), [Some(0x0F), None]);
    script.send(&SET_MASK).receive_secret(&[], -110, &Secret::NONE).ask(&MATCH, &[0x05, 1, 1]);
    assert_eq!(masks(&script.trace()), [Some(0x0F), Some(0x0F), None]);
    script.ask(&SET_MASK, &[0x05, 1, 1]).send(&[0x05, 0, 1, READ]);
    script.receive_secret(&[], -110, &Secret::NONE).ask(&MATCH, &[0x05, 1, 1]);
    assert_eq!(masks(&script.trace()).last(), Some(&Some(0x0F)), "that transfer set none");
}

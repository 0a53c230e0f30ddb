use super::*;
use crate::fake::{Firmware, Trouble};
use proptest::prelude::*;
use wire::Port;

const DRW: RegSel = RegSel::ap(0xC);
const TAR: RegSel = RegSel::ap(0x4);
const CTRL_STAT: RegSel = RegSel::dp(0x4);

fn read(reg: RegSel) -> Item {
    Item { request: TransferRequest::read(reg), word: 0 }
}

fn write(reg: RegSel, word: u32) -> Item {
    Item { request: TransferRequest::write(reg), word }
}

fn transfer(items: &[Item]) -> Request {
    Request::Transfer(Transfer { index: 0, items: items.to_vec() })
}

fn steps(request: &Request, reply: &[u8]) -> Vec<Step> {
    expand(request, &Response::decode(request, reply).unwrap(), Model::Arm)
}

/// One line per step: what a reader of a trace would see.
fn shown(steps: &[Step]) -> Vec<String> {
    let line = |s: &Step| {
        let t = s.transaction;
        let port = if t.reg.port == Port::Ap { "AP" } else { "DP" };
        let direction = if t.read { "r" } else { "w" };
        let data = t.data.map_or("-".to_owned(), |d| d.to_string());
        let item = s.item.map_or("-".to_owned(), |i| i.to_string());
        let answers = s.answers.map_or("-".to_owned(), |i| i.to_string());
        format!("{port}{:X} {direction} {} {data} item {item} answers {answers}", t.reg.a, t.ack)
    };
    steps.iter().map(line).collect()
}

#[test]
fn posted_reads_are_fetched_by_the_next_read_or_by_rdbuff() {
    let request = transfer(&[read(DRW), read(DRW), read(CTRL_STAT), write(TAR, 9)]);
    let steps = steps(&request, &[0x05, 4, 1, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0]);
    assert_eq!(
        shown(&steps),
        [
            "APC r OK - item 0 answers -",
            "APC r OK 1 item 1 answers 0",
            "DPC r OK 2 item - answers 1",
            "DP4 r OK 3 item 2 answers -",
            "AP4 w OK 9 item 3 answers -",
            "DPC r OK - item - answers -",
        ]
    );
    assert_eq!(steps[2].certainty, Certainty::Deterministic);
    assert_eq!(steps[3].certainty, Certainty::Explicit);
}

#[test]
fn dap_rs_fetches_each_read_and_checks_no_write() {
    let request = transfer(&[read(DRW), read(DRW), write(TAR, 9)]);
    let response = Response::decode(&request, &[0x05, 3, 1, 1, 0, 0, 0, 2, 0, 0, 0]).unwrap();
    assert_eq!(
        shown(&expand(&request, &response, Model::DapRs)),
        [
            "APC r OK - item 0 answers -",
            "DPC r OK 1 item - answers 0",
            "APC r OK - item 1 answers -",
            "DPC r OK 2 item - answers 1",
            "AP4 w OK 9 item 2 answers -",
        ]
    );
}

#[test]
fn a_refusal_ends_the_list_at_the_transaction_that_was_refused() {
    let request = transfer(&[read(DRW), write(TAR, 9), write(DRW, 1)]);
    // The flush was refused: counted, but no value.
    assert_eq!(
        shown(&steps(&request, &[0x05, 1, 2])),
        ["APC r OK - item 0 answers -", "DPC r WAIT - item - answers -"]
    );
    // The write was refused: the value is there.
    assert_eq!(
        shown(&steps(&request, &[0x05, 1, 4, 7, 0, 0, 0])),
        ["APC r OK - item 0 answers -", "DPC r OK 7 item - answers 0", "AP4 w FAULT - item 1 answers -"]
    );
    // The check behind the last write was refused.
    let all = steps(&request, &[0x05, 3, 4, 7, 0, 0, 0]);
    assert_eq!(shown(&all).last().unwrap(), "DPC r FAULT - item - answers -");
    assert_eq!(all.len(), 5);
}

#[test]
fn where_padding_hides_which_was_refused_the_step_is_inferred() {
    let request = transfer(&[read(DRW), write(TAR, 9)]);
    let mut report = [0xAA; 64];
    report[..3].copy_from_slice(&[0x05, 1, 2]);
    let steps = steps(&request, &report);
    assert_eq!(shown(&steps)[1], "DPC r WAIT - item - answers -");
    assert_eq!(steps[1].certainty, Certainty::Inferred);
}

#[test]
fn a_value_match_of_an_access_port_reads_once_more_and_then_unknown_times() {
    let mask = Item { request: TransferRequest::set_mask(), word: 1 };
    let until = Item { request: TransferRequest::read_until(DRW), word: 0 };
    let request = transfer(&[mask, until]);
    for reply in [[0x05, 2, 0x01], [0x05, 1, 0x11]] {
        let steps = steps(&request, &reply);
        assert_eq!(shown(&steps), ["APC r OK - item - answers -", "APC r OK - item 1 answers -"]);
        assert_eq!((steps[0].repeats, steps[1].repeats), (Repeats::Once, Repeats::Unknown));
    }
    // The mismatch bit beside WAIT says that it was a later read.
    let all = steps(&request, &[0x05, 1, 0x12]);
    assert_eq!(shown(&all).last().unwrap(), "APC r WAIT - item 1 answers -");
    let all = steps(&request, &[0x05, 1, 0x02]);
    assert_eq!((all.len(), all[0].certainty), (1, Certainty::Inferred));
}

#[test]
fn a_block_of_reads_posts_one_and_fetches_the_last_from_rdbuff() {
    let request = Request::TransferBlock(TransferBlock {
        index: 0,
        count: 2,
        request: TransferRequest::read(DRW),
        words: vec![],
    });
    assert_eq!(
        shown(&steps(&request, &[0x06, 2, 0, 1, 5, 0, 0, 0, 6, 0, 0, 0])),
        ["APC r OK - item 0 answers -", "APC r OK 5 item 1 answers 0", "DPC r OK 6 item - answers 1"]
    );
}

#[test]
fn the_abort_write_is_there_and_its_ack_is_inferred() {
    let request = Request::WriteAbort { index: 0, value: 0x1E };
    let steps = steps(&request, &[0x08, 0]);
    assert_eq!(shown(&steps), ["DP0 w OK 30 item 0 answers -"]);
    assert_eq!(steps[0].certainty, Certainty::Inferred);
}

#[test]
fn a_disabled_port_causes_nothing() {
    assert!(steps(&transfer(&[read(DRW)]), &[0x05, 0, 0]).is_empty());
    assert!(steps(&transfer(&[]), &[0x05, 0, 0]).is_empty());
}

fn item(matches: bool) -> impl Strategy<Value = Item> {
    let reg = (any::<bool>(), 0u8..3)
        .prop_map(|(ap, a)| if ap { RegSel::ap(a * 4 + 4) } else { RegSel::dp(a * 4) });
    let kinds = if matches { 0u8..8 } else { 0..6 };
    (reg, kinds, any::<u32>()).prop_map(|(reg, kind, word)| match kind {
        0..3 => read(reg),
        3..6 => write(reg, word),
        6 => Item { request: TransferRequest::set_mask(), word: 3 },
        _ => Item { request: TransferRequest::read_until(reg), word: word & 3 },
    })
}

fn request(model: Model) -> impl Strategy<Value = Request> {
    let items = prop::collection::vec(item(model != Model::DapRs), 0..40).prop_map(|i| transfer(&i));
    let block = (any::<bool>(), any::<bool>(), 1u16..40).prop_map(|(ap, is_read, count)| {
        let reg = if ap { DRW } else { CTRL_STAT };
        let request = if is_read { TransferRequest::read(reg) } else { TransferRequest::write(reg) };
        let words = if is_read { vec![] } else { (0..u32::from(count)).collect() };
        Request::TransferBlock(TransferBlock { index: 0, count, request, words })
    });
    prop_oneof![2 => items, 1 => block]
}

fn case() -> impl Strategy<Value = (Model, Request)> {
    prop::sample::select(vec![Model::Arm, Model::FreeDap, Model::DapRs])
        .prop_flat_map(|model| (Just(model), request(model)))
}

/// The log without what no packet shows: WAIT retries, repeated reads of a value match.
fn visible(log: &[Transaction]) -> Vec<Transaction> {
    let mut seen: Vec<Transaction> = vec![];
    for t in log {
        if seen.last().is_some_and(|before| before.ack == Ack::WAIT) {
            seen.pop();
        }
        seen.push(*t);
    }
    seen
}

fn same(step: &Step, on_wire: &Transaction) -> bool {
    let t = step.transaction;
    (t.reg, t.read, t.ack) == (on_wire.reg, on_wire.read, on_wire.ack)
        && (t.data.is_none() || t.data == on_wire.data)
}

/// Whether the steps tell the log, taking the freedom of [`Repeats::Unknown`] and of a last inferred step.
fn tells(steps: &[Step], log: &[Transaction]) -> bool {
    match (steps, log) {
        ([], log) => log.is_empty(),
        ([last], [one, rest]) if last.certainty == Certainty::Inferred => {
            // The refused transaction is the first or the second of the two that the packet cannot tell apart.
            one.ack == Ack::OK && one.reg == last.transaction.reg && rest.ack == last.transaction.ack
        }
        ([step, steps @ ..], [one, rest @ ..]) => {
            let again = step.repeats == Repeats::Unknown
                && one.ack == Ack::OK
                && one.reg == step.transaction.reg
                && tells(&[&[*step], steps].concat(), rest);
            (same(step, one) && tells(steps, rest)) || again
        }
        (_, []) => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn the_steps_are_what_the_firmware_did(
        (model, request) in case(),
        trouble in prop::option::of((0usize..60, 1usize..5,
            prop::sample::select(vec![Ack::WAIT, Ack::FAULT, Ack::NONE, Ack::PARITY]))),
    ) {
        let mut firmware = Firmware::new(model);
        firmware.mask = 3;
        firmware.target.trouble = trouble.map(|(at, times, ack)| Trouble { at, times, ack });
        let reply = firmware.answer(&request).encode().unwrap();
        let response = Response::decode(&request, &reply).unwrap();
        prop_assert_eq!(response.padding, 0);
        let steps = expand(&request, &response, model);
        let log = visible(&firmware.target.log);
        prop_assert!(tells(&steps, &log), "{:#?}\n{:#?}", shown(&steps), log);
    }

    #[test]
    fn padding_hides_at_most_the_last_two_transactions(
        (model, request) in case(), at in 0usize..60,
        ack in prop::sample::select(vec![Ack::WAIT, Ack::FAULT, Ack::NONE]),
    ) {
        let mut firmware = Firmware::new(model);
        firmware.mask = 3;
        firmware.target.trouble = Some(Trouble { at, times: usize::MAX, ack });
        let mut reply = firmware.answer(&request).encode().unwrap().to_vec();
        reply.resize(1025, 0x5A);
        let steps = expand(&request, &Response::decode(&request, &reply).unwrap(), model);
        let log = visible(&firmware.target.log);
        let certain = steps.iter().take_while(|s| s.certainty != Certainty::Inferred).count();
        prop_assert!(steps.len() - certain <= 1);
        if !steps.iter().any(|step| step.repeats == Repeats::Unknown) {
            prop_assert!(steps.iter().zip(&log).take(certain).all(|(step, t)| same(step, t)));
            prop_assert!(log.len() >= certain && log.len() <= certain + 2);
        }
    }
}

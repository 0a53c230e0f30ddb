//! What the codec derives from a packet and its answer is what was on the wire: two independent readings of the rules.

use super::Probe;
use crate::swd::Faults;
use cmsis_dap::{
    Item, Model, Repeats, Request, Response, Step, Transfer, TransferBlock, TransferRequest, expand,
};
use proptest::prelude::*;
use wire::{Ack, Certainty, RegSel, Transaction};

fn item() -> impl Strategy<Value = Item> {
    let item = |request, word| Item { request, word };
    let tar = prop_oneof![0_u32..64, Just(0x00F0_0000), Just(0x0020_0000), Just(0x00FF_0000)];
    let dp = prop::sample::select(vec![0x4_u8, 0xC]);
    prop_oneof![
        3 => tar.prop_map(move |at| item(TransferRequest::write(RegSel::ap(0x4)), at & !3)),
        4 => any::<u32>().prop_map(move |word| item(TransferRequest::write(RegSel::ap(0xC)), word)),
        5 => Just(item(TransferRequest::read(RegSel::ap(0xC)), 0)),
        1 => Just(item(TransferRequest::read(RegSel::ap(0x4)), 0)),
        2 => dp.prop_map(move |a| item(TransferRequest::read(RegSel::dp(a)), 0)),
        1 => Just(item(TransferRequest::set_mask(), 3)),
        2 => (0_u32..4, any::<bool>()).prop_map(move |(value, ap)| {
            let reg = if ap { RegSel::ap(0xC) } else { RegSel::dp(0x4) };
            item(TransferRequest::read_until(reg), value)
        }),
        1 => Just(item(TransferRequest::write(RegSel::dp(0x0)), 0x1E)),
    ]
}

fn request() -> impl Strategy<Value = Request> {
    let words = prop::collection::vec(any::<u32>(), 1..12);
    prop_oneof![
        4 => prop::collection::vec(item(), 0..14)
            .prop_map(|items| Request::Transfer(Transfer { index: 0, items })),
        1 => (1_u16..12, any::<bool>()).prop_map(|(count, ap)| {
            let reg = if ap { RegSel::ap(0xC) } else { RegSel::dp(0x4) };
            let request = TransferRequest::read(reg);
            Request::TransferBlock(TransferBlock { index: 0, count, request, words: vec![] })
        }),
        1 => words.prop_map(|words| {
            let request = TransferRequest::write(RegSel::ap(0xC));
            Request::TransferBlock(TransferBlock { index: 0, count: words.len() as u16, request, words })
        }),
    ]
}

fn faults() -> impl Strategy<Value = Faults> {
    let at = || prop::option::weighted(0.3, 7_u64..40);
    (at(), at(), at()).prop_map(|(parity_at, no_ack_at, wait)| Faults {
        parity_at,
        no_ack_at,
        wait: wait.map(|from| from..from + 4).into_iter().collect(),
        ..Faults::default()
    })
}

/// Walks over what was on the wire as the steps say: tries that were answered WAIT before the one that counts, and reads
/// of a value match, are not listed one by one. `None`: all of it is explained.
fn unexplained(steps: &[Step], wire: &[Transaction]) -> Option<String> {
    let mut rest = wire;
    for (n, step) in steps.iter().enumerate() {
        let wanted = step.transaction;
        let same = |t: &Transaction| t.reg == wanted.reg && t.read == wanted.read;
        let mut last = None;
        loop {
            let Some((t, behind)) = rest.split_first().filter(|(t, _)| same(t)) else {
                return (last != Some(wanted.ack)).then(|| format!("step {n} {wanted:?}: {wire:?}"));
            };
            rest = behind;
            last = Some(t.ack);
            let fits = t.ack == wanted.ack && (wanted.data.is_none() || wanted.data == t.data);
            let more = rest.first().is_some_and(same);
            match t.ack {
                Ack::WAIT if more => {}
                Ack::OK if step.repeats == Repeats::Unknown && repeats_remain(&steps[n + 1..], rest) => {}
                _ if fits => break,
                _ => return Some(format!("step {n} {wanted:?} was {t:?}")),
            }
        }
    }
    (!rest.is_empty()).then(|| format!("not explained: {rest:?}"))
}

/// Whether more transactions are left than the later steps need, WAITs aside.
fn repeats_remain(later: &[Step], rest: &[Transaction]) -> bool {
    let counted = rest.iter().enumerate().filter(|(i, t)| t.ack != Ack::WAIT || rest.len() == i + 1).count();
    counted > later.len()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn the_codec_explains_what_the_firmware_did(
        requests in prop::collection::vec(request(), 1..5),
        faults in faults(),
        retry in prop::sample::select(vec![0_u8, 3, 100]),
        match_retry in 0_u8..4,
    ) {
        let mut probe = Probe::attached(faults);
        probe.ask(&[0x04, 0, retry, 0, match_retry, 0]);
        for request in requests {
            probe.wire();
            let packet = request.encode().unwrap();
            let answer = probe.ask(&packet);
            let response = Response::decode(&request, &answer).unwrap();
            prop_assert_eq!(response.padding, 0);
            let steps = expand(&request, &response, Model::Arm);
            let matches = matches!(&request, Request::Transfer(t)
                if t.items.iter().filter(|i| i.request.is_match()).count() > 1);
            if steps.iter().any(|step| step.certainty == Certainty::Inferred) || matches {
                continue; // the packet does not say enough
            }
            let wire = probe.wire();
            prop_assert_eq!(unexplained(&steps, &wire), None, "{:?} {:?}", request, response);
        }
    }
}

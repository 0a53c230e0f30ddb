use super::*;
use crate::{Request, TransferReply, TransferStatus};
use proptest::prelude::*;

const DRW: RegSel = RegSel::ap(0xC);
const TAR: RegSel = RegSel::ap(0x4);

fn words(n: u32) -> Vec<DapOp> {
    (0..n).map(|i| DapOp::write(DRW, i)).collect()
}

fn hidden(range: Range<usize>) -> Secret {
    let mut secret = Secret::NONE;
    secret.add(range);
    secret
}

fn kinds(packets: &[Planned]) -> Vec<(Kind, usize)> {
    packets.iter().map(|p| (p.kind, p.ops.len())).collect()
}

#[test]
fn a_transfer_is_laid_out_as_the_specification_says() {
    let ops = [
        DapOp::write(RegSel::dp(0x8), 0x0100_0000),
        DapOp::read(DRW),
        DapOp::SetMask(0xFF),
        DapOp::ReadUntil { reg: RegSel::ap(0x0), value: 0x12 },
        DapOp::read(RegSel::dp(0x4)),
    ];
    let packets = pack(&ops, PackLimits::both(64));
    assert_eq!(kinds(&packets), [(Kind::Transfer, 5)]);
    assert_eq!(
        packets[0].command[..],
        [
            0x05, 0, 5, // DAP_Transfer, index, count
            0x08, 0, 0, 0, 1,    // SELECT
            0x0F, // DRW read
            0x20, 0xFF, 0, 0, 0, // match mask
            0x13, 0x12, 0, 0, 0,    // CSW read with value match
            0x06, // CTRL/STAT read
        ]
    );
}

#[test]
fn a_block_is_laid_out_as_the_specification_says() {
    let packets = pack(&words(14), PackLimits::both(64));
    assert_eq!(kinds(&packets), [(Kind::Block, 14)]);
    assert_eq!(packets[0].command[..13], [0x06, 0, 14, 0, 0x0D, 0, 0, 0, 0, 1, 0, 0, 0]);
    assert_eq!(packets[0].command.len(), 61);
    let packets = pack(&[DapOp::read(DRW); 300], PackLimits::both(4096));
    assert_eq!(packets[0].command[..], [0x06, 0, 0x2C, 0x01, 0x0F]);
}

#[test]
fn full_packets_hold_as_many_words_as_the_size_allows() {
    for (size, writes, reads) in [(64, 14, 15), (512, 126, 127), (1024, 254, 255)] {
        let packets = pack(&words(600), PackLimits::both(size));
        assert_eq!(packets[0].ops.len(), writes, "{size} bytes");
        let packets = pack(&[DapOp::read(DRW); 600], PackLimits::both(size));
        assert_eq!(packets[0].ops.len(), reads, "{size} bytes");
    }
}

#[test]
fn a_short_run_stays_in_the_packet_of_its_neighbours() {
    let ops = [vec![DapOp::write(TAR, 0)], words(6), vec![DapOp::read(RegSel::dp(4))]].concat();
    assert_eq!(kinds(&pack(&ops, PackLimits::both(64))), [(Kind::Transfer, 8)]);
}

#[test]
fn an_address_and_a_kilobyte_need_no_packet_more_than_the_words_alone() {
    let ops = [vec![DapOp::write(TAR, 0)], words(256)].concat();
    assert_eq!(pack(&ops, PackLimits::both(511)).len(), 3);
    assert_eq!(pack(&words(256), PackLimits::both(511)).len(), 3);
}

#[test]
fn more_than_255_items_never_share_a_transfer() {
    let ops: Vec<_> = (0..300).map(|i| DapOp::read(if i % 2 == 0 { DRW } else { TAR })).collect();
    assert_eq!(kinds(&pack(&ops, PackLimits::both(32_768))), [(Kind::Transfer, 255), (Kind::Transfer, 45)]);
}

#[test]
fn a_limit_too_small_for_one_operation_is_exceeded_by_that_one() {
    assert_eq!(kinds(&pack(&words(2), PackLimits::both(0))), [(Kind::Transfer, 1), (Kind::Transfer, 1)]);
    assert!(pack(&[], PackLimits::both(64)).is_empty());
}

#[test]
fn secret_words_are_marked_where_they_stand() {
    let ops = [
        DapOp::write(TAR, 1),
        DapOp::Write { reg: DRW, value: 2, secret: true },
        DapOp::Read { reg: TAR, secret: false },
        DapOp::Read { reg: DRW, secret: true },
        DapOp::Read { reg: DRW, secret: true },
    ];
    let packets = pack(&ops, PackLimits::both(64));
    assert_eq!(packets[0].secret, hidden(9..13));
    assert_eq!(packets[0].reply_secret, hidden(7..15));
    let ops = vec![DapOp::Write { reg: DRW, value: 0x005E_C2E7, secret: true }; 14];
    assert_eq!(pack(&ops, PackLimits::both(64))[0].secret, hidden(5..61));
    let ops = [DapOp::Read { reg: DRW, secret: true }; 60];
    assert_eq!(pack(&ops, PackLimits::both(64))[0].reply_secret, hidden(4..64));
}

fn op() -> impl Strategy<Value = DapOp> {
    let reg =
        (any::<bool>(), 0u8..4).prop_map(|(ap, a)| if ap { RegSel::ap(a * 4) } else { RegSel::dp(a * 4) });
    (reg, 0u8..4, any::<u32>(), any::<bool>()).prop_map(|(reg, kind, value, secret)| match kind {
        0 => DapOp::Read { reg, secret },
        1 => DapOp::Write { reg, value, secret },
        2 => DapOp::SetMask(value),
        _ => DapOp::ReadUntil { reg, value },
    })
}

fn ops() -> impl Strategy<Value = Vec<DapOp>> {
    prop::collection::vec((op(), 1usize..60), 0..10)
        .prop_map(|runs| runs.into_iter().flat_map(|(op, n)| vec![op; n]).collect())
}

/// What a packet says, back as operations; `None` for a secret that is not marked at its place.
fn unpacked(planned: &Planned) -> Vec<DapOp> {
    let secret = |ranges: &Secret, at: usize| ranges.0.iter().any(|r| r.contains(&at));
    let request = Request::decode(&planned.command).unwrap().whole("request").unwrap();
    let (head, items): (usize, Vec<Item>) = match request {
        Request::Transfer(t) => (4, t.items),
        Request::TransferBlock(b) => {
            let words = if b.request.is_read() { vec![0; usize::from(b.count)] } else { b.words };
            (5, words.into_iter().map(|word| Item { request: b.request, word }).collect())
        }
        other => panic!("{other:?}"),
    };
    let (mut at, mut answer) = (head, if planned.kind == Kind::Block { 4 } else { 3 });
    let mut ops = vec![];
    for Item { request, word } in items {
        let reg = request.reg();
        if request.is_mask() {
            ops.push(DapOp::SetMask(word));
        } else if request.is_match() {
            ops.push(DapOp::ReadUntil { reg, value: word });
        } else if request.is_read() {
            ops.push(DapOp::Read { reg, secret: secret(&planned.reply_secret, answer) });
            answer += 4;
        } else {
            ops.push(DapOp::Write { reg, value: word, secret: secret(&planned.secret, at) });
        }
        at += if planned.kind == Kind::Block { 0 } else { 1 };
        at += if request.has_word() { 4 } else { 0 };
    }
    ops
}

proptest! {
    #[test]
    fn packets_say_exactly_the_operations_within_their_limits(
        ops in ops(), request in 16usize..1100, response in 16usize..1100,
    ) {
        let packets = pack(&ops, PackLimits { request, response });
        let mut all = vec![];
        for planned in &packets {
            prop_assert_eq!(planned.ops.start, all.len());
            prop_assert!(planned.command.len() <= request);
            let said = unpacked(planned);
            let reads = said.iter().filter(|op| matches!(op, DapOp::Read { .. })).count();
            let head = if planned.kind == Kind::Block { 4 } else { 3 };
            prop_assert!(head + 4 * reads <= response);
            all.extend(said);
            prop_assert_eq!(planned.ops.end, all.len());
        }
        prop_assert_eq!(all, ops);
    }

    #[test]
    fn packing_never_costs_more_packets_than_transfers_alone(ops in ops(), limit in 16usize..600) {
        let limits = PackLimits::both(limit);
        let (mut transfers, mut at) = (0, 0);
        while at < ops.len() {
            at += longest_transfer(&ops[at..], limits).0;
            transfers += 1;
        }
        prop_assert!(pack(&ops, limits).len() <= transfers);
    }
}

#[test]
fn the_answer_to_a_full_transfer_is_as_long_as_planned() {
    let planned = pack(&[DapOp::Read { reg: DRW, secret: true }, DapOp::write(TAR, 1)], PackLimits::both(64));
    let reply = TransferReply { count: 2, status: TransferStatus::OK, words: vec![7] };
    let bytes = crate::Response::Transfer(reply).encode().unwrap();
    assert_eq!(planned[0].reply_secret, hidden(3..bytes.len()));
}

#[test]
fn each_group_begins_a_packet_and_fits_it_whatever_it_holds() {
    for (bytes, most) in [(63, 12u32), (64, 12), (511, 101), (1024, 204), (4096, 255)] {
        let limits = PackLimits::both(bytes);
        let group = limits.group();
        assert_eq!(group, most as usize, "{bytes} bytes");
        let mut ops = words(3 * most + 5);
        ops.iter_mut().step_by(group).for_each(|op| *op = DapOp::write(TAR, 0));
        ops.push(DapOp::SetMask(1));
        let packets = pack_groups(&ops, group, limits);
        let starts: Vec<_> = packets.iter().map(|p| p.ops.start).collect();
        assert_eq!(starts, [0, group, 2 * group, 3 * group], "{bytes} bytes");
        assert_eq!(packets.last().map(|p| p.ops.end), Some(ops.len()));
        assert!(packets.iter().all(|p| p.command.len() <= bytes));
        let reads = pack_groups(&vec![DapOp::read(DRW); group], group, limits);
        assert_eq!(reads.len(), 1, "{bytes} bytes");
    }
    assert!(pack_groups(&[], 0, PackLimits::both(64)).is_empty());
}

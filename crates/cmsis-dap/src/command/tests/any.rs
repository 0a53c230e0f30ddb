//! Any request, and any answer that fits it.

use super::*;

fn data(most: usize) -> impl Strategy<Value = Bytes> {
    prop::collection::vec(any::<u8>(), 0..most).prop_map(Bytes::from)
}

fn item() -> impl Strategy<Value = Item> {
    (any::<u8>(), any::<u32>()).prop_map(|(byte, word)| {
        let request = TransferRequest(byte);
        Item { request, word: if request.has_word() { word } else { 0 } }
    })
}

fn swd_item() -> impl Strategy<Value = SwdSequenceItem> {
    (any::<u8>(), prop::array::uniform8(any::<u8>())).prop_map(|(info, bits)| {
        let mut item = SwdSequenceItem { info, out: vec![] };
        if !item.is_input() {
            item.out = bits[..usize::from(item.clocks()).div_ceil(8)].to_vec();
        }
        item
    })
}

fn jtag_item() -> impl Strategy<Value = JtagItem> {
    (any::<u8>(), prop::array::uniform8(any::<u8>())).prop_map(|(info, bits)| {
        let mut item = JtagItem { info, tdi: vec![] };
        item.tdi = bits[..usize::from(item.clocks()).div_ceil(8)].to_vec();
        item
    })
}

fn block() -> impl Strategy<Value = Request> {
    (any::<u8>(), any::<u8>(), prop::collection::vec(any::<u32>(), 0..40)).prop_map(|(index, byte, words)| {
        let request = TransferRequest(byte);
        let count = u16::try_from(words.len()).unwrap();
        let words = if request.is_read() { vec![] } else { words };
        Request::TransferBlock(TransferBlock { index, count, request, words })
    })
}

fn general() -> impl Strategy<Value = Request> {
    prop_oneof![
        any::<u8>().prop_map(|id| Request::Info(InfoId(id))),
        any::<(u8, u8)>().prop_map(|(led, on)| Request::HostStatus { led: Led(led), on }),
        any::<u8>().prop_map(|port| Request::Connect(DebugPort(port))),
        Just(Request::Disconnect),
        any::<(u8, u16, u16)>().prop_map(|(idle_cycles, wait_retry, match_retry)| {
            Request::TransferConfigure { idle_cycles, wait_retry, match_retry }
        }),
        (any::<u8>(), prop::collection::vec(item(), 0..40))
            .prop_map(|(index, items)| Request::Transfer(Transfer { index, items })),
        block(),
        any::<(u8, u32)>().prop_map(|(index, value)| Request::WriteAbort { index, value }),
        any::<u16>().prop_map(|micros| Request::Delay { micros }),
        Just(Request::ResetTarget),
    ]
}

fn line() -> impl Strategy<Value = Request> {
    let swj = (1usize..=256, prop::collection::vec(any::<u8>(), 32)).prop_map(|(len, mut data)| {
        data.truncate(len.div_ceil(8));
        Request::SwjSequence(Bits { data, len })
    });
    prop_oneof![
        any::<(u8, u8, u32)>().prop_map(|(out, select, wait_micros)| Request::SwjPins {
            out: Pins(out),
            select: Pins(select),
            wait_micros
        }),
        any::<u32>().prop_map(|hz| Request::SwjClock(Hz(hz))),
        swj,
        any::<u8>().prop_map(|byte| Request::SwdConfigure(SwdConfig(byte))),
        prop::collection::vec(swd_item(), 0..10).prop_map(Request::SwdSequence),
        prop::collection::vec(jtag_item(), 0..10).prop_map(Request::JtagSequence),
        data(20).prop_map(|lengths| Request::JtagConfigure(lengths.to_vec())),
        any::<u8>().prop_map(|index| Request::JtagIdcode { index }),
    ]
}

fn stream() -> impl Strategy<Value = Request> {
    prop_oneof![
        any::<u8>().prop_map(Request::SwoTransport),
        any::<u8>().prop_map(Request::SwoMode),
        any::<u32>().prop_map(Request::SwoBaudrate),
        any::<u8>().prop_map(Request::SwoControl),
        Just(Request::SwoStatus),
        any::<u8>().prop_map(Request::SwoExtendedStatus),
        any::<u16>().prop_map(|max| Request::SwoData { max }),
        any::<u8>().prop_map(Request::UartTransport),
        any::<(u8, u32)>().prop_map(|(control, baud)| Request::UartConfigure { control, baud }),
        any::<u8>().prop_map(Request::UartControl),
        Just(Request::UartStatus),
        (any::<u16>(), data(40)).prop_map(|(max, data)| Request::UartTransfer { max, data }),
    ]
}

fn single() -> impl Strategy<Value = Request> {
    prop_oneof![4 => general(), 3 => line(), 2 => stream()]
}

fn unknown() -> impl Strategy<Value = Request> {
    (0x80u8..=0xFE, data(20)).prop_map(|(id, bytes)| Request::Unknown { id: CommandId(id), bytes })
}

/// Any request.
pub(super) fn request() -> impl Strategy<Value = Request> {
    let list = (any::<bool>(), prop::collection::vec(single(), 0..6), prop::option::of(unknown())).prop_map(
        |(queue, mut list, last)| {
            list.extend(last);
            if queue { Request::QueueCommands(list) } else { Request::ExecuteCommands(list) }
        },
    );
    prop_oneof![8 => single(), 2 => list, 1 => unknown(), 1 => Just(Request::TransferAbort)]
}

/// A transfer's answer: everything done, or stopped before some item by the item itself.
fn transfer_answer(transfer: &Transfer, seed: u32) -> TransferReply {
    let asked = transfer.items.len();
    let stop = usize::try_from(seed).unwrap() % (asked + 1);
    let posted = stop > 0 && transfer.items[stop - 1].request.is_posted();
    let status = match (stop == asked, seed % 3) {
        (true, _) => TransferStatus::OK,
        (_, 0) => TransferStatus::new(Ack::WAIT, false),
        (_, 1) => TransferStatus::new(Ack::FAULT, false),
        _ => TransferStatus::new(Ack::OK, true),
    };
    // Inside of a list only the reference firmware's rule tells how many words there are.
    let words = transfer.answer_words(stop) - usize::from(posted && status.ack() != Ack::OK);
    let count = u8::try_from(stop).unwrap();
    TransferReply { count, status, words: (0..u32::try_from(words).unwrap()).collect() }
}

fn block_answer(block: &TransferBlock, seed: u32) -> BlockReply {
    let count = u16::try_from(seed % (u32::from(block.count) + 1)).unwrap();
    let ok = count == block.count;
    let status = if ok { TransferStatus::OK } else { TransferStatus::new(Ack::WAIT, false) };
    let words = if block.request.is_read() { (0..u32::from(count)).collect() } else { vec![] };
    BlockReply { count, status, words }
}

fn response(request: &Request, seed: u32, data: &Bytes) -> Response {
    let status = if seed.is_multiple_of(2) { Status::OK } else { Status::ERROR };
    let heard = |len: usize| if status == Status::OK { Bytes::from(vec![0x3C; len]) } else { Bytes::new() };
    let [byte, ..] = seed.to_le_bytes();
    match request {
        _ if seed.is_multiple_of(17) => Response::Unimplemented,
        Request::Info(_) => Response::Info(InfoData(data.clone())),
        Request::Connect(_) => Response::Connect(DebugPort(byte)),
        Request::Transfer(t) => Response::Transfer(transfer_answer(t, seed)),
        Request::TransferBlock(b) => Response::TransferBlock(block_answer(b, seed)),
        Request::ResetTarget => Response::ResetTarget { status, executed: byte },
        Request::SwjPins { .. } => Response::SwjPins(Pins(byte)),
        Request::SwdSequence(items) => {
            Response::SwdSequence { status, data: heard(items.iter().map(|i| i.answer_len()).sum()) }
        }
        Request::JtagSequence(items) => {
            Response::JtagSequence { status, data: heard(items.iter().map(|i| i.answer_len()).sum()) }
        }
        Request::JtagIdcode { .. } => {
            Response::JtagIdcode { status, idcode: (status == Status::OK).then_some(seed) }
        }
        Request::SwoBaudrate(_) => Response::SwoBaudrate(seed),
        Request::SwoStatus => Response::SwoStatus { flags: byte, count: seed },
        Request::SwoExtendedStatus(fields) => Response::SwoExtendedStatus(SwoExtended {
            flags: (fields & 1 != 0).then_some(byte),
            count: (fields & 2 != 0).then_some(seed),
            index: (fields & 4 != 0).then_some((seed, !seed)),
        }),
        Request::SwoData { .. } => Response::SwoData { flags: byte, data: data.clone() },
        Request::UartConfigure { .. } => Response::UartConfigure { status: byte, baud: seed },
        Request::UartStatus => Response::UartStatus { status: byte, received: seed, to_send: !seed },
        Request::UartTransfer { .. } => {
            Response::UartTransfer { status: byte, accepted: 7, data: data.clone() }
        }
        Request::ExecuteCommands(list) | Request::QueueCommands(list) => {
            Response::ExecuteCommands(list.iter().map(|one| response(one, seed, data)).collect())
        }
        Request::Unknown { id, .. } => Response::Unknown { id: *id, bytes: data.clone() },
        other => Response::Status { id: other.id(), status },
    }
}

/// A request with an answer that fits it.
pub(super) fn answer_to(request: Request) -> impl Strategy<Value = (Request, Response)> {
    (any::<u32>(), data(40)).prop_map(move |(seed, data)| (request.clone(), response(&request, seed, &data)))
}

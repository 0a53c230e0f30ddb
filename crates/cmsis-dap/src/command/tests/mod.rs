//! Byte vectors from the layouts of the specification, and properties over [`any`] request and answer.

mod any;

use super::*;
use crate::{
    BlockReply, DecodeError, EncodeError, Item, Transfer, TransferBlock, TransferReply, TransferRequest,
    TransferStatus,
};
use any::{answer_to, request};
use bytes::Bytes;
use proptest::prelude::*;
use wire::{Ack, Bits, Hz, Pins, RegSel, SwdItem};

fn bytes(b: &[u8]) -> Bytes {
    Bytes::copy_from_slice(b)
}

/// Both directions of a request and of its answer.
#[track_caller]
fn vector(request: &Request, packet: &[u8], response: &Response, answer: &[u8]) {
    assert_eq!(request.encode().unwrap()[..], *packet);
    assert_eq!(Request::decode(packet).unwrap().whole("request").unwrap(), *request);
    assert_eq!(response.encode().unwrap()[..], *answer);
    assert_eq!(Response::decode(request, answer).unwrap().whole("answer").unwrap(), *response);
}

#[track_caller]
fn with_status(request: &Request, packet: &[u8]) {
    vector(request, packet, &Response::ok(request.id()), &[packet[0], 0x00]);
    vector(request, packet, &Response::error(request.id()), &[packet[0], 0xFF]);
}

#[test]
fn general_commands_have_their_bytes() {
    let product = Response::Info(InfoData::of_text("CMSIS-DAP"));
    vector(&Request::Info(InfoId::PRODUCT), &[0x00, 0x02], &product, b"\x00\x0ACMSIS-DAP\0");
    let size = Response::Info(InfoData(bytes(&[0x00, 0x02])));
    vector(&Request::Info(InfoId::PACKET_SIZE), &[0x00, 0xFF], &size, &[0x00, 2, 0x00, 0x02]);
    let none = Response::Info(InfoData::default());
    vector(&Request::Info(InfoId::SERIAL), &[0x00, 0x03], &none, &[0x00, 0]);
    with_status(&Request::HostStatus { led: Led::RUNNING, on: 1 }, &[0x01, 1, 1]);
    vector(&Request::Connect(DebugPort::SWD), &[0x02, 1], &Response::Connect(DebugPort::SWD), &[0x02, 1]);
    with_status(&Request::Disconnect, &[0x03]);
    with_status(
        &Request::TransferConfigure { idle_cycles: 2, wait_retry: 0x1234, match_retry: 0x5678 },
        &[0x04, 2, 0x34, 0x12, 0x78, 0x56],
    );
    with_status(&Request::WriteAbort { index: 0, value: 0x1E }, &[0x08, 0, 0x1E, 0, 0, 0]);
    with_status(&Request::Delay { micros: 0x0102 }, &[0x09, 0x02, 0x01]);
    let reset = Response::ResetTarget { status: Status::OK, executed: 1 };
    vector(&Request::ResetTarget, &[0x0A], &reset, &[0x0A, 0, 1]);
}

#[test]
fn line_commands_have_their_bytes() {
    vector(
        &Request::SwjPins { out: Pins::NRESET, select: Pins::NRESET, wait_micros: 10_000 },
        &[0x10, 0x80, 0x80, 0x10, 0x27, 0, 0],
        &Response::SwjPins(Pins(0x83)),
        &[0x10, 0x83],
    );
    with_status(&Request::SwjClock(Hz(4_000_000)), &[0x11, 0x00, 0x09, 0x3D, 0x00]);
    let reset = Bits::whole(&[0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x00]);
    with_status(&Request::SwjSequence(reset), &[0x12, 64, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x00]);
    let mut longest = vec![0x12, 0];
    longest.extend([0x55; 32]);
    with_status(&Request::SwjSequence(Bits::whole(&[0x55; 32])), &longest);
    with_status(&Request::SwdConfigure(SwdConfig::new(2, true)), &[0x13, 0x05]);
    // TARGETSEL: eight bits out, five in, 33 out.
    let items = [
        SwdItem::Out(Bits::whole(&[0x99])),
        SwdItem::In(5),
        SwdItem::Out(Bits { data: vec![1, 2, 3, 4, 1], len: 33 }),
    ];
    let items = items.iter().map(|item| SwdSequenceItem::new(item).unwrap()).collect();
    vector(
        &Request::SwdSequence(items),
        &[0x1D, 3, 8, 0x99, 0x85, 33, 1, 2, 3, 4, 1],
        &Response::SwdSequence { status: Status::OK, data: bytes(&[0x1F]) },
        &[0x1D, 0, 0x1F],
    );
}

#[test]
fn jtag_commands_have_their_bytes() {
    let items = vec![
        JtagItem { info: 0x40 | 5, tdi: vec![0x1F] },
        JtagItem { info: 0x80, tdi: vec![1, 2, 3, 4, 5, 6, 7, 8] },
    ];
    assert_eq!((items[0].tms(), items[0].clocks(), items[1].clocks()), (true, 5, 64));
    vector(
        &Request::JtagSequence(items),
        &[0x14, 2, 0x45, 0x1F, 0x80, 1, 2, 3, 4, 5, 6, 7, 8],
        &Response::JtagSequence { status: Status::OK, data: bytes(&[9; 8]) },
        &[0x14, 0, 9, 9, 9, 9, 9, 9, 9, 9],
    );
    with_status(&Request::JtagConfigure(vec![4, 5]), &[0x15, 2, 4, 5]);
    let idcode = Response::JtagIdcode { status: Status::OK, idcode: Some(0x6BA0_0477) };
    vector(&Request::JtagIdcode { index: 1 }, &[0x16, 1], &idcode, &[0x16, 0, 0x77, 0x04, 0xA0, 0x6B]);
    let refused = Response::JtagIdcode { status: Status::ERROR, idcode: None };
    vector(&Request::JtagIdcode { index: 9 }, &[0x16, 9], &refused, &[0x16, 0xFF]);
}

#[test]
fn trace_commands_have_their_bytes() {
    with_status(&Request::SwoTransport(1), &[0x17, 1]);
    with_status(&Request::SwoMode(2), &[0x18, 2]);
    vector(
        &Request::SwoBaudrate(115_200),
        &[0x19, 0x00, 0xC2, 0x01, 0x00],
        &Response::SwoBaudrate(0),
        &[0x19, 0, 0, 0, 0],
    );
    with_status(&Request::SwoControl(1), &[0x1A, 1]);
    let status = Response::SwoStatus { flags: 0x41, count: 3 };
    vector(&Request::SwoStatus, &[0x1B], &status, &[0x1B, 0x41, 3, 0, 0, 0]);
    let data = Response::SwoData { flags: 1, data: bytes(&[7, 8]) };
    vector(&Request::SwoData { max: 0x0100 }, &[0x1C, 0x00, 0x01], &data, &[0x1C, 1, 2, 0, 7, 8]);
    let all = SwoExtended { flags: Some(0x81), count: Some(5), index: Some((6, 7)) };
    vector(
        &Request::SwoExtendedStatus(7),
        &[0x1E, 7],
        &Response::SwoExtendedStatus(all),
        &[0x1E, 0x81, 5, 0, 0, 0, 6, 0, 0, 0, 7, 0, 0, 0],
    );
    let count = SwoExtended { count: Some(5), ..SwoExtended::default() };
    let request = Request::SwoExtendedStatus(2);
    vector(&request, &[0x1E, 2], &Response::SwoExtendedStatus(count), &[0x1E, 5, 0, 0, 0]);
}

#[test]
fn uart_commands_have_their_bytes() {
    with_status(&Request::UartTransport(2), &[0x1F, 2]);
    vector(
        &Request::UartConfigure { control: 0x50, baud: 9600 },
        &[0x20, 0x50, 0x80, 0x25, 0, 0],
        &Response::UartConfigure { status: 2, baud: 9600 },
        &[0x20, 2, 0x80, 0x25, 0, 0],
    );
    vector(
        &Request::UartTransfer { max: 16, data: bytes(b"hi") },
        &[0x21, 16, 0, 2, 0, b'h', b'i'],
        &Response::UartTransfer { status: 0x11, accepted: 2, data: bytes(b"x") },
        &[0x21, 0x11, 2, 0, 1, 0, b'x'],
    );
    with_status(&Request::UartControl(0x11), &[0x22, 0x11]);
    let status = Response::UartStatus { status: 1, received: 2, to_send: 3 };
    vector(&Request::UartStatus, &[0x23], &status, &[0x23, 1, 2, 0, 0, 0, 3, 0, 0, 0]);
}

fn item(request: TransferRequest, word: u32) -> Item {
    Item { request, word }
}

#[test]
fn a_transfer_has_its_bytes_in_both_directions() {
    let drw = RegSel::ap(0xC);
    let request = Request::Transfer(Transfer {
        index: 0,
        items: vec![
            item(TransferRequest::write(RegSel::ap(0x4)), 0xE000_ED00),
            item(TransferRequest::read(drw), 0),
            item(TransferRequest::read(RegSel::dp(0x4)).with_timestamp(), 0),
        ],
    });
    let words = vec![0x410F_D214, 99, 0xF000_0040];
    vector(
        &request,
        &[0x05, 0, 3, 0x05, 0x00, 0xED, 0x00, 0xE0, 0x0F, 0x86],
        &Response::Transfer(TransferReply { count: 3, status: TransferStatus::OK, words }),
        &[0x05, 3, 1, 0x14, 0xD2, 0x0F, 0x41, 99, 0, 0, 0, 0x40, 0, 0, 0xF0],
    );
    let block = Request::TransferBlock(TransferBlock {
        index: 0,
        count: 2,
        request: TransferRequest::write(drw),
        words: vec![1, 2],
    });
    vector(
        &block,
        &[0x06, 0, 2, 0, 0x0D, 1, 0, 0, 0, 2, 0, 0, 0],
        &Response::TransferBlock(BlockReply {
            count: 1,
            status: TransferStatus::new(Ack::WAIT, false),
            words: vec![],
        }),
        &[0x06, 1, 0, 2],
    );
}

#[test]
fn the_status_byte_keeps_what_it_does_not_know() {
    assert_eq!(TransferStatus(0x21).ack(), Ack::OK);
    assert_eq!(TransferStatus(0x03).ack(), Ack(3));
    assert_eq!(TransferStatus(0x12), TransferStatus::new(Ack::WAIT, true));
    assert_eq!(TransferStatus::new(Ack::PARITY, false).0, 0x08);
    assert_eq!(TransferStatus(0x07).ack(), Ack::NONE);
}

#[test]
fn an_abort_is_one_byte_and_never_answered() {
    assert_eq!(Request::TransferAbort.encode().unwrap()[..], [0x07]);
    assert!(!Request::TransferAbort.is_answered());
}

#[test]
fn several_commands_in_one_packet_are_answered_in_one_packet() {
    let list = vec![
        Request::SwjClock(Hz(1)),
        Request::Transfer(Transfer {
            index: 0,
            items: vec![item(TransferRequest::read(RegSel::ap(0xC)), 0); 2],
        }),
        Request::Info(InfoId::PACKET_COUNT),
    ];
    let packet = [0x11, 1, 0, 0, 0, 0x05, 0, 2, 0x0F, 0x0F, 0x00, 0xFE];
    // The second read was counted when it was posted; its value did not come.
    let answers = Response::ExecuteCommands(vec![
        Response::error(CommandId::SWJ_CLOCK),
        Response::Transfer(TransferReply {
            count: 2,
            status: TransferStatus::new(Ack::FAULT, false),
            words: vec![5],
        }),
        Response::Info(InfoData(bytes(&[4]))),
    ]);
    let answer = [0x7F, 3, 0x11, 0xFF, 0x05, 2, 4, 5, 0, 0, 0, 0x00, 1, 4];
    vector(&Request::ExecuteCommands(list.clone()), &[&[0x7F, 3], &packet[..]].concat(), &answers, &answer);
    // Queued commands are answered as if they had been executed.
    vector(&Request::QueueCommands(list), &[&[0x7E, 3], &packet[..]].concat(), &answers, &answer);
}

#[test]
fn a_list_inside_a_list_is_kept_as_bytes() {
    let packet = [0x7F, 1, 0x7F, 1, 0x03];
    let inner = Request::Unknown { id: CommandId::EXECUTE_COMMANDS, bytes: bytes(&[1, 0x03]) };
    assert_eq!(Request::decode(&packet).unwrap().value, Request::ExecuteCommands(vec![inner]));
    assert_eq!(Request::decode(&[0x7F, 2, 0x80, 1, 0x03]), Err(DecodeError::Opaque { id: 0x80 }));
}

#[test]
fn an_unknown_command_survives_in_both_directions() {
    let request = Request::Unknown { id: CommandId(0x81), bytes: bytes(&[1, 2]) };
    let answer = Response::Unknown { id: CommandId(0x81), bytes: bytes(&[3]) };
    vector(&request, &[0x81, 1, 2], &answer, &[0x81, 3]);
    vector(&request, &[0x81, 1, 2], &Response::Unimplemented, &[0xFF]);
    assert_eq!(CommandId(0x81).to_string(), "0x81");
    assert_eq!(CommandId::SWJ_CLOCK.to_string(), "DAP_SWJ_Clock");
}

#[test]
fn an_answer_to_another_command_names_both() {
    let answer = Response::decode(&Request::Disconnect, &[0x02, 1]);
    assert_eq!(answer, Err(DecodeError::WrongId { asked: 0x03, answered: 0x02 }));
    let list = Request::ExecuteCommands(vec![]);
    assert_eq!(
        Response::decode(&list, &[0x05, 1]),
        Err(DecodeError::WrongId { asked: 0x7F, answered: 0x05 })
    );
}

#[test]
fn a_padded_report_is_parsed_by_its_command() {
    let mut report = [0xA5; 64];
    report[..2].copy_from_slice(&[0x03, 0x00]);
    let decoded = Response::decode(&Request::Disconnect, &report).unwrap();
    assert_eq!((decoded.used, decoded.padding), (2, 62));
    assert_eq!(
        decoded.whole("DAP_Disconnect"),
        Err(DecodeError::Trailing { what: "DAP_Disconnect", extra: 62 })
    );
    report[0] = 0xFF;
    let decoded = Response::decode(&Request::Disconnect, &report).unwrap();
    assert_eq!((decoded.value, decoded.used), (Response::Unimplemented, 1));
}

#[test]
fn more_answered_than_asked_is_an_error() {
    let request = Request::Transfer(Transfer { index: 0, items: vec![] });
    assert!(matches!(Response::decode(&request, &[0x05, 1, 1]), Err(DecodeError::Count { .. })));
    let list = Request::ExecuteCommands(vec![Request::Disconnect]);
    assert!(matches!(Response::decode(&list, &[0x7F, 2, 3, 0, 3, 0]), Err(DecodeError::Count { .. })));
}

#[test]
fn what_does_not_fit_its_length_field_is_refused() {
    let refused = |request: Request| assert!(matches!(request.encode(), Err(EncodeError::Length { .. })));
    refused(Request::SwjSequence(Bits { data: vec![], len: 0 }));
    refused(Request::SwjSequence(Bits::whole(&[0; 33])));
    refused(Request::SwjSequence(Bits { data: vec![0], len: 9 }));
    refused(Request::JtagConfigure(vec![4; 256]));
    refused(Request::SwdSequence(vec![SwdSequenceItem { info: 9, out: vec![1] }]));
    let drw = TransferRequest::write(RegSel::ap(0xC));
    refused(Request::TransferBlock(TransferBlock { index: 0, count: 3, request: drw, words: vec![1] }));
    refused(Request::Transfer(Transfer { index: 0, items: vec![item(drw, 0); 256] }));
    assert!(SwdSequenceItem::new(&SwdItem::In(0)).is_err());
    assert!(SwdSequenceItem::new(&SwdItem::In(65)).is_err());
    assert!(Response::Info(InfoData(vec![0; 256].into())).encode().is_err());
}

#[test]
fn info_answers_are_read_as_text_number_or_capabilities() {
    assert_eq!(InfoData(bytes(b"2.1.2\0")).text().as_deref(), Some("2.1.2"));
    assert_eq!(InfoData(bytes(b"no end")).text().as_deref(), Some("no end"));
    assert_eq!(InfoData(bytes(b"\0")).text(), None);
    assert_eq!(InfoData(bytes(&[0x00, 0x02])).number(), Some(512));
    assert_eq!(InfoData(bytes(&[0; 9])).number(), None);
    assert_eq!(InfoData::default().number(), None);
    let caps = InfoData(bytes(&[0x13, 1])).capabilities();
    assert!(caps.has(Capabilities::SWD) && caps.has(Capabilities::ATOMIC) && caps.has(Capabilities::USB_COM));
    assert!(!caps.has(Capabilities::UART));
}

proptest! {
    #[test]
    fn every_request_comes_back_as_it_was_and_knows_its_length(request in request(), tail in 0usize..5) {
        let mut packet = request.encode().unwrap().to_vec();
        let open = matches!(&request, Request::Unknown { .. })
            || matches!(&request, Request::ExecuteCommands(l) | Request::QueueCommands(l)
                if l.iter().any(|r| matches!(r, Request::Unknown { .. })));
        let tail = if open { 0 } else { tail };
        let len = packet.len();
        packet.extend(vec![0xEE; tail]);
        let decoded = Request::decode(&packet).unwrap();
        prop_assert_eq!((decoded.used, decoded.padding), (len, tail));
        prop_assert_eq!(decoded.value, request);
    }

    #[test]
    fn every_answer_comes_back_as_it_was((request, response) in request().prop_flat_map(answer_to)) {
        let packet = response.encode().unwrap();
        prop_assert_eq!(Response::decode(&request, &packet).unwrap().whole("answer"), Ok(response));
    }

    #[test]
    fn a_request_cut_anywhere_is_an_error_or_another_request(request in request()) {
        let packet = request.encode().unwrap();
        for len in 0..packet.len() {
            if let Ok(decoded) = Request::decode(&packet[..len]) {
                prop_assert_ne!(decoded.value, request.clone());
            }
        }
    }

    #[test]
    fn an_answer_cut_anywhere_is_an_error_or_another_answer(
        (request, response) in request().prop_flat_map(answer_to),
    ) {
        let packet = response.encode().unwrap();
        for len in 0..packet.len() {
            if let Ok(decoded) = Response::decode(&request, &packet[..len]) {
                prop_assert_ne!(decoded.value, response.clone());
            }
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(
        request in request(), packet in prop::collection::vec(prop::num::u8::ANY, 0..80),
    ) {
        let _ = Response::decode(&request, &packet);
        if let Ok(decoded) = Request::decode(&packet) {
            prop_assert_eq!(decoded.used + decoded.padding, packet.len());
            // What was understood encodes to the same bytes.
            prop_assert_eq!(&decoded.value.encode().unwrap()[..], &packet[..decoded.used]);
            let _ = Response::decode(&decoded.value, &packet);
        }
    }
}

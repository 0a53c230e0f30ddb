use super::*;
use crate::Class;
use bytes::Bytes;
use proptest::prelude::*;
use wire::Setup;

fn device() -> Exported {
    Exported {
        path: "/sys/devices/simulated/usb1/1-1".into(),
        busid: BusId::numbered(1, 1),
        busnum: 1,
        devnum: 2,
        speed: 3,
        vid: 0x1209,
        pid: 0x0001,
        release: 0x0100,
        class: Class::new(0xEF, 2, 1),
        configuration: 1,
        configurations: 1,
        interfaces: 1,
    }
}

fn read_descriptor() -> Command {
    let setup = Setup { request_type: 0x80, request: 6, value: 0x0100, index: 0, length: 18 };
    Command::Submit(Submit {
        seq: 0x0D05,
        devid: 0x0001_0002,
        endpoint: 0,
        input: true,
        flags: 0x200,
        length: 0x40,
        interval: 0,
        setup,
        data: Bytes::new(),
    })
}

fn write(data: &'static [u8]) -> Command {
    let setup = Setup { request_type: 0, request: 0, value: 0, index: 0, length: 0 };
    Command::Submit(Submit {
        seq: 7,
        devid: 0x0001_0002,
        endpoint: 1,
        input: false,
        flags: flag::ZERO_PACKET,
        length: u32::try_from(data.len()).unwrap(),
        interval: 0,
        setup,
        data: Bytes::from_static(data),
    })
}

#[test]
fn the_handshake_requests_are_the_documented_bytes() {
    assert_eq!(Request::DevList.to_bytes()[..], [1, 0x11, 0x80, 5, 0, 0, 0, 0]);
    let import = Request::Import(BusId::numbered(3, 2)).to_bytes();
    assert_eq!(import.len(), 40);
    assert_eq!(import[..12], *b"\x01\x11\x80\x03\0\0\0\x003-2\0");
    assert_eq!(Request::needed(&import[..8]), Ok(40));
    assert_eq!(Request::parse(&import), Ok(Request::Import(BusId::new("3-2").unwrap())));
    assert_eq!(Request::parse(&Request::DevList.to_bytes()), Ok(Request::DevList));
}

#[test]
fn a_device_is_312_bytes_and_an_interface_four() {
    let import = Reply::Import(Ok(device())).to_bytes();
    assert_eq!(import.len(), 8 + 312);
    assert_eq!(import[..8], [1, 0x11, 0, 3, 0, 0, 0, 0]);
    assert_eq!(import[8 + 256..8 + 260], *b"1-1\0");
    let numbers = [0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0x12, 0x09, 0, 1, 1, 0, 0xEF, 2, 1, 1, 1, 1];
    assert_eq!(import[8 + 288..], numbers);
    assert_eq!(Reply::needed_for_import(&import), Ok(320));
    assert_eq!(Reply::parse(&import), Ok(Reply::Import(Ok(device()))));
    let list = Reply::DevList(vec![(device(), vec![Class::VENDOR])]);
    let bytes = list.to_bytes();
    assert_eq!(bytes.len(), 12 + 312 + 4);
    assert_eq!(bytes[8..12], [0, 0, 0, 1]);
    assert_eq!(bytes[324..], [0xFF, 0, 0, 0]);
    assert_eq!(Reply::parse(&bytes), Ok(list));
}

#[test]
fn a_refused_import_is_only_a_header() {
    let refused = Reply::Import(Err(Refusal::Busy)).to_bytes();
    assert_eq!(refused[..], [1, 0x11, 0, 3, 0, 0, 0, 2]);
    for refusal in [Refusal::Busy, Refusal::NoDevice, Refusal::Other(1)] {
        let reply = Reply::Import(Err(refusal));
        assert_eq!(Reply::needed_for_import(&reply.to_bytes()), Ok(8));
        assert_eq!(Reply::parse(&reply.to_bytes()), Ok(reply));
    }
}

#[test]
fn a_submit_is_the_documented_bytes() {
    let bytes = read_descriptor().to_bytes();
    let expected = [
        0, 0, 0, 1, 0, 0, 0x0D, 5, 0, 1, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0, // header
        0, 0, 2, 0, 0, 0, 0, 0x40, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, // numbers
        0x80, 6, 0, 1, 0, 0, 0x12, 0, // setup, little-endian
    ];
    assert_eq!(bytes[..], expected);
    assert_eq!(Command::parse(&bytes), Ok(read_descriptor()));
    let out = write(b"\x00\xFF").to_bytes();
    assert_eq!(Command::needed(&out[..48]), Ok(50));
    assert_eq!(Command::parse(&out), Ok(write(b"\x00\xFF")));
}

#[test]
fn an_unlink_and_its_return_are_48_bytes() {
    let unlink = Command::Unlink { seq: 9, devid: 0x0001_0002, target: 7 };
    let bytes = unlink.to_bytes();
    assert_eq!(
        (bytes.len(), &bytes[..8], &bytes[20..24]),
        (48, &[0, 0, 0, 2, 0, 0, 0, 9][..], &[0, 0, 0, 7][..])
    );
    assert_eq!(Command::parse(&bytes), Ok(unlink));
    let answer = Return::Unlink { seq: 9, status: status::UNLINKED };
    let bytes = answer.to_bytes();
    assert_eq!((bytes.len(), &bytes[20..24]), (48, &[0xFF, 0xFF, 0xFF, 0x98][..]));
    assert_eq!(Return::parse(&bytes, true), Ok(answer));
}

#[test]
fn a_return_carries_data_only_towards_the_host() {
    let input = Return::Submit { seq: 1, status: 0, actual: 3, data: Bytes::from_static(b"abc") };
    let bytes = input.to_bytes();
    assert_eq!((bytes.len(), &bytes[48..]), (51, &b"abc"[..]));
    assert_eq!(bytes[..28], [&[0, 0, 0, 3, 0, 0, 0, 1][..], &[0; 16], &[0, 0, 0, 3]].concat());
    assert_eq!(Return::needed(&bytes, true), Ok(51));
    assert_eq!(Return::parse(&bytes, true), Ok(input));
    let output = Return::Submit { seq: 1, status: 0, actual: 3, data: Bytes::new() };
    assert_eq!(Return::needed(&output.to_bytes(), false), Ok(48));
    assert_eq!(Return::parse(&output.to_bytes(), false), Ok(output));
}

#[test]
fn what_is_no_message_is_refused_by_name() {
    let version = Bytes::from_static(b"\x01\x06\x80\x05\0\0\0\0");
    assert_eq!(Request::parse(&version), Err(CodecError::Version(0x0106)));
    assert_eq!(Request::parse(b"\x01\x11\x00\x05\0\0\0\0"), Err(CodecError::Operation(5)));
    let endless = [&[1, 0x11, 0x80, 3, 0, 0, 0, 0][..], &[b'1'; 32]].concat();
    assert_eq!(Request::parse(&endless), Err(CodecError::BusId));
    assert_eq!(BusId::new("x".repeat(32)), Err(CodecError::BusId));
    let changed = |at: usize, value: u32| {
        let mut bytes = write(b"").to_bytes().to_vec();
        bytes.splice(at..at + 4, value.to_be_bytes());
        Command::parse(&bytes.into())
    };
    assert_eq!(changed(0, 5), Err(CodecError::Command(5)));
    assert_eq!(changed(12, 2), Err(CodecError::Direction(2)));
    assert_eq!(changed(16, 16), Err(CodecError::Endpoint(16)));
    assert_eq!(changed(24, 0xFFFF_FFFF), Err(CodecError::Length(-1)));
    assert_eq!(changed(24, MAX_TRANSFER + 1), Err(CodecError::Length(0x0100_0001)));
    assert_eq!(changed(32, 3), Err(CodecError::Isochronous(3)));
    assert!(changed(32, 0xFFFF_FFFF).is_ok(), "the documentation's way to say: not isochronous");
}

#[test]
fn every_truncation_says_that_bytes_are_missing_and_every_tail_is_told() {
    let cut_off = |error| matches!(error, CodecError::Truncated { missing } if missing > 0);
    for message in [Request::DevList.to_bytes(), Request::Import(BusId::numbered(1, 1)).to_bytes()] {
        for end in 0..message.len() {
            assert!(cut_off(Request::parse(&message[..end]).unwrap_err()), "cut at {end}");
        }
        assert_eq!(Request::parse(&[&message[..], b"x"].concat()), Err(CodecError::Trailing(1)));
    }
    let list = Reply::DevList(vec![(device(), vec![Class::VENDOR])]);
    for reply in [Reply::Import(Ok(device())), Reply::Import(Err(Refusal::Busy)), list] {
        let message = reply.to_bytes();
        for end in 0..message.len() {
            assert!(cut_off(Reply::parse(&message[..end]).unwrap_err()), "cut at {end}");
        }
    }
    for command in [read_descriptor(), write(b"abcd"), Command::Unlink { seq: 1, devid: 2, target: 3 }] {
        let message = command.to_bytes();
        for end in 0..message.len() {
            assert!(cut_off(Command::parse(&message.slice(..end)).unwrap_err()), "cut at {end}");
        }
        let tail = Bytes::from([&message[..], b"xy"].concat());
        assert_eq!(Command::parse(&tail), Err(CodecError::Trailing(2)));
    }
}

fn setups() -> impl Strategy<Value = Setup> {
    any::<(u8, u8, u16, u16, u16)>().prop_map(|(request_type, request, value, index, length)| Setup {
        request_type,
        request,
        value,
        index,
        length,
    })
}

prop_compose! {
    fn submits()(
        seq: u32, devid: u32, endpoint in 0u8..16, input: bool, flags: u32, interval: u32,
        setup in setups(), data in prop::collection::vec(any::<u8>(), 0..100), room in 0..=MAX_TRANSFER,
    ) -> Submit {
        let data = if input { Bytes::new() } else { Bytes::from(data) };
        let length = if input { room } else { u32::try_from(data.len()).unwrap() };
        Submit { seq, devid, endpoint, input, flags, length, interval, setup, data }
    }
}

proptest! {
    #[test]
    fn commands_survive_the_wire(submit in submits(), seq: u32, devid: u32, target: u32) {
        for command in [Command::Submit(submit), Command::Unlink { seq, devid, target }] {
            let bytes = command.to_bytes();
            prop_assert_eq!(Command::needed(&bytes[..Command::HEADER]), Ok(bytes.len()));
            prop_assert_eq!(Command::parse(&bytes), Ok(command));
        }
    }

    #[test]
    fn returns_survive_the_wire(seq: u32, status: i32, data in prop::collection::vec(any::<u8>(), 0..100)) {
        let actual = u32::try_from(data.len()).unwrap();
        let submit = Return::Submit { seq, status, actual, data: data.into() };
        for answer in [submit, Return::Unlink { seq, status }] {
            prop_assert_eq!(Return::answers(&answer.to_bytes()), Ok(seq));
            prop_assert_eq!(Return::parse(&answer.to_bytes(), true), Ok(answer));
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = (Request::needed(&bytes), Request::parse(&bytes));
        let _ = (Reply::needed_for_import(&bytes), Reply::parse(&bytes));
        let bytes = Bytes::from(bytes);
        let _ = (Command::needed(&bytes), Command::parse(&bytes));
        let _ = (Return::needed(&bytes, true), Return::parse(&bytes, true), Return::parse(&bytes, false));
    }

    #[test]
    fn a_message_that_almost_fits_is_read_or_refused(submit in submits(), at in 0usize..48, byte: u8) {
        let mut bytes = Command::Submit(submit).to_bytes().to_vec();
        bytes[at] = byte;
        let bytes = Bytes::from(bytes);
        if let Ok(command) = Command::parse(&bytes) {
            // Nothing was lost but the fields that only isochronous transfers have.
            prop_assert_eq!(Command::parse(&command.to_bytes()), Ok(command));
        }
    }
}

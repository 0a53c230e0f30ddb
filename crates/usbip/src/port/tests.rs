use super::*;
use crate::Hid;
use crate::codec::flag;
use crate::fake::{Fake, ms};
use proptest::prelude::*;
use wire::{Endpoint, Setup, TransferKind};

fn setup(request_type: u8, request: u8, value: u16, index: u16, length: u16) -> Setup {
    Setup { request_type, request, value, index, length }
}

fn submit(seq: u32, address: u8, length: u32, data: &[u8]) -> Submit {
    Submit {
        seq,
        devid: 0x0001_0002,
        endpoint: address & 0x0F,
        input: address & 0x80 != 0,
        flags: 0,
        length,
        interval: 0,
        setup: setup(0, 0, 0, 0, 0),
        data: Bytes::copy_from_slice(data),
    }
}

fn write(seq: u32, data: &[u8]) -> Command {
    Command::Submit(submit(seq, 0x01, count(data.len()), data))
}

fn read(seq: u32, length: u32) -> Command {
    Command::Submit(submit(seq, 0x81, length, &[]))
}

fn unlink(seq: u32, target: u32) -> Command {
    Command::Unlink { seq, devid: 0x0001_0002, target }
}

/// A port that a host has configured.
fn port(device: Fake) -> Port<Fake> {
    let about = Description::cmsis_dap(&device);
    ready(Port::new(device, about).unwrap())
}

fn ready(mut port: Port<Fake>) -> Port<Fake> {
    port.attach(ms(0));
    assert_eq!(ask(&mut port, setup(0, 9, 1, 0, 0)), Ok(vec![]));
    port
}

/// A control transfer: its data or its status.
fn ask(port: &mut Port<Fake>, setup: Setup) -> Result<Vec<u8>, i32> {
    ask_with(port, setup, &[])
}

fn ask_with(port: &mut Port<Fake>, setup: Setup, data: &[u8]) -> Result<Vec<u8>, i32> {
    let input = setup.request_type & 0x80 != 0;
    let address = if input { 0x80 } else { 0x00 };
    let length = if input { u32::from(setup.length) } else { count(data.len()) };
    port.command(Command::Submit(Submit { setup, ..submit(999, address, length, data) }), ms(0)).unwrap();
    match port.advance(ms(0)).as_slice() {
        [Return::Submit { seq: 999, status: 0, data, .. }] => Ok(data.to_vec()),
        [Return::Submit { seq: 999, status, .. }] => Err(*status),
        other => panic!("{other:?}"),
    }
}

fn ok(seq: u32, data: &[u8]) -> Return {
    Return::Submit { seq, status: 0, actual: count(data.len()), data: Bytes::copy_from_slice(data) }
}

fn taken(seq: u32, actual: u32) -> Return {
    Return::Submit { seq, status: 0, actual, data: Bytes::new() }
}

#[test]
fn a_read_waits_until_the_answer_is_there_and_not_a_moment_less() {
    let mut port = port(Fake { delay: Some(ms(5)), ..Fake::default() });
    port.command(read(1, 64), ms(0)).unwrap();
    assert_eq!(port.advance(ms(1)), []);
    assert_eq!(port.wake(), None, "the device says NAK until the host does something");
    port.command(write(2, b"hi"), ms(1)).unwrap();
    assert_eq!(port.advance(ms(1)), [taken(2, 2)]);
    assert_eq!(port.wake(), Some(ms(6)));
    assert_eq!(port.advance(ms(6) - Duration::from_nanos(1)), []);
    assert_eq!(port.advance(ms(6)), [ok(1, b"hi")]);
    assert_eq!((port.wake(), port.pending()), (None, 0));
}

#[test]
fn several_reads_are_served_in_the_order_in_which_they_came() {
    let mut port = port(Fake { delay: Some(ms(1)), ..Fake::default() });
    for seq in 1..=3 {
        port.command(read(seq, 64), ms(0)).unwrap();
    }
    for (seq, data) in [(4, b"a"), (5, b"b")] {
        port.command(write(seq, data), ms(0)).unwrap();
    }
    assert_eq!(port.advance(ms(0)), [taken(4, 1), taken(5, 1)]);
    assert_eq!(port.advance(ms(9)), [ok(1, b"a"), ok(2, b"b")]);
    assert_eq!(port.pending(), 1);
}

#[test]
fn a_write_is_done_when_the_device_took_it_and_the_next_is_offered_then() {
    let mut port = port(Fake { gap: ms(3), ..Fake::default() });
    port.command(write(1, b"a"), ms(0)).unwrap();
    port.command(write(2, b"b"), ms(0)).unwrap();
    assert_eq!(port.advance(ms(0)), []);
    assert_eq!((port.device().got.len(), port.wake()), (1, Some(ms(3))));
    assert_eq!(port.advance(ms(3)), [taken(1, 1)]);
    assert_eq!((port.device().got.len(), port.wake()), (2, Some(ms(6))));
    assert_eq!(port.advance(ms(6)), [taken(2, 1)]);
}

#[test]
fn an_unlink_takes_back_what_waits_and_finds_nothing_of_what_is_done() {
    let mut port = port(Fake { gap: ms(3), ..Fake::default() });
    port.command(read(1, 64), ms(0)).unwrap();
    port.command(unlink(2, 1), ms(0)).unwrap();
    assert_eq!(port.advance(ms(0)), [Return::Unlink { seq: 2, status: -104 }]);
    port.command(write(3, b"a"), ms(0)).unwrap();
    port.command(write(4, b"b"), ms(0)).unwrap();
    port.command(unlink(5, 4), ms(0)).unwrap();
    assert_eq!(port.advance(ms(3)), [Return::Unlink { seq: 5, status: -104 }, taken(3, 1)]);
    assert_eq!(port.device().got.len(), 1, "what was taken back never reached the device");
    port.command(unlink(6, 3), ms(9)).unwrap();
    port.command(unlink(7, 77), ms(9)).unwrap();
    let nothing = [6, 7].map(|seq| Return::Unlink { seq, status: 0 });
    assert_eq!(port.advance(ms(9)), nothing);
    assert_eq!(port.pending(), 0);
}

#[test]
fn an_answer_that_nobody_waits_for_stays_for_the_next_read() {
    let mut port = port(Fake { delay: Some(ms(1)), ..Fake::default() });
    port.command(read(1, 64), ms(0)).unwrap();
    port.command(write(2, b"late"), ms(0)).unwrap();
    port.command(unlink(3, 1), ms(0)).unwrap();
    assert_eq!(port.advance(ms(50)).len(), 2);
    port.command(read(4, 64), ms(60)).unwrap();
    assert_eq!(port.advance(ms(60)), [ok(4, b"late")]);
}

#[test]
fn a_stall_halts_the_endpoint_until_the_host_clears_it() {
    let mut port = port(Fake { fault: Some(UsbFault::Stall), ..Fake::default() });
    port.command(write(1, b"a"), ms(0)).unwrap();
    port.command(write(2, b"b"), ms(0)).unwrap();
    assert_eq!(port.advance(ms(0)), [failed(1, -32), failed(2, -32)]);
    assert_eq!(ask(&mut port, setup(0x82, 0, 0, 0x01, 2)), Ok(vec![1, 0]), "GET_STATUS says halted");
    assert_eq!(ask(&mut port, setup(0x82, 0, 0, 0x81, 2)), Ok(vec![0, 0]), "the other is not");
    assert_eq!(ask(&mut port, setup(0x02, 1, 0, 0x01, 0)), Ok(vec![]));
    port.command(write(3, b"c"), ms(0)).unwrap();
    assert_eq!(port.advance(ms(0)), [taken(3, 1)]);
    // The host can halt an endpoint itself.
    port.command(read(4, 64), ms(0)).unwrap();
    let halt = Submit { setup: setup(0x02, 3, 0, 0x81, 0), ..submit(5, 0, 0, &[]) };
    port.command(Command::Submit(halt), ms(0)).unwrap();
    assert_eq!(port.advance(ms(0)), [failed(4, -32), taken(5, 0)]);
}

#[test]
fn an_unplugged_device_fails_everything_with_enodev() {
    let mut port = port(Fake { fault: Some(UsbFault::Gone), ..Fake::default() });
    port.command(read(1, 64), ms(0)).unwrap();
    port.command(write(2, b"a"), ms(0)).unwrap();
    let done = port.advance(ms(0));
    assert_eq!(done, [failed(1, -19), failed(2, -19)]);
    assert!(!port.plugged(ms(0)));
    port.command(read(3, 64), ms(0)).unwrap();
    assert_eq!(port.advance(ms(0)), [failed(3, -19)]);
    assert_eq!(ask(&mut port, setup(0x80, 6, 0x0100, 0, 18)), Err(-19));
}

#[test]
fn a_lost_packet_looks_taken_and_a_lost_request_never_ends() {
    let mut port = port(Fake { fault: Some(UsbFault::Lost), ..Fake::default() });
    port.command(write(1, b"a"), ms(0)).unwrap();
    assert_eq!(port.advance(ms(0)), [taken(1, 1)]);
    let lost = Submit { setup: setup(0xC0, 2, 0, 0, 4), ..submit(2, 0x80, 4, &[]) };
    port.command(Command::Submit(lost), ms(0)).unwrap();
    assert_eq!((port.advance(ms(500)), port.pending()), (vec![], 1));
    port.command(unlink(3, 2), ms(500)).unwrap();
    assert_eq!(port.advance(ms(500)), [Return::Unlink { seq: 3, status: -104 }]);
}

fn answered_with(length: usize, room: u32, flags: u32, empty: bool) -> (Port<Fake>, Vec<Return>) {
    let device = Fake::default();
    let mut about = Description::cmsis_dap(&device);
    about.interfaces[0].ends_with_empty = empty;
    let mut port = ready(Port::new(device, about).unwrap());
    port.device_mut().answers.push_back((ms(0), Bytes::from(vec![7; length])));
    let first = Submit { flags, ..submit(1, 0x81, room, &[]) };
    port.command(Command::Submit(first), ms(1)).unwrap();
    let done = port.advance(ms(1));
    (port, done)
}

#[test]
fn a_read_ends_with_a_short_packet_or_when_it_is_full() {
    assert_eq!(answered_with(10, 64, 0, false).1, [ok(1, &[7; 10])]);
    assert_eq!(answered_with(64, 64, 0, false).1, [ok(1, &[7; 64])]);
    assert_eq!(answered_with(100, 512, 0, false).1, [ok(1, &[7; 100])]);
    assert_eq!(answered_with(0, 64, 0, false).1, [ok(1, &[])], "an empty packet is an answer");
}

#[test]
fn a_read_with_room_to_spare_goes_on_waiting_after_a_full_packet() {
    let (mut port, done) = answered_with(64, 512, 0, false);
    assert_eq!(done, []);
    port.device_mut().answers.push_back((ms(2), Bytes::from_static(b"!")));
    assert_eq!(port.advance(ms(2)), [ok(1, &[&[7; 64][..], b"!"].concat())]);
    assert_eq!(answered_with(64, 512, 0, true).1, [ok(1, &[7; 64])], "a device that sends an empty packet");
}

#[test]
fn the_empty_packet_behind_a_full_answer_is_the_next_answer_of_who_left_no_room() {
    let (mut port, done) = answered_with(64, 64, 0, true);
    assert_eq!(done, [ok(1, &[7; 64])]);
    port.command(read(2, 64), ms(1)).unwrap();
    assert_eq!(port.advance(ms(1)), [ok(2, &[])]);
}

#[test]
fn a_long_answer_is_read_in_pieces_of_whole_packets() {
    let (mut port, done) = answered_with(100, 64, 0, false);
    assert_eq!(done, [ok(1, &[7; 64])]);
    port.command(read(2, 64), ms(1)).unwrap();
    assert_eq!(port.advance(ms(1)), [ok(2, &[7; 36])]);
}

#[test]
fn a_packet_larger_than_the_room_is_an_overflow() {
    let overflow = |data: &[u8]| Return::Submit {
        seq: 1,
        status: -75,
        actual: count(data.len()),
        data: Bytes::copy_from_slice(data),
    };
    assert_eq!(answered_with(10, 4, 0, false).1, [overflow(&[7; 4])]);
    assert_eq!(answered_with(10, 0, 0, false).1, [overflow(&[])]);
}

#[test]
fn a_short_packet_is_an_error_for_who_says_so() {
    let (_, done) = answered_with(10, 64, flag::SHORT_NOT_OK, false);
    let Return::Submit { status, actual, .. } = &done[0] else { panic!("{done:?}") };
    assert_eq!((*status, *actual), (-121, 10));
    assert_eq!(answered_with(64, 64, flag::SHORT_NOT_OK, false).1, [ok(1, &[7; 64])]);
}

#[test]
fn an_empty_packet_follows_a_full_write_when_the_host_wants_it() {
    let mut port = port(Fake::default());
    for (seq, len, flags) in [(1, 64, flag::ZERO_PACKET), (2, 63, flag::ZERO_PACKET), (3, 64, 0)] {
        let write = Submit { flags, ..submit(seq, 0x01, len, &vec![1; len as usize]) };
        port.command(Command::Submit(write), ms(0)).unwrap();
    }
    assert_eq!(port.advance(ms(0)), [taken(1, 64), taken(2, 63), taken(3, 64)]);
    let lengths: Vec<_> = port.device().got.iter().map(|(_, data, _)| data.len()).collect();
    assert_eq!(lengths, [64, 0, 63, 64]);
}

#[test]
fn descriptors_are_cut_to_what_the_host_asks_for_and_has_room_for() {
    let mut port = port(Fake::default());
    assert_eq!(ask(&mut port, setup(0x80, 6, 0x0100, 0, 8)).unwrap().len(), 8);
    assert_eq!(ask(&mut port, setup(0x80, 6, 0x0100, 0, 255)).unwrap().len(), 18);
    assert_eq!(ask(&mut port, setup(0x80, 6, 0x0F00, 0, 255)).unwrap().len(), 33);
    assert_eq!(ask(&mut port, setup(0xC0, VENDOR, 0, 7, 10)).unwrap(), [10, 0, 0, 0, 0, 0, 3, 6, 162, 0]);
    assert_eq!(ask(&mut port, setup(0x80, 6, 0x0600, 0, 10)), Err(-32), "no qualifier at full speed");
    assert_eq!(ask(&mut port, setup(0x80, 6, 0x0A00, 0, 4)), Err(-32), "no debug descriptor");
    assert_eq!(ask(&mut port, setup(0x80, 6, 0x03EE, 0, 18)), Err(-32));
    let tight = Submit { setup: setup(0x80, 6, 0x0100, 0, 18), ..submit(1, 0x80, 4, &[]) };
    port.command(Command::Submit(tight), ms(0)).unwrap();
    assert_eq!(port.advance(ms(0)), [ok(1, &[18, 1, 0x10, 0x02])]);
}

const VENDOR: u8 = crate::describe::VENDOR_CODE;

#[test]
fn the_standard_requests_are_answered() {
    let mut port = port(Fake::default());
    assert_eq!(ask(&mut port, setup(0x80, 0, 0, 0, 2)), Ok(vec![0, 0]), "GET_STATUS of the device");
    assert_eq!(ask(&mut port, setup(0x81, 0, 0, 0, 2)), Ok(vec![0, 0]), "of an interface");
    assert_eq!(ask(&mut port, setup(0x82, 0, 0, 0, 2)), Ok(vec![0, 0]), "of endpoint 0");
    assert_eq!(ask(&mut port, setup(0x80, 8, 0, 0, 1)), Ok(vec![1]), "GET_CONFIGURATION");
    assert_eq!(ask(&mut port, setup(0x81, 10, 0, 0, 1)), Ok(vec![0]), "GET_INTERFACE");
    assert_eq!(ask(&mut port, setup(0x01, 11, 0, 0, 0)), Ok(vec![]), "SET_INTERFACE");
    assert_eq!(ask(&mut port, setup(0x00, 5, 7, 0, 0)), Ok(vec![]), "SET_ADDRESS");
    let impossible = [
        (0x00, 9, 2, 0),      // another configuration
        (0x01, 11, 1, 0),     // another alternate setting
        (0x01, 11, 0, 1),     // of an interface that is not there
        (0x81, 0, 0, 0x0100), // an interface above 255
        (0x82, 0, 0, 0x05),   // an endpoint that is not there
        (0x02, 1, 1, 0x81),   // another feature
        (0x00, 3, 1, 0),      // remote wake-up
        (0x80, 12, 0, 0),     // SYNCH_FRAME of the device
        (0x83, 0, 0, 0),      // another recipient
        (0xC0, 9, 0, 0),      // a vendor request that the device does not know
    ];
    for (kind, request, value, index) in impossible {
        let answer = ask(&mut port, setup(kind, request, value, index, 2));
        assert_eq!(answer, Err(-32), "{kind:#04x} {request}");
    }
}

#[test]
fn an_unconfigured_device_only_talks_through_endpoint_0() {
    let mut port = port(Fake::default());
    assert_eq!(ask(&mut port, setup(0, 9, 0, 0, 0)), Ok(vec![]));
    port.command(read(1, 64), ms(0)).unwrap();
    port.command(write(2, b"a"), ms(0)).unwrap();
    assert_eq!(port.advance(ms(0)), [failed(1, -32), failed(2, -32)]);
    assert_eq!(ask(&mut port, setup(0x80, 8, 0, 0, 1)), Ok(vec![0]));
    assert_eq!(ask(&mut port, setup(0x81, 10, 0, 0, 1)), Err(-32));
}

#[test]
fn setting_the_configuration_resets_the_device_because_that_is_all_that_is_seen_of_a_reset() {
    let mut port = port(Fake { delay: Some(ms(1)), ..Fake::default() });
    let before = port.device().resets;
    port.command(write(1, b"stale"), ms(0)).unwrap();
    assert_eq!(port.advance(ms(0)), [taken(1, 5)]);
    assert_eq!(ask(&mut port, setup(0, 9, 1, 0, 0)), Ok(vec![]));
    assert_eq!(port.device().resets, before + 1);
    port.command(read(2, 64), ms(9)).unwrap();
    assert_eq!(port.advance(ms(9)), []);
}

#[test]
fn vendor_requests_reach_the_device() {
    let mut port = port(Fake::default());
    assert_eq!(ask(&mut port, setup(0xC0, 1, 0, 0, 4)), Ok(b"0123".to_vec()));
    assert_eq!(ask_with(&mut port, setup(0x40, 1, 0, 0, 3), b"abc"), Ok(vec![]));
    assert_eq!(port.device().got[0].1, b"abc"[..]);
}

#[test]
fn a_hid_gives_its_reports_and_takes_output_reports_on_both_ways() {
    let mut port = port(Fake { hid: true, gap: ms(1), ..Fake::default() });
    let report = Hid::packets(64).report;
    assert_eq!(ask(&mut port, setup(0x81, 6, 0x2200, 0, 255)), Ok(report.to_vec()));
    assert_eq!(ask(&mut port, setup(0x81, 6, 0x2100, 0, 9)).unwrap().len(), 9);
    assert_eq!(ask(&mut port, setup(0x21, 10, 0, 0, 0)), Ok(vec![]), "SET_IDLE");
    assert_eq!(ask(&mut port, setup(0xA1, 2, 0, 0, 1)), Ok(vec![0]), "GET_IDLE");
    let set_report = Submit { setup: setup(0x21, 9, 0x0200, 0, 3), ..submit(1, 0, 3, b"abc") };
    port.command(Command::Submit(set_report), ms(0)).unwrap();
    assert_eq!(port.advance(ms(0)), [], "the device says NAK here too");
    assert_eq!(port.advance(ms(1)), [taken(1, 3)]);
    assert_eq!(port.device().got, [(0x01, Bytes::from_static(b"abc"), ms(0))]);
}

#[test]
fn a_hid_without_an_out_endpoint_takes_output_reports_at_its_hidden_one() {
    let device = Fake { hid: true, ..Fake::default() };
    let mut about = Description::cmsis_dap(&device);
    let hidden = Endpoint { address: 0x01, kind: TransferKind::Interrupt, max_packet: 64 };
    about.interfaces[0].endpoints.retain(|endpoint| endpoint.address == 0x81);
    about.interfaces[0].hid.as_mut().unwrap().hidden_out = Some(hidden);
    let mut port = ready(Port::new(device, about).unwrap());
    assert_eq!(ask_with(&mut port, setup(0x21, 9, 0x0200, 0, 2), b"xy"), Ok(vec![]));
    assert_eq!(port.device().got[0].1, b"xy"[..]);
}

#[test]
fn a_host_with_endless_transfers_is_cut_off() {
    let mut port = port(Fake::default());
    for seq in 0..4096 {
        port.command(read(seq, 64), ms(0)).unwrap();
    }
    assert_eq!(port.command(read(4096, 64), ms(0)), Err(TooMany));
}

#[test]
fn a_new_host_finds_nothing_of_the_last_one() {
    let mut port = port(Fake { delay: Some(ms(1)), gap: ms(5), ..Fake::default() });
    port.command(write(1, b"a"), ms(0)).unwrap();
    port.command(read(2, 64), ms(0)).unwrap();
    port.detach(ms(0));
    assert_eq!((port.pending(), port.advance(ms(9))), (0, vec![]));
    let (shown, classes) = port.exported(BusId::numbered(1, 1), 1, 2);
    assert_eq!((shown.configuration, shown.interfaces, classes), (0, 1, vec![Class::VENDOR]));
}

fn commands() -> impl Strategy<Value = Command> {
    let setups = (
        prop::sample::select(vec![0x00u8, 0x80, 0x01, 0x81, 0x02, 0x82, 0x21, 0xA1, 0x40, 0xC0, 0x83]),
        0u8..14,
        prop::sample::select(vec![0u16, 1, 2, 0x0100, 0x0200, 0x2200, 0x0F00, 0xFFFF]),
        prop::sample::select(vec![0u16, 1, 7, 0x01, 0x81, 0xFFFF]),
        0u16..300,
    );
    let setups =
        setups.prop_map(|(kind, request, value, index, length)| setup(kind, request, value, index, length));
    let submits =
        (0u8..3, any::<bool>(), 0u32..300, 0u32..0x80, setups, prop::collection::vec(any::<u8>(), 0..130));
    prop_oneof![
        4 => submits.prop_map(|(endpoint, input, length, flags, setup, data)| {
            let data = if input { Bytes::new() } else { Bytes::from(data) };
            let length = if input { length } else { count(data.len()) };
            Command::Submit(Submit { endpoint, input, length, flags, setup, data, ..submit(0, 0, 0, &[]) })
        }),
        1 => (0u32..40).prop_map(|target| unlink(0, target)),
    ]
}

fn numbered(command: Command, number: u32) -> Command {
    match command {
        Command::Submit(submit) => Command::Submit(Submit { seq: number, ..submit }),
        Command::Unlink { devid, target, .. } => Command::Unlink { seq: number, devid, target },
    }
}

proptest! {
    /// Every command is answered once or still pending; what was taken back is never done; no answer is longer than
    /// the room for it.
    #[test]
    fn nothing_is_answered_twice_and_nothing_gets_lost(
        all in prop::collection::vec((commands(), 0u64..4), 1..40), hid: bool, gap in 0u64..3,
    ) {
        let mut port = port(Fake { hid, gap: ms(gap), delay: Some(ms(1)), ..Fake::default() });
        let (mut now, mut done) = (ms(0), Vec::new());
        let all: Vec<_> = (0u32..).zip(all).map(|(n, (command, pause))| (numbered(command, n), pause)).collect();
        for (command, pause) in &all {
            port.command(command.clone(), now).unwrap();
            now += ms(*pause);
            done.extend(port.advance(now));
        }
        let mut taken_back = 0;
        for answer in &done {
            let same = done.iter().filter(|other| other.seq() == answer.seq()).count();
            prop_assert_eq!(same, 1);
            match (answer, &all[answer.seq() as usize].0) {
                (Return::Unlink { status: -104, .. }, Command::Unlink { target, .. }) => {
                    taken_back += 1;
                    prop_assert!(done.iter().all(|other| other.seq() != *target));
                }
                (Return::Unlink { status: 0, .. }, Command::Unlink { .. }) => {}
                (Return::Submit { data, actual, .. }, Command::Submit(submit)) => {
                    prop_assert!(*actual <= submit.length && data.len() <= submit.length as usize);
                    prop_assert!(submit.input || data.is_empty());
                }
                other => prop_assert!(false, "{:?}", other),
            }
        }
        prop_assert_eq!(done.len() + port.pending() + taken_back, all.len());
    }
}

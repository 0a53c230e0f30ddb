//! The link over a pipe that loses, delays, doubles and replaces answers.

mod fake;

use super::*;
use ::cmsis_dap::{CommandId, Model};
use fake::{Fake, Trick};
use pace::Policy;
use proptest::prelude::*;
use std::time::Duration;
use wire::{
    Ack, Bits, DapOp, Flow, Link, LinkCaps, LinkConfig, Pins, PipeError, RegSel, Stop, SwdItem, Transferred,
};

const DRW: RegSel = RegSel::ap(0xC);
const TAR: RegSel = RegSel::ap(0x4);

fn patience() -> UsbPatience {
    UsbPatience { in_flight: 8, ..Policy::default().usb }
}

fn open(fake: &Fake) -> DapLink<Fake> {
    DapLink::open(fake.clone(), &patience(), fake.clock()).unwrap()
}

/// A bulk probe with four packets of 64 bytes.
fn bulk() -> (Fake, DapLink<Fake>) {
    let fake = Fake::new(None, 64, 4);
    let link = open(&fake);
    (fake, link)
}

fn reads(n: usize) -> Vec<DapOp> {
    vec![DapOp::read(DRW); n]
}

fn writes(n: u32) -> Vec<DapOp> {
    (0..n).map(|i| DapOp::write(DRW, i)).collect()
}

#[test]
fn opening_learns_what_the_probe_tells_and_connects_as_swd() {
    let (fake, link) = bulk();
    let info = link.info();
    assert_eq!((info.product.as_str(), info.serial.as_deref()), ("Probe One", Some("0042")));
    assert_eq!((info.protocol.as_deref(), info.firmware.as_deref()), (Some("2.1.2"), None));
    assert_eq!((info.packet_size, info.packet_count, info.model), (64, 4, Model::Arm));
    let commands = fake.commands(0);
    assert_eq!(commands[commands.len() - 2..], [CommandId::CONNECT, CommandId::HOST_STATUS]);
    assert!(commands[..commands.len() - 2].iter().all(|id| *id == CommandId::INFO));
    assert_eq!(
        link.caps(),
        LinkCaps {
            sequences: true,
            value_match: true,
            reset_pin: true,
            in_flight: 4,
            group: 12,
            overrun_detection: true,
            exact_count: true
        }
    );
}

#[test]
fn opening_throws_away_what_a_killed_host_left() {
    let fake = Fake::new(None, 64, 4);
    for _ in 0..3 {
        fake.state.borrow_mut().answers.push_back((Duration::ZERO, vec![0x05, 1, 1, 1, 2, 3, 4].into()));
    }
    // One more comes when nobody expects it any more.
    let late = Duration::from_millis(21);
    fake.state.borrow_mut().answers.push_back((late, vec![0x00, 6, b'M', b'a', b'k', b'e', b'r', 0].into()));
    assert_eq!(open(&fake).info().packet_size, 64);
    assert!(fake.state.borrow().answers.is_empty());
}

#[test]
fn a_probe_that_tells_nothing_or_odd_things_is_opened_all_the_same() {
    let fake = Fake::new(None, 64, 4);
    fake.state.borrow_mut().info.clear();
    let link = open(&fake);
    assert_eq!((link.info().packet_size, link.info().packet_count), (64, 1));
    assert_eq!(link.info().product, "Fake CMSIS-DAP");
    assert_eq!(link.info().serial.as_deref(), Some("usb-serial"));

    let fake = Fake::new(None, 64, 4);
    fake.state.borrow_mut().info.insert(0xFF, vec![8, 0]);
    // The packet count is cut off, the capabilities are unknown, the LED is refused.
    fake.trick(1, Trick::Instead(vec![0x00, 4, 1]));
    fake.trick(2, Trick::Instead(vec![0xFF]));
    fake.trick(9, Trick::Instead(vec![0x01, 0xFF]));
    let link = open(&fake);
    assert_eq!((link.info().packet_size, link.info().packet_count), (64, 1));
}

#[test]
fn a_probe_without_swd_or_that_refuses_it_is_not_opened() {
    let fake = Fake::new(None, 64, 4);
    fake.state.borrow_mut().info.insert(0xF0, vec![0x02]);
    let refused = DapLink::open(fake.clone(), &patience(), fake.clock()).unwrap_err();
    assert!(matches!(refused, LinkError::Unsupported(_)), "{refused}");
    let fake = Fake::new(None, 64, 4);
    fake.trick(8, Trick::Instead(vec![0x02, 0]));
    let refused = DapLink::open(fake.clone(), &patience(), fake.clock()).unwrap_err();
    assert!(matches!(&refused, LinkError::Refused(what) if what.contains("DAP_Connect")), "{refused}");
}

#[test]
fn a_silent_probe_and_one_that_never_falls_silent_are_errors_in_bounded_time() {
    let fake = Fake::new(None, 64, 4);
    fake.trick(0, Trick::Lost);
    let silent = DapLink::open(fake.clone(), &patience(), fake.clock()).unwrap_err();
    assert!(matches!(silent, LinkError::Pipe(PipeError::Timeout(_))), "{silent}");

    let fake = Fake::new(None, 64, 4);
    let noise = (0..100_000).map(|i| (Duration::from_millis(i), vec![0x05].into()));
    fake.state.borrow_mut().answers = noise.collect();
    let noisy = DapLink::open(fake.clone(), &patience(), fake.clock()).unwrap_err();
    assert!(matches!(noisy, LinkError::Protocol(_)), "{noisy}");
    assert!(fake.state.borrow().answers.len() > 90_000);
}

#[test]
fn hid_packets_are_full_reports_and_their_padding_is_no_answer() {
    let fake = Fake::new(Some(64), 64, 4);
    let mut link = open(&fake);
    let ops = [writes(3), reads(40)].concat();
    let all = link.transfer(&ops, Flow::Pipelined).unwrap();
    assert_eq!(all, Transferred { done: 43, values: (1..=40).collect(), stop: None });
    assert!(fake.state.borrow().sent.iter().all(|packet| packet.bytes.len() == 64));
}

#[test]
fn a_bulk_packet_never_needs_an_empty_one_behind_it() {
    let fake = Fake::new(None, 512, 4);
    let mut link = open(&fake);
    // A block of 59 words plus its head is 241 bytes; try all lengths around the multiples of 64.
    for n in 1..130 {
        link.transfer(&writes(n), Flow::Lockstep).unwrap();
        let mixed = [vec![DapOp::write(TAR, 0), DapOp::read(DRW), DapOp::write(TAR, 1)], writes(n)].concat();
        link.transfer(&mixed, Flow::Lockstep).unwrap();
    }
    let state = fake.state.borrow();
    let lengths = state.sent.iter().map(|packet| packet.bytes.len());
    assert!(lengths.clone().all(|length| length <= 512 && !length.is_multiple_of(64)));
    assert!(lengths.clone().any(|length| length > 500) && lengths.clone().any(|length| length % 64 == 1));
}

#[test]
fn lockstep_sends_one_packet_at_a_time_and_pipelined_no_more_than_the_probe_holds() {
    let (fake, mut link) = bulk();
    let all = link.transfer(&reads(200), Flow::Lockstep).unwrap();
    assert_eq!(all.values, (1..=200).collect::<Vec<_>>());
    assert_eq!(fake.state.borrow().most_waiting, 1);
    let all = link.transfer(&reads(200), Flow::Pipelined).unwrap();
    assert_eq!(all.values, (201..=400).collect::<Vec<_>>());
    assert_eq!(fake.state.borrow().most_waiting, 4);
    // The policy may want less.
    let fake = Fake::new(None, 64, 4);
    let usb = UsbPatience { in_flight: 2, ..patience() };
    let mut link = DapLink::open(fake.clone(), &usb, fake.clock()).unwrap();
    link.transfer(&reads(200), Flow::Pipelined).unwrap();
    assert_eq!(fake.state.borrow().most_waiting, 2);
}

#[test]
fn secrets_travel_with_their_packets() {
    let (fake, mut link) = bulk();
    let ops = [
        DapOp::write(TAR, 0),
        DapOp::Write { reg: DRW, value: 0x5EC2E7, secret: true },
        DapOp::Read { reg: DRW, secret: true },
    ];
    link.transfer(&ops, Flow::Lockstep).unwrap();
    let packet = fake.state.borrow().sent.last().unwrap().clone();
    assert_eq!((packet.secret.0.len(), packet.secret.0.first()), (1, Some(&(9..13))));
    assert_eq!((packet.reply_secret.0.len(), packet.reply_secret.0.first()), (1, Some(&(3..7))));
}

#[test]
fn a_stop_with_packets_behind_it_collects_them_and_tells_whether_they_did_something() {
    let (fake, mut link) = bulk();
    // Five blocks of 14, 14, 14, 14, 4 words; the second stops at its third word, those behind are performed.
    fake.trick(1, Trick::Instead(vec![0x06, 2, 0, 2]));
    let all = link.transfer(&writes(60), Flow::Pipelined).unwrap();
    let stop = Stop { ack: Ack::WAIT, mismatch: false, overrun: true };
    assert_eq!(all, Transferred { done: 16, values: vec![], stop: Some(stop) });
    assert!(fake.state.borrow().answers.is_empty(), "all answers were collected");

    let (fake, mut link) = bulk();
    // The fifth packet is sent when the first has been answered.
    for ahead in 1..=4 {
        fake.trick(ahead, Trick::Instead(vec![0x06, 0, 0, 4]));
    }
    let all = link.transfer(&writes(60), Flow::Pipelined).unwrap();
    let stop = Stop { ack: Ack::FAULT, mismatch: false, overrun: false };
    assert_eq!(all, Transferred { done: 14, values: vec![], stop: Some(stop) });
    assert_eq!(fake.state.borrow().writes.len(), 14);
    // In step: the next call gets its own answers.
    assert_eq!(link.transfer(&reads(5), Flow::Lockstep).unwrap().values, [1, 2, 3, 4, 5]);
}

#[test]
fn grouped_packets_begin_where_the_caller_expects_and_what_is_left_over_follows_one_by_one() {
    let (fake, mut link) = bulk();
    let group = link.caps().group;
    let first_word = |n: usize| {
        let packet = fake.state.borrow().sent[n].clone();
        packet.bytes[4]
    };
    let before = fake.sent();
    let all = link.transfer(&grouped(3, group), Flow::Grouped).unwrap();
    assert_eq!(all, Transferred { done: 3 * group, values: vec![], stop: None });
    assert_eq!(fake.sent() - before, 3);
    assert_eq!([0, 1, 2].map(|n| first_word(before + n)), [0, 1, 2]);
    // A firmware that ends a packet early, says OK and performs what is behind it has lost the order.
    fake.trick(0, Trick::Instead(vec![0x05, 10, 1]));
    assert!(matches!(link.transfer(&grouped(3, group), Flow::Grouped), Err(LinkError::Protocol(_))));
}

/// Groups that begin with TAR = 0, 1, 2 and so on.
fn grouped(groups: u32, group: usize) -> Vec<DapOp> {
    let rest = |_| writes(group as u32 - 1);
    (0..groups).flat_map(|n| [vec![DapOp::write(TAR, n)], rest(n)].concat()).collect()
}

#[test]
fn a_stop_in_lockstep_is_never_an_overrun() {
    let (fake, mut link) = bulk();
    let before = fake.sent();
    fake.trick(1, Trick::Instead(vec![0x06, 14, 0, 4]));
    let all = link.transfer(&writes(60), Flow::Lockstep).unwrap();
    // All 14 words of the second packet were taken; the check behind them was refused.
    let stop = Stop { ack: Ack::FAULT, mismatch: false, overrun: false };
    assert_eq!(all, Transferred { done: 28, values: vec![], stop: Some(stop) });
    assert_eq!(fake.sent() - before, 2);
}

#[test]
fn a_value_match_that_never_matched_is_a_mismatch() {
    let (fake, mut link) = bulk();
    fake.trick(0, Trick::Instead(vec![0x05, 1, 0x11]));
    let ops = [DapOp::SetMask(1), DapOp::ReadUntil { reg: DRW, value: 0 }];
    let all = link.transfer(&ops, Flow::Lockstep).unwrap();
    assert_eq!(all.done, 1);
    assert_eq!(all.stop, Some(Stop { ack: Ack::OK, mismatch: true, overrun: false }));
}

#[test]
fn what_a_short_count_left_over_is_sent_again() {
    let (fake, mut link) = bulk();
    fake.trick(0, Trick::Instead(vec![0x06, 10, 0, 1]));
    let all = link.transfer(&writes(14), Flow::Lockstep).unwrap();
    assert_eq!(all, Transferred { done: 14, values: vec![], stop: None });
    assert_eq!(fake.state.borrow().writes, [10, 11, 12, 13]);
    // With packets behind it that were performed, the order is gone.
    fake.trick(0, Trick::Instead(vec![0x06, 10, 0, 1]));
    let refused = link.transfer(&writes(40), Flow::Pipelined).unwrap_err();
    assert!(matches!(refused, LinkError::Protocol(_)), "{refused}");
}

#[test]
fn an_answer_that_stays_away_is_a_timeout_and_the_next_call_is_in_step_again() {
    let (fake, mut link) = bulk();
    fake.trick(1, Trick::Lost);
    let lost = link.transfer(&reads(60), Flow::Lockstep).unwrap_err();
    assert_eq!(lost, LinkError::Pipe(PipeError::Timeout(patience().timeout)));
    let before = fake.sent();
    let reads_before = fake.state.borrow().reads;
    let all = link.transfer(&reads(2), Flow::Lockstep).unwrap();
    assert_eq!(all.values, [reads_before + 1, reads_before + 2]);
    assert_eq!(fake.commands(before), [CommandId::TRANSFER_ABORT, CommandId::INFO, CommandId::TRANSFER]);
    assert!(!fake.state.borrow().sent[before].answered);
}

/// What it had by then is answered when it is aborted, and belongs to nobody any more. [DAP-9]
#[test]
fn a_transfer_that_does_not_end_is_aborted_before_the_next_one() {
    let (fake, mut link) = bulk();
    fake.trick(0, Trick::UntilAborted([&[0x06, 2, 0, 2][..], &[0xEE; 8]].concat()));
    let lost = link.transfer(&reads(15), Flow::Lockstep).unwrap_err();
    assert_eq!(lost, LinkError::Pipe(PipeError::Timeout(patience().timeout)));
    assert!(fake.state.borrow().running.is_some(), "it still runs");
    let before = fake.state.borrow().reads;
    let all = link.transfer(&reads(2), Flow::Lockstep).unwrap();
    assert_eq!(all.values, [before + 1, before + 2]);
    assert!(fake.state.borrow().running.is_none());
}

#[test]
fn a_late_answer_is_never_taken_for_that_of_another_packet() {
    let timeout = patience().timeout;
    // While the link drains, while it asks its question, and long after.
    for late in [1, 19, 21, 1000, 5999] {
        for flow in [Flow::Lockstep, Flow::Pipelined] {
            let (fake, mut link) = bulk();
            fake.trick(0, Trick::Late(timeout + Duration::from_millis(late)));
            let lost = link.transfer(&reads(60), flow).unwrap_err();
            assert!(matches!(lost, LinkError::Pipe(PipeError::Timeout(_))), "{lost}");
            let before = fake.state.borrow().reads;
            let all = link.transfer(&reads(3), flow).unwrap();
            assert_eq!(all.values, [before + 1, before + 2, before + 3], "{late} ms late");
        }
    }
}

#[test]
fn an_answer_to_another_command_names_both_and_the_next_call_is_in_step_again() {
    let (fake, mut link) = bulk();
    fake.trick(0, Trick::Instead(vec![0x11, 0x00]));
    let wrong = link.transfer(&reads(2), Flow::Lockstep).unwrap_err();
    let LinkError::Protocol(what) = &wrong else { panic!("{wrong}") };
    assert!(what.contains("0x05") && what.contains("0x11"), "{what}");
    assert_eq!(link.transfer(&reads(2), Flow::Lockstep).unwrap().values, [1, 2]);

    fake.trick(0, Trick::Instead(vec![0x03, 0x00]));
    let wrong = link.set_clock(Hz(1)).unwrap_err();
    assert!(matches!(&wrong, LinkError::Protocol(what) if what.contains("0x11")), "{wrong}");
    link.set_clock(Hz(1)).unwrap();
}

#[test]
fn an_answer_that_comes_twice_does_not_shift_those_behind_it() {
    let (fake, mut link) = bulk();
    fake.trick(0, Trick::Twice);
    link.set_clock(Hz(4_000_000)).unwrap();
    // The double lies there before the next command goes out: that call fails, the one behind it is right.
    let before = fake.sent();
    let stray = link.transfer(&reads(1), Flow::Lockstep).unwrap_err();
    assert!(matches!(&stray, LinkError::Protocol(what) if what.contains("DAP_SWJ_Clock")), "{stray}");
    assert_eq!(fake.sent(), before, "nothing was sent");
    let before = fake.state.borrow().reads;
    assert_eq!(link.transfer(&reads(1), Flow::Lockstep).unwrap().values, [before + 1]);
}

#[test]
fn an_answer_of_the_same_shape_that_comes_twice_is_noticed_between_two_packets() {
    let (fake, mut link) = bulk();
    fake.trick(0, Trick::Twice);
    let stray = link.transfer(&reads(60), Flow::Lockstep).unwrap_err();
    assert!(matches!(&stray, LinkError::Protocol(what) if what.contains("nobody asked for")), "{stray}");
    let before = fake.state.borrow().reads;
    assert_eq!(link.transfer(&reads(1), Flow::Lockstep).unwrap().values, [before + 1]);
}

/// An answer to fewer items than asked for may be that of an older packet: then nothing is sent again.
#[test]
fn a_short_count_is_not_made_up_for_while_another_answer_is_on_its_way() {
    let (fake, mut link) = bulk();
    // The double of an earlier answer comes first, behind it that to these writes.
    let soon = fake.clock().now() + Duration::from_micros(100);
    fake.state.borrow_mut().answers.push_back((soon, vec![0x06, 10, 0, 1].into()));
    let refused = link.transfer(&writes(14), Flow::Lockstep).unwrap_err();
    assert!(matches!(&refused, LinkError::Protocol(_)), "{refused}");
    assert_eq!(fake.state.borrow().writes.len(), 14, "nothing was written twice");
}

#[test]
fn answers_that_were_joined_are_noticed_and_one_packet_is_under_way_from_then_on() {
    let (fake, mut link) = bulk();
    let mut two = vec![0x06, 14, 0, 1];
    two.extend([0x06, 14, 0, 1]);
    fake.trick(0, Trick::Instead(two));
    fake.trick(1, Trick::Lost);
    let joined = link.transfer(&writes(60), Flow::Pipelined).unwrap_err();
    assert!(matches!(&joined, LinkError::Protocol(what) if what.contains("joined")), "{joined}");
    assert_eq!(link.caps().in_flight, 1);
    assert_eq!(link.transfer(&reads(60), Flow::Pipelined).unwrap().values.len(), 60);
}

/// free-dap takes the wait for milliseconds, so it is given none. [DAP-14]
#[test]
fn a_firmware_that_waits_badly_for_pins_is_looked_at_instead() {
    let fake = Fake::new(None, 64, 1);
    fake.state.borrow_mut().info.insert(2, b"Generic CMSIS-DAP Adapter\0".to_vec());
    let mut link = open(&fake);
    let before = fake.sent();
    let low = link.pins(Pins(0), Pins::NRESET, Duration::from_millis(100)).unwrap();
    assert!(!low.has(Pins::NRESET));
    let sent: Vec<_> = fake.state.borrow().sent[before..].iter().map(|p| p.bytes.to_vec()).collect();
    assert_eq!(sent, [[0x10, 0x00, 0x80, 0, 0, 0, 0], [0x10, 0, 0, 0, 0, 0, 0]]);
}

/// dap-rs reads nothing behind a write, so a read goes along; its stop is the one of the check. [DAP-15]
#[test]
fn a_firmware_that_checks_no_write_is_given_a_read_behind_it() {
    let fake = Fake::new(None, 64, 1);
    fake.state.borrow_mut().info.insert(2, b"Rusty Probe\0".to_vec());
    let mut link = open(&fake);
    let all = link.transfer(&writes(2), Flow::Lockstep).unwrap();
    assert_eq!(all, Transferred { done: 2, values: vec![], stop: None });
    assert_eq!(fake.state.borrow().sent.last().unwrap().bytes[13..14], [0x0E]);
    fake.trick(0, Trick::Instead(vec![0x05, 3, 4]));
    let all = link.transfer(&writes(2), Flow::Lockstep).unwrap();
    let stop = Stop { ack: Ack::FAULT, mismatch: false, overrun: false };
    assert_eq!(all, Transferred { done: 2, values: vec![], stop: Some(stop) });
    // Silence, which it answers like bad parity.
    fake.trick(0, Trick::Instead(vec![0x05, 1, 0x0F]));
    let all = link.transfer(&reads(2), Flow::Lockstep).unwrap();
    assert_eq!(all.stop.map(|stop| stop.ack), Some(Ack::NONE));
}

#[test]
fn an_empty_answer_is_skipped() {
    let (fake, mut link) = bulk();
    fake.trick(0, Trick::AfterEmpty);
    assert_eq!(link.transfer(&reads(2), Flow::Lockstep).unwrap().values, [1, 2]);
}

#[test]
fn a_probe_without_port_and_a_probe_without_the_command_refuse() {
    for answer in [vec![0x05, 0, 0], vec![0xFF]] {
        let (fake, mut link) = bulk();
        fake.trick(0, Trick::Instead(answer));
        let refused = link.transfer(&reads(1), Flow::Lockstep).unwrap_err();
        assert!(matches!(&refused, LinkError::Refused(what) if what.contains("DAP_Transfer")), "{refused}");
    }
}

#[test]
fn configuration_goes_out_as_the_firmware_counts() {
    let config = LinkConfig {
        idle_cycles: 2,
        wait_retry: 0,
        match_retry: 9,
        match_time: None,
        turnaround: 1,
        data_phase: false,
    };
    for (product, wait, matching) in
        [("Probe One", 0, 9), ("Rusty Probe", 1, 10), ("free-dap adapter", 1, 10)]
    {
        let fake = Fake::new(None, 64, 1);
        fake.state.borrow_mut().info.insert(2, format!("{product}\0").into_bytes());
        let mut link = open(&fake);
        let before = fake.sent();
        link.configure(&config).unwrap();
        let state = fake.state.borrow();
        assert_eq!(state.sent[before].bytes[..], [0x04, 2, wait, 0, matching, 0], "{product}");
        assert_eq!(state.sent[before + 1].bytes[..], [0x13, 0]);
    }
    let (fake, mut link) = bulk();
    fake.trick(1, Trick::Instead(vec![0x13, 0xFF]));
    let refused = link.configure(&LinkConfig { data_phase: true, ..config }).unwrap_err();
    assert_eq!(refused, LinkError::Refused("DAP_SWD_Configure (status ERROR)".into()));
}

#[test]
fn firmware_that_miscounts_says_so_and_is_given_no_value_match() {
    let fake = Fake::new(None, 64, 1);
    fake.state.borrow_mut().info.insert(2, b"Rusty Probe\0".to_vec());
    let mut link = open(&fake);
    assert_eq!((link.caps().exact_count, link.caps().value_match), (false, false));
    let until = [DapOp::ReadUntil { reg: DRW, value: 0 }];
    assert!(matches!(link.transfer(&until, Flow::Lockstep), Err(LinkError::Unsupported(_))));
}

#[test]
fn a_long_line_sequence_is_sent_in_pieces_that_every_firmware_drives() {
    let (fake, mut link) = bulk();
    let before = fake.sent();
    link.swj_sequence(&Bits { data: vec![0xA5; 65], len: 515 }).unwrap();
    let heads: Vec<_> = fake.state.borrow().sent[before..]
        .iter()
        .map(|packet| (packet.bytes[1], packet.bytes.len()))
        .collect();
    assert_eq!(heads, [(248, 33), (248, 33), (19, 5)]);
    assert!(matches!(link.swj_sequence(&Bits { data: vec![0], len: 9 }), Err(LinkError::Unsupported(_))));
}

#[test]
fn an_atmel_probe_is_told_its_clock_again_after_a_sequence() {
    let fake = Fake::new(Some(512), 512, 1).with_vendor(0x03EB);
    let mut link = open(&fake);
    link.set_clock(Hz(2_000_000)).unwrap();
    let before = fake.sent();
    link.swj_sequence(&Bits::whole(&[0xFF])).unwrap();
    assert_eq!(fake.commands(before), [CommandId::SWJ_SEQUENCE, CommandId::SWJ_CLOCK]);
}

#[test]
fn a_listening_sequence_returns_one_entry_for_each_listening_item() {
    let (fake, mut link) = bulk();
    let items = [SwdItem::Out(Bits::whole(&[0x99])), SwdItem::In(5), SwdItem::In(33)];
    let heard = link.swd_sequence(&items).unwrap();
    assert_eq!(heard, [Bits { data: vec![1], len: 5 }, Bits { data: vec![2; 5], len: 33 }]);
    // More than one packet holds: eight bytes and a head each.
    let before = fake.sent();
    let heard = link.swd_sequence(&vec![SwdItem::In(64); 20]).unwrap();
    assert_eq!((heard.len(), fake.sent() - before), (20, 3));
    assert!(matches!(link.swd_sequence(&[SwdItem::In(65)]), Err(LinkError::Unsupported(_))));
    fake.state.borrow_mut().unknown.push(CommandId::SWD_SEQUENCE);
    assert!(matches!(link.swd_sequence(&items), Err(LinkError::Unsupported(_))));
}

#[test]
fn waiting_for_a_pin_is_not_held_against_the_probe() {
    let (fake, mut link) = bulk();
    fake.trick(0, Trick::Late(patience().timeout + Duration::from_secs(2)));
    let pins = link.pins(Pins::NRESET, Pins::NRESET, Duration::from_secs(60)).unwrap();
    assert!(pins.has(Pins::NRESET));
    let packet = fake.state.borrow().sent.last().unwrap().bytes.clone();
    assert_eq!(packet[..], [0x10, 0x80, 0x80, 0xC0, 0xC6, 0x2D, 0x00], "3 s is the firmware's limit");
    assert_eq!(fake.state.borrow().longest_wait, patience().timeout + Duration::from_secs(3));
}

#[test]
fn the_abort_and_the_release_are_their_commands() {
    let (fake, mut link) = bulk();
    let before = fake.sent();
    link.write_abort(0x1F).unwrap();
    assert_eq!(fake.state.borrow().sent[before].bytes[..], [0x08, 0, 0x1F, 0, 0, 0]);
    link.release().unwrap();
    assert_eq!(fake.commands(before + 1), [CommandId::DISCONNECT, CommandId::HOST_STATUS]);
    assert_eq!(fake.state.borrow().sent.last().unwrap().bytes[..], [0x01, 0, 0]);
}

/// One call, and what happens to the answers of the packets it sends.
#[derive(Debug, Clone)]
struct Call {
    reads: usize,
    flow: Flow,
    trick: Option<(usize, Trick)>,
}

fn call() -> impl Strategy<Value = Call> {
    let trick = prop_oneof![
        Just(Trick::Lost),
        (0u64..7000).prop_map(|ms| Trick::Late(Duration::from_millis(ms))),
        (0u64..50).prop_map(|ms| Trick::Late(patience().timeout + Duration::from_millis(ms))),
        Just(Trick::Instead(vec![0x03, 0x00])),
        Just(Trick::Instead(vec![])),
        Just(Trick::Instead(vec![0x06, 3, 0, 2])),
        Just(Trick::Instead(vec![0xFF])),
        Just(Trick::AfterEmpty),
    ];
    let flow = prop::sample::select(vec![Flow::Lockstep, Flow::Pipelined]);
    (1usize..120, flow, prop::option::of((0usize..6, trick))).prop_map(|(reads, flow, trick)| Call {
        reads,
        flow,
        trick,
    })
}

proptest! {
    #[test]
    fn whatever_happens_to_answers_a_call_that_succeeds_has_its_own_values(
        calls in prop::collection::vec(call(), 1..12), report in prop::option::of(Just(64usize)),
    ) {
        let fake = Fake::new(report, 64, 4);
        let mut link = open(&fake);
        for Call { reads: n, flow, trick } in calls {
            if let Some((ahead, trick)) = trick {
                fake.trick(ahead, trick);
            }
            let Ok(all) = link.transfer(&reads(n), flow) else { continue };
            if all.stop.is_some() {
                continue;
            }
            // The probe numbers all words it ever read; nothing was read behind those of this call.
            let last = fake.state.borrow().reads;
            let first = last + 1 - u32::try_from(n).unwrap();
            prop_assert_eq!(all.values, (first..=last).collect::<Vec<_>>());
        }
    }
}

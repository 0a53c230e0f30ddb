use super::fake::Fake;
use super::*;
use ::stlink::{Memory, MemoryOp};
use proptest::prelude::*;
use std::time::Duration;
use wire::{Addr, ApSel, Attr, Batch, Mem, MemOp, MemStatus, Width};

fn batch(ops: Vec<MemOp>) -> Batch {
    Batch { ap: ApSel(1), attr: Attr::Default, flow: Flow::Lockstep, ops }
}

fn run(link: &mut StLink<Fake>, ops: Vec<MemOp>) -> wire::Answer {
    link.batch(&batch(ops)).unwrap()
}

fn read(at: u32, count: usize) -> MemOp {
    MemOp::ReadWords { at: Addr(at), count, secret: false }
}

fn write(at: u32, words: Vec<u32>) -> MemOp {
    MemOp::WriteWords { at: Addr(at), words, secret: false }
}

fn memory(op: MemoryOp, at: u32, len: u16, csw: u32) -> Command {
    Command::Memory(Memory { op, at: Addr(at), len, ap: 1, csw })
}

const STATUS: Command = Command::GetLastRwStatus2;
const READ: MemoryOp = MemoryOp::read(Width::Word);
const WRITE: MemoryOp = MemoryOp::write(Width::Word);

#[test]
fn a_first_access_enters_debug_mode_and_opens_the_port() {
    let fake = Fake::v3(13);
    let mut link = open(&fake);
    run(&mut link, vec![MemOp::read(Addr(0x100))]);
    let (enter, init) = (Command::Enter(Enter::SWD), Command::InitAp { ap: 1, core: 0 });
    assert_eq!(fake.seen(), [enter, init, Command::ReadDebugReg { at: Addr(0x100), ap: 1 }]);
}

#[test]
fn single_words_are_one_command_each() {
    let fake = Fake::v21(37);
    let mut link = ready(&fake);
    let at = Addr(0x2000_0000);
    let answer = run(&mut link, vec![MemOp::write(at, 0x1122_3344), MemOp::read(at)]);
    assert_eq!((answer.values, answer.status), (vec![0x1122_3344], MemStatus::Done));
    let value = 0x1122_3344;
    assert_eq!(
        fake.seen(),
        [Command::WriteDebugReg { at, value, ap: 1 }, Command::ReadDebugReg { at, ap: 1 }]
    );
}

#[test]
fn bytes_and_half_words_are_blocks_of_one() {
    let fake = Fake::v3(13);
    let mut link = ready(&fake);
    let op = |at, width, value| MemOp::Write { at: Addr(at), width, value, once: false, secret: false };
    let look = |at, width| MemOp::Read { at: Addr(at), width, secret: false };
    let ops = vec![
        op(0x101, Width::Byte, 0xFFFF_FFA1),
        op(0x102, Width::Half, 0xFFFF_B2C3),
        look(0x101, Width::Byte),
        look(0x102, Width::Half),
    ];
    assert_eq!(run(&mut link, ops).values, [0xA1, 0xB2C3]);
    let wanted = [
        memory(MemoryOp::write(Width::Byte), 0x101, 1, 0),
        STATUS,
        memory(MemoryOp::write(Width::Half), 0x102, 2, 0),
        STATUS,
        memory(MemoryOp::read(Width::Byte), 0x101, 1, 0),
        STATUS,
        memory(MemoryOp::read(Width::Half), 0x102, 2, 0),
        STATUS,
    ];
    assert_eq!(fake.seen(), wanted);
}

#[test]
fn a_block_that_is_read_is_cut_at_6144_bytes_and_each_piece_asks_for_its_status() {
    let fake = Fake::v3(13);
    let mut link = ready(&fake);
    let words: Vec<u32> = (0..2000).collect();
    let answer = run(&mut link, vec![write(0x2000_0400, words.clone()), read(0x2000_0400, 2000)]);
    assert_eq!((answer.done, answer.values, answer.status), (2, words, MemStatus::Done));
    let next = 0x2000_0400 + 6144;
    let written = [memory(WRITE, 0x2000_0400, 8000, 0), STATUS];
    let read = [memory(READ, 0x2000_0400, 6144, 0), STATUS, memory(READ, next, 8000 - 6144, 0), STATUS];
    assert_eq!(fake.seen(), [&written[..], &read[..]].concat());
}

#[test]
fn a_block_is_as_long_as_the_wire_can_carry_in_half_the_patience_with_usb() {
    for (khz, written, fetched) in [(4000, 64_512, 6144), (100, 26_084, 6144), (5, 1304, 1304)] {
        let fake = Fake::v3(13);
        let mut link = ready(&fake);
        link.swclk = Hz::khz(khz);
        run(&mut link, vec![write(0x2000_0000, vec![7; 20_000])]);
        assert_eq!(fake.seen()[0], memory(WRITE, 0x2000_0000, written, 0), "{khz} kHz");
        run(&mut link, vec![read(0x2000_0000, 2000)]);
        assert_eq!(fake.seen()[0], memory(READ, 0x2000_0000, fetched, 0), "{khz} kHz");
        let carried = link.swclk.nanos(46 * u64::from(written) / 4);
        assert!(u128::from(carried) <= Policy::default().usb.timeout.as_nanos() / 2, "{khz} kHz");
    }
}

#[test]
fn no_command_is_sent_where_the_probe_may_take_it_for_data() {
    let fake = Fake::v3(13);
    let mut link = ready(&fake);
    fake.state.borrow_mut().full = true;
    let batch = batch(vec![write(0x2000_0000, vec![0x55; 16])]);
    link.batch(&batch).unwrap_err();
    assert_eq!(fake.seen(), [memory(WRITE, 0x2000_0000, 64, 0)]);
    assert_eq!(link.batch(&batch).unwrap().status, MemStatus::Done);
    assert_eq!(fake.state.borrow().resets, 1);
    let written = memory(WRITE, 0x2000_0000, 64, 0);
    assert_eq!(fake.seen(), [Command::GetCurrentMode, written, STATUS]);
    assert_eq!(fake.state.borrow().word(0x2000_003C), 0x55);
}

#[test]
fn old_firmware_gets_no_block_across_a_kib_and_its_own_status_command() {
    let fake = Fake::v21(30);
    let mut link = ready(&fake);
    run(&mut link, vec![read(0x2000_03F8, 4)]);
    assert_eq!(
        fake.seen(),
        [memory(READ, 0x2000_03F8, 8, 0), STATUS, memory(READ, 0x2000_0400, 8, 0), STATUS]
    );
}

#[test]
fn answers_in_parts_are_joined() {
    let fake = Fake::v3(13);
    let mut link = ready(&fake);
    fake.state.borrow_mut().part = 512;
    let words: Vec<u32> = (0..1536).collect();
    let answer = run(&mut link, vec![write(0x2000_0000, words.clone()), read(0x2000_0000, 1536)]);
    assert_eq!(answer.values, words);
}

#[test]
fn an_attribute_goes_into_csw_and_the_ports_other_bits_stay() {
    let fake = Fake::v3(13);
    let mut link = ready(&fake);
    let at = Addr(0x100);
    let secure = Batch { attr: Attr::Secure, ..batch(vec![MemOp::write(at, 1), MemOp::read(at)]) };
    assert_eq!(link.batch(&secure).unwrap().values, [1]);
    let non_secure = Batch { attr: Attr::NonSecure, ..batch(vec![MemOp::read(at)]) };
    link.batch(&non_secure).unwrap();
    // 0xC380_0040 without SDeviceEn and the low byte, with HPROT as the attribute wants it.
    let wanted = [
        Command::ReadDap { port: DapPort::ap(1), reg: 0 },
        memory(WRITE, 0x100, 4, 0x8B00_0000),
        STATUS,
        memory(READ, 0x100, 4, 0x8B00_0000),
        STATUS,
        memory(READ, 0x100, 4, 0xCB00_0000),
        STATUS,
    ];
    assert_eq!(fake.seen(), wanted);
    let mut old = ready(&Fake::v21(30));
    assert!(matches!(old.batch(&secure), Err(LinkError::Unsupported(_))));
}

#[test]
fn a_write_that_is_answered_wait_is_not_sent_again() {
    let fake = Fake::v3(13);
    let mut link = ready(&fake);
    fake.pass(0x08);
    fake.answer(0x08, Status::AP_WAIT);
    link.swclk = Hz::khz(5); // Pieces of 326 words.
    let answer = run(&mut link, vec![write(0x2000_0000, vec![7; 4000])]);
    assert_eq!((answer.done, answer.words, answer.status), (0, 326, MemStatus::Wait));
    assert_eq!(fake.seen().len(), 4);
    fake.answer(0x35, Status::AP_WAIT);
    let answer = run(&mut link, vec![MemOp::write_once(Addr(0x40), 1), MemOp::read(Addr(0x44))]);
    assert_eq!((answer.done, answer.status), (0, MemStatus::Wait));
    assert_eq!(fake.seen().len(), 1);
}

#[test]
fn a_fault_says_how_far_it_got_where_the_firmware_does() {
    let fake = Fake::v3(13);
    let mut link = ready(&fake);
    fake.state.borrow_mut().set_word(0x2000_0000, 5);
    fake.answer(0x07, Status::AP_FAULT);
    let answer = run(&mut link, vec![read(0x2000_0000, 4)]);
    assert_eq!((answer.words, answer.values.len(), answer.status), (2, 2, MemStatus::Fault));
    assert_eq!(answer.values[0], 5);
    fake.answer(0x08, Status::AP_FAULT);
    let answer = run(&mut link, vec![write(0x2000_0000, vec![1; 4])]);
    assert_eq!((answer.words, answer.status), (2, MemStatus::Fault));
}

#[test]
fn every_status_of_memory_has_its_word() {
    for (status, wanted) in [
        (Status::AP_WAIT, MemStatus::Wait),
        (Status::AP_FAULT, MemStatus::Fault),
        (Status::AP_PARITY, MemStatus::Parity),
        (Status::AP_ERROR, MemStatus::NoAck),
        (Status::BAD_AP, MemStatus::Other(0x1D)),
        (Status::WRITE_VERIFY, MemStatus::Done),
    ] {
        let fake = Fake::v3(13);
        let mut link = ready(&fake);
        fake.answer(0x36, status);
        assert_eq!(run(&mut link, vec![MemOp::read(Addr(0))]).status, wanted, "{status}");
    }
}

#[test]
fn reads_that_may_be_queued_go_in_one_list() {
    let fake = Fake::v3(13);
    let mut link = ready(&fake);
    let ops: Vec<_> = (0..10).map(|i| MemOp::read(Addr(0x1000 * i))).collect();
    for i in 0..10 {
        fake.state.borrow_mut().set_word(0x1000 * i, i);
    }
    let pipelined = Batch { flow: Flow::Pipelined, ..batch(ops.clone()) };
    assert_eq!(link.batch(&pipelined).unwrap().values, (0..10).collect::<Vec<_>>());
    assert_eq!(fake.seen(), [Command::RwMiscOut { items: 11 }, Command::RwMiscIn]);
    assert_eq!(run(&mut link, ops).values.len(), 10);
    assert_eq!(fake.seen().len(), 10);
}

#[test]
fn a_list_ends_at_its_first_bad_item() {
    let fake = Fake::v3(13);
    let mut link = ready(&fake);
    fake.pass(0x51);
    fake.answer(0x51, Status::AP_FAULT);
    let ops = (0..4).map(|i| MemOp::read(Addr(4 * i))).collect();
    let answer = link.batch(&Batch { flow: Flow::Pipelined, ..batch(ops) }).unwrap();
    assert_eq!((answer.done, answer.values.len(), answer.status), (1, 1, MemStatus::Fault));
}

#[test]
fn a_wait_for_a_value_looks_as_often_as_it_was_told() {
    let config = wire::LinkConfig {
        idle_cycles: 0,
        wait_retry: 0,
        match_retry: 39,
        match_time: None,
        turnaround: 1,
        data_phase: false,
    };
    let wait = |value| MemOp::WaitUntil { at: Addr(0x40), mask: 0xFF, value };
    for (fake, commands) in [(Fake::v3(13), 2), (Fake::v21(31), 1)] {
        let mut link = ready(&fake);
        link.configure(&config).unwrap();
        fake.state.borrow_mut().set_word(0x40, 0x1234);
        let answer = run(&mut link, vec![wait(0x34)]);
        assert_eq!((answer.done, answer.values, answer.status), (1, vec![], MemStatus::Done));
        assert_eq!(fake.seen().len(), commands);
        let answer = run(&mut link, vec![wait(0x35)]);
        assert_eq!((answer.done, answer.status), (0, MemStatus::Mismatch { last: 0x1234, looks: 40 }));
        // 40 looks in lists of 16 and 24, or one by one.
        assert_eq!(fake.seen().len(), if commands == 2 { 4 } else { 40 });
    }
}

#[test]
fn a_wait_whose_patience_is_a_time_ends_with_it() {
    let fake = Fake::v21(31);
    let mut link = ready(&fake);
    let time = Some(Duration::from_millis(3));
    let config = wire::LinkConfig {
        idle_cycles: 0,
        wait_retry: 0,
        match_retry: 9999,
        match_time: time,
        turnaround: 1,
        data_phase: false,
    };
    link.configure(&config).unwrap();
    let wait = MemOp::WaitUntil { at: Addr(0x40), mask: 1, value: 1 };
    let status = run(&mut link, vec![wait]).status;
    assert!(matches!(status, MemStatus::Mismatch { last: 0xEEEE_EEEE, looks: 2..100 }), "{status:?}");
    assert!((2..100).contains(&fake.seen().len()), "{}", fake.seen().len());
}

#[test]
fn a_wait_that_fails_says_how() {
    let fake = Fake::v3(13);
    let mut link = ready(&fake);
    fake.answer(0x36, Status::AP_WAIT);
    let wait = MemOp::WaitUntil { at: Addr(0x40), mask: 1, value: 0 };
    assert_eq!(run(&mut link, vec![wait]).status, MemStatus::Wait);
}

#[test]
fn secret_blocks_are_secret_from_end_to_end() {
    let fake = Fake::v3(13);
    let mut link = ready(&fake);
    let ops = vec![
        MemOp::WriteWords { at: Addr(0), words: vec![1, 2], secret: true },
        MemOp::ReadWords { at: Addr(0), count: 2, secret: true },
    ];
    run(&mut link, ops);
    let reads = (0..3).map(|i| MemOp::Read { at: Addr(4 * i), width: Width::Word, secret: i != 1 }).collect();
    link.batch(&Batch { flow: Flow::Pipelined, ..batch(reads) }).unwrap();
    let state = fake.state.borrow();
    let last: Vec<_> = state.packets.iter().rev().take(8).rev().collect();
    assert!(last[0].secret.is_empty());
    assert_eq!(last[1].secret, hidden(0..8));
    assert_eq!(last[3].reply_secret, hidden(0..8));
    assert!(last[4].reply_secret.is_empty());
    // Values of the items behind the one that chose the port; the second of three is no secret.
    assert_eq!(last[7].reply_secret.0, [4..8, 12..16]);
}

proptest! {
    #[test]
    fn blocks_of_any_size_arrive_as_they_were_sent(
        start in 0u32..0x800,
        words in proptest::collection::vec(any::<u32>(), 0..3500),
        old: bool,
        part in prop_oneof![Just(64usize), Just(512), Just(usize::MAX)],
    ) {
        let fake = if old { Fake::v21(30) } else { Fake::v3(13) };
        let mut link = ready(&fake);
        fake.state.borrow_mut().part = if old { part.min(64) } else { part.max(512) };
        let at = 0x2000_0000 + start * 4;
        let answer = run(&mut link, vec![write(at, words.clone()), read(at, words.len())]);
        prop_assert_eq!(answer.status, MemStatus::Done);
        prop_assert_eq!(answer.values, words);
    }
}

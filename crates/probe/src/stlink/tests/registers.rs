use super::fake::Fake;
use super::*;
use wire::{Ack, Stop, Transferred};

const fn select(value: u32) -> DapOp {
    DapOp::write(RegSel::dp(8), value)
}

const CSW: RegSel = RegSel::ap(0);

fn run(link: &mut StLink<Fake>, ops: &[DapOp]) -> Transferred {
    link.transfer(ops, Flow::Lockstep).unwrap()
}

fn stopped(done: usize, ack: Ack) -> Transferred {
    let stop = Some(Stop { ack, mismatch: false, overrun: false });
    Transferred { done, values: vec![], stop }
}

const fn dp(reg: u16) -> Command {
    Command::ReadDap { port: DapPort::DP, reg }
}

fn ap(ap: u8, reg: u16) -> Command {
    Command::ReadDap { port: DapPort::ap(ap), reg }
}

#[test]
fn select_is_no_command_but_goes_along_with_the_next() {
    let fake = Fake::v3(13);
    let mut link = open(&fake);
    let ops =
        [DPIDR, select(0x0100_00F0), DapOp::read(RegSel::ap(0xC)), select(2), DapOp::read(RegSel::dp(4))];
    let moved = run(&mut link, &ops);
    assert_eq!(moved.values, [0x6BA0_2477, 0x8477_0001, 0x0484_0041]);
    assert_eq!((moved.done, moved.stop), (5, None));
    let (enter, init) = (Command::Enter(Enter::SWD), Command::InitAp { ap: 1, core: 0 });
    assert_eq!(fake.seen(), [enter, dp(0), init, ap(1, 0xFC), dp(0x24)]);
}

#[test]
fn an_access_port_is_opened_once() {
    let fake = Fake::v3(13);
    let mut link = ready(&fake);
    run(&mut link, &[select(0x0100_0000), DapOp::read(CSW), DapOp::read(CSW)]);
    run(&mut link, &[select(0), DapOp::read(CSW)]);
    let init = Command::InitAp { ap: 0, core: 0 };
    assert_eq!(fake.seen(), [ap(1, 0), ap(1, 0), init, ap(0, 0)]);
}

#[test]
fn old_firmware_has_access_port_0_and_no_banks() {
    let fake = Fake::v21(27);
    let mut link = open(&fake);
    run(&mut link, &[select(0), DapOp::read(CSW)]);
    assert_eq!(fake.seen(), [Command::Enter(Enter::SWD), ap(0, 0)]);
    for ops in [[select(0x0100_0000), DapOp::read(CSW)], [select(2), DapOp::read(RegSel::dp(4))]] {
        let result = link.transfer(&ops, Flow::Lockstep);
        assert!(matches!(result, Err(LinkError::Unsupported(_))), "{result:?}");
    }
    assert!(fake.seen().is_empty());
}

#[test]
fn a_v3_has_no_access_port_beyond_8() {
    let mut link = ready(&Fake::v3(13));
    let read = |ap: u32| [select(ap << 24), DapOp::read(CSW)];
    assert!(link.transfer(&read(8), Flow::Lockstep).is_ok());
    assert!(matches!(link.transfer(&read(9), Flow::Lockstep), Err(LinkError::Unsupported(_))));
}

#[test]
fn the_last_write_to_an_access_port_is_asked_for() {
    let fake = Fake::v3(13);
    let mut link = ready(&fake);
    let write = DapOp::write(RegSel::ap(4), 0x2000_0000);
    let moved = run(&mut link, &[select(0x0100_0000), write, write]);
    assert_eq!((moved.done, moved.stop), (3, None));
    let tar = Command::WriteDap { port: DapPort::ap(1), reg: 4, value: 0x2000_0000 };
    assert_eq!(fake.seen(), [tar, tar, dp(0xC)]);
    run(&mut link, &[write, DapOp::read(RegSel::ap(4))]);
    assert_eq!(fake.seen(), [tar, ap(1, 4)]);
    fake.answer(0x45, Status::DP_FAULT);
    assert_eq!(run(&mut link, &[write, write]), stopped(2, Ack::FAULT));
}

#[test]
fn what_the_target_answers_is_a_stop_and_never_repeated() {
    for (status, ack) in [
        (Status::AP_WAIT, Ack::WAIT),
        (Status::AP_FAULT, Ack::FAULT),
        (Status::AP_STICKY_ERROR, Ack::FAULT),
        (Status::AP_PARITY, Ack::PARITY),
        (Status::DP_ERROR, Ack::NONE),
    ] {
        let fake = Fake::v3(13);
        let mut link = ready(&fake);
        fake.pass(0x45);
        fake.answer(0x45, status);
        let moved = run(&mut link, &[DPIDR, select(0x0100_0000), DapOp::read(CSW), DPIDR]);
        assert_eq!(moved, Transferred { values: vec![0x6BA0_2477], ..stopped(2, ack) }, "{status}");
        assert_eq!(fake.seen(), [dp(0), ap(1, 0)]);
    }
}

#[test]
fn a_stalled_v3_shows_wait_then_fault_then_the_value_as_they_come() {
    let fake = Fake::v3(13);
    let mut link = ready(&fake);
    fake.answer(0x45, Status::AP_WAIT);
    fake.answer(0x45, Status::AP_FAULT);
    let ops = [select(0x0100_0000), DapOp::read(CSW)];
    assert_eq!(run(&mut link, &ops), stopped(1, Ack::WAIT));
    assert_eq!(run(&mut link, &ops), stopped(1, Ack::FAULT));
    assert_eq!(run(&mut link, &ops).values, [0xC380_0040]);
}

#[test]
fn after_silence_debug_mode_is_left_and_entered_again() {
    let fake = Fake::v3(13);
    let mut link = ready(&fake);
    fake.answer(0x45, Status::DP_ERROR);
    assert_eq!(run(&mut link, &[DPIDR]), stopped(0, Ack::NONE));
    fake.seen();
    assert_eq!(run(&mut link, &[DPIDR, select(0x0100_0000), DapOp::read(CSW)]).stop, None);
    let mode = Command::GetCurrentMode;
    let (enter, init) = (Command::Enter(Enter::SWD), Command::InitAp { ap: 1, core: 0 });
    assert_eq!(fake.seen(), [mode, Command::DebugExit, mode, enter, dp(0), init, ap(1, 0)]);
}

#[test]
fn a_target_that_is_not_there_is_silence_and_another_master_is_a_refusal() {
    for status in [Status::NO_DEVICE, Status::GET_IDCODE, Status::INTERNAL] {
        let fake = Fake::v3(13);
        let mut link = open(&fake);
        fake.answer(0x30, status);
        assert_eq!(run(&mut link, &[DPIDR]), stopped(0, Ack::NONE), "{status}");
        assert_eq!(run(&mut link, &[DPIDR]).values, [0x6BA0_2477]);
    }
    let fake = Fake::v3(13);
    let mut link = open(&fake);
    fake.answer(0x30, Status::OTHER_MODE);
    assert!(matches!(link.transfer(&[DPIDR], Flow::Lockstep), Err(LinkError::Refused(_))));
}

#[test]
fn a_closed_access_port_is_a_fault_and_is_opened_again() {
    let fake = Fake::v3(13);
    let mut link = ready(&fake);
    fake.answer(0x45, Status::BAD_AP);
    let ops = [select(0x0100_0000), DapOp::read(CSW)];
    assert_eq!(run(&mut link, &ops), stopped(1, Ack::FAULT));
    fake.seen();
    run(&mut link, &ops);
    assert_eq!(fake.seen(), [Command::InitAp { ap: 1, core: 0 }, ap(1, 0)]);
}

#[test]
fn an_unknown_status_is_a_refusal_with_its_number() {
    let fake = Fake::v3(13);
    let mut link = ready(&fake);
    fake.answer(0x45, Status(0x77));
    let error = link.transfer(&[DPIDR], Flow::Lockstep).unwrap_err();
    assert_eq!(error, LinkError::Refused("READ_DAP_REG (status 0x77)".to_owned()));
}

#[test]
fn abort_is_written_whatever_comes_of_it() {
    let fake = Fake::v3(13);
    let mut link = ready(&fake);
    fake.answer(0x46, Status::DP_FAULT);
    link.write_abort(1).unwrap();
    assert_eq!(fake.seen(), [Command::WriteDap { port: DapPort::DP, reg: 0, value: 1 }]);
}

#[test]
fn secret_values_are_marked_in_packet_and_answer() {
    let fake = Fake::v3(13);
    let mut link = ready(&fake);
    let reg = RegSel::ap(0xC);
    run(
        &mut link,
        &[
            select(0x0100_0000),
            DapOp::Write { reg, value: 7, secret: true },
            DapOp::Read { reg, secret: true },
        ],
    );
    let state = fake.state.borrow();
    let last: Vec<_> = state.packets.iter().rev().take(2).collect();
    assert!(last[0].secret.is_empty() && last[1].reply_secret.is_empty());
    assert_eq!(last[0].reply_secret, hidden(4..8));
    assert_eq!(last[1].secret, hidden(6..10));
}

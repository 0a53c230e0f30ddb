mod fake;
mod memory;
mod registers;

use super::*;
use ::stlink::{ComPort, DapPort, Enter, Nrst, Status};
use fake::Fake;
use pace::Policy;
use wire::{DapOp, Flow, Link, Pins, PipeError, RegSel};

fn try_open(fake: &Fake) -> Result<StLink<Fake>, LinkError> {
    StLink::open(fake.clone(), &Policy::default().usb, fake.clock())
}

/// An opened probe; what opening it took is not seen any more.
fn open(fake: &Fake) -> StLink<Fake> {
    let link = try_open(fake).unwrap();
    fake.seen();
    link
}

/// The same, in debug mode with AP1 opened.
fn ready(fake: &Fake) -> StLink<Fake> {
    let mut link = open(fake);
    assert_eq!(link.enter().unwrap(), None);
    assert!(link.open_ap(1).unwrap().is_none());
    fake.seen();
    link
}

/// One secret range.
fn hidden(range: std::ops::Range<usize>) -> wire::Secret {
    let mut secret = wire::Secret::NONE;
    secret.add(range);
    secret
}

const DPIDR: DapOp = DapOp::read(RegSel::dp(0));

#[test]
fn opening_asks_who_it_is_and_sends_nothing_to_the_target() {
    let fake = Fake::v21(45);
    let link = try_open(&fake).unwrap();
    assert_eq!(fake.seen(), [Command::GetVersion, Command::GetCurrentMode, Command::GetTargetVoltage]);
    assert_eq!(link.info().version.to_string(), "V2J45M25");
    assert_eq!((link.info().family, link.info().millivolts), (Family::V21, Some(3300)));
    let fake = Fake::v3(13);
    let link = try_open(&fake).unwrap();
    assert_eq!(link.info().version.to_string(), "V3J13M3");
    assert_eq!(fake.seen()[..2], [Command::GetVersion, Command::GetVersionExt]);
}

/// Six raw bytes in front of a byte of zero, as the list of probes shows them. [STL-15]
#[test]
fn a_serial_number_that_was_made_readable_stays_as_it_is() {
    let fake = Fake::v21(45).with_serial("51FF6C065049");
    assert_eq!(open(&fake).info().serial.as_deref(), Some("51FF6C065049"));
}

#[test]
fn every_mode_is_left_by_its_own_command() {
    for (mode, exit) in
        [(Mode::DFU, Command::DfuExit), (Mode::SWIM, Command::SwimExit), (Mode::DEBUG, Command::DebugExit)]
    {
        let fake = Fake::v21(45);
        fake.state.borrow_mut().mode = mode;
        try_open(&fake).unwrap();
        assert!(fake.seen().contains(&exit), "{mode}");
    }
}

#[test]
fn a_probe_that_cannot_be_used_says_why() {
    let fake = Fake::v21(45);
    fake.state.borrow_mut().mode = Mode::DFU;
    fake.state.borrow_mut().stuck = true;
    assert!(matches!(try_open(&fake), Err(LinkError::Refused(why)) if why.contains("plug it in anew")));
    let fake = Fake::v21(45);
    fake.state.borrow_mut().mode = Mode::BOOTLOADER;
    assert!(matches!(try_open(&fake), Err(LinkError::Refused(why)) if why.contains("boot loader")));
    let fake = Fake::v3(13).with_pid(0x374D);
    assert!(matches!(try_open(&fake), Err(LinkError::Unsupported(why)) if why.contains("loader")));
    assert!(fake.seen().is_empty());
    let old = Fake::v21(23);
    assert!(matches!(try_open(&old), Err(LinkError::Unsupported(why)) if why.contains("V2J24")));
}

#[test]
fn a_stale_answer_is_thrown_away_before_the_first_question() {
    let fake = Fake::v21(45);
    fake.state.borrow_mut().send(&[0x80, 0]);
    assert_eq!(try_open(&fake).unwrap().info().version.jtag, 45);
}

#[test]
fn swclk_comes_from_the_table_of_a_v2_and_from_the_list_of_a_v3() {
    let fake = Fake::v21(45);
    let mut link = open(&fake);
    assert_eq!(link.set_clock(Hz::khz(2000)).unwrap(), Hz::khz(1800));
    assert_eq!(fake.seen(), [Command::SwdSetFreq(1)]);
    let fake = Fake::v3(13);
    let mut link = open(&fake);
    assert_eq!(link.set_clock(Hz::khz(10_000)).unwrap(), Hz::khz(8000));
    let (get, set) =
        (Command::GetComFreq(ComPort::SWD), Command::SetComFreq { port: ComPort::SWD, khz: 8000 });
    assert_eq!(fake.seen(), [get, set]);
    fake.answer(0x61, Status::FREQUENCY);
    assert!(matches!(link.set_clock(Hz::khz(10)), Err(LinkError::Refused(_))));
}

#[test]
fn nreset_is_driven_and_stays_low_over_entering() {
    let fake = Fake::v3(13);
    let mut link = open(&fake);
    let wait = Duration::ZERO;
    assert_eq!(link.pins(Pins(0), Pins::NRESET, wait).unwrap(), Pins(0));
    link.transfer(&[DPIDR], Flow::Lockstep).unwrap();
    let low = Command::DriveNrst(Nrst::LOW);
    let read = Command::ReadDap { port: DapPort::DP, reg: 0 };
    assert_eq!(fake.seen(), [low, Command::Enter(Enter::SWD), low, read]);
    link.release().unwrap();
    assert_eq!(fake.seen(), [Command::DriveNrst(Nrst::HIGH), Command::DebugExit]);
}

#[test]
fn what_the_firmware_keeps_to_itself_is_unsupported_and_nothing_is_sent() {
    let fake = Fake::v3(13);
    let mut link = open(&fake);
    let bits = wire::Bits::whole(&[0xFF]);
    let unsupported = |result: Result<(), LinkError>| {
        assert!(matches!(result, Err(LinkError::Unsupported(_))), "{result:?}");
    };
    unsupported(link.swj_sequence(&bits));
    unsupported(link.swd_sequence(&[]).map(drop));
    unsupported(link.pins(Pins(0), Pins::SWCLK, Duration::ZERO).map(drop));
    for op in [
        DapOp::write(RegSel::dp(0xC), 0),
        DapOp::write(RegSel::dp(4), 0x5000_0001),
        DapOp::write(RegSel::dp(4), 0x5000_0004),
        DapOp::SetMask(1),
        DapOp::ReadUntil { reg: RegSel::ap(0xC), value: 0 },
    ] {
        unsupported(link.transfer(&[DPIDR, op], Flow::Lockstep).map(drop));
    }
    let config = wire::LinkConfig {
        idle_cycles: 2,
        wait_retry: 9,
        match_retry: 9,
        match_time: None,
        turnaround: 1,
        data_phase: false,
    };
    link.configure(&config).unwrap();
    unsupported(link.configure(&wire::LinkConfig { turnaround: 2, ..config }));
    unsupported(link.configure(&wire::LinkConfig { data_phase: true, ..config }));
    assert!(fake.seen().is_empty());
}

#[test]
fn a_late_answer_is_not_taken_for_that_of_another_command() {
    let fake = Fake::v3(13);
    let mut link = ready(&fake);
    fake.state.borrow_mut().lost.push_back(0x45);
    let error = link.transfer(&[DPIDR], Flow::Lockstep).unwrap_err();
    let patience = Policy::default().usb.timeout;
    assert_eq!(error, LinkError::Pipe(PipeError::Timeout(patience)));
    fake.state.borrow_mut().send(&[0x80, 0, 0, 0, 0xEF, 0xBE, 0xAD, 0xDE]);
    assert_eq!(link.transfer(&[DPIDR], Flow::Lockstep).unwrap().values, [0x6BA0_2477]);
    let read = Command::ReadDap { port: DapPort::DP, reg: 0 };
    assert_eq!(fake.seen(), [read, Command::GetCurrentMode, read]);
}

#[test]
fn a_probe_that_left_debug_mode_meanwhile_enters_it_again() {
    let fake = Fake::v3(13);
    let mut link = ready(&fake);
    fake.state.borrow_mut().lost.push_back(0x45);
    link.transfer(&[DPIDR], Flow::Lockstep).unwrap_err();
    fake.state.borrow_mut().mode = Mode::MASS;
    link.transfer(&[DPIDR], Flow::Lockstep).unwrap();
    assert!(fake.seen().contains(&Command::Enter(Enter::SWD)));
}

#[test]
fn an_answer_of_the_wrong_length_is_an_error_and_not_a_value() {
    let fake = Fake::v3(13);
    let mut link = ready(&fake);
    for bytes in [vec![0x80, 0, 0, 0], vec![0x80; 9]] {
        fake.state.borrow_mut().lost.push_back(0x45);
        fake.state.borrow_mut().send(&bytes);
        let error = link.transfer(&[DPIDR], Flow::Lockstep).unwrap_err();
        assert!(matches!(error, LinkError::Protocol(_)), "{error}");
        assert_eq!(link.transfer(&[DPIDR], Flow::Lockstep).unwrap().values, [0x6BA0_2477]);
    }
}

use super::*;
use crate::named::{ComPort, DapPort};
use crate::{Memory, MemoryOp};
use proptest::prelude::*;
use wire::Width;

fn memory(len: u16) -> Command {
    Command::Memory(Memory { op: MemoryOp::read(Width::Word), at: Addr(0), len, ap: 0, csw: 0 })
}

const READ_DAP: Command = Command::ReadDap { port: DapPort::DP, reg: 0 };

/// Commands with an answer and its bytes.
fn vectors() -> Vec<(Command, Answer, Vec<u8>)> {
    let com = [&[0x80, 0, 0, 0, 0x40, 0x1F, 0, 0, 2, 0, 0, 0, 0xC0, 0x5D, 0, 0, 0x40, 0x1F][..], &[0; 34]];
    let mut khz = [0; 10];
    khz[0] = 24_000;
    khz[1] = 8000;
    vec![
        (
            Command::GetVersion,
            Answer::Version(RawVersion { word: 0x2B47, vid: 0x0483, pid: 0x3748 }),
            vec![0x2B, 0x47, 0x83, 0x04, 0x48, 0x37],
        ),
        (
            Command::GetVersionExt,
            Answer::VersionExt(VersionExt {
                hardware: 3,
                swim: 1,
                jtag: 9,
                msc: 3,
                bridge: 5,
                power: 0,
                reserved: 0,
                vid: 0x0483,
                pid: 0x374F,
            }),
            vec![3, 1, 9, 3, 5, 0, 0, 0, 0x83, 0x04, 0x4F, 0x37],
        ),
        (Command::GetCurrentMode, Answer::Mode(Mode::MASS), vec![1, 0]),
        (
            Command::GetTargetVoltage,
            Answer::Voltage { reference: 0x5D8, target: 0x809 },
            vec![0xD8, 5, 0, 0, 9, 8, 0, 0],
        ),
        (Command::ResetSys, Answer::Status(Status::OK), vec![0x80, 0]),
        (
            READ_DAP,
            Answer::Value { status: Status::OK, value: 0x6BA0_2477 },
            vec![0x80, 0, 0, 0, 0x77, 0x24, 0xA0, 0x6B],
        ),
        (
            Command::ReadIdcodes,
            Answer::Idcodes { status: Status::OK, first: 0x6BA0_2477, second: 0 },
            vec![0x80, 0, 0, 0, 0x77, 0x24, 0xA0, 0x6B, 0, 0, 0, 0],
        ),
        (
            Command::GetLastRwStatus2,
            Answer::RwStatus(RwStatus {
                status: Status::AP_FAULT,
                reserved: 0x0201,
                fault: Addr(0x2010_0000),
                more: 7,
            }),
            vec![0x11, 0, 1, 2, 0, 0, 0x10, 0x20, 7, 0, 0, 0],
        ),
        (
            Command::GetComFreq(ComPort::SWD),
            Answer::ComFreq { status: Status::OK, current: 8000, count: 2, khz },
            com.concat(),
        ),
        (Command::TraceCount, Answer::TraceCount(0x0201), vec![1, 2]),
        (
            Command::ReadAllRegs { ap: 0 },
            Answer::Registers { status: Status::OK, values: [0x0101_0101; 21] },
            [&[0x80, 0, 0, 0][..], &[1; 84]].concat(),
        ),
        (memory(4), Answer::Data(Bytes::from_static(&[1, 2, 3, 4])), vec![1, 2, 3, 4]),
    ]
}

#[test]
fn every_answer_has_its_bytes() {
    for (command, answer, bytes) in vectors() {
        assert_eq!(answer.encode(&command).unwrap(), bytes, "{command}");
        let decoded = Answer::decode(&command, &bytes).unwrap();
        assert_eq!((&decoded.value, decoded.padding, decoded.stray), (&answer, 0, 0), "{command}");
    }
}

#[test]
fn an_answer_that_is_cut_off_anywhere_is_an_error() {
    for (command, _, bytes) in vectors() {
        for len in 0..bytes.len() {
            let error = Answer::decode(&command, &bytes[..len]).unwrap_err();
            assert!(matches!(error, DecodeError::Truncated { .. }), "{command} {len}: {error}");
        }
    }
}

#[test]
fn what_follows_an_answer_is_counted() {
    let decoded = Answer::decode(&READ_DAP, &[0x80, 0, 9, 0, 1, 0, 0, 0, 0, 5]).unwrap();
    assert_eq!(decoded.value, Answer::Value { status: Status::OK, value: 1 });
    assert_eq!((decoded.used, decoded.padding, decoded.stray), (8, 2, 2));
}

#[test]
fn a_command_without_an_answer_has_none() {
    for command in [Command::DebugExit, Command::DfuExit, Command::RwMiscOut { items: 1 }] {
        let error = Answer::decode(&command, &[0x80, 0]).unwrap_err();
        assert!(matches!(error, DecodeError::Unanswered { .. }), "{command}");
        assert!(Answer::Status(Status::OK).encode(&command).is_err(), "{command}");
    }
}

#[test]
fn an_answer_to_another_command_is_not_encoded() {
    let vectors = vectors();
    for (command, ..) in &vectors {
        for (other, answer, _) in &vectors {
            assert_eq!(answer.encode(command).is_ok(), other == command, "{answer:?} to {command}");
        }
    }
    assert!(Answer::Data(Bytes::from_static(&[1])).encode(&memory(4)).is_err());
}

#[test]
fn the_supply_is_twice_the_reading_by_the_reference_of_1200_millivolts() {
    let volts = |reference, target| Answer::Voltage { reference, target }.millivolts();
    assert_eq!(volts(1496, 2057), Some(3300));
    assert_eq!(volts(0, 2057), None);
    assert_eq!(Answer::Status(Status::OK).millivolts(), None);
}

proptest! {
    #[test]
    fn any_bytes_are_understood_or_refused_and_nothing_is_lost(
        head in any::<[u8; 16]>(),
        debug: bool,
        bytes in proptest::collection::vec(any::<u8>(), 0..140),
    ) {
        let mut head = head;
        if debug {
            head[0] = 0xF2;
        }
        let Ok(command) = Command::decode(&head) else { return Ok(()) };
        if let Ok(decoded) = Answer::decode(&command.value, &bytes) {
            prop_assert_eq!(decoded.used + decoded.padding, bytes.len());
            let again = decoded.value.encode(&command.value).unwrap();
            if decoded.stray == 0 {
                prop_assert_eq!(&again[..], &bytes[..decoded.used]);
            }
            prop_assert_eq!(Answer::decode(&command.value, &again).unwrap().value, decoded.value);
        }
    }
}

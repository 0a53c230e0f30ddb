use super::*;
use crate::memory::MemoryOp;
use proptest::prelude::*;
use wire::Width;

/// Each command with its bytes before the zeros, and what follows it.
fn vectors() -> Vec<(Command, Vec<u8>, Phase)> {
    let read = |width, code| {
        let op = MemoryOp::read(width);
        let memory = Memory { op, at: Addr(0x2000_1234), len: 0x100, ap: 1, csw: 0xA2B3_C400 };
        let bytes = vec![0xF2, code, 0x34, 0x12, 0x00, 0x20, 0x00, 0x01, 1, 0xC4, 0xB3, 0xA2];
        (Command::Memory(memory), bytes, Phase::In(0x100))
    };
    let write = |op, code| {
        let memory = Memory { op, at: Addr(0x4002_2000), len: 6144, ap: 0, csw: 0 };
        let bytes = vec![0xF2, code, 0x00, 0x20, 0x02, 0x40, 0x00, 0x18];
        (Command::Memory(memory), bytes, Phase::Out(6144))
    };
    vec![
        (Command::GetVersion, vec![0xF1], Phase::In(6)),
        (Command::GetVersionExt, vec![0xFB], Phase::In(12)),
        (Command::GetCurrentMode, vec![0xF5], Phase::In(2)),
        (Command::GetTargetVoltage, vec![0xF7], Phase::In(8)),
        (Command::DfuExit, vec![0xF3, 0x07], Phase::None),
        (Command::SwimEnter, vec![0xF4, 0x00], Phase::None),
        (Command::SwimExit, vec![0xF4, 0x01], Phase::None),
        (Command::DebugExit, vec![0xF2, 0x21], Phase::None),
        (Command::Enter(Enter::SWD), vec![0xF2, 0x30, 0xA3], Phase::In(2)),
        (Command::ReadIdcodes, vec![0xF2, 0x31], Phase::In(12)),
        (Command::ResetSys, vec![0xF2, 0x32], Phase::In(2)),
        (Command::ReadReg { reg: 16, ap: 1 }, vec![0xF2, 0x33, 16, 1], Phase::In(8)),
        (
            Command::WriteReg { reg: 15, value: 0x0800_0001, ap: 1 },
            vec![0xF2, 0x34, 15, 1, 0, 0, 8, 1],
            Phase::In(2),
        ),
        (Command::ReadAllRegs { ap: 2 }, vec![0xF2, 0x3A, 2], Phase::In(88)),
        (
            Command::WriteDebugReg { at: Addr(0xE000_EDF0), value: 0xA05F_0003, ap: 1 },
            vec![0xF2, 0x35, 0xF0, 0xED, 0x00, 0xE0, 0x03, 0x00, 0x5F, 0xA0, 1],
            Phase::In(2),
        ),
        (
            Command::ReadDebugReg { at: Addr(0xE000_ED00), ap: 1 },
            vec![0xF2, 0x36, 0x00, 0xED, 0x00, 0xE0, 1],
            Phase::In(8),
        ),
        (Command::GetLastRwStatus, vec![0xF2, 0x3B], Phase::In(2)),
        (Command::GetLastRwStatus2, vec![0xF2, 0x3E], Phase::In(12)),
        (Command::DriveNrst(Nrst::PULSE), vec![0xF2, 0x3C, 2], Phase::In(2)),
        (
            Command::TraceStart { buffer: 4096, hz: 2_000_000 },
            vec![0xF2, 0x40, 0x00, 0x10, 0x80, 0x84, 0x1E, 0x00],
            Phase::In(2),
        ),
        (Command::TraceStop, vec![0xF2, 0x41], Phase::In(2)),
        (Command::TraceCount, vec![0xF2, 0x42], Phase::In(2)),
        (Command::SwdSetFreq(798), vec![0xF2, 0x43, 0x1E, 0x03], Phase::In(2)),
        (Command::JtagSetFreq(2), vec![0xF2, 0x44, 2], Phase::In(2)),
        (Command::ReadDap { port: DapPort::ap(1), reg: 0xFC }, vec![0xF2, 0x45, 1, 0, 0xFC, 0], Phase::In(8)),
        (
            Command::WriteDap { port: DapPort::DP, reg: 4, value: 0x5000_0000 },
            vec![0xF2, 0x46, 0xFF, 0xFF, 4, 0, 0, 0, 0, 0x50],
            Phase::In(2),
        ),
        (Command::InitAp { ap: 1, core: 0 }, vec![0xF2, 0x4B, 1, 0], Phase::In(2)),
        (Command::CloseAp { ap: 1 }, vec![0xF2, 0x4C, 1], Phase::In(2)),
        read(Width::Word, 0x07),
        read(Width::Half, 0x47),
        read(Width::Byte, 0x0C),
        write(MemoryOp::write(Width::Word), 0x08),
        write(MemoryOp::write(Width::Half), 0x48),
        write(MemoryOp::write(Width::Byte), 0x0D),
        write(MemoryOp { increment: false, ..MemoryOp::write(Width::Word) }, 0x50),
        (Command::RwMiscOut { items: 5 }, vec![0xF2, 0x51, 5], Phase::Out(28)),
        (Command::RwMiscIn, vec![0xF2, 0x52], Phase::InResults),
        (Command::RwMiscMax, vec![0xF2, 0x53], Phase::Unknown),
        (Command::DftReg, vec![0xF2, 0x55], Phase::Unknown),
        (Command::BoardIdentifiers, vec![0xF2, 0x56], Phase::In(128)),
        (Command::BlinkLed, vec![0xF2, 0x49], Phase::None),
        (Command::DiskName, vec![0xF2, 0x4A], Phase::Unknown),
        (
            Command::SetComFreq { port: ComPort::SWD, khz: 24_000 },
            vec![0xF2, 0x61, 0, 0, 0xC0, 0x5D],
            Phase::In(8),
        ),
        (Command::GetComFreq(ComPort::JTAG), vec![0xF2, 0x62, 1], Phase::In(52)),
        (Command::SwitchFreq(4), vec![0xF2, 0x63, 4], Phase::In(8)),
    ]
}

#[test]
fn every_command_has_its_bytes_and_its_data_phase() {
    for (command, mut bytes, phase) in vectors() {
        bytes.resize(PACKET, 0);
        assert_eq!(command.encode().unwrap(), bytes, "{command}");
        let decoded = Command::decode(&bytes).unwrap();
        assert_eq!((decoded.value, decoded.stray), (command, 0), "{command}");
        assert_eq!(command.phase(), phase, "{command}");
        assert_ne!(command.name(), "unknown command");
    }
}

#[test]
fn a_read_of_one_byte_answers_two() {
    let memory = Memory { op: MemoryOp::read(Width::Byte), at: Addr(0), len: 1, ap: 0, csw: 0 };
    assert_eq!(Command::Memory(memory).phase(), Phase::In(2));
}

#[test]
fn the_value_that_a_command_writes_stands_where_it_says() {
    for command in [
        Command::WriteReg { reg: 1, value: 0x1122_3344, ap: 1 },
        Command::WriteDebugReg { at: Addr(0x10), value: 0x1122_3344, ap: 1 },
        Command::WriteDap { port: DapPort::DP, reg: 0, value: 0x1122_3344 },
    ] {
        let bytes = command.encode().unwrap();
        assert_eq!(&bytes[command.value_at().unwrap()], [0x44, 0x33, 0x22, 0x11], "{command}");
    }
}

#[test]
fn a_narrow_command_without_increment_does_not_exist() {
    let op = MemoryOp { increment: false, ..MemoryOp::read(Width::Byte) };
    assert!(Command::Memory(Memory { op, at: Addr(0), len: 4, ap: 0, csw: 0 }).encode().is_err());
}

#[test]
fn an_unknown_command_is_kept_as_it_came() {
    let bytes = [0xF2, 0x77, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14];
    let decoded = Command::decode(&bytes).unwrap();
    assert_eq!(decoded.value, Command::Other(bytes));
    assert_eq!(decoded.value.encode().unwrap(), &bytes[..]);
}

#[test]
fn what_is_cut_off_inside_its_fields_is_an_error_and_behind_them_it_is_not() {
    for (command, mut bytes, _) in vectors() {
        bytes.resize(PACKET, 0);
        let used = Command::decode(&bytes).unwrap().used;
        for len in 0..used {
            let error = Command::decode(&bytes[..len]).unwrap_err();
            assert!(matches!(error, DecodeError::Truncated { .. }), "{command} {len}: {error}");
        }
        for len in used..PACKET {
            assert_eq!(Command::decode(&bytes[..len]).unwrap().value, command);
        }
    }
}

#[test]
fn bytes_that_mean_nothing_are_counted() {
    let mut bytes = Command::GetVersion.encode().unwrap().to_vec();
    bytes[15] = 1;
    assert_eq!(Command::decode(&bytes).unwrap().stray, 1);
    bytes.push(0);
    let error = Command::decode(&bytes).unwrap_err();
    assert_eq!(error, DecodeError::Trailing { what: "command", extra: 1 });
}

use crate::DecodeError;

proptest! {
    #[test]
    fn any_packet_is_understood_or_refused_and_nothing_is_lost(bytes in proptest::collection::vec(any::<u8>(), 0..20)) {
        if let Ok(decoded) = Command::decode(&bytes) {
            let again = decoded.value.encode().unwrap();
            let mut padded = bytes.clone();
            padded.resize(PACKET, 0);
            if decoded.stray == 0 {
                prop_assert_eq!(&again[..], &padded[..]);
            }
            prop_assert_eq!(Command::decode(&again).unwrap().value, decoded.value);
        }
    }

    #[test]
    fn any_debug_command_is_understood(tail in any::<[u8; 15]>()) {
        let bytes = [&[0xF2][..], &tail].concat();
        let decoded = Command::decode(&bytes).unwrap();
        let again = decoded.value.encode().unwrap();
        prop_assert_eq!(Command::decode(&again).unwrap().value, decoded.value);
        let _ = decoded.value.phase();
    }
}

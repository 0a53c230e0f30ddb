//! From a packet to its command.

use super::{Command, PACKET, code};
use crate::memory::{Memory, MemoryOp};
use crate::named::{ComPort, DapPort, Enter, Nrst};
use crate::reader::Reader;
use crate::{DecodeError, Decoded};
use wire::Addr;

impl Command {
    /// Understands a packet. It may be shorter than 16 bytes as long as nothing that counts is missing; a command that is
    /// not known here is kept as it came.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`], and [`DecodeError::Trailing`] for more than 16 bytes.
    pub fn decode(bytes: &[u8]) -> Result<Decoded<Command>, DecodeError> {
        if let Some(extra) = bytes.len().checked_sub(PACKET).filter(|extra| *extra > 0) {
            return Err(DecodeError::Trailing { what: "command", extra });
        }
        let mut reader = Reader::new("command", bytes);
        let known = match reader.u8()? {
            code::VERSION => Some(Command::GetVersion),
            code::VERSION_EXT => Some(Command::GetVersionExt),
            code::MODE => Some(Command::GetCurrentMode),
            code::VOLTAGE => Some(Command::GetTargetVoltage),
            code::DFU => (reader.u8()? == code::DFU_EXIT).then_some(Command::DfuExit),
            code::SWIM => match reader.u8()? {
                code::SWIM_ENTER => Some(Command::SwimEnter),
                code::SWIM_EXIT => Some(Command::SwimExit),
                _ => None,
            },
            code::DEBUG => debug_class(&mut reader)?,
            _ => None,
        };
        match known {
            Some(command) => Ok(reader.done(command)),
            None => other(bytes),
        }
    }
}

fn other(bytes: &[u8]) -> Result<Decoded<Command>, DecodeError> {
    let mut reader = Reader::new("unknown command", bytes);
    let raw = reader.array::<PACKET>()?;
    Ok(reader.done(Command::Other(raw)))
}

/// What follows F2.
fn debug_class(reader: &mut Reader<'_>) -> Result<Option<Command>, DecodeError> {
    let number = reader.u8()?;
    if let Some(op) = MemoryOp::from_code(number) {
        reader.call(op.name());
        return memory(op, reader).map(|memory| Some(Command::Memory(memory)));
    }
    Ok(Some(match number {
        code::EXIT => Command::DebugExit,
        code::ENTER => Command::Enter(Enter(reader.u8()?)),
        code::READ_IDCODES => Command::ReadIdcodes,
        code::RESETSYS => Command::ResetSys,
        code::READREG => Command::ReadReg { reg: reader.u8()?, ap: reader.u8()? },
        code::WRITEREG => Command::WriteReg { reg: reader.u8()?, value: reader.u32()?, ap: reader.u8()? },
        code::READALLREGS => Command::ReadAllRegs { ap: reader.u8()? },
        code::WRITEDEBUGREG => {
            Command::WriteDebugReg { at: Addr(reader.u32()?), value: reader.u32()?, ap: reader.u8()? }
        }
        code::READDEBUGREG => Command::ReadDebugReg { at: Addr(reader.u32()?), ap: reader.u8()? },
        code::RW_STATUS => Command::GetLastRwStatus,
        code::RW_STATUS_2 => Command::GetLastRwStatus2,
        code::NRST => Command::DriveNrst(Nrst(reader.u8()?)),
        code::READ_DAP => Command::ReadDap { port: DapPort(reader.u16()?), reg: reader.u16()? },
        code::WRITE_DAP => {
            Command::WriteDap { port: DapPort(reader.u16()?), reg: reader.u16()?, value: reader.u32()? }
        }
        code::INIT_AP => Command::InitAp { ap: reader.u8()?, core: reader.u8()? },
        code::CLOSE_AP => Command::CloseAp { ap: reader.u8()? },
        code::TRACE_START => Command::TraceStart { buffer: reader.u16()?, hz: reader.u32()? },
        code::TRACE_STOP => Command::TraceStop,
        code::TRACE_COUNT => Command::TraceCount,
        code::SWD_FREQ => Command::SwdSetFreq(reader.u16()?),
        code::JTAG_FREQ => Command::JtagSetFreq(reader.u16()?),
        code::MISC_OUT => Command::RwMiscOut { items: reader.u32()? },
        code::MISC_IN => Command::RwMiscIn,
        code::MISC_MAX => Command::RwMiscMax,
        code::DFT_REG => Command::DftReg,
        code::BOARD => Command::BoardIdentifiers,
        code::BLINK => Command::BlinkLed,
        code::DISK_NAME => Command::DiskName,
        code::SET_COM => {
            let port = ComPort(reader.u8()?);
            reader.skip(1)?;
            Command::SetComFreq { port, khz: reader.u32()? }
        }
        code::GET_COM => Command::GetComFreq(ComPort(reader.u8()?)),
        code::SWITCH => Command::SwitchFreq(reader.u8()?),
        _ => return Ok(None),
    }))
}

fn memory(op: MemoryOp, reader: &mut Reader<'_>) -> Result<Memory, DecodeError> {
    let at = Addr(reader.u32()?);
    let len = reader.u16()?;
    let ap = reader.u8()?;
    let [low, middle, high] = reader.array()?;
    Ok(Memory { op, at, len, ap, csw: u32::from_le_bytes([0, low, middle, high]) })
}

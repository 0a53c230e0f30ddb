//! From a command to its packet.

use super::{Command, PACKET, code};
use crate::EncodeError;
use bytes::Bytes;

impl Command {
    /// The 16 bytes.
    ///
    /// # Errors
    /// [`EncodeError::NoCommand`] for a narrow memory command without increment, which has no number.
    pub fn encode(&self) -> Result<Bytes, EncodeError> {
        let mut bytes = Vec::with_capacity(PACKET);
        match *self {
            Command::Other(raw) => return Ok(Bytes::copy_from_slice(&raw)),
            Command::GetVersion => bytes.push(code::VERSION),
            Command::GetVersionExt => bytes.push(code::VERSION_EXT),
            Command::GetCurrentMode => bytes.push(code::MODE),
            Command::GetTargetVoltage => bytes.push(code::VOLTAGE),
            Command::DfuExit => bytes.extend([code::DFU, code::DFU_EXIT]),
            Command::SwimEnter => bytes.extend([code::SWIM, code::SWIM_ENTER]),
            Command::SwimExit => bytes.extend([code::SWIM, code::SWIM_EXIT]),
            _ => {
                bytes.push(code::DEBUG);
                self.debug_class(&mut bytes)?;
            }
        }
        bytes.resize(PACKET, 0);
        Ok(bytes.into())
    }

    /// What follows F2.
    fn debug_class(&self, bytes: &mut Vec<u8>) -> Result<(), EncodeError> {
        match *self {
            Command::DebugExit => bytes.push(code::EXIT),
            Command::Enter(how) => bytes.extend([code::ENTER, how.0]),
            Command::ReadIdcodes => bytes.push(code::READ_IDCODES),
            Command::ResetSys => bytes.push(code::RESETSYS),
            Command::ReadReg { reg, ap } => bytes.extend([code::READREG, reg, ap]),
            Command::WriteReg { reg, value, ap } => {
                bytes.extend([code::WRITEREG, reg]);
                bytes.extend(value.to_le_bytes());
                bytes.push(ap);
            }
            Command::ReadAllRegs { ap } => bytes.extend([code::READALLREGS, ap]),
            Command::WriteDebugReg { at, value, ap } => {
                bytes.push(code::WRITEDEBUGREG);
                bytes.extend(at.0.to_le_bytes());
                bytes.extend(value.to_le_bytes());
                bytes.push(ap);
            }
            Command::ReadDebugReg { at, ap } => {
                bytes.push(code::READDEBUGREG);
                bytes.extend(at.0.to_le_bytes());
                bytes.push(ap);
            }
            Command::GetLastRwStatus => bytes.push(code::RW_STATUS),
            Command::GetLastRwStatus2 => bytes.push(code::RW_STATUS_2),
            Command::DriveNrst(nrst) => bytes.extend([code::NRST, nrst.0]),
            Command::ReadDap { port, reg } => {
                bytes.push(code::READ_DAP);
                bytes.extend(port.0.to_le_bytes());
                bytes.extend(reg.to_le_bytes());
            }
            Command::WriteDap { port, reg, value } => {
                bytes.push(code::WRITE_DAP);
                bytes.extend(port.0.to_le_bytes());
                bytes.extend(reg.to_le_bytes());
                bytes.extend(value.to_le_bytes());
            }
            Command::InitAp { ap, core } => bytes.extend([code::INIT_AP, ap, core]),
            Command::CloseAp { ap } => bytes.extend([code::CLOSE_AP, ap]),
            Command::Memory(memory) => {
                let none = EncodeError::NoCommand { width: memory.op.width.bytes() * 8 };
                bytes.push(memory.op.code().ok_or(none)?);
                bytes.extend(memory.at.0.to_le_bytes());
                bytes.extend(memory.len.to_le_bytes());
                bytes.push(memory.ap);
                bytes.extend(memory.csw.to_le_bytes().into_iter().skip(1));
            }
            _ => self.probe_class(bytes),
        }
        Ok(())
    }

    /// Commands about the probe itself, and lists.
    fn probe_class(&self, bytes: &mut Vec<u8>) {
        match *self {
            Command::TraceStart { buffer, hz } => {
                bytes.push(code::TRACE_START);
                bytes.extend(buffer.to_le_bytes());
                bytes.extend(hz.to_le_bytes());
            }
            Command::TraceStop => bytes.push(code::TRACE_STOP),
            Command::TraceCount => bytes.push(code::TRACE_COUNT),
            Command::SwdSetFreq(divisor) => {
                bytes.push(code::SWD_FREQ);
                bytes.extend(divisor.to_le_bytes());
            }
            Command::JtagSetFreq(divisor) => {
                bytes.push(code::JTAG_FREQ);
                bytes.extend(divisor.to_le_bytes());
            }
            Command::RwMiscOut { items } => {
                bytes.push(code::MISC_OUT);
                bytes.extend(items.to_le_bytes());
            }
            Command::RwMiscIn => bytes.push(code::MISC_IN),
            Command::RwMiscMax => bytes.push(code::MISC_MAX),
            Command::DftReg => bytes.push(code::DFT_REG),
            Command::BoardIdentifiers => bytes.push(code::BOARD),
            Command::BlinkLed => bytes.push(code::BLINK),
            Command::DiskName => bytes.push(code::DISK_NAME),
            Command::SetComFreq { port, khz } => {
                bytes.extend([code::SET_COM, port.0, 0]);
                bytes.extend(khz.to_le_bytes());
            }
            Command::GetComFreq(port) => bytes.extend([code::GET_COM, port.0]),
            Command::SwitchFreq(prescaler) => bytes.extend([code::SWITCH, prescaler]),
            _ => {}
        }
    }
}

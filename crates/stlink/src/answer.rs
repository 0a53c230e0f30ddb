//! Answers: what the probe sends back. Most begin with a status. [STL-1]

#[cfg(test)]
mod tests;

use crate::misc::{self, MiscResult};
use crate::named::Mode;
use crate::reader::Reader;
use crate::version::{RawVersion, VersionExt};
use crate::{Command, DecodeError, Decoded, EncodeError, Phase, Status};
use bytes::Bytes;
use wire::Addr;

/// How the last memory command went, in full. [STL-14]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RwStatus {
    /// How.
    pub status: Status,
    /// Bytes 2 and 3. Nobody says what they are.
    pub reserved: u16,
    /// The address of the fault, where there was one.
    pub fault: Addr,
    /// Bytes 8 to 11. Nobody says what they are.
    pub more: u32,
}

/// One answer. Which kind belongs to which command is fixed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// To F1.
    Version(RawVersion),
    /// To FB.
    VersionExt(VersionExt),
    /// To F5. The second byte means nothing.
    Mode(Mode),
    /// To F7: two readings of which the supply is worked out.
    Voltage {
        /// The reference of 1.2 V.
        reference: u32,
        /// Half of the target's supply.
        target: u32,
    },
    /// Of commands that only do something.
    Status(Status),
    /// One value: registers, words, the frequency that was set.
    Value {
        /// How it went.
        status: Status,
        /// The value; means something only when it went well.
        value: u32,
    },
    /// Identification of the debug port.
    Idcodes {
        /// How it went.
        status: Status,
        /// DPIDR, or IDCODE.
        first: u32,
        /// The second one.
        second: u32,
    },
    /// All registers of the core.
    Registers {
        /// How it went.
        status: Status,
        /// R0 to R15, xPSR, MSP, PSP, and two more.
        values: [u32; 21],
    },
    /// To F2 3E.
    RwStatus(RwStatus),
    /// Frequencies of a V3.
    ComFreq {
        /// How it went.
        status: Status,
        /// The one in use, in kHz.
        current: u32,
        /// How many of the next are said to count.
        count: u32,
        /// In kHz, the highest first.
        khz: [u32; 10],
    },
    /// Bytes that wait at the trace endpoint.
    TraceCount(u16),
    /// What RW_MISC did.
    Results(Vec<MiscResult>),
    /// Memory, and everything whose layout is not known. There is no status in it.
    Data(Bytes),
}

impl Answer {
    /// Understands the answer to `command`.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn decode(command: &Command, bytes: &[u8]) -> Result<Decoded<Answer>, DecodeError> {
        let what = command.name();
        let mut reader = Reader::new(what, bytes);
        let answer = match (command, command.phase()) {
            (_, Phase::None | Phase::Out(_)) => return Err(DecodeError::Unanswered { what }),
            (_, Phase::InResults) => Answer::Results(misc::decode_results(&mut reader)?),
            (_, Phase::Unknown) => Answer::Data(Bytes::copy_from_slice(reader.rest())),
            (Command::GetVersion, _) => Answer::Version(RawVersion::read(&mut reader)?),
            (Command::GetVersionExt, _) => Answer::VersionExt(VersionExt::read(&mut reader)?),
            (Command::GetCurrentMode, _) => {
                let mode = Mode(reader.u8()?);
                reader.skip(1)?;
                Answer::Mode(mode)
            }
            (Command::GetTargetVoltage, _) => {
                Answer::Voltage { reference: reader.u32()?, target: reader.u32()? }
            }
            (Command::TraceCount, _) => Answer::TraceCount(reader.u16()?),
            (Command::Memory(_) | Command::BoardIdentifiers, Phase::In(len)) => {
                Answer::Data(Bytes::copy_from_slice(reader.bytes(len)?))
            }
            _ => with_status(command, &mut reader)?,
        };
        Ok(reader.done(answer))
    }

    /// The bytes, as the probe sends them after `command`.
    ///
    /// # Errors
    /// [`EncodeError::WrongAnswer`] when it is not what that command is answered with, memory of another length included.
    pub fn encode(&self, command: &Command) -> Result<Bytes, EncodeError> {
        let bytes = match self {
            Answer::Version(version) => version.bytes().to_vec(),
            Answer::VersionExt(version) => version.bytes().to_vec(),
            Answer::Mode(mode) => vec![mode.0, 0],
            Answer::Voltage { reference, target } => words(&[*reference, *target]),
            Answer::Status(status) => status.0.to_le_bytes().to_vec(),
            Answer::Value { status, value } => words(&[u32::from(status.0), *value]),
            Answer::Idcodes { status, first, second } => words(&[u32::from(status.0), *first, *second]),
            Answer::Registers { status, values } => {
                let mut bytes = words(&[u32::from(status.0)]);
                bytes.extend(words(values));
                bytes
            }
            Answer::RwStatus(RwStatus { status, reserved, fault, more }) => {
                let mut bytes = [status.0.to_le_bytes(), reserved.to_le_bytes()].concat();
                bytes.extend(words(&[fault.0, *more]));
                bytes
            }
            Answer::ComFreq { status, current, count, khz } => {
                let mut bytes = words(&[u32::from(status.0), *current, *count]);
                bytes.extend(words(khz));
                bytes
            }
            Answer::TraceCount(count) => count.to_le_bytes().to_vec(),
            Answer::Results(results) => misc::encode_results(results),
            Answer::Data(data) => data.to_vec(),
        };
        // What the other side would not read as this answer is none.
        match Answer::decode(command, &bytes) {
            Ok(decoded) if decoded.value == *self && decoded.padding == 0 => Ok(bytes.into()),
            _ => Err(EncodeError::WrongAnswer { what: command.name() }),
        }
    }

    /// The status, if it carries one.
    pub const fn status(&self) -> Option<Status> {
        match self {
            Answer::Status(status)
            | Answer::Value { status, .. }
            | Answer::Idcodes { status, .. }
            | Answer::Registers { status, .. }
            | Answer::ComFreq { status, .. } => Some(*status),
            Answer::RwStatus(rw) => Some(rw.status),
            _ => None,
        }
    }

    /// The target's supply in millivolts, from the answer to F7. `None` when the reference reads as nothing.
    pub fn millivolts(&self) -> Option<u32> {
        let Answer::Voltage { reference, target } = self else { return None };
        let millivolts = (u64::from(*target) * 2400).checked_div(u64::from(*reference))?;
        u32::try_from(millivolts).ok()
    }
}

/// Answers that begin with a status.
fn with_status(command: &Command, reader: &mut Reader<'_>) -> Result<Answer, DecodeError> {
    let status = Status(reader.u16()?);
    if let Command::GetLastRwStatus2 = command {
        let (reserved, fault, more) = (reader.u16()?, Addr(reader.u32()?), reader.u32()?);
        return Ok(Answer::RwStatus(RwStatus { status, reserved, fault, more }));
    }
    if command.phase() == Phase::In(2) {
        return Ok(Answer::Status(status));
    }
    reader.skip(2)?;
    Ok(match command {
        Command::ReadIdcodes => Answer::Idcodes { status, first: reader.u32()?, second: reader.u32()? },
        Command::GetComFreq(_) => {
            Answer::ComFreq { status, current: reader.u32()?, count: reader.u32()?, khz: array(reader)? }
        }
        Command::ReadAllRegs { .. } => Answer::Registers { status, values: array(reader)? },
        _ => Answer::Value { status, value: reader.u32()? },
    })
}

fn array<const N: usize>(reader: &mut Reader<'_>) -> Result<[u32; N], DecodeError> {
    let mut all = [0; N];
    for word in &mut all {
        *word = reader.u32()?;
    }
    Ok(all)
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

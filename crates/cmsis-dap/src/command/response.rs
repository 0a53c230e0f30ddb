//! Responses: what the probe answers.

use super::request::{write_count, write_long};
use super::{Capabilities, CommandId, DebugPort, Request, Status};
use crate::reader::Reader;
use crate::{BlockReply, DecodeError, Decoded, EncodeError, TransferReply};
use bytes::Bytes;
use wire::Pins;

/// What DAP_Info answered: bytes whose meaning depends on what was asked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct InfoData(pub Bytes);

impl InfoData {
    /// A text, with the NUL that the length counts. The empty text is "not available".
    pub fn of_text(text: &str) -> Self {
        if text.is_empty() {
            return InfoData::default();
        }
        let mut bytes = text.as_bytes().to_vec();
        bytes.push(0);
        InfoData(bytes.into())
    }

    /// The text up to its first NUL; `None` when not available.
    pub fn text(&self) -> Option<String> {
        let text = self.0.split(|b| *b == 0).next().filter(|text| !text.is_empty())?;
        Some(String::from_utf8_lossy(text).into_owned())
    }

    /// A number of one to eight bytes; `None` when not available or longer.
    pub fn number(&self) -> Option<u64> {
        let mut all = [0; 8];
        all.get_mut(..self.0.len()).filter(|_| !self.0.is_empty())?.copy_from_slice(&self.0);
        Some(u64::from_le_bytes(all))
    }

    /// The first two bytes as capabilities; none when not available.
    pub fn capabilities(&self) -> Capabilities {
        let byte = |i| self.0.get(i).copied().unwrap_or(0);
        Capabilities(u16::from_le_bytes([byte(0), byte(1)]))
    }
}

/// The fields of DAP_SWO_ExtendedStatus that were asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SwoExtended {
    /// Bit 0 active, bit 6 stream error, bit 7 overrun.
    pub flags: Option<u8>,
    /// Bytes captured.
    pub count: Option<u32>,
    /// Index of the next trace information, and its timestamp.
    pub index: Option<(u32, u32)>,
}

/// One command's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Response {
    /// A property of the probe.
    Info(InfoData),
    /// The answer of every command that answers with a status only.
    Status {
        /// The command.
        id: CommandId,
        /// What became of it.
        status: Status,
    },
    /// What was connected; [`DebugPort::DEFAULT`] means nothing.
    Connect(DebugPort),
    /// How a list of register accesses ended.
    Transfer(TransferReply),
    /// How a block of accesses ended.
    TransferBlock(BlockReply),
    /// What became of a reset.
    ResetTarget {
        /// Whether the command was understood.
        status: Status,
        /// 1 when a device-specific sequence exists and was run.
        executed: u8,
    },
    /// All pins.
    SwjPins(Pins),
    /// What was heard, each listening item from a new byte on.
    SwdSequence {
        /// What became of it.
        status: Status,
        /// Bits, least significant first.
        data: Bytes,
    },
    /// TDO, each capturing item from a new byte on.
    JtagSequence {
        /// What became of it.
        status: Status,
        /// Bits, least significant first.
        data: Bytes,
    },
    /// An IDCODE.
    JtagIdcode {
        /// What became of it.
        status: Status,
        /// The IDCODE; `None` with a bad status.
        idcode: Option<u32>,
    },
    /// The baud rate that was set; 0 is a failure.
    SwoBaudrate(u32),
    /// Capture status.
    SwoStatus {
        /// Bit 0 active, bit 6 stream error, bit 7 overrun.
        flags: u8,
        /// Bytes captured.
        count: u32,
    },
    /// Parts of the capture status.
    SwoExtendedStatus(SwoExtended),
    /// Captured data.
    SwoData {
        /// As in [`Response::SwoStatus`].
        flags: u8,
        /// The data.
        data: Bytes,
    },
    /// UART settings.
    UartConfigure {
        /// Which settings were refused, bit by bit.
        status: u8,
        /// The baud rate that was set.
        baud: u32,
    },
    /// UART buffer fill.
    UartStatus {
        /// Status bits.
        status: u8,
        /// Bytes received.
        received: u32,
        /// Bytes to send.
        to_send: u32,
    },
    /// UART data.
    UartTransfer {
        /// Status bits.
        status: u8,
        /// How many bytes were taken for sending.
        accepted: u16,
        /// What was received.
        data: Bytes,
    },
    /// The answers to several commands.
    ExecuteCommands(Vec<Response>),
    /// The probe does not know the command: a single byte 0xFF [DAP-10].
    Unimplemented,
    /// The answer to a command that the specification does not name.
    Unknown {
        /// The command byte.
        id: CommandId,
        /// The rest of the packet, padding included.
        bytes: Bytes,
    },
}

impl Response {
    /// A plain OK for this command.
    pub const fn ok(id: CommandId) -> Self {
        Response::Status { id, status: Status::OK }
    }

    /// A plain ERROR for this command.
    pub const fn error(id: CommandId) -> Self {
        Response::Status { id, status: Status::ERROR }
    }

    /// The command byte that it starts with.
    pub fn id(&self) -> CommandId {
        match self {
            Response::Info(_) => CommandId::INFO,
            Response::Status { id, .. } | Response::Unknown { id, .. } => *id,
            Response::Connect(_) => CommandId::CONNECT,
            Response::Transfer(_) => CommandId::TRANSFER,
            Response::TransferBlock(_) => CommandId::TRANSFER_BLOCK,
            Response::ResetTarget { .. } => CommandId::RESET_TARGET,
            Response::SwjPins(_) => CommandId::SWJ_PINS,
            Response::SwdSequence { .. } => CommandId::SWD_SEQUENCE,
            Response::JtagSequence { .. } => CommandId::JTAG_SEQUENCE,
            Response::JtagIdcode { .. } => CommandId::JTAG_IDCODE,
            Response::SwoBaudrate(_) => CommandId::SWO_BAUDRATE,
            Response::SwoStatus { .. } => CommandId::SWO_STATUS,
            Response::SwoExtendedStatus(_) => CommandId::SWO_EXTENDED_STATUS,
            Response::SwoData { .. } => CommandId::SWO_DATA,
            Response::UartConfigure { .. } => CommandId::UART_CONFIGURE,
            Response::UartStatus { .. } => CommandId::UART_STATUS,
            Response::UartTransfer { .. } => CommandId::UART_TRANSFER,
            Response::ExecuteCommands(_) => CommandId::EXECUTE_COMMANDS,
            Response::Unimplemented => CommandId::INVALID,
        }
    }

    /// The packet.
    ///
    /// # Errors
    /// When a list does not fit its length field.
    pub fn encode(&self) -> Result<Bytes, EncodeError> {
        let mut packet = Vec::with_capacity(64);
        self.write(&mut packet)?;
        Ok(packet.into())
    }

    fn write(&self, to: &mut Vec<u8>) -> Result<(), EncodeError> {
        to.push(self.id().0);
        match self {
            Response::Info(InfoData(data)) => {
                write_count(data.len(), "DAP_Info answer", to)?;
                to.extend_from_slice(data);
            }
            Response::Status { status: Status(b), .. }
            | Response::Connect(DebugPort(b))
            | Response::SwjPins(Pins(b)) => to.push(*b),
            Response::Transfer(reply) => reply.write(to),
            Response::TransferBlock(reply) => reply.write(to),
            Response::ResetTarget { status, executed } => to.extend([status.0, *executed]),
            Response::SwdSequence { status, data } | Response::JtagSequence { status, data } => {
                to.push(status.0);
                to.extend_from_slice(data);
            }
            Response::JtagIdcode { status, idcode } => {
                to.push(status.0);
                to.extend(idcode.iter().flat_map(|id| id.to_le_bytes()));
            }
            Response::SwoBaudrate(baud) => to.extend(baud.to_le_bytes()),
            Response::SwoStatus { flags, count } => {
                to.push(*flags);
                to.extend(count.to_le_bytes());
            }
            Response::SwoExtendedStatus(SwoExtended { flags, count, index }) => {
                to.extend(flags);
                to.extend(count.iter().flat_map(|n| n.to_le_bytes()));
                to.extend(index.iter().flat_map(|(i, t)| [i.to_le_bytes(), t.to_le_bytes()]).flatten());
            }
            Response::SwoData { flags, data } => {
                to.push(*flags);
                write_long(data, "DAP_SWO_Data answer", to)?;
            }
            Response::UartConfigure { status, baud } => {
                to.push(*status);
                to.extend(baud.to_le_bytes());
            }
            Response::UartStatus { status, received, to_send } => {
                to.push(*status);
                to.extend(received.to_le_bytes());
                to.extend(to_send.to_le_bytes());
            }
            Response::UartTransfer { status, accepted, data } => {
                to.push(*status);
                to.extend(accepted.to_le_bytes());
                write_long(data, "DAP_UART_Transfer answer", to)?;
            }
            Response::ExecuteCommands(list) => {
                write_count(list.len(), "DAP_ExecuteCommands answer", to)?;
                list.iter().try_for_each(|response| response.write(to))?;
            }
            Response::Unimplemented => {}
            Response::Unknown { bytes, .. } => to.extend_from_slice(bytes),
        }
        Ok(())
    }

    /// Takes the answer to `request` apart.
    ///
    /// # Errors
    /// [`DecodeError`] when it is no answer to that request, ends early, or counts more than was asked.
    pub fn decode(request: &Request, packet: &[u8]) -> Result<Decoded<Response>, DecodeError> {
        let mut r = Reader::new(packet);
        if packet.is_empty() {
            return Err(DecodeError::Empty);
        }
        let value = match request {
            Request::ExecuteCommands(list) | Request::QueueCommands(list) => {
                Response::read_list(list, &mut r)?
            }
            _ => Response::read(request, &mut r, true)?,
        };
        Ok(Decoded { value, used: r.used(), padding: r.left() })
    }

    /// Also the answer to DAP_QueueCommands, which the reference firmware turns into DAP_ExecuteCommands.
    fn read_list(requests: &[Request], r: &mut Reader<'_>) -> Result<Response, DecodeError> {
        const WHAT: &str = "DAP_ExecuteCommands";
        match CommandId(r.u8("DAP_ExecuteCommands answer")?) {
            CommandId::INVALID => return Ok(Response::Unimplemented),
            CommandId::EXECUTE_COMMANDS => {}
            CommandId(answered) => {
                return Err(DecodeError::WrongId { asked: CommandId::EXECUTE_COMMANDS.0, answered });
            }
        }
        let answered = usize::from(r.u8("DAP_ExecuteCommands answer count")?);
        if answered > requests.len() {
            return Err(DecodeError::Count { what: WHAT, asked: requests.len(), answered });
        }
        let mut list = Vec::with_capacity(answered);
        for (at, request) in requests.iter().take(answered).enumerate() {
            let last = at + 1 == answered;
            let response = Response::read(request, r, last)?;
            if let Response::Unknown { id, .. } = response
                && !last
            {
                return Err(DecodeError::Opaque { id: id.0 });
            }
            list.push(response);
        }
        Ok(Response::ExecuteCommands(list))
    }

    /// `last` says that nothing but padding follows, so that lengths that no field tells follow from the packet's.
    fn read(request: &Request, r: &mut Reader<'_>, last: bool) -> Result<Response, DecodeError> {
        let id = CommandId(r.u8("answer")?);
        if id == CommandId::INVALID && request.id() != CommandId::INVALID {
            return Ok(Response::Unimplemented);
        }
        if id != request.id() {
            return Err(DecodeError::WrongId { asked: request.id().0, answered: id.0 });
        }
        let what = id.name().unwrap_or("answer");
        Ok(match request {
            Request::Info(_) => {
                let len = usize::from(r.u8(what)?);
                Response::Info(InfoData(Bytes::copy_from_slice(r.bytes(len, what)?)))
            }
            Request::Connect(_) => Response::Connect(DebugPort(r.u8(what)?)),
            Request::Transfer(transfer) => Response::Transfer(TransferReply::read(transfer, r, last)?),
            Request::TransferBlock(block) => Response::TransferBlock(BlockReply::read(block, r, last)?),
            Request::ResetTarget => {
                Response::ResetTarget { status: Status(r.u8(what)?), executed: r.u8(what)? }
            }
            Request::SwjPins { .. } => Response::SwjPins(Pins(r.u8(what)?)),
            Request::SwdSequence(items) => {
                let status = Status(r.u8(what)?);
                let len = heard(status, items.iter().map(|item| item.answer_len()).sum());
                Response::SwdSequence { status, data: Bytes::copy_from_slice(r.bytes(len, what)?) }
            }
            Request::JtagSequence(items) => {
                let status = Status(r.u8(what)?);
                let len = heard(status, items.iter().map(|item| item.answer_len()).sum());
                Response::JtagSequence { status, data: Bytes::copy_from_slice(r.bytes(len, what)?) }
            }
            Request::JtagIdcode { .. } => {
                let status = Status(r.u8(what)?);
                let idcode = if status == Status::OK { Some(r.u32(what)?) } else { None };
                Response::JtagIdcode { status, idcode }
            }
            Request::Unknown { .. } => Response::Unknown { id, bytes: Bytes::copy_from_slice(r.rest()) },
            _ => return Response::read_stream(request, id, r),
        })
    }

    /// Trace, UART, and the commands that answer with a status only.
    fn read_stream(request: &Request, id: CommandId, r: &mut Reader<'_>) -> Result<Response, DecodeError> {
        let what = id.name().unwrap_or("answer");
        Ok(match request {
            Request::SwoBaudrate(_) => Response::SwoBaudrate(r.u32(what)?),
            Request::SwoStatus => Response::SwoStatus { flags: r.u8(what)?, count: r.u32(what)? },
            Request::SwoExtendedStatus(fields) => Response::SwoExtendedStatus(SwoExtended {
                flags: (fields & 1 != 0).then(|| r.u8(what)).transpose()?,
                count: (fields & 2 != 0).then(|| r.u32(what)).transpose()?,
                index: (fields & 4 != 0).then(|| Ok((r.u32(what)?, r.u32(what)?))).transpose()?,
            }),
            Request::SwoData { .. } => {
                let flags = r.u8(what)?;
                let len = usize::from(r.u16(what)?);
                Response::SwoData { flags, data: Bytes::copy_from_slice(r.bytes(len, what)?) }
            }
            Request::UartConfigure { .. } => {
                Response::UartConfigure { status: r.u8(what)?, baud: r.u32(what)? }
            }
            Request::UartStatus => {
                Response::UartStatus { status: r.u8(what)?, received: r.u32(what)?, to_send: r.u32(what)? }
            }
            Request::UartTransfer { .. } => {
                let (status, accepted) = (r.u8(what)?, r.u16(what)?);
                let len = usize::from(r.u16(what)?);
                Response::UartTransfer { status, accepted, data: Bytes::copy_from_slice(r.bytes(len, what)?) }
            }
            _ => Response::Status { id, status: Status(r.u8(what)?) },
        })
    }
}

/// A refused sequence answers with its status alone.
fn heard(status: Status, len: usize) -> usize {
    if status == Status::OK { len } else { 0 }
}

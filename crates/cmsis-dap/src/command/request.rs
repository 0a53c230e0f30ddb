//! Requests: what the host sends.

use super::{CommandId, DebugPort, InfoId, JtagItem, Led, SwdConfig, SwdSequenceItem};
use crate::reader::Reader;
use crate::{DecodeError, Decoded, EncodeError, Transfer, TransferBlock};
use bytes::Bytes;
use wire::{Bits, Hz, Pins};

/// One command as the host sends it. Numbers are little-endian on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// Ask for a property of the probe.
    Info(InfoId),
    /// Set a status LED.
    HostStatus {
        /// Which.
        led: Led,
        /// 1 lit, 0 dark.
        on: u8,
    },
    /// Take the pins.
    Connect(DebugPort),
    /// Release the pins.
    Disconnect,
    /// Set idle cycles and retry counts.
    TransferConfigure {
        /// Idle clocks after each transaction.
        idle_cycles: u8,
        /// Repeats after WAIT.
        wait_retry: u16,
        /// Repeats of a value match.
        match_retry: u16,
    },
    /// A list of register accesses.
    Transfer(Transfer),
    /// Many accesses to one register.
    TransferBlock(TransferBlock),
    /// End a running transfer early. Never answered [DAP-9].
    TransferAbort,
    /// Write the ABORT register.
    WriteAbort {
        /// Device in a JTAG chain; ignored for SWD.
        index: u8,
        /// The value.
        value: u32,
    },
    /// Wait.
    Delay {
        /// How long, in microseconds.
        micros: u16,
    },
    /// A device-specific reset sequence.
    ResetTarget,
    /// Drive the selected pins, wait until they read so, read all pins.
    SwjPins {
        /// Levels for the selected pins.
        out: Pins,
        /// Which pins to drive.
        select: Pins,
        /// How long to wait at most, in microseconds (up to 3 s).
        wait_micros: u32,
    },
    /// Set the SWCLK/TCK frequency.
    SwjClock(Hz),
    /// Drive SWDIO/TMS with 1 to 256 bits.
    SwjSequence(Bits),
    /// Turnaround and data phase.
    SwdConfigure(SwdConfig),
    /// Drive and listen in turn.
    SwdSequence(Vec<SwdSequenceItem>),
    /// Shift JTAG data.
    JtagSequence(Vec<JtagItem>),
    /// IR lengths of the JTAG chain.
    JtagConfigure(Vec<u8>),
    /// Read the IDCODE of a device in the JTAG chain.
    JtagIdcode {
        /// Which device.
        index: u8,
    },
    /// How trace data travels: 0 not, 1 DAP_SWO_Data, 2 an endpoint of its own.
    SwoTransport(u8),
    /// Trace capture: 0 off, 1 UART, 2 Manchester.
    SwoMode(u8),
    /// Trace baud rate.
    SwoBaudrate(u32),
    /// 0 stop, 1 start capture.
    SwoControl(u8),
    /// Ask for the capture status.
    SwoStatus,
    /// Ask for parts of the status: bit 0 flags, bit 1 count, bit 2 index and timestamp.
    SwoExtendedStatus(u8),
    /// Ask for captured data.
    SwoData {
        /// Most bytes to answer.
        max: u16,
    },
    /// How UART data travels: 0 not, 1 USB COM port, 2 commands.
    UartTransport(u8),
    /// UART frame and rate.
    UartConfigure {
        /// Bits 3:0 data bits (0 means 8), 5:4 parity, 7:6 stop bits.
        control: u8,
        /// Baud rate.
        baud: u32,
    },
    /// Bits 0/1/2 receiver enable, disable, flush; bits 4/5/6 the same for the transmitter.
    UartControl(u8),
    /// Ask for the buffer fill.
    UartStatus,
    /// UART data both ways.
    UartTransfer {
        /// Most bytes to receive.
        max: u16,
        /// Bytes to send.
        data: Bytes,
    },
    /// Several commands in one packet.
    ExecuteCommands(Vec<Request>),
    /// Several commands, held until a packet that is none of these arrives. Answered as [`Request::ExecuteCommands`].
    QueueCommands(Vec<Request>),
    /// A command that the specification does not name, or a vendor's (0x80 to 0x9F): everything behind its byte.
    Unknown {
        /// The command byte.
        id: CommandId,
        /// The rest of the packet, padding included: its length is not known.
        bytes: Bytes,
    },
}

impl Request {
    /// The command byte.
    pub fn id(&self) -> CommandId {
        match self {
            Request::Info(_) => CommandId::INFO,
            Request::HostStatus { .. } => CommandId::HOST_STATUS,
            Request::Connect(_) => CommandId::CONNECT,
            Request::Disconnect => CommandId::DISCONNECT,
            Request::TransferConfigure { .. } => CommandId::TRANSFER_CONFIGURE,
            Request::Transfer(_) => CommandId::TRANSFER,
            Request::TransferBlock(_) => CommandId::TRANSFER_BLOCK,
            Request::TransferAbort => CommandId::TRANSFER_ABORT,
            Request::WriteAbort { .. } => CommandId::WRITE_ABORT,
            Request::Delay { .. } => CommandId::DELAY,
            Request::ResetTarget => CommandId::RESET_TARGET,
            Request::SwjPins { .. } => CommandId::SWJ_PINS,
            Request::SwjClock(_) => CommandId::SWJ_CLOCK,
            Request::SwjSequence(_) => CommandId::SWJ_SEQUENCE,
            Request::SwdConfigure(_) => CommandId::SWD_CONFIGURE,
            Request::SwdSequence(_) => CommandId::SWD_SEQUENCE,
            Request::JtagSequence(_) => CommandId::JTAG_SEQUENCE,
            Request::JtagConfigure(_) => CommandId::JTAG_CONFIGURE,
            Request::JtagIdcode { .. } => CommandId::JTAG_IDCODE,
            Request::SwoTransport(_) => CommandId::SWO_TRANSPORT,
            Request::SwoMode(_) => CommandId::SWO_MODE,
            Request::SwoBaudrate(_) => CommandId::SWO_BAUDRATE,
            Request::SwoControl(_) => CommandId::SWO_CONTROL,
            Request::SwoStatus => CommandId::SWO_STATUS,
            Request::SwoExtendedStatus(_) => CommandId::SWO_EXTENDED_STATUS,
            Request::SwoData { .. } => CommandId::SWO_DATA,
            Request::UartTransport(_) => CommandId::UART_TRANSPORT,
            Request::UartConfigure { .. } => CommandId::UART_CONFIGURE,
            Request::UartControl(_) => CommandId::UART_CONTROL,
            Request::UartStatus => CommandId::UART_STATUS,
            Request::UartTransfer { .. } => CommandId::UART_TRANSFER,
            Request::ExecuteCommands(_) => CommandId::EXECUTE_COMMANDS,
            Request::QueueCommands(_) => CommandId::QUEUE_COMMANDS,
            Request::Unknown { id, .. } => *id,
        }
    }

    /// Whether the probe answers it at all [DAP-9].
    pub fn is_answered(&self) -> bool {
        !matches!(self, Request::TransferAbort)
    }

    /// The packet.
    ///
    /// # Errors
    /// When a list or bit string does not fit its length field.
    pub fn encode(&self) -> Result<Bytes, EncodeError> {
        let mut packet = Vec::with_capacity(64);
        self.write(&mut packet)?;
        Ok(packet.into())
    }

    fn write(&self, to: &mut Vec<u8>) -> Result<(), EncodeError> {
        to.push(self.id().0);
        match self {
            Request::Disconnect
            | Request::TransferAbort
            | Request::ResetTarget
            | Request::SwoStatus
            | Request::UartStatus => {}
            Request::Info(InfoId(b))
            | Request::Connect(DebugPort(b))
            | Request::SwdConfigure(SwdConfig(b))
            | Request::JtagIdcode { index: b }
            | Request::SwoTransport(b)
            | Request::SwoMode(b)
            | Request::SwoControl(b)
            | Request::SwoExtendedStatus(b)
            | Request::UartTransport(b)
            | Request::UartControl(b) => to.push(*b),
            Request::HostStatus { led, on } => to.extend([led.0, *on]),
            Request::TransferConfigure { idle_cycles, wait_retry, match_retry } => {
                to.push(*idle_cycles);
                to.extend(wait_retry.to_le_bytes());
                to.extend(match_retry.to_le_bytes());
            }
            Request::Transfer(transfer) => transfer.write(to)?,
            Request::TransferBlock(block) => block.write(to)?,
            Request::WriteAbort { index, value } => {
                to.push(*index);
                to.extend(value.to_le_bytes());
            }
            Request::Delay { micros: n } | Request::SwoData { max: n } => to.extend(n.to_le_bytes()),
            Request::SwjPins { out, select, wait_micros } => {
                to.extend([out.0, select.0]);
                to.extend(wait_micros.to_le_bytes());
            }
            Request::SwjClock(Hz(n)) | Request::SwoBaudrate(n) => to.extend(n.to_le_bytes()),
            Request::SwjSequence(bits) => write_swj(bits, to)?,
            Request::SwdSequence(items) => {
                write_count(items.len(), "DAP_SWD_Sequence", to)?;
                items.iter().try_for_each(|item| item.write(to))?;
            }
            Request::JtagSequence(items) => {
                write_count(items.len(), "DAP_JTAG_Sequence", to)?;
                items.iter().try_for_each(|item| item.write(to))?;
            }
            Request::JtagConfigure(lengths) => {
                write_count(lengths.len(), "DAP_JTAG_Configure", to)?;
                to.extend_from_slice(lengths);
            }
            Request::UartConfigure { control, baud } => {
                to.push(*control);
                to.extend(baud.to_le_bytes());
            }
            Request::UartTransfer { max, data } => {
                to.extend(max.to_le_bytes());
                write_long(data, "DAP_UART_Transfer", to)?;
            }
            Request::ExecuteCommands(list) | Request::QueueCommands(list) => {
                write_count(list.len(), "DAP_ExecuteCommands", to)?;
                list.iter().try_for_each(|request| request.write(to))?;
            }
            Request::Unknown { bytes, .. } => to.extend_from_slice(bytes),
        }
        Ok(())
    }

    /// Takes a packet apart.
    ///
    /// # Errors
    /// [`DecodeError`] when the packet ends inside the command.
    pub fn decode(packet: &[u8]) -> Result<Decoded<Request>, DecodeError> {
        let mut r = Reader::new(packet);
        let value = Request::read(&mut r)?;
        Ok(Decoded { value, used: r.used(), padding: r.left() })
    }

    fn read(r: &mut Reader<'_>) -> Result<Request, DecodeError> {
        if r.left() == 0 {
            return Err(DecodeError::Empty);
        }
        let id = CommandId(r.u8("command")?);
        match id {
            CommandId::EXECUTE_COMMANDS => Ok(Request::ExecuteCommands(Request::read_list(r)?)),
            CommandId::QUEUE_COMMANDS => Ok(Request::QueueCommands(Request::read_list(r)?)),
            _ => Request::read_one(id, r),
        }
    }

    /// Lists do not nest: the reference firmware knows neither 7E nor 7F inside of one.
    fn read_list(r: &mut Reader<'_>) -> Result<Vec<Request>, DecodeError> {
        let mut left = r.u8("DAP_ExecuteCommands count")?;
        let mut list = Vec::with_capacity(usize::from(left));
        while left > 0 {
            left -= 1;
            let id = CommandId(r.u8("DAP_ExecuteCommands command")?);
            let request = Request::read_one(id, r)?;
            if left > 0 && matches!(request, Request::Unknown { .. }) {
                return Err(DecodeError::Opaque { id: id.0 });
            }
            list.push(request);
        }
        Ok(list)
    }

    fn read_one(id: CommandId, r: &mut Reader<'_>) -> Result<Request, DecodeError> {
        let what = id.name().unwrap_or("command");
        Ok(match id {
            CommandId::INFO => Request::Info(InfoId(r.u8(what)?)),
            CommandId::HOST_STATUS => Request::HostStatus { led: Led(r.u8(what)?), on: r.u8(what)? },
            CommandId::CONNECT => Request::Connect(DebugPort(r.u8(what)?)),
            CommandId::DISCONNECT => Request::Disconnect,
            CommandId::TRANSFER_CONFIGURE => Request::TransferConfigure {
                idle_cycles: r.u8(what)?,
                wait_retry: r.u16(what)?,
                match_retry: r.u16(what)?,
            },
            CommandId::TRANSFER => Request::Transfer(Transfer::read(r)?),
            CommandId::TRANSFER_BLOCK => Request::TransferBlock(TransferBlock::read(r)?),
            CommandId::TRANSFER_ABORT => Request::TransferAbort,
            CommandId::WRITE_ABORT => Request::WriteAbort { index: r.u8(what)?, value: r.u32(what)? },
            CommandId::DELAY => Request::Delay { micros: r.u16(what)? },
            CommandId::RESET_TARGET => Request::ResetTarget,
            CommandId::SWJ_PINS => Request::SwjPins {
                out: Pins(r.u8(what)?),
                select: Pins(r.u8(what)?),
                wait_micros: r.u32(what)?,
            },
            CommandId::SWJ_CLOCK => Request::SwjClock(Hz(r.u32(what)?)),
            CommandId::SWJ_SEQUENCE => Request::SwjSequence(read_swj(r)?),
            CommandId::SWD_CONFIGURE => Request::SwdConfigure(SwdConfig(r.u8(what)?)),
            CommandId::SWD_SEQUENCE => Request::SwdSequence(read_items(r, what, SwdSequenceItem::read)?),
            CommandId::JTAG_SEQUENCE => Request::JtagSequence(read_items(r, what, JtagItem::read)?),
            CommandId::JTAG_CONFIGURE => {
                let count = usize::from(r.u8(what)?);
                Request::JtagConfigure(r.bytes(count, what)?.to_vec())
            }
            CommandId::JTAG_IDCODE => Request::JtagIdcode { index: r.u8(what)? },
            _ => return Request::read_stream(id, r),
        })
    }

    /// Trace, UART, and what nobody named.
    fn read_stream(id: CommandId, r: &mut Reader<'_>) -> Result<Request, DecodeError> {
        let what = id.name().unwrap_or("command");
        Ok(match id {
            CommandId::SWO_TRANSPORT => Request::SwoTransport(r.u8(what)?),
            CommandId::SWO_MODE => Request::SwoMode(r.u8(what)?),
            CommandId::SWO_BAUDRATE => Request::SwoBaudrate(r.u32(what)?),
            CommandId::SWO_CONTROL => Request::SwoControl(r.u8(what)?),
            CommandId::SWO_STATUS => Request::SwoStatus,
            CommandId::SWO_EXTENDED_STATUS => Request::SwoExtendedStatus(r.u8(what)?),
            CommandId::SWO_DATA => Request::SwoData { max: r.u16(what)? },
            CommandId::UART_TRANSPORT => Request::UartTransport(r.u8(what)?),
            CommandId::UART_CONFIGURE => Request::UartConfigure { control: r.u8(what)?, baud: r.u32(what)? },
            CommandId::UART_CONTROL => Request::UartControl(r.u8(what)?),
            CommandId::UART_STATUS => Request::UartStatus,
            CommandId::UART_TRANSFER => {
                let max = r.u16(what)?;
                let count = usize::from(r.u16(what)?);
                Request::UartTransfer { max, data: Bytes::copy_from_slice(r.bytes(count, what)?) }
            }
            _ => Request::Unknown { id, bytes: Bytes::copy_from_slice(r.rest()) },
        })
    }
}

fn read_items<T>(
    r: &mut Reader<'_>,
    what: &'static str,
    read: fn(&mut Reader<'_>) -> Result<T, DecodeError>,
) -> Result<Vec<T>, DecodeError> {
    let count = r.u8(what)?;
    (0..count).map(|_| read(r)).collect()
}

/// A length of 256 bits is written as 0.
fn read_swj(r: &mut Reader<'_>) -> Result<Bits, DecodeError> {
    let len = match r.u8("DAP_SWJ_Sequence length")? {
        0 => 256,
        n => usize::from(n),
    };
    Ok(Bits { data: r.bytes(len.div_ceil(8), "DAP_SWJ_Sequence data")?.to_vec(), len })
}

fn write_swj(bits: &Bits, to: &mut Vec<u8>) -> Result<(), EncodeError> {
    let too_long = |len, least, most| EncodeError::Length { what: "DAP_SWJ_Sequence", len, least, most };
    let count = match bits.len {
        256 => 0,
        n => u8::try_from(n).ok().filter(|n| *n > 0).ok_or(too_long(n, 1, 256))?,
    };
    let bytes = bits.len.div_ceil(8);
    let data = bits.data.get(..bytes).ok_or(too_long(bits.data.len(), bytes, bytes))?;
    to.push(count);
    to.extend_from_slice(data);
    Ok(())
}

pub(super) fn write_count(len: usize, what: &'static str, to: &mut Vec<u8>) -> Result<(), EncodeError> {
    let count = u8::try_from(len).map_err(|_| EncodeError::Length { what, len, least: 0, most: 255 })?;
    to.push(count);
    Ok(())
}

pub(super) fn write_long(data: &[u8], what: &'static str, to: &mut Vec<u8>) -> Result<(), EncodeError> {
    let len = data.len();
    let count = u16::try_from(len).map_err(|_| EncodeError::Length { what, len, least: 0, most: 0xFFFF })?;
    to.extend(count.to_le_bytes());
    to.extend_from_slice(data);
    Ok(())
}

//! Transfers: the host's commands and what became of them. Header and fields are 48 bytes, data follows.

use super::reader::Reader;
use super::{CodecError, MAX_TRANSFER};
use bytes::{BufMut, Bytes, BytesMut};
use wire::Setup;

const CMD_SUBMIT: u32 = 1;
const CMD_UNLINK: u32 = 2;
const RET_SUBMIT: u32 = 3;
const RET_UNLINK: u32 = 4;
const HEADER: usize = 48;
/// Unused bytes at the end of an unlink and of its return; the return of a submit has eight.
const UNLINK_PADDING: usize = 24;

/// What becomes of a transfer: Linux' error numbers, negative.
pub mod status {
    /// It went well.
    pub const OK: i32 = 0;
    /// ENODEV: the device is not there (any more).
    pub const GONE: i32 = -19;
    /// EPIPE: the endpoint stalled.
    pub const STALL: i32 = -32;
    /// EOVERFLOW: the device sent more than the host had room for.
    pub const OVERFLOW: i32 = -75;
    /// ECONNRESET: the host took it back before it was done.
    pub const UNLINKED: i32 = -104;
    /// EREMOTEIO: a short packet, which the host said is an error.
    pub const SHORT: i32 = -121;
}

/// The flags of a transfer that mean something to a device.
pub mod flag {
    /// A short packet is an error.
    pub const SHORT_NOT_OK: u32 = 0x0001;
    /// End an OUT transfer that fills its last packet with an empty one.
    pub const ZERO_PACKET: u32 = 0x0040;
}

/// One transfer that the host wants done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submit {
    /// The number by which its return and an unlink name it.
    pub seq: u32,
    /// The device, see [`Exported::devid`](super::Exported::devid).
    pub devid: u32,
    /// Endpoint number, 0 to 15, without the direction.
    pub endpoint: u8,
    /// Whether data flows to the host.
    pub input: bool,
    /// See [`flag`].
    pub flags: u32,
    /// The room for data, in bytes: of `data` for OUT, of the answer for IN.
    pub length: u32,
    /// The polling interval that the host thinks of, in its own units.
    pub interval: u32,
    /// The request, if it is a control transfer; otherwise zero.
    pub setup: Setup,
    /// What to send (OUT only).
    pub data: Bytes,
}

impl Submit {
    /// The endpoint's address: its number, with bit 7 set for IN.
    #[must_use]
    pub fn address(&self) -> u8 {
        self.endpoint | if self.input { 0x80 } else { 0 }
    }
}

/// What the host wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// USBIP_CMD_SUBMIT: do a transfer.
    Submit(Submit),
    /// USBIP_CMD_UNLINK: take a transfer back.
    Unlink {
        /// The number of this command.
        seq: u32,
        /// The device.
        devid: u32,
        /// The number of the transfer.
        target: u32,
    },
}

/// The five numbers at the head of every message of this phase.
struct Base {
    command: u32,
    seq: u32,
    devid: u32,
    direction: u32,
    endpoint: u32,
}

impl Base {
    fn read(reader: &mut Reader<'_>) -> Result<Base, CodecError> {
        Ok(Base {
            command: reader.u32()?,
            seq: reader.u32()?,
            devid: reader.u32()?,
            direction: reader.u32()?,
            endpoint: reader.u32()?,
        })
    }

    fn put(&self, message: &mut BytesMut) {
        for number in [self.command, self.seq, self.devid, self.direction, self.endpoint] {
            message.put_u32(number);
        }
    }
}

/// A length as the protocol has it: signed, and never more than [`MAX_TRANSFER`].
fn length(number: i32) -> Result<u32, CodecError> {
    u32::try_from(number).ok().filter(|len| *len <= MAX_TRANSFER).ok_or(CodecError::Length(number))
}

fn setup_from(bytes: [u8; 8]) -> Setup {
    let [request_type, request, v0, v1, i0, i1, l0, l1] = bytes;
    Setup {
        request_type,
        request,
        value: u16::from_le_bytes([v0, v1]),
        index: u16::from_le_bytes([i0, i1]),
        length: u16::from_le_bytes([l0, l1]),
    }
}

fn read_submit(base: &Base, reader: &mut Reader<'_>) -> Result<Submit, CodecError> {
    let input = match base.direction {
        0 => false,
        1 => true,
        other => return Err(CodecError::Direction(other)),
    };
    let endpoint =
        u8::try_from(base.endpoint).ok().filter(|n| *n < 16).ok_or(CodecError::Endpoint(base.endpoint))?;
    let flags = reader.u32()?;
    let length = length(reader.i32()?)?;
    let _start_frame = reader.u32()?;
    // Linux says 0 for what is not isochronous, its documentation 0xFFFF_FFFF.
    match reader.i32()? {
        0 | -1 => {}
        packets => return Err(CodecError::Isochronous(packets)),
    }
    let interval = reader.u32()?;
    let setup = setup_from(reader.array()?);
    Ok(Submit {
        seq: base.seq,
        devid: base.devid,
        endpoint,
        input,
        flags,
        length,
        interval,
        setup,
        data: Bytes::new(),
    })
}

impl Command {
    /// How many bytes must be there before [`Command::needed`] can answer.
    pub const HEADER: usize = HEADER;

    fn read(reader: &mut Reader<'_>) -> Result<Command, CodecError> {
        let base = Base::read(reader)?;
        match base.command {
            CMD_SUBMIT => read_submit(&base, reader).map(Command::Submit),
            CMD_UNLINK => {
                let target = reader.u32()?;
                reader.array::<UNLINK_PADDING>()?;
                Ok(Command::Unlink { seq: base.seq, devid: base.devid, target })
            }
            other => Err(CodecError::Command(other)),
        }
    }

    /// How many bytes of data follow the header that was read.
    fn data_len(&self) -> usize {
        match self {
            Command::Submit(submit) if !submit.input => usize::try_from(submit.length).unwrap_or(usize::MAX),
            _ => 0,
        }
    }

    /// The length of the whole message.
    ///
    /// # Errors
    /// [`CodecError`]: not the header of a command.
    pub fn needed(header: &[u8]) -> Result<usize, CodecError> {
        Ok(HEADER + Command::read(&mut Reader(header))?.data_len())
    }

    /// Reads a whole command.
    ///
    /// # Errors
    /// [`CodecError`].
    pub fn parse(message: &Bytes) -> Result<Command, CodecError> {
        let mut reader = Reader(message);
        let mut command = Command::read(&mut reader)?;
        let data = reader.take(command.data_len())?;
        reader.end()?;
        if let Command::Submit(submit) = &mut command {
            submit.data = message.slice_ref(data);
        }
        Ok(command)
    }

    /// The message. `length` and `data` of an OUT transfer must agree.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        let mut message = BytesMut::new();
        match self {
            Command::Submit(submit) => {
                let base = Base {
                    command: CMD_SUBMIT,
                    seq: submit.seq,
                    devid: submit.devid,
                    direction: u32::from(submit.input),
                    endpoint: u32::from(submit.endpoint),
                };
                base.put(&mut message);
                for number in [submit.flags, submit.length, 0, 0, submit.interval] {
                    message.put_u32(number);
                }
                message.put_slice(&submit.setup.to_bytes());
                message.put_slice(&submit.data);
            }
            Command::Unlink { seq, devid, target } => {
                let base = Base { command: CMD_UNLINK, seq: *seq, devid: *devid, direction: 0, endpoint: 0 };
                base.put(&mut message);
                message.put_u32(*target);
                message.put_bytes(0, UNLINK_PADDING);
            }
        }
        message.freeze()
    }
}

/// What became of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Return {
    /// USBIP_RET_SUBMIT.
    Submit {
        /// The number of the transfer.
        seq: u32,
        /// See [`status`].
        status: i32,
        /// How many bytes moved: of what the host sent (OUT), or the length of `data` (IN).
        actual: u32,
        /// What the device sent (IN).
        data: Bytes,
    },
    /// USBIP_RET_UNLINK.
    Unlink {
        /// The number of the unlink command.
        seq: u32,
        /// [`status::UNLINKED`] when the transfer was taken back, 0 when it had been done.
        status: i32,
    },
}

impl Return {
    /// How many bytes must be there before [`Return::needed`] can answer.
    pub const HEADER: usize = HEADER;

    /// The number of the command that this answers.
    #[must_use]
    pub fn seq(&self) -> u32 {
        match self {
            Return::Submit { seq, .. } | Return::Unlink { seq, .. } => *seq,
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Return, CodecError> {
        let base = Base::read(reader)?;
        let seq = base.seq;
        match base.command {
            RET_SUBMIT => {
                let status = reader.i32()?;
                let actual = length(reader.i32()?)?;
                // Start frame, number of packets, error count: isochronous only. Then eight unused bytes.
                reader.array::<20>()?;
                Ok(Return::Submit { seq, status, actual, data: Bytes::new() })
            }
            RET_UNLINK => {
                let status = reader.i32()?;
                reader.array::<UNLINK_PADDING>()?;
                Ok(Return::Unlink { seq, status })
            }
            other => Err(CodecError::Command(other)),
        }
    }

    fn data_len(&self, input: bool) -> usize {
        match self {
            Return::Submit { actual, .. } if input => usize::try_from(*actual).unwrap_or(usize::MAX),
            _ => 0,
        }
    }

    /// The number that the header answers, so that a reader can find the command and its direction.
    ///
    /// # Errors
    /// [`CodecError`]: not the header of a return.
    pub fn answers(header: &[u8]) -> Result<u32, CodecError> {
        Return::read(&mut Reader(header)).map(|answer| answer.seq())
    }

    /// The length of the whole message. A return does not say its direction: `input` is that of the command.
    ///
    /// # Errors
    /// [`CodecError`]: not the header of a return.
    pub fn needed(header: &[u8], input: bool) -> Result<usize, CodecError> {
        Ok(HEADER + Return::read(&mut Reader(header))?.data_len(input))
    }

    /// Reads a whole return.
    ///
    /// # Errors
    /// [`CodecError`].
    pub fn parse(message: &Bytes, input: bool) -> Result<Return, CodecError> {
        let mut reader = Reader(message);
        let mut answer = Return::read(&mut reader)?;
        let bytes = reader.take(answer.data_len(input))?;
        reader.end()?;
        if let Return::Submit { data, .. } = &mut answer {
            *data = message.slice_ref(bytes);
        }
        Ok(answer)
    }

    /// The message. Device, direction and endpoint are zero, as Linux has them in returns.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        let mut message = BytesMut::new();
        let base = |command, seq| Base { command, seq, devid: 0, direction: 0, endpoint: 0 };
        match self {
            Return::Submit { seq, status, actual, data } => {
                base(RET_SUBMIT, *seq).put(&mut message);
                message.put_i32(*status);
                message.put_u32(*actual);
                message.put_bytes(0, 20);
                message.put_slice(data);
            }
            Return::Unlink { seq, status } => {
                base(RET_UNLINK, *seq).put(&mut message);
                message.put_i32(*status);
                message.put_bytes(0, UNLINK_PADDING);
            }
        }
        message.freeze()
    }
}

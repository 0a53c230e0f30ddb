//! The handshake: which devices are there, and "give me this one".

use super::reader::Reader;
use super::{CodecError, VERSION};
use crate::{Class, Speed};
use bytes::{BufMut, Bytes, BytesMut};
use std::fmt;

const REQ_DEVLIST: u16 = 0x8005;
const REP_DEVLIST: u16 = 0x0005;
const REQ_IMPORT: u16 = 0x8003;
const REP_IMPORT: u16 = 0x0003;
/// Version, code, status.
const HEADER: usize = 8;
const BUSID: usize = 32;
const PATH: usize = 256;
/// One device without its interfaces.
const DEVICE: usize = PATH + BUSID + 24;

/// The name of an exported device, such as `1-1`. At most 31 bytes, none of them zero.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BusId(String);

impl BusId {
    /// The name as given.
    ///
    /// # Errors
    /// [`CodecError::BusId`] when it is too long for the protocol or holds a zero byte.
    pub fn new(name: impl Into<String>) -> Result<BusId, CodecError> {
        let name = name.into();
        if name.len() >= BUSID || name.contains('\0') { Err(CodecError::BusId) } else { Ok(BusId(name)) }
    }

    /// The name of a device by its bus and port number.
    #[must_use]
    pub fn numbered(bus: u8, device: u8) -> BusId {
        BusId(format!("{bus}-{device}"))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BusId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a host asks first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// OP_REQ_DEVLIST: which devices are exported?
    DevList,
    /// OP_REQ_IMPORT: attach this one; the connection is its cable from then on.
    Import(BusId),
}

impl Request {
    /// How many bytes must be there before [`Request::needed`] can answer.
    pub const HEADER: usize = HEADER;

    /// The length of the whole message.
    ///
    /// # Errors
    /// [`CodecError`]: not the header of a request.
    pub fn needed(header: &[u8]) -> Result<usize, CodecError> {
        let mut reader = Reader(header);
        match (version(&mut reader)?, reader.u32()?) {
            (REQ_DEVLIST, _) => Ok(HEADER),
            (REQ_IMPORT, _) => Ok(HEADER + BUSID),
            (code, _) => Err(CodecError::Operation(code)),
        }
    }

    /// Reads a whole request. Its status field is unused and ignored, as in Linux.
    ///
    /// # Errors
    /// [`CodecError`].
    pub fn parse(message: &[u8]) -> Result<Request, CodecError> {
        let mut reader = Reader(message);
        let code = version(&mut reader)?;
        reader.u32()?;
        let request = match code {
            REQ_DEVLIST => Request::DevList,
            REQ_IMPORT => Request::Import(BusId(reader.text::<BUSID>(CodecError::BusId)?.to_owned())),
            other => return Err(CodecError::Operation(other)),
        };
        reader.end()?;
        Ok(request)
    }

    /// The message.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        let mut message = BytesMut::new();
        match self {
            Request::DevList => put_header(&mut message, REQ_DEVLIST, 0),
            Request::Import(busid) => {
                put_header(&mut message, REQ_IMPORT, 0);
                put_text(&mut message, &busid.0, BUSID);
            }
        }
        message.freeze()
    }
}

fn version(reader: &mut Reader<'_>) -> Result<u16, CodecError> {
    match reader.u16()? {
        VERSION => reader.u16(),
        other => Err(CodecError::Version(other)),
    }
}

fn put_header(message: &mut BytesMut, code: u16, status: u32) {
    message.put_u16(VERSION);
    message.put_u16(code);
    message.put_u32(status);
}

/// A text, filled with zero bytes to `width`, at least one.
fn put_text(message: &mut BytesMut, text: &str, width: usize) {
    let fits = text.as_bytes().iter().take(width - 1).copied();
    let end = message.len() + width;
    message.extend(fits);
    message.resize(end, 0);
}

/// An exported device as the handshake shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    /// Where it is on the exporting host; for people.
    pub path: String,
    /// Its name.
    pub busid: BusId,
    /// Bus number.
    pub busnum: u32,
    /// Device number on that bus.
    pub devnum: u32,
    /// Its speed as the number of the protocol; see [`Exported::known_speed`].
    pub speed: u32,
    /// Vendor number.
    pub vid: u16,
    /// Product number.
    pub pid: u16,
    /// Release number, binary coded decimal.
    pub release: u16,
    /// Class of the device.
    pub class: Class,
    /// The configuration that is set; 0 when none is.
    pub configuration: u8,
    /// How many configurations it has.
    pub configurations: u8,
    /// How many interfaces it has.
    pub interfaces: u8,
}

impl Exported {
    /// The number by which transfers name the device.
    #[must_use]
    pub fn devid(&self) -> u32 {
        self.busnum << 16 | self.devnum & 0xFFFF
    }

    /// The speed, if it is one that this crate has a word for.
    #[must_use]
    pub fn known_speed(&self) -> Option<Speed> {
        [Speed::Full, Speed::High].into_iter().find(|speed| speed.number() == self.speed)
    }

    fn put(&self, message: &mut BytesMut) {
        put_text(message, &self.path, PATH);
        put_text(message, &self.busid.0, BUSID);
        message.put_u32(self.busnum);
        message.put_u32(self.devnum);
        message.put_u32(self.speed);
        message.put_u16(self.vid);
        message.put_u16(self.pid);
        message.put_u16(self.release);
        message.put_slice(&self.class.to_bytes());
        message.put_slice(&[self.configuration, self.configurations, self.interfaces]);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Exported, CodecError> {
        Ok(Exported {
            path: reader.text::<PATH>(CodecError::Path)?.to_owned(),
            busid: BusId(reader.text::<BUSID>(CodecError::BusId)?.to_owned()),
            busnum: reader.u32()?,
            devnum: reader.u32()?,
            speed: reader.u32()?,
            vid: reader.u16()?,
            pid: reader.u16()?,
            release: reader.u16()?,
            class: Class::from_bytes(reader.array()?),
            configuration: reader.u8()?,
            configurations: reader.u8()?,
            interfaces: reader.u8()?,
        })
    }
}

/// Why a device was not given, with Linux' numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// 2: somebody else has it.
    #[error("the device is in use")]
    Busy,
    /// 4: there is no such device, or it is unplugged.
    #[error("there is no such device")]
    NoDevice,
    /// Any other number.
    #[error("refused with status {0}")]
    Other(u32),
}

impl Refusal {
    fn number(self) -> u32 {
        match self {
            Refusal::Busy => 2,
            Refusal::NoDevice => 4,
            Refusal::Other(number) => number,
        }
    }

    fn from_number(number: u32) -> Refusal {
        match number {
            2 => Refusal::Busy,
            4 => Refusal::NoDevice,
            other => Refusal::Other(other),
        }
    }
}

/// What the server answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// OP_REP_DEVLIST: the devices with the classes of their interfaces.
    DevList(Vec<(Exported, Vec<Class>)>),
    /// OP_REP_IMPORT.
    Import(Result<Exported, Refusal>),
}

impl Reply {
    /// How many bytes must be there before [`Reply::needed_for_import`] can answer.
    pub const HEADER: usize = HEADER;

    /// The length of the whole message that begins like this, if it is the answer to an import. The list of devices has
    /// no length of its own: it ends with the connection.
    ///
    /// # Errors
    /// [`CodecError`]: not the header of such an answer.
    pub fn needed_for_import(header: &[u8]) -> Result<usize, CodecError> {
        let mut reader = Reader(header);
        match (version(&mut reader)?, reader.u32()?) {
            (REP_IMPORT, 0) => Ok(HEADER + DEVICE),
            (REP_IMPORT, _) => Ok(HEADER),
            (code, _) => Err(CodecError::Operation(code)),
        }
    }

    /// Reads a whole answer.
    ///
    /// # Errors
    /// [`CodecError`].
    pub fn parse(message: &[u8]) -> Result<Reply, CodecError> {
        let mut reader = Reader(message);
        let reply = match (version(&mut reader)?, reader.u32()?) {
            (REP_DEVLIST, _) => {
                let count = reader.u32()?;
                let mut devices = Vec::new();
                for _ in 0..count {
                    let device = Exported::read(&mut reader)?;
                    let classes: Result<Vec<_>, _> =
                        (0..device.interfaces).map(|_| Class::read_padded(&mut reader)).collect();
                    devices.push((device, classes?));
                }
                Reply::DevList(devices)
            }
            (REP_IMPORT, 0) => Reply::Import(Ok(Exported::read(&mut reader)?)),
            (REP_IMPORT, status) => Reply::Import(Err(Refusal::from_number(status))),
            (code, _) => return Err(CodecError::Operation(code)),
        };
        reader.end()?;
        Ok(reply)
    }

    /// The message.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        let mut message = BytesMut::new();
        match self {
            Reply::DevList(devices) => {
                put_header(&mut message, REP_DEVLIST, 0);
                message.put_u32(u32::try_from(devices.len()).unwrap_or(u32::MAX));
                for (device, classes) in devices {
                    device.put(&mut message);
                    for class in classes {
                        message.put_slice(&class.to_bytes());
                        message.put_u8(0);
                    }
                }
            }
            Reply::Import(Ok(device)) => {
                put_header(&mut message, REP_IMPORT, 0);
                device.put(&mut message);
            }
            Reply::Import(Err(refusal)) => put_header(&mut message, REP_IMPORT, refusal.number()),
        }
        message.freeze()
    }
}

impl Class {
    fn read_padded(reader: &mut Reader<'_>) -> Result<Class, CodecError> {
        let [class, sub, protocol, _padding] = reader.array()?;
        Ok(Class::from_bytes([class, sub, protocol]))
    }
}

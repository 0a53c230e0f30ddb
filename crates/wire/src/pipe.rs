//! `Pipe`: packets to and from a probe. All traffic between host and probe passes here.

use crate::{Mark, Setup, TransferKind};
use bytes::Bytes;
use std::ops::Range;
use std::time::Duration;

/// Byte ranges of a packet that must not be recorded as they are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Secret(pub Vec<Range<usize>>);

impl Secret {
    /// Nothing is secret.
    pub const NONE: Secret = Secret(Vec::new());

    /// Marks a range; a range that continues the last one is joined to it.
    pub fn add(&mut self, range: Range<usize>) {
        match self.0.last_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            _ => self.0.push(range),
        }
    }

    /// Whether nothing is secret.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// One packet for the probe. What its answer will hold is known before it arrives, so the answer's secrets travel along.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    /// The bytes.
    pub bytes: Bytes,
    /// Which of them are secret.
    pub secret: Secret,
    /// Which bytes of the answer will be secret.
    pub reply_secret: Secret,
    /// Whether an answer will come at all.
    pub answered: bool,
}

impl Packet {
    /// A packet without secrets that will be answered.
    pub fn plain(bytes: impl Into<Bytes>) -> Self {
        Packet { bytes: bytes.into(), secret: Secret::NONE, reply_secret: Secret::NONE, answered: true }
    }
}

/// What kind of pipe it is, as far as links need to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PipeShape {
    /// Bulk or interrupt.
    pub kind: TransferKind,
    /// Address of the OUT endpoint.
    pub out_endpoint: u8,
    /// Address of the IN endpoint (bit 7 set).
    pub in_endpoint: u8,
    /// Report size for HID pipes: every packet is padded to it. `None` for bulk.
    pub report: Option<usize>,
    /// Largest packet of the OUT endpoint.
    pub max_packet: usize,
    /// What the probe calls itself (product string).
    pub product: String,
    /// Its serial number as people write it, if it has one.
    pub serial: Option<String>,
    /// USB vendor and product number.
    pub id: (u16, u16),
}

/// Why a packet did not come or go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PipeError {
    /// Nothing happened for so long: the probe is silent.
    Timeout(Duration),
    /// The endpoint is stalled.
    Stall,
    /// The probe is gone.
    Unplugged,
    /// More came than a packet can hold.
    Overflow,
    /// The operating system's own words.
    Io(String),
}

impl std::fmt::Display for PipeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            PipeError::Timeout(t) => write!(f, "the probe did not answer within {t:?}"),
            PipeError::Stall => f.write_str("the probe stalled the endpoint"),
            PipeError::Unplugged => f.write_str("the probe was unplugged"),
            PipeError::Overflow => f.write_str("the probe sent more than a packet holds"),
            PipeError::Io(e) => write!(f, "USB: {e}"),
        }
    }
}

impl std::error::Error for PipeError {}

/// The way to one probe. Packets are answered in the order in which they were sent; several may be under way.
pub trait Pipe {
    /// What kind of pipe it is.
    fn shape(&self) -> &PipeShape;

    /// Sends one packet.
    ///
    /// # Errors
    /// [`PipeError`]; after `Timeout` the packet may or may not have gone.
    fn send(&mut self, packet: &Packet, timeout: Duration) -> Result<(), PipeError>;

    /// Receives the next answer.
    ///
    /// # Errors
    /// [`PipeError`]; after `Timeout` the answer may still come and be taken for that of a later packet.
    fn recv(&mut self, timeout: Duration) -> Result<Bytes, PipeError>;

    /// Receives the next answer, whose length is known. For probes that do not end an answer which fills its last USB packet
    /// with an empty one: only who knows the length can tell at once that it is complete. Fewer bytes may come.
    ///
    /// # Errors
    /// As [`Pipe::recv`].
    fn recv_sized(&mut self, _length: usize, timeout: Duration) -> Result<Bytes, PipeError> {
        self.recv(timeout)
    }

    /// Whether an answer has come already, so that [`Pipe::recv`] will have it at once. Takes no time. A pipe that cannot
    /// tell says no.
    fn pending(&mut self) -> bool {
        false
    }

    /// A control transfer on endpoint 0.
    ///
    /// # Errors
    /// [`PipeError`].
    fn control(&mut self, setup: Setup, data: &[u8], timeout: Duration) -> Result<Bytes, PipeError>;

    /// Resets the USB device.
    ///
    /// # Errors
    /// [`PipeError`].
    fn reset(&mut self) -> Result<(), PipeError>;

    /// Puts a mark into the recording, where there is one.
    fn mark(&mut self, _mark: &Mark) {}
}

impl<P: Pipe + ?Sized> Pipe for Box<P> {
    fn shape(&self) -> &PipeShape {
        (**self).shape()
    }

    fn send(&mut self, packet: &Packet, timeout: Duration) -> Result<(), PipeError> {
        (**self).send(packet, timeout)
    }

    fn recv(&mut self, timeout: Duration) -> Result<Bytes, PipeError> {
        (**self).recv(timeout)
    }

    fn recv_sized(&mut self, length: usize, timeout: Duration) -> Result<Bytes, PipeError> {
        (**self).recv_sized(length, timeout)
    }

    fn pending(&mut self) -> bool {
        (**self).pending()
    }

    fn control(&mut self, setup: Setup, data: &[u8], timeout: Duration) -> Result<Bytes, PipeError> {
        (**self).control(setup, data, timeout)
    }

    fn reset(&mut self) -> Result<(), PipeError> {
        (**self).reset()
    }

    fn mark(&mut self, mark: &Mark) {
        (**self).mark(mark);
    }
}

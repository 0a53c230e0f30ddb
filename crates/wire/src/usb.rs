//! `UsbDevice`: the device side of a probe, with explicit times instead of a clock.
//!
//! A device is told *when* something reaches it and says *when* its answer is ready. So the same device serves a
//! virtual clock (whoever asks jumps ahead) and a real one (whoever asks waits).

use bytes::Bytes;
use std::time::Duration;

/// How an endpoint moves data, with usbmon's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TransferKind {
    /// Interrupt (HID probes).
    Interrupt,
    /// Control (endpoint 0).
    Control,
    /// Bulk.
    Bulk,
}

/// The eight bytes of a control request, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setup {
    /// `bmRequestType`.
    pub request_type: u8,
    /// `bRequest`.
    pub request: u8,
    /// `wValue`.
    pub value: u16,
    /// `wIndex`.
    pub index: u16,
    /// `wLength`.
    pub length: u16,
}

impl Setup {
    /// The eight bytes as they go over the wire.
    pub fn to_bytes(self) -> [u8; 8] {
        let [v0, v1] = self.value.to_le_bytes();
        let [i0, i1] = self.index.to_le_bytes();
        let [l0, l1] = self.length.to_le_bytes();
        [self.request_type, self.request, v0, v1, i0, i1, l0, l1]
    }
}

/// Who a device says it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsbIdentity {
    /// Vendor number.
    pub vid: u16,
    /// Product number.
    pub pid: u16,
    /// Release number, binary coded decimal.
    pub release: u16,
    /// Manufacturer string.
    pub manufacturer: String,
    /// Product string.
    pub product: String,
    /// Serial number string.
    pub serial: String,
}

/// What an interface says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InterfaceText {
    /// Its string.
    pub name: String,
    /// `bInterfaceClass`.
    pub class: u8,
}

/// One endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Endpoint {
    /// Address; bit 7 set means IN.
    pub address: u8,
    /// How it moves data.
    pub kind: TransferKind,
    /// Largest packet in bytes.
    pub max_packet: u16,
}

/// What a device does instead of taking or giving data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UsbFault {
    /// It stalls the endpoint.
    Stall,
    /// It is no longer there.
    Gone,
    /// The packet was lost: no error, no answer.
    Lost,
}

/// How much of a transfer a device takes before the host gives up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// So many bytes; the rest the host takes back.
    pub bytes: usize,
    /// When the last of them is taken; where they are not all, when the next one would have been.
    pub when: Duration,
}

/// A USB device seen from its cable.
pub trait UsbDevice {
    /// Who it says it is.
    fn identity(&self) -> UsbIdentity;

    /// What its debug interface says of itself, where that is not what is usual for its protocol.
    fn interface(&self) -> Option<InterfaceText> {
        None
    }

    /// Its command OUT and answer IN endpoints, in this order.
    fn endpoints(&self) -> [Endpoint; 2];

    /// A control request other than the standard descriptors arrives at `at`.
    ///
    /// # Errors
    /// [`UsbFault`].
    fn control(&mut self, setup: Setup, data: &[u8], at: Duration) -> Result<Bytes, UsbFault>;

    /// A packet reaches an OUT endpoint at `at`. Returns when the device took it: later than `at` when its buffers are
    /// full and it says NAK until then.
    ///
    /// # Errors
    /// [`UsbFault`].
    fn out(&mut self, endpoint: u8, data: &[u8], at: Duration) -> Result<Duration, UsbFault>;

    /// The same for a transfer that the host takes back at `until`, whatever has gone of it by then. A device that has no use
    /// for half a transfer takes it whole, if late.
    ///
    /// # Errors
    /// [`UsbFault`].
    fn out_until(
        &mut self,
        endpoint: u8,
        data: &[u8],
        at: Duration,
        _until: Duration,
    ) -> Result<Taken, UsbFault> {
        let when = self.out(endpoint, data, at)?;
        Ok(Taken { bytes: data.len(), when })
    }

    /// When the oldest answer waiting in an IN endpoint will have reached the host, if there is one.
    fn next_in(&self, endpoint: u8) -> Option<Duration>;

    /// Takes that answer.
    fn take_in(&mut self, endpoint: u8) -> Option<Bytes>;

    /// A USB reset at `at`: queued packets are forgotten.
    fn reset(&mut self, at: Duration);

    /// Whether the device is (still) plugged in at `at`.
    fn plugged(&self, at: Duration) -> bool;
}

//! What a host would choke on, found before it is exported.

use super::{Description, Interface, Speed};
use std::collections::BTreeSet;
use wire::{Endpoint, TransferKind};

/// Why a description is not that of a USB device.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DescriptionError {
    /// Not 1 to 32 interfaces.
    #[error("a device has 1 to 32 interfaces, not {0}")]
    Interfaces(usize),
    /// An endpoint address with a number of 0 or with unused bits set.
    #[error("{0:#04x} is no endpoint address of an interface")]
    Address(u8),
    /// Two endpoints with one address.
    #[error("endpoint {0:#04x} stands twice")]
    Twice(u8),
    /// A control endpoint in an interface.
    #[error("endpoint {0:#04x} is a control endpoint; interfaces have bulk and interrupt endpoints here")]
    Control(u8),
    /// A packet size that the speed does not allow.
    #[error("endpoint {address:#04x}: packets of {size} bytes are not possible at {speed:?} speed")]
    PacketSize {
        /// The endpoint.
        address: u8,
        /// Its largest packet.
        size: u16,
        /// The speed.
        speed: Speed,
    },
    /// An interval that the speed does not allow.
    #[error(
        "interface {0}: the interval of interrupt endpoints is 1 to 16 at high speed and at least 1 at full speed"
    )]
    Interval(usize),
    /// A HID without an interrupt IN endpoint.
    #[error("interface {0} is a HID without an interrupt IN endpoint")]
    HidWithoutInput(usize),
    /// The OUT endpoint behind SET_REPORT is an IN endpoint.
    #[error("interface {0}: the hidden endpoint of a HID is an OUT endpoint")]
    HiddenOut(usize),
    /// A text of more than 126 UTF-16 units.
    #[error("`{0}` is longer than a string descriptor can be (126 UTF-16 units)")]
    Text(String),
    /// Something whose length does not fit its field.
    #[error("the {0} descriptor is too long")]
    Length(&'static str),
    /// More than 500 mA.
    #[error("{0} mA are more than a port gives")]
    Power(u16),
    /// A function over interfaces that are not there.
    #[error("a function of {count} interfaces from {first} on goes beyond the last interface")]
    Function {
        /// First interface.
        first: u8,
        /// How many.
        count: u8,
    },
    /// A text that is not a GUID in braces.
    #[error("`{0}` is no GUID in braces")]
    Guid(String),
    /// A WinUSB interface on a device that claims a version without BOS.
    #[error("Microsoft OS 2.0 descriptors need a BOS, so USB 2.01 at least, not {0:#06x}")]
    NoBos(u16),
    /// The device would be the 127th of its bus; the root hub is the first.
    #[error("there is no room for another device on the bus")]
    BusFull,
}

impl Description {
    pub(super) fn check(&self) -> Result<(), DescriptionError> {
        if !(1..=32).contains(&self.interfaces.len()) {
            return Err(DescriptionError::Interfaces(self.interfaces.len()));
        }
        if self.milliamps > 500 {
            return Err(DescriptionError::Power(self.milliamps));
        }
        let mut seen = BTreeSet::new();
        for (_, endpoint) in self.endpoints() {
            check_endpoint(endpoint, self.speed)?;
            if !seen.insert(endpoint.address) {
                return Err(DescriptionError::Twice(endpoint.address));
            }
        }
        for (number, interface) in self.interfaces.iter().enumerate() {
            self.check_interface(number, interface)?;
        }
        for function in &self.functions {
            let end = usize::from(function.first) + usize::from(function.count);
            if function.count == 0 || end > self.interfaces.len() {
                return Err(DescriptionError::Function { first: function.first, count: function.count });
            }
        }
        Ok(())
    }

    fn check_interface(&self, number: usize, interface: &Interface) -> Result<(), DescriptionError> {
        let interrupts = |e: &&Endpoint| e.kind == TransferKind::Interrupt;
        let longest = if self.speed == Speed::High { 16 } else { u8::MAX };
        if interface.endpoints.iter().any(|e| interrupts(&e)) && !(1..=longest).contains(&interface.interval)
        {
            return Err(DescriptionError::Interval(number));
        }
        if let Some(hid) = &interface.hid {
            if !interface.endpoints.iter().filter(interrupts).any(|e| e.address & 0x80 != 0) {
                return Err(DescriptionError::HidWithoutInput(number));
            }
            if hid.hidden_out.is_some_and(|e| e.address & 0x80 != 0) {
                return Err(DescriptionError::HiddenOut(number));
            }
        }
        match &interface.winusb {
            Some(guid) if !is_guid(guid) => Err(DescriptionError::Guid(guid.clone())),
            Some(_) if self.usb < 0x0201 => Err(DescriptionError::NoBos(self.usb)),
            _ => Ok(()),
        }
    }
}

fn check_endpoint(endpoint: Endpoint, speed: Speed) -> Result<(), DescriptionError> {
    let Endpoint { address, kind, max_packet: size } = endpoint;
    if address & 0x70 != 0 || address & 0x0F == 0 {
        return Err(DescriptionError::Address(address));
    }
    let fits = match (kind, speed) {
        (TransferKind::Control, _) => return Err(DescriptionError::Control(address)),
        (TransferKind::Bulk, Speed::Full) => matches!(size, 8 | 16 | 32 | 64),
        (TransferKind::Bulk, Speed::High) => size == 512,
        (TransferKind::Interrupt, Speed::Full) => (1..=64).contains(&size),
        (TransferKind::Interrupt, Speed::High) => (1..=1024).contains(&size),
    };
    if fits { Ok(()) } else { Err(DescriptionError::PacketSize { address, size, speed }) }
}

fn is_guid(text: &str) -> bool {
    let Some(inner) = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) else { return false };
    let groups: Vec<_> = inner.split('-').collect();
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups.iter().all(|group| group.bytes().all(|b| b.is_ascii_hexdigit()))
}

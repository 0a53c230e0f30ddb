//! What the host sees of a device, in a few declarative lines.

mod check;
mod microsoft;
mod ready;
mod tables;
#[cfg(test)]
mod tests;

pub use check::DescriptionError;
pub(crate) use microsoft::VENDOR_CODE;
pub(crate) use tables::Descriptors;

use bytes::Bytes;
use wire::{Endpoint, UsbIdentity};

/// Class, subclass and protocol of a device, an interface or a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Class {
    /// Class.
    pub class: u8,
    /// Subclass.
    pub sub: u8,
    /// Protocol.
    pub protocol: u8,
}

impl Class {
    /// The class of the device is that of its interfaces.
    pub const PER_INTERFACE: Class = Class::new(0x00, 0x00, 0x00);
    /// A device whose interfaces are grouped into functions.
    pub const MISCELLANEOUS: Class = Class::new(0xEF, 0x02, 0x01);
    /// A HID that is neither keyboard nor mouse.
    pub const HID: Class = Class::new(0x03, 0x00, 0x00);
    /// Vendor-specific, as CMSIS-DAP v2 has it.
    pub const VENDOR: Class = Class::new(0xFF, 0x00, 0x00);

    /// These three numbers.
    #[must_use]
    pub const fn new(class: u8, sub: u8, protocol: u8) -> Class {
        Class { class, sub, protocol }
    }

    pub(crate) const fn to_bytes(self) -> [u8; 3] {
        [self.class, self.sub, self.protocol]
    }

    pub(crate) const fn from_bytes([class, sub, protocol]: [u8; 3]) -> Class {
        Class { class, sub, protocol }
    }
}

/// How fast the device runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Speed {
    /// 12 Mbit/s. The device cannot do better.
    Full,
    /// 480 Mbit/s.
    High,
}

impl Speed {
    /// The protocol's number, which is that of Linux.
    #[must_use]
    pub const fn number(self) -> u32 {
        match self {
            Speed::Full => 2,
            Speed::High => 3,
        }
    }
}

/// What makes an interface a HID.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hid {
    /// The report descriptor.
    pub report: Bytes,
    /// Where the device takes output reports that come as SET_REPORT when the interface shows no OUT endpoint.
    pub hidden_out: Option<Endpoint>,
}

impl Hid {
    /// A vendor-defined HID with one input and one output report of `length` bytes and no report ids, as CMSIS-DAP v1
    /// wants it.
    #[must_use]
    pub fn packets(length: u16) -> Hid {
        let [low, high] = length.to_le_bytes();
        // Report Count takes one data byte up to 255 and two above.
        let count = if high == 0 { vec![0x95, low] } else { vec![0x96, low, high] };
        let mut report = vec![0x06, 0x00, 0xFF, 0x09, 0x01, 0xA1, 0x01]; // usage page FF00, usage 1, collection
        report.extend([0x15, 0x00, 0x26, 0xFF, 0x00, 0x75, 0x08]); // 0 to 255, eight bits each
        report.extend(&count);
        report.extend([0x09, 0x01, 0x81, 0x02]); // input
        report.extend(&count);
        report.extend([0x09, 0x01, 0x91, 0x02]); // output
        report.push(0xC0);
        Hid { report: report.into(), hidden_out: None }
    }
}

/// One interface. Its number is its place in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// Its class.
    pub class: Class,
    /// Its string; empty for none.
    pub name: String,
    /// Its endpoints in the order in which the host sees them.
    pub endpoints: Vec<Endpoint>,
    /// `bInterval` of its interrupt endpoints: milliseconds at full speed, 125 us times 2^(n-1) at high speed.
    pub interval: u8,
    /// An answer that fills its last packet is followed by an empty packet. Without that a host that left room for
    /// more goes on waiting, as it does with most probes.
    pub ends_with_empty: bool,
    /// It is a HID.
    pub hid: Option<Hid>,
    /// Class-specific descriptors between the interface's own and its endpoints, as bytes.
    pub extra: Bytes,
    /// The GUID, in braces, under which Windows shows the interface to WinUSB programs.
    pub winusb: Option<String>,
}

impl Interface {
    /// An interface of this class, named so, with these endpoints.
    pub fn new(class: Class, name: impl Into<String>, endpoints: &[Endpoint]) -> Interface {
        Interface {
            class,
            name: name.into(),
            endpoints: endpoints.to_vec(),
            interval: 1,
            ends_with_empty: false,
            hid: None,
            extra: Bytes::new(),
            winusb: None,
        }
    }
}

/// Interfaces that belong together (an interface association).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// The first interface.
    pub first: u8,
    /// How many there are.
    pub count: u8,
    /// The class of the whole.
    pub class: Class,
    /// Its string; empty for none.
    pub name: String,
}

/// A device as the host sees it: one configuration, no alternate settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// Numbers and strings.
    pub identity: UsbIdentity,
    /// Its speed.
    pub speed: Speed,
    /// The version of USB that it claims, binary coded decimal. From 2.01 on it has a BOS.
    pub usb: u16,
    /// Its class.
    pub class: Class,
    /// It has a supply of its own.
    pub self_powered: bool,
    /// What it takes from the cable, at most 500 mA.
    pub milliamps: u16,
    /// Its interfaces.
    pub interfaces: Vec<Interface>,
    /// Which of them belong together.
    pub functions: Vec<Function>,
}

impl Description {
    /// Every endpoint with the interface it belongs to.
    pub(crate) fn endpoints(&self) -> impl Iterator<Item = (&Interface, Endpoint)> {
        self.interfaces.iter().flat_map(|interface| {
            let hidden = interface.hid.as_ref().and_then(|hid| hid.hidden_out);
            interface.endpoints.iter().copied().chain(hidden).map(move |endpoint| (interface, endpoint))
        })
    }

    /// The interface with this number.
    pub(crate) fn interface(&self, number: u8) -> Option<&Interface> {
        self.interfaces.get(usize::from(number))
    }
}

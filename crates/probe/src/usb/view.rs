//! A USB device as plain data: what its descriptors say, and where it is plugged in.

use std::fmt;
use std::str::FromStr;
use wire::{Endpoint, TransferKind};

/// A socket: the bus and the ports on the way from its root, as Linux writes it (`1-2.3`). It names the same socket until
/// somebody moves the cable.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Location {
    /// The bus.
    pub bus: u8,
    /// The ports, nearest to the computer first.
    pub ports: Vec<u8>,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ports: Vec<_> = self.ports.iter().map(u8::to_string).collect();
        write!(f, "{}-{}", self.bus, ports.join("."))
    }
}

impl FromStr for Location {
    type Err = NoLocation;

    fn from_str(text: &str) -> Result<Self, NoLocation> {
        let bad = || NoLocation(text.to_owned());
        let (bus, ports) = text.split_once('-').ok_or_else(bad)?;
        let ports = ports.split('.').map(str::parse).collect::<Result<_, _>>().map_err(|_| bad())?;
        Ok(Location { bus: bus.parse().map_err(|_| bad())?, ports })
    }
}

/// A text that is no [`Location`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoLocation(pub String);

impl fmt::Display for NoLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` names no USB socket; one is written BUS-PORT[.PORT], such as 1-2.3", self.0)
    }
}

impl std::error::Error for NoLocation {}

/// One interface, in one of its alternate settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InterfaceView {
    pub(crate) number: u8,
    pub(crate) alternate: u8,
    /// Class, subclass, protocol.
    pub(crate) class: (u8, u8, u8),
    pub(crate) name: Option<String>,
    /// In the order of the descriptor, which means something.
    pub(crate) endpoints: Vec<Endpoint>,
}

impl InterfaceView {
    /// The first two endpoints, if they are an OUT and an IN of this kind, in this order.
    pub(crate) fn first_pair(&self, kind: TransferKind) -> Option<(Endpoint, Endpoint)> {
        match self.endpoints.as_slice() {
            [out, input, ..] if out.kind == kind && input.kind == kind => {
                (!is_in(*out) && is_in(*input)).then_some((*out, *input))
            }
            _ => None,
        }
    }

    /// The first endpoint of this kind and direction.
    pub(crate) fn first(&self, kind: TransferKind, input: bool) -> Option<Endpoint> {
        self.endpoints.iter().copied().find(|e| e.kind == kind && is_in(*e) == input)
    }
}

fn is_in(endpoint: Endpoint) -> bool {
    endpoint.address & 0x80 != 0
}

/// A device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UsbView {
    pub(crate) location: Location,
    /// Its number on the bus, which changes with every plug.
    pub(crate) address: u8,
    pub(crate) id: (u16, u16),
    /// `bcdDevice`.
    pub(crate) release: u16,
    pub(crate) product: Option<String>,
    pub(crate) serial: Option<String>,
    pub(crate) interfaces: Vec<InterfaceView>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_is_written_and_read_as_linux_does() {
        for text in ["1-2", "3-1.4.2"] {
            assert_eq!(text.parse::<Location>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_socket_is_refused_and_says_how_one_is_written() {
        for text in ["", "1", "1-", "-1", "1-2.", "1-x", "300-1", "1:2"] {
            let e = text.parse::<Location>().unwrap_err().to_string();
            assert!(e.contains("1-2.3"), "{e}");
        }
    }
}

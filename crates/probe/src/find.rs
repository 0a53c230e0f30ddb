//! Which probes are plugged in, which one is meant, and the pipe to it.
//!
//! One list for all back ends. A probe that has both interfaces stands in it once, with bulk before HID. A probe that cannot
//! be used stands in it too, with the reason: "no probe found" is said only where none is.

use crate::hid;
use crate::identify::{Identified, Way, identify};
use crate::usb::{self, UsbView};
use pace::{Clock, UsbPatience};
use std::fmt;
use std::sync::Arc;
use thiserror::Error;
use wire::Pipe;

pub use crate::identify::{Protocol, Trouble, in_flight, known_ids};
pub use crate::usb::{Location, NoLocation};

/// A probe that is plugged in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundProbe {
    /// Vendor and product number.
    pub id: (u16, u16),
    /// Its release number, binary coded decimal.
    pub release: u16,
    /// What it calls itself; empty where it has no name.
    pub product: String,
    /// Its serial number. Raw bytes of old ST-Links stand here as hex digits.
    pub serial: Option<String>,
    /// Where it is plugged in.
    pub location: Location,
    /// What it will be spoken to with.
    pub protocol: Protocol,
    /// Most packets that may be under way, where its firmware takes fewer than it says [USB-6].
    pub in_flight: Option<u8>,
    /// Why it cannot be used, if it cannot.
    pub trouble: Option<Trouble>,
    view: UsbView,
    way: Option<Way>,
}

impl fmt::Display for FoundProbe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let FoundProbe { id: (vid, pid), product, location, protocol, .. } = self;
        write!(f, "{vid:04x}:{pid:04x}")?;
        if let Some(serial) = &self.serial {
            write!(f, ":{serial}")?;
        }
        write!(f, " usb:{location} {protocol}")?;
        if !product.is_empty() {
            write!(f, " ({product})")?;
        }
        self.trouble.as_ref().map_or(Ok(()), |trouble| write!(f, ": {trouble}"))
    }
}

/// Which probe is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// Vendor and product number, and perhaps a serial number.
    Id {
        /// Vendor number.
        vid: u16,
        /// Product number.
        pid: u16,
        /// Serial number, or any.
        serial: Option<String>,
    },
    /// A serial number.
    Serial(String),
    /// A socket.
    Socket(Location),
}

impl Wanted {
    /// Whether this probe is one that is meant.
    #[must_use]
    pub fn fits(&self, probe: &FoundProbe) -> bool {
        // Hex digits are typed in either case.
        let named =
            |wanted: &String| probe.serial.as_ref().is_some_and(|serial| serial.eq_ignore_ascii_case(wanted));
        match self {
            Wanted::Id { vid, pid, serial } => probe.id == (*vid, *pid) && serial.as_ref().is_none_or(named),
            Wanted::Serial(serial) => named(serial),
            Wanted::Socket(location) => probe.location == *location,
        }
    }
}

/// Why there is no pipe.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FindError {
    /// Nothing fits; what else is there.
    #[error("no such probe is plugged in; {}", there(.0))]
    None(Vec<String>),
    /// More than one fits.
    #[error("more than one probe fits:{}\nname one by usb:BUS-PORT or by its serial number", lines(.0))]
    Ambiguous(Vec<String>),
    /// It is there and cannot be used.
    #[error("probe {probe}: {trouble}")]
    Unusable {
        /// Which one.
        probe: String,
        /// Why.
        trouble: Trouble,
    },
}

fn lines(all: &[String]) -> String {
    all.iter().map(|line| format!("\n  {line}")).collect()
}

fn there(all: &[String]) -> String {
    if all.is_empty() { "there is none at all".to_owned() } else { format!("there is:{}", lines(all)) }
}

/// Every probe that is plugged in, in the order of the sockets. Each is opened for a moment to learn whether that is
/// possible; nothing is sent to it. Where the system keeps no copy of its texts it is asked for them, with this patience.
pub fn find(patience: &UsbPatience) -> Vec<FoundProbe> {
    let nodes = hid::nodes();
    let mut all: Vec<_> = usb::look(patience)
        .into_iter()
        .filter_map(|view| {
            identify(&view).map(|what| settle(view, what, |view, way| try_way(view, way, &nodes)))
        })
        .collect();
    all.sort_by(|a, b| a.location.cmp(&b.location));
    all
}

/// Chooses the first way that can be had. A way that another program holds is not gone around: that program uses the probe.
fn settle(
    view: UsbView,
    what: Identified,
    mut can: impl FnMut(&UsbView, &Way) -> Result<(), Trouble>,
) -> FoundProbe {
    let Identified { ways, mut protocol, serial, in_flight, mut trouble } = what;
    let mut chosen = None;
    for (speaks, way) in ways {
        match can(&view, &way) {
            Ok(()) => {
                (protocol, chosen, trouble) = (speaks, Some(way), None);
                break;
            }
            Err(Trouble::Busy) => {
                (protocol, trouble) = (speaks, Some(Trouble::Busy));
                break;
            }
            // The best way's trouble is the one worth telling.
            Err(other) => trouble = trouble.or(Some(other)),
        }
    }
    let (id, release, location) = (view.id, view.release, view.location.clone());
    let product = view.product.clone().unwrap_or_default();
    FoundProbe { id, release, product, serial, location, protocol, in_flight, trouble, view, way: chosen }
}

fn try_way(view: &UsbView, way: &Way, nodes: &[hid::Node]) -> Result<(), Trouble> {
    match way {
        Way::Bulk(place) => usb::try_claim(view, place).map_err(|error| usb_trouble(view, error)),
        Way::Hid(place) => hid::try_open(hid_node(nodes, view, place)?),
    }
}

fn hid_node<'a>(
    nodes: &'a [hid::Node],
    view: &UsbView,
    place: &crate::identify::HidPlace,
) -> Result<&'a hid::Node, Trouble> {
    let missing = || Trouble::System("the operating system's HID driver does not offer it".to_owned());
    hid::node(nodes, view, place).ok_or_else(missing)
}

fn usb_trouble(view: &UsbView, error: rusb::Error) -> Trouble {
    match error {
        rusb::Error::Access => {
            Trouble::Permission(format!("/dev/bus/usb/{:03}/{:03}", view.location.bus, view.address))
        }
        rusb::Error::Busy => Trouble::Busy,
        rusb::Error::NoDevice => Trouble::Gone,
        error => Trouble::System(error.to_string()),
    }
}

/// The one probe that is meant, if it can be used.
///
/// # Errors
/// [`FindError`].
pub fn select<'a>(all: &'a [FoundProbe], wanted: &Wanted) -> Result<&'a FoundProbe, FindError> {
    let fitting: Vec<_> = all.iter().filter(|probe| wanted.fits(probe)).collect();
    let probe = match fitting.as_slice() {
        [] => return Err(FindError::None(all.iter().map(FoundProbe::to_string).collect())),
        [probe] => *probe,
        several => return Err(FindError::Ambiguous(several.iter().map(|probe| probe.to_string()).collect())),
    };
    match &probe.trouble {
        Some(trouble) => Err(unusable(probe, trouble.clone())),
        None => Ok(probe),
    }
}

fn unusable(probe: &FoundProbe, trouble: Trouble) -> FindError {
    let probe = FoundProbe { trouble: None, ..probe.clone() }.to_string();
    FindError::Unusable { probe, trouble }
}

/// A pipe to a probe. Nothing was sent yet. Dropping it lets go of the probe.
///
/// # Errors
/// [`FindError::Unusable`]: what was possible when the list was made need not be now.
pub fn open(probe: &FoundProbe, clock: Arc<dyn Clock>) -> Result<Box<dyn Pipe>, FindError> {
    let view = UsbView { serial: probe.serial.clone(), ..probe.view.clone() };
    let opened = match &probe.way {
        Some(Way::Bulk(place)) => {
            usb::open(&view, place, &probe.product).map_err(|error| usb_trouble(&view, error))
        }
        // The list of nodes may be old, and the serial number in it is the raw one.
        Some(Way::Hid(place)) => hid_node(&hid::nodes(), &probe.view, place)
            .and_then(|node| hid::open(node, &view, place, &probe.product, clock))
            .map(|pipe| Box::new(pipe) as Box<dyn Pipe>),
        None => Err(probe.trouble.clone().unwrap_or(Trouble::Gone)),
    };
    opened.map_err(|trouble| unusable(probe, trouble))
}

#[cfg(test)]
mod tests;

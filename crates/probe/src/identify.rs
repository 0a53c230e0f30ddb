//! Which USB devices are probes, and over which interface each is reached. Pure: descriptors in, an opinion out.
//!
//! The rule for CMSIS-DAP is the text in the product's or the interface's string [USB-1], the shape of the interface
//! [USB-2] [USB-3], and a table of products that do not follow it [USB-4]. An ST-Link is known by its product number [STL-15].

use crate::usb::{BulkPlace, InterfaceView, Listening, UsbView};
use ::stlink::device::Family;
use std::fmt;
use wire::TransferKind;

/// What a probe speaks, and over what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// CMSIS-DAP over HID reports.
    CmsisDapV1,
    /// CMSIS-DAP over bulk transfers.
    CmsisDapV2,
    /// ST-Link.
    StLink(Family),
    /// Another one, which nothing here speaks.
    Foreign,
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Protocol::CmsisDapV1 => f.write_str("CMSIS-DAP v1"),
            Protocol::CmsisDapV2 => f.write_str("CMSIS-DAP v2"),
            Protocol::StLink(family) => write!(f, "{family}"),
            Protocol::Foreign => f.write_str("unknown"),
        }
    }
}

/// Why a probe that is there cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// This user may not open it; what was tried.
    Permission(String),
    /// Another process has it.
    Busy,
    /// It is in its loader.
    Loader,
    /// Its firmware speaks nothing that is known here, and why that is believed.
    Firmware(&'static str),
    /// It was there a moment ago.
    Gone,
    /// The system's own words.
    System(String),
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trouble::Permission(what) => write!(
                f,
                "permission denied ({what}): a udev rule with TAG+=\"uaccess\" for this probe gives it to whoever is logged in"
            ),
            Trouble::Busy => f.write_str("another program uses it: end that program first"),
            Trouble::Loader => f.write_str("it is in its loader: update its firmware, or plug it in anew"),
            Trouble::Firmware(why) => write!(f, "its firmware cannot be used: {why}"),
            Trouble::Gone => f.write_str("it was unplugged a moment ago"),
            Trouble::System(words) => write!(f, "it cannot be opened: {words}"),
        }
    }
}

/// One way to reach a probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Bulk(BulkPlace),
    Hid(HidPlace),
}

/// A HID interface. `out` is 0 where reports go out over endpoint 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HidPlace {
    pub(crate) interface: u8,
    pub(crate) out: u8,
    pub(crate) input: u8,
    pub(crate) max_packet: u16,
    /// Its own string says CMSIS-DAP, so its usage page need not be the one of debug units: free-dap has another [USB-3].
    pub(crate) named: bool,
}

/// What a device turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identified {
    /// Best way first. Empty only where there is trouble.
    pub(crate) ways: Vec<(Protocol, Way)>,
    /// What it speaks where no way is left.
    pub(crate) protocol: Protocol,
    pub(crate) serial: Option<String>,
    /// Most packets that may be under way, where its firmware cannot take as many as it says.
    pub(crate) in_flight: Option<u8>,
    pub(crate) trouble: Option<Trouble>,
}

/// Products that speak CMSIS-DAP whatever their strings say [USB-4].
struct Known {
    vid: u16,
    pids: &'static [u16],
}

const KNOWN: &[Known] = &[
    // DAPLink.
    Known { vid: 0x0D28, pids: &[0x0204] },
    // MCU-Link, LPC-Link2, LPC11U3x.
    Known { vid: 0x1FC9, pids: &[0x0143, 0x0090, 0x0132] },
    // WCH-Link.
    Known { vid: 0x1A86, pids: &[0x8011, 0x8012] },
    // EDBG, mEDBG, Atmel-ICE and their relatives.
    Known {
        vid: 0x03EB,
        pids: &[0x2111, 0x2140, 0x2141, 0x2144, 0x2145, 0x2157, 0x2169, 0x216A, 0x216C, 0x2170, 0x2175],
    },
    // KitProg3 and MiniProg4.
    Known { vid: 0x04B4, pids: &[0xF138, 0xF148, 0xF151, 0xF152, 0xF154, 0xF155, 0xF166] },
    // ULINK-ME and ULINKplus.
    Known { vid: 0xC251, pids: &[0xF001, 0xF002, 0x2722, 0x2750] },
    // VT-LinkII.
    Known { vid: 0x30CC, pids: &[0x9527] },
    // Raspberry Pi debugprobe.
    Known { vid: 0x2E8A, pids: &[0x000C] },
];

const SEGGER: u16 = 0x1366;
const DEBUGPROBE: (u16, u16) = (0x2E8A, 0x000C);
/// The first debugprobe that keeps its answers apart [USB-6].
const DEBUGPROBE_APART: u16 = 0x0220;

const HID: u8 = 0x03;
const VENDOR: u8 = 0xFF;
/// KitProg3 has class 0 where the specification wants the vendor's class [USB-2].
const UNSPECIFIED: u8 = 0x00;

/// With a hyphen as the specification has it, or with an underscore as older Keil firmware has it (probe-rs pull request 1601).
fn names_itself(text: Option<&str>) -> bool {
    text.is_some_and(|text| text.contains("CMSIS-DAP") || text.contains("CMSIS_DAP"))
}

/// What this device is; `None` for what is no probe.
pub(crate) fn identify(view: &UsbView) -> Option<Identified> {
    let (vid, pid) = view.id;
    if vid == ::stlink::device::VID
        && let Some(device) = ::stlink::device::device(pid)
    {
        return Some(st_link(view, &device));
    }
    cmsis_dap(view).or_else(|| (vid == SEGGER).then(|| foreign(view, "it speaks J-Link's protocol")))
}

/// Most packets that may be under way with this product in this release, where it takes fewer than it says [USB-6].
pub fn in_flight(id: (u16, u16), release: u16) -> Option<u8> {
    (id == DEBUGPROBE && release < DEBUGPROBE_APART).then_some(1)
}

/// Vendor and product numbers of probes that are known by them: every ST-Link that can be spoken to, and CMSIS-DAP products that
/// may not say what they are.
pub fn known_ids() -> impl Iterator<Item = (u16, u16)> {
    let st_links = ::stlink::device::DEVICES.iter().filter(|device| !device.loader);
    let st_links = st_links.map(|device| (::stlink::device::VID, device.pid));
    st_links.chain(KNOWN.iter().flat_map(|known| known.pids.iter().map(|pid| (known.vid, *pid))))
}

fn foreign(view: &UsbView, why: &'static str) -> Identified {
    Identified {
        ways: Vec::new(),
        protocol: Protocol::Foreign,
        serial: view.serial.clone(),
        in_flight: None,
        trouble: Some(Trouble::Firmware(why)),
    }
}

fn st_link(view: &UsbView, device: &::stlink::device::Device) -> Identified {
    let serial = view.serial.as_deref().map(::stlink::device::serial);
    let protocol = Protocol::StLink(device.family);
    let (ways, trouble) = match device.family {
        _ if device.loader => (Vec::new(), Some(Trouble::Loader)),
        Family::V1 => (Vec::new(), Some(Trouble::Firmware("an ST-Link V1 speaks another protocol"))),
        Family::V2 | Family::V21 | Family::V3 | Family::V3Pwr => {
            let place = BulkPlace {
                interface: 0,
                alternate: 0,
                out: device.command_out,
                input: device.answer_in,
                max_packet: device.max_packet,
                listening: Listening::OnDemand,
            };
            (vec![(protocol, Way::Bulk(place))], None)
        }
    };
    Identified { ways, protocol, serial, in_flight: None, trouble }
}

/// An interface as a way to CMSIS-DAP, whatever it is called.
fn fitting(interface: &InterfaceView) -> Option<(Protocol, Way)> {
    match interface.class.0 {
        VENDOR | UNSPECIFIED => {
            let (out, input) = interface.first_pair(TransferKind::Bulk)?;
            let place = BulkPlace {
                interface: interface.number,
                alternate: interface.alternate,
                out: out.address,
                input: input.address,
                max_packet: out.max_packet,
                listening: Listening::Ahead,
            };
            Some((Protocol::CmsisDapV2, Way::Bulk(place)))
        }
        HID => {
            let input = interface.first(TransferKind::Interrupt, true)?;
            let out = interface.first(TransferKind::Interrupt, false).map_or(0, |out| out.address);
            let place = HidPlace {
                interface: interface.number,
                out,
                input: input.address,
                max_packet: input.max_packet,
                named: names_itself(interface.name.as_deref()),
            };
            Some((Protocol::CmsisDapV1, Way::Hid(place)))
        }
        _ => None,
    }
}

fn cmsis_dap(view: &UsbView) -> Option<Identified> {
    let (vid, pid) = view.id;
    let known = KNOWN.iter().any(|known| known.vid == vid && known.pids.contains(&pid));
    let product = names_itself(view.product.as_deref());
    let named = |interface: &&InterfaceView| names_itself(interface.name.as_deref());
    if !(known || product || view.interfaces.iter().any(|interface| named(&interface))) {
        return None;
    }
    // Where interfaces name themselves, those without the name are something else.
    let mut ways: Vec<_> = view.interfaces.iter().filter(named).filter_map(fitting).collect();
    if ways.is_empty() && (known || product) {
        ways = view
            .interfaces
            .iter()
            .filter(|interface| interface.class.0 != UNSPECIFIED || known)
            .filter_map(fitting)
            .collect();
    }
    let best = |protocol| ways.iter().copied().find(|(other, _)| *other == protocol);
    let ways: Vec<_> = [Protocol::CmsisDapV2, Protocol::CmsisDapV1].into_iter().filter_map(best).collect();
    let Some((protocol, _)) = ways.first().copied() else {
        return Some(foreign(view, "it has no CMSIS-DAP interface; it may be in its loader"));
    };
    let serial = view.serial.clone();
    Some(Identified { ways, protocol, serial, in_flight: in_flight(view.id, view.release), trouble: None })
}

#[cfg(test)]
mod tests;

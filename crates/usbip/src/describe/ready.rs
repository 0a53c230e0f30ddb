//! Ready descriptions of probes. [DAP-8] [DAP-13]

use super::{Class, Description, Hid, Interface, Speed};
use wire::{Endpoint, TransferKind, UsbDevice, UsbIdentity};

/// Under which Windows programs look for CMSIS-DAP v2.
const CMSIS_DAP_GUID: &str = "{CDB3B5AD-293B-4663-AA36-1AAE46463776}";

/// The packet size of a bulk endpoint for a probe whose commands are this long.
fn bulk(endpoint: Endpoint, speed: Speed) -> Endpoint {
    Endpoint { max_packet: if speed == Speed::High { 512 } else { 64 }, ..endpoint }
}

/// The slowest speed at which packets of this size exist.
fn speed_for(endpoints: &[Endpoint]) -> Speed {
    if endpoints.iter().all(|e| e.max_packet <= 64) { Speed::Full } else { Speed::High }
}

impl Interface {
    /// The debug interface of CMSIS-DAP v1: a HID whose reports are as long as the probe's packets. The reports of the
    /// two endpoints are of one length.
    #[must_use]
    pub fn cmsis_dap_v1(endpoints: [Endpoint; 2]) -> Interface {
        let [_, input] = endpoints;
        let hid = Some(Hid::packets(input.max_packet));
        Interface { hid, ..Interface::new(Class::HID, "CMSIS-DAP v1", &[input, endpoints[0]]) }
    }

    /// The debug interface of CMSIS-DAP v2: bulk OUT for commands, bulk IN for answers, then perhaps bulk IN for SWO.
    #[must_use]
    pub fn cmsis_dap_v2(endpoints: &[Endpoint], speed: Speed) -> Interface {
        let endpoints: Vec<_> = endpoints.iter().map(|e| bulk(*e, speed)).collect();
        let winusb = Some(CMSIS_DAP_GUID.to_owned());
        Interface { winusb, ..Interface::new(Class::VENDOR, "CMSIS-DAP v2", &endpoints) }
    }
}

impl Description {
    /// A device with these interfaces that takes 100 mA from its cable.
    #[must_use]
    pub fn new(identity: UsbIdentity, speed: Speed, interfaces: Vec<Interface>) -> Description {
        let usb = if interfaces.iter().any(|i| i.winusb.is_some()) { 0x0210 } else { 0x0200 };
        Description {
            identity,
            speed,
            usb,
            class: Class::PER_INTERFACE,
            self_powered: false,
            milliamps: 100,
            interfaces,
            functions: Vec::new(),
        }
    }

    /// A CMSIS-DAP probe with one debug interface: v1 when its endpoints are interrupt endpoints, otherwise v2. Its name
    /// and class are the device's own where it says so.
    #[must_use]
    pub fn cmsis_dap(device: &impl UsbDevice) -> Description {
        let endpoints = device.endpoints();
        let speed = speed_for(&endpoints);
        let mut interface = match endpoints {
            [out, _] if out.kind == TransferKind::Interrupt => Interface::cmsis_dap_v1(endpoints),
            _ => Interface::cmsis_dap_v2(&endpoints, speed),
        };
        if let Some(text) = device.interface() {
            interface.name = text.name;
            interface.class = Class::new(text.class, 0, 0);
        }
        Description::new(device.identity(), speed, vec![interface])
    }

    /// A CMSIS-DAP probe that speaks v1 and v2, each through endpoints of its own.
    #[must_use]
    pub fn cmsis_dap_composite(identity: UsbIdentity, v1: [Endpoint; 2], v2: [Endpoint; 2]) -> Description {
        let speed = speed_for(&[v1, v2].concat());
        let interfaces = vec![Interface::cmsis_dap_v2(&v2, speed), Interface::cmsis_dap_v1(v1)];
        Description::new(identity, speed, interfaces)
    }

    /// An ST-Link: the debug interface with its three bulk endpoints. Mass storage and serial port, which the boxes
    /// from V2-1 on have too, are not there.
    #[must_use]
    pub fn st_link(device: &impl UsbDevice) -> Description {
        let identity = device.identity();
        let stand_alone_v2 = identity.pid == 0x3748;
        let [out, input] = device.endpoints();
        let speed = speed_for(&[out, input]);
        let trace = Endpoint { address: if stand_alone_v2 { 0x83 } else { 0x82 }, ..input };
        let endpoints = [input, out, trace].map(|endpoint| bulk(endpoint, speed));
        let name = if stand_alone_v2 { "ST Link" } else { "ST-Link Debug" };
        let interface = Interface::new(Class::new(0xFF, 0xFF, 0xFF), name, &endpoints);
        let class = if stand_alone_v2 { Class::PER_INTERFACE } else { Class::MISCELLANEOUS };
        Description { class, ..Description::new(identity, speed, vec![interface]) }
    }
}

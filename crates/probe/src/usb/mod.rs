//! USB by libusb: what is plugged in, and pipes over bulk endpoints.

mod bulk;
mod bus;
mod reader;
mod sysfs;
mod view;

pub(crate) use bulk::Listening;
pub(crate) use bus::whole_millis;
pub(crate) use sysfs::interface_of;
pub(crate) use view::{InterfaceView, UsbView};
pub use view::{Location, NoLocation};

use bulk::BulkPipe;
use bus::{Bus, Claimed};
use pace::UsbPatience;
use rusb::{Context, Device, DeviceHandle, Error, TransferType, UsbContext};
use std::path::Path;
use std::time::Duration;
use wire::{Endpoint, Pipe, PipeShape, TransferKind};

/// Every USB device whose descriptors can be read; `usb` is the patience with each of its texts. A machine without USB has none, which is no error.
pub(crate) fn look(usb: &UsbPatience) -> Vec<UsbView> {
    devices().iter().filter_map(|device| view(device, usb)).collect()
}

fn devices() -> Vec<Device<Context>> {
    // A library that finds no USB at all says so with an error, each system with another one.
    let list = Context::new().and_then(|context| context.devices());
    list.map(|list| list.iter().collect()).unwrap_or_else(|error| {
        log::debug!("no USB here: {error}");
        Vec::new()
    })
}

fn location(device: &Device<Context>) -> Option<Location> {
    // A root hub has no ports on the way to it, and is no probe.
    let ports = device.port_numbers().ok().filter(|ports| !ports.is_empty())?;
    Some(Location { bus: device.bus_number(), ports })
}

fn view(device: &Device<Context>, usb: &UsbPatience) -> Option<UsbView> {
    let location = location(device)?;
    let descriptor = device.device_descriptor().ok()?;
    let configuration = device.active_config_descriptor().or_else(|_| device.config_descriptor(0)).ok()?;
    let texts = Texts::of(device, &location, usb);
    let all = configuration.interfaces().flat_map(|interface| interface.descriptors().collect::<Vec<_>>());
    let interfaces = all.map(|interface| InterfaceView {
        number: interface.interface_number(),
        alternate: interface.setting_number(),
        class: (interface.class_code(), interface.sub_class_code(), interface.protocol_code()),
        name: texts.interface(configuration.number(), &interface),
        endpoints: interface.endpoint_descriptors().filter_map(|e| endpoint(&e)).collect(),
    });
    let version = descriptor.device_version();
    Some(UsbView {
        address: device.address(),
        id: (descriptor.vendor_id(), descriptor.product_id()),
        release: (u16::from(version.major() / 10) << 12)
            | (u16::from(version.major() % 10) << 8)
            | (u16::from(version.minor()) << 4)
            | u16::from(version.sub_minor()),
        product: texts.device("product", descriptor.product_string_index()),
        serial: texts.device("serial", descriptor.serial_number_string_index()),
        interfaces: interfaces.collect(),
        location,
    })
}

fn endpoint(descriptor: &rusb::EndpointDescriptor<'_>) -> Option<Endpoint> {
    let kind = match descriptor.transfer_type() {
        TransferType::Bulk => TransferKind::Bulk,
        TransferType::Interrupt => TransferKind::Interrupt,
        TransferType::Control | TransferType::Isochronous => return None,
    };
    // Bits 12 and 11 count extra packets in a microframe.
    let max_packet = descriptor.max_packet_size() & 0x07FF;
    Some(Endpoint { address: descriptor.address(), kind, max_packet })
}

/// Where the texts of a device come from: the kernel's copy, or the device, if it may be opened.
struct Texts<'a> {
    location: &'a Location,
    handle: Option<DeviceHandle<Context>>,
    patience: Duration,
}

impl<'a> Texts<'a> {
    fn of(device: &Device<Context>, location: &'a Location, usb: &UsbPatience) -> Self {
        let handle = if Path::new(sysfs::DEVICES).exists() { None } else { device.open().ok() };
        Texts { location, handle, patience: usb.timeout }
    }

    fn device(&self, name: &str, index: Option<u8>) -> Option<String> {
        match &self.handle {
            Some(handle) => told(handle, index?, self.patience),
            None => sysfs::device_text(Path::new(sysfs::DEVICES), self.location, name),
        }
    }

    fn interface(&self, configuration: u8, interface: &rusb::InterfaceDescriptor<'_>) -> Option<String> {
        let number = interface.interface_number();
        match &self.handle {
            Some(handle) => told(handle, interface.description_string_index()?, self.patience),
            None => sysfs::interface_name(Path::new(sysfs::DEVICES), self.location, configuration, number),
        }
    }
}

/// A text in the device's first language. Whole: libusb's own way makes `?` of the raw bytes in an old ST-Link's serial number.
fn told(handle: &DeviceHandle<Context>, index: u8, patience: Duration) -> Option<String> {
    let language = *handle.read_languages(patience).ok()?.first()?;
    handle.read_string_descriptor(language, index, patience).ok().filter(|text| !text.is_empty())
}

/// The device of this list entry, if it is still there.
fn again(view: &UsbView) -> Result<Device<Context>, Error> {
    let same = |device: &Device<Context>| {
        device.bus_number() == view.location.bus && device.address() == view.address
    };
    devices().into_iter().find(same).ok_or(Error::NoDevice)
}

/// An interface and the endpoints of its pipe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BulkPlace {
    pub(crate) interface: u8,
    pub(crate) alternate: u8,
    pub(crate) out: u8,
    pub(crate) input: u8,
    pub(crate) max_packet: u16,
    pub(crate) listening: Listening,
}

/// Whether an interface can be had: opens the device, claims the interface and lets go again. Nothing is sent to it.
pub(crate) fn try_claim(view: &UsbView, place: &BulkPlace) -> Result<(), Error> {
    let claimed = Claimed::open(&again(view)?, place.interface, 0)?;
    claimed.release();
    Ok(())
}

/// A pipe over an interface.
pub(crate) fn open(view: &UsbView, place: &BulkPlace, product: &str) -> Result<Box<dyn Pipe>, Error> {
    let bus = Claimed::open(&again(view)?, place.interface, place.alternate)?;
    let shape = PipeShape {
        kind: TransferKind::Bulk,
        out_endpoint: place.out,
        in_endpoint: place.input,
        report: None,
        max_packet: usize::from(place.max_packet),
        product: product.to_owned(),
        serial: view.serial.clone(),
        id: view.id,
    };
    Ok(Box::new(BulkPipe::new(bus, shape, place.listening)))
}

/// Resets the device of this list entry, whoever drives it.
pub(crate) fn reset(view: &UsbView) -> Result<(), Error> {
    again(view)?.open()?.reset()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looking_around_is_no_error_on_a_machine_without_usb() {
        for view in look(&pace::Policy::default().usb) {
            assert!(!view.location.ports.is_empty());
        }
    }
}

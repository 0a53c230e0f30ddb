//! From a description to the bytes of its descriptors (USB 2.0 chapter 9, HID 1.11 chapter 6).

use super::{Class, Description, DescriptionError, Hid, Interface, Speed, microsoft};
use bytes::{BufMut, Bytes, BytesMut};
use wire::{Endpoint, TransferKind};

/// The types of descriptors.
pub(crate) mod kind {
    pub(crate) const DEVICE: u8 = 0x01;
    pub(crate) const CONFIGURATION: u8 = 0x02;
    pub(crate) const STRING: u8 = 0x03;
    pub(crate) const INTERFACE: u8 = 0x04;
    pub(crate) const ENDPOINT: u8 = 0x05;
    pub(crate) const DEVICE_QUALIFIER: u8 = 0x06;
    pub(crate) const OTHER_SPEED: u8 = 0x07;
    pub(crate) const ASSOCIATION: u8 = 0x0B;
    pub(crate) const BOS: u8 = 0x0F;
    pub(crate) const HID: u8 = 0x21;
    pub(crate) const REPORT: u8 = 0x22;
}

/// Largest packet of endpoint 0.
const MAX_PACKET_0: u8 = 64;
/// US English, the one language of all strings.
const LANGUAGE: u16 = 0x0409;
/// The first version with a BOS.
const USB_2_01: u16 = 0x0201;

/// All descriptors of a device, ready to be sent.
#[derive(Debug)]
pub(crate) struct Descriptors {
    device: Bytes,
    configuration: Bytes,
    qualifier: Option<Bytes>,
    other_speed: Option<Bytes>,
    bos: Option<Bytes>,
    /// The Microsoft OS 2.0 descriptor set, asked for by a vendor request.
    pub(crate) microsoft: Option<Bytes>,
    strings: Vec<Bytes>,
    /// HID and report descriptor by interface number.
    hids: Vec<(u16, Bytes, Bytes)>,
}

impl Descriptors {
    /// A descriptor of the device. Strings are the same in every language.
    pub(crate) fn device(&self, value: u16) -> Option<Bytes> {
        let [index, which] = value.to_le_bytes();
        match (which, index) {
            (kind::DEVICE, 0) => Some(self.device.clone()),
            (kind::CONFIGURATION, 0) => Some(self.configuration.clone()),
            (kind::STRING, n) => self.strings.get(usize::from(n)).cloned(),
            (kind::DEVICE_QUALIFIER, 0) => self.qualifier.clone(),
            (kind::OTHER_SPEED, 0) => self.other_speed.clone(),
            (kind::BOS, 0) => self.bos.clone(),
            _ => None,
        }
    }

    /// A class descriptor of an interface.
    pub(crate) fn interface(&self, value: u16, interface: u16) -> Option<Bytes> {
        let (_, hid, report) = self.hids.iter().find(|(number, ..)| *number == interface)?;
        match value.to_le_bytes() {
            [0, kind::HID] => Some(hid.clone()),
            [0, kind::REPORT] => Some(report.clone()),
            _ => None,
        }
    }
}

/// The strings met so far; a string's index is its place.
struct Strings(Vec<String>);

impl Strings {
    /// The index of a text: 0 for none.
    fn index(&mut self, text: &str) -> Result<u8, DescriptionError> {
        if text.is_empty() {
            return Ok(0);
        }
        let at = self.0.iter().position(|known| known == text).unwrap_or_else(|| {
            self.0.push(text.to_owned());
            self.0.len() - 1
        });
        u8::try_from(at + 1).map_err(|_| DescriptionError::Length("string"))
    }

    fn descriptors(&self) -> Result<Vec<Bytes>, DescriptionError> {
        let [low, high] = LANGUAGE.to_le_bytes();
        let mut all = vec![Bytes::copy_from_slice(&[4, kind::STRING, low, high])];
        for text in &self.0 {
            let units: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
            let length = u8::try_from(units.len() + 2).map_err(|_| DescriptionError::Text(text.clone()))?;
            let mut descriptor = BytesMut::from([length, kind::STRING].as_slice());
            descriptor.extend(units);
            all.push(descriptor.freeze());
        }
        Ok(all)
    }
}

fn length16(what: &'static str, len: usize) -> Result<u16, DescriptionError> {
    u16::try_from(len).map_err(|_| DescriptionError::Length(what))
}

impl Description {
    /// Builds all descriptors.
    ///
    /// # Errors
    /// [`DescriptionError`].
    pub(crate) fn build(&self) -> Result<Descriptors, DescriptionError> {
        self.check()?;
        let mut strings = Strings(Vec::new());
        let device = self.device(&mut strings)?;
        let configuration = self.configuration(&mut strings, kind::CONFIGURATION, self.speed)?;
        let fast = self.speed == Speed::High;
        let other = match fast {
            true => Some(self.configuration(&mut strings, kind::OTHER_SPEED, Speed::Full)?),
            false => None,
        };
        let microsoft = microsoft::descriptor_set(&self.interfaces)?;
        let mut hids = Vec::new();
        for (number, interface) in (0u16..).zip(&self.interfaces) {
            if let Some(hid) = &interface.hid {
                hids.push((number, hid_descriptor(hid)?, hid.report.clone()));
            }
        }
        let with_bos = self.usb >= USB_2_01;
        Ok(Descriptors {
            device,
            configuration,
            qualifier: fast.then(|| self.qualifier()),
            other_speed: other,
            bos: with_bos.then(|| microsoft::bos(microsoft.as_ref())),
            microsoft,
            strings: strings.descriptors()?,
            hids,
        })
    }

    fn device(&self, strings: &mut Strings) -> Result<Bytes, DescriptionError> {
        let id = &self.identity;
        let mut out = BytesMut::from([18, kind::DEVICE].as_slice());
        out.put_u16_le(self.usb);
        out.put_slice(&self.class.to_bytes());
        out.put_u8(MAX_PACKET_0);
        out.put_u16_le(id.vid);
        out.put_u16_le(id.pid);
        out.put_u16_le(id.release);
        for text in [&id.manufacturer, &id.product, &id.serial] {
            out.put_u8(strings.index(text)?);
        }
        out.put_u8(1); // one configuration
        Ok(out.freeze())
    }

    fn qualifier(&self) -> Bytes {
        let mut out = BytesMut::from([10, kind::DEVICE_QUALIFIER].as_slice());
        out.put_u16_le(self.usb);
        out.put_slice(&self.class.to_bytes());
        out.put_slice(&[MAX_PACKET_0, 1, 0]);
        out.freeze()
    }

    fn configuration(
        &self,
        strings: &mut Strings,
        which: u8,
        speed: Speed,
    ) -> Result<Bytes, DescriptionError> {
        let mut body = BytesMut::new();
        for (number, interface) in (0u8..).zip(&self.interfaces) {
            for function in self.functions.iter().filter(|function| function.first == number) {
                body.put_slice(&[8, kind::ASSOCIATION, function.first, function.count]);
                body.put_slice(&function.class.to_bytes());
                body.put_u8(strings.index(&function.name)?);
            }
            self.put_interface(&mut body, strings, number, interface, speed)?;
        }
        let total = length16("configuration", body.len() + 9)?;
        let interfaces = u8::try_from(self.interfaces.len())
            .map_err(|_| DescriptionError::Interfaces(self.interfaces.len()))?;
        let mut out = BytesMut::from([9, which].as_slice());
        out.put_u16_le(total);
        out.put_slice(&[interfaces, 1, 0]); // configuration value 1, no string
        out.put_u8(if self.self_powered { 0xC0 } else { 0x80 });
        let units = u8::try_from(self.milliamps.div_ceil(2));
        out.put_u8(units.map_err(|_| DescriptionError::Power(self.milliamps))?);
        out.put_slice(&body);
        Ok(out.freeze())
    }

    fn put_interface(
        &self,
        out: &mut BytesMut,
        strings: &mut Strings,
        number: u8,
        interface: &Interface,
        speed: Speed,
    ) -> Result<(), DescriptionError> {
        let endpoints =
            u8::try_from(interface.endpoints.len()).map_err(|_| DescriptionError::Length("interface"))?;
        let Class { class, sub, protocol } = interface.class;
        out.put_slice(&[9, kind::INTERFACE, number, 0, endpoints, class, sub, protocol]);
        out.put_u8(strings.index(&interface.name)?);
        if let Some(hid) = &interface.hid {
            out.put_slice(&hid_descriptor(hid)?);
        }
        out.put_slice(&interface.extra);
        for endpoint in &interface.endpoints {
            out.put_slice(&[7, kind::ENDPOINT, endpoint.address]);
            out.put_u8(if endpoint.kind == TransferKind::Bulk { 0x02 } else { 0x03 });
            out.put_u16_le(self.packet_at(*endpoint, speed));
            out.put_u8(if endpoint.kind == TransferKind::Bulk { 0 } else { interface.interval });
        }
        Ok(())
    }

    /// The largest packet at this speed: what the endpoint has, cut to what full speed allows.
    fn packet_at(&self, endpoint: Endpoint, speed: Speed) -> u16 {
        if speed == self.speed { endpoint.max_packet } else { endpoint.max_packet.min(64) }
    }
}

fn hid_descriptor(hid: &Hid) -> Result<Bytes, DescriptionError> {
    // HID 1.11, no country, one report descriptor.
    let mut out = BytesMut::from([9, kind::HID, 0x11, 0x01, 0, 1, kind::REPORT].as_slice());
    out.put_u16_le(length16("HID report", hid.report.len())?);
    Ok(out.freeze())
}

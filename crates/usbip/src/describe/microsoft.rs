//! BOS and Microsoft OS 2.0 descriptors: what makes Windows bind WinUSB without a driver file.

use super::tables::kind;
use super::{DescriptionError, Interface};
use bytes::{BufMut, Bytes, BytesMut};

/// The vendor request by which Windows asks for the descriptor set (`wIndex` 7). Free to choose.
pub(crate) const VENDOR_CODE: u8 = 0x20;

/// Windows 8.1, the first that reads these.
const WINDOWS_8_1: u32 = 0x0603_0000;
/// D8DD60DF-4589-4CC7-9CD2-659D9E648A9F: "this platform capability is Microsoft OS 2.0".
const PLATFORM: [u8; 16] =
    [0xDF, 0x60, 0xDD, 0xD8, 0x89, 0x45, 0xC7, 0x4C, 0x9C, 0xD2, 0x65, 0x9D, 0x9E, 0x64, 0x8A, 0x9F];

const SET_HEADER: u16 = 0x00;
const CONFIGURATION_SUBSET: u16 = 0x01;
const FUNCTION_SUBSET: u16 = 0x02;
const COMPATIBLE_ID: u16 = 0x03;
const REGISTRY_PROPERTY: u16 = 0x04;
/// Several texts, each ended by a NUL, and another NUL.
const REG_MULTI_SZ: u16 = 7;

/// The BOS: where the descriptor set is, if there is one. Like real probes it has no USB 2.0 extension: that one exists to
/// promise link power management, and hosts complain about one that does not.
pub(super) fn bos(set: Option<&Bytes>) -> Bytes {
    let mut capabilities = BytesMut::new();
    if let Some(set) = set {
        capabilities.put_slice(&[28, 0x10, 0x05, 0]);
        capabilities.put_slice(&PLATFORM);
        capabilities.put_u32_le(WINDOWS_8_1);
        capabilities.put_u16_le(u16::try_from(set.len()).unwrap_or(u16::MAX));
        capabilities.put_slice(&[VENDOR_CODE, 0]);
    }
    let mut out = BytesMut::from([5, kind::BOS].as_slice());
    out.put_u16_le(u16::try_from(capabilities.len() + 5).unwrap_or(u16::MAX));
    out.put_u8(u8::from(set.is_some()));
    out.put_slice(&capabilities);
    out.freeze()
}

/// The descriptor set of all interfaces that want WinUSB; `None` when there is none.
pub(super) fn descriptor_set(interfaces: &[Interface]) -> Result<Option<Bytes>, DescriptionError> {
    let wanted = (0u8..).zip(interfaces).filter_map(|(n, i)| i.winusb.as_deref().map(|guid| (n, guid)));
    let wanted: Vec<_> = wanted.collect();
    let mut body = BytesMut::new();
    match wanted.as_slice() {
        [] => return Ok(None),
        // A device of one interface: the features are those of the device.
        [(_, guid)] if interfaces.len() == 1 => body.put_slice(&features(guid)?),
        several => {
            let mut functions = BytesMut::new();
            for (number, guid) in several {
                let features = features(guid)?;
                functions.put_u16_le(8);
                functions.put_u16_le(FUNCTION_SUBSET);
                functions.put_slice(&[*number, 0]);
                functions.put_u16_le(length(features.len() + 8)?);
                functions.put_slice(&features);
            }
            body.put_u16_le(8);
            body.put_u16_le(CONFIGURATION_SUBSET);
            body.put_slice(&[0, 0]); // the first configuration, by its place
            body.put_u16_le(length(functions.len() + 8)?);
            body.put_slice(&functions);
        }
    }
    let mut out = BytesMut::new();
    out.put_u16_le(10);
    out.put_u16_le(SET_HEADER);
    out.put_u32_le(WINDOWS_8_1);
    out.put_u16_le(length(body.len() + 10)?);
    out.put_slice(&body);
    Ok(Some(out.freeze()))
}

fn length(len: usize) -> Result<u16, DescriptionError> {
    u16::try_from(len).map_err(|_| DescriptionError::Length("Microsoft OS 2.0"))
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// "Use WinUSB" and the GUID under which programs find the interface.
fn features(guid: &str) -> Result<Bytes, DescriptionError> {
    let name = utf16("DeviceInterfaceGUIDs\0");
    let data = utf16(&format!("{guid}\0\0"));
    let mut out = BytesMut::new();
    out.put_u16_le(20);
    out.put_u16_le(COMPATIBLE_ID);
    out.put_slice(b"WINUSB\0\0");
    out.put_bytes(0, 8); // no sub-compatible id
    out.put_u16_le(length(name.len() + data.len() + 10)?);
    out.put_u16_le(REGISTRY_PROPERTY);
    out.put_u16_le(REG_MULTI_SZ);
    out.put_u16_le(length(name.len())?);
    out.put_slice(&name);
    out.put_u16_le(length(data.len())?);
    out.put_slice(&data);
    Ok(out.freeze())
}

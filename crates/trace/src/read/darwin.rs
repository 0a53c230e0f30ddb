//! The header that macOS puts before every USB transfer (link type 266). Always little-endian. [TRACE-6]

use super::pairs::Taken;
use crate::usbmon::{EINPROGRESS, Half, Head};

/// Length of the header as it is known. A longer one is skipped over by its own length.
const FIXED: usize = 32;
/// Kinds of requests.
const SUBMIT: u8 = 0;
const COMPLETE: u8 = 1;

/// Takes a record apart. `None` when it is too short or of a kind that carries no probe traffic.
pub(super) fn read(packet: &[u8]) -> Option<Taken<'_>> {
    let word =
        |at: usize| -> Option<u32> { Some(u32::from_le_bytes(packet.get(at..at + 4)?.try_into().ok()?)) };
    let byte = |at: usize| packet.get(at).copied();
    let head_len = usize::from(byte(2)?);
    let (_, data) = packet.split_at_checked(head_len).filter(|_| head_len >= FIXED)?;
    let half = match byte(3)? {
        SUBMIT => Half::Submit,
        COMPLETE => Half::Complete,
        _ => return None,
    };
    let transfer = transfer_number(byte(31)?)?;
    let (setup, data) = match (half, transfer, data.split_first_chunk::<8>()) {
        (Half::Submit, CONTROL, Some((setup, rest))) => (Some(*setup), rest),
        (Half::Submit, CONTROL, None) => return None,
        _ => (None, data),
    };
    let inward = match setup {
        Some([kind, ..]) => kind & 0x80,
        None => byte(30)? & 0x80,
    };
    let length = word(4)?;
    let moved = usize::try_from(length).ok()?.min(data.len());
    // The bus stands in the highest byte of the location.
    let [.., bus] = word(24)?.to_le_bytes();
    let urb: [u8; 8] = packet.get(16..24)?.try_into().ok()?;
    let head = Head {
        urb: u64::from_le_bytes(urb),
        half,
        transfer,
        endpoint: byte(30)? & 0x0F | inward,
        device: byte(29)?,
        bus: u16::from(bus),
        setup,
        seconds: 0,
        micros: 0,
        status: if half == Half::Submit { EINPROGRESS } else { errno(word(8)?) },
        urb_len: length,
        data_len: u32::try_from(moved).ok()?,
        descriptors: 0,
    };
    Some(Taken::Record { head, data: data.get(..moved)? })
}

/// usbmon's number of control transfers.
const CONTROL: u8 = 2;

/// usbmon's number for the attribute of an endpoint descriptor.
const fn transfer_number(attribute: u8) -> Option<u8> {
    match attribute {
        0 => Some(CONTROL),
        1 => Some(0),
        2 => Some(3),
        3 => Some(1),
        _ => None,
    }
}

/// An IOReturn as the nearest Linux error number.
const fn errno(status: u32) -> i32 {
    match status {
        0 => 0,
        0xE000_404F => -32,               // kIOUSBPipeStalled: EPIPE
        0xE000_4051 => -110,              // kIOUSBTransactionTimeout: ETIMEDOUT
        0xE000_02EB => -104,              // kIOReturnAborted: ECONNRESET
        0xE000_02C0 | 0xE000_02ED => -19, // no device, not responding: ENODEV
        _ => -71,                         // EPROTO
    }
}

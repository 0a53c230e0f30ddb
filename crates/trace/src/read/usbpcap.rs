//! The header that USBPcap puts before every transfer on Windows (link type 249). Always little-endian. [TRACE-5]
//!
//! What it says is put into usbmon's words, so that everything above is the same. Control transfers come in stages: old
//! versions record each stage, newer ones only the first and the end.

use super::pairs::Taken;
use crate::usbmon::{EINPROGRESS, Half, Head};

/// Length of the part that all records have.
const FIXED: usize = 27;
/// Bit of `info`: on its way from the device to the host, so a request that is done.
const DONE: u8 = 1;
/// Stages of a control transfer.
const SETUP: u8 = 0;
const DATA: u8 = 1;
const STATUS: u8 = 2;

/// Takes a record apart. `None` when it is too short or of a kind that carries no probe traffic.
pub(super) fn read(packet: &[u8]) -> Option<Taken<'_>> {
    let at = |place: usize| packet.get(place).copied();
    let word = |place: usize| -> Option<u32> {
        Some(u32::from_le_bytes(packet.get(place..place + 4)?.try_into().ok()?))
    };
    let pair = |place: usize| Some(u16::from_le_bytes([at(place)?, at(place + 1)?]));
    let head_len = usize::from(pair(0)?);
    let (head, data) = packet.split_at_checked(head_len.max(FIXED)).filter(|_| head_len >= FIXED)?;
    let transfer = at(22)?;
    let stage = if transfer == CONTROL { head.get(FIXED).copied() } else { None };
    let (setup, data) = match (stage, data.split_first_chunk::<8>()) {
        (Some(SETUP), Some((setup, rest))) => (Some(*setup), rest),
        (Some(SETUP), None) => return None,
        _ => (None, data),
    };
    let length = word(23)?.saturating_sub(if setup.is_some() { 8 } else { 0 });
    let moved = usize::try_from(length).ok()?.min(data.len());
    let done = at(16)? & DONE != 0;
    let inward = match setup {
        Some([kind, ..]) => kind & 0x80,
        None => at(21)? & 0x80,
    };
    let urb: [u8; 8] = packet.get(2..10)?.try_into().ok()?;
    let head = Head {
        urb: u64::from_le_bytes(urb),
        half: if done && stage != Some(SETUP) { Half::Complete } else { Half::Submit },
        transfer: transfer_number(transfer)?,
        endpoint: at(21)? & 0x0F | inward,
        device: u8::try_from(pair(19)?).ok()?,
        bus: pair(17)?,
        setup,
        seconds: 0,
        micros: 0,
        status: if done { errno(word(10)?) } else { EINPROGRESS },
        urb_len: length,
        data_len: u32::try_from(moved).ok()?,
        descriptors: 0,
    };
    let data = data.get(..moved)?;
    Some(match (stage, done) {
        (Some(DATA), false) => Taken::More { head, data },
        (Some(STATUS), _) => Taken::End { head },
        _ => Taken::Record { head, data },
    })
}

/// USBPcap's number of control transfers.
const CONTROL: u8 = 2;

/// usbmon's number: the two agree, but for what USBPcap has beside transfers.
const fn transfer_number(number: u8) -> Option<u8> {
    match number {
        0..=3 => Some(number),
        _ => None,
    }
}

/// USBD_STATUS as the nearest Linux error number.
const fn errno(status: u32) -> i32 {
    match status {
        0 => 0,
        0xC000_0004 | 0xC000_0030 => -32, // STALL_PID, ENDPOINT_HALTED: EPIPE
        0xC000_0005 | 0xC000_7000 => -62, // DEV_NOT_RESPONDING, DEVICE_GONE: ETIME
        0xC000_0008 | 0xC000_000D | 0xC000_000E => -75, // overruns: EOVERFLOW
        0xC001_0000 => -104,              // CANCELED: ECONNRESET
        _ => -71,                         // EPROTO
    }
}

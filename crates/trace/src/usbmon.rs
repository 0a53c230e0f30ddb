//! The header that Linux' usbmon puts before every transfer. [TRACE-1]
//!
//! One layout in two lengths: 48 bytes (link type 189) and 64 bytes (link type 220). It is in the byte order of the machine
//! that recorded, which is that of the file.

use wire::{Setup, TransferKind};

/// Length of the header with link type 220.
pub(crate) const LONG: usize = 64;
/// Length of the header with link type 189.
pub(crate) const SHORT: usize = 48;
/// Status of a submit record: in progress.
pub(crate) const EINPROGRESS: i32 = -115;

/// Which half of a transfer a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Half {
    /// The host asks.
    Submit,
    /// It is done.
    Complete,
    /// It could not even be asked for.
    Error,
}

/// One usbmon header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) urb: u64,
    pub(crate) half: Half,
    /// usbmon's number: 0 isochronous, 1 interrupt, 2 control, 3 bulk.
    pub(crate) transfer: u8,
    pub(crate) endpoint: u8,
    pub(crate) device: u8,
    pub(crate) bus: u16,
    pub(crate) setup: Option<[u8; 8]>,
    pub(crate) seconds: i64,
    pub(crate) micros: i32,
    pub(crate) status: i32,
    pub(crate) urb_len: u32,
    pub(crate) data_len: u32,
    /// Isochronous descriptors of 16 bytes each stand before the data (link type 220 only).
    pub(crate) descriptors: u32,
}

/// usbmon's number for a kind of transfer.
pub(crate) const fn transfer_number(kind: TransferKind) -> u8 {
    match kind {
        TransferKind::Interrupt => 1,
        TransferKind::Control => 2,
        TransferKind::Bulk => 3,
    }
}

/// The kind for usbmon's number; isochronous transfers have none here.
pub(crate) const fn transfer_kind(number: u8) -> Option<TransferKind> {
    match number {
        1 => Some(TransferKind::Interrupt),
        2 => Some(TransferKind::Control),
        3 => Some(TransferKind::Bulk),
        _ => None,
    }
}

/// The eight setup bytes of a control request.
pub(crate) fn setup_bytes(setup: Option<Setup>) -> Option<[u8; 8]> {
    setup.map(Setup::to_bytes)
}

impl Head {
    /// Appends the 64-byte form, little-endian.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let inward = self.endpoint & 0x80 != 0;
        let (event, data_flag) = match (self.half, inward) {
            (Half::Submit, true) => (b'S', b'<'),
            (Half::Submit, false) => (b'S', 0),
            (Half::Complete, true) => (b'C', 0),
            (Half::Complete, false) => (b'C', b'>'),
            (Half::Error, _) => (b'E', 0),
        };
        out.extend_from_slice(&self.urb.to_le_bytes());
        out.extend_from_slice(&[event, self.transfer, self.endpoint, self.device]);
        out.extend_from_slice(&self.bus.to_le_bytes());
        out.extend_from_slice(&[if self.setup.is_some() { 0 } else { b'-' }, data_flag]);
        out.extend_from_slice(&self.seconds.to_le_bytes());
        out.extend_from_slice(&self.micros.to_le_bytes());
        out.extend_from_slice(&self.status.to_le_bytes());
        out.extend_from_slice(&self.urb_len.to_le_bytes());
        out.extend_from_slice(&self.data_len.to_le_bytes());
        out.extend_from_slice(&self.setup.unwrap_or_default());
        out.extend_from_slice(&[0; 12]); // interval, start frame, transfer flags
        out.extend_from_slice(&self.descriptors.to_le_bytes());
    }

    /// Takes the header off the front of a packet, and gives it with the data that follow. `None` when it is too short or
    /// no usbmon record.
    pub(crate) fn read(packet: &[u8], big_endian: bool, long: bool) -> Option<(Head, &[u8])> {
        let length = if long { LONG } else { SHORT };
        let (head, rest) = packet.split_at_checked(length)?;
        let half = match head.get(8)? {
            b'S' => Half::Submit,
            b'C' => Half::Complete,
            b'E' => Half::Error,
            _ => return None,
        };
        let word = |at: usize| -> Option<u32> {
            let bytes = head.get(at..at + 4)?.try_into().ok()?;
            Some(if big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
        };
        let wide = |at: usize| -> Option<u64> {
            let bytes = head.get(at..at + 8)?.try_into().ok()?;
            Some(if big_endian { u64::from_be_bytes(bytes) } else { u64::from_le_bytes(bytes) })
        };
        let bus: [u8; 2] = head.get(12..14)?.try_into().ok()?;
        let has_setup = *head.get(14)? == 0;
        let setup: [u8; 8] = head.get(40..48)?.try_into().ok()?;
        let descriptors = if long { word(60)? } else { 0 };
        let skip = usize::try_from(descriptors).ok()?.checked_mul(16)?;
        let found = Head {
            urb: wide(0)?,
            half,
            transfer: *head.get(9)?,
            endpoint: *head.get(10)?,
            device: *head.get(11)?,
            bus: if big_endian { u16::from_be_bytes(bus) } else { u16::from_le_bytes(bus) },
            setup: has_setup.then_some(setup),
            seconds: wide(16)?.cast_signed(),
            micros: word(24)?.cast_signed(),
            status: word(28)?.cast_signed(),
            urb_len: word(32)?,
            data_len: word(36)?,
            descriptors,
        };
        let data = rest.get(skip..)?;
        let kept = usize::try_from(found.data_len).ok()?.min(data.len());
        Some((found, data.get(..kept)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Head {
        Head {
            urb: 0x0102_0304_0506_0708,
            half: Half::Submit,
            transfer: 3,
            endpoint: 4,
            device: 7,
            bus: 2,
            setup: None,
            seconds: 1,
            micros: 500_000,
            status: EINPROGRESS,
            urb_len: 3,
            data_len: 3,
            descriptors: 0,
        }
    }

    #[test]
    fn the_header_is_laid_out_as_the_kernel_lays_it_out() {
        let mut out = Vec::new();
        sample().write(&mut out);
        assert_eq!(out.len(), LONG);
        assert_eq!(&out[..16], &[8, 7, 6, 5, 4, 3, 2, 1, b'S', 3, 4, 7, 2, 0, b'-', 0]);
        assert_eq!(&out[16..24], &1i64.to_le_bytes());
        assert_eq!(&out[24..28], &500_000i32.to_le_bytes());
        assert_eq!(&out[28..32], &(-115i32).to_le_bytes());
        assert_eq!(&out[32..40], &[3, 0, 0, 0, 3, 0, 0, 0]);
    }

    #[test]
    fn what_was_written_reads_back() {
        let mut out = Vec::new();
        sample().write(&mut out);
        out.extend_from_slice(&[1, 2, 3, 0xEE]);
        let (head, data) = Head::read(&out, false, true).unwrap();
        assert_eq!(head, sample());
        assert_eq!(data, &[1, 2, 3], "bytes beyond data_len are padding");
    }

    #[test]
    fn a_header_cut_short_is_none() {
        let mut out = Vec::new();
        sample().write(&mut out);
        for n in 0..LONG {
            assert_eq!(Head::read(&out[..n], false, true), None, "{n} bytes");
        }
    }

    #[test]
    fn isochronous_descriptors_are_skipped() {
        let mut out = Vec::new();
        Head { descriptors: 1, ..sample() }.write(&mut out);
        out.extend_from_slice(&[0xDD; 16]);
        out.extend_from_slice(&[1, 2, 3]);
        assert_eq!(Head::read(&out, false, true).unwrap().1, &[1, 2, 3]);
    }
}

//! Items of DAP_SWD_Sequence and DAP_JTAG_Sequence. The info byte is kept as it came, reserved bits included.

use crate::reader::Reader;
use crate::{DecodeError, EncodeError};
use wire::{Bits, SwdItem};

/// The number of clocks that the low six bits of an info byte say; 0 stands for 64.
const fn clocks(info: u8) -> u8 {
    match info & 0x3F {
        0 => 64,
        n => n,
    }
}

fn info_of(clocks: usize, what: &'static str) -> Result<u8, EncodeError> {
    match u8::try_from(clocks) {
        Ok(n @ 1..=64) => Ok(n & 0x3F),
        _ => Err(EncodeError::Length { what, len: clocks, least: 1, most: 64 }),
    }
}

fn packed(clocks: u8) -> usize {
    usize::from(clocks).div_ceil(8)
}

/// One item of DAP_SWD_Sequence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SwdSequenceItem {
    /// Bits 5:0 clocks (0 means 64), bit 7 the probe listens.
    pub info: u8,
    /// What the probe drives, least significant bit first; empty when it listens.
    pub out: Vec<u8>,
}

impl SwdSequenceItem {
    const INPUT: u8 = 0x80;

    /// How many clocks, 1 to 64.
    pub const fn clocks(&self) -> u8 {
        clocks(self.info)
    }

    /// Whether the probe listens.
    pub const fn is_input(&self) -> bool {
        self.info & Self::INPUT != 0
    }

    /// Bytes of the answer that belong to this item.
    pub fn answer_len(&self) -> usize {
        if self.is_input() { packed(self.clocks()) } else { 0 }
    }

    /// The item that does what `item` says.
    ///
    /// # Errors
    /// When it is empty, longer than 64 clocks, or holds fewer bytes than bits.
    pub fn new(item: &SwdItem) -> Result<Self, EncodeError> {
        const WHAT: &str = "DAP_SWD_Sequence item";
        match item {
            SwdItem::In(n) => {
                Ok(SwdSequenceItem { info: info_of(usize::from(*n), WHAT)? | Self::INPUT, out: vec![] })
            }
            SwdItem::Out(Bits { data, len }) => {
                let info = info_of(*len, WHAT)?;
                let bytes = packed(clocks(info));
                match data.get(..bytes) {
                    Some(out) => Ok(SwdSequenceItem { info, out: out.to_vec() }),
                    None => {
                        Err(EncodeError::Length { what: WHAT, len: data.len(), least: bytes, most: bytes })
                    }
                }
            }
        }
    }

    /// What it does, reserved bits aside.
    pub fn item(&self) -> SwdItem {
        if self.is_input() {
            SwdItem::In(self.clocks())
        } else {
            SwdItem::Out(Bits { data: self.out.clone(), len: usize::from(self.clocks()) })
        }
    }

    pub(crate) fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut item = SwdSequenceItem { info: r.u8("DAP_SWD_Sequence info")?, out: vec![] };
        if !item.is_input() {
            item.out = r.bytes(packed(item.clocks()), "DAP_SWD_Sequence data")?.to_vec();
        }
        Ok(item)
    }

    pub(crate) fn write(&self, to: &mut Vec<u8>) -> Result<(), EncodeError> {
        let bytes = if self.is_input() { 0 } else { packed(self.clocks()) };
        write_item(self.info, &self.out, bytes, "DAP_SWD_Sequence data", to)
    }
}

/// One item of DAP_JTAG_Sequence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JtagItem {
    /// Bits 5:0 clocks (0 means 64), bit 6 TMS, bit 7 capture TDO.
    pub info: u8,
    /// TDI, least significant bit first.
    pub tdi: Vec<u8>,
}

impl JtagItem {
    /// How many clocks, 1 to 64.
    pub const fn clocks(&self) -> u8 {
        clocks(self.info)
    }

    /// The level of TMS.
    pub const fn tms(&self) -> bool {
        self.info & 0x40 != 0
    }

    /// Whether TDO is captured.
    pub const fn captures(&self) -> bool {
        self.info & 0x80 != 0
    }

    /// Bytes of the answer that belong to this item.
    pub fn answer_len(&self) -> usize {
        if self.captures() { packed(self.clocks()) } else { 0 }
    }

    pub(crate) fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let info = r.u8("DAP_JTAG_Sequence info")?;
        Ok(JtagItem { info, tdi: r.bytes(packed(clocks(info)), "DAP_JTAG_Sequence data")?.to_vec() })
    }

    pub(crate) fn write(&self, to: &mut Vec<u8>) -> Result<(), EncodeError> {
        write_item(self.info, &self.tdi, packed(self.clocks()), "DAP_JTAG_Sequence data", to)
    }
}

fn write_item(
    info: u8,
    data: &[u8],
    bytes: usize,
    what: &'static str,
    to: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    if data.len() != bytes {
        return Err(EncodeError::Length { what, len: data.len(), least: bytes, most: bytes });
    }
    to.push(info);
    to.extend_from_slice(data);
    Ok(())
}

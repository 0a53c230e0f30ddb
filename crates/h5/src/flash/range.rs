//! Where things lie in flash: ranges, sectors, banks. [H5-FLASH-10]

use crate::{H5Error, Part};
use regs::h5::flash::{BANKS, SECTOR};
use regs::h5::memory::{FLASH, non_secure};
use std::fmt;
use wire::Addr;

/// A run of flash addresses. Either alias may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FlashRange {
    /// First address.
    pub at: Addr,
    /// Bytes.
    pub len: u32,
}

impl FlashRange {
    /// The whole sectors around a run of bytes.
    pub fn covering(at: Addr, len: u32) -> FlashRange {
        let start = at.0 - at.0 % SECTOR;
        let end = u64::from(at.0) + u64::from(len);
        let len = (end - u64::from(start)).next_multiple_of(u64::from(SECTOR));
        FlashRange { at: Addr(start), len: u32::try_from(len).unwrap_or(u32::MAX) }
    }
}

impl fmt::Display for FlashRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} + 0x{:X}", self.at, self.len)
    }
}

/// One sector, as the erase command names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sector {
    /// Its first address, non-secure.
    pub(crate) at: Addr,
    /// Bank by address, 0 or 1. The command wants the physical bank.
    pub(crate) bank: u32,
    /// Number in its bank.
    pub(crate) number: u32,
}

/// The sectors of a range that must consist of whole sectors inside `size` bytes of flash.
pub(crate) fn sectors(range: &FlashRange, size: u32) -> Result<Vec<Sector>, H5Error> {
    inside(range, size)?;
    let start = non_secure(range.at.0);
    if !start.is_multiple_of(SECTOR) || !range.len.is_multiple_of(SECTOR) {
        return Err(H5Error::BadRange(format!(
            "{range} does not consist of whole sectors of {SECTOR} bytes"
        )));
    }
    let bank_len = size / BANKS;
    let offsets = (start - FLASH..start - FLASH + range.len).step_by(SECTOR as usize);
    Ok(offsets
        .map(|offset| Sector {
            at: Addr(FLASH + offset),
            bank: offset / bank_len,
            number: offset % bank_len / SECTOR,
        })
        .collect())
}

/// An error when a range is not inside `size` bytes of flash.
pub(crate) fn inside(range: &FlashRange, size: u32) -> Result<(), H5Error> {
    if size == 0 {
        return Err(H5Error::BadRange("the flash size cannot be read in this product state".to_owned()));
    }
    let start = non_secure(range.at.0);
    let end = u64::from(start) + u64::from(range.len);
    if start < FLASH || end > u64::from(FLASH) + u64::from(size) {
        let kib = size / 1024;
        return Err(H5Error::BadRange(format!(
            "{range} is not inside the {kib} KiB of flash at {}",
            Addr(FLASH)
        )));
    }
    Ok(())
}

impl Part<'_> {
    /// Bytes of flash; 0 where the part does not say.
    pub(crate) fn flash_len(&self) -> u32 {
        u32::from(self.identity.flash_kib) * 1024
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u32 = 1024 * 1024;

    #[test]
    fn covering_rounds_outwards_to_whole_sectors() {
        let range = FlashRange::covering(Addr(0x0800_2010), 0x2000);
        assert_eq!(range, FlashRange { at: Addr(0x0800_2000), len: 0x4000 });
        let exact = FlashRange::covering(Addr(0x0800_0000), 0x2000);
        assert_eq!(exact.len, 0x2000);
        assert_eq!(FlashRange::covering(Addr(0x0800_0000), 0).len, 0);
    }

    #[test]
    fn the_second_bank_begins_in_the_middle_and_counts_from_zero() {
        let all = sectors(&FlashRange { at: Addr(0x0807_E000), len: 0x4000 }, MIB).unwrap();
        assert_eq!(all.iter().map(|s| (s.bank, s.number)).collect::<Vec<_>>(), [(0, 63), (1, 0)]);
        let secure = sectors(&FlashRange { at: Addr(0x0C00_0000), len: 0x2000 }, MIB).unwrap();
        assert_eq!(secure[0].at, Addr(0x0800_0000));
    }

    #[test]
    fn ranges_outside_and_ranges_of_broken_sectors_are_refused() {
        let refused =
            |at, len, size| sectors(&FlashRange { at: Addr(at), len }, size).unwrap_err().to_string();
        assert!(refused(0x0800_0010, 0x2000, MIB).contains("whole sectors"));
        assert!(refused(0x0810_0000, 0x2000, MIB).contains("not inside the 1024 KiB"));
        assert!(refused(0x2000_0000, 0x2000, MIB).contains("not inside"));
        assert!(refused(0x0800_0000, 0x2000, 0).contains("cannot be read"));
    }
}

//! The flash array: 8 KiB sectors of 16-byte slots, each slot whole or torn. [H5-FLASH-10] [H5-FLASH-11]

use regs::h5::flash::{QUAD_WORD, SECTOR};

/// Bytes of a sector.
pub(crate) const SECTOR_BYTES: usize = SECTOR as usize;
/// Bytes of a slot.
pub(crate) const SLOT: usize = QUAD_WORD as usize;
const SLOTS: usize = SECTOR_BYTES / SLOT;

/// One sector that is not erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sector {
    /// Contents.
    pub(crate) bytes: Box<[u8]>,
    /// One bit a slot: its error correction code does not fit.
    pub(crate) torn: [u64; SLOTS / 64],
}

impl Sector {
    fn erased() -> Self {
        Sector { bytes: vec![0xFF; SECTOR_BYTES].into_boxed_slice(), torn: [0; SLOTS / 64] }
    }

    fn is_torn(&self, slot: usize) -> bool {
        self.torn[slot / 64] >> (slot % 64) & 1 == 1
    }

    fn tear(&mut self, slot: usize) {
        self.torn[slot / 64] |= 1 << (slot % 64);
    }

    /// Nothing can tell it from an erased one.
    fn is_blank(&self) -> bool {
        self.torn.iter().all(|word| *word == 0) && self.bytes.iter().all(|byte| *byte == 0xFF)
    }
}

/// Both banks, in physical order.
#[derive(Debug, Clone)]
pub(crate) struct Array {
    sectors: Vec<Option<Sector>>,
}

impl Array {
    /// An erased array of this many KiB.
    pub(crate) fn new(kib: u16) -> Self {
        Array { sectors: vec![None; usize::from(kib) * 1024 / SECTOR_BYTES] }
    }

    /// Bytes.
    pub(crate) fn len(&self) -> u32 {
        // Lossless: a few MiB.
        self.sectors.len() as u32 * SECTOR
    }

    /// Sectors of both banks.
    pub(crate) fn sectors(&self) -> u32 {
        self.sectors.len() as u32
    }

    /// What a slot holds, or `None` when it is torn. `at` is a physical offset.
    pub(crate) fn slot(&self, at: u32) -> Option<[u8; SLOT]> {
        let (sector, slot) = place(at);
        let Some(sector) = &self.sectors[sector] else { return Some([0xFF; SLOT]) };
        if sector.is_torn(slot) {
            return None;
        }
        let mut bytes = [0; SLOT];
        bytes.copy_from_slice(&sector.bytes[slot * SLOT..][..SLOT]);
        Some(bytes)
    }

    /// The byte at a physical offset, torn or not.
    pub(crate) fn raw(&self, at: u32) -> u8 {
        let sector = self.sectors.get((at / SECTOR) as usize).and_then(Option::as_ref);
        sector.and_then(|sector| sector.bytes.get((at % SECTOR) as usize)).copied().unwrap_or(0xFF)
    }

    /// Programs a slot: old AND new. A torn slot stays torn. [H5-FLASH-9]
    pub(crate) fn program(&mut self, at: u32, data: &[u8; SLOT]) {
        let (sector, slot) = place(at);
        let sector = self.sectors[sector].get_or_insert_with(Sector::erased);
        for (old, new) in sector.bytes[slot * SLOT..][..SLOT].iter_mut().zip(data) {
            *old &= new;
        }
    }

    /// Programming was interrupted: some bits are there, the code does not fit. [H5-FLASH-11]
    pub(crate) fn tear_slot(&mut self, at: u32, data: &[u8; SLOT]) {
        let mut some = *data;
        some[SLOT / 2..].fill(0xFF);
        self.program(at, &some);
        let (sector, slot) = place(at);
        if let Some(sector) = &mut self.sectors[sector] {
            sector.tear(slot);
        }
    }

    /// Erases a sector, counted through both banks.
    pub(crate) fn erase(&mut self, sector: u32) {
        self.sectors[sector as usize] = None;
    }

    /// Erasing was interrupted: no slot of the sector reads right. [H5-FLASH-11]
    pub(crate) fn tear_sector(&mut self, sector: u32) {
        let sector = self.sectors[sector as usize].get_or_insert_with(Sector::erased);
        for slot in 0..SLOTS {
            sector.tear(slot);
        }
        // Half of the cells have come up.
        for byte in sector.bytes.iter_mut() {
            *byte |= 0xAA;
        }
    }

    /// Sectors that are not blank, with their numbers.
    pub(crate) fn used(&self) -> impl Iterator<Item = (u32, &Sector)> {
        let numbered = (0..).zip(&self.sectors);
        numbered.filter_map(|(n, s)| s.as_ref().filter(|s| !s.is_blank()).map(|s| (n, s)))
    }

    /// Puts a sector back as it was kept. `false`: it does not fit.
    pub(crate) fn restore(&mut self, number: u32, sector: Sector) -> bool {
        match self.sectors.get_mut(number as usize) {
            Some(slot) if sector.bytes.len() == SECTOR_BYTES => {
                *slot = Some(sector);
                true
            }
            _ => false,
        }
    }
}

/// Sector and slot of a physical offset.
fn place(at: u32) -> (usize, usize) {
    let at = at as usize;
    (at / SECTOR_BYTES, at % SECTOR_BYTES / SLOT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_array_is_erased() {
        let array = Array::new(128);
        assert_eq!(array.slot(0), Some([0xFF; SLOT]));
        assert_eq!(array.slot(array.len() - QUAD_WORD), Some([0xFF; SLOT]));
        assert_eq!(array.used().count(), 0);
    }

    #[test]
    fn programming_over_old_data_gives_old_and_new() {
        let mut array = Array::new(128);
        array.program(32, &[0xF0; SLOT]);
        array.program(32, &[0x3C; SLOT]);
        assert_eq!(array.slot(32), Some([0x30; SLOT]));
    }

    #[test]
    fn a_torn_slot_stays_torn_until_its_sector_is_erased() {
        let mut array = Array::new(128);
        array.tear_slot(16, &[0; SLOT]);
        assert_eq!(array.slot(16), None);
        array.program(16, &[0; SLOT]);
        assert_eq!(array.slot(16), None);
        assert_eq!(array.slot(0), Some([0xFF; SLOT]));
        array.erase(0);
        assert_eq!(array.slot(16), Some([0xFF; SLOT]));
    }

    #[test]
    fn a_sector_programmed_with_ones_counts_as_blank() {
        let mut array = Array::new(128);
        array.program(0, &[0xFF; SLOT]);
        assert_eq!(array.used().count(), 0);
        array.program(0x2000, &[0; SLOT]);
        assert_eq!(array.used().map(|(n, _)| n).collect::<Vec<_>>(), [1]);
    }
}

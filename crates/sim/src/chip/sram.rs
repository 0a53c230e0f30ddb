//! Volatile memory: SRAM blocks and backup SRAM, kept as the pages that were written.

use regs::h5::memory::Map;
use std::collections::BTreeMap;
use wire::Width;

const PAGE: u32 = 1024;

/// All of it, by non-secure address. What was never written reads as zero.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sram {
    pages: BTreeMap<u32, Box<[u8]>>,
}

impl Sram {
    /// Whether `at` is an address of SRAM or backup SRAM.
    pub(crate) fn covers(map: &Map, at: u32) -> bool {
        map.backup_sram.contains(at) || map.sram.iter().any(|block| block.contains(at))
    }

    /// Reads; the address is aligned to the width.
    pub(crate) fn read(&self, at: u32, width: Width) -> u32 {
        let Some(page) = self.pages.get(&(at / PAGE)) else { return 0 };
        let from = (at % PAGE) as usize;
        (0..width.bytes() as usize).rev().fold(0, |value, i| value << 8 | u32::from(page[from + i]))
    }

    /// Writes; the address is aligned to the width.
    pub(crate) fn write(&mut self, at: u32, width: Width, value: u32) {
        let zero = || vec![0; PAGE as usize].into_boxed_slice();
        let page = self.pages.entry(at / PAGE).or_insert_with(zero);
        let (from, bytes) = ((at % PAGE) as usize, width.bytes() as usize);
        page[from..from + bytes].copy_from_slice(&value.to_le_bytes()[..bytes]);
    }

    /// A run of bytes.
    pub(crate) fn bytes(&self, at: u32, len: u32) -> Vec<u8> {
        // Lossless: one byte each.
        (at..at + len).map(|at| self.read(at, Width::Byte) as u8).collect()
    }

    /// Forgets the pages of this range (whole pages).
    pub(crate) fn clear(&mut self, start: u32, len: u32) {
        let (from, to) = (start / PAGE, (start + len) / PAGE);
        self.pages.retain(|page, _| !(from..to).contains(page));
    }

    /// Without power everything is gone.
    pub(crate) fn clear_all(&mut self) {
        self.pages.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_half_words_and_words_see_each_other() {
        let mut sram = Sram::default();
        sram.write(0x2000_0000, Width::Word, 0x4433_2211);
        sram.write(0x2000_0002, Width::Byte, 0xAA);
        assert_eq!(sram.read(0x2000_0000, Width::Word), 0x44AA_2211);
        assert_eq!(sram.read(0x2000_0002, Width::Half), 0x44AA);
        assert_eq!(sram.bytes(0x2000_0000, 5), [0x11, 0x22, 0xAA, 0x44, 0]);
    }

    #[test]
    fn a_range_can_be_forgotten() {
        let mut sram = Sram::default();
        sram.write(0x2000_0000, Width::Word, 1);
        sram.write(0x2004_0000, Width::Word, 2);
        sram.clear(0x2004_0000, 0x1_0000);
        assert_eq!(sram.read(0x2000_0000, Width::Word), 1);
        assert_eq!(sram.read(0x2004_0000, Width::Word), 0);
    }
}

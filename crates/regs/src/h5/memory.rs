//! Memory map: what lies where, per die. [H5-MEM-1] [H5-DBG-7] [H5-MEM-2]
//!
//! Addresses are non-secure unless a name says otherwise.

mod maps;

pub use maps::{H52X, H56X, H503, MAPS};

/// Flash, non-secure.
pub const FLASH: u32 = 0x0800_0000;
/// Flash, secure alias.
pub const FLASH_S: u32 = 0x0C00_0000;
/// SRAM1, non-secure.
pub const SRAM1: u32 = 0x2000_0000;
/// SRAM seen on the code bus, non-secure.
pub const SRAM_CODE_BUS: u32 = 0x0A00_0000;
/// Backup SRAM, non-secure.
pub const BKPSRAM: u32 = 0x4003_6400;
/// System flash, non-secure.
pub const SYSTEM_FLASH: u32 = 0x0BF8_0000;
/// System flash, secure alias.
pub const SYSTEM_FLASH_S: u32 = 0x0FF8_0000;
/// Bytes of system flash worth mapping: the header's size does not cover the bootloader. [H5-MEM-2]
pub const SYSTEM_FLASH_MAPPED: u32 = 0x2_1000;
/// Data area (EDATA), non-secure.
pub const EDATA: u32 = 0x0900_0000;
/// Bytes of the data area's window.
pub const EDATA_LEN: u32 = 96 * 1024;
/// OTP.
pub const OTP: u32 = 0x08FF_F000;
/// Bytes of OTP: 32 blocks of 32 half-words.
pub const OTP_LEN: u32 = 0x800;
/// Bytes of one OTP block, which one bit of OTPBLR locks.
pub const OTP_BLOCK: u32 = 64;
/// 96-bit unique id.
pub const UID: u32 = 0x08FF_F800;
/// Bytes of the unique id.
pub const UID_LEN: u32 = 12;
/// Flash size in KiB, 16 bits.
pub const FLASHSIZE: u32 = 0x08FF_F80C;
/// Package, 16 bits.
pub const PACKAGE: u32 = 0x08FF_F80E;
/// OBK storage, non-secure.
pub const OBK: u32 = 0x0BFD_0000;
/// OBK storage, secure alias: the addresses that files and services use.
pub const OBK_S: u32 = 0x0FFD_0000;
/// Bytes of OBK storage.
pub const OBK_LEN: u32 = 0x2000;

/// A named run of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// Name.
    pub name: &'static str,
    /// First address.
    pub start: u32,
    /// Bytes.
    pub len: u32,
}

impl Range {
    /// `address` is inside.
    #[must_use]
    pub const fn contains(&self, address: u32) -> bool {
        address >= self.start && address - self.start < self.len
    }

    /// The address after the last one.
    #[must_use]
    pub const fn end(&self) -> u32 {
        self.start + self.len
    }
}

/// The memory map of one die.
#[derive(Debug, Clone, Copy)]
pub struct Map {
    /// Name of the die's families.
    pub name: &'static str,
    /// Flash at its largest size.
    pub flash: Range,
    /// SRAM blocks in order.
    pub sram: &'static [Range],
    /// Backup SRAM.
    pub backup_sram: Range,
    /// ST's bootloader in system flash: a program counter in here means it runs.
    pub bootloader: Range,
    /// ROM services that the core can call (secure address where there is TrustZone).
    pub rom_library: Range,
    /// ROM descriptors.
    pub descriptors: &'static [Range],
    /// OBK areas by hide protection level. Empty on H503.
    pub obk: &'static [Range],
    /// Data area, if there is one.
    pub edata: Option<Range>,
}

/// Factory and OTP ranges, the same on every die.
pub const FACTORY: &[Range] = &[
    Range { name: "OTP", start: OTP, len: OTP_LEN },
    Range { name: "UID", start: UID, len: UID_LEN },
    Range { name: "FLASHSIZE", start: FLASHSIZE, len: 2 },
    Range { name: "PACKAGE", start: PACKAGE, len: 2 },
];

impl Map {
    /// The total run of SRAM.
    #[must_use]
    pub fn sram_len(&self) -> u32 {
        self.sram.iter().map(|r| r.len).sum()
    }

    /// The SRAM block called `name`.
    #[must_use]
    pub fn sram_block(&self, name: &str) -> Option<&'static Range> {
        self.sram.iter().find(|r| r.name == name)
    }

    /// The named range around `address`, given as a non-secure or secure address.
    #[must_use]
    pub fn region(&self, address: u32) -> Option<&'static str> {
        let here = |r: &&Range| r.contains(address) || r.contains(non_secure(address));
        self.obk
            .iter()
            .chain(FACTORY)
            .chain(self.sram)
            .chain(self.descriptors)
            .chain([&self.bootloader, &self.rom_library, &self.flash, &self.backup_sram])
            .chain(&self.edata)
            .find(here)
            .map(|r| r.name)
            .or_else(|| wide_region(non_secure(address)))
    }
}

/// The non-secure address of `address`; addresses without a secure alias stay as they are.
#[must_use]
pub const fn non_secure(address: u32) -> u32 {
    match address >> 24 {
        // Code region: flash, data area, system flash, OBK.
        0x0C..=0x0F => address - super::SECURE_ALIAS_CODE,
        // SRAM and peripherals.
        0x30..=0x3F | 0x50..=0x5F => address - super::SECURE_ALIAS,
        _ => address,
    }
}

/// `address` is in a secure alias.
#[must_use]
pub const fn is_secure_alias(address: u32) -> bool {
    non_secure(address) != address
}

/// Regions that are the same everywhere and only named when nothing nearer is known.
fn wide_region(address: u32) -> Option<&'static str> {
    const WIDE: &[Range] = &[
        Range { name: "OBK", start: OBK, len: OBK_LEN },
        Range { name: "system flash", start: SYSTEM_FLASH, len: SYSTEM_FLASH_MAPPED },
        Range { name: "SRAM (code bus)", start: SRAM_CODE_BUS, len: 0x0100_0000 },
        Range { name: "peripherals", start: 0x4000_0000, len: 0x1000_0000 },
        Range { name: "DBGMCU (AP0)", start: super::dbgmcu::BASE_AP0, len: super::dbgmcu::LEN },
        Range { name: "private peripheral bus", start: 0xE000_0000, len: 0x0010_0000 },
    ];
    WIDE.iter().find(|r| r.contains(address)).map(|r| r.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secure_addresses_fold_onto_their_non_secure_ones() {
        let table = [
            (0x0C00_0000, 0x0800_0000),
            (0x0FFD_0100, 0x0BFD_0100),
            (0x3005_0000, 0x2005_0000),
            (0x5002_2020, 0x4002_2020),
        ];
        for (secure, plain) in table {
            assert_eq!(non_secure(secure), plain, "{secure:#010x}");
            assert!(is_secure_alias(secure));
            assert!(!is_secure_alias(plain), "{plain:#010x}");
        }
        assert!(!is_secure_alias(0xE000_ED00));
    }

    #[test]
    fn sram_blocks_follow_one_another() {
        for map in MAPS {
            assert_eq!(map.sram[0].start, SRAM1, "{}", map.name);
            assert!(map.sram.windows(2).all(|pair| pair[0].end() == pair[1].start), "{}", map.name);
        }
        assert_eq!(H56X.sram_len(), 640 * 1024);
        assert_eq!(H503.sram_len(), 32 * 1024);
    }

    #[test]
    fn the_same_address_is_another_block_on_another_die() {
        assert_eq!(H56X.region(0x2003_4000), Some("SRAM1"));
        assert_eq!(H52X.region(0x2003_4000), Some("SRAM3"));
        assert_eq!(H503.region(0x2003_4000), None);
    }

    #[test]
    fn a_range_ends_before_its_end() {
        let range = Range { name: "x", start: 0xFFFF_FFF0, len: 0x10 };
        assert!(range.contains(0xFFFF_FFF0) && range.contains(u32::MAX));
        assert!(!range.contains(0xFFFF_FFEF));
    }

    #[test]
    fn obk_areas_lie_inside_obk_and_follow_one_another() {
        for map in [&H52X, &H56X] {
            assert_eq!(map.obk[0].start, OBK);
            assert!(map.obk.windows(2).all(|pair| pair[0].end() == pair[1].start));
            assert!(map.obk.iter().all(|r| r.end() <= OBK + OBK_LEN));
        }
        assert!(H503.obk.is_empty());
    }

    #[test]
    fn the_mapped_part_of_system_flash_covers_bootloader_and_descriptors() {
        for map in MAPS {
            let end = SYSTEM_FLASH + SYSTEM_FLASH_MAPPED;
            assert!(map.bootloader.end() <= end, "{}", map.name);
            assert!(map.descriptors.iter().all(|r| r.end() <= end), "{}", map.name);
        }
    }
}

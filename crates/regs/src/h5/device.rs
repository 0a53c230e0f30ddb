//! Device table: families, identification values, sizes. [H5-DBG-1] [H5-DBG-4] [H5-DBG-10] [H5-FLASH-10]

mod table;

use super::memory::Map;
use core::fmt;
pub use table::{DEV_ID_NAMES, DEVICES, OTHER_DEV_IDS};

/// A family of parts with the same features.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Family {
    /// STM32H503: no TrustZone, credential in OTP. [H503-1]
    H503,
    /// STM32H523.
    H523,
    /// STM32H533: H523 with crypto.
    H533,
    /// STM32H562.
    H562,
    /// STM32H563.
    H563,
    /// STM32H573: H563 with crypto.
    H573,
}

impl Family {
    /// All families.
    pub const ALL: &'static [Self] =
        &[Self::H503, Self::H523, Self::H533, Self::H562, Self::H563, Self::H573];

    /// The row of the device table.
    #[must_use]
    pub fn device(self) -> &'static Device {
        let index = match self {
            Self::H503 => 0,
            Self::H523 => 1,
            Self::H533 => 2,
            Self::H562 => 3,
            Self::H563 => 4,
            Self::H573 => 5,
        };
        &DEVICES[index]
    }

    /// The family of a part name: `STM32H562`, `H562`, `stm32h562rgt6`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let upper = name.to_ascii_uppercase();
        let rest = upper.strip_prefix("STM32").unwrap_or(&upper);
        Self::ALL.iter().copied().find(|f| rest.starts_with(f.short_name()))
    }

    /// `H562`.
    #[must_use]
    pub const fn short_name(self) -> &'static str {
        match self {
            Self::H503 => "H503",
            Self::H523 => "H523",
            Self::H533 => "H533",
            Self::H562 => "H562",
            Self::H563 => "H563",
            Self::H573 => "H573",
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "STM32{}", self.short_name())
    }
}

/// What an access port answers when its identification is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ApIdentity {
    /// Number of the port.
    pub ap: u8,
    /// IDR.
    pub idr: u32,
    /// CSW after power-up.
    pub csw: u32,
    /// BASE.
    pub base: u32,
}

/// DPIDR over SWD, read on a NUCLEO-H533 and on H563. [H5-DBG-1]
pub const DPIDR: u32 = 0x6BA0_2477;
/// IDCODE over JTAG.
pub const JTAG_IDCODE: u32 = 0x6BA0_0477;
/// CPUID as read on silicon.
pub const CPUID: u32 = 0x410F_D214;
/// AP0: debug APB with DBGMCU and ST's ROM table; always open.
pub const AP0: ApIdentity = ApIdentity { ap: 0, idr: 0x5477_0002, csw: 0x8000_0040, base: 0xE00E_0003 };
/// AP1: the core and the system bus; open or shut by product state.
pub const AP1: ApIdentity = ApIdentity { ap: 1, idr: 0x8477_0001, csw: 0xC380_0040, base: 0xE00F_E003 };
/// ST's designer code in JEP106: continuation count.
pub const ST_JEP106_CONTINUATION: u8 = 0;
/// ST's designer code in JEP106: identity.
pub const ST_JEP106_IDENTITY: u8 = 0x20;

/// One family.
#[derive(Debug, Clone, Copy)]
pub struct Device {
    /// Family.
    pub family: Family,
    /// DBGMCU_IDCODE.DEV_ID; families of one die share it.
    pub dev_id: u16,
    /// REV_ID and letter.
    pub revisions: &'static [(u16, &'static str)],
    /// It has the crypto units (SAES, PKA): OBK payloads are encrypted. [H5-OBK-3]
    pub crypto: bool,
    /// It has TrustZone.
    pub trust_zone: bool,
    /// Flash sizes the family comes in, KiB.
    pub flash_kib: &'static [u16],
    /// Memory map.
    pub map: &'static Map,
    /// TARGETID without revision (inferred). [H5-DBG-1]
    pub target_id: u32,
    /// The DoEncryption word of a debug-authentication OBK file, where it is known. [H5-OBK-3]
    pub do_encryption: Option<bool>,
    /// Magic words of the ROM descriptor, in memory order. [H5-OBK-7]
    pub descriptor_magic: Option<&'static [u8; 8]>,
}

impl Device {
    /// Rows with this DEV_ID: the parts it can be.
    pub fn by_dev_id(dev_id: u16) -> impl Iterator<Item = &'static Self> {
        DEVICES.iter().filter(move |d| d.dev_id == dev_id)
    }

    /// Families of the same die that differ in their crypto units. Nothing known tells them apart but the text on the package.
    /// [H5-DBG-11]
    pub fn crypto_twins(&self) -> impl Iterator<Item = &'static Self> + use<> {
        let crypto = self.crypto;
        Self::by_dev_id(self.dev_id).filter(move |d| d.crypto != crypto)
    }

    /// Sectors of one bank of a part with `flash_kib` KiB.
    #[must_use]
    pub const fn sectors_per_bank(flash_kib: u16) -> u32 {
        flash_kib as u32 * 1024 / (super::flash::SECTOR * super::flash::BANKS)
    }

    /// Letter of a REV_ID.
    #[must_use]
    pub fn revision_name(&self, rev_id: u16) -> Option<&'static str> {
        self.revisions.iter().find(|(id, _)| *id == rev_id).map(|(_, name)| *name)
    }

    /// The largest flash of the family, KiB.
    #[must_use]
    pub fn largest_flash_kib(&self) -> u16 {
        self.flash_kib.iter().copied().max().unwrap_or(0)
    }
}

/// CoreSight peripheral ids 0 to 4 of ST's ROM table for a part. [H5-DBG-10]
#[must_use]
pub const fn rom_table_pidr(dev_id: u16, revision: u8) -> [u32; 5] {
    let part = dev_id as u32;
    let id = ST_JEP106_IDENTITY as u32;
    [
        part & 0xFF,
        ((id & 0xF) << 4) | ((part >> 8) & 0xF),
        ((revision as u32 & 0xF) << 4) | (1 << 3) | ((id >> 4) & 0x7),
        0,
        ST_JEP106_CONTINUATION as u32,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_family_finds_its_own_row() {
        for family in Family::ALL {
            assert_eq!(family.device().family, *family);
        }
    }

    #[test]
    fn part_names_are_read_with_and_without_their_ends() {
        assert_eq!(Family::from_name("STM32H562"), Some(Family::H562));
        assert_eq!(Family::from_name("h573"), Some(Family::H573));
        assert_eq!(Family::from_name("stm32h503rbt6"), Some(Family::H503));
        assert_eq!(Family::from_name("STM32H743"), None);
        assert_eq!(Family::from_name(""), None);
    }

    #[test]
    fn a_dev_id_can_be_several_families() {
        let families = |id| Device::by_dev_id(id).map(|d| d.family).collect::<Vec<_>>();
        assert_eq!(families(0x484), [Family::H562, Family::H563, Family::H573]);
        assert_eq!(families(0x474), [Family::H503]);
        assert_eq!(families(0x47A), []);
    }

    #[test]
    fn targetid_carries_the_dev_id_and_st() {
        for device in DEVICES {
            let id = crate::dp::TargetId(device.target_id);
            assert_eq!((id.part(), id.designer()), (device.dev_id << 4, 0x20), "{}", device.family);
        }
    }

    #[test]
    fn the_rom_table_ids_decode_back_to_part_and_designer() {
        let [id0, id1, id2, id3, id4] = rom_table_pidr(0x484, 0);
        assert_eq!((id0, id1, id2, id3, id4), (0x84, 0x04, 0x0A, 0x00, 0x00));
        assert_eq!(id0 | ((id1 & 0xF) << 8), 0x484);
        assert_eq!((id1 >> 4) | ((id2 & 0x7) << 4), u32::from(ST_JEP106_IDENTITY));
    }

    #[test]
    fn a_die_that_is_sold_with_and_without_crypto_has_twins() {
        let twins = |family: Family| family.device().crypto_twins().map(|d| d.family).collect::<Vec<_>>();
        assert_eq!(twins(Family::H573), [Family::H562, Family::H563]);
        assert_eq!(twins(Family::H523), [Family::H533]);
        assert_eq!(twins(Family::H503), []);
    }

    #[test]
    fn crypto_parts_and_only_they_have_their_payload_encrypted() {
        for device in DEVICES {
            if let Some(encrypt) = device.do_encryption {
                assert_eq!(encrypt, device.crypto, "{}", device.family);
            }
        }
    }

    #[test]
    fn the_largest_flash_is_that_of_the_map() {
        for family in [Family::H503, Family::H533, Family::H573] {
            let device = family.device();
            assert_eq!(u32::from(device.largest_flash_kib()) * 1024, device.map.flash.len);
        }
    }

    #[test]
    fn revisions_are_named_by_die() {
        assert_eq!(Family::H563.device().revision_name(0x1007), Some("X"));
        assert_eq!(Family::H503.device().revision_name(0x1007), None);
    }
}

//! From an address to a name: what a trace shows beside a memory access.

use crate::field::Register;
use crate::h5::{dbgmcu, flash, icache, memory, pwr, rcc, sbs, usb};
use crate::m33;
use std::sync::LazyLock;

/// A memory-mapped register found by its address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hit {
    /// The register; its own address is the non-secure one on the bus.
    pub register: &'static Register,
    /// The access used the secure alias.
    pub secure_alias: bool,
    /// The access used the place where AP0 has DBGMCU.
    pub via_ap0: bool,
}

impl Hit {
    /// The register with the fields that fit a read or a write: DHCSR has a key where it has status bits.
    #[must_use]
    pub fn register_for(&self, write: bool) -> &'static Register {
        if write && self.register.address == m33::DHCSR { &m33::DHCSR_WRITE } else { self.register }
    }
}

/// All memory-mapped registers, sorted by address.
static BY_ADDRESS: LazyLock<Vec<&'static Register>> = LazyLock::new(|| {
    let mut all: Vec<&'static Register> = [
        m33::REGISTERS,
        flash::REGISTERS,
        sbs::REGISTERS,
        dbgmcu::REGISTERS,
        rcc::REGISTERS,
        usb::REGISTERS,
        pwr::REGISTERS,
        icache::REGISTERS,
    ]
    .into_iter()
    .flatten()
    .collect();
    all.sort_by_key(|r| r.address);
    all
});

/// The register at `address`: a core register, or a register of an STM32H5 peripheral at its non-secure
/// address, its secure alias, or (DBGMCU) its place behind AP0.
#[must_use]
pub fn lookup(address: u32) -> Option<Hit> {
    let via_ap0 = (dbgmcu::BASE_AP0..dbgmcu::BASE_AP0 + dbgmcu::LEN).contains(&address);
    let plain = if via_ap0 { address - dbgmcu::BASE_AP0 + dbgmcu::BASE } else { memory::non_secure(address) };
    let index = BY_ADDRESS.binary_search_by_key(&plain, |r| r.address).ok()?;
    let register = *BY_ADDRESS.get(index)?;
    Some(Hit { register, secure_alias: memory::is_secure_alias(address), via_ap0 })
}

/// The memory-mapped register called `name`; letter case does not matter.
#[must_use]
pub fn by_name(name: &str) -> Option<&'static Register> {
    BY_ADDRESS.iter().copied().find(|register| register.name.eq_ignore_ascii_case(name))
}

/// The name of the region around `address` by the map of the H562/H563/H573, then of the smaller dies. Where
/// the die is known, ask [`memory::Map::region`] instead.
#[must_use]
pub fn region(address: u32) -> Option<&'static str> {
    memory::MAPS.iter().find_map(|map| map.region(address))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::h5::rss;

    #[test]
    fn a_register_is_found_at_its_non_secure_and_at_its_secure_address() {
        for (address, secure_alias) in [(0x4002_2020, false), (0x5002_2020, true)] {
            let hit = lookup(address).expect("FLASH_NSSR");
            assert_eq!(hit.register.name, "FLASH_NSSR");
            assert_eq!((hit.secure_alias, hit.via_ap0), (secure_alias, false));
        }
    }

    #[test]
    fn dbgmcu_is_found_on_the_bus_and_behind_ap0() {
        for (address, via_ap0) in [(0x4402_40FC, false), (0xE004_40FC, true)] {
            let hit = lookup(address).expect("DBGMCU_SR");
            assert_eq!((hit.register.name, hit.via_ap0), ("DBGMCU_SR", via_ap0));
        }
        assert_eq!(lookup(0xE004_4100).expect("the mailbox").register.name, "DBGMCU_DBG_AUTH_HOST");
    }

    #[test]
    fn core_registers_have_no_secure_alias() {
        let hit = lookup(m33::DHCSR).expect("DHCSR");
        assert_eq!((hit.register.name, hit.secure_alias), ("DHCSR", false));
        assert_eq!(lookup(m33::NVIC_ISER0 + 8).map(|h| h.register.name), Some("NVIC_ISER2"));
    }

    #[test]
    fn the_key_of_a_dhcsr_write_is_not_taken_for_status_bits() {
        let hit = lookup(m33::DHCSR).expect("DHCSR");
        assert_eq!(hit.register_for(true).describe(0xA05F_0003), "C_DEBUGEN=1 C_HALT=1 DBGKEY=key");
        assert_eq!(hit.register_for(false).describe(0x0003_0003), "C_DEBUGEN=1 C_HALT=1 S_REGRDY=1 S_HALT=1");
        let nssr = lookup(0x4002_2020).expect("FLASH_NSSR");
        assert_eq!(nssr.register_for(true), nssr.register);
    }

    #[test]
    fn an_address_between_registers_is_nobody() {
        for address in [0, 0x4002_2021, 0x4002_2038, 0x0800_0000, 0xE004_4018, u32::MAX] {
            assert_eq!(lookup(address), None, "{address:#010x}");
        }
    }

    #[test]
    fn no_two_registers_share_an_address_or_a_name() {
        assert!(BY_ADDRESS.windows(2).all(|pair| pair[0].address < pair[1].address));
        let names: std::collections::BTreeSet<_> = BY_ADDRESS.iter().map(|r| r.name).collect();
        assert_eq!(names.len(), BY_ADDRESS.len());
    }

    #[test]
    fn every_register_of_the_tables_is_found_again() {
        for register in BY_ADDRESS.iter() {
            assert_eq!(lookup(register.address).map(|h| h.register), Some(*register));
        }
    }

    #[test]
    fn every_register_of_the_tables_is_found_by_its_name() {
        for register in BY_ADDRESS.iter() {
            assert_eq!(by_name(&register.name.to_ascii_lowercase()), Some(*register));
        }
        assert_eq!(by_name("NOBODY"), None);
    }

    #[test]
    fn the_fields_of_a_register_do_not_overlap() {
        for register in BY_ADDRESS.iter() {
            let mut seen = 0;
            for field in register.fields {
                assert_eq!(seen & field.mask(), 0, "{} of {}", field.name, register.name);
                seen |= field.mask();
            }
        }
    }

    #[test]
    fn regions_are_named_from_the_nearest_one() {
        let table = [
            (0x0800_0000, Some("flash")),
            (0x0C00_0010, Some("flash")),
            (0x2000_0000, Some("SRAM1")),
            (0x2005_0000, Some("SRAM3")),
            (0x3005_0000, Some("SRAM3")),
            (0x0BFD_0100, Some("OBK HDPL1")),
            (0x0FFD_0100, Some("OBK HDPL1")),
            (0x0FFD_0900, Some("OBK HDPL2")),
            (0x0BFD_1FFF, Some("OBK")),
            (0x08FF_F000, Some("OTP")),
            (0x08FF_F800, Some("UID")),
            (0x08FF_F80C, Some("FLASHSIZE")),
            (0x0BF9_7000, Some("bootloader")),
            (0x0FF9_4000, Some("RSSLIB")),
            (rss::RSSLIB, Some("ROM descriptor")),
            (0x0BF8_0000, Some("system flash")),
            (0x0900_0000, Some("EDATA")),
            (0x4003_6400, Some("backup SRAM")),
            (0x4002_2000, Some("peripherals")),
            (0xE004_4000, Some("DBGMCU (AP0)")),
            (0xE000_ED00, Some("private peripheral bus")),
            (0x9000_0000, None),
        ];
        for (address, name) in table {
            assert_eq!(region(address), name, "{address:#010x}");
        }
    }
}

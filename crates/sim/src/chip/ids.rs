//! CoreSight identification: the ROM tables of both access ports and the ids of the core's debug blocks.
//! [H5-DBG-10] for ST's tables, [M33-1] for Arm's (from memory of the architecture).

use regs::h5::dbgmcu::BASE_AP0;
use regs::h5::device::{AP0, AP1, rom_table_pidr};

const PIDR4: u32 = 0xFD0;
const DEVARCH: u32 = 0xFBC;
/// Component class "ROM table" in CIDR1.
const ROM_TABLE: u32 = 0x10;
/// Component class "generic or debug component" in CIDR1.
const COMPONENT: u32 = 0x90;
/// Arm's table of the Cortex-M33.
const CORE_TABLE: u32 = 0xE00F_F000;

/// Address of the ROM table of AP0.
pub(crate) const TABLE_AP0: u32 = AP0.base & 0xFFFF_F000;
/// Address of the ROM table of AP1.
pub(crate) const TABLE_AP1: u32 = AP1.base & 0xFFFF_F000;

/// Blocks on the core's private bus: base, part number, DEVARCH.
const BLOCKS: &[(u32, u32, u32)] = &[
    (0xE000_E000, 0xD21, 0x4770_2A04),
    (0xE000_1000, 0xD21, 0x4770_1A02),
    (0xE000_2000, 0xD21, 0x4770_1A03),
    (0xE000_0000, 0xD21, 0x4770_1A01),
    (0xE004_1000, 0xD21, 0x4772_4A13),
    (0xE004_2000, 0xD21, 0x4770_1A14),
];
const ARM_TABLE_PART: u32 = 0x4C9;

/// A word of AP0's ROM table.
pub(crate) fn ap0_table(offset: u32, dev_id: u16, revision: u8) -> u32 {
    match offset {
        0 => entry(TABLE_AP0, BASE_AP0),
        _ => ids(offset, ROM_TABLE, rom_table_pidr(dev_id, revision)),
    }
}

/// A word of an id register or ROM table on the core's private bus. `None`: no id there.
pub(crate) fn core_bus(at: u32, dev_id: u16, revision: u8) -> Option<u32> {
    let (base, offset) = (at & !0xFFF, at & 0xFFF);
    if base == TABLE_AP1 {
        return Some(match offset {
            0 => entry(TABLE_AP1, CORE_TABLE),
            _ => ids(offset, ROM_TABLE, rom_table_pidr(dev_id, revision)),
        });
    }
    if base == CORE_TABLE {
        return Some(match BLOCKS.get(offset as usize / 4) {
            Some((block, ..)) => entry(CORE_TABLE, *block),
            None => ids(offset, ROM_TABLE, arm(ARM_TABLE_PART)),
        });
    }
    let (_, part, devarch) = BLOCKS.iter().find(|(block, ..)| *block == base)?;
    match offset {
        DEVARCH => Some(*devarch),
        PIDR4.. => Some(ids(offset, COMPONENT, arm(*part))),
        _ => None,
    }
}

/// A present entry of a 32-bit ROM table.
const fn entry(table: u32, block: u32) -> u32 {
    block.wrapping_sub(table) | 0b11
}

/// PIDR0 to PIDR4 of an Arm part.
const fn arm(part: u32) -> [u32; 5] {
    [part & 0xFF, 0xB0 | part >> 8, 0x0B, 0, 4]
}

fn ids(offset: u32, class: u32, pidr: [u32; 5]) -> u32 {
    match offset {
        PIDR4 => pidr[4],
        0xFE0..=0xFEC => pidr[(offset - 0xFE0) as usize / 4],
        0xFF0 => 0x0D,
        0xFF4 => class,
        0xFF8 => 0x05,
        0xFFC => 0xB1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ap0s_rom_table_names_st_and_the_part() {
        let pidr = |n: u32| ap0_table(0xFE0 + 4 * n, 0x484, 0);
        assert_eq!(pidr(0) | (pidr(1) & 0xF) << 8, 0x484);
        assert_eq!(pidr(1) >> 4 | (pidr(2) & 7) << 4, 0x20);
    }

    #[test]
    fn the_tables_of_ap1_lead_to_the_system_control_space() {
        let first = core_bus(TABLE_AP1, 0x484, 0).unwrap();
        let table = TABLE_AP1.wrapping_add(first & !0xFFF);
        assert_eq!(table, 0xE00F_F000);
        let scs = core_bus(table, 0x484, 0).unwrap();
        assert_eq!(table.wrapping_add(scs & !0xFFF), 0xE000_E000);
        assert_eq!(core_bus(0xE000_EFE0, 0x484, 0), Some(0x21));
    }
}

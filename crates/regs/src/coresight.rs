//! CoreSight identification: ROM tables and the id registers at the end of each component's 4 KiB. [M33-1] [H5-DBG-10]

/// Offset of DEVARCH.
pub const DEVARCH: u32 = 0xFBC;
/// Offset of PIDR4; PIDR5 to PIDR7 follow.
pub const PIDR4: u32 = 0xFD0;
/// Offset of PIDR0; PIDR1 to PIDR3 follow.
pub const PIDR0: u32 = 0xFE0;
/// Offset of CIDR0; CIDR1 to CIDR3 follow.
pub const CIDR0: u32 = 0xFF0;
/// Where the id registers begin in a table of entries.
pub const ENTRIES_END: u32 = 0xF00;

/// Bits of an entry of a ROM table.
pub mod entry {
    /// The component is there.
    pub const PRESENT: u32 = 1 << 0;
    /// Offset of the component from the table, signed.
    pub const OFFSET: u32 = 0xFFFF_F000;
}

/// CIDR0, CIDR2 and CIDR3, and CIDR1 without its class.
const PREAMBLE: [u32; 4] = [0x0D, 0x00, 0x05, 0xB1];
/// JEP106 code of Arm.
const ARM: u16 = 0x23B;

/// Component classes.
const ROM_TABLE: u8 = 1;
const CORESIGHT: u8 = 9;
/// DEVARCH.ARCHID of a ROM table that is a CoreSight component.
const ARCH_ROM_TABLE: u16 = 0x0AF7;

/// DEVARCH.ARCHID of Arm's architectures.
const ARCHITECTURES: &[(u16, &str)] = &[
    (0x1A01, "ITM"),
    (0x1A02, "DWT"),
    (0x1A03, "FPB"),
    (0x2A04, "SCS (core registers)"),
    (0x4A13, "ETM"),
    (0x1A14, "CTI"),
    (0x0A34, "MTB"),
    (ARCH_ROM_TABLE, "ROM table"),
];

/// What the id registers of a component say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    /// CIDR1.CLASS.
    pub class: u8,
    /// Designer as JEP106 code, 11 bits: bank in the upper four.
    pub designer: u16,
    /// Part number, 12 bits.
    pub part: u16,
    /// DEVARCH, where it says that it is one.
    pub devarch: Option<u32>,
}

impl Identity {
    /// From DEVARCH, PIDR0 to PIDR4 and CIDR0 to CIDR3; `None` where there is no component.
    #[must_use]
    pub fn new(devarch: u32, pidr: [u32; 5], cidr: [u32; 4]) -> Option<Identity> {
        let [pidr0, pidr1, pidr2, _, pidr4] = pidr.map(|value| (value & 0xFF) as u16);
        let [cidr0, cidr1, cidr2, cidr3] = cidr;
        if [cidr0, cidr1 & 0x0F, cidr2, cidr3] != PREAMBLE {
            return None;
        }
        Some(Identity {
            class: ((cidr1 >> 4) & 0xF) as u8,
            designer: (pidr4 & 0xF) << 7 | (pidr2 & 0x7) << 4 | pidr1 >> 4,
            part: (pidr1 & 0xF) << 8 | pidr0,
            devarch: (devarch & DEVARCH_PRESENT != 0).then_some(devarch),
        })
    }

    fn architecture(&self) -> Option<u16> {
        let arm = |devarch: &u32| (devarch >> 21) as u16 == ARM;
        self.devarch.filter(|_| self.class == CORESIGHT).filter(arm).map(|devarch| (devarch & 0xFFFF) as u16)
    }

    /// It lists other components.
    #[must_use]
    pub fn is_rom_table(&self) -> bool {
        self.class == ROM_TABLE || self.architecture() == Some(ARCH_ROM_TABLE)
    }

    /// What it is, in words.
    #[must_use]
    pub fn name(&self) -> &'static str {
        let architecture = self.architecture();
        let known = ARCHITECTURES.iter().find(|(id, _)| architecture == Some(*id)).map(|(_, name)| *name);
        known.unwrap_or(match self.class {
            ROM_TABLE => "ROM table",
            CORESIGHT => "CoreSight component",
            0xE => "generic component",
            0xF => "peripheral",
            _ => "component",
        })
    }

    /// Who made it, in words or as a number.
    #[must_use]
    pub fn maker(&self) -> Option<&'static str> {
        match self.designer {
            ARM => Some("Arm"),
            crate::dp::DESIGNER_ST => Some("ST"),
            _ => None,
        }
    }
}

/// DEVARCH.PRESENT.
const DEVARCH_PRESENT: u32 = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    const CIDR: [u32; 4] = [0x0D, 0x90, 0x05, 0xB1];

    #[test]
    fn the_blocks_of_a_cortex_m33_are_named_by_their_architecture() {
        let pidr = [0x21, 0xBD, 0x0B, 0, 4];
        for (devarch, name) in
            [(0x4770_2A04, "SCS (core registers)"), (0x4770_1A02, "DWT"), (0x4770_1A03, "FPB")]
        {
            let id = Identity::new(devarch, pidr, CIDR).expect("a component");
            assert_eq!((id.designer, id.part, id.name(), id.maker()), (0x23B, 0xD21, name, Some("Arm")));
            assert!(!id.is_rom_table());
        }
    }

    #[test]
    fn a_rom_table_is_known_by_its_class_or_its_architecture() {
        let st = Identity::new(0, [0x84, 0x04, 0x0A, 0, 0], [0x0D, 0x10, 0x05, 0xB1]).expect("a table");
        assert_eq!((st.designer, st.part, st.maker(), st.is_rom_table()), (0x020, 0x484, Some("ST"), true));
        assert!(Identity::new(0x4770_0AF7, [0; 5], CIDR).expect("a table").is_rom_table());
        assert!(!Identity::new(0x4760_0AF7, [0; 5], CIDR).expect("another").is_rom_table());
    }

    #[test]
    fn without_the_preamble_there_is_no_component() {
        assert_eq!(Identity::new(0, [0; 5], [0; 4]), None);
        assert_eq!(Identity::new(0, [0; 5], [0x0D, 0x93, 0x05, 0xB1]), None);
    }
}

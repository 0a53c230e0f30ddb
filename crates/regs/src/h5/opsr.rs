//! FLASH_OPSR: the operation that a reset interrupted. [H5-FLASH-8] [H5-OB-5]

use core::fmt;

/// Address inside the area, bits 19:0.
pub const ADDR_OP: u32 = 0xF_FFFF;
/// In the data area.
pub const DATA_OP: u32 = 1 << 21;
/// In bank 2.
pub const BK_OP: u32 = 1 << 22;
/// In system flash.
pub const SYSF_OP: u32 = 1 << 23;
/// In OTP or OBK.
pub const OTP_OP: u32 = 1 << 24;
/// Kind of operation, bits 31:29.
pub const CODE_OP: u32 = 0b111 << 29;
/// Lowest bit of CODE_OP.
pub const CODE_SHIFT: u32 = 29;

/// CODE_OP: nothing was interrupted.
pub const NONE: u32 = 0;
/// CODE_OP: quad-word programming.
pub const QUAD_WORD: u32 = 1;
/// CODE_OP: erase of the alternate OBK sector.
pub const OBK_ALT_ERASE: u32 = 2;
/// CODE_OP: sector erase.
pub const SECTOR_ERASE: u32 = 3;
/// CODE_OP: bank erase.
pub const BANK_ERASE: u32 = 4;
/// CODE_OP: mass erase.
pub const MASS_ERASE: u32 = 5;
/// CODE_OP: option change.
pub const OPTION_CHANGE: u32 = 6;
/// CODE_OP: OBK swap.
pub const OBK_SWAP: u32 = 7;

/// Names of CODE_OP.
pub const CODES: &[(u32, &str)] = &[
    (NONE, "none"),
    (QUAD_WORD, "quad-word write"),
    (OBK_ALT_ERASE, "OBK alternate sector erase"),
    (SECTOR_ERASE, "sector erase"),
    (BANK_ERASE, "bank erase"),
    (MASS_ERASE, "mass erase"),
    (OPTION_CHANGE, "option change"),
    (OBK_SWAP, "OBK swap"),
];

/// A value of FLASH_OPSR.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Opsr(pub u32);

impl Opsr {
    /// Kind of operation, one of the constants of this module.
    #[must_use]
    pub const fn code(self) -> u32 {
        self.0 >> CODE_SHIFT
    }
    /// Address inside the area.
    #[must_use]
    pub const fn address(self) -> u32 {
        self.0 & ADDR_OP
    }
    /// A reset interrupted an option change or an OBK swap: the selectors must be repaired. [H5-OB-5]
    #[must_use]
    pub const fn needs_recovery(self) -> bool {
        matches!(self.code(), OPTION_CHANGE | OBK_SWAP)
    }
}

impl fmt::Display for Opsr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = CODES.iter().find(|(c, _)| *c == self.code()).map_or("unknown", |(_, n)| n);
        write!(f, "{:#010x} ({name})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn option_change_and_obk_swap_need_recovery_and_nothing_else_does() {
        for (code, _) in CODES {
            let opsr = Opsr((code << CODE_SHIFT) | 0x1234);
            assert_eq!((opsr.code(), opsr.address()), (*code, 0x1234));
            assert_eq!(opsr.needs_recovery(), *code >= OPTION_CHANGE);
        }
    }

    #[test]
    fn every_code_of_three_bits_has_a_name() {
        assert_eq!(CODES.len(), 8);
        assert_eq!(Opsr(0xC000_0000).to_string(), "0xc0000000 (option change)");
        assert_eq!(Opsr(0).to_string(), "0x00000000 (none)");
    }
}

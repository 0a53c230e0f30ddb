//! Which bits of a read do not count when what two sessions read is compared.

use crate::name::canonical;
use std::collections::BTreeMap;
use wire::Addr;

/// Bits of reads that do not count: those of [`regs::volatile`], and what was added by hand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Masks(BTreeMap<u32, u32>);

impl Masks {
    /// The bits that do not count in reads of this address, in place of what the table says.
    pub fn set(&mut self, at: Addr, mask: u32) {
        self.0.insert(canonical(at.0), mask);
    }

    /// The bits that do not count in a read of this address.
    pub fn of(&self, at: Addr) -> u32 {
        let at = canonical(at.0);
        self.0.get(&at).copied().unwrap_or_else(|| regs::volatile::mask(at))
    }
}

/// Reads `REG=MASK`, a register by name or an address and the bits of its reads that do not count, in hexadecimal.
///
/// # Errors
/// What is wrong, in words.
pub fn mask(text: &str) -> Result<(Addr, u32), String> {
    let number = |text: &str| {
        let plain = text.replace('_', "");
        let digits = plain.strip_prefix("0x").or_else(|| plain.strip_prefix("0X"))?;
        u32::from_str_radix(digits, 16).ok()
    };
    let (place, mask) = text.split_once('=').ok_or_else(|| format!("`{text}` is not REG=MASK"))?;
    let (place, mask) = (place.trim(), mask.trim());
    let named = || regs::by_name(place).map(|register| register.address);
    let at = number(place).or_else(named);
    let at = at.ok_or_else(|| format!("`{place}` is no register that is known, and no address (0x…)"))?;
    let mask = number(mask).ok_or_else(|| format!("`{mask}` is no mask (0x…)"))?;
    Ok((Addr(at), mask))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_by_hand_stands_before_the_table() {
        let mut masks = Masks::default();
        assert_eq!(masks.of(Addr(0xE000_1004)), u32::MAX);
        masks.set(Addr(0xE000_1004), 0xFF);
        assert_eq!(masks.of(Addr(0xE000_1004)), 0xFF);
        masks.set(Addr(0x5002_2050), 0xF);
        assert_eq!(masks.of(Addr(0x4002_2050)), 0xF, "the secure alias is the same register");
    }

    #[test]
    fn a_mask_names_its_register_or_its_address() {
        assert_eq!(mask("FLASH_OPTSR_CUR=0xFF00_0000"), Ok((Addr(0x4002_2050), 0xFF00_0000)));
        assert_eq!(mask(" 0x20000000 = 0x1 "), Ok((Addr(0x2000_0000), 1)));
        for wrong in ["FLASH_OPTSR_CUR", "NOBODY=0x1", "0x20000000=12", "0x=0x1"] {
            assert!(mask(wrong).is_err(), "{wrong}");
        }
    }
}

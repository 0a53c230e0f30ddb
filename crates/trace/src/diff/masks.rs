//! Which bits of a read do not count when what two sessions read is compared.

use crate::Names;
use crate::name::canonical;
use wire::Addr;

/// Bits of reads that do not count: those of [`regs::volatile`], as far as the registers are those of the chip, and what was
/// added by hand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Masks(Vec<(Addr, u32)>);

impl Masks {
    /// The bits that do not count in reads of this address, in place of what the table and an earlier word say.
    pub fn set(&mut self, at: Addr, mask: u32) {
        self.0.push((at, mask));
    }

    /// The bits that do not count in a read of this address of a chip whose register names are these.
    pub fn of(&self, at: Addr, names: Names) -> u32 {
        // Only of an STM32H5 it is known that two addresses are one register.
        let register = |at: Addr| if names == Names::Stm32H5 { canonical(at.0) } else { at.0 };
        let said = self.0.iter().rev().find(|(set, _)| register(*set) == register(at));
        let known = || names.register(at).map_or(0, |_| regs::volatile::mask(register(at)));
        said.map_or_else(known, |(_, mask)| *mask)
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
        let of = |masks: &Masks, at| masks.of(Addr(at), Names::Stm32H5);
        assert_eq!(of(&masks, 0xE000_1004), u32::MAX);
        masks.set(Addr(0xE000_1004), 0xFF);
        assert_eq!(of(&masks, 0xE000_1004), 0xFF);
        masks.set(Addr(0x5002_2050), 0xF);
        assert_eq!(of(&masks, 0x4002_2050), 0xF, "the secure alias is the same register");
        masks.set(Addr(0x4002_2050), 0xF0);
        assert_eq!(of(&masks, 0x5002_2050), 0xF0, "the last word holds");
    }

    #[test]
    fn registers_of_one_chip_hide_nothing_of_another() {
        let mut masks = Masks::default();
        let (nssr, cyccnt) = (Addr(0x4002_2020), Addr(0xE000_1004));
        assert_ne!(masks.of(nssr, Names::Stm32H5), 0);
        assert_eq!(masks.of(nssr, Names::CortexM), 0);
        assert_eq!(masks.of(cyccnt, Names::CortexM), u32::MAX, "every Cortex-M has it there");
        masks.set(nssr, 1);
        assert_eq!((masks.of(nssr, Names::CortexM), masks.of(Addr(0x5002_2020), Names::CortexM)), (1, 0));
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

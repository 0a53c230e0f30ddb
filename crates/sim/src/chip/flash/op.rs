//! Operations of the flash: how long they take, what they do at their end, what an interruption leaves.

use super::super::array::SLOT;
use super::super::nonvolatile::NonVolatile;
use super::super::obk::Slot;
use super::super::options::Options;
use crate::bus::Time;
use crate::knobs::{Knobs, TornOptions};
use regs::h5::flash::{BANKS, OPTSR_CUR, SECTOR};
use regs::h5::opsr;

/// Who started an operation: whose flags it sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    /// The non-secure registers.
    NonSecure,
    /// The secure registers.
    Secure,
    /// The ROM.
    Rom,
}

/// Something that makes the flash busy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Op {
    /// Programming of a slot of the array, at a physical offset.
    QuadWord {
        /// Physical offset.
        at: u32,
        /// Data.
        data: [u8; SLOT],
    },
    /// Programming of a half-word of OTP.
    Otp {
        /// Index of the half-word.
        index: usize,
        /// Data.
        value: u16,
    },
    /// Erase of a sector, counted through both banks.
    Sector(u32),
    /// Erase of a bank.
    Bank(u32),
    /// Erase of both banks.
    Mass,
    /// Option change.
    Options(Box<Options>),
    /// Erase of the alternate OBK sector.
    ObkErase,
    /// Programming of an OBK slot.
    ObkSlot {
        /// In the alternate sector.
        alternate: bool,
        /// Number.
        slot: usize,
        /// What.
        value: Slot,
    },
    /// Swap of the OBK sectors, copying this many slots.
    ObkSwap(usize),
    /// The ROM erases all of OBK (regression).
    ObkEraseAll,
}

impl Op {
    /// How long it takes. [H5-FLASH-5] [H5-OB-6]
    pub(crate) fn duration(&self, knobs: &Knobs, nv: &NonVolatile) -> Time {
        let sectors = Time::from(nv.array.sectors());
        match self {
            Op::QuadWord { .. } | Op::Otp { .. } | Op::ObkSlot { .. } => knobs.quad_word,
            Op::Sector(_) => knobs.sector_erase,
            Op::Bank(_) => sectors / Time::from(BANKS) * knobs.mass_sector,
            Op::Mass => sectors * knobs.mass_sector,
            Op::Options(_) => knobs.option_change,
            Op::ObkErase | Op::ObkSwap(_) | Op::ObkEraseAll => knobs.obk_time,
        }
    }

    /// How much longer it takes when it falls into its slow mode. [H5-TIMEOUT-5]
    pub(crate) fn slower_by(&self, knobs: &Knobs, occasion: u64) -> Time {
        let (by, share) = knobs.host.slow;
        let long = matches!(self, Op::Options(_) | Op::ObkErase | Op::ObkSwap(_));
        if long && knobs.host.falls(share, occasion) { by } else { 0 }
    }

    /// Bank whose reads stall meanwhile: 0, 1, or both. [H5-FLASH-7]
    pub(crate) fn blocks_bank(&self, bank: u32, nv: &NonVolatile) -> bool {
        let of_sector = |sector: u32| sector / (nv.array.sectors() / BANKS);
        match self {
            Op::QuadWord { at, .. } => of_sector(at / SECTOR) == bank,
            Op::Sector(sector) => of_sector(*sector) == bank,
            Op::Bank(own) => *own == bank,
            Op::Mass => true,
            _ => false,
        }
    }

    /// OBK reads stall meanwhile.
    pub(crate) fn blocks_obk(&self) -> bool {
        matches!(self, Op::ObkErase | Op::ObkSlot { .. } | Op::ObkSwap(_) | Op::ObkEraseAll)
    }

    /// What becomes of the memory at the end.
    pub(crate) fn finish(&self, nv: &mut NonVolatile) {
        match self {
            Op::QuadWord { at, data } => nv.array.program(*at, data),
            Op::Otp { index, value } => {
                let old = nv.otp[*index].unwrap_or(0xFFFF);
                nv.otp[*index] = Some(old & value);
            }
            Op::Sector(sector) => nv.array.erase(*sector),
            Op::Bank(_) | Op::Mass => self.sectors(nv).for_each(|sector| nv.array.erase(sector)),
            Op::Options(new) => {
                nv.options = **new;
                // Also the repair after an interruption. [H5-OB-5]
                nv.obk.undefined = false;
                nv.interrupted = 0;
            }
            Op::ObkErase => nv.obk.erase_alternate(),
            Op::ObkSlot { alternate, slot, value } => nv.obk.write(*alternate, *slot, *value),
            Op::ObkSwap(slots) => nv.obk.swap(*slots),
            Op::ObkEraseAll => nv.obk.erase_all(),
        }
    }

    fn sectors(&self, nv: &NonVolatile) -> std::ops::Range<u32> {
        let bank = nv.array.sectors() / BANKS;
        match self {
            Op::Bank(own) => own * bank..(own + 1) * bank,
            Op::Mass => 0..nv.array.sectors(),
            Op::Sector(sector) => *sector..sector + 1,
            _ => 0..0,
        }
    }

    /// What becomes of the memory when it is interrupted after `done` of `total`. [H5-FLASH-8] [H5-FLASH-11]
    pub(crate) fn tear(&self, nv: &mut NonVolatile, done: Time, total: Time, knobs: &Knobs) {
        let second_half = done * 2 >= total;
        match self {
            Op::QuadWord { at, data } => nv.array.tear_slot(*at, data),
            // Nobody says what an interrupted OTP half-word holds: some bits.
            Op::Otp { index, value } => {
                nv.otp[*index] = Some(nv.otp[*index].unwrap_or(0xFFFF) & (value | 0x00FF))
            }
            Op::Sector(_) | Op::Bank(_) | Op::Mass => self.tear_erase(nv, done, total),
            Op::Options(new) => {
                tear_options(nv, new, second_half, knobs.ob_torn);
                nv.obk.undefined |= knobs.ob_torn_hides_obk;
            }
            Op::ObkErase | Op::ObkEraseAll => nv.obk.tear_alternate(),
            Op::ObkSlot { alternate, slot, .. } => nv.obk.write(*alternate, *slot, Slot::Torn),
            Op::ObkSwap(slots) => nv.obk.tear_swap(*slots, second_half),
        }
        nv.interrupted = self.opsr(nv);
    }

    /// Sectors are erased one after the other: some are done, one is torn, the rest are as they were.
    fn tear_erase(&self, nv: &mut NonVolatile, done: Time, total: Time) {
        let sectors = self.sectors(nv);
        let count = Time::from(sectors.end - sectors.start);
        let reached = (done * count / total.max(1)).min(count.saturating_sub(1));
        // Lossless: not more than there are sectors.
        let reached = sectors.start + reached as u32;
        (sectors.start..reached).for_each(|sector| nv.array.erase(sector));
        nv.array.tear_sector(reached);
    }

    /// FLASH_OPSR for this operation. [H5-FLASH-8]
    pub(super) fn opsr(&self, nv: &NonVolatile) -> u32 {
        let bank_len = nv.array.len() / BANKS;
        let in_bank = |at: u32| (at % bank_len) | if at >= bank_len { opsr::BK_OP } else { 0 };
        let (code, place) = match self {
            Op::QuadWord { at, .. } => (opsr::QUAD_WORD, in_bank(*at)),
            Op::Otp { index, .. } => (opsr::QUAD_WORD, opsr::OTP_OP | (*index as u32 * 2)),
            Op::ObkSlot { slot, .. } => (opsr::QUAD_WORD, opsr::OTP_OP | (*slot * SLOT) as u32),
            Op::Sector(sector) => (opsr::SECTOR_ERASE, in_bank(sector * SECTOR)),
            Op::Bank(bank) => (opsr::BANK_ERASE, in_bank(bank * bank_len)),
            Op::Mass => (opsr::MASS_ERASE, 0),
            Op::Options(_) => (opsr::OPTION_CHANGE, 0),
            Op::ObkErase | Op::ObkEraseAll => (opsr::OBK_ALT_ERASE, opsr::OTP_OP),
            Op::ObkSwap(_) => (opsr::OBK_SWAP, opsr::OTP_OP),
        };
        code << opsr::CODE_SHIFT | place
    }
}

/// A guess, selectable: [H5-OB-5].
fn tear_options(nv: &mut NonVolatile, new: &Options, second_half: bool, torn: TornOptions) {
    match torn {
        TornOptions::Half if second_half => nv.options = *new,
        TornOptions::Half | TornOptions::Old => {}
        TornOptions::New => nv.options = *new,
        TornOptions::Mixed => {
            let old = nv.options.get(OPTSR_CUR);
            nv.options = *new;
            nv.options.set(OPTSR_CUR, old);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use regs::h5::device::Family;

    fn part() -> NonVolatile {
        NonVolatile::factory(Family::H562, 1024, None)
    }

    #[test]
    fn an_interrupted_quad_word_is_torn_and_named_in_opsr() {
        let mut nv = part();
        Op::QuadWord { at: 0x8_0010, data: [0; 16] }.tear(&mut nv, 1, 32, &Knobs::default());
        assert_eq!(nv.array.slot(0x8_0010), None);
        assert_eq!(nv.interrupted, 1 << 29 | opsr::BK_OP | 0x10);
    }

    #[test]
    fn an_interrupted_mass_erase_has_done_some_sectors_and_torn_one() {
        let mut nv = part();
        for sector in 0..nv.array.sectors() {
            nv.array.program(sector * SECTOR, &[0; 16]);
        }
        Op::Mass.tear(&mut nv, 1, 2, &Knobs::default());
        assert_eq!(nv.array.slot(0), Some([0xFF; 16]));
        assert_eq!(nv.array.slot(64 * SECTOR), None);
        assert_eq!(nv.array.slot(65 * SECTOR), Some([0; 16]));
        assert_eq!(nv.interrupted >> 29, opsr::MASS_ERASE);
    }

    #[test]
    fn an_interrupted_option_change_leaves_what_the_setting_says() {
        let mut new = part().options;
        new.set_state(regs::h5::state::ProductState::PROVISIONING);
        new.set(regs::h5::flash::NSEPOCHR_CUR, 7);
        let after = |done, torn| {
            let mut nv = part();
            let knobs = Knobs { ob_torn: torn, ..Knobs::default() };
            Op::Options(Box::new(new)).tear(&mut nv, done, 10, &knobs);
            assert_eq!(nv.interrupted >> 29, opsr::OPTION_CHANGE);
            assert!(!nv.obk.undefined);
            nv.options
        };
        assert_eq!(after(4, TornOptions::Half), part().options);
        assert_eq!(after(5, TornOptions::Half), new);
        assert_eq!(after(9, TornOptions::Old), part().options);
        assert_eq!(after(0, TornOptions::New), new);
        let mixed = after(0, TornOptions::Mixed);
        assert_eq!(mixed.state(), part().options.state());
        assert_eq!(mixed.get(regs::h5::flash::NSEPOCHR_CUR), 7);
    }

    #[test]
    fn an_interrupted_option_change_hides_the_obk_only_where_the_setting_says_so() {
        let same = part().options;
        for hides in [false, true] {
            let mut nv = part();
            let knobs = Knobs { ob_torn_hides_obk: hides, ..Knobs::default() };
            Op::Options(Box::new(same)).tear(&mut nv, 1, 10, &knobs);
            assert_eq!(nv.obk.undefined, hides);
        }
    }

    #[test]
    fn finishing_an_option_change_repairs_the_selectors() {
        let mut nv = part();
        Op::ObkSwap(512).tear(&mut nv, 1, 10, &Knobs::default());
        assert_eq!(nv.interrupted >> 29, opsr::OBK_SWAP);
        let same = nv.options;
        Op::Options(Box::new(same)).finish(&mut nv);
        assert!(!nv.obk.undefined);
        assert_eq!(nv.interrupted, 0);
    }
}

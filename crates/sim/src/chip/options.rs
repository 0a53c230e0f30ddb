//! Option bytes: the values in force, and which changes the part takes. [H5-OB-1] [H5-OB-2] [H5-OB-4] [H5-OB-7]

use regs::h5::device::Family;
use regs::h5::flash as f;
use regs::h5::option::{self, OPTION_BYTES};
use regs::h5::state::{How, ProductState, legal_move};

/// Offsets of the `_CUR` registers; `_PRG` lies one word above.
pub(crate) const CURRENT: [u32; 15] = [
    f::OPTSR_CUR,
    f::NSEPOCHR_CUR,
    f::SECEPOCHR_CUR,
    f::OPTSR2_CUR,
    f::NSBOOTR_CUR,
    f::SECBOOTR_CUR,
    f::OTPBLR_CUR,
    f::SECWM1R_CUR,
    f::WRP1R_CUR,
    f::EDATA1R_CUR,
    f::HDP1R_CUR,
    f::SECWM2R_CUR,
    f::WRP2R_CUR,
    f::EDATA2R_CUR,
    f::HDP2R_CUR,
];

/// One set of option registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub(crate) struct Options {
    values: [u32; CURRENT.len()],
}

/// Which half of a register pair an offset addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Half {
    /// In force.
    Cur(usize),
    /// To program.
    Prg(usize),
}

/// The option register at an offset of the flash interface.
pub(crate) fn half(offset: u32) -> Option<Half> {
    let index = |at: u32| CURRENT.iter().position(|cur| *cur == at);
    index(offset).map(Half::Cur).or_else(|| index(offset.checked_sub(4)?).map(Half::Prg))
}

/// The bits of register `index` that `family` has and a tool can change.
pub(crate) fn writable(family: Family, index: usize) -> u32 {
    let cur = f::BASE + CURRENT[index];
    let fields = OPTION_BYTES.iter().filter(|o| o.cur == cur && o.is_on(family));
    fields.fold(0, |mask, o| mask | o.field.mask())
}

impl Options {
    /// As a part comes from the factory. OPTSR is a value read on silicon [H5-OB-7]; the others are inferred from the
    /// meaning of the bits: TrustZone off, nothing protected, boot from the start of flash, SRAM kept over a reset.
    pub(crate) fn factory(family: Family) -> Self {
        let mut options = Options { values: [0; CURRENT.len()] };
        let trust_zone = family.device().trust_zone;
        let ube = if family == Family::H503 { option::BOOT_UBE } else { 0 };
        options.set(f::OPTSR_CUR, option::OPTSR_H563_FACTORY & !ube);
        let ecc_off = option::BKPRAM_ECC | option::SRAM2_ECC;
        if trust_zone {
            let keep = option::SRAM1_3_RST | option::SRAM2_RST;
            let off = option::OFF << option::TZEN_SHIFT;
            options.set(f::OPTSR2_CUR, off | keep | ecc_off);
            options.set(f::SECBOOTR_CUR, regs::h5::memory::FLASH_S | option::OFF);
            options.set(f::SECWM1R_CUR, option::AREA_END);
            options.set(f::SECWM2R_CUR, option::AREA_END);
        } else {
            options.set(f::OPTSR2_CUR, option::SRAM1_RST | option::SRAM2_RST | ecc_off);
        }
        options.set(f::NSBOOTR_CUR, regs::h5::memory::FLASH | option::OFF);
        options.set(f::WRP1R_CUR, u32::MAX);
        options.set(f::WRP2R_CUR, u32::MAX);
        // Start above end: nothing is hidden.
        options.set(f::HDP1R_CUR, 1);
        options.set(f::HDP2R_CUR, 1);
        // OPTSR keeps bits that only read; everything else has no bits its family does not have.
        for (index, value) in
            options.values.iter_mut().enumerate().filter(|(i, _)| CURRENT[*i] != f::OPTSR_CUR)
        {
            *value &= writable(family, index);
        }
        options
    }

    /// The register whose `_CUR` is at `offset`; 0 for any other offset.
    pub(crate) fn get(&self, offset: u32) -> u32 {
        CURRENT.iter().position(|cur| *cur == offset).map_or(0, |index| self.values[index])
    }

    /// By index.
    pub(crate) fn at(&self, index: usize) -> u32 {
        self.values[index]
    }

    /// Sets by the offset of `_CUR`.
    pub(crate) fn set(&mut self, offset: u32, value: u32) {
        if let Some(index) = CURRENT.iter().position(|cur| *cur == offset) {
            self.values[index] = value;
        }
    }

    /// Sets the bits a tool can change.
    pub(crate) fn write(&mut self, index: usize, family: Family, value: u32) {
        let mask = writable(family, index);
        self.values[index] = (self.values[index] & !mask) | (value & mask);
    }

    /// The product state.
    pub(crate) fn state(&self) -> ProductState {
        ProductState::from_optsr(self.get(f::OPTSR_CUR))
    }

    /// Puts a product state in.
    pub(crate) fn set_state(&mut self, state: ProductState) {
        let optsr = self.get(f::OPTSR_CUR) & !option::PRODUCT_STATE;
        self.set(f::OPTSR_CUR, optsr | u32::from(state.0) << option::PRODUCT_STATE_SHIFT);
    }

    /// The TZEN byte.
    pub(crate) fn tzen(&self) -> u32 {
        (self.get(f::OPTSR2_CUR) & option::TZEN) >> option::TZEN_SHIFT
    }

    /// Switches TrustZone off, where there is one.
    pub(crate) fn trust_zone_off(&mut self) {
        let optsr2 = self.get(f::OPTSR2_CUR);
        if optsr2 & option::TZEN != 0 {
            self.set(f::OPTSR2_CUR, optsr2 & !option::TZEN | option::OFF << option::TZEN_SHIFT);
        }
    }

    /// TrustZone is on.
    pub(crate) fn trust_zone(&self) -> bool {
        self.tzen() == option::ON
    }

    /// Banks are swapped.
    pub(crate) fn swap_bank(&self) -> bool {
        self.get(f::OPTSR_CUR) & option::SWAP_BANK != 0
    }

    /// Whether the part takes the change to `new`. The flash interface cannot tell who asks, so moves that are known
    /// only from code on the part are taken as well. [H5-STATE-2] [H5-OB-2]
    pub(crate) fn takes(&self, new: &Options, family: Family) -> bool {
        self.takes_state(new) && self.takes_tzen(new, family) && self.takes_one_way_values(new)
    }

    fn takes_state(&self, new: &Options) -> bool {
        let (from, to, tz) = (self.state(), new.state(), self.trust_zone());
        let by = |how| legal_move(from, to, how, tz).is_some();
        from == to || by(How::OptionByte) || by(How::Firmware)
    }

    fn takes_tzen(&self, new: &Options, family: Family) -> bool {
        let (from, to) = (self.tzen(), new.tzen());
        if !family.device().trust_zone || from == to {
            return true;
        }
        let open = self.state() == ProductState::OPEN;
        // ST's own way out of a wrong pairing switches TrustZone off in PROVISIONING.
        let provisioning = self.state() == ProductState::PROVISIONING;
        match to {
            option::ON => open,
            option::OFF => open || provisioning,
            _ => false,
        }
    }

    /// Counters only grow, OTP locks stay, a locked boot address stays.
    fn takes_one_way_values(&self, new: &Options) -> bool {
        let grows = |at| new.get(at) & option::EPOCH >= self.get(at) & option::EPOCH;
        let otp = new.get(f::OTPBLR_CUR) & self.get(f::OTPBLR_CUR) == self.get(f::OTPBLR_CUR);
        let boot = |at: u32| self.get(at) & option::BOOT_LOCK != option::ON || new.get(at) == self.get(at);
        grows(f::NSEPOCHR_CUR)
            && grows(f::SECEPOCHR_CUR)
            && otp
            && boot(f::NSBOOTR_CUR)
            && boot(f::SECBOOTR_CUR)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn optsr_of_a_new_h563_and_h562_is_the_value_read_on_silicon() {
        for family in [Family::H562, Family::H563] {
            let options = Options::factory(family);
            assert_eq!(options.get(f::OPTSR_CUR), 0x2D30_EDF8);
            assert_eq!(options.state(), ProductState::OPEN);
            assert!(!options.trust_zone());
        }
    }

    #[test]
    fn boot_ube_can_be_changed_on_crypto_parts_only() {
        for (family, can) in [(Family::H562, false), (Family::H573, true)] {
            let mut options = Options::factory(family);
            let old = options.get(f::OPTSR_CUR);
            options.write(0, family, old & !option::BOOT_UBE | option::UBE_ST_IROT << 22);
            assert_eq!(options.get(f::OPTSR_CUR) != old, can, "{family}");
        }
    }

    #[test]
    fn product_states_go_forward_only() {
        let takes = |from: ProductState, to| {
            let mut old = Options::factory(Family::H562);
            old.set_state(from);
            let mut new = old;
            new.set_state(to);
            old.takes(&new, Family::H562)
        };
        use ProductState as S;
        assert!(takes(S::OPEN, S::PROVISIONING));
        assert!(takes(S::PROVISIONING, S::CLOSED));
        assert!(takes(S::PROVISIONING, S::LOCKED));
        assert!(!takes(S::PROVISIONING, S::OPEN));
        assert!(!takes(S::OPEN, S::CLOSED));
        assert!(!takes(S::PROVISIONING, S::TZ_CLOSED), "only with TrustZone on");
        assert!(!takes(S::CLOSED, S::OPEN));
        assert!(!takes(S::OPEN, ProductState(0x00)));
    }

    #[test]
    fn counters_and_otp_locks_never_go_back() {
        let mut old = Options::factory(Family::H562);
        old.set(f::NSEPOCHR_CUR, 5);
        old.set(f::OTPBLR_CUR, 1);
        let with = |at, value| {
            let mut new = old;
            new.set(at, value);
            old.takes(&new, Family::H562)
        };
        assert!(with(f::NSEPOCHR_CUR, 6) && !with(f::NSEPOCHR_CUR, 4));
        assert!(with(f::OTPBLR_CUR, 3) && !with(f::OTPBLR_CUR, 2));
    }

    #[test]
    fn trust_zone_takes_its_two_codes_only() {
        let old = Options::factory(Family::H562);
        let with = |tzen: u32| {
            let mut new = old;
            new.set(f::OPTSR2_CUR, old.get(f::OPTSR2_CUR) & !option::TZEN | tzen << 24);
            old.takes(&new, Family::H562)
        };
        assert!(with(option::ON) && with(option::OFF) && !with(0));
    }
}

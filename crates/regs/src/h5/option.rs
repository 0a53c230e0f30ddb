//! Option bytes: fields of the option registers and the table of names a person uses. [H5-OB-1] [H5-OB-4]
//!
//! Every option register is a pair: `_CUR` is in force, `_PRG` is what the next OPTSTRT makes of it.

pub mod fields;
mod table;

use super::device::Family;
use crate::field::Field;
pub use table::OPTION_BYTES;

/// OPTSR: brown-out level.
pub const BOR_LEV: u32 = 0b11;
/// OPTSR: brown-out reset high level.
pub const BORH_EN: u32 = 1 << 2;
/// OPTSR: independent watchdog is started by software (1) or hardware (0).
pub const IWDG_SW: u32 = 1 << 3;
/// OPTSR: window watchdog is started by software (1) or hardware (0).
pub const WWDG_SW: u32 = 1 << 4;
/// OPTSR: no reset on entry to Shutdown (H503 register description only).
pub const NRST_SHDW: u32 = 1 << 5;
/// OPTSR: no reset on entry to Stop.
pub const NRST_STOP: u32 = 1 << 6;
/// OPTSR: no reset on entry to Standby.
pub const NRST_STDBY: u32 = 1 << 7;
/// OPTSR: product state, a code of [`super::state::ProductState`].
pub const PRODUCT_STATE: u32 = 0xFF << 8;
/// Lowest bit of [`PRODUCT_STATE`].
pub const PRODUCT_STATE_SHIFT: u32 = 8;
/// OPTSR: VDD pads at high speed and low voltage.
pub const IO_VDD_HSLV: u32 = 1 << 16;
/// OPTSR: VDDIO2 pads at high speed and low voltage.
pub const IO_VDDIO2_HSLV: u32 = 1 << 17;
/// OPTSR: watchdog runs in Stop.
pub const IWDG_STOP: u32 = 1 << 20;
/// OPTSR: watchdog runs in Standby.
pub const IWDG_STDBY: u32 = 1 << 21;
/// OPTSR: which root of trust boots (crypto parts).
pub const BOOT_UBE: u32 = 0xFF << 22;
/// OPTSR: banks are swapped.
pub const SWAP_BANK: u32 = 1 << 31;

/// OPTSR2: SRAM1 and SRAM3 keep their content over a system reset (1) or are erased (0). Not on H503.
pub const SRAM1_3_RST: u32 = 1 << 2;
/// OPTSR2: SRAM2 keeps its content over a system reset (1) or is erased (0).
pub const SRAM2_RST: u32 = 1 << 3;
/// OPTSR2: backup SRAM ECC is off (1).
pub const BKPRAM_ECC: u32 = 1 << 4;
/// OPTSR2: SRAM3 ECC is off (1). Only on H562, H563, H573.
pub const SRAM3_ECC: u32 = 1 << 5;
/// OPTSR2: SRAM2 ECC is off (1).
pub const SRAM2_ECC: u32 = 1 << 6;
/// OPTSR2: USB power delivery is off (1). Not on H503.
pub const USBPD_DIS: u32 = 1 << 8;
/// OPTSR2: SRAM1 keeps its content (1) or is erased (0). H503 only.
pub const SRAM1_RST: u32 = 1 << 9;
/// OPTSR2: SRAM1 ECC is off (1). H503 only.
pub const SRAM1_ECC: u32 = 1 << 10;
/// OPTSR2: TrustZone, [`ON`] or [`OFF`]. Not on H503.
pub const TZEN: u32 = 0xFF << 24;
/// Lowest bit of [`TZEN`].
pub const TZEN_SHIFT: u32 = 24;

/// TZEN and BOOT_LOCK: on.
pub const ON: u32 = 0xB4;
/// TZEN and BOOT_LOCK: off.
pub const OFF: u32 = 0xC3;
/// BOOT_UBE: root of trust of the maker of the product.
pub const UBE_OEM_IROT: u32 = 0xB4;
/// BOOT_UBE: root of trust of ST. Closing a part in this setting without ST-iRoT data bricks it. [H5-STATE-8]
pub const UBE_ST_IROT: u32 = 0xC3;

/// NSBOOTR, SECBOOTR: boot address is locked.
pub const BOOT_LOCK: u32 = 0xFF;
/// NSBOOTR, SECBOOTR: bits 31:8 of the boot address.
pub const BOOTADD: u32 = 0xFFFF_FF00;
/// SECWM, HDP: first sector.
pub const AREA_STRT: u32 = 0x7F;
/// SECWM, HDP: last sector.
pub const AREA_END: u32 = 0x7F << 16;
/// WRP: one bit a group of sectors, zero protects.
pub const WRPSG: u32 = u32::MAX;
/// EDATA: number of sectors minus one.
pub const EDATA_STRT: u32 = 0b111;
/// EDATA: the bank's last sectors hold data.
pub const EDATA_EN: u32 = 1 << 15;
/// NSEPOCHR, SECEPOCHR: counter that only grows.
pub const EPOCH: u32 = 0x00FF_FFFF;

/// OPTSR read on a factory-new H563. [H5-OB-7]
pub const OPTSR_H563_FACTORY: u32 = 0x2D30_EDF8;

/// One option byte as a person names it.
#[derive(Debug, Clone, Copy)]
pub struct OptionByte {
    /// The name that command lines and job files use.
    pub name: &'static str,
    /// Absolute non-secure address of the register that is in force.
    pub cur: u32,
    /// Absolute non-secure address of the register to write.
    pub prg: u32,
    /// Where in the register.
    pub field: Field,
    /// Families that have it.
    pub families: &'static [Family],
    /// Id of the note.
    pub note: &'static str,
}

impl OptionByte {
    /// The option byte called `name` (letter case does not matter), if `family` has it.
    #[must_use]
    pub fn find(name: &str, family: Family) -> Option<&'static Self> {
        OPTION_BYTES.iter().find(|o| o.name.eq_ignore_ascii_case(name) && o.is_on(family))
    }

    /// `family` has this option byte.
    #[must_use]
    pub fn is_on(&self, family: Family) -> bool {
        self.families.contains(&family)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lookup;

    #[test]
    fn a_name_stands_once_for_a_family() {
        for family in Family::ALL {
            let mut names: Vec<_> =
                OPTION_BYTES.iter().filter(|o| o.is_on(*family)).map(|o| o.name).collect();
            let count = names.len();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), count, "{family}");
        }
    }

    #[test]
    fn current_and_program_registers_are_a_pair_of_known_registers() {
        for option in OPTION_BYTES {
            let name = |address| lookup(address).expect("a register").register.name;
            let (cur, prg) = (name(option.cur), name(option.prg));
            assert_eq!(cur.strip_suffix("_CUR"), prg.strip_suffix("_PRG"), "{}", option.name);
            assert!(cur.ends_with("_CUR"), "{cur}");
        }
    }

    #[test]
    fn fields_of_one_register_do_not_overlap_in_one_family() {
        for family in Family::ALL {
            for a in OPTION_BYTES.iter().filter(|o| o.is_on(*family)) {
                let clash = OPTION_BYTES
                    .iter()
                    .filter(|b| b.is_on(*family) && b.cur == a.cur && b.name != a.name)
                    .find(|b| b.field.mask() & a.field.mask() != 0);
                assert!(clash.is_none(), "{family}: {} and {:?}", a.name, clash.map(|b| b.name));
            }
        }
    }

    #[test]
    fn families_have_what_their_header_has() {
        let has = |name, family| OptionByte::find(name, family).is_some();
        assert!(has("PRODUCT_STATE", Family::H503) && has("product_state", Family::H573));
        assert!(!has("TZEN", Family::H503) && has("TZEN", Family::H562));
        assert!(has("BOOT_UBE", Family::H573) && !has("BOOT_UBE", Family::H562));
        assert!(has("SRAM3_ECC", Family::H563) && !has("SRAM3_ECC", Family::H533));
        assert!(has("SRAM1_RST", Family::H503) && !has("SRAM1_RST", Family::H562));
        assert!(!has("SECWM1_STRT", Family::H503));
    }

    #[test]
    fn sector_ranges_are_as_wide_as_the_bank_is_long() {
        let width = |family| OptionByte::find("HDP1_END", family).map(|o| o.field.width);
        assert_eq!(width(Family::H503), Some(3));
        assert_eq!(width(Family::H523), Some(5));
        assert_eq!(width(Family::H562), Some(7));
    }

    #[test]
    fn the_factory_word_reads_in_names() {
        let register = lookup(crate::h5::flash::BASE + crate::h5::flash::OPTSR_CUR).expect("OPTSR").register;
        let words = register.describe(OPTSR_H563_FACTORY);
        assert_eq!(
            words,
            "IWDG_SW=1 WWDG_SW=1 NRST_SHDW=1 NRST_STOP=1 NRST_STDBY=1 PRODUCT_STATE=OPEN IWDG_STOP=1 \
             IWDG_STDBY=1 BOOT_UBE=OEM-iRoT"
        );
    }
}

//! The table of option bytes by name.

use super::{
    AREA_END, AREA_STRT, BKPRAM_ECC, BOOT_LOCK, BOOT_UBE, BOOTADD, BOR_LEV, BORH_EN, EDATA_EN, EDATA_STRT,
    EPOCH, IO_VDD_HSLV, IO_VDDIO2_HSLV, IWDG_STDBY, IWDG_STOP, IWDG_SW, NRST_STDBY, NRST_STOP, OptionByte,
    PRODUCT_STATE, SRAM1_3_RST, SRAM1_ECC, SRAM1_RST, SRAM2_ECC, SRAM2_RST, SRAM3_ECC, SWAP_BANK, TZEN,
    USBPD_DIS, WRPSG, WWDG_SW,
    fields::{LOCK, TRUSTZONE, UBE},
};
use crate::field::Field;
use crate::h5::device::Family;
use crate::h5::{flash, state};

const ALL: &[Family] = Family::ALL;
const NOT_H503: &[Family] = &[Family::H523, Family::H533, Family::H562, Family::H563, Family::H573];
const H503: &[Family] = &[Family::H503];
const H56X: &[Family] = &[Family::H562, Family::H563, Family::H573];
const CRYPTO: &[Family] = &[Family::H533, Family::H573];
/// 32 sectors a bank at most.
const H52X: &[Family] = &[Family::H523, Family::H533];

/// `_PRG` always lies one word above `_CUR`.
const fn byte(cur: u32, field: Field, families: &'static [Family]) -> OptionByte {
    OptionByte {
        name: field.name,
        cur: flash::BASE + cur,
        prg: flash::BASE + cur + 4,
        field,
        families,
        note: "H5-OB-4",
    }
}

const fn plain(cur: u32, name: &'static str, mask: u32, families: &'static [Family]) -> OptionByte {
    byte(cur, Field::new(name, mask), families)
}

/// All option bytes. A name can appear more than once where families differ in its width; for one family
/// it appears once.
pub static OPTION_BYTES: &[OptionByte] = &[
    plain(flash::OPTSR_CUR, "BOR_LEV", BOR_LEV, ALL),
    plain(flash::OPTSR_CUR, "BORH_EN", BORH_EN, ALL),
    plain(flash::OPTSR_CUR, "IWDG_SW", IWDG_SW, ALL),
    plain(flash::OPTSR_CUR, "WWDG_SW", WWDG_SW, ALL),
    plain(flash::OPTSR_CUR, "NRST_STOP", NRST_STOP, ALL),
    plain(flash::OPTSR_CUR, "NRST_STDBY", NRST_STDBY, ALL),
    byte(flash::OPTSR_CUR, Field::named("PRODUCT_STATE", PRODUCT_STATE, state::NAMES), ALL),
    plain(flash::OPTSR_CUR, "IO_VDD_HSLV", IO_VDD_HSLV, ALL),
    plain(flash::OPTSR_CUR, "IO_VDDIO2_HSLV", IO_VDDIO2_HSLV, ALL),
    plain(flash::OPTSR_CUR, "IWDG_STOP", IWDG_STOP, ALL),
    plain(flash::OPTSR_CUR, "IWDG_STDBY", IWDG_STDBY, ALL),
    byte(flash::OPTSR_CUR, Field::named("BOOT_UBE", BOOT_UBE, UBE), CRYPTO),
    plain(flash::OPTSR_CUR, "SWAP_BANK", SWAP_BANK, ALL),
    plain(flash::OPTSR2_CUR, "SRAM1_3_RST", SRAM1_3_RST, NOT_H503),
    plain(flash::OPTSR2_CUR, "SRAM2_RST", SRAM2_RST, ALL),
    plain(flash::OPTSR2_CUR, "BKPRAM_ECC", BKPRAM_ECC, ALL),
    plain(flash::OPTSR2_CUR, "SRAM3_ECC", SRAM3_ECC, H56X),
    plain(flash::OPTSR2_CUR, "SRAM2_ECC", SRAM2_ECC, ALL),
    plain(flash::OPTSR2_CUR, "USBPD_DIS", USBPD_DIS, NOT_H503),
    plain(flash::OPTSR2_CUR, "SRAM1_RST", SRAM1_RST, H503),
    plain(flash::OPTSR2_CUR, "SRAM1_ECC", SRAM1_ECC, H503),
    byte(flash::OPTSR2_CUR, Field::named("TZEN", TZEN, TRUSTZONE), NOT_H503),
    plain(flash::NSEPOCHR_CUR, "NS_EPOCH", EPOCH, ALL),
    plain(flash::SECEPOCHR_CUR, "SEC_EPOCH", EPOCH, NOT_H503),
    byte(flash::NSBOOTR_CUR, Field::named("NSBOOT_LOCK", BOOT_LOCK, LOCK), ALL),
    plain(flash::NSBOOTR_CUR, "NSBOOTADD", BOOTADD, ALL),
    byte(flash::SECBOOTR_CUR, Field::named("SECBOOT_LOCK", BOOT_LOCK, LOCK), NOT_H503),
    plain(flash::SECBOOTR_CUR, "SECBOOTADD", BOOTADD, NOT_H503),
    plain(flash::OTPBLR_CUR, "LOCKBL", u32::MAX, ALL),
    plain(flash::SECWM1R_CUR, "SECWM1_STRT", AREA_STRT, H56X),
    plain(flash::SECWM1R_CUR, "SECWM1_END", AREA_END, H56X),
    plain(flash::SECWM2R_CUR, "SECWM2_STRT", AREA_STRT, H56X),
    plain(flash::SECWM2R_CUR, "SECWM2_END", AREA_END, H56X),
    plain(flash::SECWM1R_CUR, "SECWM1_STRT", 0x1F, H52X),
    plain(flash::SECWM1R_CUR, "SECWM1_END", 0x1F << 16, H52X),
    plain(flash::SECWM2R_CUR, "SECWM2_STRT", 0x1F, H52X),
    plain(flash::SECWM2R_CUR, "SECWM2_END", 0x1F << 16, H52X),
    plain(flash::HDP1R_CUR, "HDP1_STRT", AREA_STRT, H56X),
    plain(flash::HDP1R_CUR, "HDP1_END", AREA_END, H56X),
    plain(flash::HDP2R_CUR, "HDP2_STRT", AREA_STRT, H56X),
    plain(flash::HDP2R_CUR, "HDP2_END", AREA_END, H56X),
    plain(flash::HDP1R_CUR, "HDP1_STRT", 0x1F, H52X),
    plain(flash::HDP1R_CUR, "HDP1_END", 0x1F << 16, H52X),
    plain(flash::HDP2R_CUR, "HDP2_STRT", 0x1F, H52X),
    plain(flash::HDP2R_CUR, "HDP2_END", 0x1F << 16, H52X),
    plain(flash::HDP1R_CUR, "HDP1_STRT", 0b111, H503),
    plain(flash::HDP1R_CUR, "HDP1_END", 0b111 << 16, H503),
    plain(flash::HDP2R_CUR, "HDP2_STRT", 0b111, H503),
    plain(flash::HDP2R_CUR, "HDP2_END", 0b111 << 16, H503),
    // A zero bit protects: one bit covers four sectors, one sector on H503.
    plain(flash::WRP1R_CUR, "WRPSG1", WRPSG, H56X),
    plain(flash::WRP2R_CUR, "WRPSG2", WRPSG, H56X),
    plain(flash::WRP1R_CUR, "WRPSG1", 0xFF, H52X),
    plain(flash::WRP2R_CUR, "WRPSG2", 0xFF, H52X),
    plain(flash::WRP1R_CUR, "WRPSG1", 0xFF, H503),
    plain(flash::WRP2R_CUR, "WRPSG2", 0xFF, H503),
    plain(flash::EDATA1R_CUR, "EDATA1_STRT", EDATA_STRT, NOT_H503),
    plain(flash::EDATA1R_CUR, "EDATA1_EN", EDATA_EN, NOT_H503),
    plain(flash::EDATA2R_CUR, "EDATA2_STRT", EDATA_STRT, NOT_H503),
    plain(flash::EDATA2R_CUR, "EDATA2_EN", EDATA_EN, NOT_H503),
];

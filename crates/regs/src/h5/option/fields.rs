//! Fields of the option registers, as a trace names them (widest family).

use super::{
    AREA_END, AREA_STRT, BKPRAM_ECC, BOOT_LOCK, BOOT_UBE, BOOTADD, BOR_LEV, BORH_EN, EDATA_EN, EDATA_STRT,
    EPOCH, IO_VDD_HSLV, IO_VDDIO2_HSLV, IWDG_STDBY, IWDG_STOP, IWDG_SW, NRST_SHDW, NRST_STDBY, NRST_STOP,
    OFF, ON, PRODUCT_STATE, SRAM1_3_RST, SRAM1_ECC, SRAM1_RST, SRAM2_ECC, SRAM2_RST, SRAM3_ECC, SWAP_BANK,
    TZEN, UBE_OEM_IROT, UBE_ST_IROT, USBPD_DIS, WWDG_SW,
};
use crate::field::Field;
use crate::h5::state;

/// Names of TZEN.
pub const TRUSTZONE: &[(u32, &str)] = &[(ON, "on"), (OFF, "off")];
/// Names of BOOT_LOCK.
pub const LOCK: &[(u32, &str)] = &[(ON, "locked"), (OFF, "unlocked")];
/// Names of BOOT_UBE.
pub const UBE: &[(u32, &str)] = &[(UBE_OEM_IROT, "OEM-iRoT"), (UBE_ST_IROT, "ST-iRoT")];

/// OPTSR.
pub const OPTSR: &[Field] = &[
    Field::new("BOR_LEV", BOR_LEV),
    Field::new("BORH_EN", BORH_EN),
    Field::new("IWDG_SW", IWDG_SW),
    Field::new("WWDG_SW", WWDG_SW),
    Field::new("NRST_SHDW", NRST_SHDW),
    Field::new("NRST_STOP", NRST_STOP),
    Field::new("NRST_STDBY", NRST_STDBY),
    Field::named("PRODUCT_STATE", PRODUCT_STATE, state::NAMES),
    Field::new("IO_VDD_HSLV", IO_VDD_HSLV),
    Field::new("IO_VDDIO2_HSLV", IO_VDDIO2_HSLV),
    Field::new("IWDG_STOP", IWDG_STOP),
    Field::new("IWDG_STDBY", IWDG_STDBY),
    Field::named("BOOT_UBE", BOOT_UBE, UBE),
    Field::new("SWAP_BANK", SWAP_BANK),
];

/// OPTSR2. The same bits mean other memories on H503: `SRAM1_RST`, `SRAM1_ECC`.
pub const OPTSR2: &[Field] = &[
    Field::new("SRAM1_3_RST", SRAM1_3_RST),
    Field::new("SRAM2_RST", SRAM2_RST),
    Field::new("BKPRAM_ECC", BKPRAM_ECC),
    Field::new("SRAM3_ECC", SRAM3_ECC),
    Field::new("SRAM2_ECC", SRAM2_ECC),
    Field::new("USBPD_DIS", USBPD_DIS),
    Field::new("SRAM1_RST", SRAM1_RST),
    Field::new("SRAM1_ECC", SRAM1_ECC),
    Field::named("TZEN", TZEN, TRUSTZONE),
];

/// NSBOOTR.
pub const NSBOOTR: &[Field] =
    &[Field::named("NSBOOT_LOCK", BOOT_LOCK, LOCK), Field::new("NSBOOTADD", BOOTADD)];

/// SECBOOTR.
pub const SECBOOTR: &[Field] =
    &[Field::named("SECBOOT_LOCK", BOOT_LOCK, LOCK), Field::new("SECBOOTADD", BOOTADD)];

/// SECWM1R, SECWM2R. Secure while STRT is not above END.
pub const SECWM: &[Field] = &[Field::new("SECWM_STRT", AREA_STRT), Field::new("SECWM_END", AREA_END)];

/// HDP1R, HDP2R. Hidden while STRT is not above END.
pub const HDP: &[Field] = &[Field::new("HDP_STRT", AREA_STRT), Field::new("HDP_END", AREA_END)];

/// EDATA1R, EDATA2R.
pub const EDATA: &[Field] = &[Field::new("EDATA_STRT", EDATA_STRT), Field::new("EDATA_EN", EDATA_EN)];

/// NSEPOCHR, SECEPOCHR.
pub const EPOCHR: &[Field] = &[Field::new("EPOCH", EPOCH)];

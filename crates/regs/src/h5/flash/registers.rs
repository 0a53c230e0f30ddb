//! Table of the flash interface's registers with their fields.

use super::{
    ACR, BASE, ECCCORR, ECCDETR, ECCDR, EDATA1R_CUR, EDATA1R_PRG, EDATA2R_CUR, EDATA2R_PRG, HDP1R_CUR,
    HDP1R_PRG, HDP2R_CUR, HDP2R_PRG, HDPEXTR, NSBOOTR_CUR, NSBOOTR_PRG, NSCCR, NSCR, NSEPOCHR_CUR,
    NSEPOCHR_PRG, NSKEYR, NSOBKCFGR, NSOBKKEYR, NSSR, OPSR, OPTCR, OPTKEYR, OPTSR_CUR, OPTSR_PRG, OPTSR2_CUR,
    OPTSR2_PRG, OTPBLR_CUR, OTPBLR_PRG, PRIVBB1R1, PRIVBB2R1, PRIVCFGR, SECBB1R1, SECBB2R1, SECBOOTR_CUR,
    SECBOOTR_PRG, SECCCR, SECCR, SECEPOCHR_CUR, SECEPOCHR_PRG, SECKEYR, SECOBKCFGR, SECOBKKEYR, SECSR,
    SECWM1R_CUR, SECWM1R_PRG, SECWM2R_CUR, SECWM2R_PRG, WRP1R_CUR, WRP1R_PRG, WRP2R_CUR, WRP2R_PRG, acr, cr,
    ecc, hdpextr, obkcfgr, optcr, privcfgr, sr,
};
use crate::field::{Field, Register};
use crate::h5::opsr;
use crate::h5::option::fields as ob;

const SR: &[Field] = &[
    Field::new("BSY", sr::BSY),
    Field::new("WBNE", sr::WBNE),
    Field::new("DBNE", sr::DBNE),
    Field::new("EOP", sr::EOP),
    Field::new("WRPERR", sr::WRPERR),
    Field::new("PGSERR", sr::PGSERR),
    Field::new("STRBERR", sr::STRBERR),
    Field::new("INCERR", sr::INCERR),
    Field::new("OBKERR", sr::OBKERR),
    Field::new("OBKWERR", sr::OBKWERR),
    Field::new("OPTCHANGEERR", sr::OPTCHANGEERR),
];

const CCR: &[Field] = &[
    Field::new("CLR_EOP", sr::EOP),
    Field::new("CLR_WRPERR", sr::WRPERR),
    Field::new("CLR_PGSERR", sr::PGSERR),
    Field::new("CLR_STRBERR", sr::STRBERR),
    Field::new("CLR_INCERR", sr::INCERR),
    Field::new("CLR_OBKERR", sr::OBKERR),
    Field::new("CLR_OBKWERR", sr::OBKWERR),
    Field::new("CLR_OPTCHANGEERR", sr::OPTCHANGEERR),
];

const NSCR_FIELDS: &[Field] = &[
    Field::new("LOCK", cr::LOCK),
    Field::new("PG", cr::PG),
    Field::new("SER", cr::SER),
    Field::new("BER", cr::BER),
    Field::new("FW", cr::FW),
    Field::new("STRT", cr::STRT),
    Field::new("SNB", cr::SNB),
    Field::new("MER", cr::MER),
    Field::new("IE", cr::IE),
    Field::new("BKSEL", cr::BKSEL),
];

const SECCR_FIELDS: &[Field] = &[
    Field::new("LOCK", cr::LOCK),
    Field::new("PG", cr::PG),
    Field::new("SER", cr::SER),
    Field::new("BER", cr::BER),
    Field::new("FW", cr::FW),
    Field::new("STRT", cr::STRT),
    Field::new("SNB", cr::SNB),
    Field::new("MER", cr::MER),
    Field::new("IE", cr::IE),
    Field::new("INV", cr::INV),
    Field::new("BKSEL", cr::BKSEL),
];

const OBKCFGR: &[Field] = &[
    Field::new("LOCK", obkcfgr::LOCK),
    Field::new("SWAP_SECT_REQ", obkcfgr::SWAP_SECT_REQ),
    Field::new("ALT_SECT", obkcfgr::ALT_SECT),
    Field::new("ALT_SECT_ERASE", obkcfgr::ALT_SECT_ERASE),
    Field::new("SWAP_OFFSET", obkcfgr::SWAP_OFFSET),
];

const fn flash(name: &'static str, offset: u32, fields: &'static [Field]) -> Register {
    Register { name, address: BASE + offset, fields, note: "H5-FLASH-1" }
}

const fn key(name: &'static str, offset: u32) -> Register {
    Register { name, address: BASE + offset, fields: &[], note: "H5-FLASH-2" }
}

const fn option(name: &'static str, offset: u32, fields: &'static [Field]) -> Register {
    Register { name, address: BASE + offset, fields, note: "H5-OB-4" }
}

/// Registers of the flash interface, in the order of their addresses.
pub static REGISTERS: &[Register] = &[
    flash(
        "FLASH_ACR",
        ACR,
        &[
            Field::new("LATENCY", acr::LATENCY),
            Field::new("WRHIGHFREQ", acr::WRHIGHFREQ),
            Field::new("PRFTEN", acr::PRFTEN),
        ],
    ),
    key("FLASH_NSKEYR", NSKEYR),
    key("FLASH_SECKEYR", SECKEYR),
    key("FLASH_OPTKEYR", OPTKEYR),
    key("FLASH_NSOBKKEYR", NSOBKKEYR),
    key("FLASH_SECOBKKEYR", SECOBKKEYR),
    Register {
        name: "FLASH_OPSR",
        address: BASE + OPSR,
        fields: &[
            Field::new("ADDR_OP", opsr::ADDR_OP),
            Field::new("DATA_OP", opsr::DATA_OP),
            Field::new("BK_OP", opsr::BK_OP),
            Field::new("SYSF_OP", opsr::SYSF_OP),
            Field::new("OTP_OP", opsr::OTP_OP),
            Field::named("CODE_OP", opsr::CODE_OP, opsr::CODES),
        ],
        note: "H5-FLASH-8",
    },
    Register {
        name: "FLASH_OPTCR",
        address: BASE + OPTCR,
        fields: &[
            Field::new("OPTLOCK", optcr::OPTLOCK),
            Field::new("OPTSTRT", optcr::OPTSTRT),
            Field::new("SWAP_BANK", optcr::SWAP_BANK),
        ],
        note: "H5-OB-1",
    },
    flash("FLASH_NSSR", NSSR, SR),
    flash("FLASH_SECSR", SECSR, SR),
    flash("FLASH_NSCR", NSCR, NSCR_FIELDS),
    flash("FLASH_SECCR", SECCR, SECCR_FIELDS),
    flash("FLASH_NSCCR", NSCCR, CCR),
    flash("FLASH_SECCCR", SECCCR, CCR),
    flash(
        "FLASH_PRIVCFGR",
        PRIVCFGR,
        &[Field::new("SPRIV", privcfgr::SPRIV), Field::new("NSPRIV", privcfgr::NSPRIV)],
    ),
    Register { name: "FLASH_NSOBKCFGR", address: BASE + NSOBKCFGR, fields: OBKCFGR, note: "H5-OBK-4" },
    Register { name: "FLASH_SECOBKCFGR", address: BASE + SECOBKCFGR, fields: OBKCFGR, note: "H5-OBK-4" },
    flash(
        "FLASH_HDPEXTR",
        HDPEXTR,
        &[Field::new("HDP1_EXT", hdpextr::HDP1_EXT), Field::new("HDP2_EXT", hdpextr::HDP2_EXT)],
    ),
    option("FLASH_OPTSR_CUR", OPTSR_CUR, ob::OPTSR),
    option("FLASH_OPTSR_PRG", OPTSR_PRG, ob::OPTSR),
    option("FLASH_NSEPOCHR_CUR", NSEPOCHR_CUR, ob::EPOCHR),
    option("FLASH_NSEPOCHR_PRG", NSEPOCHR_PRG, ob::EPOCHR),
    option("FLASH_SECEPOCHR_CUR", SECEPOCHR_CUR, ob::EPOCHR),
    option("FLASH_SECEPOCHR_PRG", SECEPOCHR_PRG, ob::EPOCHR),
    option("FLASH_OPTSR2_CUR", OPTSR2_CUR, ob::OPTSR2),
    option("FLASH_OPTSR2_PRG", OPTSR2_PRG, ob::OPTSR2),
    option("FLASH_NSBOOTR_CUR", NSBOOTR_CUR, ob::NSBOOTR),
    option("FLASH_NSBOOTR_PRG", NSBOOTR_PRG, ob::NSBOOTR),
    option("FLASH_SECBOOTR_CUR", SECBOOTR_CUR, ob::SECBOOTR),
    option("FLASH_SECBOOTR_PRG", SECBOOTR_PRG, ob::SECBOOTR),
    option("FLASH_OTPBLR_CUR", OTPBLR_CUR, &[]),
    option("FLASH_OTPBLR_PRG", OTPBLR_PRG, &[]),
    flash("FLASH_SECBB1R1", SECBB1R1, &[]),
    flash("FLASH_SECBB1R2", SECBB1R1 + 4, &[]),
    flash("FLASH_SECBB1R3", SECBB1R1 + 8, &[]),
    flash("FLASH_SECBB1R4", SECBB1R1 + 12, &[]),
    flash("FLASH_PRIVBB1R1", PRIVBB1R1, &[]),
    flash("FLASH_PRIVBB1R2", PRIVBB1R1 + 4, &[]),
    flash("FLASH_PRIVBB1R3", PRIVBB1R1 + 8, &[]),
    flash("FLASH_PRIVBB1R4", PRIVBB1R1 + 12, &[]),
    option("FLASH_SECWM1R_CUR", SECWM1R_CUR, ob::SECWM),
    option("FLASH_SECWM1R_PRG", SECWM1R_PRG, ob::SECWM),
    option("FLASH_WRP1R_CUR", WRP1R_CUR, &[]),
    option("FLASH_WRP1R_PRG", WRP1R_PRG, &[]),
    option("FLASH_EDATA1R_CUR", EDATA1R_CUR, ob::EDATA),
    option("FLASH_EDATA1R_PRG", EDATA1R_PRG, ob::EDATA),
    option("FLASH_HDP1R_CUR", HDP1R_CUR, ob::HDP),
    option("FLASH_HDP1R_PRG", HDP1R_PRG, ob::HDP),
    flash(
        "FLASH_ECCCORR",
        ECCCORR,
        &[
            Field::new("ADDR_ECC", ecc::ADDR),
            Field::new("OBK_ECC", ecc::OBK),
            Field::new("DATA_ECC", ecc::DATA),
            Field::new("BK_ECC", ecc::BK),
            Field::new("SYSF_ECC", ecc::SYSF),
            Field::new("OTP_ECC", ecc::OTP),
            Field::new("ECCCIE", ecc::ECCCIE),
            Field::new("ECCC", ecc::ECCC),
        ],
    ),
    flash(
        "FLASH_ECCDETR",
        ECCDETR,
        &[
            Field::new("ADDR_ECC", ecc::ADDR),
            Field::new("OBK_ECC", ecc::OBK),
            Field::new("DATA_ECC", ecc::DATA),
            Field::new("BK_ECC", ecc::BK),
            Field::new("SYSF_ECC", ecc::SYSF),
            Field::new("OTP_ECC", ecc::OTP),
            Field::new("ECCD", ecc::ECCD),
        ],
    ),
    flash("FLASH_ECCDR", ECCDR, &[Field::new("FAIL_DATA", ecc::FAIL_DATA)]),
    flash("FLASH_SECBB2R1", SECBB2R1, &[]),
    flash("FLASH_SECBB2R2", SECBB2R1 + 4, &[]),
    flash("FLASH_SECBB2R3", SECBB2R1 + 8, &[]),
    flash("FLASH_SECBB2R4", SECBB2R1 + 12, &[]),
    flash("FLASH_PRIVBB2R1", PRIVBB2R1, &[]),
    flash("FLASH_PRIVBB2R2", PRIVBB2R1 + 4, &[]),
    flash("FLASH_PRIVBB2R3", PRIVBB2R1 + 8, &[]),
    flash("FLASH_PRIVBB2R4", PRIVBB2R1 + 12, &[]),
    option("FLASH_SECWM2R_CUR", SECWM2R_CUR, ob::SECWM),
    option("FLASH_SECWM2R_PRG", SECWM2R_PRG, ob::SECWM),
    option("FLASH_WRP2R_CUR", WRP2R_CUR, &[]),
    option("FLASH_WRP2R_PRG", WRP2R_PRG, &[]),
    option("FLASH_EDATA2R_CUR", EDATA2R_CUR, ob::EDATA),
    option("FLASH_EDATA2R_PRG", EDATA2R_PRG, ob::EDATA),
    option("FLASH_HDP2R_CUR", HDP2R_CUR, ob::HDP),
    option("FLASH_HDP2R_PRG", HDP2R_PRG, ob::HDP),
];

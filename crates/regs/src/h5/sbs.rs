//! System configuration, boot and security (SBS). [H5-SBS-1] [H5-OBK-5] [H5-OBK-9]

use crate::field::{Field, Register};

/// Non-secure base address.
pub const BASE: u32 = 0x4400_0400;

/// Hide protection level control.
pub const HDPLCR: u32 = 0x10;
/// Hide protection level status.
pub const HDPLSR: u32 = 0x14;
/// Next hide protection level control. Not on H503.
pub const NEXTHDPLCR: u32 = 0x18;
/// Debug control.
pub const DBGCR: u32 = 0x20;
/// Debug lock.
pub const DBGLOCKR: u32 = 0x24;
/// Command for the ROM at the next reset. Not on H503.
pub const RSSCMDR: u32 = 0x34;
/// Epoch selection. Not on H503.
pub const EPOCHSELCR: u32 = 0xA0;
/// Security configuration. Not on H503.
pub const SECCFGR: u32 = 0xC0;
/// Memory erase status.
pub const MESR: u32 = 0x108;

/// Bits and values of HDPLCR.
pub mod hdplcr {
    /// The field.
    pub const INCR_HDPL: u32 = 0xFF;
    /// Write this to go one level up.
    pub const INCREMENT: u32 = 0x6A;
    /// Value after reset.
    pub const RESET: u32 = 0xB4;
}

/// Bits of HDPLSR.
pub mod hdplsr {
    /// The level, a code of [`Hdpl`](super::Hdpl).
    pub const HDPL: u32 = 0xFF;
}

/// Bits of NEXTHDPLCR.
pub mod nexthdplcr {
    /// How many levels the OBK level lies above the code's level.
    pub const NEXTHDPL: u32 = 0b11;
}

/// Bits of EPOCHSELCR.
pub mod epochselcr {
    /// Which epoch the key derivation uses.
    pub const EPOCH_SEL: u32 = 0b11;
}

/// A hide protection level as HDPLSR shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Hdpl {
    /// Level 0: the ROM's first stage.
    L0,
    /// Level 1: the first code after the ROM (boot loader or application).
    L1,
    /// Level 2.
    L2,
    /// Level 3.
    L3,
}

impl Hdpl {
    /// All levels in order.
    pub const ALL: [Self; 4] = [Self::L0, Self::L1, Self::L2, Self::L3];

    /// The code HDPLSR holds.
    #[must_use]
    pub const fn code(self) -> u32 {
        match self {
            Self::L0 => 0xB4,
            Self::L1 => 0x51,
            Self::L2 => 0x8A,
            Self::L3 => 0x6F,
        }
    }

    /// The level of a code, `None` for a code that is no level.
    #[must_use]
    pub fn from_code(code: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|l| l.code() == code & 0xFF)
    }

    /// 0 to 3.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }
}

/// Bits and values of DBGCR.
pub mod dbgcr {
    /// Opens the core's access port.
    pub const AP_UNLOCK: u32 = 0xFF;
    /// Opens debug.
    pub const DBG_UNLOCK: u32 = 0xFF << 8;
    /// The level from which debug is open.
    pub const DBG_AUTH_HDPL: u32 = 0xFF << 16;
    /// Secure, or non-secure only.
    pub const DBG_AUTH_SEC: u32 = 0xFF << 24;
    /// AP_UNLOCK, DBG_UNLOCK: open.
    pub const UNLOCKED: u32 = 0xB4;
    /// DBG_AUTH_SEC: secure and non-secure.
    pub const SEC_AND_NS: u32 = 0xB4;
    /// DBG_AUTH_SEC: non-secure only.
    pub const NS_ONLY: u32 = 0x3C;
}

/// Bits and values of DBGLOCKR.
pub mod dbglockr {
    /// The field.
    pub const DBGCFG_LOCK: u32 = 0xFF;
    /// Unlocked.
    pub const UNLOCKED: u32 = 0xB4;
    /// Lock it.
    pub const LOCK: u32 = 0xC3;
    /// What a locked register reads as.
    pub const LOCKED: u32 = 0x6A;
}

/// Bits of RSSCMDR.
pub mod rsscmdr {
    /// The command. Not zero in OPEN: the next reset starts the ROM's services whatever BOOT0 says.
    pub const RSSCMD: u32 = 0xFFFF;
}

/// Bits of MESR.
pub mod mesr {
    /// Memory clear finished.
    pub const MCLR: u32 = 1 << 0;
    /// ICACHE and PKA memory clear finished.
    pub const IPMEE: u32 = 1 << 16;
}

/// Names of level codes.
pub const LEVELS: &[(u32, &str)] = &[
    (Hdpl::L0.code(), "HDPL0"),
    (Hdpl::L1.code(), "HDPL1"),
    (Hdpl::L2.code(), "HDPL2"),
    (Hdpl::L3.code(), "HDPL3"),
];

const fn register(name: &'static str, offset: u32, fields: &'static [Field]) -> Register {
    Register { name, address: BASE + offset, fields, note: "H5-SBS-1" }
}

/// SBS registers.
pub static REGISTERS: &[Register] = &[
    register(
        "SBS_HDPLCR",
        HDPLCR,
        &[Field::named(
            "INCR_HDPL",
            hdplcr::INCR_HDPL,
            &[(hdplcr::INCREMENT, "increment"), (hdplcr::RESET, "none")],
        )],
    ),
    register("SBS_HDPLSR", HDPLSR, &[Field::named("HDPL", hdplsr::HDPL, LEVELS)]),
    register("SBS_NEXTHDPLCR", NEXTHDPLCR, &[Field::new("NEXTHDPL", nexthdplcr::NEXTHDPL)]),
    register(
        "SBS_DBGCR",
        DBGCR,
        &[
            Field::named("AP_UNLOCK", dbgcr::AP_UNLOCK, &[(dbgcr::UNLOCKED, "unlocked")]),
            Field::named("DBG_UNLOCK", dbgcr::DBG_UNLOCK, &[(dbgcr::UNLOCKED, "unlocked")]),
            Field::named("DBG_AUTH_HDPL", dbgcr::DBG_AUTH_HDPL, LEVELS),
            Field::named(
                "DBG_AUTH_SEC",
                dbgcr::DBG_AUTH_SEC,
                &[(dbgcr::SEC_AND_NS, "secure and non-secure"), (dbgcr::NS_ONLY, "non-secure only")],
            ),
        ],
    ),
    register(
        "SBS_DBGLOCKR",
        DBGLOCKR,
        &[Field::named(
            "DBGCFG_LOCK",
            dbglockr::DBGCFG_LOCK,
            &[(dbglockr::UNLOCKED, "unlocked"), (dbglockr::LOCK, "lock"), (dbglockr::LOCKED, "locked")],
        )],
    ),
    register("SBS_RSSCMDR", RSSCMDR, &[Field::new("RSSCMD", rsscmdr::RSSCMD)]),
    register("SBS_EPOCHSELCR", EPOCHSELCR, &[Field::new("EPOCH_SEL", epochselcr::EPOCH_SEL)]),
    register("SBS_SECCFGR", SECCFGR, &[]),
    register("SBS_MESR", MESR, &[Field::new("MCLR", mesr::MCLR), Field::new("IPMEE", mesr::IPMEE)]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_read_back_from_their_codes_and_are_in_order() {
        for level in Hdpl::ALL {
            assert_eq!(Hdpl::from_code(level.code()), Some(level));
            assert_eq!(Hdpl::ALL[usize::from(level.number())], level);
        }
        assert!(Hdpl::L0 < Hdpl::L3);
        assert_eq!(Hdpl::from_code(0), None);
    }
}

//! Reset and clock control: only what a debugger reads to see clocks and the last reset. [H5-RCC-1]

use crate::field::{Field, Register};

/// Non-secure base address.
pub const BASE: u32 = 0x4402_0C00;

/// Clock control.
pub const CR: u32 = 0x00;
/// HSI48 trimming.
pub const CRRCR: u32 = 0x14;
/// Clock configuration 1.
pub const CFGR1: u32 = 0x1C;
/// APB2 clock enable.
pub const APB2ENR: u32 = 0xA4;
/// Kernel clock selection 4.
pub const CCIPR4: u32 = 0xE4;
/// Reset status.
pub const RSR: u32 = 0xF4;

/// Bits of CR.
pub mod cr {
    /// 48 MHz oscillator on (USB).
    pub const HSI48ON: u32 = 1 << 12;
    /// 48 MHz oscillator ready.
    pub const HSI48RDY: u32 = 1 << 13;
}

/// Bits of CFGR1.
pub mod cfgr1 {
    /// What the system clock is made from; all ones: the first PLL.
    pub const SWS: u32 = 0b11 << 3;
}

/// Bits of APB2ENR.
pub mod apb2enr {
    /// USB clock.
    pub const USBEN: u32 = 1 << 24;
}

/// Bits of RSR: causes of resets since the flags were removed.
pub mod rsr {
    /// Remove the flags.
    pub const RMVF: u32 = 1 << 23;
    /// NRST pin.
    pub const PINRSTF: u32 = 1 << 26;
    /// Brown-out or power-on.
    pub const BORRSTF: u32 = 1 << 27;
    /// Software (SYSRESETREQ).
    pub const SFTRSTF: u32 = 1 << 28;
    /// Independent watchdog.
    pub const IWDGRSTF: u32 = 1 << 29;
    /// Window watchdog.
    pub const WWDGRSTF: u32 = 1 << 30;
    /// Illegal low-power mode.
    pub const LPWRRSTF: u32 = 1 << 31;
}

const fn register(name: &'static str, offset: u32, fields: &'static [Field]) -> Register {
    Register { name, address: BASE + offset, fields, note: "H5-RCC-1" }
}

/// RCC registers.
pub static REGISTERS: &[Register] = &[
    register("RCC_CR", CR, &[Field::new("HSI48ON", cr::HSI48ON), Field::new("HSI48RDY", cr::HSI48RDY)]),
    register("RCC_CRRCR", CRRCR, &[]),
    register("RCC_CFGR1", CFGR1, &[Field::new("SWS", cfgr1::SWS)]),
    register("RCC_APB2ENR", APB2ENR, &[Field::new("USBEN", apb2enr::USBEN)]),
    register("RCC_CCIPR4", CCIPR4, &[]),
    register(
        "RCC_RSR",
        RSR,
        &[
            Field::new("RMVF", rsr::RMVF),
            Field::new("PINRSTF", rsr::PINRSTF),
            Field::new("BORRSTF", rsr::BORRSTF),
            Field::new("SFTRSTF", rsr::SFTRSTF),
            Field::new("IWDGRSTF", rsr::IWDGRSTF),
            Field::new("WWDGRSTF", rsr::WWDGRSTF),
            Field::new("LPWRRSTF", rsr::LPWRRSTF),
        ],
    ),
];

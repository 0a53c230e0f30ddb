//! Power control: only its place. [H5-RCC-1]

use crate::field::Register;

/// Non-secure base address.
pub const BASE: u32 = 0x4402_0800;

/// Power mode control.
pub const PMCR: u32 = 0x00;
/// Power mode status.
pub const PMSR: u32 = 0x04;

/// PWR registers.
pub static REGISTERS: &[Register] = &[
    Register { name: "PWR_PMCR", address: BASE + PMCR, fields: &[], note: "H5-RCC-1" },
    Register { name: "PWR_PMSR", address: BASE + PMSR, fields: &[], note: "H5-RCC-1" },
];

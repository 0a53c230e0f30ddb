//! Instruction cache: only whether it is on (it can stall reads of OBK). [H5-RCC-1] [H5-OBK-4]

use crate::field::{Field, Register};

/// Non-secure base address.
pub const BASE: u32 = 0x4003_0400;

/// Control.
pub const CR: u32 = 0x00;
/// Status.
pub const SR: u32 = 0x04;

/// Bits of CR.
pub mod cr {
    /// The cache is on.
    pub const EN: u32 = 1 << 0;
    /// Invalidate everything.
    pub const CACHEINV: u32 = 1 << 1;
}

/// Bits of SR.
pub mod sr {
    /// An invalidation runs.
    pub const BUSYF: u32 = 1 << 0;
}

/// ICACHE registers.
pub static REGISTERS: &[Register] = &[
    Register {
        name: "ICACHE_CR",
        address: BASE + CR,
        fields: &[Field::new("EN", cr::EN), Field::new("CACHEINV", cr::CACHEINV)],
        note: "H5-RCC-1",
    },
    Register {
        name: "ICACHE_SR",
        address: BASE + SR,
        fields: &[Field::new("BUSYF", sr::BUSYF)],
        note: "H5-RCC-1",
    },
];

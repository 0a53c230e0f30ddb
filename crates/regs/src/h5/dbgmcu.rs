//! DBGMCU: identification, access port status, debug authentication mailbox. [H5-DBG-2] [H5-DBG-3] [H5-DA-3]
//!
//! The same registers appear at two addresses: through AP0 and, for the core and AP1, on the bus.

use crate::field::{Field, Register};

/// Base address through AP0.
pub const BASE_AP0: u32 = 0xE004_4000;
/// Base address on the bus: the core and AP1.
pub const BASE: u32 = 0x4402_4000;
/// Bytes of register space.
pub const LEN: u32 = 0x1000;

/// Identity code.
pub const IDCODE: u32 = 0x00;
/// Configuration.
pub const CR: u32 = 0x04;
/// APB1 freeze 1.
pub const APB1FZR1: u32 = 0x08;
/// APB1 freeze 2.
pub const APB1FZR2: u32 = 0x0C;
/// APB2 freeze.
pub const APB2FZR: u32 = 0x10;
/// APB3 freeze.
pub const APB3FZR: u32 = 0x14;
/// AHB1 freeze.
pub const AHB1FZR: u32 = 0x20;
/// Which access ports are there, and which are open.
pub const SR: u32 = 0xFC;
/// Mailbox word from the debugger. Never written twice blindly.
pub const DBG_AUTH_HOST: u32 = 0x100;
/// Mailbox word from the device.
pub const DBG_AUTH_DEVICE: u32 = 0x104;
/// Mailbox acknowledge bits.
pub const DBG_AUTH_ACK: u32 = 0x108;
/// CoreSight peripheral id 4.
pub const PIDR4: u32 = 0xFD0;
/// CoreSight peripheral id 0; 1 to 3 follow.
pub const PIDR0: u32 = 0xFE0;
/// CoreSight component id 0; 1 to 3 follow.
pub const CIDR0: u32 = 0xFF0;

/// Bits of IDCODE.
pub mod idcode {
    /// Device.
    pub const DEV_ID: u32 = 0xFFF;
    /// Reads 6.
    pub const FIXED: u32 = 0xF << 12;
    /// Revision.
    pub const REV_ID: u32 = 0xFFFF << 16;
    /// The value of [`FIXED`] in place.
    pub const FIXED_VALUE: u32 = 0x6000;
}

/// Bits of CR.
pub mod cr {
    /// Debug works in Stop.
    pub const DBG_STOP: u32 = 1 << 1;
    /// Debug works in Standby.
    pub const DBG_STANDBY: u32 = 1 << 2;
    /// Trace pins.
    pub const TRACE_IOEN: u32 = 1 << 4;
    /// Trace clock.
    pub const TRACE_CLKEN: u32 = 1 << 5;
    /// Trace mode.
    pub const TRACE_MODE: u32 = 0b11 << 6;
    /// Which reset takes an open debug session away.
    pub const DCRT: u32 = 1 << 16;
}

/// Bits of APB1FZR1.
pub mod apb1fzr1 {
    /// The window watchdog stops while the core is halted.
    pub const WWDG_STOP: u32 = 1 << 11;
    /// The independent watchdog stops while the core is halted.
    pub const IWDG_STOP: u32 = 1 << 12;
}

/// Bits of SR. [H5-DBG-3]
pub mod sr {
    /// Bit n: access port n exists.
    pub const AP_PRESENT: u32 = 0xFFFF;
    /// Bit 16 + n: access port n is open.
    pub const AP_ENABLED: u32 = 0xFFFF << 16;
    /// Access port 0 is open.
    pub const AP0_ENABLED: u32 = 1 << 16;
    /// Access port 1, the core's, is open.
    pub const AP1_ENABLED: u32 = 1 << 17;
    /// After reset: AP0 and AP1 exist, AP0 is open.
    pub const RESET: u32 = 0x0001_0003;
}

/// Bits of DBG_AUTH_ACK. [H5-DA-3]
pub mod ack {
    /// Set when the debugger writes DBG_AUTH_HOST, cleared when the device has read it.
    pub const HOST: u32 = 1 << 0;
    /// Set when the device writes DBG_AUTH_DEVICE, cleared when the debugger has read it.
    pub const DEVICE: u32 = 1 << 1;
}

/// CIDR0 to CIDR3.
pub const CIDR: [u32; 4] = [0x0D, 0xF0, 0x05, 0xB1];
/// PIDR2 after reset in the public register description.
pub const PIDR2_RESET: u32 = 0x0A;

const fn register(name: &'static str, offset: u32, fields: &'static [Field]) -> Register {
    Register { name, address: BASE + offset, fields, note: "H5-DBG-2" }
}

/// DBGMCU registers, at their bus address.
pub static REGISTERS: &[Register] = &[
    register(
        "DBGMCU_IDCODE",
        IDCODE,
        &[
            Field::named("DEV_ID", idcode::DEV_ID, super::device::DEV_ID_NAMES),
            Field::new("REV_ID", idcode::REV_ID),
        ],
    ),
    register(
        "DBGMCU_CR",
        CR,
        &[
            Field::new("DBG_STOP", cr::DBG_STOP),
            Field::new("DBG_STANDBY", cr::DBG_STANDBY),
            Field::new("TRACE_IOEN", cr::TRACE_IOEN),
            Field::new("TRACE_CLKEN", cr::TRACE_CLKEN),
            Field::new("TRACE_MODE", cr::TRACE_MODE),
            Field::new("DCRT", cr::DCRT),
        ],
    ),
    register(
        "DBGMCU_APB1FZR1",
        APB1FZR1,
        &[Field::new("WWDG_STOP", apb1fzr1::WWDG_STOP), Field::new("IWDG_STOP", apb1fzr1::IWDG_STOP)],
    ),
    register("DBGMCU_APB1FZR2", APB1FZR2, &[]),
    register("DBGMCU_APB2FZR", APB2FZR, &[]),
    register("DBGMCU_APB3FZR", APB3FZR, &[]),
    register("DBGMCU_AHB1FZR", AHB1FZR, &[]),
    Register {
        name: "DBGMCU_SR",
        address: BASE + SR,
        fields: &[Field::new("AP_PRESENT", sr::AP_PRESENT), Field::new("AP_ENABLED", sr::AP_ENABLED)],
        note: "H5-DBG-3",
    },
    Register { name: "DBGMCU_DBG_AUTH_HOST", address: BASE + DBG_AUTH_HOST, fields: &[], note: "H5-DA-3" },
    Register {
        name: "DBGMCU_DBG_AUTH_DEVICE",
        address: BASE + DBG_AUTH_DEVICE,
        fields: &[],
        note: "H5-DA-3",
    },
    Register {
        name: "DBGMCU_DBG_AUTH_ACK",
        address: BASE + DBG_AUTH_ACK,
        fields: &[Field::new("HOST_ACK", ack::HOST), Field::new("DEV_ACK", ack::DEVICE)],
        note: "H5-DA-3",
    },
    register("DBGMCU_PIDR4", PIDR4, &[]),
    register("DBGMCU_PIDR0", PIDR0, &[]),
    register("DBGMCU_PIDR1", PIDR0 + 4, &[]),
    register("DBGMCU_PIDR2", PIDR0 + 8, &[]),
    register("DBGMCU_PIDR3", PIDR0 + 12, &[]),
    register("DBGMCU_CIDR0", CIDR0, &[]),
    register("DBGMCU_CIDR1", CIDR0 + 4, &[]),
    register("DBGMCU_CIDR2", CIDR0 + 8, &[]),
    register("DBGMCU_CIDR3", CIDR0 + 12, &[]),
];

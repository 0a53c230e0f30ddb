//! USB full-speed device: only what shows whether the part talks to a USB host. [H5-RCC-1]

use crate::field::{Field, Register};

/// Non-secure base address.
pub const BASE: u32 = 0x4001_6000;
/// Packet memory.
pub const PMA: u32 = 0x4001_6400;
/// Clock recovery system, base address.
pub const CRS_BASE: u32 = 0x4000_6000;
/// Interrupt number of the USB device.
pub const IRQ: u32 = 74;

/// Control.
pub const CNTR: u32 = 0x40;
/// Interrupt status.
pub const ISTR: u32 = 0x44;
/// Frame number: moves while a host is alive.
pub const FNR: u32 = 0x48;
/// Device address.
pub const DADDR: u32 = 0x4C;
/// Battery charging detection and pull-up.
pub const BCDR: u32 = 0x58;

/// Bits of CNTR.
pub mod cntr {
    /// USB reset is forced.
    pub const USBRST: u32 = 1 << 0;
    /// Power down.
    pub const PDWN: u32 = 1 << 1;
}

/// Bits of ISTR.
pub mod istr {
    /// The host reset the bus.
    pub const RESET: u32 = 1 << 10;
    /// The bus is suspended.
    pub const SUSP: u32 = 1 << 11;
    /// A transfer finished.
    pub const CTR: u32 = 1 << 15;
}

/// Bits of FNR.
pub mod fnr {
    /// Frame number.
    pub const FN: u32 = 0x7FF;
    /// Locked to the host's frames.
    pub const LCK: u32 = 1 << 13;
}

/// Bits of DADDR.
pub mod daddr {
    /// Address given by the host.
    pub const ADD: u32 = 0x7F;
    /// The function is enabled.
    pub const EF: u32 = 1 << 7;
}

/// Bits of BCDR.
pub mod bcdr {
    /// Pull-up on D+: the device shows itself to a host.
    pub const DPPU: u32 = 1 << 15;
}

const fn register(name: &'static str, offset: u32, fields: &'static [Field]) -> Register {
    Register { name, address: BASE + offset, fields, note: "H5-RCC-1" }
}

/// USB registers.
pub static REGISTERS: &[Register] = &[
    register("USB_CNTR", CNTR, &[Field::new("USBRST", cntr::USBRST), Field::new("PDWN", cntr::PDWN)]),
    register(
        "USB_ISTR",
        ISTR,
        &[Field::new("RESET", istr::RESET), Field::new("SUSP", istr::SUSP), Field::new("CTR", istr::CTR)],
    ),
    register("USB_FNR", FNR, &[Field::new("FN", fnr::FN), Field::new("LCK", fnr::LCK)]),
    register("USB_DADDR", DADDR, &[Field::new("ADD", daddr::ADD), Field::new("EF", daddr::EF)]),
    register("USB_BCDR", BCDR, &[Field::new("DPPU", bcdr::DPPU)]),
];

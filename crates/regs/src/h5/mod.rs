//! STM32H5: peripherals, memory map, product states, provisioning and debug authentication.
//!
//! Numbers follow ST's device header and HAL; what goes beyond them is noted with its confidence in
//! `vendor-notes/stm32h5-*.md`. None of it was read on silicon by us.

pub mod adac;
pub mod da;
pub mod dbgmcu;
pub mod device;
pub mod flash;
pub mod icache;
pub mod memory;
pub mod obk;
pub mod opsr;
pub mod option;
pub mod pwr;
pub mod rcc;
pub mod rss;
pub mod sbs;
pub mod state;
pub mod usb;

/// Distance from a non-secure address of a peripheral or SRAM to its secure alias. [H5-DBG-2]
pub const SECURE_ALIAS: u32 = 0x1000_0000;
/// Distance from a non-secure address in the code region (flash, system flash, OBK) to its secure alias.
pub const SECURE_ALIAS_CODE: u32 = 0x0400_0000;

//! What reading does: nothing, something, or nobody knows. Nothing is read unasked unless it is known to be harmless.

use crate::h5::{dbgmcu, memory};
use crate::{ap, dp, lookup, m33, region};

/// What a read does besides telling a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// Nothing.
    Harmless,
    /// It changes something; what.
    HasEffect(&'static str),
    /// Not known: a peripheral that has no table here, or an address that may not answer.
    Unknown,
}

/// Registers whose reading has an effect, at their non-secure address on the bus. Nothing reads them unasked.
pub const NEVER_READ: &[(u32, &str)] = &[
    // [M33-1]
    (m33::DHCSR, "clears S_RETIRE_ST, S_RESET_ST and S_RESTART_ST"),
    // [H5-DA-3]
    (dbgmcu::BASE + dbgmcu::DBG_AUTH_DEVICE, "takes a word of the mailbox"),
];

/// Debug-port registers that cannot be read back or whose reading is not for looking, by name. [ADI-3]
const DP_NOT_FOR_LOOKING: &[&str] =
    &["ABORT", "SELECT", "TARGETSEL", "SELECT1", "RESEND", "RDBUFF", "EVENTSTAT"];

/// What reading memory at `address` does.
#[must_use]
pub fn memory(address: u32) -> Reading {
    if let Some(hit) = lookup(address) {
        let never = NEVER_READ.iter().find(|(at, _)| *at == hit.register.address);
        return never.map_or(Reading::Harmless, |(_, effect)| Reading::HasEffect(effect));
    }
    match region(memory::non_secure(address)) {
        Some(name) if name == "flash" || name.contains("SRAM") => Reading::Harmless,
        _ => Reading::Unknown,
    }
}

/// What reading a register of a memory access port does: a data register makes an access.
#[must_use]
pub const fn access_port(register: u8) -> Reading {
    match register {
        ap::DRW | ap::BD0 | ap::BD1 | ap::BD2 | ap::BD3 => {
            Reading::HasEffect("reads memory, and DRW may move TAR")
        }
        ap::CSW | ap::TAR | ap::TAR_HI | ap::CFG | ap::BASE | ap::BASE_HI | ap::IDR => Reading::Harmless,
        _ => Reading::Unknown,
    }
}

/// What reading a register of the debug port does. `a` is the byte offset, `bank` DPBANKSEL.
#[must_use]
pub fn debug_port(a: u8, bank: u8) -> Reading {
    let name = dp::name(false, a, bank);
    if DP_NOT_FOR_LOOKING.contains(&name) { Reading::Unknown } else { Reading::Harmless }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::h5::{flash, usb};

    #[test]
    fn memory_and_known_registers_may_be_looked_at() {
        for address in
            [0x2000_0000, 0x3004_0000, 0x0800_0000, flash::BASE + flash::NSSR, m33::DEMCR, m33::CPUID]
        {
            assert_eq!(memory(address), Reading::Harmless, "{address:#010x}");
        }
    }

    #[test]
    fn what_reading_changes_is_never_read_unasked_wherever_it_is_found() {
        let mailbox = dbgmcu::DBG_AUTH_DEVICE;
        for address in [m33::DHCSR, dbgmcu::BASE + mailbox, dbgmcu::BASE_AP0 + mailbox] {
            assert!(matches!(memory(address), Reading::HasEffect(_)), "{address:#010x}");
        }
        assert!(matches!(access_port(ap::DRW), Reading::HasEffect(_)));
    }

    #[test]
    fn what_no_table_holds_is_not_assumed_to_be_harmless() {
        // USART1's data register, OTP, an address outside everything.
        for address in [0x4001_3824, 0x08FF_F000, 0x9000_0000] {
            assert_eq!(memory(address), Reading::Unknown, "{address:#010x}");
        }
        assert_eq!(debug_port(dp::SELECT, 0), Reading::Unknown);
        assert_eq!(debug_port(dp::CTRL_STAT, 0), Reading::Harmless);
        assert_eq!(access_port(0x20), Reading::Unknown);
        assert_ne!(memory(usb::REGISTERS[0].address), Reading::Unknown);
    }
}

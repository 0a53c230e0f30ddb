//! Registers whose reads tell about the moment and not about what was done: which of their bits two sessions that do the same
//! may read differently. [M33-1] [H5-FLASH-3]

use crate::h5::flash;
use crate::m33::{self, dhcsr};

/// A register and the bits of its reads that say nothing when two sessions are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Volatile {
    /// The address, as [`lookup`](crate::lookup()) knows it: non-secure.
    pub address: u32,
    /// The bits.
    pub mask: u32,
}

/// Sticky bits that a read clears, and those of a core that runs meanwhile.
const DHCSR_MOMENT: u32 =
    dhcsr::S_RETIRE_ST | dhcsr::S_RESET_ST | dhcsr::S_RESTART_ST | dhcsr::S_SLEEP | dhcsr::S_REGRDY;

const fn volatile(address: u32, mask: u32) -> Volatile {
    Volatile { address, mask }
}

/// All of them, sorted by address.
pub const VOLATILE: [Volatile; 5] = [
    volatile(flash::BASE + flash::NSSR, flash::sr::BUSY),
    volatile(flash::BASE + flash::SECSR, flash::sr::BUSY),
    volatile(m33::DWT_CYCCNT, u32::MAX),
    volatile(m33::DWT_PCSR, u32::MAX),
    volatile(m33::DHCSR, DHCSR_MOMENT),
];

/// The bits of a read at this non-secure address that say nothing.
#[must_use]
pub fn mask(address: u32) -> u32 {
    VOLATILE.iter().find(|v| v.address == address).map_or(0, |v| v.mask)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_register_has_a_name_and_the_table_is_sorted() {
        assert!(VOLATILE.windows(2).all(|pair| pair[0].address < pair[1].address));
        for Volatile { address, mask } in VOLATILE {
            assert!(crate::lookup(address).is_some() && mask != 0, "{address:#010x}");
        }
    }

    #[test]
    fn a_counter_says_nothing_and_an_option_byte_says_all() {
        assert_eq!(mask(m33::DWT_CYCCNT), u32::MAX);
        assert_eq!(mask(flash::BASE + flash::OPTSR_CUR), 0);
        assert_eq!(mask(m33::DHCSR) & dhcsr::S_HALT, 0);
    }
}

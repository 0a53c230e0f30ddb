//! Numbers that carry their unit.

use std::fmt;

/// A frequency in hertz.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hz(pub u32);

impl Hz {
    /// A frequency given in kilohertz.
    pub const fn khz(khz: u32) -> Self {
        Hz(khz.saturating_mul(1000))
    }

    /// How long `clocks` cycles take, in nanoseconds, rounded up. A frequency of 0 counts as 1 Hz.
    pub const fn nanos(self, clocks: u64) -> u64 {
        let hz = if self.0 == 0 { 1 } else { self.0 as u64 };
        clocks.saturating_mul(1_000_000_000).div_ceil(hz)
    }
}

impl fmt::Display for Hz {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            n if n >= 1_000_000 && n % 100_000 == 0 => write!(f, "{} MHz", f64::from(n) / 1e6),
            n if n >= 1000 => write!(f, "{} kHz", f64::from(n) / 1e3),
            n => write!(f, "{n} Hz"),
        }
    }
}

/// The number of an access port (APSEL, ADIv5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ApSel(pub u8);

impl fmt::Display for ApSel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AP{}", self.0)
    }
}

/// An address on the bus behind a MEM-AP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Addr(pub u32);

impl Addr {
    /// The address `bytes` further on, wrapping at the end of the 32-bit space.
    #[must_use]
    pub const fn plus(self, bytes: u32) -> Self {
        Addr(self.0.wrapping_add(bytes))
    }
}

impl fmt::Display for Addr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{:04X}_{:04X}", self.0 >> 16, self.0 & 0xFFFF)
    }
}

impl fmt::LowerHex for Addr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::LowerHex::fmt(&self.0, f)
    }
}

/// The width of one memory access.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Width {
    /// 8 bits.
    Byte,
    /// 16 bits.
    Half,
    /// 32 bits.
    Word,
}

impl Width {
    /// Bytes per access: 1, 2 or 4.
    pub const fn bytes(self) -> u32 {
        match self {
            Width::Byte => 1,
            Width::Half => 2,
            Width::Word => 4,
        }
    }

    /// The bits of a 32-bit value that an access of this width carries.
    pub const fn mask(self) -> u32 {
        match self {
            Width::Byte => 0xFF,
            Width::Half => 0xFFFF,
            Width::Word => 0xFFFF_FFFF,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_prints_with_its_full_width() {
        assert_eq!(Addr(0x4002_2020).to_string(), "0x4002_2020");
        assert_eq!(Addr(0x10).to_string(), "0x0000_0010");
    }

    #[test]
    fn clocks_become_nanoseconds_rounded_up() {
        assert_eq!(Hz::khz(4000).nanos(46), 11_500);
        assert_eq!(Hz(3_000_000).nanos(1), 334);
        assert_eq!(Hz(0).nanos(1), 1_000_000_000);
    }

    #[test]
    fn frequencies_print_in_the_unit_a_person_uses() {
        assert_eq!(Hz(4_000_000).to_string(), "4 MHz");
        assert_eq!(Hz(950_000).to_string(), "950 kHz");
        assert_eq!(Hz(100).to_string(), "100 Hz");
    }
}

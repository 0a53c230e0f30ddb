//! What a credential permits. [H5-DA-8]

use regs::h5::da::permission::{FULL_REGRESSION, NAMES};
use std::fmt;

/// A permission mask of 16 bytes, little-endian. Bits without a name are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Permissions(pub u128);

impl Permissions {
    /// Back to OPEN with everything erased is permitted.
    pub fn full_regression(self) -> bool {
        self.has(FULL_REGRESSION)
    }

    /// All bits of `bits` are permitted.
    pub fn has(self, bits: u32) -> bool {
        self.0 & u128::from(bits) == u128::from(bits)
    }

    /// The names of what is permitted.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        NAMES.iter().filter(move |(bit, _)| self.has(*bit)).map(|(_, name)| *name)
    }
}

impl fmt::Display for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.names().collect();
        let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        write!(f, "0x{:04X}: {names}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn st_s_default_mask_permits_full_regression_and_says_so() {
        let default = Permissions(0x5077);
        assert!(default.full_regression());
        assert_eq!(default.names().count(), 8);
        assert!(default.to_string().starts_with("0x5077: Full Regression"), "{default}");
        assert!(!Permissions(0x1077).full_regression());
        assert_eq!(Permissions(0).to_string(), "0x0000: none");
    }
}

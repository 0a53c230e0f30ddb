//! What a credential permits. [H5-DA-8]

use regs::h5::da::permission::{
    FULL_REGRESSION, LEVEL1_INTRUSIVE_DEBUG, LEVEL1_NON_SECURE_DEBUG, LEVEL2_INTRUSIVE_DEBUG,
    LEVEL2_NON_SECURE_DEBUG, LEVEL3_INTRUSIVE_DEBUG, LEVEL3_NON_SECURE_DEBUG, NAMES, TO_TZ_REGRESSION,
};
use std::fmt;
use std::ops::BitAnd;

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

impl BitAnd for Permissions {
    type Output = Permissions;

    /// What both permit.
    fn bitand(self, other: Permissions) -> Permissions {
        Permissions(self.0 & other.0)
    }
}

impl fmt::Display for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.names().collect();
        let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        write!(f, "0x{:04X}: {names}", self.0)
    }
}

/// One thing that can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Permission {
    bit: u32,
    word: &'static str,
    /// The level from which debug is open; `None` for a regression.
    level: Option<u8>,
}

/// The eight of them.
const ALL: [Permission; 8] = [
    Permission::FULL_REGRESSION,
    Permission::TZ_REGRESSION,
    Permission { bit: LEVEL3_INTRUSIVE_DEBUG, word: "debug-l3", level: Some(3) },
    Permission { bit: LEVEL2_INTRUSIVE_DEBUG, word: "debug-l2", level: Some(2) },
    Permission { bit: LEVEL1_INTRUSIVE_DEBUG, word: "debug-l1", level: Some(1) },
    Permission { bit: LEVEL3_NON_SECURE_DEBUG, word: "debug-ns-l3", level: Some(3) },
    Permission { bit: LEVEL2_NON_SECURE_DEBUG, word: "debug-ns-l2", level: Some(2) },
    Permission { bit: LEVEL1_NON_SECURE_DEBUG, word: "debug-ns-l1", level: Some(1) },
];

impl Permission {
    /// Back to OPEN, everything erased.
    pub const FULL_REGRESSION: Permission =
        Permission { bit: FULL_REGRESSION, word: "full-regression", level: None };
    /// Back to TZ-CLOSED, what is non-secure erased.
    pub const TZ_REGRESSION: Permission =
        Permission { bit: TO_TZ_REGRESSION, word: "tz-regression", level: None };

    /// Those that open debug.
    pub fn debug() -> impl Iterator<Item = Permission> {
        ALL.into_iter().filter(|p| p.level.is_some())
    }

    /// By the word that people type.
    pub fn from_word(word: &str) -> Option<Permission> {
        ALL.into_iter().find(|p| p.word == word)
    }

    /// The word that people type.
    pub const fn word(self) -> &'static str {
        self.word
    }

    /// From which level debug is open; `None` for a regression.
    pub const fn level(self) -> Option<u8> {
        self.level
    }

    /// The mask of this alone.
    pub fn mask(self) -> Permissions {
        Permissions(u128::from(self.bit))
    }

    /// The mask permits it.
    pub fn is_in(self, mask: Permissions) -> bool {
        mask.has(self.bit)
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = NAMES.iter().find(|(bit, _)| *bit == self.bit).map_or(self.word, |(_, name)| *name);
        write!(f, "{name} (0x{:04X})", self.bit)
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

    #[test]
    fn each_named_bit_has_one_word_and_the_words_read_back() {
        let bits: Vec<_> = ALL.iter().map(|p| p.bit).collect();
        assert_eq!(bits, NAMES.iter().map(|(bit, _)| *bit).collect::<Vec<_>>());
        for permission in ALL {
            assert_eq!(Permission::from_word(permission.word()), Some(permission));
            assert!(permission.is_in(Permissions(0x5077)) && !permission.is_in(Permissions(0)));
        }
        assert_eq!(Permission::debug().count(), 6);
        assert_eq!(
            Permission::from_word("debug-l3").unwrap().to_string(),
            "Level 3 Intrusive Debug (0x0040)"
        );
    }

    #[test]
    fn what_two_masks_permit_together_is_what_both_permit() {
        assert_eq!(Permissions(0x5077) & Permissions(0x4040), Permissions(0x4040));
    }
}

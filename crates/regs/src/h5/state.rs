//! Product states and the moves between them. [H5-STATE-1] [H5-STATE-2]

use core::fmt;

/// A product state code as OPTSR holds it. Any byte is kept; only eight of them have names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ProductState(pub u8);

impl ProductState {
    /// Everything is open.
    pub const OPEN: Self = Self(0xED);
    /// User code does not run; keys can be provisioned. [H5-STATE-3]
    pub const PROVISIONING: Self = Self(0x17);
    /// Keys are there, user code runs; with TrustZone the root of trust is closed. (PROVISIONED without TrustZone.)
    pub const IROT_PROVISIONED: Self = Self(0x2E);
    /// Only with TrustZone: non-secure debug stays open.
    pub const TZ_CLOSED: Self = Self(0xC6);
    /// No debug; a credential brings it back.
    pub const CLOSED: Self = Self(0x72);
    /// No debug, for ever.
    pub const LOCKED: Self = Self(0x5C);
    /// On its way back to OPEN. Transient.
    pub const REGRESSION: Self = Self(0x9A);
    /// On its way back to TZ-CLOSED. Transient.
    pub const NS_REGRESSION: Self = Self(0xA3);

    /// All named states.
    pub const ALL: [Self; 8] = [
        Self::OPEN,
        Self::PROVISIONING,
        Self::IROT_PROVISIONED,
        Self::TZ_CLOSED,
        Self::CLOSED,
        Self::LOCKED,
        Self::REGRESSION,
        Self::NS_REGRESSION,
    ];

    /// The specification's name, `None` for a byte that is no state.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        NAMES.iter().find(|(code, _)| *code == u32::from(self.0)).map(|(_, name)| *name)
    }

    /// The state called `name` (letter case does not matter, `_` and `-` are the same).
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| {
            s.name().is_some_and(|n| n.replace('-', "_").eq_ignore_ascii_case(&name.replace('-', "_")))
        })
    }

    /// The byte is one of the eight codes. Right after reset other bytes can be read. [H5-STATE-9]
    #[must_use]
    pub fn is_known(self) -> bool {
        self.name().is_some()
    }

    /// The state in a value of OPTSR.
    #[must_use]
    pub const fn from_optsr(optsr: u32) -> Self {
        Self(((optsr & super::option::PRODUCT_STATE) >> super::option::PRODUCT_STATE_SHIFT) as u8)
    }

    /// Debug of the core, or of its secure half, is shut in this state, and the part boots as BOOT_UBE says. [H5-STATE-5]
    #[must_use]
    pub const fn shuts(self) -> bool {
        !matches!(self, Self::OPEN | Self::PROVISIONING)
    }

    /// No way back by any tool. [H5-STATE-2]
    #[must_use]
    pub const fn is_final(self) -> bool {
        self.0 == Self::LOCKED.0
    }
}

impl fmt::Display for ProductState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{name} (0x{:02X})", self.0),
            None => write!(f, "unknown (0x{:02X})", self.0),
        }
    }
}

/// Names of the codes.
pub const NAMES: &[(u32, &str)] = &[
    (ProductState::OPEN.0 as u32, "OPEN"),
    (ProductState::PROVISIONING.0 as u32, "PROVISIONING"),
    (ProductState::IROT_PROVISIONED.0 as u32, "IROT-PROVISIONED"),
    (ProductState::TZ_CLOSED.0 as u32, "TZ-CLOSED"),
    (ProductState::CLOSED.0 as u32, "CLOSED"),
    (ProductState::LOCKED.0 as u32, "LOCKED"),
    (ProductState::REGRESSION.0 as u32, "REGRESSION"),
    (ProductState::NS_REGRESSION.0 as u32, "NS-REGRESSION"),
];

/// Who makes a move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum How {
    /// A tool changes the option byte.
    OptionByte,
    /// Debug authentication: the ROM erases and goes back.
    Regression,
    /// Code on the part changes the option byte.
    Firmware,
}

/// A move between product states that is known to work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Move {
    /// From.
    pub from: ProductState,
    /// To.
    pub to: ProductState,
    /// Who makes it.
    pub how: How,
    /// What TZEN must be: `Some(true)` on, `Some(false)` off, `None` either.
    pub trust_zone: Option<bool>,
    /// Id of the note.
    pub note: &'static str,
}

const fn by(how: How, from: ProductState, to: ProductState, trust_zone: Option<bool>) -> Move {
    Move { from, to, how, trust_zone, note: "H5-STATE-2" }
}

/// Every move that is known to work; what is not here is refused.
pub static MOVES: &[Move] = &[
    by(How::OptionByte, ProductState::OPEN, ProductState::PROVISIONING, None),
    by(How::OptionByte, ProductState::PROVISIONING, ProductState::IROT_PROVISIONED, None),
    by(How::OptionByte, ProductState::PROVISIONING, ProductState::TZ_CLOSED, Some(true)),
    by(How::OptionByte, ProductState::PROVISIONING, ProductState::CLOSED, None),
    by(How::OptionByte, ProductState::PROVISIONING, ProductState::LOCKED, None),
    by(How::Firmware, ProductState::OPEN, ProductState::IROT_PROVISIONED, None),
    by(How::Firmware, ProductState::IROT_PROVISIONED, ProductState::CLOSED, None),
    by(How::Firmware, ProductState::IROT_PROVISIONED, ProductState::REGRESSION, None),
    by(How::Firmware, ProductState::CLOSED, ProductState::REGRESSION, None),
    by(How::Regression, ProductState::PROVISIONING, ProductState::OPEN, None),
    by(How::Regression, ProductState::IROT_PROVISIONED, ProductState::OPEN, None),
    by(How::Regression, ProductState::TZ_CLOSED, ProductState::OPEN, Some(true)),
    by(How::Regression, ProductState::CLOSED, ProductState::OPEN, None),
    by(How::Regression, ProductState::CLOSED, ProductState::TZ_CLOSED, Some(true)),
    by(How::Regression, ProductState::REGRESSION, ProductState::OPEN, None),
    by(How::Regression, ProductState::NS_REGRESSION, ProductState::TZ_CLOSED, Some(true)),
];

/// The move `from` -> `to` made by `how` with TrustZone on or off, if it is known to work.
#[must_use]
pub fn legal_move(from: ProductState, to: ProductState, how: How, trust_zone: bool) -> Option<&'static Move> {
    MOVES.iter().find(|m| {
        m.from == from && m.to == to && m.how == how && m.trust_zone.is_none_or(|needed| needed == trust_zone)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ON: bool = true;
    const OFF: bool = false;

    #[test]
    fn every_state_has_a_name_and_reads_back_from_it() {
        for state in ProductState::ALL {
            let name = state.name().expect("a name");
            assert_eq!(ProductState::from_name(name), Some(state));
            assert_eq!(ProductState::from_name(&name.to_lowercase().replace('-', "_")), Some(state));
        }
        assert_eq!(NAMES.len(), ProductState::ALL.len());
    }

    #[test]
    fn an_unknown_code_is_kept_and_shown() {
        let state = ProductState::from_optsr(0x0000_5500);
        assert_eq!(state, ProductState(0x55));
        assert!(!state.is_known());
        assert_eq!(state.to_string(), "unknown (0x55)");
        assert_eq!(ProductState::CLOSED.to_string(), "CLOSED (0x72)");
    }

    #[test]
    fn the_factory_option_word_is_open() {
        assert_eq!(ProductState::from_optsr(crate::h5::option::OPTSR_H563_FACTORY), ProductState::OPEN);
    }

    #[test]
    fn codes_differ_in_at_least_four_bits() {
        for (n, a) in ProductState::ALL.iter().enumerate() {
            for b in &ProductState::ALL[n + 1..] {
                assert!((a.0 ^ b.0).count_ones() >= 4, "{a} and {b}");
            }
        }
    }

    #[test]
    fn the_way_of_production_is_legal_with_and_without_trustzone() {
        for tz in [ON, OFF] {
            let step = |from, to| legal_move(from, to, How::OptionByte, tz).is_some();
            assert!(step(ProductState::OPEN, ProductState::PROVISIONING));
            assert!(step(ProductState::PROVISIONING, ProductState::CLOSED));
            assert!(legal_move(ProductState::CLOSED, ProductState::OPEN, How::Regression, tz).is_some());
        }
    }

    #[test]
    fn what_was_seen_to_fail_is_not_legal() {
        let step = |from, to| legal_move(from, to, How::OptionByte, OFF).is_some();
        assert!(!step(ProductState::PROVISIONING, ProductState::OPEN));
        assert!(!step(ProductState::OPEN, ProductState::CLOSED));
        assert!(!step(ProductState::OPEN, ProductState::TZ_CLOSED));
    }

    #[test]
    fn tz_closed_needs_trustzone() {
        let step = |tz| {
            legal_move(ProductState::PROVISIONING, ProductState::TZ_CLOSED, How::OptionByte, tz).is_some()
        };
        assert!(step(ON));
        assert!(!step(OFF));
    }

    #[test]
    fn only_open_and_provisioning_leave_the_part_open() {
        let open: Vec<_> = ProductState::ALL.into_iter().filter(|s| !s.shuts()).collect();
        assert_eq!(open, [ProductState::OPEN, ProductState::PROVISIONING]);
        assert!(ProductState(0x55).shuts(), "what has no name is not trusted");
    }

    #[test]
    fn nothing_leaves_locked() {
        assert!(MOVES.iter().all(|m| m.from != ProductState::LOCKED));
        assert!(ProductState::LOCKED.is_final());
        assert!(!ProductState::CLOSED.is_final());
    }
}

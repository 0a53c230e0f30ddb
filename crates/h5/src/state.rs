//! Product state: reading it, moving it, and what a reset interrupted. [H5-STATE-1] [H5-STATE-2]

use crate::identity::read_state;
use crate::lock::Lock;
use crate::options::{OptionBytes, OptionChange, OptionReport};
use crate::{H5Error, Part, ProductState, Tzen};
use regs::h5::flash;
use regs::h5::opsr::{self, Opsr};
use regs::h5::state::{How, MOVES, legal_move};
use std::fmt;

/// A flash operation that a reset or a loss of power cut short. [H5-FLASH-8]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interrupted {
    /// FLASH_OPSR.
    pub opsr: Opsr,
}

impl Interrupted {
    /// The selectors of option bytes or OBK must be repaired before anything else:
    /// [`Part::recover_selectors`]. [H5-OB-5] [H5-OBK-12]
    pub fn needs_recovery(&self) -> bool {
        self.opsr.needs_recovery()
    }
}

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a reset interrupted this: FLASH_OPSR {}", self.opsr)
    }
}

impl Part<'_> {
    /// Reads the product state: two readings that agree and are legal.
    ///
    /// # Errors
    /// [`H5Error::UnstableState`], [`H5Error::Adi`].
    pub fn state(&mut self) -> Result<ProductState, H5Error> {
        let (state, tzen) = read_state(self.adi, self.ap, self.identity.device)?;
        self.identity.state = state;
        self.identity.tzen = tzen;
        Ok(state)
    }

    /// Moves the product state by its option byte. The state is read first; the move must stand in the table.
    ///
    /// # Errors
    /// [`H5Error::IllegalMove`], [`H5Error::FamilyUnnamed`] before anything is written, else as [`Part::change_options`].
    pub fn change_state(&mut self, to: ProductState) -> Result<OptionReport, H5Error> {
        self.state()?;
        let change = OptionChange::new(self.identity.device.family, "PRODUCT_STATE", u32::from(to.0))?;
        self.change_options(&[change])
    }

    /// Whether the state may be moved there by its option byte. Nothing is written.
    ///
    /// # Errors
    /// [`H5Error::IllegalMove`], [`H5Error::FamilyUnnamed`], [`H5Error::Adi`].
    pub fn may_move(&mut self, to: ProductState) -> Result<(), H5Error> {
        self.state()?;
        let options = self.options()?;
        self.check_move(&options, to)
    }

    /// Whether the option bytes allow the move. What shuts the part needs to know which part it is.
    pub(crate) fn check_move(&mut self, options: &OptionBytes, to: ProductState) -> Result<(), H5Error> {
        let now = |name: &str| options.get(name).map(|v| v.cur);
        let from =
            now("PRODUCT_STATE").map_or(self.identity.state, |code| ProductState(code.to_le_bytes()[0]));
        let trust_zone = self.identity.tzen == Tzen::On;
        let refuse = |why: String, instead: String| Err(H5Error::IllegalMove { from, to, why, instead });
        if !from.is_known() {
            return refuse(
                "the state it is in is no state".to_owned(),
                "reset the part and read again".to_owned(),
            );
        }
        if legal_move(from, to, How::OptionByte, trust_zone).is_none() {
            let (why, instead) = why_not(from, to, trust_zone);
            return refuse(why, instead);
        }
        if !to.shuts() {
            return self.check_place(options);
        }
        self.identity.must_be_named()?;
        // Nothing can be read of ST-iRoT's data, so this is refused whether it is there or not. [H5-STATE-8]
        if options.boots_st_irot() {
            return refuse(
                "BOOT_UBE selects ST-iRoT, and without its data a closed part is dead".to_owned(),
                "set BOOT_UBE to OEM-iRoT first".to_owned(),
            );
        }
        Ok(())
    }

    /// Reads FLASH_OPSR: which operation the last reset cut short, if any.
    ///
    /// # Errors
    /// [`H5Error::Adi`].
    pub fn interrupted(&mut self) -> Result<Option<Interrupted>, H5Error> {
        let opsr = Opsr(self.read_reg(self.reg(flash::OPSR))?);
        Ok((opsr.code() != opsr::NONE).then_some(Interrupted { opsr }))
    }

    /// Repairs the selectors after an interrupted option change or OBK swap, as ST's own boot code does: both locks open,
    /// OPTSTRT with `_PRG` untouched, wait, lock. [H5-OB-5]
    ///
    /// # Errors
    /// As [`Part::change_options`].
    pub fn recover_selectors(&mut self) -> Result<(), H5Error> {
        self.note("repair the selectors: OPTSTRT with _PRG untouched");
        self.make_ready_for_options("before the repair of the selectors")?;
        self.with_unlocked(&[Lock::Flash, Lock::Option], |part| part.start_option_change(&[]))?;
        self.under_way = false;
        Ok(())
    }
}

/// Why a move is not in the table, and what leads there.
fn why_not(from: ProductState, to: ProductState, trust_zone: bool) -> (String, String) {
    if from.is_final() {
        return (format!("{from} is for ever"), "nothing: this part cannot change any more".to_owned());
    }
    let others = MOVES.iter().filter(|m| m.from == from && m.to == to);
    for other in others {
        match other.how {
            How::OptionByte => {
                let on = if trust_zone { "on" } else { "off" };
                return (
                    format!("not while TrustZone is {on}"),
                    "another state, or set TZEN first".to_owned(),
                );
            }
            How::Regression => {
                return (
                    "an option byte cannot undo it; only debug authentication can".to_owned(),
                    "`h5-provision regress --password-file FILE --probe ...`".to_owned(),
                );
            }
            How::Firmware => {}
        }
    }
    let next: Vec<_> = MOVES
        .iter()
        .filter(|m| {
            m.from == from && m.how == How::OptionByte && m.trust_zone.is_none_or(|t| t == trust_zone)
        })
        .map(|m| m.to.to_string())
        .collect();
    let instead = if next.is_empty() {
        "`h5-provision regress ...` leads back to OPEN".to_owned()
    } else {
        format!("from here an option byte leads to: {}", next.join(", "))
    };
    ("an option byte cannot make this move".to_owned(), instead)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_to_closed_names_the_way_through_provisioning() {
        let (why, instead) = why_not(ProductState::OPEN, ProductState::CLOSED, false);
        assert!(why.contains("cannot"), "{why}");
        assert!(instead.contains("PROVISIONING"), "{instead}");
    }

    #[test]
    fn the_way_back_is_regression() {
        let (why, instead) = why_not(ProductState::PROVISIONING, ProductState::OPEN, false);
        assert!(why.contains("debug authentication") && instead.contains("regress"), "{why} {instead}");
    }

    #[test]
    fn tz_closed_needs_trust_zone_and_locked_is_for_ever() {
        let (why, _) = why_not(ProductState::PROVISIONING, ProductState::TZ_CLOSED, false);
        assert!(why.contains("TrustZone is off"), "{why}");
        let (why, _) = why_not(ProductState::LOCKED, ProductState::OPEN, false);
        assert!(why.contains("for ever"), "{why}");
    }

    #[test]
    fn only_option_changes_and_swaps_need_a_repair() {
        let code = |code: u32| Interrupted { opsr: Opsr(code << 29) };
        assert!(code(opsr::OPTION_CHANGE).needs_recovery() && code(opsr::OBK_SWAP).needs_recovery());
        assert!(!code(opsr::SECTOR_ERASE).needs_recovery());
        assert!(code(opsr::OBK_SWAP).to_string().contains("OBK swap"));
    }
}

//! What can never be taken back is done only where somebody named it.

use crate::cli::part::Consent;
use crate::trouble::Trouble;
use provision::Exit;
use regs::h5::flash::optcr;
use regs::h5::{flash, memory};
use wire::Addr;

/// What starts an option change.
const START: u32 = flash::BASE + flash::OPTCR;

impl Consent {
    /// A raw write must not do by itself what has a command of its own, and consent, for a reason: start an option change, or
    /// burn OTP.
    pub(crate) fn raw(&self, at: Addr, bytes: &[u8]) -> Result<(), Trouble> {
        let places = (memory::non_secure(at.0)..).zip(bytes);
        for (place, byte) in places {
            let bits =
                place.checked_sub(START).and_then(|i| optcr::OPTSTRT.to_le_bytes().get(i as usize).copied());
            if bits.is_some_and(|bits| byte & bits != 0) {
                self.needed(
                    "OPTSTRT",
                    "it starts what stands in the _PRG registers, LOCKED and locks included",
                )?;
            }
            if (memory::OTP..memory::OTP + memory::OTP_LEN).contains(&place) {
                self.needed("OTP", "a half-word of OTP is written once, for ever")?;
            }
        }
        Ok(())
    }

    /// An error unless `name` was agreed to.
    pub(crate) fn needed(&self, name: &str, why: &str) -> Result<(), Trouble> {
        if self.accept_irreversible.iter().any(|accepted| accepted.eq_ignore_ascii_case(name)) {
            return Ok(());
        }
        Err(Trouble::new(Exit::Confirm, format!("{name}: {why}; nothing was written"))
            .next(format!("if that is what you want: the same command with `--accept-irreversible={name}`")))
    }
}

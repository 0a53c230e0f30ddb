//! What can never be taken back is done only where somebody named it.

use crate::cli::part::Consent;
use crate::trouble::Trouble;
use provision::Exit;

impl Consent {
    /// An error unless `name` was agreed to.
    pub(crate) fn needed(&self, name: &str, why: &str) -> Result<(), Trouble> {
        if self.accept_irreversible.iter().any(|accepted| accepted.eq_ignore_ascii_case(name)) {
            return Ok(());
        }
        Err(Trouble::new(Exit::Confirm, format!("{name}: {why}; nothing was written"))
            .next(format!("if that is what you want: the same command with `--accept-irreversible={name}`")))
    }
}

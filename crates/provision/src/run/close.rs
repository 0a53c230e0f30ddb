//! The gate, the step to CLOSED, and its proof.

use super::{Engine, GateProof, ObkWritten};
use crate::Step;
use crate::edge::StopReason;
use crate::error::RunError;
use crate::journal::Event;
use crate::target::CredentialKind;
use crate::text::hex;
use regs::h5::state::ProductState;

impl Engine<'_> {
    /// Discovery must vouch for the credential now, in this session, for this part.
    pub(super) fn gate(&mut self) -> Result<(GateProof, String), RunError> {
        self.check()?;
        let policy = self.job.policy_of(Step::Discover);
        self.reset(self.job.reset_before(Step::Discover))?;
        let said = self.discover(&policy)?;
        said.may_be_closed(CredentialKind::Password).map_err(RunError::Gate)?;
        self.log(Event::GatePassed { soc_id: hex(&said.soc_id) })?;
        self.reset(self.job.reset_after(Step::Discover))?;
        Ok((GateProof(()), said.to_string()))
    }

    /// To CLOSED. The proofs are used up.
    pub(super) fn close(&mut self, written: ObkWritten, proof: GateProof) -> Result<((), String), RunError> {
        let (ObkWritten(()), GateProof(())) = (written, proof);
        let package = self.package();
        let question =
            format!("The part will be CLOSED: from then on only the password opens it.{package} Go on?");
        self.confirm(&question)?;
        self.enter(Step::Close)?;
        let to = ProductState::CLOSED;
        let changed = self.move_state(to)?;
        self.reset(self.job.reset_after(Step::Close))?;
        let seen = if changed.read_back { "read back" } else { "the access port shut at once" };
        Ok(((), format!("{to} written, {seen}")))
    }

    /// Discovery reports CLOSED, and the access port is shut. What the option bytes say does not count here: the link may
    /// drop with the last write. [H5-STATE-5]
    pub(super) fn prove(&mut self) -> Result<((), String), RunError> {
        let how = self.how(Step::Discover);
        let said = self.discover(&how.policy)?;
        let wanted = ProductState::CLOSED;
        if said.lifecycle != Some(wanted) {
            return Err(RunError::NotProven { step: Step::Close, wanted, found: said.lifecycle });
        }
        if !said.integrity_is_good() {
            return Err(RunError::Stop(StopReason::NoCredential));
        }
        if self.target.look(&how)? {
            return Err(RunError::PortStillOpen);
        }
        self.log(Event::ClosedProven { content: self.sealed(self.goods.content()) })?;
        Ok(((), format!("{said}; {} is shut", how.ap)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::Vouched;
    use regs::h5::da::value::{INTEGRITY_BAD, INTEGRITY_OK};

    fn good() -> Vouched {
        Vouched {
            soc_id: [1; 16],
            dev_id: Some(0x484),
            lifecycle: Some(ProductState::PROVISIONING),
            integrity: Some(INTEGRITY_OK),
            permissions: 1 << 14,
            takes_password: Some(true),
        }
    }

    fn refused(said: &Vouched) -> String {
        said.may_be_closed(CredentialKind::Password).unwrap_err()
    }

    #[test]
    fn the_gate_wants_integrity_full_regression_and_provisioning() {
        assert_eq!(good().may_be_closed(CredentialKind::Password), Ok(()));
        assert!(refused(&Vouched { integrity: Some(INTEGRITY_BAD), ..good() }).contains("not whole"));
        assert!(refused(&Vouched { integrity: None, ..good() }).contains("not whole"));
        assert!(refused(&Vouched { permissions: 0x1077, ..good() }).contains("no way back"));
        for lifecycle in [None, Some(ProductState::OPEN)] {
            assert!(refused(&Vouched { lifecycle, ..good() }).contains("not in PROVISIONING"));
        }
    }

    #[test]
    fn the_gate_wants_the_kind_of_credential_that_the_part_says_it_takes() {
        let takes = |takes_password| Vouched { takes_password, ..good() };
        assert!(
            refused(&takes(Some(false))).contains("the part takes certificates, and a password would not")
        );
        assert_eq!(takes(Some(false)).may_be_closed(CredentialKind::Certificate), Ok(()));
        assert!(takes(Some(true)).may_be_closed(CredentialKind::Certificate).is_err());
        assert_eq!(takes(None).may_be_closed(CredentialKind::Certificate), Ok(()), "it does not say");
    }
}

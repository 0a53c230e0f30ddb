//! What is wrong with a provisioning file, found before a part is closed with it.
//! [H5-OBK-2] [H5-OBK-3] [H5-OBK-11] [H5-STATE-7]

use super::{Credential, ObkFile};
use crate::Tzen;
use regs::h5::device::Family;
use regs::h5::memory::{OBK_LEN, OBK_S};
use regs::h5::obk::{DA_FILE_LEN, header, payload};
use std::fmt;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing.
    Warn,
    /// Must not go into a part.
    Refuse,
}

/// The rules. Each refusal names one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ObkRule {
    /// Lengths: too short, header and payload disagree, or no debug-authentication payload has that size.
    WrongSize,
    /// A header word or a reserved field has a value that no file of ST has.
    Header,
    /// The destination is outside OBK, none that is known, or the family has no OBK.
    Destination,
    /// The integrity hash at the head of the payload does not fit the payload.
    Integrity,
    /// The credential is not the hash of the password that the job will need later.
    PasswordMismatch,
    /// The credential is not the hash of the root key that the certificates begin with.
    RootKeyMismatch,
    /// DoEncryption does not fit the family.
    DoEncryption,
    /// The kind of credential does not fit TrustZone: passwords need it off, certificates need it on.
    TrustZone,
    /// A credential that everybody has.
    PublicSample,
    /// The permissions do not allow the way back to OPEN.
    Permissions,
}

impl ObkRule {
    /// The word used in reports.
    pub const fn word(self) -> &'static str {
        match self {
            ObkRule::WrongSize => "wrong-size",
            ObkRule::Header => "header",
            ObkRule::Destination => "destination",
            ObkRule::Integrity => "integrity",
            ObkRule::PasswordMismatch => "password-mismatch",
            ObkRule::RootKeyMismatch => "root-key-mismatch",
            ObkRule::DoEncryption => "do-encryption",
            ObkRule::TrustZone => "trust-zone",
            ObkRule::PublicSample => "public-sample",
            ObkRule::Permissions => "permissions",
        }
    }
}

impl fmt::Display for ObkRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// One thing found. Never holds a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How bad.
    pub severity: Severity,
    /// Which rule.
    pub rule: ObkRule,
    /// For a person.
    pub text: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = if self.severity == Severity::Refuse { "refused" } else { "warning" };
        write!(f, "{word} ({}): {}", self.rule, self.text)
    }
}

/// What the file is judged against.
#[derive(Debug, Clone, Copy)]
pub struct LintContext<'c> {
    /// The family it is for.
    pub family: Family,
    /// TrustZone of the part, as it will be when the part is closed.
    pub tzen: Tzen,
    /// What will be needed later, if it is at hand.
    pub credential: Option<Credential<'c>>,
    /// Parts that leave the house.
    pub production: bool,
}

impl ObkFile {
    /// Everything that is wrong with the file for this part, worst first. Nothing to refuse means: as far as anybody can
    /// tell from outside, this file opens the part again.
    pub fn lint(&self, ctx: &LintContext<'_>) -> Vec<Finding> {
        let mut findings: Vec<_> = [
            self.lint_destination(ctx),
            self.lint_size(),
            self.lint_encryption(ctx),
            self.lint_integrity(),
            self.lint_credential(ctx),
            self.lint_trust_zone(ctx),
            self.lint_sample(ctx),
            self.lint_permissions(),
            self.lint_reserved(),
        ]
        .into_iter()
        .flatten()
        .collect();
        findings.sort_by_key(|f| std::cmp::Reverse(f.severity));
        findings
    }

    fn lint_destination(&self, ctx: &LintContext<'_>) -> Option<Finding> {
        let at = self.destination();
        if ctx.family.device().map.obk.is_empty() {
            let text = format!("{} has no OBK: its credential is programmed into OTP", ctx.family);
            return refuse(ObkRule::Destination, text);
        }
        let end = u64::from(at.0) + u64::try_from(self.payload_len()).unwrap_or(u64::MAX);
        if at.0 < OBK_S || end > u64::from(OBK_S + OBK_LEN) {
            return refuse(ObkRule::Destination, format!("destination {at} is outside OBK"));
        }
        if self.known_destination().is_none() {
            return refuse(ObkRule::Destination, format!("destination {at} is none that is known"));
        }
        None
    }

    fn lint_size(&self) -> Option<Finding> {
        let known = self.known_destination()?;
        let len = self.payload_len();
        if Ok(len) == usize::try_from(known.len) {
            return None;
        }
        let file = header::LEN + len;
        let mut text = format!("{} takes {} bytes of payload, this file has {len}", known.name, known.len);
        if self.is_debug_authentication() {
            text = format!(
                "a debug-authentication file has {DA_FILE_LEN} bytes, this one has {file} (wrong size)"
            );
        }
        refuse(ObkRule::WrongSize, text)
    }

    fn lint_encryption(&self, ctx: &LintContext<'_>) -> Option<Finding> {
        let flag = self.do_encryption();
        if flag > 1 {
            return refuse(ObkRule::Header, format!("DoEncryption is 0x{flag:X}, neither 0 nor 1"));
        }
        let family = ctx.family;
        match family.device().do_encryption {
            Some(needed) if self.is_debug_authentication() && needed != (flag == 1) => refuse(
                ObkRule::DoEncryption,
                format!(
                    "DoEncryption is {flag}, and {family} needs {}: the part would close and never open again",
                    u32::from(needed)
                ),
            ),
            None if self.is_debug_authentication() => {
                warn(ObkRule::DoEncryption, format!("which DoEncryption {family} needs is not known"))
            }
            // Other files of ST carry 0 on crypto parts too, so only the odd one out is worth a word.
            Some(false) if flag == 1 => {
                warn(ObkRule::DoEncryption, format!("DoEncryption is 1, and {family} cannot encrypt"))
            }
            _ => None,
        }
    }

    fn lint_integrity(&self) -> Option<Finding> {
        let known = self.known_destination()?;
        if !known.integrity || self.integrity_holds() != Some(false) {
            return None;
        }
        refuse(ObkRule::Integrity, "the integrity hash at the head of the payload is wrong".to_owned())
    }

    fn lint_credential(&self, ctx: &LintContext<'_>) -> Option<Finding> {
        let credential = ctx.credential?;
        self.credential()?;
        if self.matches(credential) {
            return None;
        }
        let (rule, what) = match credential {
            Credential::Password(_) => (ObkRule::PasswordMismatch, "this password"),
            Credential::RootKey(_) => (ObkRule::RootKeyMismatch, "this root key"),
        };
        refuse(
            rule,
            format!("the file does not hold the hash of {what}: the part could not be opened with it"),
        )
    }

    fn lint_trust_zone(&self, ctx: &LintContext<'_>) -> Option<Finding> {
        self.credential()?;
        let sample = self.sample().map(|sample| sample.is_root_key);
        let is_password = sample == Some(false) || matches!(ctx.credential, Some(Credential::Password(_)));
        let is_root_key = sample == Some(true) || matches!(ctx.credential, Some(Credential::RootKey(_)));
        match ctx.tzen {
            Tzen::On if is_password => {
                let text =
                    "a password works only with TrustZone off, and TZEN is on: the part would close for ever";
                refuse(ObkRule::TrustZone, text.to_owned())
            }
            Tzen::On if !is_root_key => {
                let text = "TZEN is on, and nothing shows that the credential is a root key of certificates (`--cert`): a \
                            password's would close the part for ever, and from outside the two look the same";
                refuse(ObkRule::TrustZone, text.to_owned())
            }
            Tzen::Off if is_root_key => {
                let text = "certificates work only with TrustZone on, and TZEN is off: the part would close for ever";
                refuse(ObkRule::TrustZone, text.to_owned())
            }
            Tzen::Off if !is_password => {
                let text = "without its password it cannot be told whether this is a password file; a certificate file \
                            needs TrustZone on";
                warn(ObkRule::TrustZone, text.to_owned())
            }
            Tzen::Other(code) => {
                refuse(ObkRule::TrustZone, format!("TZEN reads 0x{code:02X}, neither on nor off"))
            }
            _ => None,
        }
    }

    fn lint_sample(&self, ctx: &LintContext<'_>) -> Option<Finding> {
        let name = self.public_sample()?;
        let severity = if ctx.production { Severity::Refuse } else { Severity::Warn };
        let text = format!("the credential is {name}, which everybody knows");
        Some(Finding { severity, rule: ObkRule::PublicSample, text })
    }

    fn lint_permissions(&self) -> Option<Finding> {
        let permissions = self.permissions()?;
        if permissions.full_regression() {
            return None;
        }
        let text = format!("the permissions ({permissions}) lack Full Regression: no way back to OPEN");
        refuse(ObkRule::Permissions, text)
    }

    fn lint_reserved(&self) -> Option<Finding> {
        let reserved = self.reserved()?;
        if reserved.iter().all(|b| *b == 0) {
            return None;
        }
        let text = format!(
            "the last {} bytes are not zero, as they are in ST's files",
            payload::LEN - payload::RESERVED
        );
        warn(ObkRule::Header, text)
    }
}

#[expect(clippy::unnecessary_wraps, reason = "the rules return options")]
fn refuse(rule: ObkRule, text: String) -> Option<Finding> {
    Some(Finding { severity: Severity::Refuse, rule, text })
}

#[expect(clippy::unnecessary_wraps, reason = "the rules return options")]
fn warn(rule: ObkRule, text: String) -> Option<Finding> {
    Some(Finding { severity: Severity::Warn, rule, text })
}

//! Certificates and tokens as the ROM judges them: one after the other, each with the key of the one before. Usage, life cycle and the
//! constraint of a certificate are not looked at: ST's samples have the same in all.
//! [H5-DA-13] to [H5-DA-17]

use p256::ecdsa::signature::Verifier as _;
use p256::ecdsa::{Signature, VerifyingKey};
use regs::h5::adac::{MAJOR, PUBLIC_KEY_LEN, SIGNATURE_LEN, SOC_ID_LEN, certificate as c, role, token as t};
use regs::h5::da::permission as p;
use regs::h5::da::value::{CHALLENGE_LEN, CRYPTO_ECDSA_P256};
use sha2::{Digest, Sha256};

/// What the part holds against a chain.
#[derive(Debug, Clone)]
pub(super) struct Anchor {
    /// SHA-256 of the root key.
    pub(super) root_hash: [u8; 32],
    /// The provisioned permissions.
    pub(super) permissions: u128,
    /// DEV_ID.
    pub(super) class: u32,
    /// The part itself.
    pub(super) soc_id: [u8; SOC_ID_LEN],
}

/// How far an authentication has come. Whatever goes wrong ends it: a new challenge is needed then. [H5-DA-15]
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Progress {
    /// No challenge was given.
    #[default]
    None,
    /// A challenge was given.
    Challenged([u8; CHALLENGE_LEN]),
    /// Certificates were taken.
    Trusted(Trusted),
}

/// After the certificates so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trusted {
    challenge: [u8; CHALLENGE_LEN],
    key: [u8; PUBLIC_KEY_LEN],
    permissions: u128,
    role: u8,
}

/// What a token gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Granted {
    /// Back to OPEN.
    Full,
    /// Back to TZ-CLOSED.
    Partial,
    /// Debug from this level on.
    Debug {
        /// 1 to 3.
        level: u8,
        /// Secure as well.
        secure: bool,
    },
}

impl Anchor {
    /// Takes a certificate. `None`: refused.
    pub(super) fn certificate(&self, bytes: &[u8], so_far: Progress) -> Option<Progress> {
        let signed = bytes.get(..c::SIGNATURE)?;
        let types = [field(bytes, c::SIGNATURE_TYPE)?, field(bytes, c::KEY_TYPE)?];
        let whole = field::<1>(bytes, c::VERSION)? == [MAJOR] && types == [[CRYPTO_ECDSA_P256]; 2];
        if !whole
            || !extensions_hold(bytes, c::EXTENSIONS_LEN, c::EXTENSIONS_HASH, c::LEN)
            || !self.is_meant(bytes)?
        {
            return None;
        }
        let ([role], key) = (field(bytes, c::ROLE)?, field(bytes, c::PUBLIC_KEY)?);
        let (challenge, issuer, permitted) = match so_far {
            Progress::Challenged(challenge)
                if role == role::ROOT && Sha256::digest(key)[..] == self.root_hash =>
            {
                (challenge, key, self.permissions)
            }
            Progress::Trusted(before) if before.goes_on_with(role) => {
                (before.challenge, before.key, before.permissions)
            }
            _ => return None,
        };
        let permissions = permitted & u128::from_le_bytes(field(bytes, c::PERMISSIONS)?);
        verifies(&issuer, signed, field(bytes, c::SIGNATURE)?).then_some(Progress::Trusted(Trusted {
            challenge,
            key,
            permissions,
            role,
        }))
    }

    /// Whether the certificate is for such a part, and for this one. [H5-DA-17]
    fn is_meant(&self, bytes: &[u8]) -> Option<bool> {
        let class = u32::from_le_bytes(field(bytes, c::SOC_CLASS)?);
        let id = field(bytes, c::SOC_ID)?;
        Some((class == 0 || class == self.class) && (id == [0; SOC_ID_LEN] || id == self.soc_id))
    }
}

impl Trusted {
    /// A root and an intermediate one are followed by others, a leaf is not.
    fn goes_on_with(&self, role: u8) -> bool {
        [role::INTERMEDIATE, role::LEAF].contains(&role) && self.role != role::LEAF
    }

    /// Takes a token behind a root or a leaf. `None`: refused. [H5-DA-14] [H5-DA-16]
    pub(super) fn token(&self, bytes: &[u8]) -> Option<Granted> {
        let own = bytes.get(..t::SIGNATURE)?;
        let whole =
            field(bytes, t::VERSION)? == [MAJOR] && field(bytes, t::SIGNATURE_TYPE)? == [CRYPTO_ECDSA_P256];
        if !whole
            || self.role == role::INTERMEDIATE
            || !extensions_hold(bytes, t::EXTENSIONS_LEN, t::EXTENSIONS_HASH, t::LEN)
            || !verifies(&self.key, &[own, &self.challenge].concat(), field(bytes, t::SIGNATURE)?)
        {
            return None;
        }
        let asked = u128::from_le_bytes(field(bytes, t::PERMISSIONS)?);
        if asked & !self.permissions != 0 { None } else { granted(asked) }
    }
}

/// What is done for such a request: it must name one thing.
fn granted(asked: u128) -> Option<Granted> {
    let debug = |level, secure| Some(Granted::Debug { level, secure });
    match u32::try_from(asked).ok()? {
        p::FULL_REGRESSION => Some(Granted::Full),
        p::TO_TZ_REGRESSION => Some(Granted::Partial),
        p::LEVEL1_INTRUSIVE_DEBUG => debug(1, true),
        p::LEVEL2_INTRUSIVE_DEBUG => debug(2, true),
        p::LEVEL3_INTRUSIVE_DEBUG => debug(3, true),
        p::LEVEL1_NON_SECURE_DEBUG => debug(1, false),
        p::LEVEL2_NON_SECURE_DEBUG => debug(2, false),
        p::LEVEL3_NON_SECURE_DEBUG => debug(3, false),
        _ => None,
    }
}

fn field<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

/// Extensions are as long as announced and hash to what is signed; there are none behind most.
fn extensions_hold(bytes: &[u8], len_at: usize, hash_at: usize, from: usize) -> bool {
    let held = || {
        let extensions = bytes.get(from..)?;
        let len = usize::try_from(u32::from_le_bytes(field(bytes, len_at)?)).ok()?;
        let hash: [u8; 32] = field(bytes, hash_at)?;
        let expected = if extensions.is_empty() { [0; 32] } else { Sha256::digest(extensions).into() };
        Some(extensions.len() == len && hash == expected)
    };
    held().unwrap_or(false)
}

fn verifies(key: &[u8; PUBLIC_KEY_LEN], message: &[u8], signature: [u8; SIGNATURE_LEN]) -> bool {
    let point = [&[4], &key[..]].concat();
    let parts = (VerifyingKey::from_sec1_bytes(&point), Signature::from_slice(&signature));
    matches!(parts, (Ok(key), Ok(signature)) if key.verify(message, &signature).is_ok())
}

#[cfg(test)]
pub(crate) mod tests;

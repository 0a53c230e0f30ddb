//! A certificate: what a key may do, signed with another key. [H5-DA-13]

use super::{Permissions, PrivateKey, PublicKey};
use regs::h5::adac::certificate as at;
use regs::h5::adac::{HASH_LEN, MAJOR, PUBLIC_KEY_LEN, SIGNATURE_LEN, SOC_ID_LEN, role, usage};
use regs::h5::da::value::CRYPTO_ECDSA_P256;
use sha2::{Digest, Sha256};
use std::fmt;
use thiserror::Error;

/// A certificate. Every field is kept as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// Major and minor version of the format.
    pub version: [u8; 2],
    /// Its place in the chain.
    pub role: Role,
    /// What it is used for; 1 in ST's.
    pub usage: u8,
    /// The life cycle for which it holds; 0 for any.
    pub lifecycle: u16,
    /// Left to who makes the certificates.
    pub oem_constraint: u16,
    /// The DEV_ID for which it holds; 0 for any. [H5-DA-17]
    pub soc_class: u32,
    /// The part for which it holds; zero for any. [H5-DA-17]
    pub soc_id: [u8; SOC_ID_LEN],
    /// What it permits.
    pub permissions: Permissions,
    /// The key that it is for.
    pub public_key: PublicKey,
    /// What stands for the extensions in the signature.
    pub extensions_hash: [u8; HASH_LEN],
    /// Made with the key of the certificate before it; a root's with its own.
    pub signature: [u8; SIGNATURE_LEN],
    /// Items behind the signature, as they came.
    pub extensions: Vec<u8>,
}

/// The place of a certificate in its chain. Other numbers are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Role(pub u8);

impl Role {
    /// Its key is the one whose hash is in the part.
    pub const ROOT: Role = Role(role::ROOT);
    /// Between root and leaf.
    pub const INTERMEDIATE: Role = Role(role::INTERMEDIATE);
    /// The last one of more than one.
    pub const LEAF: Role = Role(role::LEAF);

    /// By its name.
    pub fn from_name(name: &str) -> Option<Role> {
        let found = role::NAMES.iter().find(|(_, known)| *known == name)?;
        u8::try_from(found.0).ok().map(Role)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match role::NAMES.iter().find(|(code, _)| *code == u32::from(self.0)) {
            Some((_, name)) => f.write_str(name),
            None => write!(f, "role {}", self.0),
        }
    }
}

/// Bytes that are no certificate or token of this kind.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MalformedError {
    /// Fewer bytes than the fixed part has.
    #[error("{len} bytes, and there are at least {least}")]
    TooShort {
        /// What is there.
        len: usize,
        /// What must be there.
        least: usize,
    },
    /// A version that is not known here.
    #[error("version {}.{}, and only 1.x is known", version[0], version[1])]
    Version {
        /// Major and minor.
        version: [u8; 2],
    },
    /// Another crypto system; its fields have other lengths.
    #[error("crypto system 0x{0:02X}, and only 0x01 (ECDSA P-256 with SHA-256) is known")]
    CryptoSystem(u8),
    /// A field that is zero is not.
    #[error("the reserved field at offset {at} is not zero")]
    Reserved {
        /// Its offset.
        at: usize,
    },
    /// The extensions are longer or shorter than announced.
    #[error("{announced} bytes of extensions are announced, and {found} follow")]
    Extensions {
        /// What the field says.
        announced: u32,
        /// What is there.
        found: usize,
    },
}

impl Certificate {
    /// A certificate as ST's tool makes them, for any part, not signed yet.
    pub fn new(role: Role, public_key: PublicKey, permissions: Permissions) -> Certificate {
        Certificate {
            version: [MAJOR, 0],
            role,
            usage: usage::AUTHENTICATION,
            lifecycle: 0,
            oem_constraint: 0,
            soc_class: 0,
            soc_id: [0; SOC_ID_LEN],
            permissions,
            public_key,
            extensions_hash: [0; HASH_LEN],
            signature: [0; SIGNATURE_LEN],
            extensions: Vec::new(),
        }
    }

    /// The same, signed.
    #[must_use]
    pub fn signed(mut self, issuer: &PrivateKey) -> Certificate {
        self.extensions_hash = hash_of(&self.extensions);
        self.signature = issuer.sign(&self.signed_part());
        self
    }

    /// Signed with the private half of this key, extensions included.
    pub fn is_signed_by(&self, issuer: &PublicKey) -> bool {
        self.extensions_hash == hash_of(&self.extensions)
            && issuer.verifies(&self.signed_part(), &self.signature)
    }

    /// Reads the bytes of an item of type 0201.
    ///
    /// # Errors
    /// [`MalformedError`].
    pub fn parse(bytes: &[u8]) -> Result<Certificate, MalformedError> {
        let short = || MalformedError::TooShort { len: bytes.len(), least: at::LEN };
        let Some((fixed, extensions)) = bytes.split_at_checked(at::LEN) else { return Err(short()) };
        let [signature_type, key_type, role, usage] = field(fixed, at::SIGNATURE_TYPE).ok_or_else(short)?;
        let version = version(fixed, &[signature_type, key_type])?;
        if field(fixed, RESERVED) != Some([0, 0]) {
            return Err(MalformedError::Reserved { at: RESERVED });
        }
        announced(fixed, at::EXTENSIONS_LEN, extensions)?;
        let read = || {
            Some(Certificate {
                version,
                role: Role(role),
                usage,
                lifecycle: u16::from_le_bytes(field(fixed, at::LIFECYCLE)?),
                oem_constraint: u16::from_le_bytes(field(fixed, at::OEM_CONSTRAINT)?),
                soc_class: u32::from_le_bytes(field(fixed, at::SOC_CLASS)?),
                soc_id: field(fixed, at::SOC_ID)?,
                permissions: Permissions(u128::from_le_bytes(field(fixed, at::PERMISSIONS)?)),
                public_key: PublicKey(field::<PUBLIC_KEY_LEN>(fixed, at::PUBLIC_KEY)?),
                extensions_hash: field(fixed, at::EXTENSIONS_HASH)?,
                signature: field(fixed, at::SIGNATURE)?,
                extensions: extensions.to_vec(),
            })
        };
        read().ok_or_else(short)
    }

    /// The bytes of the item.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.signed_part();
        bytes.extend_from_slice(&self.signature);
        bytes.extend_from_slice(&self.extensions);
        bytes
    }

    /// What the signature covers.
    fn signed_part(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(at::LEN + self.extensions.len());
        bytes.extend_from_slice(&self.version);
        bytes.extend_from_slice(&[CRYPTO_ECDSA_P256, CRYPTO_ECDSA_P256, self.role.0, self.usage, 0, 0]);
        bytes.extend_from_slice(&self.lifecycle.to_le_bytes());
        bytes.extend_from_slice(&self.oem_constraint.to_le_bytes());
        bytes.extend_from_slice(&u32::try_from(self.extensions.len()).unwrap_or(u32::MAX).to_le_bytes());
        bytes.extend_from_slice(&self.soc_class.to_le_bytes());
        bytes.extend_from_slice(&self.soc_id);
        bytes.extend_from_slice(&self.permissions.0.to_le_bytes());
        bytes.extend_from_slice(&self.public_key.0);
        bytes.extend_from_slice(&self.extensions_hash);
        bytes
    }
}

/// Two bytes between usage and life cycle.
const RESERVED: usize = at::USAGE + 1;

/// The bytes of a field; `None` when it is not there.
pub(super) fn field<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

/// Version, if it and the crypto systems are known: both formats begin with it.
pub(super) fn version(fixed: &[u8], systems: &[u8]) -> Result<[u8; 2], MalformedError> {
    let version = field::<2>(fixed, at::VERSION).unwrap_or_default();
    if version[0] != MAJOR {
        return Err(MalformedError::Version { version });
    }
    match systems.iter().find(|system| **system != CRYPTO_ECDSA_P256) {
        Some(other) => Err(MalformedError::CryptoSystem(*other)),
        None => Ok(version),
    }
}

/// The extensions are as long as the field at `at` says.
pub(super) fn announced(fixed: &[u8], at: usize, extensions: &[u8]) -> Result<(), MalformedError> {
    let announced = u32::from_le_bytes(field(fixed, at).unwrap_or_default());
    let found = extensions.len();
    if usize::try_from(announced) == Ok(found) {
        return Ok(());
    }
    Err(MalformedError::Extensions { announced, found })
}

/// What stands for extensions in a signature.
pub(super) fn hash_of(extensions: &[u8]) -> [u8; HASH_LEN] {
    if extensions.is_empty() { [0; HASH_LEN] } else { Sha256::digest(extensions).into() }
}

#[cfg(test)]
mod tests {
    use super::super::key::tests::key;
    use super::*;
    use proptest::prelude::*;

    /// The header of ST's sample certificates, for a role.
    fn st_header(role: u8) -> Vec<u8> {
        let mut header = vec![1, 0, 1, 1, role, 1];
        header.resize(36, 0);
        header.extend([0x77, 0x50]);
        header.resize(52, 0);
        header
    }

    #[test]
    fn a_certificate_has_the_bytes_of_st_s_samples_around_key_and_signature() {
        let (issuer, subject) = (key(1), key(2));
        let leaf = Certificate::new(Role::LEAF, subject.public(), Permissions(0x5077)).signed(&issuer);
        let bytes = leaf.to_bytes();
        assert_eq!(bytes.len(), 212);
        assert_eq!(bytes[..52], st_header(3));
        assert_eq!(bytes[52..116], subject.public().0);
        assert_eq!(bytes[116..148], [0; 32]);
        assert!(issuer.public().verifies(&bytes[..148], &leaf.signature));
        assert_eq!(Certificate::parse(&bytes), Ok(leaf));
    }

    #[test]
    fn each_field_stands_at_its_offset() {
        let mut certificate = Certificate::new(Role::ROOT, key(1).public(), Permissions(u128::MAX >> 4));
        certificate.lifecycle = 0x3000;
        certificate.oem_constraint = 0x1234;
        certificate.soc_class = 0x484;
        certificate.soc_id = *b"0123456789AB\0\0\0\0";
        certificate.extensions = vec![7; 12];
        let bytes = certificate.clone().signed(&key(1)).to_bytes();
        assert_eq!(bytes[8..12], [0x00, 0x30, 0x34, 0x12]);
        assert_eq!(bytes[12..20], [12, 0, 0, 0, 0x84, 4, 0, 0]);
        assert_eq!(&bytes[20..36], b"0123456789AB\0\0\0\0");
        assert_eq!((bytes[36], bytes[51]), (0xFF, 0x0F));
        assert_eq!(bytes[212..], [7; 12]);
        assert_eq!(bytes[116..148], Sha256::digest([7; 12])[..]);
        assert_eq!(Certificate::parse(&bytes).unwrap().soc_class, 0x484);
    }

    #[test]
    fn a_signature_does_not_hold_for_another_key_or_other_bytes() {
        let certificate = Certificate::new(Role::ROOT, key(1).public(), Permissions(0x5077)).signed(&key(1));
        assert!(certificate.is_signed_by(&key(1).public()));
        assert!(!certificate.is_signed_by(&key(2).public()));
        let wider = Certificate { permissions: Permissions(0xFFFF), ..certificate.clone() };
        assert!(!wider.is_signed_by(&key(1).public()));
        let extended = Certificate { extensions: vec![0; 4], ..certificate };
        assert!(!extended.is_signed_by(&key(1).public()));
    }

    #[test]
    fn malformed_certificates_are_named() {
        let good = Certificate::new(Role::ROOT, key(1).public(), Permissions(1)).signed(&key(1)).to_bytes();
        let with = |at: usize, byte: u8| {
            let mut bytes = good.clone();
            bytes[at] = byte;
            Certificate::parse(&bytes).unwrap_err()
        };
        assert_eq!(with(0, 2), MalformedError::Version { version: [2, 0] });
        assert_eq!(with(2, 5), MalformedError::CryptoSystem(5));
        assert_eq!(with(3, 2), MalformedError::CryptoSystem(2));
        assert_eq!(with(7, 1), MalformedError::Reserved { at: 6 });
        assert_eq!(with(12, 4), MalformedError::Extensions { announced: 4, found: 0 });
        assert_eq!(
            Certificate::parse(&[&good[..], &[0]].concat()),
            Err(MalformedError::Extensions { announced: 0, found: 1 })
        );
        assert_eq!(Certificate::parse(&[]), Err(MalformedError::TooShort { len: 0, least: 212 }));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = Certificate::parse(&bytes);
        }

        #[test]
        fn what_is_read_is_written_back(
            role: u8, usage: u8, rest in prop::collection::vec(any::<u8>(), 208), more in 0usize..40,
        ) {
            let mut bytes = vec![1, 3, 1, 1, role, usage, 0, 0];
            bytes.extend(&rest[..204]);
            bytes.resize(212 + more, 0xA5);
            bytes[12..16].copy_from_slice(&u32::try_from(more).unwrap().to_le_bytes());
            let read = Certificate::parse(&bytes).unwrap();
            prop_assert_eq!(read.to_bytes(), bytes);
        }

        #[test]
        fn a_truncated_certificate_is_an_error(len in 0usize..212) {
            let good = Certificate::new(Role::LEAF, key(3).public(), Permissions(1)).to_bytes();
            prop_assert!(Certificate::parse(&good[..len]).is_err());
        }
    }
}

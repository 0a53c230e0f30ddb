//! The provisioning file: three header words and a payload. [H5-OBK-1] [H5-OBK-2]

use super::ObkRule;
use crate::{Password, Permissions, PublicKey};
use regs::h5::device::Family;
use regs::h5::obk::{self, DESTINATIONS, Destination, PublicSample, header, payload};
use sha2::{Digest, Sha256};
use std::fmt;
use thiserror::Error;
use wire::Addr;
use zeroize::Zeroizing;

/// A file that is no provisioning file.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ObkError {
    /// Shorter than the header.
    #[error("the OBK file has {len} bytes, fewer than its header of {}", header::LEN)]
    TooShort {
        /// Bytes in the file.
        len: usize,
    },
    /// The header announces another payload than there is.
    #[error("the OBK file's header announces {announced} bytes of payload, and {found} follow (wrong size)")]
    WrongSize {
        /// What the header says.
        announced: u32,
        /// What is there.
        found: usize,
    },
    /// There is no payload.
    #[error("the OBK file has no payload")]
    Empty,
}

impl ObkError {
    /// The rule that the file breaks, as in a lint's findings.
    pub fn rule(&self) -> ObkRule {
        match self {
            ObkError::TooShort { .. } | ObkError::WrongSize { .. } | ObkError::Empty => ObkRule::WrongSize,
        }
    }
}

/// What opens a part again. [H5-STATE-7]
#[derive(Debug, Clone, Copy)]
pub enum Credential<'c> {
    /// A password: TrustZone off.
    Password(&'c Password),
    /// The key of root certificates: TrustZone on.
    RootKey(&'c PublicKey),
}

impl Credential<'_> {
    /// The hash that the OBK holds of it.
    fn sha256(self) -> [u8; payload::HASH_LEN] {
        match self {
            Credential::Password(password) => password.sha256(),
            Credential::RootKey(key) => key.sha256(),
        }
    }
}

impl<'c> From<&'c Password> for Credential<'c> {
    fn from(password: &'c Password) -> Self {
        Credential::Password(password)
    }
}

impl<'c> From<&'c PublicKey> for Credential<'c> {
    fn from(key: &'c PublicKey) -> Self {
        Credential::RootKey(key)
    }
}

/// What a debug-authentication file is made of.
#[derive(Debug, Clone, Copy)]
pub struct ObkSpec<'c> {
    /// For which family: it decides the DoEncryption word. [H5-OBK-3]
    pub family: Family,
    /// What shall open the part again.
    pub credential: Credential<'c>,
    /// What it shall permit.
    pub permissions: Permissions,
}

impl<'c> ObkSpec<'c> {
    /// A password or a root key with ST's default permissions.
    pub fn new(family: Family, credential: impl Into<Credential<'c>>) -> Self {
        let permissions = Permissions(u128::from(obk::DEFAULT_PERMISSIONS));
        ObkSpec { family, credential: credential.into(), permissions }
    }
}

/// A provisioning file. The payload is a secret and never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct ObkFile {
    destination: Addr,
    do_encryption: u32,
    payload: Zeroizing<Vec<u8>>,
}

impl ObkFile {
    /// Reads a file. Any payload that is as long as the header says is accepted; [`ObkFile::lint`] judges it.
    ///
    /// # Errors
    /// [`ObkError`] when lengths do not agree.
    pub fn parse(bytes: &[u8]) -> Result<ObkFile, ObkError> {
        let Some((head, rest)) = bytes.split_at_checked(header::LEN) else {
            return Err(ObkError::TooShort { len: bytes.len() });
        };
        let destination = word(head, header::DESTINATION);
        let announced = word(head, header::SIZE);
        let do_encryption = word(head, header::DO_ENCRYPTION);
        if usize::try_from(announced) != Ok(rest.len()) {
            return Err(ObkError::WrongSize { announced, found: rest.len() });
        }
        if rest.is_empty() {
            return Err(ObkError::Empty);
        }
        let payload = Zeroizing::new(rest.to_vec());
        Ok(ObkFile { destination: Addr(destination), do_encryption, payload })
    }

    /// Makes a debug-authentication file.
    pub fn build(spec: &ObkSpec<'_>) -> ObkFile {
        let mut covered = Zeroizing::new(Vec::with_capacity(payload::LEN - payload::HASH_LEN));
        covered.extend_from_slice(&spec.credential.sha256());
        covered.extend_from_slice(&spec.permissions.0.to_le_bytes());
        covered.resize(payload::LEN - payload::HASH_LEN, 0);
        let mut payload = Zeroizing::new(Vec::with_capacity(payload::LEN));
        payload.extend_from_slice(&Sha256::digest(covered.as_slice()));
        payload.extend_from_slice(&covered);
        let do_encryption = u32::from(spec.family.device().do_encryption.unwrap_or(false));
        ObkFile { destination: Addr(obk::DA_DESTINATION), do_encryption, payload }
    }

    /// The file's bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let size = u32::try_from(self.payload.len()).unwrap_or(u32::MAX);
        let head = [self.destination.0, size, self.do_encryption];
        let mut bytes: Vec<u8> = head.iter().flat_map(|w| w.to_le_bytes()).collect();
        bytes.extend_from_slice(&self.payload);
        bytes
    }

    /// Where the payload goes: a secure OBK address.
    pub fn destination(&self) -> Addr {
        self.destination
    }

    /// The destination, if ST's files know it.
    pub fn known_destination(&self) -> Option<&'static Destination> {
        DESTINATIONS.iter().find(|d| d.address == self.destination.0)
    }

    /// The DoEncryption word: 1, the ROM encrypts; 0, it does not. Other values are kept.
    pub fn do_encryption(&self) -> u32 {
        self.do_encryption
    }

    /// Bytes of payload.
    pub fn payload_len(&self) -> usize {
        self.payload.len()
    }

    /// It is meant for debug authentication.
    pub fn is_debug_authentication(&self) -> bool {
        self.destination.0 == obk::DA_DESTINATION
    }

    /// The payload begins with the SHA-256 of the rest of it. `None` when it is too short to have one.
    pub fn integrity_holds(&self) -> Option<bool> {
        let (hash, rest) = self.payload.split_at_checked(payload::HASH_LEN)?;
        Some(Sha256::digest(rest).as_slice() == hash)
    }

    /// The hash of the credential (a secret). `None` for other files and for wrong sizes.
    pub(crate) fn credential(&self) -> Option<&[u8]> {
        self.da_part(payload::CREDENTIAL, payload::HASH_LEN)
    }

    /// What the credential permits. `None` for other files and for wrong sizes.
    pub fn permissions(&self) -> Option<Permissions> {
        let bytes = self.da_part(payload::PERMISSIONS, payload::PERMISSIONS_LEN)?;
        bytes.try_into().ok().map(|bytes| Permissions(u128::from_le_bytes(bytes)))
    }

    /// The last 16 bytes, which are zero in every file of ST.
    pub(crate) fn reserved(&self) -> Option<&[u8]> {
        self.da_part(payload::RESERVED, payload::LEN - payload::RESERVED)
    }

    /// The payload holds the hash of this credential.
    pub fn matches<'c>(&self, credential: impl Into<Credential<'c>>) -> bool {
        self.credential().is_some_and(|hash| hash == credential.into().sha256())
    }

    /// The payload holds the hash of this password.
    pub fn matches_password(&self, password: &Password) -> bool {
        self.matches(password)
    }

    /// The payload holds the hash of this root key.
    pub fn matches_root_key(&self, key: &PublicKey) -> bool {
        self.matches(key)
    }

    /// The credential is one that ST has published: its name.
    pub fn public_sample(&self) -> Option<&'static str> {
        self.sample().map(|sample| sample.name)
    }

    /// The published credential that this is.
    pub(crate) fn sample(&self) -> Option<&'static PublicSample> {
        obk::public_sample(self.credential()?)
    }

    /// SHA-256 of the whole file, for records: it names the file without showing it.
    pub fn fingerprint(&self) -> [u8; 32] {
        Sha256::digest(Zeroizing::new(self.to_bytes()).as_slice()).into()
    }

    /// The payload as little-endian words, the last one filled with zero.
    pub(crate) fn words(&self) -> Zeroizing<Vec<u32>> {
        let word = |chunk: &[u8]| {
            let mut bytes = [0; 4];
            bytes.iter_mut().zip(chunk).for_each(|(slot, byte)| *slot = *byte);
            u32::from_le_bytes(bytes)
        };
        Zeroizing::new(self.payload.chunks(4).map(word).collect())
    }

    fn da_part(&self, start: usize, len: usize) -> Option<&[u8]> {
        let fits = self.is_debug_authentication() && self.payload.len() == payload::LEN;
        if fits { self.payload.get(start..start + len) } else { None }
    }
}

impl fmt::Debug for ObkFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObkFile")
            .field("destination", &self.destination)
            .field("do_encryption", &self.do_encryption)
            .field("payload", &format_args!("{} bytes", self.payload.len()))
            .finish()
    }
}

/// The little-endian word at an offset; bytes that are not there count as zero.
fn word(bytes: &[u8], offset: usize) -> u32 {
    let at = |i: usize| u32::from(bytes.get(offset + i).copied().unwrap_or(0));
    at(0) | at(1) << 8 | at(2) << 16 | at(3) << 24
}

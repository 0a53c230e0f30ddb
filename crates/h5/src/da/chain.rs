//! A chain of certificates, and whether it can grant what is asked for. It is judged before anything is sent. [H5-DA-15]

use super::certificate::MalformedError;
use super::tlv::{Packing, Tlv, TlvError};
use super::{Certificate, Discovery, Permission, Permissions, PrivateKey, PublicKey, Role};
use crate::obk::ObkFile;
use base64ct::{Base64, Encoding as _};
use regs::h5::da::tlv;
use std::fmt;
use thiserror::Error;

/// Certificates from a root on, each signed with the key of the one before it. Never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    root: Certificate,
    others: Vec<Certificate>,
}

/// Which certificate of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Counted from 1.
    pub number: usize,
    /// How many there are.
    pub of: usize,
    /// Its role.
    pub role: Role,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "certificate {} of {} ({})", self.number, self.of, self.role)
    }
}

/// A chain that cannot grant what is asked for. Nothing was sent.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ChainError {
    /// Neither items nor their Base64.
    #[error("the certificates are neither items nor Base64 of items")]
    NotBase64,
    /// The items cannot be taken apart.
    #[error("the certificates cannot be taken apart: {0}")]
    Items(#[from] TlvError),
    /// An item of another type.
    #[error("item {number} is no certificate but {what}")]
    NoCertificate {
        /// Counted from 1.
        number: usize,
        /// What it is.
        what: String,
    },
    /// A certificate cannot be read.
    #[error("certificate {number} cannot be read: {cause}")]
    Malformed {
        /// Counted from 1.
        number: usize,
        /// Why.
        cause: MalformedError,
    },
    /// No certificate at all.
    #[error("there is no certificate in it")]
    Empty,
    /// A role in the wrong place.
    #[error("{place} stands where there must be {wanted}")]
    Role {
        /// Which.
        place: Place,
        /// What should stand there.
        wanted: &'static str,
    },
    /// A signature does not hold.
    #[error("the signature of {place} does not hold: it was not made with the key of {issuer}")]
    Signature {
        /// Which.
        place: Place,
        /// Whose key should have made it.
        issuer: &'static str,
    },
    /// The private key belongs to another certificate.
    #[error("the private key belongs to {key}, and {place} is for {wanted}")]
    OtherKey {
        /// The last one.
        place: Place,
        /// Its key, as it is shown.
        wanted: String,
        /// The key that was given, as it is shown.
        key: String,
    },
    /// The root is not the one in the provisioning file.
    #[error("the root key ({0}) is not the one whose hash is in the OBK file")]
    OtherRoot(String),
    /// Somebody on the way does not permit it.
    #[error("{who} does not permit {wanted}: its mask is {mask}")]
    NotPermitted {
        /// Whose mask.
        who: String,
        /// What is asked for.
        wanted: Permission,
        /// The mask.
        mask: Permissions,
    },
    /// A certificate for another kind of part.
    #[error("{place} is for parts with DEV_ID 0x{class:03X}, and this has 0x{dev_id:03X}")]
    OtherClass {
        /// Which.
        place: Place,
        /// For which DEV_ID.
        class: u32,
        /// What the part said.
        dev_id: u32,
    },
    /// A certificate for another part.
    #[error("{place} is for the part {}, and this is {}", bytes(id), bytes(soc_id))]
    OtherPart {
        /// Which.
        place: Place,
        /// For which part.
        id: [u8; 16],
        /// What the part said.
        soc_id: [u8; 16],
    },
}

fn bytes(id: &[u8]) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Chain {
    /// Reads a file of certificates: items one behind the other, as they are or as Base64.
    ///
    /// # Errors
    /// [`ChainError`] when there is no certificate in it, or something else.
    pub fn read(file: &[u8]) -> Result<Chain, ChainError> {
        // An item begins with a zero byte, which is no letter of Base64.
        let decoded = match file.first() {
            Some(0) => file.to_vec(),
            _ => decode(file).ok_or(ChainError::NotBase64)?,
        };
        let items = Tlv::parse(&decoded, Packing::Tight)?;
        let certificates: Result<Vec<_>, _> =
            items.iter().enumerate().map(|(i, item)| certificate(i + 1, item)).collect();
        Chain::of(certificates?)
    }

    /// A chain of these.
    ///
    /// # Errors
    /// [`ChainError::Empty`].
    pub fn of(certificates: Vec<Certificate>) -> Result<Chain, ChainError> {
        let mut certificates = certificates.into_iter();
        let root = certificates.next().ok_or(ChainError::Empty)?;
        Ok(Chain { root, others: certificates.collect() })
    }

    /// The certificates, the root first.
    pub fn certificates(&self) -> impl Iterator<Item = &Certificate> {
        std::iter::once(&self.root).chain(&self.others)
    }

    /// How many.
    pub fn count(&self) -> usize {
        1 + self.others.len()
    }

    /// The file of the chain: Base64 of its items.
    pub fn to_base64(&self) -> String {
        Base64::encode_string(&self.items().flat_map(|item| item.to_bytes()).collect::<Vec<_>>())
    }

    /// The certificates as they are sent, one each.
    pub(crate) fn items(&self) -> impl Iterator<Item = Tlv> {
        self.certificates().map(|c| Tlv { kind: tlv::CERTIFICATE, value: c.to_bytes() })
    }

    /// The key whose hash must be in the part.
    pub fn root_key(&self) -> PublicKey {
        self.root.public_key
    }

    /// The last certificate: its key signs tokens.
    fn last(&self) -> &Certificate {
        self.others.last().unwrap_or(&self.root)
    }

    /// The key that signs tokens.
    pub fn token_key(&self) -> PublicKey {
        self.last().public_key
    }

    /// What every certificate permits. [H5-DA-16]
    pub fn permissions(&self) -> Permissions {
        self.others.iter().fold(self.root.permissions, |all, c| all & c.permissions)
    }

    /// The certificates with their places.
    pub fn places(&self) -> impl Iterator<Item = (Place, &Certificate)> {
        let of = self.count();
        self.certificates().enumerate().map(move |(i, c)| (Place { number: i + 1, of, role: c.role }, c))
    }

    /// Whether roles and signatures are as a part checks them.
    ///
    /// # Errors
    /// [`ChainError::Role`], [`ChainError::Signature`].
    pub fn check(&self) -> Result<(), ChainError> {
        let mut issuer = self.root.public_key;
        for (place, certificate) in self.places() {
            let wanted = wanted_role(place);
            if certificate.role != wanted.0 {
                return Err(ChainError::Role { place, wanted: wanted.1 });
            }
            if !certificate.is_signed_by(&issuer) {
                let issuer = if place.number == 1 { "its own" } else { "the certificate before it" };
                return Err(ChainError::Signature { place, issuer });
            }
            issuer = certificate.public_key;
        }
        Ok(())
    }

    /// Whether the chain and this key can get `wanted` from a part, as far as can be told without one.
    ///
    /// # Errors
    /// [`ChainError`], the first thing that is wrong.
    pub fn grants(&self, key: &PrivateKey, wanted: Permission) -> Result<(), ChainError> {
        self.check()?;
        let (place, last) = self.places().last().unwrap_or((self.root_place(), &self.root));
        if last.public_key != key.public() {
            return Err(ChainError::OtherKey {
                place,
                wanted: last.public_key.to_string(),
                key: key.public().to_string(),
            });
        }
        let lacking = self.places().find(|(_, c)| !wanted.is_in(c.permissions));
        lacking.map_or(Ok(()), |(place, c)| {
            Err(ChainError::NotPermitted { who: place.to_string(), wanted, mask: c.permissions })
        })
    }

    fn root_place(&self) -> Place {
        Place { number: 1, of: self.count(), role: self.root.role }
    }

    /// Whether a part that was provisioned with this file will take the chain and give `wanted`.
    ///
    /// # Errors
    /// [`ChainError::OtherRoot`], [`ChainError::NotPermitted`].
    pub fn fits_obk(&self, obk: &ObkFile, wanted: Permission) -> Result<(), ChainError> {
        if !obk.matches_root_key(&self.root_key()) {
            return Err(ChainError::OtherRoot(self.root_key().to_string()));
        }
        let mask = obk.permissions().unwrap_or_default();
        if wanted.is_in(mask) {
            return Ok(());
        }
        Err(ChainError::NotPermitted { who: "the OBK file".to_owned(), wanted, mask })
    }

    /// Whether the part that said this can take the chain and give `wanted`. What it did not say is not held against it.
    /// [H5-DA-16] [H5-DA-17]
    ///
    /// # Errors
    /// [`ChainError::OtherClass`], [`ChainError::OtherPart`], [`ChainError::NotPermitted`].
    pub fn fits(&self, said: &Discovery, wanted: Permission) -> Result<(), ChainError> {
        for (place, certificate) in self.places() {
            let (class, id) = (certificate.soc_class, certificate.soc_id);
            if let Some(dev_id) = said.soc_class.filter(|dev_id| class != 0 && *dev_id != class) {
                return Err(ChainError::OtherClass { place, class, dev_id });
            }
            if id != [0; 16] && said.soc_id != [0; 16] && id != said.soc_id {
                return Err(ChainError::OtherPart { place, id, soc_id: said.soc_id });
            }
        }
        match said.permissions {
            Permissions(0) => Ok(()),
            mask if wanted.is_in(mask) => Ok(()),
            mask => Err(ChainError::NotPermitted { who: "the part".to_owned(), wanted, mask }),
        }
    }
}

/// Which role must stand there, and in words.
fn wanted_role(place: Place) -> (Role, &'static str) {
    match place.number {
        1 => (Role::ROOT, "a root"),
        n if n == place.of => (Role::LEAF, "a leaf"),
        _ => (Role::INTERMEDIATE, "an intermediate one"),
    }
}

fn certificate(number: usize, item: &Tlv) -> Result<Certificate, ChainError> {
    if item.kind != tlv::CERTIFICATE {
        let what = item.name().map_or_else(|| format!("type 0x{:04X}", item.kind), ToOwned::to_owned);
        return Err(ChainError::NoCertificate { number, what });
    }
    Certificate::parse(&item.value).map_err(|cause| ChainError::Malformed { number, cause })
}

/// Base64 in one line or several.
fn decode(file: &[u8]) -> Option<Vec<u8>> {
    let text: Vec<u8> = file.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    Base64::decode_vec(std::str::from_utf8(&text).ok()?).ok()
}

#[cfg(test)]
mod tests;

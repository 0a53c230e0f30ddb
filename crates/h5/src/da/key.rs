//! Keys of certificates and tokens: ECDSA over P-256 with SHA-256. [H5-DA-13] [H5-DA-14]

use p256::SecretKey;
use p256::ecdsa::signature::{Signer as _, Verifier as _};
use p256::ecdsa::{Signature, SigningKey, VerifyingKey};
use p256::pkcs8::{DecodePrivateKey as _, DecodePublicKey as _};
use regs::h5::adac::{HASH_LEN, PUBLIC_KEY_LEN, SIGNATURE_LEN};
use sha2::{Digest, Sha256};
use std::fmt;
use thiserror::Error;

/// The first byte of a point of which both coordinates follow.
const UNCOMPRESSED: u8 = 4;

/// A public key as certificates hold it: X, then Y.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PublicKey(pub [u8; PUBLIC_KEY_LEN]);

impl PublicKey {
    /// Reads a `PUBLIC KEY` in PEM, as `openssl ec -pubout` writes it.
    ///
    /// # Errors
    /// [`BadKey`].
    pub fn from_pem(bytes: &[u8]) -> Result<PublicKey, BadKey> {
        let text = std::str::from_utf8(bytes).map_err(|_| BadKey::NoPublicPem)?;
        let pem = block(text, "PUBLIC KEY").ok_or(BadKey::NoPublicPem)?;
        let key = VerifyingKey::from_public_key_pem(pem).map_err(|_| BadKey::NotP256)?;
        Ok(PublicKey::of(&key))
    }

    fn of(key: &VerifyingKey) -> PublicKey {
        let point = key.to_sec1_point(false);
        let mut bytes = [0; PUBLIC_KEY_LEN];
        bytes.iter_mut().zip(point.as_bytes().iter().skip(1)).for_each(|(slot, byte)| *slot = *byte);
        PublicKey(bytes)
    }

    /// SHA-256 of X and Y, as the OBK holds it of a root key. [H5-OBK-2]
    pub fn sha256(&self) -> [u8; HASH_LEN] {
        Sha256::digest(self.0).into()
    }

    /// The signature is one of the private half over this message.
    pub fn verifies(&self, message: &[u8], signature: &[u8; SIGNATURE_LEN]) -> bool {
        let point = [&[UNCOMPRESSED], &self.0[..]].concat();
        let (key, signature) = (VerifyingKey::from_sec1_bytes(&point), Signature::from_slice(signature));
        matches!((key, signature), (Ok(key), Ok(signature)) if key.verify(message, &signature).is_ok())
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

impl fmt::Display for PublicKey {
    /// The first eight bytes of its SHA-256, to tell keys apart by eye.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.sha256().iter().take(8).try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A private key. It is wiped from memory when dropped, and never printed.
pub struct PrivateKey(SigningKey);

/// Bytes that are no key for certificates. Never holds anything of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BadKey {
    /// No private key in PEM.
    #[error("there is no `EC PRIVATE KEY` or `PRIVATE KEY` in PEM")]
    NoPem,
    /// No public key in PEM.
    #[error("there is no `PUBLIC KEY` in PEM")]
    NoPublicPem,
    /// Its password is not asked for.
    #[error("the private key is encrypted; take its password off first: `openssl ec -in KEY -out PLAIN`")]
    Encrypted,
    /// A key of another kind, or a damaged one.
    #[error("the key is none of P-256")]
    NotP256,
}

impl PrivateKey {
    /// Reads the first private key of a PEM file: SEC 1 as `openssl ecparam -genkey` writes it, or PKCS #8.
    ///
    /// # Errors
    /// [`BadKey`].
    pub fn from_pem(bytes: &[u8]) -> Result<PrivateKey, BadKey> {
        let text = std::str::from_utf8(bytes).map_err(|_| BadKey::NoPem)?;
        if text.contains("ENCRYPTED") {
            return Err(BadKey::Encrypted);
        }
        let key = match (block(text, "EC PRIVATE KEY"), block(text, "PRIVATE KEY")) {
            (Some(sec1), _) => SecretKey::from_sec1_pem(sec1).map_err(|_| BadKey::NotP256)?,
            (None, Some(pkcs8)) => SecretKey::from_pkcs8_pem(pkcs8).map_err(|_| BadKey::NotP256)?,
            (None, None) => return Err(BadKey::NoPem),
        };
        Ok(PrivateKey(SigningKey::from(key)))
    }

    /// The public half.
    pub fn public(&self) -> PublicKey {
        PublicKey::of(self.0.verifying_key())
    }

    /// Signs; the same message gives the same signature.
    pub(crate) fn sign(&self, message: &[u8]) -> [u8; SIGNATURE_LEN] {
        let signature: Signature = self.0.sign(message);
        signature.to_bytes().into()
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey(of {})", self.public())
    }
}

/// The block of PEM with this label, in a file that may hold others (`EC PARAMETERS`).
fn block<'t>(text: &'t str, label: &str) -> Option<&'t str> {
    let (begin, end) = (format!("-----BEGIN {label}-----"), format!("-----END {label}-----"));
    let from = text.find(&begin)?;
    let rest = text.get(from..)?;
    let len = rest.find(&end)? + end.len();
    rest.get(..len)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use p256::pkcs8::{EncodePrivateKey as _, EncodePublicKey as _, LineEnding};

    /// A key made of a number, for tests.
    pub(crate) fn key(n: u8) -> PrivateKey {
        PrivateKey(SigningKey::from(secret(n)))
    }

    fn secret(n: u8) -> SecretKey {
        let mut scalar = [0; 32];
        scalar[31] = n;
        SecretKey::from_slice(&scalar).unwrap()
    }

    #[test]
    fn the_key_of_the_number_one_is_the_base_point() {
        // X and Y of G in FIPS 186-4, D.1.2.3.
        let public = key(1).public().0;
        assert_eq!(public[..4], [0x6B, 0x17, 0xD1, 0xF2]);
        assert_eq!(public[32..36], [0x4F, 0xE3, 0x42, 0xE2]);
    }

    #[test]
    fn a_signature_is_the_one_of_rfc_6979_and_holds_for_its_message_only() {
        // RFC 6979 A.2.5: P-256, SHA-256, message "sample".
        let hex = |text: &str| -> Vec<u8> {
            (0..32).map(|i| u8::from_str_radix(&text[2 * i..][..2], 16).unwrap()).collect()
        };
        let x = hex("C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721");
        let signer = PrivateKey(SigningKey::from(SecretKey::from_slice(&x).unwrap()));
        let signature = signer.sign(b"sample");
        assert_eq!(signature[..32], hex("EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716"));
        assert!(signer.public().verifies(b"sample", &signature));
        assert!(!signer.public().verifies(b"simple", &signature));
        assert!(!key(2).public().verifies(b"sample", &signature));
        assert!(!PublicKey([0; 64]).verifies(b"sample", &signature), "no point");
        assert!(!signer.public().verifies(b"sample", &[0; 64]), "no signature");
    }

    #[test]
    fn pem_is_read_in_both_forms_and_behind_parameters() {
        let sec1 = secret(7).to_sec1_pem(LineEnding::LF).unwrap();
        let pkcs8 = secret(7).to_pkcs8_pem(LineEnding::LF).unwrap();
        let parameters = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n";
        for pem in [sec1.to_string(), pkcs8.to_string(), format!("{parameters}{}", sec1.as_str())] {
            assert_eq!(PrivateKey::from_pem(pem.as_bytes()).unwrap().public(), key(7).public());
        }
        let public = secret(7).public_key().to_public_key_pem(LineEnding::LF).unwrap();
        assert_eq!(PublicKey::from_pem(public.as_bytes()), Ok(key(7).public()));
    }

    #[test]
    fn what_is_no_key_is_named_and_not_shown() {
        let pem = |bytes: &[u8]| PrivateKey::from_pem(bytes).unwrap_err();
        assert_eq!(pem(b"hello"), BadKey::NoPem);
        assert_eq!(pem(&[0xFF]), BadKey::NoPem);
        assert_eq!(pem(b"-----BEGIN ENCRYPTED PRIVATE KEY-----"), BadKey::Encrypted);
        let other = b"-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n";
        assert_eq!(pem(other), BadKey::NotP256);
        assert_eq!(PublicKey::from_pem(other), Err(BadKey::NoPublicPem));
        assert_eq!(format!("{:?}", key(1)), format!("PrivateKey(of {})", key(1).public()));
    }
}

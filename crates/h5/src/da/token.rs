//! A token: what is asked for, signed over the challenge with the last key of the chain. [H5-DA-14]

use super::certificate::{MalformedError, announced, field, hash_of, version};
use super::{Permissions, PrivateKey, PublicKey};
use regs::h5::adac::token as at;
use regs::h5::adac::{HASH_LEN, MAJOR, SIGNATURE_LEN};
use regs::h5::da::value::{CHALLENGE_LEN, CRYPTO_ECDSA_P256};

/// What the part gave to be signed; never the same again.
pub type Challenge = [u8; CHALLENGE_LEN];

/// A token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Major and minor version of the format.
    pub version: [u8; 2],
    /// What is asked for.
    pub permissions: Permissions,
    /// What stands for the extensions in the signature.
    pub extensions_hash: [u8; HASH_LEN],
    /// Over everything above and the challenge.
    pub signature: [u8; SIGNATURE_LEN],
    /// Items behind the signature, as they came.
    pub extensions: Vec<u8>,
}

impl Token {
    /// Asks for these permissions, over this challenge.
    pub fn signed(permissions: Permissions, challenge: &Challenge, key: &PrivateKey) -> Token {
        let mut token = Token {
            version: [MAJOR, 0],
            permissions,
            extensions_hash: [0; HASH_LEN],
            signature: [0; SIGNATURE_LEN],
            extensions: Vec::new(),
        };
        token.signature = key.sign(&token.signed_part(challenge));
        token
    }

    /// Signed over this challenge with the private half of this key, extensions included.
    pub fn is_signed_by(&self, key: &PublicKey, challenge: &Challenge) -> bool {
        self.extensions_hash == hash_of(&self.extensions)
            && key.verifies(&self.signed_part(challenge), &self.signature)
    }

    /// Reads the bytes of an item of type 0200.
    ///
    /// # Errors
    /// [`MalformedError`].
    pub fn parse(bytes: &[u8]) -> Result<Token, MalformedError> {
        let short = || MalformedError::TooShort { len: bytes.len(), least: at::LEN };
        let Some((fixed, extensions)) = bytes.split_at_checked(at::LEN) else { return Err(short()) };
        let [system, reserved] = field(fixed, at::SIGNATURE_TYPE).ok_or_else(short)?;
        let version = version(fixed, &[system])?;
        if reserved != 0 {
            return Err(MalformedError::Reserved { at: at::SIGNATURE_TYPE + 1 });
        }
        announced(fixed, at::EXTENSIONS_LEN, extensions)?;
        let read = || {
            Some(Token {
                version,
                permissions: Permissions(u128::from_le_bytes(field(fixed, at::PERMISSIONS)?)),
                extensions_hash: field(fixed, at::EXTENSIONS_HASH)?,
                signature: field(fixed, at::SIGNATURE)?,
                extensions: extensions.to_vec(),
            })
        };
        read().ok_or_else(short)
    }

    /// The bytes of the item.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.own_part();
        bytes.extend_from_slice(&self.signature);
        bytes.extend_from_slice(&self.extensions);
        bytes
    }

    fn own_part(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(at::LEN + self.extensions.len());
        bytes.extend_from_slice(&self.version);
        bytes.extend_from_slice(&[CRYPTO_ECDSA_P256, 0]);
        bytes.extend_from_slice(&u32::try_from(self.extensions.len()).unwrap_or(u32::MAX).to_le_bytes());
        bytes.extend_from_slice(&self.permissions.0.to_le_bytes());
        bytes.extend_from_slice(&self.extensions_hash);
        bytes
    }

    fn signed_part(&self, challenge: &Challenge) -> Vec<u8> {
        [&self.own_part()[..], challenge].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::super::key::tests::key;
    use super::*;
    use proptest::prelude::*;

    const CHALLENGE: Challenge = [0x5A; 32];

    #[test]
    fn a_token_is_its_fields_in_order_and_signed_with_the_challenge_behind_them() {
        let token = Token::signed(Permissions(1 << 14), &CHALLENGE, &key(4));
        let bytes = token.to_bytes();
        let mut fields = vec![1, 0, 1, 0, 0, 0, 0, 0, 0x00, 0x40];
        fields.resize(56, 0);
        assert_eq!((bytes.len(), &bytes[..56]), (120, &fields[..]));
        assert!(key(4).public().verifies(&[&fields[..], &CHALLENGE].concat(), &token.signature));
        assert!(token.is_signed_by(&key(4).public(), &CHALLENGE));
        assert_eq!(Token::parse(&bytes), Ok(token));
    }

    #[test]
    fn a_token_holds_for_its_challenge_and_its_key_only() {
        let token = Token::signed(Permissions(1 << 6), &CHALLENGE, &key(4));
        assert!(!token.is_signed_by(&key(4).public(), &[0x5B; 32]));
        assert!(!token.is_signed_by(&key(5).public(), &CHALLENGE));
        let more = Token { permissions: Permissions(1 << 14), ..token };
        assert!(!more.is_signed_by(&key(4).public(), &CHALLENGE));
    }

    #[test]
    fn malformed_tokens_are_named() {
        let good = Token::signed(Permissions(1), &CHALLENGE, &key(4)).to_bytes();
        let with = |at: usize, byte: u8| {
            let mut bytes = good.clone();
            bytes[at] = byte;
            Token::parse(&bytes).unwrap_err()
        };
        assert_eq!(with(0, 0), MalformedError::Version { version: [0, 0] });
        assert_eq!(with(2, 7), MalformedError::CryptoSystem(7));
        assert_eq!(with(3, 7), MalformedError::Reserved { at: 3 });
        assert_eq!(with(5, 1), MalformedError::Extensions { announced: 256, found: 0 });
        for len in 0..good.len() {
            assert_eq!(Token::parse(&good[..len]), Err(MalformedError::TooShort { len, least: 120 }));
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic_and_written_back(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(token) = Token::parse(&bytes) {
                prop_assert_eq!(token.to_bytes(), bytes);
            }
        }
    }
}

//! A password for debug authentication, kept out of every output.

use regs::h5::obk::{PASSWORD_MAX, PASSWORD_MIN};
use sha2::{Digest, Sha256};
use std::fmt;
use thiserror::Error;
use zeroize::Zeroizing;

/// A password of 4 to 16 bytes. It is wiped from memory when dropped and never printed. [H5-OBK-2]
pub struct Password(Zeroizing<Vec<u8>>);

/// Bytes that cannot be a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "a password has {PASSWORD_MIN} to {PASSWORD_MAX} bytes, and this has {0}; is there a line end in its file?"
)]
pub struct BadPassword(pub usize);

impl Password {
    /// A password of exactly these bytes.
    ///
    /// # Errors
    /// [`BadPassword`] when there are fewer than 4 or more than 16.
    pub fn from_bytes(bytes: &[u8]) -> Result<Password, BadPassword> {
        if !(PASSWORD_MIN..=PASSWORD_MAX).contains(&bytes.len()) {
            return Err(BadPassword(bytes.len()));
        }
        Ok(Password(Zeroizing::new(bytes.to_vec())))
    }

    /// SHA-256 of exactly the password's bytes, as the OBK holds it. [H5-OBK-2]
    ///
    /// It is a secret too: short passwords can be found from it.
    pub fn sha256(&self) -> [u8; 32] {
        Sha256::digest(self.as_bytes()).into()
    }

    /// The bytes.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_that_of_st_s_sample_file() {
        let sample = Password::from_bytes(b"0123456789012345").unwrap();
        assert!(regs::h5::obk::public_sample(&sample.sha256()).is_some());
        assert!(regs::h5::obk::public_sample(&Password::from_bytes(b"other").unwrap().sha256()).is_none());
    }

    #[test]
    fn too_short_and_too_long_are_refused_with_their_length() {
        assert_eq!(Password::from_bytes(b"abc").unwrap_err(), BadPassword(3));
        assert_eq!(Password::from_bytes(&[b'x'; 17]).unwrap_err(), BadPassword(17));
        assert!(Password::from_bytes(b"abcd").is_ok());
    }

    #[test]
    fn a_password_is_never_printed() {
        let text = format!("{:?}", Password::from_bytes(b"hunter2!").unwrap());
        assert_eq!(text, "Password(..)");
    }
}

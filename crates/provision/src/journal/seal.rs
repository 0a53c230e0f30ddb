//! The seal: names for what must not be guessed from its name.
//!
//! A provisioning file is a function of its password, and a password is short: whoever has a plain hash of the file can try
//! passwords at leisure until one fits. Journals and records therefore name the file, and everything that depends on it, by an
//! HMAC under a key that lies beside the journals and nowhere else.

use super::StoreError;
use crate::text::hex;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::path::Path;
use zeroize::Zeroizing;

/// The file of the key, in the folder of the journals.
const FILE: &str = "seal.key";
/// Bytes of the key.
const LEN: usize = 32;

/// Makes names. Names of one thing are equal under one key.
#[derive(Clone)]
pub struct Seal(Zeroizing<[u8; LEN]>);

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seal")
    }
}

impl Seal {
    /// A seal with this key.
    pub fn with(key: [u8; LEN]) -> Seal {
        Seal(Zeroizing::new(key))
    }

    /// The name of something.
    pub fn name(&self, what: &[u8]) -> String {
        // HMAC takes a key of any length, so this cannot fail.
        let Ok(mut mac) = <Hmac<Sha256> as KeyInit>::new_from_slice(self.0.as_slice()) else {
            return String::new();
        };
        mac.update(what);
        hex(&mac.finalize().into_bytes())
    }

    /// The seal of a folder of journals, made with the first of them.
    ///
    /// # Errors
    /// [`StoreError`], [`StoreError::NoSeal`] when there are journals and their key is gone.
    pub(super) fn of_folder(folder: &Path) -> Result<Seal, StoreError> {
        let path = folder.join(FILE);
        let fail = |e: std::io::Error| StoreError::opening(&path, &e);
        std::fs::create_dir_all(folder).map_err(fail)?;
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt as _;
            options.mode(0o600);
        }
        let mut file = options.open(&path).map_err(fail)?;
        // Two processes may be the first.
        file.lock().map_err(fail)?;
        let mut key = Zeroizing::new([0; LEN]);
        match file.read(key.as_mut_slice()).map_err(fail)? {
            LEN => return Ok(Seal(key)),
            // A key counts only when it is whole: what is shorter was never used.
            _ if has_journals(folder).map_err(fail)? => return Err(StoreError::NoSeal(path.clone())),
            _ => {}
        }
        getrandom::fill(key.as_mut_slice()).map_err(|e| StoreError::Encode(e.to_string()))?;
        file.set_len(0).map_err(fail)?;
        let written = file.write_all(key.as_slice()).and_then(|()| file.sync_all());
        written.map_err(|e| StoreError::writing(&path, &e))?;
        let _ = File::open(folder).and_then(|f| f.sync_all());
        Ok(Seal(key))
    }
}

fn has_journals(folder: &Path) -> std::io::Result<bool> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let journal = Path::new(&name).extension().is_some_and(|e| e == "jsonl");
        if journal && entry.metadata()?.len() > 0 {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_folder_has_one_seal_and_another_folder_another() {
        let (a, b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let name = |folder: &Path| Seal::of_folder(folder).unwrap().name(b"an OBK");
        assert_eq!(name(a.path()), name(a.path()));
        assert_ne!(name(a.path()), name(b.path()));
        assert_eq!(name(a.path()).len(), 64);
    }

    #[cfg(unix)]
    #[test]
    fn only_its_owner_can_read_the_key() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        Seal::of_folder(folder.path()).unwrap();
        let mode = std::fs::metadata(folder.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn journals_whose_key_is_gone_are_not_taken_for_those_of_other_jobs() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("00.jsonl"), "x").unwrap();
        let e = Seal::of_folder(folder.path()).unwrap_err();
        assert!(matches!(e, StoreError::NoSeal(_)), "{e}");
    }

    #[test]
    fn a_key_that_was_cut_short_is_made_anew_while_nothing_was_named_by_it() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(FILE), [7; 5]).unwrap();
        let first = Seal::of_folder(folder.path()).unwrap().name(b"");
        assert_eq!(Seal::of_folder(folder.path()).unwrap().name(b""), first);
    }
}

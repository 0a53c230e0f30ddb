//! Secrets that people name by a file: they are read once, because they may come from a pipe.

use crate::cert;
use crate::cli::part::CredentialArgs;
use crate::output::Output;
use crate::target::Target;
use crate::trouble::Trouble;
use h5::da::PrivateKey;
use h5::{Credential, Password, PublicKey};
use provision::{CredentialError, FileRule, load_key, load_password};
use std::path::Path;

/// A secret for a part: whether its file may be open to others is known when it is known that the part is simulated.
pub(crate) struct Given<T> {
    pub(crate) secret: T,
    exposed: Option<CredentialError>,
}

impl Given<Password> {
    pub(crate) fn password(path: &Path) -> Result<Self, CredentialError> {
        Given::password_by(path, FileRule::Lenient)
    }

    fn password_by(path: &Path, rule: FileRule) -> Result<Self, CredentialError> {
        let (secret, exposed) = load_password(path, rule)?;
        Ok(Given { secret, exposed })
    }
}

impl Given<PrivateKey> {
    pub(crate) fn key(path: &Path) -> Result<Self, CredentialError> {
        let (secret, exposed) = load_key(path, FileRule::Lenient)?;
        Ok(Given { secret, exposed })
    }
}

/// A credential that was named: a password, or the root key of certificates.
pub(crate) enum Held {
    Password(Given<Password>),
    RootKey(PublicKey),
}

impl Held {
    /// For a file: what others can read is refused.
    pub(crate) fn strict(args: &CredentialArgs) -> Result<Option<Held>, Trouble> {
        Held::read(args, FileRule::Strict)
    }

    /// For a part: see [`Given::allowed`].
    pub(crate) fn lenient(args: &CredentialArgs) -> Result<Option<Held>, Trouble> {
        Held::read(args, FileRule::Lenient)
    }

    fn read(args: &CredentialArgs, rule: FileRule) -> Result<Option<Held>, Trouble> {
        if let Some(path) = &args.cert {
            return Ok(Some(Held::RootKey(cert::load_chain(path)?.root_key())));
        }
        let password =
            args.password_file.as_deref().map(|path| Given::password_by(path, rule)).transpose()?;
        Ok(password.map(Held::Password))
    }

    pub(crate) fn credential(&self) -> Credential<'_> {
        match self {
            Held::Password(given) => Credential::Password(&given.secret),
            Held::RootKey(key) => Credential::RootKey(key),
        }
    }

    pub(crate) fn allowed(&mut self, target: &Target, output: &mut Output) -> Result<(), Trouble> {
        match self {
            Held::Password(given) => given.allowed(target, output),
            Held::RootKey(_) => Ok(()),
        }
    }
}

impl<T> Given<T> {
    /// An error where others can read the file and the part is real.
    pub(crate) fn allowed(&mut self, target: &Target, output: &mut Output) -> Result<(), Trouble> {
        match self.exposed.take() {
            Some(e) if !target.session.is_simulated() => Err(e.into()),
            Some(e) => {
                output.say(&format!("note: {}", e.waived()));
                Ok(())
            }
            None => Ok(()),
        }
    }
}

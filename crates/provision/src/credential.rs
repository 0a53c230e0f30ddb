//! The credential of a job: the provisioning file, the password that belongs to it, and whether the two fit the part.

use crate::{Exit, Job};
use h5::da::{BadKey, PrivateKey};
use h5::obk::{LintContext, ObkRule, Severity};
use h5::{BadPassword, ObkError, ObkFile, Password, Tzen};
use regs::h5::option;
use sha2::{Digest, Sha256};
use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use thiserror::Error;
use zeroize::Zeroizing;

/// Why the credential cannot be used. Nothing was written.
#[derive(Debug, Error)]
pub enum CredentialError {
    /// A file cannot be read.
    #[error("{path} cannot be read: {why}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
    /// The OBK file's hash is not the job's.
    #[error(
        "the OBK file {path} is not the one whose SHA-256 the job names in obk.sha256; `h5-provision obk inspect {path}` shows its own"
    )]
    Hash {
        /// The file.
        path: PathBuf,
    },
    /// The OBK file is none.
    #[error("the OBK file {path} is no good: {cause}")]
    Obk {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: ObkError,
    },
    /// The password file holds no password.
    #[error("{path} holds no password: {cause}")]
    Password {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: BadPassword,
    },
    /// The key file holds no private key.
    #[error("{path} holds no key: {cause}")]
    Key {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: BadKey,
    },
    /// Others can read the secret.
    #[error("the {kind} file {path} {why}; it must be yours alone: chmod 600 {path}")]
    Exposed {
        /// What is in it.
        kind: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong with its owner or mode.
        why: String,
    },
    /// A rule refuses the OBK for this part, password or job.
    #[error("refused: {text}")]
    Rule {
        /// The rule.
        rule: ObkRule,
        /// Why, for a person.
        text: String,
    },
}

impl CredentialError {
    /// What is said where the bench may do what a line may not.
    pub fn waived(&self) -> String {
        let what = match self {
            CredentialError::Exposed { kind, path, why } => {
                format!("the {kind} file {} {why}", path.display())
            }
            other => other.to_string(),
        };
        format!("{what}; {ONLY_HERE}")
    }

    /// 2 for bad input, 3 for a safety rule, 43 for a password that does not belong to the OBK.
    pub fn exit(&self) -> Exit {
        match self {
            CredentialError::Exposed { .. } => Exit::Permission,
            CredentialError::Rule { rule, .. } => rule_exit(*rule),
            _ => Exit::Usage,
        }
    }
}

/// Why a rule is waived.
pub(crate) const ONLY_HERE: &str = "accepted because board and job are for the bench only";

/// The exit code of a rule: malformed files are bad input; what would close a part without a way back is a safety matter.
pub fn rule_exit(rule: ObkRule) -> Exit {
    match rule {
        ObkRule::PasswordMismatch | ObkRule::RootKeyMismatch => Exit::Credential,
        ObkRule::DoEncryption | ObkRule::TrustZone | ObkRule::PublicSample | ObkRule::Permissions => {
            Exit::Refused
        }
        _ => Exit::Usage,
    }
}

/// A provisioning file, loaded.
pub struct LoadedObk {
    /// The file.
    pub path: PathBuf,
    /// SHA-256 of the file. Short passwords can be guessed from it.
    pub(crate) sha256: [u8; 32],
    /// What it says.
    pub file: ObkFile,
}

impl fmt::Debug for LoadedObk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoadedObk")
            .field("path", &self.path)
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}

/// Reads the provisioning file of a job, if it has one.
///
/// # Errors
/// [`CredentialError`].
pub(crate) fn load_obk(job: &Job) -> Result<Option<LoadedObk>, CredentialError> {
    let Some(source) = &job.obk else { return Ok(None) };
    let path = source.path.clone();
    let bytes = Zeroizing::new(read(&path)?);
    let sha256: [u8; 32] = Sha256::digest(&bytes).into();
    if source.sha256.is_some_and(|wanted| wanted != sha256) {
        return Err(CredentialError::Hash { path });
    }
    let file = ObkFile::parse(&bytes).map_err(|cause| CredentialError::Obk { path: path.clone(), cause })?;
    Ok(Some(LoadedObk { path, sha256, file }))
}

fn read(path: &Path) -> Result<Vec<u8>, CredentialError> {
    std::fs::read(path).map_err(|e| CredentialError::File { path: path.to_owned(), why: e.to_string() })
}

/// Whether a file with a secret must belong to the caller alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileRule {
    /// Yes.
    Strict,
    /// A warning is enough: a bench job on a simulated board.
    Lenient,
}

/// Reads a password file, once: it may be a pipe. Its bytes are the password, except for one line end; ST's `password.bin` is
/// understood too. The second value is what [`FileRule::Strict`] would have refused.
///
/// # Errors
/// [`CredentialError`].
pub fn load_password(
    path: &Path,
    rule: FileRule,
) -> Result<(Password, Option<CredentialError>), CredentialError> {
    let (bytes, exposed) = secret(path, rule, "password")?;
    let password = Password::from_bytes(password_bytes(&bytes))
        .map_err(|cause| CredentialError::Password { path: path.to_owned(), cause })?;
    Ok((password, exposed))
}

/// Reads a file with a private key in PEM, once. The second value is what [`FileRule::Strict`] would have refused.
///
/// # Errors
/// [`CredentialError`].
pub fn load_key(
    path: &Path,
    rule: FileRule,
) -> Result<(PrivateKey, Option<CredentialError>), CredentialError> {
    let (bytes, exposed) = secret(path, rule, "key")?;
    let key = PrivateKey::from_pem(&bytes)
        .map_err(|cause| CredentialError::Key { path: path.to_owned(), cause })?;
    Ok((key, exposed))
}

/// The bytes of a file with a secret in it; `-` is standard input.
fn secret(
    path: &Path,
    rule: FileRule,
    kind: &'static str,
) -> Result<(Zeroizing<Vec<u8>>, Option<CredentialError>), CredentialError> {
    let fail = |e: std::io::Error| CredentialError::File { path: path.to_owned(), why: e.to_string() };
    let from = if path == Path::new("-") { Path::new("/dev/stdin") } else { path };
    let mut file = File::open(from).map_err(fail)?;
    let exposed = exposed(&file).map_err(fail)?;
    let exposed = exposed.map(|why| CredentialError::Exposed { kind, path: path.to_owned(), why });
    let exposed = match (exposed, rule) {
        (Some(e), FileRule::Strict) => return Err(e),
        (exposed, _) => exposed,
    };
    let mut bytes = Zeroizing::new(Vec::with_capacity(ROOM));
    file.by_ref().take(SECRET_FILE_MAX).read_to_end(&mut bytes).map_err(fail)?;
    Ok((bytes, exposed))
}

/// No file with a secret is longer than this; what is read of a longer one is none.
const SECRET_FILE_MAX: u64 = 4096;
/// So that no copy of the secret stays behind when the buffer grows.
const ROOM: usize = 8192;

/// ST's container is a word 0x80000000, a length and the bytes. [H5-OBK-2]
fn password_bytes(file: &[u8]) -> &[u8] {
    const CONTAINER: [u8; 4] = 0x8000_0000u32.to_le_bytes();
    let container = file.strip_prefix(&CONTAINER).and_then(|rest| rest.split_first_chunk());
    if let Some((length, password)) = container
        && usize::try_from(u32::from_le_bytes(*length)).is_ok_and(|n| n == password.len())
    {
        return password;
    }
    let line = file.strip_suffix(b"\n").unwrap_or(file);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// What is wrong with the owner or the mode of a file.
#[cfg(unix)]
fn exposed(file: &File) -> std::io::Result<Option<String>> {
    use std::os::unix::fs::MetadataExt as _;
    let data = file.metadata()?;
    let me = rustix::process::geteuid().as_raw();
    if data.uid() != me {
        return Ok(Some(format!("belongs to user {}, not to you ({me})", data.uid())));
    }
    let mode = data.mode() & 0o7777;
    Ok((mode & 0o077 != 0).then(|| format!("has mode {mode:04o}, so others can reach it")))
}

#[cfg(not(unix))]
fn exposed(_: &File) -> std::io::Result<Option<String>> {
    Ok(None)
}

/// TrustZone as it will be when the job's option bytes are in.
pub(crate) fn tzen_after(job: &Job, now: Tzen) -> Tzen {
    match job.options.iter().find(|c| c.byte.name == "TZEN").map(|c| c.value) {
        Some(option::ON) => Tzen::On,
        Some(option::OFF) => Tzen::Off,
        Some(other) => Tzen::Other(other.to_le_bytes()[0]),
        None => now,
    }
}

/// Checks OBK, password, family, TrustZone and job against each other. The answer is a list of warnings.
///
/// # Errors
/// [`CredentialError::Rule`], the first rule that refuses.
pub(crate) fn check(
    job: &Job,
    obk: &LoadedObk,
    password: Option<&Password>,
    tzen: Tzen,
) -> Result<Vec<String>, CredentialError> {
    if !obk.file.is_debug_authentication() {
        // Discovery would vouch for whatever credential is in the part already, and nobody here has its password.
        let name = obk.file.known_destination().map_or("an unknown destination", |d| d.name);
        let text = format!(
            "{} is for {name} and holds no credential: it would not be the job's password that opens the part again",
            obk.path.display()
        );
        return Err(CredentialError::Rule { rule: ObkRule::Destination, text });
    }
    let context = LintContext {
        family: job.family,
        tzen,
        credential: password.map(Into::into),
        production: job.production,
    };
    let mut warnings = Vec::new();
    for finding in obk.file.lint(&context) {
        match finding.severity {
            Severity::Refuse => return Err(CredentialError::Rule { rule: finding.rule, text: finding.text }),
            Severity::Warn => warnings.push(finding.text),
        }
    }
    Ok(warnings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_file_without_end_is_refused_and_not_read_for_ever() {
        let e = load_password(Path::new("/dev/zero"), FileRule::Lenient).unwrap_err();
        assert!(matches!(e, CredentialError::Password { .. }), "{e}");
    }

    #[test]
    fn a_line_end_is_no_part_of_a_password_and_st_s_container_is_understood() {
        assert_eq!(password_bytes(b"secret42\n"), b"secret42");
        assert_eq!(password_bytes(b"secret42\r\n"), b"secret42");
        assert_eq!(password_bytes(b"secret42"), b"secret42");
        assert_eq!(password_bytes(b"\0\0\0\x80\x04\0\0\0abcd"), b"abcd");
        assert_eq!(password_bytes(b"\0\0\0\x80\x05\0\0\0abcd"), b"\0\0\0\x80\x05\0\0\0abcd");
    }

    #[test]
    fn a_provisioning_file_without_a_credential_is_refused_as_the_credential_of_a_job() {
        let folder = crate::bench::Folder::new();
        let job = folder.job(crate::bench::JOB);
        let body = [7u8; 0x120 - 32];
        let head = [0x0FFD_0160u32, 0x120, 0].map(u32::to_le_bytes).concat();
        let file = [&head[..], &Sha256::digest(body), &body].concat();
        assert!(ObkFile::parse(&file).unwrap().known_destination().is_some());
        folder.write("da.obk", &file);
        let e = crate::Goods::load(&job, FileRule::Strict).unwrap_err();
        assert_eq!(e.exit(), Exit::Usage);
        assert!(e.to_string().contains("holds no credential"), "{e}");
    }

    #[cfg(unix)]
    #[test]
    fn a_password_file_that_others_can_read_is_refused_on_a_line_and_warned_about_on_a_bench() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pw");
        std::fs::write(&path, "benchpass1\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let e = load_password(&path, FileRule::Strict).unwrap_err();
        assert!(e.to_string().contains("0644") && e.to_string().contains("chmod 600"), "{e}");
        assert_eq!(e.exit(), Exit::Permission);
        let waived = load_password(&path, FileRule::Lenient).unwrap().1.unwrap().waived();
        assert!(waived.contains("0644") && waived.contains("bench only"), "{waived}");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert!(load_password(&path, FileRule::Strict).unwrap().1.is_none());
    }

    #[test]
    fn no_message_holds_the_password() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pw");
        std::fs::write(&path, "a password that is far too long").unwrap();
        let e = load_password(&path, FileRule::Lenient).unwrap_err();
        assert!(!format!("{e} {e:?}").contains("too long"), "{e:?}");
    }
}

//! The name of a recording.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// The variable that names a recording for every command that is typed.
const VARIABLE: &str = "ACKWAIT_TRACE";

/// Settles where a recording goes that was asked for. A name on the command line is meant as it stands. One from the
/// environment is for every command, so it costs no recording that is there already: then it becomes the first free one of
/// `NAME-2`, `NAME-3`..., and what to say about it comes back.
pub fn name_recording(asked: &mut PathBuf) -> Option<String> {
    if std::env::var_os(VARIABLE)? != asked.as_os_str() {
        return None;
    }
    let named = std::mem::replace(asked, unused(asked));
    (named != *asked)
        .then(|| format!("{} is there already: recording to {}", named.display(), asked.display()))
}

/// A recording would be written over a file that is needed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the recording {trace} would be written over {needed}, which is needed here: name another file")]
pub struct NotSpare {
    /// Where the recording was to go.
    pub trace: PathBuf,
    /// What stands there.
    pub needed: PathBuf,
}

/// A recording is written over whatever has its name: it must be none of the files that a command reads or writes beside it.
///
/// # Errors
/// [`NotSpare`] with the first that it is.
pub fn spare<'f>(trace: Option<&Path>, needed: impl IntoIterator<Item = &'f Path>) -> Result<(), NotSpare> {
    let Some(trace) = trace else { return Ok(()) };
    let Some(place) = place(trace) else { return Ok(()) };
    match needed.into_iter().find(|file| self::place(file).as_ref() == Some(&place)) {
        None => Ok(()),
        Some(file) => Err(NotSpare { trace: trace.to_owned(), needed: file.to_owned() }),
    }
}

/// What a name stands for, whatever links lead there, also where there is no file yet.
fn place(file: &Path) -> Option<PathBuf> {
    if let Ok(there) = std::fs::canonicalize(file) {
        return Some(there);
    }
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Some(std::fs::canonicalize(folder).ok()?.join(file.file_name()?))
}

/// This name, or one like it that no file has.
fn unused(asked: &Path) -> PathBuf {
    // A pipe or a device is there to be written to.
    if !asked.is_file() {
        return asked.to_path_buf();
    }
    let numbered = |n: u32| {
        let mut name = asked.file_stem().map(OsString::from).unwrap_or_default();
        name.push(format!("-{n}"));
        if let Some(extension) = asked.extension() {
            name.push(".");
            name.push(extension);
        }
        asked.with_file_name(name)
    };
    (2..).map(numbered).find(|name| !name.exists()).unwrap_or_else(|| asked.to_path_buf())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recording_is_not_written_over_what_is_needed_by_whatever_name() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        std::fs::write(path("pw"), "secret").unwrap();
        let spared = |trace: &Path, needed: &Path| spare(Some(trace), [needed]).is_ok();
        assert!(!spared(&path("pw"), &path("./pw")) && !spared(&path("new"), &path("./new")));
        assert!(spared(&path("other"), &path("pw")) && spared(&path("pw"), &path("nowhere/pw")));
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(path("pw"), path("link")).unwrap();
            assert!(!spared(&path("link"), &path("pw")));
        }
        assert!(spare(None, [path("pw").as_path()]).is_ok());
    }

    #[test]
    fn a_name_that_a_file_has_gets_the_next_free_number() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        for (name, next) in [("t.pcapng", "t-2.pcapng"), ("t.pcapng", "t-3.pcapng"), ("trace", "trace-2")] {
            std::fs::write(path(name), "kept").unwrap();
            let free = unused(&path(name));
            assert_eq!(free, path(next));
            std::fs::write(free, "another").unwrap();
        }
        assert_eq!(unused(&path("new.pcapng")), path("new.pcapng"));
        assert_eq!(unused(dir.path()), dir.path(), "what is no file is somebody else's trouble");
        assert_eq!(std::fs::read(path("t.pcapng")).unwrap(), b"kept");
    }
}

//! The name of a recording.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

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

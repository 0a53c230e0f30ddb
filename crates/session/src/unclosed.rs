//! Which ST-Links a session left without closing them.
//!
//! A host that is killed in the middle of a write leaves a probe that takes whatever comes next for data, and writes it into the
//! target [STL-29]. Nothing on USB tells that. So a session leaves a file while it is open, and the next one on the same socket
//! that finds it resets the probe before it says anything.

use probe::find::{FoundProbe, Location, Protocol};
use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};

/// The file of one socket.
#[derive(Debug)]
pub(crate) struct Unclosed(PathBuf);

impl Unclosed {
    /// For a probe that can be left in such a state, where the user has a folder for it.
    pub(crate) fn of(probe: &FoundProbe) -> Option<Unclosed> {
        matches!(probe.protocol, Protocol::StLink(_)).then_some(())?;
        Some(Unclosed::at(&state_folder("open")?, &probe.location))
    }

    fn at(folder: &Path, socket: &Location) -> Unclosed {
        Unclosed(folder.join(socket.to_string()))
    }

    /// Whether the session before did not end.
    pub(crate) fn is_left(&self) -> bool {
        self.0.exists()
    }

    /// A session begins.
    pub(crate) fn begin(&self) {
        let made = self.0.parent().map_or(Ok(()), fs::create_dir_all);
        let left = made.and_then(|()| OpenOptions::new().create(true).append(true).open(&self.0));
        if let Err(error) = left {
            log::debug!("a session that is killed will not be noticed: {}: {error}", self.0.display());
        }
    }

    /// It ended, and the probe waits for a command.
    pub(crate) fn end(&self) {
        if let Err(error) = fs::remove_file(&self.0) {
            log::debug!("{}: {error}", self.0.display());
        }
    }
}

/// What is kept from one run to the next under this name: `ackwait/NAME` in `$XDG_STATE_HOME` or `~/.local/state`.
pub fn state_folder(name: &str) -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state =
        absolute("XDG_STATE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".local/state")))?;
    Some(state.join("ackwait").join(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_that_does_not_end_is_noticed_on_its_socket_only() {
        let dir = tempfile::tempdir().unwrap();
        let at = |socket: &str| Unclosed::at(&dir.path().join("open"), &socket.parse().unwrap());
        assert!(!at("1-4.2").is_left());
        at("1-4.2").begin();
        at("1-4.2").begin();
        assert!(at("1-4.2").is_left() && !at("1-4").is_left());
        at("1-4.2").end();
        at("1-4.2").end();
        assert!(!at("1-4.2").is_left());
    }
}

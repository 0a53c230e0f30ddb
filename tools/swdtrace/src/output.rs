//! Files that are written.

use crate::Failure;
use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

/// Creates a file that only its owner may read: what it holds was on the wire.
pub(crate) fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// What is read must not be written over, by whatever name or link it goes. Of a folder every file is read.
pub(crate) fn spare(output: Option<&Path>, inputs: &[&Path]) -> Result<(), Failure> {
    let Some((output, target)) = output.and_then(|path| Some((path, identity(path)?))) else { return Ok(()) };
    let is_read = |input: &&&Path| {
        let files = std::fs::read_dir(input).into_iter().flatten().flatten().map(|entry| entry.path());
        files.chain([input.to_path_buf()]).any(|file| identity(&file).as_ref() == Some(&target))
    };
    match inputs.iter().find(is_read) {
        Some(_) => Err(Failure::SameFile(output.to_path_buf())),
        None => Ok(()),
    }
}

/// What tells an ordinary file from all others.
#[cfg(unix)]
fn identity(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    let found = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file)?;
    Some((found.dev(), found.ino()))
}

#[cfg(not(unix))]
fn identity(path: &Path) -> Option<std::path::PathBuf> {
    std::fs::canonicalize(path).ok()
}

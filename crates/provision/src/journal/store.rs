//! Where journals are kept.

use super::Seal;
use crate::Exit;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use thiserror::Error;

/// Why a journal or a record cannot be kept.
#[derive(Debug, Error)]
pub enum StoreError {
    /// It cannot be opened.
    #[error("{path} cannot be opened: {why}")]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        why: String,
        /// It is a matter of permission.
        denied: bool,
    },
    /// It was opened, and then the system refused: a full disk, a lost share.
    #[error("{path} cannot be kept: {why}")]
    Kept {
        /// The file.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
    /// The journals are there, and the key that their names were made with is not.
    #[error(
        "{0} is missing or cut short, and without it nothing in the journals beside it can be compared: put it back from \
         where these journals came from, or move the journals away and treat their parts as ones without a journal"
    )]
    NoSeal(PathBuf),
    /// A journal with another part's lines.
    #[error(
        "the journal of part {part} holds lines about part {found}: move the file away, it was put here by mistake"
    )]
    OtherPart {
        /// The part at the probe.
        part: String,
        /// The part the line is about.
        found: String,
    },
    /// A record whose end is not the one that its head names.
    #[error("{path}: {why}")]
    Head {
        /// The record.
        path: PathBuf,
        /// What does not fit.
        why: String,
    },
    /// Another process has this part's journal open.
    #[error("{0} is in use by another process: is the same part being worked on twice?")]
    Locked(PathBuf),
    /// A line in the middle makes no sense.
    #[error(
        "line {line} of the journal {path} is damaged: what was done to this part cannot be told; move the file away and \
         treat the part as one without a journal"
    )]
    Damaged {
        /// The journal.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
    },
    /// A line could not be written as JSON.
    #[error("a line cannot be encoded: {0}")]
    Encode(String),
    /// There is no place for journals.
    #[error("there is no place for journals: set HOME or XDG_STATE_HOME, or give --journal DIR")]
    NoPlace,
}

impl StoreError {
    pub(crate) fn opening(path: &Path, e: &std::io::Error) -> StoreError {
        let denied = e.kind() == std::io::ErrorKind::PermissionDenied;
        StoreError::File { path: path.to_owned(), why: e.to_string(), denied }
    }

    pub(crate) fn writing(path: &Path, e: &std::io::Error) -> StoreError {
        StoreError::Kept { path: path.to_owned(), why: e.to_string() }
    }

    /// The exit code.
    pub fn exit(&self) -> Exit {
        match self {
            StoreError::Locked(_) => Exit::ProbeBusy,
            StoreError::Damaged { .. } | StoreError::NoSeal(_) | StoreError::OtherPart { .. } => {
                Exit::Unknown
            }
            StoreError::Head { .. } => Exit::Refused,
            StoreError::Encode(_) => Exit::Bug,
            StoreError::Kept { .. } => Exit::Storage,
            StoreError::File { denied: true, .. } => Exit::Permission,
            StoreError::File { .. } | StoreError::NoPlace => Exit::Usage,
        }
    }
}

/// Bytes that only grow, except that a torn end is cut off.
pub trait Store: Debug {
    /// What it is called.
    fn path(&self) -> &Path;

    /// Everything that is there.
    ///
    /// # Errors
    /// [`StoreError`].
    fn read(&mut self) -> Result<Vec<u8>, StoreError>;

    /// Adds to the end; durable when it returns.
    ///
    /// # Errors
    /// [`StoreError`].
    fn append(&mut self, bytes: &[u8]) -> Result<(), StoreError>;

    /// Cuts the end off; durable when it returns.
    ///
    /// # Errors
    /// [`StoreError`].
    fn truncate(&mut self, len: u64) -> Result<(), StoreError>;
}

impl Store for Box<dyn Store> {
    fn path(&self) -> &Path {
        (**self).path()
    }
    fn read(&mut self) -> Result<Vec<u8>, StoreError> {
        (**self).read()
    }
    fn append(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        (**self).append(bytes)
    }
    fn truncate(&mut self, len: u64) -> Result<(), StoreError> {
        (**self).truncate(len)
    }
}

/// The journal of the part with this unique id.
pub fn journal_path(folder: &Path, uid: &str) -> PathBuf {
    folder.join(format!("{uid}.jsonl"))
}

/// A file that is locked while it is open.
#[derive(Debug)]
pub struct FileStore {
    path: PathBuf,
    file: File,
}

impl Drop for FileStore {
    /// Closing the file is not enough: a child that is just being started has it too, for a moment, and would keep the lock.
    fn drop(&mut self) {
        let _ = self.file.unlock();
    }
}

impl FileStore {
    /// Opens or creates the file, and its folder.
    ///
    /// # Errors
    /// [`StoreError`], [`StoreError::Locked`] when another process has it.
    pub fn open(path: &Path) -> Result<FileStore, StoreError> {
        FileStore::open_with(path, |file| match file.try_lock() {
            Ok(()) => Ok(()),
            Err(TryLockError::WouldBlock) => Err(StoreError::Locked(path.to_owned())),
            Err(TryLockError::Error(e)) => Err(StoreError::opening(path, &e)),
        })
    }

    /// As [`FileStore::open`] for a file that several processes add to: waits for its turn.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn open_in_turn(path: &Path) -> Result<FileStore, StoreError> {
        FileStore::open_with(path, |file| file.lock().map_err(|e| StoreError::opening(path, &e)))
    }

    fn open_with(
        path: &Path,
        lock: impl FnOnce(&File) -> Result<(), StoreError>,
    ) -> Result<FileStore, StoreError> {
        let fail = |e: std::io::Error| StoreError::opening(path, &e);
        let folder = path.parent().unwrap_or(Path::new(""));
        if !folder.as_os_str().is_empty() {
            std::fs::create_dir_all(folder).map_err(fail)?;
        }
        let file = OpenOptions::new().read(true).append(true).create(true).open(path).map_err(fail)?;
        // A device takes every line and keeps none, or gives lines without end.
        if !file.metadata().map_err(fail)?.is_file() {
            let why = "it is no regular file".to_owned();
            return Err(StoreError::File { path: path.to_owned(), why, denied: false });
        }
        lock(&file)?;
        // A new name is durable only when its folder is.
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        if let Ok(folder) = File::open(folder) {
            let _ = folder.sync_all();
        }
        Ok(FileStore { path: path.to_owned(), file })
    }

    fn fail(&self, e: &std::io::Error) -> StoreError {
        StoreError::writing(&self.path, e)
    }
}

impl Store for FileStore {
    fn path(&self) -> &Path {
        &self.path
    }

    fn read(&mut self) -> Result<Vec<u8>, StoreError> {
        let mut bytes = Vec::new();
        let read = self.file.seek(SeekFrom::Start(0)).and_then(|_| self.file.read_to_end(&mut bytes));
        read.map_err(|e| self.fail(&e))?;
        Ok(bytes)
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        let before = self.file.metadata().map_err(|e| self.fail(&e))?.len();
        let written = self.file.write_all(bytes).and_then(|()| self.file.sync_data());
        written.map_err(|e| {
            // Half a line would spoil the next one.
            let _ = self.file.set_len(before);
            self.fail(&e)
        })
    }

    fn truncate(&mut self, len: u64) -> Result<(), StoreError> {
        let cut = self.file.set_len(len).and_then(|()| self.file.sync_all());
        cut.map_err(|e| self.fail(&e))
    }
}

/// A journal in memory that outlives the run: a clone is the same journal, so a test can cut a run short, take the journal
/// over and run again.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore {
    bytes: Rc<RefCell<Vec<u8>>>,
}

impl MemoryStore {
    /// A journal that holds these bytes.
    pub fn holding(bytes: &[u8]) -> Self {
        MemoryStore { bytes: Rc::new(RefCell::new(bytes.to_vec())) }
    }

    /// What it holds.
    pub fn bytes(&self) -> Vec<u8> {
        self.bytes.borrow().clone()
    }
}

impl Store for MemoryStore {
    fn path(&self) -> &Path {
        Path::new("in memory")
    }

    fn read(&mut self) -> Result<Vec<u8>, StoreError> {
        Ok(self.bytes())
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.bytes.borrow_mut().extend_from_slice(bytes);
        Ok(())
    }

    fn truncate(&mut self, len: u64) -> Result<(), StoreError> {
        self.bytes.borrow_mut().truncate(usize::try_from(len).unwrap_or(usize::MAX));
        Ok(())
    }
}

/// Where the journals of all parts are.
pub trait Shelf: Debug {
    /// The journal of the part with this unique id (24 hex digits), made if there is none.
    ///
    /// # Errors
    /// [`StoreError`].
    fn open(&self, uid: &str) -> Result<Box<dyn Store>, StoreError>;

    /// What the journals on this shelf name secrets by.
    ///
    /// # Errors
    /// [`StoreError`].
    fn seal(&self) -> Result<Seal, StoreError>;
}

/// A folder with one file per part.
#[derive(Debug, Clone)]
pub struct Folder(pub PathBuf);

impl Shelf for Folder {
    fn open(&self, uid: &str) -> Result<Box<dyn Store>, StoreError> {
        Ok(Box::new(FileStore::open(&journal_path(&self.0, uid))?))
    }

    fn seal(&self) -> Result<Seal, StoreError> {
        Seal::of_folder(&self.0)
    }
}

/// Journals in memory; a clone is the same shelf.
#[derive(Debug, Clone, Default)]
pub struct MemoryShelf {
    parts: Rc<RefCell<BTreeMap<String, MemoryStore>>>,
}

impl MemoryShelf {
    /// The bytes of all journals, by unique id.
    pub fn contents(&self) -> BTreeMap<String, Vec<u8>> {
        self.parts.borrow().iter().map(|(uid, store)| (uid.clone(), store.bytes())).collect()
    }

    /// A shelf that holds copies of these journals.
    pub fn holding(contents: &BTreeMap<String, Vec<u8>>) -> Self {
        let parts = contents.iter().map(|(uid, bytes)| (uid.clone(), MemoryStore::holding(bytes))).collect();
        MemoryShelf { parts: Rc::new(RefCell::new(parts)) }
    }
}

impl Shelf for MemoryShelf {
    fn open(&self, uid: &str) -> Result<Box<dyn Store>, StoreError> {
        Ok(Box::new(self.parts.borrow_mut().entry(uid.to_owned()).or_default().clone()))
    }

    /// The same for all: what is in memory leaks nowhere, and equal runs leave equal journals.
    fn seal(&self) -> Result<Seal, StoreError> {
        Ok(Seal::with([0; 32]))
    }
}

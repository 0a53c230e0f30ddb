//! A file of records and its head.
//!
//! A chain protects every line but its last: whoever cuts the end off leaves a chain that holds. So the number of lines and the
//! hash of the last one stand in a second file, the head, which is replaced after every line. Who can write both can forge
//! both; a copy of the head, or of the hash that `record check` prints, kept somewhere else, is what notices that.

use super::{Chain, check_chain, lines};
use crate::journal::{FileStore, Store, StoreError};
use crate::text::{hex, parse_hash};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// What the head file holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Head {
    lines: usize,
    last: String,
}

/// A file of records, its turn taken.
#[derive(Debug)]
pub struct Book {
    path: PathBuf,
    store: FileStore,
}

/// What a file of records holds, when all is well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// The chain.
    pub chain: Chain,
    /// The last line was written and its head was not: whoever wrote it was cut short between the two.
    pub ahead: bool,
}

impl Book {
    /// Opens or makes a file of records, and checks that its end is the one that its head names.
    ///
    /// # Errors
    /// [`StoreError`], [`StoreError::Head`] when the end is missing or another one.
    pub fn open(path: &Path) -> Result<Book, StoreError> {
        let mut book = Book { path: path.to_owned(), store: FileStore::open_in_turn(path)? };
        let bytes = book.store.read()?;
        book.end(&bytes)?;
        Ok(book)
    }

    /// Adds a record, then its head; both are durable when it returns.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn append(&mut self, record: Map<String, Value>) -> Result<(), StoreError> {
        super::append(&mut self.store, record)?;
        let bytes = self.store.read()?;
        let text = serde_json::to_string(&head_of(&bytes)).map_err(|e| StoreError::Encode(e.to_string()))?;
        replace(&head_path(&self.path), &text)
    }

    /// Whether the end is the one that the head names; `true`: it is one line further.
    fn end(&self, bytes: &[u8]) -> Result<bool, StoreError> {
        let fail = |why: String| Err(StoreError::Head { path: self.path.clone(), why });
        let path = head_path(&self.path);
        let now = head_of(bytes);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => match now.lines {
                0 => return Ok(false),
                // The very first line was written, and its head was not. Any other file of one line is no record.
                1 if check_chain(bytes).is_ok() => return Ok(true),
                1 => return fail("it holds something that is no record: name another file".to_owned()),
                _ => return fail(format!("its head {} is missing: {MOVE}", path.display())),
            },
            Err(e) => return Err(StoreError::opening(&path, &e)),
        };
        let head = serde_json::from_str::<Head>(&text).ok().filter(|head| parse_hash(&head.last).is_some());
        let Some(head) = head else {
            return fail(format!("its head {} cannot be read: {MOVE}", path.display()));
        };
        if head == now {
            return Ok(false);
        }
        if head.lines + 1 == now.lines && head == head_of(without_last(bytes)) {
            return Ok(true);
        }
        fail(format!(
            "its head names {} lines, the last with SHA-256 {}..., and there are {} with {}...: its end was changed or taken \
             away; {MOVE}",
            head.lines,
            head.last.get(..16).unwrap_or_default(),
            now.lines,
            now.last.get(..16).unwrap_or_default(),
        ))
    }
}

/// What to do when the two do not fit.
const MOVE: &str = "keep both files as evidence, somewhere else, and begin a new record";

/// Checks a file of records with its head. Writes nothing.
///
/// # Errors
/// [`StoreError::Head`] with what is wrong.
pub fn check(path: &Path) -> Result<Checked, StoreError> {
    // Not made anew by being looked at.
    std::fs::metadata(path).map_err(|e| StoreError::opening(path, &e))?;
    let mut book = Book { path: path.to_owned(), store: FileStore::open_in_turn(path)? };
    let bytes = book.store.read()?;
    let chain = check_chain(&bytes).map_err(|broken| StoreError::Head {
        path: path.to_owned(),
        why: format!("line {} {}", broken.line, broken.why),
    })?;
    let ahead = book.end(&bytes)?;
    Ok(Checked { chain, ahead })
}

/// The head of a file of records.
pub fn head_path(record: &Path) -> PathBuf {
    let mut name = record.as_os_str().to_owned();
    name.push(".head");
    PathBuf::from(name)
}

fn head_of(bytes: &[u8]) -> Head {
    let last = lines(bytes).last().map_or(super::NOTHING, |line| Sha256::digest(line).into());
    Head { lines: lines(bytes).count(), last: hex(&last) }
}

fn without_last(bytes: &[u8]) -> &[u8] {
    let end = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let cut = end.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
    bytes.get(..cut).unwrap_or_default()
}

/// The old text or the new one, whatever happens on the way.
fn replace(path: &Path, text: &str) -> Result<(), StoreError> {
    let fail = |e: std::io::Error| StoreError::writing(path, &e);
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let new = PathBuf::from(name);
    let mut file = File::create(&new).map_err(fail)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(fail)?;
    std::fs::rename(&new, path).map_err(fail)?;
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let _ = File::open(folder).and_then(|f| f.sync_all());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Exit;

    fn three() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("line.jsonl");
        for n in 0..3 {
            let record = [("n".to_owned(), Value::from(n))].into_iter().collect();
            Book::open(&path).unwrap().append(record).unwrap();
        }
        (folder, path)
    }

    fn edit(path: &Path, edit: impl Fn(&str) -> String) {
        let text = std::fs::read_to_string(path).unwrap();
        std::fs::write(path, edit(&text)).unwrap();
    }

    #[test]
    fn a_file_of_records_has_a_head_that_names_its_end() {
        let (_folder, path) = three();
        let checked = check(&path).unwrap();
        assert_eq!((checked.chain.records, checked.ahead), (3, false));
        assert!(check(&path.with_extension("nowhere")).is_err());
    }

    #[test]
    fn a_last_line_that_was_taken_away_or_changed_shows_and_nothing_is_added_behind_it() {
        let edits: [fn(&str) -> String; 4] = [
            |text| text.lines().take(2).map(|l| format!("{l}\n")).collect(),
            |text| text.lines().take(1).map(|l| format!("{l}\n")).collect(),
            |text| text.replace("\"n\":2", "\"n\":7"),
            |_| String::new(),
        ];
        for change in edits {
            let (_folder, path) = three();
            edit(&path, change);
            let e = check(&path).unwrap_err();
            assert!(matches!(e, StoreError::Head { .. }) && e.exit() == Exit::Refused, "{e}");
            assert!(matches!(Book::open(&path), Err(StoreError::Head { .. })));
        }
    }

    #[test]
    fn a_run_that_was_cut_short_between_line_and_head_is_told_and_the_next_one_goes_on() {
        let (_folder, path) = three();
        let head = std::fs::read(head_path(&path)).unwrap();
        Book::open(&path).unwrap().append(Map::new()).unwrap();
        std::fs::write(head_path(&path), head).unwrap();
        assert!(check(&path).unwrap().ahead);
        Book::open(&path).unwrap().append(Map::new()).unwrap();
        let checked = check(&path).unwrap();
        assert_eq!((checked.chain.records, checked.ahead), (5, false));
    }

    #[test]
    fn a_file_that_is_something_else_is_not_written_to() {
        let folder = tempfile::tempdir().unwrap();
        for text in ["a-password\n", "a-password", "schema = 1\n[device]\n"] {
            let path = folder.path().join("file");
            std::fs::write(&path, text).unwrap();
            assert!(matches!(Book::open(&path), Err(StoreError::Head { .. })), "{text}");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        }
    }

    #[test]
    fn a_head_that_is_missing_or_makes_no_sense_is_no_proof() {
        let (_folder, path) = three();
        std::fs::write(head_path(&path), "{}").unwrap();
        assert!(check(&path).unwrap_err().to_string().contains("cannot be read"));
        std::fs::remove_file(head_path(&path)).unwrap();
        assert!(check(&path).unwrap_err().to_string().contains("missing"));
    }
}

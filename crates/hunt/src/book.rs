//! The book of a hunt: a line for each trial, written before the next one begins, so that a hunt can go on where it stopped.

use crate::matrix::Matrix;
use crate::trial::Trial;
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use thiserror::Error;

/// What the first line says.
const SCHEMA: &str = "ackwait.hunt-book/1";

/// A book that cannot be kept or gone on with.
#[derive(Debug, Error)]
pub enum BookError {
    /// Reading or writing.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
    /// The file holds another hunt, or something else.
    #[error("{}: {what}; name another file, or leave --resume out", path.display())]
    Other {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        what: String,
    },
}

/// The first line: what the trials behind it belong to.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Head {
    schema: String,
    what: String,
    part: String,
    seed: u64,
    matrix: Matrix,
}

/// A book.
#[derive(Debug, Default)]
pub struct Book {
    path: Option<PathBuf>,
    resume: bool,
    file: Option<File>,
}

impl Book {
    /// A book that nobody keeps.
    #[must_use]
    pub fn none() -> Book {
        Book::default()
    }

    /// A book in this file. With `resume` it is gone on with where it is there.
    #[must_use]
    pub fn at(path: &Path, resume: bool) -> Book {
        Book { path: Some(path.to_owned()), resume, file: None }
    }

    /// Opens it, and gives the trials that it holds. A last line that was cut short is made again.
    pub(crate) fn begin(
        &mut self,
        what: &str,
        matrix: &Matrix,
        seed: u64,
        part: &str,
    ) -> Result<Vec<Trial>, BookError> {
        let Some(path) = self.path.clone() else { return Ok(Vec::new()) };
        let io = |source| BookError::Io { path: path.clone(), source };
        let head = Head {
            schema: SCHEMA.to_owned(),
            what: what.to_owned(),
            part: part.to_owned(),
            seed,
            matrix: matrix.clone(),
        };
        let trials = if self.resume && path.exists() {
            held(&path, &std::fs::read_to_string(&path).map_err(io)?, &head)?
        } else {
            Vec::new()
        };
        // Written anew, so that half a line does not stay.
        let mut options = OpenOptions::new();
        let open = if self.resume { options.create(true).truncate(true) } else { options.create_new(true) };
        let mut file = open.write(true).open(&path).map_err(io)?;
        writeln!(file, "{}", line(&head)).map_err(io)?;
        for trial in &trials {
            writeln!(file, "{}", line(trial)).map_err(io)?;
        }
        self.file = Some(file);
        Ok(trials)
    }

    /// Keeps a trial.
    pub(crate) fn keep(&mut self, trial: &Trial) -> Result<(), BookError> {
        let (Some(file), Some(path)) = (&mut self.file, &self.path) else { return Ok(()) };
        let written = writeln!(file, "{}", line(trial)).and_then(|()| file.sync_data());
        written.map_err(|source| BookError::Io { path: path.clone(), source })
    }
}

/// Numbers, words and lists of them: writing them as JSON cannot fail.
fn line(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn held(path: &Path, text: &str, head: &Head) -> Result<Vec<Trial>, BookError> {
    let other = |what: &str| BookError::Other { path: path.to_owned(), what: what.to_owned() };
    let mut lines = text.lines();
    let first = lines.next().and_then(|line| serde_json::from_str::<Head>(line).ok());
    match first {
        None => return Err(other("this is no book of a hunt")),
        Some(found) if found != *head => return Err(other("the book is of another part, matrix or seed")),
        Some(_) => {}
    }
    let trials: Vec<Trial> = lines.map_while(|line| serde_json::from_str(line).ok()).collect();
    if trials.iter().enumerate().any(|(number, trial)| trial.number != number) {
        return Err(other("trials are missing in it"));
    }
    Ok(trials)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Cell, Outcome, Snapshot};

    fn head() -> Head {
        let (what, part) = ("obk-timeout".to_owned(), "a part".to_owned());
        Head { schema: SCHEMA.to_owned(), what, part, seed: 3, matrix: Matrix::quick() }
    }

    fn trial(number: usize) -> Trial {
        Trial {
            number,
            cell: Cell::default(),
            outcome: Outcome::Passed,
            error: None,
            signs: Vec::new(),
            waits: Vec::new(),
            before: None,
            after: Snapshot::default(),
            took_us: 5,
        }
    }

    fn text(trials: &[Trial]) -> String {
        let lines: Vec<String> = trials.iter().map(line).collect();
        format!("{}\n{}\n", line(&head()), lines.join("\n"))
    }

    #[test]
    fn a_book_gives_back_what_it_holds_and_leaves_out_half_a_line() {
        let all = [trial(0), trial(1)];
        let whole = text(&all);
        assert_eq!(held(Path::new("b"), &whole, &head()).unwrap(), all);
        for cut in 1..30 {
            let cut = &whole[..whole.len() - 1 - cut];
            assert_eq!(held(Path::new("b"), cut, &head()).unwrap(), all[..1], "{cut}");
        }
    }

    #[test]
    fn a_book_of_another_hunt_and_one_with_a_gap_are_refused() {
        let other = Head { seed: 4, ..head() };
        let refused = |text: &str, head: &Head| held(Path::new("b"), text, head).unwrap_err().to_string();
        assert!(refused(&text(&[]), &other).contains("another part, matrix or seed"));
        assert!(refused("hello", &head()).contains("no book"));
        assert!(refused(&text(&[trial(1)]), &head()).contains("missing"));
    }
}

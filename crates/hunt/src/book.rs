//! The book of a hunt: a line for each trial, written before the next one begins, so that a hunt can go on where it stopped.
//!
//! What stands in it is never written over: a hunt goes on behind the last whole line.

use crate::cell::Cell;
use crate::matrix::Matrix;
use crate::run::Plan;
use crate::trial::Trial;
use pace::Policy;
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use thiserror::Error;

/// What the first line says.
const SCHEMA: &str = "ackwait.hunt-book/2";

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
    #[error("{}: {what}; it was left as it is", path.display())]
    Other {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        what: String,
    },
}

/// What the trials behind it belong to, as far as it is known before anything is touched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heading {
    schema: String,
    what: String,
    probe: String,
    policy: String,
    seed: u64,
    matrix: Matrix,
}

impl Heading {
    /// The heading of a hunt through this probe.
    #[must_use]
    pub fn of(plan: &Plan<'_>, probe: &str, policy: &Policy) -> Heading {
        Heading {
            schema: SCHEMA.to_owned(),
            what: plan.word().to_owned(),
            probe: probe.to_owned(),
            policy: policy.line(),
            seed: plan.seed,
            matrix: plan.matrix.clone(),
        }
    }

    /// In what it differs from another, in words.
    fn differing(&self, other: &Heading) -> Option<&'static str> {
        let pairs = [
            (self.schema != other.schema, "is of another version of this program"),
            (self.what != other.what, "is of another command"),
            (self.probe != other.probe, "was kept with another probe"),
            (self.policy != other.policy, "was kept with another policy"),
            (self.seed != other.seed, "is of another seed"),
            (self.matrix != other.matrix, "is of another matrix"),
        ];
        pairs.into_iter().find(|(differs, _)| *differs).map(|(_, word)| word)
    }
}

/// The first line.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Head {
    #[serde(flatten)]
    heading: Heading,
    part: String,
    /// The unique id, if it could be had.
    board: Option<String>,
}

/// What a file held when it was opened.
#[derive(Debug, Default)]
struct Held {
    head: Option<Head>,
    trials: Vec<Trial>,
}

#[derive(Debug)]
struct Open {
    path: PathBuf,
    file: File,
    heading: Heading,
    held: Held,
}

/// A book.
#[derive(Debug, Default)]
pub struct Book(Option<Open>);

impl Book {
    /// A book that nobody keeps.
    #[must_use]
    pub fn none() -> Book {
        Book::default()
    }

    /// Opens or begins a book. With `resume` it is gone on with; without, it must be new. Half a line at its end is a trial
    /// that was being written when somebody pulled the plug: it is made again.
    ///
    /// # Errors
    /// [`BookError::Other`] when it is of another hunt, another program writes it, or it is damaged; [`BookError::Io`].
    pub fn open(path: &Path, resume: bool, heading: Heading) -> Result<Book, BookError> {
        let io = |source| BookError::Io { path: path.to_owned(), source };
        let other = |what: String| BookError::Other { path: path.to_owned(), what };
        let mut file = OpenOptions::new().create(true).read(true).append(true).open(path).map_err(io)?;
        file.try_lock().map_err(|e| match e {
            TryLockError::WouldBlock => other("another program is writing this book".to_owned()),
            TryLockError::Error(source) => io(source),
        })?;
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(io)?;
        if !resume && !text.is_empty() {
            return Err(other("there is a file of this name; --resume goes on with a book".to_owned()));
        }
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        let held = held(text.get(..whole).unwrap_or_default(), &heading).map_err(other)?;
        if whole < text.len() {
            file.set_len(u64::try_from(whole).unwrap_or(u64::MAX)).map_err(io)?;
        }
        Ok(Book(Some(Open { path: path.to_owned(), file, heading, held })))
    }

    /// Compares the part with that of the book, or begins the book with it. Gives the trials that the book holds.
    pub(crate) fn begin(
        &mut self,
        part: &str,
        board: Option<&str>,
        schedule: &[Cell],
    ) -> Result<Vec<Trial>, BookError> {
        let Some(open) = &mut self.0 else { return Ok(Vec::new()) };
        let held = std::mem::take(&mut open.held);
        let head =
            Head { heading: open.heading.clone(), part: part.to_owned(), board: board.map(str::to_owned) };
        let Some(found) = held.head else {
            open.write(&line(&head))?;
            return Ok(Vec::new());
        };
        let wrong = same_board(&found, &head).or_else(|| scheduled(&held.trials, schedule));
        wrong.map_or(Ok(held.trials), |what| Err(BookError::Other { path: open.path.clone(), what }))
    }

    /// Keeps a trial.
    pub(crate) fn keep(&mut self, trial: &Trial) -> Result<(), BookError> {
        self.0.as_mut().map_or(Ok(()), |open| open.write(&line(trial)))
    }
}

impl Open {
    fn write(&mut self, line: &str) -> Result<(), BookError> {
        let written =
            self.file.write_all(format!("{line}\n").as_bytes()).and_then(|()| self.file.sync_data());
        written.map_err(|source| BookError::Io { path: self.path.clone(), source })
    }
}

/// Numbers, words and lists of them: writing them as JSON cannot fail.
fn line(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// What whole lines hold. Every one of them must be good.
fn held(text: &str, heading: &Heading) -> Result<Held, String> {
    let mut lines = text.lines();
    let Some(first) = lines.next() else { return Ok(Held::default()) };
    let head: Head = serde_json::from_str(first).map_err(|_| "this is no book of a hunt".to_owned())?;
    if let Some(what) = head.heading.differing(heading) {
        return Err(format!("the book {what}"));
    }
    let mut trials = Vec::new();
    for (number, line) in lines.enumerate() {
        let trial: Trial = serde_json::from_str(line).map_err(|e| format!("line {}: {e}", number + 2))?;
        if trial.number != number {
            return Err(format!("line {}: trial {} stands where {number} should", number + 2, trial.number));
        }
        trials.push(trial);
    }
    Ok(Held { head: Some(head), trials })
}

fn same_board(found: &Head, head: &Head) -> Option<String> {
    if found.part != head.part {
        return Some(format!("the book is of another part: {}", found.part));
    }
    match (&found.board, &head.board) {
        (Some(then), Some(now)) if then != now => {
            Some(format!("the book is of another board: {then}, and this one is {now}"))
        }
        (Some(_), Some(_)) => None,
        _ => Some(
            "whether it is of this board cannot be told: the part does not tell its unique id".to_owned(),
        ),
    }
}

/// The trials must be those of the schedule.
fn scheduled(trials: &[Trial], schedule: &[Cell]) -> Option<String> {
    let wrong = |trial: &&Trial| schedule.get(trial.number) != Some(&trial.cell);
    let first = trials.iter().find(wrong)?;
    Some(format!("trial {} is not of the cell that the matrix and the seed give it", first.number))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Outcome, Snapshot};

    fn heading() -> Heading {
        let plan = Plan { matrix: Matrix::quick(), seed: 3, keys: None, route: None, undiscovered: false };
        Heading::of(&plan, "a probe", &Policy::default())
    }

    fn schedule() -> Vec<Cell> {
        Matrix::quick().schedule(3)
    }

    fn trial(number: usize) -> Trial {
        Trial {
            number,
            cell: schedule()[number],
            outcome: Outcome::Passed,
            error: None,
            signs: Vec::new(),
            waits: Vec::new(),
            before: None,
            after: Snapshot::default(),
            took_us: 5,
        }
    }

    /// A book with two trials.
    fn two(path: &Path) {
        let mut book = Book::open(path, false, heading()).unwrap();
        assert_eq!(book.begin("a part", Some("id"), &schedule()).unwrap(), []);
        (0..2).for_each(|n| book.keep(&trial(n)).unwrap());
    }

    fn again(path: &Path) -> Result<Vec<Trial>, BookError> {
        Book::open(path, true, heading())?.begin("a part", Some("id"), &schedule())
    }

    fn why(result: Result<impl std::fmt::Debug, BookError>) -> String {
        result.unwrap_err().to_string()
    }

    #[test]
    fn a_book_gives_back_what_it_holds_and_only_its_last_line_may_be_half() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("b");
        two(&path);
        let whole = std::fs::read(&path).unwrap();
        assert_eq!(again(&path).unwrap(), [trial(0), trial(1)]);
        for cut in [1, 2, 30, 90] {
            std::fs::write(&path, &whole[..whole.len() - cut]).unwrap();
            assert_eq!(again(&path).unwrap(), [trial(0)], "{cut}");
            // What was whole was not touched.
            assert!(whole.starts_with(&std::fs::read(&path).unwrap()));
        }
        let text = String::from_utf8(whole).unwrap();
        let damaged = text.replacen("\"outcome\":\"passed\"", "\"outcome\":\"psased\"", 1);
        std::fs::write(&path, &damaged).unwrap();
        assert!(why(again(&path)).contains("line 2"));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), damaged);
    }

    #[test]
    fn a_book_of_another_hunt_says_in_what_it_differs() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("b");
        two(&path);
        let open = |heading| why(Book::open(&path, true, heading));
        assert!(open(Heading { seed: 4, ..heading() }).contains("another seed"));
        assert!(open(Heading { probe: "b".into(), ..heading() }).contains("another probe"));
        assert!(open(Heading { policy: "b".into(), ..heading() }).contains("another policy"));
        assert!(open(Heading { matrix: Matrix::full(), ..heading() }).contains("another matrix"));
        assert!(open(Heading { what: "obk-timeout".into(), ..heading() }).contains("another command"));
        let begin = |part, board| {
            let mut book = Book::open(&path, true, heading()).unwrap();
            why(book.begin(part, board, &schedule()))
        };
        assert!(begin("another", Some("id")).contains("another part: a part"));
        assert!(begin("a part", Some("other")).contains("another board: id, and this one is other"));
        assert!(begin("a part", None).contains("cannot be told"));
        let mut book = Book::open(&path, true, heading()).unwrap();
        assert!(why(book.begin("a part", Some("id"), &Matrix::quick().schedule(5))).contains("trial 0"));
        drop(book);
        assert_eq!(again(&path).unwrap().len(), 2, "nothing was harmed");
    }

    #[test]
    fn a_file_that_is_there_is_not_taken_for_a_new_book_and_an_empty_one_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("b");
        std::fs::write(&path, "hello\n").unwrap();
        assert!(why(Book::open(&path, false, heading())).contains("--resume"));
        assert!(why(Book::open(&path, true, heading())).contains("no book"));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "hello\n");
        std::fs::write(&path, "").unwrap();
        two(&path);
        assert!(why(Book::open(&folder.path().join("no/b"), false, heading())).contains("no/b"));
    }

    #[test]
    fn two_programs_do_not_write_one_book() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("b");
        let first = Book::open(&path, false, heading()).unwrap();
        assert!(why(Book::open(&path, false, heading())).contains("another program"));
        drop(first);
        assert!(Book::open(&path, false, heading()).is_ok());
    }
}

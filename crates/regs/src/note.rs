//! Notes: where each fact comes from and how sure it is.
//!
//! The prose is in `vendor-notes/*.md`; a test holds both sides equal.

mod cmsis_dap;
mod h5_da;
mod h5_debug;
mod h5_flash;
mod h5_obk;
mod h5_state;
mod h5_timeout;
mod stlink;
mod swd_adi;
mod tools;
mod traces;
mod usb;

use core::fmt;

/// Id of a note, for example `H5-FLASH-3`. Ids are never given to another note.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NoteId(pub &'static str);

impl fmt::Display for NoteId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// How sure a note is, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Confidence {
    /// Read in the named public source (code, header, file bytes), or recomputed from it.
    Verified,
    /// From the vendor's register description files.
    Svd,
    /// Said by an employee of the vendor in public.
    Employee,
    /// Reported by a user.
    User,
    /// Somebody else's notes about a document or about silicon.
    ThirdParty,
    /// Follows from other notes.
    Inferred,
    /// From memory of a specification; not looked up.
    Memory,
    /// Nobody knows; a setting can change it.
    Guess,
}

impl Confidence {
    /// The word in `vendor-notes/`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Svd => "svd",
            Self::Employee => "employee",
            Self::User => "user",
            Self::ThirdParty => "third-party",
            Self::Inferred => "inferred",
            Self::Memory => "memory",
            Self::Guess => "guess",
        }
    }

    /// The confidence a word stands for.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        use Confidence::{Employee, Guess, Inferred, Memory, Svd, ThirdParty, User, Verified};
        [Verified, Svd, Employee, User, ThirdParty, Inferred, Memory, Guess]
            .into_iter()
            .find(|c| c.word() == word)
    }
}

impl fmt::Display for Confidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// One note.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Note {
    /// Id.
    pub id: NoteId,
    /// The claim in one line.
    pub claim: &'static str,
    /// How sure.
    pub confidence: Confidence,
    /// How to check it on a chip.
    pub check: &'static str,
}

/// The topics, in the order of the files in `vendor-notes/README.md`.
const TOPICS: [&[Note]; 12] = [
    swd_adi::NOTES,
    cmsis_dap::NOTES,
    stlink::NOTES,
    usb::NOTES,
    h5_debug::NOTES,
    h5_flash::NOTES,
    h5_state::NOTES,
    h5_obk::NOTES,
    h5_da::NOTES,
    h5_timeout::NOTES,
    traces::NOTES,
    tools::NOTES,
];

/// Number of notes in all topics.
const COUNT: usize = {
    let mut count = 0;
    let mut topic = 0;
    while topic < TOPICS.len() {
        count += TOPICS[topic].len();
        topic += 1;
    }
    count
};

/// The topics one after the other, joined when this is compiled.
static ALL: [Note; COUNT] = {
    let mut all = [swd_adi::NOTES[0]; COUNT];
    let (mut next, mut topic) = (0, 0);
    while topic < TOPICS.len() {
        let mut i = 0;
        while i < TOPICS[topic].len() {
            all[next] = TOPICS[topic][i];
            next += 1;
            i += 1;
        }
        topic += 1;
    }
    all
};

/// All notes.
pub static NOTES: &[Note] = &ALL;

/// One row of a topic's table.
const fn note(id: &'static str, confidence: Confidence, claim: &'static str, check: &'static str) -> Note {
    Note { id: NoteId(id), claim, confidence, check }
}

/// The note called `id`.
#[must_use]
pub fn find(id: &str) -> Option<&'static Note> {
    NOTES.iter().find(|n| n.id.0 == id)
}

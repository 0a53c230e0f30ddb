//! What could not be compared: values that one of the traces does not show.

use super::items::Item;
use super::key::Value;
use std::fmt;

/// Values of equal items of which at least one side is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Unseen {
    /// What was written.
    pub written: Hidden,
    /// What was read.
    pub read: Hidden,
}

/// How many values are not known, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Hidden {
    /// A recording holds a mask in place of a secret.
    pub masked: u64,
    /// The source does not show them.
    pub unknown: u64,
}

impl Hidden {
    fn count(&mut self, a: Option<Value>, b: Option<Value>) {
        match (a, b) {
            (Some(Value::Masked), Some(_)) | (Some(_), Some(Value::Masked)) => self.masked += 1,
            (Some(Value::Unknown), Some(_)) | (Some(_), Some(Value::Unknown)) => self.unknown += 1,
            _ => {}
        }
    }
}

impl Unseen {
    pub(super) fn count(&mut self, a: &Item, b: &Item) {
        self.written.count(a.key.written, b.key.written);
        self.read.count(a.read.or(a.key.read), b.read.or(b.key.read));
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        *self == Unseen::default()
    }

    /// Whether everything that was written could be compared.
    pub fn all_writes_seen(&self) -> bool {
        self.written == Hidden::default()
    }
}

impl fmt::Display for Unseen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Unseen { written, read } = self;
        let told = [
            (written.masked, read.masked, "are masked as secrets in one of the recordings at least"),
            (written.unknown, read.unknown, "are not shown by one of the sources at least"),
        ];
        let mut lead = "";
        for (written, read, why) in told.into_iter().filter(|(written, read, _)| written + read > 0) {
            write!(f, "{lead}{} {why}", counted(written, read))?;
            lead = "; ";
        }
        Ok(())
    }
}

fn counted(written: u64, read: u64) -> String {
    match (written, read) {
        (_, 0) => format!("{written} written values"),
        (0, _) => format!("{read} read values"),
        _ => format!("{written} written and {read} read values"),
    }
}

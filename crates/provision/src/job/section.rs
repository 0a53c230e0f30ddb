//! One table of the job file: known keys only, and every error says where.

use crate::job::JobError;
use toml::{Table, Value};

/// A table with its place in the file. Keys nobody knows are refused when it is opened.
pub(super) struct Section<'a> {
    place: String,
    table: &'a Table,
}

impl<'a> Section<'a> {
    /// Opens `table`; `place` is empty for the file itself.
    pub(super) fn open(place: &str, table: &'a Table, known: &[&str]) -> Result<Self, JobError> {
        for key in table.keys() {
            if !known.contains(&key.as_str()) {
                let nearest = nearest(key, known).map(str::to_owned);
                return Err(JobError::UnknownKey { place: place.to_owned(), key: key.clone(), nearest });
            }
        }
        Ok(Section { place: place.to_owned(), table })
    }

    fn full(&self, key: &str) -> String {
        if self.place.is_empty() { key.to_owned() } else { format!("{}.{key}", self.place) }
    }

    /// The error for a value that does not fit.
    pub(super) fn bad(&self, key: &str, why: impl Into<String>) -> JobError {
        JobError::Value { key: self.full(key), why: why.into() }
    }

    fn typed<T>(
        &self,
        key: &str,
        what: &str,
        get: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, JobError> {
        match self.table.get(key) {
            None => Ok(None),
            Some(value) => get(value)
                .map(Some)
                .ok_or_else(|| self.bad(key, format!("takes {what}, and {value} is none"))),
        }
    }

    pub(super) fn text(&self, key: &str) -> Result<Option<&'a str>, JobError> {
        self.typed(key, "a string", Value::as_str)
    }

    pub(super) fn need_text(&self, key: &str) -> Result<&'a str, JobError> {
        self.text(key)?.ok_or_else(|| JobError::Missing(self.full(key)))
    }

    pub(super) fn flag(&self, key: &str) -> Result<Option<bool>, JobError> {
        self.typed(key, "true or false", Value::as_bool)
    }

    pub(super) fn number(&self, key: &str) -> Result<Option<u32>, JobError> {
        let small = |v: &Value| v.as_integer().and_then(|n| u32::try_from(n).ok());
        self.typed(key, "a number from 0 to 0xFFFF_FFFF", small)
    }

    pub(super) fn table(&self, key: &str) -> Result<Option<&'a Table>, JobError> {
        self.typed(key, "a table", Value::as_table)
    }

    /// A table, opened, if it is there.
    pub(super) fn section(&self, key: &str, known: &[&str]) -> Result<Option<Section<'a>>, JobError> {
        self.table(key)?.map(|t| Section::open(&self.full(key), t, known)).transpose()
    }

    /// An array of tables, each opened.
    pub(super) fn sections(&self, key: &str, known: &[&str]) -> Result<Vec<Section<'a>>, JobError> {
        let tables = |v: &'a Value| v.as_array()?.iter().map(Value::as_table).collect::<Option<Vec<_>>>();
        let tables = self.typed(key, "tables written [[image]]", tables)?.unwrap_or_default();
        let open = |(n, table)| Section::open(&format!("{key}[{n}]"), table, known);
        tables.into_iter().enumerate().map(open).collect()
    }

    /// A string that is parsed by its own type.
    pub(super) fn parsed<T: std::str::FromStr>(&self, key: &str) -> Result<Option<T>, JobError>
    where
        T::Err: std::fmt::Display,
    {
        let Some(text) = self.text(key)? else { return Ok(None) };
        text.parse().map(Some).map_err(|e: T::Err| self.bad(key, e.to_string()))
    }
}

/// The known word that `word` is most likely meant to be.
pub(crate) fn nearest<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    known.iter().copied().min_by_key(|k| distance(&word.to_ascii_lowercase(), &k.to_ascii_lowercase()))
}

/// Letters to insert, remove or replace to turn `a` into `b`.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        let mut next = vec![left];
        for (y, up) in b.iter().zip(row.iter().skip(1)) {
            left = (left + 1).min(up + 1).min(diagonal + usize::from(x != *y));
            diagonal = *up;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_the_one_with_the_fewest_changes() {
        assert_eq!(nearest("familly", &["family", "image"]), Some("family"));
        assert_eq!(nearest("modus", &["ap", "speed_khz", "mode"]), Some("mode"));
        assert_eq!(nearest("tzen", &["BOR_LEV", "TZEN"]), Some("TZEN"));
        assert_eq!(nearest("x", &[]), None);
    }

    #[test]
    fn distances_count_letters() {
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("same", "same"), 0);
    }
}

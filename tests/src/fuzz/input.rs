//! Inputs, and how they are kept in a file: each record behind its length as four bytes, lowest first.

use std::fmt;

/// Records of bytes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Input(pub Vec<Vec<u8>>);

/// A file that is no input.
#[derive(Debug, PartialEq, Eq)]
pub struct BadInput;

impl fmt::Display for BadInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the file ends in the middle of a record")
    }
}

impl Input {
    /// An input of one record.
    pub fn one(record: impl Into<Vec<u8>>) -> Input {
        Input(vec![record.into()])
    }

    /// A record; empty where there is none.
    pub fn record(&self, number: usize) -> &[u8] {
        self.0.get(number).map_or(&[], Vec::as_slice)
    }

    /// All bytes.
    pub fn len(&self) -> usize {
        self.0.iter().map(Vec::len).sum()
    }

    /// No record at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As a file.
    pub fn to_file(&self) -> Vec<u8> {
        let framed = |record: &Vec<u8>| [&(record.len() as u32).to_le_bytes()[..], record].concat();
        self.0.iter().flat_map(framed).collect()
    }

    /// From a file.
    ///
    /// # Errors
    /// [`BadInput`].
    pub fn from_file(mut file: &[u8]) -> Result<Input, BadInput> {
        let mut records = Vec::new();
        while !file.is_empty() {
            let (len, rest) = file.split_first_chunk::<4>().ok_or(BadInput)?;
            let len = usize::try_from(u32::from_le_bytes(*len)).map_err(|_| BadInput)?;
            let (record, rest) = rest.split_at_checked(len).ok_or(BadInput)?;
            records.push(record.to_vec());
            file = rest;
        }
        Ok(Input(records))
    }
}

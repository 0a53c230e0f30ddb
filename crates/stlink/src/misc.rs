//! The lists of RW_MISC: single words at scattered addresses in one command. [STL-9]

use crate::named::named;
use crate::reader::Reader;
use crate::{DecodeError, Status};
use bytes::Bytes;

named! {
    /// What an item does.
    MiscOp(u8) {
        /// Set the address of the next write.
        ADDRESS = 1, "address";
        /// Write a word there.
        WRITE = 2, "write";
        /// Read a word.
        READ = 3, "read";
        /// Choose the access port.
        APNUM = 5, "AP";
    }
}

/// One item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MiscItem {
    /// What.
    pub op: MiscOp,
    /// Address, value or number.
    pub word: u32,
}

/// What became of one item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MiscResult {
    /// What was read; means nothing for other items.
    pub value: u32,
    /// How it went, as the 32 bits that came.
    pub status: u32,
}

impl MiscResult {
    /// How it went. A number beyond 16 bits is none that anybody has named.
    pub fn status(&self) -> Status {
        Status(u16::try_from(self.status).unwrap_or(u16::MAX))
    }
}

/// Most items of one list for a V2 and for a V3. [STL-9]
pub const MOST_ITEMS: [u32; 2] = [64, 1227];

const LIST: &str = "RW_MISC_OUT list";
const RESULTS: &str = "RW_MISC_IN results";

/// Bytes of a list of so many items.
pub const fn list_len(items: usize) -> usize {
    items.saturating_add(3) / 4 * 4 + items.saturating_mul(4)
}

/// Bytes of the results of so many items.
pub const fn results_len(items: usize) -> usize {
    items.saturating_mul(8)
}

/// Where in a list the word of an item stands.
pub const fn word_at(items: usize, index: usize) -> std::ops::Range<usize> {
    let at = items.saturating_add(3) / 4 * 4 + index * 4;
    at..at + 4
}

/// The data that follows RW_MISC_OUT.
pub fn encode_list(items: &[MiscItem]) -> Bytes {
    let mut bytes: Vec<u8> = items.iter().map(|item| item.op.0).collect();
    bytes.resize(items.len().next_multiple_of(4), 0);
    bytes.extend(items.iter().flat_map(|item| item.word.to_le_bytes()));
    bytes.into()
}

/// A list of `items`, as RW_MISC_OUT announced it.
///
/// # Errors
/// When it is shorter or longer.
pub fn decode_list(items: u32, bytes: &[u8]) -> Result<Vec<MiscItem>, DecodeError> {
    let count = usize::try_from(items).unwrap_or(usize::MAX);
    let mut reader = Reader::new(LIST, bytes);
    let ops = reader.bytes(count)?;
    reader.skip(count.saturating_add(3) / 4 * 4 - count)?;
    let words = reader.words(count)?;
    match reader.left() {
        0 => Ok(ops.iter().zip(words).map(|(op, word)| MiscItem { op: MiscOp(*op), word }).collect()),
        extra => Err(DecodeError::Trailing { what: LIST, extra }),
    }
}

/// The answer to RW_MISC_IN.
pub(crate) fn encode_results(results: &[MiscResult]) -> Vec<u8> {
    let values = results.iter().map(|result| result.value);
    values.chain(results.iter().map(|result| result.status)).flat_map(u32::to_le_bytes).collect()
}

/// All results.
pub(crate) fn decode_results(reader: &mut Reader<'_>) -> Result<Vec<MiscResult>, DecodeError> {
    reader.call(RESULTS);
    let count = reader.left().div_ceil(8);
    let values = reader.words(count)?;
    let statuses = reader.words(count)?;
    Ok(values.into_iter().zip(statuses).map(|(value, status)| MiscResult { value, status }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_list_is_op_bytes_padded_to_four_and_then_one_word_each() {
        let items = [
            MiscItem { op: MiscOp::APNUM, word: 1 },
            MiscItem { op: MiscOp::ADDRESS, word: 0x2000_0000 },
            MiscItem { op: MiscOp::WRITE, word: 0x1122_3344 },
            MiscItem { op: MiscOp::READ, word: 0xE000_ED00 },
            MiscItem { op: MiscOp::READ, word: 4 },
        ];
        let bytes = encode_list(&items);
        let mut wanted = vec![5, 1, 2, 3, 3, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0x20, 0x44, 0x33, 0x22, 0x11];
        wanted.extend([0, 0xED, 0, 0xE0, 4, 0, 0, 0]);
        assert_eq!(bytes, wanted);
        assert_eq!(bytes.len(), list_len(5));
        assert_eq!(&bytes[word_at(5, 2)], [0x44, 0x33, 0x22, 0x11]);
        assert_eq!(decode_list(5, &bytes).unwrap(), items);
    }

    #[test]
    fn the_longest_list_of_a_v3_fits_into_6144_bytes() {
        assert_eq!(list_len(1227), 1228 + 4908);
        assert_eq!(results_len(1227), 9816);
    }

    #[test]
    fn results_are_all_values_and_then_all_statuses() {
        let bytes = [0x41, 0xD2, 0x0F, 0x41, 0, 0, 0, 0, 0x80, 0, 0, 0, 0x11, 0, 0, 0];
        let results = decode_results(&mut Reader::new("", &bytes)).unwrap();
        assert_eq!(results[0], MiscResult { value: 0x410F_D241, status: 0x80 });
        assert_eq!(results[1].status(), Status::AP_FAULT);
        assert_eq!(encode_results(&results), bytes);
    }

    proptest! {
        #[test]
        fn lists_survive_and_no_other_length_is_taken(
            raw in proptest::collection::vec((any::<u8>(), any::<u32>()), 0..70),
            cut in 1usize..40,
        ) {
            let items: Vec<_> = raw.into_iter().map(|(op, word)| MiscItem { op: MiscOp(op), word }).collect();
            let count = u32::try_from(items.len()).unwrap();
            let bytes = encode_list(&items);
            prop_assert_eq!(decode_list(count, &bytes).unwrap(), items);
            let short = &bytes[..bytes.len().saturating_sub(cut)];
            prop_assert!(bytes.is_empty() || decode_list(count, short).is_err());
            let long = [&bytes[..], &vec![0; cut]].concat();
            prop_assert!(decode_list(count, &long).is_err());
        }

        #[test]
        fn a_list_of_any_bytes_and_any_count_does_not_panic(count: u32, bytes: Vec<u8>) {
            let _ = decode_list(count, &bytes);
        }

        #[test]
        fn results_of_an_odd_length_are_refused(bytes: Vec<u8>) {
            let results = decode_results(&mut Reader::new("", &bytes));
            prop_assert_eq!(results.is_ok(), bytes.len() % 8 == 0);
        }
    }
}

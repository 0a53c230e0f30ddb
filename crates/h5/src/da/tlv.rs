//! Type-length-value items: `{u16 0, u16 type, u32 length, bytes}`, little-endian. [H5-DA-5]

use regs::h5::da::tlv::{HEAD, NAMES};
use std::fmt;
use thiserror::Error;

/// One item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tlv {
    /// Its type; types without a name are kept.
    pub kind: u16,
    /// Its bytes.
    pub value: Vec<u8>,
}

/// Bytes that are no list of items.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TlvError {
    /// Too few bytes for another head, and they are no padding.
    #[error("{len} bytes are left over at offset {at}")]
    Trailing {
        /// Where they begin.
        at: usize,
        /// How many.
        len: usize,
    },
    /// The first half-word of a head is not zero.
    #[error("the item at offset {at} begins with 0x{word:04X}, not 0")]
    Head {
        /// Where.
        at: usize,
        /// What is there.
        word: u16,
    },
    /// An item announces more bytes than there are.
    #[error("the item at offset {at} announces {announced} bytes, and {left} are left")]
    TooLong {
        /// Where.
        at: usize,
        /// What its head says.
        announced: u32,
        /// What is there.
        left: usize,
    },
}

/// Between two items.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// Nothing: the next head follows the last byte. As seen on another part of ST.
    Tight,
    /// Padding to a word.
    Words,
}

impl Tlv {
    /// Reads items up to the end. Zero bytes at the end that are no head are padding: ST's N6 sends up to seven.
    ///
    /// # Errors
    /// [`TlvError`] with the offset.
    pub fn parse(bytes: &[u8], packing: Packing) -> Result<Vec<Tlv>, TlvError> {
        let mut items = Vec::new();
        let mut rest = bytes;
        loop {
            let at = bytes.len() - rest.len();
            if rest.len() < HEAD && rest.iter().all(|b| *b == 0) {
                return Ok(items);
            }
            let (kind, announced, body) = head(rest, at)?;
            let len = usize::try_from(announced).unwrap_or(usize::MAX);
            let Some((value, after)) = body.split_at_checked(len) else {
                return Err(TlvError::TooLong { at, announced, left: body.len() });
            };
            items.push(Tlv { kind, value: value.to_vec() });
            rest = match packing {
                Packing::Tight => after,
                // The last item need not be padded.
                Packing::Words => after.get(len.next_multiple_of(4) - len..).unwrap_or_default(),
            };
        }
    }

    /// The bytes of the item, without padding behind them.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![0, 0];
        bytes.extend_from_slice(&self.kind.to_le_bytes());
        bytes.extend_from_slice(&u32::try_from(self.value.len()).unwrap_or(u32::MAX).to_le_bytes());
        bytes.extend_from_slice(&self.value);
        bytes
    }

    /// The name of its type.
    pub fn name(&self) -> Option<&'static str> {
        NAMES.iter().find(|(kind, _)| *kind == u32::from(self.kind)).map(|(_, name)| *name)
    }
}

impl fmt::Display for Tlv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{name}")?,
            None => write!(f, "type 0x{:04X}", self.kind)?,
        }
        f.write_str(":")?;
        self.value.iter().try_for_each(|b| write!(f, " {b:02x}"))
    }
}

/// Type, announced length, and what follows the head.
fn head(rest: &[u8], at: usize) -> Result<(u16, u32, &[u8]), TlvError> {
    let trailing = || TlvError::Trailing { at, len: rest.len() };
    let (head, body) = rest.split_at_checked(HEAD).ok_or_else(trailing)?;
    let &[z0, z1, k0, k1, l0, l1, l2, l3] = head else { return Err(trailing()) };
    let word = u16::from_le_bytes([z0, z1]);
    if word != 0 {
        return Err(TlvError::Head { at, word });
    }
    Ok((u16::from_le_bytes([k0, k1]), u32::from_le_bytes([l0, l1, l2, l3]), body))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn item(kind: u16, value: &[u8]) -> Tlv {
        Tlv { kind, value: value.to_vec() }
    }

    #[test]
    fn st_s_password_file_is_one_item() {
        let mut file = vec![0, 0, 0, 0x80, 16, 0, 0, 0];
        file.extend_from_slice(b"0123456789012345");
        let items = Tlv::parse(&file, Packing::Tight).unwrap();
        assert_eq!(items, [item(0x8000, b"0123456789012345")]);
        assert_eq!(items[0].to_bytes(), file);
    }

    #[test]
    fn items_follow_each_other_without_padding_and_the_last_word_is_filled_with_zero() {
        let mut bytes = item(8, &[0x20, 0x72]).to_bytes();
        bytes.extend(item(0x8000, &[0xEA; 4]).to_bytes());
        bytes.extend([0, 0]);
        let items = Tlv::parse(&bytes, Packing::Tight).unwrap();
        assert_eq!(items, [item(8, &[0x20, 0x72]), item(0x8000, &[0xEA; 4])]);
    }

    #[test]
    fn items_padded_to_words_are_read_in_the_other_packing() {
        let mut bytes = item(8, &[0x20, 0x72]).to_bytes();
        bytes.extend([0, 0]);
        bytes.extend(item(0x8000, &[0xEA; 4]).to_bytes());
        assert_eq!(Tlv::parse(&bytes, Packing::Words).unwrap().len(), 2);
        assert!(Tlv::parse(&bytes, Packing::Tight).is_err());
    }

    #[test]
    fn malformed_lists_are_named_with_their_offset() {
        let parse = |bytes: &[u8]| Tlv::parse(bytes, Packing::Tight);
        assert_eq!(parse(&[0, 0, 8, 0, 2]), Err(TlvError::Trailing { at: 0, len: 5 }));
        assert_eq!(parse(&[1, 0, 8, 0, 0, 0, 0, 0]), Err(TlvError::Head { at: 0, word: 1 }));
        assert_eq!(
            parse(&[0, 0, 8, 0, 3, 0, 0, 0, 1, 2]),
            Err(TlvError::TooLong { at: 0, announced: 3, left: 2 })
        );
        assert_eq!(parse(&[0, 0, 1]), Err(TlvError::Trailing { at: 0, len: 3 }));
        assert_eq!(parse(&[]), Ok(vec![]));
    }

    fn items() -> impl Strategy<Value = Vec<Tlv>> {
        let one = (any::<u16>(), prop::collection::vec(any::<u8>(), 0..40));
        prop::collection::vec(one.prop_map(|(kind, value)| Tlv { kind, value }), 0..8)
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(items in items()) {
            let bytes: Vec<u8> = items.iter().flat_map(Tlv::to_bytes).collect();
            prop_assert_eq!(Tlv::parse(&bytes, Packing::Tight), Ok(items));
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Tlv::parse(&bytes, Packing::Tight);
            let _ = Tlv::parse(&bytes, Packing::Words);
        }

        #[test]
        fn a_truncated_list_is_an_error_or_the_beginning_of_it(items in items()) {
            let bytes: Vec<u8> = items.iter().flat_map(Tlv::to_bytes).collect();
            for len in 0..bytes.len() {
                if let Ok(read) = Tlv::parse(&bytes[..len], Packing::Tight) {
                    prop_assert!(read.len() < items.len() && read[..] == items[..read.len()]);
                }
            }
        }
    }
}

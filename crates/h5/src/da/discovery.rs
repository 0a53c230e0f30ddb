//! What the ROM tells before any authentication. [H5-DA-5] [H5-DA-7] [H5-DA-9]

use super::Permissions;
use super::session::DaError;
use super::tlv::{Packing, Tlv};
use crate::identity::hex;
use regs::h5::da::{lifecycle, tlv, value};
use regs::h5::state::ProductState;
use std::fmt;

/// Whether the provisioned keys are whole, by the ROM's own check. [H5-DA-7]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Integrity(pub u32);

impl Integrity {
    /// The keys are there and whole.
    pub const OK: Integrity = Integrity(value::INTEGRITY_OK);
    /// There are none, or they are broken.
    pub const BAD: Integrity = Integrity(value::INTEGRITY_BAD);
    /// The ROM said nothing about them.
    pub const UNTOLD: Integrity = Integrity(0);

    /// The keys are there and whole.
    pub fn is_ok(self) -> bool {
        self == Integrity::OK
    }
}

impl fmt::Display for Integrity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Integrity::OK => write!(f, "whole ({})", hex(self.0)),
            Integrity::BAD => write!(f, "not provisioned or broken ({})", hex(self.0)),
            Integrity::UNTOLD => f.write_str("not told"),
            Integrity(other) => write!(f, "unknown ({})", hex(other)),
        }
    }
}

/// The answer to DISCOVERY.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discovery {
    /// The part: its unique id in the first 12 bytes, then zero. It can be matched with [`Uid::bytes`](crate::Uid::bytes).
    pub soc_id: [u8; 16],
    /// The product state; `None` where it is not told or no code.
    pub lifecycle: Option<ProductState>,
    /// Whether the keys are whole.
    pub integrity: Integrity,
    /// What the part can permit.
    pub permissions: Permissions,
    /// The DEV_ID.
    pub soc_class: Option<u32>,
    /// The vendor: 0x0020 is ST.
    pub vendor: Option<u32>,
    /// Version of the protocol.
    pub protocol_version: Option<String>,
    /// Version of the ROM's debug authentication.
    pub sda_version: Option<String>,
    /// The part takes a password; `None` where it does not say what it takes.
    pub takes_password: Option<bool>,
    /// The part takes certificates; `None` where it does not say what it takes.
    pub takes_certificates: Option<bool>,
    /// Status words of the keys of levels 1 to 3.
    pub hdpl_status: [Option<u32>; 3],
    /// Everything as it came.
    pub items: Vec<Tlv>,
}

impl Discovery {
    /// Reads the data of the answer. Items may follow each other directly or padded to words: only one of the two fits.
    ///
    /// # Errors
    /// [`DaError::Tlv`], [`DaError::Missing`].
    pub fn parse(data: &[u8]) -> Result<Discovery, DaError> {
        let items = match Tlv::parse(data, Packing::Tight) {
            Ok(items) => items,
            Err(tight) => Tlv::parse(data, Packing::Words).map_err(|_| tight)?,
        };
        Discovery::from_items(items)
    }

    fn from_items(items: Vec<Tlv>) -> Result<Discovery, DaError> {
        let find = |kind: u16| items.iter().find(|i| i.kind == kind).map(|i| i.value.as_slice());
        let number = |kind: u16| find(kind).and_then(number);
        let soc_id = find(tlv::SOC_ID).and_then(|v| v.try_into().ok()).ok_or(DaError::Missing("SOC_ID"))?;
        let permissions = find(tlv::HW_PERMISSION_MASK)
            .and_then(|v| v.try_into().ok())
            .map(|bytes| Permissions(u128::from_le_bytes(bytes)));
        let lifecycle = find(tlv::LIFECYCLE).and_then(lifecycle::state);
        Ok(Discovery {
            soc_id,
            lifecycle,
            integrity: number(tlv::ST_INTEGRITY).map_or(Integrity::UNTOLD, Integrity),
            permissions: permissions.unwrap_or_default(),
            soc_class: number(tlv::SOC_CLASS),
            vendor: number(tlv::VENDOR),
            protocol_version: find(tlv::VERSION).map(version),
            sda_version: find(tlv::SDA_ID).map(version),
            takes_password: find(tlv::CRYPTO_SYSTEMS).map(|v| v.contains(&value::CRYPTO_PASSWORD)),
            takes_certificates: find(tlv::CRYPTO_SYSTEMS).map(|v| v.contains(&value::CRYPTO_ECDSA_P256)),
            hdpl_status: [
                number(tlv::ST_HDPL1_STATUS),
                number(tlv::ST_HDPL2_STATUS),
                number(tlv::ST_HDPL3_STATUS),
            ],
            items,
        })
    }

    /// The part is the one with this unique id.
    pub fn is_part(&self, uid: &crate::Uid) -> bool {
        self.soc_id.starts_with(&uid.bytes())
    }
}

/// A little-endian number of 1 to 4 bytes.
fn number(bytes: &[u8]) -> Option<u32> {
    if bytes.is_empty() || bytes.len() > 4 {
        return None;
    }
    Some(bytes.iter().rev().fold(0, |n, b| n << 8 | u32::from(*b)))
}

/// A version: text if it is text, else numbers with dots, the trailing zero of a word left out.
fn version(bytes: &[u8]) -> String {
    if !bytes.is_empty() && bytes.iter().all(u8::is_ascii_graphic) {
        return bytes.iter().copied().map(char::from).collect();
    }
    bytes.iter().take(3).map(u8::to_string).collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Uid;
    use proptest::prelude::*;

    fn answer() -> Vec<Tlv> {
        let item = |kind, value: &[u8]| Tlv { kind, value: value.to_vec() };
        let mut soc_id = [0; 16];
        soc_id[..12].copy_from_slice(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
        let mut mask = [0; 16];
        mask[..2].copy_from_slice(&[0x77, 0x50]);
        vec![
            item(0x0001, &[1, 0]),
            item(0x0002, &[0x20, 0x00]),
            item(0x0003, &[0x84, 0x04, 0, 0]),
            item(0x0004, &soc_id),
            item(0x0007, &mask),
            item(0x0008, &[0x20, 0x17]),
            item(0x000A, &[2, 4, 0, 0]),
            item(0x0102, &[0x80]),
            item(0x8000, &[0xEA; 4]),
            item(0x8001, &[1, 0, 0, 0]),
        ]
    }

    fn bytes(items: &[Tlv]) -> Vec<u8> {
        items.iter().flat_map(Tlv::to_bytes).collect()
    }

    #[test]
    fn an_answer_is_taken_apart_and_kept_whole() {
        let found = Discovery::parse(&bytes(&answer())).unwrap();
        assert!(found.is_part(&Uid([0x0403_0201, 0x0807_0605, 0x0C0B_0A09])));
        assert!(!found.is_part(&Uid([1, 2, 3])));
        assert_eq!(found.lifecycle, Some(ProductState::PROVISIONING));
        assert!(found.integrity.is_ok() && found.permissions.full_regression());
        assert_eq!((found.soc_class, found.vendor), (Some(0x484), Some(0x20)));
        assert_eq!(found.sda_version.as_deref(), Some("2.4.0"));
        assert_eq!((found.takes_password, found.takes_certificates), (Some(true), Some(false)));
        assert_eq!(found.hdpl_status, [Some(1), None, None]);
        assert_eq!(found.items, answer());
    }

    #[test]
    fn zero_bytes_behind_the_last_item_are_padding() {
        for zeros in 0..8 {
            let mut padded = bytes(&answer());
            padded.resize(padded.len() + zeros, 0);
            assert_eq!(Discovery::parse(&padded).unwrap().items, answer(), "{zeros}");
        }
    }

    #[test]
    fn an_answer_padded_to_words_is_read_as_well() {
        let mut padded = Vec::new();
        for item in answer() {
            padded.extend(item.to_bytes());
            padded.resize(padded.len().next_multiple_of(4), 0);
        }
        assert_eq!(Discovery::parse(&padded).unwrap().items, answer());
    }

    #[test]
    fn what_is_not_told_is_not_invented() {
        let only_id: Vec<_> = answer().into_iter().filter(|i| i.kind == 4).collect();
        let found = Discovery::parse(&bytes(&only_id)).unwrap();
        assert_eq!((found.lifecycle, found.integrity), (None, Integrity::UNTOLD));
        assert!(!found.permissions.full_regression() && !found.integrity.is_ok());
        let without: Vec<_> = answer().into_iter().filter(|i| i.kind != 4).collect();
        assert_eq!(Discovery::parse(&bytes(&without)), Err(DaError::Missing("SOC_ID")));
    }

    #[test]
    fn the_life_cycle_is_read_in_every_order_that_is_published() {
        for told in [[0x20, 0x72], [0x72, 0x30], [0x27, 0x30]] {
            let mut items = answer();
            items[5].value = told.to_vec();
            assert_eq!(Discovery::parse(&bytes(&items)).unwrap().lifecycle, Some(ProductState::CLOSED));
        }
    }

    #[test]
    fn a_life_cycle_that_is_no_state_is_unknown() {
        let mut items = answer();
        items[5].value = vec![0x20, 0x00];
        assert_eq!(Discovery::parse(&bytes(&items)).unwrap().lifecycle, None);
    }

    proptest! {
        #[test]
        fn any_answer_is_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = Discovery::parse(&bytes);
        }

        #[test]
        fn a_truncated_answer_never_reads_as_whole(cut in 1usize..150) {
            let whole = bytes(&answer());
            let cut = whole.len().saturating_sub(cut);
            let truncated = Discovery::parse(&whole[..cut]);
            prop_assert!(truncated.map_or(true, |d| d.items.len() < answer().len()));
        }
    }
}

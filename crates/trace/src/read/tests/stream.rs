//! Recordings that are read as they come: in drops, without an end, with records that claim to be larger than they can be.

use super::*;
use proptest::prelude::*;
use std::io::{self, Read};

/// Gives so many bytes at a time and counts them.
struct Drops<'a> {
    bytes: &'a [u8],
    at_once: usize,
    /// What comes behind, without end.
    endless: bool,
    given: usize,
}

impl<'a> Drops<'a> {
    fn new(bytes: &'a [u8], at_once: usize) -> Self {
        Drops { bytes, at_once, endless: false, given: 0 }
    }
}

impl Read for Drops<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let most = out.len().min(self.at_once);
        let count = match self.bytes.read(&mut out[..most])? {
            0 if self.endless => most,
            count => count,
        };
        self.given += count;
        Ok(count)
    }
}

fn files() -> Vec<Vec<u8>> {
    let records = [
        (1, b'S', 0x02, 7, &[0x05, 0, 1, DP | READ][..]),
        (1, b'C', 0x02, 7, &[]),
        (2, b'S', 0x81, 7, &[]),
        (2, b'C', 0x81, 7, &DPIDR),
    ];
    vec![small(), classic(false, &records), classic(true, &records)]
}

proptest! {
    #[test]
    fn in_drops_or_at_once_cut_or_not_it_is_the_same_recording(
        which in 0usize..3, at_once in 1usize..700, part in 0usize..=1000,
    ) {
        let file = &files()[which];
        let cut = &file[..4.max(file.len() * part / 1000)];
        let drops = read_from(&mut Drops::new(cut, at_once)).unwrap();
        let whole = read_shared(&Bytes::copy_from_slice(cut)).unwrap();
        prop_assert_eq!(&drops.transfers, &whole.transfers);
        prop_assert_eq!(&drops.marks, &whole.marks);
        prop_assert_eq!(&drops.warnings, &whole.warnings);
        prop_assert_eq!(&drops.comment, &whole.comment);
    }
}

/// What is warned of, and how many bytes were read for it, where zeros follow without end.
fn read_without_end(bytes: &[u8]) -> (Vec<Warning>, usize) {
    let mut drops = Drops { endless: true, ..Drops::new(bytes, 1 << 16) };
    let recording = read_from(&mut drops).unwrap();
    (recording.warnings, drops.given)
}

#[test]
fn a_record_that_claims_to_be_larger_than_any_is_damage_and_is_not_waited_for() {
    let file = small();
    let block = |length: u32| [&6u32.to_le_bytes()[..], &length.to_le_bytes()].concat();
    for length in [0, 8, 11, 0x1000_0000, 0xFFFF_FFFC] {
        let (warnings, read) = read_without_end(&[file.clone(), block(length)].concat());
        assert_eq!(warnings, [Warning::Damaged { at: file.len() }], "{length:#x}");
        assert!(read < 1 << 20, "{length:#x}: {read} bytes");
    }
    for big_endian in [false, true] {
        let mut file = classic(big_endian, &[(1, b'S', 0x02, 7, &[0x05, 0, 1, DP | READ])]);
        let at = file.len();
        file.extend([0xFF; 16]);
        let (warnings, read) = read_without_end(&file);
        assert_eq!(warnings, [Warning::Damaged { at }]);
        assert!(read < 1 << 20, "{read} bytes");
    }
}

#[test]
fn a_block_that_is_whole_and_makes_no_sense_is_damage_where_it_stands() {
    let file = small();
    // An enhanced packet whose data are longer than the block.
    let mut block = [6u32, 40, 0, 0, 0, 1000, 1000, 0, 0, 40].map(u32::to_le_bytes).concat();
    for bytes in
        [[file.clone(), block.clone()].concat(), [file.clone(), block.split_off(0), small()].concat()]
    {
        let recording = read(&bytes).unwrap();
        assert_eq!(recording.warnings, [Warning::Damaged { at: file.len() }]);
        assert_eq!(recording.transfers.len(), 12);
    }
}

#[test]
fn what_cannot_be_read_is_an_error_of_the_source() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("unplugged"))
        }
    }
    let file = small();
    for length in [0, 4, 100, file.len()] {
        let error = read_from(&mut file[..length].chain(Broken)).unwrap_err();
        assert!(matches!(error, TraceError::Source(_)), "{length}: {error}");
    }
}

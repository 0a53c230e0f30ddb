//! Sessions whose archive is unusual, damaged, or made to do harm.

use super::write::{CENTRAL, LOCAL, headers, session_of, shares_its_data, unusual, zip};
use super::*;
use std::io::Cursor;

/// As a file, and out of a pipe.
fn both(file: &[u8]) -> [Result<Trace, String>; 2] {
    let whole = crate::open_file(&mut Cursor::new(file), &options());
    [whole, open_from(&mut { file }, &options())].map(|trace| trace.map_err(|e| e.to_string()))
}

fn same(file: &[u8], expected: &[Transaction], what: &str) {
    for trace in both(file) {
        let trace = trace.unwrap_or_else(|e| panic!("{what}: {e}"));
        assert_eq!(transactions(&trace), expected, "{what}");
        assert_eq!(trace.warnings(), [], "{what}");
    }
}

#[test]
fn pieces_of_any_size_with_long_rests_between_packets_are_one_session() {
    let writer = session(Setting { idle: 3, ..Setting::default() }, 60, Rng(5));
    for rest in [9000, 300_000] {
        let pins = Pins::resting(&writer.bits, 700, rest);
        for piece in [777, 4000, 70_000, 1 << 20] {
            same(&write::sr(&pins, 1, piece), &writer.expected, &format!("{piece} a piece"));
            same(
                &write::sr(&pins, 2, piece),
                &writer.expected,
                &format!("{piece} a piece, two bytes a sample"),
            );
        }
    }
}

#[test]
fn thousands_of_tiny_pieces_are_one_session() {
    let (pins, expected) = example(20);
    same(&write::sr(&pins, 1, 1), &expected, "a sample a piece");
}

#[test]
fn pieces_out_of_order_are_put_in_order_in_a_file_and_refused_out_of_a_pipe() {
    let (pins, expected) = example(30);
    let mut files = session_of(&pins, 1000);
    files[2..].reverse();
    let [file, pipe] = both(&zip(&files));
    assert_eq!(transactions(&file.unwrap()), expected);
    let error = pipe.unwrap_err();
    assert!(error.contains("logic-1-") && error.contains("file"), "{error}");
    files.rotate_left(2);
    let [file, pipe] = both(&zip(&files));
    assert_eq!(transactions(&file.unwrap()), expected);
    assert!(pipe.unwrap_err().contains("before the metadata"));
}

#[test]
fn sizes_behind_the_data_are_read_in_a_file_and_refused_out_of_a_pipe() {
    let (pins, expected) = example(30);
    let [file, pipe] = both(&unusual(&session_of(&pins, 1000), false));
    assert_eq!(transactions(&file.unwrap()), expected);
    let error = pipe.unwrap_err();
    assert!(error.contains("pipe") && error.contains("length"), "{error}");
}

#[test]
fn sizes_of_sixty_four_bits_are_read() {
    let (pins, expected) = example(30);
    same(&unusual(&session_of(&pins, 1000), true), &expected, "zip64");
}

#[test]
fn encryption_and_other_packing_than_deflate_are_errors_with_the_piece() {
    let (pins, _) = example(10);
    let plain = write::sr(&pins, 1, 1000);
    // The flag of encryption, and the method (9: Deflate64; 14: LZMA), of the third entry in both of its headers.
    for (field, value, says) in [(0, 1, "encrypted"), (2, 9, "packed by"), (2, 14, "packed by")] {
        let mut file = plain.clone();
        for (magic, place) in [(LOCAL, 6), (CENTRAL, 8)] {
            let at = headers(&plain, magic)[2] + place + field;
            file[at] = value;
        }
        let [whole, pipe] = both(&file);
        let error = whole.unwrap_err();
        assert!(error.contains(says) && error.contains("logic-1-1"), "{error}");
        let error = pipe.unwrap_err();
        assert!(error.contains(says) || error.contains("Password"), "{error}");
    }
}

#[test]
fn pieces_that_share_their_data_are_refused_before_they_are_inflated() {
    let metadata = b"[device 1]\ncapturefile=logic-1\nsamplerate=1 GHz\nprobe1=clk\nprobe2=dio\n";
    let bomb =
        shares_its_data(&[("metadata", metadata.to_vec()), ("logic-1-1", vec![2; 50_000_000])], 20_000);
    let [file, _] = both(&bomb);
    let error = file.unwrap_err();
    assert!(error.contains("share their data"), "{error}");
}

#[test]
fn a_piece_damaged_in_its_middle_ends_the_session_there() {
    let (pins, expected) = example(60);
    let plain = write::sr(&pins, 1, 3000);
    let second = headers(&plain, LOCAL)[3];
    for place in 0..40 {
        let mut file = plain.clone();
        // Behind the header and the name.
        file[second + 39 + place] ^= 0x41;
        for trace in both(&file) {
            let trace = trace.unwrap();
            let seen = transactions(&trace);
            assert!(trace.truncated_at().is_some_and(|at| (3000..=6000).contains(&at)), "{place}");
            let common = seen.iter().zip(&expected).take_while(|(a, b)| a == b).count();
            assert!(common > 3, "{place}: {common}");
        }
    }
}

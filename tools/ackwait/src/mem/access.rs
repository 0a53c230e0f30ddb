//! Bytes to and from memory: as words, with narrower accesses where ends are not aligned or a width is asked for.

use super::Way;
use crate::output::Output;
use crate::trouble::Trouble;
use adi::Adi;
use provision::Exit;
use wire::{Addr, Batch, Flow, MemOp, Width};

/// Bytes between two looks at Ctrl-C and two steps of the progress.
const CHUNK: usize = 64 * 1024;

/// A run of accesses of one width.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Piece {
    at: Addr,
    width: Width,
    /// How many accesses.
    count: usize,
}

/// `len` bytes from `at` on. With a width, `at` and `len` must be multiples of it.
fn pieces(at: Addr, len: usize, width: Option<Width>) -> Vec<Piece> {
    if let Some(width) = width {
        return vec![Piece { at, width, count: len / size(width) }];
    }
    let mut all: Vec<Piece> = Vec::new();
    let (mut at, mut left) = (at, len);
    while left > 0 {
        let fits = |width: Width| at.0.is_multiple_of(width.bytes()) && left >= size(width);
        let width =
            [Width::Word, Width::Half, Width::Byte].into_iter().find(|w| fits(*w)).unwrap_or(Width::Byte);
        let count = if width == Width::Word { left / size(width) } else { 1 };
        all.push(Piece { at, width, count });
        let bytes = count * size(width);
        at = after(at, bytes);
        left -= bytes;
    }
    all
}

fn size(width: Width) -> usize {
    width.bytes() as usize
}

/// The address `bytes` behind; the address space wraps.
fn after(at: Addr, bytes: usize) -> Addr {
    at.plus(u32::try_from(bytes).unwrap_or(u32::MAX))
}

fn batch(way: Way, ops: Vec<MemOp>) -> Batch {
    Batch { ap: way.ap, attr: way.attr, flow: Flow::Pipelined, ops }
}

/// Reads bytes.
pub(super) fn read(
    adi: &mut Adi,
    way: Way,
    at: Addr,
    len: usize,
    width: Option<Width>,
    output: &mut Output,
) -> Result<Vec<u8>, Trouble> {
    let mut bytes = Vec::with_capacity(len);
    for start in (0..len).step_by(CHUNK) {
        stop(output, "read", start, len)?;
        output.progress("reading", start, len);
        for piece in pieces(after(at, start), CHUNK.min(len - start), width) {
            read_piece(adi, way, piece, &mut bytes)?;
        }
    }
    output.progress("reading", len, len);
    Ok(bytes)
}

fn read_piece(adi: &mut Adi, way: Way, piece: Piece, bytes: &mut Vec<u8>) -> Result<(), Trouble> {
    let values = match piece.width {
        Width::Word => adi.read_words(way.ap, way.attr, piece.at, piece.count)?,
        width => {
            let step = |i| MemOp::Read { at: after(piece.at, i * size(width)), width, secret: false };
            adi.run(&batch(way, (0..piece.count).map(step).collect()))?
        }
    };
    bytes.extend(values.iter().flat_map(|value| value.to_le_bytes().into_iter().take(size(piece.width))));
    Ok(())
}

/// Writes bytes.
pub(super) fn write(
    adi: &mut Adi,
    way: Way,
    at: Addr,
    bytes: &[u8],
    width: Option<Width>,
    output: &mut Output,
) -> Result<(), Trouble> {
    for (index, chunk) in bytes.chunks(CHUNK).enumerate() {
        let start = index * CHUNK;
        stop(output, "written", start, bytes.len())?;
        output.progress("writing", start, bytes.len());
        let mut rest = chunk;
        for piece in pieces(after(at, start), chunk.len(), width) {
            let (now, later) = rest.split_at_checked(piece.count * size(piece.width)).unwrap_or((rest, &[]));
            write_piece(adi, way, piece, now)?;
            rest = later;
        }
    }
    output.progress("writing", bytes.len(), bytes.len());
    Ok(())
}

/// Whether nothing happens when this is written twice: the region that Armv8-M calls SRAM. [M33-4]
fn is_ram(piece: Piece) -> bool {
    let last = after(piece.at, (piece.count * size(piece.width)).saturating_sub(1));
    [piece.at, last].iter().all(|at| regs::m33::region(at.0) == "SRAM")
}

fn write_piece(adi: &mut Adi, way: Way, piece: Piece, bytes: &[u8]) -> Result<(), Trouble> {
    let values = bytes
        .chunks(size(piece.width))
        .map(|chunk| chunk.iter().rev().fold(0, |v, b| v << 8 | u32::from(*b)));
    match piece.width {
        Width::Word if is_ram(piece) => {
            adi.write_words(way.ap, way.attr, piece.at, &values.collect::<Vec<_>>())?;
        }
        Width::Word => {
            let words = MemOp::WriteWords { at: piece.at, words: values.collect(), secret: false };
            adi.run(&batch(way, vec![words]))?;
        }
        width => {
            let step = |(i, value)| MemOp::Write {
                at: after(piece.at, i * size(width)),
                width,
                value,
                once: false,
                secret: false,
            };
            adi.run(&batch(way, values.enumerate().map(step).collect()))?;
        }
    }
    Ok(())
}

fn stop(output: &Output, done: &str, bytes: usize, of: usize) -> Result<(), Trouble> {
    if output.stopped() {
        return Err(Trouble::new(
            Exit::Interrupted,
            format!("interrupted: {bytes} of {of} bytes were {done}"),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(at: u32, width: Width, count: usize) -> Piece {
        Piece { at: Addr(at), width, count }
    }

    #[test]
    fn what_is_aligned_goes_as_words_and_the_ends_as_narrow_as_they_must() {
        let all = pieces(Addr(0x2000_0001), 14, None);
        let wanted = [
            piece(0x2000_0001, Width::Byte, 1),
            piece(0x2000_0002, Width::Half, 1),
            piece(0x2000_0004, Width::Word, 2),
            piece(0x2000_000C, Width::Half, 1),
            piece(0x2000_000E, Width::Byte, 1),
        ];
        assert_eq!(all, wanted);
    }

    #[test]
    fn a_width_that_was_asked_for_is_kept() {
        assert_eq!(pieces(Addr(0x10), 8, Some(Width::Half)), [piece(0x10, Width::Half, 4)]);
    }

    #[test]
    fn pieces_cover_every_length_without_gap_or_overlap() {
        for (at, len) in (0..8).flat_map(|at| (0..40).map(move |len| (at, len))) {
            let mut next = Addr(at);
            for piece in pieces(next, len, None) {
                assert_eq!(piece.at, next);
                assert!(piece.at.0.is_multiple_of(piece.width.bytes()));
                next = after(next, piece.count * size(piece.width));
            }
            assert_eq!(next, after(Addr(at), len));
        }
    }
}

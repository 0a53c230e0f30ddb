//! Changes to inputs: bits, bytes, numbers that may be lengths, ends, pieces of others, whole records.

use super::Input;

/// A small generator of numbers that are the same for the same seed (xorshift64*).
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// From a seed.
    pub fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// A number below `end`; 0 where there is none.
    pub fn below(&mut self, end: usize) -> usize {
        if end == 0 { 0 } else { (self.next() >> 16) as usize % end }
    }

    fn byte(&mut self) -> u8 {
        (self.next() >> 24) as u8
    }

    fn one<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        of.get(self.below(of.len()))
    }
}

/// Records and bytes of an input at most.
const MOST_RECORDS: usize = 4000;
const MOST_BYTES: usize = 1 << 16;
/// Bytes of a record that are looked at as one number.
const WIDEST: usize = 4;
/// Numbers at which decoders turn.
const EDGES: [u32; 16] =
    [0, 1, 2, 4, 7, 0x0F, 0x3F, 0x40, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0xFFFF, 0x7FFF_FFFF, 0xFFFF_FFFF];

/// A changed copy of one input, with pieces of another.
pub(super) fn mutated(input: &Input, other: &Input, random: &mut Random) -> Input {
    let mut input = input.clone();
    let most = 1 << random.below(4);
    let times = 1 + random.below(most);
    for _ in 0..times {
        if random.below(4) == 0 {
            records(&mut input.0, &other.0, random);
        } else {
            let piece = random.one(&other.0).cloned().unwrap_or_default();
            let at = random.below(input.0.len());
            match input.0.get_mut(at) {
                Some(record) => bytes(record, &piece, random),
                None => input.0.push(piece),
            }
        }
    }
    input.0.truncate(MOST_RECORDS);
    if input.len() > MOST_BYTES {
        input.0.truncate(1);
        input.0.iter_mut().for_each(|record| record.truncate(MOST_BYTES));
    }
    input
}

fn records(records: &mut Vec<Vec<u8>>, others: &[Vec<u8>], random: &mut Random) {
    let at = random.below(records.len());
    match random.below(6) {
        0 if records.len() > 1 => drop(records.remove(at)),
        1 => {
            let again = records.get(at).cloned().unwrap_or_default();
            records.insert(at, again);
        }
        2 => {
            let to = random.below(records.len());
            if !records.is_empty() {
                records.swap(at, to);
            }
        }
        3 => records.truncate(at + 1),
        4 => {
            let from = random.below(others.len());
            let many = 1 + random.below(8);
            let pieces: Vec<_> = others.iter().skip(from).take(many).cloned().collect();
            let at = at.min(records.len());
            records.splice(at..at, pieces);
        }
        _ => {
            let piece = random.one(others).cloned().unwrap_or_default();
            records.insert(at.min(records.len()), piece);
        }
    }
}

fn bytes(record: &mut Vec<u8>, piece: &[u8], random: &mut Random) {
    let at = random.below(record.len());
    let some = random.below(record.len() - at + 1);
    match random.below(10) {
        0 | 1 => {
            let bit = random.below(8);
            record.get_mut(at).into_iter().for_each(|byte| *byte ^= 1 << bit);
        }
        2 => {
            let value = random.byte();
            record.get_mut(at).into_iter().for_each(|byte| *byte = value);
        }
        3 | 4 => number(record, random),
        5 => record.truncate(at),
        6 => drop(record.drain(at..at + some)),
        7 => {
            let again = record.get(at..at + some).unwrap_or_default().to_vec();
            record.splice(at..at, again);
        }
        8 => {
            let from = random.below(piece.len());
            let len = random.below(piece.len() - from + 1);
            let piece = piece.get(from..from + len).unwrap_or_default().to_vec();
            let over = if random.below(2) == 0 { at } else { at + some };
            record.splice(at..over, piece);
        }
        _ => {
            let (value, len) = (random.byte() & random.byte(), 1 + random.below(70));
            record.splice(at..at, std::iter::repeat_n(value, len));
        }
    }
}

/// Somewhere in the head or anywhere, one to four bytes are another number: an edge, one more, one less, the bytes that
/// follow.
fn number(record: &mut [u8], random: &mut Random) {
    let head = if random.below(2) == 0 { 16 } else { usize::MAX };
    let at = random.below(record.len().min(head));
    let width = [1, 2, WIDEST].get(random.below(3)).copied().unwrap_or(WIDEST);
    let rest = record.len() - at;
    let Some(field) = record.get_mut(at..).and_then(|field| field.get_mut(..width)) else { return };
    let swapped = random.below(3) == 0;
    if swapped {
        field.reverse();
    }
    let old = field.iter().rev().fold(0u32, |n, byte| n << 8 | u32::from(*byte));
    let new = match random.below(5) {
        0 => old.wrapping_add(1),
        1 => old.wrapping_sub(1),
        2 => u32::try_from(rest).unwrap_or(u32::MAX).wrapping_sub(random.below(9) as u32),
        3 => old.wrapping_mul(2),
        _ => random.one(&EDGES).copied().unwrap_or_default(),
    };
    field.iter_mut().zip(new.to_le_bytes()).for_each(|(byte, new)| *byte = new);
    if swapped {
        field.reverse();
    }
}

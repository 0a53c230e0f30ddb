//! Hash tables for numbers that come by the million.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// A table that hashes each key in a few nanoseconds. It is for keys that are spread by themselves: addresses, numbers,
/// times.
pub(crate) type QuickMap<K, V> = HashMap<K, V, BuildHasherDefault<Mixer>>;

/// Multiplies and shifts: every bit of what goes in reaches the middle bits of what comes out.
#[derive(Debug, Default)]
pub(crate) struct Mixer(u64);

impl Mixer {
    /// 2^64 divided by the golden ratio, an odd number whose bits have no pattern.
    const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;
}

impl Hasher for Mixer {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u8(&mut self, number: u8) {
        self.write_u64(u64::from(number));
    }

    fn write_u16(&mut self, number: u16) {
        self.write_u64(u64::from(number));
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(u64::from(number));
    }

    fn write_u64(&mut self, number: u64) {
        let mixed = (self.0.rotate_left(5) ^ number).wrapping_mul(Self::FACTOR);
        self.0 = mixed ^ mixed >> 32;
    }

    fn write_usize(&mut self, number: usize) {
        self.write_u64(u64::try_from(number).unwrap_or(u64::MAX));
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

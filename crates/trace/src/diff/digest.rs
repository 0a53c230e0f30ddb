//! Numbers that stand for keys.
//!
//! There are millions of keys, and whoever sorts them into a table hashes each several times. So each is hashed once, in a
//! way that costs next to nothing; where two digests are equal the keys are looked at.

use crate::quick::Mixer;
use std::hash::{Hash, Hasher};

/// Something with its digest.
#[derive(Debug, Clone, Copy)]
pub(super) struct Digest<T> {
    pub(super) number: u64,
    pub(super) of: T,
}

impl<T: Hash> Digest<T> {
    pub(super) fn new(of: T) -> Digest<T> {
        let mut mixer = Mixer::default();
        of.hash(&mut mixer);
        Digest { number: mixer.finish(), of }
    }
}

impl<T> Hash for Digest<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.number);
    }
}

impl<T: PartialEq> PartialEq for Digest<T> {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number && self.of == other.of
    }
}

impl<T: Eq> Eq for Digest<T> {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn addresses_in_a_row_and_bits_alone_have_digests_of_their_own() {
        let addresses = (0..100_000u32).map(|n| Digest::new((0x2000_0000 + 4 * n, 0u8)).number);
        let bits =
            (0..32).flat_map(|n| (0..32).map(move |m| Digest::new((1u32 << n, 1u32 << m, true)).number));
        let all: HashSet<u64> = addresses.chain(bits).collect();
        assert_eq!(all.len(), 100_000 + 32 * 32);
    }

    #[test]
    fn equal_digests_of_different_things_are_told_apart() {
        let (one, other) = (Digest { number: 7, of: "a" }, Digest { number: 7, of: "b" });
        assert_ne!(one, other);
        assert_eq!(one, Digest { number: 7, of: "a" });
    }
}

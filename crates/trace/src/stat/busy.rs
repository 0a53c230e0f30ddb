//! Which addresses are used most.

use super::Busy;
use crate::quick::QuickMap;
use crate::target::Names;
use std::cmp::Reverse;
use wire::Addr;

/// How many busy addresses are listed.
const BUSIEST: usize = 10;
/// Words whose counts stand together: one look for all of them, as most accesses are beside the one before.
const WORDS: usize = 8;
/// Bits of an address below the number of such a group.
const GROUP: u32 = 5;

/// How often each address was used.
#[derive(Debug, Default)]
pub(super) struct Addresses {
    /// Where the counts of a group of words stand.
    places: QuickMap<u32, usize>,
    words: Vec<(u32, [u64; WORDS])>,
    /// The group that was used last, and its place.
    last: Option<(u32, usize)>,
    /// What begins inside a word.
    others: QuickMap<u32, u64>,
}

impl Addresses {
    pub(super) fn count(&mut self, Addr(at): Addr) {
        if at & 3 != 0 {
            *self.others.entry(at).or_default() += 1;
            return;
        }
        let group = at >> GROUP;
        let place = match self.last {
            Some((last, place)) if last == group => place,
            _ => *self.places.entry(group).or_insert_with(|| {
                self.words.push((group, [0; WORDS]));
                self.words.len() - 1
            }),
        };
        self.last = Some((group, place));
        let word = usize::try_from(at >> 2).unwrap_or(0) % WORDS;
        if let Some(count) = self.words.get_mut(place).and_then(|(_, counts)| counts.get_mut(word)) {
            *count += 1;
        }
    }

    pub(super) fn busiest(&self, names: Names) -> Vec<Busy> {
        let words = self.words.iter().flat_map(|(group, counts)| {
            (0u32..).zip(counts).map(move |(word, count)| (group << GROUP | word << 2, *count))
        });
        let others = self.others.iter().map(|(at, count)| (*at, *count));
        let mut all: Vec<(u32, u64)> = words.chain(others).filter(|(_, count)| *count > 0).collect();
        let first = |(at, count): &(u32, u64)| (Reverse(*count), *at);
        if all.len() > BUSIEST {
            all.select_nth_unstable_by_key(BUSIEST, first);
            all.truncate(BUSIEST);
        }
        all.sort_unstable_by_key(first);
        let busy = |(at, accesses): (u32, u64)| {
            let at = Addr(at);
            Busy { address: at.to_string(), name: crate::name::place(names, at), accesses }
        };
        all.into_iter().map(busy).collect()
    }
}

//! The clocks of a capture that the decoder has not yet dealt with: what SWDIO was before each rise of SWCLK, and when.

/// Clocks that stay in reach behind the place of decoding.
const BEHIND: usize = 128;
/// Clocks that are let go of at once, so that moving the rest is cheap.
const AT_ONCE: usize = 1 << 13;

/// Every second bit, from bit 0 or from bit 1 on.
const EVEN: u64 = 0x5555_5555_5555_5555;
const ODD: u64 = !EVEN;

/// Levels of SWDIO, one bit a clock, with the time of each clock.
#[derive(Debug, Default)]
pub(crate) struct Clocks {
    /// Full words, first clock in bit 0.
    words: Vec<u64>,
    /// The word that is being filled, and how many bits it has.
    filling: u64,
    filled: u32,
    /// When SWCLK rose, in ticks.
    ticks: Vec<u64>,
}

impl Clocks {
    /// How many clocks there are.
    pub(crate) fn len(&self) -> usize {
        self.ticks.len()
    }

    /// One more clock.
    pub(crate) fn push(&mut self, high: bool, tick: u64) {
        self.ticks.push(tick);
        self.put(u64::from(high), 1);
    }

    /// Appends levels, the first in bit 0. There are no more than 64, and zeros above.
    fn put(&mut self, levels: u64, count: u32) {
        self.filling |= levels << self.filled;
        let filled = self.filled + count;
        if filled >= u64::BITS {
            self.words.push(self.filling);
            // What did not fit; nothing if all of it did.
            self.filling = levels.checked_shr(u64::BITS - self.filled).unwrap_or_default();
            self.filled = filled - u64::BITS;
        } else {
            self.filled = filled;
        }
    }

    /// More clocks: one for each bit set in `rises`, with its level at the same place in `levels`. Bit 0 is at `tick`.
    pub(crate) fn push_all(&mut self, rises: u64, levels: u64, tick: u64) {
        match rises {
            0 => {}
            // A clock as fast as the samples allow: common, and worth its own way.
            EVEN => self.push_every_second(levels, tick),
            ODD => self.push_every_second(levels >> 1, tick + 1),
            _ => {
                let (mut left, mut bits, mut count) = (rises, 0, 0);
                while left != 0 {
                    let place = left.trailing_zeros();
                    self.ticks.push(tick + u64::from(place));
                    bits |= (levels >> place & 1) << count;
                    count += 1;
                    left &= left - 1;
                }
                self.put(bits, count);
            }
        }
    }

    /// 32 clocks with their levels in the even bits.
    fn push_every_second(&mut self, levels: u64, tick: u64) {
        self.ticks.extend((0..32).map(|n| tick + 2 * n));
        // Brings the even bits together, in pairs, fours, and so on.
        let steps: [(u32, u64); 5] = [
            (1, 0x3333_3333_3333_3333),
            (2, 0x0F0F_0F0F_0F0F_0F0F),
            (4, 0x00FF_00FF_00FF_00FF),
            (8, 0x0000_FFFF_0000_FFFF),
            (16, 0x0000_0000_FFFF_FFFF),
        ];
        let bits = steps.iter().fold(levels & EVEN, |bits, (shift, mask)| (bits | bits >> shift) & mask);
        self.put(bits, 32);
    }

    /// 64 clocks from `at` on, the first in bit 0. Zeros stand where there are none.
    pub(crate) fn word(&self, at: usize) -> u64 {
        let (index, shift) = (at / 64, at % 64);
        let low = self.whole(index) >> shift;
        if shift == 0 { low } else { low | self.whole(index + 1) << (64 - shift) }
    }

    fn whole(&self, index: usize) -> u64 {
        match self.words.get(index) {
            Some(word) => *word,
            None if index == self.words.len() => self.filling,
            None => 0,
        }
    }

    /// The level at a clock.
    pub(crate) fn bit(&self, at: usize) -> bool {
        self.word(at) & 1 == 1
    }

    /// When a clock was. A clock that is not there has the time of the last one.
    pub(crate) fn tick(&self, at: usize) -> u64 {
        self.ticks.get(at).or(self.ticks.last()).copied().unwrap_or_default()
    }

    /// How many clocks from `at` on are low.
    pub(crate) fn zeros(&self, at: usize) -> usize {
        self.run(at, 0)
    }

    /// How many clocks from `at` on are high.
    pub(crate) fn ones(&self, at: usize) -> usize {
        self.run(at, u64::MAX)
    }

    fn run(&self, at: usize, level: u64) -> usize {
        let left = self.len().saturating_sub(at);
        let mut run = 0;
        while run < left {
            let differs = (self.word(at + run) ^ level).trailing_zeros();
            run += usize::try_from(differs).unwrap_or_default();
            if differs < u64::BITS {
                break;
            }
        }
        run.min(left)
    }

    /// Lets go of clocks before `at` and returns how many; all later places shift down by that.
    pub(crate) fn forget(&mut self, at: usize) -> usize {
        let words = at.min(self.len()).saturating_sub(BEHIND) / 64;
        if words * 64 < AT_ONCE {
            return 0;
        }
        self.words.drain(..words.min(self.words.len()));
        self.ticks.drain(..words * 64);
        words * 64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(bits: &[u8]) -> Clocks {
        let mut clocks = Clocks::default();
        for (n, bit) in bits.iter().enumerate() {
            clocks.push(*bit == 1, n as u64 * 10);
        }
        clocks
    }

    #[test]
    fn a_word_may_begin_anywhere_and_reach_beyond_the_end() {
        let bits: Vec<u8> = (0..200u32).map(|n| u8::from(n * n % 7 < 3)).collect();
        let clocks = of(&bits);
        for at in 0..200 {
            let expected = (0..64)
                .fold(0, |word, n| word | u64::from(bits.get(at + n).copied().unwrap_or_default()) << n);
            assert_eq!(clocks.word(at), expected, "{at}");
        }
    }

    #[test]
    fn runs_end_with_the_clocks() {
        let mut bits = vec![0; 130];
        bits.extend([1; 70]);
        let clocks = of(&bits);
        assert_eq!((clocks.zeros(0), clocks.zeros(100), clocks.ones(0)), (130, 30, 0));
        assert_eq!((clocks.ones(130), clocks.ones(199), clocks.ones(200)), (70, 1, 0));
        assert_eq!(clocks.zeros(200), 0);
    }

    #[test]
    fn clocks_that_come_as_masks_are_those_that_come_one_by_one() {
        let mut masks = Clocks::default();
        masks.push_all(0b1010_1100, 0b0000_1100, 1000);
        assert_eq!((masks.len(), masks.word(0)), (4, 0b0011));
        assert_eq!([0, 1, 2, 3].map(|n| masks.tick(n)), [1002, 1003, 1005, 1007]);
    }

    proptest::proptest! {
        #[test]
        fn masks_of_any_kind_are_their_bits(masks in proptest::collection::vec(
            (proptest::prop_oneof![proptest::prelude::Just(EVEN), proptest::prelude::Just(ODD),
                proptest::prelude::Just(u64::MAX), proptest::prelude::any::<u64>()], proptest::prelude::any::<u64>()),
            0..12,
        )) {
            let (mut at_once, mut one_by_one) = (Clocks::default(), Clocks::default());
            for (n, (rises, levels)) in masks.iter().enumerate() {
                let tick = n as u64 * 64;
                at_once.push_all(*rises, *levels, tick);
                for place in (0..64).filter(|place| rises >> place & 1 == 1) {
                    one_by_one.push(levels >> place & 1 == 1, tick + place);
                }
            }
            proptest::prop_assert_eq!(&at_once.ticks, &one_by_one.ticks);
            proptest::prop_assert_eq!(&at_once.words, &one_by_one.words);
            proptest::prop_assert_eq!((at_once.filling, at_once.filled), (one_by_one.filling, one_by_one.filled));
        }
    }

    #[test]
    fn forgetting_shifts_and_keeps_some_behind() {
        let bits: Vec<u8> = (0..100_000u32).map(|n| u8::from(n % 3 == 0)).collect();
        let mut clocks = of(&bits);
        assert_eq!(clocks.forget(1000), 0);
        let gone = clocks.forget(90_000);
        assert!(gone > 80_000 && gone <= 90_000 - BEHIND, "{gone}");
        assert_eq!(clocks.len(), 100_000 - gone);
        assert_eq!(clocks.tick(0), gone as u64 * 10);
        assert_eq!(clocks.bit(90_000 - gone), bits[90_000] == 1);
        assert_eq!(clocks.bit(clocks.len() - 1), bits[99_999] == 1);
    }
}

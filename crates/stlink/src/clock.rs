//! SWCLK and TCK frequencies. [STL-11]

use wire::Hz;

/// A frequency and its divisor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Divided {
    /// The frequency, in kHz.
    pub khz: u32,
    /// What F2 43 or F2 44 is given.
    pub divisor: u16,
}

const fn d(khz: u32, divisor: u16) -> Divided {
    Divided { khz, divisor }
}

/// SWCLK of a V2, the highest first.
pub const SWD_V2: [Divided; 16] = [
    d(4000, 0),
    d(1800, 1),
    d(1200, 2),
    d(950, 3),
    d(650, 5),
    d(480, 7),
    d(400, 9),
    d(360, 10),
    d(240, 15),
    d(150, 25),
    d(125, 31),
    d(100, 40),
    d(50, 79),
    d(25, 158),
    d(15, 265),
    d(5, 798),
];

/// TCK of a V2, the highest first.
pub const JTAG_V2: [Divided; 8] =
    [d(18_000, 2), d(9000, 4), d(4500, 8), d(2250, 16), d(1120, 32), d(560, 64), d(280, 128), d(140, 256)];

/// SWCLK of a V2 that was told nothing, or cannot be told.
pub const SWD_V2_DEFAULT: Hz = Hz::khz(1800);

/// SWCLK frequencies that were seen on a V3; ask it with F2 62.
pub const SWD_V3_SEEN: [u32; 7] = [24_000, 8000, 3300, 1000, 200, 50, 5];

/// The highest frequency that is not above `wanted`; the lowest when all are. `None` when there are none.
pub fn at_most(khz: impl IntoIterator<Item = u32>, wanted: Hz) -> Option<u32> {
    let limit = wanted.0 / 1000;
    let mut best: Option<u32> = None;
    for each in khz.into_iter().filter(|khz| *khz > 0) {
        best = Some(match best {
            None => each,
            Some(best) if best > limit => best.min(each),
            Some(best) if each <= limit => best.max(each),
            Some(best) => best,
        });
    }
    best
}

/// The entry of a V2 table for a wish, by the rule of [`at_most`].
pub fn divided(table: &[Divided], wanted: Hz) -> Option<Divided> {
    let khz = at_most(table.iter().map(|entry| entry.khz), wanted)?;
    table.iter().find(|entry| entry.khz == khz).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_next_lower_frequency_is_taken() {
        assert_eq!(divided(&SWD_V2, Hz::khz(4000)), Some(d(4000, 0)));
        assert_eq!(divided(&SWD_V2, Hz::khz(3999)), Some(d(1800, 1)));
        assert_eq!(divided(&SWD_V2, Hz::khz(100_000)), Some(d(4000, 0)));
        assert_eq!(divided(&SWD_V2, Hz::khz(1)), Some(d(5, 798)));
        assert_eq!(at_most(SWD_V3_SEEN, Hz::khz(10_000)), Some(8000));
        assert_eq!(at_most([0, 0], Hz::khz(10_000)), None);
    }

    proptest! {
        #[test]
        fn it_does_not_matter_in_which_order_they_come(mut khz in proptest::collection::vec(1u32..30_000, 1..11), wish in 0u32..30_000) {
            let chosen = at_most(khz.iter().copied(), Hz::khz(wish));
            khz.sort_unstable();
            let wanted = khz.iter().rfind(|khz| **khz <= wish).or(khz.first()).copied();
            prop_assert_eq!(chosen, wanted);
        }
    }
}

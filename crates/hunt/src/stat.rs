//! Statistics of small counts: exact bounds, Fisher's test, durations that were cut off by a limit.

/// How sure a bound is: 95 of 100.
const SURE: f64 = 0.95;
/// Halvings of an interval until it is narrower than a double can tell.
const HALVINGS: u32 = 60;

/// So many of so many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Count {
    /// Those that did.
    pub hits: u32,
    /// All.
    pub of: u32,
}

impl Count {
    /// Counts the `true` ones.
    pub fn of(all: impl Iterator<Item = bool>) -> Count {
        all.fold(Count::default(), |c, hit| Count { hits: c.hits + u32::from(hit), of: c.of + 1 })
    }

    /// The share; of nothing it is 0.
    #[must_use]
    pub fn share(self) -> f64 {
        if self.of == 0 { 0.0 } else { f64::from(self.hits) / f64::from(self.of) }
    }

    /// The true share is below this, 95 % sure (one-sided, Clopper and Pearson). Without a hit it is about 3 / n.
    #[must_use]
    pub fn upper(self) -> f64 {
        if self.hits >= self.of { 1.0 } else { solve(|p| cumulative(self.hits, self.of, p) > 1.0 - SURE) }
    }

    /// The true share is above this, 95 % sure (one-sided, Clopper and Pearson).
    #[must_use]
    pub fn lower(self) -> f64 {
        1.0 - Count { hits: self.of - self.hits.min(self.of), of: self.of }.upper()
    }
}

/// Where `low` goes from true to false between 0 and 1.
fn solve(low: impl Fn(f64) -> bool) -> f64 {
    let (mut from, mut to) = (0.0, 1.0);
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(from, to);
        if low(middle) {
            from = middle;
        } else {
            to = middle;
        }
    }
    f64::midpoint(from, to)
}

/// The chance of at most `hits` of `of` when each is a hit with chance `p`.
fn cumulative(hits: u32, of: u32, p: f64) -> f64 {
    if p <= 0.0 {
        return 1.0;
    }
    if p >= 1.0 {
        return f64::from(u8::from(hits >= of));
    }
    let term = |k: u32| (ln_choose(of, k) + f64::from(k) * p.ln() + f64::from(of - k) * (-p).ln_1p()).exp();
    (0..=hits).map(term).sum::<f64>().min(1.0)
}

fn ln_factorial(n: u32) -> f64 {
    (2..=n).map(|k| f64::from(k).ln()).sum()
}

fn ln_choose(n: u32, k: u32) -> f64 {
    ln_factorial(n) - ln_factorial(k) - ln_factorial(n - k)
}

/// Fisher's exact test, two-sided by probability: the chance of a table as unlikely as this one or more when the two
/// conditions do not differ.
#[must_use]
pub fn fisher(a: Count, b: Count) -> f64 {
    let (hits, of) = (a.hits + b.hits, a.of + b.of);
    let chance = |k: u32| (ln_choose(a.of, k) + ln_choose(b.of, hits - k) - ln_choose(of, hits)).exp();
    let seen = chance(a.hits);
    // Equal tables differ in the last digits.
    let limit = seen * (1.0 + 1e-7);
    let all = hits.saturating_sub(b.of)..=hits.min(a.of);
    all.map(chance).filter(|p| *p <= limit).sum::<f64>().min(1.0)
}

/// Holm's correction of several p values: each of them as if all had been one question, so that many comparisons do not make
/// one of them look like something by chance.
#[must_use]
pub fn holm(all: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..all.len()).collect();
    let p = |index: &usize| all.get(*index).copied().unwrap_or(1.0);
    order.sort_by(|a, b| p(a).total_cmp(&p(b)));
    let mut corrected = vec![1.0; all.len()];
    let mut least: f64 = 0.0;
    for (rank, index) in order.iter().enumerate() {
        let others = u32::try_from(all.len() - rank).unwrap_or(u32::MAX);
        least = least.max((p(index) * f64::from(others)).min(1.0));
        if let Some(slot) = corrected.get_mut(*index) {
            *slot = least;
        }
    }
    corrected
}

/// A duration, or that it was longer than somebody waited.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Censored {
    /// How long was waited.
    pub time: f64,
    /// It was over by then.
    pub over: bool,
}

/// The time by which `share` of the durations are over, by Kaplan and Meier; `None` when the limit hides it.
#[must_use]
pub fn quantile(all: &[Censored], share: f64) -> Option<f64> {
    let mut sorted: Vec<Censored> = all.to_vec();
    sorted.sort_by(|a, b| a.time.total_cmp(&b.time).then(b.over.cmp(&a.over)));
    let mut left = sorted.len();
    let mut alive = 1.0;
    for one in sorted {
        let at_risk = f64::from(u32::try_from(left).unwrap_or(u32::MAX));
        if one.over {
            alive *= (at_risk - 1.0) / at_risk;
        }
        left -= 1;
        // What is left is a product of fractions: half may come out as a little more than half.
        if one.over && alive <= 1.0 - share + 1e-12 {
            return Some(one.time);
        }
    }
    None
}

/// How many fall into each of the bins that begin at `edges`, ascending; what is below the first one counts there.
#[must_use]
pub fn histogram(values: impl Iterator<Item = f64>, edges: &[f64]) -> Vec<u32> {
    let mut bins = vec![0; edges.len()];
    for value in values {
        let bin = edges.iter().rposition(|edge| value >= *edge).unwrap_or(0);
        if let Some(count) = bins.get_mut(bin) {
            *count += 1;
        }
    }
    bins
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: f64, b: f64) -> bool {
        (a - b).abs() <= 1e-9 * b.abs().max(1e-3)
    }

    const fn count(hits: u32, of: u32) -> Count {
        Count { hits, of }
    }

    #[test]
    fn bounds_are_those_of_scipy() {
        // scipy 1.17.1: beta.ppf(0.95, k + 1, n - k) and beta.ppf(0.05, k, n - k + 1).
        for (c, upper, lower) in [
            (count(0, 20), 0.139_108_340_668_265_16, 0.0),
            (count(0, 59), 0.049_507_609_888_226_93, 0.0),
            (count(0, 299), 0.009_969_146_792_899_269, 0.0),
            (count(20, 20), 1.0, 0.860_891_659_331_734_8),
            (count(7, 20), 0.558_034_511_315_488_8, 0.177_310_917_574_449_14),
            (count(1, 10), 0.394_163_302_436_504_66, 0.005_116_196_891_823_701),
            (count(48, 48), 1.0, 0.939_496_590_691_105_7),
            (count(3, 3), 1.0, 0.368_403_149_864_038_7),
            (count(45, 60), 0.839_135_621_747_198, 0.641_460_205_595_186_8),
        ] {
            assert!(near(c.upper(), upper), "{c:?}: {} {upper}", c.upper());
            assert!((c.lower() - lower).abs() < 1e-9, "{c:?}: {} {lower}", c.lower());
        }
    }

    #[test]
    fn without_a_hit_the_bound_is_about_three_in_n() {
        for n in [20, 59, 299] {
            let three = 3.0 / f64::from(n);
            assert!(count(0, n).upper() < three && count(0, n).upper() > 0.9 * three);
        }
        assert_eq!((count(0, 0).upper(), count(0, 0).lower(), count(0, 0).share()), (1.0, 0.0, 0.0));
    }

    #[test]
    fn fishers_test_gives_the_numbers_of_scipy() {
        // scipy 1.17.1: fisher_exact([[a, b], [c, d]]).pvalue; the fourth is Fisher's own lady tasting tea.
        for (a, b, c, d, p) in [
            (8, 2, 1, 5, 0.034_965_034_965_034_975),
            (0, 60, 60, 0, 2.070_073_888_186_964e-35),
            (3, 1, 1, 3, 0.485_714_285_714_285_65),
            (0, 4, 20, 2, 0.001_003_344_481_605_351),
            (10, 12, 9, 15, 0.765_163_689_940_510_5),
            (1, 9, 11, 3, 0.002_759_456_185_220_083_6),
            (0, 3, 3, 0, 0.1),
            (4, 0, 0, 48, 3.693_785_206_390_248e-6),
        ] {
            let got = fisher(count(a, a + b), count(c, c + d));
            assert!((got / p - 1.0).abs() < 1e-9, "{a} {b} {c} {d}: {got} {p}");
        }
    }

    #[test]
    fn holms_correction_gives_the_numbers_of_r() {
        // p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm") and p.adjust(c(0.5, 0.6), "holm").
        let got = holm(&[0.01, 0.04, 0.03, 0.005]);
        for (got, want) in got.iter().zip([0.03, 0.06, 0.06, 0.02]) {
            assert!(near(*got, want), "{got} {want}");
        }
        assert_eq!((holm(&[0.5, 0.6]), holm(&[]), holm(&[0.04])), (vec![1.0, 1.0], vec![], vec![0.04]));
    }

    #[test]
    fn a_median_counts_those_that_were_cut_off() {
        // lifelines and scipy.stats.ecdf: survival 0.9 0.7 0.6 0.5 0.4 at 1 2 3 5 8, median 5.
        let over = |time| Censored { time, over: true };
        let cut = |time| Censored { time, over: false };
        let all = [
            over(1.0),
            over(2.0),
            over(2.0),
            over(3.0),
            over(5.0),
            over(8.0),
            cut(8.0),
            cut(10.0),
            cut(10.0),
            cut(10.0),
        ];
        assert_eq!(quantile(&all, 0.1), Some(1.0));
        assert_eq!(quantile(&all, 0.3), Some(2.0));
        assert_eq!(quantile(&all, 0.5), Some(5.0));
        assert_eq!(quantile(&all, 0.6), Some(8.0));
        assert_eq!(quantile(&all, 0.7), None, "the limit hides it");
        assert_eq!(quantile(&[], 0.5), None);
    }

    #[test]
    fn bins_hold_everything_once() {
        assert_eq!(histogram([0.5, 1.0, 9.0, 10.0, 1e9].into_iter(), &[1.0, 10.0]), [3, 2]);
    }

    proptest::proptest! {
        #[test]
        fn bounds_hold_the_share_between_them(hits in 0u32..80, more in 0u32..80) {
            let c = count(hits, hits + more);
            proptest::prop_assert!(c.lower() <= c.share() + 1e-12 && c.share() <= c.upper() + 1e-12);
        }

        #[test]
        fn fishers_test_does_not_care_which_arm_comes_first(a in 0u32..20, b in 0u32..20, c in 0u32..20, d in 0u32..20) {
            let (x, y) = (count(a, a + b), count(c, c + d));
            proptest::prop_assert!((fisher(x, y) - fisher(y, x)).abs() < 1e-9);
        }
    }
}

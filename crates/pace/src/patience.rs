//! Patience: a time or a number of tries.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// How long, or how often, something is tried before it counts as failed.
///
/// Written `200ms`, `1.5s`, `30us` or `64x`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// Until this much time has passed.
    Time(Duration),
    /// This many tries, however long they take. What other tools do, and why their patience shrinks as SWCLK rises.
    Tries(u32),
}

impl Patience {
    /// A patience of milliseconds.
    pub const fn ms(ms: u64) -> Self {
        Patience::Time(Duration::from_millis(ms))
    }

    /// Whether it is spent.
    pub fn is_spent(self, elapsed: Duration, tries: u32) -> bool {
        match self {
            Patience::Time(t) => elapsed >= t,
            Patience::Tries(n) => tries >= n,
        }
    }

    /// How many repeats beyond the first try this is, for something that repeats back to back and takes `each`.
    pub fn repeats(self, each: Duration) -> u32 {
        match self {
            Patience::Tries(n) => n,
            Patience::Time(t) => {
                let each = each.as_nanos().max(1);
                u32::try_from(t.as_nanos().div_ceil(each)).unwrap_or(u32::MAX)
            }
        }
    }
}

/// Writes a duration in the largest unit that shows it exactly.
pub(crate) fn show(span: Duration) -> String {
    let ns = span.as_nanos();
    match ns {
        0 => "0ms".to_owned(),
        _ if ns.is_multiple_of(1_000_000_000) => format!("{}s", ns / 1_000_000_000),
        _ if ns.is_multiple_of(1_000_000) => format!("{}ms", ns / 1_000_000),
        _ if ns.is_multiple_of(1000) => format!("{}us", ns / 1000),
        _ => format!("{ns}ns"),
    }
}

/// Reads a duration such as `200ms`, `1.5s`, `30us`, `2min`.
pub(crate) fn read(text: &str) -> Option<Duration> {
    let text = text.trim();
    let split = text.find(|c: char| c.is_ascii_alphabetic())?;
    let (number, unit) = text.split_at(split);
    let scale = match unit.trim() {
        "ns" => 1.0,
        "us" | "µs" => 1e3,
        "ms" => 1e6,
        "s" => 1e9,
        "min" => 60e9,
        _ => return None,
    };
    let number: f64 = number.trim().parse().ok()?;
    // An hour is the longest anybody may mean; more is a slip of the keyboard.
    let nanos = number * scale;
    if !(0.0..=3600e9).contains(&nanos) {
        return None;
    }
    Some(Duration::from_secs_f64(nanos / 1e9))
}

impl fmt::Display for Patience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Patience::Time(t) => f.write_str(&show(*t)),
            Patience::Tries(n) => write!(f, "{n}x"),
        }
    }
}

impl FromStr for Patience {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if let Some(count) = text.strip_suffix('x')
            && let Ok(n) = count.trim().parse()
        {
            return Ok(Patience::Tries(n));
        }
        read(text)
            .map(Patience::Time)
            .ok_or_else(|| format!("`{text}` is neither a time (200ms, 1.5s, 30us) nor a count (64x)"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_reads_what_it_writes() {
        for text in ["200ms", "1500ms", "64x", "30us", "7ns", "2s"] {
            let p: Patience = text.parse().unwrap();
            assert_eq!(p.to_string(), text, "{text}");
        }
        assert_eq!("1.5s".parse::<Patience>().unwrap(), Patience::ms(1500));
    }

    #[test]
    fn nonsense_is_refused_with_the_text_in_the_message() {
        for text in ["", "fast", "-1ms", "9 lightyears", "x", "1e300s", "NaNs", "2h"] {
            let e = text.parse::<Patience>().unwrap_err();
            assert!(e.contains(text), "{e}");
        }
    }

    #[test]
    fn a_time_becomes_more_repeats_as_the_wire_gets_faster() {
        let p = Patience::ms(10);
        assert_eq!(p.repeats(Duration::from_nanos(3250)), 3077);
        assert_eq!(p.repeats(Duration::from_nanos(1300)), 7693);
        assert_eq!(Patience::Tries(64).repeats(Duration::from_nanos(1300)), 64);
    }
}

//! How quick quad-words follow each other, and when a slower pace is taken. [H5-FLASH-6]

use crate::{H5Error, Part};
use adi::AdiError;
use pace::Patience;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;
use wire::Addr;

/// How quad-words are paced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum FlashPace {
    /// Whole sectors as one block: while the flash is busy the bus stalls and the probe absorbs the WAITs. That silicon
    /// stalls is a guess. [H5-FLASH-6]
    #[default]
    Stream,
    /// The probe waits for the flash after each quad-word by a value match inside the same packet.
    Match,
    /// The host waits for the flash after each quad-word.
    Poll,
}

impl FlashPace {
    /// All paces, fastest first.
    pub const ALL: [FlashPace; 3] = [FlashPace::Stream, FlashPace::Match, FlashPace::Poll];

    /// The word people type.
    pub const fn word(self) -> &'static str {
        match self {
            FlashPace::Stream => "stream",
            FlashPace::Match => "match",
            FlashPace::Poll => "poll",
        }
    }

    /// The next slower one.
    pub(crate) const fn slower(self) -> Option<FlashPace> {
        match self {
            FlashPace::Stream => Some(FlashPace::Match),
            FlashPace::Match => Some(FlashPace::Poll),
            FlashPace::Poll => None,
        }
    }
}

impl fmt::Display for FlashPace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for FlashPace {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = FlashPace::ALL.into_iter().find(|p| p.word() == text);
        found.ok_or_else(|| format!("`{text}` is no flash pace; there are stream, match and poll"))
    }
}

/// A slower pace was taken than the one asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fallback {
    /// The sector at which it happened; `None` before the first one.
    pub at: Option<Addr>,
    /// The pace until then.
    pub from: FlashPace,
    /// The pace from then on.
    pub to: FlashPace,
    /// Why.
    pub why: String,
}

impl fmt::Display for Fallback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pace {} instead of {}", self.to, self.from)?;
        if let Some(at) = self.at {
            write!(f, " from the sector at {at} on")?;
        }
        write!(f, ": {}", self.why)
    }
}

impl Part<'_> {
    /// The fastest pace not above `wanted` that this probe and this policy can keep up, with the reasons.
    ///
    /// WAIT is no lasting refusal: where a word is refused, the packets behind it go on, and a quad-word is left half full. So
    /// a stream is only begun when the probe by itself outlasts the longest quad-word.
    pub(crate) fn fit_pace(&self, wanted: FlashPace) -> (FlashPace, Vec<Fallback>) {
        let longest = self.longest_quad_word();
        let mut pace = wanted;
        let mut fallbacks = Vec::new();
        if pace == FlashPace::Stream {
            let budget = self.adi.wait_budget();
            if budget < longest {
                pace = slower(pace, &mut fallbacks, "WAIT (probe.wait)", budget, longest);
            }
        }
        if pace == FlashPace::Match {
            if !self.adi.caps().value_match {
                let why = "this probe has no value match".to_owned();
                fallbacks.push(Fallback { at: None, from: pace, to: FlashPace::Poll, why });
                pace = FlashPace::Poll;
            } else if self.match_budget() < longest {
                let budget = self.match_budget();
                pace = slower(pace, &mut fallbacks, "value matches (probe.match)", budget, longest);
            }
        }
        (pace, fallbacks)
    }

    /// The longest that a quad-word may take by the policy.
    fn longest_quad_word(&self) -> Duration {
        let policy = self.adi.policy();
        match policy.flash.program {
            Patience::Time(time) => time,
            Patience::Tries(n) => policy.poll.interval.saturating_mul(n),
        }
    }

    /// The probe by itself can wait for the end of a quad-word.
    pub(crate) fn probe_can_wait(&self) -> bool {
        self.adi.caps().value_match && self.match_budget() >= self.longest_quad_word()
    }

    /// How long the probe by itself repeats a value match. The firmware's count has 16 bits.
    fn match_budget(&self) -> Duration {
        let probe = &self.adi.policy().probe;
        let each =
            Duration::from_nanos(self.adi.swclk().nanos(regs::dp::CLOCKS_OK + u64::from(probe.idle_cycles)));
        let tries = probe.matching.repeats(each).min(u32::from(u16::MAX));
        each.saturating_mul(tries)
    }
}

fn slower(
    pace: FlashPace,
    fallbacks: &mut Vec<Fallback>,
    what: &str,
    budget: Duration,
    longest: Duration,
) -> FlashPace {
    let Some(to) = pace.slower() else { return pace };
    let why =
        format!("the probe's patience with {what} is {budget:?}, less than flash.program = {longest:?}");
    fallbacks.push(Fallback { at: None, from: pace, to, why });
    to
}

/// The error is one that a slower pace may avoid: words were lost, or the probe's patience was.
pub(crate) fn slower_may_help(e: &H5Error) -> bool {
    match e {
        H5Error::FlashFlags { .. } | H5Error::VerifyMismatch { .. } | H5Error::TargetBusy { .. } => true,
        H5Error::Adi(e) => {
            matches!(e, AdiError::Overrun { .. } | AdiError::MatchSpent { .. } | AdiError::WaitSpent { .. })
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paces_are_read_and_written_by_their_words_and_get_slower() {
        for pace in FlashPace::ALL {
            assert_eq!(pace.to_string().parse(), Ok(pace));
        }
        assert!("quick".parse::<FlashPace>().unwrap_err().contains("stream, match and poll"));
        assert_eq!(FlashPace::Stream.slower().and_then(FlashPace::slower), Some(FlashPace::Poll));
        assert_eq!(FlashPace::Poll.slower(), None);
    }

    #[test]
    fn a_fallback_says_where_from_where_to_and_why() {
        let at = Some(Addr(0x0800_2000));
        let why = "words were lost".to_owned();
        let text = Fallback { at, from: FlashPace::Stream, to: FlashPace::Match, why }.to_string();
        assert_eq!(text, "pace match instead of stream from the sector at 0x0800_2000 on: words were lost");
    }
}

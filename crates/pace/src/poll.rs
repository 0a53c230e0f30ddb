//! The one loop that waits.

use crate::{Clock, Patience, Policy};
use std::fmt;
use std::time::Duration;

/// A place where the host waits for the target, the probe or the link. Each has its key in the policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Site {
    /// The access port after the probe gave up on WAIT.
    ApWait,
    /// The power-up acknowledge bits.
    PowerUp,
    /// One quad-word.
    FlashProgram,
    /// A sector erase.
    FlashErase,
    /// A bank or mass erase.
    FlashMassErase,
    /// An option change.
    OptionChange,
    /// One step of an OBK write.
    ObkWrite,
    /// The ROM's provisioning service.
    ObkService,
    /// The ROM's answer to the magic word.
    DaBoot,
    /// One mailbox word.
    DaWord,
    /// A mailbox reply.
    DaReply,
    /// A regression.
    DaRegression,
    /// The link and the access port after a reset.
    Reconnect,
}

impl Policy {
    /// Key and patience of a site.
    fn site(&self, site: Site) -> (&'static str, Patience) {
        match site {
            Site::ApWait => ("adi.wait", self.adi.wait),
            Site::PowerUp => ("adi.power-up", self.adi.power_up),
            Site::FlashProgram => ("flash.program", self.flash.program),
            Site::FlashErase => ("flash.erase", self.flash.erase),
            Site::FlashMassErase => ("flash.mass-erase", self.flash.mass_erase),
            Site::OptionChange => ("flash.option", self.flash.option),
            Site::ObkWrite => ("flash.obk", self.flash.obk),
            Site::ObkService => ("flash.service", self.flash.service),
            Site::DaBoot => ("da.boot", self.da.boot),
            Site::DaWord => ("da.word", self.da.word),
            Site::DaReply => ("da.reply", self.da.reply),
            Site::DaRegression => ("da.regression", self.da.regression),
            Site::Reconnect => ("reset.reconnect", self.reset.reconnect),
        }
    }

    /// How to wait at a site.
    pub fn wait(&self, site: Site) -> Wait {
        let (key, patience) = self.site(site);
        Wait { key, patience, interval: self.poll.interval, ceiling: self.poll.ceiling }
    }
}

/// How to wait: the patience, its key, and the rhythm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait {
    /// The policy key, for the error.
    pub key: &'static str,
    /// How long, or how often.
    pub patience: Patience,
    /// Pause after the first look.
    pub interval: Duration,
    /// Longest pause.
    pub ceiling: Duration,
}

/// A patience that ran out: the evidence every timeout carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spent {
    /// The policy key that would have to be larger.
    pub key: &'static str,
    /// What it was.
    pub patience: Patience,
    /// How much time passed.
    pub elapsed: Duration,
    /// How often we looked.
    pub tries: u32,
}

impl fmt::Display for Spent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} and {} tries ({} = {})", rounded(self.elapsed), self.tries, self.key, self.patience)
    }
}

/// A measured time as people read it: three digits behind the point.
fn rounded(span: Duration) -> String {
    match span.as_micros() {
        us if us < 1000 => format!("{us} us"),
        us if us < 1_000_000 => format!("{}.{:03} ms", us / 1000, us % 1000),
        us => format!("{}.{:03} s", us / 1_000_000, us % 1_000_000 / 1000),
    }
}

/// Why a wait ended without what was waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PollEnd<E> {
    /// Looking failed.
    Failed(E),
    /// Patience ran out.
    Spent(Spent),
}

/// Looks until `look` says `Some`, fails, or patience is spent. The first look comes at once; the last look comes after the
/// last pause, so a target that finishes during the last pause is seen.
///
/// # Errors
/// [`PollEnd::Failed`] with what `look` returned, or [`PollEnd::Spent`].
pub fn poll<T, E>(
    clock: &dyn Clock,
    wait: &Wait,
    mut look: impl FnMut() -> Result<Option<T>, E>,
) -> Result<T, PollEnd<E>> {
    let start = clock.now();
    let mut tries = 0u32;
    let mut pause = wait.interval;
    loop {
        tries = tries.saturating_add(1);
        // The time is taken before the look: what was busy at the deadline is a timeout, what was ready is not.
        let elapsed = clock.now().saturating_sub(start);
        match look() {
            Ok(Some(found)) => return Ok(found),
            Ok(None) if wait.patience.is_spent(elapsed, tries) => {
                let elapsed = clock.now().saturating_sub(start);
                return Err(PollEnd::Spent(Spent { key: wait.key, patience: wait.patience, elapsed, tries }));
            }
            Ok(None) => clock.sleep(pause),
            Err(e) => return Err(PollEnd::Failed(e)),
        }
        pause = pause.saturating_mul(2).min(wait.ceiling.max(wait.interval));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::VirtualClock;

    fn wait(patience: Patience) -> Wait {
        Wait {
            key: "flash.erase",
            patience,
            interval: Duration::from_millis(1),
            ceiling: Duration::from_millis(8),
        }
    }

    fn ready_at(clock: &VirtualClock, at: Duration) -> Result<Option<()>, ()> {
        Ok((clock.now() >= at).then_some(()))
    }

    #[test]
    fn what_is_ready_is_found_without_a_pause() {
        let clock = VirtualClock::new();
        poll(&clock, &wait(Patience::ms(0)), || Ok::<_, ()>(Some(()))).unwrap();
        assert_eq!(clock.now(), Duration::ZERO);
    }

    #[test]
    fn pauses_double_up_to_the_ceiling() {
        let clock = VirtualClock::new();
        let mut looks = Vec::new();
        let _ = poll(&clock, &wait(Patience::ms(40)), || {
            looks.push(clock.now().as_millis());
            Ok::<Option<()>, ()>(None)
        });
        assert_eq!(looks, [0, 1, 3, 7, 15, 23, 31, 39, 47]);
    }

    #[test]
    fn a_target_that_finishes_during_the_last_pause_is_seen() {
        let clock = VirtualClock::new();
        let end = Duration::from_millis(45);
        poll(&clock, &wait(Patience::ms(40)), || ready_at(&clock, end)).unwrap();
    }

    #[test]
    fn spent_patience_says_how_long_how_often_and_which_key() {
        let clock = VirtualClock::new();
        let end = Duration::from_secs(60);
        let Err(PollEnd::Spent(spent)) = poll(&clock, &wait(Patience::Tries(250)), || ready_at(&clock, end))
        else {
            panic!("must run out");
        };
        assert_eq!((spent.tries, spent.key), (250, "flash.erase"));
        assert!(spent.to_string().ends_with("250 tries (flash.erase = 250x)"), "{spent}");
    }

    #[test]
    fn a_failing_look_ends_the_wait() {
        let clock = VirtualClock::new();
        let end = poll(&clock, &wait(Patience::ms(5)), || Err::<Option<()>, _>("cable"));
        assert_eq!(end, Err(PollEnd::Failed("cable")));
    }
}

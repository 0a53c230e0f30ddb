//! The engine: one link, one policy, one clock, and what is believed of the target's debug registers.

use crate::cache::Cache;
use crate::react::probe_error;
use crate::waited::Waits;
use crate::{AdiError, Attached, Doing, Flight, Flown, Seen, Waited};
use pace::{Clock, Patience, Policy};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use wire::{Ack, Hz, Link, LinkCaps, LinkConfig, LinkError, Mark, MarkKind};

/// SWCLK as long as nobody asked for another: what probes start with.
const FIRST_SWCLK: Hz = Hz::khz(1000);

/// What is known of nRESET.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nreset {
    /// Nobody here touched it, or it was released.
    Released,
    /// It may be low.
    Low,
}

/// The Arm debug interface over one link.
///
/// Dropping it releases nRESET and lets go of the target.
pub struct Adi {
    pub(crate) link: Box<dyn Link>,
    pub(crate) policy: Policy,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) cache: Cache,
    pub(crate) attached: Option<Attached>,
    pub(crate) nreset: Nreset,
    pub(crate) config: LinkConfig,
    swclk: Hz,
    /// The probe has been told clock and settings.
    configured: bool,
    flight: Flight,
    waits: Waits,
}

impl fmt::Debug for Adi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Adi")
            .field("policy", &self.policy.name)
            .field("swclk", &self.swclk)
            .field("attached", &self.attached)
            .field("nreset", &self.nreset)
            .finish_non_exhaustive()
    }
}

impl Adi {
    /// An engine on `link`. Nothing is sent yet.
    #[must_use]
    pub fn new(link: Box<dyn Link>, policy: Policy, clock: Arc<dyn Clock>) -> Adi {
        let config = link_config(&policy, FIRST_SWCLK);
        Adi {
            link,
            policy,
            clock,
            cache: Cache::default(),
            attached: None,
            nreset: Nreset::Released,
            config,
            swclk: FIRST_SWCLK,
            configured: false,
            flight: Flight::default(),
            waits: Waits::default(),
        }
    }

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// The policy in force.
    #[must_use]
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// What the link can do.
    #[must_use]
    pub fn caps(&self) -> LinkCaps {
        self.link.caps()
    }

    /// What the probe said about itself: a word and a text each.
    #[must_use]
    pub fn probe_facts(&self) -> Vec<(&'static str, String)> {
        self.link.facts()
    }

    /// What was attached, if anything is.
    #[must_use]
    pub const fn attached(&self) -> Option<&Attached> {
        self.attached.as_ref()
    }

    /// The last accesses.
    #[must_use]
    pub const fn flight(&self) -> &Flight {
        &self.flight
    }

    /// Keeps a wait for whoever asks.
    pub fn keep_wait(&mut self, waited: Waited) {
        self.waits.push(waited);
    }

    /// The last waits since this was asked before, oldest first.
    pub fn take_waits(&mut self) -> Vec<Waited> {
        self.waits.take()
    }

    /// From now on the flight recorder forgets nothing: for a rehearsal, whose accesses are its result.
    pub fn remember_all(&mut self) {
        self.flight.keep_all();
    }

    /// Puts a mark into the recording.
    pub fn mark(&mut self, mark: &Mark) {
        self.link.mark(mark);
    }

    /// SWCLK as the probe says it is; before it was asked, what probes start with.
    #[must_use]
    pub const fn swclk(&self) -> Hz {
        self.swclk
    }

    /// How long the probe by itself goes on after WAIT: the count it was given, at the SWCLK in use. Its firmware counts
    /// in 16 bits, so at a fast SWCLK this is less than `probe.wait`; the engine's own patience follows.
    #[must_use]
    pub fn wait_budget(&self) -> Duration {
        let tries = u64::from(self.config.wait_retry) + 1;
        Duration::from_nanos(self.swclk.nanos(regs::dp::CLOCKS_WAIT * tries))
    }

    /// Changes the policy, tells the probe at once, and marks it in the recording.
    ///
    /// # Errors
    /// When the probe does not take its settings.
    pub fn set_policy(&mut self, policy: Policy) -> Result<(), AdiError> {
        self.policy = policy;
        self.link.mark(&Mark::new(MarkKind::Policy, self.policy.line()));
        self.send_config()
    }

    /// Asks for an SWCLK frequency and returns what the probe made of it. Retry counts follow it.
    ///
    /// # Errors
    /// When the probe does not take it.
    pub fn set_swclk(&mut self, hz: Hz) -> Result<Hz, AdiError> {
        let set = self.link.set_clock(hz);
        self.swclk = set.map_err(|e| self.probe_error(e, Doing::Setup))?;
        self.send_config()?;
        self.configured = true;
        Ok(self.swclk)
    }

    /// Tells the probe clock and settings, unless it knows them.
    pub(crate) fn configure(&mut self) -> Result<(), AdiError> {
        if self.configured {
            return Ok(());
        }
        self.set_swclk(self.swclk).map(|_| ())
    }

    fn send_config(&mut self) -> Result<(), AdiError> {
        self.config = link_config(&self.policy, self.swclk);
        let sent = self.link.configure(&self.config);
        sent.map_err(|e| self.probe_error(e, Doing::Setup))
    }

    /// Tells the probe whether a data phase follows WAIT and FAULT.
    pub(crate) fn clock_data_phases(&mut self, on: bool) -> Result<(), AdiError> {
        self.config.data_phase = on;
        let sent = self.link.configure(&self.config);
        sent.map_err(|e| self.probe_error(e, Doing::Setup))
    }

    pub(crate) fn probe_error(&mut self, error: LinkError, doing: Doing) -> AdiError {
        self.cache.forget();
        probe_error(error, doing, &self.policy)
    }

    /// Notes an access in the flight recorder.
    pub(crate) fn note(&mut self, what: Doing, seen: Seen, ack: Ack, waits: u32) {
        self.flight.push(Flown { at: self.clock.now(), what, seen, ack, waits });
    }

    /// nRESET was driven low here, and its release was not confirmed.
    #[must_use]
    pub fn reset_may_be_low(&self) -> bool {
        self.nreset == Nreset::Low
    }

    /// Lets go of the target: nRESET released, the probe's pins released. Debug power is left as it is.
    ///
    /// # Errors
    /// When the probe does not.
    pub fn detach(&mut self) -> Result<(), AdiError> {
        self.release_reset();
        self.attached = None;
        self.configured = false;
        self.cache.clear();
        let released = self.link.release();
        released.map_err(|e| self.probe_error(e, Doing::Setup))
    }
}

impl Drop for Adi {
    fn drop(&mut self) {
        self.release_reset();
        if self.attached.is_some()
            && let Err(error) = self.link.release()
        {
            log::debug!("the probe did not let go of the target: {error}");
        }
    }
}

/// The probe's settings for a policy: its times become counts at this SWCLK. [DAP-4]
fn link_config(policy: &Policy, swclk: Hz) -> LinkConfig {
    let idle = policy.probe.idle_cycles;
    let each = |clocks| Duration::from_nanos(swclk.nanos(clocks));
    let count = |n: u32| u16::try_from(n).unwrap_or(u16::MAX);
    LinkConfig {
        idle_cycles: idle,
        wait_retry: count(policy.probe.wait.repeats(each(regs::dp::CLOCKS_WAIT))),
        match_retry: count(policy.probe.matching.repeats(each(regs::dp::CLOCKS_OK + u64::from(idle)))),
        match_time: match policy.probe.matching {
            Patience::Time(time) => Some(time),
            Patience::Tries(_) => None,
        },
        turnaround: 1,
        // Overrun detection is off except for long blocks, so nothing is clocked after WAIT and FAULT. [ADI-5]
        data_phase: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_becomes_a_count_for_the_swclk_in_use_and_is_capped_at_16_bits() {
        let policy = Policy::default();
        let slow = link_config(&policy, Hz::khz(4000));
        assert_eq!(slow.wait_retry, 24_616);
        assert_eq!(slow.match_retry, 6_957);
        assert_eq!(link_config(&policy, Hz::khz(24_000)).wait_retry, u16::MAX);
    }

    #[test]
    fn other_tools_counts_are_passed_on_as_they_are() {
        let policy = Policy::preset("openocd").unwrap();
        let config = link_config(&policy, Hz::khz(10_000));
        assert_eq!((config.wait_retry, config.match_retry, config.match_time), (64, 0, None));
    }
}

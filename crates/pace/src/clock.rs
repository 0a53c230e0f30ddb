//! Clocks.

use std::fmt::Debug;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Time as everybody sees it: points in time are durations since the clock's start.
pub trait Clock: Debug + Send + Sync {
    /// Now, since the clock's start. Never goes backwards.
    fn now(&self) -> Duration;

    /// Lets `span` pass.
    fn sleep(&self, span: Duration);

    /// Lets time pass until `point`; returns at once when it is over.
    fn sleep_until(&self, point: Duration) {
        let now = self.now();
        if point > now {
            self.sleep(point - now);
        }
    }

    /// The calendar time of [`Clock::now`], since 1970-01-01 UTC, for records that people read.
    fn calendar(&self) -> Duration;

    /// Whether time is simulated.
    fn is_virtual(&self) -> bool;
}

/// The machine's monotonic clock.
#[derive(Debug)]
pub struct RealClock {
    start: Instant,
}

impl RealClock {
    /// A clock that starts now.
    #[expect(clippy::disallowed_methods, reason = "this is the clock that everybody else is told to use")]
    pub fn start() -> Self {
        RealClock { start: Instant::now() }
    }
}

impl Clock for RealClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that everybody else is told to use")]
    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that really sleeps")]
    fn sleep(&self, span: Duration) {
        std::thread::sleep(span);
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that reads the calendar")]
    fn calendar(&self) -> Duration {
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
    }

    fn is_virtual(&self) -> bool {
        false
    }
}

/// A clock that moves only when somebody waits. Runs on it are repeatable to the nanosecond.
#[derive(Debug, Default)]
pub struct VirtualClock {
    nanos: AtomicU64,
}

impl VirtualClock {
    /// The calendar time at which every virtual clock starts: 2026-01-01 00:00 UTC.
    pub const CALENDAR_START: Duration = Duration::from_secs(1_767_225_600);

    /// A clock at zero.
    pub fn new() -> Self {
        VirtualClock::default()
    }
}

fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

impl Clock for VirtualClock {
    fn now(&self) -> Duration {
        Duration::from_nanos(self.nanos.load(Ordering::Relaxed))
    }

    fn sleep(&self, span: Duration) {
        self.nanos.fetch_add(nanos(span), Ordering::Relaxed);
    }

    fn sleep_until(&self, point: Duration) {
        self.nanos.fetch_max(nanos(point), Ordering::Relaxed);
    }

    fn calendar(&self) -> Duration {
        Self::CALENDAR_START + self.now()
    }

    fn is_virtual(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_virtual_clock_moves_only_when_somebody_waits() {
        let clock = VirtualClock::new();
        assert_eq!(clock.now(), Duration::ZERO);
        clock.sleep(Duration::from_secs(30));
        clock.sleep_until(Duration::from_secs(10));
        assert_eq!(clock.now(), Duration::from_secs(30));
        clock.sleep_until(Duration::from_secs(31));
        assert_eq!(clock.now(), Duration::from_secs(31));
        assert_eq!(clock.calendar(), VirtualClock::CALENDAR_START + Duration::from_secs(31));
    }

    #[test]
    fn a_real_clock_does_not_go_backwards() {
        let clock = RealClock::start();
        let a = clock.now();
        clock.sleep(Duration::from_micros(10));
        assert!(clock.now() > a);
        assert!(!clock.is_virtual());
    }
}

//! Times of an experiment on the target: levels of its factors, and what its results are compared with. None of it is
//! patience: nothing fails by it, and a person changes it by writing a matrix of one's own.

use std::time::Duration;

/// Milliseconds after which a wait counts as a timeout, though it is waited on: the least patience that is published for
/// option bytes. [TOOL-5]
pub const BUDGET_MS: u32 = 250;
/// Milliseconds after which nobody waits any more.
pub const LIMIT_MS: u32 = 10_000;
/// The same where a person has the time for more: what is still busy then is not merely slow.
pub const LONG_LIMIT_MS: u32 = 30_000;

/// Levels of the time between a reset and the first access, in milliseconds: none, one that outlasts the ROM's own start,
/// and one that outlasts the enumeration of a USB device by far.
pub const SETTLES_MS: [u32; 3] = [0, 100, LONG_SETTLE_MS];
/// The last of them.
pub const LONG_SETTLE_MS: u32 = 5000;

/// Levels of SWCLK in kHz: one at which a count of WAITs is a long time, what tools begin with, and one at which the same
/// count is a short time.
pub const SLOW_KHZ: u32 = 1000;
/// See [`SLOW_KHZ`].
pub const USUAL_KHZ: u32 = 4000;
/// See [`SLOW_KHZ`].
pub const FAST_KHZ: u32 = 10_000;

/// Microseconds between two looks of tools that look without slowing down: 1 ms is ST's OpenOCD. [TOOL-5]
pub const STEADY_POLL_US: u32 = 10_000;
/// First and longest pause between two looks where a trial does not name one: in the rhythm of the tools that are imitated,
/// then slower, so that a limit of many seconds costs a few hundred looks.
pub const RHYTHM: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(100));

/// Patience with WAIT that is given in time and not as a count.
pub const WAIT_BY_TIME: Duration = Duration::from_secs(1);

/// How long a board's supply stays off: capacitors empty themselves.
pub const SUPPLY_OFF: Duration = Duration::from_millis(500);

/// How long looking at the frame number of USB takes at least: many frames of a millisecond. A race with the ROM that is
/// shorter than this is won by whoever looks first.
pub const LOOKING: Duration = Duration::from_millis(100);

/// A read that is never answered WAIT and takes longer was held up by the host. [H5-TIMEOUT-16]
pub const HOST_LATE: Duration = Duration::from_millis(50);

/// After how long tools give up an option change, by name. [TOOL-5]
pub const GIVE_UP: [(&str, Duration); 2] =
    [("OpenOCD of ST", Duration::from_millis(250)), ("HAL of ST", Duration::from_millis(1000))];

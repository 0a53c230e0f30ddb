//! The seam inside the simulator: between the access ports and the chip.
//!
//! Times are nanoseconds of the simulated world. The caller never goes back in time, and calls
//! only when something happens; the chip catches up with everything that became due since the last call.

use wire::Width;

/// A point in simulated time, in nanoseconds.
pub(crate) type Time = u64;

/// One bus transaction of a MEM-AP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Request {
    /// Which access port.
    pub(crate) ap: u8,
    /// The address, aligned to the width.
    pub(crate) at: u32,
    /// The width.
    pub(crate) width: Width,
    /// The value to write (already shifted out of its byte lane), or `None` for a read.
    pub(crate) write: Option<u32>,
    /// The transaction is marked secure (CSW.HNONSEC clear, and the port may do so).
    pub(crate) secure: bool,
}

/// What became of it, and when the bus was free again. Until then the access port is busy and the debug port answers WAIT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It was performed; `value` is what was read (0 for a write).
    Done {
        /// What was read, not shifted into a byte lane.
        value: u32,
        /// When it ended.
        at: Time,
    },
    /// The bus answered with an error.
    Error {
        /// When it ended.
        at: Time,
    },
    /// It never ends by itself (only DAPABORT frees the port).
    Stuck,
}

/// What identifies one access port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ApIdent {
    /// IDR.
    pub(crate) idr: u32,
    /// BASE.
    pub(crate) base: u32,
    /// CSW after reset, without DeviceEn and TrInProg.
    pub(crate) csw: u32,
    /// Whether memory can be reached through it now (CSW.DeviceEn).
    pub(crate) enabled: bool,
    /// Whether secure accesses are allowed now (CSW.SPIDEN / SDeviceEn).
    pub(crate) secure_enabled: bool,
}

/// The chip as the debug port and the probe's pins see it.
pub(crate) trait Chip {
    /// DPIDR.
    fn dpidr(&self) -> u32;
    /// TARGETID.
    fn targetid(&self) -> u32;
    /// An access port, or `None` when there is none with this number.
    fn ap(&mut self, ap: u8, now: Time) -> Option<ApIdent>;
    /// One bus transaction.
    fn access(&mut self, request: &Request, now: Time) -> Outcome;
    /// The probe drives nRESET low or lets it go.
    fn drive_reset(&mut self, low: bool, now: Time);
    /// The level of nRESET as the probe reads it (`true`: high).
    fn reset_level(&mut self, now: Time) -> bool;
    /// Whether the part has power. Without power nothing answers.
    fn powered(&mut self, now: Time) -> bool;
    /// The supply fails now (fault injection): everything volatile is lost, what is being written is torn.
    fn cut_power(&mut self, now: Time);
    /// Counts power-ups of the debug port: a change means that DP and AP registers are at their reset values.
    fn power_cycles(&self) -> u32;
    /// The supply will not fail by itself before this time, so that tries which change nothing may be skipped up to it.
    /// A chip that is to lose its supply in a busy window says when, or `now` while it cannot know yet.
    fn power_certain_until(&self, _now: Time) -> Time {
        Time::MAX
    }
    /// Reads of this (`None`: of an access port's own registers) give the same value and change nothing before this time, so
    /// that repeated ones may be skipped up to it; `now` where that is not known.
    fn steady_until(&mut self, _request: Option<&Request>, now: Time) -> Time {
        now
    }
    /// nRESET reads the same before this time, whatever is not done to it from outside.
    fn reset_level_until(&self, now: Time) -> Time {
        now
    }
}

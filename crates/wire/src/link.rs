//! `Link`: DAP operations in, results out.

use crate::{Ack, DapOp, Hz, Mark, Mem, PipeError};
use std::time::Duration;

/// A string of bits for the line, sent least significant bit of the first byte first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bits {
    /// The bits, packed.
    pub data: Vec<u8>,
    /// How many of them count.
    pub len: usize,
}

impl Bits {
    /// All bits of `data`.
    pub fn whole(data: &[u8]) -> Self {
        Bits { data: data.to_vec(), len: data.len() * 8 }
    }
}

/// One item of an SWD sequence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SwdItem {
    /// The probe drives these bits (at most 64).
    Out(Bits),
    /// The probe listens for this many clocks (at most 64).
    In(u8),
}

/// Probe pins as a mask, with CMSIS-DAP's bit positions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pins(pub u8);

impl Pins {
    /// SWCLK / TCK.
    pub const SWCLK: Pins = Pins(0x01);
    /// SWDIO / TMS.
    pub const SWDIO: Pins = Pins(0x02);
    /// nRESET; 1 means released.
    pub const NRESET: Pins = Pins(0x80);

    /// Whether all pins of `other` are set.
    pub const fn has(self, other: Pins) -> bool {
        self.0 & other.0 == other.0
    }
}

/// What a link's firmware is set to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkConfig {
    /// Idle clocks after each transaction.
    pub idle_cycles: u8,
    /// How often the firmware repeats a transaction that was answered WAIT, beyond the first try.
    pub wait_retry: u16,
    /// How often the firmware repeats a [`DapOp::ReadUntil`], beyond the first try.
    pub match_retry: u16,
    /// The time that count stands for, where the patience is a time: a link that repeats by itself, and not as fast as a
    /// firmware on the wire, ends when it is over. `None`: the count alone counts.
    pub match_time: Option<Duration>,
    /// Turnaround clocks, 1 to 4.
    pub turnaround: u8,
    /// Clock a data phase after WAIT and FAULT too (needed with ORUNDETECT).
    pub data_phase: bool,
}

/// What a link can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkCaps {
    /// Line sequences ([`Link::swj_sequence`], [`Link::swd_sequence`]).
    pub sequences: bool,
    /// [`DapOp::ReadUntil`].
    pub value_match: bool,
    /// Control of nRESET through [`Link::pins`].
    pub reset_pin: bool,
    /// Packets that may be under way at once (1: none behind another).
    pub in_flight: usize,
    /// How many operations of any kind one packet holds for sure; see [`Flow::Grouped`].
    pub group: usize,
    /// Whether the link clocks the data phase that [`LinkConfig::data_phase`] asks for, so that overrun detection can be used.
    pub overrun_detection: bool,
    /// Whether `done` of [`Transferred`] is exact. Firmware that miscounts makes it a guess, and then nothing that must
    /// happen only once may be repeated from there.
    pub exact_count: bool,
}

/// How several packets of one call may follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// A packet is sent when the one before has been answered without a stop. Always safe.
    Lockstep,
    /// Up to [`LinkCaps::in_flight`] packets are under way. The caller says that it does no harm when the packets behind
    /// a stop are performed all the same.
    Pipelined,
    /// As [`Flow::Pipelined`], and a packet begins at each multiple of [`LinkCaps::group`] operations and nowhere else. So
    /// the caller can put there what makes a packet independent of those before it: a stop in one of them then does not
    /// change what the next one does.
    Grouped,
}

/// Why a transfer ended before its last operation, or with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stop {
    /// The ack of the transaction that stopped it.
    pub ack: Ack,
    /// A [`DapOp::ReadUntil`] ran out of tries. `ack` is then that of its last read.
    pub mismatch: bool,
    /// Packets behind the stop had been sent and were performed: TAR and data registers are not what they seem.
    pub overrun: bool,
}

/// What became of a list of DAP operations.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Transferred {
    /// How many operations completed, from the first on; each read among them has its value in `values`.
    ///
    /// Without a stop this is all of them. With a stop, operation `done` is the one that was refused, except when `done`
    /// is the length of the list: then every operation was accepted and the stop belongs to the check that follows the
    /// last write, whose own outcome is not known.
    pub done: usize,
    /// The values of the completed plain reads, in order.
    pub values: Vec<u32>,
    /// Why it stopped, if it did.
    pub stop: Option<Stop>,
}

/// Why a link could not even say what the target answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkError {
    /// The pipe under the link failed.
    Pipe(PipeError),
    /// The probe answered something that is no answer to what was asked.
    Protocol(String),
    /// The probe refused a command that it should know (status ERROR, or 0xFF).
    Refused(String),
    /// This link cannot do that, and says why.
    Unsupported(&'static str),
}

impl std::fmt::Display for LinkError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            LinkError::Pipe(e) => write!(f, "{e}"),
            LinkError::Protocol(what) => write!(f, "the probe's answer makes no sense: {what}"),
            LinkError::Refused(what) => write!(f, "the probe refused {what}"),
            LinkError::Unsupported(why) => write!(f, "this probe cannot do that: {why}"),
        }
    }
}

impl std::error::Error for LinkError {}

impl From<PipeError> for LinkError {
    fn from(e: PipeError) -> Self {
        LinkError::Pipe(e)
    }
}

/// One probe protocol, as the ADI engine sees it.
///
/// A link *returns* WAIT, FAULT and silence; it does not decide what to do about them.
pub trait Link {
    /// What this link can do.
    fn caps(&self) -> LinkCaps;

    /// Sets idle clocks, retries, turnaround.
    ///
    /// # Errors
    /// When the pipe fails or the probe refuses.
    fn configure(&mut self, config: &LinkConfig) -> Result<(), LinkError>;

    /// Asks for an SWCLK frequency and returns what the link believes it got.
    ///
    /// # Errors
    /// When the pipe fails or the probe refuses.
    fn set_clock(&mut self, clock: Hz) -> Result<Hz, LinkError>;

    /// Performs DAP operations in order until one is refused.
    ///
    /// # Errors
    /// When the pipe fails or the answer makes no sense. What the *target* answered is never an error here.
    fn transfer(&mut self, ops: &[DapOp], flow: Flow) -> Result<Transferred, LinkError>;

    /// Drives SWDIO/TMS with these bits, one per clock.
    ///
    /// # Errors
    /// When the pipe fails, the probe refuses, or it has no such command.
    fn swj_sequence(&mut self, bits: &Bits) -> Result<(), LinkError>;

    /// Drives and listens in turn; returns what was heard, one entry per [`SwdItem::In`].
    ///
    /// # Errors
    /// When the pipe fails, the probe refuses, or it has no such command.
    fn swd_sequence(&mut self, items: &[SwdItem]) -> Result<Vec<Bits>, LinkError>;

    /// Sets the pins of `select` to `out`, waits until they read so or `wait` is over, and returns all pins.
    ///
    /// # Errors
    /// When the pipe fails, the probe refuses, or it has no such pin.
    fn pins(&mut self, out: Pins, select: Pins, wait: Duration) -> Result<Pins, LinkError>;

    /// Writes the DP's ABORT register whatever state the link is in. The ack is not known.
    ///
    /// # Errors
    /// When the pipe fails or the probe refuses.
    fn write_abort(&mut self, value: u32) -> Result<(), LinkError>;

    /// Lets go of the target: pins released, activity shown as ended.
    ///
    /// # Errors
    /// When the pipe fails or the probe refuses.
    fn release(&mut self) -> Result<(), LinkError>;

    /// Puts a mark into the recording.
    fn mark(&mut self, mark: &Mark);

    /// What the probe said about itself when it was opened: a word and a text each, for people. Sends nothing.
    fn facts(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// The probe's own memory commands, where it has them and they are the better way.
    fn mem(&mut self) -> Option<&mut dyn Mem> {
        None
    }
}

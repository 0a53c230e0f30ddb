//! `Policy`: what we are willing to wait, in one place.

use crate::Patience;
use std::time::Duration;

/// The host's patience with the probe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsbPatience {
    /// How long an answer may take.
    pub timeout: Duration,
    /// How long to listen for stale answers when a probe is opened.
    pub drain: Duration,
    /// Most packets under way, however many the probe could take.
    pub in_flight: u8,
}

impl UsbPatience {
    /// How long one read on the bus lasts before it is taken back and asked again. A read under way cannot be stopped from
    /// another thread, so this decides how soon a pipe that is closed lets go. It is no patience: nothing fails by it.
    pub const READ_SLICE: Duration = Duration::from_millis(50);
}

/// What the probe's firmware is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbePatience {
    /// Idle clocks after each transaction.
    pub idle_cycles: u8,
    /// How long the firmware repeats a transaction that is answered WAIT.
    pub wait: Patience,
    /// How long the firmware repeats a value match.
    pub matching: Patience,
}

/// The ADI engine's own patience, after the firmware's is spent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdiPatience {
    /// How long the engine goes on asking after the firmware gave up on WAIT.
    pub wait: Patience,
    /// Write DAPABORT when that is spent, so that the access port is free again.
    pub abort: bool,
    /// How long the power-up acknowledge bits may take.
    pub power_up: Patience,
}

/// The rhythm of host polls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PollPace {
    /// Pause after the first look.
    pub interval: Duration,
    /// Longest pause; each pause doubles until it is reached.
    pub ceiling: Duration,
}

/// Patience with flash, option bytes and OBK.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlashPatience {
    /// One quad-word.
    pub program: Patience,
    /// One sector erase.
    pub erase: Patience,
    /// A bank or mass erase.
    pub mass_erase: Patience,
    /// An option change (OPTSTRT).
    pub option: Patience,
    /// One step of an OBK write through the flash registers.
    pub obk: Patience,
    /// The ROM's provisioning service.
    pub service: Patience,
}

/// Patience with debug authentication.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DaPatience {
    /// Until the ROM answers the magic word after reset.
    pub boot: Patience,
    /// Until the other side took or gave one word.
    pub word: Patience,
    /// Until a complete reply begins.
    pub reply: Patience,
    /// Until a regression has erased the part and let go of it.
    pub regression: Patience,
}

/// Reset and reconnect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResetPace {
    /// How long nRESET is held low.
    pub hold: Duration,
    /// Pause after its release.
    pub settle: Duration,
    /// How long the link and the access port may stay away after a reset.
    pub reconnect: Patience,
}

/// Everything we are willing to wait, repeat or give up. Each field has a key ([`KEYS`](crate::KEYS)), so it can be seen
/// in the recording, set from the command line, and is named in the error when it runs out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The preset it came from, with a `+` when something was changed.
    pub name: String,
    /// USB.
    pub usb: UsbPatience,
    /// Probe firmware.
    pub probe: ProbePatience,
    /// ADI engine.
    pub adi: AdiPatience,
    /// Host polls.
    pub poll: PollPace,
    /// Flash and option bytes.
    pub flash: FlashPatience,
    /// Debug authentication.
    pub da: DaPatience,
    /// Reset.
    pub reset: ResetPace,
}

impl Default for Policy {
    fn default() -> Self {
        Policy::preset("default").unwrap_or_else(crate::presets::default)
    }
}

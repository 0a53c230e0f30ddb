//! The status that an answer begins with. [STL-3]

use wire::Ack;

/// One status code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Status(pub(super) u8);

impl Status {
    pub(super) const OK: Status = Status(0x80);
    /// The core did not do what was asked.
    pub(super) const FAULT: Status = Status(0x81);
    /// No JTAG chain: this target is reached by SWD only.
    pub(super) const UNKNOWN_JTAG_CHAIN: Status = Status(0x04);
    pub(super) const COMMAND_ERROR: Status = Status(0x08);
    pub(super) const GET_IDCODE_ERROR: Status = Status(0x09);
    pub(super) const ALIGNMENT: Status = Status(0x0A);
    pub(super) const DEBUG_POWER_ERROR: Status = Status(0x0B);
    pub(super) const AP_FAULT: Status = Status(0x11);
    pub(super) const AP_WDATA_ERROR: Status = Status(0x18);
    pub(super) const AP_STICKY_OVERRUN: Status = Status(0x1A);
    pub(super) const BAD_AP: Status = Status(0x1D);
    pub(super) const SWV_NOT_AVAILABLE: Status = Status(0x20);
    pub(super) const CONFIGURATION_CHANGED: Status = Status(0x40);
    pub(super) const FREQUENCY_NOT_SUPPORTED: Status = Status(0x41);
    pub(super) const UNKNOWN_COMMAND: Status = Status(0x42);

    /// What an access that was to reach an access port came to.
    pub(super) fn of_ap(ack: Ack) -> Status {
        Status(0x10 + reason(ack))
    }

    /// The same for a debug port register.
    pub(super) fn of_dp(ack: Ack) -> Status {
        Status(0x14 + reason(ack))
    }

    /// The first two bytes of an answer.
    pub(super) fn word(self) -> [u8; 2] {
        [self.0, 0]
    }
}

/// WAIT, FAULT, anything else, parity.
fn reason(ack: Ack) -> u8 {
    match ack {
        Ack::WAIT => 0,
        Ack::FAULT => 1,
        Ack::PARITY => 3,
        _ => 2,
    }
}

//! Status numbers and what they mean on the wire. [STL-3]

use crate::named::named;
use wire::{Ack, MemStatus};

named! {
    /// The first two bytes of most answers.
    Status(u16) {
        /// Done.
        OK = 0x80, "OK";
        /// A fault.
        FAULT = 0x81, "fault";
        /// An unknown error.
        UNKNOWN = 0x01, "unknown error";
        /// SPI error.
        SPI = 0x02, "SPI error";
        /// DMA error.
        DMA = 0x03, "DMA error";
        /// The JTAG chain is not known.
        UNKNOWN_CHAIN = 0x04, "unknown JTAG chain";
        /// Nothing is connected.
        NO_DEVICE = 0x05, "no device connected";
        /// Internal error.
        INTERNAL = 0x06, "internal error";
        /// The command has to wait.
        COMMAND_WAIT = 0x07, "command wait";
        /// The command failed.
        COMMAND_ERROR = 0x08, "command error";
        /// No IDCODE could be read.
        GET_IDCODE = 0x09, "IDCODE error";
        /// Address or length are not aligned.
        ALIGNMENT = 0x0A, "alignment error";
        /// The debug port does not power up.
        DEBUG_POWER = 0x0B, "debug power error";
        /// A write failed.
        WRITE = 0x0C, "write error";
        /// A write was not read back as it was written. Known hosts ignore it.
        WRITE_VERIFY = 0x0D, "write verify error";
        /// Somebody else has the probe in another mode.
        OTHER_MODE = 0x0E, "already opened in another mode";
        /// An access port answered WAIT.
        AP_WAIT = 0x10, "AP WAIT";
        /// An access port answered FAULT.
        AP_FAULT = 0x11, "AP FAULT";
        /// An access port gave another ack.
        AP_ERROR = 0x12, "AP error";
        /// Data of an access port came with the wrong parity.
        AP_PARITY = 0x13, "AP parity";
        /// The debug port answered WAIT.
        DP_WAIT = 0x14, "DP WAIT";
        /// The debug port answered FAULT.
        DP_FAULT = 0x15, "DP FAULT";
        /// The debug port gave another ack.
        DP_ERROR = 0x16, "DP error";
        /// Data of the debug port came with the wrong parity.
        DP_PARITY = 0x17, "DP parity";
        /// WDATAERR is set.
        AP_WDATA = 0x18, "AP WDATA error";
        /// STICKYERR is set.
        AP_STICKY_ERROR = 0x19, "AP sticky error";
        /// STICKYORUN is set.
        AP_STICKY_OVERRUN = 0x1A, "AP sticky overrun";
        /// The access port was not opened, or cannot be.
        BAD_AP = 0x1D, "bad AP";
        /// No trace data.
        NO_SWV = 0x20, "SWV not available";
        /// Too many access ports are open.
        TOO_MANY_APS = 0x29, "too many APs";
        /// The probe changed its own frequency.
        CONF_CHANGED = 0x40, "configuration changed";
        /// It has no such frequency.
        FREQUENCY = 0x41, "frequency not supported";
        /// It does not know the command.
        UNKNOWN_COMMAND = 0x42, "unknown command";
    }
}

/// What a status says about the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// Done.
    Done,
    /// What the target answered: WAIT, FAULT, nothing, or wrong parity.
    Ack(Ack),
    /// It is about the probe or the command, not about the wire.
    Probe,
}

impl Status {
    /// What it says about the target.
    pub const fn meaning(self) -> Meaning {
        match self {
            Status::OK | Status::WRITE_VERIFY => Meaning::Done,
            Status::AP_WAIT | Status::DP_WAIT => Meaning::Ack(Ack::WAIT),
            Status::AP_FAULT
            | Status::DP_FAULT
            | Status::FAULT
            | Status::AP_WDATA
            | Status::AP_STICKY_ERROR
            | Status::AP_STICKY_OVERRUN => Meaning::Ack(Ack::FAULT),
            Status::AP_ERROR | Status::DP_ERROR | Status::NO_DEVICE | Status::GET_IDCODE => {
                Meaning::Ack(Ack::NONE)
            }
            Status::AP_PARITY | Status::DP_PARITY => Meaning::Ack(Ack::PARITY),
            _ => Meaning::Probe,
        }
    }

    /// The same for memory accesses.
    pub fn of_memory(self) -> MemStatus {
        match self.meaning() {
            Meaning::Done => MemStatus::Done,
            Meaning::Ack(Ack::WAIT) => MemStatus::Wait,
            Meaning::Ack(Ack::FAULT) => MemStatus::Fault,
            Meaning::Ack(Ack::PARITY) => MemStatus::Parity,
            Meaning::Ack(_) => MemStatus::NoAck,
            Meaning::Probe => MemStatus::Other(u32::from(self.0)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_status_is_one_kind_of_ack_or_the_probes_own() {
        for (status, ack) in [
            (0x10, Ack::WAIT),
            (0x14, Ack::WAIT),
            (0x11, Ack::FAULT),
            (0x15, Ack::FAULT),
            (0x18, Ack::FAULT),
            (0x19, Ack::FAULT),
            (0x1A, Ack::FAULT),
            (0x81, Ack::FAULT),
            (0x05, Ack::NONE),
            (0x09, Ack::NONE),
            (0x12, Ack::NONE),
            (0x16, Ack::NONE),
            (0x13, Ack::PARITY),
            (0x17, Ack::PARITY),
        ] {
            assert_eq!(Status(status).meaning(), Meaning::Ack(ack), "{status:#x}");
        }
        assert_eq!(Status(0x80).meaning(), Meaning::Done);
        assert_eq!(Status(0x0D).meaning(), Meaning::Done);
        for status in [0x00, 0x01, 0x06, 0x07, 0x0A, 0x0B, 0x0C, 0x1D, 0x29, 0x42, 0x7777] {
            assert_eq!(Status(status).meaning(), Meaning::Probe, "{status:#x}");
            assert_eq!(Status(status).of_memory(), MemStatus::Other(u32::from(status)));
        }
    }

    #[test]
    fn an_unknown_status_prints_as_its_number() {
        assert_eq!(Status(0x10).to_string(), "AP WAIT");
        assert_eq!(Status(0x66).to_string(), "0x66");
    }
}

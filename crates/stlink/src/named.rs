//! Numbers with names. Each is a newtype, so a value that nobody has named survives and prints as its number.

use std::fmt;

macro_rules! named {
    ($(#[$doc:meta])* $type:ident($raw:ty) { $($(#[$item:meta])* $name:ident = $value:literal, $text:literal;)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $type(pub $raw);

        impl $type {
            $($(#[$item])* pub const $name: $type = $type($value);)*

            /// Its name, if it has one.
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($value => Some($text),)*
                    _ => None,
                }
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match self.name() {
                    Some(name) => f.write_str(name),
                    None => write!(f, "{:#04X}", self.0),
                }
            }
        }

        impl std::fmt::Debug for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(self, f)
            }
        }
    };
}
pub(crate) use named;

named! {
    /// What the probe is doing, as F5 answers. [STL-12]
    Mode(u8) {
        /// Its own firmware can be changed.
        DFU = 0, "DFU";
        /// Nothing; its disk is there.
        MASS = 1, "mass storage";
        /// Debugging.
        DEBUG = 2, "debug";
        /// SWIM, the debug interface of STM8.
        SWIM = 3, "SWIM";
        /// Its boot loader.
        BOOTLOADER = 4, "boot loader";
    }
}

named! {
    /// How debug mode is entered. [STL-13]
    Enter(u8) {
        /// JTAG, with a reset.
        JTAG_RESET = 0x00, "JTAG with reset";
        /// SWD, without a reset.
        SWD = 0xA3, "SWD";
        /// JTAG, without a reset.
        JTAG = 0xA4, "JTAG";
    }
}

named! {
    /// What to do with nRESET.
    Nrst(u8) {
        /// Drive it low.
        LOW = 0, "low";
        /// Release it.
        HIGH = 1, "high";
        /// Drive it low for a while.
        PULSE = 2, "pulse";
    }
}

named! {
    /// Which interface a V3 frequency command is about.
    ComPort(u8) {
        /// SWD.
        SWD = 0, "SWD";
        /// JTAG.
        JTAG = 1, "JTAG";
    }
}

/// Which registers F2 45 and F2 46 address: 0xFFFF the debug port, else the number of an access port.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DapPort(pub u16);

impl DapPort {
    /// The debug port.
    pub const DP: DapPort = DapPort(0xFFFF);

    /// An access port.
    pub fn ap(ap: u8) -> DapPort {
        DapPort(u16::from(ap))
    }
}

impl fmt::Display for DapPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            DapPort::DP => f.write_str("DP"),
            DapPort(ap) => write!(f, "AP{ap}"),
        }
    }
}

impl fmt::Debug for DapPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

//! Signs: what a trial showed, each in a word that the decision table uses.

use crate::cell::Reset;
use crate::trial::{Fault, Seen};
use pace::experiment::HOST_LATE;
use regs::h5::flash::{acr, optcr, sr};
use regs::h5::opsr::Opsr;
use regs::h5::{rcc, usb};
use regs::m33::{dhcsr, icsr};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// Wait states that fit a system clock from the PLL: 4 and more. [H5-FLASH-1]
const FAST_LATENCY: u32 = 4;

macro_rules! signs {
    ($($sign:ident = $word:literal, $text:literal;)*) => {
        /// What a trial showed.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Sign { $(#[doc = $text] #[serde(rename = $word)] $sign,)* }

        impl Sign {
            /// All of them.
            pub const ALL: &'static [Sign] = &[$(Sign::$sign),*];

            /// The word.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Sign::$sign => $word,)* }
            }

            /// What it means.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self { $(Sign::$sign => $text,)* }
            }
        }
    };
}

signs! {
    LevelWaits = "level-waits", "the hide protection level never came up to the one that OBK needs, with BSY 0";
    UsbHandler = "usb-handler", "the interrupt of USB was active";
    CoreHalted = "core-halted", "the core was halted when it was given up";
    BusyStuck = "busy-stuck", "BSY was still 1 when it was given up";
    FinishedLate = "finished-late", "what was waited for came, but later than the budget";
    ResetDuring = "reset-during", "the core was reset during the job (S_RESET_ST)";
    CutShort = "cut-short", "FLASH_OPSR names an operation that a reset interrupted";
    NoPowerOn = "no-power-on", "the supply was off and on, and RCC_RSR has no BORRSTF";
    PinDead = "pin-dead", "NRST was pulsed, and the core saw no reset";
    BufferHalf = "buffer-half", "WBNE or DBNE stayed 1 with BSY 0";
    OptionsLocked = "options-locked", "OPTLOCK was 1 where the option change was to start";
    ErrorFlags = "error-flags", "the flash interface said by a flag that the request is illegal";
    PortShut = "port-shut", "AP1 was shut";
    BusStalled = "bus-stalled", "WAIT until patience was spent, while AP0 answered";
    HostLate = "host-late", "a read that is never answered WAIT took longer than 50 ms";
    ClockTooFast = "clock-too-fast", "the system clock came from the PLL with the wait states of a slow clock";
    DataWrong = "data-wrong", "INCERR or an ECC error";
    HostAlive = "host-alive", "the frame number of USB moved";
}

impl fmt::Display for Sign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// The signs of a trial.
pub(crate) fn signs(seen: &Seen<'_>) -> Vec<Sign> {
    Sign::ALL.iter().copied().filter(|sign| shows(*sign, seen)).collect()
}

fn shows(sign: Sign, seen: &Seen<'_>) -> bool {
    let (after, fault) = (seen.after, seen.fault);
    let flags = seen.flags();
    match sign {
        Sign::LevelWaits => fault == Some(Fault::Busy("SBS_HDPLSR")) && !after.has("FLASH_NSSR", sr::BSY),
        Sign::UsbHandler => after.get("ICSR").is_some_and(|v| v & icsr::VECTACTIVE == 16 + usb::IRQ),
        Sign::CoreHalted => after.has("DHCSR", dhcsr::S_HALT),
        Sign::BusyStuck => seen.stuck_with(sr::BSY),
        Sign::FinishedLate => fault.is_none() && seen.longest > seen.budget,
        Sign::ResetDuring => after.has("DHCSR", dhcsr::S_RESET_ST),
        Sign::CutShort => after.get("FLASH_OPSR").is_some_and(|v| Opsr(v).code() != regs::h5::opsr::NONE),
        Sign::NoPowerOn => {
            seen.cell.reset == Reset::Power && seen.rsr.is_some_and(|rsr| rsr & rcc::rsr::BORRSTF == 0)
        }
        Sign::PinDead => seen.cell.reset == Reset::Nrst && seen.was_reset == Some(false),
        Sign::BufferHalf => seen.stuck_with(sr::WBNE | sr::DBNE) && !seen.stuck_with(sr::BSY),
        Sign::OptionsLocked => {
            fault == Some(Fault::Locked("FLASH_OPTCR"))
                || seen.option_control.is_some_and(|v| v & optcr::OPTLOCK != 0)
        }
        Sign::ErrorFlags => flags & sr::ERRORS != 0,
        Sign::PortShut => fault == Some(Fault::PortShut),
        Sign::BusStalled => fault == Some(Fault::Wait) && after.get("DBGMCU_SR").is_some(),
        Sign::HostLate => after.host_us > micros(HOST_LATE),
        Sign::ClockTooFast => {
            after.get("RCC_CFGR1").is_some_and(|v| v & rcc::cfgr1::SWS == rcc::cfgr1::SWS)
                && after.get("FLASH_ACR").is_some_and(|v| v & acr::LATENCY < FAST_LATENCY)
        }
        Sign::DataWrong => flags & sr::INCERR != 0 || after.has("FLASH_ECCDETR", regs::h5::flash::ecc::ECCD),
        Sign::HostAlive => after.host_is_alive(),
    }
}

impl Seen<'_> {
    /// Error flags of the flash interface.
    fn flags(&self) -> u32 {
        match self.fault {
            Some(Fault::Flags(bits)) => bits,
            _ => 0,
        }
    }

    /// These bits of NSSR were still set at the last look of the wait that was given up.
    fn stuck_with(&self, bits: u32) -> bool {
        self.fault == Some(Fault::Busy("FLASH_NSSR")) && self.last_status.is_some_and(|v| v & bits != 0)
    }
}

/// A duration in whole microseconds.
pub(crate) fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

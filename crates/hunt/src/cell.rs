//! Factors and their levels; a cell is one level of each.

use pace::experiment::USUAL_KHZ;
use serde::{Deserialize, Serialize};
use std::fmt;
use wire::{ApSel, Cable};

macro_rules! levels {
    ($(#[$doc:meta])* $name:ident { $($(#[$level_doc:meta])* $level:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum $name { $($(#[$level_doc])* #[serde(rename = $word)] $level,)* }

        impl $name {
            /// All levels.
            pub const ALL: &'static [$name] = &[$($name::$level),*];

            /// The word people type.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $($name::$level => $word,)* }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.word())
            }
        }
    };
}

levels! {
    /// What is in the board's own USB connector.
    Plug {
        /// Nothing.
        Out = "out",
        /// Power without data.
        Charge = "charge",
        /// A live host.
        Data = "data",
    }
}

levels! {
    /// What is done to the core before the job.
    Connect {
        /// Nothing: it runs.
        Hotplug = "hotplug",
        /// It is halted and stays so.
        Halt = "halt",
        /// It is halted and runs on with its interrupts masked (C_MASKINTS).
        Masked = "masked",
        /// It is caught at its reset vector and stays halted.
        UnderReset = "under-reset",
    }
}

levels! {
    /// How each trial begins.
    Reset {
        /// With whatever was before.
        None = "none",
        /// A pulse on NRST.
        Nrst = "nrst",
        /// SYSRESETREQ.
        System = "system",
        /// The board's supply off and on; a cable in its connector goes on powering it.
        Power = "power",
    }
}

levels! {
    /// Patience with WAIT.
    Budget {
        /// 65535 tries by the probe and none by the engine: what several tools set. At a higher SWCLK it is less time.
        Count = "count",
        /// 64 tries.
        Few = "few",
        /// By time.
        Time = "time",
    }
}

levels! {
    /// Whether registers are looked at before the job.
    Look {
        /// Nothing but the job's own accesses.
        Blind = "blind",
        /// A snapshot before it.
        Instrumented = "instrumented",
    }
}

impl From<Plug> for Cable {
    fn from(plug: Plug) -> Cable {
        match plug {
            Plug::Out => Cable::Out,
            Plug::Charge => Cable::ChargeOnly,
            Plug::Data => Cable::Data,
        }
    }
}

/// One level of each factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Cell {
    /// The board's USB connector.
    pub cable: Plug,
    /// BOOT0 is high.
    pub boot0: bool,
    /// The core.
    pub connect: Connect,
    /// The beginning.
    pub reset: Reset,
    /// Milliseconds between the reset and the first access.
    pub settle_ms: u32,
    /// SWCLK in kHz.
    pub khz: u32,
    /// Patience with WAIT.
    pub budget: Budget,
    /// Looking.
    pub look: Look,
    /// The access port that the job goes through. The flash registers are behind AP1; whoever takes AP0 is wrong.
    pub ap: u8,
    /// Microseconds between two looks; none: a rhythm that slows down.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub poll_us: Option<u32>,
}

impl Default for Cell {
    /// What a tool does that resets and halts, with the cable in: the arm that is reported to fail.
    fn default() -> Self {
        Cell {
            cable: Plug::Data,
            boot0: false,
            connect: Connect::Halt,
            reset: Reset::Nrst,
            settle_ms: 0,
            khz: USUAL_KHZ,
            budget: Budget::Count,
            look: Look::Instrumented,
            ap: AP1.0,
            poll_us: None,
        }
    }
}

/// Where the flash registers are.
pub(crate) const AP1: ApSel = ApSel(regs::h5::device::AP1.ap);

impl Cell {
    /// The job goes through a port behind which there is no flash: it is expected to fail, so that it says nothing of a
    /// cause.
    #[must_use]
    pub fn is_control(&self) -> bool {
        self.ap != AP1.0
    }

    /// Its levels, a phrase each, always in this order.
    fn levels(&self) -> [String; 10] {
        let poll = |us: u32| format!("poll {us} us");
        [
            format!("usb {}", self.cable),
            self.connect.to_string(),
            format!("reset {}", self.reset),
            format!("settle {} ms", self.settle_ms),
            format!("{} kHz", self.khz),
            format!("wait {}", self.budget),
            self.look.to_string(),
            format!("BOOT0 {}", u8::from(self.boot0)),
            format!("AP{}", self.ap),
            self.poll_us.map_or_else(|| "poll as usual".to_owned(), poll),
        ]
    }

    /// The levels in which it differs from another.
    #[must_use]
    pub fn differing(&self, from: &Cell) -> Vec<String> {
        let pairs = self.levels().into_iter().zip(from.levels());
        pairs.filter(|(own, other)| own != other).map(|(own, _)| own).collect()
    }
}

/// Levels that are said only where they are unusual begin here.
const USUAL: usize = 7;

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = Cell::default().levels();
        let said = self.levels().into_iter().zip(plain).enumerate();
        let said = said.filter(|(n, (own, plain))| *n < USUAL || own != plain);
        let words: Vec<_> = said.map(|(_, (own, _))| own).collect();
        f.write_str(&words.join(", "))
    }
}

/// A level of some factor, for conditions on cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Of [`Cell::cable`].
    Cable(Plug),
    /// Of [`Cell::connect`].
    Connect(Connect),
    /// Of [`Cell::reset`].
    Reset(Reset),
    /// Of [`Cell::settle_ms`].
    Settle(u32),
    /// Of [`Cell::khz`].
    Khz(u32),
    /// Of [`Cell::budget`].
    Budget(Budget),
    /// Of [`Cell::look`].
    Look(Look),
}

impl Level {
    fn is_of(self, cell: &Cell) -> bool {
        match self {
            Level::Cable(plug) => cell.cable == plug,
            Level::Connect(connect) => cell.connect == connect,
            Level::Reset(reset) => cell.reset == reset,
            Level::Settle(ms) => cell.settle_ms == ms,
            Level::Khz(khz) => cell.khz == khz,
            Level::Budget(budget) => cell.budget == budget,
            Level::Look(look) => cell.look == look,
        }
    }

    /// Whether a cell fits: for each factor that is named, one of the named levels.
    #[must_use]
    pub fn all_fit(levels: &[Level], cell: &Cell) -> bool {
        let same = |a: &Level, b: &Level| std::mem::discriminant(a) == std::mem::discriminant(b);
        levels.iter().all(|one| levels.iter().filter(|other| same(one, other)).any(|other| other.is_of(cell)))
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Level::Cable(plug) => write!(f, "usb {plug}"),
            Level::Connect(connect) => write!(f, "{connect}"),
            Level::Reset(reset) => write!(f, "reset {reset}"),
            Level::Settle(ms) => write!(f, "settle {ms} ms"),
            Level::Khz(khz) => write!(f, "{khz} kHz"),
            Level::Budget(budget) => write!(f, "wait {budget}"),
            Level::Look(look) => write!(f, "{look}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_of_one_factor_are_alternatives_and_factors_must_all_fit() {
        let cell = Cell { cable: Plug::Charge, ..Cell::default() };
        let any = [Level::Cable(Plug::Out), Level::Cable(Plug::Charge)];
        assert!(Level::all_fit(&any, &cell) && Level::all_fit(&[], &cell));
        assert!(!Level::all_fit(&[any[0], any[1], Level::Settle(7)], &cell));
    }

    #[test]
    fn a_cell_says_what_it_is_and_in_what_it_differs() {
        let plain = Cell::default();
        let words = "usb data, halt, reset nrst, settle 0 ms, 4000 kHz, wait count, instrumented";
        assert_eq!(plain.to_string(), words);
        let other = Cell { ap: 0, poll_us: Some(10_000), cable: Plug::Out, ..plain };
        assert_eq!(other.differing(&plain), ["usb out", "AP0", "poll 10000 us"]);
        assert!(other.to_string().ends_with("instrumented, AP0, poll 10000 us") && other.is_control());
        assert!(plain.differing(&plain).is_empty() && !plain.is_control());
    }

    #[test]
    fn a_cell_reads_what_it_writes_and_what_is_left_out_is_the_failing_arm() {
        let cell: Cell = toml::from_str("cable = \"out\"\nconnect = \"under-reset\"").unwrap();
        assert_eq!(cell, Cell { cable: Plug::Out, connect: Connect::UnderReset, ..Cell::default() });
        let text = serde_json::to_string(&cell).unwrap();
        assert_eq!(serde_json::from_str::<Cell>(&text).unwrap(), cell);
        assert!(toml::from_str::<Cell>("colour = 1").is_err());
    }
}

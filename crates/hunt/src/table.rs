//! The decision table: one row for each suspected cause, with what must have been seen for it. Data, so that it can be read
//! and corrected when silicon says otherwise; all of it is a guess until then.

use crate::cell::{Budget, Connect, Level, Look, Plug, Reset};
use crate::sign::Sign;
use pace::experiment::{FAST_KHZ, LONG_SETTLE_MS, SLOW_KHZ};
use std::fmt;

/// One condition on the trials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clause {
    /// Most failing trials show one of these; they are what the row explains.
    Shows(&'static [Sign]),
    /// Most failing trials of these cells show this.
    ShowsIn(&'static [Level], Sign),
    /// Few failing trials show this.
    Lacks(Sign),
    /// Few passing trials show this.
    PassesLack(Sign),
    /// At least half of the trials of these cells fail.
    Fails(&'static [Level]),
    /// Some trials of these cells fail.
    Sometimes(&'static [Level]),
    /// No trial of these cells fails.
    Passes(&'static [Level]),
    /// Late waits end at one time after the reset (`true`; so do none), or do not.
    EndTogether(bool),
}

/// A suspected cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// Its number, as in H5-TIMEOUT-n.
    pub cause: u8,
    /// The causes that trials through one probe cannot tell from it, and itself.
    pub class: &'static [u8],
    /// What it is.
    pub name: &'static str,
    /// What must have been seen.
    pub clauses: &'static [Clause],
    /// How to make sure.
    pub confirm: &'static str,
    /// What to do about it.
    pub remedy: &'static str,
}

const DATA: Level = Level::Cable(Plug::Data);
const NO_HOST: &[Level] = &[Level::Cable(Plug::Out), Level::Cable(Plug::Charge)];
const FAST: Level = Level::Khz(FAST_KHZ);
const SETTLED: Level = Level::Settle(LONG_SETTLE_MS);
const BY_COUNT: Level = Level::Budget(Budget::Count);

/// All rows, by number.
pub const TABLE: &[Row] = &[
    Row {
        cause: 1,
        class: &[1],
        name: "the ROM bootloader serves USB and never gets to the request",
        clauses: &[
            Clause::Shows(&[Sign::LevelWaits]),
            Clause::Shows(&[Sign::UsbHandler]),
            Clause::Fails(&[DATA, Level::Connect(Connect::Hotplug)]),
            Clause::Passes(NO_HOST),
            Clause::Passes(&[Level::Connect(Connect::Masked)]),
        ],
        confirm: "mask interrupts before the request, or use a charge-only cable: it must work",
        remedy: "pull the board's USB cable, or halt the core and let it go on with C_MASKINTS before the write",
    },
    Row {
        cause: 2,
        class: &[2],
        name: "the core is halted that must let the flash interface go",
        clauses: &[
            Clause::Shows(&[Sign::CoreHalted]),
            Clause::Shows(&[Sign::BusyStuck]),
            Clause::Fails(&[DATA, Level::Connect(Connect::Halt)]),
            Clause::Passes(&[DATA, Level::Connect(Connect::Hotplug)]),
        ],
        confirm: "the same arm in hotplug mode: it must work",
        remedy: "do not halt the core: `connect = \"hotplug\"` in the job",
    },
    Row {
        cause: 3,
        class: &[3],
        name: "a reset comes in the middle of the write",
        clauses: &[Clause::Shows(&[Sign::ResetDuring]), Clause::PassesLack(Sign::ResetDuring)],
        confirm: "watch NRST with a scope; another probe; a charge-only cable",
        remedy: "find who pulls NRST (hub, cable, watchdog); repair the selectors before anything else is written",
    },
    Row {
        cause: 4,
        class: &[4],
        name: "the power cycle is none while a cable powers the board",
        clauses: &[
            Clause::ShowsIn(&[Level::Reset(Reset::Power)], Sign::NoPowerOn),
            Clause::Fails(&[Level::Reset(Reset::Power), DATA]),
            Clause::Passes(&[Level::Reset(Reset::Power), Level::Cable(Plug::Out)]),
            Clause::Fails(&[Level::Reset(Reset::Nrst), Level::Cable(Plug::Out)]),
            Clause::Fails(&[Level::Reset(Reset::System), Level::Cable(Plug::Out)]),
            Clause::Lacks(Sign::PinDead),
        ],
        confirm: "cut VBUS of the cable and the supply together: RCC_RSR must show BORRSTF, and it must work",
        remedy: "take all power from the board between two writes: supply and cable",
    },
    Row {
        cause: 5,
        class: &[5],
        name: "the flash operation is longer than the tool's patience",
        clauses: &[
            Clause::Shows(&[Sign::FinishedLate]),
            Clause::Lacks(Sign::HostLate),
            Clause::Lacks(Sign::ResetDuring),
            Clause::Sometimes(&[SETTLED]),
            Clause::EndTogether(false),
        ],
        confirm: "wait 30 s: it completes; the histogram has a second mode",
        remedy: "more patience: `--set flash.obk=30s --set flash.option=30s`",
    },
    Row {
        cause: 6,
        class: &[6],
        name: "another master has left a half-filled write buffer",
        clauses: &[Clause::Shows(&[Sign::BufferHalf])],
        confirm: "read FLASH_NSSR before the first write: WBNE or DBNE is 1; a charge-only cable",
        remedy: "reset the part, and write before the host has enumerated the board, or without its cable",
    },
    Row {
        cause: 7,
        class: &[7],
        name: "somebody locks the option registers again",
        clauses: &[Clause::Shows(&[Sign::OptionsLocked])],
        confirm: "read OPTCR right before OPTSTRT, with and without the cable",
        remedy: "unlock, write and start in one packet; or without the cable",
    },
    Row {
        cause: 8,
        class: &[8],
        name: "the request is illegal, and the flags say so",
        clauses: &[
            Clause::Shows(&[Sign::ErrorFlags]),
            Clause::Lacks(Sign::ClockTooFast),
            Clause::Lacks(Sign::ResetDuring),
        ],
        confirm: "decode FLASH_NSSR: OBKERR is the wrong protection level, WRPERR write protection",
        remedy: "look at the flags at once, not at a timeout; another route (`[obk] route`)",
    },
    Row {
        cause: 9,
        class: &[9],
        name: "AP1 is shut",
        clauses: &[Clause::Shows(&[Sign::PortShut]), Clause::Lacks(Sign::ResetDuring)],
        confirm: "read DBGMCU_SR through AP0: bit 17 is 0",
        remedy: "without the board's cable; AP0 alone cannot write keys",
    },
    Row {
        cause: 10,
        class: &[10],
        name: "the bus behind AP1 is stalled",
        clauses: &[Clause::Shows(&[Sign::BusStalled]), Clause::Fails(&[FAST, Level::Budget(Budget::Time)])],
        confirm: "read CTRL/STAT only; write DAPABORT; AP0 answers",
        remedy: "reset the part; the write must be over before the bus stalls, or be done without the cable",
    },
    Row {
        cause: 11,
        class: &[11],
        name: "the probe's count of WAITs is too small at this SWCLK",
        clauses: &[
            Clause::Shows(&[Sign::BusStalled]),
            Clause::Fails(&[FAST, BY_COUNT]),
            Clause::Passes(&[Level::Khz(SLOW_KHZ)]),
            Clause::Passes(&[FAST, Level::Budget(Budget::Time)]),
        ],
        confirm: "a slower SWCLK or a budget in time: it must work",
        remedy: "`--set probe.wait=1s --set adi.wait=1s`, or `--speed 1000`",
    },
    Row {
        cause: 12,
        class: &[12],
        name: "the ROM is not ready so soon after a reset",
        clauses: &[
            Clause::Shows(&[Sign::FinishedLate, Sign::BusyStuck]),
            Clause::Lacks(Sign::HostLate),
            Clause::Fails(&[
                DATA,
                Level::Settle(0),
                Level::Connect(Connect::Hotplug),
                Level::Look(Look::Instrumented),
            ]),
            Clause::Passes(&[SETTLED]),
            Clause::EndTogether(true),
        ],
        confirm: "wait 5 s after the reset: it must work",
        remedy: "`--set reset.settle=5s`; better, wait for BSY 0 and the protection level",
    },
    Row {
        cause: 13,
        class: &[13],
        name: "the probe's NRST does not reach the part",
        clauses: &[
            Clause::ShowsIn(&[Level::Reset(Reset::Nrst)], Sign::PinDead),
            Clause::Fails(&[Level::Reset(Reset::Nrst)]),
            Clause::Passes(&[Level::Reset(Reset::System)]),
        ],
        confirm: "another probe, or a wire from nRESET to NRST: RCC_RSR must show PINRSTF",
        remedy: "wire NRST, or use a probe that has it; debug authentication needs it too",
    },
    Row {
        cause: 14,
        class: &[14],
        name: "the wait states do not fit the clock that the bootloader set for USB",
        clauses: &[Clause::Shows(&[Sign::ClockTooFast]), Clause::Shows(&[Sign::DataWrong])],
        confirm: "compare FLASH_ACR and RCC_CFGR1 with and without the cable",
        remedy: "without the cable; report it to ST",
    },
    Row {
        cause: 15,
        class: &[2, 12, 15],
        name: "looking changes it: a race with the ROM",
        clauses: &[
            Clause::Fails(&[Level::Look(Look::Blind), Level::Settle(0)]),
            Clause::Passes(&[Level::Look(Look::Instrumented), Level::Settle(0), Level::Reset(Reset::Nrst)]),
            Clause::Passes(&[Level::Look(Look::Blind), SETTLED]),
        ],
        confirm: "a delay in the place of the looking: it must work as well",
        remedy: "wait for a condition, not for a time: level, BSY 0, AP1 open for a while",
    },
    Row {
        cause: 16,
        class: &[16],
        name: "the host is late while the part has long finished",
        clauses: &[
            Clause::Shows(&[Sign::HostLate]),
            Clause::Shows(&[Sign::FinishedLate]),
            Clause::Passes(NO_HOST),
        ],
        confirm: "probe and board on different controllers",
        remedy: "another port or hub for the probe; judge by the part's progress, not by the host's clock",
    },
];

/// The row of a cause.
pub(crate) fn row(cause: u8) -> Option<&'static Row> {
    TABLE.iter().find(|row| row.cause == cause)
}

fn cells(levels: &[Level]) -> String {
    let words: Vec<_> = levels.iter().map(ToString::to_string).collect();
    words.join(", ")
}

impl fmt::Display for Clause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Clause::Shows(signs) => {
                let words: Vec<_> = signs.iter().map(|s| s.word()).collect();
                write!(f, "most failing trials show {}", words.join(" or "))
            }
            Clause::ShowsIn(levels, sign) => write!(f, "most failing trials ({}) show {sign}", cells(levels)),
            Clause::Lacks(sign) => write!(f, "few failing trials show {sign}"),
            Clause::PassesLack(sign) => write!(f, "few passing trials show {sign}"),
            Clause::Fails(levels) => write!(f, "at least half fail ({})", cells(levels)),
            Clause::Sometimes(levels) => write!(f, "some fail ({})", cells(levels)),
            Clause::Passes(levels) => write!(f, "none fails ({})", cells(levels)),
            Clause::EndTogether(true) => f.write_str("late waits end at one time after the reset"),
            Clause::EndTogether(false) => f.write_str("late waits end at no fixed time after the reset"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_numbered_as_the_notes_and_stand_in_their_own_class() {
        for (row, cause) in TABLE.iter().zip(1..) {
            assert_eq!(row.cause, cause);
            assert!(row.class.contains(&cause) && row.class.is_sorted());
            assert!(regs::note::find(&format!("H5-TIMEOUT-{cause}")).is_some());
        }
        assert_eq!(TABLE.len(), 16);
    }

    #[test]
    fn every_row_says_what_must_fail_or_be_shown_by_what_fails() {
        for row in TABLE {
            let grips = |c: &Clause| matches!(c, Clause::Shows(_) | Clause::ShowsIn(..) | Clause::Fails(_));
            assert!(row.clauses.iter().any(grips), "cause {}", row.cause);
            assert!(!row.confirm.is_empty() && !row.remedy.is_empty());
        }
    }

    #[test]
    fn every_cell_that_a_row_speaks_of_is_in_the_quick_matrix() {
        let cells = crate::Matrix::quick().cells;
        for row in TABLE {
            for clause in row.clauses {
                if let Clause::Fails(levels)
                | Clause::Sometimes(levels)
                | Clause::Passes(levels)
                | Clause::ShowsIn(levels, _) = clause
                {
                    assert!(cells.iter().any(|c| Level::all_fit(levels, c)), "cause {}: {clause}", row.cause);
                }
            }
        }
    }
}

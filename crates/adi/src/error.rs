//! What can go wrong, one variant per cause, each with its evidence.

use crate::{ConnectMode, Doing};
use pace::Spent;
use regs::dp::ctrl_stat;
use std::fmt;
use thiserror::Error;
use wire::{Ack, Addr, ApSel, LinkError, Pins, Width};

/// A value of CTRL/STAT, printed with the names of its bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CtrlStat(pub u32);

impl CtrlStat {
    /// The sticky bits that are set.
    #[must_use]
    pub const fn sticky(self) -> u32 {
        self.0 & ctrl_stat::STICKY
    }

    /// Both power domains have acknowledged.
    #[must_use]
    pub const fn powered(self) -> bool {
        self.0 & ctrl_stat::PWRUPACK == ctrl_stat::PWRUPACK
    }

    /// What the sticky bits say.
    #[must_use]
    pub const fn cause(self) -> Cause {
        if self.0 & ctrl_stat::WDATAERR != 0 {
            Cause::WriteData
        } else if self.0 & ctrl_stat::STICKYORUN != 0 {
            Cause::Overrun
        } else if self.0 & ctrl_stat::STICKYERR != 0 {
            Cause::BusError
        } else if self.0 & ctrl_stat::STICKYCMP != 0 {
            Cause::Compare
        } else {
            Cause::Unknown
        }
    }
}

impl fmt::Display for CtrlStat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CTRL/STAT {:#010x}", self.0)?;
        let words = regs::dp::register(true, regs::dp::CTRL_STAT, regs::dp::bank::CTRL_STAT)
            .map(|register| register.describe(self.0))
            .unwrap_or_default();
        if words.is_empty() { Ok(()) } else { write!(f, " ({words})") }
    }
}

/// Why the debug port answers FAULT. [ADI-4]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// STICKYERR: the access port's last transfer failed on the bus.
    BusError,
    /// WDATAERR: the data of the last write arrived with the wrong parity and was dropped.
    WriteData,
    /// STICKYORUN: something was sent while the port was busy, with overrun detection on.
    Overrun,
    /// STICKYCMP: a pushed compare or verify.
    Compare,
    /// No sticky bit is set, or CTRL/STAT could not be read.
    Unknown,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Cause::BusError => "bus error",
            Cause::WriteData => "the write's data arrived with wrong parity and was dropped",
            Cause::Overrun => "overrun",
            Cause::Compare => "pushed compare",
            Cause::Unknown => "no sticky bit tells why",
        })
    }
}

/// What the debug port said when the engine had lost patience with WAIT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stuck {
    /// CTRL/STAT, if it could be read.
    pub ctrl_stat: Option<CtrlStat>,
    /// CSW of the access port, if it could be read.
    pub csw: Option<u32>,
    /// DAPABORT was written (`adi.abort`).
    pub aborted: bool,
}

impl fmt::Display for Stuck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.aborted { "DAPABORT was written" } else { "no DAPABORT was written" })?;
        match self.ctrl_stat {
            Some(stat) => write!(f, "; {stat}")?,
            None => f.write_str("; CTRL/STAT could not be read")?,
        }
        match self.csw {
            Some(csw) => write!(f, "; CSW {csw:#010x}"),
            None => f.write_str("; CSW could not be read"),
        }
    }
}

/// Everything the engine can fail with.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AdiError {
    /// The probe did not answer over USB. Whether the access took place is not known.
    #[error("the probe is silent: no answer to the {doing} for {spent}")]
    ProbeSilent {
        /// What was being done.
        doing: Doing,
        /// The patience that ran out.
        spent: Box<Spent>,
    },
    /// The target answered WAIT until patience was spent. The access port is free again, but the access was not made, or
    /// was given up (`stuck.aborted`).
    #[error("{doing}: still WAIT after {spent}; {stuck}")]
    WaitSpent {
        /// What was refused.
        doing: Doing,
        /// The patience that ran out.
        spent: Box<Spent>,
        /// The debug port's state afterwards.
        stuck: Box<Stuck>,
    },
    /// The target answered WAIT until patience was spent, and the access port is still busy.
    #[error("{doing}: the access port is still busy after {spent}; {stuck}")]
    ApBusy {
        /// What was refused.
        doing: Doing,
        /// The patience that ran out.
        spent: Box<Spent>,
        /// The debug port's state afterwards.
        stuck: Box<Stuck>,
    },
    /// Nobody answered on the line, or with something that is no ack. Whether the access took place is not known.
    #[error("{doing}: link lost ({ack}); after a line reset the debug port {}", if *.answers_again { "answers again" } else { "does not answer" })]
    LinkLost {
        /// What was being done.
        doing: Doing,
        /// The three ack bits as they came.
        ack: Ack,
        /// The debug port answered after one line reset.
        answers_again: bool,
    },
    /// The debug port answered FAULT. The sticky bits have been cleared, the access has not been repeated.
    #[error("{access}: FAULT, {cause}{}", show(*.ctrl_stat))]
    Fault {
        /// The access that failed. Writes are reported late, so this is the one before the transaction that was refused.
        access: Doing,
        /// CTRL/STAT before the sticky bits were cleared.
        ctrl_stat: Option<CtrlStat>,
        /// What it says.
        cause: Cause,
    },
    /// Read data came with the wrong parity. An access-port read is not repeated, because a read may have effects.
    #[error("{doing}: the data came with wrong parity; the wire is too long or SWCLK too fast")]
    Parity {
        /// What was read.
        doing: Doing,
    },
    /// The access port is there but makes no accesses (DeviceEn = 0).
    #[error("{ap} is closed: CSW {csw:#010x}, DeviceEn = 0")]
    ApClosed {
        /// The access port.
        ap: ApSel,
        /// Its CSW.
        csw: u32,
    },
    /// No debug port answers.
    #[error("no target answers on SWD for {spent}{}", heard(*.dpidr))]
    NoTarget {
        /// The patience that ran out.
        spent: Box<Spent>,
        /// Something was read as DPIDR that cannot be one.
        dpidr: Option<u32>,
    },
    /// nRESET does not follow the probe.
    #[error("nRESET does not go {} (pins read {:#04x}): is NRST wired to the probe?", if *.low { "low" } else { "high" }, .pins.0)]
    NrstNotWorking {
        /// It was driven low (or released).
        low: bool,
        /// What the pins read.
        pins: Pins,
    },
    /// The debug domain does not acknowledge its power-up.
    #[error("the debug domain does not acknowledge its power-up for {spent}; {ctrl_stat}")]
    PowerUp {
        /// The patience that ran out.
        spent: Box<Spent>,
        /// CTRL/STAT at the last look.
        ctrl_stat: CtrlStat,
    },
    /// A wait step of a batch never saw its value.
    #[error("{doing}: never became {value:#010x} under mask {mask:#010x} for {spent}{}", last_seen(*.last))]
    MatchSpent {
        /// The read that was repeated.
        doing: Doing,
        /// The step in the batch, from 0.
        op: usize,
        /// Which bits.
        mask: u32,
        /// What they should have become.
        value: u32,
        /// What the word was afterwards, if it could be read.
        last: Option<u32>,
        /// The patience that ran out.
        spent: Box<Spent>,
    },
    /// Packets that were queued behind a WAIT were performed all the same: from this address on some words are written and
    /// some are not. None is at a wrong place.
    #[error(
        "{doing}: WAIT with more writes queued behind it; everything from {dirty} on must be written again"
    )]
    Overrun {
        /// What was refused.
        doing: Doing,
        /// The first address whose contents are not known.
        dirty: Addr,
    },
    /// WAIT came where the probe does not tell how much it had written: to a write that must happen only once, or within a
    /// block of which nobody said that it may be written twice. It was not repeated, so no patience was spent.
    #[error(
        "{doing}: WAIT, and this probe does not tell how much was written before; from there on nothing was sent again"
    )]
    Unsure {
        /// The write.
        doing: Doing,
    },
    /// The probe's own memory command failed with a status that has no meaning here.
    #[error("{doing}: the probe's own status {status:#x}")]
    Other {
        /// What was being done.
        doing: Doing,
        /// The probe's number.
        status: u32,
    },
    /// The core did not do what DHCSR asked it to.
    #[error("the core does not set {bit} for {spent} (DHCSR {dhcsr:#010x})")]
    Core {
        /// The bit that did not come.
        bit: &'static str,
        /// The last DHCSR.
        dhcsr: u32,
        /// The patience that ran out.
        spent: Box<Spent>,
    },
    /// This connect mode halts the core, and no core was named.
    #[error("connect mode {mode} halts the core: say behind which access port it is")]
    NoCore {
        /// The mode.
        mode: ConnectMode,
    },
    /// The address does not fit the width.
    #[error("{at} is not aligned to {} bytes", .width.bytes())]
    Misaligned {
        /// The address.
        at: Addr,
        /// The width.
        width: Width,
    },
    /// The probe or the engine cannot do that.
    #[error("this cannot be done: {0}")]
    Unsupported(&'static str),
    /// The link failed.
    #[error("{0}")]
    Probe(LinkError),
}

impl AdiError {
    /// The ack behind it, for the flight recorder.
    pub(crate) const fn ack(&self) -> Ack {
        match self {
            AdiError::WaitSpent { .. }
            | AdiError::ApBusy { .. }
            | AdiError::Overrun { .. }
            | AdiError::Unsure { .. } => Ack::WAIT,
            AdiError::Fault { .. } | AdiError::ApClosed { .. } => Ack::FAULT,
            AdiError::LinkLost { ack, .. } => *ack,
            AdiError::Parity { .. } => Ack::PARITY,
            AdiError::MatchSpent { .. } => Ack::OK,
            _ => Ack::NONE,
        }
    }

    /// The access may have happened or not: it must be looked at before anything is repeated.
    #[must_use]
    pub const fn outcome_unknown(&self) -> bool {
        matches!(
            self,
            AdiError::ProbeSilent { .. }
                | AdiError::LinkLost { .. }
                | AdiError::WaitSpent { .. }
                | AdiError::ApBusy { .. }
                | AdiError::Unsure { .. }
                | AdiError::Overrun { .. }
                | AdiError::Probe(_)
        )
    }
}

fn show(stat: Option<CtrlStat>) -> String {
    stat.map_or_else(|| "; CTRL/STAT could not be read".to_owned(), |s| format!("; {s}"))
}

fn heard(dpidr: Option<u32>) -> String {
    dpidr.map(|v| format!("; DPIDR read {v:#010x}")).unwrap_or_default()
}

fn last_seen(value: Option<u32>) -> String {
    value.map(|v| format!("; last {v:#010x}")).unwrap_or_default()
}

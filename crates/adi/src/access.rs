//! The words of the engine's interface: registers, connect modes, what was attached, what a scan found.

use regs::ap::{Idr, csw};
use regs::dp::{Dpidr, TargetId};
use regs::m33::dhcsr;
use std::fmt;
use std::str::FromStr;
use wire::{Addr, ApSel, Attr, MemOp, Width};

/// A register of the debug port: A\[3:2\] as a byte offset and DPBANKSEL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DpReg {
    /// 0x0, 0x4, 0x8 or 0xC.
    pub a: u8,
    /// DPBANKSEL; counts only at 0x4 (and for reads at 0x0 of a DPv3).
    pub bank: u8,
}

impl DpReg {
    /// DPIDR (read).
    pub const DPIDR: DpReg = DpReg { a: regs::dp::DPIDR, bank: 0 };
    /// ABORT (write).
    pub const ABORT: DpReg = DpReg { a: regs::dp::ABORT, bank: 0 };
    /// CTRL/STAT.
    pub const CTRL_STAT: DpReg = DpReg { a: regs::dp::CTRL_STAT, bank: regs::dp::bank::CTRL_STAT };
    /// DLCR.
    pub const DLCR: DpReg = DpReg { a: regs::dp::DLCR, bank: regs::dp::bank::DLCR };
    /// TARGETID (read).
    pub const TARGETID: DpReg = DpReg { a: regs::dp::TARGETID, bank: regs::dp::bank::TARGETID };
    /// DLPIDR (read).
    pub const DLPIDR: DpReg = DpReg { a: regs::dp::DLPIDR, bank: regs::dp::bank::DLPIDR };
    /// SELECT (write).
    pub const SELECT: DpReg = DpReg { a: regs::dp::SELECT, bank: 0 };
    /// RDBUFF (read).
    pub const RDBUFF: DpReg = DpReg { a: regs::dp::RDBUFF, bank: 0 };
}

/// One thing the engine was doing, for errors and the flight recorder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Doing {
    /// A debug-port register.
    Dp {
        /// The register.
        reg: DpReg,
        /// A write.
        write: bool,
    },
    /// An access-port register.
    Ap {
        /// The access port.
        ap: ApSel,
        /// Its byte offset, 0x00 to 0xFC.
        reg: u8,
        /// A write.
        write: bool,
    },
    /// Memory behind an access port.
    Memory {
        /// The access port.
        ap: ApSel,
        /// The address.
        at: Addr,
        /// The width.
        width: Width,
        /// A write.
        write: bool,
    },
    /// Bits on the line, by name.
    Line(&'static str),
    /// nRESET.
    Nreset {
        /// Driven low, or released.
        low: bool,
    },
    /// The probe's own settings.
    Setup,
}

impl Doing {
    /// The access port it goes through.
    #[must_use]
    pub const fn ap(&self) -> Option<ApSel> {
        match self {
            Doing::Ap { ap, .. } | Doing::Memory { ap, .. } => Some(*ap),
            _ => None,
        }
    }

    /// What a step of a batch does at `word` of it.
    pub(crate) fn step(ap: ApSel, op: &MemOp, word: usize) -> Doing {
        let (width, write) = match op {
            MemOp::Read { width, .. } => (*width, false),
            MemOp::Write { width, .. } => (*width, true),
            MemOp::ReadWords { .. } | MemOp::WaitUntil { .. } => (Width::Word, false),
            MemOp::WriteWords { .. } => (Width::Word, true),
        };
        Doing::Memory { ap, at: crate::plan::word_at(op.at(), word), width, write }
    }
}

impl fmt::Display for Doing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = |write: bool| if write { "write" } else { "read" };
        match *self {
            Doing::Dp { reg, write } => {
                write!(f, "{} of DP {}", verb(write), regs::dp::name(!write, reg.a, reg.bank))
            }
            Doing::Ap { ap, reg, write } => {
                write!(f, "{} of {ap} {}", verb(write), regs::ap::name(reg >> 4, reg))?;
                write!(f, " ({reg:#04x})")
            }
            Doing::Memory { ap, at, width, write } => {
                write!(f, "{}-bit {} of {at}", width.bytes() * 8, verb(write))?;
                if let Some(hit) = regs::lookup(at.0) {
                    write!(f, " ({})", hit.register.name)?;
                }
                write!(f, " through {ap}")
            }
            Doing::Line(name) => f.write_str(name),
            Doing::Nreset { low: true } => f.write_str("nRESET low"),
            Doing::Nreset { low: false } => f.write_str("release of nRESET"),
            Doing::Setup => f.write_str("set-up of the probe"),
        }
    }
}

/// How to get hold of the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConnectMode {
    /// No reset, no halt, no write outside the housekeeping of debug port and access port.
    Hotplug,
    /// Halt the core.
    Normal,
    /// nRESET low, connect, catch the core at its reset vector, release.
    UnderReset,
    /// Pulse nRESET, then as hotplug.
    Pulse,
}

impl ConnectMode {
    /// All modes.
    pub const ALL: [ConnectMode; 4] =
        [ConnectMode::Hotplug, ConnectMode::Normal, ConnectMode::UnderReset, ConnectMode::Pulse];

    /// The word people type.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            ConnectMode::Hotplug => "hotplug",
            ConnectMode::Normal => "normal",
            ConnectMode::UnderReset => "under-reset",
            ConnectMode::Pulse => "pulse",
        }
    }
}

impl fmt::Display for ConnectMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for ConnectMode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        ConnectMode::ALL.into_iter().find(|mode| mode.word() == text).ok_or_else(|| {
            format!("`{text}` is no connect mode: there are hotplug, normal, under-reset and pulse")
        })
    }
}

/// The way to a core's debug registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CoreAccess {
    /// The access port.
    pub ap: ApSel,
    /// The security attribute.
    pub attr: Attr,
}

/// How to attach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attach {
    /// The mode.
    pub mode: ConnectMode,
    /// The core, for the modes that halt it.
    pub core: Option<CoreAccess>,
}

impl Attach {
    /// Hotplug.
    pub const HOTPLUG: Attach = Attach { mode: ConnectMode::Hotplug, core: None };
}

/// What woke the debug port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Wake {
    /// Nothing was sent: the probe does this by itself.
    ByProbe,
    /// Line reset and the JTAG-to-SWD switch.
    JtagToSwd,
    /// The dormant-to-SWD alert.
    Dormant,
}

/// When the core was told to stop at its reset vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Catch {
    /// While nRESET was low: not one instruction ran.
    InReset,
    /// Right after the release, because the access port could not be used in reset: the core ran for a moment.
    AfterRelease,
}

/// What attaching found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attached {
    /// How.
    pub mode: ConnectMode,
    /// DPIDR.
    pub dpidr: Dpidr,
    /// TARGETID, where the debug port has one (DPv2).
    pub targetid: Option<TargetId>,
    /// What woke the debug port.
    pub wake: Wake,
    /// When the core was caught, for [`ConnectMode::UnderReset`].
    pub catch: Option<Catch>,
    /// The core was halted by attaching.
    pub halted: bool,
}

/// An access port that a scan found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ApInfo {
    /// Its number.
    pub ap: ApSel,
    /// IDR; never zero here.
    pub idr: Idr,
    /// CSW, for memory access ports.
    pub csw: Option<u32>,
    /// BASE, for memory access ports.
    pub base: Option<u32>,
}

impl ApInfo {
    /// The port makes accesses (CSW.DeviceEn).
    #[must_use]
    pub fn device_en(&self) -> bool {
        self.csw.is_some_and(|value| value & csw::DEVICE_EN != 0)
    }

    /// Secure accesses are allowed (CSW.SPIDEN).
    #[must_use]
    pub fn spiden(&self) -> bool {
        self.csw.is_some_and(|value| value & csw::SPIDEN != 0)
    }
}

/// A value of DHCSR as read. Reading it clears its `_ST` bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CoreStatus(pub u32);

impl CoreStatus {
    const fn has(self, bit: u32) -> bool {
        self.0 & bit != 0
    }
    /// Halting debug is on (C_DEBUGEN).
    #[must_use]
    pub const fn debug_enabled(self) -> bool {
        self.has(dhcsr::C_DEBUGEN)
    }
    /// The core is halted (S_HALT).
    #[must_use]
    pub const fn halted(self) -> bool {
        self.has(dhcsr::S_HALT)
    }
    /// The core is locked up (S_LOCKUP).
    #[must_use]
    pub const fn locked_up(self) -> bool {
        self.has(dhcsr::S_LOCKUP)
    }
    /// The core sleeps (S_SLEEP).
    #[must_use]
    pub const fn sleeping(self) -> bool {
        self.has(dhcsr::S_SLEEP)
    }
    /// The core was reset since the last read (S_RESET_ST).
    #[must_use]
    pub const fn was_reset(self) -> bool {
        self.has(dhcsr::S_RESET_ST)
    }
    /// A DCRSR transfer has finished (S_REGRDY).
    #[must_use]
    pub const fn register_ready(self) -> bool {
        self.has(dhcsr::S_REGRDY)
    }
}

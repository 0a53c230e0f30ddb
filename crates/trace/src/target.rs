//! Which chip a trace is of, and with it whose registers its addresses are. [H5-DBG-1] [H5-DBG-2] [H5-DBG-4] [M33-4]
//!
//! An address alone says nothing: 0x4002_2020 is FLASH_NSSR on an STM32H5 and something else on its neighbours. So names,
//! actions and rules of the STM32H5 are used where the trace itself shows that the target is one, or where a person says so.
//! Otherwise only what the architecture lays out has a name: DP, AP, and the debug registers of a Cortex-M.

use crate::decode::Command;
use crate::event::{Accessed, Body, Event, RegisterAccess};
use crate::name::hex;
use cmsis_dap::{InfoId, Request, Response};
use regs::h5::{dbgmcu, device};
use regs::{Hit, ap, dp, m33};
use std::fmt;
use wire::{Ack, Addr, ApSel, Port, Width};

/// Whose register names hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Names {
    /// Those that every Cortex-M has.
    #[default]
    CortexM,
    /// Those of the STM32H5 too.
    Stm32H5,
}

impl Names {
    /// The register at an address.
    pub fn register(self, at: Addr) -> Option<Hit> {
        let architected = m33::ARCHITECTED.contains(&at.0);
        regs::lookup(at.0).filter(|_| self == Names::Stm32H5 || architected)
    }

    /// The region around an address.
    pub fn region(self, at: Addr) -> Option<&'static str> {
        match self {
            Names::CortexM => Some(m33::region(at.0)),
            Names::Stm32H5 => regs::region(at.0),
        }
    }
}

/// The chip that a trace is of, as far as can be told.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Target {
    /// Whose names hold.
    pub names: Names,
    /// The same in words, and what tells it.
    pub text: String,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Target {
    /// As somebody said.
    pub(crate) fn said(names: Names) -> Target {
        Target::by(names, "what was asked for")
    }

    /// By what the commands and accesses of a trace show.
    pub(crate) fn of(commands: &[Event], lifted: &[Event]) -> Target {
        let mut evidence = Evidence::default();
        evidence.take(commands, lifted);
        evidence.judge()
    }

    fn by(names: Names, what: impl fmt::Display) -> Target {
        let chip = match names {
            Names::CortexM => "no STM32H5",
            Names::Stm32H5 => "STM32H5",
        };
        Target { names, text: format!("{chip}, by {what}") }
    }
}

/// What a trace shows of the chip: of each the first that was read.
#[derive(Debug, Default)]
pub(crate) struct Evidence {
    /// What the probe calls the chip it is soldered to.
    board: Option<String>,
    idcode: Option<u32>,
    target_id: Option<u32>,
    dpidr: Option<u32>,
    cpuid: Option<u32>,
    idr0: Option<u32>,
    idr1: Option<u32>,
}

impl Evidence {
    /// Looks at more of the trace.
    pub(crate) fn take(&mut self, commands: &[Event], lifted: &[Event]) {
        commands.iter().for_each(|event| self.command(event));
        lifted.iter().for_each(|event| self.access(event));
    }

    /// Whether nothing that follows can be stronger.
    pub(crate) fn is_clear(&self) -> bool {
        self.idcode.is_some()
    }

    fn command(&mut self, event: &Event) {
        let Body::Command(command) = &event.body else { return };
        let Command { request: Some(Request::Info(InfoId::TARGET_NAME)), response: Some(answer), .. } =
            command.as_ref()
        else {
            return;
        };
        if let Response::Info(data) = &answer.value
            && let Some(name) = data.text()
        {
            self.board.get_or_insert(name);
        }
    }

    fn access(&mut self, event: &Event) {
        match &event.body {
            Body::Access(a) => self.memory(a),
            Body::Register(r) => self.register(r),
            _ => {}
        }
    }

    fn memory(&mut self, a: &Accessed) {
        let read = a.ack == Ack::OK && !a.access.write && !a.secret && a.access.width == Width::Word;
        let Some(value) = a.access.value.filter(|value| read && *value != 0) else { return };
        const IDCODE: [u32; 2] = [dbgmcu::BASE + dbgmcu::IDCODE, dbgmcu::BASE_AP0 + dbgmcu::IDCODE];
        match a.access.at.0 {
            at if IDCODE.contains(&at) => self.idcode.get_or_insert(value),
            m33::CPUID => self.cpuid.get_or_insert(value),
            _ => return,
        };
    }

    fn register(&mut self, r: &RegisterAccess) {
        let read = r.ack == Ack::OK && !r.write && !r.secret;
        let Some(value) = r.value.filter(|value| read && *value != 0) else { return };
        let bank = r.dp_bank();
        let first = match (r.port, r.a, bank, r.ap) {
            (Port::Dp, dp::DPIDR, 0, _) if dp::Dpidr(value).is_valid() => &mut self.dpidr,
            (Port::Dp, dp::TARGETID, dp::bank::TARGETID, _) => &mut self.target_id,
            (Port::Ap, _, _, Some(ApSel(0))) if r.offset() == Some(ap::IDR) => &mut self.idr0,
            (Port::Ap, _, _, Some(ApSel(1))) if r.offset() == Some(ap::IDR) => &mut self.idr1,
            _ => return,
        };
        first.get_or_insert(value);
    }

    /// The strongest evidence first. What can only speak against an STM32H5 stands before what many chips have.
    pub(crate) fn judge(&self) -> Target {
        let by = |h5: bool, what: String| Target::by(if h5 { Names::Stm32H5 } else { Names::CortexM }, what);
        if let Some(value) = self.idcode {
            let dev_id = value & dbgmcu::idcode::DEV_ID;
            let known = device::DEV_ID_NAMES.iter().any(|(id, _)| *id == dev_id);
            return by(known, format!("DBGMCU_IDCODE {}", hex(value)));
        }
        if let Some(value) = self.target_id {
            let id = dp::TargetId(value).without_revision();
            let known = device::DEVICES.iter().any(|device| device.target_id == id);
            return by(known, format!("TARGETID {}", hex(value)));
        }
        match &self.board {
            Some(board) => by(board.starts_with("STM32H5"), format!("the probe, which is on a {board}")),
            None => self.by_core_and_ports(),
        }
    }

    fn by_core_and_ports(&self) -> Target {
        let against = |what: &str, value: Option<u32>, fits: fn(u32) -> bool| {
            let value = value.filter(|value| !fits(*value))?;
            Some(Target::by(Names::CortexM, format!("{what} {}", hex(value))))
        };
        let other = against("DPIDR", self.dpidr, |value| value == device::DPIDR)
            .or_else(|| against("CPUID", self.cpuid, is_m33))
            .or_else(|| against("IDR of AP0", self.idr0, |value| value == device::AP0.idr))
            .or_else(|| against("IDR of AP1", self.idr1, |value| value == device::AP1.idr));
        if let Some(other) = other {
            return other;
        }
        match (self.dpidr, self.idr0, self.idr1) {
            (_, Some(idr), Some(_)) => Target::by(Names::Stm32H5, format!("IDR {} of AP0", hex(idr))),
            (Some(dpidr), ..) => {
                let what = format!("DPIDR {} (a few other STM32 have it too)", hex(dpidr));
                Target::by(Names::Stm32H5, what)
            }
            _ => Target { names: Names::CortexM, text: "not known: nothing in it tells".to_owned() },
        }
    }
}

/// Whether CPUID is that of a Cortex-M33.
fn is_m33(cpuid: u32) -> bool {
    cpuid & m33::CPUID_PART_MASK == m33::CPUID_M33
}

#[cfg(test)]
mod tests;

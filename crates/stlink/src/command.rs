//! Commands: what the host sends. [STL-1]

mod decode;
mod encode;
#[cfg(test)]
mod tests;

use crate::memory::Memory;
use crate::misc;
use crate::named::{ComPort, DapPort, Enter, Nrst};
use std::ops::Range;
use wire::Addr;

/// Bytes of every command.
pub const PACKET: usize = 16;

/// One command. Registers of the core go by ST's numbers: 0 to 15, 16 xPSR, 17 MSP, 18 PSP, 20 CONTROL and its neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// Which firmware is it?
    GetVersion,
    /// The same, for a V3.
    GetVersionExt,
    /// What is the probe doing?
    GetCurrentMode,
    /// The target's supply.
    GetTargetVoltage,
    /// Leave DFU mode.
    DfuExit,
    /// Enter SWIM mode.
    SwimEnter,
    /// Leave SWIM mode.
    SwimExit,
    /// Leave debug mode.
    DebugExit,
    /// Enter debug mode.
    Enter(Enter),
    /// Identification of the debug port.
    ReadIdcodes,
    /// Reset by the core (SYSRESETREQ).
    ResetSys,
    /// Read a register of the core.
    ReadReg {
        /// Which.
        reg: u8,
        /// The access port.
        ap: u8,
    },
    /// Write a register of the core.
    WriteReg {
        /// Which.
        reg: u8,
        /// The value.
        value: u32,
        /// The access port.
        ap: u8,
    },
    /// Read all registers of the core.
    ReadAllRegs {
        /// The access port.
        ap: u8,
    },
    /// Write one word of memory.
    WriteDebugReg {
        /// Where.
        at: Addr,
        /// The value.
        value: u32,
        /// The access port.
        ap: u8,
    },
    /// Read one word of memory.
    ReadDebugReg {
        /// Where.
        at: Addr,
        /// The access port.
        ap: u8,
    },
    /// How the last memory command went.
    GetLastRwStatus,
    /// The same, with the address of the fault.
    GetLastRwStatus2,
    /// Drive nRESET.
    DriveNrst(Nrst),
    /// Begin to capture trace data.
    TraceStart {
        /// Size of the buffer.
        buffer: u16,
        /// Rate of the pin.
        hz: u32,
    },
    /// End it.
    TraceStop,
    /// How many bytes wait at the trace endpoint?
    TraceCount,
    /// Set SWCLK by divisor (V2).
    SwdSetFreq(u16),
    /// Set TCK by divisor (V2).
    JtagSetFreq(u16),
    /// Read a register of the debug port or an access port.
    ReadDap {
        /// Which port.
        port: DapPort,
        /// Its byte offset; for the debug port bits 7:4 are the bank.
        reg: u16,
    },
    /// Write one.
    WriteDap {
        /// Which port.
        port: DapPort,
        /// Its byte offset; for the debug port bits 7:4 are the bank.
        reg: u16,
        /// The value.
        value: u32,
    },
    /// Open an access port. [STL-5]
    InitAp {
        /// Which.
        ap: u8,
        /// What is behind it: 0 not said, 1 Cortex-M.
        core: u8,
    },
    /// Close an access port.
    CloseAp {
        /// Which.
        ap: u8,
    },
    /// A block of memory.
    Memory(Memory),
    /// A list of single words follows.
    RwMiscOut {
        /// How many items.
        items: u32,
    },
    /// What became of the list.
    RwMiscIn,
    /// How long may a list be?
    RwMiscMax,
    /// Registers of the probe for tests.
    DftReg,
    /// Which board is it?
    BoardIdentifiers,
    /// Blink.
    BlinkLed,
    /// Name of the disk.
    DiskName,
    /// Set SWCLK or TCK (V3).
    SetComFreq {
        /// Which.
        port: ComPort,
        /// The frequency.
        khz: u32,
    },
    /// Which frequencies are there (V3)?
    GetComFreq(ComPort),
    /// Set the probe's own prescaler (V3): 1, 2 or 4.
    SwitchFreq(u8),
    /// A command that is not known here, as it came.
    Other([u8; PACKET]),
}

/// What follows a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Nothing.
    None,
    /// So many bytes to the probe.
    Out(usize),
    /// So many bytes from the probe.
    In(usize),
    /// Results of the last [`Command::RwMiscOut`]: 8 bytes for each of its items.
    InResults,
    /// Nobody knows.
    Unknown,
}

impl Command {
    /// What follows it.
    pub fn phase(&self) -> Phase {
        match *self {
            Command::DfuExit
            | Command::SwimEnter
            | Command::SwimExit
            | Command::DebugExit
            | Command::BlinkLed => Phase::None,
            Command::Memory(memory) if memory.op.write => Phase::Out(usize::from(memory.len)),
            Command::Memory(memory) => Phase::In(memory.answer_len()),
            Command::RwMiscOut { items } => {
                Phase::Out(misc::list_len(usize::try_from(items).unwrap_or(usize::MAX / 8)))
            }
            Command::RwMiscIn => Phase::InResults,
            Command::GetVersion => Phase::In(6),
            Command::GetVersionExt | Command::ReadIdcodes | Command::GetLastRwStatus2 => Phase::In(12),
            Command::GetTargetVoltage
            | Command::ReadReg { .. }
            | Command::ReadDebugReg { .. }
            | Command::ReadDap { .. }
            | Command::SetComFreq { .. }
            | Command::SwitchFreq(_) => Phase::In(8),
            Command::ReadAllRegs { .. } => Phase::In(88),
            Command::GetComFreq(_) => Phase::In(52),
            Command::BoardIdentifiers => Phase::In(128),
            Command::RwMiscMax | Command::DftReg | Command::DiskName | Command::Other(_) => Phase::Unknown,
            Command::GetCurrentMode
            | Command::Enter(_)
            | Command::ResetSys
            | Command::WriteReg { .. }
            | Command::WriteDebugReg { .. }
            | Command::GetLastRwStatus
            | Command::DriveNrst(_)
            | Command::TraceStart { .. }
            | Command::TraceStop
            | Command::TraceCount
            | Command::SwdSetFreq(_)
            | Command::JtagSetFreq(_)
            | Command::WriteDap { .. }
            | Command::InitAp { .. }
            | Command::CloseAp { .. } => Phase::In(2),
        }
    }

    /// Where in the packet the value stands that it writes, if it writes one.
    pub const fn value_at(&self) -> Option<Range<usize>> {
        match self {
            Command::WriteReg { .. } => Some(3..7),
            Command::WriteDebugReg { .. } | Command::WriteDap { .. } => Some(6..10),
            _ => None,
        }
    }

    /// What it is called.
    pub const fn name(&self) -> &'static str {
        match self {
            Command::GetVersion => "GET_VERSION",
            Command::GetVersionExt => "GET_VERSION_EXT",
            Command::GetCurrentMode => "GET_CURRENT_MODE",
            Command::GetTargetVoltage => "GET_TARGET_VOLTAGE",
            Command::DfuExit => "DFU_EXIT",
            Command::SwimEnter => "SWIM_ENTER",
            Command::SwimExit => "SWIM_EXIT",
            Command::DebugExit => "EXIT",
            Command::Enter(_) => "ENTER",
            Command::ReadIdcodes => "READ_IDCODES",
            Command::ResetSys => "RESETSYS",
            Command::ReadReg { .. } => "READREG",
            Command::WriteReg { .. } => "WRITEREG",
            Command::ReadAllRegs { .. } => "READALLREGS",
            Command::WriteDebugReg { .. } => "WRITEDEBUGREG",
            Command::ReadDebugReg { .. } => "READDEBUGREG",
            Command::GetLastRwStatus => "GETLASTRWSTATUS",
            Command::GetLastRwStatus2 => "GETLASTRWSTATUS2",
            Command::DriveNrst(_) => "DRIVE_NRST",
            Command::TraceStart { .. } => "START_TRACE_RX",
            Command::TraceStop => "STOP_TRACE_RX",
            Command::TraceCount => "GET_TRACE_NB",
            Command::SwdSetFreq(_) => "SWD_SET_FREQ",
            Command::JtagSetFreq(_) => "JTAG_SET_FREQ",
            Command::ReadDap { .. } => "READ_DAP_REG",
            Command::WriteDap { .. } => "WRITE_DAP_REG",
            Command::InitAp { .. } => "INIT_AP",
            Command::CloseAp { .. } => "CLOSE_AP",
            Command::Memory(memory) => memory.op.name(),
            Command::RwMiscOut { .. } => "RW_MISC_OUT",
            Command::RwMiscIn => "RW_MISC_IN",
            Command::RwMiscMax => "RW_MISC_GET_MAX",
            Command::DftReg => "DFT_REG",
            Command::BoardIdentifiers => "GET_BOARD_IDENTIFIERS",
            Command::BlinkLed => "BLINK_LED",
            Command::DiskName => "GET_DISK_NAME",
            Command::SetComFreq { .. } => "SET_COM_FREQ",
            Command::GetComFreq(_) => "GET_COM_FREQ",
            Command::SwitchFreq(_) => "SWITCH_STLINK_FREQ",
            Command::Other(_) => "unknown command",
        }
    }
}

impl std::fmt::Display for Command {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// Second bytes of the debug class, and the first bytes outside of it.
mod code {
    pub(super) const VERSION: u8 = 0xF1;
    pub(super) const DEBUG: u8 = 0xF2;
    pub(super) const DFU: u8 = 0xF3;
    pub(super) const SWIM: u8 = 0xF4;
    pub(super) const MODE: u8 = 0xF5;
    pub(super) const VOLTAGE: u8 = 0xF7;
    pub(super) const VERSION_EXT: u8 = 0xFB;

    pub(super) const DFU_EXIT: u8 = 0x07;
    pub(super) const SWIM_ENTER: u8 = 0x00;
    pub(super) const SWIM_EXIT: u8 = 0x01;

    pub(super) const EXIT: u8 = 0x21;
    pub(super) const ENTER: u8 = 0x30;
    pub(super) const READ_IDCODES: u8 = 0x31;
    pub(super) const RESETSYS: u8 = 0x32;
    pub(super) const READREG: u8 = 0x33;
    pub(super) const WRITEREG: u8 = 0x34;
    pub(super) const WRITEDEBUGREG: u8 = 0x35;
    pub(super) const READDEBUGREG: u8 = 0x36;
    pub(super) const READALLREGS: u8 = 0x3A;
    pub(super) const RW_STATUS: u8 = 0x3B;
    pub(super) const NRST: u8 = 0x3C;
    pub(super) const RW_STATUS_2: u8 = 0x3E;
    pub(super) const TRACE_START: u8 = 0x40;
    pub(super) const TRACE_STOP: u8 = 0x41;
    pub(super) const TRACE_COUNT: u8 = 0x42;
    pub(super) const SWD_FREQ: u8 = 0x43;
    pub(super) const JTAG_FREQ: u8 = 0x44;
    pub(super) const READ_DAP: u8 = 0x45;
    pub(super) const WRITE_DAP: u8 = 0x46;
    pub(super) const BLINK: u8 = 0x49;
    pub(super) const DISK_NAME: u8 = 0x4A;
    pub(super) const INIT_AP: u8 = 0x4B;
    pub(super) const CLOSE_AP: u8 = 0x4C;
    pub(super) const MISC_OUT: u8 = 0x51;
    pub(super) const MISC_IN: u8 = 0x52;
    pub(super) const MISC_MAX: u8 = 0x53;
    pub(super) const DFT_REG: u8 = 0x55;
    pub(super) const BOARD: u8 = 0x56;
    pub(super) const SET_COM: u8 = 0x61;
    pub(super) const GET_COM: u8 = 0x62;
    pub(super) const SWITCH: u8 = 0x63;
}

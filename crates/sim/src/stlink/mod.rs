//! ST-Link firmware on the probe's side of USB: V2, V2-1 and V3, as other people's drivers know it. [STL-1]
//!
//! **What it knows.** The commands and statuses of `vendor-notes/stlink.md`, each from the firmware number that brought it,
//! and how a V2 expands them to transactions, from public captures of the wire [STL-20]. What nobody has seen is a setting.
//!
//! **Not supported.** JTAG (answered: unknown chain), trace, SWIM beyond its mode, the boot loader's commands, the
//! refusal of other makers' parts, DFT_REG, disk name, raw serial numbers of old V2.

mod clock;
mod command;
mod debug;
mod device;
mod memory;
mod misc;
mod model;
mod port;
mod status;
#[cfg(test)]
mod tests;

pub(crate) use device::StLinkDevice;
pub(crate) use model::{Model, Version};

use crate::bus::{Chip, Time};
use crate::firmware::Lines;
use crate::knobs::StLinkKnobs;
use crate::swd::HostSide;
use bytes::Bytes;
use command::{Command, DEBUG};
use memory::{Last, Waited};
use misc::Misc;
use model::Ability;
use port::Done;
use status::Status;
use std::collections::BTreeSet;

/// What GET_CURRENT_MODE says. [STL-12]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// The boot loader's programming mode, where some probes are after being plugged in.
    Dfu,
    /// Waiting.
    Mass,
    /// Connected to a target.
    Debug,
    /// Connected to an STM8.
    Swim,
}

impl Mode {
    fn number(self) -> u8 {
        match self {
            Mode::Dfu => 0,
            Mode::Mass => 1,
            Mode::Debug => 2,
            Mode::Swim => 3,
        }
    }
}

/// What a scenario says about the probe, beside its guesses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Setup {
    /// Firmware number, if it is not the usual one.
    pub(crate) version: Option<Version>,
    /// USB product number, if it is not the usual one.
    pub(crate) product: Option<u16>,
    /// The mode it is found in.
    pub(crate) mode: Mode,
}

/// The firmware with the pins it drives.
#[derive(Debug)]
pub(crate) struct StLink<C> {
    lines: Lines<C>,
    version: Version,
    product: u16,
    /// A V2-1 gives the number of its mass storage where a V2 gives the one of SWIM.
    has_storage: bool,
    knobs: StLinkKnobs,
    mode: Mode,
    /// SELECT as it was written last, when that is certain.
    select: Option<u32>,
    /// The debug port bank in it.
    bank: u8,
    /// Access port and CSW as they were written last, when that is certain.
    csw: Option<(u8, u32)>,
    opened: BTreeSet<u8>,
    /// The access port of commands that name none.
    core_ap: u8,
    last: Last,
    misc: Misc,
    waited: Option<Waited>,
    /// The command is the one that had to wait, again.
    repeated: bool,
    prescaler: u8,
}

impl<C: Chip> StLink<C> {
    /// Firmware after power-on.
    pub(crate) fn new(mut lines: Lines<C>, model: Model, setup: Setup, knobs: StLinkKnobs) -> StLink<C> {
        let version = setup.version.unwrap_or(model.usual());
        lines.clock = clock::at_power_on(version.has(Ability::KiloHertz));
        lines.idle = 0;
        lines.host = HOST;
        StLink {
            lines,
            version,
            product: model.product(setup.product).unwrap_or_default(),
            has_storage: model == Model::V21,
            knobs,
            mode: setup.mode,
            select: None,
            bank: 0,
            csw: None,
            opened: BTreeSet::new(),
            core_ap: 0,
            last: Last::OK,
            misc: Misc::default(),
            waited: None,
            repeated: false,
            prescaler: 1,
        }
    }

    fn is_debugging(&self) -> bool {
        self.mode == Mode::Debug
    }

    /// Performs one command from `start` on; `lines.now` is then when it ended. `None`: it has no answer.
    fn perform(&mut self, command: &Command, data: &[u8], start: Time) -> Option<Bytes> {
        self.lines.now = self.lines.now.max(start);
        if command.byte(0) != DEBUG {
            return self.plain(command).map(Bytes::from);
        }
        if let Some(memory) = command.memory() {
            return self.memory(command, memory, data);
        }
        match command.byte(1) {
            0x21 => {
                self.leave(Mode::Debug);
                return None;
            }
            0x51 if self.version.has(Ability::Csw) => {
                self.misc_out(command, data);
                return None;
            }
            _ => {}
        }
        let answer = self.always(command).or_else(|| self.clock_command(command));
        Some(answer.unwrap_or_else(|| self.debugging(command)).into())
    }

    /// Commands outside the debug class. One that is not known is not answered (inferred: no status has a place there).
    fn plain(&mut self, command: &Command) -> Option<Vec<u8>> {
        match (command.byte(0), command.byte(1)) {
            (0xF1, _) => Some(self.version_word()),
            (0xFB, _) if self.version.hardware == 3 => Some(self.version_bytes()),
            (0xF5, _) => Some(vec![self.mode.number(), 0]),
            (0xF7, _) if self.version.has(Ability::Trace) => Some(self.voltage()),
            (0xF3, 0x07) => {
                self.leave(Mode::Dfu);
                None
            }
            (0xF4, 0x00) if self.mode == Mode::Mass => {
                self.mode = Mode::Swim;
                None
            }
            (0xF4, 0x01) => {
                self.leave(Mode::Swim);
                None
            }
            _ => None,
        }
    }

    /// Each mode is left by its own command. [STL-12]
    fn leave(&mut self, mode: Mode) {
        if self.mode == mode {
            self.mode = Mode::Mass;
            self.forget();
        }
    }

    fn version_word(&self) -> Vec<u8> {
        let Version { hardware, jtag, swim, msc, .. } = self.version;
        let number = |n: u8| u16::from(n & 0x3F);
        let word = match hardware {
            2 => 2 << 12 | number(jtag) << 6 | number(if self.has_storage { msc } else { swim }),
            other => u16::from(other) << 12,
        };
        let mut answer = word.to_be_bytes().to_vec();
        answer.extend(self.ids());
        answer
    }

    fn version_bytes(&self) -> Vec<u8> {
        let Version { hardware, jtag, swim, msc, bridge } = self.version;
        let mut answer = vec![hardware, swim, jtag, msc, bridge, 0, 0, 0];
        answer.extend(self.ids());
        answer
    }

    fn ids(&self) -> [u8; 4] {
        let ([a, b], [c, d]) = (0x0483_u16.to_le_bytes(), self.product.to_le_bytes());
        [a, b, c, d]
    }

    /// GET_TARGET_VOLTAGE: 3.3 V, or nothing. Volts are 2 * second * 1.2 / first.
    fn voltage(&mut self) -> Vec<u8> {
        let now = self.lines.now;
        let target: u32 = if self.lines.target.chip.powered(now) { 2062 } else { 0 };
        [1500, target].iter().flat_map(|n| n.to_le_bytes()).collect()
    }

    /// Debug commands that need no debug mode.
    fn always(&mut self, command: &Command) -> Option<Vec<u8>> {
        let status = match command.byte(1) {
            0x30 => self.enter_mode(command.byte(2)),
            0x3C => self.drive_reset(command.byte(2)),
            0x49 => Status::OK,
            0x3B => self.last.status,
            0x3E if self.version.has(Ability::LastStatus2) => return Some(self.last_status()),
            0x52 if self.version.has(Ability::Csw) => return Some(self.misc_in()),
            // How the answer is laid out is not known; the number stands where other values do.
            0x53 if self.version.has(Ability::Csw) => {
                return Some(with_word(Status::OK, self.misc_most() as u32));
            }
            0x56 if self.version.has(Ability::BoardId) => return Some(board_identifiers()),
            _ => return None,
        };
        Some(status.word().to_vec())
    }

    fn enter_mode(&mut self, how: u8) -> Status {
        let allowed = matches!(self.mode, Mode::Mass | Mode::Debug);
        match how {
            0xA3 if allowed => match self.enter() {
                Ok(()) => {
                    self.mode = Mode::Debug;
                    Status::OK
                }
                Err(status) => status,
            },
            0xA4 | 0x00 if allowed => Status::UNKNOWN_JTAG_CHAIN,
            _ => Status::COMMAND_ERROR,
        }
    }

    /// Debug commands that need debug mode; without it they come to nothing, in the usual length.
    fn debugging(&mut self, command: &Command) -> Vec<u8> {
        let opcode = command.byte(1);
        let Some(length) = self.answer_length(opcode) else {
            return Status::UNKNOWN_COMMAND.word().to_vec();
        };
        if !self.is_debugging() {
            let mut answer = Status::COMMAND_ERROR.word().to_vec();
            answer.resize(length, 0);
            return answer;
        }
        let status = match opcode {
            0x31 => return self.idcodes(),
            0x32 => self.reset_core(),
            0x33 => return self.read_core(command),
            0x34 => self.write_core(command),
            0x35 => self.write_debug(command),
            0x36 => return self.read_debug(command),
            0x3A => return self.read_all(command),
            0x40 => Status::SWV_NOT_AVAILABLE,
            0x41 => Status::OK,
            0x42 => return vec![0, 0],
            0x45 => return self.read_register(command),
            0x46 => return self.write_register(command),
            0x4B => self.open_ap(command.byte(2)),
            0x4C => self.close_ap(command.byte(2)),
            _ => Status::UNKNOWN_COMMAND,
        };
        status.word().to_vec()
    }

    /// What the command answers in this version, in bytes; `None`: there is no such command.
    fn answer_length(&self, opcode: u8) -> Option<usize> {
        let (ability, length) = match opcode {
            0x31 => (Ability::Always, 12),
            0x32 | 0x34 | 0x35 => (Ability::Always, 2),
            0x33 | 0x36 => (Ability::Always, 8),
            0x3A => (Ability::Always, 88),
            0x40..=0x42 => (Ability::Trace, 2),
            0x45 => (Ability::DapRegister, 8),
            0x46 => (Ability::DapRegister, 2),
            0x4B | 0x4C => (Ability::OpenAp, 2),
            _ => return None,
        };
        self.version.has(ability).then_some(length)
    }

    fn idcodes(&mut self) -> Vec<u8> {
        let done = self.dp_read(regs::dp::DPIDR).map_err(Status::of_dp);
        let mut bytes = answer(done);
        bytes.resize(12, 0);
        bytes
    }

    /// The access port that a core command names, where it can.
    fn chosen(&self, ap: u8) -> Done<u8> {
        self.usable(if self.version.has(Ability::OpenAp) { ap.into() } else { 0 })
    }
}

/// One clock of turnaround, no data phase behind WAIT and FAULT. [STL-20]
const HOST: HostSide = HostSide { turnaround: 1, data_phase: false };

/// A status and a word, 8 bytes.
fn with_word(status: Status, word: u32) -> Vec<u8> {
    let mut answer = status.word().to_vec();
    answer.extend([0; 2]);
    answer.extend(word.to_le_bytes());
    answer
}

/// A value with its status, 8 bytes.
fn answer(done: Done) -> Vec<u8> {
    match done {
        Ok(value) => with_word(Status::OK, value),
        Err(status) => with_word(status, 0),
    }
}

fn board_identifiers() -> Vec<u8> {
    let mut answer = Status::OK.word().to_vec();
    answer.extend(b"SIM1");
    answer.resize(128, 0);
    answer
}

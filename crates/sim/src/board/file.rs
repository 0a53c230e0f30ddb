//! The board file: the image, what is outside the chip, and where the core was, for a board that stays on the bench
//! between commands. Nothing of the link or the clock. SRAM content is not kept.

use super::BoardError;
use super::image::Image;
use crate::chip::{FlashState, Gate, H5, Runs};
use regs::h5::state::ProductState;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use wire::Cable;

const FORMAT: &str = "ackwait simulated board";

/// What stands in the file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Stored {
    format: String,
    pub(super) memory: Image,
    pub(super) outside: Outside,
    /// Missing when the part has no power.
    pub(super) core: Option<CoreStored>,
}

/// What is outside the chip.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Outside {
    pub(super) supply: bool,
    cable: CableWord,
    pub(super) boot0: bool,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum CableWord {
    Out,
    Charge,
    Data,
}

impl Outside {
    pub(super) fn cable(&self) -> Cable {
        match self.cable {
            CableWord::Out => Cable::Out,
            CableWord::Charge => Cable::ChargeOnly,
            CableWord::Data => Cable::Data,
        }
    }
}

/// A core that stays powered.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CoreStored {
    runs: Runs,
    halted: bool,
    control: u32,
    demcr: u32,
    registers: BTreeMap<u32, u32>,
    entry: u32,
    halted_at: u32,
    boot_state: u8,
    bootloader: bool,
    ap1_open: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    authorised: Option<u32>,
    #[serde(default)]
    dbgcr: u32,
    level: u8,
    command: u16,
    reset_flags: u32,
    debug: [u32; 9],
    flash: FlashState,
}

impl CoreStored {
    fn of(chip: &H5) -> Self {
        CoreStored {
            runs: chip.core.runs,
            halted: chip.core.halted,
            control: chip.core.control,
            demcr: chip.core.demcr,
            registers: chip.core_registers(),
            entry: chip.rom.entry,
            halted_at: chip.rom.halted_at,
            boot_state: chip.rom.boot_state.0,
            bootloader: chip.rom.bootloader_since.is_some(),
            ap1_open: chip.gate_open(),
            authorised: chip.authorised,
            dbgcr: chip.sbs.debug(),
            level: chip.sbs.level(),
            command: chip.sbs.command,
            reset_flags: chip.small.reset_flags,
            debug: chip.dbgmcu.kept,
            flash: chip.flash.state(),
        }
    }

    pub(super) fn put_into(self, chip: &mut H5) {
        chip.power_cycles += 1;
        chip.flash.reset();
        chip.flash.restore(self.flash);
        chip.core.runs = self.runs;
        chip.core.halted = self.halted;
        chip.core.control = self.control;
        chip.core.demcr = self.demcr;
        chip.core.registers = self.registers;
        chip.rom.entry = self.entry;
        chip.rom.halted_at = self.halted_at;
        chip.rom.boot_state = ProductState(self.boot_state);
        chip.rom.bootloader_since = self.bootloader.then_some(0);
        chip.rom.enumerated = self.bootloader;
        chip.gate = if self.ap1_open { Gate::Open } else { Gate::Shut };
        chip.authorised = self.authorised;
        if self.dbgcr != 0 {
            chip.sbs.set_debug(self.dbgcr);
        }
        chip.sbs.raise(self.level);
        chip.sbs.command = self.command;
        chip.small.reset_flags = self.reset_flags;
        chip.dbgmcu.kept = self.debug;
        if self.runs == Runs::Session {
            chip.session_again();
        }
    }
}

impl Stored {
    /// A board as it is now.
    pub(super) fn of(chip: &H5) -> Self {
        let cable = match chip.pins.cable {
            Cable::Out => CableWord::Out,
            Cable::ChargeOnly => CableWord::Charge,
            Cable::Data => CableWord::Data,
        };
        // A supply that failed is back by the time of the next command.
        let supply = chip.pins.supply || chip.pins.failed;
        Stored {
            format: FORMAT.to_owned(),
            memory: Image::of(&chip.flash.nv),
            outside: Outside { supply, cable, boot0: chip.pins.boot0 },
            core: chip.has_power().then(|| CoreStored::of(chip)),
        }
    }
}

/// A board file, locked.
#[derive(Debug)]
pub(super) struct BoardFile {
    path: PathBuf,
    /// Held for as long as the board is in use. A file of its own, because the board file is replaced when it is written.
    lock: File,
}

impl Drop for BoardFile {
    /// Closing the file is not enough: a child that is just being started has it too, for a moment, and would keep the lock.
    fn drop(&mut self) {
        let _ = self.lock.unlock();
    }
}

impl BoardFile {
    /// Takes the lock of the file at `path`; the file itself need not be there.
    pub(super) fn lock(path: &Path) -> Result<Self, BoardError> {
        let io = |source| BoardError::Io { path: path.to_owned(), source };
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(beside(path, ".lock"))
            .map_err(io)?;
        match lock.try_lock() {
            Ok(()) => Ok(BoardFile { path: path.to_owned(), lock }),
            Err(TryLockError::WouldBlock) => Err(BoardError::InUse { path: path.to_owned() }),
            Err(TryLockError::Error(e)) => Err(io(e)),
        }
    }

    /// What stands in it; `None` when there is no file yet.
    pub(super) fn load(&self) -> Result<Option<Stored>, BoardError> {
        let text = match std::fs::read(&self.path) {
            Ok(text) => text,
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(self.io(source)),
        };
        let stored: Stored = serde_json::from_slice(&text).map_err(|e| self.corrupt(e.to_string()))?;
        if stored.format != FORMAT {
            return Err(self.corrupt(format!("its format is {:?}", stored.format)));
        }
        Ok(Some(stored))
    }

    /// Replaces the file: whoever looks sees the old one or the new one, whole.
    pub(super) fn store(&self, stored: &Stored) -> Result<(), BoardError> {
        self.replace(stored).map_err(|source| self.io(source))
    }

    fn replace(&self, stored: &Stored) -> std::io::Result<()> {
        let new = beside(&self.path, ".new");
        let mut file = File::create(&new)?;
        serde_json::to_writer(&mut file, stored)?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        std::fs::rename(&new, &self.path)?;
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
    }

    fn io(&self, source: std::io::Error) -> BoardError {
        BoardError::Io { path: self.path.clone(), source }
    }

    /// The error for contents that do not fit.
    pub(super) fn corrupt(&self, what: String) -> BoardError {
        BoardError::Corrupt { path: self.path.clone(), what }
    }
}

/// A file next to another one.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

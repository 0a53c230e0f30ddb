//! Memory commands as transactions: CSW when it changes, TAR for each KiB, DRW, RDBUFF. [STL-6] [STL-20] [STL-24] [STL-26]
//! [STL-30]

use super::StLink;
use super::command::{Command, Memory};
use super::model::Ability;
use super::port::Done;
use super::status::Status;
use crate::bus::{Chip, Time};
use bytes::Bytes;
use regs::ap::{CSW, DRW, TAR, TAR_WRAP_BYTES, csw};
use wire::{Ack, Width};

/// Longest read in words and half-words, and longest write. [STL-26]
const LONGEST: u32 = 6144;
const LONGEST_WRITE: u32 = 0xFFFF;
/// Longest access in bytes, before and since V3J6.
const LONGEST_BYTES: u32 = 64;
const LONGEST_BYTES_V3: u32 = 512;
/// The firmware's own bits of CSW. [STL-20]
const OWN_CSW: u32 = csw::PROT_DATA | csw::PROT_PRIVILEGED | csw::MASTER_DEBUG;

/// What the last memory command came to, for GETLASTRWSTATUS and GETLASTRWSTATUS2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Last {
    pub(super) status: Status,
    /// Where it failed.
    pub(super) at: u32,
}

impl Last {
    pub(super) const OK: Last = Last { status: Status::OK, at: 0 };
}

/// How far a command has got.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Run {
    /// What was read.
    bytes: Vec<u8>,
    /// The next access.
    next: u32,
    /// A read was posted whose value has not been fetched.
    pub(super) posted: bool,
    /// TAR is right for the next access.
    aimed: bool,
}

/// A block that is being written. [STL-30]
#[derive(Debug)]
pub(super) struct Block {
    command: Command,
    memory: Memory,
    run: Run,
    /// The beginning of an element whose end has not come.
    rest: Vec<u8>,
    /// How it ended before its data did.
    failed: Option<Last>,
}

/// A command of a V3 that was answered WAIT, and what it had done until then. [STL-7]
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Waited {
    command: Command,
    run: Run,
}

impl<C: Chip> StLink<C> {
    /// Where this command starts: where it stopped, when a V3 was told to repeat the one that had to wait.
    pub(super) fn resume(&mut self, command: &Command) -> Run {
        self.repeated = self.waited.as_ref().is_some_and(|waited| waited.command == *command);
        let waited = self.waited.take().filter(|_| self.repeated);
        waited.map(|waited| waited.run).unwrap_or_default()
    }

    /// The status of a command that failed. A V3 remembers one that waited, and calls the second WAIT a FAULT. [STL-7]
    pub(super) fn stalled(&mut self, command: &Command, run: Run, status: Status) -> Status {
        if status != Status::of_ap(Ack::WAIT) || self.version.hardware != 3 {
            return status;
        }
        self.waited = Some(Waited { command: *command, run });
        if self.repeated { Status::AP_FAULT } else { status }
    }

    /// A memory command with what the host sent behind it; what goes back is as long as the host reads.
    pub(super) fn memory(&mut self, command: &Command, memory: Memory, data: &[u8]) -> Option<Bytes> {
        if memory.write {
            let now = self.lines.now;
            let mut block = self.begin_block(command, memory, now);
            self.write_on(&mut block, data, now);
            self.end_block(block);
            return None;
        }
        let memory = self.as_this_version_reads(memory);
        match self.check(&memory) {
            Ok(()) => Some(self.read(command, &memory)),
            Err(status) => {
                self.last = Last { status, at: memory.at };
                Some(self.padded(&memory, Vec::new()))
            }
        }
    }

    /// The access port and CSW came later than the command.
    fn as_this_version_reads(&self, mut memory: Memory) -> Memory {
        if !self.version.has(Ability::OpenAp) {
            memory.ap = 0;
        }
        if memory.csw == 0 || !self.version.has(Ability::Csw) {
            memory.csw = OWN_CSW;
        }
        memory
    }

    fn check(&self, memory: &Memory) -> Done<()> {
        let ability = match (memory.width, memory.increment, memory.write) {
            (Width::Half, ..) | (_, false, true) => Ability::Half,
            (_, false, false) => Ability::Csw,
            _ => Ability::Always,
        };
        let longest = match memory.width {
            Width::Byte if self.version.has(Ability::LongBytes) => LONGEST_BYTES_V3,
            Width::Byte => LONGEST_BYTES,
            _ if memory.write => LONGEST_WRITE,
            _ => LONGEST,
        };
        if !self.is_debugging() {
            return Err(Status::COMMAND_ERROR);
        }
        if !self.version.has(ability) {
            return Err(Status::UNKNOWN_COMMAND);
        }
        if !memory.is_aligned() {
            return Err(Status::ALIGNMENT);
        }
        if memory.len > longest {
            return Err(Status::COMMAND_ERROR);
        }
        self.usable(memory.ap.into()).map(drop)
    }

    /// One byte comes as two. [STL-1]
    fn padded(&self, memory: &Memory, mut bytes: Vec<u8>) -> Bytes {
        bytes.resize((memory.len as usize).max(2), 0);
        bytes.into()
    }

    /// Sets CSW unless it has the value.
    pub(super) fn shape(
        &mut self,
        ap: u8,
        protection: u32,
        width: Width,
        increment: bool,
    ) -> Result<(), Ack> {
        let size = match width {
            Width::Byte => csw::SIZE_8,
            Width::Half => csw::SIZE_16,
            Width::Word => csw::SIZE_32,
        };
        let step = if increment { csw::ADDR_INC_SINGLE } else { csw::ADDR_INC_OFF };
        let value = protection | size | step;
        if self.csw != Some((ap, value)) {
            self.csw = None;
            self.ap_write(ap, CSW, value)?;
            self.csw = Some((ap, value));
        }
        Ok(())
    }

    fn read(&mut self, command: &Command, memory: &Memory) -> Bytes {
        let mut run = self.resume(command);
        let result = self.read_on(memory, &mut run);
        let bytes = run.bytes.clone();
        self.last = match result {
            Ok(()) => Last::OK,
            Err(ack) => {
                let at = memory.address(run.bytes.len() as u32 / memory.width.bytes());
                self.failed(command, run, ack, at)
            }
        };
        self.padded(memory, bytes)
    }

    fn failed(&mut self, command: &Command, run: Run, ack: Ack, at: u32) -> Last {
        let why = self.why(ack);
        let status = self.stalled(command, run, why);
        if ack == Ack::FAULT {
            self.clear_sticky();
        }
        Last { status, at }
    }

    /// Every step leaves `run` as it was when it is refused, so it can be called again to go on.
    fn read_on(&mut self, memory: &Memory, run: &mut Run) -> Result<(), Ack> {
        self.shape(memory.ap, memory.csw, memory.width, memory.increment)?;
        while run.next < memory.count() {
            if !run.aimed {
                self.collect(memory, run)?;
            }
            self.aim(memory, run)?;
            let value = self.ap_read(memory.ap, DRW)?;
            if run.posted {
                keep(memory, run, value);
            }
            run.posted = true;
            self.passed(memory, run);
        }
        self.collect(memory, run)
    }

    /// Fetches the value of a posted read.
    fn collect(&mut self, memory: &Memory, run: &mut Run) -> Result<(), Ack> {
        if run.posted {
            let value = self.fetch()?;
            run.posted = false;
            keep(memory, run, value);
        }
        Ok(())
    }

    fn aim(&mut self, memory: &Memory, run: &mut Run) -> Result<(), Ack> {
        if !run.aimed {
            self.ap_write(memory.ap, TAR, memory.address(run.next))?;
            run.aimed = true;
        }
        Ok(())
    }

    /// Access `run.next` was made: TAR holds for the one behind it unless a new KiB begins there.
    fn passed(&self, memory: &Memory, run: &mut Run) {
        run.next += 1;
        let wraps = memory.address(run.next).is_multiple_of(TAR_WRAP_BYTES);
        run.aimed = !(memory.increment && wraps) || self.knobs.one_tar;
    }

    /// A write begins: its command came at `start`, its data is to come. What cannot be written is taken all the same.
    pub(super) fn begin_block(&mut self, command: &Command, memory: Memory, start: Time) -> Block {
        self.lines.now = self.lines.now.max(start);
        let memory = self.as_this_version_reads(memory);
        let (run, rest) = (Run::default(), Vec::new());
        let mut block = Block { command: *command, memory, run, rest, failed: None };
        if let Err(status) = self.check(&memory) {
            block.failed = Some(Last { status, at: memory.at });
            return block;
        }
        let _ = self.resume(command); // a repeated write starts anew [STL-6]
        if let Err(ack) = self.shape(memory.ap, memory.csw, memory.width, memory.increment) {
            self.block_failed(&mut block, ack);
        }
        block
    }

    /// Writes data that came at `start`. Behind an element that failed it comes to nothing.
    pub(super) fn write_on(&mut self, block: &mut Block, data: &[u8], start: Time) {
        if block.failed.is_some() {
            return;
        }
        self.lines.now = self.lines.now.max(start);
        let width = block.memory.width.bytes() as usize;
        block.rest.extend_from_slice(data);
        let came = std::mem::take(&mut block.rest);
        let elements = came.chunks_exact(width);
        block.rest.extend_from_slice(elements.remainder());
        for element in elements {
            if let Err(ack) = self.write_element(&block.memory, element, &mut block.run) {
                return self.block_failed(block, ack);
            }
        }
    }

    /// The last byte has come: looks what became of the last element.
    pub(super) fn end_block(&mut self, block: Block) {
        self.last = block.failed.unwrap_or_else(|| self.written(&block));
    }

    fn written(&mut self, block: &Block) -> Last {
        let Err(status) = self.check_write() else { return Last::OK };
        let status = self.stalled(&block.command, Run::default(), status);
        if status != Status::of_ap(Ack::WAIT) {
            self.clear_sticky();
        }
        Last { status, at: block.memory.address(block.run.next.saturating_sub(1)) }
    }

    fn block_failed(&mut self, block: &mut Block, ack: Ack) {
        // A refusal with FAULT is about the access before.
        let at = block.memory.address(block.run.next.saturating_sub(u32::from(ack == Ack::FAULT)));
        block.failed = Some(self.failed(&block.command, Run::default(), ack, at));
    }

    fn write_element(&mut self, memory: &Memory, element: &[u8], run: &mut Run) -> Result<(), Ack> {
        self.aim(memory, run)?;
        let value = element.iter().rev().fold(0_u32, |value, byte| value << 8 | u32::from(*byte));
        let lane = 8 * (memory.address(run.next) & 3);
        self.ap_write(memory.ap, DRW, value << lane)?;
        self.passed(memory, run);
        Ok(())
    }

    /// One word, as debug commands and RW_MISC read it.
    pub(super) fn read_word(&mut self, ap: u8, at: u32) -> Done {
        self.word(ap, at, None).map_err(|ack| self.broken(ack))
    }

    /// One word, as they write it; its error shows at once when the bus has come that far.
    pub(super) fn write_word(&mut self, ap: u8, at: u32, value: u32) -> Done<()> {
        self.word(ap, at, Some(value)).map_err(|ack| self.broken(ack))?;
        self.check_write().inspect_err(|_| self.clear_sticky())
    }

    fn word(&mut self, ap: u8, at: u32, write: Option<u32>) -> Result<u32, Ack> {
        self.waited = None;
        self.shape(ap, OWN_CSW, Width::Word, true)?;
        self.ap_write(ap, TAR, at)?;
        match write {
            Some(value) => self.ap_write(ap, DRW, value).map(|()| 0),
            None => self.ap_read(ap, DRW).and_then(|_| self.fetch()),
        }
    }

    fn broken(&mut self, ack: Ack) -> Status {
        let status = self.why(ack);
        if ack == Ack::FAULT {
            self.clear_sticky();
        }
        status
    }
}

/// Takes the value of the oldest access that has not been taken, out of its byte lane.
fn keep(memory: &Memory, run: &mut Run, value: u32) {
    let width = memory.width.bytes();
    let at = memory.address(run.bytes.len() as u32 / width);
    let bytes = (value >> (8 * (at & 3))).to_le_bytes();
    run.bytes.extend(bytes.iter().take(width as usize));
}

//! A command as it lies in its 16 bytes, and how much data follows it. [STL-1] [STL-6] [STL-9]

use wire::Width;

/// Length of a command.
pub(super) const LENGTH: usize = 16;
/// The class of debug commands.
pub(super) const DEBUG: u8 = 0xF2;
/// A command of RW_MISC with more items than this has no data phase worth waiting for.
const MISC_MOST: usize = 0x2000;

/// Sixteen bytes, short ones filled with zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Command([u8; LENGTH]);

impl Command {
    /// The command in these bytes; what is beyond the sixteenth is no part of it.
    pub(super) fn new(bytes: &[u8]) -> Command {
        let mut command = [0; LENGTH];
        command.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        Command(command)
    }

    pub(super) fn byte(&self, at: usize) -> u8 {
        self.0.get(at).copied().unwrap_or_default()
    }

    pub(super) fn half(&self, at: usize) -> u16 {
        u16::from_le_bytes([self.byte(at), self.byte(at + 1)])
    }

    pub(super) fn word(&self, at: usize) -> u32 {
        u32::from_le_bytes([self.byte(at), self.byte(at + 1), self.byte(at + 2), self.byte(at + 3)])
    }

    /// Bytes that the host will send behind it.
    pub(super) fn payload(&self) -> usize {
        match (self.byte(0), self.byte(1)) {
            (DEBUG, 0x51) => misc_bytes(self.word(2) as usize),
            (DEBUG, _) => self.memory().filter(|m| m.write).map_or(0, |m| m.len as usize),
            _ => 0,
        }
    }

    /// The memory command that it is, if it is one.
    pub(super) fn memory(&self) -> Option<Memory> {
        let (write, width, increment) = match (self.byte(0), self.byte(1)) {
            (DEBUG, 0x07) => (false, Width::Word, true),
            (DEBUG, 0x08) => (true, Width::Word, true),
            (DEBUG, 0x47) => (false, Width::Half, true),
            (DEBUG, 0x48) => (true, Width::Half, true),
            (DEBUG, 0x0C) => (false, Width::Byte, true),
            (DEBUG, 0x0D) => (true, Width::Byte, true),
            (DEBUG, 0x54) => (false, Width::Word, false),
            (DEBUG, 0x50) => (true, Width::Word, false),
            _ => return None,
        };
        let csw = self.word(8) & 0xFFFF_FF00;
        Some(Memory {
            write,
            width,
            increment,
            at: self.word(2),
            len: self.half(6).into(),
            ap: self.byte(8),
            csw,
        })
    }
}

/// Bytes of the data phase of this many items: one op each, padded to a word, then one word each.
pub(super) fn misc_bytes(items: usize) -> usize {
    let items = items.min(MISC_MOST);
    items.next_multiple_of(4) + 4 * items
}

/// A memory command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Memory {
    pub(super) write: bool,
    pub(super) width: Width,
    /// TAR moves on; otherwise every access is to the same address.
    pub(super) increment: bool,
    pub(super) at: u32,
    /// In bytes.
    pub(super) len: u32,
    pub(super) ap: u8,
    /// CSW 31:8 in place; 0 for the firmware's own.
    pub(super) csw: u32,
}

impl Memory {
    /// How many accesses it is.
    pub(super) fn count(&self) -> u32 {
        self.len / self.width.bytes()
    }

    /// The address of access `n`.
    pub(super) fn address(&self, n: u32) -> u32 {
        let offset = if self.increment { n.wrapping_mul(self.width.bytes()) } else { 0 };
        self.at.wrapping_add(offset)
    }

    /// Whether address and length fit the width.
    pub(super) fn is_aligned(&self) -> bool {
        (self.at | self.len) & (self.width.bytes() - 1) == 0
    }
}

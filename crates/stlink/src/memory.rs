//! Memory commands: one block of equal accesses at consecutive addresses, or at one. [STL-6]

use wire::{Addr, Width};

/// What a memory command does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MemoryOp {
    /// `true` for a write.
    pub write: bool,
    /// Width of each access.
    pub width: Width,
    /// The address moves on after each access. Only words can do without.
    pub increment: bool,
}

/// The second byte of each command.
const OPS: [(u8, MemoryOp); 8] = [
    (0x07, op(false, Width::Word, true)),
    (0x08, op(true, Width::Word, true)),
    (0x47, op(false, Width::Half, true)),
    (0x48, op(true, Width::Half, true)),
    (0x0C, op(false, Width::Byte, true)),
    (0x0D, op(true, Width::Byte, true)),
    (0x54, op(false, Width::Word, false)),
    (0x50, op(true, Width::Word, false)),
];

const fn op(write: bool, width: Width, increment: bool) -> MemoryOp {
    MemoryOp { write, width, increment }
}

impl MemoryOp {
    /// Reads at consecutive addresses.
    pub const fn read(width: Width) -> Self {
        op(false, width, true)
    }

    /// Writes at consecutive addresses.
    pub const fn write(width: Width) -> Self {
        op(true, width, true)
    }

    /// Its number. Narrow accesses without increment do not exist and have none.
    pub(crate) fn code(self) -> Option<u8> {
        OPS.iter().find(|(_, op)| *op == self).map(|(code, _)| *code)
    }

    pub(crate) fn from_code(code: u8) -> Option<Self> {
        OPS.iter().find(|(known, _)| *known == code).map(|(_, op)| *op)
    }

    /// What it is called.
    pub const fn name(self) -> &'static str {
        match (self.write, self.width, self.increment) {
            (false, Width::Word, true) => "READMEM_32BIT",
            (true, Width::Word, true) => "WRITEMEM_32BIT",
            (false, Width::Half, _) => "READMEM_16BIT",
            (true, Width::Half, _) => "WRITEMEM_16BIT",
            (false, Width::Byte, _) => "READMEM_8BIT",
            (true, Width::Byte, _) => "WRITEMEM_8BIT",
            (false, Width::Word, false) => "READMEM_32BIT_NO_ADDR_INC",
            (true, Width::Word, false) => "WRITEMEM_32BIT_NO_ADDR_INC",
        }
    }
}

/// A memory command. A write is followed by `len` bytes to the probe, a read by the same from it (two where one was asked
/// for).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Memory {
    /// What it does.
    pub op: MemoryOp,
    /// The first address.
    pub at: Addr,
    /// How many bytes.
    pub len: u16,
    /// The access port.
    pub ap: u8,
    /// CSW bits 31:8 in place; 0 lets the firmware choose. The low byte is the firmware's business and not sent.
    pub csw: u32,
}

impl Memory {
    /// The largest block of words and half-words, in bytes.
    pub const MOST: u16 = 6144;
    /// The same for a write: as many whole KiB as a 16-bit length can say, so that TAR is written once for each. [STL-26]
    pub const MOST_WRITE: u16 = 0xFC00;
    /// The largest block of bytes.
    pub const MOST_8BIT: u16 = 64;
    /// The same for a V3 from J6 on.
    pub const MOST_8BIT_V3: u16 = 512;

    /// Bytes that a read answers.
    pub const fn answer_len(&self) -> usize {
        if self.len == 1 { 2 } else { self.len as usize }
    }
}

//! What is known of one access port: CSW and TAR.

use crate::event::Missing;
use regs::ap as mem_ap;
use wire::{Addr, Certainty, Width};

/// One value on the bus: packed transfers carry several in one word.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lane {
    pub(super) at: Addr,
    pub(super) width: Width,
}

impl Default for Lane {
    fn default() -> Self {
        Lane { at: Addr(0), width: Width::Word }
    }
}

/// The addresses that one access to DRW or BDx reaches; at most four.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lanes {
    all: [Lane; 4],
    count: usize,
}

impl Lanes {
    pub(super) fn iter(&self) -> impl Iterator<Item = &Lane> {
        self.all.iter().take(self.count)
    }

    pub(super) fn first(&self) -> Option<&Lane> {
        self.iter().next()
    }
}

/// Where an access goes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) lanes: Lanes,
    next: Next,
    /// How sure it is.
    pub(super) certainty: Certainty,
}

/// TAR after an access.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// As it was.
    Same,
    /// Moved on; whether that crossed the end of the guaranteed range.
    Moved(u32, bool),
    /// Nobody knows.
    Unknown,
}

/// What is known of one access port.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Ap {
    csw: Option<u32>,
    tar: Option<u32>,
    /// TAR went past the range in which auto-increment is guaranteed; real ports differ there.
    wrapped: bool,
    /// TAR, and CSW, were written while SELECT was not known.
    tar_assumed: bool,
    csw_assumed: bool,
}

/// The number of the access port that SELECT holds.
pub(super) fn apsel(select: u32) -> u8 {
    let [_, _, _, number] = select.to_le_bytes();
    number
}

/// The low four bits.
pub(super) fn low4(value: u32) -> u8 {
    let [low, ..] = value.to_le_bytes();
    low & 0xF
}

/// The part of a 32-bit data register that an access of this width at this address uses.
pub(super) fn lane(word: u32, at: Addr, width: Width) -> u32 {
    let shift = match width {
        Width::Byte => (at.0 & 3) * 8,
        Width::Half => (at.0 & 2) * 8,
        Width::Word => 0,
    };
    word >> shift & width.mask()
}

/// TAR after `bytes` more, wrapping where auto-increment is no longer guaranteed. [ADI-7]
fn advance(tar: u32, bytes: u32) -> (u32, bool) {
    let low = mem_ap::TAR_WRAP_BYTES - 1;
    let next = tar & !low | tar.wrapping_add(bytes) & low;
    (next, next < tar)
}

/// The bytes that the direct access registers of ADIv6 reach, and the banks that stand for them. [ADI-15]
const DIRECT: u32 = 0x400;
const DIRECT_BANKS: std::ops::Range<u8> = 0x10..0x50;

impl Ap {
    /// Where an access to this register goes. `None` when it is no data register. What is not known of CSW may be `assumed`
    /// to be as usual: words.
    pub(super) fn place(&self, bank: u8, a: u8, assumed: bool) -> Option<Result<Place, Missing>> {
        if DIRECT_BANKS.contains(&bank) {
            // Without TAR it is no MEM-AP, as far as is known.
            let offset = u32::from(bank - DIRECT_BANKS.start) << 4 | u32::from(a & 0xC);
            return self.tar.map(|tar| Ok(self.word(tar & !(DIRECT - 1) | offset)));
        }
        if bank > 0xF {
            return None;
        }
        let offset = bank << 4 | a & 0xC;
        match offset {
            mem_ap::DRW => Some(self.drw(assumed)),
            mem_ap::BD0 | mem_ap::BD1 | mem_ap::BD2 | mem_ap::BD3 => Some(self.banked(offset - mem_ap::BD0)),
            _ => None,
        }
    }

    /// A word that TAR stays away from.
    fn word(&self, at: u32) -> Place {
        let lane = Lane { at: Addr(at), width: Width::Word };
        Place { lanes: Lanes { all: [lane; 4], count: 1 }, next: Next::Same, certainty: self.certainty() }
    }

    /// How sure TAR is.
    fn certainty(&self) -> Certainty {
        match (self.tar_assumed, self.wrapped) {
            (true, _) => Certainty::Assumed,
            (false, true) => Certainty::Inferred,
            (false, false) => Certainty::Explicit,
        }
    }

    fn banked(&self, offset: u8) -> Result<Place, Missing> {
        let tar = self.tar.ok_or(Missing::Tar)?;
        Ok(self.word(tar & !0xF | u32::from(offset)))
    }

    /// The first access behind a write of TAR goes there, whatever CSW says; where the next one goes nobody knows.
    fn usual(&self) -> Result<Place, Missing> {
        let tar = self.tar.ok_or(Missing::Tar)?;
        if tar % 4 != 0 {
            return Err(Missing::Csw);
        }
        Ok(Place { next: Next::Unknown, certainty: Certainty::Assumed, ..self.word(tar) })
    }

    fn drw(&self, assumed: bool) -> Result<Place, Missing> {
        let csw = match self.csw {
            None if assumed => return self.usual(),
            csw => csw.ok_or(Missing::Csw)?,
        };
        let tar = self.tar.ok_or(Missing::Tar)?;
        let width = match csw & mem_ap::csw::SIZE {
            mem_ap::csw::SIZE_8 => Width::Byte,
            mem_ap::csw::SIZE_16 => Width::Half,
            mem_ap::csw::SIZE_32 => Width::Word,
            // Wider transfers take several accesses to DRW; no STM32 has them.
            _ => return Err(Missing::Csw),
        };
        let mut all = [Lane { at: Addr(tar), width }; 4];
        let mut count = 1;
        let next = match csw & mem_ap::csw::ADDR_INC {
            mem_ap::csw::ADDR_INC_SINGLE => {
                let (next, wrapped) = advance(tar, width.bytes());
                Next::Moved(next, wrapped)
            }
            mem_ap::csw::ADDR_INC_PACKED => {
                let mut at = tar;
                count = 0;
                for lane in all.iter_mut().take(4 / usize::try_from(width.bytes()).unwrap_or(4)) {
                    lane.at = Addr(at);
                    at = advance(at, width.bytes()).0;
                    count += 1;
                }
                Next::Moved(at, at < tar)
            }
            _ => Next::Same,
        };
        let csw = if self.csw_assumed { Certainty::Assumed } else { Certainty::Explicit };
        Ok(Place { lanes: Lanes { all, count }, next, certainty: self.certainty().max(csw) })
    }

    /// An access was performed.
    pub(super) fn advance(&mut self, place: &Place) {
        match place.next {
            Next::Same => {}
            Next::Moved(tar, wrapped) => {
                self.tar = Some(tar);
                self.wrapped |= wrapped;
            }
            Next::Unknown => self.tar = None,
        }
    }

    /// A register was written; `None` when the value is not known. Which one it is may be `assumed`.
    pub(super) fn set(&mut self, offset: u8, value: Option<u32>, assumed: bool) {
        match offset {
            mem_ap::CSW => (self.csw, self.csw_assumed) = (value, assumed),
            mem_ap::TAR => (self.tar, self.wrapped, self.tar_assumed) = (value, false, assumed),
            // An access to data at an address that is not known moves TAR.
            mem_ap::DRW => self.forget_tar_if_it_moves(),
            _ => {}
        }
    }

    /// Whether a register is known to hold this value already.
    pub(super) fn holds(&self, offset: u8, value: u32) -> bool {
        match offset {
            mem_ap::CSW => self.csw == Some(value),
            mem_ap::TAR => self.tar == Some(value),
            _ => false,
        }
    }

    /// A register was read.
    pub(super) fn learn(&mut self, offset: u8, value: u32, assumed: bool) {
        if matches!(offset, mem_ap::CSW | mem_ap::TAR) {
            self.set(offset, Some(value), assumed);
        }
    }

    pub(super) fn forget_tar(&mut self) {
        self.tar = None;
    }

    pub(super) fn forget_tar_moved_by(&mut self, place: &Place) {
        if place.next != Next::Same {
            self.tar = None;
        }
    }

    /// An access to DRW of which nobody knows how often, or whether, it was performed.
    pub(super) fn forget_tar_if_it_moves(&mut self) {
        if self.csw.is_none_or(|csw| csw & mem_ap::csw::ADDR_INC != mem_ap::csw::ADDR_INC_OFF) {
            self.tar = None;
        }
    }
}

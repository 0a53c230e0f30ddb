//! SBS: protection level, debug control, the command word for the ROM. [H5-SBS-1] [H5-OBK-5] [H5-OBK-9]

use regs::h5::device::Family;
use regs::h5::sbs::{
    self as s, DBGCR, DBGLOCKR, EPOCHSELCR, HDPLCR, HDPLSR, Hdpl, MESR, NEXTHDPLCR, RSSCMDR, dbgcr, dbglockr,
    hdplcr, mesr, rsscmdr,
};

/// The registers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sbs {
    level: u8,
    next: u8,
    dbgcr: u32,
    debug_locked: bool,
    epoch: u32,
    /// The command for the ROM; survives a system reset.
    pub(crate) command: u16,
}

impl Sbs {
    /// A system reset: level 0, everything else but the command gone.
    pub(crate) fn reset(&mut self) {
        *self = Sbs { command: self.command, ..Sbs::default() };
    }

    /// The ROM goes up to a level before it starts other code.
    pub(crate) fn raise(&mut self, level: u8) {
        self.level = self.level.max(level.min(3));
    }

    /// The level.
    pub(crate) fn level(&self) -> u8 {
        self.level
    }

    /// DBGCR that opens debug from a level on, as the ROM writes it for a token. [H5-DA-18]
    pub(crate) fn debug_from(level: u8, secure: bool) -> u32 {
        let sec = if secure { dbgcr::SEC_AND_NS } else { dbgcr::NS_ONLY };
        let level = Hdpl::ALL[usize::from(level.min(3))].code();
        sec << 24 | level << 16 | dbgcr::UNLOCKED << 8 | dbgcr::UNLOCKED
    }

    /// Puts a value into DBGCR, and it stays: code cannot change it any more.
    pub(crate) fn set_debug(&mut self, value: u32) {
        self.dbgcr = value;
        self.debug_locked = true;
    }

    /// DBGCR.
    pub(crate) fn debug(&self) -> u32 {
        self.dbgcr
    }

    /// DBGCR opens debug at the level at which the code is. [H5-SBS-1]
    pub(crate) fn debug_open(&self) -> bool {
        let [ap, dbg, level, _] = self.dbgcr.to_le_bytes().map(u32::from);
        let from = Hdpl::ALL.iter().position(|known| known.code() == level);
        [ap, dbg] == [dbgcr::UNLOCKED; 2] && from.is_some_and(|from| from <= usize::from(self.level))
    }

    /// What is open by DBGCR is open for secure accesses too.
    pub(crate) fn debug_secure(&self) -> bool {
        self.debug_open() && self.dbgcr >> 24 == dbgcr::SEC_AND_NS
    }

    /// The level that counts for OBK.
    pub(crate) fn obk_level(&self) -> u8 {
        (self.level + self.next).min(3)
    }

    /// Reads a register by its offset.
    pub(crate) fn read(&self, offset: u32, family: Family) -> u32 {
        if is_missing(offset, family) {
            return 0;
        }
        match offset {
            HDPLCR => hdplcr::RESET,
            HDPLSR => Hdpl::ALL[usize::from(self.level)].code(),
            NEXTHDPLCR => u32::from(self.next),
            DBGCR => self.dbgcr,
            DBGLOCKR if self.debug_locked => dbglockr::LOCKED,
            DBGLOCKR => dbglockr::UNLOCKED,
            RSSCMDR => u32::from(self.command),
            EPOCHSELCR => self.epoch,
            MESR => mesr::MCLR | mesr::IPMEE,
            _ => 0,
        }
    }

    /// Writes a register by its offset.
    pub(crate) fn write(&mut self, offset: u32, value: u32, family: Family) {
        if is_missing(offset, family) {
            return;
        }
        match offset {
            HDPLCR if value & 0xFF == hdplcr::INCREMENT => self.level = (self.level + 1).min(3),
            NEXTHDPLCR => self.next = (value & 0b11) as u8,
            DBGCR if !self.debug_locked => self.dbgcr = value,
            DBGLOCKR => self.debug_locked |= value & 0xFF == dbglockr::LOCK,
            RSSCMDR => self.command = (value & rsscmdr::RSSCMD) as u16,
            EPOCHSELCR => self.epoch = value & 0b11,
            _ => {}
        }
    }
}

fn is_missing(offset: u32, family: Family) -> bool {
    family == Family::H503 && matches!(offset, NEXTHDPLCR | RSSCMDR | EPOCHSELCR | s::SECCFGR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_level_goes_up_by_its_key_and_never_down() {
        let mut sbs = Sbs::default();
        let level = |sbs: &Sbs| sbs.read(HDPLSR, Family::H562);
        assert_eq!(level(&sbs), 0xB4);
        sbs.write(HDPLCR, 0xB4, Family::H562);
        assert_eq!(level(&sbs), 0xB4);
        for code in [0x51, 0x8A, 0x6F, 0x6F] {
            sbs.write(HDPLCR, 0x6A, Family::H562);
            assert_eq!(level(&sbs), code);
        }
    }

    #[test]
    fn the_level_for_obk_adds_the_next_level() {
        let mut sbs = Sbs::default();
        sbs.raise(1);
        sbs.write(NEXTHDPLCR, 1, Family::H562);
        assert_eq!(sbs.obk_level(), 2);
    }

    #[test]
    fn the_command_survives_a_reset() {
        let mut sbs = Sbs::default();
        sbs.raise(2);
        sbs.write(RSSCMDR, 0x83, Family::H562);
        sbs.reset();
        assert_eq!(sbs.read(RSSCMDR, Family::H562), 0x83);
        assert_eq!(sbs.read(HDPLSR, Family::H562), 0xB4);
        assert_eq!(sbs.read(RSSCMDR, Family::H503), 0);
    }
}

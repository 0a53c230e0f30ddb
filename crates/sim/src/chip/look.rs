//! Looking into the chip from outside: what its memories hold, whoever may read them on its buses.

use super::{H5, Sram};
use regs::h5::memory;
use wire::Width;

impl H5 {
    /// The byte that SRAM or flash holds at this address, through any of its aliases. Flash slots whose error
    /// correction code does not fit show their raw bytes.
    pub(crate) fn look(&self, at: u32) -> Option<u8> {
        let map = self.flash.nv.family.device().map;
        let at = memory::non_secure(at);
        let code_bus = memory::SRAM_CODE_BUS..memory::SRAM_CODE_BUS + map.sram_len();
        let at = if code_bus.contains(&at) { at - memory::SRAM_CODE_BUS + memory::SRAM1 } else { at };
        if Sram::covers(map, at) {
            // Lossless: one byte.
            return Some(self.sram.read(at, Width::Byte) as u8);
        }
        let offset = at.checked_sub(memory::FLASH).filter(|offset| *offset < self.flash.nv.array.len())?;
        Some(self.flash.nv.array.raw(self.flash.physical(offset)))
    }
}

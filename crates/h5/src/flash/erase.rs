//! Erasing, sector by sector. [H5-FLASH-4]

use super::FlashRange;
use super::range::{Sector, sectors};
use crate::lock::Lock;
use crate::{Doing, Flags, H5Error, Part, Progress};
use pace::Site;
use regs::h5::flash::{self, SECTOR, cr, optcr};
use std::time::Duration;
use wire::{Flow, MemOp};

/// What an erase did.
#[derive(Debug, Clone)]
pub struct EraseReport {
    /// Sectors erased.
    pub sectors: u32,
    /// Error flags that an earlier operation had left.
    pub stale: Option<Flags>,
    /// How long it took.
    pub elapsed: Duration,
}

impl Part<'_> {
    /// Erases whole sectors.
    ///
    /// # Errors
    /// [`H5Error::BadRange`] before anything is written; [`H5Error::FlashFlags`] with the sector's address;
    /// [`H5Error::TargetBusy`]; [`H5Error::LockedUntilReset`]; [`H5Error::Adi`].
    pub fn erase(
        &mut self,
        range: &FlashRange,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<EraseReport, H5Error> {
        let all = sectors(range, self.flash_len())?;
        let clock = self.adi.clock().clone();
        let start = clock.now();
        let stale = self.make_ready(Site::FlashErase, "before an erase")?;
        self.with_unlocked(&[Lock::Flash], |part| {
            for (done, sector) in (1u32..).zip(&all) {
                part.erase_sector(sector)?;
                progress(Progress { doing: Doing::Erase, done: done * SECTOR, total: range.len });
            }
            Ok(())
        })?;
        let elapsed = clock.now().saturating_sub(start);
        Ok(EraseReport { sectors: range.len / SECTOR, stale, elapsed })
    }

    /// Erases one sector. The flash must be idle and unlocked.
    pub(crate) fn erase_sector(&mut self, sector: &Sector) -> Result<(), H5Error> {
        // BKSEL means the physical bank whatever SWAP_BANK says, and addresses mean the swapped one.
        let swapped = self.read_reg(self.reg(flash::OPTCR))? & optcr::SWAP_BANK != 0;
        let second = (sector.bank == 1) != swapped;
        let command = cr::SER | (sector.number << cr::SNB_SHIFT) | if second { cr::BKSEL } else { 0 };
        let ops = vec![
            MemOp::write(self.cr(), command),
            MemOp::write(self.cr(), command | cr::STRT),
            // The first look after a start may come too early to see BSY; it does not count.
            MemOp::read(self.sr()),
        ];
        self.run(Flow::Lockstep, ops)?;
        let doing = "sector erase";
        let status = self.wait_done(self.sr(), (self.cr(), cr::STRT), Site::FlashErase, doing)?;
        self.check(status, doing, Some(sector.at))
    }
}

//! Erasing, sector by sector. [H5-FLASH-4]

use super::FlashRange;
use super::range::{Sector, sectors};
use crate::lock::Lock;
use crate::{Doing, Flags, H5Error, Part, Progress};
use adi::AdiError;
use pace::Site;
use regs::h5::flash::{self, SECTOR, cr, optcr, sr};
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
            let swapped = part.banks_swapped()?;
            for (done, sector) in (1u32..).zip(&all) {
                part.erase_sector(sector, swapped)?;
                progress(Progress { doing: Doing::Erase, done: done * SECTOR, total: range.len });
            }
            Ok(())
        })?;
        let elapsed = clock.now().saturating_sub(start);
        Ok(EraseReport { sectors: range.len / SECTOR, stale, elapsed })
    }

    /// The banks have changed places: BKSEL means the physical one, and addresses mean the swapped one.
    pub(crate) fn banks_swapped(&mut self) -> Result<bool, H5Error> {
        Ok(self.read_reg(self.reg(flash::OPTCR))? & optcr::SWAP_BANK != 0)
    }

    /// Erases one sector. The flash must be idle and unlocked. The probe waits for the end by itself where it can.
    pub(crate) fn erase_sector(&mut self, sector: &Sector, swapped: bool) -> Result<(), H5Error> {
        let second = (sector.bank == 1) != swapped;
        let command = cr::SER | (sector.number << cr::SNB_SHIFT) | if second { cr::BKSEL } else { 0 };
        let mut ops = vec![
            MemOp::write(self.cr(), command),
            MemOp::write(self.cr(), command | cr::STRT),
            // The first look after a start may come too early to see BSY; it does not count.
            MemOp::read(self.sr()),
        ];
        if self.adi.caps().value_match {
            ops.push(MemOp::WaitUntil { at: self.sr(), mask: sr::BUSY, value: 0 });
        }
        ops.extend([MemOp::read(self.sr()), MemOp::read(self.cr())]);
        let seen = match self.run(Flow::Lockstep, ops) {
            Ok(values) => values,
            // The probe was patient for as long as it can be; the host goes on.
            Err(H5Error::Adi(AdiError::MatchSpent { .. })) => Vec::new(),
            Err(e) => return Err(e),
        };
        let doing = "sector erase";
        let status = match seen.as_slice() {
            [_, status, control] if status & sr::BUSY == 0 && control & cr::STRT == 0 => *status,
            _ => self.wait_done(self.sr(), (self.cr(), cr::STRT), Site::FlashErase, doing)?,
        };
        self.check(status, doing, Some(sector.at))
    }
}

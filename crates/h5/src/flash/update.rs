//! From what flash holds to what it shall hold, sector by sector: what fits already is left alone.

use super::{Fallback, FlashPace, FlashRange};
use crate::{Doing, H5Error, Part, Progress};
use regs::h5::flash::SECTOR;
use regs::h5::memory::FLASH;
use std::time::Duration;
use wire::Addr;

/// Bytes compared at first: a sector that differs mostly differs at once.
const GLANCE: usize = 32;
/// Bytes read in one go when looking for what is not erased.
const BLOCK: u32 = 8 * SECTOR;

/// What an update did.
#[derive(Debug, Clone)]
pub struct UpdateReport {
    /// Sectors that were looked at.
    pub sectors: usize,
    /// Those of them that held their data already and were left alone.
    pub kept: usize,
    /// Bytes programmed.
    pub bytes: usize,
    /// The pace at the end.
    pub pace: FlashPace,
    /// Each time a slower pace was taken.
    pub fallbacks: Vec<Fallback>,
    /// How long comparing took.
    pub comparing: Duration,
    /// How long erasing and programming took, each sector read back.
    pub writing: Duration,
}

impl Part<'_> {
    /// Whether flash holds this data: a glance first, then all of it. [H5-FLASH-11]
    ///
    /// # Errors
    /// [`H5Error::Adi`].
    pub fn holds(&mut self, at: Addr, data: &[u8]) -> Result<bool, H5Error> {
        let glance = data.get(..GLANCE).unwrap_or(data);
        Ok(self.matches(at, glance)? && self.matches(at, data)?)
    }

    /// Brings sectors to what they shall hold: those that hold it are left alone, the others are erased, programmed and read
    /// back. A piece stands for its whole sector: what else was in that sector is erased.
    ///
    /// # Errors
    /// As [`Part::erase`] and [`Part::program_verified`].
    pub fn update(
        &mut self,
        pieces: &[(Addr, &[u8])],
        pace: FlashPace,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<UpdateReport, H5Error> {
        let clock = self.adi.clock().clone();
        let began = clock.now();
        let total = pieces.iter().map(|(_, data)| len(data)).sum();
        let mut done = 0;
        let mut wanted = Vec::new();
        for piece in pieces {
            if !self.holds(piece.0, piece.1)? {
                wanted.push(*piece);
            }
            done += len(piece.1);
            progress(Progress { doing: Doing::Compare, done, total });
        }
        let compared = clock.now();
        let (pace, fallbacks) = self.rewrite(&wanted, pace, progress)?;
        Ok(UpdateReport {
            sectors: pieces.len(),
            kept: pieces.len() - wanted.len(),
            bytes: wanted.iter().map(|(_, data)| data.len()).sum(),
            pace,
            fallbacks,
            comparing: compared.saturating_sub(began),
            writing: clock.now().saturating_sub(compared),
        })
    }

    /// Erases the sectors of these pieces, programs them and reads them back. The answer is the pace at the end and each step
    /// to a slower one.
    ///
    /// # Errors
    /// As [`Part::update`].
    pub fn rewrite(
        &mut self,
        pieces: &[(Addr, &[u8])],
        mut pace: FlashPace,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(FlashPace, Vec<Fallback>), H5Error> {
        let mut fallbacks = Vec::new();
        for (at, data) in runs(pieces) {
            self.erase(&FlashRange::covering(at, len(&data)), progress)?;
            let report = self.program_verified(at, &data, pace, progress)?;
            fallbacks.extend(report.fallbacks);
            pace = report.pace;
        }
        Ok((pace, fallbacks))
    }

    /// A range, if it lies in this part's flash.
    ///
    /// # Errors
    /// [`H5Error::BadRange`].
    pub fn flash_range(&self, range: FlashRange) -> Result<FlashRange, H5Error> {
        super::range::inside(&range, self.flash_len())?;
        Ok(range)
    }

    /// All of the part's flash.
    ///
    /// # Errors
    /// [`H5Error::Unsupported`] where the part does not say how much it has.
    pub fn whole_flash(&self) -> Result<FlashRange, H5Error> {
        match self.flash_len() {
            0 => Err(H5Error::Unsupported(
                "the part does not say how much flash it has, so nobody can say what all of it is".to_owned(),
            )),
            len => Ok(FlashRange { at: Addr(FLASH), len }),
        }
    }

    /// The first address of a range that does not read as erased.
    ///
    /// # Errors
    /// [`H5Error::BadRange`], [`H5Error::Adi`].
    pub fn first_not_erased(
        &mut self,
        range: &FlashRange,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Option<Addr>, H5Error> {
        super::range::inside(range, self.flash_len())?;
        let mut done = 0;
        while done < range.len {
            let at = range.at.plus(done);
            let count = BLOCK.min(range.len - done);
            let block = self.read(at, count as usize)?;
            if let Some(offset) = block.iter().position(|b| *b != 0xFF) {
                return Ok(Some(at.plus(u32::try_from(offset).unwrap_or(0))));
            }
            done += count;
            progress(Progress { doing: Doing::Read, done, total: range.len });
        }
        Ok(None)
    }
}

/// Pieces that follow each other without a gap are one run.
fn runs(pieces: &[(Addr, &[u8])]) -> Vec<(Addr, Vec<u8>)> {
    let mut runs: Vec<(Addr, Vec<u8>)> = Vec::new();
    for (at, piece) in pieces {
        match runs.last_mut() {
            Some((start, data)) if start.0.checked_add(len(data)) == Some(at.0) => data.extend(*piece),
            _ => runs.push((*at, piece.to_vec())),
        }
    }
    runs
}

fn len(data: &[u8]) -> u32 {
    u32::try_from(data.len()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_without_a_gap_become_one_run() {
        let (a, b, c) = ([1; 4], [2; 4], [3; 4]);
        let found = runs(&[(Addr(0x10), &a), (Addr(0x14), &b), (Addr(0x20), &c)]);
        assert_eq!(found, [(Addr(0x10), vec![1, 1, 1, 1, 2, 2, 2, 2]), (Addr(0x20), vec![3; 4])]);
    }
}

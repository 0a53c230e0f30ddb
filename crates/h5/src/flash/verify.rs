//! Reading flash and comparing it.

use crate::{Doing, H5Error, Part, Progress};
use adi::{AdiError, Cause};
use regs::h5::flash::SECTOR;
use wire::{Addr, Flow, MemOp};

/// Bytes read in one go: large enough that the pause between two goes does not count, small enough to show progress.
const BLOCK: u32 = 8 * SECTOR;

impl Part<'_> {
    /// Compares memory with data.
    ///
    /// # Errors
    /// [`H5Error::VerifyMismatch`] with the first word that differs, [`H5Error::Adi`].
    pub fn verify(
        &mut self,
        at: Addr,
        data: &[u8],
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(), H5Error> {
        let total = u32::try_from(data.len()).unwrap_or(u32::MAX);
        let mut done = 0u32;
        for chunk in data.chunks(BLOCK as usize) {
            self.compare_bytes(at.plus(done), chunk)?;
            done += u32::try_from(chunk.len()).unwrap_or(u32::MAX);
            progress(Progress { doing: Doing::Verify, done, total });
        }
        Ok(())
    }

    /// Whether memory holds this data. A quad-word that cannot be read because its programming was cut short (ECC) does
    /// not hold it. [H5-FLASH-11]
    ///
    /// # Errors
    /// [`H5Error::Adi`].
    pub fn matches(&mut self, at: Addr, data: &[u8]) -> Result<bool, H5Error> {
        for (i, chunk) in (0u32..).zip(data.chunks(SECTOR as usize)) {
            match self.compare_bytes(at.plus(i * SECTOR), chunk) {
                Ok(()) => {}
                Err(H5Error::VerifyMismatch { .. }) => return Ok(false),
                Err(H5Error::Adi(AdiError::Fault { cause: Cause::BusError, .. })) => {
                    let at = at.plus(i * SECTOR);
                    self.note(format!("reading {at} gives a bus error: taken for a torn quad-word"));
                    return Ok(false);
                }
                Err(e) => return Err(e),
            }
        }
        Ok(true)
    }

    /// Reads memory.
    ///
    /// # Errors
    /// [`H5Error::Adi`].
    pub fn read(&mut self, at: Addr, len: usize) -> Result<Vec<u8>, H5Error> {
        let skip = (at.0 % 4) as usize;
        let words = (skip + len).div_ceil(4);
        let mut bytes = Vec::with_capacity(words * 4);
        let mut from = Addr(at.0 - at.0 % 4);
        while bytes.len() < words * 4 {
            let count = (words - bytes.len() / 4).min((BLOCK / 4) as usize);
            let block = self.read_block(from, count)?;
            bytes.extend(block.iter().flat_map(|w| w.to_le_bytes()));
            from = from.plus(u32::try_from(count * 4).unwrap_or(u32::MAX));
        }
        Ok(bytes.into_iter().skip(skip).take(len).collect())
    }

    /// Reads consecutive words in the alias that this access may use.
    pub(crate) fn read_block(&mut self, at: Addr, count: usize) -> Result<Vec<u32>, H5Error> {
        let at = self.alias(at);
        let words = self.run(Flow::Pipelined, vec![MemOp::ReadWords { at, count, secret: false }])?;
        if words.len() == count { Ok(words) } else { Err(crate::part::short_answer()) }
    }

    fn compare_bytes(&mut self, at: Addr, data: &[u8]) -> Result<(), H5Error> {
        let skip = (at.0 % 4) as usize;
        let start = Addr(at.0 - at.0 % 4);
        let got = self.read_block(start, (skip + data.len()).div_ceil(4))?;
        compare(start, &overlay(&got, skip, data), &got)
    }
}

/// What the words should be: the data, and around it whatever is there.
fn overlay(got: &[u32], skip: usize, data: &[u8]) -> Vec<u32> {
    let mut bytes: Vec<u8> = got.iter().flat_map(|w| w.to_le_bytes()).collect();
    for (slot, byte) in bytes.iter_mut().skip(skip).zip(data) {
        *slot = *byte;
    }
    let (words, _) = bytes.as_chunks::<4>();
    words.iter().map(|w| u32::from_le_bytes(*w)).collect()
}

/// An error at the first word that differs.
pub(crate) fn compare(at: Addr, want: &[u32], got: &[u32]) -> Result<(), H5Error> {
    let pairs = || (0u32..).zip(want.iter().zip(got)).filter(|(_, (want, got))| want != got);
    match pairs().next() {
        None => Ok(()),
        Some((i, (first, found))) => Err(H5Error::VerifyMismatch {
            at: at.plus(i * 4),
            want: *first,
            got: *found,
            words: pairs().count(),
            of: want.len(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_difference_is_named_and_all_are_counted() {
        let e = compare(Addr(0x0800_0000), &[1, 2, 3, 4], &[1, 9, 3, 8]).unwrap_err();
        let H5Error::VerifyMismatch { at, want, got, words, of } = e else { panic!("{e}") };
        assert_eq!((at, want, got, words, of), (Addr(0x0800_0004), 2, 9, 2, 4));
        assert!(compare(Addr(0), &[1], &[1]).is_ok());
    }

    #[test]
    fn bytes_outside_the_data_do_not_count() {
        assert_eq!(overlay(&[0x4433_2211, 0x8877_6655], 1, &[0xAA; 4]), [0xAAAA_AA11, 0x8877_66AA]);
        assert_eq!(overlay(&[0x4433_2211], 4, &[]), [0x4433_2211]);
    }
}

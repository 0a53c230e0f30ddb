//! OTP: half-words that are programmed once, in blocks that can be locked for ever, and the credential of parts that have no
//! OBK. [H5-DBG-7] [H5-DBG-9] [H503-1]

use crate::lock::Lock;
use crate::{H5Error, OptionBytes, OptionChange, OptionReport, Part, Password, ProductState};
use adi::{AdiError, Cause};
use pace::Site;
use regs::h5::flash::cr;
use regs::h5::memory::{OTP, OTP_BLOCK, OTP_LEN};
use wire::{Addr, Flow, MemOp, Width};

/// Blocks of OTP.
const BLOCKS: u32 = OTP_LEN / OTP_BLOCK;
/// The block that holds the credential. [H503-1]
const CREDENTIAL_BLOCK: u32 = 0;

/// Half-words of a credential: a SHA-256.
const CREDENTIAL_LEN: usize = 16;

/// What OTP programming did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OtpReport {
    /// Half-words of the credential that were in before.
    pub before: usize,
    /// Half-words that were written.
    pub written: usize,
}

/// One block of OTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtpBlock {
    /// Its number.
    pub number: u32,
    /// Where it begins.
    pub at: Addr,
    /// Its half-words; `None` was never written, and reading it is a bus error.
    pub half_words: Vec<Option<u16>>,
    /// Nothing more can be written into it.
    pub locked: bool,
}

/// The start of a block.
fn block_at(number: u32) -> Result<Addr, H5Error> {
    if number >= BLOCKS {
        return Err(H5Error::BadRange(format!("OTP has blocks 0 to {}, and {number} is none", BLOCKS - 1)));
    }
    Ok(Addr(OTP + number * OTP_BLOCK))
}

/// The half-words that are still empty, of those that are wanted at the head of a block.
///
/// # Errors
/// [`H5Error::OtpDiffers`] when one holds something else already: nothing can change it.
fn missing(block: &OtpBlock, wanted: &[u16]) -> Result<Vec<(Addr, u16)>, H5Error> {
    let places = (0..).step_by(2).map(|offset| block.at.plus(offset));
    let all = || places.clone().zip(block.half_words.iter().zip(wanted));
    let mut wrong = all().filter(|(_, (there, wanted))| there.is_some_and(|half| half != **wanted));
    if let Some((at, _)) = wrong.next() {
        return Err(H5Error::OtpDiffers { at, differ: 1 + wrong.count(), of: wanted.len() });
    }
    let empty = all().filter(|(_, (there, _))| there.is_none());
    Ok(empty.map(|(at, (_, wanted))| (at, *wanted)).collect())
}

impl Part<'_> {
    /// Reads a block.
    ///
    /// # Errors
    /// [`H5Error::BadRange`], [`H5Error::Adi`].
    pub fn otp_block(&mut self, number: u32) -> Result<OtpBlock, H5Error> {
        let at = block_at(number)?;
        let offsets = (0..OTP_BLOCK).step_by(2);
        let half_words = offsets.map(|offset| self.otp_half(at.plus(offset))).collect::<Result<_, _>>()?;
        let locks = self.options()?.get("LOCKBL").map_or(0, |v| v.cur);
        Ok(OtpBlock { number, at, half_words, locked: locks >> number & 1 == 1 })
    }

    /// A half-word; `None` where none was ever written.
    fn otp_half(&mut self, at: Addr) -> Result<Option<u16>, H5Error> {
        let read = MemOp::Read { at: self.alias(at), width: Width::Half, secret: true };
        match self.run(Flow::Lockstep, vec![read]) {
            Ok(values) => {
                let value = values.first().copied().ok_or_else(crate::part::short_answer)?;
                let [low, high, ..] = value.to_le_bytes();
                Ok(Some(u16::from_le_bytes([low, high])))
            }
            Err(H5Error::Adi(AdiError::Fault { cause: Cause::BusError, .. })) => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// Programs the hash of a password as the part's credential and reads it back. It can never be changed; the block is not
    /// locked by this. What is there already is left alone, so what an interruption left goes on. [H503-1]
    ///
    /// # Errors
    /// [`H5Error::Unsupported`] for a part with OBK or outside PROVISIONING, [`H5Error::OtpDiffers`], [`H5Error::NoCredential`] for
    /// a block that is locked too early: nothing was written then. [`H5Error::OtpStopped`] with how far it got; [`H5Error::Adi`].
    pub fn provision_otp(&mut self, password: &Password) -> Result<OtpReport, H5Error> {
        let refuse = |why: &str| Err(H5Error::Unsupported(why.to_owned()));
        if !self.keeps_credential_in_otp() {
            return refuse("this family keeps its credential in OBK, not in OTP");
        }
        if self.state()? != ProductState::PROVISIONING {
            return refuse(
                "the credential goes into OTP in PROVISIONING: `state set PROVISIONING`, then a reset",
            );
        }
        let block = self.otp_block(CREDENTIAL_BLOCK)?;
        let hash = password.sha256();
        let (halves, _) = hash.as_chunks::<2>();
        let wanted: Vec<_> = halves.iter().map(|half| u16::from_le_bytes(*half)).collect();
        let missing = missing(&block, &wanted)?;
        let (of, before) = (wanted.len(), wanted.len() - missing.len());
        let report = OtpReport { before, written: missing.len() };
        if missing.is_empty() {
            return Ok(report);
        }
        if block.locked {
            return Err(H5Error::NoCredential { locked: true, written: before, of });
        }
        self.make_ready(Site::FlashProgram, "before OTP programming")?;
        let mut written = before;
        let stopped = |written, cause| H5Error::OtpStopped { written, of, cause: Box::new(cause) };
        self.write_otp(&missing, &mut written).map_err(|cause| stopped(written, cause))?;
        let block = self.otp_block(CREDENTIAL_BLOCK).map_err(|cause| stopped(of, cause))?;
        let lost: Vec<_> = self::missing(&block, &wanted)?;
        match lost.first() {
            None => Ok(report),
            Some((at, _)) => Err(H5Error::OtpDiffers { at: *at, differ: lost.len(), of }),
        }
    }

    /// Counts in `written` what is in.
    fn write_otp(&mut self, half_words: &[(Addr, u16)], written: &mut usize) -> Result<(), H5Error> {
        let doing = "OTP programming";
        self.with_unlocked(&[Lock::Flash], |part| {
            part.write_reg(part.cr(), cr::PG)?;
            for (at, half) in half_words {
                let at = part.alias(*at);
                let value = u32::from(*half);
                let write = MemOp::Write { at, width: Width::Half, value, once: true, secret: true };
                part.run(Flow::Lockstep, vec![write])?;
                let status = part.wait_idle(part.sr(), Site::FlashProgram, doing)?;
                part.check(status, doing, Some(at))?;
                *written += 1;
            }
            Ok(())
        })
    }

    /// A part without OBK has its credential in OTP. [H503-1]
    fn keeps_credential_in_otp(&self) -> bool {
        self.identity.device.map.obk.is_empty()
    }

    /// A credential must be in before its place is locked. `from` and `to` are values of LOCKBL.
    pub(crate) fn check_lock(&mut self, from: u32, to: u32) -> Result<(), H5Error> {
        if to & !from & 1 << CREDENTIAL_BLOCK == 0 {
            return Ok(());
        }
        self.check_credential(false)
    }

    /// Before a move from which only the credential leads back: there must be one, or place for it.
    pub(crate) fn check_place(&mut self, options: &OptionBytes) -> Result<(), H5Error> {
        let locks = options.get("LOCKBL").map_or(0, |v| v.cur);
        if locks & 1 << CREDENTIAL_BLOCK == 0 {
            return Ok(());
        }
        self.check_credential(true)
    }

    fn check_credential(&mut self, locked: bool) -> Result<(), H5Error> {
        if !self.keeps_credential_in_otp() {
            return Ok(());
        }
        let block = self.otp_block(CREDENTIAL_BLOCK)?;
        match block.half_words.iter().take(CREDENTIAL_LEN).flatten().count() {
            CREDENTIAL_LEN => Ok(()),
            written => Err(H5Error::NoCredential { locked, written, of: CREDENTIAL_LEN }),
        }
    }

    /// Locks a block for ever.
    ///
    /// # Errors
    /// As [`Part::change_options`]; [`H5Error::NoCredential`] for the place of a credential that is not in.
    pub fn lock_otp(&mut self, number: u32) -> Result<OptionReport, H5Error> {
        block_at(number)?;
        let locks = self.options()?.get("LOCKBL").map_or(0, |v| v.cur);
        let family = self.identity.device.family;
        self.change_options(&[OptionChange::new(family, "LOCKBL", locks | 1 << number)?])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(half_words: Vec<Option<u16>>) -> OtpBlock {
        OtpBlock { number: 0, at: Addr(OTP), half_words, locked: false }
    }

    #[test]
    fn only_empty_half_words_are_missing_and_a_wrong_one_is_for_ever() {
        let wanted = [1, 2, 3];
        let left = missing(&block(vec![Some(1), None, Some(3), Some(9)]), &wanted).unwrap();
        assert_eq!(left, [(Addr(OTP + 2), 2)]);
        assert_eq!(missing(&block(vec![None; 4]), &wanted).unwrap().len(), 3);
        assert_eq!(missing(&block(vec![Some(1), Some(2), Some(3)]), &wanted).unwrap(), []);
        let wrong = missing(&block(vec![Some(1), Some(7), Some(8)]), &wanted);
        assert!(
            matches!(wrong, Err(H5Error::OtpDiffers { at: Addr(at), differ: 2, of: 3 }) if at == OTP + 2)
        );
    }

    #[test]
    fn there_are_32_blocks_of_64_bytes() {
        assert_eq!(block_at(31).unwrap(), Addr(0x08FF_F7C0));
        assert!(block_at(32).unwrap_err().to_string().contains("0 to 31"));
    }
}

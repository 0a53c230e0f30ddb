//! OTP: half-words that are programmed once, in blocks that can be locked for ever, and the credential of parts that have no
//! OBK. [H5-DBG-7] [H5-DBG-9] [H503-1]

use crate::lock::Lock;
use crate::{H5Error, OptionChange, OptionReport, Part, Password, ProductState};
use adi::{AdiError, Cause};
use pace::Site;
use regs::h5::flash::cr;
use regs::h5::memory::{OTP, OTP_BLOCK, OTP_LEN};
use wire::{Addr, Flow, MemOp, Width};

/// Blocks of OTP.
const BLOCKS: u32 = OTP_LEN / OTP_BLOCK;
/// The block that holds the credential. [H503-1]
const CREDENTIAL_BLOCK: u32 = 0;

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
    /// locked by this. A hash that is there already is left alone. [H503-1]
    ///
    /// # Errors
    /// [`H5Error::Unsupported`] for a part with OBK, outside PROVISIONING, or whose OTP holds something else; nothing was written
    /// then. [`H5Error::VerifyMismatch`], [`H5Error::FlashFlags`], [`H5Error::TargetBusy`], [`H5Error::Adi`].
    pub fn provision_otp(&mut self, password: &Password) -> Result<bool, H5Error> {
        let refuse = |why: &str| Err(H5Error::Unsupported(why.to_owned()));
        if !self.identity.device.map.obk.is_empty() {
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
        let there: Vec<_> = block.half_words.iter().take(wanted.len()).collect();
        if there.iter().zip(&wanted).all(|(there, wanted)| **there == Some(*wanted)) {
            return Ok(false);
        }
        if block.locked || there.iter().any(|half| half.is_some()) {
            return refuse(
                "OTP block 0 is locked or holds something else already; a second write would spoil it",
            );
        }
        self.write_otp(block.at, &wanted)?;
        self.verify_otp(block.at, &wanted)?;
        Ok(true)
    }

    fn write_otp(&mut self, at: Addr, half_words: &[u16]) -> Result<(), H5Error> {
        let doing = "OTP programming";
        self.make_ready(Site::FlashProgram, "before OTP programming")?;
        self.with_unlocked(&[Lock::Flash], |part| {
            part.write_reg(part.cr(), cr::PG)?;
            for (offset, half) in (0..).step_by(2).zip(half_words) {
                let at = part.alias(at.plus(offset));
                let value = u32::from(*half);
                let write = MemOp::Write { at, width: Width::Half, value, once: true, secret: true };
                part.run(Flow::Lockstep, vec![write])?;
                let status = part.wait_idle(part.sr(), Site::FlashProgram, doing)?;
                part.check(status, doing, Some(at))?;
            }
            Ok(())
        })
    }

    fn verify_otp(&mut self, at: Addr, want: &[u16]) -> Result<(), H5Error> {
        let mut differ = Vec::new();
        for (offset, half) in (0..).step_by(2).zip(want) {
            if self.otp_half(at.plus(offset))? != Some(*half) {
                differ.push(at.plus(offset));
            }
        }
        // Both values are parts of a secret.
        match differ.first() {
            None => Ok(()),
            Some(first) => Err(H5Error::VerifyMismatch {
                at: *first,
                want: 0,
                got: 0,
                words: differ.len(),
                of: want.len(),
            }),
        }
    }

    /// Locks a block for ever.
    ///
    /// # Errors
    /// As [`Part::change_options`].
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

    #[test]
    fn there_are_32_blocks_of_64_bytes() {
        assert_eq!(block_at(31).unwrap(), Addr(0x08FF_F7C0));
        assert!(block_at(32).unwrap_err().to_string().contains("0 to 31"));
    }
}

//! The direct route: the OBK area is programmed through the flash registers, as ST's HAL does it. [H5-OBK-4]

use super::{ObkFile, ObkRoute};
use crate::lock::Lock;
use crate::{Flags, H5Error, Part};
use pace::Site;
use regs::h5::flash::{self, QUAD_WORD, cr, obkcfgr};
use regs::h5::obk::swap_offset;
use regs::h5::sbs::Hdpl;
use wire::{Addr, Flow, MemOp};

impl Part<'_> {
    /// Erases the alternate sector, programs the payload into it, swaps the sectors.
    pub(super) fn obk_direct(
        &mut self,
        file: &ObkFile,
        hdpl: Option<Hdpl>,
    ) -> Result<Option<Flags>, H5Error> {
        let refuse = |why: &str| Err(H5Error::RouteRefused { route: ObkRoute::Direct, why: why.to_owned() });
        if file.do_encryption() != 0 {
            return refuse("the file asks for encryption, and only the ROM's service can encrypt");
        }
        if self.identity.tzen.is_on() && !self.secure() {
            return refuse("with TrustZone on OBK is secure, and in this state debug is not");
        }
        let quad = QUAD_WORD as usize;
        if !file.payload_len().is_multiple_of(quad) || !file.destination().0.is_multiple_of(QUAD_WORD) {
            return refuse("OBK is programmed in units of 16 bytes, and the payload does not fit them");
        }
        let stale = self.make_ready(Site::ObkWrite, "before OBK programming")?;
        let done = self.with_unlocked(&[Lock::Flash, Lock::Obk], |part| {
            let config = part.banked(flash::NSOBKCFGR, flash::SECOBKCFGR);
            let kept = part.read_reg(config)? & obkcfgr::SWAP_OFFSET;
            part.erase_alternate(config, kept)?;
            for (i, words) in (0u32..).zip(file.words().chunks(quad / 4)) {
                part.program_alternate(config, kept, file.destination().plus(i * QUAD_WORD), words)?;
            }
            part.swap_sectors(config)
        });
        done.map_err(|e| with_level(e, hdpl))?;
        Ok(stale)
    }

    fn erase_alternate(&mut self, config: Addr, kept: u32) -> Result<(), H5Error> {
        let alternate = kept | obkcfgr::ALT_SECT;
        let start =
            vec![MemOp::write(config, alternate), MemOp::write(config, alternate | obkcfgr::ALT_SECT_ERASE)];
        self.obk_step(start, "erase of the alternate OBK sector", None)?;
        self.write_reg(config, kept)
    }

    fn program_alternate(&mut self, config: Addr, kept: u32, at: Addr, words: &[u32]) -> Result<(), H5Error> {
        let to = self.alias(at);
        let start = vec![
            MemOp::write(self.cr(), cr::PG),
            MemOp::write(config, kept | obkcfgr::ALT_SECT),
            MemOp::WriteWords { at: to, words: words.to_vec(), secret: true },
        ];
        self.obk_step(start, "OBK programming", Some(at))?;
        self.run(Flow::Lockstep, vec![MemOp::write(self.cr(), 0), MemOp::write(config, kept)])?;
        Ok(())
    }

    /// The whole area is swapped: what the file does not hold is copied from the current sector. [H5-OBK-6]
    fn swap_sectors(&mut self, config: Addr) -> Result<(), H5Error> {
        let offset = swap_offset::ALL << obkcfgr::SWAP_OFFSET_SHIFT;
        // A swap that is asked for twice swaps back.
        let start =
            vec![MemOp::write(config, offset), MemOp::write_once(config, offset | obkcfgr::SWAP_SECT_REQ)];
        self.obk_step(start, "OBK swap", None)
    }

    /// Starts a step, waits for its end, looks at the flags.
    fn obk_step(&mut self, start: Vec<MemOp>, doing: &str, at: Option<Addr>) -> Result<(), H5Error> {
        self.run(Flow::Lockstep, start)?;
        // The first look after a start may come too early to see BSY; it does not count. What the HAL waits for is the
        // status register alone; whether the request bits clear themselves is not published.
        self.read_reg(self.sr())?;
        let status = self.wait_done(self.sr(), (self.cr(), 0), Site::ObkWrite, doing)?;
        self.check(status, doing, at)
    }
}

/// OBKERR has one usual cause, so the level stands beside the flag. [H5-OBK-5]
fn with_level(e: H5Error, hdpl: Option<Hdpl>) -> H5Error {
    match e {
        H5Error::FlashFlags { doing, flags, at, .. } => {
            let level = hdpl.map_or_else(|| "unknown".to_owned(), |l| l.number().to_string());
            H5Error::FlashFlags {
                doing,
                flags,
                at,
                detail: format!("; route direct, SBS_HDPLSR said level {level}"),
            }
        }
        other => other,
    }
}

//! Locks: read before keys are written, keys only when locked, checked after, shut again at the end. [H5-FLASH-2]
//!
//! Writing the right keys to an open lock shuts it until the next reset, so nothing here is ever written on suspicion.

use crate::part::register_name;
use crate::{H5Error, Part};
use regs::h5::flash::{self, cr, key, obkcfgr, optcr};
use wire::{Addr, Flow, MemOp};

/// One of the three locks of the flash interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lock {
    /// NSCR or SECCR.
    Flash,
    /// OPTCR, and with it all `_PRG` registers.
    Option,
    /// NSOBKCFGR or SECOBKCFGR.
    Obk,
}

impl Part<'_> {
    /// The register with the lock bit, the key register, the keys. All lock bits are bit 0.
    fn lock_parts(&self, lock: Lock) -> (Addr, Addr, [u32; 2]) {
        match lock {
            Lock::Flash => (self.cr(), self.banked(flash::NSKEYR, flash::SECKEYR), key::FLASH),
            Lock::Option => (self.reg(flash::OPTCR), self.reg(flash::OPTKEYR), key::OPTION),
            Lock::Obk => (
                self.banked(flash::NSOBKCFGR, flash::SECOBKCFGR),
                self.banked(flash::NSOBKKEYR, flash::SECOBKKEYR),
                key::OBK,
            ),
        }
    }

    /// Opens a lock. An open one is left alone.
    pub(crate) fn unlock(&mut self, lock: Lock) -> Result<(), H5Error> {
        let (register, key_register, keys) = self.lock_parts(lock);
        if self.read_reg(register)? & LOCK_BIT == 0 {
            self.note(format!("{} was already unlocked", register_name(register)));
            return Ok(());
        }
        let ops = keys.map(|k| MemOp::write_once(key_register, k)).to_vec();
        self.run(Flow::Lockstep, ops)?;
        if self.read_reg(register)? & LOCK_BIT != 0 {
            return Err(H5Error::LockedUntilReset { register: register_name(register), address: register });
        }
        Ok(())
    }

    /// Shuts a lock, and with the flash lock clears PG, SER and everything else in the control register.
    pub(crate) fn relock(&mut self, lock: Lock) -> Result<(), H5Error> {
        let (register, ..) = self.lock_parts(lock);
        match lock {
            // First the bits, then the lock: once locked the register may not take the rest.
            Lock::Flash => {
                self.run(Flow::Lockstep, vec![MemOp::write(register, 0), MemOp::write(register, cr::LOCK)])?;
            }
            Lock::Option => {
                let kept = self.read_reg(register)? & optcr::SWAP_BANK;
                self.write_reg(register, kept | optcr::OPTLOCK)?;
            }
            Lock::Obk => {
                let kept = self.read_reg(register)? & obkcfgr::SWAP_OFFSET;
                self.write_reg(register, kept | obkcfgr::LOCK)?;
            }
        }
        Ok(())
    }

    /// Opens locks, works, shuts them again in reverse order whatever came of it.
    ///
    /// When the work failed its error is kept; that the locks could not be shut is then a line in the recording.
    pub(crate) fn with_unlocked<T>(
        &mut self,
        locks: &[Lock],
        work: impl FnOnce(&mut Self) -> Result<T, H5Error>,
    ) -> Result<T, H5Error> {
        let mut result = Ok(());
        for lock in locks {
            result = self.unlock(*lock);
            if result.is_err() {
                break;
            }
        }
        let result = result.and_then(|()| work(self));
        if result.as_ref().is_err_and(H5Error::link_is_gone) {
            self.note("the link is gone: locks may be open");
            return result;
        }
        for lock in locks.iter().rev() {
            let Err(e) = self.relock(*lock) else { continue };
            if result.is_ok() {
                return Err(e);
            }
            self.note(format!("the {lock:?} lock could not be shut after an error: {e}"));
        }
        result
    }
}

const LOCK_BIT: u32 = 1;

// The three registers agree on where the lock bit is; a table that says otherwise stops the build.
const _: () = assert!(cr::LOCK == LOCK_BIT && optcr::OPTLOCK == LOCK_BIT && obkcfgr::LOCK == LOCK_BIT);

//! Waking the debug port: line sequences and the first read. [ADI-9] [ADI-13]

use crate::{Adi, AdiError, Doing};
use regs::dp::{Dpidr, LINE_RESET, LineSequence};
use wire::{Bits, DapOp, Flow, Link, LinkError, RegSel};

impl Adi {
    /// Clocks bits out on SWDIO as they are. What was known of the target is forgotten: attach again afterwards.
    ///
    /// # Errors
    /// [`AdiError::Unsupported`] where the probe cannot; [`AdiError`].
    pub fn send_bits(&mut self, bits: &Bits) -> Result<(), AdiError> {
        if !self.link.caps().sequences {
            return Err(AdiError::Unsupported("this probe has no raw line sequences"));
        }
        self.configure()?;
        self.cache.clear();
        self.attached = None;
        let sent = self.link.swj_sequence(bits);
        sent.map_err(|e| self.probe_error(e, Doing::Setup))
    }

    /// Reads DPIDR, the first thing that may be read after a line reset. `None`: nobody answers.
    ///
    /// # Errors
    /// [`AdiError`].
    pub fn ask_dpidr(&mut self) -> Result<Option<Dpidr>, AdiError> {
        self.configure()?;
        dpidr(self.link.as_mut()).map_err(|e| self.probe_error(e, Doing::Setup))
    }
}

/// Sends a line sequence.
pub(crate) fn send(link: &mut dyn Link, sequence: &LineSequence) -> Result<(), LinkError> {
    link.swj_sequence(&Bits { data: sequence.bytes.to_vec(), len: usize::from(sequence.bits) })
}

/// Reads DPIDR, the first thing that may be read after a line reset. `None`: nobody answered.
pub(crate) fn dpidr(link: &mut dyn Link) -> Result<Option<Dpidr>, LinkError> {
    let moved = link.transfer(&[DapOp::read(RegSel::dp(regs::dp::DPIDR))], Flow::Lockstep)?;
    Ok(moved.values.first().copied().map(Dpidr))
}

/// One line reset, and whether the debug port answers then.
pub(crate) fn answers(link: &mut dyn Link) -> bool {
    if link.caps().sequences && send(link, &LINE_RESET).is_err() {
        return false;
    }
    matches!(dpidr(link), Ok(Some(id)) if id.is_valid())
}

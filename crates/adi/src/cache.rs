//! What the engine believes SELECT, CSW and TAR hold, so that it need not write them again.
//!
//! A belief is dropped whenever it might be wrong: after attaching, silence, DAPABORT, nRESET and every error.

use std::collections::BTreeMap;
use wire::ApSel;

/// What is believed of one access port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ApBelief {
    /// CSW as it was read when the port was first used: its own protection bits.
    pub(crate) own: u32,
    /// CSW as last written.
    pub(crate) csw: Option<u32>,
    /// Where TAR stands.
    pub(crate) tar: Option<u32>,
}

/// All beliefs.
///
/// Invariant: a known `select` has DPBANKSEL 0, so CTRL/STAT can be read without touching SELECT when things go wrong.
#[derive(Debug, Default)]
pub(crate) struct Cache {
    select: Option<u32>,
    aps: BTreeMap<ApSel, ApBelief>,
}

impl Cache {
    pub(crate) const fn select(&self) -> Option<u32> {
        self.select
    }

    /// SELECT was written.
    pub(crate) fn selected(&mut self, value: u32) {
        self.select = (value & regs::dp::select::DPBANKSEL == 0).then_some(value);
    }

    pub(crate) fn ap(&self, ap: ApSel) -> Option<ApBelief> {
        self.aps.get(&ap).copied()
    }

    /// An access port was used for the first time; `own` is its CSW.
    pub(crate) fn open(&mut self, ap: ApSel, own: u32) {
        self.aps.insert(ap, ApBelief { own, csw: None, tar: None });
    }

    /// A batch went through and left SELECT, CSW and TAR like this.
    pub(crate) fn settle(&mut self, ap: ApSel, select: Option<u32>, csw: Option<u32>, tar: Option<u32>) {
        self.select = select;
        if let Some(belief) = self.aps.get_mut(&ap) {
            belief.csw = csw;
            belief.tar = tar;
        }
    }

    /// Somebody else wrote to this access port's registers.
    pub(crate) fn disturbed(&mut self, ap: ApSel) {
        if let Some(belief) = self.aps.get_mut(&ap) {
            belief.csw = None;
            belief.tar = None;
        }
    }

    /// Forgets what registers hold, but not what the ports are.
    pub(crate) fn forget(&mut self) {
        self.select = None;
        for belief in self.aps.values_mut() {
            belief.csw = None;
            belief.tar = None;
        }
    }

    /// Forgets everything: the target may be another one, or has been reset.
    pub(crate) fn clear(&mut self) {
        self.select = None;
        self.aps.clear();
    }
}

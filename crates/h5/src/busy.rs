//! Waiting for a register, with the evidence that a timeout must carry.

use crate::part::{describe, register_name, short_answer};
use crate::{Flags, H5Error, Part};
use adi::{Adi, Waited};
use pace::{PollEnd, Site, poll};
use regs::h5::flash::{self, sr};
use wire::{Addr, ApSel, Attr, Batch, Flow, MemOp};

/// What is looked at, and for what.
pub(crate) struct Look<'d> {
    pub(crate) ap: ApSel,
    pub(crate) attr: Attr,
    pub(crate) at: Addr,
    pub(crate) site: Site,
    pub(crate) doing: &'d str,
}

/// Reads a register until `ready` likes it; returns the value it liked.
pub(crate) fn wait_for(
    adi: &mut Adi,
    look: &Look<'_>,
    mut ready: impl FnMut(u32) -> bool,
) -> Result<u32, H5Error> {
    let [value] =
        wait_all(adi, look, [look.at], |[value]| if ready(value) { Ready::Yes } else { Ready::No(0) })?;
    Ok(value)
}

/// What a look at some registers said.
enum Ready {
    Yes,
    /// Not yet: the register with this index holds it up.
    No(usize),
}

/// Reads registers together until `ready` likes them. On a timeout the error names the one that held it up.
fn wait_all<const N: usize>(
    adi: &mut Adi,
    look: &Look<'_>,
    registers: [Addr; N],
    mut ready: impl FnMut([u32; N]) -> Ready,
) -> Result<[u32; N], H5Error> {
    let clock = adi.clock().clone();
    let wait = adi.policy().wait(look.site);
    let ops = registers.into_iter().map(MemOp::read).collect();
    let batch = Batch { ap: look.ap, attr: look.attr, flow: Flow::Lockstep, ops };
    let mut culprit = (look.at, 0);
    let mut waited = Waited::begin(look.doing, wait.key, clock.now());
    let end = poll(&*clock, &wait, || {
        let begun = clock.now();
        let values: [u32; N] = adi.run(&batch)?.as_slice().try_into().map_err(|_| short_answer())?;
        let ready = ready(values);
        let seen = registers.into_iter().zip(values);
        waited.look(begun, clock.now(), seen, matches!(ready, Ready::Yes));
        Ok(match ready {
            Ready::Yes => Some(values),
            Ready::No(index) => {
                let held_up_by = registers.into_iter().zip(values).nth(index);
                culprit = held_up_by.unwrap_or(culprit);
                None
            }
        })
    });
    adi.keep_wait(waited);
    end.map_err(|end| match end {
        PollEnd::Failed(e) => e,
        PollEnd::Spent(spent) => {
            let (address, last) = culprit;
            let (register, decoded) = (register_name(address), describe(address, last));
            let (doing, spent) = (look.doing.to_owned(), Box::new(spent));
            H5Error::TargetBusy { doing, register, address, last, decoded, spent }
        }
    })
}

impl Part<'_> {
    /// Waits on a register behind this part's access port.
    pub(crate) fn wait_reg(
        &mut self,
        at: Addr,
        site: Site,
        doing: &str,
        ready: impl FnMut(u32) -> bool,
    ) -> Result<u32, H5Error> {
        let look = Look { ap: self.ap, attr: self.attr(), at, site, doing };
        wait_for(self.adi, &look, ready)
    }

    /// Waits for the end of an operation: a status register without BSY, WBNE and DBNE, and another register without the
    /// bit that started the operation. An error flag ends the wait as well, once BSY is clear: waiting on would only turn
    /// a reason into a timeout. Returns the status register; flags are the caller's business.
    pub(crate) fn wait_done(
        &mut self,
        status: Addr,
        started: (Addr, u32),
        site: Site,
        doing: &str,
    ) -> Result<u32, H5Error> {
        let look = Look { ap: self.ap, attr: self.attr(), at: status, site, doing };
        let (register, bit) = started;
        let [value, _] = wait_all(self.adi, &look, [status, register], |[value, control]| {
            if value & sr::ERRORS != 0 && value & sr::BSY == 0 {
                Ready::Yes
            } else if value & sr::BUSY != 0 {
                Ready::No(0)
            } else if control & bit != 0 {
                Ready::No(1)
            } else {
                Ready::Yes
            }
        })?;
        Ok(value)
    }

    /// Waits until BSY, WBNE and DBNE are clear; returns the status register.
    pub(crate) fn wait_idle(&mut self, status: Addr, site: Site, doing: &str) -> Result<u32, H5Error> {
        self.wait_reg(status, site, doing, |v| v & sr::BUSY == 0)
    }

    /// Before an operation on flash: idle, and no error flag of an earlier one.
    pub(crate) fn make_ready(&mut self, site: Site, doing: &str) -> Result<Option<Flags>, H5Error> {
        self.clear_stale(self.sr(), self.ccr(), site, doing)
    }

    /// Before an option change: the same in the non-secure registers, which alone have OPTCHANGEERR. [H5-OB-2]
    pub(crate) fn make_ready_for_options(&mut self, doing: &str) -> Result<Option<Flags>, H5Error> {
        self.clear_stale(self.option_sr(), self.reg(flash::NSCCR), Site::OptionChange, doing)
    }

    /// Flags that were there are cleared, noted and returned.
    fn clear_stale(
        &mut self,
        status: Addr,
        clear: Addr,
        site: Site,
        doing: &str,
    ) -> Result<Option<Flags>, H5Error> {
        let bits = self.wait_idle(status, site, doing)? & sr::CLEARABLE;
        // EOP is no error, but a stale one could be taken for the end of the next operation.
        if bits != 0 {
            self.write_reg(clear, bits)?;
        }
        if bits & sr::ERRORS == 0 {
            return Ok(None);
        }
        let stale = Flags { register: register_name(status), address: status, bits: bits & sr::ERRORS };
        self.note(format!("{doing}: stale flags were cleared: {stale}"));
        Ok(Some(stale))
    }

    /// An error when a value of the status register holds error flags. They are left as they are: the next operation
    /// clears them and says that they were there.
    pub(crate) fn check(&self, status: u32, doing: &str, at: Option<Addr>) -> Result<(), H5Error> {
        let bits = status & sr::ERRORS;
        if bits == 0 {
            return Ok(());
        }
        let flags = Flags { register: register_name(self.sr()), address: self.sr(), bits };
        Err(H5Error::FlashFlags { doing: doing.to_owned(), flags, at, detail: String::new() })
    }

    /// NSSR, whatever the alias.
    pub(crate) fn option_sr(&self) -> Addr {
        self.reg(flash::NSSR)
    }
}

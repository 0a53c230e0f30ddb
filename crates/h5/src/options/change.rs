//! Changing option bytes: read, decide, unlock, write `_PRG`, OPTSTRT once, wait, read `_CUR`, lock.

use super::values::asked_twice;
use super::{OptionBytes, OptionChange, OptionDiff};
use crate::lock::Lock;
use crate::part::register_name;
use crate::{Flags, H5Error, Part, ProductState, Tzen, ap_open, wait_ap_open};
use adi::AdiError;
use pace::Site;
use regs::h5::flash::{optcr, sr};
use regs::h5::{flash, memory, option};
use std::collections::BTreeMap;
use std::time::Duration;
use wire::{Addr, Flow, MemOp};

/// How it is known that an option change was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Proof {
    /// Everything had its value before; nothing was written.
    AlreadySo,
    /// `_CUR` was read back and holds it.
    ReadBack,
    /// The access port shut before `_CUR` could be read, as a closing product state may do: the change was started once and
    /// must not be repeated. Discovery tells the state. [H5-STATE-5]
    PortShut,
}

/// What an option change did.
#[derive(Debug, Clone)]
pub struct OptionReport {
    /// What changed: `from` before, `to` now.
    pub changed: Vec<OptionDiff>,
    /// Changes that somebody had left in `_PRG` without starting them; they were taken back.
    pub cancelled: Vec<OptionDiff>,
    /// Error flags that an earlier operation had left.
    pub stale: Option<Flags>,
    /// From OPTSTRT until it was over.
    pub busy: Duration,
    /// How it is known.
    pub proof: Proof,
}

/// Words of `_PRG` registers by non-secure address.
type Words = BTreeMap<u32, u32>;

impl Part<'_> {
    /// Reads all option bytes of the family, `_CUR` and `_PRG`.
    ///
    /// # Errors
    /// [`H5Error::Adi`].
    pub fn options(&mut self) -> Result<OptionBytes, H5Error> {
        Ok(self.option_words()?.0)
    }

    /// The option bytes and the register words they came from.
    fn option_words(&mut self) -> Result<(OptionBytes, Words), H5Error> {
        let family = self.identity.device.family;
        let mut words: Words = Words::new();
        for byte in option::OPTION_BYTES.iter().filter(|b| b.is_on(family)) {
            words.insert(byte.cur, 0);
            words.insert(byte.prg, 0);
        }
        let ops = words.keys().map(|at| MemOp::read(self.option_register(*at))).collect();
        let values = self.run(Flow::Lockstep, ops)?;
        if values.len() != words.len() {
            return Err(crate::part::short_answer());
        }
        for (slot, value) in words.values_mut().zip(values) {
            *slot = value;
        }
        let options = OptionBytes::from_registers(family, |at| words.get(&at).copied().unwrap_or_default());
        Ok((options, words))
    }

    /// An option register, given by its non-secure address, in the alias that this access may use.
    fn option_register(&self, at: u32) -> Addr {
        self.reg(memory::non_secure(at).wrapping_sub(flash::BASE))
    }

    /// Changes option bytes. What is so already is not written; when all of it is, nothing is.
    ///
    /// A change of PRODUCT_STATE obeys the table of legal moves, and one of LOCKBL keeps the place of a credential open until it
    /// is there. A change takes effect without a reset in `_CUR`; boot and
    /// debug follow at the next reset. [H5-OB-3]
    ///
    /// # Errors
    /// [`H5Error::BadChange`], [`H5Error::IllegalMove`], [`H5Error::FamilyUnnamed`], [`H5Error::NoCredential`] before anything is
    /// written; [`H5Error::OptionRejected`] with the
    /// flag; [`H5Error::OptionNotTaken`]; [`H5Error::TargetBusy`]; [`H5Error::LockedUntilReset`]; [`H5Error::Adi`].
    pub fn change_options(&mut self, changes: &[OptionChange]) -> Result<OptionReport, H5Error> {
        if let Some(twice) = asked_twice(changes) {
            return Err(twice.into());
        }
        let (before, words) = self.option_words()?;
        let needed = before.needed(changes);
        if needed.is_empty() {
            let proof = Proof::AlreadySo;
            return Ok(OptionReport {
                changed: needed,
                cancelled: Vec::new(),
                stale: None,
                busy: Duration::ZERO,
                proof,
            });
        }
        let to = target_state(&needed);
        if let Some(to) = to {
            self.check_move(&before, to)?;
        }
        if let Some(locks) = needed.iter().find(|d| d.byte.name == "LOCKBL") {
            self.check_lock(locks.from, locks.to)?;
        }
        let stale = self.make_ready_for_options("before an option change")?;
        let cancelled: Vec<_> = before
            .pending()
            .into_iter()
            .filter(|p| needed.iter().all(|n| n.byte.name != p.byte.name))
            .collect();
        let writes = plan_writes(&words, &needed);
        self.unlock(Lock::Option)?;
        let started = self.write_and_start(&writes, &needed);
        let started = match started {
            // A product state that shuts the port leaves nothing to lock and nothing to read.
            Ok((busy, true)) => {
                self.identity.state = to.unwrap_or(self.identity.state);
                return Ok(OptionReport { changed: needed, cancelled, stale, busy, proof: Proof::PortShut });
            }
            Ok((busy, false)) => Ok(busy),
            Err(e) => Err(self.take_back(&words, &writes, e)),
        };
        let busy = self.lock_options_after(started)?;
        let proof = self.read_back(changes, to)?;
        Ok(OptionReport { changed: needed, cancelled, stale, busy, proof })
    }

    /// What the part refused stays in `_PRG`, and the next OPTSTRT of anybody would start it: what is in force is put there
    /// again. The refusal itself counts more than whether that went well.
    fn take_back(&mut self, words: &Words, writes: &Words, refusal: H5Error) -> H5Error {
        if !matches!(refusal, H5Error::OptionRejected { .. } | H5Error::OptionNotTaken { .. }) {
            return refusal;
        }
        let in_force = option::OPTION_BYTES.iter().filter(|byte| writes.contains_key(&byte.prg));
        let in_force: Words =
            in_force.filter_map(|byte| Some((byte.prg, words.get(&byte.cur).copied()?))).collect();
        let ops =
            in_force.iter().map(|(at, value)| MemOp::write(self.option_register(*at), *value)).collect();
        if let Err(e) = self.run(Flow::Lockstep, ops) {
            self.note(format!("what was refused may stay in _PRG: {e}"));
        }
        refusal
    }

    /// Shuts the option lock whatever came of the change; the change's own error counts more.
    fn lock_options_after<T>(&mut self, result: Result<T, H5Error>) -> Result<T, H5Error> {
        if result.as_ref().is_err_and(H5Error::link_is_gone) {
            self.note("the link is gone: the option lock may be open");
            return result;
        }
        match (self.relock(Lock::Option), result) {
            (Ok(()), result) => result,
            (Err(lock), Ok(_)) => Err(lock),
            (Err(lock), Err(e)) => {
                self.note(format!("the option lock could not be shut after an error: {lock}"));
                Err(e)
            }
        }
    }

    /// Writes `_PRG`, checks that it was taken, starts the change once and waits for its end. `true`: the access port shut.
    fn write_and_start(
        &mut self,
        writes: &Words,
        needed: &[OptionDiff],
    ) -> Result<(Duration, bool), H5Error> {
        let ops = writes.iter().map(|(at, value)| MemOp::write(self.option_register(*at), *value)).collect();
        self.run(Flow::Lockstep, ops)?;
        let mut refused = Vec::new();
        for diff in needed {
            let prg = self.read_reg(self.option_register(diff.byte.prg))?;
            let from = diff.byte.field.get(prg);
            if from != diff.to {
                refused.push(OptionDiff { from, ..*diff });
            }
        }
        if !refused.is_empty() {
            return Err(H5Error::OptionNotTaken { diff: refused });
        }
        self.start_option_change(needed)
    }

    /// OPTSTRT, once, with whatever stands in `_PRG`. The option lock must be open.
    pub(crate) fn start_option_change(&mut self, needed: &[OptionDiff]) -> Result<(Duration, bool), H5Error> {
        let control = self.reg(flash::OPTCR);
        let kept = self.read_reg(control)? & optcr::SWAP_BANK;
        let clock = self.adi.clock().clone();
        let start = clock.now();
        let closing = target_state(needed).is_some_and(ProductState::shuts);
        self.under_way = true;
        let started = self.run(Flow::Lockstep, vec![MemOp::write_once(control, kept | optcr::OPTSTRT)]);
        let status = self.option_sr();
        let ended = started.and_then(|_| {
            // The first look after a start may come too early to see BSY; it does not count.
            self.read_reg(status)?;
            self.wait_done(status, (control, optcr::OPTSTRT), Site::OptionChange, "option change")
        });
        let bits = match ended {
            Ok(value) => value & sr::ERRORS,
            Err(e) => match self.after_lost_access(e, closing)? {
                true => return Ok((clock.now().saturating_sub(start), true)),
                false => self.read_reg(status)? & sr::ERRORS,
            },
        };
        let busy = clock.now().saturating_sub(start);
        if bits == 0 {
            return Ok((busy, false));
        }
        self.under_way = false;
        let flags = Flags { register: register_name(status), address: status, bits };
        Err(H5Error::OptionRejected { diff: needed.to_vec(), flags })
    }

    /// An access failed after OPTSTRT. If the port shut because the new state shuts it, that is an end (`true`); if the part
    /// was reset, the port is waited for and reading goes on (`false`). OPTSTRT is not repeated in any case.
    fn after_lost_access(&mut self, e: H5Error, closing: bool) -> Result<bool, H5Error> {
        match &e {
            H5Error::Adi(AdiError::Fault { .. } | AdiError::ApClosed { .. }) => {}
            H5Error::Adi(AdiError::LinkLost { .. }) => {
                self.adi.reconnect()?;
            }
            _ => return Err(e),
        }
        if ap_open(self.adi)?.open(self.ap) {
            return Err(e);
        }
        self.note(format!("{} shut after OPTSTRT: {e}", self.ap));
        if closing {
            return Ok(true);
        }
        wait_ap_open(self.adi, self.ap)?;
        Ok(false)
    }

    /// Reads `_CUR` again and compares. A state that may shut the port may shut it here, too.
    fn read_back(&mut self, changes: &[OptionChange], to: Option<ProductState>) -> Result<Proof, H5Error> {
        let after = match self.options() {
            Ok(after) => after,
            Err(e) => {
                let shut = self.after_lost_access(e, to.is_some_and(ProductState::shuts))?;
                if shut {
                    self.identity.state = to.unwrap_or(self.identity.state);
                    return Ok(Proof::PortShut);
                }
                self.options()?
            }
        };
        self.under_way = false;
        let missing: Vec<_> = after.needed(changes);
        if !missing.is_empty() {
            return Err(H5Error::OptionNotTaken { diff: missing });
        }
        if let Some(state) = after.get("PRODUCT_STATE") {
            self.identity.state = ProductState(state.cur.to_le_bytes()[0]);
        }
        if let Some(tzen) = after.get("TZEN") {
            self.identity.tzen = Tzen::from_optsr2(self.identity.device, tzen.cur << option::TZEN_SHIFT);
        }
        Ok(Proof::ReadBack)
    }
}

/// The product state that a change leads to.
fn target_state(needed: &[OptionDiff]) -> Option<ProductState> {
    let diff = needed.iter().find(|d| d.byte.name == "PRODUCT_STATE")?;
    Some(ProductState(diff.to.to_le_bytes()[0]))
}

/// The words to write: every register that changes, from what is in force; and every register in which somebody left a
/// change behind, back to what is in force, because OPTSTRT would start that as well.
fn plan_writes(words: &Words, needed: &[OptionDiff]) -> Words {
    let word = |at: u32| words.get(&at).copied().unwrap_or_default();
    let mut writes = Words::new();
    for byte in option::OPTION_BYTES.iter().filter(|b| words.contains_key(&b.prg)) {
        if word(byte.cur) != word(byte.prg) {
            writes.insert(byte.prg, word(byte.cur));
        }
    }
    for diff in needed {
        let value = writes.entry(diff.byte.prg).or_insert(word(diff.byte.cur));
        *value = diff.byte.field.set(*value, diff.to);
    }
    writes
}

#[cfg(test)]
mod tests {
    use super::*;
    use regs::h5::device::Family;

    const OPTSR_CUR: u32 = 0x4002_2050;
    const OPTSR2_CUR: u32 = 0x4002_2070;

    fn words(pairs: &[(u32, u32, u32)]) -> Words {
        pairs.iter().flat_map(|(cur, c, p)| [(*cur, *c), (cur + 4, *p)]).collect()
    }

    fn diff(name: &str, from: u32, to: u32) -> OptionDiff {
        let byte = option::OptionByte::find(name, Family::H562).unwrap();
        OptionDiff { byte, from, to }
    }

    #[test]
    fn two_changes_of_one_register_become_one_write_that_keeps_the_rest() {
        let words = words(&[(OPTSR_CUR, 0x2D30_EDF8, 0x2D30_EDF8), (OPTSR2_CUR, 0xC300_0000, 0xC300_0000)]);
        let writes = plan_writes(&words, &[diff("PRODUCT_STATE", 0xED, 0x17), diff("BOR_LEV", 0, 3)]);
        assert_eq!(writes, Words::from([(OPTSR_CUR + 4, 0x2D30_17FB)]));
    }

    #[test]
    fn a_change_that_somebody_left_behind_is_taken_back_and_not_started() {
        let words = words(&[(OPTSR_CUR, 0x2D30_EDF8, 0x2D30_17F8), (OPTSR2_CUR, 0xC300_0000, 0xB400_0000)]);
        let writes = plan_writes(&words, &[diff("BOR_LEV", 0, 1)]);
        assert_eq!(writes, Words::from([(OPTSR_CUR + 4, 0x2D30_EDF9), (OPTSR2_CUR + 4, 0xC300_0000)]));
    }

    #[test]
    fn the_state_that_a_change_leads_to_is_found_among_its_option_bytes() {
        assert_eq!(target_state(&[diff("BOR_LEV", 0, 1)]), None);
        assert_eq!(target_state(&[diff("PRODUCT_STATE", 0x17, 0x72)]), Some(ProductState::CLOSED));
    }
}

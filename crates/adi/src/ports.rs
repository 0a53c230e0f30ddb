//! Registers of the debug port and the access ports, and the scan for access ports.

use crate::react::react;
use crate::registers::Registers;
use crate::{Adi, AdiError, ApInfo, Doing, DpReg, Seen};
use regs::ap::{BASE, CSW, IDR, Idr};
use regs::dp::{self, abort, select};
use wire::{Ack, ApSel, DapOp, RegSel};

impl Adi {
    /// Reads a debug-port register. A banked one costs two writes of SELECT.
    ///
    /// # Errors
    /// [`AdiError`].
    pub fn read_dp(&mut self, reg: DpReg) -> Result<u32, AdiError> {
        self.dp_access(reg, None)
    }

    /// Writes a debug-port register.
    ///
    /// # Errors
    /// [`AdiError`]; TARGETSEL is [`AdiError::Unsupported`], because nobody drives its ack.
    pub fn write_dp(&mut self, reg: DpReg, value: u32) -> Result<(), AdiError> {
        if reg.a == dp::TARGETSEL {
            return Err(AdiError::Unsupported("TARGETSEL (several debug ports on one line)"));
        }
        self.dp_access(reg, Some(value))?;
        if reg.a == dp::SELECT {
            self.cache.selected(value);
        } else if reg.a == dp::ABORT && value & abort::DAPABORT != 0 {
            self.cache.forget();
        }
        Ok(())
    }

    fn dp_access(&mut self, reg: DpReg, write: Option<u32>) -> Result<u32, AdiError> {
        let sel = RegSel::dp(reg.a);
        let op = write.map_or(DapOp::read(sel), |value| DapOp::write(sel, value));
        let doing = Doing::Dp { reg, write: write.is_some() };
        let banked = reg.a == dp::CTRL_STAT || (reg.a == dp::DPIDR && write.is_none() && reg.bank != 0);
        let known = self.cache.select();
        if !banked || (reg.bank == 0 && known.is_some()) {
            return self.registers(&[op], doing, write);
        }
        let home = known.unwrap_or_default();
        let select = |value| DapOp::write(RegSel::dp(dp::SELECT), value);
        if reg.bank == 0 {
            // Nobody knows which bank is selected.
            let value = self.registers(&[select(home), op], doing, write)?;
            self.cache.selected(home);
            return Ok(value);
        }
        // Back to bank 0 at once, so that CTRL/STAT can be read without SELECT when something goes wrong.
        let there = home | (u32::from(reg.bank) & select::DPBANKSEL);
        let value = self.registers(&[select(there), op, select(home)], doing, write)?;
        self.cache.selected(home);
        Ok(value)
    }

    /// Reads an access-port register by its byte offset, 0x00 to 0xFC.
    ///
    /// # Errors
    /// [`AdiError`].
    pub fn read_ap(&mut self, ap: ApSel, reg: u8) -> Result<u32, AdiError> {
        self.ap_access(ap, reg, None)
    }

    /// Writes an access-port register by its byte offset, 0x00 to 0xFC. Never done twice.
    ///
    /// # Errors
    /// [`AdiError`].
    pub fn write_ap(&mut self, ap: ApSel, reg: u8, value: u32) -> Result<(), AdiError> {
        self.ap_access(ap, reg, Some(value)).map(|_| ())
    }

    fn ap_access(&mut self, ap: ApSel, reg: u8, write: Option<u32>) -> Result<u32, AdiError> {
        let sel = RegSel::ap(reg);
        let op = write.map_or(DapOp::read(sel), |value| DapOp::write(sel, value));
        let doing = Doing::Ap { ap, reg, write: write.is_some() };
        let wanted = select::value(ap.0, reg >> 4, 0);
        let chosen = [DapOp::write(RegSel::dp(dp::SELECT), wanted), op];
        let skip = usize::from(self.cache.select() == Some(wanted));
        let ops = chosen.get(skip..).unwrap_or_default();
        let value = self.registers(ops, doing, write)?;
        self.cache.selected(wanted);
        // A read of DRW moves TAR; other reads move nothing.
        if write.is_some() || reg == regs::ap::DRW {
            self.cache.disturbed(ap);
        }
        Ok(value)
    }

    /// A few register accesses of which at most one is a read. Returns its value, or 0.
    pub(crate) fn registers(
        &mut self,
        ops: &[DapOp],
        doing: Doing,
        write: Option<u32>,
    ) -> Result<u32, AdiError> {
        let mut attempt = Registers::new(&mut *self.link, ops, doing);
        let result = react(&mut attempt, &self.policy, &*self.clock);
        let value = attempt.values.first().copied();
        match result {
            Ok(waits) => {
                let seen = write.or(value).map_or(Seen::Nothing, Seen::Value);
                self.note(doing, seen, Ack::OK, waits);
                Ok(value.unwrap_or_default())
            }
            Err(error) => {
                self.cache.forget();
                self.note(doing, write.map_or(Seen::Nothing, Seen::Value), error.ack(), 0);
                Err(error)
            }
        }
    }

    /// Looks for access ports. A port whose IDR cannot be read (FAULT) is left out.
    ///
    /// # Errors
    /// [`AdiError`] other than FAULT.
    pub fn scan(&mut self, first: ApSel, last: ApSel) -> Result<Vec<ApInfo>, AdiError> {
        let mut found = Vec::new();
        for number in first.0..=last.0 {
            let ap = ApSel(number);
            let Some(idr) = unless_fault(self.read_ap(ap, IDR))?.map(Idr).filter(|idr| idr.is_present())
            else {
                continue;
            };
            let (mut base, mut csw) = (None, None);
            if idr.is_mem_ap() {
                base = unless_fault(self.read_ap(ap, BASE))?;
                csw = unless_fault(self.read_ap(ap, CSW))?;
            }
            found.push(ApInfo { ap, idr, csw, base });
        }
        Ok(found)
    }
}

fn unless_fault(read: Result<u32, AdiError>) -> Result<Option<u32>, AdiError> {
    match read {
        Ok(value) => Ok(Some(value)),
        Err(AdiError::Fault { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

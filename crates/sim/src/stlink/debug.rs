//! Commands about the core: registers, single words, resets. The firmware makes them of memory accesses.

use super::command::Command;
use super::memory::Last;
use super::port::Done;
use super::status::Status;
use super::{StLink, answer};
use crate::bus::Chip;
use regs::m33::{self, aircr, core_register as reg, dcrsr, dhcsr};

/// Looks at DHCSR until a core register has moved.
const REGISTER_LOOKS: u32 = 100;
/// The registers of READALLREGS: R0 to R12, SP, LR, PC, xPSR, MSP, PSP.
const ALL: [u32; 19] =
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, reg::SP, reg::LR, reg::PC, reg::XPSR, reg::MSP, reg::PSP];
/// Length of the answer of READALLREGS.
const ALL_BYTES: usize = 88;

impl<C: Chip> StLink<C> {
    /// READREG.
    pub(super) fn read_core(&mut self, command: &Command) -> Vec<u8> {
        let done = self.chosen(command.byte(3)).and_then(|ap| self.core_register(ap, command.byte(2).into()));
        answer(done)
    }

    /// WRITEREG.
    pub(super) fn write_core(&mut self, command: &Command) -> Status {
        let selector = u32::from(command.byte(2)) & dcrsr::REGSEL;
        let done = self.chosen(command.byte(7)).and_then(|ap| {
            self.write_word(ap, m33::DCRDR, command.word(3))?;
            self.write_word(ap, m33::DCRSR, selector | dcrsr::REGWNR)?;
            self.moved(ap)
        });
        done.err().unwrap_or(Status::OK)
    }

    /// READALLREGS: what is behind PSP is not known and left 0.
    pub(super) fn read_all(&mut self, command: &Command) -> Vec<u8> {
        let registers: Done<Vec<u32>> = self
            .chosen(command.byte(2))
            .and_then(|ap| ALL.iter().map(|selector| self.core_register(ap, *selector)).collect());
        let mut bytes = answer(registers.as_ref().map(|_| 0).map_err(|status| *status));
        bytes.truncate(4);
        bytes.extend(registers.unwrap_or_default().iter().flat_map(|value| value.to_le_bytes()));
        bytes.resize(ALL_BYTES, 0);
        bytes
    }

    fn core_register(&mut self, ap: u8, selector: u32) -> Done {
        self.write_word(ap, m33::DCRSR, selector & dcrsr::REGSEL)?;
        self.moved(ap)?;
        self.read_word(ap, m33::DCRDR)
    }

    /// Waits until the core has moved a register; it does not while it runs.
    fn moved(&mut self, ap: u8) -> Done<()> {
        for _ in 0..REGISTER_LOOKS {
            if self.read_word(ap, m33::DHCSR)? & dhcsr::S_REGRDY != 0 {
                return Ok(());
            }
        }
        Err(Status::FAULT)
    }

    /// READDEBUGREG.
    pub(super) fn read_debug(&mut self, command: &Command) -> Vec<u8> {
        let done = self.chosen(command.byte(6)).and_then(|ap| self.read_word(ap, command.word(2)));
        answer(done)
    }

    /// WRITEDEBUGREG.
    pub(super) fn write_debug(&mut self, command: &Command) -> Status {
        let (at, value) = (command.word(2), command.word(6));
        let done = self.chosen(command.byte(10)).and_then(|ap| self.write_word(ap, at, value));
        done.err().unwrap_or(Status::OK)
    }

    /// RESETSYS. It names no access port: the one that was opened last.
    pub(super) fn reset_core(&mut self) -> Status {
        let done = self
            .usable(self.core_ap.into())
            .and_then(|ap| self.write_word(ap, m33::AIRCR, aircr::VECTKEY | aircr::SYSRESETREQ));
        done.err().unwrap_or(Status::OK)
    }

    /// DRIVE_NRST.
    pub(super) fn drive_reset(&mut self, how: u8) -> Status {
        match how {
            0 => self.lines.drive_reset(true),
            1 => self.lines.drive_reset(false),
            2 => {
                self.lines.drive_reset(true);
                self.lines.now += self.knobs.pulse;
                self.lines.drive_reset(false);
            }
            _ => return Status::COMMAND_ERROR,
        }
        Status::OK
    }

    /// GETLASTRWSTATUS2.
    pub(super) fn last_status(&self) -> Vec<u8> {
        let Last { status, at } = self.last;
        let mut bytes = answer(if status == Status::OK { Ok(0) } else { Err(status) });
        bytes.truncate(4);
        bytes.extend(at.to_le_bytes());
        bytes.extend([0; 4]);
        bytes
    }
}

//! The debug port and the access ports as the firmware reaches them: SELECT is remembered, WAIT is repeated, what went
//! wrong becomes a status. [STL-10] [STL-20] [STL-21]

use super::StLink;
use super::command::Command;
use super::model::Ability;
use super::status::Status;
use crate::bus::Chip;
use crate::swd::Header;
use regs::ap::{BASE, IDR};
use regs::dp::{self, abort, ctrl_stat, select};
use wire::{Ack, Bits};

/// Looks at CTRL/STAT until the power-up requests are acknowledged.
const POWER_UP_LOOKS: u32 = 100;
/// Highest access port that a V3 opens. [STL-5]
const V3_LAST_AP: u8 = 8;
/// The port number that means the debug port.
const DEBUG_PORT: u16 = 0xFFFF;

/// What answers a register access: the value (0 for a write), or why not.
pub(super) type Done<T = u32> = Result<T, Status>;

impl<C: Chip> StLink<C> {
    fn access(&mut self, header: Header, value: u32) -> Result<u32, Ack> {
        let mut data = value;
        let tries = self.knobs.tries.max(1);
        match self.lines.transact(header, &mut data, tries - 1) {
            Ack::OK => Ok(data),
            ack => Err(ack),
        }
    }

    /// A debug port register in the bank that is selected.
    pub(super) fn dp_read(&mut self, a: u8) -> Result<u32, Ack> {
        self.access(Header { ap: false, read: true, a }, 0)
    }

    pub(super) fn dp_write(&mut self, a: u8, value: u32) -> Result<u32, Ack> {
        self.access(Header { ap: false, read: false, a }, value)
    }

    /// Writes SELECT unless it has the value.
    fn write_select(&mut self, value: u32) -> Result<(), Ack> {
        if self.select != Some(value) {
            self.select = None;
            self.dp_write(dp::SELECT, value)?;
            self.select = Some(value);
            self.bank = (value & select::DPBANKSEL) as u8;
        }
        Ok(())
    }

    /// An access port register; a read answers what the access before it led to.
    pub(super) fn ap_read(&mut self, ap: u8, offset: u8) -> Result<u32, Ack> {
        self.write_select(select::value(ap, offset >> 4, 0))?;
        self.access(Header { ap: true, read: true, a: offset & 0xC }, 0)
    }

    pub(super) fn ap_write(&mut self, ap: u8, offset: u8, value: u32) -> Result<(), Ack> {
        self.write_select(select::value(ap, offset >> 4, 0))?;
        self.access(Header { ap: true, read: false, a: offset & 0xC }, value).map(drop)
    }

    /// What the access before it led to.
    pub(super) fn fetch(&mut self) -> Result<u32, Ack> {
        self.dp_read(dp::RDBUFF)
    }

    /// After a write: two idle clocks and a look at CTRL/STAT, which is never answered WAIT. So a write that the bus has
    /// not taken yet looks done. [STL-20]
    pub(super) fn check_write(&mut self) -> Done<()> {
        if self.knobs.check_with_rdbuff {
            return self.fetch().map(drop).map_err(|ack| self.why(ack));
        }
        self.lines.sequence(&Bits { data: vec![0], len: 2 });
        let flags = self.dp_read(dp::CTRL_STAT).map_err(Status::of_ap)?;
        match sticky(flags) {
            Some(status) => Err(status),
            None => Ok(()),
        }
    }

    fn write_select_bank(&mut self, bank: u8) -> Result<(), Ack> {
        if self.bank == bank {
            return Ok(());
        }
        let kept = self.select.unwrap_or(0) & !select::DPBANKSEL;
        self.write_select(kept | u32::from(bank & 0xF))
    }

    /// The status for an access port access that got this ack. A FAULT is looked into.
    pub(super) fn why(&mut self, ack: Ack) -> Status {
        if ack == Ack::FAULT
            && let Ok(flags) = self.dp_read(dp::CTRL_STAT)
        {
            return sticky(flags).unwrap_or(Status::AP_FAULT);
        }
        Status::of_ap(ack)
    }

    /// READ_DAP_REG: 8 bytes.
    pub(super) fn read_register(&mut self, command: &Command) -> Vec<u8> {
        let done = match command.half(2) {
            DEBUG_PORT => self.read_debug_port(command.half(4)),
            port => self.read_access_port(port, command),
        };
        super::answer(done)
    }

    /// WRITE_DAP_REG: 2 bytes.
    pub(super) fn write_register(&mut self, command: &Command) -> Vec<u8> {
        let value = command.word(6);
        let done = match command.half(2) {
            DEBUG_PORT => self.write_debug_port(command.half(4), value),
            port => self.write_access_port(port, command, value),
        };
        done.err().unwrap_or(Status::OK).word().to_vec()
    }

    fn bank_of(&self, address: u16) -> u8 {
        let [low, _] = address.to_le_bytes();
        if self.version.has(Ability::Csw) { low >> 4 } else { 0 }
    }

    fn read_debug_port(&mut self, address: u16) -> Done {
        let [low, _] = address.to_le_bytes();
        let bank = self.bank_of(address);
        let read = |probe: &mut Self| {
            // The other registers have no banks, and SELECT is answered WAIT when DPIDR is not.
            if low & 0xC == dp::CTRL_STAT {
                probe.write_select_bank(bank)?;
            }
            probe.dp_read(low & 0xC)
        };
        read(self).map_err(Status::of_dp)
    }

    fn write_debug_port(&mut self, address: u16, value: u32) -> Done<()> {
        let [low, _] = address.to_le_bytes();
        let bank = self.bank_of(address);
        match low & 0xC {
            dp::SELECT => {
                // The firmware's own: the next access sets it again.
                self.select = None;
                self.bank = (value & select::DPBANKSEL) as u8;
            }
            dp::ABORT if value & abort::DAPABORT != 0 => self.waited = None,
            dp::CTRL_STAT => self.write_select_bank(bank).map_err(Status::of_dp)?,
            _ => {}
        }
        self.dp_write(low & 0xC, value).map(drop).map_err(Status::of_dp)
    }

    fn read_access_port(&mut self, port: u16, command: &Command) -> Done {
        let [offset, _] = command.half(4).to_le_bytes();
        let ap = self.usable(port).or_else(|shut| self.identified(port, offset).ok_or(shut))?;
        let mut run = self.resume(command);
        self.read_posted(ap, offset, run.posted).map_err(|(ack, posted)| {
            run.posted = posted;
            let status = self.why(ack);
            self.stalled(command, run, status)
        })
    }

    /// Posts a read, unless that was done, and fetches its value. An error says whether the read is posted.
    fn read_posted(&mut self, ap: u8, offset: u8, posted: bool) -> Result<u32, (Ack, bool)> {
        if !posted {
            self.ap_read(ap, offset).map_err(|ack| (ack, false))?;
        }
        self.fetch().map_err(|ack| (ack, true))
    }

    /// The answer does not wait for the bus. [STL-8]
    fn write_access_port(&mut self, port: u16, command: &Command, value: u32) -> Done<()> {
        let ap = self.usable(port)?;
        let [offset, _] = command.half(4).to_le_bytes();
        let run = self.resume(command);
        if offset == regs::ap::CSW {
            self.csw = None; // what the host wrote counts until the next memory command
        }
        self.ap_write(ap, offset, value).map_err(|ack| {
            let status = self.why(ack);
            self.stalled(command, run, status)
        })
    }

    /// The access port of this number, when it may be used. [STL-5]
    pub(super) fn usable(&self, port: u16) -> Done<u8> {
        let ap = u8::try_from(port).map_err(|_| Status::BAD_AP)?;
        let open = !self.version.has(Ability::MustOpen) || self.opened.contains(&ap);
        if open { Ok(ap) } else { Err(Status::BAD_AP) }
    }

    /// An access port whose IDR alone may be read, because it was not opened. [STL-28]
    fn identified(&self, port: u16, offset: u8) -> Option<u8> {
        let ap = u8::try_from(port).ok()?;
        let exists = self.version.hardware != 3 || ap <= V3_LAST_AP;
        (!self.knobs.all_shut && offset == IDR && exists).then_some(ap)
    }

    /// INIT_AP.
    pub(super) fn open_ap(&mut self, ap: u8) -> Status {
        if self.version.hardware == 3 && ap > V3_LAST_AP {
            return Status::BAD_AP;
        }
        match self.identify(ap) {
            Ok(0) if self.knobs.open_needs_idr => Status::BAD_AP,
            Ok(_) => {
                self.opened.insert(ap);
                self.core_ap = ap;
                Status::OK
            }
            Err(ack) => self.why(ack),
        }
    }

    /// IDR and BASE, as the capture shows them on entry. [STL-20]
    fn identify(&mut self, ap: u8) -> Result<u32, Ack> {
        self.ap_read(ap, IDR)?;
        let idr = self.ap_read(ap, BASE)?;
        self.fetch()?;
        Ok(idr)
    }

    /// CLOSE_AP.
    pub(super) fn close_ap(&mut self, ap: u8) -> Status {
        self.opened.remove(&ap);
        // This version answers so although it did it. [STL-4]
        if self.version.hardware == 2 && self.version.jtag == 28 { Status::BAD_AP } else { Status::OK }
    }

    /// ENTER SWD: wakes the debug port and powers it up. nRESET and the core are left alone. [STL-13] [STL-20]
    pub(super) fn enter(&mut self) -> Done<()> {
        self.forget();
        self.lines.sequence(&Bits::whole(dp::JTAG_TO_SWD.bytes));
        self.dp_read(dp::DPIDR).map_err(|_| Status::GET_IDCODE_ERROR)?;
        let power_up = |probe: &mut Self| -> Result<bool, Ack> {
            probe.write_select_bank(0)?; // SELECT outlives a line reset
            if probe.dp_read(dp::CTRL_STAT)? & ctrl_stat::STICKY != 0 {
                probe.dp_write(dp::ABORT, abort::CLEAR_ALL)?;
            }
            probe.dp_write(dp::CTRL_STAT, ctrl_stat::PWRUPREQ)?;
            for _ in 0..POWER_UP_LOOKS {
                if probe.dp_read(dp::CTRL_STAT)? & ctrl_stat::PWRUPACK == ctrl_stat::PWRUPACK {
                    return Ok(true);
                }
            }
            Ok(false)
        };
        match power_up(self).map_err(Status::of_dp)? {
            true => {
                // Before there was a command for it, entering looked at the only access port.
                if !self.version.has(Ability::OpenAp) {
                    self.identify(0).map_err(|ack| self.why(ack))?;
                }
                if !self.knobs.all_shut {
                    self.opened.insert(0); // [STL-28]
                }
                Ok(())
            }
            false => Err(Status::DEBUG_POWER_ERROR),
        }
    }

    /// Nothing is known of the target any more.
    pub(super) fn forget(&mut self) {
        (self.select, self.csw, self.waited) = (None, None, None);
        self.opened.clear();
        self.core_ap = 0;
    }

    /// Clears the sticky flags behind a failed memory command, if this firmware does. [STL-22]
    pub(super) fn clear_sticky(&mut self) {
        if !self.knobs.keep_sticky {
            // Its ack would change nothing: the status that the host gets is the one of the command.
            let _ = self.dp_write(dp::ABORT, abort::CLEAR_ALL);
        }
    }
}

/// The status that sticky flags stand for.
fn sticky(flags: u32) -> Option<Status> {
    let has = |flag| flags & flag != 0;
    match flags & ctrl_stat::STICKY {
        0 => None,
        _ if has(ctrl_stat::WDATAERR) => Some(Status::AP_WDATA_ERROR),
        _ if has(ctrl_stat::STICKYORUN) => Some(Status::AP_STICKY_OVERRUN),
        _ => Some(Status::AP_FAULT),
    }
}

//! Debug mode and access ports: what must be done before anything reaches the target.

use super::StLink;
use super::talk::{nonsense, refused};
use ::stlink::{Command, DapPort, Enter, Family, Feature, Meaning, Nrst, Status};
use regs::ap::csw;
use wire::{Ack, Attr, LinkError, Pipe};

/// The highest access port that a V3 takes. [STL-5]
const LAST_AP_V3: u8 = 8;

/// Bits of CSW that are no setting.
const READ_ONLY: u32 = csw::SPIDEN;

impl<P: Pipe> StLink<P> {
    /// Enters debug mode, if need be. `Some`: nobody answered. [STL-13]
    pub(super) fn enter(&mut self) -> Result<Option<Ack>, LinkError> {
        self.talk.ready()?;
        if std::mem::take(&mut self.talk.left_debug) {
            self.entered = false;
        }
        if self.lost {
            // Leaving closes what the firmware believes of the target. [STL-12]
            self.leave_mode()?;
            (self.lost, self.entered) = (false, false);
        }
        if self.entered {
            return Ok(None);
        }
        self.opened.clear();
        self.own_csw.clear();
        self.select = 0;
        let command = Command::Enter(Enter::SWD);
        let status = self.talk.status(&command)?;
        match (status.meaning(), status) {
            (Meaning::Done, _) => {}
            (_, Status::OTHER_MODE | Status::UNKNOWN_COMMAND) => return Err(refused("ENTER", status)),
            // Whatever went wrong on the wire, it found no debug port.
            _ => {
                self.lost = true;
                return Ok(Some(Ack::NONE));
            }
        }
        self.entered = true;
        if self.nreset_low {
            self.talk.must(&Command::DriveNrst(Nrst::LOW))?;
        }
        Ok(None)
    }

    /// Opens an access port, if need be. `Some`: it did not go well. [STL-5]
    pub(super) fn open_ap(&mut self, ap: u8) -> Result<Option<Status>, LinkError> {
        self.reachable(ap)?;
        if !self.has(Feature::InitAp) || self.opened.contains(&ap) {
            return Ok(None);
        }
        let status = self.talk.status(&Command::InitAp { ap, core: 0 })?;
        if status.meaning() == Meaning::Done {
            self.opened.insert(ap);
            return Ok(None);
        }
        self.heed(status);
        Ok(Some(status))
    }

    /// Whether the firmware takes this access port at all.
    pub(super) fn reachable(&self, ap: u8) -> Result<(), LinkError> {
        if ap != 0 {
            self.need(Feature::InitAp)?;
        }
        let v3 = matches!(self.info.version.family(), Family::V3 | Family::V3Pwr);
        if v3 && ap > LAST_AP_V3 {
            return Err(LinkError::Unsupported("an ST-Link V3 has access ports 0 to 8 only"));
        }
        Ok(())
    }

    /// Draws the conclusions from a status that is not OK.
    pub(super) fn heed(&mut self, status: Status) {
        match (status.meaning(), status) {
            (Meaning::Ack(Ack::NONE), _) => self.lost = true,
            (_, Status::BAD_AP) => self.opened.clear(),
            _ => {}
        }
    }

    /// CSW for the accesses of a batch: 0 lets the firmware choose. The port's own bits stay, the attribute is put in.
    /// [STL-6] [H5-DBG-5]
    pub(super) fn csw(&mut self, ap: u8, attr: Attr) -> Result<Result<u32, Status>, LinkError> {
        let attribute = match attr {
            Attr::Default => return Ok(Ok(0)),
            Attr::Secure => csw::H5_SECURE,
            Attr::NonSecure => csw::H5_NON_SECURE,
        };
        self.need(Feature::CswArgument)?;
        let own = match self.own_csw.get(&ap) {
            Some(own) => *own,
            None => {
                let command = Command::ReadDap { port: DapPort::ap(ap), reg: u16::from(regs::ap::CSW) };
                let answer = self.talk.ask(&command)?;
                let ::stlink::Answer::Value { status, value } = answer else {
                    return Err(nonsense("READ_DAP_REG"));
                };
                if status.meaning() != Meaning::Done {
                    self.heed(status);
                    return Ok(Err(status));
                }
                self.own_csw.insert(ap, value);
                value
            }
        };
        Ok(Ok((own & !(csw::H5_PROT_MASK | READ_ONLY | LOW_BYTE)) | attribute))
    }
}

/// What the firmware sets by itself.
const LOW_BYTE: u32 = 0xFF;

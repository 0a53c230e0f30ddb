//! `StLink`: registers and memory through an ST-Link.
//!
//! It is a [`Link`](wire::Link) for single registers and nRESET, and a [`Mem`](wire::Mem) for memory, which is what such a
//! probe is good at. Its firmware keeps the line to itself [STL-10]: what a link promises and this probe cannot do is
//! `LinkError::Unsupported` with the reason. Waiting for a value is of that kind for registers of a port; for a word of memory
//! it is done here, by reads in lists that grow, until the value comes or the looks or the time of the policy are spent.
//!
//! **Debug mode** is entered when the target is first touched, and again after the target fell silent, because entering is
//! what wakes the debug port [STL-13]. **SELECT** is kept here and goes along with each command as access port and bank.
//! **Nothing is repeated** here: WAIT, FAULT and silence are handed up as they came. In particular a memory write whose
//! status is not OK is not sent again, for it would begin at its first address [STL-6].
//!
//! **Falling out of step.** Answers do not say what they answer. When one stays away or makes no sense, the call fails, and
//! the next call first listens until nothing comes and asks for the mode until the answer is one.

mod block;
mod debug;
mod gate;
mod link;
mod memory;
mod registers;
mod talk;

#[cfg(test)]
mod tests;

use ::stlink::{Answer, Command, Device, Family, Feature, Mode, RawVersion, Version, clock, device};
use pace::{Clock, UsbPatience};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use talk::Talk;
use wire::{Hz, LinkError, Mark, MarkKind, Pipe};

/// What was learnt when the probe was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StLinkInfo {
    /// Firmware.
    pub version: Version,
    /// Hardware family, by USB product number.
    pub family: Family,
    /// Product name.
    pub product: String,
    /// Serial number, readable.
    pub serial: Option<String>,
    /// The target's supply in millivolts, where the firmware measures it.
    pub millivolts: Option<u32>,
    /// Why it may be a clone, if something speaks for that. [STL-27]
    pub oddity: Option<&'static str>,
}

/// An ST-Link V2, V2-1 or V3, used for SWD.
pub struct StLink<P> {
    talk: Talk<P>,
    clock: Arc<dyn Clock>,
    info: StLinkInfo,
    /// Debug mode was entered.
    entered: bool,
    /// The target fell silent, so debug mode must be left and entered anew.
    lost: bool,
    /// Access ports that were opened.
    opened: BTreeSet<u8>,
    /// CSW of access ports as it was first read.
    own_csw: BTreeMap<u8, u32>,
    /// What nRESET is told to be.
    nreset_low: bool,
    /// SELECT, which the firmware keeps to itself.
    select: u32,
    swclk: Hz,
    /// Looks that a wait for a value may take.
    looks: u32,
    /// How long it may take, where the patience is a time.
    look_time: Option<Duration>,
}

impl<P: Pipe> fmt::Debug for StLink<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StLink")
            .field("info", &self.info)
            .field("entered", &self.entered)
            .field("opened", &self.opened)
            .field("swclk", &self.swclk)
            .finish_non_exhaustive()
    }
}

impl<P: Pipe> StLink<P> {
    /// Throws stale answers away, learns what the probe is, and leaves whatever mode it is in. Nothing is sent to the target.
    ///
    /// # Errors
    /// When the pipe fails, when the probe is a V1 or in its loader, or when its firmware is too old (before V2J24).
    pub fn open(pipe: P, usb: &UsbPatience, clock: Arc<dyn Clock>) -> Result<Self, LinkError> {
        let (product, serial) = (pipe.shape().product.clone(), pipe.shape().serial.clone());
        let known = ::stlink::device(pipe.shape().id.1);
        if known.is_some_and(|device| device.loader) {
            return Err(LinkError::Unsupported(
                "it is in its loader: plug it in anew, or finish its firmware update",
            ));
        }
        let mut talk = Talk::new(pipe, usb, Arc::clone(&clock));
        talk.drain()?;
        let (raw, version) = version(&mut talk)?;
        let family = known.map_or(version.family(), |device: Device| device.family);
        if !version.has(Feature::DapRegisters) {
            return Err(LinkError::Unsupported(gate::missing(Feature::DapRegisters)));
        }
        let oddity = device::oddity(talk.pipe.shape().id.1, serial.as_deref(), raw);
        let info = StLinkInfo { version, family, product, serial, millivolts: None, oddity };
        let mut link = StLink {
            talk,
            clock,
            info,
            entered: false,
            lost: false,
            opened: BTreeSet::new(),
            own_csw: BTreeMap::new(),
            nreset_low: false,
            select: 0,
            swclk: clock::SWD_V2_DEFAULT,
            looks: 1,
            look_time: None,
        };
        link.leave_mode()?;
        link.info.millivolts = link.measure()?;
        if let Some(why) = oddity {
            link.note(format!("this may be no ST-Link of ST's: {why}; its nRESET may not be wired"));
        }
        Ok(link)
    }

    fn note(&mut self, text: String) {
        log::warn!("{text}");
        self.talk.pipe.mark(&Mark::new(MarkKind::Note, text));
    }

    /// What the probe said about itself.
    pub fn info(&self) -> &StLinkInfo {
        &self.info
    }

    fn has(&self, feature: Feature) -> bool {
        self.info.version.has(feature)
    }

    /// Leaves whatever mode the probe is in. [STL-12]
    fn leave_mode(&mut self) -> Result<(), LinkError> {
        let exit = match self.talk.mode()? {
            Mode::MASS => return Ok(()),
            Mode::DFU => Command::DfuExit,
            Mode::SWIM => Command::SwimExit,
            Mode::DEBUG => Command::DebugExit,
            _ => return Err(LinkError::Refused("to work: it is in its boot loader".to_owned())),
        };
        self.talk.tell(&exit)?;
        self.entered = false;
        match self.talk.mode()? {
            Mode::DFU | Mode::BOOTLOADER => {
                Err(LinkError::Refused("to leave DFU mode: plug it in anew".to_owned()))
            }
            _ => Ok(()),
        }
    }

    /// The target's supply.
    fn measure(&mut self) -> Result<Option<u32>, LinkError> {
        if !self.has(Feature::TargetVoltage) {
            return Ok(None);
        }
        let millivolts = self.talk.ask(&Command::GetTargetVoltage)?.millivolts();
        if let Some(low) = millivolts.filter(|millivolts| *millivolts < LOW_SUPPLY) {
            self.note(format!("the target's supply reads {low} mV"));
        }
        Ok(millivolts)
    }
}

/// Below this supply, in millivolts, a target hardly works.
const LOW_SUPPLY: u32 = 1500;

/// Asks F1 and, where that is not enough, FB. [STL-2]
fn version<P: Pipe>(talk: &mut Talk<P>) -> Result<(RawVersion, Version), LinkError> {
    let Answer::Version(raw) = talk.ask(&Command::GetVersion)? else {
        return Err(talk::nonsense("GET_VERSION"));
    };
    if !raw.is_extended() {
        return Ok((raw, Version::from_raw(raw)));
    }
    match talk.ask(&Command::GetVersionExt)? {
        Answer::VersionExt(ext) => Ok((raw, Version::from_ext(ext))),
        _ => Err(talk::nonsense("GET_VERSION_EXT")),
    }
}

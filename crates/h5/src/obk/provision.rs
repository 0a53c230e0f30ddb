//! The routes by which a payload may get into OBK. [H5-OBK-4] [H5-OBK-7] [H5-OBK-9] [H5-OBK-10]

use super::ObkFile;
use crate::{Flags, H5Error, Part, Tzen};
use pace::Site;
use regs::h5::device::Device;
use regs::h5::memory::{OBK_LEN, OBK_S, Range};
use regs::h5::obk::area;
use regs::h5::sbs::{self, Hdpl};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;
use wire::Addr;

/// How the payload gets into the part. Which route silicon accepts from a debugger, and in which state, is a guess for each
/// of them. [H5-OBK-10]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ObkRoute {
    /// OBK programming through the flash registers. [H5-OBK-4]
    Direct,
    /// The core runs the ROM's DataProvisioning service. [H5-OBK-7]
    Rsslib,
    /// The ROM runs it at the next reset, told so by SBS_RSSCMDR. [H5-OBK-9]
    RssCommand,
}

impl ObkRoute {
    /// All routes.
    pub const ALL: [ObkRoute; 3] = [ObkRoute::Direct, ObkRoute::Rsslib, ObkRoute::RssCommand];

    /// The word people type.
    pub const fn word(self) -> &'static str {
        match self {
            ObkRoute::Direct => "direct",
            ObkRoute::Rsslib => "rsslib",
            ObkRoute::RssCommand => "rss-command",
        }
    }

    /// Direct where nothing has to be encrypted and TrustZone is off; else the ROM's service, which alone can encrypt and
    /// alone may be reached with TrustZone on.
    pub fn default_for(device: &Device, tzen: Tzen) -> ObkRoute {
        if !device.crypto && !tzen.is_on() { ObkRoute::Direct } else { ObkRoute::Rsslib }
    }
}

impl fmt::Display for ObkRoute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for ObkRoute {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = ObkRoute::ALL.into_iter().find(|r| r.word() == text);
        found.ok_or_else(|| format!("`{text}` is no OBK route; there are direct, rsslib and rss-command"))
    }
}

/// What provisioning did. That the part took the data is proven by discovery after a reset, not by this.
#[derive(Debug, Clone)]
pub struct ObkReport {
    /// The route.
    pub route: ObkRoute,
    /// Where the payload went.
    pub destination: Addr,
    /// Bytes of payload.
    pub bytes: usize,
    /// The hide protection level the part was in, as SBS_HDPLSR says. It must be that of the destination. [H5-OBK-5]
    pub hdpl: Option<Hdpl>,
    /// The ROM's result word, for the routes that have one.
    pub result: Option<u32>,
    /// Error flags that an earlier operation had left.
    pub stale: Option<Flags>,
    /// How long it took.
    pub elapsed: Duration,
}

impl Part<'_> {
    /// Brings a provisioning file's payload into OBK by a route. The payload is marked secret all the way to the recording.
    ///
    /// The file is not judged here beyond what the route needs: [`ObkFile::lint`] does that before.
    ///
    /// # Errors
    /// [`H5Error::RouteRefused`] before anything is written; [`H5Error::ObkRejected`] with the ROM's result;
    /// [`H5Error::FlashFlags`], [`H5Error::TargetBusy`], [`H5Error::LockedUntilReset`], [`H5Error::Adi`].
    pub fn provision_obk(&mut self, file: &ObkFile, route: ObkRoute) -> Result<ObkReport, H5Error> {
        let refuse = |why: &str| Err(H5Error::RouteRefused { route, why: why.to_owned() });
        if self.identity.device.map.obk.is_empty() {
            return refuse("this family has no OBK");
        }
        let end = u64::from(file.destination().0) + u64::try_from(file.payload_len()).unwrap_or(u64::MAX);
        if file.destination().0 < OBK_S || end > u64::from(OBK_S + OBK_LEN) {
            return refuse("the file's destination is outside OBK");
        }
        let clock = self.adi.clock().clone();
        let start = clock.now();
        let mut hdpl = self.hdpl()?;
        let destination = file.destination();
        self.note(format!("OBK: {} bytes to {destination} by the {route} route", file.payload_len()));
        if route == ObkRoute::Direct {
            hdpl = self.wait_for_level(destination, hdpl)?;
        }
        let (result, stale) = match route {
            ObkRoute::Direct => (None, self.obk_direct(file, hdpl)?),
            ObkRoute::Rsslib => (Some(self.obk_rsslib(file)?), None),
            ObkRoute::RssCommand => (Some(self.obk_rss_command(file)?), None),
        };
        let elapsed = clock.now().saturating_sub(start);
        Ok(ObkReport { route, destination, bytes: file.payload_len(), hdpl, result, stale, elapsed })
    }

    /// The hide protection level, as far as the part shows it.
    fn hdpl(&mut self) -> Result<Option<Hdpl>, H5Error> {
        let at = self.alias(Addr(sbs::BASE + sbs::HDPLSR));
        Ok(Hdpl::from_code(self.read_reg(at)?))
    }

    /// Right after a reset the part is at level 0, and its ROM takes its time: programmed too early, OBK answers OBKERR. A level
    /// that is no level, or too high already, is left to the part to judge: waiting would not change it.
    fn wait_for_level(&mut self, to: Addr, seen: Option<Hdpl>) -> Result<Option<Hdpl>, H5Error> {
        let (Some(level), Some(wanted)) = (seen, level_of(to)) else { return Ok(seen) };
        if level >= wanted {
            return Ok(seen);
        }
        let ahead = self.read_reg(self.alias(Addr(sbs::BASE + sbs::NEXTHDPLCR)))? & sbs::nexthdplcr::NEXTHDPL;
        let at = self.alias(Addr(sbs::BASE + sbs::HDPLSR));
        let doing = format!("hide protection level {}, at which {to} can be programmed", wanted.number());
        let reached = |code| {
            Hdpl::from_code(code).is_some_and(|l| u32::from(l.number()) + ahead >= u32::from(wanted.number()))
        };
        let code = self.wait_reg(at, Site::Reconnect, &doing, reached)?;
        Ok(Hdpl::from_code(code))
    }

    /// SRAM3, the only place from which the ROM's service takes data.
    pub(super) fn sram3(&self, route: ObkRoute) -> Result<&'static Range, H5Error> {
        let map = self.identity.device.map;
        let why = || "this family has no SRAM3, from which the service takes its data".to_owned();
        map.sram_block("SRAM3").ok_or_else(|| H5Error::RouteRefused { route, why: why() })
    }
}

/// The level whose code may program an address of OBK. [H5-OBK-5]
fn level_of(at: Addr) -> Option<Hdpl> {
    let offset = at.0.checked_sub(OBK_S)?;
    let areas = [area::HDPL0, area::HDPL1, area::HDPL2, area::HDPL3];
    let holds = |(start, len): (u32, u32)| offset.checked_sub(start).is_some_and(|inside| inside < len);
    Hdpl::ALL.into_iter().zip(areas).find(|(_, area)| holds(*area)).map(|(level, _)| level)
}

#[cfg(test)]
mod tests {
    use super::*;
    use regs::h5::device::Family;

    #[test]
    fn routes_are_read_and_written_by_their_words() {
        for route in ObkRoute::ALL {
            assert_eq!(route.to_string().parse(), Ok(route));
        }
        assert!("swd".parse::<ObkRoute>().is_err());
    }

    #[test]
    fn each_place_in_obk_has_the_level_of_its_area() {
        let level = |offset| level_of(Addr(OBK_S + offset));
        assert_eq!(
            [level(0xFF), level(0x100), level(0x8FF)],
            [Some(Hdpl::L0), Some(Hdpl::L1), Some(Hdpl::L1)]
        );
        assert_eq!([level(0x900), level(0xC00), level(OBK_LEN)], [Some(Hdpl::L2), Some(Hdpl::L3), None]);
        assert_eq!(level_of(Addr(OBK_S - 4)), None);
    }

    #[test]
    fn the_default_route_is_direct_only_without_crypto_and_without_trust_zone() {
        let route = |family: Family, tzen| ObkRoute::default_for(family.device(), tzen);
        assert_eq!(route(Family::H562, Tzen::Off), ObkRoute::Direct);
        assert_eq!(route(Family::H562, Tzen::On), ObkRoute::Rsslib);
        assert_eq!(route(Family::H573, Tzen::Off), ObkRoute::Rsslib);
    }
}

//! The non-volatile image: what survives without power, as canonical JSON.
//!
//! Canonical means: blank sectors, virgin slots and unwritten half-words are left out, everything else stands in one
//! order. So equal memories give equal bytes.

use crate::chip::{NonVolatile, OTP_HALF_WORDS, Obk, Options, SLOT, SLOTS, Sector, Slot};
use crate::hex;
use regs::h5::device::Family;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

const SECTOR: usize = regs::h5::flash::SECTOR as usize;
const VERSION: u32 = 1;

/// The image.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Image {
    version: u32,
    part: String,
    kib: u16,
    uid: String,
    options: Options,
    interrupted: u32,
    flash: BTreeMap<u32, SectorImage>,
    obk: ObkImage,
    otp: BTreeMap<u16, u16>,
}

/// A sector that is not blank. Ones at the end are left out.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SectorImage {
    data: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    torn: Option<[u64; 8]>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ObkImage {
    current: u8,
    undefined: bool,
    sectors: [BTreeMap<u16, SlotImage>; 2],
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum SlotImage {
    Clear(String),
    Encrypted(String),
    Torn,
}

impl Image {
    /// The image of a memory.
    pub(super) fn of(nv: &NonVolatile) -> Self {
        let otp = (0..).zip(&nv.otp).filter_map(|(at, half)| half.map(|half| (at, half))).collect();
        Image {
            version: VERSION,
            part: nv.family.to_string(),
            kib: nv.kib,
            uid: hex::encode(&nv.uid),
            options: nv.options,
            interrupted: nv.interrupted,
            flash: nv.array.used().map(|(n, sector)| (n, SectorImage::of(sector))).collect(),
            obk: ObkImage::of(&nv.obk),
            otp,
        }
    }

    /// The memory of an image, or what is wrong with it.
    pub(super) fn into_memory(self) -> Result<NonVolatile, String> {
        if self.version != VERSION {
            return Err(format!("version {} is not known here (known: {VERSION})", self.version));
        }
        let family = Family::from_name(&self.part).ok_or_else(|| format!("no part {:?}", self.part))?;
        if !family.device().flash_kib.contains(&self.kib) {
            return Err(format!("no {family} has {} KiB", self.kib));
        }
        let uid =
            hex::decode(&self.uid).and_then(|uid| uid.try_into().ok()).ok_or("the UID is not 12 bytes")?;
        let mut nv = NonVolatile::factory(family, self.kib, Some(uid));
        nv.options = self.options;
        nv.interrupted = self.interrupted;
        for (number, sector) in self.flash {
            let fits = sector.into_sector().is_some_and(|sector| nv.array.restore(number, sector));
            if !fits {
                return Err(format!("flash sector {number} does not fit"));
            }
        }
        nv.obk = self.obk.into_obk().ok_or("the OBK slots do not fit")?;
        for (at, half) in self.otp {
            let slot =
                nv.otp.get_mut(usize::from(at)).ok_or(format!("OTP has {OTP_HALF_WORDS} half-words"))?;
            *slot = Some(half);
        }
        Ok(nv)
    }
}

impl SectorImage {
    fn of(sector: &Sector) -> Self {
        let used = sector.bytes.iter().rposition(|byte| *byte != 0xFF).map_or(0, |last| last + 1);
        let torn = sector.torn.iter().any(|bits| *bits != 0).then_some(sector.torn);
        SectorImage { data: hex::encode(&sector.bytes[..used]), torn }
    }

    fn into_sector(self) -> Option<Sector> {
        let mut bytes = hex::decode(&self.data).filter(|bytes| bytes.len() <= SECTOR)?;
        bytes.resize(SECTOR, 0xFF);
        Some(Sector { bytes: bytes.into_boxed_slice(), torn: self.torn.unwrap_or_default() })
    }
}

impl ObkImage {
    fn of(obk: &Obk) -> Self {
        let sector = |slots: &[Slot]| {
            let written = (0..).zip(slots).filter_map(|(n, slot)| SlotImage::of(slot).map(|slot| (n, slot)));
            written.collect()
        };
        ObkImage {
            current: u8::from(obk.current == 1),
            undefined: obk.undefined,
            sectors: [sector(&obk.sectors[0]), sector(&obk.sectors[1])],
        }
    }

    fn into_obk(self) -> Option<Obk> {
        let mut obk = Obk::new();
        obk.current = usize::from(self.current == 1);
        obk.undefined = self.undefined;
        for (slots, sector) in obk.sectors.iter_mut().zip(self.sectors) {
            for (n, slot) in sector {
                *slots.get_mut(usize::from(n)).filter(|_| usize::from(n) < SLOTS)? = slot.into_slot()?;
            }
        }
        Some(obk)
    }
}

impl SlotImage {
    fn of(slot: &Slot) -> Option<Self> {
        match slot {
            Slot::Virgin => None,
            Slot::Torn => Some(SlotImage::Torn),
            Slot::Written { bytes, encrypted: false } => Some(SlotImage::Clear(hex::encode(bytes))),
            Slot::Written { bytes, encrypted: true } => Some(SlotImage::Encrypted(hex::encode(bytes))),
        }
    }

    fn into_slot(self) -> Option<Slot> {
        let (text, encrypted) = match self {
            SlotImage::Torn => return Some(Slot::Torn),
            SlotImage::Clear(text) => (text, false),
            SlotImage::Encrypted(text) => (text, true),
        };
        let bytes: [u8; SLOT] = hex::decode(&text)?.try_into().ok()?;
        Some(Slot::Written { bytes, encrypted })
    }
}

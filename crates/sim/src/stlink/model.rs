//! Which ST-Link it is and what its firmware can. [STL-2] [STL-4] [STL-15]

use crate::bus::Time;
use crate::usb::Pace;
use wire::UsbIdentity;

/// The kind of probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Model {
    /// The stand-alone probe and its clones.
    V2,
    /// The probe on older boards.
    V21,
    /// The probe on newer boards.
    V3,
}

impl Model {
    /// Its USB product numbers, the usual one first.
    fn products(self) -> &'static [u16] {
        match self {
            Model::V2 => &[0x3748],
            Model::V21 => &[0x374B, 0x374A, 0x3752],
            Model::V3 => &[0x374E, 0x374F, 0x3753, 0x3754, 0x3757],
        }
    }

    /// The product number, when it is one of this kind.
    pub(crate) fn product(self, asked: Option<u16>) -> Option<u16> {
        let products = self.products();
        asked.map_or(products.first().copied(), |asked| products.iter().copied().find(|p| *p == asked))
    }

    /// Serial number where a scenario names no other: 24 hex digits, another one for each product number.
    pub(crate) fn serial(self, asked: Option<u16>) -> String {
        format!("0020000F533150022034{:04X}", self.product(asked).unwrap_or_default())
    }

    /// Firmware that it has when nothing is said.
    pub(crate) fn usual(self) -> Version {
        let (jtag, swim) = (37, 0);
        match self {
            Model::V2 => Version { hardware: 2, jtag, swim: 7, ..Version::default() },
            Model::V21 => Version { hardware: 2, jtag, swim, msc: 26, ..Version::default() },
            Model::V3 => Version { hardware: 3, jtag: 13, msc: 4, ..Version::default() },
        }
    }

    /// Whether firmware of this number is for this kind of probe.
    pub(crate) fn takes(self, version: Version) -> bool {
        let small = |n: u8| n < 64;
        match self {
            Model::V2 => version.hardware == 2 && version.msc == 0 && small(version.jtag),
            // Some pairs of numbers say on a V2-1: for STM8 only. [STL-2]
            Model::V21 => {
                let (x, y) = (version.jtag, version.msc);
                let other = (x <= 22 && y == 7) || (x >= 25 && (7..=12).contains(&y));
                version.hardware == 2 && version.swim == 0 && small(x) && small(y) && !other
            }
            Model::V3 => version.hardware == 3,
        }
    }

    /// How fast its cable is: full speed, or high speed for a V3.
    pub(crate) fn pace(self) -> Pace {
        const FULL: (Time, Time) = (1_000_000, 55_000);
        const HIGH: (Time, Time) = (125_000, 10_000);
        let (latency, gap) = if self == Model::V3 { HIGH } else { FULL };
        Pace { latency, gap }
    }

    pub(super) fn max_packet(self) -> u16 {
        if self == Model::V3 { 512 } else { 64 }
    }

    /// Endpoints of commands and of answers.
    pub(super) fn endpoints(self) -> [u8; 2] {
        if self == Model::V2 { [0x02, 0x81] } else { [0x01, 0x81] }
    }

    pub(super) fn identity(self, product: u16, serial: &str) -> UsbIdentity {
        UsbIdentity {
            vid: 0x0483,
            pid: product,
            release: 0x0100,
            manufacturer: "STMicroelectronics".to_owned(),
            product: if self == Model::V3 { "STLINK-V3" } else { "STM32 STLink" }.to_owned(),
            serial: serial.to_owned(),
        }
    }
}

/// The number of a firmware, as in `V2J37S7` or `V3J13M4B5S1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Version {
    pub(super) hardware: u8,
    pub(super) jtag: u8,
    pub(super) swim: u8,
    pub(super) msc: u8,
    pub(super) bridge: u8,
}

impl Version {
    /// Reads the number as it is printed.
    pub(crate) fn parse(text: &str) -> Option<Version> {
        let mut version = Version::default();
        let mut rest = text;
        let mut seen = String::new();
        while let Some(letter) = rest.chars().next() {
            let digits = rest.get(letter.len_utf8()..)?;
            let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
            let value = digits.get(..end)?.parse().ok()?;
            match letter {
                'V' => version.hardware = value,
                'J' => version.jtag = value,
                'S' => version.swim = value,
                'M' => version.msc = value,
                'B' => version.bridge = value,
                _ => return None,
            }
            seen.push(letter);
            rest = digits.get(end..)?;
        }
        let known = ["VJ", "VJS", "VJM", "VJMB", "VJMBS"].contains(&seen.as_str());
        (known && (2..=3).contains(&version.hardware)).then_some(version)
    }

    /// Whether it can do this.
    pub(super) fn has(self, ability: Ability) -> bool {
        let (v2, v3) = ability.since();
        let since = if self.hardware == 2 { v2 } else { v3 };
        since.is_some_and(|since| self.jtag >= since)
    }
}

/// What came with a firmware number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ability {
    /// What every firmware can.
    Always,
    /// Trace commands and the target's supply voltage.
    Trace,
    /// GETLASTRWSTATUS2.
    LastStatus2,
    /// SWCLK as a divisor.
    SwdDivisor,
    /// TCK as a divisor.
    JtagDivisor,
    /// Debug and access port registers.
    DapRegister,
    /// 16-bit accesses and writes to one address.
    Half,
    /// Opening access ports, and any other than the first one.
    OpenAp,
    /// Banked debug port registers, CSW in memory commands, reads of one address, RW_MISC.
    Csw,
    /// The board's identifiers.
    BoardId,
    /// 8-bit accesses up to 512 bytes.
    LongBytes,
    /// An access port must be opened before it is used.
    MustOpen,
    /// SWCLK in kHz.
    KiloHertz,
}

impl Ability {
    /// The firmware that brought it, for hardware 2 and 3.
    fn since(self) -> (Option<u8>, Option<u8>) {
        match self {
            Ability::Always => (Some(0), Some(0)),
            Ability::Trace => (Some(13), Some(0)),
            Ability::LastStatus2 => (Some(15), Some(0)),
            Ability::SwdDivisor => (Some(22), None),
            Ability::JtagDivisor => (Some(24), None),
            Ability::DapRegister => (Some(24), Some(0)),
            Ability::Half => (Some(26), Some(0)),
            Ability::OpenAp => (Some(28), Some(0)),
            Ability::Csw => (Some(32), Some(2)),
            Ability::BoardId => (Some(36), Some(6)),
            Ability::LongBytes => (None, Some(6)),
            Ability::MustOpen => (Some(37), Some(7)),
            Ability::KiloHertz => (None, Some(0)),
        }
    }
}

//! Firmware versions, and what came with which. [STL-2] [STL-4]

#[cfg(test)]
mod tests;

use crate::reader::Reader;
use crate::{DecodeError, Device, Family};
use std::fmt;

/// The answer to F1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RawVersion {
    /// Bits 15:12 hardware, 11:6 and 5:0 two firmware numbers.
    pub word: u16,
    /// USB vendor.
    pub vid: u16,
    /// USB product.
    pub pid: u16,
}

impl RawVersion {
    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let word = u16::from_be_bytes(reader.array()?);
        Ok(RawVersion { word, vid: reader.u16()?, pid: reader.u16()? })
    }

    pub(crate) fn bytes(self) -> [u8; 6] {
        let ([w1, w0], [v0, v1]) = (self.word.to_be_bytes(), self.vid.to_le_bytes());
        let [p0, p1] = self.pid.to_le_bytes();
        [w1, w0, v0, v1, p0, p1]
    }

    /// The number of the hardware: 1, 2, 3 (4 for a V3PWR).
    pub const fn hardware(self) -> u8 {
        self.field(12)
    }

    const fn x(self) -> u8 {
        self.field(6) & 0x3F
    }

    const fn y(self) -> u8 {
        self.field(0) & 0x3F
    }

    const fn field(self, shift: u32) -> u8 {
        ((self.word >> shift) & 0xFF).to_le_bytes()[0]
    }

    /// Whether the rest is only told by FB.
    pub const fn is_extended(self) -> bool {
        self.hardware() >= 3 && self.x() == 0 && self.y() == 0
    }
}

/// The answer to FB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VersionExt {
    /// Hardware.
    pub hardware: u8,
    /// SWIM firmware.
    pub swim: u8,
    /// JTAG and SWD firmware.
    pub jtag: u8,
    /// Mass storage and serial port.
    pub msc: u8,
    /// Bridge.
    pub bridge: u8,
    /// Power meter.
    pub power: u8,
    /// Two bytes that nobody explains.
    pub reserved: u16,
    /// USB vendor.
    pub vid: u16,
    /// USB product.
    pub pid: u16,
}

impl VersionExt {
    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let [hardware, swim, jtag, msc, bridge, power] = reader.array()?;
        let (reserved, vid, pid) = (reader.u16()?, reader.u16()?, reader.u16()?);
        Ok(VersionExt { hardware, swim, jtag, msc, bridge, power, reserved, vid, pid })
    }

    pub(crate) fn bytes(self) -> [u8; 12] {
        let ([r0, r1], [v0, v1]) = (self.reserved.to_le_bytes(), self.vid.to_le_bytes());
        let [p0, p1] = self.pid.to_le_bytes();
        let VersionExt { hardware, swim, jtag, msc, bridge, power, .. } = self;
        [hardware, swim, jtag, msc, bridge, power, r0, r1, v0, v1, p0, p1]
    }
}

/// A firmware version. A number of 0 means: has none, or does not tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Version {
    /// Hardware: 2 for V2 and V2-1, 3 for V3.
    pub hardware: u8,
    /// JTAG and SWD: the J number, on which abilities depend.
    pub jtag: u8,
    /// SWIM: the S number.
    pub swim: u8,
    /// Mass storage: the M number.
    pub msc: u8,
    /// Bridge: the B number.
    pub bridge: u8,
    /// Power meter: the P number.
    pub power: u8,
}

impl Version {
    /// From the answer to F1. The product number decides what the second small number means.
    pub fn from_raw(raw: RawVersion) -> Version {
        let (x, y) = (raw.x(), raw.y());
        let version = Version { hardware: raw.hardware(), ..Version::default() };
        let with_disk = crate::device(raw.pid).is_some_and(Device::counts_disk);
        match (with_disk, y) {
            (true, 7) if x <= 22 => Version { msc: x, swim: y, ..version },
            (true, 7..=12) if x >= 25 => Version { msc: x, swim: y, ..version },
            (true, _) => Version { jtag: x, msc: y, ..version },
            (false, _) => Version { jtag: x, swim: y, ..version },
        }
    }

    /// From the answer to FB.
    pub const fn from_ext(ext: VersionExt) -> Version {
        let VersionExt { hardware, swim, jtag, msc, bridge, power, .. } = ext;
        Version { hardware, jtag, swim, msc, bridge, power }
    }

    /// Which family has such hardware; V2 and V2-1 are not told apart here.
    pub const fn family(&self) -> Family {
        match self.hardware {
            0 | 1 => Family::V1,
            2 => Family::V2,
            _ => Family::V3,
        }
    }

    /// Whether it has this ability.
    pub fn has(&self, feature: Feature) -> bool {
        feature.since(self.family()).is_some_and(|since| self.jtag >= since)
    }

    /// Most items of one RW_MISC list. [STL-9]
    pub const fn most_misc_items(&self) -> usize {
        match self.family() {
            Family::V3 => 1227,
            _ => 64,
        }
    }

    /// Most bytes of one 8-bit memory command. [STL-6]
    pub fn most_bytes(&self) -> u16 {
        if self.has(Feature::LongMem8) { crate::Memory::MOST_8BIT_V3 } else { crate::Memory::MOST_8BIT }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "V{}", self.hardware)?;
        let parts =
            [('J', self.jtag), ('M', self.msc), ('B', self.bridge), ('S', self.swim), ('P', self.power)];
        for (letter, number) in parts.into_iter().filter(|(_, number)| *number > 0) {
            write!(f, "{letter}{number}")?;
        }
        Ok(())
    }
}

/// An ability that came with a firmware version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Feature {
    /// Trace capture.
    Trace,
    /// F7.
    TargetVoltage,
    /// F2 3E.
    LastRwStatus2,
    /// F2 43.
    SwdSetFreq,
    /// F2 44.
    JtagSetFreq,
    /// F2 45 and F2 46.
    DapRegisters,
    /// 16-bit memory commands.
    Mem16,
    /// Word writes at one address.
    WriteNoIncrement,
    /// F2 4B and F2 4C, and access ports other than 0.
    InitAp,
    /// Banked debug-port registers in F2 45 and F2 46.
    BankedDp,
    /// CSW in memory commands.
    CswArgument,
    /// Word reads at one address.
    ReadNoIncrement,
    /// RW_MISC.
    RwMisc,
    /// F2 55.
    DftReg,
    /// F2 56.
    BoardIdentifiers,
    /// 8-bit memory commands of up to 512 bytes.
    LongMem8,
    /// An access port must be opened before it is used.
    ApMustBeOpened,
    /// F2 61 and F2 62.
    ComFreq,
}

impl Feature {
    /// All of them.
    pub const ALL: [Feature; 18] = [
        Feature::Trace,
        Feature::TargetVoltage,
        Feature::LastRwStatus2,
        Feature::SwdSetFreq,
        Feature::JtagSetFreq,
        Feature::DapRegisters,
        Feature::Mem16,
        Feature::WriteNoIncrement,
        Feature::InitAp,
        Feature::BankedDp,
        Feature::CswArgument,
        Feature::ReadNoIncrement,
        Feature::RwMisc,
        Feature::DftReg,
        Feature::BoardIdentifiers,
        Feature::LongMem8,
        Feature::ApMustBeOpened,
        Feature::ComFreq,
    ];

    /// The J number it came with; `None`: never. [STL-4]
    pub const fn since(self, family: Family) -> Option<u8> {
        let (v2, v3) = match self {
            Feature::Trace | Feature::TargetVoltage => (Some(13), Some(0)),
            Feature::LastRwStatus2 => (Some(15), Some(0)),
            Feature::SwdSetFreq => (Some(22), None),
            Feature::JtagSetFreq => (Some(24), None),
            Feature::DapRegisters => (Some(24), Some(0)),
            Feature::Mem16 | Feature::WriteNoIncrement => (Some(26), Some(0)),
            Feature::InitAp => (Some(28), Some(0)),
            Feature::BankedDp | Feature::CswArgument | Feature::ReadNoIncrement | Feature::RwMisc => {
                (Some(32), Some(2))
            }
            Feature::DftReg => (Some(35), Some(5)),
            Feature::BoardIdentifiers => (Some(36), Some(6)),
            Feature::LongMem8 => (None, Some(6)),
            Feature::ApMustBeOpened => (Some(37), Some(7)),
            Feature::ComFreq => (None, Some(0)),
        };
        match family {
            Family::V1 => None,
            Family::V2 | Family::V21 => v2,
            Family::V3 | Family::V3Pwr => v3,
        }
    }
}

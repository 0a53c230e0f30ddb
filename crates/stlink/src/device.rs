//! USB products. [STL-15]

use crate::RawVersion;
use std::fmt;

/// ST's vendor number.
pub const VID: u16 = 0x0483;

/// Hardware families.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// V1: another protocol.
    V1,
    /// V2, a box of its own.
    V2,
    /// V2-1, on boards.
    V21,
    /// V3.
    V3,
    /// V3PWR.
    V3Pwr,
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Family::V1 => "ST-Link V1",
            Family::V2 => "ST-Link V2",
            Family::V21 => "ST-Link V2-1",
            Family::V3 => "ST-Link V3",
            Family::V3Pwr => "ST-Link V3PWR",
        })
    }
}

/// One USB product. Debug is interface 0 with three bulk endpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Device {
    /// Product number.
    pub pid: u16,
    /// Family.
    pub family: Family,
    /// It is in its loader: nothing can be debugged until it was updated or plugged in anew.
    pub loader: bool,
    /// Endpoint of commands and data to the probe.
    pub command_out: u8,
    /// Endpoint of answers.
    pub answer_in: u8,
    /// Endpoint of trace data.
    pub trace_in: u8,
    /// Largest bulk packet.
    pub max_packet: u16,
}

impl Device {
    const fn new(pid: u16, family: Family, loader: bool) -> Device {
        let (command_out, trace_in) = if matches!(family, Family::V2) { (2, 0x83) } else { (1, 0x82) };
        let max_packet = if matches!(family, Family::V3 | Family::V3Pwr) { 512 } else { 64 };
        Device { pid, family, loader, command_out, answer_in: 0x81, trace_in, max_packet }
    }

    /// Its second small version number may count the disk's firmware. [STL-2]
    pub const fn counts_disk(self) -> bool {
        matches!(self.pid, 0x374B | 0x3752)
    }
}

/// All products.
pub const DEVICES: [Device; 12] = [
    Device::new(0x3744, Family::V1, false),
    Device::new(0x3748, Family::V2, false),
    Device::new(0x374A, Family::V21, false),
    Device::new(0x374B, Family::V21, false),
    Device::new(0x3752, Family::V21, false),
    Device::new(0x374D, Family::V3, true),
    Device::new(0x374E, Family::V3, false),
    Device::new(0x374F, Family::V3, false),
    Device::new(0x3753, Family::V3, false),
    Device::new(0x3754, Family::V3, false),
    Device::new(0x3755, Family::V3Pwr, true),
    Device::new(0x3757, Family::V3Pwr, false),
];

/// The product with this number.
pub fn device(pid: u16) -> Option<Device> {
    DEVICES.iter().find(|device| device.pid == pid).copied()
}

/// A serial number as people write it. Old firmware gives 12 raw bytes as characters; they become 24 hex digits. Where a system
/// ends the text at a byte of zero, what is left of it becomes hex digits too.
pub fn serial(text: &str) -> String {
    let raw: Option<Vec<u8>> = text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect();
    match raw {
        Some(bytes) if bytes.len() == 12 || !bytes.iter().all(|byte| matches!(byte, b' '..=b'~')) => {
            bytes.iter().map(|byte| format!("{byte:02X}")).collect()
        }
        _ => text.to_owned(),
    }
}

/// What speaks against a probe being ST's own, given its USB product number, its serial number as [`serial`] gives it, and its
/// answer to F1. No proof: it is a reason to look twice when nRESET does nothing. [STL-27]
pub fn oddity(pid: u16, serial: Option<&str>, told: RawVersion) -> Option<&'static str> {
    let family = device(pid).map(|device| device.family);
    let fits = match family {
        Some(Family::V2 | Family::V21) => told.hardware() == 2,
        Some(Family::V3) => told.hardware() == 3,
        _ => true,
    };
    let digits = serial.is_some_and(|text| text.len() == 24 && text.bytes().all(|b| b.is_ascii_hexdigit()));
    if (told.vid, told.pid) != (VID, pid) {
        Some("its firmware tells another USB number than its descriptor")
    } else if !fits {
        Some("its firmware is for other hardware than its USB number")
    } else if !digits {
        Some("its serial number is not one of 12 bytes")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_v2_has_its_commands_at_endpoint_2() {
        for device in DEVICES {
            let v2 = device.pid == 0x3748;
            assert_eq!((device.command_out, device.trace_in), if v2 { (2, 0x83) } else { (1, 0x82) });
            assert_eq!(device.answer_in, 0x81);
        }
    }

    #[test]
    fn a_v3_has_high_speed_packets() {
        assert_eq!(device(0x374E).unwrap().max_packet, 512);
        assert_eq!(device(0x374B).unwrap().max_packet, 64);
        assert_eq!(device(0x1234), None);
    }

    #[test]
    fn what_is_not_as_st_makes_it_is_odd() {
        let told = |word, pid| RawVersion { word, vid: VID, pid };
        let good = "066DFF485550755187121723";
        assert_eq!(oddity(0x3748, Some(good), told(0x2947, 0x3748)), None);
        assert_eq!(oddity(0x374E, Some(good), told(0x3000, 0x374E)), None);
        for (pid, serial, told) in [
            (0x3748, Some(good), told(0x2947, 0x374B)),
            (0x3748, Some(good), RawVersion { vid: 0x1EAF, ..told(0x2947, 0x3748) }),
            (0x374E, Some(good), told(0x2947, 0x374E)),
            (0x3748, Some("?"), told(0x2947, 0x3748)),
            (0x3748, None, told(0x2947, 0x3748)),
        ] {
            assert!(oddity(pid, serial, told).is_some(), "{pid:x} {serial:?} {told:?}");
        }
    }

    #[test]
    fn a_raw_serial_number_becomes_hex_digits() {
        assert_eq!(
            serial("\u{51}\u{ff}\u{6c}\u{6}\u{50}\u{49}\u{52}\u{55}\u{28}\u{15}\u{54}\u{18}"),
            "51FF6C065049525528155418"
        );
        assert_eq!(serial("\u{51}\u{ff}\u{6c}\u{6}"), "51FF6C06", "cut at a zero");
        assert_eq!(serial("CLONE 7"), "CLONE 7");
        assert_eq!(serial("066DFF485550755187121723"), "066DFF485550755187121723");
    }
}

//! Option-byte keys: the provisioning file, destinations, the debug-authentication payload, public samples.
//! [H5-OBK-1] [H5-OBK-2] [H5-OBK-3] [H5-OBK-6] [H5-OBK-11]

use super::memory::OBK_S;

/// Header of a `.obk` file: three little-endian words; not written to OBK.
pub mod header {
    /// Destination, a secure OBK address.
    pub const DESTINATION: usize = 0;
    /// Bytes of payload that follow.
    pub const SIZE: usize = 4;
    /// 1: the ROM encrypts the payload; 0: it does not.
    pub const DO_ENCRYPTION: usize = 8;
    /// Bytes of header.
    pub const LEN: usize = 12;
}

/// Payload of a debug-authentication file.
pub mod payload {
    /// SHA-256 of the 64 bytes that follow it.
    pub const INTEGRITY: usize = 0x00;
    /// SHA-256 of the password, or of X and Y of the root public key.
    pub const CREDENTIAL: usize = 0x20;
    /// Permissions, 16 bytes, little-endian.
    pub const PERMISSIONS: usize = 0x40;
    /// Bytes of permissions.
    pub const PERMISSIONS_LEN: usize = 16;
    /// Zero, 16 bytes.
    pub const RESERVED: usize = 0x50;
    /// Bytes of payload.
    pub const LEN: usize = 0x60;
    /// Bytes of a SHA-256.
    pub const HASH_LEN: usize = 32;
}

/// Bytes of a debug-authentication file.
pub const DA_FILE_LEN: usize = header::LEN + payload::LEN;
/// Destination of the debug-authentication payload.
pub const DA_DESTINATION: u32 = OBK_S + 0x100;
/// ST's default permissions (bits 0, 1, 2, 4, 5, 6, 12, 14 of [`super::da::permission`]).
pub const DEFAULT_PERMISSIONS: u32 = 0x0000_5077;
/// Shortest password.
pub const PASSWORD_MIN: usize = 4;
/// Longest password.
pub const PASSWORD_MAX: usize = 16;

/// A place in OBK that ST's files use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Destination {
    /// Name of ST's file.
    pub name: &'static str,
    /// Secure OBK address.
    pub address: u32,
    /// Bytes of payload.
    pub len: u32,
    /// The payload begins with SHA-256 of the rest.
    pub integrity: bool,
}

/// Destinations of ST's own files.
pub const DESTINATIONS: &[Destination] = &[
    Destination { name: "DA_Config", address: DA_DESTINATION, len: 0x60, integrity: true },
    Destination { name: "OEMiRoT_Config", address: OBK_S + 0x160, len: 0x120, integrity: true },
    Destination { name: "STiRoT_Config", address: OBK_S + 0x200, len: 0x100, integrity: true },
    Destination { name: "OEMiRoT_Data", address: OBK_S + 0x280, len: 0xC0, integrity: true },
    Destination { name: "STiRoT_Data", address: OBK_S + 0x400, len: 0x60, integrity: true },
    Destination { name: "OEMuRoT_Config", address: OBK_S + 0x900, len: 0x150, integrity: false },
    Destination { name: "OEMuRoT_Data", address: OBK_S + 0xA50, len: 0xC0, integrity: true },
];

/// Areas of OBK: offset and length inside the 8 KiB.
pub mod area {
    /// Level 0 (ROM).
    pub const HDPL0: (u32, u32) = (0x000, 0x100);
    /// Level 1.
    pub const HDPL1: (u32, u32) = (0x100, 0x800);
    /// Level 2.
    pub const HDPL2: (u32, u32) = (0x900, 0x300);
    /// Level 3.
    pub const HDPL3: (u32, u32) = (0xC00, 0x13F0);
    /// Secure part of level 3.
    pub const HDPL3_S: (u32, u32) = (0xC00, 0xC00);
    /// Non-secure part of level 3.
    pub const HDPL3_NS: (u32, u32) = (0x1800, 0x7F0);
}

/// Values of SWAP_OFFSET: how much of the current sector the swap copies, in units of 16 bytes. [H5-OBK-6]
pub mod swap_offset {
    /// Nothing.
    pub const NONE: u32 = 0;
    /// Level 0.
    pub const HDPL0: u32 = 0x10;
    /// Levels 0 and 1.
    pub const HDPL1: u32 = 0x90;
    /// Levels 0 to 2.
    pub const HDPL2: u32 = 0xC0;
    /// And the secure part of level 3.
    pub const HDPL3_S: u32 = 0x180;
    /// Everything.
    pub const ALL: u32 = 0x1FF;
    /// The smallest value allowed at level 1, 2, 3.
    pub const MIN: [u32; 3] = [16, 144, 192];
}

/// A credential that everybody has. Fine on a bench, never in production.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicSample {
    /// What it is.
    pub name: &'static str,
    /// It is the hash of a root key; else that of a password.
    pub is_root_key: bool,
    /// SHA-256 as it stands in the OBK payload (or in OTP on H503).
    pub credential: [u8; 32],
}

/// ST's published sample credentials. [H5-OBK-11]
pub const PUBLIC_SAMPLES: &[PublicSample] = &[
    PublicSample {
        name: "ST's sample password 0123456789012345",
        is_root_key: false,
        credential: [
            0x18, 0x4A, 0xA4, 0x6D, 0x81, 0x34, 0x11, 0x72, 0x7D, 0xA0, 0xDC, 0x9E, 0x64, 0x18, 0x6B, 0xB9,
            0x90, 0x72, 0x89, 0xB5, 0xAA, 0xB4, 0xB3, 0x20, 0xD2, 0x6F, 0xFF, 0x5E, 0xA4, 0x5D, 0x8E, 0x3D,
        ],
    },
    PublicSample {
        name: "ST's sample password of the H503 (bytes 00 to 0B)",
        is_root_key: false,
        credential: [
            0xFF, 0xF3, 0xA9, 0xBC, 0xDD, 0x37, 0x36, 0x3D, 0x70, 0x3C, 0x1C, 0x4F, 0x95, 0x12, 0x53, 0x36,
            0x86, 0x15, 0x78, 0x68, 0xF0, 0xD4, 0xF1, 0x6A, 0x0F, 0x02, 0xD0, 0xF1, 0xDA, 0x24, 0xF9, 0xA2,
        ],
    },
    PublicSample {
        name: "ST's sample root key",
        is_root_key: true,
        credential: [
            0xCC, 0x05, 0xB0, 0x13, 0x17, 0x77, 0x5C, 0x86, 0x5A, 0x3F, 0x98, 0x7D, 0x17, 0x78, 0xC1, 0x2D,
            0x7E, 0x51, 0x78, 0x51, 0xA0, 0xF4, 0x2D, 0xD9, 0x2D, 0xFA, 0x6C, 0x1D, 0x85, 0x9B, 0x25, 0xFE,
        ],
    },
];

/// The sample, if `credential` is one.
#[must_use]
pub fn public_sample(credential: &[u8]) -> Option<&'static PublicSample> {
    PUBLIC_SAMPLES.iter().find(|s| s.credential == *credential)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::h5::memory::OBK_LEN;

    #[test]
    fn a_debug_authentication_file_has_108_bytes() {
        assert_eq!(DA_FILE_LEN, 108);
        assert_eq!(payload::RESERVED + 16, payload::LEN);
        assert_eq!(payload::INTEGRITY + payload::HASH_LEN, payload::CREDENTIAL);
        assert_eq!(payload::CREDENTIAL + payload::HASH_LEN, payload::PERMISSIONS);
        assert_eq!(payload::PERMISSIONS + payload::PERMISSIONS_LEN, payload::RESERVED);
    }

    #[test]
    fn destinations_lie_inside_one_area() {
        let areas = [area::HDPL0, area::HDPL1, area::HDPL2, area::HDPL3];
        for destination in DESTINATIONS {
            let start = destination.address - OBK_S;
            let inside = areas.iter().any(|(at, len)| start >= *at && start + destination.len <= at + len);
            assert!(inside, "{}", destination.name);
        }
        assert!(area::HDPL3.0 + area::HDPL3.1 <= OBK_LEN);
        assert_eq!(area::HDPL3_S.0 + area::HDPL3_S.1, area::HDPL3_NS.0);
        assert_eq!(area::HDPL3_NS.0 + area::HDPL3_NS.1, area::HDPL3.0 + area::HDPL3.1);
    }

    #[test]
    fn swap_offsets_are_the_ends_of_the_areas_in_quad_words() {
        let end = |(at, len): (u32, u32)| (at + len) / 16;
        assert_eq!(swap_offset::HDPL0, end(area::HDPL0));
        assert_eq!(swap_offset::HDPL1, end(area::HDPL1));
        assert_eq!(swap_offset::HDPL2, end(area::HDPL2));
        assert_eq!(swap_offset::HDPL3_S, end(area::HDPL3_S));
        assert_eq!(swap_offset::ALL, end(area::HDPL3));
        assert_eq!(swap_offset::MIN, [swap_offset::HDPL0, swap_offset::HDPL1, swap_offset::HDPL2]);
    }

    #[test]
    fn default_permissions_are_the_sum_of_the_named_bits() {
        let all = crate::h5::da::permission::NAMES.iter().fold(0, |sum, (bit, _)| sum | bit);
        assert_eq!(all, DEFAULT_PERMISSIONS);
    }

    #[test]
    fn public_samples_are_recognised_and_others_are_not() {
        for sample in PUBLIC_SAMPLES {
            assert_eq!(public_sample(&sample.credential), Some(sample));
        }
        assert_eq!(public_sample(&[0; 32]), None);
        assert_eq!(public_sample(&PUBLIC_SAMPLES[0].credential[..31]), None);
    }
}

//! The rows of the device table.

use super::{Device, Family};
use crate::h5::memory;

/// DEV_IDs in words.
pub const DEV_ID_NAMES: &[(u32, &str)] = &[
    (0x474, "H503"),
    (0x478, "H523/H533"),
    (0x484, "H562/H563/H573"),
    (0x47A, "H5E/H5F"),
    (0x47C, "H543/H553"),
];

/// STM32H5 parts that are recognised but not supported.
pub const OTHER_DEV_IDS: &[(u16, &str)] = &[(0x47A, "STM32H5E/H5F"), (0x47C, "STM32H543/H553")];

/// Sources differ on revision Y: the errata sheet says 0x1002, ST's OpenOCD says 0x1003. [H5-DBG-4]
const REVISIONS_H503: &[(u16, &str)] = &[(0x1000, "A"), (0x1001, "Z"), (0x1002, "Y"), (0x1003, "Y")];
const REVISIONS_H56X: &[(u16, &str)] = &[(0x1000, "A"), (0x1001, "Z"), (0x1007, "X"), (0x100F, "W")];

const TARGET_ID_H503: u32 = 0x0474_0041;
const TARGET_ID_H52X: u32 = 0x0478_0041;
const TARGET_ID_H56X: u32 = 0x0484_0041;

/// One row per family, in the order of [`Family::ALL`].
pub static DEVICES: &[Device; 6] = &[
    Device {
        family: Family::H503,
        dev_id: 0x474,
        revisions: REVISIONS_H503,
        crypto: false,
        trust_zone: false,
        flash_kib: &[128],
        map: &memory::H503,
        target_id: TARGET_ID_H503,
        do_encryption: None,
        descriptor_magic: None,
    },
    Device {
        family: Family::H523,
        dev_id: 0x478,
        revisions: &[],
        crypto: false,
        trust_zone: true,
        flash_kib: &[256, 512],
        map: &memory::H52X,
        target_id: TARGET_ID_H52X,
        do_encryption: None,
        descriptor_magic: Some(b"DSCTR478"),
    },
    Device {
        family: Family::H533,
        dev_id: 0x478,
        revisions: &[],
        crypto: true,
        trust_zone: true,
        flash_kib: &[512],
        map: &memory::H52X,
        target_id: TARGET_ID_H52X,
        do_encryption: Some(true),
        descriptor_magic: Some(b"DSCTR478"),
    },
    Device {
        family: Family::H562,
        dev_id: 0x484,
        revisions: REVISIONS_H56X,
        crypto: false,
        trust_zone: true,
        flash_kib: &[1024, 2048],
        map: &memory::H56X,
        target_id: TARGET_ID_H56X,
        do_encryption: Some(false),
        descriptor_magic: Some(b"DSCTR484"),
    },
    Device {
        family: Family::H563,
        dev_id: 0x484,
        revisions: REVISIONS_H56X,
        crypto: false,
        trust_zone: true,
        flash_kib: &[1024, 2048],
        map: &memory::H56X,
        target_id: TARGET_ID_H56X,
        do_encryption: Some(false),
        descriptor_magic: Some(b"DSCTR484"),
    },
    Device {
        family: Family::H573,
        dev_id: 0x484,
        revisions: REVISIONS_H56X,
        crypto: true,
        trust_zone: true,
        flash_kib: &[1024, 2048],
        map: &memory::H56X,
        target_id: TARGET_ID_H56X,
        do_encryption: Some(true),
        descriptor_magic: Some(b"DSCTR484"),
    },
];

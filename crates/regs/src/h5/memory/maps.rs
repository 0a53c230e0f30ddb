//! The maps of the three dies.

use super::{BKPSRAM, EDATA, EDATA_LEN, FLASH, Map, OBK, Range};

const fn range(name: &'static str, start: u32, len: u32) -> Range {
    Range { name, start, len }
}

const KIB: u32 = 1024;

const OBK_AREAS: &[Range] = &[
    range("OBK HDPL0", OBK, 0x100),
    range("OBK HDPL1", OBK + 0x100, 0x800),
    range("OBK HDPL2", OBK + 0x900, 0x300),
    range("OBK HDPL3", OBK + 0xC00, 0x13F0),
];

const DESCRIPTORS_H5: &[Range] = &[
    range("ROM descriptor", 0x0BF9_FB00, 0x100),
    range("ROM descriptor", 0x0BF9_FD00, 0x100),
    range("ROM descriptor", 0x0BF9_FE00, 0x100),
];

/// H503.
pub static H503: Map = Map {
    name: "H503",
    flash: range("flash", FLASH, 128 * KIB),
    sram: &[range("SRAM1", 0x2000_0000, 16 * KIB), range("SRAM2", 0x2000_4000, 16 * KIB)],
    backup_sram: range("backup SRAM", BKPSRAM, 2 * KIB),
    bootloader: range("bootloader", 0x0BF8_7000, 0x9000),
    rom_library: range("NSSLIB", 0x0BF8_4000, 0x3000),
    descriptors: &[range("ROM descriptor", 0x0BF8_FE00, 0x100)],
    obk: &[],
    edata: None,
};

/// H523 and H533.
pub static H52X: Map = Map {
    name: "H523/H533",
    flash: range("flash", FLASH, 512 * KIB),
    sram: &[
        range("SRAM1", 0x2000_0000, 128 * KIB),
        range("SRAM2", 0x2002_0000, 80 * KIB),
        range("SRAM3", 0x2003_4000, 64 * KIB),
    ],
    backup_sram: range("backup SRAM", BKPSRAM, 2 * KIB),
    bootloader: range("bootloader", 0x0BF9_7000, 0x9400),
    rom_library: range("RSSLIB", 0x0FF9_4000, 0x2000),
    descriptors: DESCRIPTORS_H5,
    obk: OBK_AREAS,
    edata: Some(range("EDATA", EDATA, EDATA_LEN)),
};

/// H562, H563 and H573.
pub static H56X: Map = Map {
    name: "H562/H563/H573",
    flash: range("flash", FLASH, 2048 * KIB),
    sram: &[
        range("SRAM1", 0x2000_0000, 256 * KIB),
        range("SRAM2", 0x2004_0000, 64 * KIB),
        range("SRAM3", 0x2005_0000, 320 * KIB),
    ],
    backup_sram: range("backup SRAM", BKPSRAM, 4 * KIB),
    bootloader: range("bootloader", 0x0BF9_7000, 0x9400),
    rom_library: range("RSSLIB", 0x0FF9_4000, 0x2000),
    descriptors: DESCRIPTORS_H5,
    obk: OBK_AREAS,
    edata: Some(range("EDATA", EDATA, EDATA_LEN)),
};

/// All maps, the largest die first.
pub static MAPS: &[&Map] = &[&H56X, &H52X, &H503];

//! Debug port: registers, bits, request bytes and line sequences. [ADI-1] [ADI-2] [ADI-8] [ADI-13]
//!
//! Offsets are A\[3:2\] as a byte offset (0, 4, 8, 0xC); some are banked by SELECT.DPBANKSEL.

mod sequences;
#[cfg(test)]
mod tests;

use crate::field::{Field, Register};
use core::fmt;
pub use sequences::{
    DORMANT_TO_JTAG, DORMANT_TO_SWD, JTAG_TO_DORMANT, JTAG_TO_SWD, JTAG_TO_SWD_OLD, LINE_RESET, LineSequence,
    SEQUENCES, SWD_TO_DORMANT, SWD_TO_JTAG,
};

/// Clocks of a transaction at turnaround 1 that is answered OK, without idle clocks. [ADI-14]
pub const CLOCKS_OK: u64 = 46;
/// Clocks of one that is answered WAIT, without a data phase. [ADI-14]
pub const CLOCKS_WAIT: u64 = 13;

/// DPIDR, read, any bank on DPv1 and DPv2.
pub const DPIDR: u8 = 0x0;
/// ABORT, write.
pub const ABORT: u8 = 0x0;
/// CTRL/STAT, bank 0.
pub const CTRL_STAT: u8 = 0x4;
/// DLCR, bank 1 at 0x4.
pub const DLCR: u8 = 0x4;
/// TARGETID, read, bank 2 at 0x4 (DPv2).
pub const TARGETID: u8 = 0x4;
/// DLPIDR, read, bank 3 at 0x4 (DPv2).
pub const DLPIDR: u8 = 0x4;
/// EVENTSTAT, read, bank 4 at 0x4 (DPv2).
pub const EVENTSTAT: u8 = 0x4;
/// SELECT, write.
pub const SELECT: u8 = 0x8;
/// Upper half of the address that SELECT chooses in ADIv6 (bank 5, write). [ADI-15]
pub const SELECT1: u8 = 0x4;
/// RESEND, read.
pub const RESEND: u8 = 0x8;
/// RDBUFF, read.
pub const RDBUFF: u8 = 0xC;
/// TARGETSEL, write (DPv2).
pub const TARGETSEL: u8 = 0xC;

/// Values of SELECT.DPBANKSEL.
pub mod bank {
    /// CTRL/STAT at 0x4.
    pub const CTRL_STAT: u8 = 0;
    /// DLCR at 0x4.
    pub const DLCR: u8 = 1;
    /// TARGETID at 0x4.
    pub const TARGETID: u8 = 2;
    /// DLPIDR at 0x4.
    pub const DLPIDR: u8 = 3;
    /// EVENTSTAT at 0x4.
    pub const EVENTSTAT: u8 = 4;
    /// SELECT1 at 0x4 (DPv3).
    pub const SELECT1: u8 = 5;
}

/// Bits of ABORT. [ADI-4] [ADI-10]
pub mod abort {
    /// Give up the running AP transaction.
    pub const DAPABORT: u32 = 1 << 0;
    /// Clear STICKYCMP.
    pub const STKCMPCLR: u32 = 1 << 1;
    /// Clear STICKYERR.
    pub const STKERRCLR: u32 = 1 << 2;
    /// Clear WDATAERR.
    pub const WDERRCLR: u32 = 1 << 3;
    /// Clear STICKYORUN.
    pub const ORUNERRCLR: u32 = 1 << 4;
    /// Clear every sticky bit, without DAPABORT.
    pub const CLEAR_ALL: u32 = STKCMPCLR | STKERRCLR | WDERRCLR | ORUNERRCLR;
}

/// Bits of CTRL/STAT. [ADI-4] [ADI-5] [ADI-8]
pub mod ctrl_stat {
    /// Overrun detection is on.
    pub const ORUNDETECT: u32 = 1 << 0;
    /// A WAIT or FAULT came while ORUNDETECT was on.
    pub const STICKYORUN: u32 = 1 << 1;
    /// Transfer mode (0 = normal, 1 = pushed verify, 2 = pushed compare).
    pub const TRNMODE: u32 = 0b11 << 2;
    /// Pushed compare matched, or pushed verify differed.
    pub const STICKYCMP: u32 = 1 << 4;
    /// An AP transaction failed.
    pub const STICKYERR: u32 = 1 << 5;
    /// The last AP read or RDBUFF read was answered OK.
    pub const READOK: u32 = 1 << 6;
    /// Write data arrived with wrong parity, or was framed wrongly.
    pub const WDATAERR: u32 = 1 << 7;
    /// Byte lanes of pushed operations.
    pub const MASKLANE: u32 = 0xF << 8;
    /// Transaction counter.
    pub const TRNCNT: u32 = 0xFFF << 12;
    /// Errors do not stick (DPv3).
    pub const ERRMODE: u32 = 1 << 24;
    /// Ask for a debug reset.
    pub const CDBGRSTREQ: u32 = 1 << 26;
    /// Debug reset acknowledged.
    pub const CDBGRSTACK: u32 = 1 << 27;
    /// Ask for debug power.
    pub const CDBGPWRUPREQ: u32 = 1 << 28;
    /// Debug power is there.
    pub const CDBGPWRUPACK: u32 = 1 << 29;
    /// Ask for system power.
    pub const CSYSPWRUPREQ: u32 = 1 << 30;
    /// System power is there.
    pub const CSYSPWRUPACK: u32 = 1 << 31;
    /// Both power requests.
    pub const PWRUPREQ: u32 = CDBGPWRUPREQ | CSYSPWRUPREQ;
    /// Both power acknowledges.
    pub const PWRUPACK: u32 = CDBGPWRUPACK | CSYSPWRUPACK;
    /// All bits that make the DP answer FAULT.
    pub const STICKY: u32 = STICKYORUN | STICKYCMP | STICKYERR | WDATAERR;
}

/// Bits of SELECT as in ADIv5 (DPv1 and DPv2).
pub mod select {
    /// Number of the access port.
    pub const APSEL: u32 = 0xFF << 24;
    /// Bank of 16 bytes inside the access port.
    pub const APBANKSEL: u32 = 0xF << 4;
    /// Bank of DP address 0x4.
    pub const DPBANKSEL: u32 = 0xF;

    /// The value of SELECT for access port `ap`, AP bank and DP bank (low four bits each).
    #[must_use]
    pub const fn value(ap: u8, ap_bank: u8, dp_bank: u8) -> u32 {
        ((ap as u32) << 24) | (((ap_bank & 0xF) as u32) << 4) | (dp_bank & 0xF) as u32
    }
}

/// Bits of DLCR.
pub mod dlcr {
    /// Turnaround clocks minus one.
    pub const TURNROUND: u32 = 0b11 << 8;
}

/// Bits of DLPIDR.
pub mod dlpidr {
    /// Protocol version, 1 = SWD version 2.
    pub const PROTVSN: u32 = 0xF;
    /// Instance number for TARGETSEL.
    pub const TINSTANCE: u32 = 0xF << 28;
}

/// A value of DPIDR.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Dpidr(pub u32);

impl Dpidr {
    /// Revision of the implementation, 4 bits.
    #[must_use]
    pub const fn revision(self) -> u8 {
        (self.0 >> 28) as u8
    }
    /// Part number, 8 bits.
    #[must_use]
    pub const fn part(self) -> u8 {
        ((self.0 >> 20) & 0xFF) as u8
    }
    /// Minimal DP: no pushed operations, no transaction counter.
    #[must_use]
    pub const fn min(self) -> bool {
        self.0 & (1 << 16) != 0
    }
    /// DP architecture version (1, 2 or 3).
    #[must_use]
    pub const fn version(self) -> u8 {
        ((self.0 >> 12) & 0xF) as u8
    }
    /// Designer as JEP106 code, 11 bits (0x23B = Arm).
    #[must_use]
    pub const fn designer(self) -> u16 {
        ((self.0 >> 1) & 0x7FF) as u16
    }
    /// Bit 0 reads as one in every DP.
    #[must_use]
    pub const fn is_valid(self) -> bool {
        self.0 & 1 == 1 && self.0 != u32::MAX
    }
}

impl fmt::Display for Dpidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (v, part, rev, designer) = (self.version(), self.part(), self.revision(), self.designer());
        write!(f, "{:#010x} (DPv{v}, part {part:#04x}, rev {rev}, designer {designer:#05x})", self.0)
    }
}

/// DPIDR.VERSION from which on SELECT holds an address. [ADI-15]
pub const ADIV6: u8 = 3;

/// The designer ST in [`TargetId::designer`]. [ADI-9]
pub const DESIGNER_ST: u16 = 0x020;

/// A value of TARGETID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TargetId(pub u32);

impl TargetId {
    /// Revision of the part, 4 bits.
    #[must_use]
    pub const fn revision(self) -> u8 {
        (self.0 >> 28) as u8
    }
    /// Part number, 16 bits.
    #[must_use]
    pub const fn part(self) -> u16 {
        ((self.0 >> 12) & 0xFFFF) as u16
    }
    /// Designer as JEP106 code, 11 bits (0x020 = ST).
    #[must_use]
    pub const fn designer(self) -> u16 {
        ((self.0 >> 1) & 0x7FF) as u16
    }
    /// TARGETID without the revision: equal for all revisions of a part.
    #[must_use]
    pub const fn without_revision(self) -> u32 {
        self.0 & 0x0FFF_FFFF
    }
}

impl fmt::Display for TargetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (part, rev, designer) = (self.part(), self.revision(), self.designer());
        write!(f, "{:#010x} (part {part:#06x}, rev {rev}, designer {designer:#05x})", self.0)
    }
}

/// The SWD request byte (sent bit 0 first): start, APnDP, RnW, A\[3:2\], even parity, stop, park. [ADI-1]
///
/// `address` is the byte offset 0, 4, 8 or 0xC; its other bits are ignored.
#[must_use]
pub const fn request(ap: bool, read: bool, address: u8) -> u8 {
    let bits = (ap as u8) | ((read as u8) << 1) | (((address >> 2) & 0b11) << 2);
    let parity = (bits.count_ones() & 1) as u8;
    0x81 | (bits << 1) | (parity << 5)
}

/// The name of a DP register. `address` is the byte offset, `dpbank` the bank in SELECT.
#[must_use]
pub const fn name(read: bool, address: u8, dpbank: u8) -> &'static str {
    match (read, address & 0xC, dpbank & 0xF) {
        (true, 0x0, 1) => "DPIDR1",
        (true, 0x0, 2) => "BASEPTR0",
        (true, 0x0, 3) => "BASEPTR1",
        (true, 0x0, _) => "DPIDR",
        (false, 0x0, _) => "ABORT",
        (_, 0x4, bank::CTRL_STAT) => "CTRL/STAT",
        (_, 0x4, bank::DLCR) => "DLCR",
        (true, 0x4, bank::TARGETID) => "TARGETID",
        (true, 0x4, bank::DLPIDR) => "DLPIDR",
        (true, 0x4, bank::EVENTSTAT) => "EVENTSTAT",
        (false, 0x4, bank::SELECT1) => "SELECT1",
        (_, 0x4, _) => "DP 0x4 (unknown bank)",
        (true, 0x8, _) => "RESEND",
        (false, 0x8, _) => "SELECT",
        (true, _, _) => "RDBUFF",
        (false, _, _) => "TARGETSEL",
    }
}

/// The register behind a DP access, for its fields.
#[must_use]
pub fn register(read: bool, address: u8, dpbank: u8) -> Option<&'static Register> {
    let name = name(read, address, dpbank);
    REGISTERS.iter().find(|r| r.name == name)
}

/// DP registers; the address is the offset.
pub static REGISTERS: &[Register] = &[
    Register {
        name: "DPIDR",
        address: DPIDR as u32,
        fields: &[
            Field::new("DESIGNER", 0x7FF << 1),
            Field::new("VERSION", 0xF << 12),
            Field::new("MIN", 1 << 16),
            Field::new("PARTNO", 0xFF << 20),
            Field::new("REVISION", 0xF << 28),
        ],
        note: "ADI-9",
    },
    Register {
        name: "ABORT",
        address: ABORT as u32,
        fields: &[
            Field::new("DAPABORT", abort::DAPABORT),
            Field::new("STKCMPCLR", abort::STKCMPCLR),
            Field::new("STKERRCLR", abort::STKERRCLR),
            Field::new("WDERRCLR", abort::WDERRCLR),
            Field::new("ORUNERRCLR", abort::ORUNERRCLR),
        ],
        note: "ADI-10",
    },
    Register {
        name: "CTRL/STAT",
        address: CTRL_STAT as u32,
        fields: &[
            Field::new("ORUNDETECT", ctrl_stat::ORUNDETECT),
            Field::new("STICKYORUN", ctrl_stat::STICKYORUN),
            Field::new("TRNMODE", ctrl_stat::TRNMODE),
            Field::new("STICKYCMP", ctrl_stat::STICKYCMP),
            Field::new("STICKYERR", ctrl_stat::STICKYERR),
            Field::new("READOK", ctrl_stat::READOK),
            Field::new("WDATAERR", ctrl_stat::WDATAERR),
            Field::new("MASKLANE", ctrl_stat::MASKLANE),
            Field::new("TRNCNT", ctrl_stat::TRNCNT),
            Field::new("ERRMODE", ctrl_stat::ERRMODE),
            Field::new("CDBGRSTREQ", ctrl_stat::CDBGRSTREQ),
            Field::new("CDBGRSTACK", ctrl_stat::CDBGRSTACK),
            Field::new("CDBGPWRUPREQ", ctrl_stat::CDBGPWRUPREQ),
            Field::new("CDBGPWRUPACK", ctrl_stat::CDBGPWRUPACK),
            Field::new("CSYSPWRUPREQ", ctrl_stat::CSYSPWRUPREQ),
            Field::new("CSYSPWRUPACK", ctrl_stat::CSYSPWRUPACK),
        ],
        note: "ADI-4",
    },
    Register {
        name: "DLCR",
        address: DLCR as u32,
        fields: &[Field::new("TURNROUND", dlcr::TURNROUND)],
        note: "ADI-14",
    },
    Register { name: "TARGETID", address: TARGETID as u32, fields: TARGETID_FIELDS, note: "ADI-9" },
    Register {
        name: "DLPIDR",
        address: DLPIDR as u32,
        fields: &[Field::new("PROTVSN", dlpidr::PROTVSN), Field::new("TINSTANCE", dlpidr::TINSTANCE)],
        note: "ADI-9",
    },
    Register { name: "EVENTSTAT", address: EVENTSTAT as u32, fields: &[Field::new("EA", 1)], note: "ADI-9" },
    Register {
        name: "SELECT",
        address: SELECT as u32,
        fields: &[
            Field::new("DPBANKSEL", select::DPBANKSEL),
            Field::new("APBANKSEL", select::APBANKSEL),
            Field::new("APSEL", select::APSEL),
        ],
        note: "ADI-3",
    },
    Register { name: "RESEND", address: RESEND as u32, fields: &[], note: "ADI-3" },
    Register { name: "RDBUFF", address: RDBUFF as u32, fields: &[], note: "ADI-3" },
    Register { name: "TARGETSEL", address: TARGETSEL as u32, fields: TARGETID_FIELDS, note: "ADI-9" },
];

const TARGETID_FIELDS: &[Field] = &[
    Field::new("DESIGNER", 0x7FF << 1),
    Field::new("PARTNO", 0xFFFF << 12),
    Field::new("REVISION", 0xF << 28),
];

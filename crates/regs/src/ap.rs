//! Memory access port (MEM-AP) registers of ADIv5. [ADI-7] [ADI-12]
//!
//! Offsets are those of an APv1; on an APv2 all are 0xD00 higher.

use crate::field::{Field, Register};
use core::fmt;

/// Control and status word.
pub const CSW: u8 = 0x00;
/// Transfer address.
pub const TAR: u8 = 0x04;
/// Upper half of the transfer address (large address extension).
pub const TAR_HI: u8 = 0x08;
/// Data read/write.
pub const DRW: u8 = 0x0C;
/// Banked data 0: the word at TAR\[31:4\] + 0.
pub const BD0: u8 = 0x10;
/// Banked data 1.
pub const BD1: u8 = 0x14;
/// Banked data 2.
pub const BD2: u8 = 0x18;
/// Banked data 3.
pub const BD3: u8 = 0x1C;
/// Memory barrier transfer.
pub const MBT: u8 = 0x20;
/// Upper half of BASE.
pub const BASE_HI: u8 = 0xF0;
/// Configuration.
pub const CFG: u8 = 0xF4;
/// Address of the ROM table.
pub const BASE: u8 = 0xF8;
/// Identification.
pub const IDR: u8 = 0xFC;

/// Auto-increment of TAR is guaranteed inside this many bytes only. [ADI-7]
pub const TAR_WRAP_BYTES: u32 = 1024;

/// Bits of CSW. [ADI-12] [H5-DBG-5]
pub mod csw {
    /// Width of an access.
    pub const SIZE: u32 = 0b111;
    /// SIZE value: byte.
    pub const SIZE_8: u32 = 0;
    /// SIZE value: half-word.
    pub const SIZE_16: u32 = 1;
    /// SIZE value: word.
    pub const SIZE_32: u32 = 2;
    /// Address increment mode.
    pub const ADDR_INC: u32 = 0b11 << 4;
    /// ADDR_INC in place: off.
    pub const ADDR_INC_OFF: u32 = 0b00 << 4;
    /// ADDR_INC in place: by the access width.
    pub const ADDR_INC_SINGLE: u32 = 0b01 << 4;
    /// ADDR_INC in place: packed (four bytes an access whatever the width).
    pub const ADDR_INC_PACKED: u32 = 0b10 << 4;
    /// The port can make accesses (read-only).
    pub const DEVICE_EN: u32 = 1 << 6;
    /// A transfer is in progress (read-only).
    pub const TR_IN_PROG: u32 = 1 << 7;
    /// Mode.
    pub const MODE: u32 = 0xF << 8;
    /// Errors do not pass upwards.
    pub const ERR_NPASS: u32 = 1 << 16;
    /// Stop after an error.
    pub const ERR_STOP: u32 = 1 << 17;
    /// Secure accesses are allowed (read-only; SDeviceEn on newer ports).
    pub const SPIDEN: u32 = 1 << 23;
    /// HPROT\[0\]: data access.
    pub const PROT_DATA: u32 = 1 << 24;
    /// HPROT\[1\]: privileged.
    pub const PROT_PRIVILEGED: u32 = 1 << 25;
    /// HPROT\[2\]: bufferable.
    pub const PROT_BUFFERABLE: u32 = 1 << 26;
    /// HPROT\[3\]: cacheable.
    pub const PROT_CACHEABLE: u32 = 1 << 27;
    /// The access looks like one of the debugger, not of the core.
    pub const MASTER_DEBUG: u32 = 1 << 29;
    /// Non-secure access; 0 = secure.
    pub const HNONSEC: u32 = 1 << 30;
    /// Software running on the core may use the port.
    pub const DBG_SW_ENABLE: u32 = 1 << 31;

    /// Protection bits ST's own tools use on AP1 for secure accesses. [H5-DBG-5]
    pub const H5_SECURE: u32 = PROT_CACHEABLE | PROT_PRIVILEGED | PROT_DATA;
    /// Protection bits ST's own tools use on AP1 for non-secure accesses. [H5-DBG-5]
    pub const H5_NON_SECURE: u32 = H5_SECURE | HNONSEC;
    /// The bits of CSW that [`H5_SECURE`] and [`H5_NON_SECURE`] decide.
    pub const H5_PROT_MASK: u32 = HNONSEC | (0xF << 24);
}

/// Bits of BASE.
pub mod base {
    /// A ROM table is present.
    pub const PRESENT: u32 = 1 << 0;
    /// Format: 1 = ADIv5.
    pub const FORMAT: u32 = 1 << 1;
    /// Address of the table.
    pub const ADDRESS: u32 = 0xFFFF_F000;
}

/// Bits of CFG.
pub mod cfg {
    /// Big-endian.
    pub const BE: u32 = 1 << 0;
    /// Large address extension.
    pub const LA: u32 = 1 << 1;
    /// Large data extension.
    pub const LD: u32 = 1 << 2;
}

/// A value of IDR. Zero means: no access port here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Idr(pub u32);

impl Idr {
    /// CLASS of a memory access port.
    pub const CLASS_MEM_AP: u8 = 8;
    /// CLASS of a COM-AP.
    pub const CLASS_COM_AP: u8 = 1;

    /// There is an access port.
    #[must_use]
    pub const fn is_present(self) -> bool {
        self.0 != 0
    }
    /// Revision, 4 bits.
    #[must_use]
    pub const fn revision(self) -> u8 {
        (self.0 >> 28) as u8
    }
    /// Designer as JEP106 code, 11 bits (0x23B = Arm).
    #[must_use]
    pub const fn designer(self) -> u16 {
        ((self.0 >> 17) & 0x7FF) as u16
    }
    /// Class, 4 bits: 8 = MEM-AP, 1 = COM-AP, 0 = none (JTAG-AP).
    #[must_use]
    pub const fn class(self) -> u8 {
        ((self.0 >> 13) & 0xF) as u8
    }
    /// Variant, 4 bits.
    #[must_use]
    pub const fn variant(self) -> u8 {
        ((self.0 >> 4) & 0xF) as u8
    }
    /// Type, 4 bits: which bus the port sits on.
    #[must_use]
    pub const fn ap_type(self) -> u8 {
        (self.0 & 0xF) as u8
    }
    /// It is a MEM-AP.
    #[must_use]
    pub const fn is_mem_ap(self) -> bool {
        self.class() == Self::CLASS_MEM_AP
    }
    /// It is a MEM-AP on a system bus (AHB or AXI), where the core and the memories are, not on a debug APB.
    #[must_use]
    pub const fn is_system_bus(self) -> bool {
        self.is_mem_ap() && matches!(self.ap_type(), 1 | 4 | 5 | 7 | 8)
    }
    /// The bus behind a MEM-AP in words.
    #[must_use]
    pub const fn bus(self) -> &'static str {
        match (self.class(), self.ap_type()) {
            (Self::CLASS_MEM_AP, 1) => "AHB3",
            (Self::CLASS_MEM_AP, 2) => "APB2/APB3",
            (Self::CLASS_MEM_AP, 4) => "AXI3/AXI4",
            (Self::CLASS_MEM_AP, 5) => "AHB5",
            (Self::CLASS_MEM_AP, 6) => "APB4/APB5",
            (Self::CLASS_MEM_AP, 7) => "AXI5",
            (Self::CLASS_MEM_AP, 8) => "AHB5 with HPROT",
            (Self::CLASS_MEM_AP, _) => "unknown bus",
            (Self::CLASS_COM_AP, _) => "COM-AP",
            _ => "not a MEM-AP",
        }
    }
}

impl fmt::Display for Idr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.is_present() {
            return write!(f, "0x00000000 (no access port)");
        }
        let (bus, designer, rev) = (self.bus(), self.designer(), self.revision());
        write!(f, "{:#010x} ({bus}, designer {designer:#05x}, rev {rev})", self.0)
    }
}

/// The name of a MEM-AP register: `bank` is APBANKSEL, `address` the byte offset 0, 4, 8 or 0xC in it.
#[must_use]
pub const fn name(bank: u8, address: u8) -> &'static str {
    match (bank << 4) | (address & 0xC) {
        CSW => "CSW",
        TAR => "TAR",
        TAR_HI => "TAR_HI",
        DRW => "DRW",
        BD0 => "BD0",
        BD1 => "BD1",
        BD2 => "BD2",
        BD3 => "BD3",
        MBT => "MBT",
        BASE_HI => "BASE_HI",
        CFG => "CFG",
        BASE => "BASE",
        IDR => "IDR",
        _ => "AP (unknown register)",
    }
}

/// The register behind an AP access, for its fields.
#[must_use]
pub fn register(bank: u8, address: u8) -> Option<&'static Register> {
    let offset = u32::from((bank << 4) | (address & 0xC));
    REGISTERS.iter().find(|r| r.address == offset)
}

/// Names of CSW.Size.
const SIZES: &[(u32, &str)] = &[(0, "8"), (1, "16"), (2, "32")];
/// Names of CSW.AddrInc.
const INCREMENTS: &[(u32, &str)] = &[(0, "off"), (1, "single"), (2, "packed")];

const fn plain(name: &'static str, offset: u8) -> Register {
    Register { name, address: offset as u32, fields: &[], note: "ADI-12" }
}

/// MEM-AP registers; the address is the offset.
pub static REGISTERS: &[Register] = &[
    Register {
        name: "CSW",
        address: CSW as u32,
        fields: &[
            Field::named("Size", csw::SIZE, SIZES),
            Field::named("AddrInc", csw::ADDR_INC, INCREMENTS),
            Field::new("DeviceEn", csw::DEVICE_EN),
            Field::new("TrInProg", csw::TR_IN_PROG),
            Field::new("Mode", csw::MODE),
            Field::new("ERRNPASS", csw::ERR_NPASS),
            Field::new("ERRSTOP", csw::ERR_STOP),
            Field::new("SPIDEN", csw::SPIDEN),
            Field::new("HPROT", 0xF << 24),
            Field::new("MasterDebug", csw::MASTER_DEBUG),
            Field::new("HNONSEC", csw::HNONSEC),
            Field::new("DbgSwEnable", csw::DBG_SW_ENABLE),
        ],
        note: "ADI-12",
    },
    plain("TAR", TAR),
    plain("TAR_HI", TAR_HI),
    plain("DRW", DRW),
    plain("BD0", BD0),
    plain("BD1", BD1),
    plain("BD2", BD2),
    plain("BD3", BD3),
    plain("MBT", MBT),
    plain("BASE_HI", BASE_HI),
    Register {
        name: "CFG",
        address: CFG as u32,
        fields: &[Field::new("BE", cfg::BE), Field::new("LA", cfg::LA), Field::new("LD", cfg::LD)],
        note: "ADI-12",
    },
    Register {
        name: "BASE",
        address: BASE as u32,
        fields: &[
            Field::new("PRESENT", base::PRESENT),
            Field::new("FORMAT", base::FORMAT),
            Field::new("BASEADDR", base::ADDRESS),
        ],
        note: "ADI-12",
    },
    Register {
        name: "IDR",
        address: IDR as u32,
        fields: &[
            Field::new("TYPE", 0xF),
            Field::new("VARIANT", 0xF << 4),
            Field::new("CLASS", 0xF << 13),
            Field::new("DESIGNER", 0x7FF << 17),
            Field::new("REVISION", 0xF << 28),
        ],
        note: "ADI-12",
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::h5::device::{AP0, AP1};

    #[test]
    fn the_access_ports_of_the_stm32h5_are_mem_aps_of_arm() {
        for (identity, bus) in [(AP0, "APB2/APB3"), (AP1, "AHB3")] {
            let idr = Idr(identity.idr);
            assert!(idr.is_present() && idr.is_mem_ap());
            assert_eq!((idr.designer(), idr.bus()), (0x23B, bus));
        }
    }

    #[test]
    fn an_idr_of_zero_is_no_access_port() {
        assert!(!Idr(0).is_present());
        assert_eq!(Idr(0).to_string(), "0x00000000 (no access port)");
    }

    #[test]
    fn bank_and_address_make_the_register() {
        assert_eq!(name(0x0, 0x0), "CSW");
        assert_eq!(name(0x0, 0xC), "DRW");
        assert_eq!(name(0x1, 0x8), "BD2");
        assert_eq!(name(0xF, 0xC), "IDR");
        assert_eq!(name(0x7, 0x0), "AP (unknown register)");
    }

    #[test]
    fn every_register_of_the_table_has_the_name_that_its_offset_gives() {
        for register in REGISTERS {
            let offset = u8::try_from(register.address).expect("an AP offset");
            assert_eq!(name(offset >> 4, offset & 0xF), register.name);
        }
    }

    #[test]
    fn an_unknown_bank_has_no_register() {
        assert!(register(0x7, 0x0).is_none());
        assert!(register(0xF, 0xC).is_some());
    }

    #[test]
    fn csw_after_power_up_of_ap1_reads_in_words() {
        let words = register(0, CSW).expect("CSW").describe(AP1.csw);
        assert_eq!(words, "Size=8 AddrInc=off DeviceEn=1 SPIDEN=1 HPROT=0x3 HNONSEC=1 DbgSwEnable=1");
    }

    #[test]
    fn protection_bits_of_st_differ_in_the_non_secure_bit_only() {
        assert_eq!(csw::H5_SECURE, 0x0B00_0000);
        assert_eq!(csw::H5_NON_SECURE, 0x4B00_0000);
        assert_eq!(csw::H5_PROT_MASK, 0x4F00_0000);
        assert_eq!(csw::H5_SECURE ^ csw::H5_NON_SECURE, csw::HNONSEC);
    }
}

//! Flash interface: offsets, bits, keys, geometry. [H5-FLASH-1] [H5-FLASH-2] [H5-FLASH-10] [H5-OB-1]
//!
//! Offsets are from [`BASE`]; `BASE_S` is the secure alias of the same registers.

mod registers;

pub use registers::REGISTERS;

/// Non-secure base address.
pub const BASE: u32 = 0x4002_2000;
/// Secure base address.
pub const BASE_S: u32 = 0x5002_2000;
/// Bytes of register space.
pub const LEN: u32 = 0x400;

/// Access control.
pub const ACR: u32 = 0x00;
/// Non-secure key.
pub const NSKEYR: u32 = 0x04;
/// Secure key.
pub const SECKEYR: u32 = 0x08;
/// Option key.
pub const OPTKEYR: u32 = 0x0C;
/// Non-secure OBK key.
pub const NSOBKKEYR: u32 = 0x10;
/// Secure OBK key.
pub const SECOBKKEYR: u32 = 0x14;
/// Operation status: what a reset interrupted. [H5-FLASH-8]
pub const OPSR: u32 = 0x18;
/// Option control.
pub const OPTCR: u32 = 0x1C;
/// Non-secure status.
pub const NSSR: u32 = 0x20;
/// Secure status.
pub const SECSR: u32 = 0x24;
/// Non-secure control.
pub const NSCR: u32 = 0x28;
/// Secure control.
pub const SECCR: u32 = 0x2C;
/// Non-secure clear control.
pub const NSCCR: u32 = 0x30;
/// Secure clear control.
pub const SECCCR: u32 = 0x34;
/// Privilege configuration.
pub const PRIVCFGR: u32 = 0x3C;
/// Non-secure OBK configuration.
pub const NSOBKCFGR: u32 = 0x40;
/// Secure OBK configuration.
pub const SECOBKCFGR: u32 = 0x44;
/// HDP extension.
pub const HDPEXTR: u32 = 0x48;
/// Option status, current.
pub const OPTSR_CUR: u32 = 0x50;
/// Option status, to program.
pub const OPTSR_PRG: u32 = 0x54;
/// Non-secure epoch, current.
pub const NSEPOCHR_CUR: u32 = 0x60;
/// Non-secure epoch, to program.
pub const NSEPOCHR_PRG: u32 = 0x64;
/// Secure epoch, current.
pub const SECEPOCHR_CUR: u32 = 0x68;
/// Secure epoch, to program.
pub const SECEPOCHR_PRG: u32 = 0x6C;
/// Option status 2, current.
pub const OPTSR2_CUR: u32 = 0x70;
/// Option status 2, to program.
pub const OPTSR2_PRG: u32 = 0x74;
/// Non-secure boot address and lock, current.
pub const NSBOOTR_CUR: u32 = 0x80;
/// Non-secure boot address and lock, to program.
pub const NSBOOTR_PRG: u32 = 0x84;
/// Secure boot address and lock, current.
pub const SECBOOTR_CUR: u32 = 0x88;
/// Secure boot address and lock, to program.
pub const SECBOOTR_PRG: u32 = 0x8C;
/// OTP block locks, current.
pub const OTPBLR_CUR: u32 = 0x90;
/// OTP block locks, to program.
pub const OTPBLR_PRG: u32 = 0x94;
/// Bank 1 security per sector, first of four words.
pub const SECBB1R1: u32 = 0xA0;
/// Bank 1 privilege per sector, first of four words.
pub const PRIVBB1R1: u32 = 0xC0;
/// Bank 1 secure watermark, current.
pub const SECWM1R_CUR: u32 = 0xE0;
/// Bank 1 secure watermark, to program.
pub const SECWM1R_PRG: u32 = 0xE4;
/// Bank 1 write protection, current.
pub const WRP1R_CUR: u32 = 0xE8;
/// Bank 1 write protection, to program.
pub const WRP1R_PRG: u32 = 0xEC;
/// Bank 1 data area, current.
pub const EDATA1R_CUR: u32 = 0xF0;
/// Bank 1 data area, to program.
pub const EDATA1R_PRG: u32 = 0xF4;
/// Bank 1 hide protection, current.
pub const HDP1R_CUR: u32 = 0xF8;
/// Bank 1 hide protection, to program.
pub const HDP1R_PRG: u32 = 0xFC;
/// Corrected ECC error.
pub const ECCCORR: u32 = 0x100;
/// Detected (uncorrectable) ECC error.
pub const ECCDETR: u32 = 0x104;
/// ECC data.
pub const ECCDR: u32 = 0x108;
/// Bank 2 security per sector, first of four words.
pub const SECBB2R1: u32 = 0x1A0;
/// Bank 2 privilege per sector, first of four words.
pub const PRIVBB2R1: u32 = 0x1C0;
/// Bank 2 secure watermark, current.
pub const SECWM2R_CUR: u32 = 0x1E0;
/// Bank 2 secure watermark, to program.
pub const SECWM2R_PRG: u32 = 0x1E4;
/// Bank 2 write protection, current.
pub const WRP2R_CUR: u32 = 0x1E8;
/// Bank 2 write protection, to program.
pub const WRP2R_PRG: u32 = 0x1EC;
/// Bank 2 data area, current.
pub const EDATA2R_CUR: u32 = 0x1F0;
/// Bank 2 data area, to program.
pub const EDATA2R_PRG: u32 = 0x1F4;
/// Bank 2 hide protection, current.
pub const HDP2R_CUR: u32 = 0x1F8;
/// Bank 2 hide protection, to program.
pub const HDP2R_PRG: u32 = 0x1FC;

/// Unlock keys, in the order they are written. Wrong order, or writing them to an open lock, shuts it until
/// the next reset: read the lock bit first, never write twice. [H5-FLASH-2]
pub mod key {
    /// NSKEYR and SECKEYR.
    pub const FLASH: [u32; 2] = [0x4567_0123, 0xCDEF_89AB];
    /// OPTKEYR.
    pub const OPTION: [u32; 2] = [0x0819_2A3B, 0x4C5D_6E7F];
    /// NSOBKKEYR and SECOBKKEYR.
    pub const OBK: [u32; 2] = [0x192A_083B, 0x6E7F_4C5D];
}

/// Bits of ACR.
pub mod acr {
    /// Wait states.
    pub const LATENCY: u32 = 0xF;
    /// Programming delay; must follow LATENCY (0-1: 0, 2-3: 1, 4-5: 2).
    pub const WRHIGHFREQ: u32 = 0b11 << 4;
    /// Prefetch.
    pub const PRFTEN: u32 = 1 << 8;
    /// Read on silicon after reset.
    pub const RESET: u32 = 0x13;
}

/// Bits of NSSR and SECSR; the error flags have the same places in NSCCR and SECCCR. [H5-FLASH-3]
pub mod sr {
    /// An operation runs.
    pub const BSY: u32 = 1 << 0;
    /// The write buffer holds an unfinished quad-word.
    pub const WBNE: u32 = 1 << 1;
    /// The data buffer is not empty.
    pub const DBNE: u32 = 1 << 3;
    /// End of operation.
    pub const EOP: u32 = 1 << 16;
    /// Write protection.
    pub const WRPERR: u32 = 1 << 17;
    /// Programming sequence.
    pub const PGSERR: u32 = 1 << 18;
    /// A byte of the buffer was written twice.
    pub const STRBERR: u32 = 1 << 19;
    /// Writes of one quad-word do not fit together.
    pub const INCERR: u32 = 1 << 20;
    /// OBK. Not on H503.
    pub const OBKERR: u32 = 1 << 21;
    /// OBK write. Not on H503.
    pub const OBKWERR: u32 = 1 << 22;
    /// Option change refused; while set, OPTSTRT cannot be set. [H5-OB-2]
    pub const OPTCHANGEERR: u32 = 1 << 23;
    /// Nothing may be started while one of these is set.
    pub const BUSY: u32 = BSY | WBNE | DBNE;
    /// All error flags.
    pub const ERRORS: u32 = WRPERR | PGSERR | STRBERR | INCERR | OBKERR | OBKWERR | OPTCHANGEERR;
    /// What a write to the clear register can clear.
    pub const CLEARABLE: u32 = EOP | ERRORS;
}

/// Bits of NSCR and SECCR. [H5-FLASH-4]
pub mod cr {
    /// Locked; cleared by the key sequence, set by writing 1.
    pub const LOCK: u32 = 1 << 0;
    /// Programming.
    pub const PG: u32 = 1 << 1;
    /// Sector erase.
    pub const SER: u32 = 1 << 2;
    /// Bank erase.
    pub const BER: u32 = 1 << 3;
    /// Write the unfinished quad-word, the rest filled with ones.
    pub const FW: u32 = 1 << 4;
    /// Start an erase.
    pub const STRT: u32 = 1 << 5;
    /// Sector number, bits 12:6 (5 bits are used on H523/H533, 3 on H503).
    pub const SNB: u32 = 0x7F << 6;
    /// Lowest bit of SNB.
    pub const SNB_SHIFT: u32 = 6;
    /// Mass erase.
    pub const MER: u32 = 1 << 15;
    /// Interrupt enables.
    pub const IE: u32 = 0xFF << 16;
    /// Block-based security is inverted (secure register only).
    pub const INV: u32 = 1 << 29;
    /// Physical bank, whatever SWAP_BANK says.
    pub const BKSEL: u32 = 1 << 31;
}

/// Bits of OPTCR. [H5-OB-1]
pub mod optcr {
    /// Locked, with all `_PRG` registers.
    pub const OPTLOCK: u32 = 1 << 0;
    /// Start the option change.
    pub const OPTSTRT: u32 = 1 << 1;
    /// Banks are swapped.
    pub const SWAP_BANK: u32 = 1 << 31;
}

/// Bits of NSOBKCFGR and SECOBKCFGR. [H5-OBK-4]
pub mod obkcfgr {
    /// Locked.
    pub const LOCK: u32 = 1 << 0;
    /// Swap the two OBK sectors.
    pub const SWAP_SECT_REQ: u32 = 1 << 1;
    /// Accesses go to the alternate sector.
    pub const ALT_SECT: u32 = 1 << 2;
    /// Erase the alternate sector.
    pub const ALT_SECT_ERASE: u32 = 1 << 3;
    /// How much is copied by the swap, in units of 16 bytes.
    pub const SWAP_OFFSET: u32 = 0x1FF << 16;
    /// Lowest bit of SWAP_OFFSET.
    pub const SWAP_OFFSET_SHIFT: u32 = 16;
    /// After reset: locked, SWAP_OFFSET all ones. (LOCK after reset is what the HAL expects; a register
    /// description shows 0.)
    pub const RESET: u32 = 0x01FF_0001;
}

/// Bits of ECCCORR and ECCDETR.
pub mod ecc {
    /// Address of the word, relative to its area.
    pub const ADDR: u32 = 0xFFFF;
    /// In the OBK area.
    pub const OBK: u32 = 1 << 20;
    /// In the data area. Not on H503.
    pub const DATA: u32 = 1 << 21;
    /// In bank 2.
    pub const BK: u32 = 1 << 22;
    /// In system flash.
    pub const SYSF: u32 = 1 << 23;
    /// In OTP.
    pub const OTP: u32 = 1 << 24;
    /// ECCDR: the data that failed.
    pub const FAIL_DATA: u32 = 0xFFFF;
    /// Interrupt on correction (ECCCORR only).
    pub const ECCCIE: u32 = 1 << 25;
    /// One error was corrected (ECCCORR only).
    pub const ECCC: u32 = 1 << 30;
    /// Two errors were detected (ECCDETR only).
    pub const ECCD: u32 = 1 << 31;
}

/// Bits of HDPEXTR.
pub mod hdpextr {
    /// Sectors by which the hide protection area of bank 1 is extended.
    pub const HDP1_EXT: u32 = 0x7F;
    /// Sectors by which the hide protection area of bank 2 is extended.
    pub const HDP2_EXT: u32 = 0x7F << 16;
}

/// Bits of PRIVCFGR.
pub mod privcfgr {
    /// Secure registers need a privileged access.
    pub const SPRIV: u32 = 1 << 0;
    /// Non-secure registers need a privileged access.
    pub const NSPRIV: u32 = 1 << 1;
}

/// Bytes of one programming unit: a quad-word, aligned. [H5-FLASH-3]
pub const QUAD_WORD: u32 = 16;
/// Bytes of one sector. [H5-FLASH-10]
pub const SECTOR: u32 = 8 * 1024;
/// Every STM32H5 has two banks of the same size.
pub const BANKS: u32 = 2;
/// Programming unit of OTP and of the data area (EDATA), in bytes.
pub const HALF_WORD_UNIT: u32 = 2;
/// Value of erased flash.
pub const ERASED: u32 = 0xFFFF_FFFF;

//! Services of the ROM: the RSSLIB table, DataProvisioning, result words. [H5-OBK-7] [H5-OBK-8]

/// Where a descriptor can lie (non-secure address). The first one that ends in the part's magic counts;
/// without any the last one is used.
pub const DESCRIPTORS: [u32; 3] = [0x0BF9_FB00, 0x0BF9_FD00, 0x0BF9_FE00];
/// Offset of the magic inside a descriptor (8 bytes, ASCII).
pub const MAGIC_OFFSET: u32 = 0xF8;
/// Bytes of a descriptor.
pub const DESCRIPTOR_LEN: u32 = 0x100;
/// Offset of the service table inside a descriptor.
pub const TABLE_OFFSET: u32 = 0x68;
/// The service table of current ROMs, as the device header has it.
pub const RSSLIB: u32 = 0x0BF9_FB68;
/// End of that table.
pub const RSSLIB_END: u32 = 0x0BF9_FB84;
/// The table of non-secure services of current ROMs.
pub const NSSLIB: u32 = 0x0BF9_FB6C;
/// The table of non-secure services of H503.
pub const NSSLIB_H503: u32 = 0x0BF8_FE6C;

/// Offsets inside the service table; each word is the address of a service.
pub mod table {
    /// DataProvisioning: writes OBK. Secure, callable from non-secure code.
    pub const DATA_PROVISIONING: u32 = 0x00;
    /// JumpHDPLvl2.
    pub const JUMP_HDP_LVL2: u32 = 0x10;
    /// JumpHDPLvl3.
    pub const JUMP_HDP_LVL3: u32 = 0x14;
    /// JumpHDPLvl3NS.
    pub const JUMP_HDP_LVL3_NS: u32 = 0x18;
}

/// Offsets inside the structure DataProvisioning takes: five words.
pub mod conf {
    /// Address of the data, in SRAM3.
    pub const SOURCE: u32 = 0x00;
    /// Destination, a secure OBK address.
    pub const DESTINATION: u32 = 0x04;
    /// Bytes of data.
    pub const SIZE: u32 = 0x08;
    /// Whether the ROM encrypts the data.
    pub const DO_ENCRYPTION: u32 = 0x0C;
    /// CRC over the data and the fields before; the algorithm is not public. [H5-OBK-8]
    pub const CRC: u32 = 0x10;
    /// Bytes of the structure.
    pub const LEN: u32 = 0x14;
}

/// DoEncryption of [`conf`]: no encryption, as a user passed it on an H563.
pub const DO_ENCRYPTION_NONE: u32 = 0xCACA_0AA0;

/// Result words of the ROM's services.
pub mod result {
    /// Success; also "provisioned" in discovery.
    pub const SUCCESS: u32 = 0xEAEA_EAEA;
    /// Error; also "not provisioned" in discovery.
    pub const ERROR: u32 = 0xF5F5_F5F5;
    /// DataProvisioning: the CRC does not fit.
    pub const CRC_ERROR: u32 = 0xF5F5_8080;
}

/// Name of a result word.
#[must_use]
pub const fn result_name(word: u32) -> Option<&'static str> {
    Some(match word {
        result::SUCCESS => "SUCCESS",
        result::ERROR => "ERROR",
        result::CRC_ERROR => "CRC_ERROR",
        _ => return None,
    })
}

/// How the ROM's provisioning service is reached by a debugger: all of this is a guess, nothing is public.
/// [H5-OBK-8] [H5-OBK-9] Driver and simulator share it so that a correction is made once.
pub mod guess {
    /// CRC of [`super::conf`]: polynomial of CRC-32, not reflected, one 32-bit word at a time, highest bit first,
    /// first over the data (little-endian words), then over SOURCE, DESTINATION, SIZE, DO_ENCRYPTION.
    pub const CRC_POLY: u32 = 0x04C1_1DB7;
    /// Start value; nothing is inverted at the end.
    pub const CRC_INIT: u32 = 0xFFFF_FFFF;
    /// DoEncryption of [`super::conf`]: encrypt.
    pub const DO_ENCRYPTION_YES: u32 = 0xCACA_0BB0;
    /// SBS_RSSCMDR: run DataProvisioning at the next reset.
    pub const COMMAND_DATA_PROVISIONING: u32 = 0x0083;
    /// Offset of the structure from the start of SRAM3 for the command.
    pub const STAGED_CONF: u32 = 0x00;
    /// Offset of the result word from the start of SRAM3: the place of CRC, overwritten by the service.
    pub const STAGED_RESULT: u32 = super::conf::CRC;
    /// Offset of the data from the start of SRAM3.
    pub const STAGED_DATA: u32 = 0x20;
}

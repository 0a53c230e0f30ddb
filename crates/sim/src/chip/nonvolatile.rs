//! What survives without power: flash, option bytes, OBK, OTP, unique id, the mark of an interrupted operation.

use super::array::Array;
use super::obk::{Credential, Obk};
use super::options::Options;
use regs::h5::device::Family;
use regs::h5::memory;
use regs::h5::obk::payload;

/// Half-words of OTP.
pub(crate) const OTP_HALF_WORDS: usize = memory::OTP_LEN as usize / 2;

/// All of it.
#[derive(Debug, Clone)]
pub(crate) struct NonVolatile {
    /// The part.
    pub(crate) family: Family,
    /// Flash size in KiB.
    pub(crate) kib: u16,
    /// Unique id.
    pub(crate) uid: [u8; 12],
    /// Flash.
    pub(crate) array: Array,
    /// Option bytes in force.
    pub(crate) options: Options,
    /// Option-byte keys.
    pub(crate) obk: Obk,
    /// OTP; `None` is a half-word never written.
    pub(crate) otp: Vec<Option<u16>>,
    /// What FLASH_OPSR shows after the next reset. [H5-FLASH-8]
    pub(crate) interrupted: u32,
}

impl NonVolatile {
    /// Factory-new.
    pub(crate) fn factory(family: Family, kib: u16, uid: Option<[u8; 12]>) -> Self {
        NonVolatile {
            family,
            kib,
            uid: uid.unwrap_or(*b"\x20\x00\x3A\x00\x0F\x51\x33\x31SIM1"),
            array: Array::new(kib),
            options: Options::factory(family),
            obk: Obk::new(),
            otp: vec![None; OTP_HALF_WORDS],
            interrupted: 0,
        }
    }

    /// What debug authentication checks against: OBK, or OTP on the H503. [H5-OBK-2] [H503-1]
    pub(crate) fn credential(&self) -> Option<Credential> {
        if self.family != Family::H503 {
            return self.obk.credential(self.family.device().crypto);
        }
        let mut hash = [0; payload::HASH_LEN];
        for (pair, word) in hash.chunks_exact_mut(2).zip(&self.otp) {
            pair.copy_from_slice(&(*word)?.to_le_bytes());
        }
        let mut permissions = [0; payload::PERMISSIONS_LEN];
        permissions[..4].copy_from_slice(&regs::h5::obk::DEFAULT_PERMISSIONS.to_le_bytes());
        Some(Credential { hash, permissions })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_h503_has_a_credential_once_its_otp_holds_a_hash() {
        let mut nv = NonVolatile::factory(Family::H503, 128, None);
        assert!(nv.credential().is_none());
        for half in nv.otp.iter_mut().take(16) {
            *half = Some(0x0201);
        }
        assert_eq!(nv.credential().unwrap().hash[..4], [1, 2, 1, 2]);
    }
}

//! OBK storage: two sectors, one of them current, with a level for each slot. [H5-OBK-4] [H5-OBK-5] [H5-OBK-12]

use super::array::SLOT;
use regs::h5::obk::{area, payload};
use sha2::{Digest, Sha256};

/// Slots of one sector.
pub(crate) const SLOTS: usize = regs::h5::memory::OBK_LEN as usize / SLOT;

/// One 16-byte slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Slot {
    /// Never written since the erase.
    Virgin,
    /// Written. `encrypted`: by the ROM's service, with the part's own key.
    Written {
        /// The bytes in the clear.
        bytes: [u8; SLOT],
        /// What is stored is not the clear text.
        encrypted: bool,
    },
    /// Interrupted.
    Torn,
}

/// Both sectors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Obk {
    /// The slots.
    pub(crate) sectors: [Vec<Slot>; 2],
    /// Which sector is current: 0 or 1.
    pub(crate) current: usize,
    /// An interrupted swap, or option change [H5-OB-8], left the selectors undefined until the repair. [H5-OB-5]
    pub(crate) undefined: bool,
}

impl Obk {
    /// Factory-new.
    pub(crate) fn new() -> Self {
        Obk { sectors: [vec![Slot::Virgin; SLOTS], vec![Slot::Virgin; SLOTS]], current: 0, undefined: false }
    }

    /// The protection level a slot belongs to.
    pub(crate) fn level(slot: usize) -> u8 {
        let at = (slot * SLOT) as u32;
        let above = [area::HDPL1, area::HDPL2, area::HDPL3].iter().filter(|(start, _)| at >= *start).count();
        above as u8
    }

    fn side(&self, alternate: bool) -> usize {
        if alternate { 1 - self.current } else { self.current }
    }

    /// A slot of the current or the alternate sector.
    pub(crate) fn slot(&self, alternate: bool, slot: usize) -> Slot {
        self.sectors[self.side(alternate)][slot]
    }

    /// Writes a slot that is virgin.
    pub(crate) fn write(&mut self, alternate: bool, slot: usize, value: Slot) {
        let side = self.side(alternate);
        self.sectors[side][slot] = value;
    }

    /// Erases the alternate sector.
    pub(crate) fn erase_alternate(&mut self) {
        let side = self.side(true);
        self.sectors[side].fill(Slot::Virgin);
    }

    /// An erase of the alternate sector was interrupted.
    pub(crate) fn tear_alternate(&mut self) {
        let side = self.side(true);
        self.sectors[side].fill(Slot::Torn);
    }

    /// Copies what was not written anew, up to `slots` slots, then makes the alternate sector current.
    pub(crate) fn swap(&mut self, slots: usize) {
        self.copy(slots);
        self.current = self.side(true);
    }

    fn copy(&mut self, slots: usize) {
        for slot in 0..slots.min(SLOTS) {
            if self.slot(true, slot) == Slot::Virgin {
                let old = self.slot(false, slot);
                self.write(true, slot, old);
            }
        }
    }

    /// A swap was interrupted: in its second half the new sector has won, but until the repair nobody knows.
    pub(crate) fn tear_swap(&mut self, slots: usize, second_half: bool) {
        if second_half {
            self.swap(slots);
        } else {
            self.copy(slots / 2);
        }
        self.undefined = true;
    }

    /// Erases everything.
    pub(crate) fn erase_all(&mut self) {
        *self = Obk::new();
    }

    /// Bytes of the current sector, or `None` when a slot is virgin, torn or unreadable.
    pub(crate) fn bytes(&self, at: usize, len: usize) -> Option<(Vec<u8>, bool)> {
        if self.undefined {
            return None;
        }
        let mut bytes = Vec::with_capacity(len);
        let mut all_encrypted = true;
        for at in at..at + len {
            match self.slot(false, at / SLOT) {
                Slot::Written { bytes: slot, encrypted } => {
                    bytes.push(slot[at % SLOT]);
                    all_encrypted &= encrypted;
                }
                Slot::Virgin | Slot::Torn => return None,
            }
        }
        Some((bytes, all_encrypted))
    }

    /// The debug authentication record, if its own hash fits. On crypto parts it must have been encrypted by the
    /// ROM. [H5-OBK-2] [H5-OBK-3] [H5-DA-7]
    pub(crate) fn credential(&self, crypto: bool) -> Option<Credential> {
        let (bytes, encrypted) = self.bytes(area::HDPL1.0 as usize, payload::LEN)?;
        if crypto && !encrypted {
            return None;
        }
        let (integrity, rest) = bytes.split_at(payload::CREDENTIAL);
        if integrity != Sha256::digest(rest).as_slice() {
            return None;
        }
        let mut credential =
            Credential { hash: [0; payload::HASH_LEN], permissions: [0; payload::PERMISSIONS_LEN] };
        credential.hash.copy_from_slice(&bytes[payload::CREDENTIAL..payload::PERMISSIONS]);
        credential.permissions.copy_from_slice(&bytes[payload::PERMISSIONS..payload::RESERVED]);
        Some(credential)
    }
}

/// What debug authentication checks against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Credential {
    /// SHA-256 of the password or of the root key.
    pub(crate) hash: [u8; payload::HASH_LEN],
    /// Permissions.
    pub(crate) permissions: [u8; payload::PERMISSIONS_LEN],
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(value: u8) -> Slot {
        Slot::Written { bytes: [value; SLOT], encrypted: false }
    }

    #[test]
    fn levels_follow_the_areas() {
        let level = |offset: usize| Obk::level(offset / SLOT);
        assert_eq!([level(0), level(0xF0)], [0, 0]);
        assert_eq!([level(0x100), level(0x8F0)], [1, 1]);
        assert_eq!([level(0x900), level(0xBF0)], [2, 2]);
        assert_eq!([level(0xC00), level(0x1FE0)], [3, 3]);
    }

    #[test]
    fn a_swap_keeps_new_slots_and_copies_the_others() {
        let mut obk = Obk::new();
        obk.write(false, 0x10, written(1));
        obk.write(false, 0x20, written(2));
        obk.erase_alternate();
        obk.write(true, 0x10, written(9));
        obk.swap(SLOTS);
        assert_eq!(obk.slot(false, 0x10), written(9));
        assert_eq!(obk.slot(false, 0x20), written(2));
        assert_eq!(obk.slot(true, 0x10), written(1));
    }

    #[test]
    fn a_swap_copies_no_further_than_its_offset() {
        let mut obk = Obk::new();
        obk.write(false, 0x20, written(2));
        obk.swap(0x20);
        assert_eq!(obk.slot(false, 0x20), Slot::Virgin);
    }

    #[test]
    fn after_an_interrupted_swap_nothing_can_be_read() {
        let mut obk = Obk::new();
        obk.write(false, 0, written(1));
        assert!(obk.bytes(0, 16).is_some());
        obk.tear_swap(SLOTS, false);
        assert!(obk.bytes(0, 16).is_none());
    }
}

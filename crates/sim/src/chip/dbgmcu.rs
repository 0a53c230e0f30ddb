//! DBGMCU: identification, which access ports are open, the mailbox. [H5-DBG-2] [H5-DBG-3] [H5-DA-3]

use regs::h5::dbgmcu::{
    self as d, AHB1FZR, APB1FZR1, APB1FZR2, APB2FZR, APB3FZR, CIDR, CIDR0, CR, DBG_AUTH_ACK, DBG_AUTH_DEVICE,
    DBG_AUTH_HOST, IDCODE, PIDR0, PIDR2_RESET, SR, ack, idcode, sr,
};

/// What an access to the mailbox means for the ROM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rang {
    /// Nothing.
    No,
    /// The debugger left a word, or took one.
    Yes,
}

/// The registers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Dbgmcu {
    /// CR and the freeze registers, by offset / 4.
    pub(crate) kept: [u32; 9],
    host: u32,
    device: u32,
    ack: u32,
}

impl Dbgmcu {
    /// Reads a register. `rev_id` of the part, and whether AP1 is open now.
    pub(crate) fn read(&self, offset: u32, dev_id: u16, rev_id: u16, ap1: bool) -> u32 {
        match offset {
            IDCODE => u32::from(rev_id) << 16 | idcode::FIXED_VALUE | u32::from(dev_id),
            CR | APB1FZR1 | APB1FZR2 | APB2FZR | APB3FZR | AHB1FZR => self.kept[offset as usize / 4],
            SR => sr::RESET | if ap1 { sr::AP1_ENABLED } else { 0 },
            DBG_AUTH_HOST => self.host,
            DBG_AUTH_DEVICE => self.device,
            DBG_AUTH_ACK => self.ack,
            at if at == PIDR0 + 8 => PIDR2_RESET,
            at if (CIDR0..CIDR0 + 16).contains(&at) => CIDR[(at - CIDR0) as usize / 4],
            _ => 0,
        }
    }

    /// The debugger reads the device's word. Whether that acknowledges it is a guess, selectable. [H5-DA-3]
    pub(crate) fn read_device_word(&mut self, keeps_ack: bool) -> (u32, Rang) {
        if keeps_ack {
            return (self.device, Rang::No);
        }
        self.ack &= !ack::DEVICE;
        (self.device, Rang::Yes)
    }

    /// Writes a register.
    pub(crate) fn write(&mut self, offset: u32, value: u32) -> Rang {
        match offset {
            CR | APB1FZR1 | APB1FZR2 | APB2FZR | APB3FZR | AHB1FZR => self.kept[offset as usize / 4] = value,
            DBG_AUTH_HOST => {
                self.host = value;
                self.ack |= ack::HOST;
                return Rang::Yes;
            }
            // A written 0 acknowledges, whether or not reading does. [H5-DA-3]
            DBG_AUTH_ACK => {
                self.ack &= value;
                return Rang::Yes;
            }
            _ => {}
        }
        Rang::No
    }

    /// The word the debugger left and the ROM has not read, if there is one.
    pub(crate) fn pending(&self) -> Option<u32> {
        (self.ack & ack::HOST != 0).then_some(self.host)
    }

    /// The ROM reads that word.
    pub(crate) fn take(&mut self) -> Option<u32> {
        let word = self.pending();
        self.ack &= !ack::HOST;
        word
    }

    /// Whether the debugger has read the last word of the ROM.
    pub(crate) fn is_free(&self) -> bool {
        self.ack & ack::DEVICE == 0
    }

    /// The ROM leaves a word.
    pub(crate) fn put(&mut self, word: u32) {
        self.device = word;
        self.ack |= ack::DEVICE;
    }

    /// A system reset leaves what was authorised: only a power reset takes it back. [H5-DA-18]
    pub(crate) fn keeps_credentials(&self) -> bool {
        self.kept[CR as usize / 4] & d::cr::DCRT != 0
    }

    /// A reset begins: the mailbox is empty. A word written while reset is held stays. [H5-DA-1]
    pub(crate) fn reset(&mut self) {
        self.host = 0;
        self.device = 0;
        self.ack = 0;
    }
}

/// Whether `at` is an address of DBGMCU as the core's bus or AP0 see it.
pub(crate) fn covers(at: u32) -> Option<u32> {
    [d::BASE, d::BASE_AP0].into_iter().find_map(|base| at.checked_sub(base).filter(|offset| *offset < d::LEN))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idcode_of_an_h563_rev_z_is_the_value_read_on_silicon() {
        assert_eq!(Dbgmcu::default().read(IDCODE, 0x484, 0x1001, true), 0x1001_6484);
    }

    #[test]
    fn sr_shows_ap1_open_or_shut() {
        let dbgmcu = Dbgmcu::default();
        assert_eq!(dbgmcu.read(SR, 0x484, 0x1001, false), 0x0001_0003);
        assert_eq!(dbgmcu.read(SR, 0x484, 0x1001, true), 0x0003_0003);
    }

    #[test]
    fn ack_bits_follow_writing_and_reading() {
        let mut dbgmcu = Dbgmcu::default();
        assert_eq!(dbgmcu.write(DBG_AUTH_HOST, 7), Rang::Yes);
        assert_eq!(dbgmcu.read(DBG_AUTH_ACK, 0, 0, true), ack::HOST);
        assert_eq!(dbgmcu.take(), Some(7));
        assert_eq!(dbgmcu.take(), None);
        dbgmcu.put(9);
        assert_eq!(dbgmcu.read(DBG_AUTH_ACK, 0, 0, true), ack::DEVICE);
        assert_eq!(dbgmcu.read_device_word(false), (9, Rang::Yes));
        assert_eq!(dbgmcu.read(DBG_AUTH_ACK, 0, 0, true), 0);
    }

    #[test]
    fn where_reading_does_not_acknowledge_a_write_of_zero_does() {
        let mut dbgmcu = Dbgmcu::default();
        dbgmcu.put(9);
        assert_eq!(dbgmcu.read_device_word(true), (9, Rang::No));
        assert!(!dbgmcu.is_free());
        assert_eq!(dbgmcu.write(DBG_AUTH_ACK, 0), Rang::Yes);
        assert!(dbgmcu.is_free());
    }
}

//! One transaction, clock by clock: header, turnaround, ack, turnaround, data and parity. [ADI-1] [ADI-5] [ADI-14]

use super::clocks::Clocks;
use regs::dp;
use wire::{Ack, Port, RegSel, Transaction};

/// Clocks of a header.
pub(crate) const HEADER: usize = 8;
/// Clocks of an ack, and of data with its parity.
const ACK: usize = 3;
const DATA: usize = 33;

/// A header whose start, parity, stop and park bits are right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) reg: RegSel,
    pub(crate) read: bool,
}

impl Header {
    /// Takes the lowest eight bits apart.
    pub(crate) fn of(word: u64) -> Option<Header> {
        let framed = word & 0xC1 == 0x81;
        let even = (word & 0x3E).count_ones().is_multiple_of(2);
        if !framed || !even {
            return None;
        }
        let a = u8::try_from(word >> 1 & 0xC).unwrap_or_default();
        let reg = if word & 2 == 0 { RegSel::dp(a) } else { RegSel::ap(a) };
        Some(Header { reg, read: word & 4 != 0 })
    }

    /// Nobody acknowledges it.
    fn is_targetsel(self) -> bool {
        self.reg.port == Port::Dp && self.reg.a == dp::TARGETSEL && !self.read
    }
}

/// How a packet may be laid out after its ack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DataPhase {
    /// It ends after the ack.
    Without,
    /// Data follow.
    With,
}

/// A packet at a place, as it reads with a certain turnaround.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Packet {
    pub(crate) header: Header,
    /// The three bits in the place of the ack.
    pub(crate) ack: Ack,
    /// The word in the data phase, if there were one.
    word: u32,
    /// Whether its parity bit would fit.
    fits: bool,
    turnaround: usize,
}

/// What kind of packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Accepted, with data.
    Ok,
    /// Accepted, with data of the wrong parity.
    Spoiled,
    /// WAIT or FAULT.
    Refused,
    /// A write of TARGETSEL, which is not answered.
    Targetsel,
    /// Nobody drove the ack.
    Silent,
    /// An ack that no specification names.
    Strange,
}

impl Packet {
    /// Reads the packet that begins at a clock, if there is a header.
    pub(crate) fn at(clocks: &Clocks, at: usize, turnaround: usize) -> Option<Packet> {
        let word = clocks.word(at);
        let header = Header::of(word)?;
        let ack = word >> (HEADER + turnaround) & 0b111;
        let back = if header.read { 0 } else { turnaround };
        let data = word >> (HEADER + turnaround + ACK + back);
        let (value, parity) = (data & 0xFFFF_FFFF, data >> 32 & 1);
        Some(Packet {
            header,
            ack: Ack(u8::try_from(ack).unwrap_or_default()),
            word: u32::try_from(value).unwrap_or_default(),
            fits: u64::from(value.count_ones() % 2) == parity,
            turnaround,
        })
    }

    pub(crate) fn kind(&self) -> Kind {
        match self.ack {
            _ if self.header.is_targetsel() && self.ack != Ack::OK && self.fits => Kind::Targetsel,
            Ack::OK if self.fits => Kind::Ok,
            Ack::OK => Kind::Spoiled,
            Ack::WAIT | Ack::FAULT => Kind::Refused,
            Ack::NONE => Kind::Silent,
            _ => Kind::Strange,
        }
    }

    /// Clocks until the line is idle again.
    pub(crate) fn clocks(&self, phase: DataPhase) -> usize {
        let data = if phase == DataPhase::With { DATA } else { 0 };
        HEADER + ACK + 2 * self.turnaround + data
    }

    /// Clocks that the capture must hold for it to count: nobody needs the last turnaround.
    pub(crate) fn needs(&self, phase: DataPhase) -> usize {
        let host_drives_last = phase == DataPhase::With && !self.header.read;
        self.clocks(phase) - if host_drives_last { 0 } else { self.turnaround }
    }

    /// Clocks up to and with the ack.
    pub(crate) fn answered(&self) -> usize {
        HEADER + self.turnaround + ACK
    }

    /// Where the data of a refused write are, counted from the header, if their parity says that they are spoiled.
    pub(crate) fn spoiled_data(&self, phase: DataPhase) -> Option<std::ops::Range<usize>> {
        let data = HEADER + ACK + 2 * self.turnaround;
        let spoiled =
            self.kind() == Kind::Refused && phase == DataPhase::With && !self.header.read && !self.fits;
        spoiled.then_some(data..data + DATA)
    }

    /// The transaction, and what the host wanted to write where it was refused and yet sent it.
    pub(crate) fn transaction(&self, phase: DataPhase) -> (Transaction, Option<u32>) {
        let Header { reg, read } = self.header;
        let (ack, data) = match self.kind() {
            Kind::Ok => (Ack::OK, Some(self.word)),
            // Nobody acknowledges it; the data are taken all the same.
            Kind::Targetsel => (Ack::OK, Some(self.word)),
            Kind::Spoiled => (Ack::PARITY, Some(self.word)),
            Kind::Refused | Kind::Silent | Kind::Strange => (self.ack, None),
        };
        let sent = data.is_none() && phase == DataPhase::With && !read && self.fits;
        (Transaction { reg, read, ack, data }, sent.then_some(self.word))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_sixteen_headers_and_each_is_its_register() {
        let headers: Vec<u64> = (0..256).filter(|bits| Header::of(*bits).is_some()).collect();
        assert_eq!(headers.len(), 16);
        for bits in headers {
            let Header { reg, read } = Header::of(bits).unwrap();
            assert_eq!(u64::from(dp::request(reg.port == Port::Ap, read, reg.a)), bits);
        }
    }

    fn clocks(parts: &[(u64, usize)]) -> Clocks {
        let mut clocks = Clocks::default();
        let mut tick = 0;
        for (bits, count) in parts {
            for n in 0..*count {
                clocks.push(bits >> n & 1 == 1, tick);
                tick += 1;
            }
        }
        clocks
    }

    #[test]
    fn a_read_and_a_write_are_taken_apart_at_every_turnaround() {
        for t in 1..=4 {
            let value = 0x6BA0_2477;
            let read = clocks(&[(0xA5, 8), (1, t), (1, 3), (value, 32), (1, 1), (0, t)]);
            let packet = Packet::at(&read, 0, t).unwrap();
            assert_eq!((packet.kind(), packet.clocks(DataPhase::With)), (Kind::Ok, 44 + 2 * t));
            let expected =
                Transaction { reg: RegSel::dp(0), read: true, ack: Ack::OK, data: Some(0x6BA0_2477) };
            assert_eq!(packet.transaction(DataPhase::With), (expected, None));
            let write = clocks(&[(0xA9, 8), (1, t), (2, 3), (1, t), (0x5000_0000, 32), (0, 1)]);
            let packet = Packet::at(&write, 0, t).unwrap();
            assert_eq!((packet.kind(), packet.clocks(DataPhase::Without)), (Kind::Refused, 11 + 2 * t));
            let (refused, sent) = packet.transaction(DataPhase::With);
            assert_eq!((refused.ack, refused.data, sent), (Ack::WAIT, None, Some(0x5000_0000)));
        }
    }
}

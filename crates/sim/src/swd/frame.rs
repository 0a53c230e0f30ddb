//! The phases of one transaction, clock by clock. [ADI-1] [ADI-14]

use wire::{Ack, RegSel, Transaction};

/// What a request header asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    /// Access port instead of debug port (APnDP).
    pub(crate) ap: bool,
    /// Read (RnW).
    pub(crate) read: bool,
    /// A[3:2] in place: 0x0, 0x4, 0x8, 0xC.
    pub(crate) a: u8,
}

impl Header {
    /// Takes a header of eight bits apart (first bit sent in bit 0). `None` when start, parity, stop or park is wrong.
    pub(crate) fn parse(bits: u8) -> Option<Header> {
        let framed = bits & 0xC1 == 0x81;
        let even = (bits & 0x3E).count_ones().is_multiple_of(2);
        let header = Header { ap: bits & 0x02 != 0, read: bits & 0x04 != 0, a: (bits >> 1) & 0xC };
        (framed && even).then_some(header)
    }

    /// The eight bits as they are sent.
    pub(crate) fn bits(self) -> u8 {
        regs::dp::request(self.ap, self.read, self.a)
    }

    /// The transaction that it began, for the record.
    pub(crate) fn transaction(self, ack: Ack, data: Option<u32>) -> Transaction {
        let reg = if self.ap { RegSel::ap(self.a) } else { RegSel::dp(self.a) };
        Transaction { reg, read: self.read, ack, data }
    }

    /// A read of this debug port register.
    pub(crate) fn is_dp_read(self, a: u8) -> bool {
        !self.ap && self.read && self.a == a
    }

    /// A write of this debug port register.
    pub(crate) fn is_dp_write(self, a: u8) -> bool {
        !self.ap && !self.read && self.a == a
    }
}

/// How the host is set: what it will clock after an ack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HostSide {
    /// Turnaround clocks, 1 to 4.
    pub(crate) turnaround: u8,
    /// Clock a data phase after WAIT and FAULT too.
    pub(crate) data_phase: bool,
}

/// What the target does after a header that it understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reply {
    /// OK, and the value of a read (0 for a write) with its parity bit spoiled or not.
    Ok { value: u32, spoiled: bool },
    /// WAIT.
    Wait,
    /// FAULT.
    Fault,
    /// TARGETSEL: the ack is not driven, the data is taken.
    Unacknowledged,
}

/// The clocks after a header: which of them the target drives, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Frame {
    /// What is answered.
    pub(crate) reply: Reply,
    /// Clocks until the line is idle again.
    pub(crate) total: u32,
    /// Bit n: the target drives clock n.
    drive: u64,
    /// Bit n: what it drives.
    out: u64,
    /// The clock of the first data bit that the host drives, if data is taken.
    pub(crate) data_at: Option<u32>,
}

impl Frame {
    /// Lays out the answer. `overrun` is CTRL/STAT.ORUNDETECT: then a data phase always follows. [ADI-5]
    pub(crate) fn new(read: bool, reply: Reply, turnaround: u32, overrun: bool) -> Frame {
        let (t, whole) = (turnaround, 2 * turnaround + 36);
        let short = if overrun { whole } else { 2 * t + 3 };
        let acked =
            |ack: u64, total, data_at| Frame { reply, total, drive: 0b111 << t, out: ack << t, data_at };
        match reply {
            Reply::Ok { value, spoiled } if read => {
                let data = u64::from(value) | (u64::from(parity(value) != spoiled) << 32);
                let out = (0b001 | (data << 3)) << t;
                Frame { reply, total: whole, drive: ((1 << 36) - 1) << t, out, data_at: None }
            }
            Reply::Ok { .. } => acked(0b001, whole, Some(2 * t + 3)),
            Reply::Wait => acked(0b010, short, None),
            Reply::Fault => acked(0b100, short, None),
            Reply::Unacknowledged => {
                Frame { reply, total: whole, drive: 0, out: 0, data_at: Some(2 * t + 3) }
            }
        }
    }

    /// What the target drives in clock `n`.
    pub(crate) fn driven(&self, n: u32) -> Option<bool> {
        (self.drive >> n & 1 == 1).then_some(self.out >> n & 1 == 1)
    }

    /// The whole transaction, with the header before the answer; `data` as for [`Frame::line`].
    pub(crate) fn whole(&self, header: Header, turnaround: u32, data: u64) -> Line {
        let levels = u64::from(header.bits()) | self.line(header.read, turnaround, data) << 8;
        Line { clocks: 8 + self.total, levels, target: self.drive << 8 }
    }

    /// The levels of the line when the host drives `data` (33 bits, with parity) in its data phase, lets go elsewhere,
    /// and clocks zeros through the data phase of a write that was not accepted.
    pub(crate) fn line(&self, read: bool, turnaround: u32, data: u64) -> u64 {
        let all = (1_u64 << self.total) - 1;
        let undriven = all & !self.drive;
        let host_at = 2 * turnaround + 3;
        let host = if read || self.total <= host_at { 0 } else { all & !((1 << host_at) - 1) };
        let sent = if self.data_at.is_some() { data << host_at } else { 0 };
        self.out | (undriven & !host) | (sent & host)
    }
}

/// The clocks of a transaction, header and all. Bit n of the masks is clock n.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Line {
    /// How many.
    pub(crate) clocks: u32,
    /// The level of SWDIO; high where nobody drives it.
    pub(crate) levels: u64,
    /// Clocks in which the target drives it.
    pub(crate) target: u64,
}

impl Line {
    /// Nobody answers: the host clocks through a data phase with the line high.
    pub(crate) fn silent(header: Header, turnaround: u32) -> Line {
        let silence = 2 * turnaround + 36;
        let levels = u64::from(header.bits()) | ((1 << silence) - 1) << 8;
        Line { clocks: 8 + silence, levels, target: 0 }
    }
}

/// Even parity over a data word: the bit that makes the number of ones even.
pub(crate) fn parity(value: u32) -> bool {
    value.count_ones() % 2 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sixteen_headers_are_understood_and_nothing_else_is() {
        let valid: Vec<u8> = (0..=255).filter(|b| Header::parse(*b).is_some()).collect();
        assert_eq!(valid.len(), 16);
        for bits in valid {
            assert_eq!(Header::parse(bits).unwrap().bits(), bits);
        }
        assert_eq!(Header::parse(0xA5), Some(Header { ap: false, read: true, a: 0 }));
        assert_eq!(Header::parse(0xBB), Some(Header { ap: true, read: false, a: 0xC }));
    }

    #[test]
    fn an_ok_transaction_has_46_clocks_and_a_refused_one_13() {
        let clocks = |read, reply, overrun| 8 + Frame::new(read, reply, 1, overrun).total;
        let ok = Reply::Ok { value: 0, spoiled: false };
        assert_eq!([clocks(true, ok, false), clocks(false, ok, false)], [46, 46]);
        assert_eq!([clocks(true, Reply::Wait, false), clocks(false, Reply::Fault, false)], [13, 13]);
        assert_eq!([clocks(true, Reply::Wait, true), clocks(false, Reply::Fault, true)], [46, 46]);
        assert_eq!(8 + Frame::new(true, ok, 4, false).total, 52);
    }

    #[test]
    fn a_read_is_acknowledged_and_carried_low_bit_first_with_even_parity() {
        let frame = Frame::new(true, Reply::Ok { value: 0x8000_0001, spoiled: false }, 1, false);
        let bits: Vec<_> = (0..frame.total).map(|n| frame.driven(n)).collect();
        assert_eq!(bits[..5], [None, Some(true), Some(false), Some(false), Some(true)]);
        assert_eq!(bits[34..], [Some(false), Some(true), Some(false), None]);
    }
}

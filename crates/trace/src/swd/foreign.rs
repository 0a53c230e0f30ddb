//! Clocks that are no SWD packets: stray ones, and those of a port that was switched away from SWD.

use super::lines::{LINE_RESET_CLOCKS, Listens, Switch};
use super::packet::{DataPhase, Kind, Packet};
use super::{Decoder, OnWire, Unreadable, Why};
use wire::RegSel;

/// Clocks that one event holds; more make more events.
const FULL: usize = 4096;

/// Clocks in a row that belong to nothing.
#[derive(Debug)]
pub(super) struct Stray {
    pub(super) from: u64,
    pub(super) until: u64,
    pub(super) why: Why,
    bits: Vec<u8>,
    count: usize,
    high: bool,
}

impl Stray {
    pub(super) fn new(tick: u64, why: Why) -> Stray {
        Stray { from: tick, until: tick, why, bits: Vec::new(), count: 0, high: true }
    }

    pub(super) fn push(&mut self, high: bool, tick: u64) {
        let place = self.count % 8;
        if place == 0 {
            self.bits.push(0);
        }
        if let Some(last) = self.bits.last_mut() {
            *last |= u8::from(high) << place;
        }
        self.count += 1;
        self.high &= high;
        self.until = tick;
    }

    pub(super) fn is_full(&self) -> bool {
        self.count >= FULL
    }

    /// How many.
    pub(super) fn clocks(&self) -> usize {
        self.count
    }

    /// All clocks are high.
    pub(super) fn is_high(&self) -> bool {
        self.high
    }

    pub(super) fn into_what(self) -> OnWire {
        let Stray { from, why, bits, count, .. } = self;
        match why {
            Why::NotSwd => OnWire::Bits { count, data: bits },
            _ => OnWire::Unreadable(Box::new(Unreadable { why, tick: from, count, data: bits })),
        }
    }
}

impl Decoder {
    /// The port was switched away from SWD. Clocks are kept as they are until it is back.
    pub(super) fn elsewhere(&mut self) {
        let ones = self.clocks.ones(self.at);
        if ones >= LINE_RESET_CLOCKS {
            return self.line_reset(ones);
        }
        if let Some(switch) = Switch::at(&self.clocks, self.at) {
            return self.switch(switch);
        }
        if self.after_reset && self.is_back() {
            self.listens = Listens::Swd;
            return;
        }
        self.after_reset &= !self.clocks.bit(self.at);
        let idle = self.stray.is_none() && !self.clocks.bit(self.at);
        if idle {
            self.at += 1;
        } else {
            self.stray(Why::NotSwd);
        }
    }

    /// Whether the first transaction after a line reset is one that only an SWD port answers. [ADI-9]
    fn is_back(&self) -> bool {
        let Some(packet) = Packet::at(&self.clocks, self.at, self.turnaround) else { return false };
        let whole = self.at + packet.needs(DataPhase::With) <= self.clocks.len();
        let dpidr = packet.header.reg == RegSel::dp(regs::dp::DPIDR) && packet.header.read;
        whole && (dpidr && packet.kind() == Kind::Ok || packet.kind() == Kind::Targetsel)
    }
}

//! Cost: what a session spent on USB and on the wire, beside the least that its accesses need.
//!
//! The floor counts the same accesses in the same order, each once, by a host that makes no mistake and a probe that adds
//! nothing: one transaction for each access and each DP or AP register; TAR where neither auto-increment, nor the same
//! address again, nor a banked data register of the same 16 bytes gets there; SELECT where the access port or its bank
//! changes; CSW where the width changes; RDBUFF once behind each run of reads. A transaction takes 44 clocks and two
//! turnarounds, nothing idles, nothing waits. [ADI-3] [ADI-7] [ADI-14] USB carries nothing but data, 4 bytes for each word
//! written or read, in full packets, and each packet out is answered by one in.
//!
//! What was spent on the wire is counted clock by clock where the source shows each (captures of the pins, a J-Link driven bit
//! by bit). A CMSIS-DAP probe shows what it was told about idle clocks, turnaround and sequences, and that is counted.
//!
//! No session reaches it: connecting is not in it, and who must look at a value before going on pays for a round trip.

mod clocks;
mod floor;

pub(crate) use clocks::Clocks;

use crate::event::{Body, OnWire};
use crate::{Trace, Usb};
use clocks::PacketSize;
use floor::Walk;
use serde::Serialize;
use wire::{Ack, Level, WireEvent};

/// What was spent. `schema` grows when a field changes its meaning or goes away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cost {
    /// Version of this form: 1.
    pub schema: u32,
    /// What the probe speaks.
    pub probe: Option<String>,
    /// Accesses that were accepted: memory, and DP and AP registers that do not serve others.
    pub accesses: u64,
    /// USB; absent where nothing of it is seen.
    pub usb: Option<UsbCost>,
    /// The wire; absent where the source hides it: an ST-Link, or a log of accesses.
    pub wire: Option<WireCost>,
    /// The least on the wire that the same accesses need.
    pub floor: Floor,
    /// The least on USB; absent where packets are not known.
    pub usb_floor: Option<UsbCost>,
}

/// What goes over USB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct UsbCost {
    /// Transfers that moved something.
    pub transfers: u64,
    /// Commands and their answers.
    pub round_trips: u64,
    /// Bytes in both directions.
    pub bytes: u64,
}

/// What goes over the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct WireCost {
    /// Transactions.
    pub transactions: u64,
    /// SWCLK cycles: transactions, idle clocks behind them, sequences.
    pub clocks: u64,
    /// Transactions answered WAIT.
    pub waits: u64,
    /// SWCLK cycles of those.
    pub wait_clocks: u64,
    /// SWCLK cycles on which nothing happened.
    pub idle_clocks: u64,
    /// SWCLK cycles of line resets and switch sequences.
    pub sequence_clocks: u64,
    /// SWCLK cycles that belong to nothing that could be read.
    pub other_clocks: u64,
    /// SELECT, CSW and TAR, and reads of RDBUFF that the probe adds.
    pub housekeeping: u64,
    /// SELECT, CSW and TAR written with what they held.
    pub redundant: u64,
}

/// The least number of transactions for the same accesses, by what they are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Floor {
    /// All.
    pub transactions: u64,
    /// SWCLK cycles of all.
    pub clocks: u64,
    /// DRW and BD0 to BD3.
    pub data: u64,
    /// DP and AP registers asked for themselves.
    pub registers: u64,
    /// Addresses.
    pub tar: u64,
    /// Changes of access port or bank.
    pub select: u64,
    /// Changes of width.
    pub csw: u64,
    /// Fetching the last value of a run of reads.
    pub rdbuff: u64,
}

/// Bytes of a packet that are not data: the command, its index, the count.
const PACKET_HEAD: u64 = 3;

impl Cost {
    /// Counts.
    pub fn of(trace: &Trace) -> Cost {
        let mut bill = Bill::default();
        bill.add(trace);
        bill.cost(trace)
    }
}

/// What pieces of a recording spent.
#[derive(Debug, Default)]
pub struct Bill {
    clocks: Clocks,
    walk: Walk,
    packet: PacketSize,
    usb: UsbCost,
    is_usb_seen: bool,
    commands: Usb,
    wire: WireCost,
}

impl Bill {
    /// Counts a piece, which stands behind the one before.
    pub fn add(&mut self, piece: &Trace) {
        self.walk.over(piece.accesses());
        self.packet.add(piece);
        self.commands.commands(piece);
        self.usb(piece);
        self.wire(piece);
    }

    fn usb(&mut self, piece: &Trace) {
        self.is_usb_seen |= piece.count(Level::Usb) > 0;
        for event in piece.events(Level::Usb) {
            if let Body::Transfer(transfer) = &event.body {
                let bytes = u64::try_from(transfer.data.len()).unwrap_or(u64::MAX);
                self.usb.transfers += u64::from(bytes > 0);
                self.usb.bytes += bytes;
            }
        }
    }

    fn wire(&mut self, piece: &Trace) {
        let Bill { clocks, wire: cost, .. } = self;
        clocks.each(piece, |_, wired, clocks| {
            cost.clocks += clocks;
            let OnWire::Event(WireEvent::Transaction(t)) = &wired.what else { return };
            cost.transactions += 1;
            if t.ack == Ack::WAIT {
                cost.waits += 1;
                cost.wait_clocks += clocks;
            }
        });
        for event in piece.accesses() {
            let Body::Register(r) = &event.body else { continue };
            cost.housekeeping += u64::from(r.housekeeping);
            cost.redundant += u64::from(r.redundant);
        }
    }

    /// What was counted; `last` is the last piece.
    pub fn cost(mut self, last: &Trace) -> Cost {
        self.walk.end();
        let hidden = last.hides_the_wire();
        let round_trips = u64::try_from(self.commands.round_trips).unwrap_or(u64::MAX);
        let floor = self.walk.floor;
        Cost {
            schema: 1,
            probe: last.protocol().map(|protocol| protocol.to_string()),
            accesses: self.walk.accesses,
            usb: self.is_usb_seen.then_some(UsbCost { round_trips, ..self.usb }),
            wire: (!hidden).then(|| self.whole_wire(last)),
            floor: Floor { clocks: floor.transactions * self.clocks.accepted(), ..floor },
            usb_floor: (self.is_usb_seen && !hidden).then(|| self.usb_floor()).flatten(),
        }
    }

    fn whole_wire(&self, last: &Trace) -> WireCost {
        let Clocks { sequences, idle, .. } = self.clocks;
        let clocks = self.wire.clocks + sequences;
        let cost = WireCost { clocks, sequence_clocks: sequences, idle_clocks: idle, ..self.wire };
        match last.tally() {
            Some(tally) => WireCost {
                clocks: tally.clocks,
                wait_clocks: tally.waits,
                idle_clocks: tally.idle(),
                sequence_clocks: tally.sequences,
                other_clocks: tally.others,
                ..cost
            },
            None => cost,
        }
    }

    /// The least on USB.
    fn usb_floor(&self) -> Option<UsbCost> {
        let room = self.packet.bytes()?.saturating_sub(PACKET_HEAD).max(1);
        let (out, inward) = (self.walk.words_out * 4, self.walk.words_in * 4);
        let round_trips = out.div_ceil(room).max(inward.div_ceil(room));
        let bytes = out + inward + 2 * round_trips * PACKET_HEAD;
        Some(UsbCost { transfers: 2 * round_trips, round_trips, bytes })
    }
}

#[cfg(test)]
mod tests;

//! The SWD wire decoder: from the levels of SWDIO at the rises of SWCLK to events of level 2. [ADI-1] [ADI-5] [ADI-9] [ADI-13]
//!
//! Packets follow each other as the rules say most of the time, and then decoding is a few shifts. Wherever the next packet
//! is not beyond doubt (at the beginning of a capture, after WAIT and FAULT whose data phase is not settled, where nobody
//! answered, where clocks were lost) `search` weighs what the next clocks can be. What belongs to nothing becomes an
//! event of its own with the place where it stands; nothing is left out and nothing made up.
//!
//! One thing stays open: on a line that rests low, a packet that nobody answers leaves no trace of where it ends. In one of
//! 20,000 sessions with such packets the next one then reads as another whose parity fits too.
//!
//! A clock that is lost or doubled can make another session without fault, and then nobody can know; the tests count how
//! often. Where the parity of data that a refused write brought is wrong, that is told.
//!
//! Turnaround is learnt from writes of DLCR and, where the capture does not show them, from what fits. Whether WAIT and FAULT
//! have a data phase is learnt from CTRL/STAT and from what fits.

mod clocks;
mod foreign;
mod lines;
mod packet;
mod search;
mod tally;
#[cfg(test)]
pub(crate) mod tests;

pub(crate) use clocks::Clocks;
pub(crate) use tally::Tally;

use crate::event::{OnWire, Unreadable, Why, Wired};
use foreign::Stray;
use lines::{LINE_RESET_CLOCKS, Listens, Switch};
use packet::{DataPhase, Header, Kind, Packet};
use regs::dp;
use search::{FOOTHOLD, Foothold, Item, Known, Search, WINDOW};
use tally::count;
use wire::{Ack, Port, RegSel, Transaction, WireEvent};

/// Clocks that must lie ahead before a decision, as long as more may come.
const AHEAD: usize = WINDOW + 256;
/// Low clocks that leave room for a data phase that was all zeros.
const LONG_IDLE: usize = 40;
/// A price up to this is not worth looking for another turnaround.
const GOOD_ENOUGH: u32 = 16;

/// The same where nothing has been seen yet.
const FLAWLESS: u32 = 4;
/// What another turnaround must save where the present one is only the usual, and where it has been seen to be right.
const UNPROVEN: u32 = 60;
const PROVEN: u32 = 150;

/// An event with the ticks at which it began and ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) at: u64,
    pub(crate) until: u64,
    pub(crate) what: Wired,
}

/// The decoder. Clocks are put in, [`Decoder::run`] takes them apart as far as they reach.
#[derive(Debug)]
pub(crate) struct Decoder {
    /// What is still to be decoded, and some clocks before it.
    pub(crate) clocks: Clocks,
    /// What was found and not yet fetched.
    pub(crate) found: Vec<Found>,
    /// Changes of nRESET that are not among the events yet.
    resets: std::collections::VecDeque<(u64, bool)>,
    at: usize,
    turnaround: usize,
    /// A packet with data has come with this turnaround.
    proven: bool,
    phase: Option<DataPhase>,
    /// CTRL/STAT.ORUNDETECT as last seen.
    overrun: Option<bool>,
    dp_bank: u32,
    listens: Listens,
    /// Packets can be told without weighing them: the last one ended here.
    sound: bool,
    /// Nothing was recognised yet.
    at_first: bool,
    /// Within a line reset.
    resetting: bool,
    /// A line reset came just before: a port that listens elsewhere may be back.
    after_reset: bool,
    stray: Option<Stray>,
    /// Clocks by what they were for, of those that were decoded.
    tally: Tally,
}

impl Default for Decoder {
    fn default() -> Self {
        Decoder {
            clocks: Clocks::default(),
            found: Vec::new(),
            resets: std::collections::VecDeque::new(),
            at: 0,
            turnaround: 1,
            proven: false,
            phase: None,
            overrun: None,
            dp_bank: 0,
            listens: Listens::Swd,
            sound: false,
            at_first: true,
            resetting: false,
            after_reset: false,
            stray: None,
            tally: Tally::default(),
        }
    }
}

impl Decoder {
    /// nRESET changed.
    pub(crate) fn reset(&mut self, tick: u64, low: bool) {
        self.resets.push_back((tick, low));
    }

    /// Decodes what is beyond doubt with the clocks that are there; with `ended`, everything.
    pub(crate) fn run(&mut self, ended: bool) {
        let keep = if ended { 0 } else { AHEAD };
        while self.at.saturating_add(keep) < self.clocks.len() {
            self.step(ended);
        }
        if ended {
            self.end_stray();
            while let Some((tick, low)) = self.resets.pop_front() {
                self.put_reset(tick, low);
            }
        }
        let forgotten = self.clocks.forget(self.at);
        self.at -= forgotten;
        self.tally.clocks += count(forgotten);
    }

    /// What all clocks so far were for.
    pub(crate) fn tally(&self) -> Tally {
        let clocks = self.tally.clocks + count(self.clocks.len());
        Tally { clocks, turnaround: count(self.turnaround), ..self.tally }
    }

    fn step(&mut self, ended: bool) {
        if self.resetting {
            let more = self.clocks.ones(self.at);
            self.tally.sequences += count(more);
            self.at += more;
            self.resetting = self.at >= self.clocks.len();
            return;
        }
        if self.listens == Listens::Elsewhere {
            return self.elsewhere();
        }
        if self.sound {
            let idle = self.clocks.zeros(self.at);
            if idle > 0 {
                self.at += idle;
                return;
            }
            if let Some((packet, phase)) = self.obvious() {
                return self.packet(&packet, phase);
            }
        }
        let switch = if self.sound { None } else { Switch::at(&self.clocks, self.at) };
        match switch {
            Some(switch) => self.switch(switch),
            None => self.weigh(ended),
        }
    }

    /// The packet that stands here, if there is no doubt about it.
    fn obvious(&self) -> Option<(Packet, DataPhase)> {
        let packet = Packet::at(&self.clocks, self.at, self.turnaround)?;
        let end = |phase| self.at + packet.clocks(phase);
        match packet.kind() {
            Kind::Ok => {
                let end = end(DataPhase::With);
                let sure = end < self.clocks.len() && self.may_follow(end);
                sure.then_some((packet, DataPhase::With))
            }
            Kind::Refused => {
                let phase = self.phase?;
                let other = if phase == DataPhase::With { DataPhase::Without } else { DataPhase::With };
                let sure = match phase {
                    DataPhase::Without => self.surely_follows(end(phase)),
                    DataPhase::With => self.surely_follows(end(phase)) && !self.surely_follows(end(other)),
                };
                sure.then_some((packet, phase))
            }
            _ => None,
        }
    }

    /// Whether something that is known can begin at a clock: an idle clock, a header, a line reset.
    fn may_follow(&self, at: usize) -> bool {
        let word = self.clocks.word(at);
        word & 1 == 0 || Header::of(word).is_some() || self.clocks.ones(at) >= LINE_RESET_CLOCKS
    }

    /// Whether something that is known does follow: a header with an ack, a line reset, a long idle.
    fn surely_follows(&self, at: usize) -> bool {
        let idle = self.clocks.zeros(at);
        let answered = Packet::at(&self.clocks, at + idle, self.turnaround)
            .is_some_and(|next| matches!(next.kind(), Kind::Ok | Kind::Refused | Kind::Silent));
        idle >= LONG_IDLE || answered || self.clocks.ones(at + idle) >= LINE_RESET_CLOCKS
    }

    /// Weighs the next clocks and accepts what is cheapest for the first half of them.
    fn weigh(&mut self, ended: bool) {
        let best = self.cheapest(ended);
        let begin = self.at;
        // What stands near the end of a window cannot be judged yet, unless nothing comes behind it.
        let last = if begin + WINDOW < self.clocks.len() { WINDOW / 2 } else { usize::MAX };
        let mut packets = 0;
        for (place, item) in best.items().take_while(|(place, _)| *place < last) {
            self.at = begin + place;
            let settled = (self.turnaround, self.listens);
            packets = if matches!(item, Item::Packet(..)) { packets + 1 } else { packets };
            self.accept(item);
            // What these packets changed may change what follows.
            if packets == FOOTHOLD || settled != (self.turnaround, self.listens) || self.resetting {
                break;
            }
        }
    }

    /// The cheapest way to read the next clocks. Turnaround and data phases are as they were, unless that makes no sense.
    fn cheapest(&mut self, ended: bool) -> Search {
        let usual = Known {
            turnaround: self.turnaround,
            phase: self.phase.unwrap_or(DataPhase::Without),
            told: self.phase.is_some() && self.overrun.is_some(),
            astray: self.stray.is_some(),
            at_first: self.at_first,
            ended,
        };
        let mut best = Search::new(&self.clocks, self.at, usual);
        let Foothold { price, with_data, refused } = best.foothold();
        let settled = if self.proven { price <= GOOD_ENOUGH } else { with_data && price <= FLAWLESS };
        // Whether data follow a first WAIT or FAULT shows only in what comes after.
        if settled && (self.phase.is_some() || !refused) {
            return best;
        }
        let phases: &[DataPhase] =
            if self.phase.is_some() { &[usual.phase] } else { &[DataPhase::Without, DataPhase::With] };
        let better = if self.proven { PROVEN } else { UNPROVEN };
        for turnaround in 1..=4 {
            for phase in
                phases.iter().copied().filter(|p| (turnaround, *p) != (usual.turnaround, usual.phase))
            {
                let must_save = if turnaround == self.turnaround { GOOD_ENOUGH } else { better };
                let other = Search::new(&self.clocks, self.at, Known { turnaround, phase, ..usual });
                if other.price().saturating_add(must_save) < best.price() {
                    if turnaround != self.turnaround {
                        self.turnaround = turnaround;
                        self.proven = false;
                    }
                    best = other;
                }
            }
        }
        best
    }

    fn accept(&mut self, item: Item) {
        match item {
            Item::Idle => {
                self.end_stray();
                self.at += 1;
                self.sound = true;
            }
            Item::Stray => {
                self.stray(Why::NoPacket);
                self.sound = false;
            }
            Item::Cut => {
                self.end_stray();
                while self.at < self.clocks.len() {
                    self.stray(Why::Cut);
                }
            }
            Item::Packet(packet, phase) => self.packet(&packet, phase),
            Item::LineReset(clocks) => self.line_reset(clocks),
            Item::Switch(switch) => self.switch(switch),
        }
    }

    /// The clock here belongs to nothing that is known.
    fn stray(&mut self, why: Why) {
        let (high, tick) = (self.clocks.bit(self.at), self.clocks.tick(self.at));
        let why = if self.at_first && why == Why::NoPacket { Why::Began } else { why };
        if self.stray.as_ref().is_some_and(|stray| stray.is_full() || stray.why != why) {
            self.end_stray();
        }
        self.stray.get_or_insert_with(|| Stray::new(tick, why)).push(high, tick);
        self.at += 1;
    }

    fn end_stray(&mut self) {
        let Some(stray) = self.stray.take() else { return };
        self.tally.others += count(stray.clocks());
        let (at, until) = (stray.from, stray.until);
        self.put(at, until, stray.into_what());
    }

    fn line_reset(&mut self, clocks: usize) {
        self.end_stray_before_sequence();
        let end = self.at + clocks;
        self.tally.sequences += count(clocks);
        self.put_event(end, WireEvent::LineReset);
        self.resetting = end >= self.clocks.len();
        self.at = end;
        // What comes next is a header, low clocks or a select code: worth weighing.
        self.sound = false;
        self.at_first = false;
        self.after_reset = true;
    }

    fn switch(&mut self, switch: Switch) {
        self.end_stray_before_sequence();
        let end = self.at + switch.clocks;
        self.tally.sequences += count(switch.clocks);
        self.put_event(end, WireEvent::Switch(switch.name));
        self.at = end;
        self.listens = switch.to;
        self.sound = false;
        self.at_first = false;
        self.after_reset = false;
    }

    /// High clocks that lead into a sequence are part of it.
    fn end_stray_before_sequence(&mut self) {
        if self.stray.as_ref().is_some_and(Stray::is_high) {
            let lead = self.stray.take().map_or(0, |stray| stray.clocks());
            self.tally.sequences += count(lead);
        }
        self.end_stray();
    }

    fn packet(&mut self, packet: &Packet, phase: DataPhase) {
        let behind_stray = self.stray.is_some();
        self.end_stray();
        let (transaction, refused) = packet.transaction(phase);
        let end = self.at + packet.clocks(phase);
        let what = OnWire::Event(WireEvent::Transaction(transaction));
        let (from, until) = (self.clocks.tick(self.at), self.clocks.tick(end - 1));
        self.push(from, until, Wired { refused, ..Wired::plain(what) });
        if let Some(data) = packet.spoiled_data(phase) {
            self.spoiled(self.at + data.start..self.at + data.end);
        }
        // The last turnaround may be missing where the capture ends.
        let clocks = count(end.min(self.clocks.len()).saturating_sub(self.at));
        self.tally.transactions += clocks;
        self.tally.waits += if transaction.ack == Ack::WAIT { clocks } else { 0 };
        self.at = end;
        self.sound = true;
        self.at_first = false;
        self.after_reset = false;
        match packet.kind() {
            // What follows clocks that were lost or doubled may be another register than it looks.
            Kind::Ok if behind_stray => {}
            Kind::Ok => {
                self.proven = true;
                self.learn(&transaction);
            }
            // A data phase of zeros looks like idle clocks.
            Kind::Refused if phase == DataPhase::With || self.clocks.zeros(end) < LONG_IDLE => {
                self.phase = Some(phase);
            }
            _ => {}
        }
    }

    /// Clocks of a packet that cannot have been meant so.
    fn spoiled(&mut self, clocks: std::ops::Range<usize>) {
        let (from, until) = (self.clocks.tick(clocks.start), self.clocks.tick(clocks.end - 1));
        let mut spoiled = Stray::new(from, Why::Parity);
        clocks.for_each(|at| spoiled.push(self.clocks.bit(at), self.clocks.tick(at)));
        self.put(from, until, spoiled.into_what());
    }

    /// Registers of the DP that change how the wire is to be read.
    fn learn(&mut self, transaction: &Transaction) {
        let Transaction { reg: RegSel { port: Port::Dp, a }, read, ack: Ack::OK, data: Some(data) } =
            *transaction
        else {
            return;
        };
        match (a, read) {
            (dp::SELECT, false) => self.dp_bank = data & dp::select::DPBANKSEL,
            (dp::CTRL_STAT, _) if self.dp_bank == u32::from(dp::bank::CTRL_STAT) => {
                let overrun = data & dp::ctrl_stat::ORUNDETECT != 0;
                if self.overrun != Some(overrun) {
                    self.overrun = Some(overrun);
                    self.phase = Some(if overrun { DataPhase::With } else { DataPhase::Without });
                }
            }
            (dp::DLCR, false) if self.dp_bank == u32::from(dp::bank::DLCR) => {
                let field = (data & dp::dlcr::TURNROUND) >> dp::dlcr::TURNROUND.trailing_zeros();
                self.turnaround = 1 + usize::try_from(field).unwrap_or_default();
            }
            _ => {}
        }
    }

    fn put_event(&mut self, end: usize, event: WireEvent) {
        let (at, until) = (self.clocks.tick(self.at), self.clocks.tick(end.saturating_sub(1)));
        self.put(at, until, OnWire::Event(event));
    }

    fn put(&mut self, at: u64, until: u64, what: OnWire) {
        self.push(at, until, Wired::plain(what));
    }

    fn push(&mut self, at: u64, until: u64, what: Wired) {
        while let Some((tick, low)) = self.resets.front().copied().filter(|(tick, _)| *tick <= at) {
            self.resets.pop_front();
            self.put_reset(tick, low);
        }
        self.found.push(Found { at, until, what });
    }

    fn put_reset(&mut self, tick: u64, low: bool) {
        let what = Wired::plain(OnWire::Event(WireEvent::Reset(low)));
        self.found.push(Found { at: tick, until: tick, what });
    }
}

//! A chip that remembers what was done to it, and a host that makes every clock itself.

use crate::bus::{ApIdent, Chip, Outcome, Request, Time};
use crate::swd::{Faults, Header, HostSide, Line, PowerUpMode, Target};
use std::collections::BTreeMap;
use wire::Hz;

pub(crate) const DPIDR: u32 = 0x6BA0_2477;
pub(crate) const TARGETID: u32 = 0x1484_0041;
pub(crate) const CLOCK: Hz = Hz(4_000_000);

/// Memory whose accesses last as long as their address says: bits 23:16 in microseconds, above 0xF0 an error, at 0xFF
/// for ever. AP 0 reaches it in words, AP 1 too, AP 2 is shut, AP 3 does not exist.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Ram {
    pub(crate) words: BTreeMap<u32, u32>,
    pub(crate) log: Vec<(Request, Time)>,
    pub(crate) dead: bool,
    pub(crate) cycles: u32,
    pub(crate) reset_low: bool,
    /// The supply is not certain from here on.
    pub(crate) doubt: Option<Time>,
}

impl Chip for Ram {
    fn dpidr(&self) -> u32 {
        DPIDR
    }
    fn targetid(&self) -> u32 {
        TARGETID
    }
    fn ap(&mut self, ap: u8, _: Time) -> Option<ApIdent> {
        let (enabled, secure_enabled) = (ap != 2, ap == 1);
        let idr = if ap == 0 { 0x5477_0002 } else { 0x8477_0001 };
        let ident = ApIdent { idr, base: 0xE00F_E003, csw: 0x4380_0042, enabled, secure_enabled };
        (ap < 3).then_some(ident)
    }
    fn access(&mut self, request: &Request, now: Time) -> Outcome {
        self.log.push((*request, now));
        let at = now + Time::from(request.at >> 16 & 0xFF) * 1000;
        match request.at >> 16 & 0xFF {
            0xFF => return Outcome::Stuck,
            0xF0..0xFF => return Outcome::Error { at: now + 5_000 },
            _ => {}
        }
        let shift = 8 * (request.at & 3);
        let word = self.words.entry(request.at & !3).or_default();
        if let Some(value) = request.write {
            *word = (*word & !(request.width.mask() << shift)) | (value << shift);
            return Outcome::Done { value: 0, at };
        }
        Outcome::Done { value: (*word >> shift) & request.width.mask(), at }
    }
    fn drive_reset(&mut self, low: bool, _: Time) {
        self.reset_low = low;
    }
    fn reset_level(&mut self, _: Time) -> bool {
        !self.reset_low
    }
    fn powered(&mut self, _: Time) -> bool {
        !self.dead
    }
    fn cut_power(&mut self, _: Time) {
        self.dead = true;
    }
    fn power_cycles(&self) -> u32 {
        self.cycles
    }
    fn power_certain_until(&self, _: Time) -> Time {
        self.doubt.unwrap_or(Time::MAX)
    }
}

/// What a transaction came to, as a host sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) ack: u8,
    pub(crate) data: u32,
    pub(crate) intact: bool,
    pub(crate) line: Line,
}

/// A host with a target on its wires.
#[derive(Debug)]
pub(crate) struct Host {
    pub(crate) target: Target<Ram>,
    pub(crate) now: Time,
    pub(crate) side: HostSide,
    pub(crate) clock: Hz,
}

impl Host {
    pub(crate) fn new(faults: Faults) -> Host {
        let target = Target::new(Ram::default(), faults, PowerUpMode::Jtag);
        Host { target, now: 0, side: HostSide { turnaround: 1, data_phase: false }, clock: CLOCK }
    }

    /// A host whose target has been found and powered up.
    pub(crate) fn attached() -> Host {
        let mut host = Host::new(Faults::default());
        host.attach();
        host
    }

    pub(crate) fn attach(&mut self) {
        self.bytes(regs::dp::JTAG_TO_SWD.bytes);
        assert_eq!(self.read_dp(regs::dp::DPIDR), (1, DPIDR));
        assert_eq!(self.write_dp(regs::dp::CTRL_STAT, 0x5000_0000), 1);
        self.now += 50_000;
        assert_eq!(self.read_dp(regs::dp::CTRL_STAT), (1, 0xF000_0000));
    }

    fn level(&mut self, drive: Option<bool>, at: Time) -> bool {
        self.step(drive, at).0
    }

    /// One clock: the level, and whether the target makes it.
    fn step(&mut self, drive: Option<bool>, at: Time) -> (bool, bool) {
        let announced = self.target.drives(at);
        let driven = self.target.clock(drive, at);
        assert_eq!(announced, driven, "what the target drives is there before the clock");
        (drive.or(driven).unwrap_or(true), drive.is_none() && driven.is_some())
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        for n in 0..bytes.len() * 8 {
            self.now += self.clock.nanos(1);
            self.level(Some(bytes[n / 8] >> (n % 8) & 1 == 1), self.now);
        }
    }

    /// One transaction, clock by clock.
    pub(crate) fn clocked(&mut self, header: u8, read: bool, data: u32, intact: bool) -> Seen {
        let (start, clock) = (self.now, self.clock);
        let mut line = Line { clocks: 0, levels: 0, target: 0 };
        let mut step = |host: &mut Host, drive: Option<bool>| {
            let (level, target) = host.step(drive, start + clock.nanos(u64::from(line.clocks + 1)));
            line.levels |= u64::from(level) << line.clocks;
            line.target |= u64::from(target) << line.clocks;
            line.clocks += 1;
            level
        };
        let t = self.side.turnaround;
        for n in 0..8 {
            step(self, Some(header >> n & 1 == 1));
        }
        for _ in 0..t {
            step(self, None);
        }
        let ack = (0..3).fold(0, |ack, n| ack | u8::from(step(self, None)) << n);
        let mut seen = Seen { ack, data: 0, intact: true, line: Line { clocks: 0, levels: 0, target: 0 } };
        match (ack, read) {
            (1, true) => {
                seen.data = (0..32).fold(0, |word, n| word | u32::from(step(self, None)) << n);
                seen.intact = step(self, None) == (seen.data.count_ones() % 2 == 1);
                (0..t).for_each(|_| {
                    step(self, None);
                });
            }
            (1, false) => {
                (0..t).for_each(|_| {
                    step(self, None);
                });
                (0..32).for_each(|n| {
                    step(self, Some(data >> n & 1 == 1));
                });
                step(self, Some((data.count_ones() % 2 == 1) == intact));
            }
            (2 | 4, _) => {
                let phase = if self.side.data_phase { 33 } else { 0 };
                let (before, after) = if read { (phase, 0) } else { (0, phase) };
                (0..before + t).for_each(|_| {
                    step(self, None);
                });
                (0..after).for_each(|_| {
                    step(self, Some(false));
                });
            }
            _ => (0..t + 33).for_each(|_| {
                step(self, None);
            }),
        }
        seen.line = line;
        self.now += clock.nanos(u64::from(line.clocks));
        seen
    }

    /// One transaction through the whole-transaction face where that is open, else clock by clock.
    pub(crate) fn whole(&mut self, header: Header, data: u32, intact: bool) -> Seen {
        if !self.target.can_transact(self.side, header, self.now) {
            return self.clocked(header.bits(), header.read, data, intact);
        }
        let done = self.target.transact(header, data, intact, self.clock, self.now);
        self.now += self.clock.nanos(u64::from(done.line.clocks));
        Seen { ack: done.ack.0, data: done.data, intact: done.intact, line: done.line }
    }

    fn go(&mut self, ap: bool, read: bool, a: u8, data: u32) -> Seen {
        self.whole(Header { ap, read, a }, data, true)
    }

    pub(crate) fn read_dp(&mut self, a: u8) -> (u8, u32) {
        let seen = self.go(false, true, a, 0);
        (seen.ack, seen.data)
    }

    pub(crate) fn write_dp(&mut self, a: u8, value: u32) -> u8 {
        self.go(false, false, a, value).ack
    }

    pub(crate) fn read_ap(&mut self, a: u8) -> (u8, u32) {
        let seen = self.go(true, true, a, 0);
        (seen.ack, seen.data)
    }

    pub(crate) fn write_ap(&mut self, a: u8, value: u32) -> u8 {
        self.go(true, false, a, value).ack
    }

    /// An AP register by its full offset, fetched through RDBUFF.
    pub(crate) fn fetch_ap(&mut self, ap: u8, offset: u8) -> u32 {
        self.select(ap, offset);
        assert_eq!(self.read_ap(offset & 0xC).0, 1);
        let (ack, value) = self.read_dp(regs::dp::RDBUFF);
        assert_eq!(ack, 1);
        value
    }

    pub(crate) fn store_ap(&mut self, ap: u8, offset: u8, value: u32) {
        self.select(ap, offset);
        assert_eq!(self.write_ap(offset & 0xC, value), 1);
    }

    pub(crate) fn select(&mut self, ap: u8, offset: u8) {
        assert_eq!(self.write_dp(regs::dp::SELECT, regs::dp::select::value(ap, offset >> 4, 0)), 1);
    }

    pub(crate) fn ctrl_stat(&mut self) -> u32 {
        self.read_dp(regs::dp::CTRL_STAT).1
    }

    /// TARGETSEL, whose ack nobody drives: the data phase is clocked all the same.
    pub(crate) fn write_dp_unacknowledged(&mut self, value: u32) -> u8 {
        let header = Header { ap: false, read: false, a: regs::dp::TARGETSEL };
        self.bytes(&[header.bits()]);
        let mut ack = 0;
        for n in 0..5 {
            self.now += self.clock.nanos(1);
            let level = self.level(None, self.now);
            ack |= if (1..4).contains(&n) { u8::from(level) << (n - 1) } else { 0 };
        }
        let parity = u64::from(value.count_ones() % 2) << 32;
        for n in 0..33 {
            self.now += self.clock.nanos(1);
            self.level(Some((u64::from(value) | parity) >> n & 1 == 1), self.now);
        }
        ack
    }

    /// Lets one memory access fail.
    pub(crate) fn fail_once(&mut self) {
        self.store_ap(1, regs::ap::TAR, 0x00F0_0000);
        self.store_ap(1, regs::ap::DRW, 1);
        self.now += 10_000;
    }
}

impl Seen {
    /// The ack as firmware reports it: 8 for a parity error.
    pub(crate) fn host_ack(self) -> u8 {
        if self.intact { self.ack } else { 8 }
    }
}

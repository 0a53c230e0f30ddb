//! The probe's pins: SWCLK, SWDIO, nRESET. What `SW_DP.c` does with them. [DAP-11]

use crate::bill::Bill;
use crate::bus::{Chip, Time};
use crate::swd::{Header, HostSide, Line, Target};
use crate::wiretrace::Truth;
use wire::{Ack, Bits, Hz, Pins};

/// How often DAP_SWJ_Pins looks at the pins while it waits.
const PIN_POLL_NS: Time = 1_000;
/// The longest DAP_SWJ_Pins waits.
const PIN_WAIT_MOST_US: u32 = 3_000_000;

/// The pins with the target on them, the probe's time, and what is counted.
#[derive(Debug)]
pub(crate) struct Lines<C> {
    pub(crate) target: Target<C>,
    /// The probe's time: when the last thing on the wire ended.
    pub(crate) now: Time,
    pub(crate) clock: Hz,
    pub(crate) host: HostSide,
    /// Idle clocks after each OK transaction.
    pub(crate) idle: u8,
    pub(crate) bill: Bill,
    pub(crate) truth: Truth,
    /// When the last OK transaction ended, in the timer's microseconds.
    pub(crate) timestamp: u32,
    swclk: bool,
    swdio: bool,
    /// Whether a host that makes every edge itself drives SWDIO.
    drives_data: bool,
    reset_low: bool,
}

impl<C: Chip> Lines<C> {
    /// Pins of a probe that has just been powered, with the reference's defaults.
    pub(crate) fn new(target: Target<C>, truth: Truth) -> Lines<C> {
        Lines {
            target,
            now: 0,
            clock: Hz(1_000_000),
            host: HostSide { turnaround: 1, data_phase: false },
            idle: 0,
            bill: Bill::default(),
            truth,
            timestamp: 0,
            swclk: true,
            swdio: true,
            drives_data: true,
            reset_low: false,
        }
    }

    /// One transaction, repeated while it is answered WAIT, at most `retry` times. A read leaves its value in `data`.
    pub(crate) fn transact(&mut self, header: Header, data: &mut u32, retry: u16) -> Ack {
        let mut tries = u32::from(retry) + 1;
        loop {
            let ack = self.once(header, data);
            tries -= 1;
            if ack != Ack::WAIT || tries == 0 {
                return ack;
            }
            tries -= self.skip_waits(header, *data, tries);
            if tries == 0 {
                return Ack::WAIT;
            }
        }
    }

    /// One transaction on the wire.
    pub(super) fn once(&mut self, header: Header, data: &mut u32) -> Ack {
        let sent = (!header.read).then_some(*data);
        let (ack, clocks) = if self.target.can_transact(self.host, header, self.now) {
            let done = self.target.transact(header, *data, true, self.clock, self.now);
            if done.ack == Ack::OK {
                let end = self.now + self.clock.nanos(u64::from(done.line.clocks));
                self.target.idle(u32::from(self.idle), self.clock, end);
                if header.read {
                    *data = done.data;
                }
            }
            self.keep_line(done.line, matches!(done.ack, Ack::OK));
            (if done.intact { done.ack } else { Ack::PARITY }, done.line.clocks)
        } else {
            self.clocked(header, data)
        };
        self.swdio = true;
        self.target.take_last();
        self.account(header, ack, clocks, sent.unwrap_or(*data));
        ack
    }

    /// Keeps the clocks of a transaction that begins now, with the idle clocks behind it where there are any.
    fn keep_line(&mut self, line: Line, idle: bool) {
        if self.truth.is_kept() {
            self.truth.run(self.now, self.clock, line);
            let end = line.clocks;
            for n in end..end + if idle { u32::from(self.idle) } else { 0 } {
                self.truth.clock(self.now + self.clock.nanos(n.into()), self.clock, false, false);
            }
        }
    }

    /// The clocks of one transaction, one by one, as `SW_DP.c` makes them.
    fn clocked(&mut self, header: Header, data: &mut u32) -> (Ack, u32) {
        let turnaround = u32::from(self.host.turnaround);
        let mut wire = Clocks { lines: self, count: 0 };
        wire.drive(u64::from(header.bits()), 8);
        wire.listen(turnaround);
        let ack = Ack(wire.listen(3) as u8);
        match ack {
            Ack::OK if header.read => {
                let value = wire.listen(32) as u32;
                let intact = (wire.listen(1) == 1) == (value.count_ones() % 2 == 1);
                wire.listen(turnaround);
                *data = value;
                let clocks = wire.idle();
                (if intact { ack } else { Ack::PARITY }, clocks)
            }
            Ack::OK => {
                wire.listen(turnaround);
                let parity = u64::from(data.count_ones() % 2) << 32;
                wire.drive(u64::from(*data) | parity, 33);
                (ack, wire.idle())
            }
            Ack::WAIT | Ack::FAULT => {
                let phase = if wire.lines.host.data_phase { 33 } else { 0 };
                wire.listen(if header.read { phase } else { 0 });
                wire.listen(turnaround);
                wire.drive(0, if header.read { 0 } else { phase });
                (ack, wire.count)
            }
            _ => {
                wire.listen(turnaround + 33);
                (ack, wire.count)
            }
        }
    }

    /// Counts a transaction, keeps it if asked, and moves time to its end.
    fn account(&mut self, header: Header, ack: Ack, clocks: u32, data: u32) {
        let accepted = matches!(ack, Ack::OK | Ack::PARITY);
        let data_end = self.now + self.clock.nanos(u64::from(clocks));
        let all = u64::from(clocks) + if accepted { u64::from(self.idle) } else { 0 };
        let bill = &mut self.bill;
        *bill.number(ack) += 1;
        *match ack {
            Ack::OK => &mut bill.swclk_ok,
            Ack::WAIT | Ack::FAULT => &mut bill.swclk_wait,
            _ => &mut bill.swclk_other,
        } += all;
        if accepted {
            self.timestamp = (data_end / 1000) as u32;
        }
        if self.truth.is_kept() {
            let carried = accepted || (ack != Ack::WAIT && ack != Ack::FAULT && !header.read);
            self.truth.transaction(header.transaction(ack, carried.then_some(data)), data_end);
        }
        self.now += self.clock.nanos(all);
    }

    /// Takes tries that will be answered WAIT in one step; returns how many.
    fn skip_waits(&mut self, header: Header, data: u32, most: u32) -> u32 {
        let skipped = self.target.skip_waits(self.host, header, self.clock, most, self.now);
        self.target.take_last();
        if self.truth.is_kept() {
            for _ in 0..skipped.tries {
                self.keep_line(skipped.line, false);
                self.account(header, Ack::WAIT, skipped.line.clocks, data);
            }
        } else {
            let tries = u64::from(skipped.tries);
            self.bill.wait += tries;
            self.bill.swclk_wait += tries * u64::from(skipped.line.clocks);
            self.now += tries * self.clock.nanos(u64::from(skipped.line.clocks));
        }
        skipped.tries
    }

    /// Takes reads that will be answered with `value`, like the one before, in one step; returns how many. Where every
    /// transaction is kept, they are played one by one.
    pub(super) fn skip_same(&mut self, header: Header, value: u32, most: u32) -> u32 {
        if self.truth.is_kept() || most == 0 {
            return 0;
        }
        let idle = u32::from(self.idle);
        let skipped = self.target.skip_same(self.host, (header, value), (self.clock, idle), most, self.now);
        let (tries, clocks) = (u64::from(skipped.tries), u64::from(skipped.line.clocks));
        let each = clocks + u64::from(idle);
        if let Some(before) = tries.checked_sub(1) {
            let last = self.now + before * self.clock.nanos(each);
            self.timestamp = ((last + self.clock.nanos(clocks)) / 1000) as u32;
            self.bill.ok += tries;
            self.bill.swclk_ok += tries * each;
            self.now += tries * self.clock.nanos(each);
        }
        skipped.tries
    }

    /// Drives SWDIO with these bits.
    pub(crate) fn sequence(&mut self, bits: &Bits) {
        for n in 0..bits.len {
            let byte = bits.data.get(n / 8).copied().unwrap_or_default();
            self.bit(Some(byte >> (n % 8) & 1 == 1));
        }
    }

    /// Listens for this many clocks; the bits from the lowest on, whole bytes.
    pub(super) fn listen(&mut self, clocks: u8) -> Vec<u8> {
        let mut heard = vec![0; usize::from(clocks).div_ceil(8)];
        for n in 0..usize::from(clocks) {
            let level = self.bit(None);
            if let Some(byte) = heard.get_mut(n / 8) {
                *byte |= u8::from(level) << (n % 8);
            }
        }
        heard
    }

    /// One clock of a line sequence; returns the level of SWDIO.
    fn bit(&mut self, host: Option<bool>) -> bool {
        let start = self.now;
        self.now += self.clock.nanos(1);
        self.bill.swclk_other += 1;
        let driven = self.target.clock(host, self.now);
        let level = host.or(driven).unwrap_or(true);
        self.truth.clock(start, self.clock, level, host.is_none() && driven.is_some());
        self.truth.bit(level, self.now);
        if let Some(seen) = self.target.take_last() {
            *self.bill.number(seen.ack) += 1;
            self.truth.transaction(seen, self.now);
        }
        self.swdio = host.unwrap_or(true);
        level
    }

    /// DAP_SWJ_Pins.
    pub(super) fn pins(&mut self, out: Pins, select: Pins, wait_us: u32) -> Pins {
        if select.has(Pins::SWDIO) {
            self.swdio = out.has(Pins::SWDIO);
        }
        if select.has(Pins::SWCLK) {
            let rising = out.has(Pins::SWCLK) && !self.swclk;
            self.swclk = out.has(Pins::SWCLK);
            if rising {
                self.bit(Some(self.swdio));
            }
        }
        if select.has(Pins::NRESET) {
            self.drive_reset(!out.has(Pins::NRESET));
        }
        let deadline = self.now + Time::from(wait_us.min(PIN_WAIT_MOST_US)) * 1000;
        let looked_at = Pins(select.0 & (Pins::SWCLK.0 | Pins::SWDIO.0 | Pins::NRESET.0));
        loop {
            let read = self.read_pins();
            if wait_us == 0 || (read.0 ^ out.0) & looked_at.0 == 0 || self.now >= deadline {
                return read;
            }
            let steady = self.target.chip.reset_level_until(self.now).saturating_sub(self.now);
            let looks = steady.div_ceil(PIN_POLL_NS).max(1);
            self.now = deadline.min(self.now.saturating_add(looks.saturating_mul(PIN_POLL_NS)));
        }
    }

    /// A host that makes every edge itself begins to drive SWDIO or lets go of it.
    pub(crate) fn drive_data(&mut self, on: bool) {
        self.drives_data = on;
    }

    /// Such a host sets SWCLK and what it drives.
    pub(crate) fn set_pins(&mut self, swclk: bool, swdio: bool) {
        let rising = swclk && !self.swclk;
        self.swclk = swclk;
        if rising {
            self.bit(self.drives_data.then_some(swdio));
        }
        self.swdio = swdio;
    }

    /// What such a host sees on SWDIO.
    pub(crate) fn data_level(&mut self) -> bool {
        match self.drives_data {
            true => self.swdio,
            false => self.target.drives(self.now).unwrap_or(true),
        }
    }

    fn read_pins(&mut self) -> Pins {
        let high = self.target.chip.reset_level(self.now);
        let bit = |on: bool, pin: Pins| if on { pin.0 } else { 0 };
        Pins(bit(self.swclk, Pins::SWCLK) | bit(self.swdio, Pins::SWDIO) | bit(high, Pins::NRESET))
    }

    /// Drives nRESET low or lets it go.
    pub(crate) fn drive_reset(&mut self, low: bool) {
        if low != self.reset_low {
            self.reset_low = low;
            self.truth.reset(low, self.now);
            self.target.chip.drive_reset(low, self.now);
        }
    }

    /// nRESET is low.
    pub(crate) fn holds_reset(&self) -> bool {
        self.reset_low
    }

    /// DAP_Connect: both lines high, nRESET let go.
    pub(super) fn take(&mut self) {
        (self.swclk, self.swdio) = (true, true);
        self.drive_reset(false);
    }

    /// DAP_Disconnect: everything let go.
    pub(super) fn release(&mut self) {
        self.take();
    }
}

/// Clocks of one transaction, counted from its start.
struct Clocks<'a, C> {
    lines: &'a mut Lines<C>,
    count: u32,
}

impl<C: Chip> Clocks<'_, C> {
    fn clock(&mut self, host: Option<bool>) -> bool {
        self.count += 1;
        let at = self.lines.now + self.lines.clock.nanos(u64::from(self.count));
        let target = self.lines.target.clock(host, at);
        let level = host.or(target).unwrap_or(true);
        let start = self.lines.now + self.lines.clock.nanos(u64::from(self.count - 1));
        self.lines.truth.clock(start, self.lines.clock, level, host.is_none() && target.is_some());
        level
    }

    fn drive(&mut self, bits: u64, clocks: u32) {
        for n in 0..clocks {
            self.clock(Some(bits >> n & 1 == 1));
        }
    }

    fn listen(&mut self, clocks: u32) -> u64 {
        (0..clocks).fold(0, |heard, n| heard | u64::from(self.clock(None)) << (n % 64))
    }

    /// The idle clocks behind an accepted transaction; returns the clocks of the transaction without them.
    fn idle(mut self) -> u32 {
        let clocks = self.count;
        for _ in 0..self.lines.idle {
            self.clock(Some(false));
        }
        clocks
    }
}

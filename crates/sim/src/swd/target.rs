//! The target's end of the wire, clock by clock and transaction by transaction.

use super::dp::{DebugPort, Verdict};
use super::faults::Faults;
use super::frame::{Frame, Header, HostSide, Line, Reply, parity};
use super::line::{History, Pattern};
use crate::bus::{Chip, Time};
use wire::{Ack, Hz, Transaction};

/// What the port listens to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Jtag,
    Dormant,
    Swd,
}

/// What the port listens to after power-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum PowerUpMode {
    /// JTAG, as an SWJ-DP does.
    #[default]
    Jtag,
    /// Nothing but the selection alert.
    Dormant,
}

/// Where in the protocol the port is (in SWD mode).
#[derive(Debug, Clone, Copy)]
enum Phase {
    /// A protocol error, or never connected: nothing but a line reset counts.
    Silent,
    /// A line reset, and the low clocks seen after it: two are needed before a header.
    Reset { lows: u8 },
    /// Between transactions.
    Idle,
    /// Taking a header.
    Header { bits: u8, count: u8 },
    /// Answering.
    Answer { header: Header, frame: Frame, clock: u32, taken: u64, spoiled: bool },
}

/// How one whole transaction went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Done {
    /// What the host saw in the ack's place (7: nobody drove the line).
    pub(crate) ack: Ack,
    /// The data read.
    pub(crate) data: u32,
    /// Whether its parity bit fitted.
    pub(crate) intact: bool,
    /// Its clocks, without idle clocks behind it.
    pub(crate) line: Line,
}

/// So many idle clocks are played one by one.
const LONG_IDLE: u32 = 64;

/// A run of tries with the same answer that were not played one by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Skipped {
    /// How many tries there were.
    pub(crate) tries: u32,
    /// The clocks of each of them.
    pub(crate) line: Line,
}

/// The debug port on its two wires, with a chip behind it.
#[derive(Debug)]
pub(crate) struct Target<C> {
    pub(crate) chip: C,
    port: DebugPort,
    mode: Mode,
    phase: Phase,
    /// Only a DPIDR read is answered (after a line reset). [ADI-9]
    unidentified: bool,
    history: History,
    faults: Faults,
    power_up: PowerUpMode,
    power_cycles: u32,
    transactions: u64,
    last: Option<Transaction>,
}

impl<C: Chip> Target<C> {
    /// A target as it is after power-up.
    pub(crate) fn new(chip: C, faults: Faults, power_up: PowerUpMode) -> Target<C> {
        let power_cycles = chip.power_cycles();
        let mut target = Target {
            chip,
            port: DebugPort::new(faults.fault_at),
            mode: Mode::Jtag,
            phase: Phase::Silent,
            unidentified: true,
            history: History::default(),
            faults,
            power_up,
            power_cycles,
            transactions: 0,
            last: None,
        };
        target.lose_state();
        target
    }

    /// How many headers were understood so far.
    pub(crate) fn transactions(&self) -> u64 {
        self.transactions
    }

    /// The transaction that the clocks since the last call completed, as the target saw it.
    pub(crate) fn take_last(&mut self) -> Option<Transaction> {
        self.last.take()
    }

    /// One SWCLK cycle whose rising edge is at `now`. `host` is what the host drives (`None`: it does not). Returns what
    /// the target drives.
    pub(crate) fn clock(&mut self, host: Option<bool>, now: Time) -> Option<bool> {
        if !self.alive(now) {
            return None;
        }
        let driven = match &self.phase {
            Phase::Answer { frame, clock, .. } => frame.driven(*clock),
            _ => None,
        };
        let level = host.or(driven).unwrap_or(true);
        let pattern = self.history.push(level);
        if self.mode == Mode::Swd {
            self.advance(level, now);
        }
        if let Some(pattern) = pattern {
            self.switch(pattern);
        }
        driven
    }

    /// What the target drives just before the next rising edge: what [`Target::clock`] will return for it.
    pub(crate) fn drives(&mut self, now: Time) -> Option<bool> {
        match self.alive(now).then_some(&self.phase)? {
            Phase::Answer { frame, clock, .. } => frame.driven(*clock),
            _ => None,
        }
    }

    /// Whether a transaction of this kind can go through [`Target::transact`] now. Otherwise it has to be clocked.
    pub(crate) fn can_transact(&mut self, host: HostSide, header: Header, now: Time) -> bool {
        self.hears(host, header, now) && host.data_phase == self.port.overrun_detect()
    }

    /// Whether a request that begins now is understood, whatever the host does behind a refusal.
    fn hears(&mut self, host: HostSide, header: Header, now: Time) -> bool {
        self.alive(now)
            && self.mode == Mode::Swd
            && matches!(self.phase, Phase::Idle)
            && !self.unidentified
            && u32::from(host.turnaround) == self.port.turnaround()
            && !header.is_dp_write(regs::dp::TARGETSEL)
    }

    /// One whole transaction whose first clock begins at `now`; only after [`Target::can_transact`]. `intact` is false
    /// when the host sends a wrong parity bit.
    pub(crate) fn transact(&mut self, header: Header, data: u32, intact: bool, clock: Hz, now: Time) -> Done {
        let (turnaround, overrun) = (self.port.turnaround(), self.port.overrun_detect());
        let sent = u64::from(data) | (u64::from(parity(data) == intact) << 32);
        let Some((reply, spoiled)) = self.decide(header, now + clock.nanos(8)) else {
            // Nobody answers: the host clocks through a data phase with the line high.
            let line = Line::silent(header, turnaround);
            if self.alive(now) {
                self.history.push_transaction(line.levels, line.clocks);
            }
            return Done { ack: Ack::NONE, data: 0, intact: true, line };
        };
        let frame = Frame::new(header.read, reply, turnaround, overrun);
        let line = frame.whole(header, turnaround, sent);
        self.history.push_transaction(line.levels, line.clocks);
        self.finish(header, &frame, line.levels >> 8, spoiled, now + clock.nanos(u64::from(line.clocks)));
        let (value, intact) = match reply {
            Reply::Ok { value, spoiled } => (value, !spoiled),
            _ => (0, true),
        };
        Done { ack: ack(reply), data: value, intact, line }
    }

    /// Idle clocks (SWDIO low) after a transaction.
    pub(crate) fn idle(&mut self, clocks: u32, clock: Hz, now: Time) {
        if matches!(self.phase, Phase::Idle) && (1..LONG_IDLE).contains(&clocks) {
            self.history.push_transaction(0, clocks);
            return;
        }
        for n in 1..=clocks {
            self.clock(Some(false), now + clock.nanos(u64::from(n)));
        }
    }

    /// Skips tries of a transaction that would all be answered WAIT, at most `most`, exactly as if each had been played
    /// from `now` on: same counters, same line, same times. The last try, which ends the run, is left to the caller.
    pub(crate) fn skip_waits(
        &mut self,
        host: HostSide,
        header: Header,
        clock: Hz,
        most: u32,
        now: Time,
    ) -> Skipped {
        let turnaround = self.port.turnaround();
        // The low clocks that a host makes for nothing behind a write are idle clocks.
        let phase = host.data_phase && !header.read;
        let line = Frame::new(header.read, Reply::Wait, turnaround, phase).whole(header, turnaround, 0);
        let nothing = Skipped { tries: 0, line };
        if !(self.hears(host, header, now) && (phase || !host.data_phase)) {
            return nothing;
        }
        let decided = now + clock.nanos(8);
        let Some(end) = self.port.waits_until(header, decided) else { return nothing };
        let step = clock.nanos(u64::from(line.clocks));
        let tries = self.tries_until(end, (decided, step), most);
        self.repeat_wait(header, line, tries);
        Skipped { tries, line }
    }

    /// The same for reads that would all be answered with `value`, like the one before, each with idle clocks behind it.
    pub(crate) fn skip_same(
        &mut self,
        host: HostSide,
        (header, value): (Header, u32),
        (clock, idle): (Hz, u32),
        most: u32,
        now: Time,
    ) -> Skipped {
        let (turnaround, overrun) = (self.port.turnaround(), self.port.overrun_detect());
        let reply = Reply::Ok { value, spoiled: false };
        let line = Frame::new(true, reply, turnaround, overrun).whole(header, turnaround, 0);
        let nothing = Skipped { tries: 0, line };
        if !header.read || idle >= LONG_IDLE || !self.can_transact(host, header, now) {
            return nothing;
        }
        let decided = now + clock.nanos(8);
        let end = self.port.steady_until(&mut self.chip, header, value, decided);
        let step = clock.nanos(u64::from(line.clocks + idle));
        let tries = self.tries_until(end, (decided, step), most);
        for _ in 0..tries.min(10) {
            self.history.push_transaction(line.levels, line.clocks); // ten of them fill the history
            self.idle(idle, clock, now);
        }
        self.transactions += u64::from(tries);
        Skipped { tries, line }
    }

    /// How many tries, each `step` after the one before, are decided before `end`, before the supply may fail and before a
    /// scripted fault.
    fn tries_until(&self, end: Time, (decided, step): (Time, Time), most: u32) -> u32 {
        let end = end.min(self.chip.power_certain_until(decided));
        let mut tries = end.saturating_sub(decided).div_ceil(step.max(1)).min(u64::from(most));
        if let Some(fault) = self.faults.next_from(self.transactions + 1) {
            tries = tries.min(fault - self.transactions - 1);
        }
        u32::try_from(tries).unwrap_or(most)
    }

    fn repeat_wait(&mut self, header: Header, line: Line, tries: u32) {
        for _ in 0..tries.min(10) {
            self.history.push_transaction(line.levels, line.clocks); // ten of them fill the history
        }
        self.transactions += u64::from(tries);
        if tries > 0 {
            self.port.refuse_with_wait(header);
            self.last = Some(header.transaction(Ack::WAIT, None));
        }
    }

    /// Catches up with the supply. Without it the line is dead.
    fn alive(&mut self, now: Time) -> bool {
        let powered = self.chip.powered(now);
        let cycles = self.chip.power_cycles();
        if cycles != self.power_cycles || !powered {
            self.power_cycles = cycles;
            self.lose_state();
        }
        powered
    }

    fn lose_state(&mut self) {
        self.port = DebugPort::new(self.faults.fault_at);
        self.mode = match self.power_up {
            PowerUpMode::Jtag => Mode::Jtag,
            PowerUpMode::Dormant => Mode::Dormant,
        };
        self.phase = Phase::Silent;
        self.unidentified = true;
        self.history = History::default();
    }

    fn switch(&mut self, pattern: Pattern) {
        let mode = match (self.mode, pattern) {
            (Mode::Swd, Pattern::LineReset) => {
                self.phase = Phase::Reset { lows: 0 };
                self.unidentified = true;
                self.port.line_reset();
                return;
            }
            (Mode::Jtag, Pattern::JtagToSwd) | (Mode::Dormant, Pattern::DormantToSwd) => Mode::Swd,
            (Mode::Swd, Pattern::SwdToJtag) | (Mode::Dormant, Pattern::DormantToJtag) => Mode::Jtag,
            (Mode::Swd, Pattern::SwdToDormant) | (Mode::Jtag, Pattern::JtagToDormant) => Mode::Dormant,
            _ => return,
        };
        self.mode = mode;
        self.phase = Phase::Silent;
    }

    fn advance(&mut self, level: bool, now: Time) {
        self.phase = match self.phase {
            Phase::Silent => Phase::Silent,
            Phase::Reset { lows } => after_reset(lows, level),
            Phase::Idle if level => Phase::Header { bits: 1, count: 1 },
            Phase::Idle => Phase::Idle,
            Phase::Header { bits, count } => self.header(bits | u8::from(level) << count, count + 1, now),
            Phase::Answer { header, frame, clock, taken, spoiled } => {
                let taken = taken | u64::from(level) << clock;
                if clock + 1 < frame.total {
                    Phase::Answer { header, frame, clock: clock + 1, taken, spoiled }
                } else {
                    self.phase = Phase::Idle;
                    self.finish(header, &frame, taken, spoiled, now);
                    self.phase
                }
            }
        };
    }

    fn header(&mut self, bits: u8, count: u8, now: Time) -> Phase {
        if count < 8 {
            return Phase::Header { bits, count };
        }
        let Some(header) = Header::parse(bits) else { return Phase::Silent };
        let (turnaround, overrun) = (self.port.turnaround(), self.port.overrun_detect());
        match self.decide(header, now) {
            None => self.phase,
            Some((reply, spoiled)) => {
                let frame = Frame::new(header.read, reply, turnaround, overrun);
                Phase::Answer { header, frame, clock: 0, taken: 0, spoiled }
            }
        }
    }

    /// What the target does with a header whose last clock was at `now`; `None`: nothing, and `self.phase` is right.
    /// The flag says that the write data will arrive with a wrong parity bit (fault injection).
    fn decide(&mut self, header: Header, now: Time) -> Option<(Reply, bool)> {
        self.transactions += 1;
        let number = Some(self.transactions);
        self.phase = Phase::Silent;
        if self.faults.cut_at == number {
            self.chip.cut_power(now);
        }
        if !self.alive(now) || self.faults.no_ack_at == number {
            return None;
        }
        let targetsel = header.is_dp_write(regs::dp::TARGETSEL);
        if targetsel != (self.unidentified && !header.is_dp_read(regs::dp::DPIDR)) {
            return None;
        }
        self.phase = Phase::Idle;
        let spoiled = self.faults.parity_at == number;
        if targetsel {
            return Some((Reply::Unacknowledged, spoiled));
        }
        self.unidentified = false;
        let storm = self.faults.wait.iter().any(|w| w.contains(&self.transactions));
        let verdict = if storm && !self.port.always_answered(header) {
            self.port.refuse_with_wait(header)
        } else {
            self.port.request(&mut self.chip, header, now)
        };
        Some(match verdict {
            Verdict::Ok(value) => (Reply::Ok { value, spoiled: spoiled && header.read }, spoiled),
            Verdict::Wait => (Reply::Wait, false),
            Verdict::Fault => (Reply::Fault, false),
        })
    }

    /// The last clock of a transaction was at `now`; bit n of `line` is the level in clock n after the header.
    fn finish(&mut self, header: Header, frame: &Frame, line: u64, spoiled: bool, now: Time) {
        let data = match (frame.data_at, frame.reply) {
            (Some(at), _) => {
                let word = (line >> at) as u32;
                let intact = (parity(word) == (line >> (at + 32) & 1 == 1)) != spoiled;
                self.take_data(header, word, intact, now);
                Some(word)
            }
            (None, Reply::Ok { value, .. }) => Some(value),
            _ => None,
        };
        self.last = Some(header.transaction(ack(frame.reply), data));
    }

    fn take_data(&mut self, header: Header, word: u32, intact: bool, now: Time) {
        if !header.is_dp_write(regs::dp::TARGETSEL) || header.ap {
            self.port.write(&mut self.chip, header, word, intact, now);
        } else if !intact || word & 0x0FFF_FFFF != self.chip.targetid() & 0x0FFF_FFFF || word >> 28 != 0 {
            self.phase = Phase::Silent; // another target is meant
        }
    }
}

/// What the host sees in the ack's place.
fn ack(reply: Reply) -> Ack {
    match reply {
        Reply::Ok { .. } => Ack::OK,
        Reply::Wait => Ack::WAIT,
        Reply::Fault => Ack::FAULT,
        Reply::Unacknowledged => Ack::NONE,
    }
}

fn after_reset(lows: u8, level: bool) -> Phase {
    match (lows, level) {
        (0, true) => Phase::Reset { lows: 0 },
        (0, false) => Phase::Reset { lows: 1 },
        (_, true) => Phase::Silent,
        (_, false) => Phase::Idle,
    }
}

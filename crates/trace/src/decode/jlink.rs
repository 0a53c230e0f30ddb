//! J-Link: from raw shifts over USB to SWD transactions. [TRACE-7]
//!
//! Open drivers (libjaylink in OpenOCD, probe-rs, Black Magic Debug) drive the wire bit by bit with HW_JTAG2 and HW_JTAG3: for
//! each clock a direction and a level to drive go out, and the levels that were seen come back. So all is seen, WAITs too.
//! SEGGER's own software has commands of a higher kind, which nobody describes; they are passed over.

use super::Decoding;
use crate::event::{Body, Event, OnWire, Wired};
use crate::read::{Choice, Transfer, carries_in, carries_out};
use crate::swd::{Decoder, Found};
use std::collections::VecDeque;
use std::time::Duration;
use wire::{Certainty, Level};

/// Shift, without and with a status byte behind the answer.
const HW_JTAG2: u8 = 0xCE;
const HW_JTAG3: u8 = 0xCF;
/// nRESET low and released.
const RESET_LOW: u8 = 0xDC;
const RESET_HIGH: u8 = 0xDD;
/// Which interface: 0 JTAG, 1 SWD.
const SELECT_IF: u8 = 0xC7;
const JTAG: u8 = 0;
/// Command, a byte of zero, the number of bits.
const SHIFT_HEAD: usize = 4;

/// The size of a shift, from the start of its command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) bits: usize,
    /// Bytes of directions, of levels, and of the answer without its status.
    pub(crate) bytes: usize,
    /// Bytes of the whole answer.
    pub(crate) answer: usize,
}

impl Size {
    /// `None` when no shift begins so.
    pub(crate) fn of(command: &[u8]) -> Option<Size> {
        let [id @ (HW_JTAG2 | HW_JTAG3), 0, low, high] = command.first_chunk::<SHIFT_HEAD>()? else {
            return None;
        };
        let bits = usize::from(u16::from_le_bytes([*low, *high]));
        let bytes = bits.div_ceil(8);
        (bits > 0).then_some(Size { bits, bytes, answer: bytes + usize::from(*id == HW_JTAG3) })
    }

    /// Bytes of the whole command.
    pub(crate) fn command(&self) -> usize {
        SHIFT_HEAD + 2 * self.bytes
    }
}

/// A shift that was sent and not answered in full.
#[derive(Debug)]
struct Shift {
    size: Size,
    command: Vec<u8>,
    answer: Vec<u8>,
    at: Duration,
    order: u64,
    jtag: bool,
}

/// When clocks were: all clocks from `tick` on, up to the next of these.
#[derive(Debug, Clone, Copy)]
struct When {
    tick: u64,
    at: Duration,
    until: Duration,
    order: u64,
}

/// Makes events of transfers as they come.
#[derive(Debug, Default)]
pub(super) struct Wires {
    decoder: Decoder,
    tick: u64,
    /// The line before the next clock, as the probe saw it last.
    line: bool,
    times: Vec<When>,
    /// The tick at which the last event began.
    found: u64,
    events: Vec<Event>,
    sent: VecDeque<Shift>,
    jtag: bool,
    /// Clocks that were not for SWD.
    elsewhere: u64,
}

impl Wires {
    pub(super) fn take(&mut self, transfer: &Transfer, missing: Option<u64>, choice: Choice) {
        if let Some(records) = missing {
            self.gap(transfer, records);
        }
        if carries_out(transfer) && transfer.endpoint == choice.out {
            self.sent(transfer);
        } else if carries_in(transfer) && transfer.endpoint == choice.answers {
            self.answered(transfer);
        }
    }

    fn sent(&mut self, transfer: &Transfer) {
        let unfinished = self.sent.back_mut().filter(|shift| shift.command.len() < shift.size.command());
        if let Some(shift) = unfinished {
            shift.command.extend_from_slice(&transfer.data);
            return;
        }
        match transfer.data.as_ref() {
            [SELECT_IF, interface @ 0..=1, ..] => self.jtag = *interface == JTAG,
            [RESET_LOW, ..] => self.reset(transfer, true),
            [RESET_HIGH, ..] => self.reset(transfer, false),
            command => {
                let Some(size) = Size::of(command) else { return };
                self.sent.push_back(Shift {
                    size,
                    command: command.to_vec(),
                    answer: Vec::new(),
                    at: transfer.at(),
                    order: transfer.order,
                    jtag: self.jtag,
                });
            }
        }
    }

    fn reset(&mut self, transfer: &Transfer, low: bool) {
        let at = transfer.at();
        self.when(at, at, transfer.order);
        self.decoder.reset(self.tick, low);
    }

    fn when(&mut self, at: Duration, until: Duration, order: u64) {
        self.times.push(When { tick: self.tick, at, until, order });
    }

    fn answered(&mut self, transfer: &Transfer) {
        let mut data = transfer.data.as_ref();
        while let Some(shift) = self.sent.front_mut().filter(|_| !data.is_empty()) {
            let wanted = shift.size.answer.saturating_sub(shift.answer.len());
            let (mine, rest) = data.split_at(wanted.min(data.len()));
            shift.answer.extend_from_slice(mine);
            data = rest;
            if shift.answer.len() < shift.size.answer {
                return;
            }
            if let Some(shift) = self.sent.pop_front() {
                self.shifted(&shift, transfer.at());
            }
        }
    }

    /// Puts the clocks of a shift to the decoder. What the probe reports for a clock it saw behind the rise, so it is what
    /// stands before the next one.
    fn shifted(&mut self, shift: &Shift, until: Duration) {
        if shift.jtag {
            return self.not_swd(shift, until);
        }
        self.when(shift.at, until, shift.order);
        let rest = shift.command.get(SHIFT_HEAD..).unwrap_or_default();
        let (driven, levels) = rest.split_at_checked(shift.size.bytes).unwrap_or_default();
        for clock in 0..shift.size.bits {
            let drives = bit(driven, clock);
            let level = if drives { bit(levels, clock) } else { self.line };
            self.decoder.clocks.push(level, self.tick);
            self.tick += 1;
            // While the probe drives, nobody needs what it sees; a line that is let go is pulled up.
            self.line = drives || bit(&shift.answer, clock);
        }
        self.decoder.run(false);
    }

    fn not_swd(&mut self, shift: &Shift, until: Duration) {
        let at = SHIFT_HEAD + shift.size.bytes;
        let data = shift.command.get(at..).unwrap_or_default().to_vec();
        self.elsewhere += u64::try_from(shift.size.bits).unwrap_or(u64::MAX);
        let bits = OnWire::Bits { count: shift.size.bits, data };
        self.beside(shift, until, bits, Certainty::Explicit);
    }

    /// An event that does not come from the decoder.
    fn beside(&mut self, shift: &Shift, until: Duration, what: OnWire, certainty: Certainty) {
        self.fetch(true);
        let when = When { tick: self.tick, at: shift.at, until, order: shift.order };
        self.events.push(event(when, until, Wired::plain(what), certainty));
    }

    fn fetch(&mut self, ended: bool) {
        self.decoder.run(ended);
        for Found { at, until, what } in self.decoder.found.drain(..) {
            let began = moment(&self.times, at);
            let ended = moment(&self.times, until.saturating_sub(1).max(at)).until;
            self.events.push(event(began, ended, what, Certainty::Explicit));
            self.found = at;
        }
        // What is found later is behind this.
        let before = self.times.partition_point(|when| when.tick <= self.found);
        self.times.drain(..before.saturating_sub(1));
    }

    /// Records are missing: shifts or their answers may have been among them.
    fn gap(&mut self, transfer: &Transfer, records: u64) {
        self.sent.clear();
        self.fetch(true);
        let when = When { tick: self.tick, at: transfer.at(), until: transfer.at(), order: transfer.order };
        self.events.push(event(when, when.until, Wired::plain(OnWire::Gap(records)), Certainty::Explicit));
    }

    /// Hands on what was found.
    pub(super) fn settle(&mut self, ended: bool, out: &mut Decoding) {
        if ended {
            for shift in std::mem::take(&mut self.sent) {
                self.beside(&shift, shift.at, OnWire::Lost, Certainty::Hidden);
            }
        }
        self.fetch(ended);
        out.wire.append(&mut self.events);
        let mut tally = self.decoder.tally();
        tally.clocks += self.elsewhere;
        tally.others += self.elsewhere;
        out.tally = Some(tally);
    }
}

fn bit(bytes: &[u8], number: usize) -> bool {
    bytes.get(number / 8).is_some_and(|byte| byte >> (number % 8) & 1 == 1)
}

fn moment(times: &[When], tick: u64) -> When {
    let behind = times.partition_point(|when| when.tick <= tick);
    let nothing = When { tick, at: Duration::ZERO, until: Duration::ZERO, order: 0 };
    behind.checked_sub(1).and_then(|place| times.get(place)).copied().unwrap_or(nothing)
}

fn event(when: When, until: Duration, what: Wired, certainty: Certainty) -> Event {
    Event {
        level: Level::Transaction,
        at: when.at,
        until: until.max(when.at),
        certainty,
        cause: None,
        order: when.order,
        body: Body::Wire(what),
    }
}

#[cfg(test)]
mod tests;

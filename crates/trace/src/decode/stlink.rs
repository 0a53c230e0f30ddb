//! ST-Link: from USB transfers to commands (level 1), and to what of level 2 the commands spell out. [STL-1]
//!
//! The probe keeps SELECT, CSW, TAR, retries and the fetching of posted reads to itself [STL-10], so level 2 holds single
//! registers and the reset pin only. Memory accesses (level 3) are lifted from the commands, see `lift::native`.

mod pairing;

use super::{Decoding, Problem};
use crate::event::{Body, Event, OnWire, Wired};
use bytes::Bytes;
use std::ops::Range;
use stlink::{Answer, Command, DapPort, Meaning, MiscItem, Nrst, Status};
use wire::{Ack, Certainty, Level, Port, RegSel, Transaction, WireEvent};

/// A command with its data.
#[derive(Debug, Clone)]
pub struct StLinkCommand {
    /// The command; `None` for an answer to nothing and for what cannot be read.
    pub command: Option<Command>,
    /// The answer.
    pub answer: Option<Answer>,
    /// What is wrong.
    pub problem: Option<Problem>,
    /// The command as it came.
    pub bytes: Bytes,
    /// Its secret byte ranges.
    pub secret: Vec<Range<usize>>,
    /// What went after it, or came back.
    pub data: Bytes,
    /// The secret byte ranges of that.
    pub data_secret: Vec<Range<usize>>,
}

impl StLinkCommand {
    /// What the probe says became of it, where it says so at once.
    pub fn status(&self) -> Option<Status> {
        self.answer.as_ref().and_then(Answer::status)
    }

    /// The list that went after RW_MISC_OUT.
    pub fn list(&self) -> Vec<MiscItem> {
        match self.command {
            Some(Command::RwMiscOut { items }) => {
                stlink::misc::decode_list(items, &self.data).unwrap_or_default()
            }
            _ => Vec::new(),
        }
    }

    /// Whether any of these bytes of the command is secret.
    pub(crate) fn hides(&self, range: Range<usize>) -> bool {
        super::secret::touches(&self.secret, range)
    }

    /// Whether any of these bytes of its data is secret.
    pub(crate) fn hides_data(&self, range: Range<usize>) -> bool {
        super::secret::touches(&self.data_secret, range)
    }
}

/// What a status means as an ack; `None` where it is not about the wire.
pub(crate) fn ack(status: Status) -> Option<Ack> {
    match status.meaning() {
        Meaning::Done => Some(Ack::OK),
        Meaning::Ack(ack) => Some(ack),
        Meaning::Probe => None,
    }
}

/// Makes events of transfers as they come.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    pub(super) pairing: pairing::Pairing,
    /// Commands that were handed on.
    done: usize,
}

impl Decoder {
    pub(super) fn settle(&mut self, ended: bool, out: &mut Decoding) {
        let from = out.commands.len();
        self.pairing.settle(ended, &mut out.commands);
        for event in out.commands.get(from..).unwrap_or_default() {
            match &event.body {
                Body::StLink(command) => on_wire(self.done, event, command, &mut out.wire),
                Body::Gap(records) => out.wire.push(super::gap_on_wire(self.done, event, *records)),
                _ => {}
            }
            self.done += 1;
        }
    }
}

/// What a command spells out of level 2.
fn on_wire(index: usize, event: &Event, exchange: &StLinkCommand, out: &mut Vec<Event>) {
    let mut put = |what: WireEvent, secret: bool, refused: Option<u32>, certainty: Certainty| {
        let wired = Wired { what: OnWire::Event(what), secret, implied: false, refused, matching: None };
        out.push(Event {
            level: Level::Transaction,
            at: event.at,
            until: event.until,
            certainty,
            cause: Some(index),
            order: event.order,
            body: Body::Wire(wired),
        });
    };
    let Some(ack) = exchange.status().and_then(ack) else { return };
    match (&exchange.command, &exchange.answer) {
        (Some(Command::ReadDap { port, reg }), Some(Answer::Value { value, .. })) => {
            let reg = selected(*port, *reg);
            let data = (ack == Ack::OK).then_some(*value);
            // The data phase of an access-port read holds an older value; the probe fetches this one behind it.
            let certainty = if reg.port == Port::Ap { Certainty::Inferred } else { Certainty::Explicit };
            let what = WireEvent::Transaction(Transaction { reg, read: true, ack, data });
            put(what, exchange.hides_data(4..8), None, certainty);
        }
        (Some(command @ Command::WriteDap { port, reg, value }), _) => {
            let done = ack == Ack::OK;
            let data = done.then_some(*value);
            let what = Transaction { reg: selected(*port, *reg), read: false, ack, data };
            let secret = command.value_at().is_some_and(|range| exchange.hides(range));
            let refused = (!done).then_some(*value);
            put(WireEvent::Transaction(what), secret, refused, Certainty::Explicit);
        }
        (Some(Command::DriveNrst(level)), _) if ack == Ack::OK => {
            for low in driven(*level) {
                put(WireEvent::Reset(*low), false, None, Certainty::Explicit);
            }
        }
        _ => {}
    }
}

/// The levels of nRESET that a command makes, `true` for low.
pub(crate) fn driven(level: Nrst) -> &'static [bool] {
    match level {
        Nrst::LOW => &[true],
        Nrst::HIGH => &[false],
        Nrst::PULSE => &[true, false],
        _ => &[],
    }
}

fn selected(port: DapPort, reg: u16) -> RegSel {
    let [low, _] = reg.to_le_bytes();
    if port == DapPort::DP { RegSel::dp(low) } else { RegSel::ap(low) }
}

#[cfg(test)]
mod tests;

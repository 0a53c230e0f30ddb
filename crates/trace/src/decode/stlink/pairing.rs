//! Which bytes belong to which command: 16 bytes out, then at most one data phase, out or in.
//!
//! A data phase may come in several transfers. A command that comes while the one before still waits for its answer leaves
//! it waiting: hosts submit both transfers of a command together, and some send the next command early.

use super::StLinkCommand;
use crate::decode::{Listening, Problem, WAITING, gap};
use crate::event::{Body, Event};
use crate::read::{Choice, Transfer};
use bytes::Bytes;
use std::collections::VecDeque;
use std::ops::Range;
use stlink::{Answer, Command, Phase, misc};
use wire::{Certainty, Level};

/// A data phase that is not complete.
#[derive(Debug, Clone, Copy)]
struct Open {
    /// Index of its command.
    event: usize,
    /// Bytes that are still to come; `None` when nobody knows how many.
    left: Option<usize>,
}

#[derive(Debug, Default)]
pub(in crate::decode) struct Pairing {
    /// Those that were not handed on.
    events: Vec<Event>,
    /// Data that the host still has to send.
    sending: Option<Open>,
    /// Answers that have not come, oldest first.
    awaited: VecDeque<Open>,
    /// Items of the last RW_MISC_OUT; `None` when it was not recorded.
    items: Option<usize>,
    pub(in crate::decode) listening: Listening,
}

impl Pairing {
    /// Takes one transfer; `index` is its place in level 0, and so many records are missing before it.
    pub(in crate::decode) fn take(
        &mut self,
        index: usize,
        transfer: &Transfer,
        missing: Option<u64>,
        choice: Choice,
    ) {
        if let Some(records) = missing {
            self.gap(index, transfer, records);
        }
        if transfer.endpoint == choice.out && transfer.setup.is_none() && !transfer.data.is_empty() {
            self.sent(index, transfer);
        } else if transfer.endpoint == choice.answers && transfer.is_in() {
            self.received(index, transfer);
        }
    }

    /// Hands on the commands before the first whose data are not complete, or all when nothing follows.
    pub(super) fn settle(&mut self, ended: bool, out: &mut Vec<Event>) {
        let open = self.sending.iter().chain(&self.awaited).map(|open| open.event).min();
        let count = open.filter(|_| !ended).unwrap_or(self.events.len());
        out.extend(self.events.drain(..count).map(understood));
        let left = self.sending.iter_mut().chain(&mut self.awaited);
        left.for_each(|open| open.event = open.event.saturating_sub(count));
    }

    /// Records are missing: data that were to be sent or awaited may have been among them.
    fn gap(&mut self, index: usize, transfer: &Transfer, records: u64) {
        self.sending = None;
        self.awaited.clear();
        self.items = None;
        self.listening.heard();
        self.events.push(gap(index, transfer, records));
    }

    fn sent(&mut self, index: usize, transfer: &Transfer) {
        let failed = transfer.status.is_some_and(|status| status < 0);
        if let Some(open) = self.sending.take()
            && open.left.is_some_and(|left| transfer.data.len() <= left)
        {
            let left = open.left.map(|left| left - transfer.data.len()).filter(|left| *left > 0);
            self.sending = left.map(|left| Open { left: Some(left), ..open });
            self.append(open.event, transfer);
            if let Some(exchange) = self.exchange(open.event) {
                exchange.problem = match (failed, left) {
                    (true, _) => Some(Problem::NotSent),
                    (false, Some(_)) => Some(Problem::Unanswered),
                    (false, None) => None,
                };
            }
            return;
        }
        self.command(index, transfer, failed);
    }

    fn command(&mut self, index: usize, transfer: &Transfer, failed: bool) {
        if self.listening.gave_up(transfer) {
            // The host goes on as if the answer were lost, so it is.
            self.awaited.clear();
        }
        let (command, mut problem) = match Command::decode(&transfer.data) {
            Ok(decoded) => (Some(decoded.value), None),
            Err(e) => (None, Some(Problem::Request(e.to_string()))),
        };
        let event = self.events.len();
        if failed {
            problem = Some(Problem::NotSent);
        } else if let Some(command) = command {
            let open = match command.phase() {
                Phase::None => None,
                Phase::Out(0) | Phase::In(0) => None,
                Phase::Out(n) => {
                    self.sending = Some(Open { event, left: Some(n) });
                    Some(())
                }
                Phase::In(n) => {
                    self.awaited.push_back(Open { event, left: Some(n) });
                    Some(())
                }
                Phase::InResults => {
                    let left = self.items.map(misc::results_len);
                    self.awaited.push_back(Open { event, left });
                    Some(())
                }
                Phase::Unknown => {
                    self.awaited.push_back(Open { event, left: None });
                    Some(())
                }
            };
            problem = open.map(|()| Problem::Unanswered);
            if self.awaited.len() > WAITING {
                self.awaited.pop_front();
            }
            if let Command::RwMiscOut { items } = command {
                self.items = Some(usize::try_from(items).unwrap_or(usize::MAX));
            }
        }
        let exchange = StLinkCommand {
            command,
            answer: None,
            problem,
            bytes: transfer.data.clone(),
            secret: transfer.secret.clone(),
            data: Bytes::new(),
            data_secret: Vec::new(),
        };
        self.push(index, transfer, exchange);
    }

    fn received(&mut self, index: usize, transfer: &Transfer) {
        if transfer.data.is_empty() {
            self.listening.ended(transfer);
            return;
        }
        self.listening.heard();
        let length = transfer.data.len();
        // An answer that fits a later command exactly and no earlier one is that one's: those before were lost.
        let place = self.awaited.iter().position(|open| open.left == Some(length)).unwrap_or(0);
        self.awaited.drain(..place.min(self.awaited.len()));
        let Some(open) = self.awaited.pop_front() else {
            let exchange = StLinkCommand {
                command: None,
                answer: None,
                problem: Some(Problem::Stale),
                bytes: Bytes::new(),
                secret: Vec::new(),
                data: transfer.data.clone(),
                data_secret: transfer.secret.clone(),
            };
            self.push(index, transfer, exchange);
            return;
        };
        self.append(open.event, transfer);
        // A part that ends inside a USB packet is the last one. All packet sizes are multiples of the smallest.
        let more = match open.left {
            Some(left) => left > length,
            None => self.is_results(open.event),
        };
        if more && length.is_multiple_of(SMALLEST_PACKET) {
            self.awaited.push_front(Open { left: open.left.map(|left| left - length), ..open });
        }
    }

    /// Whether a command asks for the results of a list: they are as long as the list, whatever that was.
    fn is_results(&self, event: usize) -> bool {
        let command = match self.events.get(event).map(|event| &event.body) {
            Some(Body::StLink(exchange)) => exchange.command,
            _ => None,
        };
        command.is_some_and(|command| command.phase() == Phase::InResults)
    }

    fn append(&mut self, event: usize, transfer: &Transfer) {
        let Some(event) = self.events.get_mut(event) else { return };
        event.until = transfer.completed.unwrap_or(transfer.at()).max(event.until);
        let Body::StLink(exchange) = &mut event.body else { return };
        let start = exchange.data.len();
        let moved = |range: &Range<usize>| range.start + start..range.end + start;
        exchange.data_secret.extend(transfer.secret.iter().map(moved));
        exchange.data = if start == 0 {
            transfer.data.clone()
        } else {
            [&exchange.data[..], &transfer.data[..]].concat().into()
        };
    }

    fn exchange(&mut self, event: usize) -> Option<&mut StLinkCommand> {
        match &mut self.events.get_mut(event)?.body {
            Body::StLink(exchange) => Some(exchange),
            _ => None,
        }
    }

    fn push(&mut self, index: usize, transfer: &Transfer, exchange: StLinkCommand) {
        self.events.push(Event {
            level: Level::Command,
            at: transfer.at(),
            until: transfer.completed.unwrap_or(transfer.at()),
            certainty: Certainty::Explicit,
            cause: Some(index),
            order: transfer.order,
            body: Body::StLink(Box::new(exchange)),
        });
    }
}

/// Reads the answer, now that it is complete.
fn understood(mut event: Event) -> Event {
    let Body::StLink(exchange) = &mut event.body else { return event };
    let Some(command) = &exchange.command else { return event };
    let inward = matches!(command.phase(), Phase::In(_) | Phase::InResults | Phase::Unknown);
    if inward && !exchange.data.is_empty() {
        match Answer::decode(command, &exchange.data) {
            Ok(decoded) => {
                exchange.answer = Some(decoded.value);
                exchange.problem = None;
            }
            Err(e) => exchange.problem = Some(Problem::Answer(e.to_string())),
        }
    }
    event
}

/// Bytes of a full-speed bulk packet.
const SMALLEST_PACKET: usize = 64;

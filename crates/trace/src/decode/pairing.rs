//! Which answer belongs to which request.
//!
//! Answers come in the order of the requests, several of which may be under way. What breaks the order: TransferAbort is
//! never answered [DAP-9], QueueCommands is answered as ExecuteCommands, an unknown command is answered by a lone 0xFF
//! [DAP-10], and an earlier program may have left answers in the probe.

use super::{Command, Listening, Problem, WAITING};
use crate::event::{Body, Event};
use crate::read::Transfer;
use crate::read::{Choice, carries_in, carries_out};
use cmsis_dap::{CommandId, DecodeError, Decoded, Request, Response};
use std::collections::VecDeque;
use wire::{Certainty, Level};

/// The answer to a command that the probe does not know.
const UNIMPLEMENTED: u8 = 0xFF;

/// An answer as a request reads it.
type Read = Result<Decoded<Response>, DecodeError>;

#[derive(Debug, Default)]
pub(super) struct Pairing {
    /// Those that were not handed on.
    commands: Vec<Event>,
    /// Requests without an answer so far: index into `commands`.
    pending: VecDeque<usize>,
    pub(super) listening: Listening,
}

impl Pairing {
    /// Takes one transfer; `index` is its place in level 0, and so many records are missing before it.
    pub(super) fn take(&mut self, index: usize, transfer: &Transfer, missing: Option<u64>, choice: Choice) {
        if let Some(records) = missing {
            self.gap(index, transfer, records);
        }
        if carries_out(transfer) && transfer.endpoint == choice.out {
            self.request(index, transfer);
        } else if transfer.endpoint == choice.answers && transfer.is_in() {
            if carries_in(transfer) {
                self.listening.heard();
                self.answer(index, transfer);
            } else {
                self.listening.ended(transfer);
            }
        }
    }

    /// Hands on the commands before the first that still waits, or all when nothing follows.
    pub(super) fn settle(&mut self, ended: bool, out: &mut Vec<Event>) {
        let waits = self.pending.front().copied().filter(|_| !ended);
        let count = waits.unwrap_or(self.commands.len());
        out.extend(self.commands.drain(..count));
        self.pending.iter_mut().for_each(|place| *place = place.saturating_sub(count));
    }

    /// Records are missing: whatever is awaited may have been among them.
    fn gap(&mut self, index: usize, transfer: &Transfer, records: u64) {
        self.pending.clear();
        self.listening.heard();
        self.commands.push(super::gap(index, transfer, records));
    }

    fn request(&mut self, index: usize, transfer: &Transfer) {
        if self.listening.gave_up(transfer) {
            // The host goes on as if the answer were lost, so it is.
            self.pending.clear();
        }
        let (request, problem) = match Request::decode(&transfer.data) {
            Ok(decoded) => (Some(decoded.value), None),
            Err(e) => (None, Some(Problem::Request(e.to_string()))),
        };
        let answered = request.as_ref().is_none_or(Request::is_answered);
        let not_sent = transfer.status.is_some_and(|status| status < 0);
        let problem = match (problem, answered && !not_sent) {
            (None, true) => Some(Problem::Unanswered),
            (None, false) if not_sent => Some(Problem::NotSent),
            (problem, _) => problem,
        };
        if answered && !not_sent {
            self.pending.push_back(self.commands.len());
            if self.pending.len() > WAITING {
                self.pending.pop_front();
            }
        }
        let command = Command {
            request,
            response: None,
            problem,
            request_secret: transfer.secret.clone(),
            response_secret: Vec::new(),
            request_bytes: transfer.data.clone(),
            response_bytes: bytes::Bytes::new(),
        };
        self.push(index, transfer, command);
    }

    fn push(&mut self, index: usize, transfer: &Transfer, command: Command) {
        self.commands.push(Event {
            level: Level::Command,
            at: transfer.at(),
            until: transfer.completed.unwrap_or(transfer.at()),
            certainty: Certainty::Explicit,
            cause: Some(index),
            order: transfer.order,
            body: Body::Command(Box::new(command)),
        });
    }

    fn answer(&mut self, index: usize, transfer: &Transfer) {
        let Some(first) = transfer.data.first().copied() else { return };
        let Some((place, read)) = self.asked(first, &transfer.data) else {
            self.stale(index, transfer);
            return;
        };
        // Requests before this one will not be answered any more.
        let paired = self.pending.drain(..=place).next_back();
        let Some(event) = paired.and_then(|p| self.commands.get_mut(p)) else { return };
        event.until = transfer.at();
        let Body::Command(command) = &mut event.body else { return };
        command.response_secret.clone_from(&transfer.secret);
        command.response_bytes = transfer.data.clone();
        match read {
            Some(Ok(decoded)) => {
                command.response = Some(decoded);
                command.problem = None;
            }
            Some(Err(e)) => command.problem = Some(Problem::Answer(e.to_string())),
            None => {}
        }
    }

    /// Which of the pending requests an answer belongs to, and the answer as that reads it: the first request that reads it
    /// without an error, or else the first that such an answer fits. A request that cannot be read itself reads nothing.
    fn asked(&self, first: u8, answer: &[u8]) -> Option<(usize, Option<Read>)> {
        let mut fits = None;
        for (place, pending) in self.pending.iter().enumerate() {
            let Some(Body::Command(command)) = self.commands.get(*pending).map(|event| &event.body) else {
                continue;
            };
            if !command.expects(first) {
                continue;
            }
            match command.request.as_ref().map(|request| Response::decode(request, answer)) {
                Some(Ok(decoded)) => return Some((place, Some(Ok(decoded)))),
                read => fits = fits.or(Some((place, read))),
            }
        }
        fits
    }

    fn stale(&mut self, index: usize, transfer: &Transfer) {
        let command = Command {
            request: None,
            response: None,
            problem: Some(Problem::Stale),
            request_secret: Vec::new(),
            response_secret: transfer.secret.clone(),
            request_bytes: bytes::Bytes::new(),
            response_bytes: transfer.data.clone(),
        };
        self.push(index, transfer, command);
    }
}

impl Command {
    /// Whether an answer that begins with this byte can be its own.
    fn expects(&self, first: u8) -> bool {
        let asked = match &self.request {
            Some(request) => request.id(),
            None => return self.request_bytes.first() == Some(&first),
        };
        let answered = CommandId(first);
        first == UNIMPLEMENTED
            || answered == asked
            || asked == CommandId::QUEUE_COMMANDS && answered == CommandId::EXECUTE_COMMANDS
    }
}

//! Lifting for a probe with memory commands of its own: from ST-Link commands to memory accesses. [STL-6] [STL-9]
//!
//! Address, width, data and outcome stand in the commands; how the probe brought them about does not, and is not made up.
//! The status of a block is asked for by a command of its own and is put to the block that it is about.

mod block;
mod single;

use super::ap::{self, Ap};
use crate::decode::{Problem, StLinkCommand, ack, driven};
use crate::event::{Accessed, Body, ByProbe, Event, Procedure, RegisterAccess, Repeats};
use crate::target::Names;
use block::{Block, Listed};
use bytes::Bytes;
use regs::dp;
use single::{Single, singles};
use std::collections::BTreeMap;
use std::time::Duration;
use stlink::{Answer, Command, DapPort, Status};
use wire::{Access, Ack, ApSel, Certainty, Level, Port, Width, WireEvent};

/// Lifts all commands. Nothing that reached the target is left out.
pub(crate) fn lift(commands: &[Event]) -> Vec<Event> {
    let mut state = Native::default();
    state.take(0, commands);
    state.end_block();
    state.out
}

/// Where a lifted event comes from.
#[derive(Debug, Clone, Copy)]
struct Source {
    index: usize,
    at: Duration,
    until: Duration,
    order: u64,
}

/// A command that was answered WAIT and may be repeated.
#[derive(Debug)]
struct Waiting {
    key: (Bytes, Bytes),
    /// Its events, at the end of the list.
    first: usize,
    waits: u32,
    source: Source,
}

/// Lifts commands as they come.
#[derive(Debug, Default)]
pub(crate) struct Native {
    pub(crate) out: Vec<Event>,
    aps: BTreeMap<u8, Ap>,
    waiting: Option<Waiting>,
    /// WAITs of the same command before the one at hand.
    waits: u32,
    /// The access port that the last command used.
    last_ap: Option<u8>,
    block: Option<Block>,
    listed: Listed,
}

impl Native {
    /// Takes commands, of which the first has this number.
    pub(crate) fn take(&mut self, first: usize, commands: &[Event]) {
        for (index, event) in (first..).zip(commands) {
            let source = Source { index, at: event.at, until: event.until, order: event.order };
            match &event.body {
                Body::StLink(exchange) => self.one(source, exchange),
                Body::Gap(records) => self.gap(event, source, *records),
                _ => {}
            }
        }
    }

    /// The first of the events that are out that may change yet.
    pub(crate) fn unsettled(&self) -> Option<usize> {
        self.waiting.as_ref().map(|waiting| waiting.first)
    }

    /// So many events at the front are gone.
    pub(crate) fn passed(&mut self, count: usize) {
        if let Some(waiting) = &mut self.waiting {
            waiting.first = waiting.first.saturating_sub(count);
        }
    }

    /// Records are missing: nothing that stands before them goes on behind them.
    fn gap(&mut self, event: &Event, source: Source, records: u64) {
        self.end_block();
        *self = Native { out: std::mem::take(&mut self.out), ..Native::default() };
        let (level, cause) = (Level::Access, Some(source.index));
        self.out.push(Event { level, cause, body: Body::Gap(records), ..event.clone() });
    }

    fn one(&mut self, source: Source, exchange: &StLinkCommand) {
        let Some(command) = exchange.command else { return };
        if let Command::GetLastRwStatus | Command::GetLastRwStatus2 = command {
            self.block_status(source, exchange);
            return;
        }
        if let Command::RwMiscIn = command {
            self.list_results(source, exchange);
            return;
        }
        self.end_block();
        let source = self.repeated(source, exchange);
        match (command, &exchange.problem) {
            (Command::Memory(memory), None) => self.memory(source, memory, exchange),
            (Command::RwMiscOut { .. }, None) => self.listed.keep(source, exchange),
            (_, Some(problem)) => self.failed(source, command, problem),
            (_, None) => self.answered(source, command, exchange),
        }
    }

    /// Whether this is the command that was answered WAIT just before. Then both are one.
    fn repeated(&mut self, source: Source, exchange: &StLinkCommand) -> Source {
        self.waits = 0;
        match self.waiting.take() {
            Some(before) if before.key == block::key(exchange) => {
                self.out.truncate(before.first);
                self.waits = before.waits;
                Source { until: source.until, ..before.source }
            }
            _ => source,
        }
    }

    /// Remembers that everything from `first` on was answered WAIT.
    fn refused_for_now(&mut self, source: Source, key: (Bytes, Bytes), first: usize) {
        let waits = self.waits.saturating_add(1);
        for event in self.out.iter_mut().skip(first) {
            match &mut event.body {
                Body::Access(a) => a.repeats.waits = waits,
                Body::Register(r) => r.repeats.waits = waits,
                _ => {}
            }
        }
        self.keep_waiting(source, key, first, waits);
    }

    fn keep_waiting(&mut self, source: Source, key: (Bytes, Bytes), first: usize, waits: u32) {
        self.waiting = Some(Waiting { key, first, waits, source });
    }

    /// The probe overwrites CSW and TAR of an access port as it likes.
    fn use_ap(&mut self, ap: u8) {
        self.aps.remove(&ap);
        self.last_ap = Some(ap);
    }

    /// A command whose answer did not come or makes no sense.
    fn failed(&mut self, source: Source, command: Command, problem: &Problem) {
        let what = match command {
            Command::Enter(_) => Procedure::Connect,
            Command::InitAp { .. } => Procedure::OpenAp,
            _ if reaches_the_target(&command) => Procedure::Access,
            _ => return,
        };
        self.aps.clear();
        let done = if *problem == Problem::NotSent { "" } else { "; whether it was done is not known" };
        self.by_probe(source, what, format!("{}: {problem}{done}", crate::text::stlink_command(&command)));
    }

    fn answered(&mut self, source: Source, command: Command, exchange: &StLinkCommand) {
        let Some(status) = exchange.status() else { return };
        let Some(ack) = ack(status) else {
            self.refused(source, command, status);
            return;
        };
        let first = self.out.len();
        match command {
            Command::ReadDap { port, reg } => self.register(source, (port, reg), None, ack, exchange),
            Command::WriteDap { port, reg, value } => {
                self.register(source, (port, reg), Some(value), ack, exchange);
            }
            Command::DriveNrst(level) => {
                for low in driven(level) {
                    self.push(source, Certainty::Explicit, Body::Line(WireEvent::Reset(*low)));
                }
            }
            _ if self.procedure(source, command, status, exchange) => {}
            _ => {
                for single in singles(command, exchange, self.last_ap.unwrap_or(0)) {
                    self.use_ap(single.ap);
                    self.single(source, Single { ack, ..single });
                }
            }
        }
        if ack == Ack::WAIT && self.out.len() > first {
            self.refused_for_now(source, block::key(exchange), first);
        }
    }

    /// What the probe does by itself when it is told so. Whether the command is such.
    fn procedure(
        &mut self,
        source: Source,
        command: Command,
        status: Status,
        exchange: &StLinkCommand,
    ) -> bool {
        let outcome = if status == Status::OK { String::new() } else { format!(" -> {status}") };
        match command {
            Command::Enter(mode) => {
                self.aps.clear();
                self.by_probe(source, Procedure::Connect, format!("enter {mode}{outcome}"));
            }
            Command::InitAp { ap, .. } => {
                self.use_ap(ap);
                self.by_probe(source, Procedure::OpenAp, format!("open {}{outcome}", ApSel(ap)));
            }
            Command::CloseAp { ap } => {
                self.aps.remove(&ap);
                self.by_probe(source, Procedure::OpenAp, format!("close {}{outcome}", ApSel(ap)));
            }
            Command::ReadIdcodes => {
                let Some(Answer::Idcodes { first, .. }) = exchange.answer else { return true };
                let value = (status == Status::OK).then_some(first);
                let ack = ack(status).unwrap_or(Ack::OK);
                let body = dp_register(dp::DPIDR, 0, value, false, ack);
                self.push(source, Certainty::Inferred, Body::Register(body));
            }
            _ => return false,
        }
        true
    }

    /// The probe would not, for a reason that is not about the wire.
    fn refused(&mut self, source: Source, command: Command, status: Status) {
        let what = match command {
            Command::Enter(_) => Procedure::Connect,
            Command::InitAp { .. } | Command::CloseAp { .. } => Procedure::OpenAp,
            _ if reaches_the_target(&command) => Procedure::Access,
            _ => return,
        };
        self.by_probe(source, what, format!("{}: {status}", crate::text::stlink_command(&command)));
    }

    /// One register of the debug port or of an access port. `written` is `None` for a read.
    fn register(
        &mut self,
        source: Source,
        (port, reg): (DapPort, u16),
        written: Option<u32>,
        ack: Ack,
        exchange: &StLinkCommand,
    ) {
        let [low, _] = reg.to_le_bytes();
        let read = match exchange.answer {
            Some(Answer::Value { value, .. }) if ack == Ack::OK => Some(value),
            _ => None,
        };
        let secret = match exchange.command.and_then(|command| command.value_at()) {
            Some(range) => exchange.hides(range),
            None => exchange.hides_data(4..8),
        };
        let value = written.or(read);
        let write = written.is_some();
        let [number, _] = port.0.to_le_bytes();
        if port == DapPort::DP {
            let body = RegisterAccess { secret, ..dp_register(low & 0xC, low >> 4, value, write, ack) };
            self.push(source, Certainty::Explicit, Body::Register(body));
            return;
        }
        let (bank, a) = (low >> 4, low & 0xC);
        let state = self.aps.entry(number).or_default();
        let missing = match state.place(bank, a, false) {
            Some(Ok(place)) => {
                if ack == Ack::OK {
                    state.advance(&place);
                }
                for lane in place.lanes.iter() {
                    let value = value.map(|v| ap::lane(v, lane.at, lane.width));
                    let access = Access { ap: ApSel(number), at: lane.at, width: lane.width, write, value };
                    self.access(source, access, ack, secret, Certainty::Explicit);
                }
                return;
            }
            Some(Err(missing)) => Some(missing),
            None => None,
        };
        let offset = bank << 4 | a;
        match (ack, write, missing) {
            (Ack::OK, true, _) => state.set(offset, value.filter(|_| !secret), false),
            (Ack::OK, false, Some(_)) => state.forget_tar_if_it_moves(),
            (Ack::OK, false, None) => value.into_iter().for_each(|value| state.learn(offset, value, false)),
            _ => {}
        }
        let housekeeping = write && matches!(offset, regs::ap::CSW | regs::ap::TAR | regs::ap::TAR_HI);
        let body = RegisterAccess {
            port: Port::Ap,
            ap: Some(ApSel(number)),
            bank: Some(bank),
            a,
            write,
            value,
            repeats: Repeats { same: 1, first: None, waits: self.waits },
            ack,
            secret,
            housekeeping,
            redundant: false,
            missing,
            matching: None,
        };
        self.push(source, Certainty::Explicit, Body::Register(body));
    }

    fn single(&mut self, source: Source, single: Single) {
        let Single { ap, at, write, value, ack, secret, certainty } = single;
        let value = value.filter(|_| write || ack == Ack::OK);
        let access = Access { ap: ApSel(ap), at, width: Width::Word, write, value };
        self.access(source, access, ack, secret, certainty);
    }

    fn access(&mut self, source: Source, access: Access, ack: Ack, secret: bool, certainty: Certainty) {
        let repeats = Repeats { same: 1, first: None, waits: self.waits };
        let names = Names::default();
        let body = Accessed { access, run: 1, repeats, ack, secret, matching: None, names };
        self.push(source, certainty, Body::Access(body));
    }

    fn by_probe(&mut self, source: Source, what: Procedure, text: String) {
        self.push(source, Certainty::Hidden, Body::ByProbe(ByProbe { what, text }));
    }

    fn push(&mut self, source: Source, certainty: Certainty, body: Body) {
        self.out.push(Event {
            level: Level::Access,
            at: source.at,
            until: source.until,
            certainty,
            cause: Some(source.index),
            order: source.order,
            body,
        });
    }
}

/// Commands that do something to the target's memory or registers.
fn reaches_the_target(command: &Command) -> bool {
    matches!(
        command,
        Command::Memory(_)
            | Command::RwMiscOut { .. }
            | Command::ReadDap { .. }
            | Command::WriteDap { .. }
            | Command::ReadDebugReg { .. }
            | Command::WriteDebugReg { .. }
            | Command::ReadReg { .. }
            | Command::WriteReg { .. }
            | Command::ReadAllRegs { .. }
            | Command::ResetSys
            | Command::DriveNrst(_)
    )
}

fn dp_register(a: u8, bank: u8, value: Option<u32>, write: bool, ack: Ack) -> RegisterAccess {
    RegisterAccess {
        port: Port::Dp,
        ap: None,
        bank: Some(bank),
        a,
        write,
        value,
        repeats: Repeats { same: 1, first: None, waits: 0 },
        ack,
        secret: false,
        housekeeping: false,
        redundant: false,
        missing: None,
        matching: None,
    }
}

#[cfg(test)]
mod tests;

//! Blocks of memory and lists of words: several accesses of one command, with what became of each.

use super::{Native, Source};
use crate::decode::{Problem, StLinkCommand, ack};
use crate::event::{Accessed, Body, Procedure, Repeats};
use crate::target::Names;
use bytes::Bytes;
use stlink::{Answer, Command, Memory, MiscItem, MiscOp, Status};
use wire::{Access, Ack, Addr, ApSel, Certainty};

/// A memory command of which it is not yet known how it went.
#[derive(Debug)]
pub(super) struct Block {
    source: Source,
    key: (Bytes, Bytes),
    memory: Memory,
    /// What it moved, with what of it is secret.
    units: Vec<(Access, bool)>,
    /// Status and address of the fault, as it was asked last.
    status: Option<(Status, Option<Addr>)>,
    waits: u32,
}

/// The state of RW_MISC: what APNUM and ADDRESS set last, and the list whose results are awaited.
#[derive(Debug, Default)]
pub(super) struct Listed {
    ap: Option<u8>,
    at: Option<Addr>,
    list: Option<(Source, Vec<(MiscItem, bool)>)>,
}

impl Listed {
    pub(super) fn keep(&mut self, source: Source, exchange: &StLinkCommand) {
        let items = exchange.list();
        let count = items.len();
        let hidden = |n| exchange.hides_data(stlink::misc::word_at(count, n));
        let list = items.into_iter().enumerate().map(|(n, item)| (item, hidden(n))).collect();
        self.list = Some((source, list));
    }
}

/// What makes a command the repetition of another: itself and what it writes.
pub(super) fn key(exchange: &StLinkCommand) -> (Bytes, Bytes) {
    let writes = matches!(exchange.command, Some(Command::Memory(memory)) if memory.op.write);
    (exchange.bytes.clone(), if writes { exchange.data.clone() } else { Bytes::new() })
}

fn number(bytes: &[u8]) -> u32 {
    bytes.iter().rev().fold(0, |value, byte| value << 8 | u32::from(*byte))
}

impl Native {
    pub(super) fn memory(&mut self, source: Source, memory: Memory, exchange: &StLinkCommand) {
        let Memory { op, at, len, ap, .. } = memory;
        self.use_ap(ap);
        let step = usize::try_from(op.width.bytes()).unwrap_or(1);
        let data = exchange.data.get(..usize::from(len)).unwrap_or(&exchange.data);
        let mut units = Vec::with_capacity(data.len() / step);
        let mut next = at;
        for (n, value) in data.chunks_exact(step).enumerate() {
            let access = Access {
                ap: ApSel(ap),
                at: next,
                width: op.width,
                write: op.write,
                value: Some(number(value)),
            };
            units.push((access, exchange.hides_data(n * step..(n + 1) * step)));
            if op.increment {
                next = next.plus(op.width.bytes());
            }
        }
        let block = Block { source, key: key(exchange), memory, units, status: None, waits: self.waits };
        self.block = Some(block);
    }

    /// How the last block went. Asked again, the later answer counts. [STL-6]
    pub(super) fn block_status(&mut self, source: Source, exchange: &StLinkCommand) {
        let Some(block) = &mut self.block else { return };
        let Some(status) = exchange.status() else { return };
        let fault = match &exchange.answer {
            Some(Answer::RwStatus(status)) => Some(status.fault),
            _ => None,
        };
        block.source.until = source.until;
        block.waits += u32::from(ack(status) == Some(Ack::WAIT));
        block.status = Some((status, fault));
    }

    /// Writes down what the block and the list before this command came to.
    pub(crate) fn end_block(&mut self) {
        if let Some((source, list)) = self.listed.list.take() {
            let text = format!("RW_MISC, {} items: nobody asked what became of them", list.len());
            self.by_probe(source, Procedure::Access, text);
        }
        let Some(block) = self.block.take() else { return };
        let first = self.out.len();
        let outcome = match block.status {
            None => None,
            Some((status, fault)) => match ack(status) {
                None => {
                    let text = crate::text::stlink_command(&Command::Memory(block.memory));
                    self.by_probe(block.source, Procedure::Access, format!("{text}: {status}"));
                    return;
                }
                Some(ack) => Some((ack, fault.and_then(|fault| block.place(fault)))),
            },
        };
        match outcome {
            // Nobody asked.
            None => self.units(&block, block.units.len(), Certainty::Inferred),
            Some((Ack::OK, _)) => self.units(&block, block.units.len(), Certainty::Explicit),
            Some((ack, Some(place))) if ack != Ack::WAIT => {
                // What stands before the fault was done, what stands behind it was not.
                self.units(&block, place, Certainty::Inferred);
                if let Some((access, secret)) = block.units.get(place) {
                    self.refused_unit(&block, *access, 1, ack, *secret);
                }
            }
            Some((ack, _)) => {
                // How far it got is not known.
                let run = u32::try_from(block.units.len()).unwrap_or(u32::MAX);
                let secret = block.units.iter().any(|(_, secret)| *secret);
                if let Some((access, _)) = block.units.first() {
                    self.refused_unit(&block, *access, run, ack, secret);
                }
                if ack == Ack::WAIT {
                    self.keep_waiting(block.source, block.key, first, block.waits);
                }
            }
        }
    }

    fn units(&mut self, block: &Block, count: usize, certainty: Certainty) {
        for (access, secret) in block.units.iter().take(count) {
            let repeats = Repeats { same: 1, first: None, waits: block.waits };
            self.push(block.source, certainty, Body::Access(unit(*access, 1, repeats, Ack::OK, *secret)));
        }
    }

    fn refused_unit(&mut self, block: &Block, access: Access, run: u32, ack: Ack, secret: bool) {
        let value = access.value.filter(|_| access.write);
        let repeats = Repeats { same: 1, first: None, waits: block.waits };
        let access = Access { value, ..access };
        self.push(block.source, Certainty::Explicit, Body::Access(unit(access, run, repeats, ack, secret)));
    }

    /// What became of the list. [STL-9]
    pub(super) fn list_results(&mut self, source: Source, exchange: &StLinkCommand) {
        let Some((asked, list)) = self.listed.list.take() else { return };
        let Some(Answer::Results(results)) = &exchange.answer else {
            let problem = exchange.problem.clone().unwrap_or(Problem::Unanswered);
            let text = format!("RW_MISC, {} items: {problem}; whether it was done is not known", list.len());
            self.by_probe(asked, Procedure::Access, text);
            return;
        };
        self.end_block();
        let source = Source { until: source.until, ..asked };
        for (n, ((item, hidden), result)) in list.into_iter().zip(results).enumerate() {
            match item.op {
                MiscOp::APNUM => {
                    let [ap, ..] = item.word.to_le_bytes();
                    self.listed.ap = Some(ap);
                }
                MiscOp::ADDRESS => self.listed.at = Some(Addr(item.word)),
                MiscOp::READ | MiscOp::WRITE => {
                    let write = item.op == MiscOp::WRITE;
                    let at = if write { self.listed.at } else { Some(Addr(item.word)) };
                    let Some(at) = at else { continue };
                    let value = if write { item.word } else { result.value };
                    let secret = hidden && write || !write && exchange.hides_data(n * 4..n * 4 + 4);
                    self.item(source, (at, write, value), result.status(), secret);
                }
                _ => {}
            }
        }
    }

    fn item(&mut self, source: Source, (at, write, value): (Addr, bool, u32), status: Status, secret: bool) {
        let ap = self.listed.ap.or(self.last_ap).unwrap_or(0);
        self.use_ap(ap);
        let Some(ack) = ack(status) else {
            let way = if write { "write" } else { "read" };
            self.by_probe(source, Procedure::Access, format!("RW_MISC {way} {at}: {status}"));
            return;
        };
        self.waits = u32::from(ack == Ack::WAIT);
        let single = super::Single::word(ap, at.0, write, Some(value));
        self.single(source, super::Single { ack, secret, ..single });
        self.waits = 0;
    }
}

impl Block {
    /// Which of its accesses goes to this address.
    fn place(&self, fault: Addr) -> Option<usize> {
        let width = self.memory.op.width.bytes();
        self.units.iter().position(|(access, _)| fault.0.wrapping_sub(access.at.0) < width)
    }
}

/// One access of a block.
fn unit(access: Access, run: u32, repeats: Repeats, ack: Ack, secret: bool) -> Accessed {
    Accessed { access, run, repeats, ack, secret, matching: None, names: Names::default() }
}

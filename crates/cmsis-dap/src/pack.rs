//! `pack`: which packets carry a list of DAP operations.
//!
//! Fewest packets first, then fewest bytes: a packet costs a USB round trip, a byte next to nothing. A run of equal plain
//! accesses may go as DAP_TransferBlock, which is denser, but needs a packet of its own.

use crate::{CommandId, Item, TransferRequest};
use bytes::Bytes;
use std::ops::Range;
use wire::{DapOp, RegSel, Secret};

/// Sizes that no packet may exceed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PackLimits {
    /// Bytes of a request. The link chooses it: a bulk packet of exactly the probe's packet size may need an empty packet
    /// behind it, so links often leave one byte free.
    pub request: usize,
    /// Bytes of an answer.
    pub response: usize,
}

impl PackLimits {
    /// The same limit both ways.
    pub const fn both(bytes: usize) -> Self {
        PackLimits { request: bytes, response: bytes }
    }

    /// Operations of any kind that one packet holds for sure: writes, which take the most of a request, or reads, which
    /// take the most of an answer.
    pub const fn group(&self) -> usize {
        let writes = self.request.saturating_sub(TRANSFER_HEAD) / WRITE_BYTES;
        let reads = self.response.saturating_sub(TRANSFER_ANSWER_HEAD) / READ_BYTES;
        let least = if writes < reads { writes } else { reads };
        if least < MOST_ITEMS { least } else { MOST_ITEMS }
    }
}

/// Which command a planned packet is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// DAP_Transfer.
    Transfer,
    /// DAP_TransferBlock.
    Block,
}

/// One packet and the operations that it carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// The packet, without padding.
    pub command: Bytes,
    /// Which of its bytes are secret.
    pub secret: Secret,
    /// Which bytes of its answer are secret, if all of it is performed. A shorter answer holds the same values at the
    /// same places.
    pub reply_secret: Secret,
    /// Its operations, as a range of the list given to [`pack`].
    pub ops: Range<usize>,
    /// Which command it is.
    pub kind: Kind,
}

/// Bytes of a DAP_Transfer before its items.
const TRANSFER_HEAD: usize = 3;
/// Bytes of a write in it.
const WRITE_BYTES: usize = 5;
/// Bytes of a read in its answer.
const READ_BYTES: usize = 4;
/// Bytes of a DAP_TransferBlock before its words.
const BLOCK_HEAD: usize = 5;
/// Bytes of a DAP_Transfer answer before its words.
const TRANSFER_ANSWER_HEAD: usize = 3;
/// Bytes of a DAP_TransferBlock answer before its words.
const BLOCK_ANSWER_HEAD: usize = 4;
/// Shorter runs are not worth a block.
const SHORTEST_BLOCK: usize = 4;
/// The count of a DAP_Transfer is one byte.
const MOST_ITEMS: usize = 0xFF;
/// The count of a DAP_TransferBlock is two bytes.
const MOST_WORDS: usize = 0xFFFF;

/// Splits a list of operations into packets, in order.
///
/// A mask set by [`DapOp::SetMask`] stays in the firmware, so the [`DapOp::ReadUntil`]s that use it may follow in a later
/// packet. Limits too small for a single operation are exceeded by that one.
pub fn pack(ops: &[DapOp], limits: PackLimits) -> Vec<Planned> {
    let plan = Plan::of(ops, limits);
    let mut packets = Vec::new();
    let mut start = 0;
    while let Some(choice) = plan.choices.get(start).filter(|_| start < ops.len()) {
        let range = start..choice.end;
        let slice = ops.get(range.clone()).unwrap_or_default();
        packets.push(planned(slice, range, choice.kind));
        start = choice.end;
    }
    packets
}

/// As [`pack`], and each `group` operations begin a packet of their own, so that a stop in one group leaves the next to
/// begin as planned. A group that is larger than [`PackLimits::group`] takes more than one packet.
pub fn pack_groups(ops: &[DapOp], group: usize, limits: PackLimits) -> Vec<Planned> {
    let mut packets = Vec::new();
    let mut start = 0;
    for chunk in ops.chunks(group.max(1)) {
        packets.extend(pack(chunk, limits).into_iter().map(|planned| {
            let ops = planned.ops.start + start..planned.ops.end + start;
            Planned { ops, ..planned }
        }));
        start += chunk.len();
    }
    packets
}

/// The best way to carry the operations from some place to the end of the list.
#[derive(Debug, Clone, Copy)]
struct Choice {
    kind: Kind,
    /// Where its first packet ends.
    end: usize,
    /// Cost of this packet and all that follow: packets, then bytes.
    cost: (usize, usize),
}

/// The best choice at every place of the list.
struct Plan {
    choices: Vec<Choice>,
}

impl Plan {
    /// Works from the end to the front. The longest packet is always among the best of its kind, since the rest of a list
    /// never needs more packets than the whole.
    fn of(ops: &[DapOp], limits: PackLimits) -> Plan {
        let end = Choice { kind: Kind::Transfer, end: ops.len(), cost: (0, 0) };
        let mut choices = vec![end; ops.len() + 1];
        let mut run = 0;
        for at in (0..ops.len()).rev() {
            let tail = ops.get(at..).unwrap_or_default();
            run = match tail {
                [one, next, ..] if same_register(one, next) => run + 1,
                _ => 1,
            };
            let cost_from = |end: usize| choices.get(end).map_or((0, 0), |choice| choice.cost);
            let (length, bytes) = longest_transfer(tail, limits);
            let (packets, more) = cost_from(at + length);
            let mut best =
                Choice { kind: Kind::Transfer, end: at + length, cost: (packets + 1, more + bytes) };
            if let Some((length, bytes)) = longest_block(tail, run, limits) {
                let (packets, more) = cost_from(at + length);
                let cost = (packets + 1, more + bytes);
                if cost < best.cost {
                    best = Choice { kind: Kind::Block, end: at + length, cost };
                }
            }
            if let Some(place) = choices.get_mut(at) {
                *place = best;
            }
        }
        Plan { choices }
    }
}

/// The register and direction of a plain access.
fn plain(op: &DapOp) -> Option<(RegSel, bool)> {
    match *op {
        DapOp::Read { reg, .. } => Some((reg, true)),
        DapOp::Write { reg, .. } => Some((reg, false)),
        DapOp::SetMask(_) | DapOp::ReadUntil { .. } => None,
    }
}

fn same_register(one: &DapOp, other: &DapOp) -> bool {
    plain(one).is_some() && plain(one) == plain(other)
}

/// Bytes of an operation in the request and the answer of a DAP_Transfer.
fn item_bytes(op: &DapOp) -> (usize, usize) {
    match op {
        DapOp::Read { .. } => (1, READ_BYTES),
        DapOp::Write { .. } | DapOp::SetMask(_) | DapOp::ReadUntil { .. } => (WRITE_BYTES, 0),
    }
}

/// Operations and bytes (both ways) of the longest DAP_Transfer at the head of `ops`.
fn longest_transfer(ops: &[DapOp], limits: PackLimits) -> (usize, usize) {
    let (mut request, mut response) = (TRANSFER_HEAD, TRANSFER_ANSWER_HEAD);
    let mut length = 0;
    for op in ops.iter().take(MOST_ITEMS) {
        let (out, back) = item_bytes(op);
        let fits = request + out <= limits.request && response + back <= limits.response;
        if !fits && length > 0 {
            break;
        }
        (request, response, length) = (request + out, response + back, length + 1);
    }
    (length, request + response)
}

/// Operations and bytes (both ways) of the longest DAP_TransferBlock at the head of a run, if it is worth one.
fn longest_block(ops: &[DapOp], run: usize, limits: PackLimits) -> Option<(usize, usize)> {
    let (_, read) = plain(ops.first()?)?;
    let room = match read {
        true => limits.response.saturating_sub(BLOCK_ANSWER_HEAD),
        false => limits.request.saturating_sub(BLOCK_HEAD),
    };
    let length = run.min(room / 4).min(MOST_WORDS);
    (length >= SHORTEST_BLOCK).then_some((length, BLOCK_HEAD + BLOCK_ANSWER_HEAD + 4 * length))
}

fn planned(ops: &[DapOp], range: Range<usize>, kind: Kind) -> Planned {
    let mut out = PacketWriter::new(kind, ops);
    for op in ops {
        out.op(op, kind);
    }
    let PacketWriter { packet, secret, reply_secret, .. } = out;
    Planned { command: packet.into(), secret, reply_secret, ops: range, kind }
}

/// The item of a DAP_Transfer that performs an operation.
fn item(op: &DapOp) -> Item {
    match *op {
        DapOp::Read { reg, .. } => Item { request: TransferRequest::read(reg), word: 0 },
        DapOp::Write { reg, value, .. } => Item { request: TransferRequest::write(reg), word: value },
        DapOp::SetMask(mask) => Item { request: TransferRequest::set_mask(), word: mask },
        DapOp::ReadUntil { reg, value } => Item { request: TransferRequest::read_until(reg), word: value },
    }
}

/// Writes the bytes and notes where the secrets are.
struct PacketWriter {
    packet: Vec<u8>,
    secret: Secret,
    reply_secret: Secret,
    /// Where the answer's next word will be.
    answer: usize,
}

impl PacketWriter {
    fn new(kind: Kind, ops: &[DapOp]) -> Self {
        let index = 0;
        let mut packet = Vec::with_capacity(64);
        let answer = match kind {
            Kind::Transfer => {
                let count = u8::try_from(ops.len()).unwrap_or(u8::MAX);
                packet.extend([CommandId::TRANSFER.0, index, count]);
                TRANSFER_ANSWER_HEAD
            }
            Kind::Block => {
                let count = u16::try_from(ops.len()).unwrap_or(u16::MAX);
                packet.extend([CommandId::TRANSFER_BLOCK.0, index]);
                packet.extend(count.to_le_bytes());
                packet.extend(ops.first().map(|op| item(op).request.0));
                BLOCK_ANSWER_HEAD
            }
        };
        PacketWriter { packet, secret: Secret::NONE, reply_secret: Secret::NONE, answer }
    }

    fn op(&mut self, op: &DapOp, kind: Kind) {
        let Item { request, word } = item(op);
        if kind == Kind::Transfer {
            self.packet.push(request.0);
        }
        if request.has_word() {
            let at = self.packet.len();
            self.packet.extend(word.to_le_bytes());
            if matches!(op, DapOp::Write { secret: true, .. }) {
                self.secret.add(at..at + 4);
            }
        }
        if request.is_plain_read() {
            if matches!(op, DapOp::Read { secret: true, .. }) {
                self.reply_secret.add(self.answer..self.answer + 4);
            }
            self.answer += 4;
        }
    }
}

#[cfg(test)]
mod tests;

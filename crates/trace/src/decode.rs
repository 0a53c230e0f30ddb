//! Decoding: from USB transfers to probe commands (level 1) and to SWD transactions (level 2).
//!
//! CMSIS-DAP lists its transactions. ST-Link has commands of a higher kind; see `stlink`. A J-Link is told every bit; see
//! `jlink`. All give the same [`Wired`] events, and everything above is the same.

pub(crate) mod jlink;
mod lines;
mod pairing;
mod secret;
mod stlink;

pub use stlink::StLinkCommand;
pub(crate) use stlink::{ack, driven};

use crate::event::{Body, Event, Match, OnWire, Wired};
use crate::read::{Choice, Gap, Protocol, Transfer};
use crate::swd::Tally;
use bytes::Bytes;
use cmsis_dap::{Decoded, Item, Model, Repeats, Request, Response, Step, SwdSequenceItem};
use std::ops::Range;
use wire::{Ack, Certainty, Level, Pins, RegSel, SwdItem, Transaction, WireEvent};

/// What is wrong with a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// The request makes no sense.
    Request(String),
    /// The answer makes no sense.
    Answer(String),
    /// No answer came. What the probe did is not known.
    Unanswered,
    /// USB did not carry the request.
    NotSent,
    /// An answer without a request: the probe still held it from before.
    Stale,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Problem::Request(why) => write!(f, "request cannot be read: {why}"),
            Problem::Answer(why) => write!(f, "answer cannot be read: {why}"),
            Problem::Unanswered => f.write_str("no answer"),
            Problem::NotSent => f.write_str("not sent"),
            Problem::Stale => f.write_str("stale answer, without a request"),
        }
    }
}

/// A request with its answer.
#[derive(Debug, Clone)]
pub struct Command {
    /// The request; `None` for a stale answer and for what cannot be read.
    pub request: Option<Request>,
    /// The answer.
    pub response: Option<Decoded<Response>>,
    /// What is wrong.
    pub problem: Option<Problem>,
    /// Secret byte ranges of the request.
    pub request_secret: Vec<Range<usize>>,
    /// Secret byte ranges of the answer.
    pub response_secret: Vec<Range<usize>>,
    /// The request as it came.
    pub request_bytes: Bytes,
    /// The answer as it came.
    pub response_bytes: Bytes,
}

/// What the decoder made of the transfers.
#[derive(Debug, Default)]
pub(crate) struct Decoding {
    pub(crate) commands: Vec<Event>,
    pub(crate) wire: Vec<Event>,
    pub(crate) model: Model,
    /// What the clocks were for, where each is seen.
    pub(crate) tally: Option<Tally>,
}

/// More events than this are not held: a gigabyte or two, with what is derived from them.
const MOST_EVENTS: usize = 8_000_000;
/// Transfers that are decoded between two looks at how much that gave.
const SOME: usize = 4096;

/// Decodes the transfers of the chosen device, until there is more than can be held. How many transfers that took.
pub(crate) fn decode(transfers: &[Transfer], gaps: &[Gap], choice: Choice) -> (Decoding, usize) {
    let mut decoder = Decoder::new(gaps, choice);
    let mut out = Decoding { model: choice.model, ..Decoding::default() };
    let reads = transfers.iter().filter(|t| t.is_in() && t.endpoint == choice.answers);
    let mut begun: Vec<u64> = reads.map(|transfer| transfer.asked).collect();
    let mut taken = 0;
    for some in transfers.chunks(SOME) {
        decoder.take(taken, some, &std::mem::take(&mut begun));
        decoder.settle(false, &mut out);
        taken += some.len();
        if out.wire.len() + out.commands.len() >= MOST_EVENTS {
            break;
        }
    }
    decoder.settle(true, &mut out);
    (out, taken)
}

/// Decodes transfers as they come.
#[derive(Debug)]
pub(crate) struct Decoder<'a> {
    choice: Choice,
    gaps: Gaps<'a>,
    speaks: Speaks,
}

/// What the probe speaks, and how far that is understood.
#[derive(Debug)]
enum Speaks {
    CmsisDap(CmsisDap),
    StLink(stlink::Decoder),
    JLink(Box<jlink::Wires>),
    /// These come without any transfer.
    Nothing,
}

impl<'a> Decoder<'a> {
    pub(crate) fn new(gaps: &'a [Gap], choice: Choice) -> Decoder<'a> {
        let speaks = match choice.protocol {
            Protocol::CmsisDap => Speaks::CmsisDap(CmsisDap::new(choice.model)),
            Protocol::StLink => Speaks::StLink(stlink::Decoder::default()),
            Protocol::JLink => Speaks::JLink(Box::default()),
            Protocol::Wire | Protocol::Log | Protocol::List => Speaks::Nothing,
        };
        Decoder { choice, gaps: Gaps::new(gaps), speaks }
    }

    /// Takes transfers, of which the first has this number. `begun` is where reads of answers began that end behind them.
    pub(crate) fn take(&mut self, first: usize, transfers: &[Transfer], begun: &[u64]) {
        let Decoder { choice, gaps, speaks } = self;
        match speaks {
            Speaks::CmsisDap(decoder) => decoder.pairing.listening.note(transfers, begun, *choice),
            Speaks::StLink(decoder) => decoder.pairing.listening.note(transfers, begun, *choice),
            Speaks::JLink(_) | Speaks::Nothing => {}
        }
        for (index, transfer) in (first..).zip(transfers) {
            let missing = gaps.before(transfer);
            match speaks {
                Speaks::CmsisDap(decoder) => decoder.pairing.take(index, transfer, missing, *choice),
                Speaks::StLink(decoder) => decoder.pairing.take(index, transfer, missing, *choice),
                Speaks::JLink(wires) => wires.take(transfer, missing, *choice),
                Speaks::Nothing => {}
            }
        }
    }

    /// Hands on what nothing that follows will change; all of it, when nothing follows.
    pub(crate) fn settle(&mut self, ended: bool, out: &mut Decoding) {
        match &mut self.speaks {
            Speaks::CmsisDap(decoder) => decoder.settle(ended, out),
            Speaks::StLink(decoder) => decoder.settle(ended, out),
            Speaks::JLink(wires) => wires.settle(ended, out),
            Speaks::Nothing => {}
        }
    }
}

/// More requests than this are never waiting for their answers; older ones were not answered.
pub(crate) const WAITING: usize = 256;

/// Gives, before each transfer in turn, how many records are missing there.
#[derive(Debug)]
pub(crate) struct Gaps<'a>(std::iter::Peekable<std::slice::Iter<'a, Gap>>);

impl<'a> Gaps<'a> {
    pub(crate) fn new(gaps: &'a [Gap]) -> Self {
        Gaps(gaps.iter().peekable())
    }

    pub(crate) fn before(&mut self, transfer: &Transfer) -> Option<u64> {
        let mut records = 0u64;
        while let Some(gap) = self.0.next_if(|gap| gap.order <= transfer.order) {
            records = records.saturating_add(gap.records);
        }
        (records > 0).then_some(records)
    }
}

/// A hole, as an event of level 1.
pub(crate) fn gap(index: usize, transfer: &Transfer, records: u64) -> Event {
    Event {
        level: Level::Command,
        at: transfer.at(),
        until: transfer.at(),
        certainty: Certainty::Explicit,
        cause: Some(index),
        order: transfer.order,
        body: Body::Gap(records),
    }
}

/// A CMSIS-DAP probe.
#[derive(Debug)]
struct CmsisDap {
    pairing: pairing::Pairing,
    model: Model,
    /// The match mask that the firmware holds.
    mask: Option<u32>,
    /// Commands that were handed on.
    done: usize,
}

/// Whether the host still waits for answers.
///
/// A read that ends without data may be a slice of a longer wait: somebody who reads all the time begins the next at once.
/// Only who sends a request without listening again has given up on what was awaited.
#[derive(Debug, Default)]
struct Listening {
    /// Where each read of answers began that may still count, in order.
    begun: Vec<u64>,
    /// Where the last read ended without data, if none brought any since.
    silent: Option<u64>,
}

impl Listening {
    /// Reads of answers, those that ended and those under way.
    fn note(&mut self, transfers: &[Transfer], under_way: &[u64], choice: Choice) {
        let Some(first) = transfers.first() else { return };
        // What began before the host last fell silent was told already.
        let from = self.silent.unwrap_or(u64::MAX).min(first.order);
        self.begun.retain(|begun| *begun >= from);
        let reads = transfers.iter().filter(|t| t.is_in() && t.endpoint == choice.answers);
        self.begun.extend(reads.map(|t| t.asked).chain(under_way.iter().copied()));
        self.begun.sort_unstable();
    }

    fn heard(&mut self) {
        self.silent = None;
    }

    fn ended(&mut self, transfer: &Transfer) {
        if transfer.status.is_some_and(|status| status != 0) {
            self.silent = Some(transfer.order);
        }
    }

    /// Whether the host had stopped listening when it sent this request.
    fn gave_up(&mut self, request: &Transfer) -> bool {
        let Some(silent) = self.silent.take() else { return false };
        let next = self.begun.get(self.begun.partition_point(|begun| *begun <= silent));
        next.is_none_or(|begun| *begun > request.order)
    }
}

impl CmsisDap {
    fn new(model: Model) -> CmsisDap {
        CmsisDap { pairing: pairing::Pairing::default(), model, mask: None, done: 0 }
    }

    fn settle(&mut self, ended: bool, out: &mut Decoding) {
        let from = out.commands.len();
        self.pairing.settle(ended, &mut out.commands);
        for event in out.commands.get(from..).unwrap_or_default() {
            self.command(event, &mut out.wire);
            self.done += 1;
        }
    }

    fn command(&mut self, event: &Event, wire: &mut Vec<Event>) {
        let cause = Some(self.done);
        if let Body::Gap(records) = &event.body {
            self.mask = None;
            wire.push(gap_on_wire(self.done, event, *records));
        }
        let Body::Command(command) = &event.body else { return };
        let Some(request) = &command.request else { return };
        let mut put = |wired: Wired, certainty: Certainty| {
            wire.push(Event {
                level: Level::Transaction,
                at: event.at,
                until: event.until,
                certainty,
                cause,
                order: event.order,
                body: Body::Wire(wired),
            });
        };
        match &command.response {
            Some(response) => {
                let secrets = secret::Secrets::of(command);
                one(request, response, self.model, &mut self.mask, &secrets, &mut put);
            }
            None if reaches_the_wire(request) && command.problem != Some(Problem::NotSent) => {
                put(plain(OnWire::Lost), Certainty::Hidden);
                self.mask = self.mask.filter(|_| !may_set_mask(request));
            }
            None => {}
        }
    }
}

/// A hole, as an event of level 2, derived from that of level 1.
fn gap_on_wire(index: usize, event: &Event, records: u64) -> Event {
    let body = Body::Wire(plain(OnWire::Gap(records)));
    Event { level: Level::Transaction, cause: Some(index), body, ..event.clone() }
}

/// Whether a request changes anything that later transactions depend on.
fn reaches_the_wire(request: &Request) -> bool {
    matches!(
        request,
        Request::Transfer(_)
            | Request::TransferBlock(_)
            | Request::ExecuteCommands(_)
            | Request::QueueCommands(_)
            | Request::SwjSequence(_)
            | Request::SwdSequence(_)
            | Request::Unknown { .. }
    )
}

/// Whether a request may leave the firmware with another match mask.
fn may_set_mask(request: &Request) -> bool {
    match request {
        Request::Transfer(transfer) => transfer.items.iter().any(|item| item.request.is_mask()),
        Request::ExecuteCommands(all) | Request::QueueCommands(all) => all.iter().any(may_set_mask),
        Request::Unknown { .. } => true,
        _ => false,
    }
}

fn plain(what: OnWire) -> Wired {
    Wired { what, secret: false, implied: false, refused: None, matching: None }
}

/// The wire events of one command.
fn one(
    request: &Request,
    response: &Decoded<Response>,
    model: Model,
    mask: &mut Option<u32>,
    secrets: &secret::Secrets,
    put: &mut impl FnMut(Wired, Certainty),
) {
    match (request, &response.value) {
        (
            Request::ExecuteCommands(requests) | Request::QueueCommands(requests),
            Response::ExecuteCommands(all),
        ) => {
            for (request, response) in requests.iter().zip(all) {
                let alone = Decoded { value: response.clone(), used: 0, padding: 0 };
                one(request, &alone, model, mask, secrets, put);
            }
        }
        (Request::Transfer(_) | Request::TransferBlock(_) | Request::WriteAbort { .. }, _) => {
            for step in cmsis_dap::expand(request, response, model) {
                put(step_on_wire(request, response, &step, mask, secrets), step.certainty);
            }
            if let (Request::Transfer(transfer), Response::Transfer(reply)) = (request, &response.value) {
                keep_mask(transfer.items.iter().take(usize::from(reply.count)), mask);
            }
        }
        (Request::SwjSequence(bits), Response::Status { .. }) => {
            for what in lines::recognise(&lines::bits(&bits.data, bits.len)) {
                put(plain(what), Certainty::Explicit);
            }
        }
        (Request::SwdSequence(items), Response::SwdSequence { .. }) => sequence(items, put),
        (Request::SwjPins { out, select, .. }, Response::SwjPins(_)) if select.has(Pins::NRESET) => {
            let low = !out.has(Pins::NRESET);
            put(plain(OnWire::Event(WireEvent::Reset(low))), Certainty::Explicit);
        }
        (Request::ResetTarget, Response::ResetTarget { executed: 1, .. }) => {
            for low in [true, false] {
                put(plain(OnWire::Event(WireEvent::Reset(low))), Certainty::Inferred);
            }
        }
        _ => {}
    }
}

fn step_on_wire(
    request: &Request,
    response: &Decoded<Response>,
    step: &Step,
    mask: &mut Option<u32>,
    secrets: &secret::Secrets,
) -> Wired {
    let mut matching = None;
    if let (Request::Transfer(transfer), Some(item)) = (request, step.item)
        && let Some(asked) = transfer.items.get(item).filter(|i| i.request.is_match())
    {
        keep_mask(transfer.items.iter().take(item), mask);
        let reached = step.transaction.ack == Ack::OK && !mismatched(response, step, transfer.items.len());
        matching = Some(Match { mask: *mask, value: asked.word, reached });
    }
    let refused = word_to_write(request, step).filter(|_| step.transaction.data.is_none());
    // The data phase of a posted read holds the value of an earlier item.
    let holds = step.answers.or(step.item.filter(|_| refused.is_some() || step.transaction.data.is_some()));
    Wired {
        what: OnWire::Event(WireEvent::Transaction(step.transaction)),
        secret: holds.is_some_and(|item| secrets.item(item, step.transaction.read)),
        implied: step.item.is_none(),
        refused,
        matching: matching.filter(|_| step.repeats == Repeats::Unknown || step.transaction.ack == Ack::OK),
    }
}

/// What the host wanted to write with this step, if it is a write that the host listed.
fn word_to_write(request: &Request, step: &Step) -> Option<u32> {
    let item = step.item.filter(|_| !step.transaction.read)?;
    match request {
        Request::Transfer(transfer) => transfer.items.get(item).map(|item| item.word),
        Request::TransferBlock(block) => block.words.get(item).copied(),
        _ => None,
    }
}

/// The firmware keeps the last mask that was set, from packet to packet too.
fn keep_mask<'a>(items: impl Iterator<Item = &'a Item>, mask: &mut Option<u32>) {
    *mask = items.filter(|item| item.request.is_mask()).last().map(|item| item.word).or(*mask);
}

/// Whether this step is the match that ended the transfer without being reached.
fn mismatched(response: &Decoded<Response>, step: &Step, items: usize) -> bool {
    match &response.value {
        Response::Transfer(reply) => {
            let count = usize::from(reply.count);
            // The mismatching item is not counted, so it is the one behind the count; some firmware counts it.
            reply.status.mismatch()
                && step.item.is_some_and(|item| item >= count.min(items.saturating_sub(1)))
        }
        _ => false,
    }
}

/// DAP_SWD_Sequence: what is driven is a line sequence, or a TARGETSEL write with its ack left undriven.
fn sequence(items: &[SwdSequenceItem], put: &mut impl FnMut(Wired, Certainty)) {
    let driven: Vec<Vec<bool>> = items
        .iter()
        .filter_map(|item| match item.item() {
            SwdItem::Out(bits) => Some(lines::bits(&bits.data, bits.len)),
            SwdItem::In(_) => None,
        })
        .collect();
    let listens = items.iter().any(SwdSequenceItem::is_input);
    if let (true, [request, data]) = (listens, driven.as_slice())
        && request.len() == 8
        && data.len() >= 33
        && number(request) == u32::from(regs::dp::request(false, false, regs::dp::TARGETSEL))
    {
        let value = number(data.get(..32).unwrap_or_default());
        let reg = RegSel::dp(regs::dp::TARGETSEL);
        // Nobody acknowledges TARGETSEL; the data are taken all the same.
        let transaction = Transaction { reg, read: false, ack: Ack::OK, data: Some(value) };
        put(plain(OnWire::Event(WireEvent::Transaction(transaction))), Certainty::Deterministic);
        return;
    }
    for what in lines::recognise(&driven.concat()) {
        put(plain(what), Certainty::Explicit);
    }
}

/// Bits, least significant first, as a number.
fn number(bits: &[bool]) -> u32 {
    bits.iter().rev().fold(0, |all, bit| all << 1 | u32::from(*bit))
}

#[cfg(test)]
pub(crate) mod tests;

//! `expand`: which SWD transactions a transfer packet caused, in order [DAP-2] [DAP-3] [DAP-6] [DAP-7].
//!
//! **What a packet cannot show.** How often each transaction was answered WAIT before the ack that counts, how often a
//! value match read its register, and, where the answer is ambiguous, which of two transactions was refused: such steps
//! are [`Certainty::Inferred`].

use crate::unpack::{completed, completed_words};
use crate::{
    BlockReply, Decoded, Item, Model, Request, Response, Transfer, TransferBlock, TransferReply,
    TransferRequest, TransferStatus,
};
use wire::{Ack, Certainty, RegSel, Transaction};

/// How often a step happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Repeats {
    /// Once (WAIT retries aside, which no packet shows).
    Once,
    /// At least once, up to the firmware's match retry count plus one.
    Unknown,
}

/// One transaction that a packet caused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// The transaction as it went over the wire. The data phase of a posted read is the value of the read before, as on
    /// the wire; the first one's is unknown.
    pub transaction: Transaction,
    /// How sure it is. A transaction that the packet lists is [`Certainty::Explicit`], one that the firmware adds by
    /// published rules [`Certainty::Deterministic`].
    pub certainty: Certainty,
    /// The item of the request that this transaction performs (for a block: the word); `None` for one that the firmware
    /// adds.
    pub item: Option<usize>,
    /// The item whose value is in the data phase, where it is not this one's own.
    pub answers: Option<usize>,
    /// How often it happened.
    pub repeats: Repeats,
}

/// The transactions behind a DAP_Transfer, DAP_TransferBlock or DAP_WriteABORT and its answer. Other commands have none
/// here: sequences show their bits, and the commands of a list are to be expanded one by one.
pub fn expand(request: &Request, response: &Decoded<Response>, model: Model) -> Vec<Step> {
    let mut walk = Walk { steps: Vec::with_capacity(listed(request)), pending: None, check: false, model };
    match (request, &response.value) {
        (Request::Transfer(transfer), Response::Transfer(reply)) => {
            walk.transfer(transfer, reply, response.padding > 0);
        }
        (Request::TransferBlock(block), Response::TransferBlock(reply)) if block.request.is_read() => {
            walk.read_block(block, reply);
        }
        (Request::TransferBlock(block), Response::TransferBlock(reply)) => walk.write_block(block, reply),
        // The firmware does not say what the target answered; ABORT is always accepted where somebody listens [ADI-2].
        (Request::WriteAbort { value, .. }, Response::Status { .. }) => {
            let step = Step::listed(0, RegSel::dp(0x0), false, Some(*value));
            walk.steps.push(step.but(Certainty::Inferred));
        }
        _ => {}
    }
    walk.steps
}

/// How many transactions a request lists, and those that the firmware may add around them.
fn listed(request: &Request) -> usize {
    const ADDED: usize = 2;
    match request {
        Request::Transfer(transfer) => transfer.items.len() + ADDED,
        Request::TransferBlock(block) => usize::from(block.count) + ADDED,
        _ => 1,
    }
}

const RDBUFF: RegSel = RegSel::dp(0xC);

impl Step {
    /// An accepted transaction that performs item `item`.
    fn listed(item: usize, reg: RegSel, read: bool, data: Option<u32>) -> Self {
        Step {
            transaction: Transaction { reg, read, ack: Ack::OK, data },
            certainty: Certainty::Explicit,
            item: Some(item),
            answers: None,
            repeats: Repeats::Once,
        }
    }

    /// An accepted read that the firmware adds.
    fn added(reg: RegSel) -> Self {
        Step { item: None, certainty: Certainty::Deterministic, ..Step::listed(0, reg, true, None) }
    }

    /// It also brings the value of an earlier item.
    fn answering(mut self, item: usize, value: Option<u32>) -> Self {
        self.answers = Some(item);
        self.transaction.data = value;
        self
    }

    /// It was refused: then there was no data phase that means anything.
    fn refused(mut self, ack: Ack) -> Self {
        self.transaction.ack = ack;
        self.transaction.data = None;
        self.answers = None;
        self
    }

    fn but(mut self, certainty: Certainty) -> Self {
        self.certainty = certainty;
        self
    }

    fn repeated(mut self) -> Self {
        self.repeats = Repeats::Unknown;
        self
    }
}

/// The firmware's own state while it walks through a packet.
struct Walk {
    steps: Vec<Step>,
    /// The access-port read whose value has not come yet, and that value.
    pending: Option<(usize, Option<u32>)>,
    /// A write has been done and nothing has read since.
    check: bool,
    model: Model,
}

impl Walk {
    fn transfer(&mut self, request: &Transfer, reply: &TransferReply, padded: bool) {
        let counted = usize::from(reply.count);
        let (status, ack) = (reply.status, reply.status.ack());
        if counted == 0 && ack == Ack(0) {
            return;
        }
        let end = End::of(request, reply, padded, self.model);
        let values = request.values(reply, end.trusted);
        for (at, item) in request.items.iter().enumerate().take(end.performed) {
            self.perform(at, item, values.get(at).copied().flatten());
        }
        match request.items.get(end.performed) {
            _ if status.is_ok() => self.finish(),
            Some(item) => self.refuse(end.performed, item, status, &end),
            None => self.refuse_added(ack, Certainty::Deterministic),
        }
    }

    /// An item that was accepted.
    fn perform(&mut self, at: usize, item: &Item, value: Option<u32>) {
        let request = item.request;
        if request.is_posted() {
            self.post(at, request, value);
            return;
        }
        self.flush();
        if request.is_mask() {
            // free-dap forgets an unchecked write here.
            self.check &= self.model != Model::FreeDap;
        } else if request.is_match() {
            self.match_post(request);
            self.steps.push(Step::listed(at, request.reg(), true, None).repeated());
        } else if request.is_read() {
            self.steps.push(Step::listed(at, request.reg(), true, value));
        } else {
            self.steps.push(Step::listed(at, request.reg(), false, Some(item.word)));
        }
        if !request.is_mask() {
            self.check = request.is_plain_write();
        }
    }

    fn post(&mut self, at: usize, request: TransferRequest, value: Option<u32>) {
        let step = Step::listed(at, request.reg(), true, None);
        let step = match self.pending.replace((at, value)) {
            Some((before, value)) => step.answering(before, value),
            None => step,
        };
        self.steps.push(step);
        self.check = false;
        if self.model == Model::DapRs {
            self.flush();
        }
    }

    /// The read that a value match of an access port begins with [DAP-6].
    fn match_post(&mut self, request: TransferRequest) {
        if request.reg().port == wire::Port::Ap {
            self.steps.push(Step::added(request.reg()));
        }
    }

    /// Reads RDBUFF for a value that has not come yet [DAP-2].
    fn flush(&mut self) {
        if let Some((item, value)) = self.pending.take() {
            self.steps.push(Step::added(RDBUFF).answering(item, value));
        }
    }

    /// Everything listed is done: fetch the last value or check the last write [DAP-3].
    fn finish(&mut self) {
        let check = self.check && self.pending.is_none() && self.model != Model::DapRs;
        self.flush();
        if check {
            self.steps.push(Step::added(RDBUFF));
        }
    }

    /// The added read at the end was refused.
    fn refuse_added(&mut self, ack: Ack, certainty: Certainty) {
        self.steps.push(Step::added(RDBUFF).refused(ack).but(certainty));
    }

    /// Item `at`, or the flush before it, was refused.
    fn refuse(&mut self, at: usize, item: &Item, status: TransferStatus, end: &End) {
        let (request, ack) = (item.request, status.ack());
        if !request.is_posted() {
            if self.pending.is_some() && end.flush_refused {
                self.refuse_added(ack, end.certainty);
                return;
            }
            self.flush();
        }
        let own = Step::listed(at, request.reg(), request.is_read(), None).refused(ack);
        let on_ap = request.reg().port == wire::Port::Ap;
        if request.is_mask() {
            return;
        }
        if request.is_match() && status.mismatch() {
            self.match_post(request);
            self.steps.push(own.repeated());
        } else if request.is_match() && on_ap {
            // The first read, or a later one whose stale value happened to match.
            self.steps.push(own.but(Certainty::Inferred));
        } else if self.model == Model::DapRs && request.is_posted() {
            // The read or the RDBUFF read behind it.
            self.steps.push(own.but(Certainty::Inferred));
        } else {
            self.steps.push(own.but(end.own));
        }
    }

    /// One posting read, a read for each further word, RDBUFF for the last [DAP-7].
    fn read_block(&mut self, request: &TransferBlock, reply: &BlockReply) {
        let (asked, reg) = (usize::from(request.count), request.request.reg());
        let bad = (!reply.status.is_ok()).then_some(reply.status.ack());
        if asked == 0 || (reply.count == 0 && bad == Some(Ack(0))) {
            return;
        }
        let done = match bad {
            Some(_) => completed_words(request, reply, self.model),
            None => usize::from(reply.count),
        };
        let words = || reply.words.iter().copied().take(done).enumerate();
        if !request.request.is_posted() {
            self.steps.extend(words().map(|(at, word)| Step::listed(at, reg, true, Some(word))));
            self.steps.extend(bad.map(|ack| Step::listed(done, reg, true, None).refused(ack)));
            return;
        }
        let fetch = |at: usize| match at {
            at if at < asked => Step::listed(at, reg, true, None),
            _ => Step::added(RDBUFF),
        };
        match bad {
            // The posting read and the one behind it leave the same answer.
            Some(ack) if done == 0 => self.steps.push(fetch(0).refused(ack).but(Certainty::Inferred)),
            _ => {
                self.steps.push(fetch(0));
                self.steps.extend(words().map(|(at, word)| fetch(at + 1).answering(at, Some(word))));
                self.steps.extend(bad.map(|ack| fetch(done + 1).refused(ack)));
            }
        }
    }

    /// Each word, then RDBUFF to check the last [DAP-7].
    fn write_block(&mut self, request: &TransferBlock, reply: &BlockReply) {
        let (asked, reg) = (usize::from(request.count), request.request.reg());
        let bad = (!reply.status.is_ok()).then_some(reply.status.ack());
        if asked == 0 || (reply.count == 0 && bad == Some(Ack(0))) {
            return;
        }
        let done = match bad {
            Some(_) => completed_words(request, reply, self.model),
            None => usize::from(reply.count),
        };
        let words = request.words.iter().take(done).enumerate();
        self.steps.extend(words.map(|(at, word)| Step::listed(at, reg, false, Some(*word))));
        let check = (done == asked && self.model != Model::DapRs).then_some(Step::added(RDBUFF));
        match bad {
            None => self.steps.extend(check),
            Some(ack) => {
                self.steps.push(check.unwrap_or(Step::listed(done, reg, false, None)).refused(ack));
            }
        }
    }
}

/// How a DAP_Transfer ended, seen from the wire.
struct End {
    /// Items that were accepted on the wire.
    performed: usize,
    /// Items whose values are in the answer.
    trusted: usize,
    /// What was refused is the flush behind the last performed item.
    flush_refused: bool,
    /// How sure that is.
    certainty: Certainty,
    /// How sure it is that the next item was refused, if it was not the flush.
    own: Certainty,
}

impl End {
    fn of(request: &Transfer, reply: &TransferReply, padded: bool, model: Model) -> End {
        let counted = usize::from(reply.count);
        let certainty = if padded { Certainty::Inferred } else { Certainty::Deterministic };
        let all = End {
            performed: counted,
            trusted: counted,
            flush_refused: false,
            certainty,
            own: Certainty::Explicit,
        };
        if reply.status.ack() == Ack::OK {
            return all;
        }
        let trusted = completed(request, reply, padded, model);
        let last = counted.checked_sub(1).and_then(|at| request.items.get(at));
        if !model.counts_exactly() {
            End { performed: trusted, trusted, ..all }
        } else if last.is_some_and(|item| item.request.is_posted()) {
            End { trusted, flush_refused: trusted < counted, ..all }
        } else if trusted < counted {
            // Firmware that counts what it refused, although its model does not.
            End { performed: trusted, trusted, own: Certainty::Inferred, ..all }
        } else {
            all
        }
    }
}

#[cfg(test)]
mod tests;

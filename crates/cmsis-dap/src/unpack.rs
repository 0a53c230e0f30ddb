//! `settle`: what became of the operations of a packet, given its answer [DAP-5] [DAP-7].
//!
//! The reference firmware counts a posted access-port read when it is *issued*; its value comes with the transaction
//! behind it. So a bad ack can belong to a read that is counted and has no value, and a count of everything can come with a
//! bad ack from the check behind the last write. The words of the answer decide; where padding hides their number, the
//! smaller one is taken.

use crate::{
    BlockReply, CommandId, DecodeError, Decoded, Model, Planned, Request, Response, Transfer, TransferBlock,
    TransferReply, TransferStatus,
};
use thiserror::Error;
use wire::Ack;

/// What became of the operations of one packet.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outcome {
    /// Operations of this packet that completed, from its first on; each plain read among them has its value.
    ///
    /// A refused operation `done` that is a read of an access port may have been performed all the same: then only its
    /// value was lost. When `done` is the number of operations and there is a stop, the stop belongs to the check behind
    /// the last write.
    pub done: usize,
    /// The values of the completed plain reads, in order.
    pub values: Vec<u32>,
    /// The ack that ended it early.
    pub stop: Option<Ack>,
    /// The stop is a value match that ran out of tries. Never set together with a bad ack: the bit has no meaning there.
    pub mismatch: bool,
    /// The firmware ended early and said OK: the rest has to be sent again.
    pub short: bool,
    /// Operations that the firmware counted, which can be more than `done`.
    pub counted: usize,
    /// Bytes behind the answer.
    pub padding: usize,
}

/// Why an answer cannot be the answer to its packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SettleError {
    /// It does not decode.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The probe does not know the command.
    #[error("{0} is not implemented")]
    Unimplemented(CommandId),
    /// No operation was done and no reason given: the probe has no debug port connected.
    #[error("{0} did nothing: the probe has no debug port connected")]
    NothingDone(CommandId),
    /// The status contradicts the count.
    #[error("{command} answered status {status:#04x} with {counted} of {asked} done")]
    Contradiction {
        /// The command.
        command: CommandId,
        /// The status byte.
        status: u8,
        /// Operations counted.
        counted: usize,
        /// Operations asked.
        asked: usize,
    },
}

/// Matches an answer with the packet it belongs to.
///
/// # Errors
/// [`SettleError`] when it cannot be the answer to that packet. What the *target* answered is never an error.
pub fn settle(planned: &Planned, reply: &[u8], model: Model) -> Result<Outcome, SettleError> {
    let request = Request::decode(&planned.command)?.value;
    let Decoded { value, padding, .. } = Response::decode(&request, reply)?;
    let outcome = match (&request, value) {
        (Request::Transfer(transfer), Response::Transfer(reply)) => {
            settle_transfer(transfer, &reply, padding, model)?
        }
        (Request::TransferBlock(block), Response::TransferBlock(reply)) => {
            settle_block(block, &reply, model)?
        }
        _ => return Err(SettleError::Unimplemented(request.id())),
    };
    Ok(Outcome { padding, ..outcome })
}

fn settle_transfer(
    request: &Transfer,
    reply: &TransferReply,
    padding: usize,
    model: Model,
) -> Result<Outcome, SettleError> {
    let (asked, counted) = (request.items.len(), usize::from(reply.count));
    let command = CommandId::TRANSFER;
    let mut outcome = end(command, (reply.status, model), counted, asked)?;
    if outcome.mismatch && !request.items.get(counted).is_some_and(|item| item.request.is_match()) {
        return Err(SettleError::Contradiction { command, status: reply.status.0, counted, asked });
    }
    if outcome.stop.is_some() && !outcome.mismatch {
        outcome.done = completed(request, reply, padding > 0, model);
    }
    outcome.values = request.values(reply, outcome.done).into_iter().flatten().collect();
    Ok(outcome)
}

/// How many items of a transfer that ended with a bad ack are complete with their values.
pub(crate) fn completed(request: &Transfer, reply: &TransferReply, padded: bool, model: Model) -> usize {
    let (asked, counted) = (request.items.len(), usize::from(reply.count));
    let Some(before) = counted.checked_sub(1) else { return 0 };
    if !model.counts_exactly() {
        return before;
    }
    let next = request.items.get(counted).map(|item| item.request);
    let posted = request.items.get(before).is_some_and(|item| item.request.is_posted());
    let value_missing = reply.words.len() < request.answer_words(counted);
    // The value of a posted read comes with the next transaction. It is there for certain only when that was a flush and
    // the answer's own length shows the word, or the mismatch bit shows that the flush before a value match succeeded.
    let unseen = padded && !reply.status.mismatch();
    let value_doubtful = posted && (unseen || next.is_none_or(|next| next.is_posted()));
    // Behind the last item the firmware only checks a write. With nothing to check, that item itself was refused.
    let miscounted = counted == asked && !ends_with_check(request);
    if value_missing || value_doubtful || miscounted { before } else { counted }
}

/// Whether a write stands behind the last read, so that the firmware reads RDBUFF once more at the end [DAP-3].
pub(crate) fn ends_with_check(request: &Transfer) -> bool {
    let after_reads = request.items.iter().rev().map(|item| item.request).take_while(|item| !item.is_read());
    after_reads.into_iter().any(|item| item.is_plain_write())
}

fn settle_block(request: &TransferBlock, reply: &BlockReply, model: Model) -> Result<Outcome, SettleError> {
    let (asked, counted) = (usize::from(request.count), usize::from(reply.count));
    let command = CommandId::TRANSFER_BLOCK;
    let mut outcome = end(command, (reply.status, model), counted, asked)?;
    if outcome.mismatch {
        return Err(SettleError::Contradiction { command, status: reply.status.0, counted, asked });
    }
    if outcome.stop.is_some() {
        outcome.done = completed_words(request, reply, model);
    }
    outcome.values = reply.words.iter().copied().take(outcome.done).collect();
    Ok(outcome)
}

/// How many words of a block that ended with a bad ack are complete.
pub(crate) fn completed_words(request: &TransferBlock, reply: &BlockReply, model: Model) -> usize {
    let (asked, counted) = (usize::from(request.count), usize::from(reply.count));
    if !model.counts_exactly() {
        return counted.saturating_sub(1);
    }
    match request.request.is_read() {
        // Reads have no check behind them: one of them must have been refused.
        true => reply.words.len().min(asked.saturating_sub(1)),
        false => counted,
    }
}

/// What status and count say, before it is known how far a bad ack reaches back.
fn end(
    command: CommandId,
    (status, model): (TransferStatus, Model),
    counted: usize,
    asked: usize,
) -> Result<Outcome, SettleError> {
    let ack = model.ack(status);
    let nothing = counted == 0 && asked > 0;
    if nothing && (status.is_ok() || ack == Ack(0)) {
        return Err(SettleError::NothingDone(command));
    }
    let mismatch = status.mismatch() && ack == Ack::OK;
    Ok(Outcome {
        done: counted,
        stop: (!status.is_ok()).then_some(ack),
        mismatch,
        short: status.is_ok() && counted < asked,
        counted,
        ..Outcome::default()
    })
}

#[cfg(test)]
mod tests;

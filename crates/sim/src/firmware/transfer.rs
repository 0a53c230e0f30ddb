//! DAP_Transfer, DAP_TransferBlock, DAP_WriteABORT, step by step as the reference firmware does them.
//! [DAP-2] [DAP-3] [DAP-4] [DAP-5] [DAP-6] [DAP-7] Where a make deviates, its [`Deviation`] is asked for.

use super::{Deviation, Firmware};
use crate::bus::Chip;
use crate::swd::Header;
use cmsis_dap::{
    BlockReply, CommandId, Item, Request, Response, Transfer, TransferBlock, TransferReply, TransferRequest,
    TransferStatus,
};
use wire::{Ack, Port};

/// The read that fetches a posted value and checks a write.
const RDBUFF: Header = Header { ap: false, read: true, a: regs::dp::RDBUFF };
/// The write of DAP_WriteABORT.
const ABORT: Header = Header { ap: false, read: false, a: regs::dp::ABORT };
/// A transfer on a port that is not connected, or without items: nothing counted, no ack.
const NOTHING: TransferStatus = TransferStatus(0);
/// Bytes before the words in the answer to DAP_TransferBlock.
const ANSWER_HEAD: usize = 4;
/// The mismatch bit.
const MISMATCH: u8 = 0x10;
/// No ack or bad parity, where they are not told apart.
const LUMPED: TransferStatus = TransferStatus(0x0F);

/// What has happened so far in a DAP_Transfer.
#[derive(Debug, Default)]
struct Run {
    words: Vec<u32>,
    /// An AP read was issued whose value has not been fetched.
    posted: bool,
    /// A write was done that nothing has confirmed.
    unchecked: bool,
    /// Last value read or written; survives from item to item as in the reference.
    data: u32,
    mismatch: bool,
}

fn header(request: TransferRequest) -> Header {
    let reg = request.reg();
    Header { ap: reg.port == Port::Ap, read: request.is_read(), a: reg.a }
}

impl<C: Chip> Firmware<C> {
    pub(super) fn write_abort(&mut self, value: u32) -> Response {
        if !self.connected {
            return Response::error(CommandId::WRITE_ABORT);
        }
        self.lines.once(ABORT, &mut { value });
        Response::ok(CommandId::WRITE_ABORT)
    }

    pub(super) fn transfer(&mut self, transfer: &Transfer) -> TransferReply {
        if !self.connected || transfer.items.is_empty() {
            return TransferReply { count: 0, status: NOTHING, words: vec![] };
        }
        let mut run = Run::default();
        let (mut count, mut ack) = (0_u8, Ack::OK);
        for item in &transfer.items {
            ack = self.item(*item, &mut run);
            if ack != Ack::OK || run.mismatch {
                break;
            }
            count = count.saturating_add(1);
        }
        if ack == Ack::OK && !run.mismatch {
            ack = self.finish(&mut run);
        } else if self.does(Deviation::CountsRefused) {
            count = count.saturating_add(1);
        }
        if self.does(Deviation::ForgetsMask) {
            self.transfers.match_mask = u32::MAX;
        }
        if run.mismatch && self.does(Deviation::MismatchInCount) {
            (count, run.mismatch) = (count | MISMATCH, false);
        }
        TransferReply { count, status: self.status(ack, run.mismatch), words: run.words }
    }

    /// Behind the last item: what is posted is fetched, what was written is checked.
    fn finish(&mut self, run: &mut Run) -> Ack {
        if run.posted {
            let ack = self.fetch(run);
            if ack != Ack::OK && self.does(Deviation::WordForFailedFetch) {
                run.words.push(run.data);
            }
            return ack;
        }
        if run.unchecked && !self.does(Deviation::NoWriteCheck) {
            return self.read(RDBUFF, &mut run.data);
        }
        Ack::OK
    }

    fn status(&self, ack: Ack, mismatch: bool) -> TransferStatus {
        let named = matches!(ack, Ack::OK | Ack::WAIT | Ack::FAULT);
        if !named && self.does(Deviation::LumpsErrors) {
            return LUMPED;
        }
        TransferStatus::new(ack, mismatch)
    }

    /// One item. Whatever is posted is fetched first, unless this item is itself a plain AP read: then its own posting
    /// brings the earlier value.
    fn item(&mut self, item: Item, run: &mut Run) -> Ack {
        let (request, wire) = (item.request, header(item.request));
        if run.posted && request.is_posted() {
            let ack = self.read(wire, &mut run.data);
            if ack == Ack::OK {
                run.words.push(run.data);
                self.stamp(request, run);
            }
            return ack;
        }
        if run.posted {
            let ack = self.fetch(run);
            if ack != Ack::OK {
                return ack;
            }
        }
        match request {
            r if r.is_mask() => {
                run.data = item.word; // the reference loads masks and values to write into the same variable
                self.transfers.match_mask = item.word;
                Ack::OK
            }
            r if r.is_match() => self.read_until(wire, item.word, run),
            r if r.is_read() => self.plain_read(r, wire, run),
            r => {
                run.data = item.word;
                let ack = self.attempt(wire, &mut { item.word });
                if ack == Ack::OK {
                    self.stamp(r, run);
                    run.unchecked = true;
                }
                ack
            }
        }
    }

    fn plain_read(&mut self, request: TransferRequest, wire: Header, run: &mut Run) -> Ack {
        let mut value = run.data;
        let ack = self.read(wire, &mut value);
        if ack != Ack::OK {
            return ack;
        }
        self.stamp(request, run);
        run.unchecked = false;
        if request.is_posted() && self.does(Deviation::NeverPosts) {
            return self.fetch(run);
        }
        if request.is_posted() {
            run.posted = true;
        } else {
            run.data = value;
            run.words.push(value);
        }
        ack
    }

    fn read_until(&mut self, wire: Header, value: u32, run: &mut Run) -> Ack {
        if wire.ap {
            let ack = self.read(wire, &mut { 0 });
            if ack != Ack::OK {
                return ack;
            }
        }
        let mask = self.transfers.match_mask;
        let more = u32::from(!self.does(Deviation::CountsMatchReads));
        let mut looks = u32::from(self.transfers.match_retry) + more;
        let mut look = if wire.ap && self.does(Deviation::NeverPosts) { RDBUFF } else { wire };
        let (mut ack, mut fits) = (Ack::OK, false);
        while looks > 0 && ack == Ack::OK && !fits {
            ack = self.read(look, &mut run.data);
            fits = run.data & mask == value;
            looks -= 1;
            if ack == Ack::OK && !fits && look == wire {
                looks -= self.lines.skip_same(wire, run.data, looks);
            }
            look = wire;
        }
        run.mismatch = !fits; // also after a bad ack
        run.unchecked = false;
        ack
    }

    /// Fetches the value of a posted read.
    fn fetch(&mut self, run: &mut Run) -> Ack {
        run.posted = false;
        let ack = self.read(RDBUFF, &mut run.data);
        if ack == Ack::OK {
            run.words.push(run.data);
        }
        ack
    }

    fn read(&mut self, header: Header, data: &mut u32) -> Ack {
        self.attempt(header, data)
    }

    /// One transaction, as often as the firmware tries it.
    fn attempt(&mut self, header: Header, data: &mut u32) -> Ack {
        let retry = self.transfers.wait_retry;
        match retry.checked_sub(u16::from(self.does(Deviation::CountsTries))) {
            Some(retry) => self.lines.transact(header, data, retry),
            None => Ack(0),
        }
    }

    fn stamp(&self, request: TransferRequest, run: &mut Run) {
        if request.has_timestamp() {
            run.words.push(self.lines.timestamp);
        }
    }

    pub(super) fn block(&mut self, block: &TransferBlock) -> BlockReply {
        if !self.connected || block.count == 0 {
            return BlockReply { count: 0, status: NOTHING, words: vec![] };
        }
        if block.request.is_read() { self.read_block(block) } else { self.write_block(block) }
    }

    /// An AP read is posted once more than there are words to come before the last word is fetched from RDBUFF.
    fn read_block(&mut self, block: &TransferBlock) -> BlockReply {
        let wire = header(block.request);
        // No more than an answer holds; the reference would write over what lies behind its buffer.
        let room = usize::from(self.setup.profile.packet_size).saturating_sub(ANSWER_HEAD) / 4;
        let wanted = usize::from(block.count).min(room);
        let mut words = Vec::with_capacity(wanted);
        let mut ack = if wire.ap { self.read(wire, &mut { 0 }) } else { Ack::OK };
        while ack == Ack::OK && words.len() < wanted {
            let last = words.len() + 1 == wanted;
            let mut value = 0;
            ack = self.read(if wire.ap && last { RDBUFF } else { wire }, &mut value);
            if ack == Ack::OK {
                words.push(value);
            }
        }
        let count = words.len() as u16 + self.refused(ack);
        BlockReply { count, status: self.status(ack, false), words }
    }

    fn write_block(&mut self, block: &TransferBlock) -> BlockReply {
        let wire = header(block.request);
        let mut count = 0;
        for word in &block.words {
            let ack = self.attempt(wire, &mut { *word });
            if ack != Ack::OK {
                count += self.refused(ack);
                return BlockReply { count, status: self.status(ack, false), words: vec![] };
            }
            count += 1;
        }
        let checks = !self.does(Deviation::NoWriteCheck);
        let ack = if checks { self.read(RDBUFF, &mut { 0 }) } else { Ack::OK };
        BlockReply { count, status: self.status(ack, false), words: vec![] }
    }

    /// What a refused word adds to the count.
    fn refused(&self, ack: Ack) -> u16 {
        u16::from(ack != Ack::OK && self.does(Deviation::CountsRefused))
    }

    /// A transfer that is cut short by the scenario: half of it, and whoever is told so is told OK. [DAP-20]
    pub(super) fn halved(&mut self, request: &Request) -> Option<Request> {
        let length = match request {
            Request::Transfer(transfer) => transfer.items.len(),
            Request::TransferBlock(block) => usize::from(block.count),
            _ => return None,
        };
        if length < 2 {
            return None;
        }
        self.transferred += 1;
        if self.setup.short != Some(self.transferred) {
            return None;
        }
        let mut half = request.clone();
        match &mut half {
            Request::Transfer(transfer) => transfer.items.truncate(length / 2),
            Request::TransferBlock(block) => {
                block.count /= 2;
                block.words.truncate(length / 2);
            }
            _ => {}
        }
        Some(half)
    }
}

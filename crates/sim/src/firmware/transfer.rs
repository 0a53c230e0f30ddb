//! DAP_Transfer, DAP_TransferBlock, DAP_WriteABORT, step by step as the reference firmware does them.
//! [DAP-2] [DAP-3] [DAP-4] [DAP-5] [DAP-6] [DAP-7]

use super::Firmware;
use crate::bus::Chip;
use crate::swd::Header;
use cmsis_dap::{
    BlockReply, CommandId, Item, Response, Transfer, TransferBlock, TransferReply, TransferRequest,
    TransferStatus,
};
use wire::{Ack, Port};

/// The read that fetches a posted value and checks a write.
const RDBUFF: Header = Header { ap: false, read: true, a: regs::dp::RDBUFF };
/// The write of DAP_WriteABORT.
const ABORT: Header = Header { ap: false, read: false, a: regs::dp::ABORT };
/// A transfer on a port that is not connected, or without items: nothing counted, no ack.
const NOTHING: TransferStatus = TransferStatus(0);

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
            if run.posted {
                ack = self.fetch(&mut run);
            } else if run.unchecked {
                ack = self.read(RDBUFF, &mut run.data);
            }
        }
        TransferReply { count, status: TransferStatus::new(ack, run.mismatch), words: run.words }
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
                let ack = self.lines.transact(wire, &mut { item.word }, self.transfers.wait_retry);
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
        if request.is_posted() {
            run.posted = true;
        } else {
            run.data = value;
            run.words.push(value);
        }
        run.unchecked = false;
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
        let mut tries = u32::from(self.transfers.match_retry) + 1;
        loop {
            let ack = self.read(wire, &mut run.data);
            let fits = run.data & mask == value;
            tries -= 1;
            if ack != Ack::OK || fits || tries == 0 {
                run.mismatch = !fits; // also after a bad ack
                run.unchecked = false;
                return ack;
            }
        }
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
        self.lines.transact(header, data, self.transfers.wait_retry)
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
        let mut words = Vec::with_capacity(usize::from(block.count));
        let mut ack = if wire.ap { self.read(wire, &mut { 0 }) } else { Ack::OK };
        while ack == Ack::OK && words.len() < usize::from(block.count) {
            let last = words.len() + 1 == usize::from(block.count);
            let mut value = 0;
            ack = self.read(if wire.ap && last { RDBUFF } else { wire }, &mut value);
            if ack == Ack::OK {
                words.push(value);
            }
        }
        BlockReply { count: words.len() as u16, status: TransferStatus::new(ack, false), words }
    }

    fn write_block(&mut self, block: &TransferBlock) -> BlockReply {
        let wire = header(block.request);
        let mut count = 0;
        for word in &block.words {
            let ack = self.lines.transact(wire, &mut { *word }, self.transfers.wait_retry);
            if ack != Ack::OK {
                return BlockReply { count, status: TransferStatus::new(ack, false), words: vec![] };
            }
            count += 1;
        }
        let ack = self.read(RDBUFF, &mut { 0 });
        BlockReply { count, status: TransferStatus::new(ack, false), words: vec![] }
    }
}

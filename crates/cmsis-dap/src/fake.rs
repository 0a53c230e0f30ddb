//! A target and three firmwares in front of it, small enough to be read as the specification of the tests.

use crate::{
    BlockReply, Item, Model, Request, Response, Transfer, TransferBlock, TransferReply, TransferStatus,
};
use wire::{Ack, Port, RegSel, Transaction};

/// From transaction `at` on, `times` transactions are answered with `ack`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Trouble {
    pub(crate) at: usize,
    pub(crate) times: usize,
    pub(crate) ack: Ack,
}

/// Every read of a register gives another value, so a value at the wrong place is noticed.
#[derive(Debug, Default)]
pub(crate) struct Target {
    reads: std::collections::HashMap<RegSel, u32>,
    posted: u32,
    pub(crate) writes: Vec<(RegSel, u32)>,
    pub(crate) trouble: Option<Trouble>,
    pub(crate) log: Vec<Transaction>,
}

impl Target {
    fn next_value(&mut self, reg: RegSel) -> u32 {
        let count = self.reads.entry(reg).or_default();
        *count += 1;
        u32::from(reg.a) << 28 | u32::from(reg.port == Port::Ap) << 27 | *count
    }

    pub(crate) fn transact(&mut self, reg: RegSel, read: bool, word: u32) -> (Ack, u32) {
        let now = self.log.len();
        let ack = match self.trouble {
            Some(t) if (t.at..t.at.saturating_add(t.times)).contains(&now) => t.ack,
            _ => Ack::OK,
        };
        let performed = ack == Ack::OK || ack == Ack::PARITY;
        let value = match (performed, read, reg.port) {
            (false, ..) => 0xDEAD_DEAD,
            (true, false, _) => {
                self.writes.push((reg, word));
                word
            }
            (true, true, Port::Ap) => {
                let fresh = self.next_value(reg);
                std::mem::replace(&mut self.posted, fresh)
            }
            (true, true, Port::Dp) if reg.a == 0xC => self.posted,
            (true, true, Port::Dp) => self.next_value(reg),
        };
        self.log.push(Transaction { reg, read, ack, data: (ack == Ack::OK).then_some(value) });
        (ack, value)
    }
}

const RDBUFF: RegSel = RegSel::dp(0xC);

/// A probe's firmware as far as transfers go.
#[derive(Debug)]
pub(crate) struct Firmware {
    pub(crate) model: Model,
    pub(crate) wait_retry: usize,
    pub(crate) match_retry: usize,
    pub(crate) mask: u32,
    pub(crate) target: Target,
}

impl Firmware {
    pub(crate) fn new(model: Model) -> Self {
        Firmware { model, wait_retry: 2, match_retry: 3, mask: 0, target: Target::default() }
    }

    pub(crate) fn answer(&mut self, request: &Request) -> Response {
        match request {
            Request::Transfer(t) if self.model == Model::DapRs => Response::Transfer(self.dap_rs(t)),
            Request::Transfer(t) => Response::Transfer(self.transfer(t)),
            Request::TransferBlock(b) => Response::TransferBlock(self.block(b)),
            other => Response::ok(other.id()),
        }
    }

    fn try_read(&mut self, reg: RegSel) -> Result<u32, Ack> {
        self.attempt(reg, true, 0)
    }

    fn attempt(&mut self, reg: RegSel, read: bool, word: u32) -> Result<u32, Ack> {
        for _ in 0..self.wait_retry {
            match self.target.transact(reg, read, word) {
                (Ack::OK, value) => return Ok(value),
                (Ack::WAIT, _) => {}
                (ack, _) => return Err(ack),
            }
        }
        match self.target.transact(reg, read, word) {
            (Ack::OK, value) => Ok(value),
            (ack, _) => Err(ack),
        }
    }

    fn transfer(&mut self, transfer: &Transfer) -> TransferReply {
        let mut words = vec![];
        let mut state = Posting { pending: false, check: false };
        let mut count = 0;
        let mut end = Ok(());
        for item in &transfer.items {
            end = self.item(item, &mut state, &mut words);
            if end.is_err() {
                break;
            }
            count += 1;
        }
        if end.is_ok() && state.pending {
            match self.try_read(RDBUFF) {
                Ok(value) => words.push(value),
                Err(ack) => {
                    words.extend((self.model == Model::FreeDap).then_some(0xBAD0_BAD0));
                    end = Err(TransferStatus::new(ack, false));
                }
            }
        } else if end.is_ok() && state.check {
            end = self.try_read(RDBUFF).map(drop).map_err(|ack| TransferStatus::new(ack, false));
        }
        TransferReply { count, status: end.err().unwrap_or(TransferStatus::OK), words }
    }

    fn item(&mut self, item: &Item, state: &mut Posting, words: &mut Vec<u32>) -> Result<(), TransferStatus> {
        let (request, reg) = (item.request, item.request.reg());
        let plain = |ack| TransferStatus::new(ack, false);
        if state.pending {
            let next = if request.is_posted() { reg } else { RDBUFF };
            words.push(self.try_read(next).map_err(plain)?);
            state.pending = request.is_posted();
            if state.pending {
                return Ok(());
            }
        }
        if request.is_mask() {
            self.mask = item.word;
            state.check &= self.model != Model::FreeDap;
        } else if !request.is_read() {
            self.attempt(reg, false, item.word).map_err(plain)?;
            state.check = true;
        } else if request.is_match() {
            if reg.port == Port::Ap {
                self.try_read(reg).map_err(plain)?;
            }
            let mut tries = self.match_retry;
            while self.try_read(reg).map_err(|ack| TransferStatus::new(ack, true))? & self.mask != item.word {
                if tries == 0 {
                    return Err(TransferStatus::new(Ack::OK, true));
                }
                tries -= 1;
            }
            state.check = false;
        } else if request.is_posted() {
            self.try_read(reg).map_err(plain)?;
            *state = Posting { pending: true, check: false };
        } else {
            words.push(self.try_read(reg).map_err(plain)?);
            state.check = false;
        }
        Ok(())
    }

    /// No posting, no check, the failing item is counted, plain items only.
    fn dap_rs(&mut self, transfer: &Transfer) -> TransferReply {
        let mut reply = TransferReply { count: 0, status: TransferStatus::OK, words: vec![] };
        for item in &transfer.items {
            let (request, reg) = (item.request, item.request.reg());
            reply.count += 1;
            let end = match (request.is_read(), request.is_posted()) {
                (true, true) => self.try_read(reg).and_then(|_| self.try_read(RDBUFF)),
                (true, false) => self.try_read(reg),
                (false, _) => self.attempt(reg, false, item.word),
            };
            match end {
                Ok(value) => reply.words.extend(request.is_read().then_some(value)),
                Err(ack) => {
                    reply.status = TransferStatus::new(ack, false);
                    break;
                }
            }
        }
        reply
    }

    fn block(&mut self, block: &TransferBlock) -> BlockReply {
        let mut words = vec![];
        let end = self.words(block, &mut words);
        let (done, status) = match end {
            Ok(done) => (done, TransferStatus::OK),
            Err((done, ack)) => (done, TransferStatus::new(ack, false)),
        };
        BlockReply { count: u16::try_from(done).unwrap(), status, words }
    }

    fn words(&mut self, block: &TransferBlock, words: &mut Vec<u32>) -> Result<usize, (usize, Ack)> {
        let (reg, asked) = (block.request.reg(), usize::from(block.count));
        let over = usize::from(self.model == Model::DapRs);
        if !block.request.is_read() {
            for (done, word) in block.words.iter().enumerate() {
                self.attempt(reg, false, *word).map_err(|ack| (done + over, ack))?;
            }
            if self.model != Model::DapRs {
                self.try_read(RDBUFF).map_err(|ack| (asked, ack))?;
            }
            return Ok(asked);
        }
        let on_ap = block.request.is_posted();
        if on_ap {
            self.try_read(reg).map_err(|ack| (over, ack))?;
        }
        for done in 0..asked {
            let reg = if on_ap && done + 1 == asked { RDBUFF } else { reg };
            words.push(self.try_read(reg).map_err(|ack| (done + over, ack))?);
        }
        Ok(asked)
    }
}

struct Posting {
    pending: bool,
    check: bool,
}

//! DAP_Transfer and DAP_TransferBlock: request bytes, response bytes, items, answers [DAP-2] [DAP-7].

use crate::reader::Reader;
use crate::{DecodeError, EncodeError};
use wire::{Ack, Port, RegSel};

/// The byte that says what one item of a transfer does.
///
/// Bit 0 APnDP, bit 1 RnW, bits 3:2 `A[3:2]`, bit 4 value match, bit 5 match mask, bit 7 timestamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TransferRequest(pub u8);

impl TransferRequest {
    const AP: u8 = 1 << 0;
    const READ: u8 = 1 << 1;
    const ADDRESS: u8 = 0xC;
    const MATCH: u8 = 1 << 4;
    const MASK: u8 = 1 << 5;
    const TIMESTAMP: u8 = 1 << 7;

    const fn at(reg: RegSel) -> u8 {
        let port = match reg.port {
            Port::Ap => Self::AP,
            Port::Dp => 0,
        };
        port | reg.a & Self::ADDRESS
    }

    /// A plain read.
    pub const fn read(reg: RegSel) -> Self {
        TransferRequest(Self::at(reg) | Self::READ)
    }

    /// A plain write.
    pub const fn write(reg: RegSel) -> Self {
        TransferRequest(Self::at(reg))
    }

    /// A read that is repeated until the masked value matches.
    pub const fn read_until(reg: RegSel) -> Self {
        TransferRequest(Self::at(reg) | Self::READ | Self::MATCH)
    }

    /// Sets the match mask; nothing goes over the wire.
    pub const fn set_mask() -> Self {
        TransferRequest(Self::MASK)
    }

    /// The same, with a timestamp in the answer.
    #[must_use]
    pub const fn with_timestamp(self) -> Self {
        TransferRequest(self.0 | Self::TIMESTAMP)
    }

    /// The register it addresses.
    pub const fn reg(self) -> RegSel {
        let port = if self.0 & Self::AP != 0 { Port::Ap } else { Port::Dp };
        RegSel { port, a: self.0 & Self::ADDRESS }
    }

    /// Whether RnW is set.
    pub const fn is_read(self) -> bool {
        self.0 & Self::READ != 0
    }

    /// Whether it is a read with value match.
    pub const fn is_match(self) -> bool {
        self.is_read() && self.0 & Self::MATCH != 0
    }

    /// Whether it only sets the match mask.
    pub const fn is_mask(self) -> bool {
        !self.is_read() && self.0 & Self::MASK != 0
    }

    /// Whether its answer carries a timestamp. A mask write has none.
    pub const fn has_timestamp(self) -> bool {
        self.0 & Self::TIMESTAMP != 0 && !self.is_mask() && !self.is_match()
    }

    /// Whether it is a read whose value is returned.
    pub const fn is_plain_read(self) -> bool {
        self.is_read() && !self.is_match()
    }

    /// Whether it is a plain read of an access port, which the reference firmware posts.
    pub fn is_posted(self) -> bool {
        self.is_plain_read() && self.reg().port == Port::Ap
    }

    /// Whether it is a write that goes over the wire.
    pub const fn is_plain_write(self) -> bool {
        !self.is_read() && !self.is_mask()
    }

    /// Whether a 32-bit value follows it in the request.
    pub const fn has_word(self) -> bool {
        !self.is_read() || self.is_match()
    }

    /// Words of the answer that belong to it when it was performed.
    pub const fn answer_words(self) -> usize {
        self.has_timestamp() as usize + self.is_plain_read() as usize
    }
}

/// The byte that says how a transfer ended: bits 2:0 the last ack, bit 3 protocol error, bit 4 value mismatch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TransferStatus(pub u8);

impl TransferStatus {
    const PROTOCOL_ERROR: u8 = 1 << 3;
    const MISMATCH: u8 = 1 << 4;

    /// All went well.
    pub const OK: TransferStatus = TransferStatus(1);

    /// What a firmware answers for this ack.
    pub const fn new(ack: Ack, mismatch: bool) -> Self {
        TransferStatus(ack.0 & 0x0F | (mismatch as u8) << 4)
    }

    /// The last ack. A set protocol error bit is [`Ack::PARITY`] whatever stands beside it: the reference firmware
    /// gives exactly 8, its documentation allows the ack bits next to it.
    pub const fn ack(self) -> Ack {
        if self.0 & Self::PROTOCOL_ERROR != 0 { Ack::PARITY } else { Ack(self.0 & 7) }
    }

    /// Whether the mismatch bit is set. The reference firmware also sets it, without meaning, on a match read that was
    /// not accepted.
    pub const fn mismatch(self) -> bool {
        self.0 & Self::MISMATCH != 0
    }

    /// Whether it says "OK" and nothing else.
    pub fn is_ok(self) -> bool {
        self.ack() == Ack::OK && !self.mismatch()
    }
}

/// One item of a DAP_Transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Item {
    /// What it does.
    pub request: TransferRequest,
    /// The value to write, to match, or the mask. Not encoded where the request byte has none.
    pub word: u32,
}

/// A DAP_Transfer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    /// Device in a JTAG chain; ignored for SWD.
    pub index: u8,
    /// The items, at most 255.
    pub items: Vec<Item>,
}

impl Transfer {
    /// Words of the answer when the first `count` items were performed.
    pub fn answer_words(&self, count: usize) -> usize {
        self.items.iter().take(count).map(|item| item.request.answer_words()).sum()
    }

    /// The value of each of the first `count` items: `None` for an item that has none.
    pub fn values(&self, reply: &TransferReply, count: usize) -> Vec<Option<u32>> {
        let mut words = reply.words.iter().copied();
        let items = self.items.iter().map(|item| item.request).take(count);
        items
            .map(|item| {
                if item.has_timestamp() {
                    words.next();
                }
                item.is_plain_read().then(|| words.next()).flatten()
            })
            .collect()
    }

    pub(crate) fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let index = r.u8("DAP_Transfer index")?;
        let count = r.u8("DAP_Transfer count")?;
        let mut items = Vec::with_capacity(usize::from(count));
        for _ in 0..count {
            let request = TransferRequest(r.u8("DAP_Transfer request")?);
            let word = if request.has_word() { r.u32("DAP_Transfer data")? } else { 0 };
            items.push(Item { request, word });
        }
        Ok(Transfer { index, items })
    }

    pub(crate) fn write(&self, to: &mut Vec<u8>) -> Result<(), EncodeError> {
        let len = self.items.len();
        let count = u8::try_from(len).map_err(|_| EncodeError::Length {
            what: "DAP_Transfer",
            len,
            least: 0,
            most: 255,
        })?;
        to.extend([self.index, count]);
        for item in &self.items {
            to.push(item.request.0);
            if item.request.has_word() {
                to.extend(item.word.to_le_bytes());
            }
        }
        Ok(())
    }
}

/// The answer to a DAP_Transfer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransferReply {
    /// Items that the firmware counted.
    pub count: u8,
    /// How it ended.
    pub status: TransferStatus,
    /// Timestamps and values, in the order of the items, the timestamp of an item before its value.
    ///
    /// When the transfer ended badly and the packet was padded, the last one may be a remain of an older packet.
    pub words: Vec<u32>,
}

impl TransferReply {
    /// `last` says whether the packet ends with this answer (padding aside), so that its length can be used.
    pub(crate) fn read(request: &Transfer, r: &mut Reader<'_>, last: bool) -> Result<Self, DecodeError> {
        let count = r.u8("DAP_Transfer answer count")?;
        let status = TransferStatus(r.u8("DAP_Transfer answer status")?);
        let (asked, answered) = (request.items.len(), usize::from(count));
        if answered > asked {
            return Err(DecodeError::Count { what: "DAP_Transfer", asked, answered });
        }
        let full = request.answer_words(answered);
        // A bad ack may belong to the fetch of a read that is counted already [DAP-5]; firmware that counts the failing
        // item leaves out its value too [DAP-12]. With the mismatch bit it belongs to a value match, and the flush before
        // that succeeded.
        let bad = status.ack() != Ack::OK && !status.mismatch();
        let last_counted = answered.checked_sub(1).and_then(|i| request.items.get(i)).map(|i| i.request);
        let one_missing = bad
            && last_counted.is_some_and(|request| match last {
                true => request.is_plain_read() && r.left() == (full - 1) * 4,
                false => request.is_posted(),
            });
        let words = r.words(full - usize::from(one_missing), "DAP_Transfer answer data")?;
        Ok(TransferReply { count, status, words })
    }

    pub(crate) fn write(&self, to: &mut Vec<u8>) {
        to.extend([self.count, self.status.0]);
        to.extend(self.words.iter().flat_map(|word| word.to_le_bytes()));
    }
}

/// A DAP_TransferBlock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransferBlock {
    /// Device in a JTAG chain; ignored for SWD.
    pub index: u8,
    /// How many words.
    pub count: u16,
    /// Register and direction.
    pub request: TransferRequest,
    /// The words of a write (then `count` of them); empty for a read.
    pub words: Vec<u32>,
}

impl TransferBlock {
    pub(crate) fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let index = r.u8("DAP_TransferBlock index")?;
        let count = r.u16("DAP_TransferBlock count")?;
        let request = TransferRequest(r.u8("DAP_TransferBlock request")?);
        let words = match request.is_read() {
            true => vec![],
            false => r.words(usize::from(count), "DAP_TransferBlock data")?,
        };
        Ok(TransferBlock { index, count, request, words })
    }

    pub(crate) fn write(&self, to: &mut Vec<u8>) -> Result<(), EncodeError> {
        let wanted = if self.request.is_read() { 0 } else { usize::from(self.count) };
        if self.words.len() != wanted {
            return Err(EncodeError::Length {
                what: "DAP_TransferBlock data",
                len: self.words.len(),
                least: wanted,
                most: wanted,
            });
        }
        to.push(self.index);
        to.extend(self.count.to_le_bytes());
        to.push(self.request.0);
        to.extend(self.words.iter().flat_map(|word| word.to_le_bytes()));
        Ok(())
    }
}

/// The answer to a DAP_TransferBlock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockReply {
    /// Words that the firmware counted.
    pub count: u16,
    /// How it ended.
    pub status: TransferStatus,
    /// The words of a read.
    ///
    /// When the transfer ended badly and the packet was padded, the last one may be a remain of an older packet.
    pub words: Vec<u32>,
}

impl BlockReply {
    pub(crate) fn read(request: &TransferBlock, r: &mut Reader<'_>, last: bool) -> Result<Self, DecodeError> {
        let count = r.u16("DAP_TransferBlock answer count")?;
        let status = TransferStatus(r.u8("DAP_TransferBlock answer status")?);
        if count > request.count {
            let (asked, answered) = (usize::from(request.count), usize::from(count));
            return Err(DecodeError::Count { what: "DAP_TransferBlock", asked, answered });
        }
        let full = if request.request.is_read() { usize::from(count) } else { 0 };
        // Firmware that counts the failing word has no value for it [DAP-12].
        let one_missing = status.ack() != Ack::OK && full > 0 && last && r.left() == (full - 1) * 4;
        let words = r.words(full - usize::from(one_missing), "DAP_TransferBlock answer data")?;
        Ok(BlockReply { count, status, words })
    }

    pub(crate) fn write(&self, to: &mut Vec<u8>) {
        to.extend(self.count.to_le_bytes());
        to.push(self.status.0);
        to.extend(self.words.iter().flat_map(|word| word.to_le_bytes()));
    }
}

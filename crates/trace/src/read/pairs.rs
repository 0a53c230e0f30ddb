//! Submit and complete records become transfers.
//!
//! A transfer stands where its data moved, which for one that goes in is where it ends. One that never ends, or that ends with
//! nothing, stands where it began; so whoever hands transfers on before all records are read must have read them once before
//! ([`Fates`]).

use super::{Device, Transfer};
use crate::quick::QuickMap;
use crate::usbmon::{Half, Head, transfer_kind};
use bytes::Bytes;
use std::ops::Range;
use std::time::Duration;

/// What a reader made of one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken<'a> {
    /// One half of a transfer, with what it moved.
    Record { head: Head, data: &'a [u8] },
    /// Data of a transfer that was asked for by an earlier record.
    More { head: Head, data: &'a [u8] },
    /// The end of a transfer whose data came before it.
    End { head: Head },
}

/// What becomes of a transfer that keeps the place where it began, by that place.
pub(crate) type Fates = QuickMap<u64, Fate>;

/// Why a transfer stays where it began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Its end is not in the recording.
    NeverEnds,
    /// It should have brought something and ends without.
    BringsNothing,
}

/// Transfers in the making.
#[derive(Debug, Default)]
pub(super) struct Pairs {
    done: Vec<Transfer>,
    open: QuickMap<(Device, u64), Transfer>,
    fates: Fates,
    /// The fates are known from an earlier reading.
    foreseen: bool,
}

impl Pairs {
    /// For who reads the same records again.
    pub(super) fn foreseeing(fates: Fates) -> Pairs {
        Pairs { fates, foreseen: true, ..Pairs::default() }
    }

    /// Takes one record. `false` when it is of a kind that carries no probe traffic at all (isochronous).
    pub(super) fn record(
        &mut self,
        head: &Head,
        data: Bytes,
        secret: Vec<Range<usize>>,
        at: Duration,
        order: u64,
    ) -> bool {
        let Some(kind) = transfer_kind(head.transfer) else { return false };
        let device = Device { bus: head.bus, address: head.device };
        let inward = head.endpoint & 0x80 != 0;
        let clipped = inward == (head.half == Half::Complete) && head.urb_len > head.data_len;
        let key = (device, head.urb);
        let known = if head.half == Half::Submit { None } else { self.open.remove(&key) };
        if let Some(mut transfer) = known {
            transfer.completed = Some(at);
            transfer.status = Some(head.status);
            // USBPcap does not always say the direction of a control transfer again.
            if transfer.is_in() && head.half == Half::Complete {
                transfer.data = data;
                transfer.secret = secret;
                transfer.clipped = clipped;
                transfer.order = order;
            }
            self.ended(transfer);
            return true;
        }
        let begins = head.half == Half::Submit;
        let transfer = Transfer {
            urb: head.urb,
            device,
            endpoint: head.endpoint,
            kind,
            setup: head.setup,
            submitted: begins.then_some(at),
            completed: (!begins).then_some(at),
            status: (!begins).then_some(head.status),
            data,
            secret,
            clipped,
            order,
            asked: order,
        };
        if !begins || self.foreseen && self.fates.get(&order) == Some(&Fate::NeverEnds) {
            self.done.push(transfer);
        } else if let Some(before) = self.open.insert(key, transfer) {
            self.left(before);
        }
        true
    }

    /// Takes data that the host sends after it asked.
    pub(super) fn more(&mut self, head: &Head, data: &[u8]) -> bool {
        let device = Device { bus: head.bus, address: head.device };
        if let Some(transfer) = self.open.get_mut(&(device, head.urb)) {
            transfer.data = [&transfer.data, data].concat().into();
            transfer.clipped |= head.urb_len > head.data_len;
        }
        transfer_kind(head.transfer).is_some()
    }

    /// Takes the end of a transfer; one that ended before, with its data, has ended.
    pub(super) fn end(&mut self, head: &Head, at: Duration) -> bool {
        let device = Device { bus: head.bus, address: head.device };
        if let Some(mut transfer) = self.open.remove(&(device, head.urb)) {
            transfer.completed = Some(at);
            transfer.status = Some(head.status);
            self.ended(transfer);
        }
        transfer_kind(head.transfer).is_some()
    }

    fn ended(&mut self, transfer: Transfer) {
        if transfer.is_in() && transfer.order == transfer.asked && !self.foreseen {
            self.fates.insert(transfer.asked, Fate::BringsNothing);
        }
        self.done.push(transfer);
    }

    /// Nobody will say how it ends.
    fn left(&mut self, transfer: Transfer) {
        if !self.foreseen {
            self.fates.insert(transfer.asked, Fate::NeverEnds);
        }
        self.done.push(transfer);
    }

    /// The transfers that ended, in the order in which their data moved. Where the fates are known none will stand before
    /// them; otherwise one that ends later may.
    pub(super) fn ready(&mut self) -> Vec<Transfer> {
        self.done.sort_unstable_by_key(|transfer| transfer.order);
        if !self.foreseen {
            return std::mem::take(&mut self.done);
        }
        let stays = |t: &&Transfer| !t.is_in() || self.fates.contains_key(&t.asked);
        let first = self.open.values().filter(stays).map(|transfer| transfer.asked).min();
        let end = first.map_or(self.done.len(), |first| self.done.partition_point(|t| t.order < first));
        self.done.drain(..end).collect()
    }

    /// Where the transfers began that are not [`ready`](Pairs::ready).
    pub(super) fn under_way(&self) -> impl Iterator<Item = &Transfer> {
        self.open.values().chain(&self.done)
    }

    /// All transfers that are left, in the order in which their data moved, and what is to be foreseen by who reads again.
    pub(super) fn finish(mut self) -> (Vec<Transfer>, Fates) {
        let open: Vec<Transfer> = std::mem::take(&mut self.open).into_values().collect();
        open.into_iter().for_each(|transfer| self.left(transfer));
        self.done.sort_unstable_by_key(|transfer| transfer.order);
        (self.done, self.fates)
    }
}

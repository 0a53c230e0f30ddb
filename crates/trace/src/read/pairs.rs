//! Submit and complete records become transfers.

use super::{Device, Transfer};
use crate::usbmon::{Half, Head, transfer_kind};
use bytes::Bytes;
use std::collections::HashMap;
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

/// Transfers in the making.
#[derive(Debug, Default)]
pub(super) struct Pairs {
    done: Vec<Transfer>,
    /// Index into `done` of each transfer that is not complete.
    open: HashMap<(Device, u64), usize>,
}

impl Pairs {
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
        let known = self.open.get(&(device, head.urb)).and_then(|index| self.done.get_mut(*index));
        match (head.half, known) {
            (Half::Submit, _) => {
                self.open.insert((device, head.urb), self.done.len());
                self.done.push(Transfer {
                    urb: head.urb,
                    device,
                    endpoint: head.endpoint,
                    kind,
                    setup: head.setup,
                    submitted: Some(at),
                    completed: None,
                    status: None,
                    data,
                    secret,
                    clipped,
                    order,
                    asked: order,
                });
            }
            (half, Some(transfer)) => {
                self.open.remove(&(device, head.urb));
                transfer.completed = Some(at);
                transfer.status = Some(head.status);
                // USBPcap does not always say the direction of a control transfer again.
                if half == Half::Complete && transfer.is_in() {
                    transfer.data = data;
                    transfer.secret = secret;
                    transfer.clipped = clipped;
                    transfer.order = order;
                }
            }
            (_, None) => self.done.push(Transfer {
                urb: head.urb,
                device,
                endpoint: head.endpoint,
                kind,
                setup: head.setup,
                submitted: None,
                completed: Some(at),
                status: Some(head.status),
                data,
                secret,
                clipped,
                order,
                asked: order,
            }),
        }
        true
    }

    /// Takes data that the host sends after it asked.
    pub(super) fn more(&mut self, head: &Head, data: &[u8]) -> bool {
        let device = Device { bus: head.bus, address: head.device };
        let open = self.open.get(&(device, head.urb)).and_then(|index| self.done.get_mut(*index));
        if let Some(transfer) = open {
            transfer.data = [&transfer.data, data].concat().into();
            transfer.clipped |= head.urb_len > head.data_len;
        }
        transfer_kind(head.transfer).is_some()
    }

    /// Takes the end of a transfer; one that ended before, with its data, has ended.
    pub(super) fn end(&mut self, head: &Head, at: Duration) -> bool {
        let device = Device { bus: head.bus, address: head.device };
        let open = self.open.remove(&(device, head.urb)).and_then(|index| self.done.get_mut(index));
        if let Some(transfer) = open {
            transfer.completed = Some(at);
            transfer.status = Some(head.status);
        }
        transfer_kind(head.transfer).is_some()
    }

    /// All transfers, in the order in which their data moved.
    pub(super) fn finish(mut self) -> Vec<Transfer> {
        self.done.sort_by_key(|t| t.order);
        self.done
    }
}

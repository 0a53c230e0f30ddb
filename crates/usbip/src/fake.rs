//! A device for tests: what it gets it keeps, what it answers is told to it.

use bytes::Bytes;
use std::collections::VecDeque;
use std::time::Duration;
use wire::{Endpoint, Setup, TransferKind, UsbDevice, UsbFault, UsbIdentity};

/// Milliseconds.
pub(crate) fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// Echoes what it gets after `delay`, and takes one packet every `gap`.
#[derive(Debug, Default)]
pub(crate) struct Fake {
    /// Answers at 0x81 that are on their way.
    pub(crate) answers: VecDeque<(Duration, Bytes)>,
    /// What reached it: the endpoint, the bytes, when it was offered.
    pub(crate) got: Vec<(u8, Bytes, Duration)>,
    /// What it will do with the next packet instead of taking it.
    pub(crate) fault: Option<UsbFault>,
    /// How long it says NAK to each packet.
    pub(crate) gap: Duration,
    /// How long each echo takes; `None`: it never answers.
    pub(crate) delay: Option<Duration>,
    pub(crate) unplugged: bool,
    pub(crate) resets: u32,
    /// Interrupt endpoints instead of bulk.
    pub(crate) hid: bool,
    pub(crate) free: Duration,
}

impl UsbDevice for Fake {
    fn identity(&self) -> UsbIdentity {
        UsbIdentity {
            vid: 0x1209,
            pid: 0x0001,
            release: 0x0100,
            manufacturer: "Maker".into(),
            product: "Echo CMSIS-DAP".into(),
            serial: "1".into(),
        }
    }

    fn endpoints(&self) -> [Endpoint; 2] {
        let kind = if self.hid { TransferKind::Interrupt } else { TransferKind::Bulk };
        [0x01, 0x81].map(|address| Endpoint { address, kind, max_packet: 64 })
    }

    fn control(&mut self, setup: Setup, data: &[u8], _: Duration) -> Result<Bytes, UsbFault> {
        match (setup.request_type, setup.request) {
            (0xC0, 1) => Ok(Bytes::from_static(b"0123456789")),
            (0x40, 1) => {
                self.got.push((0, Bytes::copy_from_slice(data), Duration::ZERO));
                Ok(Bytes::new())
            }
            (0xC0, 2) => Err(UsbFault::Lost),
            _ => Err(UsbFault::Stall),
        }
    }

    fn out(&mut self, endpoint: u8, data: &[u8], at: Duration) -> Result<Duration, UsbFault> {
        if let Some(fault) = self.fault.take() {
            self.unplugged |= fault == UsbFault::Gone;
            return Err(fault);
        }
        self.got.push((endpoint, Bytes::copy_from_slice(data), at));
        let taken = at.max(self.free) + self.gap;
        self.free = taken;
        if let Some(delay) = self.delay {
            self.answers.push_back((taken + delay, Bytes::copy_from_slice(data)));
        }
        Ok(taken)
    }

    fn next_in(&self, endpoint: u8) -> Option<Duration> {
        self.answers.front().filter(|_| endpoint == 0x81).map(|(at, _)| *at)
    }

    fn take_in(&mut self, endpoint: u8) -> Option<Bytes> {
        self.next_in(endpoint)?;
        self.answers.pop_front().map(|(_, data)| data)
    }

    fn reset(&mut self, _: Duration) {
        self.answers.clear();
        self.resets += 1;
    }

    fn plugged(&self, _: Duration) -> bool {
        !self.unplugged
    }
}

//! `Sink`: where the recorder's tap puts what passes.

use crate::{Mark, Secret, Setup, TransferKind};
use std::time::Duration;

/// One record, borrowed from the traffic. Every transfer is a submit and a complete record with the same number.
#[derive(Debug, Clone, Copy)]
pub enum Record<'a> {
    /// The host asks for a transfer. OUT data travels with it.
    Submit {
        /// When.
        at: Duration,
        /// Pairs submit and complete.
        urb: u64,
        /// Endpoint address; bit 7 set means IN.
        endpoint: u8,
        /// How the endpoint moves data.
        kind: TransferKind,
        /// The request of a control transfer.
        setup: Option<Setup>,
        /// How many bytes were asked for or are sent.
        length: usize,
        /// OUT data; empty for IN.
        data: &'a [u8],
        /// Which bytes of `data` are secret.
        secret: &'a Secret,
    },
    /// The transfer ended. IN data travels with it.
    Complete {
        /// When.
        at: Duration,
        /// Pairs submit and complete.
        urb: u64,
        /// Endpoint address; bit 7 set means IN.
        endpoint: u8,
        /// How the endpoint moves data.
        kind: TransferKind,
        /// 0, or a negative Linux error number as usbmon shows it.
        status: i32,
        /// How many bytes were moved.
        length: usize,
        /// IN data; empty for OUT.
        data: &'a [u8],
        /// Which bytes of `data` are secret.
        secret: &'a Secret,
    },
    /// A mark.
    Mark {
        /// When.
        at: Duration,
        /// The mark.
        mark: &'a Mark,
    },
}

/// Takes records. Must be quick: it sits between the host and the probe.
pub trait Sink {
    /// Takes one record.
    fn record(&mut self, record: Record<'_>);
}

impl<S: Sink + ?Sized> Sink for std::rc::Rc<std::cell::RefCell<S>> {
    fn record(&mut self, record: Record<'_>) {
        self.borrow_mut().record(record);
    }
}

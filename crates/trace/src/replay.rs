//! Replay: a recording plays the probe.
//!
//! [`Replay`] is a [`Pipe`] that is fed from a file. It gives the answers that the recording holds, and takes nothing but the
//! packets that it holds, in the same order: the first one that is another is an error with what was expected and what came.
//! From then on nothing is answered any more.
//!
//! Time is not its own: [`Replay::at`] says when the last transfer was over, and whoever holds the clock moves it there.
//!
//! Secrets that the recording masks cannot be compared, and are taken as they come. Secret answers are given as the mask: a
//! job that looks at them will see something else than it wrote ([`Replay::masked_answers`]).

mod shape;

pub use shape::{line, parse};

use crate::read::{self, Choice, Protocol, Transfer, carries_out, choose};
use crate::{TraceError, recorder, text};
use bytes::Bytes;
use std::path::Path;
use std::time::Duration;
use wire::{Packet, Pipe, PipeError, PipeShape, Setup, TransferKind};

/// A recording as a probe. See the [module](self).
#[derive(Debug)]
pub struct Replay {
    shape: PipeShape,
    in_flight: Option<u8>,
    protocol: Protocol,
    transfers: Vec<Transfer>,
    /// The transfer that must come next.
    next: usize,
    at: Duration,
    /// Secrets are masked in this recording.
    masked: bool,
    /// What was done that the recording does not have.
    left: Option<String>,
}

impl Replay {
    /// A replay of a file.
    ///
    /// # Errors
    /// [`TraceError::File`] when it cannot be read, otherwise as [`Replay::of`].
    pub fn open(path: impl AsRef<Path>) -> Result<Replay, TraceError> {
        let path = path.as_ref();
        let bytes =
            std::fs::read(path).map_err(|source| TraceError::File { path: path.to_path_buf(), source })?;
        Replay::of(&bytes)
    }

    /// A replay of a recording.
    ///
    /// # Errors
    /// [`TraceError::Unknown`] when the bytes are no recording of the USB transfers of a probe.
    pub fn of(bytes: &[u8]) -> Result<Replay, TraceError> {
        let mut recording = read::read(bytes)?;
        let Some(choice) = choose(&mut recording, None)? else {
            return Err(TraceError::Unknown(
                "it holds no USB transfers of a probe, so it cannot be one".to_owned(),
            ));
        };
        let line = recording.comment.lines().find_map(|line| line.strip_prefix("pipe: "));
        let (shape, in_flight) =
            line.and_then(parse).unwrap_or_else(|| (guess(&recording.transfers, choice), None));
        Ok(Replay {
            shape,
            in_flight,
            protocol: choice.protocol,
            transfers: recording.transfers,
            next: 0,
            at: Duration::ZERO,
            masked: recording.comment.lines().any(|line| line.trim_end() == recorder::MASKED),
            left: None,
        })
    }

    /// When the last transfer was over.
    pub fn at(&self) -> Duration {
        self.at
    }

    /// Most packets that were under way, where the recording says it.
    pub fn in_flight(&self) -> Option<u8> {
        self.in_flight
    }

    /// Answers of which the recording masks a part.
    pub fn masked_answers(&self) -> usize {
        self.transfers.iter().filter(|t| self.masked && t.is_in() && !t.secret.is_empty()).count()
    }

    /// Transfers that nobody asked for so far.
    pub fn rest(&self) -> usize {
        self.transfers.len().saturating_sub(self.next)
    }

    /// Takes the next transfer, if it is what `fits` wants; `came` says in words what came.
    fn take(
        &mut self,
        fits: impl FnOnce(&Transfer, bool) -> bool,
        came: impl FnOnce(&Self) -> String,
    ) -> Result<Transfer, PipeError> {
        if let Some(left) = &self.left {
            return Err(PipeError::Io(left.clone()));
        }
        let found = self.transfers.get(self.next).filter(|transfer| fits(transfer, self.masked)).cloned();
        let Some(transfer) = found else {
            let left = self.other(&came(self));
            self.left = Some(left.clone());
            return Err(PipeError::Io(left));
        };
        self.next += 1;
        self.at = self.at.max(transfer.completed.unwrap_or(transfer.at()));
        Ok(transfer)
    }

    fn other(&self, came: &str) -> String {
        let (number, count) = (self.next + 1, self.transfers.len());
        let expected = match self.transfers.get(self.next) {
            Some(transfer) => self.told(transfer),
            None => "nothing more: the recording ends here".to_owned(),
        };
        let masks =
            match self.transfers.iter().take(self.next).filter(|t| t.is_in() && !t.secret.is_empty()).count()
            {
                n if n > 0 && self.masked => format!("; {n} answers before it were masks of secrets"),
                _ => String::new(),
            };
        format!(
            "the recording goes another way at transfer {number} of {count}: expected {expected}; came {came}{masks}"
        )
    }

    /// A transfer in words.
    fn told(&self, transfer: &Transfer) -> String {
        match (transfer.setup, transfer.is_in()) {
            (Some(setup), _) if !carries_out(transfer) => format!("control request {setup:02X?}"),
            (_, true) => "the host to listen".to_owned(),
            (_, false) => self.packet(&transfer.data, &transfer.secret),
        }
    }

    fn packet(&self, data: &[u8], secret: &[std::ops::Range<usize>]) -> String {
        let words = match cmsis_dap::Request::decode(data) {
            Ok(request) if self.protocol == Protocol::CmsisDap => {
                format!(" ({})", text::request(&request.value))
            }
            _ => String::new(),
        };
        format!("{}{words}", text::bytes(data, secret))
    }
}

/// What it probably was, where the recording does not say.
fn guess(transfers: &[Transfer], choice: Choice) -> PipeShape {
    let packets = || transfers.iter().filter(|t| t.endpoint == choice.out && carries_out(t));
    let kind = packets().next().map_or(TransferKind::Bulk, |t| t.kind);
    let longest = packets().map(|t| t.data.len()).max().unwrap_or(0);
    let hid = kind != TransferKind::Bulk;
    PipeShape {
        kind,
        out_endpoint: choice.out,
        in_endpoint: choice.answers,
        report: hid.then_some(longest),
        max_packet: if hid || longest <= 64 { 64 } else { 512 },
        product: "a recording".to_owned(),
        serial: None,
        id: match choice.protocol {
            Protocol::StLink => (stlink::device::VID, 0x3748),
            _ => (0, 0),
        },
    }
}

/// Whether a packet is the recorded one. What is secret is masked, so only its length counts.
fn same(transfer: &Transfer, packet: &Packet, masked: bool) -> bool {
    if transfer.data.len() != packet.bytes.len() {
        return false;
    }
    let hidden = |at: usize| masked && transfer.secret.iter().any(|range| range.contains(&at));
    transfer.data.iter().zip(&packet.bytes).enumerate().all(|(at, (one, other))| one == other || hidden(at))
}

/// The error that the transfer ended with then. [TRACE-1]
fn outcome(transfer: &Transfer, timeout: Duration) -> Result<(), PipeError> {
    match transfer.status {
        Some(0) => Ok(()),
        Some(-32) => Err(PipeError::Stall),
        Some(-108) => Err(PipeError::Unplugged),
        Some(-75) => Err(PipeError::Overflow),
        // Taken back, or never ended.
        Some(-2 | -104) | None => Err(PipeError::Timeout(timeout)),
        Some(status) => Err(PipeError::Io(format!("status {status}, as recorded"))),
    }
}

impl Pipe for Replay {
    fn shape(&self) -> &PipeShape {
        &self.shape
    }

    fn send(&mut self, packet: &Packet, timeout: Duration) -> Result<(), PipeError> {
        let out = self.shape.out_endpoint;
        let fits = |t: &Transfer, masked: bool| t.endpoint == out && !t.is_in() && same(t, packet, masked);
        let sent = self.take(fits, |replay| replay.packet(&packet.bytes, &packet.secret.0))?;
        outcome(&sent, timeout)
    }

    fn recv(&mut self, timeout: Duration) -> Result<Bytes, PipeError> {
        let inward = self.shape.in_endpoint;
        let heard =
            self.take(|t, _| t.endpoint == inward && t.is_in(), |_| "a host that listens".to_owned())?;
        if heard.data.is_empty() {
            outcome(&heard, timeout)?;
        }
        Ok(heard.data)
    }

    /// The host asked, and listened only if there was something: so there was if it listened.
    fn pending(&mut self) -> bool {
        let next = self.transfers.get(self.next).filter(|_| self.left.is_none());
        next.is_some_and(|t| t.is_in() && t.endpoint == self.shape.in_endpoint)
    }

    fn control(&mut self, setup: Setup, data: &[u8], timeout: Duration) -> Result<Bytes, PipeError> {
        let bytes = setup.to_bytes();
        let fits = |t: &Transfer, _: bool| t.setup == Some(bytes) && (t.is_in() || t.data == data);
        let done = self.take(fits, |_| format!("control request {bytes:02X?}"))?;
        outcome(&done, timeout)?;
        Ok(if done.is_in() { done.data } else { Bytes::new() })
    }

    fn reset(&mut self) -> Result<(), PipeError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;

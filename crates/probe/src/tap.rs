//! `Tap`: tells a sink everything that passes a pipe.

use bytes::Bytes;
use pace::Clock;
use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use wire::{Mark, MarkKind, Packet, Pipe, PipeError, PipeShape, Record, Secret, Setup, Sink, TransferKind};

/// A pipe that records.
///
/// Each transfer gets a number of its own and two records, as a bus monitor would show it. What an answer will hold is known
/// when its packet is sent, so the secrets of answers are kept in the order of the packets. When answers stay away that order
/// is no longer sure; from then on, until the device is reset, the secrets of the missing answers are hidden in every
/// answer. Hiding too much is the smaller evil.
pub struct Tap<P, S> {
    pipe: P,
    sink: S,
    clock: Arc<dyn Clock>,
    next_urb: u64,
    secrets: ReplySecrets,
}

impl<P: Pipe, S> fmt::Debug for Tap<P, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tap")
            .field("pipe", self.pipe.shape())
            .field("next_urb", &self.next_urb)
            .finish_non_exhaustive()
    }
}

/// What is secret in the answers to come.
#[derive(Debug, Default)]
struct ReplySecrets {
    /// One for each packet whose answer is awaited, oldest first.
    awaited: VecDeque<Secret>,
    /// That of the answer before: an answer nobody awaits may be its double.
    last: Secret,
    /// Those of answers that stayed away and may still come.
    missing: Secret,
    /// Listening ended without an answer. If a packet follows, the host has given up on what was awaited.
    silent: bool,
}

impl ReplySecrets {
    fn sent(&mut self, packet: &Packet, gone: bool) {
        if std::mem::take(&mut self.silent) {
            let given_up: Vec<_> = self.awaited.drain(..).collect();
            given_up.iter().for_each(|secret| join(&mut self.missing, secret));
        }
        match (packet.answered, gone) {
            (false, _) => {}
            (true, true) => self.awaited.push_back(packet.reply_secret.clone()),
            // It may or may not have reached the probe.
            (true, false) => join(&mut self.missing, &packet.reply_secret),
        }
    }

    fn answered(&mut self, length: usize) -> Secret {
        if let Some(secret) = self.awaited.pop_front() {
            self.last = secret;
        }
        let mut all = self.last.clone();
        join(&mut all, &self.missing);
        all.0.iter_mut().for_each(|range| range.end = range.end.min(length));
        all.0.retain(|range| range.start < range.end);
        all
    }
}

/// Adds the ranges of `more`, keeping them sorted and apart.
fn join(secret: &mut Secret, more: &Secret) {
    if more.is_empty() {
        return;
    }
    let mut ranges = std::mem::take(&mut secret.0);
    ranges.extend(more.0.iter().cloned());
    ranges.sort_by_key(|range| range.start);
    for range in ranges {
        match secret.0.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => secret.0.push(range),
        }
    }
}

/// One transfer under way.
#[derive(Clone, Copy)]
struct Urb {
    number: u64,
    endpoint: u8,
    kind: TransferKind,
}

/// The status with which Linux would end such a transfer.
fn status(error: &PipeError) -> i32 {
    match error {
        PipeError::Timeout(_) => -2,  // ENOENT: taken back
        PipeError::Stall => -32,      // EPIPE
        PipeError::Unplugged => -108, // ESHUTDOWN
        PipeError::Overflow => -75,   // EOVERFLOW
        PipeError::Io(_) => -71,      // EPROTO
    }
}

impl<P: Pipe, S: Sink> Tap<P, S> {
    /// Records what passes `pipe` into `sink`, with this clock's time.
    pub fn new(pipe: P, sink: S, clock: Arc<dyn Clock>) -> Self {
        Tap { pipe, sink, clock, next_urb: 1, secrets: ReplySecrets::default() }
    }

    fn submit(
        &mut self,
        endpoint: u8,
        kind: TransferKind,
        setup: Option<Setup>,
        length: usize,
        (data, secret): (&[u8], &Secret),
    ) -> Urb {
        let urb = Urb { number: self.next_urb, endpoint, kind };
        self.next_urb += 1;
        let (at, urb_number) = (self.clock.now(), urb.number);
        self.sink.record(Record::Submit { at, urb: urb_number, endpoint, kind, setup, length, data, secret });
        urb
    }

    fn complete(&mut self, urb: Urb, status: i32, length: usize, (data, secret): (&[u8], &Secret)) {
        let Urb { number: urb, endpoint, kind } = urb;
        let at = self.clock.now();
        self.sink.record(Record::Complete { at, urb, endpoint, kind, status, length, data, secret });
    }

    /// An IN transfer of at most `length` bytes.
    fn listen(
        &mut self,
        length: usize,
        recv: impl FnOnce(&mut P) -> Result<Bytes, PipeError>,
    ) -> Result<Bytes, PipeError> {
        let PipeShape { in_endpoint, kind, .. } = *self.pipe.shape();
        let urb = self.submit(in_endpoint, kind, None, length, NOTHING);
        let result = recv(&mut self.pipe);
        self.secrets.silent = result.is_err();
        let secret = match &result {
            Ok(data) => self.secrets.answered(data.len()),
            Err(_) => Secret::NONE,
        };
        self.complete_in(urb, &result, &secret);
        result
    }

    /// Ends an IN transfer with what came of it.
    fn complete_in(&mut self, urb: Urb, result: &Result<Bytes, PipeError>, secret: &Secret) {
        match result {
            Ok(data) => self.complete(urb, 0, data.len(), (data, secret)),
            Err(error) => self.complete(urb, status(error), 0, NOTHING),
        }
    }

    /// Ends an OUT transfer of `length` bytes.
    fn complete_out<T>(&mut self, urb: Urb, result: &Result<T, PipeError>, length: usize) {
        match result {
            Ok(_) => self.complete(urb, 0, length, NOTHING),
            Err(error) => self.complete(urb, status(error), 0, NOTHING),
        }
    }
}

/// No data in this direction.
const NOTHING: (&[u8], &Secret) = (&[], &Secret::NONE);

/// Bit 7 of an endpoint address and of `bmRequestType`: towards the host.
const TO_HOST: u8 = 0x80;

impl<P: Pipe, S: Sink> Pipe for Tap<P, S> {
    fn shape(&self) -> &PipeShape {
        self.pipe.shape()
    }

    fn send(&mut self, packet: &Packet, timeout: Duration) -> Result<(), PipeError> {
        let PipeShape { out_endpoint, kind, .. } = *self.pipe.shape();
        let length = packet.bytes.len();
        let urb = self.submit(out_endpoint, kind, None, length, (&packet.bytes, &packet.secret));
        let result = self.pipe.send(packet, timeout);
        self.secrets.sent(packet, result.is_ok());
        self.complete_out(urb, &result, length);
        result
    }

    fn recv(&mut self, timeout: Duration) -> Result<Bytes, PipeError> {
        let PipeShape { report, max_packet, .. } = *self.pipe.shape();
        self.listen(report.unwrap_or(max_packet), |pipe| pipe.recv(timeout))
    }

    fn recv_sized(&mut self, length: usize, timeout: Duration) -> Result<Bytes, PipeError> {
        self.listen(length, |pipe| pipe.recv_sized(length, timeout))
    }

    fn pending(&mut self) -> bool {
        self.pipe.pending()
    }

    fn control(&mut self, setup: Setup, data: &[u8], timeout: Duration) -> Result<Bytes, PipeError> {
        let endpoint = setup.request_type & TO_HOST;
        let out = if endpoint == 0 { (data, &Secret::NONE) } else { NOTHING };
        let urb = self.submit(endpoint, TransferKind::Control, Some(setup), usize::from(setup.length), out);
        let result = self.pipe.control(setup, data, timeout);
        match endpoint {
            0 => self.complete_out(urb, &result, data.len()),
            _ => self.complete_in(urb, &result, &Secret::NONE),
        }
        result
    }

    fn reset(&mut self) -> Result<(), PipeError> {
        self.mark(&Mark::new(MarkKind::Note, "USB reset"));
        let result = self.pipe.reset();
        if result.is_ok() {
            self.secrets = ReplySecrets::default();
        }
        result
    }

    fn mark(&mut self, mark: &Mark) {
        self.sink.record(Record::Mark { at: self.clock.now(), mark });
        self.pipe.mark(mark);
    }
}

#[cfg(test)]
mod tests;

//! Records USB transfers as the device sees them.
//!
//! A transfer to the probe begins when it is offered and ends when the probe has taken it; one from the probe is shown as
//! beginning and ending when the host has it, because a device never learns when it was asked.

use std::collections::VecDeque;
use std::path::Path;
use std::time::Duration;
use trace::{ClockKind, Header, Recorder, Secrets, TraceError, Written};
use wire::{Endpoint, Record, Secret, Sink as _};

/// The end of a transfer to the probe, which lies ahead.
#[derive(Debug)]
struct Taken {
    at: Duration,
    urb: u64,
    endpoint: Endpoint,
    length: usize,
}

/// A recording.
#[derive(Debug)]
pub(crate) struct Tape {
    recorder: Recorder,
    next: u64,
    /// Ends that are not yet due, in order.
    ahead: VecDeque<Taken>,
}

impl Tape {
    /// Begins a recording in a file.
    ///
    /// # Errors
    /// [`TraceError`].
    pub(crate) fn create(path: &Path, probe: String) -> Result<Tape, TraceError> {
        let header = Header { probe, ..Header::new("simprobe", env!("CARGO_PKG_VERSION"), ClockKind::Real) };
        // Whoever drives the probe does not say what is secret, so the file must say that it may hold secrets.
        let recorder = Recorder::create(path, &header, Secrets::Shown)?;
        Ok(Tape { recorder, next: 1, ahead: VecDeque::new() })
    }

    fn number(&mut self) -> u64 {
        let urb = self.next;
        self.next += 1;
        urb
    }

    /// The host offers data at `at`; the probe has it at `taken`.
    pub(crate) fn out(&mut self, endpoint: Endpoint, data: &[u8], at: Duration, taken: Duration) {
        self.catch_up(at);
        let urb = self.number();
        self.recorder.record(Record::Submit {
            at,
            urb,
            endpoint: endpoint.address,
            kind: endpoint.kind,
            setup: None,
            length: data.len(),
            data,
            secret: &Secret::NONE,
        });
        self.ahead.push_back(Taken { at: taken, urb, endpoint, length: data.len() });
    }

    /// The host has taken an answer at `at`.
    pub(crate) fn input(&mut self, endpoint: Endpoint, data: &[u8], at: Duration) {
        self.catch_up(at);
        let (urb, address, kind) = (self.number(), endpoint.address, endpoint.kind);
        let (secret, length) = (&Secret::NONE, data.len());
        let asked = length.max(usize::from(endpoint.max_packet));
        let none = &[];
        self.recorder.record(Record::Submit {
            at,
            urb,
            endpoint: address,
            kind,
            setup: None,
            length: asked,
            data: none,
            secret,
        });
        self.recorder.record(Record::Complete {
            at,
            urb,
            endpoint: address,
            kind,
            status: 0,
            length,
            data,
            secret,
        });
    }

    /// Writes the ends that have come by `now`.
    fn catch_up(&mut self, now: Duration) {
        while let Some(&Taken { at, urb, endpoint, length }) = self.ahead.front()
            && at <= now
        {
            self.ahead.pop_front();
            self.recorder.record(Record::Complete {
                at,
                urb,
                endpoint: endpoint.address,
                kind: endpoint.kind,
                status: 0,
                length,
                data: &[],
                secret: &Secret::NONE,
            });
        }
    }

    /// Writes out everything.
    ///
    /// # Errors
    /// [`TraceError::File`].
    pub(crate) fn finish(&mut self) -> Result<Written, TraceError> {
        self.catch_up(Duration::MAX);
        self.recorder.finish()
    }
}

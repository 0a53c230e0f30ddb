//! A recording as a pipe, with the session's clock where the recording is.

use bytes::Bytes;
use pace::Clock;
use std::sync::Arc;
use std::time::Duration;
use trace::replay::Replay;
use wire::{Packet, Pipe, PipeError, PipeShape, Setup};

/// The replay and the clock that it moves.
#[derive(Debug)]
pub(crate) struct Replayed {
    replay: Replay,
    clock: Arc<dyn Clock>,
}

impl Replayed {
    pub(crate) fn new(replay: Replay, clock: Arc<dyn Clock>) -> Self {
        Replayed { replay, clock }
    }

    fn then<T>(&self, result: T) -> T {
        self.clock.sleep_until(self.replay.at());
        result
    }
}

impl Pipe for Replayed {
    fn shape(&self) -> &PipeShape {
        self.replay.shape()
    }

    fn send(&mut self, packet: &Packet, timeout: Duration) -> Result<(), PipeError> {
        let sent = self.replay.send(packet, timeout);
        self.then(sent)
    }

    fn recv(&mut self, timeout: Duration) -> Result<Bytes, PipeError> {
        let heard = self.replay.recv(timeout);
        self.then(heard)
    }

    fn pending(&mut self) -> bool {
        self.replay.pending()
    }

    fn control(&mut self, setup: Setup, data: &[u8], timeout: Duration) -> Result<Bytes, PipeError> {
        let done = self.replay.control(setup, data, timeout);
        self.then(done)
    }

    fn reset(&mut self) -> Result<(), PipeError> {
        self.replay.reset()
    }
}

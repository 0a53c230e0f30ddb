//! A pipe over two bulk endpoints.

use super::bus::Bus;
use super::reader::Reader;
use bytes::Bytes;
use pace::{Received, UsbPatience};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use wire::{Packet, Pipe, PipeError, PipeShape, Setup};

/// The longest answer: longer than any CMSIS-DAP packet seen and than ST-Link's 6 KiB, and what Linux moves in one piece.
const LONGEST_ANSWER: usize = 16 * 1024;

/// How the pipe listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Listening {
    /// A thread always listens, so answers come in while packets go out. For probes whose answers end with a short packet.
    Ahead,
    /// Only when an answer is asked for, with its length. For probes that end a full packet with nothing.
    OnDemand,
}

/// A pipe to a claimed interface. Dropping it stops the reader and releases the interface.
pub(super) struct BulkPipe<B: Bus> {
    bus: Arc<B>,
    shape: PipeShape,
    listening: Listening,
    reader: Option<Reader>,
    /// An answer that was seen to be there and has not been taken.
    ahead: Option<Bytes>,
    /// The endpoint that stalled and has to be cleared before the next transfer.
    halted: Option<u8>,
    gone: bool,
}

impl<B: Bus> fmt::Debug for BulkPipe<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BulkPipe")
            .field("shape", &self.shape)
            .field("gone", &self.gone)
            .finish_non_exhaustive()
    }
}

impl<B: Bus> BulkPipe<B> {
    /// A pipe over the endpoints that `shape` names. Nothing moves yet.
    pub(super) fn new(bus: B, shape: PipeShape, listening: Listening) -> Self {
        BulkPipe {
            bus: Arc::new(bus),
            shape,
            listening,
            reader: None,
            ahead: None,
            halted: None,
            gone: false,
        }
    }

    /// Before a transfer: an unplugged probe stays unplugged, a stalled endpoint is cleared, and the reader listens.
    fn ready(&mut self) -> Result<(), PipeError> {
        if self.gone {
            return Err(PipeError::Unplugged);
        }
        if let Some(endpoint) = self.halted.take() {
            let cleared = self.bus.clear_halt(endpoint);
            cleared.map_err(|error| self.failed(error, endpoint, Duration::ZERO))?;
        }
        if self.listening == Listening::Ahead && self.reader.is_none() {
            let (bus, endpoint) = (Arc::clone(&self.bus), self.shape.in_endpoint);
            let read = move |into: &mut [u8], timeout| bus.read(endpoint, into, timeout);
            self.reader =
                Some(Reader::start(LONGEST_ANSWER, read).map_err(|e| PipeError::Io(e.to_string()))?);
        }
        Ok(())
    }

    /// What an error means, and what has to be done about it later.
    fn failed(&mut self, error: rusb::Error, endpoint: u8, timeout: Duration) -> PipeError {
        match error {
            rusb::Error::Timeout => PipeError::Timeout(timeout),
            rusb::Error::Pipe => {
                // Endpoint 0 clears itself.
                self.halted = (endpoint & 0x7F != 0).then_some(endpoint);
                PipeError::Stall
            }
            rusb::Error::Overflow => PipeError::Overflow,
            // A device that is being pulled out shows transfer errors before the hub says that it is gone.
            error if error == rusb::Error::NoDevice || !self.bus.present() => {
                self.gone = true;
                PipeError::Unplugged
            }
            error => PipeError::Io(error.to_string()),
        }
    }

    /// An answer from the thread that listens ahead.
    fn fetch(&mut self, timeout: Duration) -> Result<Bytes, PipeError> {
        if let Some(answer) = self.ahead.take() {
            return Ok(answer);
        }
        let Some(reader) = &self.reader else { return Err(PipeError::Timeout(timeout)) };
        let error = match reader.next(timeout) {
            Received::Value(Ok(answer)) => return Ok(answer),
            Received::Nothing => return Err(PipeError::Timeout(timeout)),
            Received::Value(Err(error)) => error,
            Received::Ended => rusb::Error::Other,
        };
        // The thread has ended with its error; the next transfer starts another.
        self.reader = None;
        Err(self.failed(error, self.shape.in_endpoint, timeout))
    }

    /// An answer of unknown length. One that fills its last packet is over only when a slice is: nothing says so earlier.
    fn read_any(&mut self, timeout: Duration) -> Result<Bytes, PipeError> {
        let mut left = timeout;
        loop {
            let slice = left.min(UsbPatience::READ_SLICE);
            left -= slice;
            match self.read_now(LONGEST_ANSWER, slice) {
                Err(PipeError::Timeout(_)) if left.is_zero() => return Err(PipeError::Timeout(timeout)),
                Err(PipeError::Timeout(_)) => {}
                other => return other,
            }
        }
    }

    /// An answer of at most `length` bytes, asked for now.
    fn read_now(&mut self, length: usize, timeout: Duration) -> Result<Bytes, PipeError> {
        // Whole packets: a probe that sends more than was asked for is heard, not an overflow.
        let room = length.max(1).next_multiple_of(self.shape.max_packet.max(1));
        let mut answer = vec![0; room];
        let endpoint = self.shape.in_endpoint;
        let came = self.bus.read(endpoint, &mut answer, timeout);
        answer.truncate(came.map_err(|error| self.failed(error, endpoint, timeout))?);
        Ok(answer.into())
    }
}

impl<B: Bus> Pipe for BulkPipe<B> {
    fn shape(&self) -> &PipeShape {
        &self.shape
    }

    fn send(&mut self, packet: &Packet, timeout: Duration) -> Result<(), PipeError> {
        self.ready()?;
        let endpoint = self.shape.out_endpoint;
        match self.bus.write(endpoint, &packet.bytes, timeout) {
            Ok(went) if went == packet.bytes.len() => Ok(()),
            Ok(_) => Err(PipeError::Timeout(timeout)),
            Err(error) => Err(self.failed(error, endpoint, timeout)),
        }
    }

    fn recv(&mut self, timeout: Duration) -> Result<Bytes, PipeError> {
        self.ready()?;
        match self.listening {
            Listening::Ahead => self.fetch(timeout),
            Listening::OnDemand => self.read_any(timeout),
        }
    }

    fn recv_sized(&mut self, length: usize, timeout: Duration) -> Result<Bytes, PipeError> {
        self.ready()?;
        match self.listening {
            Listening::Ahead => self.fetch(timeout),
            Listening::OnDemand => self.read_now(length, timeout),
        }
    }

    fn pending(&mut self) -> bool {
        if self.ahead.is_none() && self.reader.is_some() {
            // What goes wrong here goes wrong again in the next transfer, which tells.
            self.ahead = self.fetch(Duration::ZERO).ok();
        }
        self.ahead.is_some()
    }

    fn control(&mut self, setup: Setup, data: &[u8], timeout: Duration) -> Result<Bytes, PipeError> {
        if self.gone {
            return Err(PipeError::Unplugged);
        }
        let answer = self.bus.control(setup, data, timeout);
        answer.map_err(|error| self.failed(error, 0, timeout))
    }

    fn reset(&mut self) -> Result<(), PipeError> {
        if self.gone {
            return Err(PipeError::Unplugged);
        }
        // Nothing may be under way while the device forgets everything.
        self.reader = None;
        self.ahead = None;
        self.halted = None;
        self.bus.reset().map_err(|error| match error {
            // It came back as another device: this handle is of no use any more.
            rusb::Error::NotFound => {
                self.gone = true;
                PipeError::Unplugged
            }
            error => self.failed(error, 0, Duration::ZERO),
        })
    }
}

impl<B: Bus> Drop for BulkPipe<B> {
    fn drop(&mut self) {
        self.reader = None;
        self.bus.release();
    }
}

#[cfg(test)]
mod tests;

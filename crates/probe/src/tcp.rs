//! CMSIS-DAP over TCP, framed as OpenOCD does it [USB-5].
//!
//! Each packet has a header of eight bytes: the signature `DAP\0`, the length as u16, a type (1 request, 2 response) and a
//! zero. There are no endpoints; the shape names such as a recording needs.

use bytes::{Buf, Bytes, BytesMut};
use pace::Clock;
use std::fmt;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;
use wire::{Packet, Pipe, PipeError, PipeShape, Setup, TransferKind};

/// The port where a server listens unless it is told otherwise.
pub const PORT: u16 = 4441;

const SIGNATURE: [u8; 4] = *b"DAP\0";
const HEADER: usize = 8;
const REQUEST: u8 = 1;
const RESPONSE: u8 = 2;
/// The packet size of the servers that exist; a probe tells its own in DAP_Info.
const PACKET: usize = 1024;
/// The shortest time that a socket takes as a patience; zero would mean forever.
const SHORTEST: Duration = Duration::from_micros(1);

/// A header and its packet.
fn frame(packet: &[u8]) -> Option<Vec<u8>> {
    let length = u16::try_from(packet.len()).ok()?;
    let mut frame = Vec::with_capacity(HEADER + packet.len());
    frame.extend(SIGNATURE);
    frame.extend(length.to_le_bytes());
    frame.extend([REQUEST, 0]);
    frame.extend(packet);
    Some(frame)
}

/// Takes the next response out of what arrived: `None` while it is not complete.
fn unframe(arrived: &mut BytesMut) -> Result<Option<Bytes>, String> {
    let Some(header) = arrived.first_chunk::<HEADER>() else { return Ok(None) };
    let [s0, s1, s2, s3, l0, l1, kind, _reserved] = *header;
    if [s0, s1, s2, s3] != SIGNATURE {
        return Err(format!("the server sent {header:02x?} where a header should be"));
    }
    if kind != RESPONSE {
        return Err(format!("the server sent a packet of type {kind} where a response should be"));
    }
    let length = usize::from(u16::from_le_bytes([l0, l1]));
    if arrived.len() < HEADER + length {
        return Ok(None);
    }
    arrived.advance(HEADER);
    Ok(Some(arrived.split_to(length).freeze()))
}

/// A pipe to a server.
pub struct TcpPipe {
    place: String,
    patience: Duration,
    clock: Arc<dyn Clock>,
    shape: PipeShape,
    /// `None` when the connection is lost or its framing is: only [`Pipe::reset`] helps then.
    stream: Option<TcpStream>,
    arrived: BytesMut,
}

impl fmt::Debug for TcpPipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TcpPipe").field("place", &self.place).finish_non_exhaustive()
    }
}

impl TcpPipe {
    /// Connects to `HOST:PORT`, or to `HOST` at the usual port. Each address of the host is given `patience`.
    ///
    /// # Errors
    /// [`PipeError::Timeout`] when nobody answers, [`PipeError::Io`] with the system's words otherwise.
    pub fn connect(place: &str, patience: Duration, clock: Arc<dyn Clock>) -> Result<Self, PipeError> {
        let place = with_port(place);
        let shape = PipeShape {
            kind: TransferKind::Bulk,
            out_endpoint: 0x01,
            in_endpoint: 0x81,
            report: None,
            max_packet: PACKET,
            product: format!("CMSIS-DAP at {place}"),
            serial: None,
            id: (0, 0),
        };
        let stream = Some(dial(&place, patience)?);
        Ok(TcpPipe { place, patience, clock, shape, stream, arrived: BytesMut::new() })
    }

    fn stream(&self) -> Result<&TcpStream, PipeError> {
        self.stream.as_ref().ok_or(PipeError::Unplugged)
    }

    /// After this nobody knows where the next header begins.
    fn lost(&mut self, error: PipeError) -> PipeError {
        if let Some(stream) = self.stream.take() {
            hang_up(&stream);
        }
        self.arrived.clear();
        error
    }

    fn failed(&mut self, error: &std::io::Error, timeout: Duration) -> PipeError {
        let meaning = meaning(error, timeout);
        if matches!(meaning, PipeError::Timeout(_)) { meaning } else { self.lost(meaning) }
    }

    /// Waits for more bytes.
    fn more(&mut self, left: Duration, timeout: Duration) -> Result<(), PipeError> {
        let mut buffer = [0; HEADER + PACKET];
        let mut stream = self.stream()?;
        let came = stream.set_read_timeout(Some(left.max(SHORTEST))).and_then(|()| stream.read(&mut buffer));
        match came {
            Ok(0) => Err(self.lost(PipeError::Unplugged)),
            Ok(length) => {
                self.arrived.extend(buffer.iter().take(length));
                Ok(())
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => Ok(()),
            Err(error) => Err(self.failed(&error, timeout)),
        }
    }
}

fn with_port(place: &str) -> String {
    // An address in brackets has colons of its own.
    let after_brackets = place.rsplit_once(']').map_or(place, |(_, rest)| rest);
    if after_brackets.contains(':') { place.to_owned() } else { format!("{place}:{PORT}") }
}

fn dial(place: &str, patience: Duration) -> Result<TcpStream, PipeError> {
    let mut last = PipeError::Io(format!("{place} has no address"));
    for address in place.to_socket_addrs().map_err(|e| PipeError::Io(format!("{place}: {e}")))? {
        match TcpStream::connect_timeout(&address, patience.max(SHORTEST)) {
            Ok(stream) => {
                // Packets are small and each waits for its answer.
                stream.set_nodelay(true).map_err(|e| PipeError::Io(e.to_string()))?;
                return Ok(stream);
            }
            Err(error) if is_timeout(&error) => last = PipeError::Timeout(patience),
            Err(error) => last = PipeError::Io(format!("{place}: {error}")),
        }
    }
    Err(last)
}

fn hang_up(stream: &TcpStream) {
    if let Err(error) = stream.shutdown(Shutdown::Both) {
        log::debug!("hanging up: {error}");
    }
}

fn is_timeout(error: &std::io::Error) -> bool {
    // Which of the two it is depends on the system.
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

fn meaning(error: &std::io::Error, timeout: Duration) -> PipeError {
    match error.kind() {
        _ if is_timeout(error) => PipeError::Timeout(timeout),
        ErrorKind::ConnectionReset
        | ErrorKind::ConnectionAborted
        | ErrorKind::BrokenPipe
        | ErrorKind::NotConnected
        | ErrorKind::UnexpectedEof => PipeError::Unplugged,
        _ => PipeError::Io(error.to_string()),
    }
}

impl Pipe for TcpPipe {
    fn shape(&self) -> &PipeShape {
        &self.shape
    }

    fn send(&mut self, packet: &Packet, timeout: Duration) -> Result<(), PipeError> {
        let frame = frame(&packet.bytes).ok_or(PipeError::Overflow)?;
        let mut stream = self.stream()?;
        let went =
            stream.set_write_timeout(Some(timeout.max(SHORTEST))).and_then(|()| stream.write_all(&frame));
        // Part of the frame may have gone, whatever went wrong.
        went.map_err(|error| self.lost(meaning(&error, timeout)))
    }

    fn recv(&mut self, timeout: Duration) -> Result<Bytes, PipeError> {
        let start = self.clock.now();
        let mut looked = false;
        loop {
            match unframe(&mut self.arrived) {
                Ok(Some(answer)) => return Ok(answer),
                Ok(None) => {}
                Err(what) => return Err(self.lost(PipeError::Io(what))),
            }
            let left = timeout.saturating_sub(self.clock.now().saturating_sub(start));
            if looked && left.is_zero() {
                return Err(PipeError::Timeout(timeout));
            }
            self.more(left, timeout)?;
            looked = true;
        }
    }

    /// There is no control endpoint.
    fn control(&mut self, _: Setup, _: &[u8], _: Duration) -> Result<Bytes, PipeError> {
        Err(PipeError::Io("a probe on TCP has no control endpoint".to_owned()))
    }

    /// Hangs up and connects again.
    fn reset(&mut self) -> Result<(), PipeError> {
        if let Some(stream) = self.stream.take() {
            hang_up(&stream);
        }
        self.arrived.clear();
        self.stream = Some(dial(&self.place, self.patience)?);
        Ok(())
    }
}

impl Drop for TcpPipe {
    fn drop(&mut self) {
        if let Some(stream) = &self.stream {
            hang_up(stream);
        }
    }
}

#[cfg(test)]
mod tests;

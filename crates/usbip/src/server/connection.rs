//! One connection: a thread that reads, a thread that writes.

use super::Event;
use super::listen::Stream;
use crate::codec::{CodecError, Command, Request};
use bytes::Bytes;
use std::io::{self, Read, Write};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread;

/// Answers that may wait for a host that does not read. One that reads needs a handful.
const OUTBOX: usize = 8192;

/// A connection as the server's thread sees it.
pub(super) struct Connection {
    stream: Stream,
    outbox: Option<SyncSender<Bytes>>,
    threads: Vec<thread::JoinHandle<()>>,
}

impl Connection {
    /// Starts both threads.
    pub(super) fn start<D: 'static>(
        id: u64,
        stream: Stream,
        post: SyncSender<Event<D>>,
    ) -> io::Result<Connection> {
        let (outbox, queue) = mpsc::sync_channel(OUTBOX);
        // Nothing is ever sent here: the thread that writes holds one end and drops it when all is written.
        let (writing, written) = mpsc::channel();
        let (mut input, output) = (stream.try_clone()?, stream.try_clone()?);
        let read = move || {
            if let Err(error) = read(id, &mut input, &post, &written) {
                log::warn!("connection {id}: {error}: disconnected");
            }
            let _stopped = post.send(Event::Ended { connection: id });
        };
        let write = move || {
            write(output, &queue);
            drop::<mpsc::Sender<()>>(writing);
        };
        let threads = vec![
            thread::Builder::new().name(format!("usbip-in-{id}")).spawn(read)?,
            thread::Builder::new().name(format!("usbip-out-{id}")).spawn(write)?,
        ];
        Ok(Connection { stream, outbox: Some(outbox), threads })
    }

    /// Queues a message; whether there was room.
    pub(super) fn send(&self, message: Bytes) -> bool {
        self.outbox.as_ref().is_some_and(|outbox| outbox.try_send(message).is_ok())
    }

    /// Lets what is queued leave, then closes.
    pub(super) fn finish(&mut self) {
        self.outbox = None;
    }

    /// Closes at once. The threads end by themselves: the one that reads may be about to post its last event, and the
    /// server, which is here, must take that first.
    pub(super) fn close(&mut self) {
        self.outbox = None;
        self.stream.shutdown();
    }

    /// Closes and waits for the threads. Only when nobody takes events any more.
    pub(super) fn join(mut self) {
        self.close();
        for thread in self.threads {
            if thread.join().is_err() {
                log::warn!("a thread of a connection ended badly");
            }
        }
    }
}

/// Why reading ended before the host closed the connection.
#[derive(Debug, thiserror::Error)]
enum ReadError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    Codec(#[from] CodecError),
}

/// One whole message; `None` when the host closed the connection before it.
fn message(
    input: &mut impl Read,
    header: usize,
    needed: fn(&[u8]) -> Result<usize, CodecError>,
) -> Result<Option<Bytes>, ReadError> {
    let mut bytes = Vec::with_capacity(header);
    let mut want = header;
    loop {
        let missing = want.saturating_sub(bytes.len());
        // Grows with what arrives, not with what a header claims.
        let got = input.by_ref().take(u64::try_from(missing).unwrap_or(0)).read_to_end(&mut bytes)?;
        if got < missing {
            let nothing = bytes.is_empty();
            return if nothing {
                Ok(None)
            } else {
                Err(CodecError::Truncated { missing: missing - got }.into())
            };
        }
        want = needed(&bytes)?;
        if bytes.len() >= want {
            return Ok(Some(bytes.into()));
        }
    }
}

/// Reads until the host closes the connection, breaks the protocol, or the server has ended.
fn read<D>(
    id: u64,
    input: &mut Stream,
    post: &SyncSender<Event<D>>,
    written: &Receiver<()>,
) -> Result<(), ReadError> {
    let Some(first) = message(input, Request::HEADER, Request::needed)? else { return Ok(()) };
    let request = Request::parse(&first)?;
    let (import, imported) = mpsc::sync_channel(1);
    if post.send(Event::Asked { connection: id, request, import }).is_err() {
        return Ok(());
    }
    if imported.recv() != Ok(true) {
        // The answer is the end, and must leave before the connection is closed.
        io::copy(input, &mut io::sink())?;
        let _dropped = written.recv();
        return Ok(());
    }
    while let Some(next) = message(input, Command::HEADER, Command::needed)? {
        let command = Command::parse(&next)?;
        if post.send(Event::Commanded { connection: id, command }).is_err() {
            break;
        }
    }
    Ok(())
}

/// Writes until the queue is closed or the host is gone, then closes the connection.
fn write(mut output: Stream, queue: &Receiver<Bytes>) {
    for message in queue {
        if output.write_all(&message).is_err() {
            break;
        }
    }
    output.shutdown();
}

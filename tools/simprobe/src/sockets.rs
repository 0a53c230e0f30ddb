//! A TCP front: one host at a time, messages in, answers out when the probe has them.

use crate::FrontError;
use crate::device::Offered;
use bytes::{Bytes, BytesMut};
use pace::{Clock, Received};
use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread;
use std::time::Duration;

/// Messages that may wait; a host that sends more waits itself.
const INBOX: usize = 64;
/// What is read at once.
const PIECE: usize = 64 << 10;

/// What reaches the thread that has the probe.
pub(crate) enum Event {
    /// Somebody connected.
    Connected(TcpStream),
    /// He sent this.
    Data(Bytes),
    /// He has gone.
    Gone,
    /// End.
    Stop,
}

/// The host sent what the protocol does not know: it is cut off.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Broken(pub(crate) String);

/// What is spoken over the socket. A call says when it is.
pub(crate) trait Protocol {
    /// A new host.
    fn begin(&mut self);
    /// Takes whole messages off the front of what arrived, as long as it can do something about them now.
    ///
    /// # Errors
    /// [`Broken`].
    fn take(&mut self, device: &mut Offered, arrived: &mut BytesMut, now: Duration) -> Result<(), Broken>;
    /// What is to be sent now.
    fn ready(&mut self, device: &mut Offered, now: Duration) -> BytesMut;
    /// When there will be something to do if the host does nothing.
    fn wake(&self, device: &Offered) -> Option<Duration>;
}

/// A socket at which hosts are waited for.
pub(crate) struct Listener {
    bound: SocketAddr,
    stopped: Arc<AtomicBool>,
    inbox: Receiver<Event>,
    post: SyncSender<Event>,
}

impl Listener {
    /// Listens.
    ///
    /// # Errors
    /// [`FrontError::Listen`].
    pub(crate) fn start(at: SocketAddr) -> Result<Listener, FrontError> {
        let wrong = |source| FrontError::Listen { address: at.to_string(), source };
        let socket = TcpListener::bind(at).map_err(wrong)?;
        let bound = socket.local_addr().map_err(wrong)?;
        if !bound.ip().is_loopback() {
            log::warn!("{bound} can be reached from other machines, and there is no authentication");
        }
        let (post, inbox) = mpsc::sync_channel(INBOX);
        let stopped = Arc::new(AtomicBool::new(false));
        let (to, flag) = (post.clone(), Arc::clone(&stopped));
        thread::spawn(move || while !flag.load(Ordering::SeqCst) && accept(&socket, &to).is_ok() {});
        Ok(Listener { bound, stopped, inbox, post })
    }

    /// Where.
    pub(crate) fn bound(&self) -> SocketAddr {
        self.bound
    }

    /// A way to end it.
    pub(crate) fn stopper(&self) -> SyncSender<Event> {
        self.post.clone()
    }

    /// Serves one host after the other until it is stopped.
    pub(crate) fn serve(self, device: &mut Offered, clock: &dyn Clock, protocol: &mut dyn Protocol) {
        let mut host: Option<TcpStream> = None;
        let mut arrived = BytesMut::new();
        loop {
            match self.next(protocol.wake(device), clock) {
                Some(Event::Stop) => {
                    // The thread that reads ends with it.
                    if let Some(stream) = host {
                        let _closed = stream.shutdown(Shutdown::Both);
                    }
                    return;
                }
                Some(Event::Connected(stream)) => {
                    log::info!("a host has connected");
                    host = Some(stream);
                    arrived.clear();
                    protocol.begin();
                }
                Some(Event::Data(data)) => arrived.extend_from_slice(&data),
                Some(Event::Gone) => {
                    log::info!("the host has gone");
                    host = None;
                    arrived.clear();
                    protocol.begin();
                }
                None => {}
            }
            let Some(stream) = &mut host else { continue };
            let taken = protocol.take(device, &mut arrived, clock.now());
            let answer = protocol.ready(device, clock.now());
            let sent = if answer.is_empty() { Ok(()) } else { stream.write_all(&answer) };
            if let Err(broken) = taken.and_then(|()| sent.map_err(|error| Broken(error.to_string()))) {
                log::warn!("the host is disconnected: {broken}");
                // The thread that reads sees the end and says so.
                let _closed = stream.shutdown(Shutdown::Both);
                host = None;
                protocol.begin();
            }
        }
    }

    /// The next event; `None` when it is time for something else.
    fn next(&self, wake: Option<Duration>, clock: &dyn Clock) -> Option<Event> {
        let Some(wake) = wake else { return Some(self.inbox.recv().unwrap_or(Event::Stop)) };
        match pace::receive(&self.inbox, wake.saturating_sub(clock.now())) {
            Received::Value(event) => Some(event),
            Received::Nothing => {
                clock.sleep_until(wake);
                None
            }
            Received::Ended => Some(Event::Stop),
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
        // A thread that waits for a connection wakes up when it gets one.
        let _woken = TcpStream::connect(self.bound);
    }
}

/// One host from beginning to end. An error ends the thread: nobody takes events any more, or the socket is broken.
fn accept(socket: &TcpListener, post: &SyncSender<Event>) -> Result<(), io::Error> {
    let (mut stream, _) = socket.accept()?;
    // Answers are small and somebody waits for each.
    stream.set_nodelay(true)?;
    let ended = |_| io::Error::from(io::ErrorKind::BrokenPipe);
    post.send(Event::Connected(stream.try_clone()?)).map_err(ended)?;
    let mut piece = vec![0; PIECE];
    loop {
        match stream.read(&mut piece) {
            Ok(0) => break,
            Ok(length) => {
                let data = piece.get(..length).map(Bytes::copy_from_slice).unwrap_or_default();
                post.send(Event::Data(data)).map_err(ended)?;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    post.send(Event::Gone).map_err(ended)
}

//! Ports behind sockets.

mod connection;
mod listen;
#[cfg(test)]
mod tests;

pub use listen::{Address, BadAddress};

use crate::codec::{BusId, Command, Refusal, Reply, Request};
use crate::{Description, DescriptionError, Port};
use bytes::Bytes;
use connection::Connection;
use listen::{Listener, Stream};
use pace::{Clock, Received};
use std::collections::BTreeMap;
use std::io;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::time::Duration;
use wire::UsbDevice;

/// What a device can be asked to do from outside, at the time named.
type Act<D> = Box<dyn FnOnce(&mut D, Duration) + Send>;

/// Messages that may wait for the server; whoever has one more waits himself.
const INBOX: usize = 256;
/// Most connections at a time.
const MAX_CONNECTIONS: usize = 64;
/// The bus on which all devices are.
const BUS: u8 = 1;

/// What reaches the thread that owns the devices.
enum Event<D> {
    /// Somebody connected.
    Connected(Stream),
    /// A connection asks for the handshake; the answer says whether transfers follow.
    Asked { connection: u64, request: Request, import: SyncSender<bool> },
    /// A connection that has a device sent a command.
    Commanded { connection: u64, command: Command },
    /// A connection has ended.
    Ended { connection: u64 },
    /// Do something to a device.
    Act { device: usize, act: Act<D> },
    /// End.
    Stop,
}

/// One exported device.
struct Export<D> {
    port: Port<D>,
    busid: BusId,
    devnum: u8,
    user: Option<u64>,
}

impl<D: UsbDevice> Export<D> {
    fn shown(&self) -> (crate::codec::Exported, Vec<crate::Class>) {
        self.port.exported(self.busid.clone(), u32::from(BUS), u32::from(self.devnum))
    }

    fn devid(&self) -> u32 {
        u32::from(BUS) << 16 | u32::from(self.devnum)
    }
}

/// A USB/IP server. The thread that calls [`Server::run`] owns the devices.
pub struct Server<D> {
    clock: Arc<dyn Clock>,
    exports: Vec<Export<D>>,
    connections: BTreeMap<u64, Connection>,
    next_connection: u64,
    listeners: Vec<Listener>,
    inbox: Receiver<Event<D>>,
    post: SyncSender<Event<D>>,
}

impl<D> std::fmt::Debug for Server<D> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<_> = self.exports.iter().map(|export| export.busid.as_str()).collect();
        f.debug_struct("Server").field("exports", &names).finish_non_exhaustive()
    }
}

/// A way to reach a running server from other threads.
pub struct Handle<D> {
    post: SyncSender<Event<D>>,
}

impl<D> Clone for Handle<D> {
    fn clone(&self) -> Self {
        Handle { post: self.post.clone() }
    }
}

impl<D> std::fmt::Debug for Handle<D> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handle").finish_non_exhaustive()
    }
}

impl<D> Handle<D> {
    /// Ends the server: connections are closed and [`Server::run`] returns. Harmless when it has ended.
    pub fn stop(&self) {
        let _ended = self.post.send(Event::Stop);
    }

    /// Does something to a device (by its place in the order of exports) on the server's thread: unplug it, press a
    /// button. Harmless when the server has ended or there is no such device.
    pub fn with(&self, device: usize, act: impl FnOnce(&mut D, Duration) + Send + 'static) {
        let _ended = self.post.send(Event::Act { device, act: Box::new(act) });
    }
}

impl<D: UsbDevice + 'static> Server<D> {
    /// A server without devices, on this clock. On a virtual clock it jumps ahead whenever it has nothing else to do.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Server<D> {
        let (post, inbox) = mpsc::sync_channel(INBOX);
        Server {
            clock,
            exports: Vec::new(),
            connections: BTreeMap::new(),
            next_connection: 0,
            listeners: Vec::new(),
            inbox,
            post,
        }
    }

    /// Exports a device and says under which name: `1-1` for the first, `1-2` for the second.
    ///
    /// # Errors
    /// [`DescriptionError`]: no host would take it, or there are 127 devices on the bus.
    pub fn export(&mut self, device: D, about: Description) -> Result<BusId, DescriptionError> {
        let number = u8::try_from(self.exports.len() + 1).ok().filter(|n| *n < 127);
        let number = number.ok_or(DescriptionError::BusFull)?;
        let busid = BusId::numbered(BUS, number);
        // Device 1 of a bus is its root hub.
        let export =
            Export { port: Port::new(device, about)?, busid: busid.clone(), devnum: number + 1, user: None };
        self.exports.push(export);
        Ok(busid)
    }

    /// Listens at an address and returns the one that was bound (the port number may have been left to the system).
    ///
    /// # Errors
    /// What the system says, such as "address in use".
    pub fn listen(&mut self, address: &Address) -> io::Result<Address> {
        let post = self.post.clone();
        let listener = Listener::start(address, move |stream| post.send(Event::Connected(stream)).is_ok())?;
        let bound = listener.bound().clone();
        self.listeners.push(listener);
        Ok(bound)
    }

    /// Serves a connection that exists already, such as one end of a socket pair.
    pub fn serve(&mut self, stream: UnixStream) {
        self.connect(Stream::Unix(stream));
    }

    /// A way to reach the server while it runs.
    #[must_use]
    pub fn handle(&self) -> Handle<D> {
        Handle { post: self.post.clone() }
    }

    /// Serves until [`Handle::stop`], then closes everything and gives the devices back, in the order of their exports.
    pub fn run(mut self) -> Vec<D> {
        while let Some(event) = self.next_event() {
            match event {
                Some(Event::Stop) => break,
                Some(event) => self.handle_event(event),
                None => {}
            }
            self.advance();
        }
        let Server { exports, connections, listeners, inbox, post, .. } = self;
        // Whoever is about to send an event must learn first that nobody takes it any more.
        drop((inbox, post));
        listeners.into_iter().for_each(Listener::stop);
        connections.into_values().for_each(Connection::join);
        exports.into_iter().map(|export| export.port.into_device()).collect()
    }

    /// The next event; `Some(None)` when a device is ready first, `None` at the end.
    fn next_event(&mut self) -> Option<Option<Event<D>>> {
        let wake = self.exports.iter().filter(|e| e.user.is_some()).filter_map(|e| e.port.wake()).min();
        let Some(wake) = wake else { return self.inbox.recv().ok().map(Some) };
        let patience = match self.clock.is_virtual() {
            true => Duration::ZERO,
            false => wake.saturating_sub(self.clock.now()),
        };
        match pace::receive(&self.inbox, patience) {
            Received::Value(event) => Some(Some(event)),
            Received::Nothing => {
                self.clock.sleep_until(wake);
                Some(None)
            }
            Received::Ended => None,
        }
    }

    fn handle_event(&mut self, event: Event<D>) {
        match event {
            Event::Connected(stream) => self.connect(stream),
            Event::Asked { connection, request, import } => {
                let imported = self.answer(connection, request);
                // The reader may have gone; then its end is in the inbox.
                let _gone = import.send(imported);
            }
            Event::Commanded { connection, command } => self.command(connection, command),
            Event::Ended { connection } => self.end(connection),
            Event::Act { device, act } => {
                let now = self.clock.now();
                if let Some(export) = self.exports.get_mut(device) {
                    act(export.port.device_mut(), now);
                }
            }
            Event::Stop => {}
        }
    }

    fn connect(&mut self, stream: Stream) {
        if self.connections.len() >= MAX_CONNECTIONS {
            log::warn!("a connection is refused: there are {MAX_CONNECTIONS} already");
            return;
        }
        let id = self.next_connection;
        self.next_connection += 1;
        match Connection::start(id, stream, self.post.clone()) {
            Ok(connection) => {
                self.connections.insert(id, connection);
            }
            Err(error) => log::warn!("a connection could not be served: {error}"),
        }
    }

    /// Answers a request of the handshake; whether the connection has a device from now on.
    fn answer(&mut self, connection: u64, request: Request) -> bool {
        let reply = match request {
            Request::DevList => {
                let now = self.clock.now();
                let there = self.exports.iter().filter(|export| export.port.plugged(now));
                Reply::DevList(there.map(Export::shown).collect())
            }
            Request::Import(busid) => Reply::Import(self.import(connection, &busid)),
        };
        self.send(connection, reply.to_bytes());
        match reply {
            Reply::Import(Ok(_)) => true,
            // The list ends with the connection, and a refused host has nothing more to say.
            Reply::Import(Err(_)) | Reply::DevList(_) => {
                self.finish(connection);
                false
            }
        }
    }

    fn import(&mut self, connection: u64, busid: &BusId) -> Result<crate::codec::Exported, Refusal> {
        let now = self.clock.now();
        let export = self.exports.iter_mut().find(|export| export.busid == *busid);
        let export = export.filter(|export| export.port.plugged(now)).ok_or(Refusal::NoDevice)?;
        if export.user.is_some() {
            return Err(Refusal::Busy);
        }
        export.user = Some(connection);
        export.port.attach(now);
        log::info!("{busid} is attached");
        Ok(export.shown().0)
    }

    fn command(&mut self, connection: u64, command: Command) {
        let now = self.clock.now();
        let devid = match &command {
            Command::Submit(submit) => submit.devid,
            Command::Unlink { devid, .. } => *devid,
        };
        let export = self.exports.iter_mut().find(|export| export.user == Some(connection));
        let Some(export) = export else { return };
        if devid != export.devid() {
            log::warn!("{}: a command for device {devid:#010x} came: disconnected", export.busid);
            return self.end(connection);
        }
        if let Err(error) = export.port.command(command, now) {
            log::warn!("{}: {error}: disconnected", export.busid);
            self.end(connection);
        }
    }

    /// Sends what has been done by now, and lets go of hosts whose device is gone.
    fn advance(&mut self) {
        let now = self.clock.now();
        let mut ends = Vec::new();
        for export in &mut self.exports {
            let Some(user) = export.user else { continue };
            let connection = self.connections.get(&user);
            for done in export.port.advance(now) {
                if !connection.is_some_and(|connection| connection.send(done.to_bytes())) {
                    log::warn!("{}: the host does not take its answers: disconnected", export.busid);
                    ends.push((user, false));
                    break;
                }
            }
            if !export.port.plugged(now) {
                ends.push((user, true));
            }
        }
        for (connection, politely) in ends {
            self.release(connection);
            if politely { self.finish(connection) } else { self.end(connection) }
        }
    }

    fn send(&mut self, connection: u64, message: Bytes) {
        if let Some(connection) = self.connections.get(&connection) {
            connection.send(message);
        }
    }

    /// The device that a connection had is free again.
    fn release(&mut self, connection: u64) {
        let now = self.clock.now();
        for export in self.exports.iter_mut().filter(|export| export.user == Some(connection)) {
            export.user = None;
            export.port.detach(now);
            log::info!("{} is detached", export.busid);
        }
    }

    /// Closes a connection after what was sent to it has left.
    fn finish(&mut self, connection: u64) {
        if let Some(connection) = self.connections.get_mut(&connection) {
            connection.finish();
        }
    }

    /// Closes a connection at once.
    fn end(&mut self, connection: u64) {
        self.release(connection);
        if let Some(mut connection) = self.connections.remove(&connection) {
            connection.close();
        }
    }
}

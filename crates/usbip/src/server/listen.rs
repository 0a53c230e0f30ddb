//! Where a server can be reached.

use std::fmt;
use std::fs;
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// The port that USB/IP has by convention.
const PORT: u16 = 3240;

/// A place to listen. The default is the local machine, port 3240.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// TCP. Whoever reaches an address that is not loopback owns the devices: there is no authentication.
    Tcp(SocketAddr),
    /// A socket in the file system.
    Unix(PathBuf),
}

impl Default for Address {
    fn default() -> Self {
        Address::Tcp(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), PORT))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Tcp(at) => write!(f, "{at}"),
            Address::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// A text that names no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no address: PORT, IP, IP:PORT or unix:PATH")]
pub struct BadAddress(String);

impl FromStr for Address {
    type Err = BadAddress;

    /// `PORT` (loopback), `IP`, `IP:PORT` or `unix:PATH`. Names are not looked up.
    fn from_str(text: &str) -> Result<Address, BadAddress> {
        if let Some(path) = text.strip_prefix("unix:").filter(|path| !path.is_empty()) {
            return Ok(Address::Unix(path.into()));
        }
        let local = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let port = text.parse::<u16>().map(|port| SocketAddr::new(local, port)).ok();
        let ip = text.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, PORT)).ok();
        let both = text.parse::<SocketAddr>().ok();
        port.or(ip).or(both).map(Address::Tcp).ok_or_else(|| BadAddress(text.to_owned()))
    }
}

/// A connection of either kind.
#[derive(Debug)]
pub(super) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Stream {
    pub(super) fn try_clone(&self) -> io::Result<Stream> {
        match self {
            Stream::Tcp(stream) => stream.try_clone().map(Stream::Tcp),
            Stream::Unix(stream) => stream.try_clone().map(Stream::Unix),
        }
    }

    /// Closes both directions, for all clones. Harmless when closed.
    pub(super) fn shutdown(&self) {
        let _closed = match self {
            Stream::Tcp(stream) => stream.shutdown(Shutdown::Both),
            Stream::Unix(stream) => stream.shutdown(Shutdown::Both),
        };
    }
}

impl Read for Stream {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Tcp(stream) => stream.read(buf),
            Stream::Unix(stream) => stream.read(buf),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        match self {
            Stream::Tcp(stream) => stream.write(buf),
            Stream::Unix(stream) => stream.write(buf),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A bound socket of either kind.
enum Socket {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Socket {
    fn bind(address: &Address) -> io::Result<(Socket, Address)> {
        match address {
            Address::Tcp(at) => {
                if !at.ip().is_loopback() {
                    log::warn!("{at} can be reached from other machines, and there is no authentication");
                }
                let listener = TcpListener::bind(at)?;
                let bound = Address::Tcp(listener.local_addr()?);
                Ok((Socket::Tcp(listener), bound))
            }
            Address::Unix(path) => {
                remove_stale(path)?;
                Ok((Socket::Unix(UnixListener::bind(path)?), address.clone()))
            }
        }
    }

    fn accept(&self) -> io::Result<Stream> {
        match self {
            Socket::Tcp(listener) => {
                let (stream, _) = listener.accept()?;
                // Answers are small and somebody waits for each.
                stream.set_nodelay(true)?;
                Ok(Stream::Tcp(stream))
            }
            Socket::Unix(listener) => listener.accept().map(|(stream, _)| Stream::Unix(stream)),
        }
    }
}

/// Removes a socket at which nobody listens any more; anything else stays.
fn remove_stale(path: &PathBuf) -> io::Result<()> {
    let is_socket = fs::symlink_metadata(path).is_ok_and(|meta| meta.file_type().is_socket());
    if is_socket && UnixStream::connect(path).is_err() { fs::remove_file(path) } else { Ok(()) }
}

/// A thread that accepts connections.
pub(super) struct Listener {
    bound: Address,
    stopped: Arc<AtomicBool>,
    thread: thread::JoinHandle<()>,
}

impl Listener {
    /// Binds, then gives every connection to `take` until that says no.
    pub(super) fn start(
        address: &Address,
        take: impl Fn(Stream) -> bool + Send + 'static,
    ) -> io::Result<Listener> {
        let (socket, bound) = Socket::bind(address)?;
        let stopped = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&stopped);
        let accept = move || {
            while let Some(stream) = next(&socket, &flag) {
                if !take(stream) {
                    break;
                }
            }
        };
        let thread = thread::Builder::new().name("usbip-listen".to_owned()).spawn(accept)?;
        Ok(Listener { bound, stopped, thread })
    }

    pub(super) fn bound(&self) -> &Address {
        &self.bound
    }

    /// Ends the thread and removes its socket from the file system.
    pub(super) fn stop(self) {
        self.stopped.store(true, Ordering::SeqCst);
        // A thread that waits for a connection wakes up when it gets one.
        let woken = match &self.bound {
            Address::Tcp(at) => TcpStream::connect(at).is_ok(),
            Address::Unix(path) => UnixStream::connect(path).is_ok(),
        };
        if woken && self.thread.join().is_err() {
            log::warn!("the listener at {} ended badly", self.bound);
        }
        if let Address::Unix(path) = &self.bound {
            let _gone = fs::remove_file(path);
        }
    }
}

/// The next connection; `None` when the listener is stopped or its socket broken.
fn next(socket: &Socket, stopped: &AtomicBool) -> Option<Stream> {
    loop {
        let accepted = socket.accept();
        if stopped.load(Ordering::SeqCst) {
            return None;
        }
        match accepted {
            Ok(stream) => return Some(stream),
            // The host went away between asking and being accepted.
            Err(error)
                if matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::Interrupted) => {}
            Err(error) => {
                log::warn!("no more connections are accepted: {error}");
                return None;
            }
        }
    }
}

//! Hands a device to vhci_hcd, the USB host controller of Linux whose devices are sockets.
//!
//! The end of a socket pair is imported as a USB/IP host imports it, then given to the kernel, which speaks the protocol
//! from there on.

use std::fs;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use usbip::Speed;
use usbip::codec::{BusId, CodecError, Exported, Refusal, Reply, Request};

/// Where the controller's attributes are.
const CONTROLLER: &str = "/sys/devices/platform/vhci_hcd.0";
/// How `status` shows a port at which nothing is.
const FREE: &str = "004";

/// Why a device could not be handed over.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AttachError {
    #[error("there is no {CONTROLLER}: load the module first (modprobe vhci_hcd)")]
    NoController,
    #[error("{} cannot be used ({source}): this needs root", path.display())]
    Permission { path: PathBuf, source: io::Error },
    #[error("{}: {source}", path.display())]
    Attribute { path: PathBuf, source: io::Error },
    #[error("every port of vhci_hcd is taken (`usbip port` shows by whom)")]
    NoFreePort,
    #[error("the device could not be imported: {0}")]
    Socket(#[from] io::Error),
    #[error("the device could not be imported: {0}")]
    Codec(#[from] CodecError),
    #[error("the device was refused: {0:?}")]
    Refused(Refusal),
    #[error("the server answered something else than an import")]
    NoImport,
}

/// A device that the kernel has.
#[derive(Debug)]
pub(crate) struct Attached {
    port: u32,
}

impl Attached {
    /// The controller's port.
    pub(crate) fn port(&self) -> u32 {
        self.port
    }

    /// Takes it away again. The kernel may have done so already.
    pub(crate) fn detach(self) {
        if let Err(error) = write("detach", &self.port.to_string()) {
            log::info!("port {} was already free: {error}", self.port);
        }
    }
}

/// Two ends of a connection.
///
/// # Errors
/// [`AttachError::NoController`], so that nothing is begun where it cannot work; [`AttachError::Socket`].
pub(crate) fn pair() -> Result<(UnixStream, UnixStream), AttachError> {
    if !Path::new(CONTROLLER).exists() {
        return Err(AttachError::NoController);
    }
    Ok(UnixStream::pair()?)
}

/// Imports the device over this end, and gives the end to the kernel.
///
/// # Errors
/// [`AttachError`].
pub(crate) fn attach(mut socket: UnixStream, busid: &BusId) -> Result<Attached, AttachError> {
    let exported = import(&mut socket, busid)?;
    let speed = exported.known_speed().unwrap_or(Speed::Full);
    for port in free_ports(&statuses()?) {
        let line = format!("{port} {} {} {}", socket.as_raw_fd(), exported.devid(), speed.number());
        match write("attach", &line) {
            Ok(()) => return Ok(Attached { port }),
            // Somebody else was quicker.
            Err(error) if error.kind() == ErrorKind::ResourceBusy => {}
            Err(source) => return Err(refused("attach", source)),
        }
    }
    Err(AttachError::NoFreePort)
}

fn import(socket: &mut UnixStream, busid: &BusId) -> Result<Exported, AttachError> {
    socket.write_all(&Request::Import(busid.clone()).to_bytes())?;
    let mut message = vec![0; Reply::HEADER];
    socket.read_exact(&mut message)?;
    let mut rest = vec![0; Reply::needed_for_import(&message)?.saturating_sub(message.len())];
    socket.read_exact(&mut rest)?;
    message.extend(rest);
    match Reply::parse(&message)? {
        Reply::Import(Ok(exported)) => Ok(exported),
        Reply::Import(Err(refusal)) => Err(AttachError::Refused(refusal)),
        Reply::DevList(_) => Err(AttachError::NoImport),
    }
}

/// What the controllers say about their ports: `status`, then `status.1` and so on while there are any.
fn statuses() -> Result<String, AttachError> {
    let mut all = read("status").map_err(|source| refused("status", source))?;
    for number in 1.. {
        match read(&format!("status.{number}")) {
            Ok(more) => all.push_str(&more),
            Err(_) => break,
        }
    }
    Ok(all)
}

/// The free ports for devices up to high speed. A line is `hub port status speed device socket busid`.
fn free_ports(statuses: &str) -> Vec<u32> {
    let port = |line: &str| {
        let mut words = line.split_whitespace();
        let (hub, port, status) = (words.next()?, words.next()?, words.next()?);
        (hub == "hs" && status == FREE).then(|| port.parse().ok()).flatten()
    };
    statuses.lines().filter_map(port).collect()
}

fn path(attribute: &str) -> PathBuf {
    Path::new(CONTROLLER).join(attribute)
}

fn read(attribute: &str) -> io::Result<String> {
    fs::read_to_string(path(attribute))
}

/// One write, as the kernel wants it.
fn write(attribute: &str, text: &str) -> io::Result<()> {
    fs::OpenOptions::new().write(true).open(path(attribute))?.write_all(text.as_bytes())
}

fn refused(attribute: &str, source: io::Error) -> AttachError {
    let path = path(attribute);
    match source.kind() {
        ErrorKind::PermissionDenied => AttachError::Permission { path, source },
        _ => AttachError::Attribute { path, source },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_ports_for_high_speed_are_found_in_what_the_kernel_prints() {
        let text = "hub port sta spd dev      sockfd local_busid\n\
                    hs  0000 006 003 00010002 000003 1-1\n\
                    hs  0001 004 000 00000000 000000 0-0\n\
                    ss  0008 004 000 00000000 000000 0-0\n\
                    hs  0016 004 000 00000000 000000 0-0\n\
                    hs";
        assert_eq!(free_ports(text), [1, 16]);
    }

    #[test]
    fn a_device_is_imported_over_a_socket() {
        use sim::SimProbe;
        use std::sync::Arc;
        use usbip::{Description, Server};
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let probe = SimProbe::open("h563,profile=fs").unwrap();
        let about = Description::cmsis_dap(&probe);
        let mut server = Server::new(Arc::new(pace::RealClock::start()));
        let busid = server.export(probe, about).unwrap();
        server.serve(ours);
        let handle = server.handle();
        let exported = std::thread::scope(|scope| {
            let importing = scope.spawn(|| {
                let exported = import(&mut theirs, &busid);
                handle.stop();
                exported
            });
            server.run();
            importing.join().unwrap().unwrap()
        });
        assert_eq!(exported.devid(), 0x0001_0002);
        assert_eq!(exported.known_speed(), Some(Speed::Full));
    }
}

//! Which front, when it is ready, when it ends.

use crate::bitbang::Bitbang;
use crate::cli::Cli;
use crate::dap_tcp::DapTcp;
use crate::device::Offered;
use crate::sockets::{Event, Listener, Protocol};
use crate::stlink_tcp::StLinkTcp;
use crate::{Failure, usb};
use pace::{Clock, Received};
use std::io::Write;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::thread;
use std::time::Duration;
use wire::UsbDevice as _;

/// Serves until something comes from `stop`, and gives the device back.
///
/// # Errors
/// [`Failure`].
pub(crate) fn serve(
    cli: &Cli,
    mut device: Offered,
    clock: &Arc<dyn Clock>,
    out: &mut (dyn Write + Send),
    stop: Receiver<()>,
) -> Result<Offered, Failure> {
    let front = &cli.front;
    let (name, at, mut protocol): (_, _, Box<dyn Protocol>) =
        match (front.dap_tcp, front.stlink_tcp, front.bitbang) {
            (Some(at), _, _) => ("dap-tcp", at, Box::new(DapTcp::default())),
            (_, Some(at), _) => ("stlink-tcp", at, Box::new(StLinkTcp::new())),
            (_, _, Some(at)) => ("bitbang", at, Box::new(Bitbang::default())),
            (None, None, None) => return usb::serve(cli, device, Arc::clone(clock), out, stop),
        };
    let listener = Listener::start(at)?;
    ready(out, name, &listener.bound().to_string(), "-", &device.identity().serial)?;
    let post = listener.stopper();
    when_stopped(stop, cli.span, move || {
        // It may have ended by itself.
        let _ended = post.send(Event::Stop);
    });
    listener.serve(&mut device, &**clock, &mut *protocol);
    Ok(device)
}

/// Whether this front is one of this probe's.
///
/// # Errors
/// [`Failure::OtherProbe`].
pub(crate) fn check(cli: &Cli) -> Result<(), Failure> {
    let (front, needed) = match (cli.front.dap_tcp, cli.front.stlink_tcp, cli.probe.is_st_link()) {
        (Some(_), _, true) => ("dap-tcp", "CMSIS-DAP probes"),
        (_, Some(_), false) => ("stlink-tcp", "ST-Links"),
        _ => return Ok(()),
    };
    Err(Failure::OtherProbe { front, needed, probe: cli.probe.word() })
}

/// The one line that says that the probe can be used.
pub(crate) fn ready(
    out: &mut (dyn Write + Send),
    front: &str,
    address: &str,
    busid: &str,
    serial: &str,
) -> Result<(), Failure> {
    let line = writeln!(out, "ready {front} {address} {busid} {serial}");
    line.and_then(|()| out.flush()).map_err(Failure::Output)
}

/// Does `end` when something comes from `stop`, its other end is dropped, or the time is over. Nobody waits for the thread:
/// it may outlive the front, and `end` does nothing then.
pub(crate) fn when_stopped(stop: Receiver<()>, span: Option<Duration>, end: impl FnOnce() + Send + 'static) {
    thread::spawn(move || {
        let received = match span {
            Some(span) => pace::receive(&stop, span),
            None => stop.recv().map_or(Received::Ended, Received::Value),
        };
        log::debug!("ending: {received:?}");
        end();
    });
}

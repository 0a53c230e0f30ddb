//! The probe as a USB device: a USB/IP server, or a device of this machine.

use crate::attach::{self, Attached};
use crate::cli::Cli;
use crate::device::Offered;
use crate::{Failure, FrontError};
use pace::{Clock, Received};
use std::io::Write;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;
use usbip::codec::BusId;
use usbip::{Address, Handle, Server};
use wire::UsbDevice as _;

/// The port of vhci_hcd that was taken, while it is.
type Port = Arc<Mutex<Option<Attached>>>;

/// Serves until something comes from `stop`, and gives the device back.
///
/// # Errors
/// [`Failure::Front`] and [`Failure::Output`].
pub(crate) fn serve(
    cli: &Cli,
    device: Offered,
    clock: Arc<dyn Clock>,
    out: &mut (dyn Write + Send),
    stop: Receiver<()>,
) -> Result<Offered, Failure> {
    let serial = device.identity().serial;
    let about = device.description();
    let mut server = Server::new(clock);
    let busid = server.export(device, about).map_err(FrontError::from)?;
    let port = Port::default();
    let devices = match &cli.front.usbip {
        Some(address) => {
            let bound = listen(&mut server, address)?;
            ready(out, "usbip", &bound.to_string(), &busid, &serial)?;
            wait_for_stop(stop, cli.span, Arc::clone(&port), server.handle());
            server.run()
        }
        None => {
            let (ours, theirs) = attach::pair()?;
            server.serve(ours);
            let handle = server.handle();
            wait_for_stop(stop, cli.span, Arc::clone(&port), server.handle());
            // The host asks for the device while the server runs here.
            let (attached, devices) = thread::scope(|scope| {
                let attaching = scope.spawn(|| {
                    let done =
                        attach::attach(theirs, &busid).map_err(FrontError::from).map_err(Failure::from);
                    let done = done.and_then(|attached| {
                        let address = format!("vhci:{}", attached.port());
                        *port.lock().unwrap_or_else(PoisonError::into_inner) = Some(attached);
                        ready(out, "attach", &address, &busid, &serial)
                    });
                    if done.is_err() {
                        detach(&port);
                        handle.stop();
                    }
                    done
                });
                let devices = server.run();
                (attaching.join(), devices)
            });
            attached.unwrap_or(Ok(()))?;
            devices
        }
    };
    // One device was exported, so one comes back.
    devices.into_iter().next().ok_or(Failure::Front(FrontError::Lost))
}

fn listen(server: &mut Server<Offered>, address: &Address) -> Result<Address, FrontError> {
    let wrong = |source| FrontError::Listen { address: address.to_string(), source };
    server.listen(address).map_err(wrong)
}

/// The one line that says that the probe can be used.
pub(crate) fn ready(
    out: &mut (dyn Write + Send),
    front: &str,
    address: &str,
    busid: &BusId,
    serial: &str,
) -> Result<(), Failure> {
    let line = writeln!(out, "ready {front} {address} {} {serial}", busid.as_str());
    line.and_then(|()| out.flush()).map_err(Failure::Output)
}

/// Ends the server when something comes from `stop`, its other end is dropped, or the time is over. Nobody waits for the
/// thread: it may outlive the server, and does nothing then.
fn wait_for_stop(stop: Receiver<()>, span: Option<Duration>, port: Port, server: Handle<Offered>) {
    thread::spawn(move || {
        let received = match span {
            Some(span) => pace::receive(&stop, span),
            None => stop.recv().map_or(Received::Ended, Received::Value),
        };
        log::debug!("ending: {received:?}");
        detach(&port);
        server.stop();
    });
}

/// Takes the device away from the host, if a host of this machine has it.
fn detach(port: &Port) {
    if let Some(attached) = port.lock().unwrap_or_else(PoisonError::into_inner).take() {
        attached.detach();
    }
}

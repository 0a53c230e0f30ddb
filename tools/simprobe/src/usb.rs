//! The probe as a USB device: a USB/IP server, or a device of this machine.

use crate::attach::{self, Attached};
use crate::cli::Cli;
use crate::device::Offered;
use crate::front::{ready, when_stopped};
use crate::{Failure, FrontError};
use pace::Clock;
use std::io::Write;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use usbip::{Address, Server};
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
            ready(out, "usbip", &bound.to_string(), busid.as_str(), &serial)?;
            let handle = server.handle();
            when_stopped(stop, cli.span, move || handle.stop());
            server.run()
        }
        None => {
            let (ours, theirs) = attach::pair()?;
            server.serve(ours);
            let handle = server.handle();
            let (ends, taken) = (server.handle(), Arc::clone(&port));
            when_stopped(stop, cli.span, move || {
                detach(&taken);
                ends.stop();
            });
            // The host asks for the device while the server runs here.
            let (attached, devices) = thread::scope(|scope| {
                let attaching = scope.spawn(|| {
                    let done =
                        attach::attach(theirs, &busid).map_err(FrontError::from).map_err(Failure::from);
                    let done = done.and_then(|attached| {
                        let address = format!("vhci:{}", attached.port());
                        *port.lock().unwrap_or_else(PoisonError::into_inner) = Some(attached);
                        ready(out, "attach", &address, busid.as_str(), &serial)
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

/// Takes the device away from the host, if a host of this machine has it.
fn detach(port: &Port) {
    if let Some(attached) = port.lock().unwrap_or_else(PoisonError::into_inner).take() {
        attached.detach();
    }
}

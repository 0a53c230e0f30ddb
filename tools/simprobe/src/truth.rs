//! Everything that was on the wire, as files.

use crate::Failure;
use crate::cli::Truth;
use crate::device::Offered;
use crate::vcd::vcd;
use std::fs;
use wire::UsbDevice as _;

/// Writes one of them.
///
/// # Errors
/// [`Failure::File`].
pub(crate) fn write(truth: &Truth, device: &Offered) -> Result<(), Failure> {
    let probe = device.probe();
    let (path, bytes) = match truth {
        Truth::Vcd(path) => (path, vcd(probe.pin_runs(), probe.truth()).into_bytes()),
        Truth::Pcapng(path) => {
            let identity = device.identity();
            let about = format!("{}, {}", identity.product, identity.serial);
            (path, trace::truth(&about, probe.truth()))
        }
    };
    fs::write(path, bytes).map_err(|source| Failure::File { path: path.clone(), source })
}

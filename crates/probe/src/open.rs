//! From a pipe to the link that speaks its probe's protocol.

use crate::cmsis_dap::DapLink;
use crate::stlink::StLink;
use ::stlink::device::{self, VID};
use pace::{Clock, UsbPatience};
use std::sync::Arc;
use wire::{Link, LinkError, Pipe};

/// Opens a probe over `pipe`: an ST-Link where the pipe's product number is one of ST's [STL-15], CMSIS-DAP otherwise.
///
/// # Errors
/// As [`DapLink::open`] and [`StLink::open`].
pub fn link(
    pipe: Box<dyn Pipe>,
    usb: &UsbPatience,
    clock: Arc<dyn Clock>,
) -> Result<Box<dyn Link>, LinkError> {
    let (vid, pid) = pipe.shape().id;
    if vid == VID && device::device(pid).is_some() {
        return Ok(Box::new(StLink::open(pipe, usb, clock)?));
    }
    Ok(Box::new(DapLink::open(pipe, usb, clock)?))
}

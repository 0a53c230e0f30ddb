//! `DapLink`: a [`Link`](wire::Link) over a CMSIS-DAP probe.
//!
//! **Packet sizes.** A HID packet is padded to a full report. A bulk packet ends when a USB packet is not full, so one that
//! fills its last USB packet would have to be followed by an empty one. Two rules make that unnecessary in both directions
//! [DAP-8]: plans leave one byte of the probe's packet size free, and a packet that happens to be a multiple of the
//! endpoint's size gets one byte of padding, which the probe ignores because it parses by command. An empty answer (some
//! firmware sends one behind a full answer) is skipped.
//!
//! **Falling out of step.** When an answer stays away or is not an answer to what was asked, the pipe's order is no longer
//! known. The call fails, and the next call first gets back into step: it ends whatever still runs, listens until nothing
//! comes, and asks a harmless question whose answer must come behind all older ones. So a late answer is never taken for
//! that of another packet. An answer that nobody asked for is noticed when it lies there before a packet is sent, when its
//! command, count or length fits no question, and before anything is sent again because an answer told less than was
//! asked for. What is not noticed: an answer that comes twice, for as long as only questions of the very same shape follow
//! without a pause; the protocol has no number by which they could be told apart [DAP-21].
//!
//! **Firmware that differs** is a table: `quirks`.

mod info;
mod link;
mod packets;
mod quirks;
mod transfer;

#[cfg(test)]
mod tests;

pub use info::DapInfo;

use ::cmsis_dap::{DebugPort, Led, PackLimits, Request, Response};
use pace::{Clock, UsbPatience};
use packets::Packets;
use quirks::Quirks;
use std::fmt;
use std::sync::Arc;
use wire::{Hz, LinkError, Pipe};

/// A CMSIS-DAP probe, connected as SWD.
pub struct DapLink<P> {
    packets: Packets<P>,
    info: DapInfo,
    limits: PackLimits,
    quirks: Quirks,
    in_flight: usize,
    /// What was asked for last.
    clock: Option<Hz>,
    /// What the firmware was told last: DAP_TRANSFER_CONFIGURE and DAP_SWD_CONFIGURE.
    told: Vec<Request>,
}

impl<P: Pipe> fmt::Debug for DapLink<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DapLink")
            .field("info", &self.info)
            .field("in_flight", &self.in_flight)
            .field("clock", &self.clock)
            .finish_non_exhaustive()
    }
}

impl<P: Pipe> DapLink<P> {
    /// Throws stale answers away, learns what the probe is, and connects it as SWD. Nothing is sent to the target.
    ///
    /// # Errors
    /// When the pipe fails, when the probe cannot do SWD or refuses to connect. Properties that a probe does not tell, or
    /// tells in an odd way, are no errors.
    pub fn open(pipe: P, usb: &UsbPatience, clock: Arc<dyn Clock>) -> Result<Self, LinkError> {
        let mut packets = Packets::new(pipe, usb, clock);
        let packet_size = packets.greet()?;
        let info = DapInfo::ask(&mut packets, packet_size)?;
        if !info.does_swd() {
            return Err(LinkError::Unsupported("it says that it has no SWD"));
        }
        packets.packet_size = info.packet_size;
        let room = match packets.pipe.shape().report {
            Some(report) => info.packet_size.min(report),
            None => info.packet_size - 1,
        };
        let in_flight = usize::from(usb.in_flight).clamp(1, info.packet_count);
        let limits = PackLimits::both(room);
        let quirks = Quirks::of(info.model, packets.pipe.shape().id.0);
        let mut link = DapLink { packets, info, limits, quirks, in_flight, clock: None, told: Vec::new() };
        link.connect()?;
        link.light(Led::CONNECTED, true)?;
        Ok(link)
    }

    /// What the probe said about itself.
    pub fn info(&self) -> &DapInfo {
        &self.info
    }

    fn connect(&mut self) -> Result<(), LinkError> {
        match self.packets.ask(&Request::Connect(DebugPort::SWD))? {
            Response::Connect(DebugPort::SWD) => Ok(()),
            other => Err(LinkError::Refused(format!("DAP_Connect as SWD (it answered {other:?})"))),
        }
    }

    /// LEDs are a courtesy: a probe that has none may say so.
    fn light(&mut self, led: Led, on: bool) -> Result<(), LinkError> {
        self.packets.ask(&Request::HostStatus { led, on: u8::from(on) }).map(drop)
    }
}

//! The USB side of an ST-Link: a command, then at most one data phase. [STL-1] [STL-15]
//!
//! A transfer may come whole or in packets. The probe works on one command at a time: while it does, the next one is not
//! taken. An answer is one transfer, as long as the command says.

use super::command::{Command, LENGTH};
use super::model::Model;
use super::{Setup, StLink};
use crate::board::Board;
use crate::bus::Time;
use crate::firmware::Lines;
use crate::knobs::StLinkKnobs;
use crate::probe::Device;
use crate::usb::Usb;
use wire::{Endpoint, TransferKind, UsbFault, UsbIdentity};

/// A command whose data has not come completely.
#[derive(Debug)]
struct Open {
    command: Command,
    data: Vec<u8>,
}

/// An ST-Link.
#[derive(Debug)]
pub(crate) struct StLinkDevice {
    firmware: StLink<Board>,
    model: Model,
    serial: String,
    open: Option<Open>,
    /// When the last command was done.
    free: Time,
}

impl StLinkDevice {
    /// A probe of this kind with these wires.
    pub(crate) fn new(
        lines: Lines<Board>,
        model: Model,
        setup: Setup,
        serial: String,
        knobs: StLinkKnobs,
    ) -> StLinkDevice {
        StLinkDevice { firmware: StLink::new(lines, model, setup, knobs), model, serial, open: None, free: 0 }
    }

    fn packets(&self, bytes: usize) -> u64 {
        bytes.div_ceil(usize::from(self.model.max_packet())).max(1) as u64
    }

    /// Takes bytes from the host; a command that is complete then, with its data.
    fn collect(&mut self, data: &[u8]) -> Option<Open> {
        let open = self.open.take().map(|mut open| {
            open.data.extend_from_slice(data);
            open
        });
        let open = open.unwrap_or_else(|| Open { command: Command::new(data), data: Vec::new() });
        let missing = open.command.payload().saturating_sub(open.data.len());
        // A packet that is not full ends a data phase.
        let more = open.data.is_empty() || data.len().is_multiple_of(self.model.max_packet().into());
        if missing > 0 && more {
            self.open = Some(open);
            return None;
        }
        Some(open)
    }
}

impl Device for StLinkDevice {
    fn lines(&self) -> &Lines<Board> {
        &self.firmware.lines
    }

    fn lines_mut(&mut self) -> &mut Lines<Board> {
        &mut self.firmware.lines
    }

    fn identity(&self) -> UsbIdentity {
        self.model.identity(self.firmware.product, &self.serial)
    }

    fn endpoints(&self) -> [Endpoint; 2] {
        let max_packet = self.model.max_packet();
        self.model.endpoints().map(|address| Endpoint { address, kind: TransferKind::Bulk, max_packet })
    }

    fn out(&mut self, usb: &mut Usb, data: &[u8], at: Time) -> Result<Time, UsbFault> {
        let most = match &self.open {
            Some(open) => open.command.payload() - open.data.len(),
            None => LENGTH,
        };
        if data.len() > most {
            return Err(UsbFault::Stall);
        }
        let taken = usb.carry(self.free.max(at), self.packets(data.len()));
        if data.is_empty() {
            return Ok(taken);
        }
        if let Some(Open { command, data }) = self.collect(data) {
            let answer = self.firmware.perform(&command, &data, taken + usb.pace.latency);
            self.free = self.firmware.lines.now;
            if let Some(answer) = answer {
                let packets = self.packets(answer.len());
                usb.send(answer, packets, self.free);
            }
        }
        Ok(taken)
    }

    fn reset(&mut self) {
        self.open = None;
    }
}

//! The USB side of a CMSIS-DAP probe: packets, buffers, reports. [DAP-8] [DAP-9] [DAP-13]
//!
//! A packet is performed when it arrives, on the probe's own timeline: it starts when it has arrived and the one before
//! has ended. So DAP_TransferAbort, which is taken at reception, can only come before or after a transfer, never inside.

use super::{Deviation, Firmware, Lines, Setup};
use crate::board::Board;
use crate::bus::Time;
use crate::probe::Device;
use crate::usb::Usb;
use bytes::Bytes;
use cmsis_dap::CommandId;
use std::collections::VecDeque;
use wire::{Endpoint, InterfaceText, UsbFault, UsbIdentity};

/// Numbers that pid.codes gives to tests.
const TESTS: (u16, u16) = (0x1209, 0x0001);
/// `bInterfaceClass` of a HID.
const HID_CLASS: u8 = 0x03;
/// Endpoint of commands.
pub(crate) const OUT: u8 = 0x01;
/// Endpoint of answers.
pub(crate) const IN: u8 = 0x81;

/// A CMSIS-DAP probe.
#[derive(Debug)]
pub(crate) struct DapDevice {
    firmware: Firmware<Board>,
    setup: Setup,
    /// Packets that wait for one that releases them.
    held: Vec<Bytes>,
    /// When the packets that occupied a buffer of the probe left it, in order.
    freed: VecDeque<Time>,
    /// The report buffer of a HID probe; what an answer does not fill stays from the one before.
    report: Vec<u8>,
    /// Bytes of a report that is not complete, where the firmware waits for a full one.
    partial: Vec<u8>,
}

impl DapDevice {
    /// A probe of this kind with these wires.
    pub(crate) fn new(lines: Lines<Board>, setup: Setup) -> DapDevice {
        DapDevice {
            held: Vec::new(),
            freed: VecDeque::new(),
            report: vec![0; usize::from(setup.profile.packet_size)],
            partial: Vec::new(),
            firmware: Firmware::new(lines, setup.clone()),
            setup,
        }
    }

    fn does(&self, deviation: Deviation) -> bool {
        self.setup.make.does(deviation)
    }

    /// When the bus takes a packet that the host offers at `at`, and a buffer for it is free.
    fn take_packet(&mut self, usb: &mut Usb, at: Time) -> Result<Time, UsbFault> {
        while self.freed.front().is_some_and(|end| *end <= at) {
            self.freed.pop_front();
        }
        let room = usize::from(self.setup.profile.packet_count).saturating_sub(self.held.len());
        let free = match self.freed.len().checked_sub(room) {
            None => at,
            Some(_) if self.setup.profile.is_hid() || room == 0 => return Err(UsbFault::Lost),
            Some(over) => self.freed.get(over).copied().unwrap_or(at),
        };
        Ok(usb.carry(free.max(at), 1))
    }

    fn perform(&mut self, packet: &[u8], usb: &mut Usb, arrival: Time) {
        let answer = self.firmware.packet(packet, arrival);
        let end = self.firmware.lines.now;
        self.freed.push_back(end);
        let Some(mut answer) = answer else { return };
        // There is no room for more, however much a packet asks for.
        answer.truncate(self.report.len());
        let full = answer.len() == self.report.len();
        if !(self.does(Deviation::JoinsPackets) && usb.join(&answer, end)) {
            let answer = self.padded(answer);
            usb.send(answer, 1, end);
        }
        if full && self.does(Deviation::EmptyBehindFull) {
            usb.send(Bytes::new(), 1, end);
        }
    }

    /// A packet that is complete, of the bytes that came: all of them, but for firmware that counts bytes to a full report.
    fn complete(&mut self, data: &[u8]) -> Option<Bytes> {
        if !self.does(Deviation::WaitsForFullReport) {
            return Some(Bytes::copy_from_slice(data));
        }
        self.partial.extend_from_slice(data);
        let full = self.partial.len() >= self.report.len();
        full.then(|| std::mem::take(&mut self.partial).into())
    }

    /// Whether a packet is lost behind one that still waits in the same buffer.
    fn is_joined(&self, arrival: Time) -> bool {
        let waiting = self.freed.back().is_some_and(|end| *end > arrival);
        waiting && self.does(Deviation::JoinsPackets)
    }

    fn padded(&mut self, answer: Bytes) -> Bytes {
        match self.report.get_mut(..answer.len()) {
            Some(start) if self.setup.profile.is_hid() => {
                start.copy_from_slice(&answer);
                Bytes::copy_from_slice(&self.report)
            }
            _ => answer,
        }
    }
}

impl Device for DapDevice {
    fn lines(&self) -> &Lines<Board> {
        &self.firmware.lines
    }

    fn lines_mut(&mut self) -> &mut Lines<Board> {
        &mut self.firmware.lines
    }

    fn identity(&self) -> UsbIdentity {
        let Setup { make, profile, serial, .. } = &self.setup;
        let own = (TESTS, 0x0100, make.texts.vendor, profile.product);
        let ((vid, pid), release, manufacturer, product) =
            make.identity.as_ref().map_or(own, |i| (i.id, i.release, i.manufacturer, i.product));
        UsbIdentity {
            vid,
            pid,
            release,
            manufacturer: manufacturer.to_owned(),
            product: product.to_owned(),
            serial: serial.clone(),
        }
    }

    fn interface(&self) -> Option<InterfaceText> {
        let hid = self.setup.profile.is_hid();
        // A profile of the other kind makes it another interface.
        let (name, class) = self.setup.make.interface().filter(|(_, class)| (*class == HID_CLASS) == hid)?;
        Some(InterfaceText { name: name.to_owned(), class })
    }

    fn endpoints(&self) -> [Endpoint; 2] {
        [OUT, IN].map(|address| Endpoint {
            address,
            kind: self.setup.profile.kind,
            max_packet: self.setup.profile.packet_size,
        })
    }

    fn out(&mut self, usb: &mut Usb, data: &[u8], at: Time) -> Result<Time, UsbFault> {
        if data.len() > usize::from(self.setup.profile.packet_size) {
            return Err(UsbFault::Stall);
        }
        let Some(data) = self.complete(data) else { return Ok(at + usb.pace.gap) };
        let id = data.first().copied().map(CommandId);
        let taken = match id {
            // An abort is taken where packets are received [DAP-9]; an empty packet only ends a transfer.
            Some(CommandId::TRANSFER_ABORT) | None => at + usb.pace.gap,
            Some(_) => self.take_packet(usb, at)?,
        };
        let arrival = taken + usb.pace.latency;
        match id {
            None | Some(CommandId::TRANSFER_ABORT) => {}
            Some(id @ CommandId::QUEUE_COMMANDS) if !self.does(Deviation::Lacks(id)) => self.held.push(data),
            Some(_) if self.is_joined(arrival) => {}
            Some(_) => {
                for packet in std::mem::take(&mut self.held) {
                    self.perform(&packet, usb, arrival);
                }
                self.perform(&data, usb, arrival);
            }
        }
        Ok(taken)
    }

    fn reset(&mut self) {
        self.held.clear();
        self.partial.clear();
    }
}

//! The USB side of a CMSIS-DAP probe: packets, buffers, reports. [DAP-8] [DAP-9] [DAP-13]
//!
//! A packet is performed when it arrives, on the probe's own timeline: it starts when it has arrived and the one before
//! has ended. So DAP_TransferAbort, which is taken at reception, can only come before or after a transfer, never inside.

use super::{Firmware, Lines, Profile, VENDOR};
use crate::board::Board;
use crate::bus::Time;
use crate::probe::Device;
use crate::usb::Usb;
use bytes::Bytes;
use cmsis_dap::CommandId;
use std::collections::VecDeque;
use wire::{Endpoint, UsbFault, UsbIdentity};

/// Endpoint of commands.
pub(crate) const OUT: u8 = 0x01;
/// Endpoint of answers.
pub(crate) const IN: u8 = 0x81;

/// A CMSIS-DAP probe.
#[derive(Debug)]
pub(crate) struct DapDevice {
    firmware: Firmware<Board>,
    profile: Profile,
    /// Packets that wait for one that releases them.
    held: Vec<Bytes>,
    /// When the packets that occupied a buffer of the probe left it, in order.
    freed: VecDeque<Time>,
    /// The report buffer of a HID probe; what an answer does not fill stays from the one before.
    report: Vec<u8>,
}

impl DapDevice {
    /// A probe of this kind with these wires.
    pub(crate) fn new(lines: Lines<Board>, profile: Profile, serial: String) -> DapDevice {
        DapDevice {
            firmware: Firmware::new(lines, profile, serial),
            profile,
            held: Vec::new(),
            freed: VecDeque::new(),
            report: vec![0; usize::from(profile.packet_size)],
        }
    }

    /// When the bus takes a packet that the host offers at `at`, and a buffer for it is free.
    fn take_packet(&mut self, usb: &mut Usb, at: Time) -> Result<Time, UsbFault> {
        while self.freed.front().is_some_and(|end| *end <= at) {
            self.freed.pop_front();
        }
        let room = usize::from(self.profile.packet_count).saturating_sub(self.held.len());
        let free = match self.freed.len().checked_sub(room) {
            None => at,
            Some(_) if self.profile.is_hid() || room == 0 => return Err(UsbFault::Lost),
            Some(over) => self.freed.get(over).copied().unwrap_or(at),
        };
        Ok(usb.carry(free.max(at), 1))
    }

    fn perform(&mut self, packet: &[u8], usb: &mut Usb, arrival: Time) {
        let answer = self.firmware.packet(packet, arrival);
        let end = self.firmware.lines.now;
        self.freed.push_back(end);
        if let Some(answer) = answer {
            let answer = self.padded(answer);
            usb.send(answer, 1, end);
        }
    }

    fn padded(&mut self, answer: Bytes) -> Bytes {
        match self.report.get_mut(..answer.len()) {
            Some(start) if self.profile.is_hid() => {
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
        UsbIdentity {
            vid: 0x1209, // pid.codes, for tests
            pid: 0x0001,
            release: 0x0100,
            manufacturer: VENDOR.to_owned(),
            product: self.profile.product.to_owned(),
            serial: self.firmware.serial.clone(),
        }
    }

    fn endpoints(&self) -> [Endpoint; 2] {
        [OUT, IN].map(|address| Endpoint {
            address,
            kind: self.profile.kind,
            max_packet: self.profile.packet_size,
        })
    }

    fn out(&mut self, usb: &mut Usb, data: &[u8], at: Time) -> Result<Time, UsbFault> {
        if data.len() > usize::from(self.profile.packet_size) {
            return Err(UsbFault::Stall);
        }
        let id = data.first().copied().map(CommandId);
        let taken = match id {
            // An abort is taken where packets are received [DAP-9]; an empty packet only ends a transfer.
            Some(CommandId::TRANSFER_ABORT) | None => at + usb.pace.gap,
            Some(_) => self.take_packet(usb, at)?,
        };
        let arrival = taken + usb.pace.latency;
        match id {
            None | Some(CommandId::TRANSFER_ABORT) => {}
            Some(CommandId::QUEUE_COMMANDS) => self.held.push(Bytes::copy_from_slice(data)),
            Some(_) => {
                for packet in std::mem::take(&mut self.held) {
                    self.perform(&packet, usb, arrival);
                }
                self.perform(data, usb, arrival);
            }
        }
        Ok(taken)
    }

    fn reset(&mut self) {
        self.held.clear();
    }
}

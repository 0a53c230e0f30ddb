//! The USB side of an ST-Link: a command, then at most one data phase. [STL-1] [STL-15]
//!
//! A transfer may come whole or in packets, and a data phase ends with its last byte only: until then everything is data
//! [STL-29]. The data of a write goes on to the target while it comes, and no more of it is taken than the buffer holds
//! [STL-30]. The probe works on one command at a time: while it does, the next one is not taken. An answer is one transfer, as
//! long as the command says.

use super::command::{Command, LENGTH};
use super::memory::Block;
use super::model::Model;
use super::{Setup, StLink};
use crate::board::Board;
use crate::bus::Time;
use crate::firmware::Lines;
use crate::knobs::StLinkKnobs;
use crate::probe::Device;
use crate::usb::Usb;
use std::collections::VecDeque;
use wire::{Endpoint, TransferKind, UsbFault, UsbIdentity};

/// A command whose data has not come completely.
#[derive(Debug)]
struct Open {
    command: Command,
    /// Bytes that are still to come.
    missing: usize,
    data: Data,
}

/// What becomes of the data.
#[derive(Debug)]
enum Data {
    /// It goes to the target as it comes.
    Block(Block),
    /// It is kept until it is whole.
    List(Vec<u8>),
}

/// Where data waits for its turn on the wire.
#[derive(Debug)]
struct Buffer {
    size: usize,
    /// Packets that came, with the time when the wire has carried them.
    packets: VecDeque<(Time, usize)>,
}

impl Buffer {
    /// When there is room for so many bytes, from `at` on.
    fn room(&self, bytes: usize, at: Time) -> Time {
        let mut waiting = self.packets.iter().filter(|(end, _)| *end > at);
        let mut held: usize = waiting.clone().map(|(_, bytes)| bytes).sum();
        let mut when = at;
        while held > 0 && held + bytes > self.size {
            let Some((end, bytes)) = waiting.next() else { break };
            (when, held) = (*end, held - bytes);
        }
        when
    }

    /// Keeps so many bytes, which came at `at`, until `end`.
    fn keep(&mut self, bytes: usize, at: Time, end: Time) {
        self.packets.retain(|(end, _)| *end > at);
        self.packets.push_back((end, bytes));
    }
}

/// An ST-Link.
#[derive(Debug)]
pub(crate) struct StLinkDevice {
    firmware: StLink<Board>,
    model: Model,
    serial: String,
    open: Option<Open>,
    buffer: Buffer,
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
        let buffer = Buffer { size: knobs.buffer, packets: VecDeque::new() };
        let firmware = StLink::new(lines, model, setup, knobs);
        StLinkDevice { firmware, model, serial, open: None, buffer, free: 0 }
    }

    fn packets(&self, bytes: usize) -> u64 {
        bytes.div_ceil(usize::from(self.model.max_packet())).max(1) as u64
    }

    /// A command came at `start`.
    fn command(&mut self, usb: &mut Usb, command: Command, start: Time) {
        let missing = command.payload();
        if missing == 0 {
            return self.perform(usb, &command, &[], start);
        }
        let data = match command.memory() {
            Some(memory) => Data::Block(self.firmware.begin_block(&command, memory, start)),
            None => Data::List(Vec::with_capacity(missing)),
        };
        self.open = Some(Open { command, missing, data });
    }

    fn perform(&mut self, usb: &mut Usb, command: &Command, data: &[u8], start: Time) {
        let answer = self.firmware.perform(command, data, start);
        self.free = self.firmware.lines.now;
        if let Some(answer) = answer {
            let packets = self.packets(answer.len());
            usb.send(answer, packets, self.free);
        }
    }

    /// Takes packets of a data phase as long as there is room for them in time: how many bytes, and when.
    fn data(&mut self, usb: &mut Usb, mut open: Open, data: &[u8], at: Time, until: Time) -> (usize, Time) {
        let (mut bytes, mut when) = (0, at);
        for packet in data.chunks(self.model.max_packet().into()) {
            let taken = usb.would_carry(self.buffer.room(packet.len(), when));
            if taken > until {
                self.open = Some(open);
                return (bytes, taken);
            }
            (bytes, when) = (bytes + packet.len(), usb.carry(self.buffer.room(packet.len(), when), 1));
            self.packet(&mut open, packet, when + usb.pace.latency);
        }
        if open.missing > 0 {
            self.open = Some(open);
            return (bytes, when);
        }
        match open.data {
            Data::Block(block) => {
                self.firmware.end_block(block);
                self.free = self.firmware.lines.now;
            }
            Data::List(list) => self.perform(usb, &open.command, &list, when + usb.pace.latency),
        }
        (bytes, when)
    }

    /// A packet of data came at `start`.
    fn packet(&mut self, open: &mut Open, packet: &[u8], start: Time) {
        open.missing -= packet.len();
        match &mut open.data {
            Data::Block(block) => {
                self.firmware.write_on(block, packet, start);
                self.buffer.keep(packet.len(), start, self.firmware.lines.now);
            }
            Data::List(list) => list.extend_from_slice(packet),
        }
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
        self.out_until(usb, data, at, Time::MAX).map(|(_, when)| when)
    }

    fn out_until(
        &mut self,
        usb: &mut Usb,
        data: &[u8],
        at: Time,
        until: Time,
    ) -> Result<(usize, Time), UsbFault> {
        let most = self.open.as_ref().map_or(LENGTH, |open| open.missing);
        if data.len() > most {
            return Err(UsbFault::Stall);
        }
        match self.open.take_if(|_| !data.is_empty()) {
            Some(open) => Ok(self.data(usb, open, data, at, until)),
            None => {
                let taken = usb.carry(self.free.max(at), 1);
                if !data.is_empty() {
                    self.command(usb, Command::new(data), taken + usb.pace.latency);
                }
                Ok((data.len(), taken))
            }
        }
    }

    fn reset(&mut self) {
        self.open = None;
        self.buffer.packets.clear();
    }
}

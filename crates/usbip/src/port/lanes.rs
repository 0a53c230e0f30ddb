//! The transfers that wait at one endpoint, first come first served.

use super::{count, failed};
use crate::codec::{Return, Submit, flag, status};
use bytes::{Bytes, BytesMut};
use std::collections::VecDeque;
use std::time::Duration;
use wire::{UsbDevice, UsbFault};

/// A transfer that waits for data from the device.
#[derive(Debug)]
struct Read {
    seq: u32,
    room: usize,
    short_is_error: bool,
    filled: BytesMut,
}

/// An IN endpoint.
#[derive(Debug)]
pub(super) struct InLane {
    packet: usize,
    ends_with_empty: bool,
    halted: bool,
    waiting: VecDeque<Read>,
    /// What is left of an answer that the device has given and the host has not yet read, in packets.
    packets: VecDeque<Bytes>,
}

impl InLane {
    pub(super) fn new(packet: usize, ends_with_empty: bool) -> InLane {
        InLane { packet, ends_with_empty, halted: false, waiting: VecDeque::new(), packets: VecDeque::new() }
    }

    pub(super) fn push(&mut self, submit: &Submit, done: &mut Vec<Return>) {
        if self.halted {
            return done.push(failed(submit.seq, status::STALL));
        }
        self.waiting.push_back(Read {
            seq: submit.seq,
            room: usize::try_from(submit.length).unwrap_or(usize::MAX),
            short_is_error: submit.flags & flag::SHORT_NOT_OK != 0,
            filled: BytesMut::new(),
        });
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn halted(&self) -> bool {
        self.halted
    }

    pub(super) fn halt(&mut self, done: &mut Vec<Return>) {
        self.halted = true;
        self.fail(status::STALL, done);
    }

    /// The host has cleared the halt: the endpoint begins anew.
    pub(super) fn resume(&mut self) {
        self.halted = false;
        self.packets.clear();
    }

    pub(super) fn remove(&mut self, seq: u32) {
        self.waiting.retain(|read| read.seq != seq);
    }

    pub(super) fn clear(&mut self) {
        self.halted = false;
        self.waiting.clear();
        self.packets.clear();
    }

    pub(super) fn fail(&mut self, status: i32, done: &mut Vec<Return>) {
        done.extend(self.waiting.drain(..).map(|read| failed(read.seq, status)));
    }

    /// Moves packets into the waiting transfers until one of both runs out.
    pub(super) fn run(
        &mut self,
        address: u8,
        device: &mut impl UsbDevice,
        now: Duration,
        done: &mut Vec<Return>,
    ) {
        while let Some(read) = self.waiting.front_mut() {
            if self.packets.is_empty() {
                let ready = device.next_in(address).is_some_and(|at| at <= now);
                let Some(answer) = ready.then(|| device.take_in(address)).flatten() else { break };
                split(answer, self.packet, self.ends_with_empty, &mut self.packets);
            }
            let Some(packet) = self.packets.pop_front() else { break };
            if let Some(status) = read.take(&packet, self.packet) {
                let data = std::mem::take(&mut read.filled).freeze();
                done.push(Return::Submit { seq: read.seq, status, actual: count(data.len()), data });
                self.waiting.pop_front();
            }
        }
    }

    /// When the device will have something for the transfer that waits.
    pub(super) fn wake(&self, address: u8, device: &impl UsbDevice) -> Option<Duration> {
        self.waiting.front()?;
        device.next_in(address)
    }
}

impl Read {
    /// Takes a packet; the status when the transfer ends with it.
    fn take(&mut self, packet: &[u8], max_packet: usize) -> Option<i32> {
        let room = self.room.saturating_sub(self.filled.len());
        if packet.len() > room {
            // The controller has no place for the rest of the packet: it is lost, and the host is told.
            self.filled.extend(packet.iter().take(room));
            return Some(status::OVERFLOW);
        }
        self.filled.extend_from_slice(packet);
        match (packet.len() < max_packet, self.filled.len() == self.room) {
            (_, true) => Some(status::OK),
            (true, false) if self.short_is_error => Some(status::SHORT),
            (true, false) => Some(status::OK),
            (false, false) => None,
        }
    }
}

/// An answer in packets. An empty answer is an empty packet.
fn split(mut answer: Bytes, packet: usize, ends_with_empty: bool, packets: &mut VecDeque<Bytes>) {
    let full = !answer.is_empty() && answer.len().is_multiple_of(packet.max(1));
    while answer.len() > packet {
        packets.push_back(answer.split_to(packet));
    }
    packets.push_back(answer);
    if full && ends_with_empty {
        packets.push_back(Bytes::new());
    }
}

/// A transfer that waits until the device takes its data.
#[derive(Debug)]
struct Write {
    seq: u32,
    data: Bytes,
    zero_packet: bool,
    /// When the device takes it; `None` while it has not been offered.
    taken: Option<Duration>,
}

/// An OUT endpoint. A transfer is offered to the device when the one before it has been taken.
#[derive(Debug)]
pub(super) struct OutLane {
    packet: usize,
    halted: bool,
    waiting: VecDeque<Write>,
}

impl OutLane {
    pub(super) fn new(packet: usize) -> OutLane {
        OutLane { packet, halted: false, waiting: VecDeque::new() }
    }

    pub(super) fn push(&mut self, submit: &Submit, done: &mut Vec<Return>) {
        if self.halted {
            return done.push(failed(submit.seq, status::STALL));
        }
        let fills = !submit.data.is_empty() && submit.data.len().is_multiple_of(self.packet.max(1));
        self.waiting.push_back(Write {
            seq: submit.seq,
            data: submit.data.clone(),
            zero_packet: fills && submit.flags & flag::ZERO_PACKET != 0,
            taken: None,
        });
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn halted(&self) -> bool {
        self.halted
    }

    pub(super) fn halt(&mut self, done: &mut Vec<Return>) {
        self.halted = true;
        self.fail(status::STALL, done);
    }

    pub(super) fn resume(&mut self) {
        self.halted = false;
    }

    pub(super) fn remove(&mut self, seq: u32) {
        self.waiting.retain(|write| write.seq != seq);
    }

    pub(super) fn clear(&mut self) {
        self.halted = false;
        self.waiting.clear();
    }

    pub(super) fn fail(&mut self, status: i32, done: &mut Vec<Return>) {
        done.extend(self.waiting.drain(..).map(|write| failed(write.seq, status)));
    }

    /// Offers what waits and finishes what has been taken.
    ///
    /// # Errors
    /// [`UsbFault::Gone`]: the device is no longer there. A stall halts the endpoint and is no error here.
    pub(super) fn run(
        &mut self,
        address: u8,
        device: &mut impl UsbDevice,
        now: Duration,
        done: &mut Vec<Return>,
    ) -> Result<(), UsbFault> {
        while let Some(write) = self.waiting.front_mut() {
            let taken = match write.taken {
                Some(taken) => taken,
                None => match write.offer(address, device, now) {
                    Ok(taken) => *write.taken.insert(taken),
                    Err(UsbFault::Stall) => {
                        self.halt(done);
                        return Ok(());
                    }
                    Err(fault) => return Err(fault),
                },
            };
            if taken > now {
                return Ok(());
            }
            let actual = count(write.data.len());
            done.push(Return::Submit { seq: write.seq, status: status::OK, actual, data: Bytes::new() });
            self.waiting.pop_front();
        }
        Ok(())
    }

    /// When the device takes what it was offered.
    pub(super) fn wake(&self) -> Option<Duration> {
        self.waiting.front()?.taken
    }
}

impl Write {
    /// Offers data and, where the host wants one, the empty packet behind it. A packet that is lost on its way looks
    /// taken.
    fn offer(&self, address: u8, device: &mut impl UsbDevice, now: Duration) -> Result<Duration, UsbFault> {
        let mut offer = |data: &[u8], at| match device.out(address, data, at) {
            Err(UsbFault::Lost) => Ok(at),
            other => other,
        };
        let taken = offer(&self.data, now)?;
        if self.zero_packet { offer(&[], taken).map(|end| end.max(taken)) } else { Ok(taken) }
    }
}

//! One exported device: its pending transfers, its standard requests, its state. No I/O, no threads.

mod lanes;
mod requests;
#[cfg(test)]
mod tests;

use crate::codec::{BusId, Command, Exported, Return, Submit, status};
use crate::describe::{Class, Description, DescriptionError, Descriptors};
use bytes::Bytes;
use lanes::{InLane, OutLane};
use std::collections::BTreeMap;
use std::time::Duration;
use wire::{UsbDevice, UsbFault};

/// Most transfers that may be pending at one device. Hosts have a few dozen.
const MAX_PENDING: usize = 4096;

/// The host has more transfers pending than any host would.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("more than {MAX_PENDING} transfers are pending")]
pub struct TooMany;

/// A device behind a socket of a USB hub: what the host asks goes in, what became of it comes out.
///
/// Time is the caller's: every call says when it is, [`Port::wake`] says when the next thing will happen by itself.
#[derive(Debug)]
pub struct Port<D> {
    device: D,
    about: Description,
    shown: Descriptors,
    /// 0 until the host has set the one configuration that there is.
    configuration: u8,
    inputs: BTreeMap<u8, InLane>,
    outputs: BTreeMap<u8, OutLane>,
    /// Control transfers to which the device will never say anything.
    unanswered: Vec<u32>,
    done: Vec<Return>,
}

impl<D: UsbDevice> Port<D> {
    /// Puts a device behind its description.
    ///
    /// # Errors
    /// [`DescriptionError`]: no host would take it.
    pub fn new(device: D, about: Description) -> Result<Port<D>, DescriptionError> {
        let shown = about.build()?;
        let mut inputs = BTreeMap::new();
        let mut outputs = BTreeMap::new();
        for (interface, endpoint) in about.endpoints() {
            let packet = usize::from(endpoint.max_packet);
            if endpoint.address & 0x80 == 0 {
                outputs.insert(endpoint.address, OutLane::new(packet));
            } else {
                inputs.insert(endpoint.address, InLane::new(packet, interface.ends_with_empty));
            }
        }
        let (unanswered, done) = (Vec::new(), Vec::new());
        Ok(Port { device, about, shown, configuration: 0, inputs, outputs, unanswered, done })
    }

    /// The device.
    pub fn device(&self) -> &D {
        &self.device
    }

    /// The device.
    pub fn device_mut(&mut self) -> &mut D {
        &mut self.device
    }

    /// The device, taken out.
    pub fn into_device(self) -> D {
        self.device
    }

    /// How the handshake shows the device under this name and these numbers, with the classes of its interfaces.
    pub fn exported(&self, busid: BusId, busnum: u32, devnum: u32) -> (Exported, Vec<Class>) {
        let classes: Vec<_> = self.about.interfaces.iter().map(|interface| interface.class).collect();
        let exported = Exported {
            path: format!("/sys/devices/simulated/usb{busnum}/{busid}"),
            busid,
            busnum,
            devnum,
            speed: self.about.speed.number(),
            vid: self.about.identity.vid,
            pid: self.about.identity.pid,
            release: self.about.identity.release,
            class: self.about.class,
            configuration: self.configuration,
            configurations: 1,
            interfaces: u8::try_from(classes.len()).unwrap_or(u8::MAX),
        };
        (exported, classes)
    }

    /// The host wants something at `now`. What is known at once is given by the next [`Port::advance`].
    ///
    /// # Errors
    /// [`TooMany`]: the host is to be cut off.
    pub fn command(&mut self, command: Command, now: Duration) -> Result<(), TooMany> {
        match command {
            Command::Submit(submit) => self.submit(submit, now),
            Command::Unlink { seq, target, .. } => {
                let status = if self.take_back(target) { status::UNLINKED } else { status::OK };
                self.done.push(Return::Unlink { seq, status });
                Ok(())
            }
        }
    }

    fn submit(&mut self, submit: Submit, now: Duration) -> Result<(), TooMany> {
        if self.pending() >= MAX_PENDING {
            return Err(TooMany);
        }
        // What became ready before belongs to the transfers before.
        self.run(now);
        if !self.device.plugged(now) {
            self.finish(submit.seq, status::GONE);
        } else if submit.endpoint == 0 {
            self.control(submit, now);
        } else if self.configuration == 0 {
            self.finish(submit.seq, status::STALL);
        } else if submit.input {
            match self.inputs.get_mut(&submit.address()) {
                Some(lane) => lane.push(&submit, &mut self.done),
                None => self.finish(submit.seq, status::STALL),
            }
        } else {
            match self.outputs.get_mut(&submit.address()) {
                Some(lane) => lane.push(&submit, &mut self.done),
                None => self.finish(submit.seq, status::STALL),
            }
        }
        Ok(())
    }

    /// How many transfers wait for the device.
    pub fn pending(&self) -> usize {
        let inputs: usize = self.inputs.values().map(InLane::len).sum();
        let outputs: usize = self.outputs.values().map(OutLane::len).sum();
        inputs + outputs + self.unanswered.len()
    }

    /// Whether a pending transfer was found and removed.
    fn take_back(&mut self, seq: u32) -> bool {
        let before = self.pending();
        self.unanswered.retain(|waiting| *waiting != seq);
        self.inputs.values_mut().for_each(|lane| lane.remove(seq));
        self.outputs.values_mut().for_each(|lane| lane.remove(seq));
        self.pending() < before
    }

    /// Everything that is done at `now`, in the order in which it was done.
    pub fn advance(&mut self, now: Duration) -> Vec<Return> {
        self.run(now);
        std::mem::take(&mut self.done)
    }

    fn run(&mut self, now: Duration) {
        if !self.device.plugged(now) {
            return self.fail_all();
        }
        for (address, lane) in &mut self.outputs {
            if lane.run(*address, &mut self.device, now, &mut self.done) == Err(UsbFault::Gone) {
                return self.fail_all();
            }
        }
        for (address, lane) in &mut self.inputs {
            lane.run(*address, &mut self.device, now, &mut self.done);
        }
    }

    /// When the next pending transfer will be done if the host does nothing; `None` when that depends on the host.
    pub fn wake(&self) -> Option<Duration> {
        let inputs = self.inputs.iter().filter_map(|(address, lane)| lane.wake(*address, &self.device));
        let outputs = self.outputs.values().filter_map(OutLane::wake);
        inputs.chain(outputs).min()
    }

    /// Whether the device is there at `now`.
    pub fn plugged(&self, now: Duration) -> bool {
        self.device.plugged(now)
    }

    /// The host has the device from `now` on: it comes up as after plugging it in.
    pub fn attach(&mut self, now: Duration) {
        self.forget();
        self.configuration = 0;
        self.device.reset(now);
    }

    /// The host has let go of it. Nobody waits for what was pending.
    pub fn detach(&mut self, now: Duration) {
        self.attach(now);
    }

    /// Drops everything that is pending, without a word to the host.
    fn forget(&mut self) {
        self.unanswered.clear();
        self.done.clear();
        self.inputs.values_mut().for_each(InLane::clear);
        self.outputs.values_mut().for_each(OutLane::clear);
    }

    /// The device is gone: nothing that is pending will ever be done.
    fn fail_all(&mut self) {
        self.done.extend(self.unanswered.drain(..).map(|seq| failed(seq, status::GONE)));
        self.inputs.values_mut().for_each(|lane| lane.fail(status::GONE, &mut self.done));
        self.outputs.values_mut().for_each(|lane| lane.fail(status::GONE, &mut self.done));
    }

    fn finish(&mut self, seq: u32, status: i32) {
        self.done.push(failed(seq, status));
    }
}

/// A transfer that moved nothing.
fn failed(seq: u32, status: i32) -> Return {
    Return::Submit { seq, status, actual: 0, data: Bytes::new() }
}

/// A length for the wire; nothing here is longer than a transfer may be.
fn count(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

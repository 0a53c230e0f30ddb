//! Control requests: the standard ones and those of a HID are answered here, all others by the device.

use super::{Port, count, failed};
use crate::codec::{Return, Submit, status};
use crate::describe::{Interface, VENDOR_CODE};
use bytes::Bytes;
use std::time::Duration;
use wire::{Setup, UsbDevice, UsbFault};

/// Standard requests, USB 2.0 table 9-4.
mod standard {
    pub(super) const GET_STATUS: u8 = 0;
    pub(super) const CLEAR_FEATURE: u8 = 1;
    pub(super) const SET_FEATURE: u8 = 3;
    pub(super) const SET_ADDRESS: u8 = 5;
    pub(super) const GET_DESCRIPTOR: u8 = 6;
    pub(super) const GET_CONFIGURATION: u8 = 8;
    pub(super) const SET_CONFIGURATION: u8 = 9;
    pub(super) const GET_INTERFACE: u8 = 10;
    pub(super) const SET_INTERFACE: u8 = 11;
    /// The one feature of endpoints.
    pub(super) const ENDPOINT_HALT: u16 = 0;
}

/// Requests of a HID, HID 1.11 section 7.2.
mod hid {
    pub(super) const GET_IDLE: u8 = 0x02;
    pub(super) const SET_REPORT: u8 = 0x09;
    pub(super) const SET_IDLE: u8 = 0x0A;
    /// High byte of `wValue` of an output report.
    pub(super) const OUTPUT: u8 = 2;
}

/// `wIndex` of the vendor request that asks for the Microsoft OS 2.0 descriptor set.
const MICROSOFT_SET: u16 = 7;

const STALL: Result<Bytes, UsbFault> = Err(UsbFault::Stall);

fn nothing() -> Result<Bytes, UsbFault> {
    Ok(Bytes::new())
}

fn bytes(data: &[u8]) -> Result<Bytes, UsbFault> {
    Ok(Bytes::copy_from_slice(data))
}

impl<D: UsbDevice> Port<D> {
    /// A transfer to endpoint 0.
    pub(super) fn control(&mut self, submit: Submit, now: Duration) {
        let setup = submit.setup;
        if let Some(out) = self.report_endpoint(setup) {
            // An output report is the same packet, only on another way.
            if let Some(lane) = self.outputs.get_mut(&out) {
                return lane.push(&submit, &mut self.done);
            }
        }
        let answer = match (setup.request_type, setup.request, setup.index) {
            (kind, ..) if kind & 0x60 == 0 => self.standard(setup, now),
            (0xC0, VENDOR_CODE, MICROSOFT_SET) if self.shown.microsoft.is_some() => {
                self.shown.microsoft.clone().ok_or(UsbFault::Stall)
            }
            (0x21 | 0xA1, ..) if self.is_hid(setup.index) => self.hid(&submit, now),
            _ => self.device.control(setup, &submit.data, now),
        };
        self.finish_control(&submit, answer);
    }

    fn finish_control(&mut self, submit: &Submit, answer: Result<Bytes, UsbFault>) {
        let done = match answer {
            Ok(mut data) => {
                let input = submit.setup.request_type & 0x80 != 0 && submit.input;
                // Neither more than the host asked for nor more than it has room for.
                let room = usize::from(submit.setup.length).min(usize::try_from(submit.length).unwrap_or(0));
                data.truncate(if input { room } else { 0 });
                let actual = if input { count(data.len()) } else { count(submit.data.len()) };
                Return::Submit { seq: submit.seq, status: status::OK, actual, data }
            }
            Err(UsbFault::Stall) => failed(submit.seq, status::STALL),
            Err(UsbFault::Gone) => {
                self.fail_all();
                failed(submit.seq, status::GONE)
            }
            Err(UsbFault::Lost) => return self.unanswered.push(submit.seq),
        };
        self.done.push(done);
    }

    fn standard(&mut self, setup: Setup, now: Duration) -> Result<Bytes, UsbFault> {
        match setup.request_type {
            0x80 => self.read_device(setup),
            0x00 => self.write_device(setup, now),
            0x81 => self.read_interface(setup),
            0x01 => self.write_interface(setup),
            0x82 => self.read_endpoint(setup),
            0x02 => self.write_endpoint(setup),
            _ => STALL,
        }
    }

    fn read_device(&self, setup: Setup) -> Result<Bytes, UsbFault> {
        match setup.request {
            standard::GET_STATUS => bytes(&[u8::from(self.about.self_powered), 0]),
            standard::GET_CONFIGURATION => bytes(&[self.configuration]),
            standard::GET_DESCRIPTOR => self.shown.device(setup.value).ok_or(UsbFault::Stall),
            _ => STALL,
        }
    }

    fn write_device(&mut self, setup: Setup, now: Duration) -> Result<Bytes, UsbFault> {
        match (setup.request, setup.value) {
            // The host's controller gives the address; what comes through is without effect.
            (standard::SET_ADDRESS, _) => nothing(),
            (standard::SET_CONFIGURATION, value @ (0 | 1)) => {
                self.configure(u8::from(value == 1), now);
                nothing()
            }
            _ => STALL,
        }
    }

    /// Sets the configuration, which is also all that is seen of a USB reset: endpoints and device begin anew.
    fn configure(&mut self, configuration: u8, now: Duration) {
        self.configuration = configuration;
        self.fail_all();
        self.inputs.values_mut().for_each(super::InLane::clear);
        self.outputs.values_mut().for_each(super::OutLane::clear);
        self.device.reset(now);
    }

    /// The interface that `wIndex` names, once the device is configured.
    fn interface(&self, index: u16) -> Option<&Interface> {
        let number = u8::try_from(index).ok().filter(|_| self.configuration != 0)?;
        self.about.interface(number)
    }

    fn read_interface(&self, setup: Setup) -> Result<Bytes, UsbFault> {
        match setup.request {
            // A host may read the reports before it has configured the device.
            standard::GET_DESCRIPTOR => self.shown.interface(setup.value, setup.index).ok_or(UsbFault::Stall),
            standard::GET_STATUS if self.interface(setup.index).is_some() => bytes(&[0, 0]),
            standard::GET_INTERFACE if self.interface(setup.index).is_some() => bytes(&[0]),
            _ => STALL,
        }
    }

    fn write_interface(&mut self, setup: Setup) -> Result<Bytes, UsbFault> {
        let Some(interface) = self.interface(setup.index) else { return STALL };
        if (setup.request, setup.value) != (standard::SET_INTERFACE, 0) {
            return STALL;
        }
        let addresses: Vec<u8> = interface.endpoints.iter().map(|endpoint| endpoint.address).collect();
        addresses.into_iter().for_each(|address| self.resume(address));
        nothing()
    }

    fn resume(&mut self, address: u8) {
        if let Some(lane) = self.inputs.get_mut(&address) {
            lane.resume();
        }
        if let Some(lane) = self.outputs.get_mut(&address) {
            lane.resume();
        }
    }

    /// Whether the endpoint that `wIndex` names is halted; `None` when there is no such endpoint.
    fn halted(&self, index: u16) -> Option<bool> {
        let address = u8::try_from(index).ok()?;
        if address & 0x7F == 0 {
            return Some(false);
        }
        self.about.endpoints().find(|(_, endpoint)| endpoint.address == address)?;
        let input = self.inputs.get(&address).is_some_and(super::InLane::halted);
        Some(input || self.outputs.get(&address).is_some_and(super::OutLane::halted))
    }

    fn read_endpoint(&self, setup: Setup) -> Result<Bytes, UsbFault> {
        match (setup.request, self.halted(setup.index)) {
            (standard::GET_STATUS, Some(halted)) => bytes(&[u8::from(halted), 0]),
            _ => STALL,
        }
    }

    fn write_endpoint(&mut self, setup: Setup) -> Result<Bytes, UsbFault> {
        let Ok(address) = u8::try_from(setup.index) else { return STALL };
        if setup.value != standard::ENDPOINT_HALT || self.halted(setup.index).is_none() {
            return STALL;
        }
        match setup.request {
            standard::CLEAR_FEATURE => self.resume(address),
            standard::SET_FEATURE => {
                if let Some(lane) = self.inputs.get_mut(&address) {
                    lane.halt(&mut self.done);
                }
                if let Some(lane) = self.outputs.get_mut(&address) {
                    lane.halt(&mut self.done);
                }
            }
            _ => return STALL,
        }
        nothing()
    }

    fn is_hid(&self, index: u16) -> bool {
        self.interface(index).is_some_and(|interface| interface.hid.is_some())
    }

    /// The OUT endpoint of the HID whose output report this request carries.
    fn report_endpoint(&self, setup: Setup) -> Option<u8> {
        let [_, kind] = setup.value.to_le_bytes();
        if (setup.request_type, setup.request, kind) != (0x21, hid::SET_REPORT, hid::OUTPUT) {
            return None;
        }
        let interface = self.interface(setup.index)?;
        let hidden = interface.hid.as_ref()?.hidden_out;
        let mut shown = interface.endpoints.iter().filter(|endpoint| endpoint.address & 0x80 == 0);
        shown.next().copied().or(hidden).map(|endpoint| endpoint.address)
    }

    /// A HID that reports only when it has something needs no idle rate: it takes any and names "never".
    fn hid(&mut self, submit: &Submit, now: Duration) -> Result<Bytes, UsbFault> {
        match (submit.setup.request_type, submit.setup.request) {
            (0x21, hid::SET_IDLE) => nothing(),
            (0xA1, hid::GET_IDLE) => bytes(&[0]),
            _ => self.device.control(submit.setup, &submit.data, now),
        }
    }
}

//! The firmware against what is known of it, command by command, with the transactions that each of them causes.

mod core;
mod device;
mod identity;
mod memory;
mod misc;
mod ports;

use super::command::Command;
use super::{Mode, Model, Setup, StLink, Version};
use crate::bus::Time;
use crate::firmware::Lines;
use crate::firmware::tests::short;
use crate::knobs::{Knobs, StLinkKnobs};
use crate::swd::tests::bench::Ram;
use crate::swd::{Faults, PowerUpMode, Target};
use crate::wiretrace::Truth;
use wire::WireEvent;

/// The settings of a scenario that says nothing.
fn usual() -> StLinkKnobs {
    Knobs::default().stlink
}

/// Firmware with a memory behind its wires.
struct Probe {
    firmware: StLink<Ram>,
    seen: usize,
}

impl Probe {
    fn with(version: &str, mode: Mode, knobs: StLinkKnobs) -> Probe {
        let version = Version::parse(version).unwrap();
        let model = [Model::V2, Model::V21, Model::V3].into_iter().find(|m| m.takes(version)).unwrap();
        let target = Target::new(Ram::default(), Faults::default(), PowerUpMode::Jtag);
        let lines = Lines::new(target, Truth::new(true));
        let setup = Setup { version: Some(version), product: None, mode };
        Probe { firmware: StLink::new(lines, model, setup, knobs), seen: 0 }
    }

    fn new(version: &str) -> Probe {
        Probe::with(version, Mode::Mass, usual())
    }

    /// In debug mode, with access port 1 open where there is a command for that.
    fn attached_with(version: &str, knobs: StLinkKnobs) -> Probe {
        let mut probe = Probe::with(version, Mode::Mass, knobs);
        assert_eq!(probe.ask(&[0xF2, 0x30, 0xA3]), [0x80, 0]);
        probe.ask(&[0xF2, 0x4B, 1]);
        probe.story();
        probe
    }

    fn attached(version: &str) -> Probe {
        Probe::attached_with(version, usual())
    }

    fn send(&mut self, command: &[u8], data: &[u8]) -> Option<Vec<u8>> {
        let command = Command::new(command);
        assert_eq!(command.payload(), data.len());
        self.firmware.perform(&command, data, 0).map(|answer| answer.to_vec())
    }

    fn ask(&mut self, command: &[u8]) -> Vec<u8> {
        self.send(command, &[]).unwrap_or_default()
    }

    /// A memory command to access port 1 with the firmware's CSW.
    fn memory(&mut self, op: u8, at: u32, len: u16, data: &[u8]) -> Option<Vec<u8>> {
        let command = memory_command(op, at, len, 1, 0);
        self.send(&command, data)
    }

    /// Status and address of GETLASTRWSTATUS2.
    fn last(&mut self) -> (u8, u32) {
        let answer = self.ask(&[0xF2, 0x3E]);
        assert_eq!(answer.len(), 12);
        (answer[0], word(&answer, 4))
    }

    /// READ_DAP_REG: status and value.
    fn register(&mut self, port: u16, address: u16) -> (u8, u32) {
        let ([p0, p1], [a0, a1]) = (port.to_le_bytes(), address.to_le_bytes());
        let answer = self.ask(&[0xF2, 0x45, p0, p1, a0, a1]);
        assert_eq!(answer.len(), 8);
        (answer[0], word(&answer, 4))
    }

    /// WRITE_DAP_REG: status.
    fn set_register(&mut self, port: u16, address: u16, value: u32) -> u8 {
        let mut command = vec![0xF2, 0x46];
        command.extend(port.to_le_bytes());
        command.extend(address.to_le_bytes());
        command.extend(value.to_le_bytes());
        let answer = self.ask(&command);
        assert_eq!(answer.len(), 2);
        answer[0]
    }

    fn ram(&mut self) -> &mut Ram {
        &mut self.firmware.lines.target.chip
    }

    fn pause(&mut self, time: Time) {
        self.firmware.lines.now += time;
    }

    /// The transactions since the last call, in short.
    fn story(&mut self) -> String {
        let events = self.firmware.lines.truth.events();
        let new = events[self.seen..].iter().filter_map(|(_, event)| match event {
            WireEvent::Transaction(transaction) => Some(short(transaction)),
            _ => None,
        });
        let story = new.collect::<Vec<_>>().join(" ");
        self.seen = events.len();
        story
    }
}

fn memory_command(op: u8, at: u32, len: u16, ap: u8, csw: u32) -> Vec<u8> {
    let mut command = vec![0xF2, op];
    command.extend(at.to_le_bytes());
    command.extend(len.to_le_bytes());
    command.push(ap);
    command.extend(&csw.to_le_bytes()[1..]);
    command
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

/// A number of tries that is soon over.
fn impatient() -> StLinkKnobs {
    StLinkKnobs { tries: 3, ..usual() }
}

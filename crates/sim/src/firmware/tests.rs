//! The firmware against the published rules, packet by packet, and against the codec's own idea of what a packet causes.

mod commands;
mod expansion;
mod makes;
mod transfers;

use super::{Firmware, Lines, Make, Profile, Setup};
use crate::swd::tests::bench::Ram;
use crate::swd::{Faults, PowerUpMode, Target};
use crate::wiretrace::Truth;
use wire::{Ack, Port, Transaction, WireEvent};

/// Firmware with a memory behind its wires.
struct Probe {
    firmware: Firmware<Ram>,
    seen: usize,
}

impl Probe {
    fn new(faults: Faults) -> Probe {
        Probe::made(&Make::REFERENCE, Profile::HS, faults)
    }

    fn made(make: &'static Make, profile: Profile, faults: Faults) -> Probe {
        let target = Target::new(Ram::default(), faults, PowerUpMode::Jtag);
        let lines = Lines::new(target, Truth::new(true));
        Probe { firmware: Firmware::new(lines, Setup::of(make, profile)), seen: 0 }
    }

    /// Connected, target found and powered up, AP 1 selected with single increment.
    fn attached(faults: Faults) -> Probe {
        Probe::new(faults).attach()
    }

    /// The same with firmware of another make.
    fn of(make: &str, faults: Faults) -> Probe {
        let make = Make::named(make).unwrap();
        Probe::made(make, make.profile, faults).attach()
    }

    fn attach(self) -> Probe {
        let mut probe = self;
        assert_eq!(probe.ask(&[0x02, 0x01]), [0x02, 0x01]);
        let mut switch = vec![0x12, 136];
        switch.extend_from_slice(regs::dp::JTAG_TO_SWD.bytes);
        assert_eq!(probe.ask(&switch), [0x12, 0x00]);
        let find = [0x05, 0, 2, 0x02, 0x04, 0x00, 0x00, 0x00, 0x50];
        assert_eq!(probe.ask(&find), [0x05, 2, 1, 0x77, 0x24, 0xA0, 0x6B]);
        assert_eq!(probe.ask(&[0x09, 100, 0]), [0x09, 0]);
        let select = [0x05, 0, 2, 0x08, 0, 0, 0, 1, 0x01, 0x12, 0, 0, 0x43];
        assert_eq!(probe.ask(&select), [0x05, 2, 1]);
        probe.wire();
        probe
    }

    fn ask(&mut self, packet: &[u8]) -> Vec<u8> {
        self.firmware.packet(packet, 0).map(|answer| answer.to_vec()).unwrap_or_default()
    }

    fn ram(&mut self) -> &mut Ram {
        &mut self.firmware.lines.target.chip
    }

    /// The transactions since the last call.
    fn wire(&mut self) -> Vec<Transaction> {
        let events = self.firmware.lines.truth.events();
        let new = events[self.seen..].iter().filter_map(|(_, event)| match event {
            WireEvent::Transaction(transaction) => Some(*transaction),
            _ => None,
        });
        let new = new.collect();
        self.seen = events.len();
        new
    }

    /// The same in short: `r`ead or `w`rite, port, register, and the ack where it is not OK.
    fn story(&mut self) -> String {
        let line: Vec<String> = self.wire().iter().map(short).collect();
        line.join(" ")
    }
}

/// A transaction in short: direction, port, register, and the ack where it is not OK.
pub(crate) fn short(t: &Transaction) -> String {
    let direction = if t.read { "r" } else { "w" };
    let port = if t.reg.port == Port::Ap { "ap" } else { "dp" };
    let ack = match t.ack {
        Ack::OK => "",
        Ack::WAIT => "?",
        Ack::FAULT => "!",
        Ack::PARITY => "~",
        _ => "-",
    };
    format!("{direction}{port}{:X}{ack}", t.reg.a)
}

//! `SimProbe`: a probe with its target and board, as a USB device.

use crate::bill::Bill;
use crate::board::{Board, BoardError};
use crate::bus::Time;
use crate::faults::Settings;
use crate::firmware::{DapDevice, Lines};
use crate::scenario::{Scenario, ScenarioError};
use crate::stlink::StLinkDevice;
use crate::swd::Target;
use crate::usb::{Pace, Usb};
use crate::wiretrace::Truth;
use bytes::Bytes;
use std::fmt;
use std::time::Duration;
use wire::{Endpoint, Setup, UsbDevice, UsbFault, UsbIdentity, WireEvent};

/// The firmware of a probe, seen from its end of the cable.
pub(crate) trait Device: fmt::Debug + Send {
    /// The pins.
    fn lines(&self) -> &Lines<Board>;
    /// The pins.
    fn lines_mut(&mut self) -> &mut Lines<Board>;
    /// Who it says it is.
    fn identity(&self) -> UsbIdentity;
    /// Endpoints of commands and of answers.
    fn endpoints(&self) -> [Endpoint; 2];
    /// A transfer is offered at `at`; when it was taken. Answers go to `usb`.
    fn out(&mut self, usb: &mut Usb, data: &[u8], at: Time) -> Result<Time, UsbFault>;
    /// A USB reset: what was not complete is forgotten.
    fn reset(&mut self);
}

/// Why a simulated probe could not be opened or its board not be kept.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    /// The scenario was not understood.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// The board file could not be used.
    #[error(transparent)]
    Board(#[from] BoardError),
}

/// A simulated probe with a board on its wires.
#[derive(Debug)]
pub struct SimProbe {
    device: Box<dyn Device>,
    usb: Usb,
}

impl SimProbe {
    /// A probe and board as the text after `sim:` describes them.
    ///
    /// # Errors
    /// [`SimError`]: the text is not understood, or its board file cannot be used.
    pub fn open(spec: &str) -> Result<SimProbe, SimError> {
        let scenario = Scenario::parse(spec)?;
        SimProbe::with_board(Board::open(&scenario)?, &scenario)
    }

    /// A probe on this board; probe and wire as the scenario says.
    ///
    /// # Errors
    /// [`SimError::Scenario`] when a value does not fit its key.
    pub fn with_board(board: Board, scenario: &Scenario) -> Result<SimProbe, SimError> {
        let settings = Settings::parse(&scenario.probe)?;
        let target = Target::new(board, settings.wire, settings.power_up);
        let lines = Lines::new(target, Truth::new(settings.truth));
        let (pace, device): (Pace, Box<dyn Device>) = match settings.model {
            None => {
                let profile = settings.profile;
                let pace = Pace { latency: profile.latency, gap: profile.gap };
                let serial = settings.serial.unwrap_or_else(|| profile.serial.to_owned());
                (pace, Box::new(DapDevice::new(lines, profile, serial)))
            }
            Some(model) => {
                let knobs = scenario.knobs.stlink;
                let setup = settings.stlink;
                let serial = settings.serial.unwrap_or_else(|| model.serial(setup.product));
                (model.pace(), Box::new(StLinkDevice::new(lines, model, setup, serial, knobs)))
            }
        };
        Ok(SimProbe { device, usb: Usb::new(pace, settings.usb) })
    }

    /// What the run has cost so far.
    #[must_use]
    pub fn bill(&self) -> Bill {
        let lines = self.device.lines();
        Bill {
            usb_out: self.usb.taken,
            usb_in: self.usb.fetched,
            usb_bytes: self.usb.bytes,
            busy: self.board().busy_time(),
            time: Duration::from_nanos(lines.now),
            ..lines.bill
        }
    }

    /// Everything that was on the wire, with the time it ended; empty unless the scenario says `truth=on`.
    #[must_use]
    pub fn truth(&self) -> &[(Duration, WireEvent)] {
        self.device.lines().truth.events()
    }

    /// How many requests the target understood. A power cut at transaction n is `cut=tx:n`, counted from 1.
    #[must_use]
    pub fn transactions(&self) -> u64 {
        self.device.lines().target.transactions()
    }

    /// The board.
    #[must_use]
    pub fn board(&self) -> &Board {
        &self.device.lines().target.chip
    }

    /// The board, to be handled at the latest time that it has seen.
    pub fn board_mut(&mut self) -> &mut Board {
        &mut self.device.lines_mut().target.chip
    }

    /// The board, brought to this point in time.
    pub fn board_at(&mut self, now: Duration) -> &mut Board {
        let seen = Duration::from_nanos(self.device.lines().now);
        let board = self.board_mut();
        board.advance(now.max(seen));
        board
    }

    /// Writes the board file as the board is at `now`, if it has one.
    ///
    /// # Errors
    /// [`SimError::Board`].
    pub fn save(&mut self, now: Duration) -> Result<(), SimError> {
        Ok(self.board_at(now).save()?)
    }
}

impl UsbDevice for SimProbe {
    fn identity(&self) -> UsbIdentity {
        self.device.identity()
    }

    fn endpoints(&self) -> [Endpoint; 2] {
        self.device.endpoints()
    }

    fn control(&mut self, _: Setup, _: &[u8], at: Duration) -> Result<Bytes, UsbFault> {
        if self.plugged(at) { Err(UsbFault::Stall) } else { Err(UsbFault::Gone) }
    }

    fn out(&mut self, endpoint: u8, data: &[u8], at: Duration) -> Result<Duration, UsbFault> {
        self.usb.check_plug()?;
        let [out, _] = self.endpoints();
        if endpoint != out.address {
            return Err(UsbFault::Stall);
        }
        let taken = self.device.out(&mut self.usb, data, nanos(at))?;
        self.usb.taken += 1;
        self.usb.bytes += data.len() as u64;
        Ok(Duration::from_nanos(taken))
    }

    fn next_in(&self, endpoint: u8) -> Option<Duration> {
        let [_, input] = self.endpoints();
        self.usb.next().filter(|_| endpoint == input.address).map(Duration::from_nanos)
    }

    fn take_in(&mut self, endpoint: u8) -> Option<Bytes> {
        self.next_in(endpoint)?;
        self.usb.take()
    }

    fn reset(&mut self, _at: Duration) {
        self.usb.reset();
        self.device.reset();
    }

    fn plugged(&self, _at: Duration) -> bool {
        !self.usb.unplugged
    }
}

fn nanos(at: Duration) -> Time {
    Time::try_from(at.as_nanos()).unwrap_or(Time::MAX)
}

#[cfg(test)]
#[path = "probe_tests.rs"]
mod tests;

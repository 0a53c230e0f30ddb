//! `SimProbe`: a probe with its target and board, as a USB device.

use crate::bill::Bill;
use crate::board::{Board, BoardError};
use crate::bus::Time;
use crate::faults::Settings;
use crate::firmware::{DapDevice, Lines};
use crate::pins::{PinRun, Pins};
use crate::scenario::{Scenario, ScenarioError};
use crate::stlink::StLinkDevice;
use crate::swd::Target;
use crate::usb::{Gaps, Pace, Usb};
use crate::wiretrace::Truth;
use bytes::Bytes;
use std::fmt;
use std::time::Duration;
use wire::{
    Cable, Endpoint, InterfaceText, Setup, Taken, TransferKind, UsbDevice, UsbFault, UsbIdentity, WireEvent,
};

/// The firmware of a probe, seen from its end of the cable.
pub(crate) trait Device: fmt::Debug + Send {
    /// The pins.
    fn lines(&self) -> &Lines<Board>;
    /// The pins.
    fn lines_mut(&mut self) -> &mut Lines<Board>;
    /// Who it says it is.
    fn identity(&self) -> UsbIdentity;
    /// Name and class of its debug interface, where they are not those of the specification.
    fn interface(&self) -> Option<InterfaceText> {
        None
    }
    /// Endpoints of commands and of answers.
    fn endpoints(&self) -> [Endpoint; 2];
    /// A transfer is offered at `at`; when it was taken. Answers go to `usb`.
    fn out(&mut self, usb: &mut Usb, data: &[u8], at: Time) -> Result<Time, UsbFault>;
    /// The same up to `until`: how many bytes were taken, and when the last was, or the next would have been.
    fn out_until(
        &mut self,
        usb: &mut Usb,
        data: &[u8],
        at: Time,
        _until: Time,
    ) -> Result<(usize, Time), UsbFault> {
        self.out(usb, data, at).map(|when| (data.len(), when))
    }
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
    /// What a live host on the board's connector does to the probe's answers.
    gaps: Option<Gaps>,
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
        let setup = settings.setup();
        let target = Target::new(board, settings.wire, settings.power_up);
        let lines = Lines::new(target, Truth::new(settings.truth));
        let (pace, device): (Pace, Box<dyn Device>) = match settings.model {
            None => {
                let pace = Pace { latency: setup.profile.latency, gap: setup.profile.gap };
                (pace, Box::new(DapDevice::new(lines, setup)))
            }
            Some(model) => {
                let knobs = scenario.knobs.stlink;
                let setup = settings.stlink;
                let serial = settings.serial.unwrap_or_else(|| model.serial(setup.product));
                (model.pace(), Box::new(StLinkDevice::new(lines, model, setup, serial, knobs)))
            }
        };
        let mut usb = Usb::new(pace, settings.usb);
        let [_, input] = device.endpoints();
        let report = if input.kind == TransferKind::Interrupt { usize::from(input.max_packet) } else { 0 };
        for number in 0..settings.stale {
            usb.leave(stale(number, report));
        }
        let host = &scenario.knobs.host;
        let (late, share) = host.gap;
        let gaps = (share > 0).then_some(Gaps { late, share, seed: host.seed });
        Ok(SimProbe { device, usb, gaps })
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

    /// The same clock by clock.
    #[must_use]
    pub fn pin_runs(&self) -> &[PinRun] {
        self.device.lines().truth.runs()
    }

    /// The probe's pins at `now`, for a host that drives them itself instead of asking the firmware.
    pub fn pins(&mut self, now: Duration) -> Pins<'_> {
        Pins::new(self.device.lines_mut(), nanos(now))
    }

    /// How many requests the target understood. A power cut at transaction n is `cut=tx:n`, counted from 1.
    #[must_use]
    pub fn transactions(&self) -> u64 {
        self.device.lines().target.transactions()
    }

    /// Whether the probe drives nRESET low.
    #[must_use]
    pub fn holds_reset(&self) -> bool {
        self.device.lines().holds_reset()
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

    fn interface(&self) -> Option<InterfaceText> {
        self.device.interface()
    }

    fn endpoints(&self) -> [Endpoint; 2] {
        self.device.endpoints()
    }

    fn control(&mut self, _: Setup, _: &[u8], at: Duration) -> Result<Bytes, UsbFault> {
        if self.plugged(at) { Err(UsbFault::Stall) } else { Err(UsbFault::Gone) }
    }

    fn out(&mut self, endpoint: u8, data: &[u8], at: Duration) -> Result<Duration, UsbFault> {
        self.out_until(endpoint, data, at, Duration::MAX).map(|taken| taken.when)
    }

    fn out_until(
        &mut self,
        endpoint: u8,
        data: &[u8],
        at: Duration,
        until: Duration,
    ) -> Result<Taken, UsbFault> {
        if let Err(gone) = self.usb.check_plug() {
            // Without its supply a probe drives nothing.
            self.device.lines_mut().drive_reset(false);
            return Err(gone);
        }
        let [out, _] = self.endpoints();
        if endpoint != out.address {
            return Err(UsbFault::Stall);
        }
        self.usb.check_stall()?;
        self.usb.gaps = self.gaps.filter(|_| self.board().cable_now() == Cable::Data);
        let (bytes, when) = match self.usb.hangs() {
            true => (data.len(), nanos(at)),
            false => self.device.out_until(&mut self.usb, data, nanos(at), nanos(until))?,
        };
        self.usb.taken += 1;
        self.usb.bytes += bytes as u64;
        Ok(Taken { bytes, when: Duration::from_nanos(when) })
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

/// The answer to a read of one word that a host asked for before it was killed, padded to a report. [DAP-12]
fn stale(number: u64, report: usize) -> Bytes {
    let mut answer = vec![0x05, 1, 1];
    answer.extend((number as u32).to_le_bytes());
    answer.resize(answer.len().max(report), 0);
    answer.into()
}

fn nanos(at: Duration) -> Time {
    Time::try_from(at.as_nanos()).unwrap_or(Time::MAX)
}

#[cfg(test)]
#[path = "probe_tests.rs"]
mod tests;

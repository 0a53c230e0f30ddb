//! `SimProbe`: a probe with its target and board, as a USB device. [DAP-8] [DAP-13]
//!
//! A packet is performed when it arrives, on the probe's own timeline: it starts when it has arrived and the one before
//! has ended. So DAP_TransferAbort, which is taken at reception, can only come before or after a transfer, never inside.

use crate::bill::Bill;
use crate::board::{Board, BoardError};
use crate::bus::Time;
use crate::faults::{Settings, UsbFaults};
use crate::firmware::{Firmware, Lines, Profile, SERIAL, VENDOR};
use crate::scenario::{Scenario, ScenarioError};
use crate::swd::Target;
use crate::wiretrace::Truth;
use bytes::Bytes;
use cmsis_dap::CommandId;
use std::collections::VecDeque;
use std::time::Duration;
use wire::{Endpoint, Setup, UsbDevice, UsbFault, UsbIdentity, WireEvent};

/// Endpoint of commands.
const OUT: u8 = 0x01;
/// Endpoint of answers.
const IN: u8 = 0x81;

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

/// An answer on its way.
#[derive(Debug)]
struct Answer {
    at: Time,
    bytes: Bytes,
}

/// A simulated CMSIS-DAP probe with a board on its wires.
#[derive(Debug)]
pub struct SimProbe {
    firmware: Firmware<Board>,
    profile: Profile,
    faults: UsbFaults,
    answers: VecDeque<Answer>,
    /// Packets that wait for one that releases them.
    held: Vec<Bytes>,
    /// When the packets that occupied a buffer of the probe left it, in order.
    freed: VecDeque<Time>,
    /// When the bus was last free in each direction.
    out_free: Time,
    in_free: Time,
    unplugged: bool,
    packets: u64,
    answered: u64,
    usb_bytes: u64,
    usb_in: u64,
    /// The report buffer of a HID probe; what an answer does not fill stays from the one before.
    report: Vec<u8>,
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
        let profile = settings.profile;
        let target = Target::new(board, settings.wire, settings.power_up);
        let lines = Lines::new(target, Truth::new(settings.truth));
        Ok(SimProbe {
            firmware: Firmware::new(lines, profile),
            profile,
            faults: settings.usb,
            answers: VecDeque::new(),
            held: Vec::new(),
            freed: VecDeque::new(),
            out_free: 0,
            in_free: 0,
            unplugged: false,
            packets: 0,
            answered: 0,
            usb_bytes: 0,
            usb_in: 0,
            report: vec![0; usize::from(profile.packet_size)],
        })
    }

    /// What the run has cost so far.
    #[must_use]
    pub fn bill(&self) -> Bill {
        Bill {
            usb_out: self.packets,
            usb_in: self.usb_in,
            usb_bytes: self.usb_bytes,
            busy: self.board().busy_time(),
            time: Duration::from_nanos(self.firmware.lines.now),
            ..self.firmware.lines.bill
        }
    }

    /// Everything that was on the wire, with the time it ended; empty unless the scenario says `truth=on`.
    #[must_use]
    pub fn truth(&self) -> &[(Duration, WireEvent)] {
        self.firmware.lines.truth.events()
    }

    /// How many requests the target understood. A power cut at transaction n is `cut=tx:n`, counted from 1.
    #[must_use]
    pub fn transactions(&self) -> u64 {
        self.firmware.lines.target.transactions()
    }

    /// The board.
    #[must_use]
    pub fn board(&self) -> &Board {
        &self.firmware.lines.target.chip
    }

    /// The board, to be handled at the latest time that it has seen.
    pub fn board_mut(&mut self) -> &mut Board {
        &mut self.firmware.lines.target.chip
    }

    /// The board, brought to this point in time.
    pub fn board_at(&mut self, now: Duration) -> &mut Board {
        let seen = Duration::from_nanos(self.firmware.lines.now);
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

    /// When the bus takes a packet that the host offers at `at`, and a buffer for it is free.
    fn take_packet(&mut self, at: Time) -> Result<Time, UsbFault> {
        while self.freed.front().is_some_and(|end| *end <= at) {
            self.freed.pop_front();
        }
        let room = usize::from(self.profile.packet_count).saturating_sub(self.held.len());
        let free = match self.freed.len().checked_sub(room) {
            None => at,
            Some(_) if self.profile.is_hid() || room == 0 => return Err(UsbFault::Lost),
            Some(over) => self.freed.get(over).copied().unwrap_or(at),
        };
        let taken = free.max(self.out_free).max(at) + self.profile.gap;
        self.out_free = taken;
        Ok(taken)
    }

    fn perform(&mut self, packet: &[u8], arrival: Time) {
        let answer = self.firmware.packet(packet, arrival);
        let end = self.firmware.lines.now;
        self.freed.push_back(end);
        if let Some(answer) = answer {
            self.send(answer, end);
        }
    }

    fn send(&mut self, answer: Bytes, end: Time) {
        self.answered += 1;
        let number = self.answered;
        if self.faults.lost == Some(number) {
            return;
        }
        let mut answer = self.padded(answer);
        if self.faults.corrupt == Some(number) {
            answer = answer.iter().enumerate().map(|(i, b)| if i == 0 { !b } else { *b }).collect();
        }
        let late = self.faults.delay.filter(|(n, _)| *n == number).map_or(0, |(_, by)| by);
        let copies = if self.faults.duplicate == Some(number) { 2 } else { 1 };
        for _ in 0..copies {
            let at = (end + self.profile.latency + late).max(self.in_free + self.profile.gap);
            self.in_free = at;
            self.answers.push_back(Answer { at, bytes: answer.clone() });
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

impl UsbDevice for SimProbe {
    fn identity(&self) -> UsbIdentity {
        UsbIdentity {
            vid: 0x1209, // pid.codes, for tests
            pid: 0x0001,
            release: 0x0100,
            manufacturer: VENDOR.to_owned(),
            product: self.profile.product.to_owned(),
            serial: SERIAL.to_owned(),
        }
    }

    fn endpoints(&self) -> [Endpoint; 2] {
        [OUT, IN].map(|address| Endpoint {
            address,
            kind: self.profile.kind,
            max_packet: self.profile.packet_size,
        })
    }

    fn control(&mut self, _: Setup, _: &[u8], at: Duration) -> Result<Bytes, UsbFault> {
        if self.plugged(at) { Err(UsbFault::Stall) } else { Err(UsbFault::Gone) }
    }

    fn out(&mut self, endpoint: u8, data: &[u8], at: Duration) -> Result<Duration, UsbFault> {
        if self.unplugged || self.faults.unplug == Some(self.packets + 1) {
            self.unplugged = true;
            return Err(UsbFault::Gone);
        }
        if endpoint != OUT || data.len() > usize::from(self.profile.packet_size) {
            return Err(UsbFault::Stall);
        }
        let id = data.first().copied().map(CommandId);
        let now = nanos(at);
        let taken = match id {
            // An abort is taken where packets are received [DAP-9]; an empty packet only ends a transfer.
            Some(CommandId::TRANSFER_ABORT) | None => now + self.profile.gap,
            Some(_) => self.take_packet(now)?,
        };
        self.packets += 1;
        self.usb_bytes += data.len() as u64;
        let arrival = taken + self.profile.latency;
        match id {
            None | Some(CommandId::TRANSFER_ABORT) => {}
            Some(CommandId::QUEUE_COMMANDS) => self.held.push(Bytes::copy_from_slice(data)),
            Some(_) => {
                for packet in std::mem::take(&mut self.held) {
                    self.perform(&packet, arrival);
                }
                self.perform(data, arrival);
            }
        }
        Ok(Duration::from_nanos(taken))
    }

    fn next_in(&self, endpoint: u8) -> Option<Duration> {
        let next = self.answers.front().filter(|_| endpoint == IN && !self.unplugged)?;
        Some(Duration::from_nanos(next.at))
    }

    fn take_in(&mut self, endpoint: u8) -> Option<Bytes> {
        self.next_in(endpoint)?;
        let answer = self.answers.pop_front()?;
        self.usb_in += 1;
        self.usb_bytes += answer.bytes.len() as u64;
        Some(answer.bytes)
    }

    fn reset(&mut self, _at: Duration) {
        self.answers.clear();
        self.held.clear();
    }

    fn plugged(&self, _at: Duration) -> bool {
        !self.unplugged
    }
}

fn nanos(at: Duration) -> Time {
    Time::try_from(at.as_nanos()).unwrap_or(Time::MAX)
}

#[cfg(test)]
#[path = "probe_tests.rs"]
mod tests;

//! SWCLK: divisors of a V2, kHz of a V3. [STL-11]

use super::StLink;
use super::command::Command;
use super::model::Ability;
use super::status::Status;
use crate::bus::Chip;
use wire::Hz;

/// kHz and divisor of a V2, fastest first.
const V2_SWD: &[(u32, u16)] = &[
    (4000, 0),
    (1800, 1),
    (1200, 2),
    (950, 3),
    (650, 5),
    (480, 7),
    (400, 9),
    (360, 10),
    (240, 15),
    (150, 25),
    (125, 31),
    (100, 40),
    (50, 79),
    (25, 158),
    (15, 265),
    (5, 798),
];
/// kHz of a V3, fastest first.
const V3_SWD: &[u32] = &[24_000, 8000, 3300, 1000, 200, 50, 5];
/// SWCLK of a V2 after power-on, and of a V3 (that one is inferred: no host relies on it).
const V2_START: Hz = Hz(1_800_000);
const V3_START: Hz = Hz(1_000_000);

/// SWCLK after power-on.
pub(super) fn at_power_on(kilohertz: bool) -> Hz {
    if kilohertz { V3_START } else { V2_START }
}

impl<C: Chip> StLink<C> {
    /// SWD_SET_FREQ: a divisor that is not in the table runs as fast as the next smaller one.
    pub(super) fn set_divisor(&mut self, divisor: u16) -> Status {
        match V2_SWD.iter().rev().find(|(_, d)| *d <= divisor) {
            Some((khz, _)) => {
                self.lines.clock = Hz::khz(*khz);
                Status::OK
            }
            None => Status::FREQUENCY_NOT_SUPPORTED,
        }
    }

    /// SET_COM_FREQ: the fastest frequency that is not above the one asked for. [8 bytes]
    pub(super) fn set_kilohertz(&mut self, command: &Command) -> Vec<u8> {
        let asked = command.word(4);
        let chosen = V3_SWD.iter().copied().find(|khz| *khz <= asked);
        match chosen.filter(|_| command.byte(2) == 0) {
            Some(khz) => {
                self.lines.clock = Hz::khz(khz);
                super::with_word(Status::OK, khz)
            }
            None => super::with_word(Status::FREQUENCY_NOT_SUPPORTED, 0),
        }
    }

    /// GET_COM_FREQ. [52 bytes]
    pub(super) fn kilohertz(&self) -> Vec<u8> {
        let mut answer = super::with_word(Status::OK, self.lines.clock.0 / 1000);
        answer.extend((V3_SWD.len() as u32).to_le_bytes());
        answer.extend(V3_SWD.iter().flat_map(|khz| khz.to_le_bytes()));
        answer.resize(52, 0);
        answer
    }

    /// SWITCH_STLINK_FREQ: the probe's own clock. Nothing that is modelled depends on it. [8 bytes]
    pub(super) fn switch_clock(&mut self, prescaler: u8) -> Vec<u8> {
        let status = match prescaler {
            1 | 2 | 4 if prescaler == self.prescaler => Status::OK,
            1 | 2 | 4 => Status::CONFIGURATION_CHANGED,
            _ => Status::FREQUENCY_NOT_SUPPORTED,
        };
        if status == Status::CONFIGURATION_CHANGED {
            self.prescaler = prescaler;
        }
        super::with_word(status, 0)
    }

    /// The clock commands of the version, by opcode; `None`: this version has no such command.
    pub(super) fn clock_command(&mut self, command: &Command) -> Option<Vec<u8>> {
        let version = self.version;
        let answer = match command.byte(1) {
            0x43 if version.has(Ability::SwdDivisor) => self.set_divisor(command.half(2)).word().to_vec(),
            0x44 if version.has(Ability::JtagDivisor) => Status::OK.word().to_vec(),
            0x61 if version.has(Ability::KiloHertz) => self.set_kilohertz(command),
            0x62 if version.has(Ability::KiloHertz) => self.kilohertz(),
            0x63 if version.has(Ability::KiloHertz) => self.switch_clock(command.byte(2)),
            _ => return None,
        };
        Some(answer)
    }
}

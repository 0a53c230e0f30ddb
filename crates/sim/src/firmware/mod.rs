//! CMSIS-DAP firmware on the probe's side of USB, as Arm's reference `DAP.c` behaves, and as others deviate from it.
//! [DAP-1] [DAP-2] [DAP-12]
//!
//! SWD only: the JTAG commands answer ERROR, trace and UART commands are not known (0xFF), as in a build of the reference
//! without them. One difference: a command that ends before its fields is answered 0xFF; the reference reads on in old bytes.

mod device;
mod info;
mod lines;
mod make;
mod profile;
mod sequences;
#[cfg(test)]
pub(crate) mod tests;
mod transfer;

pub(crate) use device::DapDevice;
#[cfg(test)]
pub(crate) use device::{IN, OUT};
pub(crate) use lines::Lines;
pub(crate) use make::{Deviation, Make};
pub(crate) use profile::Profile;

use crate::bus::{Chip, Time};
use bytes::Bytes;
use cmsis_dap::{CommandId, DebugPort, Request, Response, Status, SwdConfig};
use wire::{Bits, Hz, Pins};

/// Bits of the longest DAP_SWJ_Sequence.
const LONGEST_SEQUENCE: usize = 256;

/// What DAP_TransferConfigure set, and the match mask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct TransferSettings {
    wait_retry: u16,
    match_retry: u16,
    match_mask: u32,
}

/// What a probe is, beside what it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Setup {
    pub(crate) make: &'static Make,
    pub(crate) profile: Profile,
    pub(crate) serial: String,
    /// This transfer does only half of its operations and says OK, counted from 1. [DAP-20]
    pub(crate) short: Option<u64>,
}

impl Setup {
    /// A probe of this make with what is usual for it.
    pub(crate) fn of(make: &'static Make, profile: Profile) -> Setup {
        let serial = make.identity.as_ref().map_or(profile.serial, |identity| identity.serial);
        Setup { make, profile, serial: serial.to_owned(), short: None }
    }
}

/// SWCLK at power-on.
const FIRST_CLOCK: Hz = Hz(1_000_000);

/// The firmware with the pins it drives.
#[derive(Debug)]
pub(crate) struct Firmware<C> {
    pub(crate) lines: Lines<C>,
    setup: Setup,
    connected: bool,
    transfers: TransferSettings,
    /// Transfers of several operations so far.
    transferred: u64,
}

impl<C: Chip> Firmware<C> {
    /// Firmware after power-up, with the reference's defaults.
    pub(crate) fn new(mut lines: Lines<C>, setup: Setup) -> Firmware<C> {
        let (wait_retry, match_retry) = setup.make.retries;
        let transfers = TransferSettings { wait_retry, match_retry, match_mask: 0 };
        lines.clock = FIRST_CLOCK;
        Firmware { lines, setup, connected: false, transfers, transferred: 0 }
    }

    fn does(&self, deviation: Deviation) -> bool {
        self.setup.make.does(deviation)
    }

    /// Whether it knows a command.
    fn knows(&self, id: CommandId) -> bool {
        !self.does(Deviation::Lacks(id))
    }

    /// Performs one packet from `start` on; `lines.now` is then when it ended. `None`: it has no answer. [DAP-9]
    pub(crate) fn packet(&mut self, packet: &[u8], start: Time) -> Option<Bytes> {
        self.lines.now = self.lines.now.max(start);
        let response = match Request::decode(packet) {
            Ok(decoded) if !decoded.value.is_answered() => return None,
            Ok(decoded) => self.execute(&decoded.value),
            Err(_) => Response::Unimplemented,
        };
        // An answer that does not fit its own length fields cannot come up: its parts are bounded by the request's.
        Some(response.encode().unwrap_or_else(|_| Bytes::from_static(&[CommandId::INVALID.0])))
    }

    fn execute(&mut self, request: &Request) -> Response {
        match request {
            one if !self.knows(one.id()) => Response::Unimplemented,
            Request::ExecuteCommands(list) | Request::QueueCommands(list) => {
                Response::ExecuteCommands(list.iter().map(|request| self.command(request)).collect())
            }
            one => self.command(one),
        }
    }

    fn command(&mut self, request: &Request) -> Response {
        let half = self.halved(request);
        match half.as_ref().unwrap_or(request) {
            Request::Info(id) => Response::Info(self.info(*id)),
            Request::Connect(port) => self.connect(*port),
            Request::Disconnect => self.disconnect(),
            Request::Transfer(transfer) => Response::Transfer(self.transfer(transfer)),
            Request::TransferBlock(block) => Response::TransferBlock(self.block(block)),
            Request::WriteAbort { value, .. } => self.write_abort(*value),
            Request::ResetTarget => Response::ResetTarget { status: Status::OK, executed: 0 },
            Request::SwjPins { out, select, wait_micros } => {
                Response::SwjPins(self.pins(*out, *select, *wait_micros))
            }
            Request::SwdSequence(items) => self.swd_sequence(items),
            Request::HostStatus { .. }
            | Request::TransferConfigure { .. }
            | Request::Delay { .. }
            | Request::SwjClock(_)
            | Request::SwjSequence(_)
            | Request::SwdConfigure(_) => Response::Status { id: request.id(), status: self.set(request) },
            Request::JtagSequence(_) | Request::JtagConfigure(_) | Request::JtagIdcode { .. } => {
                Response::error(request.id())
            }
            _ => Response::Unimplemented,
        }
    }

    /// Commands that change a setting or move time, and answer with a status.
    fn set(&mut self, request: &Request) -> Status {
        match request {
            Request::TransferConfigure { idle_cycles, wait_retry, match_retry } => {
                self.lines.idle = if self.does(Deviation::NoIdle) { 0 } else { *idle_cycles };
                self.transfers.wait_retry = *wait_retry;
                self.transfers.match_retry = *match_retry;
            }
            Request::SwdConfigure(config) => return self.configure(*config),
            Request::SwjClock(Hz(0)) => return Status::ERROR,
            Request::SwjClock(clock) => self.lines.clock = Hz(clock.0.min(self.setup.profile.max_clock.0)),
            Request::SwjSequence(bits) => self.sequence(bits),
            Request::Delay { micros } => self.lines.now += Time::from(*micros) * 1000,
            _ => {}
        }
        Status::OK
    }

    fn configure(&mut self, config: SwdConfig) -> Status {
        let plain = config.turnaround() == 1 && !config.data_phase();
        if self.does(Deviation::PlainSwdOnly) && !plain {
            return Status::ERROR;
        }
        self.lines.host.turnaround = config.turnaround();
        self.lines.host.data_phase = config.data_phase();
        Status::OK
    }

    fn sequence(&mut self, bits: &Bits) {
        if bits.len < LONGEST_SEQUENCE || !self.does(Deviation::NoLongSequence) {
            self.lines.sequence(bits);
        }
        if self.does(Deviation::ForgetsClock) {
            self.lines.clock = FIRST_CLOCK;
        }
    }

    fn pins(&mut self, out: Pins, select: Pins, wait_micros: u32) -> Pins {
        let micro = match self.setup.make {
            make if make.does(Deviation::PinWaitInMillis) => 1_000_000,
            make if make.does(Deviation::PinWaitWhole) => 1_000,
            _ => return self.lines.pins(out, select, wait_micros),
        };
        self.lines.pins(out, select, 0);
        self.lines.now += Time::from(wait_micros) * micro;
        self.lines.pins(Pins(0), Pins(0), 0)
    }

    fn connect(&mut self, port: DebugPort) -> Response {
        match port {
            DebugPort::DEFAULT | DebugPort::SWD => {
                self.connected = true;
                self.lines.take();
                Response::Connect(DebugPort::SWD)
            }
            _ => Response::Connect(DebugPort::DEFAULT),
        }
    }

    fn disconnect(&mut self) -> Response {
        self.connected = false;
        self.lines.release();
        Response::ok(CommandId::DISCONNECT)
    }
}

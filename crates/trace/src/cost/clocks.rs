//! How many clocks each event of the wire took. [ADI-14]

use crate::Trace;
use crate::event::{Body, Event, OnWire, Wired};
use cmsis_dap::{InfoId, Request, Response};
use wire::{Ack, Level, WireEvent};

/// Clocks of a line reset, at least. [ADI-13]
const LINE_RESET: u64 = 52;
/// Clocks of a switch sequence.
const SWITCH: u64 = 16;

/// What the firmware was told about the wire.
#[derive(Debug, Clone, Copy, Default)]
struct Setting {
    idle: u64,
    turnaround: u64,
    data_phase: bool,
}

impl Setting {
    /// Request, ack and data with a turnaround on each change of direction: the ack follows one, and one follows the ack of a
    /// write or the data of a read.
    const fn whole(self) -> u64 {
        44 + 2 * self.turnaround
    }

    fn transaction(self, ack: Ack) -> u64 {
        match ack {
            Ack::OK => self.whole() + self.idle,
            Ack::WAIT | Ack::FAULT if !self.data_phase => 11 + 2 * self.turnaround,
            _ => self.whole(),
        }
    }
}

/// Clocks of each event of level 2, where the source does not show them: by what the firmware was told.
#[derive(Debug, Default)]
pub(crate) struct Clocks {
    /// Clocks of sequences that the host listed bit by bit; they are not those of an event then.
    pub(super) sequences: u64,
    /// Idle clocks behind transactions.
    pub(super) idle: u64,
    setting: Option<Setting>,
    /// The number of the command behind those whose settings hold.
    done: usize,
}

impl Clocks {
    /// Shows each event of the wire in a piece with its clocks.
    pub(crate) fn each(&mut self, piece: &Trace, mut see: impl FnMut(&Event, &Wired, u64)) {
        let turnaround = piece.tally().map_or(1, |tally| tally.turnaround);
        let mut setting = self.setting.unwrap_or(Setting { idle: 0, turnaround, data_phase: false });
        let commands = piece.events(Level::Command);
        let before = piece.before().commands;
        let mut next = commands.get(self.done.saturating_sub(before)..).unwrap_or_default().iter();
        let listed = !commands.is_empty();
        for event in piece.events(Level::Transaction) {
            // Settings hold from their command on.
            while event.cause.is_some_and(|cause| cause >= self.done) {
                let Some(command) = next.next() else { break };
                self.done += 1;
                self.command(&command.body, &mut setting);
            }
            let Body::Wire(wired) = &event.body else { continue };
            let clocks = match &wired.what {
                OnWire::Event(WireEvent::Transaction(t)) => {
                    self.idle += if t.ack == Ack::OK { setting.idle } else { 0 };
                    setting.transaction(t.ack)
                }
                _ if listed => 0,
                OnWire::Event(WireEvent::LineReset) => LINE_RESET,
                OnWire::Event(WireEvent::Switch(_)) => SWITCH,
                OnWire::Bits { count, .. } => wide(*count),
                OnWire::Unreadable(unreadable) => wide(unreadable.count),
                OnWire::Event(_) | OnWire::Lost | OnWire::Gap(_) => 0,
            };
            see(event, wired, clocks);
        }
        next.for_each(|command| self.command(&command.body, &mut setting));
        self.done = before + commands.len();
        self.setting = Some(setting);
    }

    /// Clocks of a transaction that is accepted, with nothing idle.
    pub(super) fn accepted(&self) -> u64 {
        let turnaround = self.setting.map_or(1, |setting| setting.turnaround).max(1);
        Setting { turnaround, ..Setting::default() }.whole()
    }

    fn command(&mut self, body: &Body, setting: &mut Setting) {
        if let Body::Command(command) = body
            && let Some(request) = &command.request
        {
            self.request(request, setting);
        }
    }

    fn request(&mut self, request: &Request, setting: &mut Setting) {
        match request {
            Request::TransferConfigure { idle_cycles, .. } => setting.idle = u64::from(*idle_cycles),
            Request::SwdConfigure(config) => {
                setting.turnaround = u64::from(config.turnaround());
                setting.data_phase = config.data_phase();
            }
            Request::SwjSequence(bits) => self.sequences += wide(bits.len),
            Request::SwdSequence(items) => {
                self.sequences += items.iter().map(|item| u64::from(item.clocks())).sum::<u64>();
            }
            Request::ExecuteCommands(list) | Request::QueueCommands(list) => {
                list.iter().for_each(|request| self.request(request, setting));
            }
            _ => {}
        }
    }
}

fn wide(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// Bytes of a packet: what the probe says of itself, or the longest that it was seen to move.
#[derive(Debug, Default)]
pub(super) struct PacketSize {
    said: Option<u64>,
    longest: Option<u64>,
}

impl PacketSize {
    pub(super) fn add(&mut self, piece: &Trace) {
        for event in piece.events(Level::Command) {
            let Body::Command(command) = &event.body else { continue };
            if let (Some(Request::Info(InfoId::PACKET_SIZE)), Some(answer)) =
                (&command.request, &command.response)
                && let Response::Info(data) = &answer.value
            {
                self.said = self.said.or(data.number());
            }
            let moved = command.request_bytes.len().max(command.response_bytes.len());
            self.longest = self.longest.max(Some(wide(moved)));
        }
    }

    pub(super) fn bytes(&self) -> Option<u64> {
        self.said.or(self.longest)
    }
}

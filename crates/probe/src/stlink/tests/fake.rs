//! An ST-Link behind a pipe: commands are understood by the codec's device side; statuses can be scripted.

use crate::fake::{Answers, next_answer};
use ::stlink::misc::decode_list;
use ::stlink::{
    Answer, Command, DapPort, Enter, Memory, MiscItem, MiscOp, MiscResult, Mode, Phase, RawVersion, RwStatus,
    Status, VersionExt,
};
use bytes::Bytes;
use pace::{Clock, VirtualClock};
use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use wire::{Addr, Packet, Pipe, PipeError, PipeShape, Setup, TransferKind};

/// How long the probe takes to answer.
const LATENCY: Duration = Duration::from_micros(250);

pub(super) struct State {
    pub(super) version: RawVersion,
    pub(super) ext: Option<VersionExt>,
    pub(super) mode: Mode,
    /// It stays in the mode it is in.
    pub(super) stuck: bool,
    pub(super) memory: BTreeMap<u32, u8>,
    /// Debug port and access ports: port and register.
    pub(super) registers: BTreeMap<(u16, u16), u32>,
    /// By command byte: statuses of the next such commands. `None`: as it would be.
    pub(super) script: BTreeMap<u8, VecDeque<Option<Status>>>,
    /// By command byte: the next such command is not answered.
    pub(super) lost: VecDeque<u8>,
    /// The next data are not taken; the probe goes on waiting for them until it is reset.
    pub(super) full: bool,
    pub(super) resets: u32,
    /// Bytes that answers come in at most.
    pub(super) part: usize,
    /// Status and fault address of the last memory command.
    last: (Status, u32),
    results: Vec<MiscResult>,
    /// What data is expected.
    expecting: Option<Command>,
    answers: Answers,
    /// Commands with what they wrote behind them.
    pub(super) seen: Vec<Command>,
    pub(super) packets: Vec<Packet>,
    pub(super) clock: Arc<VirtualClock>,
}

impl State {
    fn out(&mut self, packet: &Packet) {
        self.packets.push(packet.clone());
        if let Some(command) = self.expecting.take() {
            return self.data(command, &packet.bytes);
        }
        assert_eq!(packet.bytes.len(), 16, "a command has 16 bytes");
        let decoded = Command::decode(&packet.bytes).unwrap();
        assert_eq!(decoded.stray, 0);
        let command = decoded.value;
        self.seen.push(command);
        let answered = !matches!(command.phase(), Phase::None | Phase::Out(_));
        assert_eq!(packet.answered, answered, "{command}");
        if let Phase::Out(_) = command.phase() {
            self.expecting = Some(command);
            return;
        }
        let scripted = self.script.get_mut(&packet.bytes[1]).and_then(VecDeque::pop_front).flatten();
        let Some(answer) = self.perform(command, scripted) else { return };
        if self.lost.front() == Some(&packet.bytes[1]) {
            self.lost.pop_front();
            return;
        }
        self.send(&answer.encode(&command).unwrap());
    }

    pub(super) fn send(&mut self, bytes: &[u8]) {
        for part in bytes.chunks(self.part) {
            self.answers.push_back((self.clock.now() + LATENCY, Bytes::copy_from_slice(part)));
        }
    }

    fn data(&mut self, command: Command, bytes: &[u8]) {
        match command {
            Command::Memory(Memory { op, at, len, .. }) => {
                assert_eq!(bytes.len(), usize::from(len));
                let code = self.packets.iter().rev().nth(1).unwrap().bytes[1];
                let scripted = self.script.get_mut(&code).and_then(VecDeque::pop_front).flatten();
                self.last = (scripted.unwrap_or(Status::OK), at.0 + u32::from(len) / 2);
                assert!(op.write);
                if scripted.is_none() {
                    let bytes = (at.0..).zip(bytes);
                    self.memory.extend(bytes.map(|(at, byte)| (at, *byte)));
                }
            }
            Command::RwMiscOut { items } => {
                let list = decode_list(items, bytes).unwrap();
                self.results = list.iter().map(|item| self.misc(item)).collect();
            }
            other => panic!("data behind {other}"),
        }
    }

    fn misc(&mut self, item: &MiscItem) -> MiscResult {
        let value = if item.op == MiscOp::READ { self.word(item.word) } else { 0 };
        let queue = (item.op == MiscOp::READ).then(|| self.script.get_mut(&0x51)).flatten();
        let status = queue.and_then(VecDeque::pop_front).flatten().unwrap_or(Status::OK);
        MiscResult { value, status: u32::from(status.0) }
    }

    pub(super) fn word(&self, at: u32) -> u32 {
        let byte = |i| self.memory.get(&(at + i)).copied().unwrap_or(0xEE);
        u32::from_le_bytes([byte(0), byte(1), byte(2), byte(3)])
    }

    pub(super) fn set_word(&mut self, at: u32, value: u32) {
        self.memory.extend((at..).zip(value.to_le_bytes()));
    }

    fn perform(&mut self, command: Command, scripted: Option<Status>) -> Option<Answer> {
        let status = scripted.unwrap_or(Status::OK);
        let good = status == Status::OK;
        Some(match command {
            Command::GetVersion => Answer::Version(self.version),
            Command::GetVersionExt => Answer::VersionExt(self.ext.unwrap()),
            Command::GetCurrentMode => Answer::Mode(self.mode),
            Command::GetTargetVoltage => Answer::Voltage { reference: 1496, target: 2057 },
            Command::DebugExit | Command::DfuExit | Command::SwimExit => {
                if !self.stuck {
                    self.mode = Mode::MASS;
                }
                return None;
            }
            Command::Enter(how) => {
                assert_eq!(how, Enter::SWD);
                self.mode = Mode::DEBUG;
                Answer::Status(status)
            }
            Command::ReadDap { port, reg } => {
                let value = self.registers.get(&(port.0, reg)).copied().unwrap_or_default();
                Answer::Value { status, value: if good { value } else { 0xDEAD_BEEF } }
            }
            Command::WriteDap { port, reg, value } => {
                if good {
                    self.registers.insert((port.0, reg), value);
                }
                Answer::Status(status)
            }
            Command::ReadDebugReg { at, .. } => Answer::Value { status, value: self.word(at.0) },
            Command::WriteDebugReg { at, value, .. } => {
                if good {
                    self.set_word(at.0, value);
                }
                Answer::Status(status)
            }
            Command::Memory(memory) => {
                self.last = (status, memory.at.0 + u32::from(memory.len) / 2);
                let count = u32::try_from(memory.answer_len()).unwrap();
                let bytes = (0..count).map(|i| self.memory.get(&(memory.at.0 + i)).copied().unwrap_or(0xEE));
                Answer::Data(bytes.collect())
            }
            Command::GetLastRwStatus2 => {
                let (status, fault) = self.last;
                Answer::RwStatus(RwStatus { status, reserved: 0, fault: Addr(fault), more: 0 })
            }
            Command::GetLastRwStatus => Answer::Status(self.last.0),
            Command::RwMiscIn => Answer::Results(std::mem::take(&mut self.results)),
            Command::GetComFreq(_) => {
                let khz = [24_000, 8000, 3300, 1000, 200, 50, 5, 0, 0, 0];
                Answer::ComFreq { status, current: 8000, count: 7, khz }
            }
            Command::SetComFreq { khz, .. } => Answer::Value { status, value: khz },
            Command::SwdSetFreq(_) | Command::DriveNrst(_) | Command::InitAp { .. } => Answer::Status(status),
            other => panic!("{other} is not expected"),
        })
    }
}

/// The pipe; clones share the probe.
#[derive(Clone)]
pub(super) struct Fake {
    shape: PipeShape,
    pub(super) state: Rc<RefCell<State>>,
}

impl Fake {
    fn new(pid: u16, version: RawVersion, ext: Option<VersionExt>) -> Self {
        let known = ::stlink::device(pid);
        let shape = PipeShape {
            kind: TransferKind::Bulk,
            out_endpoint: known.map_or(1, |device| device.command_out),
            in_endpoint: 0x81,
            report: None,
            max_packet: known.map_or(64, |device| usize::from(device.max_packet)),
            product: "STM32 STLink".into(),
            serial: Some("066DFF485550755187121723".into()),
            id: (0x0483, pid),
        };
        let registers = BTreeMap::from([
            ((DapPort::DP.0, 0), 0x6BA0_2477),
            ((1, 0xFC), 0x8477_0001),
            ((1, 0), 0xC380_0040),
            ((DapPort::DP.0, 0x24), 0x0484_0041),
        ]);
        let state = State {
            version,
            ext,
            mode: Mode::MASS,
            stuck: false,
            memory: BTreeMap::new(),
            registers,
            script: BTreeMap::new(),
            lost: VecDeque::new(),
            part: usize::MAX,
            last: (Status::OK, 0),
            results: vec![],
            expecting: None,
            full: false,
            resets: 0,
            answers: Answers::new(),
            seen: vec![],
            packets: vec![],
            clock: Arc::new(VirtualClock::new()),
        };
        Fake { shape, state: Rc::new(RefCell::new(state)) }
    }

    pub(super) fn with_serial(mut self, serial: &str) -> Self {
        self.shape.serial = Some(serial.to_owned());
        self
    }

    /// A V2-1 with this J number.
    pub(super) fn v21(jtag: u16) -> Self {
        let word = 2 << 12 | jtag << 6 | 25;
        Fake::new(0x374B, RawVersion { word, vid: 0x0483, pid: 0x374B }, None)
    }

    /// A V3 with this J number.
    pub(super) fn v3(jtag: u8) -> Self {
        let (vid, pid) = (0x0483, 0x374E);
        let ext =
            VersionExt { hardware: 3, swim: 0, jtag, msc: 3, bridge: 0, power: 0, reserved: 0, vid, pid };
        Fake::new(pid, RawVersion { word: 3 << 12, vid, pid }, Some(ext))
    }

    /// Another USB product.
    pub(super) fn with_pid(mut self, pid: u16) -> Self {
        self.shape.id.1 = pid;
        self
    }

    pub(super) fn clock(&self) -> Arc<VirtualClock> {
        Arc::clone(&self.state.borrow().clock)
    }

    /// The next command with this byte gets this status.
    pub(super) fn answer(&self, code: u8, status: Status) {
        self.state.borrow_mut().script.entry(code).or_default().push_back(Some(status));
    }

    /// The next command with this byte is answered as it would be.
    pub(super) fn pass(&self, code: u8) {
        self.state.borrow_mut().script.entry(code).or_default().push_back(None);
    }

    /// Commands since the last call.
    pub(super) fn seen(&self) -> Vec<Command> {
        std::mem::take(&mut self.state.borrow_mut().seen)
    }
}

impl Pipe for Fake {
    fn shape(&self) -> &PipeShape {
        &self.shape
    }

    fn send(&mut self, packet: &Packet, timeout: Duration) -> Result<(), PipeError> {
        let mut state = self.state.borrow_mut();
        if state.expecting.is_some() && std::mem::take(&mut state.full) {
            return Err(PipeError::Timeout(timeout));
        }
        state.out(packet);
        Ok(())
    }

    fn recv(&mut self, timeout: Duration) -> Result<Bytes, PipeError> {
        let mut state = self.state.borrow_mut();
        let State { answers, clock, .. } = &mut *state;
        next_answer(answers, clock, timeout)
    }

    fn control(&mut self, _: Setup, _: &[u8], _: Duration) -> Result<Bytes, PipeError> {
        Err(PipeError::Stall)
    }

    fn reset(&mut self) -> Result<(), PipeError> {
        let mut state = self.state.borrow_mut();
        state.resets += 1;
        state.expecting = None;
        Ok(())
    }
}

//! A probe behind a pipe: answers well unless a trick is set for a packet.

use crate::fake::{Answers, next_answer};
use ::cmsis_dap::{
    BlockReply, CommandId, DebugPort, InfoData, InfoId, Request, Response, Status, TransferReply,
    TransferStatus,
};
use bytes::Bytes;
use pace::{Clock, VirtualClock};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use wire::{Packet, Pipe, PipeError, PipeShape, Setup, TransferKind};

/// What happens to the answer of one packet.
#[derive(Debug, Clone)]
pub(super) enum Trick {
    /// It never comes.
    Lost,
    /// It comes so much later.
    Late(Duration),
    /// It is these bytes; the packet is not performed.
    Instead(Vec<u8>),
    /// An empty one comes before it.
    AfterEmpty,
    /// It comes twice.
    Twice,
    /// It runs until it is aborted, and is then answered with these bytes.
    UntilAborted(Vec<u8>),
}

pub(super) struct State {
    pub(super) shape: PipeShape,
    pub(super) info: BTreeMap<u8, Vec<u8>>,
    /// Answers and when they arrive.
    pub(super) answers: Answers,
    pub(super) sent: Vec<Packet>,
    /// By number of the packet, counted from the start.
    pub(super) tricks: BTreeMap<usize, Trick>,
    /// Command bytes it answers with 0xFF.
    pub(super) unknown: Vec<CommandId>,
    /// Words it read for the host so far: each read gives the next number.
    pub(super) reads: u32,
    /// Words the host wrote.
    pub(super) writes: Vec<u32>,
    /// Most answers that ever waited.
    pub(super) most_waiting: usize,
    pub(super) longest_wait: Duration,
    pub(super) clock: Arc<VirtualClock>,
    pub(super) pins: u8,
    /// What a transfer that does not end will answer when it is aborted.
    pub(super) running: Option<Bytes>,
}

/// How long the probe takes to answer.
const LATENCY: Duration = Duration::from_micros(250);

impl State {
    fn answer(&mut self, packet: &Packet) {
        let number = self.sent.len();
        self.sent.push(packet.clone());
        let trick = self.tricks.remove(&number);
        if let Some(Trick::Lost) = trick {
            return;
        }
        if let Some(Trick::UntilAborted(had)) = trick {
            self.running = Some(had.into());
            return;
        }
        let (mut delay, mut copies) = (LATENCY, 1);
        let bytes = match &trick {
            Some(Trick::Instead(bytes)) => Some(bytes.clone().into()),
            _ => self.perform(&Request::decode(&packet.bytes).unwrap().value),
        };
        match trick {
            Some(Trick::Late(late)) => delay += late,
            Some(Trick::Twice) => copies = 2,
            Some(Trick::AfterEmpty) => self.answers.push_back((self.clock.now() + delay, Bytes::new())),
            _ => {}
        }
        let Some(bytes) = bytes else { return };
        let mut bytes = bytes.to_vec();
        if let Some(report) = self.shape.report {
            bytes.resize(report, 0x5A);
        }
        let after = self.answers.back().map_or(Duration::ZERO, |(when, _)| *when);
        let when = (self.clock.now() + delay).max(after);
        for _ in 0..copies {
            self.answers.push_back((when, bytes.clone().into()));
        }
        self.most_waiting = self.most_waiting.max(self.answers.len());
    }

    fn perform(&mut self, request: &Request) -> Option<Bytes> {
        if self.unknown.contains(&request.id()) {
            return Some(Response::Unimplemented.encode().unwrap());
        }
        let response = match request {
            Request::TransferAbort => return self.running.take(),
            Request::Info(InfoId(id)) => {
                Response::Info(InfoData(self.info.get(id).cloned().unwrap_or_default().into()))
            }
            Request::Connect(_) => Response::Connect(DebugPort::SWD),
            Request::SwjPins { out, select, wait_micros: 0 } => {
                // A pin takes until the next look to follow.
                let read = self.pins;
                self.pins = self.pins & !select.0 | out.0 & select.0;
                Response::SwjPins(wire::Pins(read))
            }
            Request::SwjPins { out, select, .. } => Response::SwjPins(wire::Pins(out.0 & select.0)),
            Request::SwdSequence(items) => {
                let data: Vec<u8> = items
                    .iter()
                    .enumerate()
                    .flat_map(|(i, item)| vec![u8::try_from(i).unwrap(); item.answer_len()])
                    .collect();
                Response::SwdSequence { status: Status::OK, data: data.into() }
            }
            Request::Transfer(transfer) => {
                let mut words = vec![];
                for item in &transfer.items {
                    if item.request.is_plain_read() {
                        words.push(self.read());
                    } else if item.request.is_plain_write() {
                        self.writes.push(item.word);
                    }
                }
                let count = u8::try_from(transfer.items.len()).unwrap();
                Response::Transfer(TransferReply { count, status: TransferStatus::OK, words })
            }
            Request::TransferBlock(block) => {
                self.writes.extend(&block.words);
                let reads = if block.request.is_read() { block.count } else { 0 };
                let words = (0..reads).map(|_| self.read()).collect();
                Response::TransferBlock(BlockReply { count: block.count, status: TransferStatus::OK, words })
            }
            other => Response::ok(other.id()),
        };
        Some(response.encode().unwrap())
    }

    fn read(&mut self) -> u32 {
        self.reads += 1;
        self.reads
    }
}

/// The pipe; clones share the probe.
#[derive(Clone)]
pub(super) struct Fake {
    shape: PipeShape,
    pub(super) state: Rc<RefCell<State>>,
}

impl Fake {
    pub(super) fn new(report: Option<usize>, packet_size: u16, packet_count: u8) -> Self {
        let shape = PipeShape {
            kind: if report.is_some() { TransferKind::Interrupt } else { TransferKind::Bulk },
            out_endpoint: 0x01,
            in_endpoint: 0x81,
            report,
            max_packet: report.unwrap_or(64),
            product: "Fake CMSIS-DAP".into(),
            serial: Some("usb-serial".into()),
            id: (0x1209, 0x0001),
        };
        let info = [
            (0x01, b"Maker\0".to_vec()),
            (0x02, b"Probe One\0".to_vec()),
            (0x03, b"0042\0".to_vec()),
            (0x04, b"2.1.2\0".to_vec()),
            (0xF0, vec![0x11]),
            (0xFE, vec![packet_count]),
            (0xFF, packet_size.to_le_bytes().to_vec()),
        ];
        let state = State {
            shape: shape.clone(),
            info: BTreeMap::from(info),
            answers: Answers::new(),
            sent: vec![],
            tricks: BTreeMap::new(),
            unknown: vec![],
            reads: 0,
            writes: vec![],
            most_waiting: 0,
            longest_wait: Duration::ZERO,
            clock: Arc::new(VirtualClock::new()),
            pins: 0x80,
            running: None,
        };
        Fake { shape, state: Rc::new(RefCell::new(state)) }
    }

    pub(super) fn with_vendor(mut self, vid: u16) -> Self {
        self.shape.id.0 = vid;
        self
    }

    pub(super) fn clock(&self) -> Arc<VirtualClock> {
        Arc::clone(&self.state.borrow().clock)
    }

    /// A trick for the packet that is sent `ahead` packets after the next one.
    pub(super) fn trick(&self, ahead: usize, trick: Trick) {
        let mut state = self.state.borrow_mut();
        let number = state.sent.len() + ahead;
        state.tricks.insert(number, trick);
    }

    /// Command bytes of what was sent since packet `from`.
    pub(super) fn commands(&self, from: usize) -> Vec<CommandId> {
        self.state.borrow().sent.iter().skip(from).map(|p| CommandId(p.bytes[0])).collect()
    }

    pub(super) fn sent(&self) -> usize {
        self.state.borrow().sent.len()
    }
}

impl Pipe for Fake {
    fn shape(&self) -> &PipeShape {
        &self.shape
    }

    fn send(&mut self, packet: &Packet, _: Duration) -> Result<(), PipeError> {
        self.state.borrow_mut().answer(packet);
        Ok(())
    }

    fn recv(&mut self, timeout: Duration) -> Result<Bytes, PipeError> {
        let mut state = self.state.borrow_mut();
        state.longest_wait = state.longest_wait.max(timeout);
        let State { answers, clock, .. } = &mut *state;
        next_answer(answers, clock, timeout)
    }

    fn pending(&mut self) -> bool {
        let state = self.state.borrow();
        state.answers.front().is_some_and(|(when, _)| *when <= state.clock.now())
    }

    fn control(&mut self, _: Setup, _: &[u8], _: Duration) -> Result<Bytes, PipeError> {
        Err(PipeError::Stall)
    }

    fn reset(&mut self) -> Result<(), PipeError> {
        Ok(())
    }
}

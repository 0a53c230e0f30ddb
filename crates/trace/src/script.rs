//! Recordings for tests, built packet by packet from the packet layouts of CMSIS-DAP and ST-Link.

use crate::{ClockKind, Header, Names, Options, Recorder, Secrets, Trace};
use std::time::Duration;
use wire::{Mark, MarkKind, Record, Secret, Sink, TransferKind};

/// Request bytes of DAP_Transfer.
pub(crate) const DP: u8 = 0;
pub(crate) const AP: u8 = 1;
pub(crate) const READ: u8 = 2;

pub(crate) struct Script {
    recorder: Recorder,
    urb: u64,
    pub(crate) at: Duration,
    kind: TransferKind,
}

impl Script {
    pub(crate) fn new() -> Self {
        Self::with(Secrets::Masked)
    }

    pub(crate) fn with(secrets: Secrets) -> Self {
        let header = Header::new("test", "1.0", ClockKind::Virtual);
        let recorder = Recorder::in_memory(&header, secrets).unwrap();
        Script { recorder, urb: 0, at: Duration::ZERO, kind: TransferKind::Bulk }
    }

    fn endpoints(&self) -> (u8, u8) {
        (0x04, 0x85)
    }

    pub(crate) fn send_secret(&mut self, data: &[u8], secret: &Secret) -> &mut Self {
        let (endpoint, kind) = (self.endpoints().0, self.kind);
        self.urb += 1;
        self.recorder.record(Record::Submit {
            at: self.at,
            urb: self.urb,
            endpoint,
            kind,
            setup: None,
            length: data.len(),
            data,
            secret,
        });
        self.at += Duration::from_micros(10);
        self.recorder.record(Record::Complete {
            at: self.at,
            urb: self.urb,
            endpoint,
            kind,
            status: 0,
            length: data.len(),
            data: &[],
            secret: &Secret::NONE,
        });
        self
    }

    pub(crate) fn send(&mut self, data: &[u8]) -> &mut Self {
        self.send_secret(data, &Secret::NONE)
    }

    /// The host begins to listen.
    pub(crate) fn listen(&mut self) -> u64 {
        let (endpoint, kind) = (self.endpoints().1, self.kind);
        self.urb += 1;
        self.recorder.record(Record::Submit {
            at: self.at,
            urb: self.urb,
            endpoint,
            kind,
            setup: None,
            length: 64,
            data: &[],
            secret: &Secret::NONE,
        });
        self.urb
    }

    /// Listening ends.
    pub(crate) fn heard(&mut self, urb: u64, data: &[u8], status: i32, secret: &Secret) -> &mut Self {
        let (endpoint, kind) = (self.endpoints().1, self.kind);
        self.at += Duration::from_micros(90);
        let (at, length) = (self.at, data.len());
        self.recorder.record(Record::Complete { at, urb, endpoint, kind, status, length, data, secret });
        self
    }

    pub(crate) fn receive_secret(&mut self, data: &[u8], status: i32, secret: &Secret) -> &mut Self {
        let urb = self.listen();
        self.heard(urb, data, status, secret)
    }

    pub(crate) fn receive(&mut self, data: &[u8]) -> &mut Self {
        self.receive_secret(data, 0, &Secret::NONE)
    }

    /// A request and its answer.
    pub(crate) fn ask(&mut self, request: &[u8], answer: &[u8]) -> &mut Self {
        self.send(request).receive(answer)
    }

    /// A DAP_Transfer of one item that is answered OK.
    pub(crate) fn write(&mut self, port: u8, a: u8, value: u32) -> &mut Self {
        let mut request = vec![0x05, 0, 1, port | a];
        request.extend(value.to_le_bytes());
        self.ask(&request, &[0x05, 1, 1])
    }

    pub(crate) fn read(&mut self, port: u8, a: u8, value: u32) -> &mut Self {
        let mut answer = vec![0x05, 1, 1];
        answer.extend(value.to_le_bytes());
        self.ask(&[0x05, 0, 1, port | READ | a], &answer)
    }

    /// AP 1 with words and single increment.
    pub(crate) fn ap1(&mut self) -> &mut Self {
        self.write(DP, 8, 0x0100_0000).write(AP, 0, 0x2300_0012)
    }

    pub(crate) fn poke(&mut self, address: u32, value: u32) -> &mut Self {
        self.write(AP, 4, address).write(AP, 0xC, value)
    }

    pub(crate) fn peek(&mut self, address: u32, value: u32) -> &mut Self {
        self.write(AP, 4, address).read(AP, 0xC, value)
    }

    pub(crate) fn mark(&mut self, kind: MarkKind, text: &str) -> &mut Self {
        self.recorder.record(Record::Mark { at: self.at, mark: &Mark::new(kind, text) });
        self
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.recorder.bytes().to_vec()
    }

    pub(crate) fn trace(&self) -> Trace {
        let how = Options { names: Some(Names::Stm32H5), ..Options::default() };
        crate::open_with(self.recorder.bytes(), &how).unwrap()
    }
}

/// A recording with three records missing before the records of its transfers from `place` on.
pub(crate) fn with_a_hole(script: &Script, place: usize) -> Trace {
    let mut recording = crate::read::read(&script.bytes()).unwrap();
    let order = recording.transfers[place].order;
    recording.gaps.push(crate::read::Gap { order, records: 3 });
    Trace::of_recording(recording)
}

/// The lines of a level.
pub(crate) fn lines(trace: &Trace, level: wire::Level) -> Vec<String> {
    trace.events(level).iter().map(crate::line).collect()
}

/// An ST-Link command: 16 bytes, the rest zero.
pub(crate) fn st(head: &[u8]) -> Vec<u8> {
    let mut command = head.to_vec();
    command.resize(16, 0);
    command
}

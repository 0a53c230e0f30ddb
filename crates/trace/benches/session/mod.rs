//! Recordings of a CMSIS-DAP probe, for benches.

#![allow(dead_code, reason = "no bench needs all of it")]

use std::time::Duration;
use trace::{ClockKind, Header, Recorder, Secrets};
use wire::{Record, Secret, Sink, TransferKind};

/// A session in the course of being recorded.
pub(crate) struct Session {
    recorder: Recorder,
    urb: u64,
}

impl Session {
    /// Begins with SELECT and CSW written: words through AP1, one behind the other.
    pub(crate) fn begin() -> Session {
        let header = Header::new("bench", "1", ClockKind::Virtual);
        let recorder = Recorder::in_memory(&header, Secrets::Masked).expect("a recorder");
        let mut session = Session { recorder, urb: 0 };
        session.ask(&[5, 0, 2, 8, 0, 0, 0, 1, 1, 0x12, 0, 0, 0x23], &[5, 2, 1]);
        session
    }

    fn transfer(&mut self, endpoint: u8, request: &[u8], answer: &[u8]) {
        self.urb += 1;
        let at = Duration::from_micros(100 * self.urb);
        let (urb, kind, secret) = (self.urb, TransferKind::Bulk, &Secret::NONE);
        let length = request.len().max(answer.len());
        let r = &mut self.recorder;
        r.record(Record::Submit { at, urb, endpoint, kind, setup: None, length, data: request, secret });
        r.record(Record::Complete { at, urb, endpoint, kind, status: 0, length, data: answer, secret });
    }

    /// A packet and its answer.
    pub(crate) fn ask(&mut self, request: &[u8], answer: &[u8]) {
        self.transfer(0x04, request, &[]);
        self.transfer(0x85, &[], answer);
    }

    /// A write of TAR.
    pub(crate) fn tar(&mut self, address: u32) {
        let mut packet = vec![5, 0, 1, 5];
        packet.extend(address.to_le_bytes());
        self.ask(&packet, &[5, 1, 1]);
    }

    /// Words that are written to where TAR points, as one block.
    pub(crate) fn block(&mut self, words: impl ExactSizeIterator<Item = u32>) {
        let [low, high, ..] = words.len().to_le_bytes();
        let mut packet = vec![6, 0, low, high, 0xD];
        packet.extend(words.flat_map(u32::to_le_bytes));
        self.ask(&packet, &[6, low, high, 1]);
    }

    /// Data of another interface of the same device.
    pub(crate) fn elsewhere(&mut self, data: &[u8]) {
        self.transfer(0x03, data, &[]);
    }

    /// Bytes so far.
    pub(crate) fn size(&self) -> usize {
        self.recorder.bytes().len()
    }

    /// The file.
    pub(crate) fn end(self) -> Vec<u8> {
        self.recorder.into_bytes()
    }
}

/// The next of numbers that look like data.
pub(crate) fn next(word: &mut u32) -> u32 {
    *word = word.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
    *word
}

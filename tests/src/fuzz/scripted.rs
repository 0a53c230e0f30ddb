//! A probe that says what an input says, and one that writes down what a simulated probe says.

use bytes::Bytes;
use sim::SimProbe;
use std::collections::VecDeque;
use std::time::Duration;
use wire::{Endpoint, Setup, UsbDevice, UsbFault, UsbIdentity};

/// How long an answer takes.
const LATENCY: Duration = Duration::from_micros(125);

/// Gives, for each packet that comes, the next record as its answer; an empty record is none.
#[derive(Debug)]
pub(super) struct Scripted {
    pub(super) identity: UsbIdentity,
    pub(super) endpoints: [Endpoint; 2],
    pub(super) script: VecDeque<Vec<u8>>,
    pub(super) waiting: VecDeque<(Duration, Bytes)>,
}

impl UsbDevice for Scripted {
    fn identity(&self) -> UsbIdentity {
        self.identity.clone()
    }

    fn endpoints(&self) -> [Endpoint; 2] {
        self.endpoints
    }

    fn control(&mut self, _: Setup, _: &[u8], _: Duration) -> Result<Bytes, UsbFault> {
        Err(UsbFault::Stall)
    }

    fn out(&mut self, _: u8, _: &[u8], at: Duration) -> Result<Duration, UsbFault> {
        let answer = self.script.pop_front().filter(|answer| !answer.is_empty());
        self.waiting.extend(answer.map(|answer| (at + LATENCY, answer.into())));
        Ok(at)
    }

    fn next_in(&self, _: u8) -> Option<Duration> {
        self.waiting.front().map(|(at, _)| *at)
    }

    fn take_in(&mut self, _: u8) -> Option<Bytes> {
        self.waiting.pop_front().map(|(_, answer)| answer)
    }

    fn reset(&mut self, _: Duration) {
        self.waiting.clear();
    }

    fn plugged(&self, _: Duration) -> bool {
        true
    }
}

/// A simulated probe with a list of what it was sent and what it answered to each packet.
#[derive(Debug)]
pub(super) struct Recorded {
    pub(super) probe: SimProbe,
    waiting: VecDeque<(Duration, Bytes)>,
    /// Packets, and the answer to each (empty: none).
    pub(super) said: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Recorded {
    pub(super) fn new(probe: SimProbe) -> Recorded {
        Recorded { probe, waiting: VecDeque::new(), said: Vec::new() }
    }
}

impl UsbDevice for Recorded {
    fn identity(&self) -> UsbIdentity {
        self.probe.identity()
    }

    fn endpoints(&self) -> [Endpoint; 2] {
        self.probe.endpoints()
    }

    fn control(&mut self, setup: Setup, data: &[u8], at: Duration) -> Result<Bytes, UsbFault> {
        self.probe.control(setup, data, at)
    }

    fn out(&mut self, endpoint: u8, data: &[u8], at: Duration) -> Result<Duration, UsbFault> {
        let taken = self.probe.out(endpoint, data, at)?;
        let [_, input] = self.probe.endpoints();
        let mut answers = Vec::new();
        while let Some(when) = self.probe.next_in(input.address) {
            let Some(answer) = self.probe.take_in(input.address) else { break };
            answers.extend_from_slice(&answer);
            self.waiting.push_back((when, answer));
        }
        self.said.push((data.to_vec(), answers));
        Ok(taken)
    }

    fn next_in(&self, _: u8) -> Option<Duration> {
        self.waiting.front().map(|(at, _)| *at)
    }

    fn take_in(&mut self, _: u8) -> Option<Bytes> {
        self.waiting.pop_front().map(|(_, answer)| answer)
    }

    fn reset(&mut self, at: Duration) {
        self.waiting.clear();
        self.probe.reset(at);
    }

    fn plugged(&self, at: Duration) -> bool {
        self.probe.plugged(at)
    }
}

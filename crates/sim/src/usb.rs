//! The USB cable of a probe: what is on its way to the host, when, and what goes wrong with it.

use crate::bus::Time;
use crate::faults::UsbFaults;
use bytes::Bytes;
use std::collections::VecDeque;
use wire::UsbFault;

/// How fast the cable is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pace {
    /// From the host's end of a transfer to the firmware, and back.
    pub(crate) latency: Time,
    /// One packet on the bus.
    pub(crate) gap: Time,
}

/// An answer on its way.
#[derive(Debug)]
struct Answer {
    at: Time,
    bytes: Bytes,
}

/// Answers that are late because something else uses the same hub. [H5-TIMEOUT-16]
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Gaps {
    /// How late.
    pub(crate) late: Time,
    /// How many percent of the answers.
    pub(crate) share: u8,
    /// Where chance begins.
    pub(crate) seed: u64,
}

impl Gaps {
    /// How late answer `number` is: from half of it to one and a half.
    fn of(&self, number: u64) -> Time {
        let chance = crate::chance::mixed(self.seed, number);
        if chance % 100 < u64::from(self.share) {
            self.late / 2 + (chance >> 32) % self.late.max(1)
        } else {
            0
        }
    }
}

/// The cable with its faults and its counters.
#[derive(Debug)]
pub(crate) struct Usb {
    pub(crate) pace: Pace,
    /// What happens to answers now, if anything.
    pub(crate) gaps: Option<Gaps>,
    faults: UsbFaults,
    answers: VecDeque<Answer>,
    /// When the bus was last free in each direction.
    out_free: Time,
    in_free: Time,
    pub(crate) unplugged: bool,
    /// The scripted STALL has been given.
    stalled: bool,
    /// Transfers from the host.
    pub(crate) taken: u64,
    answered: u64,
    /// Bytes in both directions.
    pub(crate) bytes: u64,
    /// Transfers that the host has fetched.
    pub(crate) fetched: u64,
}

impl Usb {
    /// A cable that was just plugged in.
    pub(crate) fn new(pace: Pace, faults: UsbFaults) -> Usb {
        Usb {
            pace,
            gaps: None,
            faults,
            answers: VecDeque::new(),
            out_free: 0,
            in_free: 0,
            unplugged: false,
            stalled: false,
            taken: 0,
            answered: 0,
            bytes: 0,
            fetched: 0,
        }
    }

    /// The probe is pulled out when the scripted transfer comes.
    pub(crate) fn check_plug(&mut self) -> Result<(), UsbFault> {
        self.unplugged |= self.faults.unplug == Some(self.taken + 1);
        if self.unplugged { Err(UsbFault::Gone) } else { Ok(()) }
    }

    /// The scripted transfer is refused, once.
    pub(crate) fn check_stall(&mut self) -> Result<(), UsbFault> {
        let now = !self.stalled && self.faults.stall == Some(self.taken + 1);
        self.stalled |= now;
        if now { Err(UsbFault::Stall) } else { Ok(()) }
    }

    /// Whether the firmware still runs when the next transfer comes.
    pub(crate) fn hangs(&self) -> bool {
        self.faults.hang.is_some_and(|from| self.taken + 1 >= from)
    }

    /// When the bus would have carried one packet that the probe takes from `at` on.
    pub(crate) fn would_carry(&self, at: Time) -> Time {
        self.out_free.max(at) + self.pace.gap
    }

    /// When the bus has carried a transfer of this many packets that the probe takes from `at` on.
    pub(crate) fn carry(&mut self, at: Time, packets: u64) -> Time {
        self.out_free = self.out_free.max(at) + self.pace.gap * packets;
        self.out_free
    }

    /// Sends an answer of this many packets that is ready at `end`.
    pub(crate) fn send(&mut self, answer: Bytes, packets: u64, end: Time) {
        self.answered += 1;
        let number = self.answered;
        if self.faults.lost == Some(number) {
            return;
        }
        let mut answer = answer;
        if self.faults.corrupt == Some(number) {
            answer = answer.iter().enumerate().map(|(i, b)| if i == 0 { !b } else { *b }).collect();
        }
        if self.faults.half == Some(number) {
            answer.truncate(answer.len() / 2);
        }
        let late = self.faults.delay.filter(|(n, _)| *n == number).map_or(0, |(_, by)| by);
        let late = late + self.gaps.map_or(0, |gaps| gaps.of(number));
        let copies = if self.faults.duplicate == Some(number) { 2 } else { 1 };
        let Pace { latency, gap } = self.pace;
        for _ in 0..copies {
            let ready = end + latency + late + gap * packets.saturating_sub(1);
            let at = ready.max(self.in_free + gap * packets);
            self.in_free = at;
            self.answers.push_back(Answer { at, bytes: answer.clone() });
        }
    }

    /// An answer that waits already in a probe without room between them: the last one of the queue takes this one up, if it
    /// has not left yet at `end`.
    pub(crate) fn join(&mut self, answer: &[u8], end: Time) -> bool {
        let last = self.answers.back_mut().filter(|last| last.at > end);
        let Some(last) = last else { return false };
        last.bytes = [&last.bytes[..], answer].concat().into();
        true
    }

    /// An answer that a host left behind, which was never counted.
    pub(crate) fn leave(&mut self, answer: Bytes) {
        self.answers.push_back(Answer { at: 0, bytes: answer });
    }

    /// When the oldest answer will have reached the host.
    pub(crate) fn next(&self) -> Option<Time> {
        self.answers.front().filter(|_| !self.unplugged).map(|answer| answer.at)
    }

    /// Takes that answer.
    pub(crate) fn take(&mut self) -> Option<Bytes> {
        self.next()?;
        let answer = self.answers.pop_front()?;
        self.fetched += 1;
        self.bytes += answer.bytes.len() as u64;
        Some(answer.bytes)
    }

    /// Forgets what was not fetched.
    pub(crate) fn reset(&mut self) {
        self.answers.clear();
    }
}

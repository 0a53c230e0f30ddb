//! Where every reader of logs puts what its lines show.

use super::Tool;
use crate::event::{Accessed, Body, ByProbe, Event, Procedure, RegisterAccess, Repeats, Wired};
use crate::read::{Device, Marked, Recording, Transfer, Warning};
use crate::target::Names;
use bytes::Bytes;
use std::time::Duration;
use wire::{
    Access, Ack, Addr, ApSel, Certainty, Level, Mark, MarkKind, Port, TransferKind, Width, WireEvent,
};

/// More events than this are not kept.
const MOST_EVENTS: usize = 20_000_000;
/// A line may name a longer block than there is memory.
const LONGEST_RUN: u32 = 1 << 16;
/// Logs do not name endpoints. These are not told apart from others anywhere.
const OUT: u8 = 0x01;
const IN: u8 = 0x81;
/// The device of a log.
const DEVICE: Device = Device { bus: 0, address: 1 };

/// What came of a log.
#[derive(Debug)]
pub(crate) struct Logged {
    pub(crate) recording: Recording,
    /// Level 2, where the log has it and not the packets.
    pub(crate) wire: Vec<Event>,
    /// Level 3, where the log begins there.
    pub(crate) lifted: Vec<Event>,
}

/// A log in the course of being read.
#[derive(Debug)]
pub(super) struct Intake {
    tool: Tool,
    logged: Logged,
    /// The number of the line at hand, from 1.
    line: u64,
    /// Where it begins and ends in the file.
    begun: usize,
    ended: usize,
    origin: Option<Duration>,
    at: Duration,
    /// Whether any line said when.
    timed: bool,
    /// What the log does not show.
    hides: &'static str,
}

impl Intake {
    pub(super) fn new(tool: Tool) -> Intake {
        let recording = Recording { comment: format!("log of: {tool}\n"), ..Recording::default() };
        let logged = Logged { recording, wire: Vec::new(), lifted: Vec::new() };
        let (at, hides) = (Duration::ZERO, "");
        Intake { tool, logged, line: 0, begun: 0, ended: 0, origin: None, at, timed: false, hides }
    }

    /// The next line, of so many bytes.
    pub(super) fn next_line(&mut self, bytes: usize) {
        self.line += 1;
        self.begun = self.ended;
        self.ended = self.ended.saturating_add(bytes);
    }

    /// The log ends within the line at hand.
    pub(super) fn cut_in_a_line(&mut self) {
        self.logged.recording.warnings.push(Warning::Truncated { at: self.begun });
    }

    pub(super) fn has_room(&self) -> bool {
        let Logged { recording, wire, lifted, .. } = &self.logged;
        recording.transfers.len() + recording.marks.len() + wire.len() + lifted.len() < MOST_EVENTS
    }

    /// The line at hand was written at this time, by the tool's own clock.
    pub(super) fn at(&mut self, time: Duration) {
        let origin = *self.origin.get_or_insert(time);
        self.timed = true;
        // Threads write as they like, and midnight comes.
        self.at = self.at.max(time.saturating_sub(origin));
    }

    /// Says what the log does not show. The last word counts.
    pub(super) fn hides(&mut self, what: &'static str) {
        self.hides = what;
    }

    /// A packet to the probe.
    pub(super) fn sent(&mut self, data: Vec<u8>) {
        self.transfer(OUT, data);
    }

    /// A packet from the probe.
    pub(super) fn received(&mut self, data: Vec<u8>) {
        self.transfer(IN, data);
    }

    fn transfer(&mut self, endpoint: u8, data: Vec<u8>) {
        self.logged.recording.transfers.push(Transfer {
            urb: self.line,
            device: DEVICE,
            endpoint,
            kind: TransferKind::Bulk,
            setup: None,
            submitted: Some(self.at),
            completed: Some(self.at),
            status: Some(0),
            data: Bytes::from(data),
            secret: Vec::new(),
            clipped: false,
            order: self.line,
            asked: self.line,
        });
    }

    /// Something on the wire, put to a line that may stand before the one at hand.
    pub(super) fn wire(&mut self, what: Wired, certainty: Certainty, since: Place) {
        let event = self.event(Level::Transaction, certainty, since, Body::Wire(what));
        self.logged.wire.push(event);
    }

    /// Where the log is.
    pub(super) fn place(&self) -> Place {
        Place { line: self.line, at: self.at }
    }

    /// Memory that was read or written: so many accesses at consecutive addresses, of which the first has a value.
    pub(super) fn access(&mut self, access: Access, run: u32, certainty: Certainty) {
        if run > LONGEST_RUN {
            self.note(&format!("only the first {LONGEST_RUN} of {run} accesses at {} are shown", access.at));
        }
        let repeats = Repeats { same: 1, first: None, waits: 0 };
        for n in 0..run.min(LONGEST_RUN) {
            let at = Addr(access.at.0.wrapping_add(n.wrapping_mul(access.width.bytes())));
            let access = Access { at, value: access.value.filter(|_| n == 0), ..access };
            let body = Accessed {
                access,
                run: 1,
                repeats,
                ack: Ack::OK,
                secret: false,
                matching: None,
                names: Names::default(),
            };
            self.lifted(certainty, Body::Access(body));
        }
    }

    /// So many bytes of memory, in words where that fits.
    pub(super) fn block(&mut self, ap: ApSel, at: Addr, bytes: u32, write: bool, certainty: Certainty) {
        let words = bytes.is_multiple_of(4) && at.0.is_multiple_of(4);
        let (width, run) = if words { (Width::Word, bytes / 4) } else { (Width::Byte, bytes) };
        if run > 0 {
            self.access(Access { ap, at, width, write, value: None }, run, certainty);
        }
    }

    /// A register of an access port, or with `None` of the debug port, at its address with the bank in bits 7:4.
    pub(super) fn register(&mut self, ap: Option<ApSel>, address: u8, write: bool, value: Option<u32>) {
        let offset = address & 0xFC;
        let body = RegisterAccess {
            port: if ap.is_some() { Port::Ap } else { Port::Dp },
            ap,
            bank: Some(address >> 4),
            a: address & 0xC,
            write,
            value,
            repeats: Repeats { same: 1, first: None, waits: 0 },
            ack: Ack::OK,
            secret: false,
            housekeeping: write
                && match ap {
                    Some(_) => matches!(offset, regs::ap::CSW | regs::ap::TAR | regs::ap::TAR_HI),
                    None => address & 0xC == regs::dp::SELECT,
                },
            redundant: false,
            missing: None,
            matching: None,
        };
        self.lifted(Certainty::Explicit, Body::Register(body));
    }

    /// A procedure of the probe or of the tool.
    pub(super) fn procedure(&mut self, what: Procedure, text: &str) {
        self.lifted(Certainty::Hidden, Body::ByProbe(ByProbe { what, text: text.to_owned() }));
    }

    /// nRESET went low or was released.
    pub(super) fn reset(&mut self, low: bool) {
        self.lifted(Certainty::Explicit, Body::Line(WireEvent::Reset(low)));
    }

    fn lifted(&mut self, certainty: Certainty, body: Body) {
        let event = self.event(Level::Access, certainty, self.place(), body);
        self.logged.lifted.push(event);
    }

    fn event(&self, level: Level, certainty: Certainty, since: Place, body: Body) -> Event {
        Event { level, at: since.at, until: self.at, certainty, cause: None, order: since.line, body }
    }

    /// Words of the tool that say what it is about.
    pub(super) fn note(&mut self, text: &str) {
        let mark = Mark::new(MarkKind::Note, text);
        self.logged.recording.marks.push(Marked { at: self.at, mark, order: self.line });
    }

    pub(super) fn finish(self) -> Logged {
        let Intake { tool, mut logged, timed, hides, line, .. } = self;
        let warnings = &mut logged.recording.warnings;
        warnings.push(Warning::Log { tool, hides, timed });
        let events = logged.recording.transfers.len() + logged.wire.len() + logged.lifted.len();
        if events == 0 {
            warnings.push(Warning::NothingLogged { lines: line });
        }
        logged
    }
}

/// A line with its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Place {
    line: u64,
    at: Duration,
}

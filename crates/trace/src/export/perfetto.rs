//! Perfetto: a track for each level that the trace has, and one for the marks. The numbers of the fields are those of
//! `perfetto_trace.proto`.

use super::protobuf::Message;
use super::{Told, marks, nanos};
use crate::event::{Body, Event};
use crate::text;
use crate::trace::Trace;
use std::io::{self, Write};
use wire::{Certainty, Level};

/// Fields of `Trace`, `TracePacket`, `TrackDescriptor`, `TrackEvent` and `DebugAnnotation`.
mod field {
    pub(super) const PACKET: u32 = 1;
    pub(super) const TIMESTAMP: u32 = 8;
    pub(super) const SEQUENCE: u32 = 10;
    pub(super) const TRACK_EVENT: u32 = 11;
    pub(super) const TRACK_DESCRIPTOR: u32 = 60;
    pub(super) const UUID: u32 = 1;
    pub(super) const NAME: u32 = 2;
    pub(super) const EVENT_ANNOTATION: u32 = 4;
    pub(super) const EVENT_TYPE: u32 = 9;
    pub(super) const EVENT_TRACK: u32 = 11;
    pub(super) const EVENT_CATEGORY: u32 = 22;
    pub(super) const EVENT_NAME: u32 = 23;
    pub(super) const ANNOTATION_TEXT: u32 = 6;
    pub(super) const ANNOTATION_NAME: u32 = 10;
}

/// Values of `TrackEvent.Type`.
const SLICE_BEGIN: u64 = 1;
const SLICE_END: u64 = 2;
const INSTANT: u64 = 3;

/// All packets are of one writer.
const SEQUENCE: u64 = 1;
/// The track of the marks; those of the levels come behind it.
const MARKS: u64 = 1;
/// Tracks of a level, for what is under way at the same time. What needs still more is put on the last.
const LANES: u64 = 8;

fn track_name(level: Level) -> &'static str {
    match level {
        Level::Usb => "0 USB transfers",
        Level::Command => "1 probe commands",
        Level::Transaction => "2 SWD transactions",
        Level::Access => "3 memory accesses",
        Level::Meaning => "4 registers",
        Level::Action => "5 actions",
    }
}

struct Writer<'a> {
    out: &'a mut dyn Write,
}

impl Writer<'_> {
    fn packet(&mut self, packet: Message) -> io::Result<()> {
        let packet = packet.number(field::SEQUENCE, SEQUENCE);
        self.out.write_all(Message::default().message(field::PACKET, &packet).as_bytes())
    }

    fn track(&mut self, uuid: u64, name: &str) -> io::Result<()> {
        let track = Message::default().number(field::UUID, uuid).text(field::NAME, name);
        self.packet(Message::default().message(field::TRACK_DESCRIPTOR, &track))
    }

    fn event(&mut self, at: u64, event: &Message) -> io::Result<()> {
        self.packet(Message::default().number(field::TIMESTAMP, at).message(field::TRACK_EVENT, event))
    }

    fn slice(&mut self, track: u64, (at, until): (u64, u64), name: &str, event: &Event) -> io::Result<()> {
        let certainty = Message::default()
            .text(field::ANNOTATION_NAME, "certainty")
            .text(field::ANNOTATION_TEXT, certainty(event.certainty));
        let begin = of_type(SLICE_BEGIN, track)
            .text(field::EVENT_NAME, name)
            .message(field::EVENT_ANNOTATION, &certainty);
        self.event(at, &begin)?;
        self.event(until, &of_type(SLICE_END, track))
    }
}

fn of_type(kind: u64, track: u64) -> Message {
    Message::default().number(field::EVENT_TYPE, kind).number(field::EVENT_TRACK, track)
}

const fn certainty(certainty: Certainty) -> &'static str {
    match certainty {
        Certainty::Explicit => "explicit",
        Certainty::Deterministic => "deterministic",
        Certainty::Inferred => "inferred",
        Certainty::Assumed => "assumed",
        Certainty::Hidden => "hidden",
    }
}

pub(super) fn write(trace: &Trace, with_marks: bool, out: &mut dyn Write) -> io::Result<Told> {
    let mut writer = Writer { out };
    let marks = marks(trace, with_marks);
    if !marks.is_empty() {
        writer.track(MARKS, "marks")?;
    }
    for marked in marks {
        let name = format!("{}: {}", marked.mark.kind.word(), marked.mark.text);
        let event = of_type(INSTANT, MARKS)
            .text(field::EVENT_NAME, &name)
            .text(field::EVENT_CATEGORY, marked.mark.kind.word());
        writer.event(nanos(marked.at), &event)?;
    }
    let mut spread = false;
    for level in Level::ALL {
        spread |= level_tracks(&mut writer, trace, level)?;
    }
    let told = "events that share the times of one packet were placed evenly within it";
    let made_up = if spread { vec![told.to_owned()] } else { Vec::new() };
    Ok(Told { made_up, ..Told::default() })
}

/// The tracks of a level. Whether times were made up.
fn level_tracks(writer: &mut Writer<'_>, trace: &Trace, level: Level) -> io::Result<bool> {
    let events = trace.events(level);
    let mut ends: Vec<u64> = Vec::new();
    let mut spread = false;
    for group in events.chunk_by(share_a_packet) {
        let parts = u64::try_from(group.len()).unwrap_or(u64::MAX).max(1);
        spread |= parts > 1;
        for (n, event) in (0u64..).zip(group) {
            let (at, until) = (nanos(event.at), nanos(event.until).max(nanos(event.at)));
            let part = |n: u64| {
                at + u64::try_from(u128::from(until - at) * u128::from(n) / u128::from(parts)).unwrap_or(0)
            };
            let (at, until) = (part(n), part(n + 1));
            let lane = lane(&mut ends, at, until);
            let track = MARKS + 1 + u64::from(level.number()) * LANES + lane.number;
            if lane.new {
                let more = if lane.number == 0 { "" } else { ", at the same time" };
                writer.track(track, &format!("{}{more}", track_name(level)))?;
            }
            writer.slice(track, (at, until), &text::line(event), event)?;
        }
    }
    Ok(spread)
}

/// Events without times of their own: they have those of the packet that they stand in.
fn share_a_packet(one: &Event, next: &Event) -> bool {
    let wire = matches!((&one.body, &next.body), (Body::Wire(_), Body::Wire(_)));
    wire && (one.at, one.until, one.cause) == (next.at, next.until, next.cause)
        && one.until > one.at
        && one.cause.is_some()
}

struct Lane {
    number: u64,
    new: bool,
}

/// The first track of a level that is free at this time.
fn lane(ends: &mut Vec<u64>, at: u64, until: u64) -> Lane {
    let free = ends.iter().position(|end| *end <= at);
    let full = u64::try_from(ends.len()).is_ok_and(|lanes| lanes >= LANES);
    let place = free.or_else(|| full.then(|| ends.len() - 1));
    let new = place.is_none();
    let place = place.unwrap_or(ends.len());
    if new {
        ends.push(0);
    }
    if let Some(end) = ends.get_mut(place) {
        *end = (*end).max(until);
    }
    Lane { number: u64::try_from(place).unwrap_or(0), new }
}

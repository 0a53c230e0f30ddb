//! A whole trace: a recording, decoded and lifted once, readable at every level.

use crate::decode::Decoding;
use crate::event::{Body, Event, OnWire};
use crate::fold::Row;
use crate::lift::{Assume, Lifted};
use crate::log::{self, Logged, Tool};
use crate::logic::{self, Capture, Channels, Format, Seekable};
use crate::read::{Choice, Device, Marked, Protocol, Recording, Survey, Transfer, Warning, choose};
use crate::secrets::{self, Look};
use crate::swd::Tally;
use crate::target::{Names, Target};
use crate::{Secrets, TraceError, action, decode, export, fold, lift, read, recorder};
use bytes::Bytes;
use cmsis_dap::Model;
use std::io::{Cursor, Read};
use std::ops::Range;
use std::sync::OnceLock;
use wire::{Certainty, Level, WireEvent};

pub use writes::{Write, WriteTo};

/// Bytes that tell the format of a file.
const HEAD: u16 = 4096;

/// How to open a recording.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Which device is the probe; otherwise the payload decides.
    pub device: Option<Device>,
    /// Which channels of a logic capture are the pins; otherwise their names decide.
    pub channels: Channels,
    /// Whose register names hold; otherwise what the trace shows of the chip decides.
    pub names: Option<Names>,
    /// What holds before SELECT is written.
    pub assume: Assume,
    /// Secrets that the recording holds in clear are values like all others. Otherwise no view shows them, marked or not.
    pub show_secrets: bool,
}

/// A recording with everything that is derived from it.
#[derive(Debug)]
pub struct Trace {
    comment: String,
    marks: Vec<Marked>,
    warnings: Vec<Warning>,
    device: Option<Device>,
    protocol: Option<Protocol>,
    target: Target,
    ports: Vec<u64>,
    decoded: Decoding,
    usb: Vec<Event>,
    lifted: Vec<Event>,
    folded: Vec<Event>,
    /// Of each folded event, where its originals in `lifted` end.
    ends: Vec<usize>,
    /// The same as `folded`, named: only where somebody asks for it.
    meanings: OnceLock<Vec<Event>>,
    actions: Vec<Event>,
    breaks: fold::Breaks,
    before: Before,
    /// The part of the recording that it is.
    orders: Range<u64>,
}

/// How many events of a recording stand before those of a piece of it: nothing where the trace is the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Before {
    pub(crate) usb: usize,
    pub(crate) commands: usize,
    pub(crate) wire: usize,
    pub(crate) lifted: usize,
    pub(crate) folded: usize,
}

impl Before {
    /// Of a level below that of accesses.
    pub(crate) fn of(self, level: Level) -> usize {
        match level {
            Level::Usb => self.usb,
            Level::Command => self.commands,
            Level::Transaction => self.wire,
            Level::Access | Level::Meaning | Level::Action => self.folded,
        }
    }
}

/// Opens a recording.
///
/// # Errors
/// [`TraceError::Unknown`] when the bytes are no recording.
pub fn open(bytes: &[u8]) -> Result<Trace, TraceError> {
    open_with(bytes, &Options::default())
}

/// Opens a recording, with options.
///
/// # Errors
/// [`TraceError::Unknown`] when the bytes are no recording, [`TraceError::NoSuchDevice`] when the chosen device is not in it.
pub fn open_with(bytes: &[u8], options: &Options) -> Result<Trace, TraceError> {
    open_file(&mut Cursor::new(bytes), options)
}

/// Opens a recording of USB transfers, whose data are parts of these bytes, and looks for secrets in this way.
pub(crate) fn open_shared(
    bytes: &Bytes,
    options: &Options,
    look: &Look,
) -> Result<(Trace, secrets::Marked), TraceError> {
    let mut recording = read::read_shared(bytes)?;
    let choice = choose(&mut recording, options.device)?;
    Ok(Trace::derive(recording, choice, options, Some(look)))
}

#[cfg(test)]
impl Trace {
    /// What follows from a recording that a test has made up.
    pub(crate) fn of_recording(mut recording: Recording) -> Trace {
        let choice = choose(&mut recording, None).unwrap();
        Trace::derive(recording, choice, &Options::default(), None).0
    }
}

/// Opens a recording in a file, which may be of any size: what is kept of it are its events.
///
/// # Errors
/// [`TraceError::Source`] when it cannot be read, otherwise as [`open_with`].
pub fn open_file(file: &mut dyn Seekable, options: &Options) -> Result<Trace, TraceError> {
    let head = head(&mut { &mut *file })?;
    if Format::of(&head) == Some(Format::Sigrok) {
        return Ok(Trace::of_capture(logic::read_session(file, &options.channels)?, options));
    }
    open_behind(&head, &mut { file }, options)
}

/// Opens a recording that comes out of a pipe. What is kept of it are its events.
///
/// # Errors
/// As [`open_file`].
pub fn open_from(source: &mut dyn Read, options: &Options) -> Result<Trace, TraceError> {
    let head = head(source)?;
    open_behind(&head, source, options)
}

/// What tells the format of a recording.
fn head(source: &mut dyn Read) -> Result<Vec<u8>, TraceError> {
    let mut head = Vec::new();
    source.take(u64::from(HEAD)).read_to_end(&mut head).map_err(TraceError::Source)?;
    Ok(head)
}

/// Opens a recording whose head was read already.
fn open_behind(head: &[u8], source: &mut dyn Read, options: &Options) -> Result<Trace, TraceError> {
    let mut whole = head.chain(source);
    if let Some(format) = Format::of(head) {
        return Ok(Trace::of_capture(logic::read(format, &mut whole, &options.channels)?, options));
    }
    if let Some(tool) = Tool::of_head(head) {
        return Ok(Trace::of_log(log::read(tool, &mut whole)?, options));
    }
    Trace::of_usb(read::read_from(&mut whole)?, options)
}

/// Opens a logic capture whose channels have files of their own (binary exports of Saleae Logic 2), each with its name.
///
/// # Errors
/// [`TraceError::Channel`] when the pins are not among them, [`TraceError::Capture`] when a file makes no sense.
pub fn open_channels(files: Vec<(String, &mut dyn Read)>, options: &Options) -> Result<Trace, TraceError> {
    Ok(Trace::of_capture(logic::read_channels(files, &options.channels)?, options))
}

impl Trace {
    fn of_capture(capture: Capture, options: &Options) -> Trace {
        let Capture { comment, events, warnings, tally } = capture;
        let recording = Recording { comment, warnings, ..Recording::default() };
        let decoding = Decoding { wire: events, tally: Some(tally), ..Decoding::default() };
        let trace = Trace::of_wire(recording, None, decoding, options);
        Trace { protocol: Some(Protocol::Wire), ..trace }
    }

    /// From the lowest level that the log shows.
    fn of_log(logged: Logged, options: &Options) -> Trace {
        let Logged { mut recording, wire, lifted } = logged;
        if let Ok(choice @ Some(_)) = choose(&mut recording, None) {
            let (trace, _) = Trace::derive(recording, choice, options, Some(&Look::default()));
            return Trace { device: None, ..trace };
        }
        let trace = if wire.iter().any(is_transaction) {
            Trace::of_wire(recording, None, Decoding { wire, ..Decoding::default() }, options)
        } else {
            // Line sequences alone are no level 2.
            let mut all = [lift::lift(&wire, options.assume).events, lifted].concat();
            all.sort_by_key(|event| event.order);
            let lifted = Lifted { events: all, ports: Vec::new() };
            Trace::of_accesses(recording, None, Decoding::default(), lifted, options)
        };
        Trace { protocol: Some(Protocol::Log), ..trace }
    }

    fn of_usb(mut recording: Recording, options: &Options) -> Result<Trace, TraceError> {
        let choice = choose(&mut recording, options.device)?;
        // Whoever masked secrets has looked for them.
        let look = Some(Look::default()).filter(|_| !recorder::says_masked(&recording.comment));
        Ok(Trace::derive(recording, choice, options, look.as_ref()).0)
    }

    /// From USB transfers, or from a list of what was on the wire. In transfers secrets are looked for as told.
    fn derive(
        mut recording: Recording,
        choice: Option<Choice>,
        options: &Options,
        look: Option<&Look>,
    ) -> (Trace, secrets::Marked) {
        let listed = std::mem::take(&mut recording.wire);
        if choice.is_none() && !listed.is_empty() {
            let decoding = Decoding { wire: listed, ..Decoding::default() };
            let trace = if header(&recording.comment, export::HIDDEN).is_some() {
                let lifted = Lifted { events: lift::spelled_out(&decoding.wire), ports: Vec::new() };
                Trace::of_accesses(recording, None, decoding, lifted, options)
            } else {
                Trace::of_wire(recording, None, decoding, options)
            };
            return (Trace { protocol: Some(Protocol::List), ..trace }, secrets::Marked::default());
        }
        if !listed.is_empty() {
            recording.warnings.push(Warning::WireBesideUsb { events: listed.len() });
        }
        let Some(choice) = choice else {
            let trace = Trace::of_wire(recording, None, Decoding::default(), options);
            return (trace, secrets::Marked::default());
        };
        if options.show_secrets && !recorder::says_masked(&recording.comment) {
            recording.transfers.iter_mut().for_each(|transfer| transfer.secret.clear());
        }
        let (mut decoding, mut lifted) = decoded(&mut recording, choice, options);
        let mut marked = secrets::Marked::default();
        if let Some(look) = look.filter(|_| !options.show_secrets)
            && let Some(found) =
                secrets::mark(&mut recording.transfers, choice.protocol, &decoding, &lifted.events, look)
        {
            marked = found;
            (decoding, lifted) = decoded(&mut recording, choice, options);
        }
        (Trace::of_accesses(recording, Some(choice), decoding, lifted, options), marked)
    }

    /// A piece of a recording, before anything is in it.
    fn empty(survey: &Survey, target: Target) -> Trace {
        Trace {
            comment: survey.comment.clone(),
            marks: survey.marks.clone(),
            warnings: survey.warnings.clone(),
            device: survey.choice.map(|choice| choice.device),
            protocol: survey.choice.map(|choice| choice.protocol),
            target,
            ports: Vec::new(),
            decoded: Decoding {
                model: survey.choice.map(|choice| choice.model).unwrap_or_default(),
                ..Decoding::default()
            },
            usb: Vec::new(),
            lifted: Vec::new(),
            folded: Vec::new(),
            ends: Vec::new(),
            meanings: OnceLock::new(),
            actions: Vec::new(),
            breaks: fold::Breaks::default(),
            before: Before::default(),
            orders: 0..0,
        }
    }

    /// Everything above level 2.
    fn of_wire(recording: Recording, choice: Option<Choice>, decoding: Decoding, options: &Options) -> Trace {
        let lifted = lift::lift(&decoding.wire, options.assume);
        Trace::of_accesses(recording, choice, decoding, lifted, options)
    }

    /// Everything above level 3.
    fn of_accesses(
        recording: Recording,
        choice: Option<Choice>,
        mut decoding: Decoding,
        lifted: Lifted,
        options: &Options,
    ) -> Trace {
        let Recording { comment, mut transfers, marks, mut warnings, .. } = recording;
        let Lifted { events: mut lifted, ports } = lifted;
        let in_packets = choice.is_some_and(|choice| choice.protocol != Protocol::JLink);
        if !in_packets && !recorder::says_masked(&comment) {
            bare(&mut transfers, &mut decoding.wire, &mut lifted, options);
        }
        let target = match options.names {
            Some(names) => Target::said(names),
            None => Target::of(&decoding.commands, &lifted),
        };
        lifted.iter_mut().for_each(|event| name(event, target.names));
        warnings.extend(assumed(&lifted));
        let breaks = fold::Breaks::of(fold::marked(&marks), &decoding.wire);
        let fold::Folded { events: folded, ends } = fold::fold(&lifted, &breaks);
        let actions = action::find(&folded, &breaks, target.names, &action::Known::default(), 0);
        let usb = transfers.into_iter().map(moved).collect();
        Trace {
            comment,
            marks,
            warnings,
            device: choice.map(|c| c.device),
            protocol: choice.map(|c| c.protocol),
            target,
            ports,
            decoded: decoding,
            usb,
            lifted,
            folded,
            ends,
            meanings: OnceLock::new(),
            actions,
            breaks,
            before: Before::default(),
            orders: 0..u64::MAX,
        }
    }

    /// The events of a level, in order of time. From level 3 on, polls and block transfers are one event each.
    pub fn events(&self, level: Level) -> &[Event] {
        match level {
            Level::Usb => &self.usb,
            Level::Command => &self.decoded.commands,
            Level::Transaction => &self.decoded.wire,
            Level::Access => &self.folded,
            Level::Meaning => self.meanings.get_or_init(|| named(&self.folded)),
            Level::Action => &self.actions,
        }
    }

    /// How many events a level has.
    pub fn count(&self, level: Level) -> usize {
        match level {
            // The same as below, named.
            Level::Meaning => self.folded.len(),
            _ => self.events(level).len(),
        }
    }

    /// Every memory access and every access to a DP or AP register, nothing folded and nothing left out.
    pub fn accesses(&self) -> &[Event] {
        &self.lifted
    }

    /// The events of a level with loops folded: a loop of several accesses that is repeated is one row. Below level 3 each
    /// event is a row.
    pub fn rows(&self, level: Level) -> Vec<Row> {
        fold::rows(self.events(level), level, &self.breaks)
    }

    /// The places in [`accesses`](Trace::accesses) of what these events of a level consist of. Empty below level 3.
    pub fn originals(&self, level: Level, events: Range<usize>) -> Range<usize> {
        let events = match level {
            Level::Access | Level::Meaning => events,
            Level::Action => self.meanings_of(events),
            Level::Usb | Level::Command | Level::Transaction => 0..0,
        };
        let end = |n: usize| n.checked_sub(1).and_then(|last| self.ends.get(last)).copied().unwrap_or(0);
        end(events.start)..end(events.end)
    }

    /// The events of level 4 that these events of level 5 consist of.
    fn meanings_of(&self, actions: Range<usize>) -> Range<usize> {
        // An event of level 5 names the first of its events of level 4 as its cause.
        let end = self.before.folded + self.folded.len();
        let cause = |n: usize| {
            let cause = self.actions.get(n).and_then(|event| event.cause).unwrap_or(end);
            cause.saturating_sub(self.before.folded)
        };
        cause(actions.start)..cause(actions.end)
    }

    /// How many events of the recording stand before those of this piece.
    pub(crate) fn before(&self) -> Before {
        self.before
    }

    /// Whether nothing follows: always so where the trace is the whole recording.
    pub fn is_last(&self) -> bool {
        self.orders.end == u64::MAX
    }

    /// How many accesses stand before those of this piece: `0` where the trace is the whole recording.
    pub fn accesses_before(&self) -> usize {
        self.before.lifted
    }

    /// The marks.
    pub fn marks(&self) -> &[Marked] {
        &self.marks
    }

    /// The marks in this piece: all of them, where the trace is the whole recording.
    pub fn marks_here(&self) -> &[Marked] {
        let place = |order: u64| self.marks.partition_point(|marked| marked.order < order);
        let Range { start, end } = self.orders;
        self.marks.get(place(start)..place(end)).unwrap_or_default()
    }

    /// What of the recording could not be used.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// The comment at the head of the recording, lines `key: value` in a recording of ours.
    pub fn comment(&self) -> &str {
        &self.comment
    }

    /// The value of a line `key: value` of the comment.
    pub fn header(&self, key: &str) -> Option<&str> {
        header(&self.comment, key)
    }

    /// Whether what is marked as secret in the recording is a mask.
    pub fn secrets(&self) -> Secrets {
        if recorder::says_masked(&self.comment) { Secrets::Masked } else { Secrets::Shown }
    }

    /// The device that was decoded.
    pub fn device(&self) -> Option<Device> {
        self.device
    }

    /// The chip, as far as the trace tells, or as it was told.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// The addresses of access ports in ADIv6: that of AP0 first. Empty in ADIv5, where they have nothing but numbers.
    pub fn port_addresses(&self) -> &[u64] {
        &self.ports
    }

    /// Whether transactions carry the times of the packets that they came in, and no times of their own.
    pub fn usb_hides_times(&self) -> bool {
        match self.protocol {
            Some(Protocol::Wire) => false,
            Some(Protocol::List) => self.header(export::TIMES).is_some(),
            _ => true,
        }
    }

    /// Whether all that there is of USB is not to be seen: the source shows the wire.
    pub fn shows_the_wire_alone(&self) -> bool {
        matches!(self.protocol, Some(Protocol::Wire | Protocol::List))
    }

    /// What the clocks were for, where each of them was seen.
    pub(crate) fn tally(&self) -> Option<Tally> {
        self.decoded.tally
    }

    /// What the probe speaks, where that was recognised.
    pub fn protocol(&self) -> Option<Protocol> {
        self.protocol
    }

    /// Whether transactions (level 2) are not to be seen: the probe or the log shows higher levels only.
    pub fn hides_the_wire(&self) -> bool {
        match self.protocol {
            Some(Protocol::StLink) => true,
            Some(Protocol::Log) => self.decoded.wire.is_empty(),
            Some(Protocol::List) => self.header(export::HIDDEN).is_some(),
            _ => false,
        }
    }

    /// The CMSIS-DAP firmware that the probe seems to have, which decides what it added to the wire.
    pub fn model(&self) -> Model {
        self.decoded.model
    }

    /// Where the recording was cut off, if it was: at which byte, of a sigrok session after which sample, of what is too much
    /// after which event.
    pub fn truncated_at(&self) -> Option<usize> {
        self.warnings.iter().find_map(|warning| match warning {
            Warning::Truncated { at } | Warning::Damaged { at } | Warning::TooMuch { events: at, .. } => {
                Some(*at)
            }
            Warning::CutAtSample { sample } => Some(usize::try_from(*sample).unwrap_or(usize::MAX)),
            _ => None,
        })
    }

    /// How many records the recorder lost at least.
    pub fn lost(&self) -> u64 {
        let lost = |warning: &Warning| match warning {
            Warning::Lost { records, .. } => Some(*records),
            _ => None,
        };
        self.warnings.iter().find_map(lost).unwrap_or(0)
    }
}

/// The value of a line `key: value`.
fn header<'a>(comment: &'a str, key: &str) -> Option<&'a str> {
    comment.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(": "))
}

/// Hides the secrets of a source without packets, or shows those that are marked.
fn bare(transfers: &mut [Transfer], wire: &mut [Event], lifted: &mut [Event], options: &Options) {
    if options.show_secrets {
        wire.iter_mut().chain(lifted).for_each(secrets::show);
    } else if secrets::hide(wire, lifted) {
        // The bits of a J-Link are spread over its packets.
        transfers
            .iter_mut()
            .for_each(|transfer| transfer.secret = std::iter::once(0..transfer.data.len()).collect());
    }
}

/// What follows from the packets, up to level 3. Packets from which more would follow than can be held are left out.
fn decoded(recording: &mut Recording, choice: Choice, options: &Options) -> (Decoding, Lifted) {
    let (decoding, taken) = decode::decode(&recording.transfers, &recording.gaps, choice);
    if taken < recording.transfers.len() {
        recording.transfers.truncate(taken);
        let at = recording.transfers.last().map(Transfer::at).unwrap_or_default();
        recording.warnings.push(Warning::TooMuch { events: decoding.wire.len(), at });
    }
    let lifted = match choice.protocol {
        Protocol::StLink => Lifted { events: lift::native::lift(&decoding.commands), ports: Vec::new() },
        _ => lift::lift(&decoding.wire, options.assume),
    };
    (decoding, lifted)
}

/// A transfer as an event of level 0.
fn moved(transfer: Transfer) -> Event {
    Event {
        level: Level::Usb,
        at: transfer.submitted.unwrap_or(transfer.at()),
        until: transfer.completed.unwrap_or(transfer.at()),
        certainty: Certainty::Explicit,
        cause: None,
        order: transfer.order,
        body: Body::Transfer(Box::new(transfer)),
    }
}

/// The names that hold for an event.
fn name(event: &mut Event, names: Names) {
    if let Body::Access(access) = &mut event.body {
        access.names = names;
    }
}

/// A word on what rests on an assumption.
fn assumed(lifted: &[Event]) -> Option<Warning> {
    let accesses = assumed_accesses(lifted);
    (accesses > 0).then_some(Warning::Assumed { accesses })
}

fn assumed_accesses(lifted: &[Event]) -> usize {
    lifted.iter().filter(|event| event.certainty == Certainty::Assumed).count()
}

/// The events of level 4.
fn named(folded: &[Event]) -> Vec<Event> {
    folded.iter().map(|event| Event { level: Level::Meaning, ..event.clone() }).collect()
}

fn is_transaction(event: &Event) -> bool {
    let Body::Wire(wired) = &event.body else { return false };
    matches!(wired.what, OnWire::Event(WireEvent::Transaction(_)))
}

pub(crate) mod pieces;
mod writes;

#[cfg(test)]
mod tests;

//! A recording in a file, whole or piece by piece.
//!
//! A recording of USB may be of any size, so it is read twice: once to know what there is ([`Survey`]), and again to be decoded.
//! Each piece is a [`Trace`] of its own, with the numbers that its events have in the whole. A piece ends where an action ends
//! and a packet does, with enough behind it to know that it does, so nothing is cut that belongs together.

use super::{Before, Options, Trace, head, moved, name, open_behind};
use crate::TraceError;
use crate::action::{self, Known};
use crate::decode::{Decoder, Decoding};
use crate::event::{Body, Event};
use crate::fold::{self, Breaks, Folded};
use crate::lift::native::Native;
use crate::lift::{self, Lift};
use crate::log::Tool;
use crate::logic::{Format, Seekable};
use crate::read::{Again, Batch, Protocol, Survey, Warning};
use crate::target::{Evidence, Target};
use crate::{recorder, secrets};
use std::io::SeekFrom;
use std::ops::ControlFlow;
use std::sync::OnceLock;

/// So many bytes of data weigh as much as an event.
const BYTES: usize = 512;
/// Batches of transfers that are looked at for a guess.
const GUESSED: usize = 4;
/// A piece without a place to end grows so often to twice its size; then it ends where it is.
const GROWS: u32 = 8;

/// A recording in a file.
#[derive(Debug)]
pub struct Pieces<'a>(Source<'a>);

enum Source<'a> {
    /// Held whole.
    Whole(Box<Trace>),
    /// Read again for each look.
    File {
        file: &'a mut dyn Seekable,
        survey: Box<Survey>,
        options: Box<Options>,
        target: Option<Target>,
        size: Size,
    },
}

/// How large a piece is.
#[derive(Debug, Clone, Copy)]
struct Size {
    /// What it holds as a rule: accesses, transfers, and data of these by [`BYTES`].
    events: usize,
    /// Events of level 3 behind an action that tell whether it has ended.
    behind: usize,
}

impl Default for Size {
    fn default() -> Self {
        Size { events: 1 << 15, behind: 512 }
    }
}

impl std::fmt::Debug for Source<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Source::Whole(trace) => f.debug_tuple("Whole").field(trace).finish(),
            Source::File { survey, target, .. } => f.debug_tuple("File").field(survey).field(target).finish(),
        }
    }
}

impl<'a> Pieces<'a> {
    /// Opens a recording in a file. What cannot be read piece by piece is read whole.
    ///
    /// # Errors
    /// As [`open_file`](super::open_file).
    pub fn open(file: &'a mut dyn Seekable, options: &Options) -> Result<Pieces<'a>, TraceError> {
        let head = head(&mut { &mut *file })?;
        if Format::of(&head).is_none() && Tool::of_head(&head).is_none() {
            rewind(file)?;
            let survey = Box::new(Survey::of(&mut { &mut *file }, options.device)?);
            if survey.choice.is_some() {
                let target = None;
                let (options, size) = (Box::new(options.clone()), Size::default());
                return Ok(Pieces(Source::File { file, survey, options, target, size }));
            }
            rewind(file)?;
            return Ok(Pieces::of(open_behind(&[], &mut { file }, options)?));
        }
        rewind(file)?;
        Ok(Pieces::of(super::open_file(file, options)?))
    }

    /// A trace that is there already, as its only piece.
    pub fn of(trace: Trace) -> Pieces<'a> {
        Pieces(Source::Whole(Box::new(trace)))
    }

    /// Shows each piece in turn.
    ///
    /// # Errors
    /// Those of `see`, and [`TraceError::Source`] when the file cannot be read.
    pub fn each<E: From<TraceError>>(
        &mut self,
        mut see: impl FnMut(&Trace) -> Result<ControlFlow<()>, E>,
    ) -> Result<(), E> {
        self.prepare()?;
        match &mut self.0 {
            Source::Whole(trace) => see(trace).map(drop),
            Source::File { file, survey, options, target, size } => {
                let mut reading = Reading::new(*file, survey, options, target.clone().unwrap_or_default())?;
                reading.size = *size;
                while reading.on()? {
                    if see(&reading.trace)?.is_break() {
                        break;
                    }
                }
                Ok(())
            }
        }
    }

    /// Shows each piece in turn to one who has nothing to say before the last: a reading less, when the beginning of the
    /// recording tells enough. Otherwise all is begun anew.
    ///
    /// # Errors
    /// Those of `add`, and [`TraceError::Source`] when the file cannot be read.
    pub fn sum<T: Default, E: From<TraceError>>(
        &mut self,
        mut add: impl FnMut(&mut T, &Trace) -> Result<(), E>,
    ) -> Result<T, E> {
        let mut sum = T::default();
        if let Source::File { file, survey, options, target: None, size } = &mut self.0 {
            let guess = Found::by(*file, survey, options, Some(GUESSED))?.target;
            let mut reading = Reading::new(*file, survey, options, guess.clone())?;
            reading.size = *size;
            while reading.on()? {
                if reading.is_done {
                    let found = reading.found();
                    if found.secrets || found.target.names != guess.names {
                        break;
                    }
                    reading.trace.target = found.target;
                }
                add(&mut sum, &reading.trace)?;
                if reading.is_done {
                    return Ok(sum);
                }
            }
            sum = T::default();
        }
        self.each(|piece| {
            add(&mut sum, piece)?;
            Ok::<_, E>(ControlFlow::Continue(()))
        })?;
        Ok(sum)
    }

    /// Finds out what must be known before the first piece is shown. A recording with secrets that nobody marked has to be
    /// held whole: the last of them may stand in the first packet.
    fn prepare(&mut self) -> Result<(), TraceError> {
        let Source::File { file, survey, options, target, .. } = &mut self.0 else { return Ok(()) };
        if target.is_some() {
            return Ok(());
        }
        let found = Found::by(*file, survey, options, None)?;
        if found.secrets {
            rewind(*file)?;
            let whole = open_behind(&[], &mut { &mut **file }, options)?;
            self.0 = Source::Whole(Box::new(whole));
        } else {
            *target = Some(found.target);
        }
        Ok(())
    }
}

/// What all of a recording shows.
#[derive(Debug)]
struct Found {
    target: Target,
    /// There are secrets that nobody marked.
    secrets: bool,
}

impl Found {
    /// By so many batches, or by all of them.
    fn by(
        file: &mut dyn Seekable,
        survey: &Survey,
        options: &Options,
        batches: Option<usize>,
    ) -> Result<Found, TraceError> {
        let mut reading = Reading::new(file, survey, options, Target::default())?;
        let mut left = batches.unwrap_or(usize::MAX);
        while !reading.ended && !reading.knows_enough() && left > 0 {
            left -= 1;
            reading.more()?;
            let cut = reading.all();
            reading.split(cut);
            reading.give_back();
        }
        Ok(reading.found())
    }
}

fn rewind(file: &mut dyn Seekable) -> Result<(), TraceError> {
    file.seek(SeekFrom::Start(0)).map(drop).map_err(TraceError::Source)
}

/// From level 2, or from an ST-Link's commands, to level 3.
enum Lifting {
    /// It begins when enough is there to tell how.
    Wire(Option<Box<Lift>>),
    Native(Box<Native>),
}

impl Lifting {
    fn unsettled(&self) -> Option<usize> {
        match self {
            Lifting::Wire(lift) => lift.as_ref().and_then(|lift| lift.unsettled()),
            Lifting::Native(native) => native.unsettled(),
        }
    }

    fn passed(&mut self, count: usize) {
        match self {
            Lifting::Wire(lift) => lift.iter_mut().for_each(|lift| lift.passed(count)),
            Lifting::Native(native) => native.passed(count),
        }
    }
}

/// Where a piece ends, in each of its lists.
#[derive(Debug, Clone, Copy)]
struct Cut {
    usb: usize,
    commands: usize,
    wire: usize,
    lifted: usize,
    folded: usize,
    actions: usize,
    /// The place in the recording of what follows.
    order: u64,
}

/// A file in the course of being decoded.
struct Reading<'a> {
    again: Again<'a>,
    survey: &'a Survey,
    options: &'a Options,
    decoder: Option<Decoder<'a>>,
    lifting: Lifting,
    /// The number of the first event that was not lifted.
    taken: usize,
    size: Size,
    /// Of the lifted events of the piece, how many were looked at.
    seen: usize,
    evidence: Evidence,
    known: Known,
    assumed: usize,
    /// Secrets that nobody marked are looked for, and were found.
    looks_for_secrets: bool,
    secrets: bool,
    /// Data of the transfers of the piece.
    bytes: usize,
    /// The piece.
    trace: Trace,
    /// What stands behind it, where it was shown.
    rest: Option<Rest>,
    ended: bool,
    is_done: bool,
}

/// The lists of events behind a piece.
#[derive(Debug)]
struct Rest {
    usb: Vec<Event>,
    commands: Vec<Event>,
    wire: Vec<Event>,
    lifted: Vec<Event>,
}

impl<'a> Reading<'a> {
    fn new(
        file: &'a mut dyn Seekable,
        survey: &'a Survey,
        options: &'a Options,
        target: Target,
    ) -> Result<Reading<'a>, TraceError> {
        rewind(file)?;
        // Whoever masked secrets has looked for them.
        let masked = recorder::says_masked(&survey.comment);
        let native = survey.choice.is_some_and(|choice| choice.protocol == Protocol::StLink);
        let lifting = if native { Lifting::Native(Box::default()) } else { Lifting::Wire(None) };
        Ok(Reading {
            again: Again::new(file, survey)?,
            survey,
            options,
            decoder: survey.choice.map(|choice| Decoder::new(&survey.gaps, choice)),
            lifting,
            taken: 0,
            size: Size::default(),
            seen: 0,
            evidence: Evidence::default(),
            known: Known::default(),
            assumed: 0,
            looks_for_secrets: !masked && !options.show_secrets,
            secrets: false,
            bytes: 0,
            trace: Trace::empty(survey, target),
            rest: None,
            ended: false,
            is_done: false,
        })
    }

    /// Goes on to the next piece. `false` behind the last.
    fn on(&mut self) -> Result<bool, TraceError> {
        self.give_back();
        if self.is_done {
            return Ok(false);
        }
        let mut grown = 0;
        loop {
            while !self.ended && self.weight() < self.size.events << grown {
                self.more()?;
            }
            self.fold();
            if let Some(cut) = self.cut(grown) {
                self.split(cut);
                return Ok(true);
            }
            grown += 1;
        }
    }

    /// Takes what the file brings next through all levels up to accesses.
    fn more(&mut self) -> Result<(), TraceError> {
        let answers = self.survey.choice.map(|choice| choice.answers);
        match self.again.next(answers)? {
            Some(Batch { mut transfers, begun }) => {
                if self.looks_for_secrets {
                    self.secrets |= transfers.iter().any(|transfer| !transfer.secret.is_empty());
                } else if self.options.show_secrets && !recorder::says_masked(&self.survey.comment) {
                    transfers.iter_mut().for_each(|transfer| transfer.secret.clear());
                }
                let first = self.trace.before.usb + self.trace.usb.len();
                if let Some(decoder) = &mut self.decoder {
                    decoder.take(first, &transfers, &begun);
                }
                self.bytes += transfers.iter().map(|transfer| transfer.data.len()).sum::<usize>();
                self.trace.usb.extend(transfers.into_iter().map(moved));
            }
            None => self.ended = true,
        }
        let known = self.trace.decoded.commands.len();
        if let Some(decoder) = &mut self.decoder {
            decoder.settle(self.ended, &mut self.trace.decoded);
        }
        self.evidence.take(self.trace.decoded.commands.get(known..).unwrap_or_default(), &[]);
        self.lift();
        self.look();
        Ok(())
    }

    fn lift(&mut self) {
        let Reading { lifting, trace, taken, ended, .. } = self;
        let (list, before) = match lifting {
            Lifting::Wire(_) => (&trace.decoded.wire, trace.before.wire),
            Lifting::Native(_) => (&trace.decoded.commands, trace.before.commands),
        };
        let new = list.get(taken.saturating_sub(before)..).unwrap_or_default();
        match lifting {
            Lifting::Wire(state) => {
                if state.is_none() && !lift::tells(new) && !*ended {
                    return;
                }
                let lift = state.get_or_insert_with(|| Box::new(Lift::assuming(self.options.assume, new)));
                std::mem::swap(&mut lift.out, &mut trace.lifted);
                lift.take(*taken, new);
                if *ended {
                    lift.give_up_waiting();
                }
                std::mem::swap(&mut lift.out, &mut trace.lifted);
                trace.ports.clear();
                trace.ports.extend_from_slice(lift.ports());
            }
            Lifting::Native(native) => {
                std::mem::swap(&mut native.out, &mut trace.lifted);
                native.take(*taken, new);
                if *ended {
                    native.end_block();
                }
                std::mem::swap(&mut native.out, &mut trace.lifted);
            }
        }
        *taken += new.len();
    }

    /// Looks at the accesses that nothing will change any more.
    fn look(&mut self) {
        let settled = self.settled();
        let names = self.trace.target.names;
        let new = self.trace.lifted.get_mut(self.seen..settled).unwrap_or_default();
        new.iter_mut().for_each(|event| name(event, names));
        self.assumed += super::assumed_accesses(new);
        self.secrets |= self.looks_for_secrets && new.iter().any(secrets::speaks_for_secrets);
        self.evidence.take(&[], new);
        self.seen = self.seen.max(settled);
    }

    fn found(&self) -> Found {
        let target = self.options.names.map_or_else(|| self.evidence.judge(), Target::said);
        Found { target, secrets: self.secrets }
    }

    /// Whether nothing that follows will change what was found.
    fn knows_enough(&self) -> bool {
        let names = self.options.names.is_some() || self.evidence.is_clear();
        self.secrets || names && !self.looks_for_secrets
    }

    /// How many accesses of the piece nothing will change any more.
    fn settled(&self) -> usize {
        let all = self.trace.lifted.len();
        self.lifting.unsettled().filter(|_| !self.ended).map_or(all, |place| place.min(all))
    }

    /// How much the piece holds.
    fn weight(&self) -> usize {
        self.trace.usb.len() + self.trace.lifted.len() + self.bytes / BYTES
    }

    /// The levels above accesses.
    fn fold(&mut self) {
        let trace = &mut self.trace;
        trace.breaks = Breaks::of(fold::marked(&trace.marks), &trace.decoded.wire);
        Folded { events: trace.folded, ends: trace.ends } = fold::fold(&trace.lifted, &trace.breaks);
        let (names, number) = (trace.target.names, trace.before.folded);
        trace.actions = action::find(&trace.folded, &trace.breaks, names, &self.known, number);
        trace.meanings = OnceLock::new();
    }

    /// Where the piece may end, after it has grown so often.
    fn cut(&self, grown: u32) -> Option<Cut> {
        let trace = &self.trace;
        let waits = matches!(self.lifting, Lifting::Wire(None)) && !trace.decoded.wire.is_empty();
        if self.ended || grown >= GROWS || trace.lifted.is_empty() && !waits {
            return Some(self.all());
        }
        let behind = self.size.behind >> (2 * grown).min(usize::BITS - 1);
        let last = trace.folded.len().checked_sub(behind)?;
        let begins = |event: &Event| event.cause.and_then(|cause| cause.checked_sub(trace.before.folded));
        let action =
            trace.actions.partition_point(|event| begins(event).is_some_and(|begins| begins <= last));
        (1..action).rev().find_map(|action| {
            let folded = begins(trace.actions.get(action)?)?;
            let lifted = *trace.ends.get(folded.checked_sub(1)?)?;
            let (before, next) = (trace.lifted.get(lifted.checked_sub(1)?)?, trace.lifted.get(lifted)?);
            let begins_a_packet = before.order < next.order && lifted <= self.settled();
            begins_a_packet.then(|| self.cut_at(next.order, lifted, folded, action))
        })
    }

    fn cut_at(&self, order: u64, lifted: usize, folded: usize, actions: usize) -> Cut {
        let place = |list: &[Event]| list.partition_point(|event| event.order < order);
        let Decoding { commands, wire, .. } = &self.trace.decoded;
        let (usb, commands, wire) = (place(&self.trace.usb), place(commands), place(wire));
        Cut { usb, commands, wire, lifted, folded, actions, order }
    }

    /// Everything that nothing will change any more.
    fn all(&self) -> Cut {
        let trace = &self.trace;
        let Decoding { commands, wire, .. } = &trace.decoded;
        let (mut commands, mut wire) = (commands.len(), wire.len());
        match self.lifting {
            Lifting::Wire(_) => wire = wire.min(self.taken.saturating_sub(trace.before.wire)),
            Lifting::Native(_) => commands = commands.min(self.taken.saturating_sub(trace.before.commands)),
        }
        let lifted = self.settled();
        let folded = trace.ends.partition_point(|end| *end <= lifted);
        let end = trace.before.folded + folded;
        let actions = trace.actions.partition_point(|event| event.cause.is_some_and(|cause| cause < end));
        let order = trace.usb.last().map_or(trace.orders.start, |event| event.order.saturating_add(1));
        let order = if self.ended { u64::MAX } else { order };
        Cut { usb: trace.usb.len(), commands, wire, lifted, folded, actions, order }
    }

    /// Sets aside what stands behind the piece.
    fn split(&mut self, cut: Cut) {
        let trace = &mut self.trace;
        let rest = Rest {
            usb: trace.usb.split_off(cut.usb),
            commands: trace.decoded.commands.split_off(cut.commands),
            wire: trace.decoded.wire.split_off(cut.wire),
            lifted: trace.lifted.split_off(cut.lifted),
        };
        trace.folded.truncate(cut.folded);
        trace.ends.truncate(cut.folded);
        trace.actions.truncate(cut.actions);
        trace.orders.end = cut.order;
        trace.folded.iter().for_each(|event| self.known.note(event));
        self.is_done = self.ended;
        if self.is_done && self.assumed > 0 {
            trace.warnings.push(Warning::Assumed { accesses: self.assumed });
        }
        self.rest = Some(rest);
    }

    /// What stands behind the piece that was shown is the beginning of the next.
    fn give_back(&mut self) {
        let Some(rest) = self.rest.take() else { return };
        let trace = &mut self.trace;
        let Before { usb, commands, wire, lifted, folded } = &mut trace.before;
        *usb += next(&mut trace.usb, rest.usb);
        *commands += next(&mut trace.decoded.commands, rest.commands);
        *wire += next(&mut trace.decoded.wire, rest.wire);
        let passed = next(&mut trace.lifted, rest.lifted);
        *lifted += passed;
        *folded += trace.folded.len();
        self.seen = self.seen.saturating_sub(passed);
        self.lifting.passed(passed);
        trace.orders.start = trace.orders.end;
        self.bytes = trace.usb.iter().map(data).sum();
    }
}

/// Puts other events in place of those of a list, and says how many those were. The list keeps its room.
fn next(list: &mut Vec<Event>, mut events: Vec<Event>) -> usize {
    let passed = list.len();
    list.clear();
    list.append(&mut events);
    passed
}

/// The bytes of data of a transfer.
fn data(event: &Event) -> usize {
    match &event.body {
        Body::Transfer(transfer) => transfer.data.len(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests;

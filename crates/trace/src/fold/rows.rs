//! Rows: what a reader sees of a level. A loop is one row, whose body is shown once.
//!
//! A turn may hold several accesses and write something (a watchdog is fed), a body may hold loops, and addresses in memory
//! may move on by the same step in every turn. Nothing is folded over an access that was refused, a reset, a mark that begins
//! something, a gap, or where reading twice is not the same as reading once.

use super::{Breaks, NEVER_FOLDED, is_gap, is_memory};
use crate::action::ActionKind;
use crate::event::{Accessed, Body, Event, Match, RegisterAccess};
use crate::loops::{self, DEEPEST, Least, Mark, Turns};
use std::collections::HashMap;
use std::ops::Range;
use wire::{Ack, Addr, ApSel, Level, Port, Width};

const LEAST: Least = Least { reads: 3, writes: 3 };

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// What.
    pub what: What,
    /// Its events, in the list of their level.
    pub events: Range<usize>,
    /// By how much its addresses move on in each turn of the loop that it is in.
    pub stride: i32,
    at: u32,
}

/// What a row is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// An event.
    Event,
    /// A loop.
    Loop(Loop),
}

/// A loop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loop {
    /// How often.
    pub turns: usize,
    /// Its first turn.
    pub body: Vec<Row>,
}

/// What must be equal for two rows to be the same thing done again, but for addresses that move on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Shape {
    Access {
        ap: ApSel,
        at: Option<Addr>,
        width: Width,
        write: Option<Option<u32>>,
        run: u32,
        matching: Option<Match>,
    },
    Register {
        port: Port,
        ap: Option<ApSel>,
        bank: Option<u8>,
        a: u8,
        write: Option<Option<u32>>,
        matching: Option<Match>,
    },
    Action(ActionKind, String),
    /// Its rows: what they are, where they lie from the first on, how they move on; and where the addresses move on, how
    /// often.
    Loop(Vec<(usize, u32, i32)>, usize),
    Alone,
}

/// The rows of a list of events.
pub(crate) fn rows(events: &[Event], level: Level, breaks: &Breaks) -> Vec<Row> {
    let mut search = Search::default();
    let mut out = Vec::with_capacity(events.len());
    let mut from = 0;
    let goes_on = |a: &Event, b: &Event| breaks.section(a) == breaks.section(b) && !is_gap(a, b);
    for run in events.chunk_by(goes_on) {
        let rows = run.iter().enumerate().map(|(n, event)| search.row(event, from + n)).collect();
        out.extend(
            if level < Level::Access { rows } else { search.fold(rows) }.into_iter().map(|(row, _)| row),
        );
        from += run.len();
    }
    out
}

/// The search for loops, which gives equal shapes equal numbers.
#[derive(Debug, Default)]
struct Search(HashMap<Shape, usize>);

type Marked = (Row, Mark);

impl Search {
    fn key(&mut self, shape: Shape) -> usize {
        let next = self.0.len();
        *self.0.entry(shape).or_insert(next)
    }

    fn row(&mut self, event: &Event, n: usize) -> Marked {
        let (shape, at, writes) = shape(event);
        let foldable = shape != Shape::Alone;
        let mark = Mark { key: self.key(shape), at, foldable, reads: !writes, writes };
        (Row { what: What::Event, events: n..n + 1, stride: 0, at }, mark)
    }

    fn fold(&mut self, mut rows: Vec<Marked>) -> Vec<Marked> {
        for _ in 0..DEEPEST {
            let before = rows.len();
            rows = self.once(rows);
            if rows.len() == before {
                break;
            }
        }
        rows
    }

    fn once(&mut self, rows: Vec<Marked>) -> Vec<Marked> {
        let marks: Vec<Mark> = rows.iter().map(|(_, mark)| *mark).collect();
        let mut out = Vec::with_capacity(rows.len());
        let (mut rows, mut marks) = (rows.into_iter(), marks.as_slice());
        while !marks.is_empty() {
            let found = loops::best(marks, LEAST);
            let length = found.map_or(1, |found| found.period * found.turns);
            let some = rows.by_ref().take(length);
            match found {
                Some(turns) => out.push(self.looped(turns, some.collect())),
                None => out.extend(some),
            }
            marks = marks.get(length..).unwrap_or_default();
        }
        out
    }

    /// The row for a loop.
    fn looped(&mut self, Turns { period, turns }: Turns, rows: Vec<Marked>) -> Marked {
        let events = rows.first().map_or(0, |(row, _)| row.events.start)
            ..rows.last().map_or(0, |(row, _)| row.events.end);
        let second: Vec<u32> = rows.iter().skip(period).take(period).map(|(_, mark)| mark.at).collect();
        let mut body: Vec<Marked> = rows.into_iter().take(period).collect();
        for ((row, mark), second) in body.iter_mut().zip(second) {
            row.stride = second.wrapping_sub(mark.at).cast_signed();
        }
        let at = body.iter().map(|(_, mark)| mark.at).find(|at| *at != 0).unwrap_or(0);
        let from_first = |place: u32| if place == 0 { 0 } else { place.wrapping_sub(at) };
        let columns = body.iter().map(|(row, mark)| (mark.key, from_first(mark.at), row.stride)).collect();
        let moves = body.iter().any(|(row, _)| row.stride != 0);
        let reads = body.iter().any(|(_, mark)| mark.reads);
        let writes = body.iter().any(|(_, mark)| mark.writes);
        let key = self.key(Shape::Loop(columns, if moves { turns } else { 0 }));
        let body = body.into_iter().map(|(row, _)| row).collect();
        let row = Row { what: What::Loop(Loop { turns, body }), events, stride: 0, at };
        (row, Mark { key, at, foldable: true, reads, writes })
    }
}

/// What an event is, where it is if that may move on, and whether it changes something.
fn shape(event: &Event) -> (Shape, u32, bool) {
    match &event.body {
        Body::Access(a) if a.ack == Ack::OK && !NEVER_FOLDED.contains(&a.access.at.0) => access(a),
        Body::Register(r) if r.ack == Ack::OK && r.missing.is_none() => register(r),
        Body::Action(action) if !matches!(action.kind, ActionKind::Connect | ActionKind::Reset) => (
            Shape::Action(action.kind, action.core.clone()),
            0,
            !matches!(action.kind, ActionKind::Wait | ActionKind::Read),
        ),
        _ => (Shape::Alone, 0, false),
    }
}

fn access(a: &Accessed) -> (Shape, u32, bool) {
    let Accessed { access, run, matching, .. } = *a;
    // What is written to memory is data, what is written to a register says what shall happen.
    let moves = is_memory(access);
    let value = access.value.filter(|_| !moves && !a.secret);
    let shape = Shape::Access {
        ap: access.ap,
        at: Some(access.at).filter(|_| !moves),
        width: access.width,
        write: access.write.then_some(value),
        run,
        matching,
    };
    (shape, if moves { access.at.0 } else { 0 }, access.write)
}

fn register(r: &RegisterAccess) -> (Shape, u32, bool) {
    let value = r.value.filter(|_| !r.secret);
    let RegisterAccess { port, ap, bank, a, matching, .. } = *r;
    (Shape::Register { port, ap, bank, a, write: r.write.then_some(value), matching }, 0, r.write)
}

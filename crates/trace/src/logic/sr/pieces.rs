//! The pieces of a session, inflated on all cores and handed on in their order.

use super::shared::Shared;
use crate::logic::packed::Still;
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;
use zip::ZipArchive;

/// Bytes that are inflated and looked at together: they stay in a core's own cache.
pub(super) const STEP: usize = 1 << 16;
/// Steps that each worker has ready (sigrok's pieces have four megabytes), and how many workers there are.
const AHEAD: usize = 64;
const MOST_WORKERS: usize = 4;

/// The pieces in their order: number, and place in the archive.
pub(super) type Order = Vec<(u64, usize)>;

/// What comes of a piece.
pub(super) enum Step {
    /// Samples.
    Samples(Vec<u8>),
    /// Samples in which nothing happens.
    Still(Still),
    /// The piece is over.
    End,
    /// The rest of the piece cannot be read.
    Broken,
}

/// Hands on what comes of the pieces in their order, inflated on all cores. What `take` gives back is used again.
pub(super) fn inflated(
    archive: &ZipArchive<Shared<'_>>,
    order: &Order,
    watched: Option<u8>,
    mut take: impl FnMut(u64, Step) -> ControlFlow<(), Option<Vec<u8>>>,
) {
    let workers = thread::available_parallelism().map_or(1, usize::from).min(MOST_WORKERS).min(order.len());
    thread::scope(|scope| {
        let worker = |first: usize| {
            let (give, steps) = sync_channel(AHEAD);
            let (back, spare) = channel();
            let mut archive = archive.clone();
            scope.spawn(move || {
                let worker = Worker { give, spare, watched };
                let mut bytes = vec![0; STEP];
                let mut mine = order.iter().skip(first).step_by(workers);
                mine.all(|(_, place)| worker.piece(&mut archive, *place, &mut bytes));
            });
            (steps, back)
        };
        let lanes: Vec<(Receiver<Step>, Sender<Vec<u8>>)> = (0..workers).map(worker).collect();
        let turns = order.iter().zip(lanes.iter().cycle());
        // It ends early when nobody wants more: the workers then find that nobody takes what they give.
        let _ = turns.into_iter().try_for_each(|((number, _), lane)| piece(*number, lane, &mut take));
    });
}

/// Hands on one piece.
fn piece(
    number: u64,
    (steps, back): &(Receiver<Step>, Sender<Vec<u8>>),
    take: &mut impl FnMut(u64, Step) -> ControlFlow<(), Option<Vec<u8>>>,
) -> ControlFlow<()> {
    loop {
        let step = steps.recv().unwrap_or(Step::Broken);
        let over = matches!(step, Step::End);
        if let Some(bytes) = take(number, step)? {
            // A worker that is done needs it no more.
            let _ = back.send(bytes);
        }
        if over {
            return ControlFlow::Continue(());
        }
    }
}

/// Inflates every so many-th piece.
struct Worker {
    give: SyncSender<Step>,
    spare: Receiver<Vec<u8>>,
    /// The bits of a sample that matter, where samples are one byte.
    watched: Option<u8>,
}

impl Worker {
    /// Inflates a piece by way of a buffer. Whether more is wanted.
    fn piece(&self, archive: &mut ZipArchive<Shared<'_>>, place: usize, bytes: &mut Vec<u8>) -> bool {
        let Ok(mut file) = archive.by_index(place) else {
            return self.send(Step::Broken);
        };
        let mut rest = None;
        loop {
            bytes.resize(STEP, 0);
            let (count, end) = fill(&mut file, bytes);
            bytes.truncate(count);
            let more = match self.watched.and_then(|watched| Still::of(bytes, watched)) {
                Some(still) => self.still(&mut rest, still),
                None => self.rest(&mut rest) && self.send(Step::Samples(self.swap(bytes))),
            };
            match end {
                Some(end) => return more && self.rest(&mut rest) && self.send(end),
                None if !more => return false,
                None => {}
            }
        }
    }

    /// More samples in which nothing happens: together with those before them, if nothing happens between either.
    fn still(&self, rest: &mut Option<Still>, more: Still) -> bool {
        let joined = rest.and_then(|rest| rest.join(more, self.watched?));
        let sent = joined.is_some() || self.rest(rest);
        *rest = joined.or(Some(more));
        sent
    }

    /// Sends what was put together.
    fn rest(&self, rest: &mut Option<Still>) -> bool {
        rest.take().is_none_or(|rest| self.send(Step::Still(rest)))
    }

    /// Sends a step. Whether more is wanted.
    fn send(&self, step: Step) -> bool {
        self.give.send(step).is_ok()
    }

    /// Takes a full buffer and leaves one that was used before, if there is one.
    fn swap(&self, bytes: &mut Vec<u8>) -> Vec<u8> {
        std::mem::replace(bytes, self.spare.try_recv().unwrap_or_default())
    }
}

/// Reads until the buffer is full; where that is not possible, why.
pub(super) fn fill(source: &mut dyn Read, buffer: &mut [u8]) -> (usize, Option<Step>) {
    let mut count = 0;
    while let Some(room) = buffer.get_mut(count..).filter(|room| !room.is_empty()) {
        match source.read(room) {
            Ok(0) => return (count, Some(Step::End)),
            Ok(n) => count += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return (count, Some(Step::Broken)),
        }
    }
    (count, None)
}

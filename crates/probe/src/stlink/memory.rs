//! The [`Mem`] over [`StLink`].

use super::StLink;
use super::block::{Route, Went};
use super::talk::nonsense;
use ::stlink::{Answer as Told, Command, Feature, Meaning, MemoryOp, Status};
use wire::{Ack, Addr, Answer, Batch, Flow, LinkError, Mark, Mem, MemOp, MemStatus, Pipe, Width};

/// Looks in the first list of a wait: so many take about as long on the wire as the list takes on USB.
const FIRST_LOOKS: usize = 16;
/// Looks in the longest list of a wait: at 1 MHz they take about 35 ms.
const MOST_LOOKS: usize = 256;

/// A batch on its way.
struct Course {
    answer: Answer,
    ap: u8,
    csw: u32,
}

impl Course {
    fn route(&self, secret: bool) -> Route {
        Route { ap: self.ap, csw: self.csw, secret }
    }
}

impl<P: Pipe> StLink<P> {
    /// Debug mode, the access port, and CSW for the attribute.
    fn prepare(&mut self, batch: &Batch) -> Result<Result<u32, MemStatus>, LinkError> {
        if self.enter()?.is_some() {
            return Ok(Err(MemStatus::NoAck));
        }
        if let Some(status) = self.open_ap(batch.ap.0)? {
            return Ok(Err(status.of_memory()));
        }
        Ok(self.csw(batch.ap.0, batch.attr)?.map_err(Status::of_memory))
    }

    /// As many plain word reads as may go in one list; 0 where a list is of no use. Lists go on behind a read that failed,
    /// so the caller must have said that this does no harm. [STL-9]
    fn listable(&self, batch: &Batch, course: &Course) -> usize {
        if batch.flow != Flow::Pipelined || course.csw != 0 || !self.has(Feature::RwMisc) {
            return 0;
        }
        let rest = batch.ops.get(course.answer.done..).unwrap_or_default();
        let most = self.info.version.most_misc_items() - 1;
        rest.iter().take(most).take_while(|op| word_read(op).is_some()).count()
    }

    fn list(&mut self, ops: &[MemOp], course: &mut Course) -> Result<(), LinkError> {
        let reads: Vec<_> = ops.iter().filter_map(word_read).collect();
        for result in self.read_list(&reads, course.ap)? {
            course.answer.status = result.status().of_memory();
            if course.answer.status != MemStatus::Done {
                self.heed(result.status());
                break;
            }
            course.answer.values.push(result.value);
            course.answer.done += 1;
        }
        Ok(())
    }

    /// One step.
    fn step(&mut self, op: &MemOp, course: &mut Course) -> Result<(), LinkError> {
        let status = match op {
            MemOp::Read { at, width, secret } => {
                let (value, status) = self.read_one(*at, *width, course.route(*secret))?;
                course.answer.values.extend(value);
                status
            }
            MemOp::Write { at, width, value, secret, .. } => {
                self.write_one(*at, *width, *value, course.route(*secret))?
            }
            MemOp::ReadWords { at, count, secret } => {
                self.read_words(*at, *count, course.route(*secret), &mut course.answer)?
            }
            MemOp::WriteWords { at, words, secret } => {
                self.write_words(*at, words, course.route(*secret), &mut course.answer)?
            }
            MemOp::WaitUntil { at, mask, value } => {
                self.wait_until(*at, *mask, *value, course.route(false))?
            }
        };
        course.answer.status = status;
        if status == MemStatus::Done {
            course.answer.done += 1;
            course.answer.words = 0;
        }
        Ok(())
    }

    /// One value. A word with the firmware's own CSW has a command that answers value and status in one.
    fn read_one(
        &mut self,
        at: Addr,
        width: Width,
        route: Route,
    ) -> Result<(Option<u32>, MemStatus), LinkError> {
        if width == Width::Word && route.csw == 0 {
            let command = Command::ReadDebugReg { at, ap: route.ap };
            let Told::Value { status, value } = self.talk.ask_value(&command, route.secret)? else {
                return Err(nonsense(command.name()));
            };
            self.heed(status);
            let done = status.meaning() == Meaning::Done;
            return Ok((done.then_some(value), status.of_memory()));
        }
        let len = self.reach(MemoryOp::read(width), at, width.bytes() as usize);
        let (data, went) = self.read_block(width, at, len, route)?;
        let value = data.iter().rev().fold(0, |value, byte| value << 8 | u32::from(*byte));
        let done = went.status.meaning() == Meaning::Done;
        Ok((done.then_some(value), went.status.of_memory()))
    }

    fn write_one(
        &mut self,
        at: Addr,
        width: Width,
        value: u32,
        route: Route,
    ) -> Result<MemStatus, LinkError> {
        if width == Width::Word && route.csw == 0 {
            let command = Command::WriteDebugReg { at, value, ap: route.ap };
            let answer = self.talk.ask_value(&command, route.secret)?;
            let status = answer.status().ok_or_else(|| nonsense(command.name()))?;
            self.heed(status);
            return Ok(status.of_memory());
        }
        let data: Vec<u8> = value.to_le_bytes().into_iter().take(width.bytes() as usize).collect();
        Ok(self.write_block(width, at, data.into(), route)?.status.of_memory())
    }

    fn read_words(
        &mut self,
        start: Addr,
        count: usize,
        route: Route,
        answer: &mut Answer,
    ) -> Result<MemStatus, LinkError> {
        while answer.words < count {
            let at = behind(start, answer.words);
            let len = self.reach(MemoryOp::read(Width::Word), at, (count - answer.words) * 4);
            let (data, went) = self.read_block(Width::Word, at, len, route)?;
            let got = words_done(at, len, went).min(data.len() / 4);
            let (words, _) = data.as_chunks::<4>();
            answer.values.extend(words.iter().take(got).map(|word| u32::from_le_bytes(*word)));
            answer.words += got;
            if went.status.meaning() != Meaning::Done {
                return Ok(went.status.of_memory());
            }
        }
        Ok(MemStatus::Done)
    }

    fn write_words(
        &mut self,
        start: Addr,
        words: &[u32],
        route: Route,
        answer: &mut Answer,
    ) -> Result<MemStatus, LinkError> {
        while let Some(rest) = words.get(answer.words..).filter(|rest| !rest.is_empty()) {
            let at = behind(start, answer.words);
            let len = self.reach(MemoryOp::write(Width::Word), at, rest.len() * 4);
            let data: Vec<u8> =
                rest.iter().take(usize::from(len / 4)).flat_map(|word| word.to_le_bytes()).collect();
            let went = self.write_block(Width::Word, at, data.into(), route)?;
            answer.words += words_done(at, len, went);
            if went.status.meaning() != Meaning::Done {
                return Ok(went.status.of_memory());
            }
        }
        Ok(MemStatus::Done)
    }

    /// Looks until the value is seen, as often as a probe with a value match would, or until the time is over that such a
    /// probe would have taken. A list of looks is never longer than all looks before it, so a value that comes in the
    /// middle of one is seen after twice the time at most.
    fn wait_until(&mut self, at: Addr, mask: u32, value: u32, route: Route) -> Result<MemStatus, LinkError> {
        let (start, all) = (self.clock.now(), usize::try_from(self.looks).unwrap_or(usize::MAX));
        let by_list = route.csw == 0 && self.has(Feature::RwMisc);
        let most = if by_list { MOST_LOOKS.min(self.info.version.most_misc_items() - 1) } else { 1 };
        let (mut list, mut looked, mut last) = (FIRST_LOOKS.min(most), 0, 0);
        while looked < all {
            let late = self.look_time.is_some_and(|span| self.clock.now().saturating_sub(start) > span);
            let looks = list.min(all - looked);
            let (seen, status) = if looks > 1 {
                self.looks_by_list(at, looks, route)?
            } else {
                let (seen, status) = self.read_one(at, Width::Word, route)?;
                (seen.into_iter().collect(), status)
            };
            if seen.iter().any(|word| word & mask == value) {
                return Ok(MemStatus::Done);
            }
            if status != MemStatus::Done {
                return Ok(status);
            }
            last = seen.last().copied().unwrap_or(last);
            looked += looks;
            if late {
                break;
            }
            list = (list * 2).min(most);
        }
        Ok(MemStatus::Mismatch { last, looks: u32::try_from(looked).unwrap_or(u32::MAX) })
    }

    fn looks_by_list(
        &mut self,
        at: Addr,
        looks: usize,
        route: Route,
    ) -> Result<(Vec<u32>, MemStatus), LinkError> {
        let results = self.read_list(&vec![(at, false); looks], route.ap)?;
        let good = results.iter().take_while(|result| result.status().meaning() == Meaning::Done);
        let seen: Vec<_> = good.map(|result| result.value).collect();
        let status = match results.get(seen.len()) {
            Some(failed) => {
                self.heed(failed.status());
                failed.status().of_memory()
            }
            None => MemStatus::Done,
        };
        Ok((seen, status))
    }
}

/// A plain word read: where, and whether it is secret.
fn word_read(op: &MemOp) -> Option<(Addr, bool)> {
    match op {
        MemOp::Read { at, width: Width::Word, secret } => Some((*at, *secret)),
        _ => None,
    }
}

/// The address `words` words behind `start`; the address space wraps.
fn behind(start: Addr, words: usize) -> Addr {
    start.plus((words as u32).wrapping_mul(4))
}

/// How many words of a block went well. A FAULT ends where the firmware says it did; where a WAIT came nobody knows, and
/// the block counts as not begun. [STL-14]
fn words_done(at: Addr, len: u16, went: Went) -> usize {
    let all = usize::from(len / 4);
    match (went.status.meaning(), went.fault) {
        (Meaning::Done, _) => all,
        (Meaning::Ack(Ack::FAULT), Some(fault)) => {
            let words = usize::try_from(fault.0.wrapping_sub(at.0) / 4).unwrap_or(usize::MAX);
            if words < all { words } else { 0 }
        }
        _ => 0,
    }
}

impl<P: Pipe> Mem for StLink<P> {
    fn batch(&mut self, batch: &Batch) -> Result<Answer, LinkError> {
        let answer = Answer { done: 0, words: 0, values: Vec::new(), status: MemStatus::Done };
        let mut course = Course { answer, ap: batch.ap.0, csw: 0 };
        match self.prepare(batch)? {
            Ok(csw) => course.csw = csw,
            Err(status) => {
                course.answer.status = status;
                return Ok(course.answer);
            }
        }
        while let Some(op) = batch.ops.get(course.answer.done) {
            match self.listable(batch, &course) {
                0 | 1 => self.step(op, &mut course)?,
                reads => {
                    let first = course.answer.done;
                    let ops = batch.ops.get(first..first + reads).unwrap_or_default();
                    self.list(ops, &mut course)?;
                }
            }
            if course.answer.status != MemStatus::Done {
                break;
            }
        }
        Ok(course.answer)
    }

    fn mark(&mut self, mark: &Mark) {
        self.talk.pipe.mark(mark);
    }
}

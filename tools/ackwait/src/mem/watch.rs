//! `mem watch`.

use super::{Start, Way, name};
use crate::cli::{How, WatchArgs};
use crate::number::hex_of;
use crate::output::Output;
use crate::target::{self, Target};
use crate::trouble::Trouble;
use adi::AdiError;
use pace::Patience;
use provision::Exit;
use serde_json::{Value, json};
use wire::{Addr, Batch, Flow, MemOp, Width};

/// Reads between two looks at Ctrl-C.
const CHUNK: usize = 16 * 1024;
/// Changes of the value that are listed.
const LISTED: usize = 32;

/// What was seen.
#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    reads: usize,
    /// Each value that differs from the one before, with the number of its read, from 1.
    changes: Vec<(usize, u32)>,
    last: Option<u32>,
}

impl Seen {
    fn take(&mut self, values: &[u32]) {
        for value in values {
            self.reads += 1;
            if self.last != Some(*value) {
                self.changes.push((self.reads, *value));
            }
            self.last = Some(*value);
        }
    }
}

pub(super) fn watch(args: &WatchArgs, how: &How, output: &mut Output) -> Result<(), Trouble> {
    let start = Start::of(&args.place)?;
    let width = start.unit();
    match args.value {
        None => read(args, &start, width, how, output),
        Some(value) => wait(args, &start, width, value, how, output),
    }
}

/// Reads as often as was asked for.
fn read(
    args: &WatchArgs,
    start: &Start,
    width: Width,
    how: &How,
    output: &mut Output,
) -> Result<(), Trouble> {
    let (at, attr) = (start.at, start.attr);
    let seen = target::with(how, output, |target, output| {
        let way = Way { ap: target.ap(output)?, attr };
        let (mut seen, wanted) = (Seen::default(), usize::try_from(args.reads).unwrap_or(usize::MAX));
        while seen.reads < wanted && !output.stopped() {
            let count = CHUNK.min(wanted - seen.reads);
            seen.take(&look(target, way, at, width, count)?);
        }
        Ok(seen)
    })?;
    let shown = |(read, value): &(usize, u32)| json!({ "read": read, "value": value });
    let object = json!({ "address": at.0, "reads": seen.reads, "changes": seen.changes.iter().map(shown).collect::<Vec<_>>() });
    output.data(how.format, "mem-watch", object, || lines(at, width, &seen));
    interrupted(output, seen.reads)
}

fn look(target: &mut Target, way: Way, at: Addr, width: Width, count: usize) -> Result<Vec<u32>, Trouble> {
    let ops = vec![MemOp::Read { at, width, secret: false }; count];
    Ok(target.adi().run(&Batch { ap: way.ap, attr: way.attr, flow: Flow::Pipelined, ops })?)
}

fn lines(at: Addr, width: Width, seen: &Seen) -> Vec<String> {
    let register = regs::lookup(at.0).map(|hit| hit.register).filter(|_| width == Width::Word);
    let title = name(at).map_or_else(|| at.to_string(), |name| format!("{at}  {name}"));
    let mut lines = vec![format!("{title}: {} reads, {} values in turn", seen.reads, seen.changes.len())];
    lines.extend(seen.changes.iter().take(LISTED).map(|(read, value)| {
        let words = register.map(|r| r.describe(*value)).unwrap_or_default();
        format!("read {read:>7}  {}  {words}", hex_of(*value, width)).trim_end().to_owned()
    }));
    let more = seen.changes.len().saturating_sub(LISTED);
    lines.extend((more > 0).then(|| format!("and {more} more changes; --format json has them all")));
    lines
}

/// Looks until the value is there, by the probe's own value match where it has one.
fn wait(
    args: &WatchArgs,
    start: &Start,
    width: Width,
    value: u32,
    how: &How,
    output: &mut Output,
) -> Result<(), Trouble> {
    if width != Width::Word {
        return Err(Trouble::usage("a value can be waited for in words only").next("leave `--width` out"));
    }
    let (at, attr, mask) = (start.at, start.attr, args.mask.unwrap_or(u32::MAX));
    let value = value & mask;
    let found = target::with(how, output, |target, output| {
        let way = Way { ap: target.ap(output)?, attr };
        let mut policy = target.adi().policy().clone();
        // The first look counts too.
        policy.probe.matching = Patience::Tries(args.reads.saturating_sub(1));
        target.adi().set_policy(policy)?;
        let op = MemOp::WaitUntil { at, mask, value };
        match target.adi().run(&Batch { ap: way.ap, attr: way.attr, flow: Flow::Lockstep, ops: vec![op] }) {
            Ok(_) => Ok(Ok(())),
            Err(AdiError::MatchSpent { last, .. }) => Ok(Err(last)),
            Err(e) => Err(e.into()),
        }
    })?;
    let title = name(at).map_or_else(|| at.to_string(), |name| format!("{at}  {name}"));
    let wanted = format!("{} under mask {}", hex_of(value, width), hex_of(mask, width));
    let (matched, last) = (found.is_ok(), found.err().flatten());
    let object = json!({ "address": at.0, "mask": mask, "value": value, "matched": matched,
        "last": last.map_or(Value::Null, |v| json!(v)) });
    output.data(how.format, "mem-watch", object, || {
        if matched { vec![format!("{title}: reads {wanted}")] } else { Vec::new() }
    });
    if matched {
        return Ok(());
    }
    let last = last.map(|v| format!("; it reads {}", hex_of(v, width))).unwrap_or_default();
    let text = format!("{title} never read {wanted} in {} looks{last}", args.reads);
    Err(Trouble::new(Exit::TargetBusy, text).next("`--reads N` looks more often"))
}

fn interrupted(output: &Output, reads: usize) -> Result<(), Trouble> {
    if output.stopped() {
        return Err(Trouble::new(Exit::Interrupted, format!("interrupted after {reads} reads")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_changes_are_kept_with_the_number_of_their_read() {
        let mut seen = Seen::default();
        seen.take(&[1, 1, 2]);
        seen.take(&[2, 1]);
        assert_eq!(seen, Seen { reads: 5, changes: vec![(1, 1), (3, 2), (5, 1)], last: Some(1) });
    }
}

//! `mem write`.

use super::{Start, Way, access, name};
use crate::cli::{How, WriteArgs};
use crate::number::{hex, hex_of};
use crate::output::Output;
use crate::registers::unread;
use crate::target::{self, Target};
use crate::trouble::Trouble;
use crate::value::Change;
use provision::Exit;
use regs::reading;
use serde_json::json;
use std::path::Path;
use wire::{Addr, Batch, Flow, MemOp, Width};

pub(super) fn write(args: &WriteArgs, how: &How, output: &mut Output) -> Result<(), Trouble> {
    let start = Start::of(&args.place)?;
    match &args.input {
        Some(path) => file(path, &start, args, how, output),
        None => values(&start, args, how, output),
    }
}

/// The bytes of a file.
fn file(path: &Path, start: &Start, args: &WriteArgs, how: &How, output: &mut Output) -> Result<(), Trouble> {
    let verify = args.verify;
    let bytes = std::fs::read(path).map_err(|e| {
        Trouble::usage(format!("{} cannot be read: {e}", path.display())).next("nothing was written")
    })?;
    let unit = start.unit().bytes() as usize;
    if start.width.is_some() && !bytes.len().is_multiple_of(unit) {
        let text = format!("{} bytes are not a whole number of {}-bit values", bytes.len(), unit * 8);
        return Err(Trouble::usage(text));
    }
    let at = start.at;
    args.consent.raw(at, &bytes)?;
    let done = target::writing(how, output, |target, output| {
        let way = Way { ap: target.ap(output)?, attr: start.attr };
        access::write(target.adi(), way, at, &bytes, start.width, output)?;
        if verify {
            compare(target, way, start, &bytes, output)?;
        }
        Ok(way.ap)
    })?;
    let Some(ap) = done else { return Ok(()) };
    let read_back = if verify { ", read back and found equal" } else { "" };
    output.say(&format!("{} bytes written to {at} through {ap}{read_back}", bytes.len()));
    let object =
        json!({ "ap": ap.0, "address": at.0, "bytes": bytes.len(), "file": path, "verified": verify });
    output.data(how.format, "mem-write", object, Vec::new);
    Ok(())
}

fn compare(
    target: &mut Target,
    way: Way,
    start: &Start,
    want: &[u8],
    output: &mut Output,
) -> Result<(), Trouble> {
    let got = access::read(target.adi(), way, start.at, want.len(), start.width, output)?;
    let Some(index) = want.iter().zip(&got).position(|(want, got)| want != got) else { return Ok(()) };
    let differ = want.iter().zip(&got).filter(|(want, got)| want != got).count();
    let at = start.at.plus(u32::try_from(index).unwrap_or(u32::MAX));
    let byte = |bytes: &[u8]| bytes.get(index).map_or_else(String::new, |b| format!("0x{b:02X}"));
    let text = format!("at {at} there is {} and not {}; {differ} bytes differ", byte(&got), byte(want));
    Err(Trouble::new(Exit::Verify, text)
        .next("flash takes no plain writes; is this memory that keeps what it is given?"))
}

/// Single values, each with what was there before where looking is harmless.
fn values(start: &Start, args: &WriteArgs, how: &How, output: &mut Output) -> Result<(), Trouble> {
    let (all, verify) = (&args.values, args.verify);
    let width = start.unit();
    if let Some(value) = all.iter().find(|value| **value & !width.mask() != 0) {
        return Err(Trouble::usage(format!("{} does not fit {} bits", hex(*value), width.bytes() * 8)));
    }
    let size = width.bytes() as usize;
    let bytes: Vec<_> = all.iter().flat_map(|value| value.to_le_bytes().into_iter().take(size)).collect();
    args.consent.raw(start.at, &bytes)?;
    let done = target::writing(how, output, |target, output| {
        let way = Way { ap: target.ap(output)?, attr: start.attr };
        let mut changes = Vec::new();
        for (index, value) in all.iter().enumerate() {
            let at = start.at.plus(u32::try_from(index).unwrap_or(u32::MAX).wrapping_mul(width.bytes()));
            changes.push(one(target, way, at, width, *value, verify)?);
        }
        Ok(changes)
    })?;
    let Some(changes) = done else { return Ok(()) };
    let object = json!({ "changes": changes.iter().map(Change::json).collect::<Vec<_>>() });
    output.data(how.format, "mem-write", object, || changes.iter().map(Change::line).collect());
    Ok(())
}

/// One value, written exactly once.
fn one(
    target: &mut Target,
    way: Way,
    at: Addr,
    width: Width,
    value: u32,
    verify: bool,
) -> Result<Change, Trouble> {
    let unread = unread(reading::memory(at.0)).filter(|_| !verify);
    let look = |target: &mut Target| -> Result<Option<u32>, Trouble> {
        if unread.is_some() {
            return Ok(None);
        }
        let op = MemOp::Read { at, width, secret: false };
        Ok(target.adi().run(&batch(way, op))?.first().copied())
    };
    let old = look(target)?;
    target.adi().run(&batch(way, MemOp::Write { at, width, value, once: true, secret: false }))?;
    let now = look(target)?;
    if verify && now != Some(value) {
        let now = now.map_or_else(|| "nothing".to_owned(), |now| hex_of(now, width));
        let text = format!("{at} holds {now} after {} was written", hex_of(value, width));
        return Err(Trouble::new(Exit::Verify, text).next("some registers do not read as they are written"));
    }
    let register = regs::lookup(at.0).map(|hit| hit.register).filter(|_| width == Width::Word);
    let name = name(at).map_or_else(|| at.to_string(), |name| format!("{at}  {name}"));
    Ok(Change { name, width, old, wrote: value, now, unread, register })
}

fn batch(way: Way, op: MemOp) -> Batch {
    Batch { ap: way.ap, attr: way.attr, flow: Flow::Lockstep, ops: vec![op] }
}

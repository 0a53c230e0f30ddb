//! STM32CubeProgrammer with `-vb 3`.
//!
//! `12:01:02:345 : r ap 0 @0x58004020 0x00000068 bytes Data 0x000000AA`: the time of day, then a line for each memory command
//! of the ST-Link, with the first word of its data.

use super::Lines;
use super::intake::Intake;
use super::line::{after, clock, decimal, hex};
use crate::event::Procedure;
use std::time::Duration;
use wire::{Access, Addr, ApSel, Certainty, Width};

/// Whether a line begins with a time as this tool writes it.
pub(super) fn is_line(line: &str) -> bool {
    timed(line).is_some()
}

fn timed(line: &str) -> Option<(Duration, &str)> {
    let (time, text) = line.trim_start().split_once(" : ")?;
    let mut parts = time.trim_end().split(':');
    let (hours, minutes, seconds, millis) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let millis = decimal(millis).filter(|n| *n < 1000 && millis.len() == 3)?;
    Some((clock(hours, minutes, seconds, millis * 1_000_000)?, text.trim()))
}

#[derive(Debug, Default)]
pub(super) struct Cube;

impl Lines for Cube {
    fn line(&mut self, line: &str, intake: &mut Intake) {
        intake.hides("all but the first word of what a command moves, its status, and how it was done");
        let text = match timed(line) {
            Some((at, text)) => {
                intake.at(at);
                text
            }
            None => line.trim(),
        };
        if access(text, intake).is_none() && text.bytes().any(|b| b.is_ascii_alphanumeric()) {
            match text.split(" ap ").next() {
                // Core registers go through memory, and how is the ST-Link's business.
                Some("w" | "r" | "halt" | "run" | "step") => intake.procedure(Procedure::Access, text),
                _ => intake.note(text),
            }
        }
    }
}

/// `w ap 0 @0x20001000 0x00000200 bytes Data 0x00000000`
fn access(text: &str, intake: &mut Intake) -> Option<()> {
    let write = match text.split_once(' ')?.0 {
        "w" => true,
        "r" => false,
        _ => return None,
    };
    let ap = ApSel(u8::try_from(decimal(after(text, " ap ")?)?).ok()?);
    let place = after(text, "@")?;
    let (at, bytes) = (hex(place)?, hex(after(place, " ")?)?);
    let first = after(text, "Data ").and_then(hex);
    if bytes < 4 || !bytes.is_multiple_of(4) || !at.is_multiple_of(4) {
        intake.block(ap, Addr(at), bytes, write, Certainty::Explicit);
        return Some(());
    }
    let access = Access { ap, at: Addr(at), width: Width::Word, write, value: first };
    intake.access(access, bytes / 4, Certainty::Explicit);
    Some(())
}

//! Writing option-byte keys, quad-word by quad-word. [H5-OBK-4]

use super::flash::{offset, polled, programmable};
use super::{ActionKind, Found, Known, outcome, performed, read, took, written};
use crate::event::Event;
use crate::name::{SECRET, size};
use regs::h5::flash;
use wire::Addr;

/// What an event does for the writing of a quad-word.
enum Part {
    /// Words that go to OBK.
    Words { at: Addr, bytes: u64, secret: bool },
    /// Programming is switched on, or the alternate sector is chosen.
    Before,
    /// Either of the two is taken back.
    After,
    /// A look at a status or control register; of a status register, how often.
    Look(u32),
}

fn part(event: &Event) -> Option<Part> {
    let a = performed(event)?;
    if a.access.write && programmable(a).is_some_and(|(_, kind)| kind == ActionKind::Obk) {
        return Some(Part::Words { at: a.access.at, bytes: a.bytes(), secret: a.secret });
    }
    if let Some((register, _)) = read(event).filter(|_| a.matching.is_none()) {
        return match offset(register)? {
            flash::NSSR | flash::SECSR => Some(Part::Look(a.repeats.same)),
            flash::NSCR | flash::SECCR | flash::NSOBKCFGR | flash::SECOBKCFGR => Some(Part::Look(0)),
            _ => None,
        };
    }
    let (register, value) = written(event)?;
    let (on, others) = match offset(register)? {
        flash::NSCR | flash::SECCR => (flash::cr::PG, flash::cr::LOCK | flash::cr::STRT),
        flash::NSOBKCFGR | flash::SECOBKCFGR => {
            use flash::obkcfgr::{ALT_SECT, ALT_SECT_ERASE, LOCK, SWAP_SECT_REQ};
            (ALT_SECT, LOCK | ALT_SECT_ERASE | SWAP_SECT_REQ)
        }
        _ => return None,
    };
    match value? {
        value if value & others != 0 => None,
        value if value & on != 0 => Some(Part::Before),
        _ => Some(Part::After),
    }
}

/// A run of quad-words, each with the control writes around it and the wait for its end.
pub(super) fn write(rest: &[Event], _: &Known) -> Option<Found> {
    if !matches!(part(rest.first()?)?, Part::Before) {
        return None;
    }
    let (mut start, mut bytes, mut secret, mut polls) = (None, 0u64, false, 0u32);
    // What follows the last words belongs to them only until something of the next ones comes; `length` ends there.
    let (mut length, mut taken_back, mut next_begun) = (0, 0, false);
    for (index, event) in rest.iter().enumerate() {
        let Some(part) = part(event) else { break };
        match part {
            Part::Words { at, bytes: more, secret: hidden } => {
                let first: Addr = *start.get_or_insert(at);
                if u32::try_from(bytes).ok().map(|n| first.plus(n)) != Some(at) {
                    break;
                }
                bytes += more;
                secret |= hidden;
                (taken_back, next_begun) = (0, false);
            }
            Part::Before => next_begun = true,
            // Two registers are taken back; a third write begins something else.
            Part::After if taken_back == 2 => break,
            Part::After => taken_back += 1,
            Part::Look(reads) => polls = polls.saturating_add(reads),
        }
        if start.is_some() && !next_begun {
            length = index + 1;
        }
    }
    let (start, events) = (start?, rest.get(..length)?);
    let hidden = if secret { format!(" {SECRET}") } else { String::new() };
    let (took, ended) = (took(events), outcome(events));
    let text = format!("write OBK {start}, {}{hidden}{took}{}{ended}", size(bytes), polled(Some(polls)));
    Found::new(length, ActionKind::Obk, text)
}

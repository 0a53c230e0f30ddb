//! The debug authentication mailbox, and commands for ST's ROM. [H5-DA-2] [H5-DA-3] [H5-DA-4] [H5-OBK-9]

use super::{ActionKind, Found, Known, performed, took, written};
use crate::event::Event;
use crate::name::{canonical, hex};
use regs::h5::{da, dbgmcu, sbs};

const HOST: u32 = dbgmcu::BASE + dbgmcu::DBG_AUTH_HOST;
const DEVICE: u32 = dbgmcu::BASE + dbgmcu::DBG_AUTH_DEVICE;
const ACK: u32 = dbgmcu::BASE + dbgmcu::DBG_AUTH_ACK;

/// The word with which a debugger asks for debug authentication while it holds the reset pin.
pub(super) fn magic(rest: &[Event], _: &Known) -> Option<Found> {
    let (HOST, Some(word)) = written(rest.first()?)? else { return None };
    if !matches!(word, da::MAGIC_HOST | da::MAGIC_HOST_N6) {
        return None;
    }
    Found::new(1, ActionKind::Mailbox, format!("mailbox: ask for debug authentication ({})", hex(word)))
}

/// One word through the mailbox; `None` when it is secret or not known.
enum Word {
    ToDevice(Option<u32>),
    FromDevice(Option<u32>),
}

fn word(event: &Event) -> Option<Word> {
    let a = performed(event)?;
    let value = a.access.value.filter(|_| !a.secret);
    match (canonical(a.access.at.0), a.access.write) {
        (HOST, true) => Some(Word::ToDevice(value)),
        (DEVICE, false) => Some(Word::FromDevice(value)),
        _ => None,
    }
}

fn is_ack(event: &Event) -> bool {
    performed(event).is_some_and(|a| !a.access.write && canonical(a.access.at.0) == ACK)
}

fn named(word: Option<u32>, names: &[(u32, &'static str)]) -> String {
    let Some(code) = word.map(|w| w >> da::CODE_SHIFT) else { return "?".to_owned() };
    names
        .iter()
        .find(|(n, _)| *n == code)
        .map_or_else(|| format!("code {code:#x}"), |(_, name)| (*name).to_owned())
}

fn words(n: usize) -> String {
    if n == 1 { "1 word".to_owned() } else { format!("{n} words") }
}

/// A request and what the device answered to it, with the polls of the acknowledge bits in between.
pub(super) fn exchange(rest: &[Event], _: &Known) -> Option<Found> {
    word(rest.first()?)?;
    let (mut sent, mut received): (Vec<Option<u32>>, Vec<Option<u32>>) = (Vec::new(), Vec::new());
    let mut length = 0;
    for event in rest {
        match word(event) {
            // A word to the device after its answer begins the next exchange.
            Some(Word::ToDevice(_)) if !received.is_empty() => break,
            Some(Word::ToDevice(value)) => sent.push(value),
            Some(Word::FromDevice(value)) => received.push(value),
            None if is_ack(event) => {}
            None => break,
        }
        length += 1;
    }
    let took = took(rest.get(..length)?);
    let answer = match received.as_slice() {
        [] => "no answer".to_owned(),
        [Some(da::MAGIC_DEVICE)] => "the device is ready".to_owned(),
        [first, ..] => format!("{}, {}", named(*first, da::status::NAMES), words(received.len())),
    };
    let text = match sent.first() {
        Some(first) => {
            format!(
                "mailbox: {} ({}) -> {answer}{took}",
                named(*first, da::command::NAMES),
                words(sent.len())
            )
        }
        None => format!("mailbox: {answer}{took}"),
    };
    Found::new(length, ActionKind::Mailbox, text)
}

/// A command that ST's ROM carries out after the next reset.
pub(super) fn rom_command(rest: &[Event], _: &Known) -> Option<Found> {
    let (register, value) = written(rest.first()?)?;
    if register != sbs::BASE + sbs::RSSCMDR {
        return None;
    }
    let code = value.map_or("?".to_owned(), |v| format!("{:#06x}", v & sbs::rsscmdr::RSSCMD));
    Found::new(1, ActionKind::Rom, format!("ROM command {code} for the next reset"))
}

//! Where the data of accesses stand in the transfers of an ST-Link. [STL-6] [STL-9]

use super::Places;
use super::secrets::Secrets;
use crate::decode::StLinkCommand;
use crate::event::{Body, Event};
use crate::trace::Trace;
use bytes::Bytes;
use std::ops::Range;
use stlink::Command;
use wire::{Access, Level};

pub(super) fn places(trace: &Trace, secrets: &Secrets, places: &mut Places<'_>) {
    let commands = trace.events(Level::Command);
    for event in secrets.accesses.iter().filter_map(|n| trace.accesses().get(*n)) {
        let Body::Access(access) = &event.body else { continue };
        let Some(command) = event.cause.and_then(|cause| commands.get(cause)) else {
            places.lost += 1;
            continue;
        };
        let Body::StLink(exchange) = &command.body else { continue };
        one(trace.events(Level::Usb), command, exchange, &access.access, secrets, places);
    }
    again(trace, secrets, places);
}

fn one(
    usb: &[Event],
    command: &Event,
    exchange: &StLinkCommand,
    access: &Access,
    secrets: &Secrets,
    places: &mut Places<'_>,
) {
    let width = usize::try_from(access.width.bytes()).unwrap_or(4);
    match exchange.command {
        Some(Command::Memory(memory)) => {
            let offset = usize::try_from(access.at.0.wrapping_sub(memory.at.0)).unwrap_or(usize::MAX);
            if offset < exchange.data.len() {
                data(usb, command, exchange, offset..offset + width, places);
            } else {
                places.lost += 1;
            }
        }
        Some(Command::RwMiscOut { .. }) => {
            let value = access.value;
            let items = exchange.list();
            for (n, item) in items.iter().enumerate().filter(|(_, item)| Some(item.word) == value) {
                if secrets.values.contains(&item.word) || access.write {
                    data(usb, command, exchange, stlink::misc::word_at(items.len(), n), places);
                }
            }
        }
        Some(command_itself) => match command_itself.value_at() {
            Some(range) => places.add(&exchange.bytes, range),
            None => data(usb, command, exchange, 4..8, places),
        },
        None => places.lost += 1,
    }
}

/// Adds a range of the data of a command, which may have come in several transfers.
fn data(
    usb: &[Event],
    command: &Event,
    exchange: &StLinkCommand,
    range: Range<usize>,
    places: &mut Places<'_>,
) {
    let mut at = 0;
    for (start, packet) in pieces(usb, command, exchange) {
        at = start + packet.len();
        let from = range.start.max(start);
        let to = range.end.min(at);
        if from < to {
            places.add(&packet, from - start..to - start);
        }
    }
    if at < range.end.min(exchange.data.len()) {
        places.lost += 1;
    }
}

/// The transfers that the data of a command came in, each with where it begins.
fn pieces(usb: &[Event], command: &Event, exchange: &StLinkCommand) -> Vec<(usize, Bytes)> {
    let mut found = Vec::new();
    let mut at = 0;
    let behind = command.cause.map_or(usb.len(), |cause| cause + 1);
    for event in usb.get(behind..).unwrap_or_default() {
        if at >= exchange.data.len() {
            break;
        }
        let Body::Transfer(transfer) = &event.body else { continue };
        let fits = exchange.data.get(at..).is_some_and(|rest| rest.starts_with(&transfer.data));
        if fits && !transfer.data.is_empty() {
            found.push((at, transfer.data.clone()));
            at += transfer.data.len();
        }
    }
    found
}

/// Blocks that were sent again after WAIT, of which only the last is an access, and results of lists.
fn again(trace: &Trace, secrets: &Secrets, places: &mut Places<'_>) {
    for event in trace.events(Level::Command) {
        let Body::StLink(exchange) = &event.body else { continue };
        let known = matches!(
            exchange.command,
            Some(Command::Memory(_) | Command::RwMiscIn | Command::RwMiscOut { .. })
        );
        if !known {
            continue;
        }
        let words = exchange.data.chunks_exact(4).enumerate().filter(|(_, word)| {
            word.first_chunk::<4>().is_some_and(|word| secrets.values.contains(&u32::from_le_bytes(*word)))
        });
        for (n, _) in words {
            data(trace.events(Level::Usb), event, exchange, n * 4..n * 4 + 4, places);
        }
    }
}

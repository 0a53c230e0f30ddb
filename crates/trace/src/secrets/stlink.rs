//! Where the data of accesses stand in the transfers of an ST-Link. [STL-6] [STL-9]

use super::{Derived, Places, Secrets};
use crate::decode::StLinkCommand;
use crate::event::{Body, Event};
use crate::read::Transfer;
use ::wire::Access;
use bytes::Bytes;
use std::ops::Range;
use stlink::Command;

pub(super) fn places(usb: &[Transfer], derived: Derived<'_>, secrets: &Secrets, places: &mut Places) {
    let commands = &derived.decoding.commands;
    for event in secrets.accesses.iter().filter_map(|n| derived.lifted.get(*n)) {
        let Some(command) = event.cause.and_then(|cause| commands.get(cause)) else {
            places.lost += 1;
            continue;
        };
        let Body::StLink(exchange) = &command.body else { continue };
        match &event.body {
            Body::Access(access) => one(usb, command, exchange, &access.access, secrets, places),
            Body::Register(_) => single(usb, command, exchange, places),
            _ => {}
        }
    }
    again(usb, commands, secrets, places);
}

/// The value of a command that moves one word.
fn single(usb: &[Transfer], command: &Event, exchange: &StLinkCommand, places: &mut Places) {
    match exchange.command.and_then(|command| command.value_at()) {
        Some(range) => places.add(&exchange.bytes, range),
        None => data(usb, command, exchange, 4..8, places),
    }
}

fn one(
    usb: &[Transfer],
    command: &Event,
    exchange: &StLinkCommand,
    access: &Access,
    secrets: &Secrets,
    places: &mut Places,
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
        Some(_) => single(usb, command, exchange, places),
        None => places.lost += 1,
    }
}

/// Adds a range of the data of a command, which may have come in several transfers.
fn data(
    usb: &[Transfer],
    command: &Event,
    exchange: &StLinkCommand,
    range: Range<usize>,
    places: &mut Places,
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
fn pieces(usb: &[Transfer], command: &Event, exchange: &StLinkCommand) -> Vec<(usize, Bytes)> {
    let mut found = Vec::new();
    let mut at = 0;
    let behind = command.cause.map_or(usb.len(), |cause| cause + 1);
    for transfer in usb.get(behind..).unwrap_or_default() {
        if at >= exchange.data.len() {
            break;
        }
        let fits = exchange.data.get(at..).is_some_and(|rest| rest.starts_with(&transfer.data));
        if fits && !transfer.data.is_empty() {
            found.push((at, transfer.data.clone()));
            at += transfer.data.len();
        }
    }
    found
}

/// Blocks that were sent again after WAIT, of which only the last is an access, and results of lists.
fn again(usb: &[Transfer], commands: &[Event], secrets: &Secrets, places: &mut Places) {
    for event in commands {
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
            data(usb, event, exchange, n * 4..n * 4 + 4, places);
        }
    }
}

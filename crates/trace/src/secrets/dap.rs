//! Where the data of accesses stand in CMSIS-DAP packets. [DAP-2] [DAP-7]

use super::{Derived, Places, Secrets, telling, wire};
use crate::decode::Command;
use crate::event::{Body, Event, OnWire};
use ::wire::{Port, WireEvent};
use cmsis_dap::{Request, Response, Step, TransferRequest};
use regs::{ap, dp};
use std::collections::BTreeSet;
use std::ops::Range;

/// One item of a transfer: what it does, where its word stands in the request, and where in the answer.
struct Item {
    request: TransferRequest,
    sent: Option<Range<usize>>,
    answered: Option<Range<usize>>,
}

pub(super) fn places(derived: Derived<'_>, secrets: &Secrets, places: &mut Places) {
    let Derived { decoding, lifted } = derived;
    let causes = secrets.accesses.iter().filter_map(|n| lifted.get(*n)?.cause);
    let hidden: BTreeSet<usize> = causes.flat_map(|cause| wire::listed(&decoding.wire, cause)).collect();
    for (index, event) in decoding.commands.iter().enumerate() {
        let Body::Command(command) = &event.body else { continue };
        if places.left_over {
            left_over(command, places);
        }
        let Some(request) = &command.request else {
            search(command, &secrets.values, places);
            continue;
        };
        let mine = of_command(&decoding.wire, index);
        match items(request) {
            Some(items) => {
                let response = command.response.as_ref();
                let steps = response
                    .map_or_else(Vec::new, |response| cmsis_dap::expand(request, response, decoding.model));
                let secret = by_item(&steps, &mine, &hidden);
                transfer(command, &items, &Done { secret, steps: &steps }, secrets, places);
            }
            None => {
                let events = decoding.wire.get(mine.clone()).unwrap_or_default();
                list(command, events, &mine, &hidden, secrets, places);
            }
        }
    }
}

/// The events of level 2 that each command caused, by its index.
fn of_command(events: &[Event], command: usize) -> Range<usize> {
    let start = events.partition_point(|event| event.cause < Some(command));
    let end = events.partition_point(|event| event.cause <= Some(command));
    start..end
}

/// What became of the items.
struct Done<'a> {
    secret: BTreeSet<usize>,
    steps: &'a [Step],
}

/// The items whose transactions are secret.
fn by_item(steps: &[Step], mine: &Range<usize>, hidden: &BTreeSet<usize>) -> BTreeSet<usize> {
    let hidden = steps.iter().zip(mine.clone()).filter(|(_, n)| hidden.contains(n));
    hidden.filter_map(|(step, _)| step.item).collect()
}

fn items(request: &Request) -> Option<Vec<Item>> {
    match request {
        Request::Transfer(transfer) => {
            let (mut sent, mut answered) = (3, 3);
            let place = |item: &cmsis_dap::Item| {
                let request = item.request;
                let word = if request.has_word() { 4 } else { 0 };
                let words = request.answer_words() * 4;
                let (from, to) = (sent + 1, answered + words);
                (sent, answered) = (from + word, to);
                Item {
                    request,
                    sent: (word > 0).then_some(from..from + word),
                    // A timestamp stands before the value.
                    answered: request.is_plain_read().then(|| to - 4..to),
                }
            };
            Some(transfer.items.iter().map(place).collect())
        }
        Request::TransferBlock(block) => {
            let words = 0..usize::from(block.count);
            let write = !block.request.is_read();
            let place = |n: usize| Item {
                request: block.request,
                sent: write.then(|| 5 + n * 4..9 + n * 4),
                answered: (!write).then(|| 4 + n * 4..8 + n * 4),
            };
            Some(words.map(place).collect())
        }
        _ => None,
    }
}

fn transfer(command: &Command, items: &[Item], done: &Done<'_>, secrets: &Secrets, places: &mut Places) {
    let performed: BTreeSet<usize> = done.steps.iter().filter_map(|step| step.item).collect();
    for (n, item) in items.iter().enumerate() {
        let of_secret = done.secret.contains(&n) || same_value(command, item, secrets);
        // What was asked for and not done goes where its neighbours go.
        let undone = !performed.contains(&n)
            && writes_data(item.request)
            && (done.steps.is_empty() || !done.secret.is_empty());
        if of_secret || undone {
            item.sent.iter().for_each(|range| places.add(&command.request_bytes, range.clone()));
            item.answered.iter().for_each(|range| places.add(&command.response_bytes, range.clone()));
        }
    }
}

/// How many bytes of a command's packets stand behind it. They may be left over from the packet before. [DAP-8]
pub(crate) fn padding(command: &Command) -> [usize; 2] {
    let asked = Request::decode(&command.request_bytes).map_or(0, |decoded| decoded.padding);
    [asked, command.response.as_ref().map_or(0, |decoded| decoded.padding)]
}

/// Marks what may be left over. In a list of commands that would make a secret of all of it.
fn left_over(command: &Command, places: &mut Places) {
    if matches!(command.request, Some(Request::ExecuteCommands(_) | Request::QueueCommands(_))) {
        return;
    }
    for (packet, count) in [&command.request_bytes, &command.response_bytes].into_iter().zip(padding(command))
    {
        if count > 0 {
            places.add(packet, packet.len().saturating_sub(count)..packet.len());
        }
    }
}

fn moves_data(request: TransferRequest) -> bool {
    let reg = request.reg();
    reg.port == Port::Ap && reg.a == ap::DRW
        || reg.port == Port::Dp && request.is_plain_read() && reg.a == dp::RDBUFF
}

fn writes_data(request: TransferRequest) -> bool {
    moves_data(request) && request.is_plain_write()
}

/// Whether the word of an item is one that is secret elsewhere.
fn same_value(command: &Command, item: &Item, secrets: &Secrets) -> bool {
    let word = |bytes: &[u8], range: &Option<Range<usize>>| {
        bytes.get(range.clone()?)?.first_chunk::<4>().map(|word| u32::from_le_bytes(*word))
    };
    let words = [word(&command.request_bytes, &item.sent), word(&command.response_bytes, &item.answered)];
    moves_data(item.request) && words.into_iter().flatten().any(|word| secrets.values.contains(&word))
}

/// Lists of commands: the places of their items are not worked out, so every word that is secret is looked for.
fn list(
    command: &Command,
    wire: &[Event],
    mine: &Range<usize>,
    hidden: &BTreeSet<usize>,
    secrets: &Secrets,
    places: &mut Places,
) {
    if !matches!(command.response.as_ref().map(|r| &r.value), Some(Response::ExecuteCommands(_))) {
        return;
    }
    let here =
        wire.iter().zip(mine.clone()).filter(|(_, n)| hidden.contains(n)).filter_map(
            |(event, _)| match &event.body {
                Body::Wire(wired) => match &wired.what {
                    OnWire::Event(WireEvent::Transaction(t)) => t.data.or(wired.refused),
                    _ => None,
                },
                _ => None,
            },
        );
    let mut words = secrets.values.clone();
    for word in here {
        if telling(word) {
            words.insert(word);
        }
    }
    search(command, &words, places);
}

/// Takes every word of a packet that is one of these.
fn search(command: &Command, words: &BTreeSet<u32>, places: &mut Places) {
    for packet in [&command.request_bytes, &command.response_bytes] {
        let found = packet.windows(4).enumerate().filter(|(_, window)| {
            window.first_chunk::<4>().is_some_and(|word| words.contains(&u32::from_le_bytes(*word)))
        });
        found.for_each(|(at, _)| places.add(packet, at..at + 4));
    }
}

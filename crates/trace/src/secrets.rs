//! Secrets that nobody marked: told by where they were moved to or from, and by what else has the same value.
//! [H5-OBK-3] [H5-DA-2]
//!
//! Secret is what goes to or comes from OBK storage, what the ROM's provisioning service was told to take, the password, token
//! or certificate in an answer to the debug authentication, and what a person names. A value that was secret in one place is
//! secret wherever it is data. A recording that says that its secrets are masked was looked through by whoever wrote it.
//!
//! Where the source holds packets of USB the bytes of the secrets are marked in them, as a recorder of ours does, and everything
//! above is derived from that; otherwise transactions and accesses are marked.

mod dap;
mod stlink;
#[cfg(test)]
mod tests;
mod wire;

use crate::decode::Decoding;
use crate::event::{Accessed, Body, Event};
use crate::name::canonical;
use crate::read::{Protocol, Transfer};
use bytes::Bytes;
use regs::h5::{da, dbgmcu, memory, rss};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;

pub(crate) use dap::padding;
pub(crate) use wire::{hide, show};

const HOST: u32 = dbgmcu::BASE + dbgmcu::DBG_AUTH_HOST;
/// Secrets are marked word by word, so that equal ones stay equal however they are cut into packets.
pub(crate) const WORD: usize = 4;

/// What the user names on top of what is known.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// Addresses whose contents are secret.
    pub also: Vec<Range<u32>>,
}

/// How secrets are looked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Look {
    pub(crate) rules: Rules,
    /// For a file that is handed on: what goes to places that are not shown may be secret, and so it is. What may be left over
    /// behind a command is blanked there.
    pub(crate) nowhere: bool,
}

/// What was marked.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Marked {
    /// Accesses at places that are not shown.
    pub(crate) nowhere: usize,
    /// Secrets whose bytes could not be found.
    pub(crate) lost: usize,
}

/// What was derived from the packets of a recording, up to level 3.
#[derive(Debug, Clone, Copy)]
struct Derived<'a> {
    decoding: &'a Decoding,
    lifted: &'a [Event],
}

/// Marks the bytes of secrets in the packets that they came in. `None` when there is none.
pub(crate) fn mark(
    transfers: &mut [Transfer],
    protocol: Protocol,
    decoding: &Decoding,
    lifted: &[Event],
    look: &Look,
) -> Option<Marked> {
    let derived = Derived { decoding, lifted };
    let secrets = Secrets::of(lifted, look);
    if secrets.accesses.is_empty() && !look.nowhere {
        return None;
    }
    let mut places = Places { left_over: !look.nowhere, ..Places::of(transfers) };
    match protocol {
        Protocol::CmsisDap => dap::places(derived, &secrets, &mut places),
        Protocol::StLink => stlink::places(transfers, derived, &secrets, &mut places),
        Protocol::JLink | Protocol::Wire | Protocol::Log | Protocol::List => return None,
    }
    let Places { found, lost, .. } = places;
    for Place { transfer, start, end } in found {
        if let Some(transfer) = transfers.get_mut(transfer) {
            transfer.secret.push(start..end);
        }
    }
    Some(Marked { nowhere: secrets.nowhere, lost })
}

/// At most a word of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    transfer: usize,
    start: usize,
    end: usize,
}

/// Where secrets stand in packets.
struct Places {
    /// The transfers by where their data lie in memory: what was decoded from them shares it.
    by_data: HashMap<usize, usize>,
    found: BTreeSet<Place>,
    /// What stands behind a command in its packet counts too.
    left_over: bool,
    /// Secrets whose bytes could not be found.
    lost: usize,
}

impl Places {
    fn of(transfers: &[Transfer]) -> Places {
        let with_data = transfers.iter().enumerate().filter(|(_, transfer)| !transfer.data.is_empty());
        let by_data = with_data.map(|(n, transfer)| (transfer.data.as_ptr() as usize, n)).collect();
        Places { by_data, found: BTreeSet::new(), left_over: false, lost: 0 }
    }

    /// Adds a range of a packet, word by word.
    fn add(&mut self, packet: &Bytes, range: Range<usize>) {
        let Some(transfer) = self.by_data.get(&(packet.as_ptr() as usize)).copied() else {
            self.lost += 1;
            return;
        };
        let end = range.end.min(packet.len());
        for start in range.clone().step_by(WORD).filter(|start| *start < end) {
            self.found.insert(Place { transfer, start, end: (start + WORD).min(end) });
        }
    }
}

/// What was found to be secret.
#[derive(Debug, Default)]
struct Secrets {
    /// Places in the list of accesses.
    accesses: BTreeSet<usize>,
    /// Values that say something: no zeros, no small numbers.
    values: BTreeSet<u32>,
    /// Accesses of which the recording does not show the address. They may be to anywhere.
    nowhere: usize,
}

impl Secrets {
    fn of(lifted: &[Event], look: &Look) -> Secrets {
        let mut ranges =
            vec![memory::OBK..memory::OBK + memory::OBK_LEN, memory::OBK_S..memory::OBK_S + memory::OBK_LEN];
        ranges.extend(look.rules.also.iter().cloned());
        ranges.extend(provisioned(lifted));
        let mut found = Secrets::default();
        let mut mailbox = Mailbox::default();
        for (n, event) in lifted.iter().enumerate() {
            let Body::Access(access) = &event.body else { continue };
            let address = access.access.at.0;
            let in_mailbox = access.access.write && canonical(address) == HOST && mailbox.takes(access);
            let told = |at: u32| ranges.iter().any(|range| range.contains(&at));
            if access.secret || in_mailbox || told(address) || told(memory::non_secure(address)) {
                found.accesses.insert(n);
                found.values.extend(access.access.value.filter(|value| telling(*value)));
            }
        }
        if look.nowhere {
            found.add_nowhere(lifted);
        }
        if !found.values.is_empty() {
            found.add_equal(lifted);
        }
        found
    }

    fn add_nowhere(&mut self, lifted: &[Event]) {
        let nowhere = |event: &Event| matches!(&event.body, Body::Register(r) if r.missing.is_some());
        let places: Vec<usize> =
            (0..).zip(lifted).filter(|(_, event)| nowhere(event)).map(|(n, _)| n).collect();
        self.nowhere = places.len();
        self.accesses.extend(places);
    }

    /// What has the value of a secret is one.
    fn add_equal(&mut self, lifted: &[Event]) {
        let value = |event: &Event| match &event.body {
            Body::Access(a) => a.access.value,
            // An access whose address is not known.
            Body::Register(r) if r.missing.is_some() => r.value,
            _ => None,
        };
        let equal = |event: &Event| value(event).is_some_and(|value| self.values.contains(&value));
        let places: Vec<usize> =
            (0..).zip(lifted).filter(|(_, event)| equal(event)).map(|(n, _)| n).collect();
        self.accesses.extend(places);
    }
}

/// Whether an access speaks for secrets in the recording: where there is none such, there is none.
pub(crate) fn speaks_for_secrets(event: &Event) -> bool {
    let Body::Access(a) = &event.body else { return false };
    let at = a.access.at.0;
    let in_obk =
        |at: u32| [memory::OBK, memory::OBK_S].iter().any(|obk| at.wrapping_sub(*obk) < memory::OBK_LEN);
    let answers = a.access.write && canonical(at) == HOST;
    let provisions = a.access.write && a.access.value.is_some_and(in_obk);
    a.secret || in_obk(at) || answers || provisions
}

/// Whether a word is more than a number that stands everywhere.
fn telling(word: u32) -> bool {
    let [a, b, c, d] = word.to_le_bytes();
    word > 0xFFFF && !(a == b && b == c && c == d)
}

/// What the ROM's provisioning service was told to take: its configuration holds source, destination and size, and only a
/// destination in OBK storage is one.
fn provisioned(lifted: &[Event]) -> Vec<Range<u32>> {
    let obk = memory::OBK_S..memory::OBK_S + memory::OBK_LEN;
    let written = |event: &Event| match &event.body {
        Body::Access(Accessed { access, .. }) if access.write => Some((access.at.0, access.value?)),
        _ => None,
    };
    if !lifted.iter().filter_map(written).any(|(_, value)| obk.contains(&value)) {
        return Vec::new();
    }
    let mut held: BTreeMap<u32, u32> = BTreeMap::new();
    let mut found = Vec::new();
    for (address, value) in lifted.iter().filter_map(written) {
        held.insert(address, value);
        // Whichever of the three comes last completes it.
        for conf in [rss::conf::SOURCE, rss::conf::DESTINATION, rss::conf::SIZE]
            .map(|offset| address.wrapping_sub(offset))
        {
            let field = |offset: u32| held.get(&conf.wrapping_add(offset)).copied();
            if let (Some(source), Some(destination), Some(size)) =
                (field(rss::conf::SOURCE), field(rss::conf::DESTINATION), field(rss::conf::SIZE))
                && obk.contains(&destination)
                && size <= memory::OBK_LEN
            {
                // Secure code and a debugger may call one place by two addresses.
                let source = memory::non_secure(source);
                found.push(source..source.saturating_add(size));
            }
        }
    }
    found
}

/// Where in a message of debug authentication the host is.
#[derive(Debug, Default)]
struct Mailbox {
    /// Words of data that are still to come.
    left: u32,
    /// They are an answer to the challenge: password, certificate, token.
    secret: bool,
    /// The head came, the count has not.
    counting: bool,
}

impl Mailbox {
    /// Takes a word for the device. Whether it is secret.
    fn takes(&mut self, access: &Accessed) -> bool {
        let Some(word) = access.access.value else {
            // It is not known where the next message begins: everything may be data.
            *self = Mailbox { left: u32::MAX, secret: true, counting: false };
            return true;
        };
        if self.counting {
            *self = Mailbox { left: word, counting: false, ..*self };
            return false;
        }
        if self.left > 0 {
            self.left -= 1;
            return self.secret;
        }
        if !matches!(word, da::MAGIC_HOST | da::MAGIC_HOST_N6) {
            let response = u32::from(da::command::AUTH_RESPONSE);
            *self = Mailbox { left: 0, secret: word >> da::CODE_SHIFT == response, counting: true };
        }
        false
    }
}

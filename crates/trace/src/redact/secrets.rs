//! What is secret: by address, and by what else has the same value. [H5-OBK-3] [H5-DA-2]

use crate::event::{Accessed, Body};
use crate::name::canonical;
use crate::trace::Trace;
use regs::h5::{da, dbgmcu, memory, rss};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

const HOST: u32 = dbgmcu::BASE + dbgmcu::DBG_AUTH_HOST;

/// What the user names on top of what is known.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// Addresses whose contents are secret.
    pub also: Vec<Range<u32>>,
}

/// What was found to be secret.
#[derive(Debug, Default)]
pub(super) struct Secrets {
    /// Places in [`Trace::accesses`].
    pub(super) accesses: BTreeSet<usize>,
    /// Values that say something: no zeros, no small numbers.
    pub(super) values: BTreeSet<u32>,
    /// Accesses of which the recording does not show the address. They may be to anywhere, so they are among the secret ones.
    pub(super) nowhere: usize,
}

impl Secrets {
    pub(super) fn of(trace: &Trace, rules: &Rules) -> Secrets {
        let accesses: Vec<(usize, &Accessed)> = trace
            .accesses()
            .iter()
            .enumerate()
            .filter_map(|(n, event)| match &event.body {
                Body::Access(access) => Some((n, access)),
                _ => None,
            })
            .collect();
        let mut ranges =
            vec![memory::OBK..memory::OBK + memory::OBK_LEN, memory::OBK_S..memory::OBK_S + memory::OBK_LEN];
        ranges.extend(rules.also.iter().cloned());
        ranges.extend(provisioned(&accesses));
        let mut found = Secrets::default();
        let mut mailbox = Mailbox::default();
        for (n, access) in &accesses {
            let address = access.access.at.0;
            let in_mailbox = access.access.write && canonical(address) == HOST && mailbox.takes(access);
            if access.secret || in_mailbox || ranges.iter().any(|range| range.contains(&address)) {
                found.accesses.insert(*n);
                found.values.extend(access.access.value.filter(|value| telling(*value)));
            }
        }
        let nowhere = trace.accesses().iter().enumerate().filter_map(|(n, event)| match &event.body {
            Body::Register(register) if register.missing.is_some() => Some(n),
            _ => None,
        });
        let known = found.accesses.len();
        found.accesses.extend(nowhere);
        found.nowhere = found.accesses.len() - known;
        let same = accesses
            .iter()
            .filter(|(_, a)| a.access.value.is_some_and(|value| found.values.contains(&value)));
        found.accesses.extend(same.map(|(n, _)| *n));
        found
    }
}

/// Whether a word is more than a number that stands everywhere.
pub(super) fn telling(word: u32) -> bool {
    let [a, b, c, d] = word.to_le_bytes();
    word > 0xFFFF && !(a == b && b == c && c == d)
}

/// What the ROM's provisioning service was told to take: its configuration holds source, destination and size, and only a
/// destination in OBK storage is one.
fn provisioned(accesses: &[(usize, &Accessed)]) -> Vec<Range<u32>> {
    let mut held: BTreeMap<u32, u32> = BTreeMap::new();
    let mut found = Vec::new();
    let obk = memory::OBK_S..memory::OBK_S + memory::OBK_LEN;
    let writes = accesses
        .iter()
        .filter(|(_, a)| a.access.write)
        .filter_map(|(_, a)| Some((a.access.at.0, a.access.value?)));
    for (address, value) in writes {
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

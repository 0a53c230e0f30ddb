//! The debug authentication mailbox, and commands for ST's ROM. [H5-DA-2] [H5-DA-3] [H5-DA-4] [H5-OBK-9]

use super::{ActionKind, Found, Known, performed, took, written};
use crate::event::Event;
use crate::name::{canonical, hex};
use regs::h5::{adac, da, dbgmcu, sbs};

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

/// What a discovery tells of the part: product state, keys, and whether the way back is permitted. [H5-DA-5]
fn discovery(received: &[Option<u32>]) -> String {
    let head = usize::try_from(da::HEAD_WORDS).unwrap_or(usize::MAX);
    let Some(data) = received.get(head..).and_then(|data| data.iter().copied().collect::<Option<Vec<u32>>>())
    else {
        return String::new();
    };
    let bytes: Vec<u8> = data.iter().flat_map(|word| word.to_le_bytes()).collect();
    let items = items(&bytes, 1).or_else(|| items(&bytes, 4)).unwrap_or_default();
    let find = |kind: u16| items.iter().find(|(k, _)| *k == kind).map(|(_, value)| *value);
    let number = |kind: u16| find(kind).and_then(|v| v.first_chunk::<4>()).map(|v| u32::from_le_bytes(*v));
    let lifecycle = find(da::tlv::LIFECYCLE).map(|item| match da::lifecycle::state(item) {
        Some(state) => state.to_string(),
        None => format!("life cycle {item:02X?}"),
    });
    let keys = number(da::tlv::ST_INTEGRITY).map(|integrity| match integrity {
        da::value::INTEGRITY_OK => "keys whole".to_owned(),
        da::value::INTEGRITY_BAD => "no keys, or broken ones".to_owned(),
        other => format!("integrity {}", hex(other)),
    });
    let regression = number(da::tlv::HW_PERMISSION_MASK).map(|mask| {
        let may = if mask & da::permission::FULL_REGRESSION == 0 { "not permitted" } else { "permitted" };
        format!("full regression {may}")
    });
    let told: Vec<String> = [lifecycle, keys, regression].into_iter().flatten().collect();
    if told.is_empty() { String::new() } else { format!(": {}", told.join(", ")) }
}

/// What an AUTH_RESPONSE brings, where it is not secret. [H5-DA-13] [H5-DA-14]
fn credential(sent: &[Option<u32>]) -> String {
    let head = usize::try_from(da::HEAD_WORDS).unwrap_or(usize::MAX);
    let data = sent.get(head..).and_then(|data| data.iter().copied().collect::<Option<Vec<u32>>>());
    let bytes: Vec<u8> = data.unwrap_or_default().iter().flat_map(|word| word.to_le_bytes()).collect();
    let Some((kind, value)) = items(&bytes, 4).and_then(|items| items.first().copied()) else {
        return String::new();
    };
    match kind {
        da::tlv::CERTIFICATE => {
            let role = value.get(adac::certificate::ROLE).map(|role| u32::from(*role));
            let name = adac::role::NAMES.iter().find(|(code, _)| Some(*code) == role).map(|(_, name)| *name);
            format!(" with a certificate ({})", name.unwrap_or("unknown role"))
        }
        da::tlv::TOKEN => {
            let mask = value.get(adac::token::PERMISSIONS..).and_then(|rest| rest.first_chunk::<4>());
            let mask = mask.map_or(0, |mask| u32::from_le_bytes(*mask));
            let names = da::permission::NAMES.iter().filter(|(bit, _)| mask & bit != 0);
            let names: Vec<_> = names.map(|(_, name)| *name).collect();
            format!(" with a token for {}", if names.is_empty() { hex(mask) } else { names.join(", ") })
        }
        _ => String::new(),
    }
}

/// The items of an answer, each padded to a multiple of `unit` bytes; `None` where they do not fit.
fn items(bytes: &[u8], unit: usize) -> Option<Vec<(u16, &[u8])>> {
    let (mut all, mut rest) = (Vec::new(), bytes);
    while let Some((head, body)) = rest.split_first_chunk::<{ da::tlv::HEAD }>() {
        let [0, 0, k0, k1, l0, l1, l2, l3] = *head else { return None };
        let length = usize::try_from(u32::from_le_bytes([l0, l1, l2, l3])).ok()?;
        let (value, after) = body.split_at_checked(length)?;
        all.push((u16::from_le_bytes([k0, k1]), value));
        rest = after.get(length.next_multiple_of(unit) - length..).unwrap_or_default();
    }
    rest.iter().all(|byte| *byte == 0).then_some(all)
}

/// A request and what the device answered to it, with the polls of the acknowledge bits in between.
pub(super) fn exchange(rest: &[Event], _: &Known) -> Option<Found> {
    let looks = rest.iter().take_while(|event| is_ack(event)).count();
    word(rest.get(looks)?)?;
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
    let asked = sent.first().copied().flatten().map(|word| word >> da::CODE_SHIFT);
    let told = match asked.and_then(|code| u16::try_from(code).ok()) {
        Some(da::command::DISCOVERY) => discovery(&received),
        _ => String::new(),
    };
    let what = match asked.and_then(|code| u16::try_from(code).ok()) {
        Some(da::command::AUTH_RESPONSE) => credential(&sent),
        _ => String::new(),
    };
    let text = match sent.first() {
        Some(first) => {
            format!(
                "mailbox: {}{what} ({}) -> {answer}{told}{took}",
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

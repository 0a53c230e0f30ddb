//! Flash, option bytes and option-byte keys. [H5-FLASH-2] [H5-FLASH-3] [H5-FLASH-4] [H5-OB-1] [H5-OBK-4]

use super::{ActionKind, Found, Known, measured, outcome, performed, polls, read, took, written};
use crate::event::{Accessed, Event};
use crate::name::{SECRET, canonical, hex, key, size};
use regs::h5::{flash, memory};

/// The registers that tell when the flash is ready.
pub(super) const STATUS: [u32; 2] = [flash::BASE + flash::NSSR, flash::BASE + flash::SECSR];
/// The registers whose start bits clear when an operation ends.
pub(super) const CONTROL: [u32; 3] =
    [flash::BASE + flash::NSCR, flash::BASE + flash::SECCR, flash::BASE + flash::OPTCR];

/// The offset in the flash interface that an address is, if it is one.
pub(super) fn offset(address: u32) -> Option<u32> {
    address.checked_sub(flash::BASE).filter(|offset| *offset < flash::LEN)
}

/// Both keys of a sequence.
pub(super) fn unlock(rest: &[Event], _: &Known) -> Option<Found> {
    let (register, first) = written(rest.first()?)?;
    let first = key(register, first?)?;
    let what = match offset(register)? {
        flash::NSKEYR => "flash",
        flash::SECKEYR => "flash (secure)",
        flash::OPTKEYR => "option bytes",
        flash::NSOBKKEYR => "OBK",
        flash::SECOBKKEYR => "OBK (secure)",
        _ => return None,
    };
    let second = rest.get(1).and_then(written).filter(|(r, _)| *r == register);
    let second = second.and_then(|(_, value)| key(register, value?));
    match (first, second) {
        ("key 1", Some("key 2")) => Found::new(2, ActionKind::Unlock, format!("unlock {what}")),
        (first, Some(second)) => Found::new(
            2,
            ActionKind::Unlock,
            format!("unlock {what}: refused until reset ({first}, {second})"),
        ),
        (first, None) => {
            Found::new(1, ActionKind::Unlock, format!("unlock {what}: only {first} was written"))
        }
    }
}

/// `, 412 polls`, where the host polled.
pub(super) fn polled(reads: Option<u32>) -> String {
    match reads {
        Some(0) => String::new(),
        Some(1) => measured(", 1 poll"),
        Some(n) => measured(format!(", {n} polls")),
        None => measured(", polled by the probe"),
    }
}

/// An erase with the wait for its end.
pub(super) fn erase(rest: &[Event], _: &Known) -> Option<Found> {
    let (register, value) = written(rest.first()?)?;
    let (register, value) = (offset(register)?, value?);
    if !matches!(register, flash::NSCR | flash::SECCR) || value & flash::cr::STRT == 0 {
        return None;
    }
    let bank = if value & flash::cr::BKSEL != 0 { 2 } else { 1 };
    let what = if value & flash::cr::MER != 0 {
        "both banks".to_owned()
    } else if value & flash::cr::BER != 0 {
        format!("bank {bank}")
    } else if value & flash::cr::SER != 0 {
        format!("sector {} of bank {bank}", (value & flash::cr::SNB) >> flash::cr::SNB_SHIFT)
    } else {
        return None;
    };
    let (waited, reads) = polls(rest.get(1..).unwrap_or_default(), &STATUS);
    let length = 1 + waited;
    let (took, ended) = (took(rest.get(..length)?), outcome(rest.get(1..length)?));
    Found::new(length, ActionKind::Erase, format!("erase {what}{took}{}{ended}", polled(reads)))
}

/// The register that is in force, for one that is to be programmed: each `_CUR` stands four bytes before its `_PRG`.
pub(super) fn current_of(programmed: u32) -> Option<u32> {
    let hit = regs::lookup(programmed)?;
    let name = hit.register.name.strip_suffix("_PRG")?;
    let current = programmed.checked_sub(4)?;
    (regs::lookup(current)?.register.name.strip_suffix("_CUR")? == name).then_some(current)
}

/// The fields in which an option register changes: `PRODUCT_STATE OPEN -> PROVISIONING`.
pub(super) fn changes(register: u32, new: u32, known: &Known) -> Vec<String> {
    let Some(hit) = regs::lookup(register) else { return Vec::new() };
    let old = current_of(register).and_then(|c| known.0.get(&c)).or_else(|| known.0.get(&register)).copied();
    let name = hit.register.name.trim_start_matches("FLASH_").trim_end_matches("_PRG");
    if hit.register.fields.is_empty() || old.is_none() {
        let old = old.map_or(String::new(), |old| format!("{} -> ", hex(old)));
        return vec![format!("{name} {old}{}", hex(new))];
    }
    let old = old.unwrap_or_default();
    let said = |field: &regs::Field, value: u32| {
        field.value_name(value).map_or_else(|| format!("{value:#x}"), str::to_owned)
    };
    hit.register
        .fields
        .iter()
        .filter(|field| field.get(old) != field.get(new))
        .map(|field| {
            format!("{} {} -> {}", field.name, said(field, field.get(old)), said(field, field.get(new)))
        })
        .collect()
}

/// Writes to `_PRG` registers, then OPTSTRT, then the wait for its end.
pub(super) fn option_change(rest: &[Event], known: &Known) -> Option<Found> {
    let mut said = Vec::new();
    let mut length = 0;
    let mut started = false;
    for event in rest {
        let write = written(event).and_then(|(r, v)| Some((r, offset(r)?, v)));
        match write {
            Some((_, flash::OPTCR, Some(value))) if value & flash::optcr::OPTSTRT != 0 => {
                length += 1;
                started = true;
                break;
            }
            Some((register, _, Some(value))) if current_of(register).is_some() => {
                said.extend(changes(register, value, known));
            }
            // Reading back what was written, and looking for errors, belongs to it.
            None if length > 0 && read(event).is_some_and(|(r, _)| offset(r).is_some()) => {}
            _ => break,
        }
        length += 1;
    }
    if !started {
        return None;
    }
    let (waited, reads) = polls(rest.get(length..).unwrap_or_default(), &STATUS);
    let length = length + waited;
    let what = if said.is_empty() { "nothing that was seen".to_owned() } else { said.join(", ") };
    let (took, ended) = (took(rest.get(..length)?), outcome(rest.get(length - waited..length)?));
    let text = format!("change option bytes: {what}{took}{}{ended}", polled(reads));
    Found::new(length, ActionKind::Option, text)
}

/// Where a program operation writes, if it is a memory that is programmed.
pub(super) fn programmable(access: &Accessed) -> Option<(&'static str, ActionKind)> {
    let address = canonical(access.access.at.0);
    match address {
        memory::OBK..0x0C00_0000 if address - memory::OBK < memory::OBK_LEN => Some(("OBK", ActionKind::Obk)),
        memory::OTP..memory::EDATA => Some(("OTP", ActionKind::Program)),
        memory::EDATA..memory::SRAM_CODE_BUS => Some(("data flash", ActionKind::Program)),
        memory::FLASH..memory::OTP => Some(("flash", ActionKind::Program)),
        _ => None,
    }
}

/// Consecutive writes to flash or OBK, with whatever paced them.
pub(super) fn program(rest: &[Event], _: &Known) -> Option<Found> {
    let first = performed(rest.first()?).filter(|a| a.access.write)?;
    let (what, kind) = programmable(first)?;
    let (start, ap) = (first.access.at, first.access.ap);
    let mut bytes = 0u64;
    let mut length = 0;
    let mut secret = false;
    let add = |a: Option<u32>, b: Option<u32>| a.zip(b).map(|(a, b)| a.saturating_add(b));
    // Waits between words pace them; those behind the last word only end a stream.
    let (mut between, mut behind) = (Some(0u32), Some(0u32));
    for event in rest {
        let next = u32::try_from(bytes).ok().map(|n| start.plus(n));
        match performed(event) {
            Some(a) if a.access.write && a.access.ap == ap && Some(a.access.at) == next => {
                bytes += a.bytes();
                secret |= a.secret;
                between = add(between, behind.replace(0));
            }
            _ => {
                let (waited, more) = polls(std::slice::from_ref(event), &STATUS);
                if waited == 0 {
                    break;
                }
                behind = add(behind, more);
            }
        }
        length += 1;
    }
    let streamed = between == Some(0) && bytes > u64::from(flash::QUAD_WORD);
    let reads = if streamed { between } else { add(between, behind) };
    let hidden = if secret { format!(" {SECRET}") } else { String::new() };
    let verb = if kind == ActionKind::Obk { "write" } else { "program" };
    let took = took(rest.get(..length)?);
    let text = format!("{verb} {what} {start}, {}{hidden}{took}{}", size(bytes), polled(reads));
    Found::new(length, kind, text)
}

/// Erase of the alternate OBK sector, and the swap.
pub(super) fn obk_control(rest: &[Event], _: &Known) -> Option<Found> {
    let (register, value) = written(rest.first()?)?;
    if !matches!(offset(register)?, flash::NSOBKCFGR | flash::SECOBKCFGR) {
        return None;
    }
    let value = value?;
    let text = if value & flash::obkcfgr::SWAP_SECT_REQ != 0 {
        let units = (value & flash::obkcfgr::SWAP_OFFSET) >> flash::obkcfgr::SWAP_OFFSET_SHIFT;
        format!("swap the OBK sectors, SWAP_OFFSET {units}")
    } else if value & flash::obkcfgr::ALT_SECT_ERASE != 0 {
        "erase the alternate OBK sector".to_owned()
    } else if value & flash::obkcfgr::ALT_SECT != 0 {
        "select the alternate OBK sector".to_owned()
    } else {
        return None;
    };
    let (waited, reads) = polls(rest.get(1..).unwrap_or_default(), &STATUS);
    let (took, ended) = (took(rest.get(..1 + waited)?), outcome(rest.get(1..1 + waited)?));
    Found::new(1 + waited, ActionKind::Obk, format!("{text}{took}{}{ended}", polled(reads)))
}

/// A lock bit set again.
pub(super) fn lock(rest: &[Event], _: &Known) -> Option<Found> {
    let (register, value) = written(rest.first()?)?;
    let value = value?;
    let what = match offset(register)? {
        flash::NSCR if value & flash::cr::LOCK != 0 => "flash",
        flash::SECCR if value & flash::cr::LOCK != 0 => "flash (secure)",
        flash::OPTCR if value & flash::optcr::OPTLOCK != 0 => "option bytes",
        flash::NSOBKCFGR if value & flash::obkcfgr::LOCK != 0 => "OBK",
        flash::SECOBKCFGR if value & flash::obkcfgr::LOCK != 0 => "OBK (secure)",
        _ => return None,
    };
    Found::new(1, ActionKind::Lock, format!("lock {what}"))
}

//! `dp` and `ap`: registers of the debug port and of an access port.

use crate::cli::{ApCommand, DpCommand, How};
use crate::number::parse_u32;
use crate::output::Output;
use crate::target;
use crate::trouble::Trouble;
use crate::value::{Change, Reading};
use adi::{Adi, DpReg};
use regs::ap::{BD0, BD3, DRW, TAR};
use regs::reading::{self, Reading as Effect};
use serde_json::json;
use wire::{Addr, ApSel, Width};

/// Banks that have a name somewhere.
const BANKS: std::ops::RangeInclusive<u8> = 0..=5;

pub(crate) fn dp(command: &DpCommand, how: &How, output: &mut Output) -> Result<(), Trouble> {
    match command {
        DpCommand::Read { register } => {
            let reg = dp_register(register, true)?;
            let value = target::with(how, output, |target, _| Ok(target.adi().read_dp(reg)?))?;
            let read = Reading {
                name: regs::dp::name(true, reg.a, reg.bank).to_owned(),
                value,
                width: Width::Word,
                register: regs::dp::register(true, reg.a, reg.bank),
            };
            output.data(how.format, "dp-read", json!({ "value": read.json() }), || vec![read.line()]);
        }
        DpCommand::Write { register, value } => {
            let reg = dp_register(register, false)?;
            let unread = unread(reading::debug_port(reg.a, reg.bank));
            let look = unread.is_none();
            let done = target::writing(how, output, |target, _| {
                let adi = target.adi();
                let old = if look { Some(adi.read_dp(reg)?) } else { None };
                adi.write_dp(reg, *value)?;
                Ok((old, if look { Some(adi.read_dp(reg)?) } else { None }))
            })?;
            let Some((old, now)) = done else { return Ok(()) };
            let change = Change {
                name: regs::dp::name(false, reg.a, reg.bank).to_owned(),
                width: Width::Word,
                old,
                wrote: *value,
                now,
                unread,
                register: regs::dp::register(look, reg.a, reg.bank),
            };
            output.data(how.format, "dp-write", json!({ "change": change.json() }), || vec![change.line()]);
        }
    }
    Ok(())
}

pub(crate) fn ap(command: &ApCommand, how: &How, output: &mut Output) -> Result<(), Trouble> {
    let (ApCommand::Read { register } | ApCommand::Write { register, .. }) = command;
    let reg = ap_register(register)?;
    let known = regs::ap::register(reg >> 4, reg);
    let name = |ap: ApSel| format!("{ap} {}", regs::ap::name(reg >> 4, reg));
    match command {
        ApCommand::Read { .. } => {
            let (ap, value) = target::with(how, output, |target, output| {
                let ap = target.ap(output)?;
                Ok((ap, target.adi().read_ap(ap, reg)?))
            })?;
            let read = Reading { name: name(ap), value, width: Width::Word, register: known };
            let object = json!({ "ap": ap.0, "address": reg, "value": read.json() });
            output.data(how.format, "ap-read", object, || vec![read.line()]);
        }
        ApCommand::Write { value, consent, .. } => {
            let unread = unread(reading::access_port(reg));
            let look = unread.is_none();
            let done = target::writing(how, output, |target, output| {
                let ap = target.ap(output)?;
                let adi = target.adi();
                if let Some(at) = written_through(adi, ap, reg)? {
                    consent.raw(at, &value.to_le_bytes())?;
                }
                let old = if look { Some(adi.read_ap(ap, reg)?) } else { None };
                adi.write_ap(ap, reg, *value)?;
                Ok((ap, old, if look { Some(adi.read_ap(ap, reg)?) } else { None }))
            })?;
            let Some((ap, old, now)) = done else { return Ok(()) };
            let (width, wrote) = (Width::Word, *value);
            let change = Change { name: name(ap), width, old, wrote, now, unread, register: known };
            let object = json!({ "ap": ap.0, "address": reg, "change": change.json() });
            output.data(how.format, "ap-write", object, || vec![change.line()]);
        }
    }
    Ok(())
}

/// The word of memory that a write of a data register goes to.
fn written_through(adi: &mut Adi, ap: ApSel, reg: u8) -> Result<Option<Addr>, Trouble> {
    let offset = match reg {
        DRW => None,
        BD0..=BD3 => Some(u32::from(reg - BD0)),
        _ => return Ok(None),
    };
    let tar = adi.read_ap(ap, TAR)?;
    Ok(Some(Addr(offset.map_or(tar & !0x3, |offset| tar & !0xF | offset))))
}

/// Why a register is not looked at before and after it is written.
pub(crate) fn unread(effect: Effect) -> Option<String> {
    match effect {
        Effect::Harmless => None,
        Effect::HasEffect(what) => Some(format!("reading it {what}")),
        Effect::Unknown => Some("what reading it does is not known".to_owned()),
    }
}

/// A debug-port register by its name, or by its address and bank: `0x4.2`.
fn dp_register(text: &str, read: bool) -> Result<DpReg, Trouble> {
    let all = || [0x0, 0x4, 0x8, 0xC].into_iter().flat_map(|a| BANKS.map(move |bank| DpReg { a, bank }));
    let named = |reg: &DpReg| {
        let name = regs::dp::name(read, reg.a, reg.bank);
        name.eq_ignore_ascii_case(text) || name.replace('/', "_").eq_ignore_ascii_case(text)
    };
    if let Some(reg) = all().find(named) {
        return Ok(reg);
    }
    let (address, bank) = text.split_once('.').unwrap_or((text, "0"));
    let number = |text| parse_u32(text).ok().and_then(|n| u8::try_from(n).ok());
    match (number(address), number(bank)) {
        (Some(a @ (0x0 | 0x4 | 0x8 | 0xC)), Some(bank @ 0..=0xF)) => Ok(DpReg { a, bank }),
        _ => {
            let mut names: Vec<_> = all().map(|r| regs::dp::name(read, r.a, r.bank)).collect();
            names.retain(|name| !name.contains(' '));
            names.dedup();
            let verb = if read { "read" } else { "written" };
            let text = format!(
                "`{text}` is no debug-port register that can be {verb}: there are {}",
                names.join(", ")
            );
            Err(Trouble::usage(text).next("name one, or give address and bank: 0x4.2"))
        }
    }
}

/// An access-port register by its name or its address.
fn ap_register(text: &str) -> Result<u8, Trouble> {
    if let Some(named) = regs::ap::REGISTERS.iter().find(|r| r.name.eq_ignore_ascii_case(text)) {
        return Ok(u8::try_from(named.address).unwrap_or(u8::MAX));
    }
    let number = parse_u32(text).ok().and_then(|n| u8::try_from(n).ok());
    number.filter(|n| n.is_multiple_of(4)).ok_or_else(|| {
        let names: Vec<_> = regs::ap::REGISTERS.iter().map(|r| r.name).collect();
        let text = format!("`{text}` is no access-port register: there are {}", names.join(", "));
        Trouble::usage(text).next("name one, or give its address: 0x00 to 0xFC in steps of 4")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_port_registers_go_by_name_or_by_address_and_bank() {
        assert_eq!(dp_register("dpidr", true).unwrap(), DpReg::DPIDR);
        assert_eq!(dp_register("ctrl_stat", false).unwrap(), DpReg::CTRL_STAT);
        assert_eq!(dp_register("TargetID", true).unwrap(), DpReg::TARGETID);
        assert_eq!(dp_register("0x4.2", true).unwrap(), DpReg::TARGETID);
        assert_eq!(dp_register("ABORT", false).unwrap(), DpReg::ABORT);
        for (text, read) in [("ABORT", true), ("DPIDR", false), ("0x5", true), ("4.16", true), ("x", true)] {
            let trouble = dp_register(text, read).unwrap_err();
            assert!(trouble.text.contains("CTRL/STAT"), "{}", trouble.text);
        }
    }

    #[test]
    fn access_port_registers_go_by_name_or_address() {
        assert_eq!(ap_register("idr").unwrap(), 0xFC);
        assert_eq!(ap_register("0x04").unwrap(), 4);
        for text in ["0x02", "0x100", "IDRR"] {
            assert!(ap_register(text).unwrap_err().text.contains("CSW"), "{text}");
        }
    }
}

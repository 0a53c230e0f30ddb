//! `core`: the core by hand.

use crate::cli::{CoreCommand, How};
use crate::number::hex;
use crate::output::Output;
use crate::target::{self, Target};
use crate::trouble::Trouble;
use crate::value::{Change, Reading};
use adi::{CoreAccess, CoreStatus};
use provision::Exit;
use regs::Register;
use regs::m33::{self, core_register as reg};
use serde_json::json;
use std::collections::BTreeMap;
use wire::{Addr, Width};

pub(crate) fn core(command: &CoreCommand, how: &How, output: &mut Output) -> Result<(), Trouble> {
    match command {
        CoreCommand::Status => status(how, output, |_, _| Ok(())),
        CoreCommand::Halt => status(how, output, |target, core| Ok(target.adi().halt_core(core)?)),
        CoreCommand::Run { debug } => status(how, output, |target, core| {
            let adi = target.adi();
            Ok(if *debug { adi.resume_core(core) } else { adi.leave_debug(core) }?)
        }),
        CoreCommand::Step { count, mask_interrupts } => status(how, output, |target, core| {
            halted(target, core)?;
            (0..*count).try_for_each(|_| target.adi().step_core(core, *mask_interrupts))?;
            Ok(())
        }),
        CoreCommand::Regs { names } => registers(names, how, output),
        CoreCommand::Set { name, value } => set(name, *value, how, output),
        CoreCommand::Pcsample { n } => sample(*n, how, output),
    }
}

/// Does something to the core and says how it is then.
fn status(
    how: &How,
    output: &mut Output,
    act: impl FnOnce(&mut Target, CoreAccess) -> Result<(), Trouble>,
) -> Result<(), Trouble> {
    let done = target::writing(how, output, |target, output| {
        let core = target.core(output)?;
        act(target, core)?;
        let status = target.adi().core_status(core)?;
        let dfsr = target.adi().read_word(core.ap, core.attr, Addr(m33::DFSR))?;
        let pc = if status.halted() { Some(target.adi().read_core_reg(core, reg::PC)?) } else { None };
        Ok((status, dfsr, pc))
    })?;
    let Some((dhcsr, dfsr, pc)) = done else { return Ok(()) };
    let does = doing(dhcsr);
    let named = |name: &str, value| Reading {
        name: name.to_owned(),
        value,
        width: Width::Word,
        register: regs::by_name(name),
    };
    let (dhcsr_read, dfsr_read) = (named("DHCSR", dhcsr.0), named("DFSR", dfsr));
    let object = json!({ "core": does, "pc": pc, "region": pc.and_then(regs::region),
        "dhcsr": dhcsr_read.json(), "dfsr": dfsr_read.json() });
    output.data(how.format, "core-status", object, || {
        let at = pc.map(|pc| format!(" at {}", place(pc))).unwrap_or_default();
        vec![format!("core   {does}{at}"), dhcsr_read.line(), dfsr_read.line()]
    });
    Ok(())
}

fn doing(status: CoreStatus) -> &'static str {
    match status {
        s if s.halted() => "is halted",
        s if s.locked_up() => "is locked up",
        s if s.sleeping() => "sleeps",
        _ => "runs",
    }
}

/// An address with the region that it is in.
fn place(pc: u32) -> String {
    regs::region(pc).map_or_else(|| hex(pc), |region| format!("{} ({region})", hex(pc)))
}

/// Core registers can be reached only while the core is halted, and halting it is not ours to decide.
fn halted(target: &mut Target, core: CoreAccess) -> Result<(), Trouble> {
    let status = target.adi().core_status(core)?;
    if status.halted() {
        return Ok(());
    }
    let text = format!("the core {}, and this can be done only while it is halted", doing(status));
    Err(Trouble::new(Exit::Refused, text).next("`ackwait core halt`, or `--connect normal`"))
}

/// The registers that are shown when none is named: those of every core.
const ALL: std::ops::RangeInclusive<u32> = 0..=reg::PSP;

fn selector(name: &str) -> Result<u32, Trouble> {
    let known = 0..=m33::dcrsr::REGSEL;
    known.clone().find(|s| reg::name(*s).is_some_and(|n| n.eq_ignore_ascii_case(name))).ok_or_else(|| {
        let names: Vec<_> = known.filter_map(reg::name).collect();
        Trouble::usage(format!("`{name}` is no core register: there are {}", names.join(", ")))
    })
}

fn registers(names: &[String], how: &How, output: &mut Output) -> Result<(), Trouble> {
    let mut selectors = names.iter().map(|name| selector(name)).collect::<Result<Vec<_>, _>>()?;
    if selectors.is_empty() {
        selectors = ALL.chain([reg::SPECIAL]).collect();
    }
    let values = target::with(how, output, |target, output| {
        let core = target.core(output)?;
        halted(target, core)?;
        Ok(target.adi().read_core_regs(core, &selectors)?)
    })?;
    let named: Vec<_> = selectors.iter().filter_map(|s| reg::name(*s)).zip(values).collect();
    let object = named.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    output.data(how.format, "core-regs", json!({ "registers": serde_json::Value::Object(object) }), || {
        named
            .iter()
            .map(|(name, value)| format!("{name:<8} {}{}", hex(*value), words(name, *value)))
            .collect()
    });
    Ok(())
}

/// What a register's value says.
fn words(name: &str, value: u32) -> String {
    match name {
        "PC" | "LR" => regs::region(value).map(|region| format!("  {region}")).unwrap_or_default(),
        "SPECIAL" => {
            let [primask, basepri, faultmask, control] = value.to_le_bytes();
            format!(
                "  CONTROL={control:#x} FAULTMASK={faultmask:#x} BASEPRI={basepri:#x} PRIMASK={primask:#x}"
            )
        }
        _ => String::new(),
    }
}

fn set(name: &str, value: u32, how: &How, output: &mut Output) -> Result<(), Trouble> {
    let selector = selector(name)?;
    let done = target::writing(how, output, |target, output| {
        let core = target.core(output)?;
        halted(target, core)?;
        let adi = target.adi();
        let old = adi.read_core_reg(core, selector)?;
        adi.write_core_reg(core, selector, value)?;
        Ok((old, adi.read_core_reg(core, selector)?))
    })?;
    let Some((old, now)) = done else { return Ok(()) };
    let register: Option<&'static Register> = None;
    let name = reg::name(selector).unwrap_or_default().to_owned();
    let (width, old, now, wrote, unread) = (Width::Word, Some(old), Some(now), value, None);
    let change = Change { name, width, old, wrote, now, unread, register };
    output.data(how.format, "core-set", json!({ "change": change.json() }), || vec![change.line()]);
    Ok(())
}

/// Most places that are listed.
const LISTED: usize = 16;
/// What DWT_PCSR reads while there is nothing to sample.
const NO_SAMPLE: u32 = u32::MAX;

fn sample(n: u32, how: &How, output: &mut Output) -> Result<(), Trouble> {
    let done = target::writing(how, output, |target, output| {
        let core = target.core(output)?;
        Ok(target.adi().sample_pc(core, usize::try_from(n).unwrap_or(usize::MAX))?)
    })?;
    let Some(samples) = done else { return Ok(()) };
    let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
    samples.iter().for_each(|pc| *counts.entry(*pc).or_default() += 1);
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(pc, count)| (std::cmp::Reverse(*count), *pc));
    let places: Vec<_> = (counts.iter())
        .map(|(pc, count)| json!({ "pc": pc, "count": count, "region": regs::region(*pc), "sampled": *pc != NO_SAMPLE }))
        .collect();
    let object = json!({ "samples": samples.len(), "places": places });
    output.data(how.format, "core-pcsample", object, || {
        let line = |(pc, count): &(u32, usize)| {
            let what = if *pc == NO_SAMPLE {
                format!("{} (no sample: the core is halted or may not be watched)", hex(*pc))
            } else {
                place(*pc)
            };
            format!("{count:>7}  {:>5.1} %  {what}", *count as f64 * 100.0 / samples.len().max(1) as f64)
        };
        let more = counts.len().saturating_sub(LISTED);
        let rest = (more > 0).then(|| format!("         and {more} more places"));
        counts.iter().take(LISTED).map(line).chain(rest).collect()
    });
    Ok(())
}

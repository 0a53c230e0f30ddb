//! `ob`: option bytes by name.

use crate::chip::{change, options_unproven};
use crate::cli::How;
use crate::cli::part::{Consent, ObCommand, Which};
use crate::dry::Needs;
use crate::output::Output;
use crate::target;
use crate::trouble::Trouble;
use h5::{
    BadChange, Identity, OptionBytes, OptionChange, OptionDiff, OptionReport, OptionValue, Proof, Tzen,
};
use provision::Exit;
use regs::h5::device::Family;
use serde_json::{Value, json};
use std::path::Path;

pub(crate) fn ob(command: &ObCommand, how: &How, output: &mut Output) -> Result<(), Trouble> {
    match command {
        ObCommand::Read { names, which } => read(names, *which, how, output),
        ObCommand::Write { changes, input, consent, which } => {
            let mut wishes = changes.clone();
            wishes.extend(input.as_deref().map(lines).transpose()?.unwrap_or_default());
            write(&wishes, consent, *which, how, output)
        }
        ObCommand::Diff { file, which } => diff(file, *which, how, output),
        ObCommand::Export { out, which } => export(out.as_deref(), *which, how, output),
        ObCommand::Repair { which } => repair(*which, how, output),
    }
}

/// All option bytes of the part, and who it is.
fn all(which: Which, how: &How, output: &mut Output) -> Result<(Identity, OptionBytes), Trouble> {
    target::with(how, output, |target, output| {
        let mut part = target.part(which, output)?;
        let options = part.options()?;
        Ok((part.identity().clone(), options))
    })
}

fn read(names: &[String], which: Which, how: &How, output: &mut Output) -> Result<(), Trouble> {
    let (part, options) = all(which, how, output)?;
    let family = part.device.family;
    let wanted: Vec<&OptionValue> = match names {
        [] => options.iter().collect(),
        names => names.iter().map(|name| named(&options, name, family)).collect::<Result<_, _>>()?,
    };
    let object = json!({ "family": family.to_string(), "options": wanted.iter().map(|v| value_json(v)).collect::<Vec<_>>() });
    output.data(how.format, "ob-read", object, || wanted.iter().map(ToString::to_string).collect());
    Ok(())
}

fn named<'o>(options: &'o OptionBytes, name: &str, family: Family) -> Result<&'o OptionValue, BadChange> {
    // The error of a change names the nearest one.
    let byte = OptionChange::new(family, name, 0)?.byte;
    let missing = || BadChange::Name { name: name.to_owned(), family, hint: None };
    options.get(byte.name).ok_or_else(missing)
}

fn value_json(value: &OptionValue) -> Value {
    let field = &value.byte.field;
    json!({ "name": value.byte.name, "value": value.cur, "word": field.value_name(value.cur),
        "pending": value.is_pending().then_some(value.prg), "register": value.byte.cur })
}

fn diff_json(diff: &OptionDiff) -> Value {
    json!({ "name": diff.byte.name, "from": diff.from, "to": diff.to })
}

/// `NAME=VALUE` wishes as changes; two doors stay shut here.
fn parse(wishes: &[String], family: Family) -> Result<Vec<OptionChange>, Trouble> {
    let mut changes = Vec::new();
    for wish in wishes {
        let form = || Trouble::usage(format!("`{wish}` is not of the form NAME=VALUE"));
        let (name, value) = wish.split_once('=').ok_or_else(form)?;
        changes.push(OptionChange::parse(family, name.trim(), value.trim())?);
    }
    Ok(changes)
}

fn write(
    wishes: &[String],
    consent: &Consent,
    which: Which,
    how: &How,
    output: &mut Output,
) -> Result<(), Trouble> {
    let done = target::writing_part(Needs::of(which), how, output, |target, output| {
        let mut part = target.part_to_change(which, output)?;
        let changes = parse(wishes, part.identity().device.family)?;
        let options = part.options()?;
        allowed(&changes, &options, consent)?;
        for warning in
            changes.iter().filter(|c| is_new(c, &options)).filter_map(|c| warning(c, part.identity()))
        {
            output.say(&format!("note: {warning}"));
        }
        change(&mut part, |part| part.change_options(&changes), options_unproven)
    })?;
    done.map_or(Ok(()), |report| show(&report, how, output))
}

fn is_new(change: &OptionChange, options: &OptionBytes) -> bool {
    options.get(change.byte.name).is_none_or(|v| v.cur != change.value)
}

/// The product state has a door of its own, and what is for ever must be agreed to. What is so already needs nothing.
fn allowed(changes: &[OptionChange], options: &OptionBytes, consent: &Consent) -> Result<(), Trouble> {
    for change in changes.iter().filter(|c| is_new(c, options)) {
        let name = change.byte.name;
        if name == "PRODUCT_STATE" {
            return Err(Trouble::new(Exit::Refused, "the product state is not changed by `ob write`")
                .next("`ackwait state set STATE` checks what must hold before"));
        }
        if let Some(why) = change.one_way() {
            consent.needed(name, why)?;
        }
    }
    Ok(())
}

/// What is worth knowing of a change that can be taken back. [H5-STATE-7] [H5-STATE-8] [H5-OB-4]
fn warning(change: &OptionChange, part: &Identity) -> Option<String> {
    let name = change.byte.name;
    let on = change.value == regs::h5::option::ON;
    Some(match name {
        "TZEN" if on => {
            "TZEN on: from the next reset on credentials are certificates; a part closed with a password is lost".to_owned()
        }
        "TZEN" if part.tzen == Tzen::On => {
            "TZEN off: what the secure side holds is not reachable from the next reset on".to_owned()
        }
        "BOOT_UBE" if change.value == regs::h5::option::UBE_ST_IROT => {
            "BOOT_UBE = ST-iRoT: closing the part without ST-iRoT's data makes it dead".to_owned()
        }
        "WRPSG1" | "WRPSG2" => format!("{name}: a zero bit protects its sectors; erase and program fail there"),
        "SWAP_BANK" => "SWAP_BANK: the banks change places at the next reset; addresses mean the other one".to_owned(),
        _ if name.starts_with("HDP") => format!("{name}: a hidden range cannot be read once the program left it"),
        _ => return None,
    })
}

fn show(report: &OptionReport, how: &How, output: &mut Output) -> Result<(), Trouble> {
    if let Some(stale) = &report.stale {
        output.say(&format!("flags of an earlier operation were cleared: {stale}"));
    }
    report
        .cancelled
        .iter()
        .for_each(|d| output.say(&format!("a change that somebody left behind was taken back: {d}")));
    let proof = match report.proof {
        Proof::AlreadySo => "already so; nothing was written",
        Proof::ReadBack => "written and read back; boot and debug follow at the next reset",
        Proof::PortShut => "written; the access port shut before it could be read back",
    };
    let object = json!({ "changed": report.changed.iter().map(diff_json).collect::<Vec<_>>(),
        "cancelled": report.cancelled.iter().map(diff_json).collect::<Vec<_>>(),
        "proof": proof, "busy_us": u64::try_from(report.busy.as_micros()).unwrap_or(u64::MAX) });
    output.data(how.format, "ob-write", object, || {
        let mut lines: Vec<_> = report.changed.iter().map(ToString::to_string).collect();
        let busy = provision::text::span(report.busy);
        lines.push(if report.changed.is_empty() {
            proof.to_owned()
        } else {
            format!("{proof} (busy {busy})")
        });
        lines
    });
    Ok(())
}

/// The lines of an export: `NAME=VALUE`, `#` begins a comment.
fn lines(file: &Path) -> Result<Vec<String>, Trouble> {
    let text = std::fs::read_to_string(file)
        .map_err(|e| Trouble::usage(format!("{} cannot be read: {e}", file.display())))?;
    let plain = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
    Ok(plain.filter(|line| !line.is_empty()).map(str::to_owned).collect())
}

fn diff(file: &Path, which: Which, how: &How, output: &mut Output) -> Result<(), Trouble> {
    let wishes = lines(file)?;
    let (part, options) = all(which, how, output)?;
    let changes = parse(&wishes, part.device.family)?;
    let differs = options.needed(&changes);
    let object =
        json!({ "equal": differs.is_empty(), "differs": differs.iter().map(diff_json).collect::<Vec<_>>() });
    output.data(how.format, "ob-diff", object, || match differs.as_slice() {
        [] => vec![format!("the part holds what {} says", file.display())],
        differs => differs.iter().map(ToString::to_string).collect(),
    });
    Ok(())
}

fn export(out: Option<&Path>, which: Which, how: &How, output: &mut Output) -> Result<(), Trouble> {
    let (part, options) = all(which, how, output)?;
    let line = |v: &OptionValue| {
        let digits = usize::from(v.byte.field.width).div_ceil(4);
        let word = v.byte.field.value_name(v.cur).map(|w| format!("  # {w}")).unwrap_or_default();
        format!("{} = 0x{:0digits$X}{word}", v.byte.name, v.cur)
    };
    // The state is no wish that a part could be given by this file.
    let mut lines = vec![format!("# {}, {}", part.device.family, part.state)];
    lines.extend(options.iter().filter(|v| v.byte.name != "PRODUCT_STATE").map(line));
    let object =
        json!({ "family": part.device.family.to_string(), "state": part.state.name(), "lines": &lines });
    match out {
        None => output.data(how.format, "ob-export", object, || lines),
        Some(file) => {
            let text = lines.join("\n") + "\n";
            std::fs::write(file, text).map_err(|e| {
                Trouble::new(Exit::Storage, format!("{} cannot be written: {e}", file.display()))
                    .next("name another file: the part was only read")
            })?;
            output.say(&format!("{} option bytes written to {}", lines.len() - 1, file.display()));
        }
    }
    Ok(())
}

fn repair(which: Which, how: &How, output: &mut Output) -> Result<(), Trouble> {
    let done = target::writing_part(Needs::of(which), how, output, |target, output| {
        let mut part = target.part(which, output)?;
        let interrupted = part.interrupted()?;
        if interrupted.is_some_and(|i| i.needs_recovery()) {
            change(&mut part, |part| part.recover_selectors(), options_unproven)?;
            return Ok(interrupted.map(|i| i.to_string()));
        }
        Ok(None)
    })?;
    let Some(repaired) = done else { return Ok(()) };
    let object = json!({ "repaired": repaired });
    output.data(how.format, "ob-repair", object, || {
        vec![repaired.map_or_else(
            || "no reset interrupted an option change or an OBK swap; nothing was written".to_owned(),
            |what| format!("{what}: the selectors are repaired; read the option bytes again"),
        )]
    });
    Ok(())
}

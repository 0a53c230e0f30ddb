//! `obk inspect`, `obk lint`, `obk build`.

use crate::cli::{Format, ObkArgs, ObkCommand, TrustZone};
use crate::console::Output;
use crate::trouble::Trouble;
use h5::obk::{LintContext, ObkFile, ObkSpec, Severity};
use h5::{Permissions, Tzen};
use provision::text::parse_number;
use provision::{Exit, FileRule, load_password, present};
use regs::h5::device::Family;
use std::path::Path;
use zeroize::Zeroizing;

pub(crate) fn obk(args: &ObkArgs, output: &mut Output) -> Result<Exit, Trouble> {
    match &args.command {
        ObkCommand::Inspect { file, format } => inspect(&load(file)?, format.format, output),
        ObkCommand::Lint { file, family, tzen, password_file, production, format } => {
            let password = match password_file {
                Some(path) => Some(load_password(path, FileRule::Strict)?.0),
                None => None,
            };
            let context = LintContext {
                family: named(family)?,
                tzen: if *tzen == TrustZone::On { Tzen::On } else { Tzen::Off },
                credential: password.as_ref().map(Into::into),
                production: *production,
            };
            lint(&load(file)?, &context, format.format, output)
        }
        ObkCommand::Build { family, password_file, permissions, output: path } => {
            build(family, password_file, permissions, path, output)
        }
    }
}

fn load(path: &Path) -> Result<ObkFile, Trouble> {
    let bytes = std::fs::read(path)
        .map(Zeroizing::new)
        .map_err(|e| Trouble::usage(format!("{} cannot be read: {e}", path.display())))?;
    ObkFile::parse(&bytes).map_err(|e| Trouble::usage(format!("{}: {e}", path.display())))
}

pub(crate) fn named(family: &str) -> Result<Family, Trouble> {
    Family::from_name(family).ok_or_else(|| {
        let all: Vec<_> = Family::ALL.iter().map(ToString::to_string).collect();
        Trouble::usage(format!("there is no family `{family}`; there are {}", all.join(", ")))
    })
}

fn inspect(file: &ObkFile, format: Format, output: &mut Output) -> Result<Exit, Trouble> {
    match format {
        Format::Json => output.json(&present::obk_json(file)),
        Format::Text => present::obk_lines(file)
            .iter()
            .for_each(|(name, value)| output.print(&format!("{name:<14} {value}"))),
    }
    Ok(Exit::Done)
}

fn lint(
    file: &ObkFile,
    context: &LintContext<'_>,
    format: Format,
    output: &mut Output,
) -> Result<Exit, Trouble> {
    let findings = file.lint(context);
    for finding in &findings {
        match format {
            Format::Text => output.print(&finding.to_string()),
            Format::Json => output.json(&present::finding_json(finding)),
        }
    }
    let refused = findings.iter().find(|f| f.severity == Severity::Refuse);
    if refused.is_none() && format == Format::Text {
        let checked = present::compared(file, context.credential);
        output.print(&format!("fits {}{checked}", context.family));
    }
    Ok(refused.map_or(Exit::Done, |f| provision::rule_exit(f.rule)))
}

fn build(
    family: &str,
    password_file: &Path,
    permissions: &str,
    path: &Path,
    output: &mut Output,
) -> Result<Exit, Trouble> {
    let family = named(family)?;
    let permissions = parse_number(permissions).ok_or_else(|| {
        Trouble::usage(format!("--permissions takes a number, and `{permissions}` is none"))
    })?;
    let (password, _) = load_password(password_file, FileRule::Strict)?;
    let permissions = Permissions(u128::from(permissions));
    let file = ObkFile::build(&ObkSpec { family, credential: (&password).into(), permissions });
    let fail =
        |e: std::io::Error| Trouble::new(Exit::Storage, format!("{} cannot be written: {e}", path.display()));
    let bytes = Zeroizing::new(file.to_bytes());
    present::write_private(path, &bytes).map_err(fail)?;
    output.print(&format!("{}: {} bytes for {family}", path.display(), bytes.len()));
    Ok(Exit::Done)
}

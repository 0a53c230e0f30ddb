//! `obk inspect`, `obk lint`, `obk build`.

use crate::cli::{Format, ObkArgs, ObkCommand, TrustZone};
use crate::console::Output;
use crate::trouble::Trouble;
use h5::obk::{LintContext, ObkFile, ObkSpec, Severity};
use h5::{Permissions, Tzen};
use provision::text::{hex, parse_number};
use provision::{Exit, FileRule, load_password};
use regs::h5::device::Family;
use serde_json::json;
use std::io::Write as _;
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
                password: password.as_ref(),
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
    let known = file.known_destination().map(|d| d.name);
    let integrity = match file.integrity_holds() {
        Some(true) => "holds",
        Some(false) => "does not hold",
        None => "none",
    };
    if format == Format::Json {
        output.json(&json!({
            "destination": file.destination().to_string(),
            "destination_name": known,
            "payload_bytes": file.payload_len(),
            "do_encryption": file.do_encryption(),
            "integrity": integrity,
            "permissions": file.permissions().map(|p| format!("0x{:X}", p.0)),
            "public_sample": file.public_sample(),
            "sha256": hex(&file.fingerprint()),
        }));
        return Ok(Exit::Done);
    }
    let mut line = |name: &str, value: String| output.print(&format!("{name:<14} {value}"));
    line("destination", format!("{} ({})", file.destination(), known.unwrap_or("unknown")));
    line("payload", format!("{} bytes", file.payload_len()));
    line("DoEncryption", file.do_encryption().to_string());
    line("integrity", integrity.to_owned());
    if let Some(permissions) = file.permissions() {
        line("permissions", permissions.to_string());
        line("credential", file.public_sample().unwrap_or("not shown").to_owned());
    }
    line("file SHA-256", hex(&file.fingerprint()));
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
            Format::Json => {
                let severity = if finding.severity == Severity::Refuse { "refuse" } else { "warn" };
                let line = json!({ "severity": severity, "rule": finding.rule.word(), "text": finding.text });
                output.json(&line);
            }
        }
    }
    let refused = findings.iter().find(|f| f.severity == Severity::Refuse);
    if refused.is_none() && format == Format::Text {
        let checked = match context.password {
            Some(password) if file.matches_password(password) => "; the password opens it",
            Some(_) => "; it holds no credential, so the password has nothing to do with it",
            None => "; no password was compared",
        };
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
    let file = ObkFile::build(&ObkSpec { family, password: &password, permissions });
    let fail = |e: std::io::Error| Trouble::usage(format!("{} cannot be written: {e}", path.display()));
    // It holds the password's hash, from which a short password can be found.
    let bytes = Zeroizing::new(file.to_bytes());
    private(path).and_then(|mut f| f.write_all(&bytes)).map_err(fail)?;
    output.print(&format!("{}: {} bytes for {family}", path.display(), bytes.len()));
    Ok(Exit::Done)
}

/// A new file that only its owner can reach.
fn private(path: &Path) -> std::io::Result<std::fs::File> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path)
}

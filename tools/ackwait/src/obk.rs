//! `obk`: provisioning files, and bringing one into a part.

use crate::cli::How;
use crate::cli::part::{CredentialArgs, ObkCommand, OnOff, Which};
use crate::dry::Needs;
use crate::given::Held;
use crate::output::Output;
use crate::target;
use crate::trouble::Trouble;
use h5::obk::{Finding, LintContext, ObkFile, ObkSpec, Severity};
use h5::{Credential, Identity, ObkReport, ObkRoute, Permissions, ProductState, Tzen};
use provision::{Exit, present, rule_exit};
use regs::h5::device::Family;
use serde_json::json;
use std::path::Path;

pub(crate) fn obk(command: &ObkCommand, how: &How, output: &mut Output) -> Result<(), Trouble> {
    match command {
        ObkCommand::New { family, credential, permissions, out } => {
            new(*family, credential, *permissions, out, how, output)
        }
        ObkCommand::Inspect { file } => {
            let file = load(file)?;
            output.data(how.format, "obk-inspect", present::obk_json(&file), || {
                present::obk_lines(&file).iter().map(|(word, text)| format!("{word:<14} {text}")).collect()
            });
            Ok(())
        }
        ObkCommand::Lint { file, family, tzen, credential, production } => {
            let held = Held::strict(credential)?;
            let tzen = if *tzen == OnOff::On { Tzen::On } else { Tzen::Off };
            let credential = held.as_ref().map(Held::credential);
            let context = LintContext { family: *family, tzen, credential, production: *production };
            lint(&load(file)?, &context, how, output)
        }
        ObkCommand::Match { file, credential } => matches(file, credential, how, output),
        ObkCommand::Provision { file, credential, route, which } => {
            provision(file, credential, *route, *which, how, output)
        }
    }
}

pub(crate) fn load(path: &Path) -> Result<ObkFile, Trouble> {
    let bytes =
        std::fs::read(path).map_err(|e| Trouble::usage(format!("{} cannot be read: {e}", path.display())))?;
    ObkFile::parse(&bytes).map_err(|e| Trouble::usage(format!("{}: {e}", path.display())))
}

fn new(
    family: Family,
    credential: &CredentialArgs,
    permissions: u32,
    out: &Path,
    how: &How,
    output: &mut Output,
) -> Result<(), Trouble> {
    let held = named(credential)?;
    let permissions = Permissions(u128::from(permissions));
    let file = ObkFile::build(&ObkSpec { family, credential: held.credential(), permissions });
    present::write_private(out, &file.to_bytes()).map_err(|e| {
        Trouble::new(Exit::Storage, format!("{} cannot be written: {e}", out.display()))
            .next("name a file that does not exist yet")
    })?;
    let line = format!("{}: {} bytes for {family}, {permissions}", out.display(), file.to_bytes().len());
    output.data(how.format, "obk-new", present::obk_json(&file), || vec![line]);
    Ok(())
}

fn lint(file: &ObkFile, context: &LintContext<'_>, how: &How, output: &mut Output) -> Result<(), Trouble> {
    let findings = file.lint(context);
    let refused = findings.iter().find(|f| f.severity == Severity::Refuse);
    let object = json!({ "fits": refused.is_none(),
        "findings": findings.iter().map(present::finding_json).collect::<Vec<_>>() });
    output.data(how.format, "obk-lint", object, || {
        let mut lines: Vec<_> = findings.iter().map(ToString::to_string).collect();
        if refused.is_none() {
            lines.push(format!("fits {}{}", context.family, present::compared(file, context.credential)));
        }
        lines
    });
    refused.map_or(Ok(()), |finding| Err(refusal(finding).told()))
}

fn refusal(finding: &Finding) -> Trouble {
    Trouble::new(rule_exit(finding.rule), finding.text.clone())
        .next("`ackwait obk new` makes a file that fits; nothing was written")
}

fn named(credential: &CredentialArgs) -> Result<Held, Trouble> {
    Held::strict(credential)?.ok_or_else(|| Trouble::usage("name a credential: --password-file, or --cert"))
}

fn matches(file: &Path, credential: &CredentialArgs, how: &How, output: &mut Output) -> Result<(), Trouble> {
    let (obk, held) = (load(file)?, named(credential)?);
    if obk.permissions().is_none() {
        return Err(Trouble::usage(format!("{} holds no credential", file.display()))
            .next("`ackwait obk inspect FILE` says what it is for"));
    }
    let matched = obk.matches(held.credential());
    let what = if matches!(held, Held::Password(_)) { "this password" } else { "this root key" };
    let line = format!("{}: {what} {} it", file.display(), if matched { "opens" } else { "does not open" });
    output.data(how.format, "obk-match", json!({ "matches": matched }), || vec![line.clone()]);
    if matched {
        return Ok(());
    }
    Err(Trouble::new(Exit::Credential, line)
        .next("find the credential that belongs to it before a part is closed with it")
        .told())
}

fn provision(
    path: &Path,
    credential: &CredentialArgs,
    route: Option<ObkRoute>,
    which: Which,
    how: &How,
    output: &mut Output,
) -> Result<(), Trouble> {
    let file = load(path)?;
    let mut held = Held::lenient(credential)?;
    let done = target::writing_part(Needs::of(which), how, output, |target, output| {
        if let Some(held) = &mut held {
            held.allowed(target, output)?;
        }
        let mut part = target.part_to_change(which, output)?;
        may_take(part.identity(), &file, held.as_ref().map(Held::credential), output)?;
        let identity = part.identity();
        let route = route.unwrap_or_else(|| ObkRoute::default_for(identity.device, identity.tzen));
        Ok(part.provision_obk(&file, route)?)
    })?;
    done.map_or(Ok(()), |report| show(&report, how, output))
}

/// Whether this part, as it is now, may be given this file.
fn may_take(
    part: &Identity,
    file: &ObkFile,
    credential: Option<Credential<'_>>,
    output: &mut Output,
) -> Result<(), Trouble> {
    if part.state != ProductState::PROVISIONING {
        return Err(Trouble::new(
            Exit::Refused,
            format!("a credential goes in in PROVISIONING, and this is {}", part.state),
        )
        .next("`ackwait state set PROVISIONING`, then `ackwait reset`"));
    }
    part.must_be_named()?;
    let context = LintContext { family: part.device.family, tzen: part.tzen, credential, production: false };
    for finding in file.lint(&context) {
        match finding.severity {
            Severity::Refuse => return Err(refusal(&finding)),
            Severity::Warn => output.say(&format!("note: {}", finding.text)),
        }
    }
    Ok(())
}

fn show(report: &ObkReport, how: &How, output: &mut Output) -> Result<(), Trouble> {
    let hdpl = report.hdpl.map(|h| h.number());
    let micros = u64::try_from(report.elapsed.as_micros()).unwrap_or(u64::MAX);
    let object = json!({ "route": report.route.word(), "destination": report.destination.0, "bytes": report.bytes,
        "hdpl": hdpl, "result": report.result, "elapsed_us": micros, "proven": false });
    output.data(how.format, "obk-provision", object, || {
        vec![
            format!(
                "{} bytes to {} by the {} route in {}",
                report.bytes,
                report.destination,
                report.route,
                provision::text::span(report.elapsed)
            ),
            "not proven by this: `ackwait da discover` asks the ROM whether the credential is whole"
                .to_owned(),
        ]
    });
    Ok(())
}

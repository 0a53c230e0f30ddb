//! `obk`: provisioning files, and bringing one into a part.

use crate::cli::How;
use crate::cli::part::{ObkCommand, OnOff, Which};
use crate::output::Output;
use crate::target::{self, Target};
use crate::trouble::Trouble;
use h5::obk::{Finding, LintContext, ObkFile, ObkSpec, Severity};
use h5::{Identity, ObkReport, ObkRoute, Password, Permissions, ProductState, Tzen};
use provision::{CredentialError, Exit, FileRule, load_password, present, rule_exit};
use regs::h5::device::Family;
use serde_json::json;
use std::path::Path;

pub(crate) fn obk(command: &ObkCommand, how: &How, output: &mut Output) -> Result<(), Trouble> {
    match command {
        ObkCommand::New { family, password_file, permissions, out } => {
            new(*family, password_file, *permissions, out, how, output)
        }
        ObkCommand::Inspect { file } => {
            let file = load(file)?;
            output.data(how.format, "obk-inspect", present::obk_json(&file), || {
                present::obk_lines(&file).iter().map(|(word, text)| format!("{word:<14} {text}")).collect()
            });
            Ok(())
        }
        ObkCommand::Lint { file, family, tzen, password_file, production } => {
            let password = password_file.as_deref().map(strict).transpose()?;
            let tzen = if *tzen == OnOff::On { Tzen::On } else { Tzen::Off };
            let context = LintContext {
                family: *family,
                tzen,
                credential: password.as_ref().map(Into::into),
                production: *production,
            };
            lint(&load(file)?, &context, how, output)
        }
        ObkCommand::Match { file, password_file } => matches(file, password_file, how, output),
        ObkCommand::Provision { file, password_file, route, which } => {
            provision(file, password_file.as_deref(), *route, *which, how, output)
        }
    }
}

fn load(path: &Path) -> Result<ObkFile, Trouble> {
    let bytes =
        std::fs::read(path).map_err(|e| Trouble::usage(format!("{} cannot be read: {e}", path.display())))?;
    ObkFile::parse(&bytes).map_err(|e| Trouble::usage(format!("{}: {e}", path.display())))
}

fn strict(path: &Path) -> Result<Password, CredentialError> {
    Ok(load_password(path, FileRule::Strict)?.0)
}

/// A password for a part: whether its file may be open to others is known when it is known that the part is simulated. It is
/// read once, because it may come from a pipe.
pub(crate) struct Given {
    pub(crate) password: Password,
    exposed: Option<CredentialError>,
}

impl Given {
    pub(crate) fn read(path: &Path) -> Result<Given, CredentialError> {
        let (password, exposed) = load_password(path, FileRule::Lenient)?;
        Ok(Given { password, exposed })
    }

    /// An error where others can read the file and the part is real.
    pub(crate) fn allowed(&mut self, target: &Target, output: &mut Output) -> Result<(), Trouble> {
        match self.exposed.take() {
            Some(e) if !target.session.is_simulated() => Err(e.into()),
            Some(e) => {
                output.say(&format!("note: {}", e.waived()));
                Ok(())
            }
            None => Ok(()),
        }
    }
}

fn new(
    family: Family,
    password_file: &Path,
    permissions: u32,
    out: &Path,
    how: &How,
    output: &mut Output,
) -> Result<(), Trouble> {
    let password = strict(password_file)?;
    let permissions = Permissions(u128::from(permissions));
    let file = ObkFile::build(&ObkSpec { family, credential: (&password).into(), permissions });
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

fn matches(file: &Path, password_file: &Path, how: &How, output: &mut Output) -> Result<(), Trouble> {
    let (obk, password) = (load(file)?, strict(password_file)?);
    if obk.permissions().is_none() {
        return Err(Trouble::usage(format!("{} holds no credential", file.display()))
            .next("`ackwait obk inspect FILE` says what it is for"));
    }
    let matched = obk.matches_password(&password);
    let line =
        format!("{}: this password {} it", file.display(), if matched { "opens" } else { "does not open" });
    output.data(how.format, "obk-match", json!({ "matches": matched }), || vec![line.clone()]);
    if matched {
        return Ok(());
    }
    Err(Trouble::new(Exit::Credential, line)
        .next("find the password that belongs to it before a part is closed with it")
        .told())
}

fn provision(
    path: &Path,
    password_file: Option<&Path>,
    route: Option<ObkRoute>,
    which: Which,
    how: &How,
    output: &mut Output,
) -> Result<(), Trouble> {
    let file = load(path)?;
    let mut given = password_file.map(Given::read).transpose()?;
    let done = target::writing(how, output, |target, output| {
        if let Some(given) = &mut given {
            given.allowed(target, output)?;
        }
        let mut part = target.part(which, output)?;
        may_take(part.identity(), &file, which, given.as_ref().map(|g| &g.password), output)?;
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
    which: Which,
    password: Option<&Password>,
    output: &mut Output,
) -> Result<(), Trouble> {
    if part.state != ProductState::PROVISIONING {
        return Err(Trouble::new(
            Exit::Refused,
            format!("a credential goes in in PROVISIONING, and this is {}", part.state),
        )
        .next("`ackwait state set PROVISIONING`, then `ackwait reset`"));
    }
    let twins: Vec<_> = part.device.crypto_twins().map(|d| d.family.to_string()).collect();
    if which.family.is_none() && !twins.is_empty() {
        let text = format!(
            "no register tells {} from {}, and the credential of one can close the other for ever",
            part.device.family,
            twins.join(" or ")
        );
        return Err(Trouble::usage(text).next("name what the package says: `--family H562`"));
    }
    let context = LintContext {
        family: part.device.family,
        tzen: part.tzen,
        credential: password.map(Into::into),
        production: false,
    };
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

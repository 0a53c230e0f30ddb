//! `otp`: blocks that are written once, and the credential of an STM32H503.

use crate::chip::{change, options_unproven};
use crate::cli::How;
use crate::cli::part::{Consent, OtpCommand, Which};
use crate::dry::Needs;
use crate::given::Given;
use crate::output::Output;
use crate::target;
use crate::trouble::Trouble;
use h5::{OtpBlock, OtpReport};
use serde_json::json;
use std::path::Path;

pub(crate) fn otp(command: &OtpCommand, how: &How, output: &mut Output) -> Result<(), Trouble> {
    match command {
        OtpCommand::Read { block, show, which } => read(*block, *show, *which, how, output),
        OtpCommand::Program { password_file, consent } => program(password_file, consent, how, output),
        OtpCommand::Lock { block, consent, which } => lock(*block, consent, *which, how, output),
    }
}

fn read(block: u32, show: bool, which: Which, how: &How, output: &mut Output) -> Result<(), Trouble> {
    let block =
        target::with(how, output, |target, output| Ok(target.part(which, output)?.otp_block(block)?))?;
    let written = block.half_words.iter().flatten().count();
    let words: Vec<_> = block.half_words.iter().map(|half| half.map(|h| format!("0x{h:04X}"))).collect();
    let object = json!({ "block": block.number, "address": block.at.0, "locked": block.locked, "written": written,
        "half_words": show.then_some(&words) });
    output.data(how.format, "otp-read", object, || {
        let mut lines = vec![line(&block, written)];
        if show {
            let shown = words.iter().map(|w| w.as_deref().unwrap_or("------"));
            let shown: Vec<_> = shown.collect();
            lines.extend(shown.chunks(8).map(|row| format!("  {}", row.join(" "))));
        }
        lines
    });
    Ok(())
}

fn line(block: &OtpBlock, written: usize) -> String {
    let lock = if block.locked { "locked for ever" } else { "not locked" };
    format!(
        "OTP block {} at {}: {written} of {} half-words written, {lock}",
        block.number,
        block.at,
        block.half_words.len()
    )
}

fn program(password_file: &Path, consent: &Consent, how: &How, output: &mut Output) -> Result<(), Trouble> {
    let mut given = Given::password(password_file)?;
    consent.needed("OTP", "the hash of the password can be written once and never changed")?;
    let done = target::writing_part(Needs::hidden("OTP"), how, output, |target, output| {
        given.allowed(target, output)?;
        let mut part = target.part_to_change(Which { family: None }, output)?;
        Ok(part.provision_otp(&given.secret)?)
    })?;
    let Some(OtpReport { before, written }) = done else { return Ok(()) };
    let object = json!({ "before": before, "written": written, "verified": true });
    output.data(how.format, "otp-program", object, || {
        vec![
            match (written, before) {
                (0, _) => "OTP block 0 holds this password's hash already; nothing was written".to_owned(),
                (_, 0) => "the hash of the password was written to OTP block 0 and read back".to_owned(),
                _ => format!(
                    "{before} half-words of the password's hash were in, {written} were added; all read back"
                ),
            },
            "then: `ackwait otp lock 0 --accept-irreversible=LOCKBL`, `ackwait da discover`".to_owned(),
        ]
    });
    Ok(())
}

fn lock(block: u32, consent: &Consent, which: Which, how: &How, output: &mut Output) -> Result<(), Trouble> {
    consent.needed("LOCKBL", "a locked block of OTP takes nothing more, for ever")?;
    let needs = Needs::of(which).and_hidden("OTP");
    let done = target::writing_part(needs, how, output, |target, output| {
        change(&mut target.part_to_change(which, output)?, |part| part.lock_otp(block), options_unproven)
    })?;
    let Some(report) = done else { return Ok(()) };
    let changed: Vec<_> = report.changed.iter().map(ToString::to_string).collect();
    output.data(how.format, "otp-lock", json!({ "block": block, "changed": changed }), || {
        match changed.as_slice() {
            [] => vec![format!("OTP block {block} was locked already; nothing was written")],
            changed => changed.to_vec(),
        }
    });
    Ok(())
}

//! `da`: debug authentication.

use crate::cli::How;
use crate::cli::part::DaCommand;
use crate::obk::Given;
use crate::output::Output;
use crate::target;
use crate::trouble::Trouble;
use provision::{Exit, present};
use serde_json::json;
use std::path::Path;

pub(crate) fn da(command: &DaCommand, how: &How, output: &mut Output) -> Result<(), Trouble> {
    match command {
        DaCommand::Discover => discover(how, output),
        DaCommand::Regress { password_file } => regress(password_file, how, output),
        DaCommand::Auth { key, cert } => {
            log::debug!("{} and {} were not read", key.display(), cert.display());
            Err(no_certificates("opening debug"))
        }
        DaCommand::Close => Err(no_certificates("closing a debug session")),
    }
}

/// Which tokens and permissions the STM32H5's ROM takes is not published.
fn no_certificates(what: &str) -> Trouble {
    let mut trouble =
        Trouble::new(Exit::Unsupported, format!("{what} needs certificates, and this version has none"))
            .next("`ackwait da regress --password-file FILE` opens a part whose credential is a password");
    trouble.state = Some("no target was touched".to_owned());
    trouble
}

fn discover(how: &How, output: &mut Output) -> Result<(), Trouble> {
    let done = target::writing(how, output, |target, _| Ok(h5::da::discover(target.adi())?))?;
    let Some(said) = done else { return Ok(()) };
    output.data(how.format, "da-discover", present::discovery_json(&said), || {
        present::discovery_lines(&said).iter().map(|(word, text)| format!("{word:<12} {text}")).collect()
    });
    Ok(())
}

fn regress(password_file: &Path, how: &How, output: &mut Output) -> Result<(), Trouble> {
    let mut given = Given::read(password_file)?;
    let done = target::writing(how, output, |target, output| {
        given.allowed(target, output)?;
        Ok(h5::da::regress(target.adi(), &given.password)?)
    })?;
    let Some(done) = done else { return Ok(()) };
    let before = done.discovery.lifecycle;
    let micros = u64::try_from(done.elapsed.as_micros()).unwrap_or(u64::MAX);
    let object = json!({ "from": before.and_then(|s| s.name()), "to": "OPEN", "elapsed_us": micros });
    output.data(how.format, "da-regress", object, || {
        let from = before.map_or_else(|| "not told".to_owned(), |s| s.to_string());
        let span = provision::text::span(done.elapsed);
        vec![format!("{from} -> OPEN (0xED): the part took the password and erased itself in {span}")]
    });
    Ok(())
}

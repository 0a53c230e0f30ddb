//! `da`: debug authentication.

use crate::cert;
use crate::cli::How;
use crate::cli::part::{CertifiedArgs, DaCommand, RegressArgs};
use crate::dry::Needs;
use crate::given::Given;
use crate::output::Output;
use crate::target;
use crate::trouble::Trouble;
use h5::Permission;
use h5::da::{Back, Certified, Chain, PrivateKey, Regression};
use provision::present;
use serde_json::json;
use std::path::Path;

/// A rehearsal would need what a real part keeps to itself.
const CREDENTIAL: Needs = Needs::hidden("a credential");

pub(crate) fn da(command: &DaCommand, how: &How, output: &mut Output) -> Result<(), Trouble> {
    match command {
        DaCommand::Discover => discover(how, output),
        DaCommand::Regress(RegressArgs { password_file: Some(path), .. }) => by_password(path, how, output),
        DaCommand::Regress(args) => by_certificates(args, how, output),
        DaCommand::Auth { certified, permission } => open(certified, *permission, how, output),
        DaCommand::Close => close(how, output),
        DaCommand::Cert(command) => cert::cert(command, how, output),
    }
}

fn discover(how: &How, output: &mut Output) -> Result<(), Trouble> {
    let done = target::writing(how, output, |target, _| Ok(h5::da::discover(target.adi())?))?;
    let Some(said) = done else { return Ok(()) };
    output.data(how.format, "da-discover", present::discovery_json(&said), || {
        present::discovery_lines(&said).iter().map(|(word, text)| format!("{word:<12} {text}")).collect()
    });
    Ok(())
}

fn by_password(path: &Path, how: &How, output: &mut Output) -> Result<(), Trouble> {
    let mut given = Given::password(path)?;
    let done = target::writing_part(CREDENTIAL, how, output, |target, output| {
        given.allowed(target, output)?;
        Ok(h5::da::regress(target.adi(), &given.secret)?)
    })?;
    done.map_or(Ok(()), |done| show(&done, "the password", how, output))
}

fn by_certificates(args: &RegressArgs, how: &How, output: &mut Output) -> Result<(), Trouble> {
    let Some(certified) = &args.certified else {
        return Err(Trouble::usage("a regression needs --password-file, or --key and --cert"));
    };
    let back = if args.partial { Back::Partial } else { Back::Full };
    let mut ask = Ask::read(certified, back.permission(), output)?;
    let done = target::writing_part(CREDENTIAL, how, output, |target, output| {
        ask.key.allowed(target, output)?;
        Ok(h5::da::regress_certified(target.adi(), ask.certified(), back, &h5::DaEntry::default())?)
    })?;
    done.map_or(Ok(()), |done| show(&done, "the certificates", how, output))
}

fn show(done: &Regression, credential: &str, how: &How, output: &mut Output) -> Result<(), Trouble> {
    let (before, to) = (done.discovery.lifecycle, done.to);
    let micros = u64::try_from(done.elapsed.as_micros()).unwrap_or(u64::MAX);
    let object = json!({ "from": before.and_then(|s| s.name()), "to": to.name(), "elapsed_us": micros });
    output.data(how.format, "da-regress", object, || {
        if done.was_there() {
            return vec![format!("already {to}: nothing was asked of the part, nothing was erased")];
        }
        let from = before.map_or_else(|| "not told".to_owned(), |s| s.to_string());
        let span = provision::text::span(done.elapsed);
        let what = if to == Back::Full.to() { "itself" } else { "what is not secure" };
        vec![format!("{from} -> {to}: the part took {credential} and erased {what} in {span}")]
    });
    Ok(())
}

/// What somebody asks for with certificates: judged and shown before any target is touched.
struct Ask {
    chain: Chain,
    key: Given<PrivateKey>,
}

impl Ask {
    fn read(args: &CertifiedArgs, wanted: Permission, output: &mut Output) -> Result<Ask, Trouble> {
        let chain = cert::load_chain(&args.cert)?;
        let key = Given::key(&args.key)?;
        present::chain_lines(&chain).iter().for_each(|line| output.say(line));
        chain.grants(&key.secret, wanted).map_err(cert::judged)?;
        if let Some(obk) = &args.obk {
            chain.fits_obk(&crate::obk::load(obk)?, wanted).map_err(cert::judged)?;
        }
        output.say(&format!("asks for {wanted}"));
        Ok(Ask { chain, key })
    }

    fn certified(&self) -> Certified<'_> {
        Certified { chain: &self.chain, key: &self.key.secret }
    }
}

fn open(args: &CertifiedArgs, permission: Permission, how: &How, output: &mut Output) -> Result<(), Trouble> {
    let mut ask = Ask::read(args, permission, output)?;
    let done = target::writing_part(CREDENTIAL, how, output, |target, output| {
        ask.key.allowed(target, output)?;
        let entry = h5::DaEntry::default();
        Ok(h5::da::open_debug(target.adi(), ask.certified(), permission, &entry)?)
    })?;
    let Some(done) = done else { return Ok(()) };
    let sr = crate::number::hex(done.ports.sr);
    let object = json!({ "state": done.discovery.lifecycle.and_then(|s| s.name()), "permission": permission.word(),
        "ap1_open": true, "dbgmcu_sr": done.ports.sr });
    output.data(how.format, "da-auth", object, || {
        vec![
            format!("{permission}: AP1 is open (DBGMCU_SR {sr}) until the part is reset"),
            "`da discover` and `da regress` reset it too; `ackwait da close` shuts it".to_owned(),
        ]
    });
    Ok(())
}

fn close(how: &How, output: &mut Output) -> Result<(), Trouble> {
    let done = target::writing(how, output, |target, _| {
        Ok(h5::da::close_debug(target.adi(), &h5::DaEntry::default())?)
    })?;
    let Some(done) = done else { return Ok(()) };
    let state = done.discovery.lifecycle;
    let object =
        json!({ "state": state.and_then(|s| s.name()), "ap1_open": false, "dbgmcu_sr": done.ports.sr });
    output.data(how.format, "da-close", object, || {
        let state = state.map_or_else(|| "a state that it does not tell".to_owned(), |s| s.to_string());
        let sr = crate::number::hex(done.ports.sr);
        vec![format!(
            "debug is shut: AP1 was closed (DBGMCU_SR {sr}), then the part was reset; it is in {state}"
        )]
    });
    Ok(())
}

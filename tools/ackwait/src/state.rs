//! `state`: the product state, and the doors before it.

use crate::cli::How;
use crate::cli::part::{Consent, StateCommand, Which};
use crate::output::Output;
use crate::target::{self, Target};
use crate::trouble::Trouble;
use h5::{H5Error, ProductState, Proof, da};
use provision::{Exit, Vouched};
use serde_json::json;

pub(crate) fn state(command: &StateCommand, how: &How, output: &mut Output) -> Result<(), Trouble> {
    match command {
        StateCommand::Get { which } => get(*which, how, output),
        StateCommand::Set { state, consent, which } => set(*state, consent, *which, how, output),
    }
}

fn get(which: Which, how: &How, output: &mut Output) -> Result<(), Trouble> {
    let state = target::with(how, output, |target, output| Ok(target.part(which, output)?.identity().state))?;
    let object = json!({ "state": state.name(), "code": state.0 });
    output.data(how.format, "state-get", object, || vec![state.to_string()]);
    Ok(())
}

/// How it is known where the part is now.
struct Moved {
    from: ProductState,
    proof: String,
}

fn set(
    to: ProductState,
    consent: &Consent,
    which: Which,
    how: &How,
    output: &mut Output,
) -> Result<(), Trouble> {
    let done = target::writing(how, output, |target, output| move_to(to, consent, which, target, output))?;
    let Some(Moved { from, proof }) = done else { return Ok(()) };
    let object = json!({ "from": from.name(), "to": to.name(), "changed": from != to, "proof": proof });
    output.data(how.format, "state-set", object, || match from == to {
        true => vec![format!("{to}: {proof}")],
        false => vec![format!("PRODUCT_STATE {from} -> {to}: {proof}")],
    });
    Ok(())
}

fn move_to(
    to: ProductState,
    consent: &Consent,
    which: Which,
    target: &mut Target,
    output: &mut Output,
) -> Result<Moved, Trouble> {
    let mut part = target.part(which, output)?;
    let from = part.identity().state;
    if from == to {
        return Ok(Moved { from, proof: "already so; nothing was written".to_owned() });
    }
    part.may_move(to)?;
    match to {
        ProductState::LOCKED => consent.needed("LOCKED", "no debug, no regression, for ever")?,
        ProductState::PROVISIONING => {
            output
                .say("note: the way back from PROVISIONING is a regression; the program does not run there");
        }
        _ => {
            gate(target)?;
            part = target.part(which, output)?;
            part.may_move(to)?;
        }
    }
    let report = part.change_state(to).map_err(|e| begun(to, e))?;
    let seen = match report.proof {
        Proof::PortShut => "written; the access port shut at once",
        _ => "written and read back",
    };
    let proof = match to {
        ProductState::PROVISIONING => format!("{seen}; boot and debug follow at the next reset"),
        ProductState::LOCKED => format!("{seen}; nothing can prove more, a LOCKED part does not answer"),
        to => prove(target, to)?,
    };
    Ok(Moved { from, proof })
}

/// Discovery must vouch for the credential now, in this session.
fn gate(target: &mut Target) -> Result<(), Trouble> {
    let said = Vouched::from(&da::discover(target.adi())?);
    said.may_be_closed().map_err(|why| {
        Trouble::new(Exit::Integrity, format!("the part must not be shut: {why}"))
            .next("`ackwait obk provision FILE` brings the credential in; `ackwait da discover` shows what is there")
    })
}

/// After a state that may shut the port: only discovery tells.
fn prove(target: &mut Target, to: ProductState) -> Result<String, Trouble> {
    let said = da::discover(target.adi()).map_err(|e| quarantine(to, &e.to_string()))?;
    match said.lifecycle {
        Some(found) if found == to => Ok(format!("proven by discovery ({})", Vouched::from(&said))),
        Some(found) => Err(quarantine(to, &format!("discovery says {found}"))),
        None => Err(quarantine(to, "discovery does not say which state the part is in")),
    }
}

/// An error of the change itself. What the part refused is known; behind anything else the change may have begun.
fn begun(to: ProductState, e: H5Error) -> Trouble {
    match e {
        H5Error::Adi(_)
        | H5Error::TargetBusy { .. }
        | H5Error::ApShut { .. }
        | H5Error::UnstableState { .. } => quarantine(to, &e.to_string()),
        e => e.into(),
    }
}

/// Nobody knows in which state the part is, and nothing may be tried again.
fn quarantine(to: ProductState, why: &str) -> Trouble {
    let mut trouble = Trouble::new(Exit::Unknown, format!("the change to {to} is not proven: {why}"))
        .next("do not write it again: `ackwait da discover` tells the state; until then put the part aside");
    trouble.state = Some("unknown: the change may have begun and must not be repeated".to_owned());
    trouble
}

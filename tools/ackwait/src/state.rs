//! `state`: the product state, and the doors before it.

use crate::chip::change;
use crate::cli::How;
use crate::cli::part::{Consent, StateCommand, Which};
use crate::dry::Needs;
use crate::output::Output;
use crate::target::{self, Target};
use crate::trouble::Trouble;
use h5::{H5Error, ProductState, Proof, da};
use provision::{CredentialKind, Exit, Vouched};
use serde_json::json;

pub(crate) fn state(command: &StateCommand, how: &How, output: &mut Output) -> Result<(), Trouble> {
    match command {
        StateCommand::Get { which } => get(*which, how, output),
        StateCommand::Set { state, consent, kind, which } => {
            let wish = Wish { to: *state, consent, credential: (*kind).into() };
            set(&wish, *which, how, output)
        }
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

/// Where the part shall go, and what somebody agreed to for it.
struct Wish<'c> {
    to: ProductState,
    consent: &'c Consent,
    /// What opens the part again.
    credential: CredentialKind,
}

fn set(wish: &Wish<'_>, which: Which, how: &How, output: &mut Output) -> Result<(), Trouble> {
    let to = wish.to;
    let needs = Needs::of(which);
    let needs = if to.shuts() { needs.and_hidden("a credential") } else { needs };
    let done =
        target::writing_part(needs, how, output, |target, output| move_to(wish, which, target, output))?;
    let Some(Moved { from, proof }) = done else { return Ok(()) };
    let object = json!({ "from": from.name(), "to": to.name(), "changed": from != to, "proof": proof });
    output.data(how.format, "state-set", object, || match from == to {
        true => vec![format!("{to}: {proof}")],
        false => vec![format!("PRODUCT_STATE {from} -> {to}: {proof}")],
    });
    Ok(())
}

fn move_to(
    wish: &Wish<'_>,
    which: Which,
    target: &mut Target,
    output: &mut Output,
) -> Result<Moved, Trouble> {
    let to = wish.to;
    if let Some(found) = shut_in(target, output)? {
        return shut(found, to);
    }
    let mut part = target.part_to_change(which, output)?;
    let from = part.identity().state;
    if from == to {
        return Ok(Moved { from, proof: "already so; nothing was written".to_owned() });
    }
    part.may_move(to)?;
    match to {
        ProductState::LOCKED => wish.consent.needed("LOCKED", "no debug, no regression, for ever")?,
        ProductState::PROVISIONING => {
            output
                .say("note: the way back from PROVISIONING is a regression; the program does not run there");
        }
        _ => {
            gate(target, wish.credential)?;
            part = target.part_to_change(which, output)?;
            part.may_move(to)?;
        }
    }
    let report = change(&mut part, |part| part.change_state(to), |why| unproven(to, why))?;
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

/// The state of a part whose port is shut for good, by its ROM. A port that is only not open yet is none.
fn shut_in(target: &mut Target, output: &mut Output) -> Result<Option<ProductState>, Trouble> {
    let ap = target.part_ap(output);
    if h5::ap_open(target.adi())?.open(ap) {
        return Ok(None);
    }
    output.say(&format!("{ap} is shut: asking the ROM, which resets the part"));
    Ok(da::discover(target.adi())?.lifecycle.filter(|state| state.shuts()))
}

/// No option byte can be written there.
fn shut(from: ProductState, to: ProductState) -> Result<Moved, Trouble> {
    if from == to {
        return Ok(Moved { from, proof: "already so, says discovery; nothing was written".to_owned() });
    }
    let (why, instead) = ("debug is shut, so no option byte can be written".to_owned(), String::new());
    Err(H5Error::IllegalMove { from, to, why, instead }.into())
}

/// Discovery must vouch for the credential now, in this session.
fn gate(target: &mut Target, credential: CredentialKind) -> Result<(), Trouble> {
    let said = Vouched::from(&da::discover(target.adi())?);
    let next = match (credential, said.takes_password) {
        (CredentialKind::Password, Some(false)) => {
            "`ackwait obk provision FILE --cert CERT` brings the credential in; `--certificate` says that it is meant"
        }
        _ => {
            "`ackwait obk provision FILE` brings the credential in; `ackwait da discover` shows what is there"
        }
    };
    said.may_be_closed(credential)
        .map_err(|why| Trouble::new(Exit::Integrity, format!("the part must not be shut: {why}")).next(next))
}

/// After a state that may shut the port: only discovery tells.
fn prove(target: &mut Target, to: ProductState) -> Result<String, Trouble> {
    let said = da::discover(target.adi()).map_err(|e| unproven(to, &e.to_string()))?;
    match said.lifecycle {
        Some(found) if found == to => Ok(format!("proven by discovery ({})", Vouched::from(&said))),
        Some(found) => Err(unproven(to, &format!("discovery says {found}"))),
        None => Err(unproven(to, "discovery does not say which state the part is in")),
    }
}

/// Nobody knows in which state the part is, and nothing may be tried again.
fn unproven(to: ProductState, why: &str) -> Trouble {
    Trouble::unproven(&format!("the change to {to}"), why)
        .next("do not write it again: `ackwait da discover` tells the state; until then put the part aside")
}

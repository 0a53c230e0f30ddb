//! `da cert`: certificates of debug authentication.

use crate::cli::How;
use crate::cli::part::CertCommand;
use crate::output::Output;
use crate::trouble::Trouble;
use h5::da::{Certificate, Chain, ChainError, DaError, PublicKey, Role};
use h5::{H5Error, Permissions};
use provision::{Exit, FileRule, load_key, present};
use serde_json::json;
use std::path::Path;

pub(crate) fn cert(command: &CertCommand, how: &How, output: &mut Output) -> Result<(), Trouble> {
    match command {
        CertCommand::Show { file } => show(&load_chain(file)?, how, output),
        CertCommand::New { out, .. } => {
            let chain = made(command)?;
            let file = format!("{}\n", chain.to_base64());
            present::write_private(out, file.as_bytes()).map_err(|e| {
                Trouble::new(Exit::Storage, format!("{} cannot be written: {e}", out.display()))
                    .next("name a file that does not exist yet")
            })?;
            show(&chain, how, output)
        }
    }
}

/// The chain in a file. Whether it holds is not judged.
pub(crate) fn load_chain(path: &Path) -> Result<Chain, Trouble> {
    Chain::read(&read(path)?).map_err(|e| {
        Trouble::usage(format!("{}: {e}", path.display()))
            .next("a `.b64` file of ST's tool, or one of `ackwait da cert new`; nothing was written")
    })
}

fn read(path: &Path) -> Result<Vec<u8>, Trouble> {
    std::fs::read(path).map_err(|e| Trouble::usage(format!("{} cannot be read: {e}", path.display())))
}

/// The chain with the new certificate at its end.
fn made(command: &CertCommand) -> Result<Chain, Trouble> {
    let CertCommand::New { key, chain, subject, intermediate, permissions, soc_class, soc_id, .. } = command
    else {
        return Err(Trouble::new(Exit::Bug, "only a new certificate is made"));
    };
    let (key, _) = load_key(key, FileRule::Strict)?;
    let before = chain.as_deref().map(load_chain).transpose()?;
    let (role, public) = match subject {
        None => (Role::ROOT, key.public()),
        Some(path) => {
            let public = PublicKey::from_pem(&read(path)?)
                .map_err(|e| Trouble::usage(format!("{}: {e}", path.display())))?;
            (if *intermediate { Role::INTERMEDIATE } else { Role::LEAF }, public)
        }
    };
    let mut certificate = Certificate::new(role, public, Permissions(u128::from(*permissions)));
    certificate.soc_class = soc_class.unwrap_or_default();
    certificate.soc_id = soc_id.unwrap_or_default();
    let certificate = certificate.signed(&key);
    let mut all: Vec<_> = before.iter().flat_map(Chain::certificates).cloned().collect();
    all.push(certificate);
    let chain = Chain::of(all).map_err(judged)?;
    match chain.check() {
        // Others follow an intermediate one.
        Err(ChainError::Role { .. }) if *intermediate => Ok(chain),
        checked => checked.map(|()| chain).map_err(judged),
    }
}

/// An error of a chain, with its advice.
pub(crate) fn judged(e: ChainError) -> Trouble {
    let mut trouble = Trouble::from(H5Error::from(DaError::from(e)));
    trouble.state = Some("no target was touched".to_owned());
    trouble
}

fn show(chain: &Chain, how: &How, output: &mut Output) -> Result<(), Trouble> {
    let holds = chain.check();
    let object = json!({ "certificates": present::chain_json(chain), "holds": holds.is_ok(),
        "permissions": format!("0x{:X}", chain.permissions().0) });
    output.data(how.format, "da-cert", object, || {
        let mut lines = present::chain_lines(chain);
        lines.push(match &holds {
            Ok(()) => format!("the chain holds and permits {}", chain.permissions()),
            Err(e) => format!("no part takes this chain: {e}"),
        });
        lines
    });
    Ok(())
}

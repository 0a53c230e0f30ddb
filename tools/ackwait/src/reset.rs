//! `reset`.

use crate::cli::{How, ResetArgs, ResetKind};
use crate::output::Output;
use crate::target;
use crate::trouble::Trouble;
use adi::{Attach, Catch, ConnectMode};
use serde_json::json;

pub(crate) fn reset(args: &ResetArgs, how: &How, output: &mut Output) -> Result<(), Trouble> {
    let done = target::writing(how, output, |target, output| match (args.kind, args.halt) {
        (ResetKind::Hw, false) => {
            target.adi().pulse_reset()?;
            Ok("NRST was pulsed and followed; the debug port answers again")
        }
        (ResetKind::Hw, true) => {
            let core = Some(target.core(output)?);
            let attached = target.adi().attach(&Attach { mode: ConnectMode::UnderReset, core })?;
            Ok(match attached.catch {
                Some(Catch::InReset) => "NRST was pulsed; the core is halted before its first instruction",
                _ => "NRST was pulsed; the core ran for a moment before it could be halted",
            })
        }
        (ResetKind::Sys, halt) => {
            let core = target.core(output)?;
            target.adi().system_reset(core, halt)?;
            Ok(if halt {
                "SYSRESETREQ: the core was reset and is halted before its first instruction"
            } else {
                "SYSRESETREQ: the core was reset and runs"
            })
        }
    })?;
    let Some(said) = done else { return Ok(()) };
    let kind = if args.kind == ResetKind::Hw { "hw" } else { "sys" };
    let object = json!({ "kind": kind, "halted": args.halt, "text": said });
    output.data(how.format, "reset", object, || vec![said.to_owned()]);
    Ok(())
}

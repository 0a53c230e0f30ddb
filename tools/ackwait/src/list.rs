//! `list`: the probes on USB.

use crate::cli::How;
use crate::output::Output;
use crate::trouble::Trouble;
use serde_json::{Value, json};
use session::FoundProbe;

pub(crate) fn list(how: &How, output: &mut Output) -> Result<(), Trouble> {
    let all = session::probes(&session::policy(how.policy.as_deref(), &how.set)?);
    if all.is_empty() {
        output.say("no probe is plugged in (one on the network is tcp:HOST:PORT, a simulated one sim:)");
    }
    let object = json!({ "probes": all.iter().map(object).collect::<Vec<_>>() });
    output.data(how.format, "list", object, || all.iter().flat_map(lines).collect());
    Ok(())
}

/// What to type to name it.
fn selector(probe: &FoundProbe) -> String {
    let (vid, pid) = probe.id;
    match &probe.serial {
        Some(serial) => format!("{vid:04x}:{pid:04x}:{serial}"),
        None => format!("usb:{}", probe.location),
    }
}

fn lines(probe: &FoundProbe) -> Vec<String> {
    let place = format!("usb:{}", probe.location);
    let mut lines = vec![format!(
        "{:<44} {place:<10} {:<13} {}",
        selector(probe),
        probe.protocol.to_string(),
        probe.product
    )];
    lines.extend(probe.trouble.as_ref().map(|trouble| format!("    cannot be used: {trouble}")));
    lines
}

fn object(probe: &FoundProbe) -> Value {
    let (vid, pid) = probe.id;
    json!({
        "selector": selector(probe),
        "vid": format!("{vid:04x}"),
        "pid": format!("{pid:04x}"),
        "serial": probe.serial,
        "product": probe.product,
        "release": format!("{:x}.{:02x}", probe.release >> 8, probe.release & 0xFF),
        "usb": probe.location.to_string(),
        "protocol": probe.protocol.to_string(),
        "usable": probe.trouble.is_none(),
        "trouble": probe.trouble.as_ref().map(ToString::to_string),
    })
}

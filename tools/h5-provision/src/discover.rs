//! `discover`.

use crate::cli::{DiscoverArgs, Format};
use crate::console::Output;
use crate::trouble::Trouble;
use adi::Attach;
use h5::{Discovery, H5Error, da};
use pace::Policy;
use provision::Exit;
use provision::text::hex;
use serde_json::{Value, json};
use wire::Hz;

/// SWCLK where the command line names none, as in jobs.
const SPEED: Hz = Hz::khz(4000);

pub(crate) fn discover(args: &DiscoverArgs, output: &mut Output) -> Result<Exit, Trouble> {
    let mut policy = match &args.policy {
        Some(name) => crate::job::policy(name)?,
        None => Policy::default(),
    };
    for setting in &args.set {
        policy.apply(setting)?;
    }
    let speed = crate::job::speed(args.speed)?.unwrap_or(SPEED);
    let mut session = crate::open::open(&args.probe, &policy, speed, &args.recording, output)?;
    let attached = session.adi.attach(&Attach::HOTPLUG).map_err(H5Error::from);
    let said = attached.and_then(|_| da::discover(&mut session.adi));
    if said.is_err() {
        crate::open::show_flight(&session, output);
    }
    let closed = crate::open::close(session, output);
    let said = said?;
    closed?;
    match args.format.format {
        Format::Text => {
            text(&said).iter().for_each(|(name, value)| output.print(&format!("{name:<12} {value}")))
        }
        Format::Json => output.json(&as_json(&said)),
    }
    Ok(Exit::Done)
}

fn or_untold<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| "not told".to_owned(), |v| v.to_string())
}

fn text(said: &Discovery) -> Vec<(&'static str, String)> {
    let takes = said.takes_password.map(|p| if p { "a password" } else { "certificates" });
    let class = said.soc_class.map(|c| format!("0x{c:03X}"));
    vec![
        ("SOC_ID", hex(&said.soc_id)),
        ("class", or_untold(class)),
        ("lifecycle", or_untold(said.lifecycle)),
        ("integrity", said.integrity.to_string()),
        ("permissions", said.permissions.to_string()),
        ("takes", or_untold(takes)),
        ("protocol", or_untold(said.protocol_version.as_deref())),
        ("ROM", or_untold(said.sda_version.as_deref())),
    ]
}

fn as_json(said: &Discovery) -> Value {
    json!({
        "soc_id": hex(&said.soc_id),
        "soc_class": said.soc_class,
        "lifecycle": said.lifecycle.map(|s| s.to_string()),
        "integrity": format!("0x{:08X}", said.integrity.0),
        "permissions": format!("0x{:X}", said.permissions.0),
        "permission_names": said.permissions.names().collect::<Vec<_>>(),
        "takes_password": said.takes_password,
        "protocol_version": said.protocol_version,
        "sda_version": said.sda_version,
    })
}

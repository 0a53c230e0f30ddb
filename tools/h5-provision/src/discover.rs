//! `discover`.

use crate::cli::{DiscoverArgs, Format};
use crate::console::Output;
use crate::trouble::Trouble;
use adi::Attach;
use h5::{H5Error, da};
use pace::Policy;
use provision::Exit;
use provision::present::{discovery_json, discovery_lines};
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
        Format::Text => discovery_lines(&said)
            .iter()
            .for_each(|(name, value)| output.print(&format!("{name:<12} {value}"))),
        Format::Json => output.json(&discovery_json(&said)),
    }
    Ok(Exit::Done)
}

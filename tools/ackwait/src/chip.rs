//! The STM32H5 behind the probe: which port leads to it, and which member of its family it is.

use crate::cli::part::Which;
use crate::output::Output;
use crate::target::Target;
use crate::trouble::Trouble;
use h5::{H5Error, Identity, Interrupted, Part, Tzen};
use pace::Clock;
use provision::Exit;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

impl Target {
    /// The part, identified. It is waited for while its ROM keeps the port shut after a reset.
    pub(crate) fn part(&mut self, which: Which, output: &mut Output) -> Result<Part<'_>, Trouble> {
        let ap = self.part_ap(output);
        let identity = h5::identify(self.adi(), ap)?;
        let identity = match which.family {
            Some(family) => identity.as_family(family)?,
            None => identity,
        };
        Ok(Part::new(self.adi(), ap, identity))
    }

    /// The same for work that changes it: what a reset interrupted must be repaired before anything else is written.
    pub(crate) fn part_to_change(&mut self, which: Which, output: &mut Output) -> Result<Part<'_>, Trouble> {
        let mut part = self.part(which, output)?;
        match part.interrupted()?.filter(Interrupted::needs_recovery) {
            None => Ok(part),
            Some(what) => Err(Trouble::new(Exit::Refused, format!("{what}; nothing was written"))
                .next("`ackwait ob repair` comes before everything else, then `ackwait ob read`")),
        }
    }

    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        self.session.clock()
    }
}

/// Changes option bytes. Where the change was started and its end was not seen, `unproven` says so.
pub(crate) fn change<T>(
    part: &mut Part<'_>,
    work: impl FnOnce(&mut Part<'_>) -> Result<T, H5Error>,
    unproven: impl FnOnce(&str) -> Trouble,
) -> Result<T, Trouble> {
    let done = work(part);
    done.map_err(|e| if part.change_under_way() { unproven(&e.to_string()) } else { e.into() })
}

/// Option bytes other than the product state, of which nobody knows whether they were changed.
pub(crate) fn options_unproven(why: &str) -> Trouble {
    Trouble::unproven("the change of the option bytes", why)
        .next("`ackwait status` says whether they need `ackwait ob repair`; then `ackwait ob read`")
}

/// The part in one line.
pub(crate) fn line(part: &Identity) -> String {
    let families: Vec<_> = part.families().iter().map(ToString::to_string).collect();
    let revision = part.revision().unwrap_or("unknown");
    format!("{}, revision {revision} (0x{:04X})", families.join(" or "), part.rev_id)
}

/// The part for programs.
pub(crate) fn part_json(part: &Identity) -> Value {
    json!({
        "families": part.families().iter().map(ToString::to_string).collect::<Vec<_>>(),
        "dev_id": part.dev_id, "rev_id": part.rev_id, "revision": part.revision(),
        "uid": part.uid.map(|uid| uid.to_string()), "flash_kib": part.flash_kib,
        "state": part.state.to_string(), "trustzone": part.tzen.to_string(),
    })
}

/// Which kind of credential TrustZone asks for. [H5-STATE-7]
pub(crate) fn credential_kind(tzen: Tzen) -> &'static str {
    match tzen {
        Tzen::On => "on: credentials are certificates",
        Tzen::Off => "off: credentials are passwords",
        Tzen::Absent => "none on this family: credentials are passwords",
        Tzen::Other(_) => "neither on nor off: reset the part and read again",
    }
}

/// Bytes a second for a person.
pub(crate) fn rate(bytes: usize, time: Duration) -> String {
    if time.is_zero() {
        return "in no time".to_owned();
    }
    let kib = bytes as f64 / 1024.0 / time.as_secs_f64();
    format!("{} ({kib:.0} KiB/s)", provision::text::span(time))
}

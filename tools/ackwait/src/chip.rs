//! The STM32H5 behind the probe: which port leads to it, and which member of its family it is.

use crate::cli::part::Which;
use crate::output::Output;
use crate::target::Target;
use crate::trouble::Trouble;
use h5::{Identity, Part, Tzen};
use pace::Clock;
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

    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        self.session.clock()
    }
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

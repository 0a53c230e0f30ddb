//! Probes on USB and on TCP: from what the user named to a pipe.

use crate::{Selector, SessionError};
use pace::{Clock, Policy, PollEnd, Site, poll};
use probe::find::{FindError, FoundProbe, Wanted, find, open, select};
use probe::tcp::TcpPipe;
use std::sync::Arc;
use wire::Pipe;

/// A pipe, and how to get another one to the same probe after it was reset.
pub(crate) struct Reached {
    pub(crate) pipe: Box<dyn Pipe>,
    /// Most packets that may be under way, where the firmware takes fewer than it says.
    pub(crate) in_flight: Option<u8>,
    /// The list entry of a probe on USB.
    found: Option<FoundProbe>,
}

/// A pipe to the probe that was named. Nothing was sent to it yet.
pub(crate) fn reach(
    selector: Selector,
    policy: &Policy,
    clock: &Arc<dyn Clock>,
) -> Result<Reached, SessionError> {
    let wanted = match selector {
        Selector::Tcp(place) => return serve(place, policy, clock),
        Selector::UsbPath(path) => Wanted::Socket(path.parse()?),
        Selector::UsbId { vid, pid, serial } => Wanted::Id { vid, pid, serial },
        Selector::Serial(serial) => Wanted::Serial(serial),
        Selector::Replay(file) => {
            let why = "this version does not play recordings back";
            return Err(SessionError::NotYet { probe: format!("replay:{file}"), why });
        }
        Selector::Alias(alias) => {
            let why = "this version reads no station file that would say which probe that is";
            return Err(SessionError::NotYet { probe: format!("@{alias}"), why });
        }
        Selector::Sim(scenario) => {
            let why = "a simulated probe has no pipe to the outside";
            return Err(SessionError::NotYet { probe: format!("sim:{scenario}"), why });
        }
    };
    let all = find();
    let found = select(&all, &wanted)?.clone();
    let pipe = open(&found, Arc::clone(clock))?;
    Ok(Reached { pipe, in_flight: found.in_flight, found: Some(found) })
}

fn serve(place: String, policy: &Policy, clock: &Arc<dyn Clock>) -> Result<Reached, SessionError> {
    match TcpPipe::connect(&place, policy.usb.timeout, Arc::clone(clock)) {
        Ok(pipe) => Ok(Reached { pipe: Box::new(pipe), in_flight: None, found: None }),
        Err(error) => Err(SessionError::NoServer { place, error }),
    }
}

/// Resets a probe that said nothing, and reaches it again: some come back as a new device, which takes a moment.
pub(crate) fn reset(
    found: &FoundProbe,
    policy: &Policy,
    clock: &Arc<dyn Clock>,
) -> Result<Reached, SessionError> {
    let mut pipe = open(found, Arc::clone(clock))?;
    if let Err(error) = pipe.reset() {
        log::debug!("after the USB reset: {error}");
    }
    drop(pipe);
    let wanted = Wanted::Socket(found.location.clone());
    let mut last = FindError::None(Vec::new());
    let again = poll(&**clock, &policy.wait(Site::Reconnect), || {
        let all = find();
        match select(&all, &wanted).and_then(|found| Ok((open(found, Arc::clone(clock))?, found.clone()))) {
            Ok(reached) => Ok::<_, SessionError>(Some(reached)),
            Err(error) => {
                last = error;
                Ok(None)
            }
        }
    });
    match again {
        Ok((pipe, found)) => Ok(Reached { pipe, in_flight: found.in_flight, found: Some(found) }),
        Err(PollEnd::Failed(error)) => Err(error),
        Err(PollEnd::Spent(_)) => Err(last.into()),
    }
}

impl Reached {
    /// The list entry to reset by, should the probe say nothing.
    pub(crate) fn found(&self) -> Option<FoundProbe> {
        self.found.clone()
    }
}

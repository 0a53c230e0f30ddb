//! Probes on USB and on TCP: from what the user named to a pipe.

use crate::{Aliases, Selector, SessionError};
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
    pub(crate) found: Option<FoundProbe>,
}

/// What to look for on USB.
pub(crate) fn wanted(selector: &Selector) -> Result<Wanted, SessionError> {
    let not_yet = |why| Err(SessionError::NotYet { probe: selector.to_string(), why });
    match selector {
        Selector::UsbPath(path) => Ok(Wanted::Socket(path.parse()?)),
        Selector::UsbId { vid, pid, serial } => {
            Ok(Wanted::Id { vid: *vid, pid: *pid, serial: serial.clone() })
        }
        Selector::Serial(serial) => Ok(Wanted::Serial(serial.clone())),
        Selector::Alias(_) => not_yet("an alias cannot stand for another one"),
        Selector::Sim(_) | Selector::Tcp(_) | Selector::Replay(_) => not_yet("it is not on USB"),
    }
}

/// A pipe to the probe that was named, by an alias perhaps. Nothing was sent to it yet.
pub(crate) fn reach(
    selector: &Selector,
    named: Option<(&str, &Aliases)>,
    policy: &Policy,
    clock: &Arc<dyn Clock>,
) -> Result<Reached, SessionError> {
    if let Selector::Tcp(place) = selector {
        return serve(place.clone(), policy, clock);
    }
    let all = find(&policy.usb);
    let found = select(&all, &wanted(selector)?)?.clone();
    if let Some((alias, aliases)) = named {
        aliases.sole(alias, &found)?;
    }
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
        let all = find(&policy.usb);
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

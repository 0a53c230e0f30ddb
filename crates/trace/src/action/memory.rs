//! Waits and block transfers that belong to nothing else.

use super::{ActionKind, Found, Known, measured, performed, took};
use crate::event::Event;
use crate::name::{SECRET, condition, place, size, span, value};

/// Fewer reads of the same register are shown as reads.
const POLLS: u32 = 3;

/// Reading one register again and again, by the host or inside the probe.
pub(super) fn wait(rest: &[Event], _: &Known) -> Option<Found> {
    let event = rest.first()?;
    let a = performed(event).filter(|a| !a.access.write)?;
    let time = span(event.until.saturating_sub(event.at));
    if let Some(matching) = &a.matching {
        let register = a.names.register(a.access.at).map(|hit| hit.register);
        let outcome = if matching.reached { "" } else { ": not reached" };
        let text = format!(
            "wait for {} {}, polled by the probe{}{outcome}",
            place(a.names, a.access.at),
            condition(register, matching),
            measured(format!(", over {time}")),
        );
        return Found::new(1, ActionKind::Wait, text);
    }
    if a.repeats.same < POLLS {
        return None;
    }
    let last = value(a, a.access.value);
    let first = if a.repeats.first == a.access.value {
        "always ".to_owned()
    } else {
        format!("{} to ", value(a, a.repeats.first))
    };
    let looks = measured(format!(" ×{} over {time}: {first}", a.repeats.same));
    let text = format!("wait {}{looks}{last}", place(a.names, a.access.at));
    Found::new(1, ActionKind::Wait, text)
}

/// A run of reads or of writes to memory.
pub(super) fn block(rest: &[Event], _: &Known) -> Option<Found> {
    let a = performed(rest.first()?).filter(|a| a.run > 1)?;
    let (verb, kind) = if a.access.write { ("write", ActionKind::Write) } else { ("read", ActionKind::Read) };
    // A block may be split by nothing but its own length; the parts follow each other.
    let mut bytes = 0u64;
    let mut length = 0;
    let mut secret = false;
    for event in rest {
        let next = u32::try_from(bytes).ok().map(|n| a.access.at.plus(n));
        match performed(event) {
            Some(b)
                if b.access.write == a.access.write
                    && b.access.ap == a.access.ap
                    && b.repeats.same == 1
                    && b.matching.is_none()
                    && Some(b.access.at) == next =>
            {
                bytes += b.bytes();
                secret |= b.secret;
                length += 1;
            }
            _ => break,
        }
    }
    let hidden = if secret { format!(" {SECRET}") } else { String::new() };
    let took = took(rest.get(..length)?);
    Found::new(length, kind, format!("{verb} {}, {}{hidden}{took}", place(a.names, a.access.at), size(bytes)))
}

//! The core: halt, run, reset, registers.

use super::{ActionKind, Found, Known, polls, read, written};
use crate::event::Event;
use crate::name::hex;
use regs::m33;

/// DHCSR takes a write only with this key in its upper half.
fn dhcsr_bits(value: u32) -> Option<u32> {
    (value & 0xFFFF_0000 == m33::dhcsr::KEY).then_some(value & 0xFFFF)
}

/// A reset asked for through AIRCR.
pub(super) fn reset(rest: &[Event], _: &Known) -> Option<Found> {
    let (m33::AIRCR, Some(value)) = written(rest.first()?)? else { return None };
    if value & m33::aircr::SYSRESETREQ == 0 {
        return None;
    }
    Found::new(1, ActionKind::Reset, "system reset (AIRCR.SYSRESETREQ)")
}

/// A write to DHCSR, with the wait for S_HALT.
pub(super) fn halt_or_run(rest: &[Event], _: &Known) -> Option<Found> {
    let (m33::DHCSR, Some(value)) = written(rest.first()?)? else { return None };
    let bits = dhcsr_bits(value)?;
    let has = |bit: u32| bits & bit != 0;
    let text = if !has(m33::dhcsr::C_DEBUGEN) {
        "leave debug of the core"
    } else if has(m33::dhcsr::C_HALT) {
        "halt the core"
    } else if has(m33::dhcsr::C_STEP) {
        "step the core"
    } else {
        "let the core run"
    };
    let (waited, _) = polls(rest.get(1..).unwrap_or_default(), &[m33::DHCSR]);
    let outcome =
        rest.get(..1 + waited).and_then(<[Event]>::last).and_then(read).and_then(|(_, value)| value);
    let outcome = match outcome {
        Some(status) if status & m33::dhcsr::S_HALT != 0 => ": halted",
        Some(_) => ": running",
        None => "",
    };
    Found::new(1 + waited, ActionKind::Core, format!("{text}{outcome}"))
}

/// A core register through DCRSR and DCRDR.
pub(super) fn register(rest: &[Event], _: &Known) -> Option<Found> {
    let named = |selector: u32| {
        let number = selector & m33::dcrsr::REGSEL;
        m33::core_register::name(number).map_or_else(|| format!("register {number}"), str::to_owned)
    };
    let (value, at) = match written(rest.first()?)? {
        (m33::DCRDR, value) => (Some(value), 1),
        _ => (None, 0),
    };
    let (m33::DCRSR, Some(selector)) = rest.get(at).and_then(written)? else { return None };
    let (waited, _) = polls(rest.get(at + 1..).unwrap_or_default(), &[m33::DHCSR]);
    let length = at + 1 + waited;
    let said = |value: Option<u32>| value.map_or("?".to_owned(), hex);
    match (value, selector & m33::dcrsr::REGWNR != 0) {
        (Some(value), true) => {
            Found::new(length, ActionKind::Core, format!("core {} := {}", named(selector), said(value)))
        }
        (None, false) => {
            let (m33::DCRDR, value) = rest.get(length).and_then(read)? else { return None };
            Found::new(length + 1, ActionKind::Core, format!("core {} = {}", named(selector), said(value)))
        }
        _ => None,
    }
}

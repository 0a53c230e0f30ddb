//! Connecting, and the reset pin.

use super::{ActionKind, Found, Known, measured};
use crate::event::{Body, ByProbe, Event, Procedure, RegisterAccess};
use crate::name::hex;
use regs::dp;
use wire::{Ack, Port, WireEvent};

fn dp_register(event: &Event) -> Option<&RegisterAccess> {
    match &event.body {
        Body::Register(r) if r.port == Port::Dp => Some(r),
        _ => None,
    }
}

/// The probe connects by itself, and takes an access port into use.
fn by_probe(event: &Event) -> Option<&ByProbe> {
    match &event.body {
        Body::ByProbe(done) if matches!(done.what, Procedure::Connect | Procedure::OpenAp) => Some(done),
        _ => None,
    }
}

fn is_line(event: &Event) -> bool {
    matches!(event.body, Body::Line(WireEvent::LineReset | WireEvent::Switch(_)))
}

/// Line sequences, then accesses to the debug port until something else comes.
pub(super) fn connect(rest: &[Event], _: &Known) -> Option<Found> {
    let begins = |e: &Event| is_line(e) || by_probe(e).is_some_and(|done| done.what == Procedure::Connect);
    if !rest.first().is_some_and(begins) {
        return None;
    }
    let goes_on = |e: &&Event| is_line(e) || by_probe(e).is_some() || dp_register(e).is_some();
    let length = rest.iter().take_while(goes_on).count();
    let events = rest.get(..length)?;
    let mut said: Vec<String> = Vec::new();
    let mut resets = 0;
    for event in events {
        match &event.body {
            Body::Line(WireEvent::Switch(name)) => said.push((*name).to_owned()),
            Body::Line(_) => resets += 1,
            _ => {}
        }
    }
    if said.is_empty() && resets > 0 {
        said.push("line reset".to_owned());
    }
    said.dedup();
    let mut powered = None;
    for event in events {
        if let Some(done) = by_probe(event) {
            said.push(done.text.clone());
        } else if let Some(r) = dp_register(event) {
            told(r, &mut said, &mut powered);
        }
    }
    said.dedup();
    if let Some(status) = powered {
        let up = status & dp::ctrl_stat::PWRUPACK == dp::ctrl_stat::PWRUPACK;
        said.push(if up { "powered up" } else { "power-up not acknowledged" }.to_owned());
    }
    Found::new(length, ActionKind::Connect, format!("connect: {}", said.join(", ")))
}

/// What an access to the debug port tells about a connect.
fn told(r: &RegisterAccess, said: &mut Vec<String>, powered: &mut Option<u32>) {
    match (r.a, r.write, r.dp_bank(), r.ack) {
        (dp::DPIDR, false, 0, Ack::OK) => {
            said.push(r.value.map_or("DPIDR".to_owned(), |v| format!("DPIDR {}", hex(v))));
        }
        (dp::DPIDR, false, 0, ack) => said.push(format!("DPIDR {ack}")),
        (dp::CTRL_STAT, false, dp::bank::CTRL_STAT, Ack::OK) => *powered = r.value,
        (dp::TARGETID, false, dp::bank::TARGETID, Ack::OK) => {
            said.extend(r.value.map(|v| format!("TARGETID {}", hex(v))));
        }
        (_, _, _, Ack::OK) => {}
        (_, _, _, ack) => said.push(format!("{} {ack}", crate::name::register_name(r))),
    }
}

/// The reset pin: low, released, or a pulse.
pub(super) fn reset_pin(rest: &[Event], _: &Known) -> Option<Found> {
    let level = |event: Option<&Event>| match event.map(|e| &e.body) {
        Some(Body::Line(WireEvent::Reset(low))) => Some(*low),
        _ => None,
    };
    let low = level(rest.first())?;
    if low && level(rest.get(1)) == Some(false) {
        let pulse =
            rest.get(1).zip(rest.first()).map_or_else(Default::default, |(b, a)| b.at.saturating_sub(a.at));
        return Found::new(
            2,
            ActionKind::Reset,
            format!("reset pulse on nRESET{}", measured(format!(", {}", crate::name::span(pulse)))),
        );
    }
    Found::new(1, ActionKind::Reset, if low { "hold nRESET low" } else { "release nRESET" })
}

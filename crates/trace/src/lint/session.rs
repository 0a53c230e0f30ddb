//! What a session must leave alone: the core in hotplug, the reset pin, other access ports.

use super::{Connect, Context, Found, Look, Rule, Settings, accepted, written};
use crate::event::{Body, Event};
use regs::m33;
use wire::{ApSel, WireEvent};

pub(super) const HOTPLUG_HALT: Rule = Rule {
    id: "hotplug-halt",
    finds: "a write to DHCSR in a session that connected in hotplug mode",
    why: "it can halt the core or set C_DEBUGEN, which changes how the program runs that hotplug promised to leave alone",
    note: "M33-1",
};

pub(super) const RESET_PIN: Rule = Rule {
    id: "reset-pin",
    finds: "nRESET pulled low in a session that did not connect under reset or with a pulse and does not say that it \
            connects anew behind it",
    why: "a reset loses what the part was doing, and what a locked flash, an option change or a debug authentication had \
          reached; RCC_RSR then names the pin as the cause",
    note: "H5-RCC-1",
};

pub(super) const OTHER_AP: Rule = Rule {
    id: "other-ap",
    finds: "a memory access through another access port than the expected one",
    why: "on an STM32H5 AP1 is the core's bus and AP0 reaches DBGMCU and its ROM table only; the same address is \
          something else there",
    note: "H5-DBG-1",
};

/// Where a debug component can be behind AP0: DBGMCU and the ROM table.
const BEHIND_AP0: std::ops::RangeInclusive<u32> = 0xE000_0000..=0xE00F_FFFF;

/// Writes to DHCSR in hotplug.
#[derive(Debug, Default)]
pub(super) struct HotplugHalt(Vec<Found>);

impl Look for HotplugHalt {
    fn see(&mut self, n: usize, event: &Event, context: &Context) {
        let Some((m33::DHCSR, value)) = written(event) else { return };
        if context.connect(event) != Some(Connect::Hotplug) {
            return;
        }
        let halts = value.is_some_and(|value| value & (m33::dhcsr::C_HALT | m33::dhcsr::C_STEP) != 0);
        let what = if halts { "DHCSR stops the core in hotplug" } else { "DHCSR is written in hotplug" };
        self.0.push(Found { rule: HOTPLUG_HALT, what: what.to_owned(), events: vec![n] });
    }

    fn found(self: Box<Self>) -> Vec<Found> {
        self.0
    }
}

/// The reset pin. A session that resets the part on purpose knows what it lost, and connects anew before it goes to memory
/// again; what it says to the debug mailbox meanwhile is part of that.
#[derive(Debug, Default)]
pub(super) struct ResetPin {
    /// Resets behind which memory was not used yet, and where the session connects anew.
    open: Vec<(usize, Option<u64>)>,
    unsaid: Vec<usize>,
}

impl Look for ResetPin {
    fn see(&mut self, n: usize, event: &Event, context: &Context) {
        let low = matches!(event.body, Body::Line(WireEvent::Reset(true)));
        if low && !matches!(context.connect(event), Some(Connect::UnderReset | Connect::Pulse)) {
            self.open.push((n, context.connects_anew_behind(event)));
        } else if !self.open.is_empty()
            && accepted(event).is_some_and(|a| !is_behind_ap0(a.access.ap, a.access.at.0))
        {
            let says = |anew: Option<u64>| anew.is_some_and(|order| order < event.order);
            self.unsaid.extend(self.open.drain(..).filter(|(_, anew)| !says(*anew)).map(|(n, _)| n));
        }
    }

    fn found(mut self: Box<Self>) -> Vec<Found> {
        self.unsaid.extend(self.open.iter().filter(|(_, anew)| anew.is_none()).map(|(n, _)| *n));
        let what = match self.unsaid.len() {
            0 => return Vec::new(),
            1 => "nRESET goes low".to_owned(),
            times => format!("nRESET goes low {times} times"),
        };
        vec![Found { rule: RESET_PIN, what, events: self.unsaid }]
    }
}

fn is_behind_ap0(ap: ApSel, at: u32) -> bool {
    ap == ApSel(0) && BEHIND_AP0.contains(&at)
}

/// Accesses through other access ports.
#[derive(Debug)]
pub(super) struct OtherAp {
    expected: Option<ApSel>,
    h5: bool,
    /// Where through which port it began, and all of them.
    others: Vec<(ApSel, Vec<usize>)>,
}

impl OtherAp {
    pub(super) fn of(settings: &Settings, h5: bool) -> OtherAp {
        OtherAp { expected: settings.ap, h5, others: Vec::new() }
    }

    fn fits(&self, ap: ApSel, at: u32) -> bool {
        match self.expected {
            Some(expected) => ap == expected,
            None if self.h5 && ap == ApSel(0) => BEHIND_AP0.contains(&at),
            None => !self.h5 || ap == ApSel(1),
        }
    }
}

impl Look for OtherAp {
    fn see(&mut self, n: usize, event: &Event, _: &Context) {
        let Some(a) = accepted(event).filter(|a| !self.fits(a.access.ap, a.access.at.0)) else { return };
        match self.others.iter_mut().find(|(ap, _)| *ap == a.access.ap) {
            Some((_, events)) => events.push(n),
            None => self.others.push((a.access.ap, vec![n])),
        }
    }

    fn found(self: Box<Self>) -> Vec<Found> {
        let what =
            |ap: ApSel, count: usize| format!("{} through {ap}", super::counted(count, "access", "accesses"));
        let found = |(ap, events): (ApSel, Vec<usize>)| Found {
            rule: OTHER_AP,
            what: what(ap, events.len()),
            events,
        };
        self.others.into_iter().map(found).collect()
    }
}

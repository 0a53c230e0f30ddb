//! What a trace says was written to the target.

use super::Trace;
use crate::event::{Body, Event};
use std::time::Duration;
use wire::{Ack, Addr, ApSel, Port, Width};

/// A write to the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Write {
    /// When.
    pub at: Duration,
    /// What was written to.
    pub to: WriteTo,
    /// The value; `None` when it is secret or not known.
    pub value: Option<u32>,
    /// How it ended. With [`Ack::OK`] it was accepted, which does not say that the target performed it.
    pub ack: Ack,
}

/// What was written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteTo {
    /// Memory, through an access port.
    Memory {
        /// The access port.
        ap: ApSel,
        /// The address.
        at: Addr,
        /// The width.
        width: Width,
    },
    /// A register of the debug port.
    Dp {
        /// Its name.
        name: &'static str,
    },
    /// A register of an access port that moves no data (CSW, TAR).
    Ap {
        /// The access port; `None` when SELECT was not seen.
        ap: Option<ApSel>,
        /// Its name.
        name: &'static str,
    },
}

impl Trace {
    /// Every write that went to the target, in order: memory, DP and AP registers, housekeeping included, and those that were
    /// refused too. An access whose address is not known is [`WriteTo::Ap`].
    pub fn writes(&self) -> Vec<Write> {
        self.lifted.iter().filter_map(write).collect()
    }
}

fn write(event: &Event) -> Option<Write> {
    match &event.body {
        Body::Access(a) if a.access.write => {
            let to = WriteTo::Memory { ap: a.access.ap, at: a.access.at, width: a.access.width };
            Some(Write { at: event.at, to, value: a.access.value.filter(|_| !a.secret), ack: a.ack })
        }
        Body::Register(r) if r.write => {
            let to = match (r.port, r.bank) {
                (Port::Dp, _) => WriteTo::Dp { name: regs::dp::name(false, r.a, r.dp_bank()) },
                (Port::Ap, Some(bank)) if r.offset().is_some() => {
                    WriteTo::Ap { ap: r.ap, name: regs::ap::name(bank, r.a) }
                }
                (Port::Ap, _) => WriteTo::Ap { ap: r.ap, name: "AP (unknown register)" },
            };
            Some(Write { at: event.at, to, value: r.value.filter(|_| !r.secret), ack: r.ack })
        }
        _ => None,
    }
}

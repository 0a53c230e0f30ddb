//! What SELECT chooses: access port and bank, by the rules of ADIv5 or of ADIv6. [ADI-12] [ADI-15]

use super::ap::{apsel, low4};
use crate::event::{Body, Event, OnWire, Why, bank_of_block};
use regs::dp;
use wire::{Ack, Port, Transaction, WireEvent};

/// What holds before SELECT is written, in a capture that begins in the middle of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Assume {
    /// The usual: bank 0 of the access port that is chosen first, where everything up to that choice fits it.
    #[default]
    Usual,
    /// Nothing: such accesses are shown as they are.
    Nothing,
    /// This access port and bank.
    Selected {
        /// Its number.
        ap: u8,
        /// APBANKSEL.
        bank: u8,
    },
}

/// Where an access to an access port goes, before its own two bits of the address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Chosen {
    /// Its number; in ADIv6 the place of its address in [`Select::ports`].
    pub(super) ap: u8,
    /// As in [`RegisterAccess::bank`](crate::event::RegisterAccess::bank).
    pub(super) bank: u8,
    /// SELECT was not seen.
    pub(super) assumed: bool,
}

/// SELECT and SELECT1.
#[derive(Debug, Default)]
pub(super) struct Select {
    low: Option<u32>,
    high: u32,
    /// DPIDR told that SELECT holds an address.
    v6: bool,
    assumed: Option<u32>,
    /// The addresses of the access ports of ADIv6, in the order in which they were chosen.
    pub(super) ports: Vec<u64>,
}

impl Select {
    pub(super) fn assuming(assume: Assume, wire: &[Event]) -> Select {
        let assumed = match assume {
            Assume::Usual => usual(wire),
            Assume::Nothing => None,
            Assume::Selected { ap, bank } => Some(dp::select::value(ap, bank, 0)),
        };
        Select { assumed, ..Select::default() }
    }

    /// It was written; `None` when the value is not known. Whether it held that already.
    pub(super) fn write(&mut self, value: Option<u32>) -> bool {
        let redundant = value.is_some() && self.low == value;
        self.low = value;
        self.assumed = None;
        redundant
    }

    /// SELECT1 was written.
    pub(super) fn write_high(&mut self, value: Option<u32>) {
        match value {
            Some(value) => self.high = value,
            None => self.low = None,
        }
    }

    /// DPIDR was read.
    pub(super) fn identified(&mut self, dpidr: u32) {
        let v6 = dp::Dpidr(dpidr).version() >= dp::ADIV6;
        if dp::Dpidr(dpidr).is_valid() && self.v6 != v6 {
            (self.v6, self.low, self.assumed) = (v6, None, None);
        }
    }

    /// Others may have written it.
    pub(super) fn forget(&mut self) {
        self.low = None;
    }

    /// What happened cannot be known: nothing is usual any more.
    pub(super) fn lose(&mut self) {
        (self.low, self.assumed) = (None, None);
    }

    /// DPBANKSEL.
    pub(super) fn dp_bank(&self) -> Option<u8> {
        self.low.map(low4)
    }

    pub(super) fn chosen(&mut self) -> Option<Chosen> {
        let (select, assumed) = match (self.low, self.assumed) {
            (Some(low), _) => (low, false),
            (None, assumed) => (assumed?, true),
        };
        if !self.v6 {
            return Some(Chosen { ap: apsel(select), bank: low4(select >> 4), assumed });
        }
        let base = u64::from(self.high) << 32 | u64::from(select & !0xFFF);
        let ap = self.ports.iter().position(|port| *port == base).unwrap_or_else(|| {
            self.ports.push(base);
            self.ports.len() - 1
        });
        let block = u8::try_from(select >> 4 & 0xFF).unwrap_or_default();
        Some(Chosen { ap: u8::try_from(ap).unwrap_or(u8::MAX), bank: bank_of_block(block), assumed })
    }
}

/// What a transaction that was accepted did.
fn accepted(event: &Event) -> Option<&Transaction> {
    match &event.body {
        Body::Wire(wired) => match &wired.what {
            OnWire::Event(WireEvent::Transaction(t)) if t.ack == Ack::OK => Some(t),
            _ => None,
        },
        _ => None,
    }
}

/// Nobody knows what was done here.
pub(super) fn is_hole(what: &OnWire) -> bool {
    match what {
        OnWire::Lost | OnWire::Gap(_) => true,
        // What a refused write would have written changes nothing.
        OnWire::Unreadable(unreadable) => !matches!(unreadable.why, Why::Began | Why::Parity),
        OnWire::Event(_) | OnWire::Bits { .. } => false,
    }
}

/// Whether these events tell what the beginning of a capture is taken to be, whatever follows.
pub(crate) fn tells(beginning: &[Event]) -> bool {
    let hole = |event: &Event| matches!(&event.body, Body::Wire(wired) if is_hole(&wired.what));
    beginning.len() >= BEGINNING
        || beginning.iter().any(|event| hole(event) || accepted(event).is_some_and(writes_select))
}

fn writes_select(t: &Transaction) -> bool {
    !t.read && t.reg.port == Port::Dp && t.reg.a == dp::SELECT
}

/// Events that tell what the beginning of a capture is taken to be, at most.
const BEGINNING: usize = 4096;

/// What the beginning of a capture fits: bank 0, where TAR is written and the register at 8 is not touched, which a MEM-AP
/// uses for addresses above 4 GiB only.
fn usual(wire: &[Event]) -> Option<u32> {
    let hole = |event: &&Event| matches!(&event.body, Body::Wire(wired) if is_hole(&wired.what));
    let known = wire.iter().take(BEGINNING).take_while(|event| !hole(event));
    let all: Vec<&Transaction> = known.filter_map(accepted).collect();
    let first = all.iter().position(|t| writes_select(t));
    let begins = all.get(..first.unwrap_or(all.len()))?.iter().filter(|t| t.reg.port == Port::Ap);
    let (mut tar, mut other) = (false, false);
    for t in begins {
        tar |= !t.read && t.reg.a == regs::ap::TAR;
        other |= t.reg.a == regs::ap::TAR_HI;
    }
    let select = first.and_then(|n| all.get(n)).and_then(|t| t.data).unwrap_or(0);
    (tar && !other).then(|| dp::select::value(apsel(select), 0, 0))
}

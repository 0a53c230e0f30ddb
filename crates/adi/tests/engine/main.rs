//! The engine against an independent model of target and probe.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may fail as tests do")]

mod attaching;
mod core;
mod memory;
mod once;
mod probe;
mod reaction;
mod target;

use adi::{Adi, Attach, CoreAccess};
use pace::{Patience, Policy, VirtualClock};
use probe::{Bench, Probe};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use target::Target;
use wire::{ApSel, Attr, Batch, Flow, MemOp};

const AP1: ApSel = ApSel(1);
const CORE: CoreAccess = CoreAccess { ap: AP1, attr: Attr::Default };

/// An engine and the bench it works on.
struct Rig {
    adi: Adi,
    bench: Rc<RefCell<Bench>>,
}

impl Rig {
    /// Not attached yet.
    fn new(policy: Policy) -> Rig {
        let clock = Arc::new(VirtualClock::new());
        let bench = Bench::new(clock.clone());
        let adi = Adi::new(Box::new(Probe(bench.clone())), policy, clock);
        Rig { adi, bench }
    }

    /// Attached by hotplug, with AP1 opened and the log emptied.
    fn attached(policy: Policy) -> Rig {
        let mut rig = Rig::new(policy);
        rig.adi.attach(&Attach::HOTPLUG).unwrap();
        rig.adi.read_word(AP1, Attr::Default, wire::Addr(target::RAM)).unwrap();
        rig.with(|target| {
            target.log.clear();
            target.count = 0;
        });
        rig
    }

    fn with<T>(&self, look: impl FnOnce(&mut Target) -> T) -> T {
        look(&mut self.bench.borrow_mut().target)
    }
}

/// The probe gives up at once, so that every WAIT reaches the engine.
fn impatient() -> Policy {
    let mut policy = Policy::default();
    policy.probe.wait = Patience::Tries(0);
    policy.probe.matching = Patience::Tries(20);
    policy
}

fn batch(flow: Flow, ops: Vec<MemOp>) -> Batch {
    Batch { ap: AP1, attr: Attr::Default, flow, ops }
}

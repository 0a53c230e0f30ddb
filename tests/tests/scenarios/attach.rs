//! Attaching: what the four connect modes do to a part, and above all what hotplug does not do.

use ackwait_tests::bill::is_dp_housekeeping;
use ackwait_tests::{AP1, Rig, options};
use adi::{Attach, ConnectMode, CoreAccess};
use regs::{ap, dp};
use trace::WriteTo;
use wire::{Ack, ApSel, Attr, Port, Transaction, WireEvent};

const CORE: CoreAccess = CoreAccess { ap: AP1, attr: Attr::Default };

fn transactions(rig: &Rig) -> Vec<Transaction> {
    let only = |event| match event {
        WireEvent::Transaction(t) => Some(t),
        _ => None,
    };
    rig.truth().into_iter().filter_map(only).collect()
}

/// The bank of the access port that was selected last before each transaction, with the transaction.
fn with_bank(all: &[Transaction]) -> impl Iterator<Item = (u8, Transaction)> {
    let mut bank = 0;
    all.iter().map(move |t| {
        if !t.read && t.reg.port == Port::Dp && t.reg.a == dp::SELECT && t.ack == Ack::OK {
            bank = t.data.unwrap_or_default() as u8 & 0xF0;
        }
        (bank, *t)
    })
}

#[test]
fn a_factory_new_part_is_attached_and_identified_in_hotplug() {
    let mut rig = Rig::new("h562");
    let part = rig.part();
    let identity = part.identity();
    assert_eq!(identity.dev_id, 0x484);
    assert_eq!(identity.state, regs::h5::state::ProductState::OPEN);
    assert!(identity.uid.is_some());
}

/// Attach, scan and identify write nothing but ABORT, SELECT, CTRL/STAT, CSW and TAR. The simulator's own log of the
/// wire is the witness, not what the driver thinks it did.
#[test]
fn hotplug_writes_nothing_but_housekeeping_on_the_wire() {
    let mut rig = Rig::new("h562,truth=on");
    rig.part().options().expect("options");
    rig.adi().scan(ApSel(0), ApSel(4)).expect("scanned");
    let all = transactions(&rig);
    let writes: Vec<_> = with_bank(&all).filter(|(_, t)| !t.read).collect();
    assert!(writes.len() > 10, "{} writes only: was anything recorded?", writes.len());
    for (bank, write) in writes {
        let allowed = match write.reg.port {
            Port::Dp => is_dp_housekeeping(write.reg.a),
            Port::Ap => [ap::CSW, ap::TAR].contains(&(bank | write.reg.a)),
        };
        assert!(allowed, "hotplug wrote {write:x?} in bank {bank:#x}");
    }
    assert!(!rig.truth().iter().any(|event| matches!(event, WireEvent::Reset(_))), "hotplug moved nRESET");
}

/// The same by the recording: what a user sees in a trace.
#[test]
fn hotplug_writes_no_memory_in_the_recording() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("hotplug.pcapng");
    let mut options = options();
    options.trace = Some(path.clone());
    let mut rig = Rig::with("h562", &options);
    rig.part().options().expect("options");
    rig.into_session().close().expect("closed");
    let trace = trace::open(&std::fs::read(path).expect("the recording")).expect("a recording");
    assert!(trace.accesses().len() > 10, "nothing was recorded");
    for write in trace.writes() {
        match &write.to {
            WriteTo::Memory { at, .. } => panic!("hotplug wrote {at}"),
            WriteTo::Dp { name } => assert!(["ABORT", "SELECT", "CTRL/STAT"].contains(name), "{name}"),
            WriteTo::Ap { name, .. } => assert!(["CSW", "TAR"].contains(name), "{name}"),
        }
    }
}

#[test]
fn normal_halts_the_core_and_hotplug_leaves_it_running() {
    let mut rig = Rig::new("h562");
    rig.adi().attach(&Attach::HOTPLUG).expect("attached");
    assert!(!rig.adi().core_status(CORE).expect("read").halted());
    let attached =
        rig.adi().attach(&Attach { mode: ConnectMode::Normal, core: Some(CORE) }).expect("attached");
    assert!(attached.halted && rig.adi().core_status(CORE).expect("read").halted());
}

#[test]
fn under_reset_catches_the_core_and_releases_the_pin() {
    let mut rig = Rig::new("h562,truth=on");
    let attach = Attach { mode: ConnectMode::UnderReset, core: Some(CORE) };
    assert!(rig.adi().attach(&attach).expect("attached").halted);
    let resets: Vec<_> = rig.truth().into_iter().filter(|e| matches!(e, WireEvent::Reset(_))).collect();
    assert_eq!(resets, [WireEvent::Reset(true), WireEvent::Reset(false)]);
}

#[test]
fn a_dormant_part_is_woken() {
    let mut rig = Rig::new("h562,start=dormant");
    rig.adi().attach(&Attach::HOTPLUG).expect("attached");
}

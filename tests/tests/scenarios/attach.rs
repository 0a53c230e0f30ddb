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

/// What a person finds on the bench afterwards: a program that runs, whatever mode was used to get at the part.
#[test]
fn a_run_that_halted_the_core_lets_it_go_at_its_end() {
    use provision::journal::MemoryShelf;
    use provision::{End, FileRule, Goal, Goods, Job, Limits, Live, Quiet, Step};
    let path = ackwait_tests::line::example("job.toml");
    let mut job = Job::load(&path).expect("a job");
    job.goal = Goal::Open;
    for mode in [ConnectMode::Normal, ConnectMode::UnderReset] {
        for until in [None, Some(Step::Flash)] {
            job.mode = mode;
            let goods = Goods::load(&job, FileRule::Lenient).expect("its files");
            let mut rig = Rig::new("h562");
            let limits = Limits { until, ..Limits::default() };
            let shelf = MemoryShelf::default();
            let report = provision::run(&job, &goods, &mut Live::new(rig.adi()), &shelf, limits, &mut Quiet);
            let end = until.map_or(End::Done, End::Until);
            assert_eq!(report.result.expect("done"), end, "{mode}");
            rig.adi().attach(&Attach::HOTPLUG).expect("attached");
            let status = rig.adi().core_status(CORE).expect("a status");
            assert!(!status.halted(), "{mode}: DHCSR 0x{:08X}", status.0);
            assert_eq!(status.0 & regs::m33::dhcsr::C_DEBUGEN, 0, "{mode}: halting debug is still on");
        }
    }
}

/// A job that halts everywhere else writes its OBK in hotplug, where the core must run.
#[test]
fn a_hotplug_step_behind_a_halting_one_finds_the_core_running() {
    use provision::{Connect, Live, Target as _};
    let mut rig = Rig::new("h562");
    let policy = pace::Policy::default();
    let connect = |mode| Connect { mode, ap: AP1, policy: policy.clone() };
    let mut target = Live::new(rig.adi());
    target.connect(&connect(ConnectMode::Normal)).expect("halted");
    target.connect(&connect(ConnectMode::Hotplug)).expect("attached");
    assert!(!rig.adi().core_status(CORE).expect("a status").halted());
}

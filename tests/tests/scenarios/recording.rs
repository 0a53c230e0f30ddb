//! Recording: it changes nothing, and plays the probe afterwards. What it costs shows `cargo bench --bench recording`.

use ackwait_tests::{Rig, flash_job, options};
use std::path::PathBuf;
use std::time::Duration;
use wire::WireEvent;

/// Erases, programs and verifies; what was on the wire with its times, and when all was over.
fn job(trace: Option<PathBuf>) -> (Vec<(Duration, WireEvent)>, Duration) {
    let mut options = options();
    options.trace = trace;
    let mut rig = Rig::with("h562,truth=on", &options);
    flash_job(&mut rig.part());
    let session = rig.into_session();
    let (device, clock) = (session.device().expect("a simulated probe"), session.clock());
    session.close().expect("closed");
    let device = device.borrow();
    (device.truth().to_vec(), clock.now())
}

#[test]
fn a_job_that_is_recorded_is_the_same_to_the_nanosecond() {
    let folder = tempfile::tempdir().expect("a folder");
    assert_eq!(job(Some(folder.path().join("a.pcapng"))), job(None));
}

#[test]
fn a_recorded_job_is_replayed_with_the_same_result() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("a.pcapng");
    let (_, simulated) = job(Some(file.clone()));
    let mut options = options();
    options.probe = format!("replay:{}", file.display());
    let mut session = session::open(&options).expect("a session");
    session.adi.attach(&adi::Attach::HOTPLUG).expect("attached");
    let identity = h5::identify(&mut session.adi, ackwait_tests::AP1).expect("identified");
    flash_job(&mut h5::Part::new(&mut session.adi, ackwait_tests::AP1, identity));
    let clock = session.clock();
    session.close().expect("closed");
    assert_eq!(clock.now(), simulated);
}

//! `cargo bench --bench recording`: what a recording costs of the job that is recorded, on the machine's clock.
//!
//! The job lasts as long as it would on a probe with a real clock; what its recorder is told is told once more, and timed.

#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    reason = "a bench prints what it measured, and stops where it cannot"
)]

use ackwait_tests::{Rig, flash_job, options};
use pace::{Clock, RealClock};
use std::path::Path;
use std::time::Duration;
use trace::{Body, ClockKind, Header, Recorder, Secrets, Trace};
use wire::{Level, Record, Secret, Sink};

/// Erases, programs and verifies 32 KiB, recorded; how long that takes on a real clock.
fn job(file: &Path) -> Duration {
    let mut options = options();
    options.trace = Some(file.to_owned());
    let mut rig = Rig::with("h562", &options);
    flash_job(&mut rig.part());
    let session = rig.into_session();
    let clock = session.clock();
    session.close().expect("closed");
    clock.now()
}

/// Records everything that a trace holds once more, and says how long that took on the machine's clock.
fn recording(trace: &Trace, file: &Path) -> Duration {
    let clock = RealClock::start();
    let header = Header::new("tests", "1", ClockKind::Real);
    let mut recorder = Recorder::create(file, &header, Secrets::Masked).expect("a file");
    let begun = clock.now();
    for event in trace.events(Level::Usb) {
        let Body::Transfer(t) = &event.body else { continue };
        let (urb, endpoint, kind, length, secret) = (t.urb, t.endpoint, t.kind, t.data.len(), &Secret::NONE);
        let (sent, heard): (&[u8], &[u8]) = if t.is_in() { (&[], &t.data) } else { (&t.data, &[]) };
        recorder.record(Record::Submit {
            at: event.at,
            urb,
            endpoint,
            kind,
            setup: None,
            length,
            data: sent,
            secret,
        });
        recorder.record(Record::Complete {
            at: event.until,
            urb,
            endpoint,
            kind,
            status: 0,
            length,
            data: heard,
            secret,
        });
    }
    recorder.finish().expect("written");
    clock.now() - begun
}

fn main() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("a.pcapng");
    let took = job(&file);
    let trace = trace::open(&std::fs::read(&file).expect("the recording")).expect("a recording");
    // The machine has other things to do; the best of several is what it costs.
    let cost = (0..20).map(|_| recording(&trace, &folder.path().join("b.pcapng"))).min().unwrap_or_default();
    let (transfers, share) = (trace.events(Level::Usb).len(), cost.as_secs_f64() / took.as_secs_f64());
    println!(
        "{transfers} transfers in {took:?}: recording takes {cost:?}, {:.3} % of the job",
        100.0 * share
    );
}

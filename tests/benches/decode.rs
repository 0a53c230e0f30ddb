//! `cargo bench`: how fast a recording is decoded. Unlike the bill this is a measurement of the machine.

#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

use ackwait_tests::bill::FLASH;
use ackwait_tests::{Rig, options, pattern};
use h5::{FlashPace, FlashRange};
use pace::{Clock, RealClock};
use trace::diff::{Equality, diff};
use wire::Level;

const MIB: usize = 1 << 20;
const RUNS: usize = 5;

fn main() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("program.pcapng");
    let mut options = options();
    options.trace = Some(path.clone());
    let clock = RealClock::start();
    let mut rig = Rig::with("h562", &options);
    let data = pattern(MIB);
    let mut part = rig.part();
    part.erase(&FlashRange::covering(FLASH, MIB as u32), &mut |_| {}).expect("erased");
    part.program(FLASH, &data, FlashPace::Stream, &mut |_| {}).expect("programmed");
    part.verify(FLASH, &data, &mut |_| {}).expect("verified");
    rig.into_session().close().expect("closed");
    println!("1 MiB erased, programmed, verified and recorded in {:.2?} of wall time", clock.now());

    let bytes = std::fs::read(&path).expect("the recording");
    for _ in 0..RUNS {
        let start = clock.now();
        let trace = trace::open(&bytes).expect("a recording");
        let (wire, actions) = (trace.events(Level::Transaction).len(), trace.events(Level::Action).len());
        let took = clock.now() - start;
        let rate = wire as f64 / took.as_secs_f64() / 1e6;
        println!(
            "{wire} transactions, {actions} actions: levels 0 to 5 in {took:.2?}, {rate:.2} M transactions/s"
        );
    }
    let trace = trace::open(&bytes).expect("a recording");
    for level in [Equality::Accesses, Equality::Polls] {
        let start = clock.now();
        let found = diff(&trace, &trace, level).expect("comparable");
        println!("{} items compared with themselves, {level}: {:.2?}", found.a.len(), clock.now() - start);
    }
}

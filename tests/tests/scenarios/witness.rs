//! Three witnesses: what the decoder derives from USB bytes, what it derives from the levels of the pins, and what really
//! happened, by the simulator's log.

use ackwait_tests::bill::FLASH;
use ackwait_tests::{Rig, options, pattern};
use h5::{FlashPace, FlashRange};
use std::path::Path;
use trace::event::OnWire;
use trace::{Body, Stat, Trace};
use wire::{Ack, Level, Transaction, WireEvent};

/// Does a bit of everything, recorded, and returns the recording, the log of the wire and the pins as a logic analyser would
/// have captured them.
fn recorded(scenario: &str, folder: &Path) -> (Trace, Vec<Transaction>, Trace) {
    let path = folder.join("wire.pcapng");
    let mut options = options();
    options.trace = Some(path.clone());
    let mut rig = Rig::with(&format!("{scenario},truth=on"), &options);
    let data = pattern(2048);
    let mut part = rig.part();
    part.erase(&FlashRange::covering(FLASH, 8192), &mut |_| {}).expect("erased");
    for pace in [FlashPace::Stream, FlashPace::Match, FlashPace::Poll] {
        let offset = 2048 * pace as u32;
        part.program(FLASH.plus(offset), &data, pace, &mut |_| {}).expect("programmed");
        part.verify(FLASH.plus(offset), &data, &mut |_| {}).expect("verified");
    }
    part.options().expect("options");
    let _ = part.read(wire::Addr(0x0900_0000 - 0x1000), 4).expect_err("nothing is there: a FAULT");
    let session = rig.into_session();
    let device = session.device().expect("a simulated probe");
    session.close().expect("closed");
    let transaction = |event: &WireEvent| match event {
        WireEvent::Transaction(t) => Some(*t),
        _ => None,
    };
    let device = device.borrow();
    let truth = device.truth().iter().filter_map(|(_, event)| transaction(event)).collect();
    let pins = simprobe::vcd(device.pin_runs(), device.truth());
    let recording = trace::open(&std::fs::read(path).expect("the recording")).expect("a recording");
    (recording, truth, trace::open(pins.as_bytes()).expect("a capture"))
}

/// The transactions of a trace.
fn transactions(trace: &Trace) -> impl Iterator<Item = Transaction> + '_ {
    trace.events(Level::Transaction).iter().filter_map(|event| match &event.body {
        Body::Wire(wired) => match &wired.what {
            OnWire::Event(WireEvent::Transaction(t)) => Some(*t),
            _ => None,
        },
        _ => None,
    })
}

/// The probe repeats a transaction that is answered WAIT, and a value match until it fits, without telling how often. So a
/// run of equal transactions is one.
fn merged(all: impl Iterator<Item = Transaction>) -> Vec<Transaction> {
    let mut merged: Vec<Transaction> = Vec::new();
    for t in all.filter(|t| t.ack != Ack::WAIT) {
        let again = merged.last().is_some_and(|last| last.reg == t.reg && last.read && t.read);
        match merged.last_mut() {
            Some(last) if again => *last = t,
            _ => merged.push(t),
        }
    }
    merged
}

fn assert_same(scenario: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let (trace, truth, pins) = recorded(scenario, folder.path());
    // The pins show everything, so nothing has to be merged.
    let seen: Vec<Transaction> = transactions(&pins).collect();
    let apart = seen.iter().zip(&truth).position(|(seen, real)| seen != real);
    assert_eq!(apart.map(|n| (n, seen[n], truth[n])), None, "{scenario}: the pins say otherwise");
    assert_eq!(seen.len(), truth.len(), "{scenario}");
    assert_eq!(Stat::of(&pins).unreadable, 0, "{scenario}");
    let derived = transactions(&trace);
    let (derived, truth) = (merged(derived), merged(truth.into_iter()));
    assert!(truth.len() > 3000, "{scenario}: only {} transactions", truth.len());
    for (n, (seen, real)) in derived.iter().zip(&truth).enumerate() {
        let data = seen.data.is_none() || seen.data == real.data;
        assert!(
            seen.reg == real.reg && seen.read == real.read && seen.ack == real.ack && data,
            "{scenario}: transaction {n}: the recording says {seen:x?}, the wire {real:x?}"
        );
    }
    assert_eq!(derived.len(), truth.len(), "{scenario}");
}

#[test]
fn the_recording_of_a_high_speed_probe_decodes_to_what_was_on_the_wire() {
    assert_same("h562");
}

#[test]
fn the_recording_of_a_full_speed_probe_decodes_to_what_was_on_the_wire() {
    assert_same("h562,profile=fs");
}

#[test]
fn the_recording_of_a_hid_probe_decodes_to_what_was_on_the_wire() {
    assert_same("h562,profile=hid");
}

#[test]
fn the_decoder_knows_at_every_moment_where_an_access_goes() {
    let folder = tempfile::tempdir().expect("a folder");
    for scenario in ["h562", "h562,profile=fs", "h562,profile=hid"] {
        let (trace, ..) = recorded(scenario, folder.path());
        for level in Level::ALL {
            let lost = trace.events(level).iter().map(trace::line).find(|line| line.contains("not known"));
            assert_eq!(lost, None, "{scenario}, level {}", level.number());
        }
    }
}

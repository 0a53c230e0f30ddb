//! Three witnesses: what the decoder derives from USB bytes, what it derives from the levels of the pins, and what really
//! happened, by the simulator's log.

mod streams;

use ackwait_tests::bill::FLASH;
use ackwait_tests::{Rig, options, pattern};
use h5::{FlashPace, FlashRange};
use std::path::Path;
use trace::event::OnWire;
use trace::{Body, Stat, Trace};
use wire::{Ack, Level, Transaction, WireEvent};

/// Does a bit of everything, and hears the recording, the log of the wire and the pins as a logic analyser would have
/// captured them.
fn recorded(scenario: &str, folder: &Path) -> Said {
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
    Said::at_the_end_of(rig, &path)
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

/// What three witnesses say.
struct Said {
    usb: Trace,
    truth: Vec<Transaction>,
    pins: Trace,
}

impl Said {
    /// Ends a session that was recorded here, and hears the witnesses.
    fn at_the_end_of(rig: Rig, recording: &Path) -> Said {
        let session = rig.into_session();
        let device = session.device().expect("a simulated probe");
        session.close().expect("closed");
        let device = device.borrow();
        let transaction = |event: &WireEvent| match event {
            WireEvent::Transaction(t) => Some(*t),
            _ => None,
        };
        let truth = device.truth().iter().filter_map(|(_, event)| transaction(event)).collect();
        let pins = simprobe::vcd(device.pin_runs(), device.truth());
        let usb = trace::open(&std::fs::read(recording).expect("the recording")).expect("a recording");
        Said { usb, truth, pins: trace::open(pins.as_bytes()).expect("a capture") }
    }

    /// The pins show everything, so nothing has to be merged.
    #[track_caller]
    fn pins_agree(&self, context: &str) {
        let seen: Vec<Transaction> = transactions(&self.pins).collect();
        let apart = seen.iter().zip(&self.truth).position(|(seen, real)| seen != real);
        assert_eq!(apart.map(|n| (n, seen[n], self.truth[n])), None, "{context}: the pins say otherwise");
        assert_eq!(seen.len(), self.truth.len(), "{context}");
        assert_eq!(Stat::of(&self.pins).unreadable, 0, "{context}");
    }

    /// What a recording of CMSIS-DAP gives, but for what the probe repeats by itself.
    #[track_caller]
    fn usb_agrees(&self, context: &str) {
        let (derived, truth) = (merged(transactions(&self.usb)), merged(self.truth.iter().copied()));
        for (n, (seen, real)) in derived.iter().zip(&truth).enumerate() {
            let data = seen.data.is_none() || seen.data == real.data;
            assert!(
                seen.reg == real.reg && seen.read == real.read && seen.ack == real.ack && data,
                "{context}: transaction {n}: the recording says {seen:x?}, the wire {real:x?}"
            );
        }
        assert_eq!(derived.len(), truth.len(), "{context}");
    }
}

fn assert_same(scenario: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let said = recorded(scenario, folder.path());
    said.pins_agree(scenario);
    said.usb_agrees(scenario);
    assert!(said.truth.len() > 3000, "{scenario}: only {} transactions", said.truth.len());
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
        let trace = recorded(scenario, folder.path()).usb;
        for level in Level::ALL {
            let lost = trace
                .events(level)
                .iter()
                .map(trace::line)
                .find(|line| ["not known", "not seen"].iter().any(|lost| line.contains(lost)));
            assert_eq!(lost, None, "{scenario}, level {}", level.number());
        }
    }
}

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

/// A transaction that is repeated after WAIT is the one that ends the repetition: how often the probe repeated it is not on
/// USB.
fn without_repeated_waits(all: &[OfUsb]) -> Vec<OfUsb> {
    let same = |a: &Transaction, b: &Transaction| (a.reg, a.read) == (b.reg, b.read);
    let repeated = |n: usize| {
        all[n].what.ack == Ack::WAIT && all.get(n + 1).is_some_and(|next| same(&all[n].what, &next.what))
    };
    (0..all.len()).filter(|n| !repeated(*n)).map(|n| all[n]).collect()
}

/// A transaction, and whether it is a value match: the probe reads until it fits and does not tell how often.
#[derive(Debug, Clone, Copy)]
struct OfUsb {
    what: Transaction,
    matching: bool,
}

/// What USB says stands beside what was on the wire: each transaction once, and a value match one or more times.
fn beside(usb: &[OfUsb], wire: &[Transaction]) -> Result<(), String> {
    let mut rest = wire;
    let mut at = 0;
    while at < usb.len() {
        let reg = |t: &Transaction| (t.reg, t.read);
        let here = reg(&usb[at].what);
        // Reads of one register in a row: as many as are listed, or more where one of them is a match.
        let run = usb[at..].iter().take_while(|t| reg(&t.what) == here && t.what.read).count().max(1);
        let listed = &usb[at..at + run];
        let there = rest.iter().take_while(|t| reg(t) == here && t.read).count().max(1).min(rest.len());
        let matches = listed.iter().any(|t| t.matching);
        let performed = if matches { there } else { run };
        if there < run || !matches && listed[0].what.read && there != run {
            return Err(format!(
                "at {at}: {run} on USB, {there} on the wire: {:x?}, {:x?}",
                listed[0],
                rest.first()
            ));
        }
        let (real, behind) = rest.split_at(performed);
        let before_match = listed.iter().take_while(|t| !t.matching).count();
        let from_front = listed.iter().zip(real).take(before_match);
        let from_back = listed.iter().rev().zip(real.iter().rev()).take(run - before_match);
        for (said, real) in from_front.chain(from_back) {
            let said = &said.what;
            let data = said.data.is_none() || said.data == real.data;
            if reg(said) != reg(real) || said.ack != real.ack || !data {
                return Err(format!("at {at}: the recording says {said:x?}, the wire {real:x?}"));
            }
        }
        (rest, at) = (behind, at + run);
    }
    if rest.is_empty() {
        Ok(())
    } else {
        Err(format!("{} more on the wire: {:x?}", rest.len(), rest.first()))
    }
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

    /// What a recording of CMSIS-DAP gives, but for how often the probe repeated a transaction by itself.
    #[track_caller]
    fn usb_agrees(&self, context: &str) {
        let derived: Vec<OfUsb> = self
            .usb
            .events(Level::Transaction)
            .iter()
            .filter_map(|event| match &event.body {
                Body::Wire(wired) => match &wired.what {
                    OnWire::Event(WireEvent::Transaction(t)) => {
                        Some(OfUsb { what: *t, matching: wired.matching.is_some() })
                    }
                    _ => None,
                },
                _ => None,
            })
            .collect();
        let truth: Vec<OfUsb> = self.truth.iter().map(|t| OfUsb { what: *t, matching: false }).collect();
        let wire: Vec<Transaction> = without_repeated_waits(&truth).iter().map(|t| t.what).collect();
        let found = beside(&without_repeated_waits(&derived), &wire);
        assert_eq!(found, Ok(()), "{context}");
    }
}

#[test]
fn a_repeated_read_that_one_side_does_not_show_is_noticed() {
    let read = |data| Transaction { reg: wire::RegSel::ap(0xC), read: true, ack: Ack::OK, data: Some(data) };
    let wait = Transaction { ack: Ack::WAIT, data: None, ..read(0) };
    let usb = |matching: &[bool]| -> Vec<OfUsb> {
        matching
            .iter()
            .map(|matching| OfUsb { what: Transaction { data: None, ..read(0) }, matching: *matching })
            .collect()
    };
    assert_eq!(beside(&usb(&[false, false]), &[read(1), read(2)]), Ok(()));
    assert!(beside(&usb(&[false, false]), &[read(1)]).is_err(), "a read that never was");
    assert!(beside(&usb(&[false]), &[read(1), read(2)]).is_err(), "a read that is not shown");
    assert_eq!(beside(&usb(&[false, true]), &[read(1), read(2), read(3)]), Ok(()));
    assert!(beside(&usb(&[false, true]), &[read(1)]).is_err(), "no match took place");
    let waited = [wait, wait, read(1)].map(|what| OfUsb { what, matching: false });
    assert_eq!(without_repeated_waits(&waited).len(), 1);
    let given_up = [wait, Transaction { reg: wire::RegSel::dp(0), ..read(1) }];
    assert_eq!(without_repeated_waits(&given_up.map(|what| OfUsb { what, matching: false })).len(), 2);
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

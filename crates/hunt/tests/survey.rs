//! A survey of simulated boards: everything is confirmed, each knob refutes its own note, and a report makes a simulated
//! board behave as the one that was surveyed. The survey sees the engine only.

use h5::{OptionChange, Part, identify};
use hunt::survey::{Allow, CHECKS, Order, Survey, UNASKED, Verdict, Where, survey};
use pace::Policy;
use regs::h5::device::Family;
use regs::{Confidence, note};
use session::Session;
use std::collections::BTreeSet;
use wire::{ApSel, Hz};

const AP1: ApSel = ApSel(1);

fn opened(scenario: &str) -> Session {
    let options = session::Options {
        probe: format!("sim:{scenario}"),
        policy: Policy::default(),
        swclk: Hz::khz(4000),
        trace: None,
        trace_secrets: false,
        tool: "tests".to_owned(),
    };
    let mut session = session::open(&options).expect("a session");
    session.adi.attach(&adi::Attach::HOTPLUG).expect("attached");
    session
}

fn asked(session: &mut Session, allow: Allow) -> Survey {
    survey(&mut session.adi, &Order { ap: AP1, allow, uid: false }, &mut |_, _| true).expect("a survey")
}

/// The boards on which a check can make sense.
const OPEN: &str = "h562";
const PROVISIONING: &str = "h562,product=provisioning";
const SHUT: &str = "h562,product=provisioning,rom.open.ms=60000";
const SECURE: &str = "h562,uid=0102030405060708090a0b0c";

/// A survey of a board with everything allowed. [`SECURE`] has its TrustZone switched on before.
fn surveyed(scenario: &str) -> Survey {
    let mut session = opened(scenario);
    if scenario.starts_with(SECURE) {
        let identity = identify(&mut session.adi, AP1).expect("identified");
        let on = OptionChange::parse(Family::H562, "TZEN", "on").expect("a change");
        Part::new(&mut session.adi, AP1, identity).change_options(&[on]).expect("changed");
        session.adi.pulse_reset().expect("reset");
    }
    asked(&mut session, Allow::Write)
}

fn board(on: Where) -> &'static str {
    match on {
        Where::Provisioning => PROVISIONING,
        Where::Shut => SHUT,
        Where::OpenSecure => SECURE,
        Where::Any | Where::Reached | Where::Open | Where::OpenPlain => OPEN,
    }
}

fn refuted(survey: &Survey) -> Vec<&str> {
    survey.findings.iter().filter(|f| f.verdict == Verdict::Refuted).map(|f| f.note).collect()
}

#[test]
fn every_note_that_is_not_verified_is_asked_about_or_left_out_for_a_reason() {
    let asked: Vec<_> = CHECKS.iter().map(|check| check.note).collect();
    let left: Vec<_> = UNASKED.iter().flat_map(|(_, ids)| ids.iter().copied()).collect();
    let all: BTreeSet<_> = asked.iter().chain(&left).copied().collect();
    assert_eq!(all.len(), asked.len() + left.len(), "a note stands twice");
    for id in &all {
        assert!(note::find(id).is_some(), "there is no note {id}");
    }
    for note in note::NOTES.iter().filter(|n| n.confidence != Confidence::Verified) {
        assert!(all.contains(note.id.0), "{} is neither asked about nor left out", note.id);
    }
}

#[test]
fn on_the_simulator_everything_that_can_be_tested_is_confirmed_and_everything_is_tested_somewhere() {
    let mut tested = BTreeSet::new();
    for scenario in [OPEN, PROVISIONING, SHUT, SECURE, "h503", "h523", "h533,product=provisioning", "h573"] {
        let survey = surveyed(scenario);
        for finding in &survey.findings {
            assert_ne!(
                finding.verdict,
                Verdict::Refuted,
                "{scenario}: {}: {}",
                finding.note,
                finding.evidence
            );
            assert!(
                !finding.evidence.contains("failed"),
                "{scenario}: {}: {}",
                finding.note,
                finding.evidence
            );
            if finding.verdict == Verdict::Confirmed {
                tested.insert(finding.note);
            }
        }
    }
    for check in CHECKS {
        assert!(tested.contains(check.note), "{} was tested nowhere", check.note);
    }
}

/// A knob that refutes a note, and that note only, on the board on which it is tested.
const KNOBS: &[(&str, &str)] = &[
    ("H5-DBG-1", "reads=ap1.idr:0x8477_0002"),
    ("H5-DBG-2", "reads=ap1@0x4402_4000:0x1001_6474"),
    ("H5-DBG-3", "reads=ap0@0xE004_40FC:0x0003_0007"),
    ("H5-DBG-4", "reads=ap0@0xE004_4000:0x1001_7484,reads=ap1@0x4402_4000:0x1001_7484"),
    ("H5-DBG-5", "tz.ns=error"),
    ("H5-DBG-6", "ap1.locked=absent"),
    ("H5-DBG-7", "reads=ap1@0x08FF_F80C:0x0007_0300"),
    ("H5-DBG-8", "reads=ap1@0x08FF_F804:0x0000_0001"),
    ("H5-DBG-9", "reads=ap1@0x08FF_F7C0:0xFFFF_FFFF"),
    ("H5-DBG-10", "reads=ap0@0xE00E_0FE0:0x0000_0083"),
    ("H5-SBS-1", "reads=ap1@0x4400_0414:0x0000_0000"),
    ("H5-OB-7", "reads=ap1@0x4002_2054:0x2D30_EDD8"),
    ("H5-OBK-7", "reads=ap1@0x0BF9_FB68:0x0800_0001"),
    ("H5-OBK-13", "reads=ap1@0x0BFD_0100:0x1234_5678"),
    ("M33-1", "reads=ap1@0xE000_ED00:0x411F_C231"),
    ("M33-4", "reads=ap1@0xE000_1FF4:0x0000_0010"),
    ("H5-RCC-1", "reads=ap1@0x4402_0CF4:0x0000_0000"),
    ("H5-FLASH-1", "reads=ap1@0x4002_2000:0x0000_0014"),
    ("H5-STATE-3", "reads=ap1@0xE000_101C:0x0800_0100"),
    ("H5-STATE-4", "rom.open.ms=0"),
    ("H5-STATE-9", "reads=ap1@0x4002_2050:0x2D30_EDF8"),
    ("M33-2", "core.mhz=64"),
    ("H5-FLASH-2", "flash.keys=again"),
    ("H5-DA-2", "da.reply=echo"),
    ("H5-DA-9", "da.lifecycle=class-first"),
    ("H5-DA-10", "da.word.us=60000"),
    ("H5-FLASH-3", "flash.eop=enabled"),
    ("H5-FLASH-5", "time.sector=20000"),
    ("H5-FLASH-6", "flash.bus=buffered"),
    ("H5-FLASH-7", "flash.read=answer"),
    ("H5-FLASH-8", "flash.opsr=running"),
    ("H5-OB-3", "ob.reset=on"),
    ("H5-OB-6", "time.option=200000"),
    // Further answers to the same questions.
    ("H5-DA-2", "da.magic=n6"),
    ("H5-FLASH-5", "time.quad=500"),
    ("H5-FLASH-6", "flash.bus=drop"),
];

#[test]
fn each_check_has_a_knob_that_refutes_its_note_and_no_other() {
    for check in CHECKS {
        let knob = KNOBS.iter().find(|(note, _)| *note == check.note);
        assert!(knob.is_some(), "{} has no knob", check.note);
    }
    let mut wrong = Vec::new();
    for (note, knob) in KNOBS {
        let check = CHECKS.iter().find(|check| check.note == *note).expect("a check");
        let survey = surveyed(&format!("{},{knob}", board(check.on)));
        if refuted(&survey) != [*note] {
            let evidence = survey.finding(note).map(|f| f.evidence.clone());
            wrong.push(format!("{knob} refutes {:?}, not {note} ({evidence:?})", refuted(&survey)));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_survey_that_may_only_look_writes_nothing_and_says_what_it_would_need() {
    let mut session = opened(OPEN);
    let survey = asked(&mut session, Allow::Look);
    assert_eq!(refuted(&survey), Vec::<&str>::new());
    let lock = survey.finding("H5-FLASH-2").expect("a finding");
    assert_eq!(
        (lock.verdict, lock.evidence.as_str()),
        (Verdict::NotHere, "it resets the part: --allow-reset")
    );
    let time = survey.finding("H5-OB-6").expect("a finding");
    assert!(time.evidence.contains("--allow-writes"), "{}", time.evidence);
    assert!(survey.findings.iter().filter(|f| f.verdict == Verdict::Confirmed).count() >= 10);
}

#[test]
fn the_last_sector_is_left_alone_where_it_holds_data_and_empty_where_it_was_empty() {
    let mut session = opened(OPEN);
    let last = wire::Addr(0x0800_0000 + 2048 * 1024 - 8192);
    let first = asked(&mut session, Allow::Write);
    assert_eq!(first.finding("H5-FLASH-3").expect("a finding").verdict, Verdict::Confirmed);
    let identity = identify(&mut session.adi, AP1).expect("identified");
    let mut part = Part::new(&mut session.adi, AP1, identity);
    assert!(part.read(last, 8192).expect("read").iter().all(|byte| *byte == 0xFF));
    part.program(last, &[1; 16], h5::FlashPace::Stream, &mut |_| {}).expect("programmed");
    let second = asked(&mut session, Allow::Write);
    let finding = second.finding("H5-FLASH-3").expect("a finding");
    assert_eq!(finding.verdict, Verdict::NotHere);
    assert!(finding.evidence.contains("is not empty"), "{}", finding.evidence);
    let identity = identify(&mut session.adi, AP1).expect("identified");
    let held = Part::new(&mut session.adi, AP1, identity).read(last, 16).expect("read");
    assert_eq!(held, [1; 16]);
}

#[test]
fn a_report_makes_a_simulated_board_behave_as_the_one_that_was_surveyed() {
    let odd = [
        "h523,kib=256,flash.bus=buffered,flash.read=answer,flash.opsr=running,time.option=41000,core.mhz=64,\
         da.lifecycle=class-second,reads=ap0@0xE00E_0FE0:0x0000_0079,reads=ap1@0x4002_2000:0x0000_0003",
        "h562,product=provisioning,rom.open.ms=37,da.magic=n6,da.reply=echo",
    ];
    for scenario in odd {
        let first = surveyed(scenario);
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), serde_json::to_vec(&first).expect("JSON")).expect("written");
        let again = surveyed(&format!("survey={}", file.path().display()));
        assert_eq!(
            (&again.part, again.flash_kib, &again.state),
            (&first.part, first.flash_kib, &first.state)
        );
        let verdicts = |s: &Survey| s.findings.iter().map(|f| (f.note, f.verdict)).collect::<Vec<_>>();
        assert_eq!(verdicts(&again), verdicts(&first));
        assert!(!refuted(&first).is_empty(), "{scenario}");
        let settings =
            |s: &Survey| s.scenario.iter().filter(|i| !i.contains("time.")).cloned().collect::<Vec<_>>();
        assert_eq!(settings(&again), settings(&first));
    }
}

#[test]
fn the_unique_id_stands_in_a_report_only_where_it_was_asked_for() {
    let text = |uid| {
        let mut session = opened(SECURE);
        let order = Order { ap: AP1, allow: Allow::Write, uid };
        let survey = survey(&mut session.adi, &order, &mut |_, _| true).expect("a survey");
        serde_json::to_string(&survey).expect("JSON")
    };
    for piece in ["0102030405060708090a0b0c", "0x0403_0201", "67305985"] {
        assert!(!text(false).contains(piece), "{piece}");
    }
    assert!(text(true).contains("uid=0102030405060708090a0b0c"));
}

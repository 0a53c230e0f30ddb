//! The report that started this, as a table: which way of working fails when. All rows come from one model; which
//! mechanism is at work in silicon is a guess ([H5-TIMEOUT-2], [H5-TIMEOUT-12]), so there is more than one to choose from,
//! and none is on unless a scenario says so.
//!
//! The board's cable and the job file are all that differs between rows. No tool is known to the model.

use ackwait_tests::line::{Line, Outcome};
use provision::journal::MemoryShelf;
use provision::{Exit, RunError, Step};

const HOTPLUG: &str = "ways/hotplug.toml";
const RESET_HALT: &str = "ways/reset-halt.toml";
const NRST_AROUND: &str = "ways/nrst-around-obk.toml";

const HALTED_OWNER: &str = "rom.usb=halted-owner";
const SLOW_SERVICE: &str = "rom.usb=slow-service";

fn on(way: &str, cable: &str, mechanism: &str) -> Outcome {
    run(&Line::load(way), cable, mechanism)
}

fn run(line: &Line, cable: &str, mechanism: &str) -> Outcome {
    line.fresh(&format!("h562,usb={cable},{mechanism}"), &MemoryShelf::default())
}

fn obk_works(outcome: &Outcome) -> bool {
    outcome.report.steps.iter().any(|s| s.step == Step::Obk && s.ok)
}

#[track_caller]
fn assert_works(outcome: &Outcome) {
    assert!(obk_works(outcome), "{:?}", outcome.report);
    assert!(outcome.credential);
}

/// The failure of the report: a busy target while the OBK is being written, with all the evidence.
#[track_caller]
fn assert_times_out(outcome: &Outcome, tries: &str, setting: &str) {
    assert!(!obk_works(outcome), "{:?}", outcome.report);
    let failure = outcome.report.result.as_ref().expect_err("it must fail");
    assert_eq!((failure.step, failure.exit), (Step::Obk, Exit::ObkTimeout));
    assert!(matches!(failure.error, RunError::Part(h5::H5Error::TargetBusy { .. })), "{:?}", failure.error);
    let text = failure.to_string();
    for evidence in
        ["FLASH_NSSR", "0x4002_2020", "0x0000_0001 (BSY=1)", tries, setting, "PROVISIONING", "next:"]
    {
        assert!(text.contains(evidence), "`{evidence}` is missing:\n{text}");
    }
    assert!(!outcome.credential);
}

#[test]
fn without_the_cable_every_way_works_whatever_the_mechanism() {
    for mechanism in [HALTED_OWNER, SLOW_SERVICE] {
        for way in [HOTPLUG, RESET_HALT, NRST_AROUND] {
            let outcome = on(way, "out", mechanism);
            assert_works(&outcome);
            assert_eq!(outcome.report.exit(), Exit::Done, "{way} {mechanism}");
        }
    }
}

#[test]
fn a_cable_without_a_host_is_no_cable() {
    for mechanism in [HALTED_OWNER, SLOW_SERVICE] {
        assert_works(&on(RESET_HALT, "charge", mechanism));
    }
}

#[test]
fn with_the_cable_reset_and_halt_fail_with_a_timeout_while_the_obk_is_written() {
    for mechanism in [HALTED_OWNER, SLOW_SERVICE] {
        assert_times_out(&on(RESET_HALT, "data", mechanism), "250 tries", "flash.obk = 250x");
    }
}

#[test]
fn with_the_cable_hotplug_works() {
    for mechanism in [HALTED_OWNER, SLOW_SERVICE] {
        assert_works(&on(HOTPLUG, "data", mechanism));
    }
    assert_eq!(on(HOTPLUG, "data", HALTED_OWNER).report.exit(), Exit::Done);
}

#[test]
fn erasing_the_flash_does_not_help() {
    let mut line = Line::load(RESET_HALT);
    line.job.images.clear();
    line.goods = provision::Goods::load(&line.job, provision::FileRule::Lenient).expect("files");
    for mechanism in [HALTED_OWNER, SLOW_SERVICE] {
        assert_times_out(&run(&line, "data", mechanism), "250 tries", "flash.obk = 250x");
    }
}

#[test]
fn nrst_around_the_obk_step_works_or_fails_by_the_mechanism() {
    assert_works(&on(NRST_AROUND, "data", HALTED_OWNER));
    assert_times_out(&on(NRST_AROUND, "data", SLOW_SERVICE), "tries", "flash.obk = 2s");
}

#[test]
fn more_patience_tells_the_two_mechanisms_apart() {
    let mut patient = Line::load(RESET_HALT);
    for setting in ["obk/flash.obk=10s", "discover/flash.option=10s", "close/flash.option=10s"] {
        let set = provision::Overrides { set: vec![setting.to_owned()], ..Default::default() };
        patient.job.apply(&set).expect("a setting");
    }
    assert_works(&run(&patient, "data", SLOW_SERVICE));
    assert_times_out(&run(&patient, "data", HALTED_OWNER), "tries", "flash.obk = 10s");
}

#[test]
fn without_a_mechanism_the_cable_changes_nothing() {
    for way in [HOTPLUG, RESET_HALT, NRST_AROUND] {
        assert_eq!(on(way, "data", "rom.usb=off").report.exit(), Exit::Done, "{way}");
    }
}

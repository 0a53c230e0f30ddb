//! What goes wrong on the way: lost, late and doubled answers, a probe that is pulled out, WAIT storms, parity errors, silence.
//! Whatever it is, the run ends with the right code, and the next run, without the fault, finishes the part.

use ackwait_tests::line::{Line, Outcome};
use provision::Exit;
use provision::journal::MemoryShelf;
use regs::h5::state::ProductState;

const BOARD: &str = "h562";

/// Runs with the fault, then without, and returns how the first run ended.
fn survived(line: &Line, fault: &str) -> Exit {
    let shelf = MemoryShelf::default();
    let first = line.fresh(&format!("{BOARD},{fault}"), &shelf);
    let exit = first.report.exit();
    let safe = |outcome: &Outcome| outcome.state != ProductState::CLOSED || outcome.credential;
    assert!(safe(&first), "{fault}: CLOSED without a credential");
    if exit == Exit::Done {
        assert_eq!(first.state, ProductState::CLOSED, "{fault}");
    }
    let second = line.on_image(BOARD, &first.image, &shelf);
    assert_eq!(second.report.exit(), Exit::Done, "{fault}, then {exit:?}: {:?}", second.report.result);
    assert_eq!((second.state, second.credential), (ProductState::CLOSED, true), "{fault}");
    exit
}

/// The packets with which the probe is opened come before this one; what goes wrong there is the link's own tests' matter.
const OPEN: u64 = 16;

/// Every packet of a job at first, then some all the way along.
fn packets() -> impl Iterator<Item = u64> {
    (OPEN..60).chain((60..550).step_by(7))
}

/// Counts exits and prints them.
fn exits(title: &str, faults: impl Iterator<Item = String>) -> Vec<Exit> {
    let line = Line::load("job.toml");
    let exits: Vec<_> = faults.map(|fault| survived(&line, &fault)).collect();
    let mut codes: Vec<_> = exits.iter().map(|exit| exit.code()).collect();
    codes.sort_unstable();
    let total = codes.len();
    let mut kinds = codes.clone();
    kinds.dedup();
    print!("{title}: {total} runs:");
    kinds.iter().for_each(|kind| print!(" exit {kind} x {},", codes.iter().filter(|c| *c == kind).count()));
    println!();
    exits
}

#[test]
fn a_probe_that_is_pulled_out_at_any_packet_is_a_probe_error() {
    let ends = exits("unplugged", packets().map(|n| format!("unplug={n}")));
    assert!(ends.iter().all(|end| *end == Exit::Probe), "{ends:?}");
}

#[test]
fn a_lost_answer_is_a_probe_error_and_never_taken_for_done() {
    let ends = exits("answer lost", packets().map(|n| format!("lost={n}")));
    assert!(ends.iter().all(|end| [Exit::Probe, Exit::Done].contains(end)), "{ends:?}");
    assert!(ends.contains(&Exit::Probe));
}

#[test]
fn an_answer_that_comes_late_but_in_time_changes_nothing() {
    let ends = exits("answer late", packets().map(|n| format!("delay={n}:900")));
    assert!(ends.iter().all(|end| *end == Exit::Done), "{ends:?}");
}

#[test]
fn an_answer_that_comes_too_late_is_not_taken_for_the_next_one() {
    let ends = exits("answer too late", packets().map(|n| format!("delay={n}:7000")));
    assert!(ends.iter().all(|end| [Exit::Probe, Exit::Done].contains(end)), "{ends:?}");
}

#[test]
fn a_damaged_answer_is_a_probe_error() {
    let ends = exits("answer damaged", packets().map(|n| format!("corrupt={n}")));
    assert!(ends.iter().all(|end| [Exit::Probe, Exit::Done].contains(end)), "{ends:?}");
}

#[test]
fn a_storm_of_waits_within_the_budget_changes_nothing() {
    let ends = exits("storm of 1000 WAITs", packets().map(|n| format!("wait={}:1000", n * 20)));
    assert!(ends.iter().all(|end| *end == Exit::Done), "{ends:?}");
}

#[test]
fn a_parity_error_or_a_moment_without_an_answer_never_ends_in_a_wrong_part() {
    for fault in ["parity", "noack"] {
        exits(fault, packets().map(|n| format!("{fault}={}", n * 20)));
    }
}

/// A probe whose nRESET goes nowhere reads back what it drives: only the core can tell that no reset came.
#[test]
fn a_reset_that_does_not_reach_the_part_stops_the_job_before_anything_is_written() {
    let untouched = ackwait_tests::line::untouched(BOARD);
    let outcome = Line::load("job.toml").fresh(&format!("{BOARD},nrst=unwired"), &MemoryShelf::default());
    assert_eq!(outcome.report.exit(), Exit::Nrst, "{:?}", outcome.report.result);
    assert_eq!(outcome.image, untouched);
}

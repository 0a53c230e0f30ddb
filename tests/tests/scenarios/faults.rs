//! What goes wrong on the way: lost, late, short, doubled and damaged answers, refused packets, a probe that is pulled out or
//! hangs, WAIT storms, parity errors, silence. On each kind of probe, all along the job and at each packet around its steps.
//!
//! Whatever it is: the run ends with a code that fits, says what state the part is in and what to type next, and lets NRST go;
//! once the change to CLOSED is begun, not knowing what became of it is said to be just that. The next run, without the fault,
//! finishes the part.

use ackwait_tests::line::{Line, Outcome};
use provision::journal::MemoryShelf;
use provision::{Exit, Step};
use regs::h5::state::ProductState;
use std::collections::{BTreeMap, BTreeSet};

const BOARD: &str = "h562";

/// Probes, and which packets of a job there are one by one: CMSIS-DAP v2 and v1, ST-Link V2 and V3.
const PROBES: [&str; 4] = ["profile=hs", "profile=hid", "probe=stlink-v2", "probe=stlink-v3"];

/// Between two places that are tried all along the job.
const STRIDE: usize = 50;
/// Around the begin of a step, every packet is tried.
const AROUND: u64 = 3;

/// So many packets are tried one by one where a part is closed; of more, every third.
const FEW: u64 = 60;

/// What is counted.
#[derive(Clone, Copy)]
enum Of {
    Packets,
    Answers,
}

/// Runs with the fault, then without, and returns how the first run ended.
fn survived(line: &Line, probe: &str, fault: &str) -> Exit {
    let shelf = MemoryShelf::default();
    let what = format!("{probe},{fault}");
    let first = line.fresh(&format!("{BOARD},{what}"), &shelf);
    let exit = first.report.exit();
    let safe = |outcome: &Outcome| outcome.state != ProductState::CLOSED || outcome.credential;
    assert!(safe(&first), "{what}: CLOSED without a credential");
    match &first.report.result {
        Ok(_) => assert_finished(&first, &what),
        Err(failure) => {
            let hidden = first.state == ProductState::CLOSED;
            assert!(!hidden || exit == Exit::Unknown, "{what}: CLOSED, and said to be {failure}");
            assert!(exit != Exit::Unknown || failure.state_line().contains("CLOSED"), "{what}: {failure}");
            assert!(failure.next.contains("h5-provision"), "{what}: {failure}");
        }
    }
    // A probe that hangs cannot be told to.
    assert!(
        !first.holds_reset || fault.starts_with("hang"),
        "{what}: NRST is held, {:?}",
        first.report.result
    );
    let second = line.on_image(&format!("{BOARD},{probe}"), &first.image, &shelf);
    assert_eq!(second.report.exit(), Exit::Done, "{what}, then {exit:?}: {:?}", second.report.result);
    assert_finished(&second, &what);
    exit
}

/// CLOSED, with the job's firmware in the flash and nothing beside it, and the job's credential.
fn assert_finished(outcome: &Outcome, what: &str) {
    let Outcome { state, firmware, credential, .. } = outcome;
    assert_eq!((*state, *firmware, *credential), (ProductState::CLOSED, true, true), "{what}");
}

/// The places of a job at which things go wrong, and how many there are in opening the probe.
fn places(line: &Line, probe: &str, of: Of) -> (u64, Vec<u64>) {
    let undisturbed = line.fresh(&format!("{BOARD},{probe}"), &MemoryShelf::default());
    let all = match of {
        Of::Packets => undisturbed.bill.usb_out,
        Of::Answers => undisturbed.bill.usb_in,
    };
    let begins = undisturbed.steps.iter().map(|began| match of {
        Of::Packets => (began.step, began.packets),
        Of::Answers => (began.step, began.answers),
    });
    let begins: Vec<_> = begins.collect();
    let opened = begins.first().map_or(0, |(_, n)| *n);
    let close = begins.iter().find(|(step, _)| *step == Step::Close).map_or(all, |(_, n)| *n);
    let prove = begins.iter().find(|(step, _)| *step == Step::Prove).map_or(all, |(_, n)| *n);
    let mut places: BTreeSet<u64> = (opened + 1..all).step_by(STRIDE).collect();
    places.extend(begins.iter().flat_map(|(_, n)| (*n).max(opened) + 1..=n + AROUND));
    // The change that cannot be taken back, and the first words of its proof.
    let every = if prove - close > FEW { 3 } else { 1 };
    places.extend((close + 1..=prove + AROUND).step_by(every));
    (opened, places.into_iter().collect())
}

/// Counts exits, prints them, and holds them against those that fit.
fn exits(title: &str, of: Of, fitting: &[Exit], fault: impl Fn(u64) -> String) -> BTreeMap<u8, u32> {
    let line = Line::load("job.toml");
    let mut all = BTreeMap::new();
    for probe in PROBES {
        let (_, places) = places(&line, probe, of);
        let mut codes: BTreeMap<u8, u32> = BTreeMap::new();
        for n in &places {
            let exit = survived(&line, probe, &fault(*n));
            assert!(fitting.contains(&exit), "{probe},{}: {exit:?}", fault(*n));
            *codes.entry(exit.code()).or_default() += 1;
        }
        println!("{title}, {probe}: {} runs, exit codes {codes:?}", places.len());
        codes.into_iter().for_each(|(code, n)| *all.entry(code).or_default() += n);
    }
    all
}

/// The probe failed, or failed when CLOSED was under way.
const PROBE: &[Exit] = &[Exit::Probe, Exit::Unknown];
/// As that, or it did not matter.
const PROBE_OR_DONE: &[Exit] = &[Exit::Probe, Exit::Unknown, Exit::Done];

#[test]
fn a_probe_that_is_pulled_out_at_any_packet_is_a_probe_error() {
    let ends = exits("unplugged", Of::Packets, PROBE, |n| format!("unplug={n}"));
    assert!(ends.contains_key(&Exit::Probe.code()) && ends.contains_key(&Exit::Unknown.code()), "{ends:?}");
}

#[test]
fn a_probe_that_hangs_is_a_probe_error() {
    exits("hangs", Of::Packets, PROBE, |n| format!("hang={n}"));
}

#[test]
fn a_packet_that_is_refused_is_a_probe_error() {
    exits("stall", Of::Packets, PROBE_OR_DONE, |n| format!("stall={n}"));
}

#[test]
fn a_lost_answer_is_a_probe_error_and_never_taken_for_done() {
    let ends = exits("answer lost", Of::Answers, PROBE_OR_DONE, |n| format!("lost={n}"));
    assert!(ends.contains_key(&Exit::Probe.code()));
}

#[test]
fn an_answer_that_comes_late_but_in_time_changes_nothing() {
    exits("answer late", Of::Answers, &[Exit::Done], |n| format!("delay={n}:900"));
}

#[test]
fn an_answer_that_comes_too_late_is_not_taken_for_the_next_one() {
    exits("answer too late", Of::Answers, PROBE_OR_DONE, |n| format!("delay={n}:7000"));
}

#[test]
fn a_damaged_answer_is_an_error_that_is_no_bug() {
    // ST-Link answers to memory reads are nothing but data, so damage looks like another part. USB has check sums of its own.
    exits("answer damaged", Of::Answers, &any_but_ours(), |n| format!("corrupt={n}"));
}

#[test]
fn an_answer_that_ends_early_is_a_probe_error() {
    exits("answer cut", Of::Answers, PROBE_OR_DONE, |n| format!("half={n}"));
}

#[test]
fn an_answer_that_comes_twice_is_an_error_that_is_no_bug() {
    // Where the next question is of the same form, the second copy passes for its answer, and what is read makes no sense.
    exits("answer doubled", Of::Answers, &any_but_ours(), |n| format!("dup={n}"));
}

/// Whatever is wrong with what came, it is neither this program nor the person.
fn any_but_ours() -> Vec<Exit> {
    Exit::ALL.iter().copied().filter(|exit| ![Exit::Bug, Exit::Usage].contains(exit)).collect()
}

/// Transactions of a job: some of them all the way along, and more where the part is closed.
fn transactions(line: &Line) -> impl Iterator<Item = u64> {
    let undisturbed = line.fresh(&format!("{BOARD},{}", PROBES[0]), &MemoryShelf::default());
    let began = |step| undisturbed.steps.iter().find(|b| b.step == step).map_or(0, |b| b.transactions);
    let (close, prove) = (began(Step::Close), began(Step::Prove));
    let all = undisturbed.transactions;
    (400..1200).step_by(20).chain((1200..all).step_by(140)).chain((close..prove + 20).step_by(5))
}

/// What goes wrong on the wire, seen by CMSIS-DAP.
fn wire(title: &str, fault: impl Fn(u64) -> String) -> BTreeMap<u8, u32> {
    let line = Line::load("job.toml");
    let mut codes = BTreeMap::new();
    for n in transactions(&line) {
        *codes.entry(survived(&line, PROBES[0], &fault(n)).code()).or_default() += 1;
    }
    println!("{title}: exit codes {codes:?}");
    codes
}

#[test]
fn a_storm_of_waits_within_the_budget_changes_nothing() {
    let ends = wire("storm of 1000 WAITs", |n| format!("wait={n}:1000"));
    assert!(ends.into_keys().eq([Exit::Done.code()]));
}

#[test]
fn a_parity_error_or_a_moment_without_an_answer_never_ends_in_a_wrong_part() {
    wire("parity", |n| format!("parity={n}"));
    wire("no ack", |n| format!("noack={n}"));
}

/// Each packet and each answer while a probe is opened: a typed error or no matter, NRST is let go, the part is as it was,
/// and plugged in anew the probe does the job.
#[test]
fn a_probe_that_fails_while_it_is_opened_says_so_and_does_the_job_the_next_time() {
    let line = Line::load("job.toml");
    for probe in PROBES {
        let (packets, _) = places(&line, probe, Of::Packets);
        let mut codes: BTreeMap<u8, u32> = BTreeMap::new();
        for fault in ["unplug", "hang", "stall", "lost", "corrupt", "half", "dup"] {
            for n in 1..=packets {
                let what = format!("{probe},{fault}={n}");
                let code = opened(&line, probe, &what);
                *codes.entry(code).or_default() += 1;
            }
        }
        println!("while it is opened, {probe}: exit codes {codes:?}");
    }
}

/// Opens with the fault, then does the job without it; the exit code of the first.
fn opened(line: &Line, probe: &str, what: &str) -> u8 {
    let shelf = MemoryShelf::default();
    let (code, image) = match line.try_fresh(&format!("{BOARD},{what}"), &shelf) {
        Ok(outcome) if outcome.report.exit() == Exit::Done => {
            assert_finished(&outcome, what);
            return Exit::Done.code();
        }
        Ok(outcome) => {
            assert!(!outcome.holds_reset || what.contains("hang"), "{what}: NRST is held");
            (outcome.report.exit().code(), outcome.image)
        }
        Err(failed) => {
            assert!(!failed.holds_reset, "{what}: NRST is held after {}", failed.error);
            assert!(failed.image == ackwait_tests::line::untouched(BOARD), "{what}: {}", failed.error);
            (failed.error.exit_code(), failed.image)
        }
    };
    assert!([Exit::Probe.code(), Exit::Unsupported.code()].contains(&code), "{what}: {code}");
    let second = line.on_image(&format!("{BOARD},{probe}"), &image, &shelf);
    assert_eq!(second.report.exit(), Exit::Done, "{what}: {:?}", second.report.result);
    assert_finished(&second, what);
    code
}

/// A probe whose nRESET goes nowhere reads back what it drives: only the core can tell that no reset came.
#[test]
fn a_reset_that_does_not_reach_the_part_stops_the_job_before_anything_is_written() {
    let untouched = ackwait_tests::line::untouched(BOARD);
    let outcome = Line::load("job.toml").fresh(&format!("{BOARD},nrst=unwired"), &MemoryShelf::default());
    assert_eq!(outcome.report.exit(), Exit::Nrst, "{:?}", outcome.report.result);
    assert_eq!(outcome.image, untouched);
}

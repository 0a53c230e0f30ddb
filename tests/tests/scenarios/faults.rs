//! What goes wrong on the way: lost, late, short, doubled and damaged answers, refused packets, a probe that is pulled out or
//! hangs, WAIT storms, parity errors, silence. On each kind of probe, all along the job and at each packet around its steps.
//!
//! Whatever it is: the run ends with a code that fits, says what state the part is in and what to type next, and lets NRST go;
//! once the change to CLOSED is begun, not knowing what became of it is said to be just that. The next run, without the fault,
//! finishes the part.

use ackwait_tests::line::{Line, Outcome};
use adi::AdiError;
use h5::H5Error;
use provision::journal::MemoryShelf;
use provision::{Exit, RunError, Step};
use regs::h5::state::ProductState;
use std::collections::{BTreeMap, BTreeSet};
use wire::{LinkError, PipeError};

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

/// How a run ended: its exit code, and what the error that ended it says of the probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct End {
    exit: Exit,
    cause: Cause,
}

/// What the error says of the probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Cause {
    /// No error at all.
    None,
    /// It did not answer in time.
    Silent,
    /// It was pulled out.
    Unplugged,
    /// It refused the packet.
    Stalled,
    /// Its answer is none to the question.
    Nonsense,
    /// It refused the command, or gave a status that fits nothing.
    Refused,
    /// The target, the part or what was read from it; nothing of the probe.
    Beyond,
}

impl Cause {
    fn of(error: &RunError) -> Cause {
        let RunError::Part(H5Error::Adi(error)) = error else { return Cause::Beyond };
        match error {
            AdiError::ProbeSilent { .. } | AdiError::Probe(LinkError::Pipe(PipeError::Timeout(_))) => {
                Cause::Silent
            }
            AdiError::Probe(LinkError::Pipe(PipeError::Unplugged)) => Cause::Unplugged,
            AdiError::Probe(LinkError::Pipe(PipeError::Stall)) => Cause::Stalled,
            AdiError::Probe(LinkError::Protocol(_)) => Cause::Nonsense,
            AdiError::Probe(LinkError::Refused(_)) | AdiError::Other { .. } => Cause::Refused,
            _ => Cause::Beyond,
        }
    }
}

/// Runs with the fault, then without, and returns how the first run ended.
fn survived(line: &Line, probe: &str, fault: &str) -> End {
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
    End { exit, cause: first.report.result.map_or_else(|failure| Cause::of(&failure.error), |_| Cause::None) }
}

/// CLOSED, with the job's firmware in the flash and nothing beside it, and the job's credential.
fn assert_finished(outcome: &Outcome, what: &str) {
    let Outcome { state, firmware, credential, .. } = outcome;
    assert_eq!((*state, *firmware, *credential), (ProductState::CLOSED, true, true), "{what}");
}

/// The places of a job at which things go wrong.
struct Places {
    /// How many there are in opening the probe.
    opened: u64,
    /// How many before the change to CLOSED.
    close: u64,
    tried: Vec<u64>,
}

fn places(line: &Line, probe: &str, of: Of) -> Places {
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
    Places { opened, close, tried: places.into_iter().collect() }
}

/// Counts ends, prints them, and holds them against those that fit this probe. Where the probe is to blame and CLOSED was not
/// yet under way, the state of the part is known.
fn ends(title: &str, of: Of, fits: fn(&str, End) -> bool, fault: impl Fn(u64) -> String) {
    let line = Line::load("job.toml");
    for probe in PROBES {
        let Places { close, tried, .. } = places(&line, probe, of);
        let mut ends: BTreeMap<End, u32> = BTreeMap::new();
        for n in &tried {
            let end = survived(&line, probe, &fault(*n));
            assert!(fits(probe, end), "{probe},{}: {end:?}", fault(*n));
            let early = end.exit == Exit::Unknown && *n <= close && end.cause != Cause::Beyond;
            assert!(!early, "{probe},{}: {end:?}", fault(*n));
            *ends.entry(end).or_default() += 1;
        }
        println!("{title}, {probe}: {} runs, {ends:?}", tried.len());
    }
}

/// The run failed because of the probe: exit code 14, or 50 when CLOSED was under way.
fn failed(end: End, causes: &[Cause]) -> bool {
    [Exit::Probe, Exit::Unknown].contains(&end.exit) && causes.contains(&end.cause)
}

const DONE: End = End { exit: Exit::Done, cause: Cause::None };

fn is_cmsis_dap(probe: &str) -> bool {
    probe.starts_with("profile=")
}

/// Reports are full whatever the answer: what is cut off or left over in them is padding.
fn pads(probe: &str) -> bool {
    probe == "profile=hid"
}

/// Whatever is wrong with what came, it is neither this program nor the person.
fn is_ours(end: End) -> bool {
    [Exit::Bug, Exit::Usage].contains(&end.exit)
}

#[test]
fn a_probe_that_is_pulled_out_at_any_packet_is_said_to_be_unplugged() {
    ends("unplugged", Of::Packets, |_, end| failed(end, &[Cause::Unplugged]), |n| format!("unplug={n}"));
}

#[test]
fn a_probe_that_hangs_is_said_to_be_silent() {
    ends("hangs", Of::Packets, |_, end| failed(end, &[Cause::Silent]), |n| format!("hang={n}"));
}

#[test]
fn a_packet_that_is_refused_is_said_to_be_stalled() {
    ends("stall", Of::Packets, |_, end| failed(end, &[Cause::Stalled]), |n| format!("stall={n}"));
}

/// With CMSIS-DAP the answer to the packet behind may come in its place: it fits none, or it is missed at the end.
#[test]
fn a_lost_answer_is_silence_or_an_answer_to_nothing_and_never_taken_for_done() {
    let fits = |probe: &str, end| {
        failed(end, &[Cause::Silent]) || is_cmsis_dap(probe) && failed(end, &[Cause::Nonsense])
    };
    ends("answer lost", Of::Answers, fits, |n| format!("lost={n}"));
}

#[test]
fn an_answer_that_comes_late_but_in_time_changes_nothing() {
    ends("answer late", Of::Answers, |_, end| end == DONE, |n| format!("delay={n}:900"));
}

#[test]
fn an_answer_that_comes_too_late_is_silence_and_not_taken_for_the_next_one() {
    ends(
        "answer too late",
        Of::Answers,
        |_, end| failed(end, &[Cause::Silent]),
        |n| format!("delay={n}:7000"),
    );
}

/// The first byte is damaged. That is the command in an answer of CMSIS-DAP. In one of ST-Link it is the status, or data: there
/// damage looks like another part, or does no harm. (USB has check sums of its own.)
#[test]
fn a_damaged_answer_is_told_by_cmsis_dap_and_cannot_be_told_by_st_link_where_it_is_data() {
    let fits = |probe: &str, end| match is_cmsis_dap(probe) {
        true => failed(end, &[Cause::Nonsense]),
        false => !is_ours(end),
    };
    ends("answer damaged", Of::Answers, fits, |n| format!("corrupt={n}"));
}

#[test]
fn an_answer_that_ends_early_makes_no_sense_unless_only_padding_is_missing() {
    let fits = |probe: &str, end| failed(end, &[Cause::Nonsense]) || pads(probe) && end == DONE;
    ends("answer cut", Of::Answers, fits, |n| format!("half={n}"));
}

/// Where the next question is of the same shape, the copy passes for its answer, and so on until a question of another shape is
/// asked: it cannot be told before. [DAP-21] What was read meanwhile may make no sense, or the target be blamed for it.
#[test]
fn an_answer_that_comes_twice_is_noticed_sooner_or_later_and_never_taken_for_done() {
    let fits = |_: &str, end| failed(end, &[Cause::Nonsense]) || end.cause == Cause::Beyond && !is_ours(end);
    ends("answer doubled", Of::Answers, fits, |n| format!("dup={n}"));
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
        *codes.entry(survived(&line, PROBES[0], &fault(n)).exit.code()).or_default() += 1;
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
        let packets = places(&line, probe, Of::Packets).opened;
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

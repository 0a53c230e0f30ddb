mod between;
mod disk;
mod told;

use super::*;
use crate::bench::{Cells, Cut, Fake, Folder, JOB, PASSWORD};
use crate::journal::{MemoryShelf, MemoryStore};
use crate::record::{self, Station};
use h5::obk::ObkFile;
use h5::{DaError, Password, Progress};
use regs::h5::da::value::INTEGRITY_BAD;
use std::cell::RefCell;
use std::rc::Rc;

struct Bench {
    folder: Folder,
    job: Job,
    goods: Goods,
    shelf: MemoryShelf,
}

impl Bench {
    fn new() -> Bench {
        Bench::with(JOB)
    }

    fn with(text: &str) -> Bench {
        let folder = Folder::new();
        let job = folder.job(text);
        let goods = folder.goods(&job);
        Bench { folder, job, goods, shelf: MemoryShelf::default() }
    }

    fn run(&self, part: &mut Fake) -> Report {
        run(&self.job, &self.goods, part, &self.shelf, Limits::default(), &mut Quiet)
    }

    fn closed(&self) -> Fake {
        let mut part = Fake::factory();
        assert_eq!(self.run(&mut part).exit(), Exit::Done);
        Fake::new(&part.cells)
    }

    fn regress(&self, part: &mut Fake, password: &str) -> Report {
        let password = Password::from_bytes(password.as_bytes()).unwrap();
        let how = Regress { password: &password, limits: Limits::default() };
        regress(&self.job, &self.goods, part, &self.shelf, &how, &mut Quiet)
    }
}

fn failure(report: &Report) -> &Failure {
    report.result.as_ref().expect_err("it should have failed")
}

#[test]
fn a_factory_part_is_closed_in_the_right_order() {
    let bench = Bench::new();
    let mut part = Fake::factory();
    let report = bench.run(&mut part);
    assert_eq!(report.result.as_ref().unwrap(), &End::Done, "{report:?}");
    assert_eq!(
        part.writes,
        [
            "flash 0x0800_0000",
            "flash 0x0800_2000",
            "options SRAM2_RST = 0x1",
            "state PROVISIONING (0x17)",
            "obk",
            "state CLOSED (0x72)"
        ]
    );
    let steps: Vec<_> = report.steps.iter().map(|s| s.step.name()).collect();
    let all =
        ["identify", "preflight", "flash", "options", "provisioning", "obk", "discover", "close", "prove"];
    assert_eq!(steps, all);
}

#[test]
fn a_finished_part_is_left_alone() {
    let bench = Bench::new();
    let mut part = bench.closed();
    let report = bench.run(&mut part);
    assert_eq!(report.result.as_ref().unwrap(), &End::AlreadyDone);
    assert!(part.writes.is_empty(), "{:?}", part.writes);
}

#[test]
fn a_closed_part_without_a_journal_is_not_passed() {
    let bench = Bench::new();
    let mut part = bench.closed();
    let report =
        run(&bench.job, &bench.goods, &mut part, &MemoryShelf::default(), Limits::default(), &mut Quiet);
    assert_eq!(report.exit(), Exit::Unknown);
    assert!(failure(&report).error.to_string().contains("CLOSED is proven, its contents can't be"));
    assert!(part.writes.is_empty());
}

#[test]
fn a_part_closed_by_another_job_is_not_passed() {
    let bench = Bench::new();
    let mut part = bench.closed();
    bench.folder.write("fw.bin", b"another program");
    let goods = bench.folder.goods(&bench.job);
    let report = run(&bench.job, &goods, &mut part, &bench.shelf, Limits::default(), &mut Quiet);
    assert_eq!(report.exit(), Exit::Refused);
    assert!(failure(&report).error.to_string().contains("another job's contents"));
}

#[test]
fn without_the_gate_there_is_no_closed() {
    let faults: [fn(&mut Fake); 3] = [
        |part| part.integrity = Some(INTEGRITY_BAD),
        |part| part.permissions = 0x1077,
        |part| part.obk_fails = true,
    ];
    let exits = [Exit::Integrity, Exit::Integrity, Exit::ObkRejected];
    for (fault, exit) in faults.into_iter().zip(exits) {
        let bench = Bench::new();
        let mut part = Fake::factory();
        fault(&mut part);
        let report = bench.run(&mut part);
        assert_eq!(report.exit(), exit);
        assert_eq!(failure(&report).state, Some(ProductState::PROVISIONING));
        assert_eq!(part.cells.borrow().state, ProductState::PROVISIONING);
    }
}

#[test]
fn closed_that_did_not_take_is_not_passed() {
    let bench = Bench::new();
    let mut part = Fake::factory();
    let until = Limits { until: Some(Step::Discover), ..Limits::default() };
    let report = run(&bench.job, &bench.goods, &mut part, &bench.shelf, until, &mut Quiet);
    assert_eq!(report.result.as_ref().unwrap(), &End::Until(Step::Discover));
    part.stuck = true;
    let report = bench.run(&mut part);
    assert_eq!(report.exit(), Exit::Unknown);
    assert!(failure(&report).error.to_string().contains("expected CLOSED"), "{}", failure(&report));
}

#[test]
fn an_unwired_nrst_stops_the_run_before_anything_is_written() {
    let bench = Bench::new();
    let mut part = Fake::factory();
    part.nrst = false;
    let report = bench.run(&mut part);
    assert_eq!(report.exit(), Exit::Nrst);
    assert!(part.writes.is_empty());
}

#[test]
fn trust_zone_on_with_a_password_is_refused_before_anything_is_written() {
    let bench = Bench::new();
    let mut part = Fake::factory();
    part.cells.borrow_mut().tzen = h5::Tzen::On;
    let report = bench.run(&mut part);
    assert_eq!(report.exit(), Exit::Refused, "{report:?}");
    assert!(part.writes.is_empty());
}

#[test]
fn a_part_in_provisioning_without_receipts_gets_its_obk_again() {
    let bench = Bench::new();
    let mut part = Fake::factory();
    let until = Limits { until: Some(Step::Discover), ..Limits::default() };
    run(&bench.job, &bench.goods, &mut part, &bench.shelf, until, &mut Quiet);
    let mut part = Fake::new(&part.cells);
    let elsewhere = MemoryShelf::default();
    let report = run(&bench.job, &bench.goods, &mut part, &elsewhere, Limits::default(), &mut Quiet);
    assert_eq!(report.result.as_ref().unwrap(), &End::Done);
    assert_eq!(part.writes, ["obk", "state CLOSED (0x72)"]);
}

/// The step may be one that this part does not need any more; what lies behind it is not done all the same.
#[test]
fn a_run_that_shall_stop_after_a_step_never_goes_past_it() {
    for (step, state) in [
        (Step::Options, ProductState::OPEN),
        (Step::Provisioning, ProductState::PROVISIONING),
        (Step::Obk, ProductState::PROVISIONING),
        (Step::Discover, ProductState::PROVISIONING),
    ] {
        let bench = Bench::new();
        let mut part = Fake::factory();
        let until = Limits { until: Some(step), ..Limits::default() };
        for _ in 0..3 {
            let report = run(&bench.job, &bench.goods, &mut part, &bench.shelf, until, &mut Quiet);
            assert_eq!(report.result.as_ref().unwrap(), &End::Until(step));
            assert_eq!(part.cells.borrow().state, state, "until {step}");
        }
    }
    let bench = Bench::new();
    let mut part = Fake::factory();
    let until = |step| Limits { until: Some(step), ..Limits::default() };
    run(&bench.job, &bench.goods, &mut part, &bench.shelf, until(Step::Discover), &mut Quiet);
    for step in [Step::Identify, Step::Flash, Step::Options, Step::Provisioning, Step::Obk] {
        let report = run(&bench.job, &bench.goods, &mut part, &bench.shelf, until(step), &mut Quiet);
        assert_eq!(report.result.as_ref().unwrap(), &End::Until(step));
        assert_eq!(part.cells.borrow().state, ProductState::PROVISIONING, "until {step}, behind it");
    }
}

#[test]
fn a_regression_that_nobody_saw_to_its_end_is_looked_at_again_and_does_not_spoil_the_journal() {
    for look_again in [true, false] {
        let bench = Bench::new();
        let mut part = bench.closed();
        // The regression is done at call 3; the power goes behind it.
        part.cut = Some((3, Cut::After));
        assert!(bench.regress(&mut part, PASSWORD).result.is_err());
        assert_eq!(part.cells.borrow().state, ProductState::OPEN);
        let mut part = Fake::new(&part.cells);
        if look_again {
            let report = bench.regress(&mut part, PASSWORD);
            assert_eq!(report.result.as_ref().unwrap(), &End::Done);
            assert_eq!(report.steps.last().unwrap().summary, "OPEN (0xED), flash erased");
        }
        assert_eq!(bench.run(&mut part).result.unwrap(), End::Done);
        assert_eq!(bench.run(&mut part).result.unwrap(), End::AlreadyDone, "looked again: {look_again}");
    }
}

#[test]
fn when_the_change_of_state_is_cut_both_states_are_named_and_neither_is_recorded() {
    let bench = Bench::new();
    let mut whole = Fake::factory();
    assert_eq!(bench.run(&mut whole).exit(), Exit::Done);
    let cuts = (1..=whole.calls).filter(|at| {
        let mut part = Fake::factory();
        part.cut = Some((*at, Cut::After));
        let shelf = MemoryShelf::default();
        let report = run(&bench.job, &bench.goods, &mut part, &shelf, Limits::default(), &mut Quiet);
        if failure(&report).step != Step::Close || part.cells.borrow().state != ProductState::CLOSED {
            return false;
        }
        let text = failure(&report).to_string();
        assert!(text.contains("PROVISIONING (0x17) or CLOSED (0x72)"), "{text}");
        let record = record::record(&bench.job, &bench.goods, &report, &Station::default());
        assert!(record["state"].is_null(), "{record:?}");
        true
    });
    assert_eq!(cuts.count(), 1);
}

#[test]
fn in_provisioning_wrong_flash_is_not_written_over() {
    let bench = Bench::new();
    let mut part = Fake::factory();
    part.cells.borrow_mut().state = ProductState::PROVISIONING;
    let report = bench.run(&mut part);
    assert_eq!(report.exit(), Exit::Verify);
    assert!(part.writes.is_empty());
    assert!(failure(&report).next.contains("regress"));
}

#[test]
fn goals_before_closed_end_there() {
    for (goal, last) in [("OPEN", "options SRAM2_RST = 0x1"), ("PROVISIONING", "obk")] {
        let bench = Bench::with(&JOB.replace("\"CLOSED\"", &format!("\"{goal}\"")));
        let mut part = Fake::factory();
        assert_eq!(bench.run(&mut part).result.unwrap(), End::Done);
        assert_eq!(part.writes.last().unwrap(), last);
        let mut again = Fake::new(&part.cells);
        assert_eq!(bench.run(&mut again).result.unwrap(), End::AlreadyDone, "{goal}");
        assert!(again.writes.is_empty());
    }
}

/// Cuts the power at every call, before, within and after its work, and runs again until the job is over.
#[test]
fn power_cut_at_any_call_ends_closed_with_a_credential_or_in_a_named_safe_state() {
    let bench = Bench::new();
    let mut whole = Fake::factory();
    assert_eq!(bench.run(&mut whole).exit(), Exit::Done);
    let mut cuts = 0;
    for at in 1..=whole.calls {
        for cut in [Cut::Before, Cut::Within, Cut::After] {
            let shelf = MemoryShelf::default();
            let cells = Rc::new(RefCell::new(Cells::factory()));
            let mut part = Fake::new(&cells);
            part.cut = Some((at, cut));
            let first = run(&bench.job, &bench.goods, &mut part, &shelf, Limits::default(), &mut Quiet);
            assert!(first.result.is_err(), "cut {at} {cut:?}");
            never_closed_without_a_way_back(&cells.borrow());
            let mut part = Fake::new(&cells);
            let second = run(&bench.job, &bench.goods, &mut part, &shelf, Limits::default(), &mut Quiet);
            assert!(second.result.is_ok(), "cut {at} {cut:?}: {}", failure(&second));
            never_closed_without_a_way_back(&cells.borrow());
            assert_eq!(cells.borrow().state, ProductState::CLOSED, "cut {at} {cut:?}");
            cuts += 1;
        }
    }
    assert!(cuts >= 50, "only {cuts} cuts");
}

/// The power goes twice: in the first run and again in the one that goes on.
#[test]
fn power_cut_twice_is_no_worse_than_once() {
    let bench = Bench::new();
    let mut whole = Fake::factory();
    bench.run(&mut whole);
    for first in 1..=whole.calls {
        for second in 1..=whole.calls {
            let shelf = MemoryShelf::default();
            let cells = Rc::new(RefCell::new(Cells::factory()));
            for cut in [Some((first, Cut::Within)), Some((second, Cut::Within)), None] {
                let mut part = Fake::new(&cells);
                part.cut = cut;
                let report = run(&bench.job, &bench.goods, &mut part, &shelf, Limits::default(), &mut Quiet);
                never_closed_without_a_way_back(&cells.borrow());
                if cut.is_none() {
                    assert!(report.result.is_ok(), "cuts {first} and {second}: {}", failure(&report));
                }
            }
        }
    }
}

/// The same with the host dying at any byte of the journal.
#[test]
fn a_journal_that_lost_its_end_never_leads_to_a_bad_closed() {
    let bench = Bench::new();
    let mut part = Fake::factory();
    bench.run(&mut part);
    let (uid, journal) = bench.shelf.contents().into_iter().next().unwrap();
    let until = Limits { until: Some(Step::Obk), ..Limits::default() };
    for end in (0..journal.len()).step_by(7) {
        let shelf = MemoryShelf::holding(&[(uid.clone(), journal[..end].to_vec())].into());
        let cells = Rc::new(RefCell::new(Cells::factory()));
        let first = run(&bench.job, &bench.goods, &mut Fake::new(&cells), &shelf, until, &mut Quiet);
        assert!(first.result.is_ok(), "journal cut at {end}");
        let second =
            run(&bench.job, &bench.goods, &mut Fake::new(&cells), &shelf, Limits::default(), &mut Quiet);
        assert_eq!(second.exit(), Exit::Done, "journal cut at {end}");
        never_closed_without_a_way_back(&cells.borrow());
    }
}

fn never_closed_without_a_way_back(cells: &Cells) {
    if cells.state == ProductState::CLOSED {
        let (bytes, whole) = cells.obk.as_ref().expect("CLOSED without a credential");
        let password = Password::from_bytes(PASSWORD.as_bytes()).unwrap();
        assert!(*whole && ObkFile::parse(bytes).unwrap().matches_password(&password), "CLOSED for ever");
    }
}

#[test]
fn a_regression_brings_the_part_back_and_the_job_can_be_done_again() {
    let bench = Bench::new();
    let mut part = bench.closed();
    let report = bench.regress(&mut part, PASSWORD);
    assert_eq!(report.result.as_ref().unwrap(), &End::Done, "{report:?}");
    assert_eq!(part.cells.borrow().state, ProductState::OPEN);
    assert_eq!(bench.regress(&mut part, PASSWORD).result.unwrap(), End::AlreadyDone);
    assert_eq!(bench.run(&mut part).result.unwrap(), End::Done);
}

#[test]
fn what_to_type_next_can_be_typed() {
    let bench = Bench::new();
    let mut part = bench.closed();
    let password = Password::from_bytes(b"wrong-password").unwrap();
    let how = Regress { password: &password, limits: Limits::default() };
    let job = Job::of_family(regs::h5::device::Family::H562);
    let report = regress(&job, &Goods::none(), &mut part, &bench.shelf, &how, &mut Quiet);
    let next = &failure(&report).next;
    assert!(next.contains("h5-provision regress --family STM32H562 --password-file FILE --probe"), "{next}");
    let mut spaced = folder_job_named(&bench, "my job's.toml");
    spaced.goal = Goal::Closed;
    let report =
        run(&spaced, &bench.goods, &mut part, &MemoryShelf::default(), Limits::default(), &mut Quiet);
    assert!(failure(&report).next.contains("/my job'\\''s.toml' --probe"), "{}", failure(&report).next);
}

fn folder_job_named(bench: &Bench, name: &str) -> Job {
    Job { path: bench.job.path.with_file_name(name), ..bench.job.clone() }
}

#[test]
fn a_wrong_password_changes_nothing_and_the_part_still_counts_as_done() {
    let bench = Bench::new();
    let mut part = bench.closed();
    let before = part.cells.borrow().clone();
    let report = bench.regress(&mut part, "wrong-password");
    assert_eq!(report.exit(), Exit::Authentication);
    assert_eq!(*part.cells.borrow(), before);
    assert_eq!(bench.run(&mut part).result.unwrap(), End::AlreadyDone);
}

#[test]
fn a_regression_that_the_rom_refused_is_none_that_may_be_half_way() {
    let busy = DaError::Refused { step: "DISCOVERY", status: 1 };
    for refusal in [busy, DaError::Refused { step: "AUTH_START", status: 1 }, DaError::NoPassword] {
        let bench = Bench::new();
        let mut part = bench.closed();
        let before = part.cells.borrow().clone();
        part.refusal = Some(refusal.clone());
        assert_ne!(bench.regress(&mut part, PASSWORD).exit(), Exit::Done);
        assert_eq!(*part.cells.borrow(), before);
        assert_eq!(bench.run(&mut part).result.unwrap(), End::AlreadyDone, "{refusal}");
    }
}

#[test]
fn a_refusal_does_not_make_a_regression_whole_that_was_half_way_before() {
    let bench = Bench::new();
    let mut part = bench.closed();
    // The power goes at call 3, when the password is asked for.
    part.cut = Some((3, Cut::Before));
    assert!(bench.regress(&mut part, PASSWORD).result.is_err());
    let mut part = Fake::new(&part.cells);
    assert_eq!(bench.regress(&mut part, "wrong-password").exit(), Exit::Authentication);
    part.cells.borrow_mut().state = ProductState::OPEN;
    let report = bench.regress(&mut part, PASSWORD);
    assert!(
        matches!(failure(&report).error, RunError::NotErased(_)),
        "OPEN, and nobody erased it: {report:?}"
    );
}

#[test]
fn a_part_without_a_credential_cannot_be_taken_back_and_the_way_to_one_is_named() {
    let bench = Bench::new();
    let mut part = Fake::factory();
    let until = Limits { until: Some(Step::Provisioning), ..Limits::default() };
    run(&bench.job, &bench.goods, &mut part, &bench.shelf, until, &mut Quiet);
    let report = bench.regress(&mut part, PASSWORD);
    assert_eq!(report.exit(), Exit::Authentication);
    assert!(failure(&report).next.contains("--until obk"), "{}", failure(&report).next);
    run(
        &bench.job,
        &bench.goods,
        &mut part,
        &bench.shelf,
        Limits { until: Some(Step::Obk), ..until },
        &mut Quiet,
    );
    assert_eq!(bench.regress(&mut part, PASSWORD).exit(), Exit::Done);
}

struct Stern {
    answer: Answer,
    stop_after: Option<Step>,
    stopped: bool,
}

impl Watch for Stern {
    fn begin(&mut self, _: Step) {}
    fn end(&mut self, step: Step, _: Duration, _: &str) {
        self.stopped |= self.stop_after == Some(step);
    }
    fn note(&mut self, _: Step, _: &str) {}
    fn progress(&mut self, _: Step, _: Progress) {}
    fn confirm(&mut self, _: &str) -> Answer {
        self.answer
    }
    fn stop(&self) -> bool {
        self.stopped
    }
}

#[test]
fn without_a_yes_the_part_stays_open() {
    for answer in [Answer::No, Answer::Nobody] {
        let bench = Bench::new();
        let mut part = Fake::factory();
        let mut watch = Stern { answer, stop_after: None, stopped: false };
        let report = run(&bench.job, &bench.goods, &mut part, &bench.shelf, Limits::default(), &mut watch);
        assert_eq!(report.exit(), Exit::Confirm);
        assert_eq!(part.cells.borrow().state, ProductState::OPEN);
    }
}

#[test]
fn an_interrupt_stops_between_steps_and_the_next_run_goes_on() {
    for step in [Step::Identify, Step::Flash, Step::Provisioning, Step::Obk, Step::Discover] {
        let bench = Bench::new();
        let mut part = Fake::factory();
        let mut watch = Stern { answer: Answer::Yes, stop_after: Some(step), stopped: false };
        let report = run(&bench.job, &bench.goods, &mut part, &bench.shelf, Limits::default(), &mut watch);
        assert_eq!(report.exit(), Exit::Interrupted, "{step}");
        assert_eq!(bench.run(&mut part).exit(), Exit::Done, "{step}");
    }
}

#[test]
fn a_deadline_is_kept_between_steps() {
    let bench = Bench::new();
    let mut part = Fake::factory();
    let limits = Limits { deadline: Some(Duration::from_millis(20)), ..Limits::default() };
    let report = run(&bench.job, &bench.goods, &mut part, &bench.shelf, limits, &mut Quiet);
    assert_eq!(report.exit(), Exit::Deadline);
    assert!(!part.writes.iter().any(|w| w.starts_with("state")));
}

#[test]
fn another_part_in_the_middle_of_a_run_is_noticed() {
    let bench = Bench::new();
    let mut part = Fake::factory();
    let mut watch = Quiet;
    let mut engine =
        Engine::new(&bench.job, &bench.goods, &mut part, &bench.shelf, Limits::default(), &mut watch);
    engine.facts.uid = Some("ffffffffffffffffffffffff".to_owned());
    let e = engine.gate().err().expect("another part");
    assert_eq!(e.exit(), Exit::WrongDevice);
}

#[test]
fn a_failure_says_what_where_and_what_next() {
    let bench = Bench::new();
    let mut part = Fake::factory();
    part.obk_fails = true;
    let report = bench.run(&mut part);
    let text = failure(&report).to_string();
    for part in [
        "obk failed after",
        "state now:   PROVISIONING (0x17)",
        "recoverable: yes",
        "next: ",
        "40 (obk-rejected)",
    ] {
        assert!(text.contains(part), "{part} is not in:\n{text}");
    }
    assert!(failure(&report).short_flight(3).len() == 3);
}

#[test]
fn no_secret_stands_in_plan_journal_record_or_error() {
    let bench = Bench::new();
    let mut part = Fake::factory();
    let good = bench.run(&mut part);
    part.integrity = Some(INTEGRITY_BAD);
    let bad = bench.regress(&mut part, "wrong-password");
    let station = Station::default();
    let mut store = MemoryStore::default();
    for report in [&good, &bad] {
        record::append(&mut store, record::record(&bench.job, &bench.goods, report, &station)).unwrap();
    }
    let plan = crate::Plan::new(&bench.job, &bench.goods, &crate::Basis::ASSUMED_OPEN);
    let mut all = store.bytes();
    all.extend(bench.shelf.contents().into_values().flatten());
    all.extend(format!("{plan} {plan:?} {:?} {good:?} {bad:?}", bench.goods).into_bytes());
    let all = String::from_utf8_lossy(&all).to_lowercase();
    let password = Password::from_bytes(PASSWORD.as_bytes()).unwrap();
    let hash = password.sha256();
    let swapped: Vec<u8> = hash.chunks(4).flat_map(|w| w.iter().rev().copied()).collect();
    for secret in [
        PASSWORD.to_lowercase(),
        crate::text::hex(PASSWORD.as_bytes()),
        crate::text::hex(&hash),
        crate::text::hex(&swapped),
        format!("{hash:?}"),
        "wrong-password".to_owned(),
        // From these a short password could be guessed.
        bench.goods.obk_digest(),
        bench.goods.content().to_owned(),
        format!("{:?}", bench.goods.obk.as_ref().unwrap().sha256),
    ] {
        assert!(!all.contains(&secret), "{secret} leaked");
    }
    assert!(all.contains("closed"), "the search looked at nothing");
}

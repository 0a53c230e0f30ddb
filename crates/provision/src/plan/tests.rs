use super::*;
use crate::bench::{Fake, Folder, JOB};
use regs::h5::da::value::INTEGRITY_OK;

fn plan(text: &str, basis: &Basis) -> Plan {
    let folder = Folder::new();
    let job = folder.job(text);
    Plan::new(&job, &folder.goods(&job), basis)
}

/// The plan without its first line and its paths, which depend on the folder and on the test's files.
fn shown(text: &str, basis: &Basis) -> String {
    let text = plan(text, basis).to_string();
    let lines = text.lines().skip(1).map(|l| l.split(" /").next().unwrap_or_default());
    lines.map(|l| format!("{l}\n")).collect()
}

#[test]
fn the_plan_of_a_factory_part_shows_every_step_and_what_cannot_be_taken_back() {
    let text = shown(JOB, &Basis::ASSUMED_OPEN);
    assert!(text == include_str!("open.txt"), "it now reads:\n{text}");
}

fn at(state: ProductState) -> Basis {
    let mut basis = Basis { live: true, ..Basis::ASSUMED_OPEN };
    basis.seen.state = Some(state);
    basis.seen.discovered = true;
    basis
}

fn steps(basis: &Basis) -> Vec<&'static str> {
    plan(JOB, basis).steps.iter().map(|s| s.step).collect()
}

#[test]
fn the_plan_of_a_part_in_provisioning_begins_where_the_run_would() {
    let mut basis = at(ProductState::PROVISIONING);
    let tail = ["discover", "close", "prove", "record"];
    assert_eq!(steps(&basis), [&["identify", "preflight", "flash", "obk"][..], &tail[..]].concat());
    basis.seen.receipt = Receipt::Same;
    basis.seen.integrity = Some(INTEGRITY_OK);
    assert_eq!(steps(&basis), [&["identify", "preflight", "flash", "obk"][..], &tail[..]].concat());
    let stays = plan(&JOB.replace("CLOSED", "PROVISIONING"), &basis);
    let words: Vec<_> = stays.steps.iter().map(|s| s.step).collect();
    assert_eq!(words, ["identify", "preflight", "flash", "discover", "record"]);
    assert!(stays.steps.iter().all(|s| s.writes.is_empty()));
}

#[test]
fn a_part_with_nothing_left_to_do_or_no_way_has_no_steps_and_a_reason() {
    let mut basis = at(ProductState::CLOSED);
    assert!(plan(JOB, &basis).stop.unwrap().contains("does not vouch"));
    basis.seen.integrity = Some(INTEGRITY_OK);
    assert!(plan(JOB, &basis).stop.unwrap().contains("its contents can't be"));
    basis.seen.contents = Contents::Same;
    assert!(plan(JOB, &basis).stop.unwrap().contains("already done"));
    assert!(plan(JOB, &at(ProductState::LOCKED)).stop.unwrap().contains("LOCKED"));
    assert!(steps(&basis).is_empty());
}

#[test]
fn only_the_step_to_closed_is_irreversible_without_the_password() {
    let plan = plan(JOB, &Basis::ASSUMED_OPEN);
    let marked: Vec<_> =
        plan.steps.iter().filter(|s| s.reversible == Reversible::OnlyByCredential).map(|s| s.step).collect();
    assert_eq!(marked, ["close"]);
    for step in &plan.steps {
        assert_eq!(step.writes.is_empty(), step.reversible == Reversible::NothingWritten, "{}", step.step);
    }
}

#[test]
fn the_plan_shows_resets_modes_and_patience_of_single_steps() {
    let ways = format!(
        "{JOB}[steps.provisioning]\nreset_after = \"hardware\"\n[steps.obk]\nconnect = \"normal\"\n\
         reset_before = \"system\"\npolicy = {{ \"flash.obk\" = \"250x\" }}\n"
    );
    let text = shown(&ways, &Basis::ASSUMED_OPEN);
    for line in ["reset after: hardware", "reset before: system", "[normal, AP1", "flash.obk=250x"] {
        assert!(text.contains(line), "{line} is not in:\n{text}");
    }
    assert!(!text.contains("no reset afterwards"));
}

#[test]
fn the_plan_is_json_too() {
    let json = serde_json::to_value(plan(JOB, &Basis::ASSUMED_OPEN)).unwrap();
    assert_eq!(json["goal"], "CLOSED");
    assert_eq!(json["steps"][7]["reversible"], "only-by-credential");
}

#[test]
fn a_live_plan_writes_nothing_and_says_when_it_would_have_to_ask_the_rom() {
    let folder = Folder::new();
    let job = folder.job(JOB);
    let mut part = Fake::factory();
    let basis = Basis::read(&job, &mut part).unwrap();
    assert_eq!((basis.seen.state, basis.live), (Some(ProductState::OPEN), true));
    part.cells.borrow_mut().state = ProductState::CLOSED;
    let basis = Basis::read(&job, &mut part).unwrap();
    assert_eq!(basis.seen.state, None);
    assert!(plan(JOB, &basis).stop.unwrap().contains("discover"));
    assert!(part.writes.is_empty());
}

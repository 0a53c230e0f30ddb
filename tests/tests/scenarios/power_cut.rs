//! The supply fails at every single transaction of a provisioning job, and at the start, in the middle and at the end of
//! every busy window. Then the board is powered again and the job is run again, with the journal that the first run left.
//!
//! What must hold: the second run completes or stops in a named state, and no part is ever CLOSED without a credential
//! that takes it back.
//!
//! The second run depends on nothing but the board's memory and the journal (its times aside), so equal pairs run once.

use ackwait_tests::line::{Line, Outcome};
use provision::journal::MemoryShelf;
use regs::h5::state::ProductState;
use std::collections::{BTreeMap, HashMap};
use std::thread;

const BOARD: &str = "h562";
const THREADS: usize = 2;

/// What the second run starts from.
type Left = (Vec<u8>, BTreeMap<String, Vec<u8>>);

/// The journal without its times: what a run can tell from it.
fn timeless(journals: &BTreeMap<String, Vec<u8>>) -> String {
    let lines = |bytes: &Vec<u8>| {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let lines = text.lines().map(|line| match serde_json::from_str::<serde_json::Value>(line) {
            Ok(mut value) => {
                value.as_object_mut().map(|object| object.remove("time"));
                value.to_string()
            }
            Err(_) => line.to_owned(),
        });
        lines.collect::<Vec<_>>().join("\n")
    };
    journals.iter().map(|(uid, bytes)| format!("{uid}\n{}\n", lines(bytes))).collect()
}

/// How a point ended, in words that can be counted.
fn ended(outcome: &Outcome) -> String {
    match &outcome.report.result {
        Ok(end) => format!("{end:?}, {}", outcome.state),
        Err(failure) => format!("stopped ({}) in {}", failure.exit.code(), failure.state_line()),
    }
}

/// Never CLOSED without a credential.
fn assert_safe(outcome: &Outcome, what: &str) {
    let closed = outcome.state == ProductState::CLOSED || outcome.state == ProductState::LOCKED;
    assert!(!closed || outcome.credential, "{what}: {} without a credential", outcome.state);
}

#[derive(Default)]
struct Count {
    points: usize,
    not_cut: usize,
    distinct: HashMap<(Vec<u8>, String), String>,
    ends: BTreeMap<String, usize>,
}

impl Count {
    fn cut(&mut self, line: &Line, fault: &str) {
        let shelf = MemoryShelf::default();
        let first = line.fresh(&format!("{BOARD},{fault}"), &shelf);
        assert_safe(&first, fault);
        self.points += 1;
        if first.report.result.is_ok() {
            // Behind the last thing that mattered: the run was over before the supply was missed.
            self.not_cut += 1;
        }
        let left: Left = (first.image, shelf.contents());
        let key = (left.0.clone(), timeless(&left.1));
        let end = self.distinct.entry(key).or_insert_with(|| again(line, &left, fault));
        *self.ends.entry(end.clone()).or_default() += 1;
    }
}

/// Power is back: the job again, until it says that it is done or stops.
fn again(line: &Line, left: &Left, fault: &str) -> String {
    let shelf = MemoryShelf::holding(&left.1);
    let second = line.on_image(BOARD, &left.0, &shelf);
    assert_safe(&second, fault);
    if second.report.result.is_ok() {
        assert_eq!(second.state, ProductState::CLOSED, "{fault}");
        let third = line.on_image(BOARD, &second.image, &shelf);
        assert_eq!(ended(&third), "AlreadyDone, CLOSED (0x72)", "{fault}: after it was done");
        assert_eq!(third.image, second.image, "{fault}: a finished part was written to");
    }
    ended(&second)
}

/// Cuts at each of these points, on all cores, and prints what came of them.
fn cut_everywhere(title: &str, faults: &[String]) -> BTreeMap<String, usize> {
    let counts: Vec<Count> = thread::scope(|scope| {
        let part = |n: usize| {
            move || {
                let line = Line::load("job.toml");
                let mut count = Count::default();
                faults.iter().skip(n).step_by(THREADS).for_each(|fault| count.cut(&line, fault));
                count
            }
        };
        let threads: Vec<_> = (0..THREADS).map(|n| scope.spawn(part(n))).collect();
        threads.into_iter().map(|t| t.join().expect("all points hold")).collect()
    });
    let points: usize = counts.iter().map(|c| c.points).sum();
    let not_cut: usize = counts.iter().map(|c| c.not_cut).sum();
    let mut distinct: Vec<_> = counts.iter().flat_map(|c| c.distinct.keys()).collect();
    distinct.sort();
    distinct.dedup();
    let mut ends: BTreeMap<String, usize> = BTreeMap::new();
    for (end, n) in counts.iter().flat_map(|c| &c.ends) {
        *ends.entry(end.clone()).or_default() += n;
    }
    println!("{title}: {points} points, {not_cut} of them too late to matter, {} distinct boards", distinct.len());
    ends.iter().for_each(|(end, n)| println!("  {n:>6} x {end}"));
    assert_eq!(points, faults.len());
    ends
}

/// A job without any fault, to know how many points there are.
fn undisturbed() -> Outcome {
    let outcome = Line::load("job.toml").fresh(BOARD, &MemoryShelf::default());
    assert!(outcome.report.result.is_ok());
    outcome
}

#[test]
fn power_lost_at_any_transaction_leaves_a_part_that_the_next_run_finishes() {
    let all = undisturbed().transactions;
    assert!(all > 10_000, "only {all} transactions");
    let faults: Vec<_> = (1..=all).map(|n| format!("cut=tx:{n}")).collect();
    let ends = cut_everywhere("cut at each transaction", &faults);
    assert!(ends.keys().all(|end| end.contains("CLOSED") || end.contains("stopped")), "{ends:?}");
}

#[test]
fn power_lost_in_any_busy_window_leaves_a_part_that_the_next_run_finishes() {
    let windows = undisturbed().busy_windows;
    assert!(windows > 1000, "only {windows} busy windows");
    let parts = ["start", "middle", "end"];
    let faults: Vec<_> =
        (1..=windows).flat_map(|n| parts.iter().map(move |part| format!("cut=busy:{n}:{part}"))).collect();
    let ends = cut_everywhere("cut at the start, middle and end of each busy window", &faults);
    assert!(ends.keys().all(|end| end.contains("CLOSED") || end.contains("stopped")), "{ends:?}");
}

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
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::thread;

const BOARD: &str = "h562";
const STLINK: &str = "h562,probe=stlink-v3";
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

/// CLOSED, and the ROM sees no credential that would take it back.
fn is_lost(outcome: &Outcome) -> bool {
    let closed = outcome.state == ProductState::CLOSED || outcome.state == ProductState::LOCKED;
    closed && !outcome.credential
}

/// Never CLOSED without a credential.
fn assert_safe(outcome: &Outcome, what: &str) {
    assert!(!is_lost(outcome), "{what}: {} without a credential", outcome.state);
}

#[derive(Default)]
struct Count {
    points: usize,
    not_cut: usize,
    distinct: HashMap<(Vec<u8>, String), String>,
    ends: BTreeMap<String, usize>,
    /// The boards at the end of all.
    finished: BTreeSet<Vec<u8>>,
}

impl Count {
    fn cut(&mut self, line: &Line, board: &str, fault: &str) {
        let shelf = MemoryShelf::default();
        let first = line.fresh(&format!("{board},{fault}"), &shelf);
        assert_safe(&first, fault);
        self.points += 1;
        if first.report.result.is_ok() {
            // Behind the last thing that mattered: the run was over before the supply was missed.
            self.not_cut += 1;
        }
        let left: Left = (first.image, shelf.contents());
        let key = (left.0.clone(), timeless(&left.1));
        let end = self.distinct.entry(key).or_insert_with(|| {
            let second = again(line, board, &left, fault);
            let end = ended(&second);
            self.finished.insert(second.image);
            end
        });
        *self.ends.entry(end.clone()).or_default() += 1;
    }
}

/// Power is back: the job again, until it says that it is done or stops.
fn again(line: &Line, board: &str, left: &Left, fault: &str) -> Outcome {
    let shelf = MemoryShelf::holding(&left.1);
    let second = line.on_image(board, &left.0, &shelf);
    assert_safe(&second, fault);
    if second.report.result.is_ok() {
        assert_eq!(second.state, ProductState::CLOSED, "{fault}");
        let third = line.on_image(board, &second.image, &shelf);
        assert_eq!(ended(&third), "AlreadyDone, CLOSED (0x72)", "{fault}: after it was done");
        assert_eq!(third.image, second.image, "{fault}: a finished part was written to");
    }
    second
}

/// Cuts at each of these points, on all cores, and prints what came of them.
fn cut_everywhere(title: &str, board: &str, faults: &[String]) -> BTreeMap<String, usize> {
    let counts: Vec<Count> = thread::scope(|scope| {
        let part = |n: usize| {
            move || {
                let line = Line::load("job.toml");
                let mut count = Count::default();
                faults.iter().skip(n).step_by(THREADS).for_each(|fault| count.cut(&line, board, fault));
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
    let finished: BTreeSet<_> = counts.iter().flat_map(|c| &c.finished).collect();
    println!(
        "{title}: {points} points, {not_cut} of them after the end; {} distinct boards with journals, {} in the end",
        distinct.len(),
        finished.len()
    );
    ends.iter().for_each(|(end, n)| println!("  {n:>6} x {end}"));
    assert_eq!(points, faults.len());
    finished.into_iter().for_each(|image| assert_takes_back(image));
    ends
}

/// The credential does what it is for: the password takes the finished board back to OPEN, and its flash is erased.
fn assert_takes_back(image: &[u8]) {
    let back = Line::load("job.toml").regress_image(BOARD, image, &MemoryShelf::default());
    assert!(back.report.result.is_ok(), "{:?}", back.report.result);
    assert_eq!((back.state, back.credential), (ProductState::OPEN, false));
}

/// A job without any fault, to know how many points there are.
fn undisturbed(board: &str) -> Outcome {
    let outcome = Line::load("job.toml").fresh(board, &MemoryShelf::default());
    assert!(outcome.report.result.is_ok());
    outcome
}

#[test]
fn power_lost_at_any_transaction_leaves_a_part_that_the_next_run_finishes() {
    let all = undisturbed(BOARD).transactions;
    assert!(all > 10_000, "only {all} transactions");
    let faults: Vec<_> = (1..=all).map(|n| format!("cut=tx:{n}")).collect();
    let ends = cut_everywhere("cut at each transaction", BOARD, &faults);
    assert!(ends.keys().all(|end| !end.contains("stopped") && end.contains("CLOSED")), "{ends:?}");
}

#[test]
fn power_lost_in_any_busy_window_leaves_a_part_that_the_next_run_finishes() {
    let windows = undisturbed(BOARD).busy_windows;
    assert!(windows > 1000, "only {windows} busy windows");
    let parts = ["start", "middle", "end"];
    let faults: Vec<_> =
        (1..=windows).flat_map(|n| parts.iter().map(move |part| format!("cut=busy:{n}:{part}"))).collect();
    let ends = cut_everywhere("cut at the start, middle and end of each busy window", BOARD, &faults);
    assert!(ends.keys().all(|end| !end.contains("stopped") && end.contains("CLOSED")), "{ends:?}");
}

/// The busy windows that are not quad-words of the image: erases, option changes and OBK steps at both ends of the job.
fn windows_around_the_image(all: u64) -> impl Iterator<Item = u64> {
    const BEFORE: u64 = 4;
    const AFTER: u64 = 16;
    (1..=BEFORE).chain(all - AFTER..=all)
}

#[test]
fn whatever_a_torn_option_change_leaves_the_next_run_finishes() {
    let all = undisturbed(BOARD).busy_windows;
    for torn in ["old", "new", "mixed"] {
        let faults: Vec<_> = windows_around_the_image(all)
            .flat_map(|n| {
                ["start", "middle", "end"].map(|part| format!("ob.torn={torn},cut=busy:{n}:{part}"))
            })
            .collect();
        let ends = cut_everywhere(&format!("a torn option change leaves `{torn}`"), BOARD, &faults);
        assert!(ends.keys().all(|end| !end.contains("stopped") && end.contains("CLOSED")), "{ends:?}");
    }
}

/// The one moment that no tool can make safe, if the guess [H5-OB-8] is wrong: the second half of the change to CLOSED.
#[test]
fn only_the_change_to_closed_itself_could_lose_a_part_if_a_torn_option_change_hid_the_obk() {
    let line = Line::load("job.toml");
    let all = undisturbed(BOARD).busy_windows;
    let points = windows_around_the_image(all).flat_map(|n| ["start", "middle", "end"].map(|part| (n, part)));
    for (n, part) in points {
        let shelf = MemoryShelf::default();
        let first = line.fresh(&format!("{BOARD},ob.torn.obk=lost,cut=busy:{n}:{part}"), &shelf);
        assert_eq!(is_lost(&first), n == all && part != "start", "window {n} of {all}, {part}");
        let second = line.on_image(&format!("{BOARD},ob.torn.obk=lost"), &first.image, &shelf);
        if is_lost(&first) {
            let failure = second.report.result.expect_err("it must not be called done");
            println!("window {n}, {part}: {failure}");
            assert!(failure.exit != provision::Exit::Done);
        } else {
            assert_eq!(second.state, ProductState::CLOSED, "window {n}, {part}");
            assert_safe(&second, part);
        }
    }
}

/// Coarser, over a probe that moves memory by itself.
#[test]
fn power_lost_while_an_st_link_works_leaves_a_part_that_the_next_run_finishes() {
    const EVERY: usize = 29;
    let whole = undisturbed(STLINK);
    let parts = ["start", "middle", "end"];
    let windows = windows_around_the_image(whole.busy_windows);
    let faults: Vec<_> = (1..=whole.transactions)
        .step_by(EVERY)
        .map(|n| format!("cut=tx:{n}"))
        .chain(windows.flat_map(|n| parts.iter().map(move |part| format!("cut=busy:{n}:{part}"))))
        .collect();
    assert!(faults.len() > 300, "only {} points", faults.len());
    let ends = cut_everywhere("cut over an ST-Link V3", STLINK, &faults);
    assert!(ends.keys().all(|end| !end.contains("stopped") && end.contains("CLOSED")), "{ends:?}");
}

/// A closed part and the journal that closing it left.
fn closed(line: &Line, board: &str) -> Left {
    let shelf = MemoryShelf::default();
    let outcome = line.fresh(board, &shelf);
    assert_eq!(outcome.state, ProductState::CLOSED);
    (outcome.image, shelf.contents())
}

/// Coarse: the way back has few writes, and reads all of the flash at its end.
#[test]
fn power_lost_in_a_regression_leaves_a_part_that_the_next_regression_takes_back() {
    let line = Line::load("job.toml");
    for board in [BOARD, STLINK] {
        let (image, journal) = closed(&line, board);
        let back = |fault: &str, image: &[u8], journal: &BTreeMap<String, Vec<u8>>| {
            let shelf = MemoryShelf::holding(journal);
            let outcome = line.regress_image(&format!("{board}{fault}"), image, &shelf);
            (outcome, shelf.contents())
        };
        let (whole, _) = back("", &image, &journal);
        assert!(whole.report.result.is_ok(), "{:?}", whole.report.result);
        let proof = whole.steps.last().map_or(whole.transactions, |began| began.transactions);
        let parts = ["start", "middle", "end"];
        let points = (1..proof)
            .step_by(13)
            .chain((proof..whole.transactions).step_by(100_000))
            .map(|n| format!(",cut=tx:{n}"))
            .chain((1..=whole.busy_windows).flat_map(|n| parts.map(|part| format!(",cut=busy:{n}:{part}"))));
        let (mut all, mut ends) = (0, BTreeMap::<String, u32>::new());
        let mut distinct = BTreeSet::new();
        for fault in points {
            let (first, left) = back(&fault, &image, &journal);
            assert_safe(&first, &fault);
            *ends.entry(ended(&first)).or_default() += 1;
            all += 1;
            if !distinct.insert((first.image.clone(), timeless(&left))) {
                continue;
            }
            let (second, _) = back("", &first.image, &left);
            assert!(second.report.result.is_ok(), "{board}{fault}: {:?}", second.report.result);
            assert_eq!((second.state, second.credential), (ProductState::OPEN, false), "{board}{fault}");
        }
        println!("regression, {board}: {all} points, {} distinct boards with journals", distinct.len());
        ends.iter().for_each(|(end, n)| println!("  {n:>6} x {end}"));
        assert!(all > 50);
    }
}

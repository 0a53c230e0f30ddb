//! A short run of each fuzz target; `cargo run -p ackwait-tests --bin fuzz -- all --for 10min` is the long one.

use ackwait_tests::fuzz::{Input, Shape, Stop, TARGETS, Target, fuzz};
use std::time::Duration;

/// Enough to run every seed and a little more.
const SHORT: Stop = Stop { inputs: 3000, time: Duration::from_secs(20) };

fn hangs(input: Input) {
    println!("does not end: {:02X?}", input.0);
    std::process::abort();
}

#[test]
fn no_target_falls_in_a_short_run() {
    for target in &TARGETS {
        let report = fuzz(target, 7, SHORT, hangs);
        println!(
            "{}: {} inputs, {} features, slowest {:?}",
            target.name, report.inputs, report.features, report.slowest
        );
        assert!(report.finding.is_none(), "{}: {:02X?}", target.name, report.finding);
        assert!(report.features > 2, "{}: all inputs look the same", target.name);
    }
}

/// Falls over a record that begins with its own length less one, behind a 7.
const BRITTLE: Target = Target {
    name: "brittle",
    about: "to see that something is found",
    seeds: || vec![Input(vec![vec![1, 2, 3, 4], vec![5; 30]])],
    run: |input| {
        let falls = |record: &Vec<u8>| {
            record.first() == Some(&7) && record.get(1).map(|n| usize::from(*n)) == Some(record.len())
        };
        assert!(!input.0.iter().any(falls), "a record like this one");
        let mut shape = Shape::default();
        shape.number(u8::from(input.record(0).first() == Some(&7)));
        shape
    },
};

#[test]
fn what_brings_a_target_down_is_found_and_made_small() {
    std::panic::set_hook(Box::new(|_| ()));
    let report = fuzz(&BRITTLE, 1, Stop { inputs: 2_000_000, time: Duration::from_secs(60) }, hangs);
    drop(std::panic::take_hook());
    let finding = report.finding.expect("found");
    assert_eq!((finding.input.0.len(), finding.what.as_str()), (1, "a record like this one"));
    assert!(finding.input.len() < 8, "{:?}", finding.input);
    let file = finding.input.to_file();
    assert_eq!(Input::from_file(&file).expect("an input"), finding.input);
    assert!(Input::from_file(&file[..file.len() - 1]).is_err());
}

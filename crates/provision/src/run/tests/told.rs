//! What a person is told and asked.

use super::*;

#[test]
fn a_regression_whose_end_nobody_saw_is_not_told_as_a_closed_part() {
    let bench = Bench::new();
    let mut part = bench.closed();
    // The link goes at call 3, when the password was taken.
    part.cut = Some((3, Cut::After));
    let report = bench.regress(&mut part, PASSWORD);
    let failed = failure(&report);
    assert_eq!(failed.exit, Exit::Unknown, "{failed}");
    assert!(failed.state_line().contains("CLOSED (0x72) or OPEN (0xED)"), "{failed}");
    assert!(
        failed.recoverable.contains("ends by itself") && failed.next.contains("do not repeat"),
        "{failed}"
    );
    assert_eq!(report.facts.state, None, "nor does the record say so");
}

#[test]
fn a_damaged_journal_is_named_and_does_not_hide_that_the_part_is_closed() {
    let bench = Bench::new();
    let mut part = bench.closed();
    let mut journals = bench.shelf.contents();
    for bytes in journals.values_mut() {
        let line = bytes.iter().position(|b| *b == b'\n').unwrap();
        bytes[line - 2] ^= 1;
    }
    let shelf = MemoryShelf::holding(&journals);
    let report = run(&bench.job, &bench.goods, &mut part, &shelf, Limits::default(), &mut Quiet);
    let failed = failure(&report);
    assert!(failed.state_line().contains("CLOSED"), "{failed}");
    assert!(failed.error.to_string().contains("line 1 of the journal in memory is damaged"), "{failed}");
    assert_eq!(report.facts.state, Some(ProductState::CLOSED));
}

/// Says yes, and keeps what it was asked.
#[derive(Default)]
struct Asked(Vec<String>);

impl Watch for Asked {
    fn begin(&mut self, _: Step) {}
    fn end(&mut self, _: Step, _: Duration, _: &str) {}
    fn note(&mut self, _: Step, _: &str) {}
    fn progress(&mut self, _: Step, _: Progress) {}
    fn confirm(&mut self, question: &str) -> Answer {
        self.0.push(question.to_owned());
        Answer::Yes
    }
    fn stop(&self) -> bool {
        false
    }
}

#[test]
fn whoever_is_asked_before_a_part_is_closed_is_told_what_its_package_must_say() {
    let bench = Bench::new();
    let mut part = Fake::factory();
    for until in [Some(Step::Provisioning), None] {
        let mut asked = Asked::default();
        let limits = Limits { until, ..Limits::default() };
        assert!(run(&bench.job, &bench.goods, &mut part, &bench.shelf, limits, &mut asked).result.is_ok());
        let [question] = asked.0.as_slice() else { panic!("{:?}", asked.0) };
        assert!(question.contains("Its package must say STM32H562 and not STM32H573."), "{question}");
    }
}

//! What other tools and other stations do to a part between two runs.

use super::*;

/// Another station took the part back and began another job on it: what this journal says about the part is no longer true.
#[test]
fn a_journal_from_before_a_regression_elsewhere_vouches_for_nothing() {
    let bench = Bench::new();
    let part = bench.closed();
    let other = Bench::new();
    let password = Password::from_bytes(b"their-password").unwrap();
    let theirs = ObkFile::build(&h5::obk::ObkSpec::new(regs::h5::device::Family::H562, &password));
    assert_eq!(other.regress(&mut Fake::new(&part.cells), PASSWORD).exit(), Exit::Done);
    let until = Limits { until: Some(Step::Obk), ..Limits::default() };
    run(&other.job, &other.goods, &mut Fake::new(&part.cells), &other.shelf, until, &mut Quiet);
    part.cells.borrow_mut().obk = Some((theirs.to_bytes(), true));

    let mut again = Fake::new(&part.cells);
    assert_eq!(bench.run(&mut again).result.unwrap(), End::Done);
    assert_eq!(again.writes, ["obk", "state CLOSED (0x72)"]);
    never_closed_without_a_way_back(&part.cells.borrow());
    // The same with other contents in flash, which are not written over in PROVISIONING.
    let part = bench.closed();
    assert_eq!(other.regress(&mut Fake::new(&part.cells), PASSWORD).exit(), Exit::Done);
    part.cells.borrow_mut().state = ProductState::PROVISIONING;
    assert_eq!(bench.run(&mut Fake::new(&part.cells)).exit(), Exit::Verify);
}

/// Between two sessions another tool put its own credential in. It is whole, so discovery vouches for it, and the journal
/// has a receipt: of the credential that was there before.
#[test]
fn a_credential_that_another_tool_put_in_between_two_sessions_is_written_over_before_closing() {
    for until in [Step::Obk, Step::Discover] {
        let bench = Bench::new();
        let mut part = Fake::factory();
        let until = Limits { until: Some(until), ..Limits::default() };
        run(&bench.job, &bench.goods, &mut part, &bench.shelf, until, &mut Quiet);
        let password = Password::from_bytes(b"their-password").unwrap();
        let theirs = ObkFile::build(&h5::obk::ObkSpec::new(regs::h5::device::Family::H562, &password));
        part.cells.borrow_mut().obk = Some((theirs.to_bytes(), true));
        let mut again = Fake::new(&part.cells);
        assert_eq!(bench.run(&mut again).result.unwrap(), End::Done);
        never_closed_without_a_way_back(&part.cells.borrow());
        assert_eq!(again.writes, ["obk", "state CLOSED (0x72)"]);
    }
}

#[test]
fn flash_that_another_tool_changed_between_two_sessions_is_noticed_before_closing() {
    let bench = Bench::new();
    let mut part = Fake::factory();
    let until = Limits { until: Some(Step::Discover), ..Limits::default() };
    run(&bench.job, &bench.goods, &mut part, &bench.shelf, until, &mut Quiet);
    part.cells.borrow_mut().flash.insert(0x0800_0000, vec![0; 8192]);
    let mut again = Fake::new(&part.cells);
    assert_eq!(bench.run(&mut again).exit(), Exit::Verify);
    assert!(again.writes.is_empty(), "{:?}", again.writes);
}

/// The gate was passed here, and the part was closed elsewhere: what with, this journal does not know.
#[test]
fn a_part_that_somebody_else_closed_is_not_passed_by_the_receipts_of_a_run_that_stopped_before() {
    let bench = Bench::new();
    let mut part = Fake::factory();
    let until = Limits { until: Some(Step::Discover), ..Limits::default() };
    run(&bench.job, &bench.goods, &mut part, &bench.shelf, until, &mut Quiet);
    part.cells.borrow_mut().state = ProductState::CLOSED;
    let report = bench.run(&mut Fake::new(&part.cells));
    assert_eq!(report.exit(), Exit::Unknown, "{report:?}");
}

//! How hunts end: with a bench or a probe that fails, with somebody who stops them, and how they leave the board.

use hunt::{Book, Cell, Cut, Heading, Hunt, HuntError, Lab, Matrix, Plan, Plug, Reset};
use pace::Policy;
use session::Session;
use std::time::Duration;
use wire::{Bench, BenchError, Cable, Hz};

fn session(scenario: &str) -> Session {
    let options = session::Options {
        probe: format!("sim:{scenario}"),
        policy: Policy::default(),
        swclk: Hz::khz(4000),
        trace: None,
        trace_secrets: false,
        tool: "tests".to_owned(),
    };
    session::open(&options).expect("a session")
}

/// Cells of every cable and with the supply switched, twice each.
fn plan() -> Plan<'static> {
    let cells = [
        Cell::default(),
        Cell { cable: Plug::Charge, ..Cell::default() },
        Cell { reset: Reset::Power, cable: Plug::Out, ..Cell::default() },
        Cell { boot0: true, ..Cell::default() },
    ];
    let matrix = Matrix { rounds: 2, cells: cells.to_vec(), ..Matrix::quick() };
    Plan { matrix, seed: 1, keys: None, route: None, undiscovered: false }
}

/// A bench that does as the simulated one, up to an order that it cannot carry out, or only says that it did.
struct Fickle {
    inner: Box<dyn Bench>,
    fails: &'static str,
    lies: bool,
    asked: Vec<String>,
}

impl Fickle {
    fn new(session: &Session, fails: &'static str, lies: bool) -> Fickle {
        Fickle { inner: session.bench().expect("a bench"), fails, lies, asked: Vec::new() }
    }

    fn ask(
        &mut self,
        what: String,
        act: impl FnOnce(&mut dyn Bench) -> Result<(), BenchError>,
    ) -> Result<(), BenchError> {
        let fails = what == self.fails;
        self.asked.push(what);
        match (fails, self.lies) {
            (false, _) => act(&mut *self.inner),
            (true, true) => Ok(()),
            (true, false) => Err(BenchError("nobody is there".to_owned())),
        }
    }
}

impl Bench for Fickle {
    fn cable(&mut self, cable: Cable) -> Result<(), BenchError> {
        self.ask(format!("{cable:?}"), |bench| bench.cable(cable))
    }
    fn boot0(&mut self, high: bool) -> Result<(), BenchError> {
        self.ask(format!("boot0 {high}"), |bench| bench.boot0(high))
    }
    fn power(&mut self, on: bool) -> Result<(), BenchError> {
        self.ask(format!("power {on}"), |bench| bench.power(on))
    }
    fn press_reset(&mut self, hold: Duration) -> Result<(), BenchError> {
        self.inner.press_reset(hold)
    }
}

/// The end of a hunt, and what the bench was asked.
fn ended(session: &mut Session, fails: &'static str, lies: bool) -> (Result<Hunt, Cut>, Vec<String>) {
    let mut bench = Fickle::new(session, fails, lies);
    let mut lab = Lab::open(&mut session.adi, &mut bench, &plan()).expect("an open lab");
    let end = lab.hunt(&mut Book::none(), &mut |_, _| true);
    drop(lab);
    (end, bench.asked)
}

/// The board as the bench sees it: what is in its connector, and whether it has power.
fn board(session: &Session) -> (Cable, bool) {
    let device = session.device().expect("a simulated probe");
    let now = session.clock().now();
    let mut device = device.borrow_mut();
    let board = device.board_at(now);
    (board.cable_now(), board.has_power())
}

#[test]
fn a_bench_that_fails_ends_the_hunt_and_is_no_failure_of_the_part() {
    for fails in ["power false", "power true", "ChargeOnly", "boot0 true"] {
        let mut session = session("none-00");
        let (end, asked) = ended(&mut session, fails, false);
        let cut = end.expect_err("cut short");
        assert!(matches!(*cut.why, HuntError::Bench(_)), "{fails}: {cut}");
        assert!(cut.hunt.trials.len() < 8 && cut.hunt.trials.iter().all(|t| !t.outcome.fails()), "{fails}");
        assert_eq!(cut.hunt.verdict.cause, None);
        // Whatever failed, the supply was asked to be on again, and the rest was put back.
        let on = asked.iter().rposition(|what| what == "power true");
        assert!(
            asked.iter().rposition(|what| what == "power false").is_none_or(|off| on > Some(off)),
            "{asked:?}"
        );
        assert_eq!(cut.hunt.left.is_empty(), fails != "power true", "{fails}: {:?}", cut.hunt.left);
        assert_eq!(board(&session), (Cable::Out, fails != "power true"), "{fails}");
        assert_eq!(
            asked.iter().rfind(|what| what.starts_with("boot0")).map(String::as_str),
            Some("boot0 false")
        );
    }
}

#[test]
fn a_part_without_its_supply_ends_the_hunt() {
    let mut session = session("none-00");
    let cut = ended(&mut session, "power true", true).0.expect_err("cut short");
    assert!(matches!(*cut.why, HuntError::Part(_)), "{cut}");
    // Without supply nothing pulls NRST up.
    assert!(cut.to_string().contains("nRESET does not go high"), "{cut}");
    assert!(cut.hunt.trials.iter().all(|t| !t.outcome.fails()) && !cut.hunt.left.is_empty());
}

#[test]
fn a_probe_that_goes_ends_the_hunt_with_what_there_is_and_says_that_the_core_may_be_held() {
    let mut session = session("cause-02,unplug=900");
    let cut = ended(&mut session, "", false).0.expect_err("cut short");
    assert!(matches!(*cut.why, HuntError::Part(_)), "{cut}");
    assert!(cut.to_string().contains(" of 8 trials were made"), "{cut}");
    assert!(cut.hunt.left.iter().any(|what| what.contains("C_MASKINTS")), "{:?}", cut.hunt.left);
    assert_eq!(board(&session), (Cable::Out, true));
}

#[test]
fn whoever_stops_a_hunt_finds_the_board_as_after_one_that_came_to_its_end() {
    for trials in 1..8 {
        let mut session = session("none-00");
        let mut bench = Fickle::new(&session, "", false);
        let policy = session.adi.policy().clone();
        let mut lab = Lab::open(&mut session.adi, &mut bench, &plan()).expect("an open lab");
        let cut = lab.hunt(&mut Book::none(), &mut |t, _| t.number + 1 < trials).expect_err("stopped");
        assert!(matches!(*cut.why, HuntError::Stopped));
        assert_eq!((cut.hunt.trials.len(), cut.hunt.left.len()), (trials, 0));
        drop(lab);
        assert_eq!(session.adi.policy(), &policy);
        assert_eq!(session.adi.swclk(), Hz::khz(4000));
        assert_eq!(board(&session), (Cable::Out, true));
    }
}

#[test]
fn a_book_of_another_board_is_refused_before_a_trial() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("book");
    let run = |scenario: &str, resume: bool| {
        let mut session = session(scenario);
        let heading = Heading::of(&plan(), "one probe", session.adi.policy());
        let mut book = Book::open(&path, resume, heading).expect("a book");
        let mut bench = session.bench().expect("a bench");
        let mut lab = Lab::open(&mut session.adi, &mut *bench, &plan()).expect("an open lab");
        lab.hunt(&mut book, &mut |t, _| t.number < 2)
    };
    assert!(run("none-00", false).is_err_and(|cut| cut.hunt.trials.len() == 3));
    let other = run("none-00,uid=112233445566778899aabbcc", true).expect_err("another board");
    assert!(other.to_string().contains("another board") && other.hunt.trials.is_empty(), "{other}");
    let went_on = run("none-00", true).expect_err("stopped again");
    assert_eq!(went_on.hunt.trials.len(), 4, "{went_on}");
}

#[test]
fn the_rom_must_vouch_for_the_part_unless_somebody_says_otherwise() {
    let open = |scenario: &str, undiscovered: bool| {
        let mut session = session(scenario);
        let mut bench = session.bench().expect("a bench");
        let plan = Plan { undiscovered, ..plan() };
        let mut lab = Lab::open(&mut session.adi, &mut *bench, &plan).map_err(|e| e.to_string())?;
        let cut = lab.hunt(&mut Book::none(), &mut |_, _| false).expect_err("stopped");
        Ok::<_, String>(cut.hunt.notes.join("; "))
    };
    let said = open("none-00", false).expect("an open lab");
    assert!(said.contains("no whole keys"), "{said}");
    let refused = open("none-00,da.magic=n6", false).expect_err("refused");
    assert!(
        refused.contains("does not answer a discovery") && refused.contains("way back to OPEN"),
        "{refused}"
    );
    assert!(open("none-00,da.magic=n6", true).expect("let through").contains("let through all the same"));
    let said = open("cause-13", false).expect("an open lab");
    assert!(said.contains("NRST does not reach the part"), "{said}");
    let said = open("h562", false).expect("an open lab");
    assert!(said.contains("the part is OPEN"), "{said}");
}

//! A production line in memory: a job, boards that can lose power, journals that survive.

use crate::options;
use provision::journal::MemoryShelf;
use provision::{FileRule, Goods, Job, Limits, Live, Quiet, Regress, Report};
use session::{Options, Session};
use sim::{Bill, Board, Scenario, SimProbe};
use std::path::{Path, PathBuf};

/// The example that ships with the production tool.
pub fn example(file: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace root");
    root.join("tools/h5-provision/examples/h562").join(file)
}

/// The memory of a factory-new board.
pub fn untouched(scenario: &str) -> Vec<u8> {
    let scenario = Scenario::parse(scenario).expect("a scenario");
    Board::open(&scenario).expect("a board").nonvolatile()
}

/// A job with everything it names.
#[derive(Debug)]
pub struct Line {
    /// The job.
    pub job: Job,
    /// Its files.
    pub goods: Goods,
}

/// What a run left.
#[derive(Debug)]
pub struct Outcome {
    /// The run, told.
    pub report: Report,
    /// What the board remembers without power.
    pub image: Vec<u8>,
    /// The board: product state, credential.
    pub state: regs::h5::state::ProductState,
    /// A credential that fits is in the part.
    pub credential: bool,
    /// What it cost.
    pub bill: Bill,
    /// How many busy windows there were.
    pub busy_windows: u64,
    /// How many transactions the target understood.
    pub transactions: u64,
}

impl Line {
    /// Loads a job of the example.
    pub fn load(file: &str) -> Line {
        let path = example(file);
        Line::parse(&std::fs::read_to_string(&path).expect("a job file"), &path)
    }

    /// A job from its text, as if it stood in this file.
    pub fn parse(text: &str, path: &Path) -> Line {
        let job = Job::parse(text, path).expect("a job");
        let goods = Goods::load(&job, FileRule::Lenient).expect("its files");
        Line { job, goods }
    }

    /// Runs the job on a factory-new board.
    pub fn fresh(&self, scenario: &str, shelf: &MemoryShelf) -> Outcome {
        let scenario = Scenario::parse(scenario).expect("a scenario");
        let board = Board::open(&scenario).expect("a board");
        self.on(board, &scenario, shelf)
    }

    /// The same, recorded into this file.
    pub fn recorded(&self, scenario: &str, path: &Path) -> Outcome {
        let scenario = Scenario::parse(scenario).expect("a scenario");
        let board = Board::open(&scenario).expect("a board");
        let shelf = MemoryShelf::default();
        let how = Options { trace: Some(path.to_owned()), ..self.options() };
        self.act_with(&how, board, &scenario, |target| {
            provision::run(&self.job, &self.goods, target, &shelf, Limits::default(), &mut Quiet)
        })
    }

    /// Runs the job on a board with this memory, freshly powered.
    pub fn on_image(&self, scenario: &str, image: &[u8], shelf: &MemoryShelf) -> Outcome {
        let scenario = Scenario::parse(scenario).expect("a scenario");
        let board = Board::from_nonvolatile(&scenario, image).expect("a board");
        self.on(board, &scenario, shelf)
    }

    /// Takes a board with this memory back to OPEN with the job's password.
    pub fn regress_image(&self, scenario: &str, image: &[u8], shelf: &MemoryShelf) -> Outcome {
        let scenario = Scenario::parse(scenario).expect("a scenario");
        let board = Board::from_nonvolatile(&scenario, image).expect("a board");
        let password = self.goods.password.as_ref().expect("a password");
        let how = Regress { password, limits: Limits::default() };
        self.act(board, &scenario, |target| {
            provision::regress(&self.job, &self.goods, target, shelf, &how, &mut Quiet)
        })
    }

    fn on(&self, board: Board, scenario: &Scenario, shelf: &MemoryShelf) -> Outcome {
        self.act(board, scenario, |target| {
            provision::run(&self.job, &self.goods, target, shelf, Limits::default(), &mut Quiet)
        })
    }

    fn options(&self) -> Options {
        Options { policy: self.job.policy.clone(), swclk: self.job.speed, ..options() }
    }

    fn act(&self, board: Board, scenario: &Scenario, act: impl FnOnce(&mut Live<'_>) -> Report) -> Outcome {
        self.act_with(&self.options(), board, scenario, act)
    }

    fn act_with(
        &self,
        options: &Options,
        board: Board,
        scenario: &Scenario,
        act: impl FnOnce(&mut Live<'_>) -> Report,
    ) -> Outcome {
        let device = SimProbe::with_board(board, scenario).expect("a probe");
        let mut session = Session::simulated(device, options).expect("a session");
        let report = act(&mut Live::new(&mut session.adi));
        let device = session.device().expect("a simulated probe");
        drop(session);
        let device = device.borrow();
        Outcome {
            report,
            image: device.board().nonvolatile(),
            state: device.board().product_state(),
            credential: device.board().has_credential(),
            bill: device.bill(),
            busy_windows: device.board().busy_windows(),
            transactions: device.transactions(),
        }
    }
}

//! A production line in memory: a job, boards that can lose power, journals that survive.

use crate::bill::FLASH;
use crate::options;
use h5::Progress;
use provision::journal::MemoryShelf;
use provision::{Answer, FileRule, Goods, Job, Limits, Live, Regress, Report, Step, Watch};
use regs::h5::flash::SECTOR;
use regs::h5::obk::{header, payload};
use session::{Options, Session, SessionError};
use sim::{Bill, Board, Scenario, SimProbe};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

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
    /// The job's credential is in the part (where the job has none: any that is whole).
    pub credential: bool,
    /// The flash holds the job's images, and nothing else.
    pub firmware: bool,
    /// What it cost.
    pub bill: Bill,
    /// How many busy windows there were.
    pub busy_windows: u64,
    /// How many transactions the target understood.
    pub transactions: u64,
    /// When each step began.
    pub steps: Vec<Began>,
    /// The probe still drives nRESET low when everything is closed.
    pub holds_reset: bool,
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
        let run = |target: &mut Live<'_>, watch: &mut Counting| {
            provision::run(&self.job, &self.goods, target, &shelf, Limits::default(), watch)
        };
        self.act(&how, board, &scenario, run).expect("a session")
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
        let regress = |target: &mut Live<'_>, watch: &mut Counting| {
            provision::regress(&self.job, &self.goods, target, shelf, &how, watch)
        };
        self.act(&self.options(), board, &scenario, regress).expect("a session")
    }

    fn on(&self, board: Board, scenario: &Scenario, shelf: &MemoryShelf) -> Outcome {
        self.try_on(board, scenario, shelf).expect("a session")
    }

    /// Runs the job on a factory-new board, where opening the probe may be what fails.
    ///
    /// # Errors
    /// [`Unopened`].
    pub fn try_fresh(&self, scenario: &str, shelf: &MemoryShelf) -> Result<Outcome, Unopened> {
        let scenario = Scenario::parse(scenario).expect("a scenario");
        let board = Board::open(&scenario).expect("a board");
        self.try_on(board, &scenario, shelf)
    }

    fn try_on(&self, board: Board, scenario: &Scenario, shelf: &MemoryShelf) -> Result<Outcome, Unopened> {
        self.act(&self.options(), board, scenario, |target, watch| {
            provision::run(&self.job, &self.goods, target, shelf, Limits::default(), watch)
        })
    }

    fn options(&self) -> Options {
        Options { policy: self.job.policy.clone(), swclk: self.job.speed, ..options() }
    }

    fn act(
        &self,
        options: &Options,
        board: Board,
        scenario: &Scenario,
        act: impl FnOnce(&mut Live<'_>, &mut Counting) -> Report,
    ) -> Result<Outcome, Unopened> {
        let device = SimProbe::with_board(board, scenario).expect("a probe");
        let device = Rc::new(RefCell::new(device));
        let mut session = Session::over(Rc::clone(&device), options).map_err(|error| {
            let device = device.borrow();
            Unopened {
                error: Box::new(error),
                image: device.board().nonvolatile(),
                holds_reset: device.holds_reset(),
            }
        })?;
        let mut watch = Counting { device: Rc::clone(&device), began: Vec::new() };
        let report = act(&mut Live::new(&mut session.adi), &mut watch);
        drop(session);
        let device = device.borrow();
        Ok(Outcome {
            report,
            image: device.board().nonvolatile(),
            state: device.board().product_state(),
            credential: self.fits(device.board()),
            firmware: flash(device.board()) == self.images(),
            bill: device.bill(),
            busy_windows: device.board().busy_windows(),
            transactions: device.transactions(),
            steps: watch.began,
            holds_reset: device.holds_reset(),
        })
    }

    /// The credential of the job is in the part.
    fn fits(&self, board: &Board) -> bool {
        let Some(obk) = &self.goods.obk else { return board.has_credential() };
        let bytes = obk.file.to_bytes();
        let wanted = &bytes[header::LEN + payload::CREDENTIAL..header::LEN + payload::RESERVED];
        board.credential().is_some_and(|found| found == wanted)
    }

    /// The sectors that the job fills, whole, behind their numbers.
    fn images(&self) -> BTreeMap<u32, Vec<u8>> {
        let mut sectors = BTreeMap::new();
        for part in &self.goods.firmware.sectors {
            let offset = part.at.0 - FLASH.0;
            let sector = sectors.entry(offset / SECTOR).or_insert_with(|| vec![0xFF; SECTOR as usize]);
            sector[(offset % SECTOR) as usize..][..part.data.len()].copy_from_slice(&part.data);
        }
        sectors
    }
}

/// The sectors that are not blank, behind their numbers; a torn one reads as nothing that a job could want.
fn flash(board: &Board) -> BTreeMap<u32, Vec<u8>> {
    let whole = |bytes: &[u8], torn| if torn { Vec::new() } else { bytes.to_vec() };
    board.sectors().map(|(number, bytes, torn)| (number, whole(bytes, torn))).collect()
}

/// A probe that could not be opened, and what that left.
#[derive(Debug)]
pub struct Unopened {
    /// Why.
    pub error: Box<SessionError>,
    /// What the board remembers without power.
    pub image: Vec<u8>,
    /// The probe drives nRESET low all the same.
    pub holds_reset: bool,
}

/// Notes how many packets and answers there were when a step began; says yes to everything.
struct Counting {
    device: Rc<RefCell<SimProbe>>,
    began: Vec<Began>,
}

/// When a step began: packets to the probe and answers fetched so far.
#[derive(Debug, Clone, Copy)]
pub struct Began {
    /// The step.
    pub step: Step,
    /// Packets to the probe.
    pub packets: u64,
    /// Answers.
    pub answers: u64,
    /// Transactions that the target understood.
    pub transactions: u64,
}

impl Watch for Counting {
    fn begin(&mut self, step: Step) {
        let device = self.device.borrow();
        let (bill, transactions) = (device.bill(), device.transactions());
        self.began.push(Began { step, packets: bill.usb_out, answers: bill.usb_in, transactions });
    }
    fn end(&mut self, _: Step, _: Duration, _: &str) {}
    fn note(&mut self, _: Step, _: &str) {}
    fn progress(&mut self, _: Step, _: Progress) {}
    fn confirm(&mut self, _: &str) -> Answer {
        Answer::Yes
    }
    fn stop(&self) -> bool {
        false
    }
}

//! `hunt`: why does a write time out?

use crate::cli::{Format, How};
use crate::output::Output;
use crate::target::{self, Target};
use crate::trouble::Trouble;
use clap::{Args, Subcommand};
use h5::obk::{ObkFile, ObkSpec};
use h5::{ObkRoute, Password};
use hunt::{Book, BookError, Hunt, HuntError, Lab, Matrix};
use provision::{Exit, FileRule, load_password};
use session::Session;
use std::io::{BufRead as _, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use wire::{ApSel, Bench, BenchError, Cable};
use zeroize::Zeroizing;

#[derive(Debug, Subcommand)]
pub(crate) enum HuntCommand {
    /// Keys and option bytes: the part must be in PROVISIONING, which the trials do not change.
    ObkTimeout(KeyArgs),
    /// Option bytes only: they are written as they are, in OPEN or PROVISIONING.
    ObTimeout(HuntArgs),
}

#[derive(Debug, Args)]
pub(crate) struct HuntArgs {
    /// Which conditions are tried: quick, full, or a TOML file with `rounds` and `[[cell]]`s.
    #[arg(long, default_value = "quick", value_name = "quick|full|FILE")]
    pub(crate) matrix: String,
    /// How often each condition is tried, instead of what the matrix says.
    #[arg(long, value_name = "N")]
    pub(crate) rounds: Option<u32>,
    /// Decides the order of the trials.
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub(crate) seed: u64,
    /// Keep each trial in this file as it is made.
    #[arg(long, value_name = "FILE")]
    pub(crate) book: Option<PathBuf>,
    /// Go on with the trials that the book holds.
    #[arg(long, requires = "book")]
    pub(crate) resume: bool,
    /// Write the report with histograms to this file.
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
    /// A program that plugs and switches: it is called with `cable out|charge|data`, `boot0 low|high`, `power on|off`.
    /// Without it a person is asked.
    #[arg(long, value_name = "PROGRAM")]
    pub(crate) bench_cmd: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct KeyArgs {
    #[command(flatten)]
    pub(crate) hunt: HuntArgs,
    /// The keys to write. A simulated board needs none.
    #[arg(long, value_name = "FILE", requires = "password_file")]
    pub(crate) obk: Option<PathBuf>,
    /// The password that opens the part again; it must belong to the keys.
    #[arg(long, value_name = "FILE", requires = "obk")]
    pub(crate) password_file: Option<PathBuf>,
    /// The way into the part: direct, rsslib or rss-command. Default: what fits it.
    #[arg(long)]
    pub(crate) route: Option<ObkRoute>,
}

/// The password of a simulated board's keys. It protects nothing.
const SIMULATED_PASSWORD: &[u8] = b"simulated-board";

pub(crate) fn hunt(command: &HuntCommand, how: &How, output: &mut Output) -> Result<(), Trouble> {
    let args = match command {
        HuntCommand::ObkTimeout(keys) => &keys.hunt,
        HuntCommand::ObTimeout(args) => args,
    };
    let matrix = matrix(args)?;
    let found = target::with(how, output, |target, output| {
        let keys = match command {
            HuntCommand::ObkTimeout(keys) => Some((keys_of(keys, target)?, keys.route)),
            HuntCommand::ObTimeout(_) => None,
        };
        let mut bench = bench(args, &target.session)?;
        let (route, keys) = match &keys {
            Some(((file, password), route)) => (*route, Some((file, password))),
            None => (None, None),
        };
        let mut lab = Lab::open(target.adi(), &mut *bench, matrix, keys, route).map_err(explained)?;
        let mut book = args.book.as_deref().map_or_else(Book::none, |path| Book::at(path, args.resume));
        let mut done = 0;
        let mut progress = |trial: &hunt::Trial, of: usize| {
            done = trial.number + 1;
            output.progress("trials", done, of);
            !output.stopped()
        };
        lab.hunt(args.seed, &mut book, &mut progress).map_err(explained)
    })?;
    if let Some(path) = &args.html {
        let written = std::fs::write(path, hunt::html(&found));
        written.map_err(|e| Trouble::new(Exit::Storage, format!("{}: {e}", path.display())))?;
    }
    show(&found, how.format, output);
    Ok(())
}

fn show(found: &Hunt, format: Format, output: &mut Output) {
    output.data(format, "hunt", hunt::json(found), || hunt::page(found));
}

fn matrix(args: &HuntArgs) -> Result<Matrix, Trouble> {
    let mut matrix = match args.matrix.as_str() {
        "quick" => Matrix::quick(),
        "full" => Matrix::full(),
        file => {
            let text = std::fs::read_to_string(file).map_err(|e| {
                Trouble::usage(format!("`{file}` is neither quick nor full, and as a file: {e}"))
            })?;
            Matrix::parse(&text).map_err(|e| Trouble::usage(format!("{file}: {e}")))?
        }
    };
    matrix.rounds = args.rounds.unwrap_or(matrix.rounds);
    matrix.check().map_err(|e| Trouble::usage(e.to_string()))?;
    Ok(matrix)
}

/// The keys and their password: those of the files, or a simulated board's own.
fn keys_of(args: &KeyArgs, target: &mut Target) -> Result<(ObkFile, Password), Trouble> {
    if let (Some(obk), Some(password)) = (&args.obk, &args.password_file) {
        return Ok((load(obk)?, load_password(password, FileRule::Strict).map_err(unreadable)?.0));
    }
    if !target.session.is_simulated() {
        let why = "a real part needs --obk FILE and --password-file FILE: keys that nobody has the password of would shut it";
        return Err(
            Trouble::new(Exit::Refused, why).next("`h5-provision obk build` makes keys from a password")
        );
    }
    let identity = h5::identify(target.adi(), ApSel(regs::h5::device::AP1.ap))?;
    let password = Password::from_bytes(SIMULATED_PASSWORD)
        .map_err(|e| Trouble::new(Exit::Bug, format!("the simulated board's password: {e}")))?;
    let file = ObkFile::build(&ObkSpec::new(identity.device.family, &password));
    Ok((file, password))
}

fn load(path: &Path) -> Result<ObkFile, Trouble> {
    let bytes = std::fs::read(path).map(Zeroizing::new);
    let bytes = bytes.map_err(|e| Trouble::usage(format!("{} cannot be read: {e}", path.display())))?;
    ObkFile::parse(&bytes).map_err(|e| Trouble::usage(format!("{}: {e}", path.display())))
}

fn unreadable(e: provision::CredentialError) -> Trouble {
    Trouble::new(e.exit(), e.to_string())
}

fn explained(e: HuntError) -> Trouble {
    let text = e.to_string();
    match e {
        HuntError::Refused(_) => {
            Trouble::new(Exit::Refused, text).next("`ackwait info` shows the part and its state")
        }
        HuntError::Part(e) => e.into(),
        HuntError::Bench(_) => Trouble::new(Exit::Confirm, text)
            .next("run it on a terminal, or name a program: `--bench-cmd PROGRAM`"),
        HuntError::Book(BookError::Io { .. }) => Trouble::new(Exit::Storage, text),
        HuntError::Book(BookError::Other { .. }) => Trouble::usage(text),
        HuntError::Stopped { .. } => Trouble::new(Exit::Interrupted, text),
    }
}

/// Whose hands there are: the simulated board's own, a program's, or a person's.
fn bench(args: &HuntArgs, session: &Session) -> Result<Box<dyn Bench>, Trouble> {
    if let Some(program) = &args.bench_cmd {
        return Ok(Box::new(Program(program.clone())));
    }
    if let Some(bench) = session.bench() {
        return Ok(bench);
    }
    if std::io::stdin().is_terminal() {
        return Ok(Box::new(Person));
    }
    let why = "somebody has to move the board's USB cable, and nobody is there";
    Err(Trouble::new(Exit::Confirm, why)
        .next("run it on a terminal, or name a program: `--bench-cmd PROGRAM`"))
}

fn word(cable: Cable) -> &'static str {
    match cable {
        Cable::Out => "out",
        Cable::ChargeOnly => "charge",
        Cable::Data => "data",
    }
}

/// A program that drives relays.
struct Program(PathBuf);

impl Program {
    fn call(&self, what: &str, how: &str) -> Result<(), BenchError> {
        let failed = |why: String| BenchError(format!("{} {what} {how}: {why}", self.0.display()));
        let status =
            Command::new(&self.0).args([what, how]).stdin(Stdio::null()).stdout(Stdio::null()).status();
        match status {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(failed(status.to_string())),
            Err(e) => Err(failed(e.to_string())),
        }
    }
}

impl Bench for Program {
    fn cable(&mut self, cable: Cable) -> Result<(), BenchError> {
        self.call("cable", word(cable))
    }

    fn boot0(&mut self, high: bool) -> Result<(), BenchError> {
        self.call("boot0", if high { "high" } else { "low" })
    }

    fn power(&mut self, on: bool) -> Result<(), BenchError> {
        self.call("power", if on { "on" } else { "off" })
    }

    fn press_reset(&mut self, hold: Duration) -> Result<(), BenchError> {
        self.call("reset", &format!("{}ms", hold.as_millis()))
    }
}

/// A person, asked on the terminal.
struct Person;

impl Person {
    fn ask(what: &str) -> Result<(), BenchError> {
        let failed = |e: std::io::Error| BenchError(e.to_string());
        let mut err = std::io::stderr();
        std::io::Write::write_all(&mut err, format!("bench: {what}, then press Enter: ").as_bytes())
            .map_err(failed)?;
        match std::io::stdin().lock().read_line(&mut String::new()).map_err(failed)? {
            0 => Err(BenchError("nobody is there any more".to_owned())),
            _ => Ok(()),
        }
    }
}

impl Bench for Person {
    fn cable(&mut self, cable: Cable) -> Result<(), BenchError> {
        Person::ask(match cable {
            Cable::Out => "pull the cable out of the board's own USB connector",
            Cable::ChargeOnly => {
                "connect the board's own USB connector to a charger, or by a cable without data"
            }
            Cable::Data => "connect the board's own USB connector to a running computer",
        })
    }

    fn boot0(&mut self, high: bool) -> Result<(), BenchError> {
        Person::ask(if high { "tie BOOT0 to VDD" } else { "tie BOOT0 to ground" })
    }

    fn power(&mut self, on: bool) -> Result<(), BenchError> {
        let what = if on { "on again" } else { "off; leave the cable in its own USB connector as it is" };
        Person::ask(&format!("switch the board's supply {what}"))
    }

    fn press_reset(&mut self, hold: Duration) -> Result<(), BenchError> {
        Person::ask(&format!("press the reset button for {} ms", hold.as_millis()))
    }
}

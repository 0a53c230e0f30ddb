//! `hunt`: why does a write time out?

mod bench;

use crate::cli::{Format, How};
use crate::output::Output;
use crate::target::{self, Target};
use crate::trouble::Trouble;
use clap::{Args, Subcommand};
use h5::obk::{ObkFile, ObkSpec};
use h5::{ObkRoute, Password};
use hunt::{Book, BookError, Cut, Heading, Hunt, HuntError, Lab, Matrix, Plan, VARIED};
use provision::{Exit, FileRule, load_password};
use serde_json::json;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use wire::ApSel;
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
    /// Go on where the ROM does not vouch for the part: nobody then knows of a way back to OPEN.
    #[arg(long)]
    pub(crate) without_discovery: bool,
    /// Write the report with histograms to this file, which must not be there.
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
    /// The way into the part: direct or rsslib. Default: what fits it.
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
    free_keys(&how.set)?;
    if how.dry_run {
        show_plan(command, &matrix, how.format, output);
        return Ok(());
    }
    let mut html = args.html.as_deref().map(Reserved::at).transpose()?;
    let ended = target::with(how, output, |target, output| {
        let keys = match command {
            HuntCommand::ObkTimeout(keys) => Some((keys_of(keys, target)?, keys.route)),
            HuntCommand::ObTimeout(_) => None,
        };
        let (route, keys) = match &keys {
            Some(((file, password), route)) => (*route, Some((file, password))),
            None => (None, None),
        };
        let plan = Plan { matrix, seed: args.seed, keys, route, undiscovered: args.without_discovery };
        let mut book = book(args, &plan, how, target)?;
        let mut bench = bench::bench(args.bench_cmd.as_deref(), &target.session)?;
        let mut lab = Lab::open(target.adi(), &mut *bench, &plan).map_err(explained)?;
        let mut progress = |trial: &hunt::Trial, of: usize| {
            output.progress("trials", trial.number + 1, of);
            !output.stopped()
        };
        Ok(lab.hunt(&mut book, &mut progress))
    })?;
    match ended {
        Ok(found) => {
            show(&found, how.format, output);
            html.as_mut().map_or(Ok(()), |file| file.write(&hunt::html(&found)))?;
            as_found(&found)
        }
        Err(cut) => {
            if !cut.hunt.trials.is_empty() {
                show(&cut.hunt, how.format, output);
            }
            Err(cut_short(cut, args))
        }
    }
}

fn show(found: &Hunt, format: Format, output: &mut Output) {
    output.data(format, "hunt", hunt::json(found), || hunt::page(found));
}

/// What would be tried. Nothing is opened and nothing touched.
fn show_plan(command: &HuntCommand, matrix: &Matrix, format: Format, output: &mut Output) {
    let object = json!({ "matrix": matrix, "trials": matrix.trials(), "varied": VARIED });
    output.data(format, "hunt-plan", object, || {
        let mut lines =
            vec![format!("{} trials: each of these cells {} times", matrix.trials(), matrix.rounds)];
        lines.extend(matrix.cells.iter().map(|cell| format!("  {cell}")));
        let keys = if matches!(command, HuntCommand::ObkTimeout(_)) { ", then the keys" } else { "" };
        lines.push(format!("each begins with its reset and writes the option bytes as they are{keys}"));
        lines
    });
}

/// Keys of the policy that the trials vary are no keys to set.
fn free_keys(set: &[String]) -> Result<(), Trouble> {
    let key = |setting: &String| setting.split('=').next().unwrap_or_default().trim().to_owned();
    match set.iter().map(key).find(|key| VARIED.contains(&key.as_str())) {
        None => Ok(()),
        Some(key) => Err(Trouble::usage(format!("`{key}` is one of the things that the trials vary"))
            .next("a matrix file says how: `limit_ms`, and `budget` and `poll_us` of a cell")),
    }
}

/// The book, opened before anybody is asked to move a cable.
fn book(args: &HuntArgs, plan: &Plan<'_>, how: &How, target: &mut Target) -> Result<Book, Trouble> {
    let Some(path) = &args.book else { return Ok(Book::none()) };
    let simulated = target.session.is_simulated();
    let probe = how.probe.clone().filter(|_| simulated).unwrap_or_else(|| target.session.probe_line());
    let heading = Heading::of(plan, &probe, target.adi().policy());
    Book::open(path, args.resume, heading).map_err(|e| explained(e.into()))
}

/// A file that is there for what comes at the end, so that its place cannot turn out to be wrong after hours.
struct Reserved {
    path: PathBuf,
    file: Option<File>,
}

impl Reserved {
    fn at(path: &Path) -> Result<Reserved, Trouble> {
        let failed = |e: io::Error| {
            Trouble::new(Exit::Storage, format!("{}: {e}", path.display()))
                .next("another name for --html; nothing was tried")
        };
        let file = File::create_new(path).map_err(failed)?;
        Ok(Reserved { path: path.to_owned(), file: Some(file) })
    }

    fn write(&mut self, text: &str) -> Result<(), Trouble> {
        let Some(mut file) = self.file.take() else { return Ok(()) };
        let failed = |e| Trouble::new(Exit::Storage, format!("{}: {e}", self.path.display())).told();
        file.write_all(text.as_bytes()).map_err(failed)
    }
}

impl Drop for Reserved {
    /// A report that was never written leaves no empty file.
    fn drop(&mut self) {
        if self.file.is_some() && std::fs::remove_file(&self.path).is_err() {
            log::debug!("{} stays, empty", self.path.display());
        }
    }
}

/// A board that is not left as it was is no success.
fn as_found(found: &Hunt) -> Result<(), Trouble> {
    if found.left.is_empty() {
        return Ok(());
    }
    let why = "the hunt came to its end, and the board is not left as it was";
    Err(left(Trouble::new(Exit::Unknown, why).told(), found))
}

fn left(mut trouble: Trouble, found: &Hunt) -> Trouble {
    if !found.left.is_empty() {
        trouble.state = Some(found.left.join("; "));
        trouble = trouble.next(
            "take all power from the board, its USB cable included; then supply on, BOOT0 low, and `ackwait status`",
        );
    }
    trouble
}

/// A hunt that did not come to its end.
fn cut_short(cut: Cut, args: &HuntArgs) -> Trouble {
    let text = cut.to_string();
    let Cut { why, hunt } = cut;
    let stopped = matches!(*why, HuntError::Stopped);
    let mut trouble = explained(*why);
    trouble.text = text;
    trouble.told = !hunt.trials.is_empty();
    if stopped {
        let next = match &args.book {
            Some(_) => "the same command with --resume goes on",
            None => "`--book FILE` keeps trials; only then can --resume go on",
        };
        trouble = trouble.next(next);
    }
    left(trouble, &hunt)
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
        HuntError::Unvouched(_) => Trouble::new(Exit::Refused, text)
            .next("`ackwait doctor reset`, `ackwait da discover`; --without-discovery goes on all the same"),
        HuntError::Part(e) => e.into(),
        HuntError::Bench(_) => Trouble::new(Exit::Confirm, text)
            .next("run it on a terminal, or name a program: `--bench-cmd PROGRAM`"),
        HuntError::Book(BookError::Io { .. }) => Trouble::new(Exit::Storage, text),
        HuntError::Book(BookError::Other { .. }) => {
            Trouble::usage(text).next("name another file with --book, or leave --resume out")
        }
        HuntError::Stopped => Trouble::new(Exit::Interrupted, text),
        HuntError::Held(_) => Trouble::new(Exit::Unknown, text)
            .next("take all power from the board, its USB cable included; then `ackwait status`"),
        HuntError::Changed { .. } | HuntError::Torn { .. } => Trouble::new(Exit::Unknown, text)
            .next("`ackwait ob repair`, then `ackwait ob read` and `ackwait status`"),
    }
}

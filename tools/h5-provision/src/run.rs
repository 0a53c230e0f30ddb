//! `run` and `regress`.

use crate::cli::{Keeping, Recording, RegressArgs, RunArgs};
use crate::console::{Console, Output};
use crate::open::{TOOL, close, flight_file, open, shelf};
use crate::trouble::Trouble;
use provision::journal::Folder;
use provision::record::{self, Book, Station};
use provision::{End, Exit, Failure, FileRule, Goods, Job, Live, Regress, Report, RunError, load_password};
use session::Session;
use std::path::{Path, PathBuf};

/// Lines of the flight recorder that fit a terminal.
const SHORT: usize = 16;

pub(crate) fn run(args: &RunArgs, output: &mut Output) -> Result<Exit, Trouble> {
    let job = crate::job::load(&args.job, &args.tuning)?;
    let limits = crate::job::limits(args.until.as_deref(), args.deadline.as_deref())?;
    // Everything that can be refused without a probe is refused before one is opened.
    let mut goods = Goods::load(&job, FileRule::Lenient)?;
    let shelf = shelf(args.keeping.journal.as_ref())?;
    replay_leaves_no_traces(&args.probe, &args.keeping)?;
    record_can_be_kept(&args.keeping)?;
    spare(&args.recording, needed(&job, &args.keeping))?;
    let mut session = open(&args.probe, &job.policy, job.speed, &args.recording, output)?;
    if !session.is_simulated() {
        goods.strict()?;
    }
    let yes = args.yes || session.is_simulated();
    let mut console = Console::new(output, args.format.format, yes);
    console.head(&job.name(), &session.probe_line(), &job.policy.name);
    let mut target = Live::new(&mut session.adi);
    let report = provision::run(&job, &goods, &mut target, &shelf, limits, &mut console);
    let verdict = verdict(&report, job.goal.word());
    let ending = Ending { job: &job, goods: &goods, report: &report, shelf: &shelf, what: "run", verdict };
    ending.finish(session, &args.recording, &args.keeping, console)
}

/// A recording that plays the probe has the UID of a part that may be real: nothing is kept about that part.
fn replay_leaves_no_traces(probe: &str, keeping: &Keeping) -> Result<(), Trouble> {
    if !probe.starts_with("replay:") {
        return Ok(());
    }
    if keeping.record.is_some() {
        return Err(Trouble::usage("--record is for parts, and a recording that plays the probe is none"));
    }
    if keeping.journal.is_none() {
        return Err(Trouble::usage(
            "the journals know the part that was recorded: give a replay a folder of its own with --journal",
        ));
    }
    Ok(())
}

pub(crate) fn regress(args: &RegressArgs, output: &mut Output) -> Result<Exit, Trouble> {
    let job = crate::job::for_regress(args)?;
    let limits = crate::job::limits(None, args.deadline.as_deref())?;
    let file = args.password_file.as_ref().or(job.password_file.as_ref());
    let file = file.ok_or_else(|| Trouble::usage("the job names no password file: give --password-file"))?;
    // Read once: the file may be a pipe.
    let (password, exposed) =
        load_password(file, if job.production { FileRule::Strict } else { FileRule::Lenient })?;
    let shelf = shelf(args.keeping.journal.as_ref())?;
    replay_leaves_no_traces(&args.probe, &args.keeping)?;
    record_can_be_kept(&args.keeping)?;
    let mut files = needed(&job, &args.keeping);
    files.push(file.clone());
    spare(&args.recording, files)?;
    let mut session = open(&args.probe, &job.policy, job.speed, &args.recording, output)?;
    let warning = match exposed {
        Some(e) if !session.is_simulated() => return Err(e.into()),
        exposed => exposed.map(|e| e.waived()),
    };
    let goods = Goods::none();
    let yes = args.yes || session.is_simulated();
    let mut console = Console::new(output, args.format.format, yes);
    console.head(&job.name(), &session.probe_line(), &job.policy.name);
    if let Some(warning) = warning {
        console.output.say(&format!("regress: {warning}"));
    }
    let how = Regress { password: &password, limits };
    let mut target = Live::new(&mut session.adi);
    let report = provision::regress(&job, &goods, &mut target, &shelf, &how, &mut console);
    let verdict = verdict(&report, "OPEN");
    let ending =
        Ending { job: &job, goods: &goods, report: &report, shelf: &shelf, what: "regress", verdict };
    ending.finish(session, &args.recording, &args.keeping, console)
}

/// The files that a recording must not be written over.
fn needed(job: &Job, keeping: &Keeping) -> Vec<PathBuf> {
    let mut files = vec![job.path.clone()];
    files.extend(job.obk.iter().map(|obk| obk.path.clone()));
    files.extend(job.password_file.clone());
    files.extend(job.images.iter().map(|image| image.path.clone()));
    files.extend(keeping.record.iter().flat_map(|record| [record.clone(), record::head_path(record)]));
    files
}

fn spare(recording: &Recording, needed: Vec<PathBuf>) -> Result<(), Trouble> {
    session::spare(recording.trace.as_deref(), needed.iter().map(PathBuf::as_path))
        .map_err(|e| Trouble::usage(e.to_string()))
}

/// A record that cannot be kept is noticed before anything is done that it should tell of.
fn record_can_be_kept(keeping: &Keeping) -> Result<(), Trouble> {
    if let Some(path) = &keeping.record {
        Book::open(path)?;
    }
    Ok(())
}

fn verdict(report: &Report, goal: &str) -> String {
    let uid = report.facts.uid.as_deref().unwrap_or("unknown part");
    match &report.result {
        Ok(End::Done) if goal == "CLOSED" => format!("{uid}: CLOSED, proven by discovery"),
        Ok(End::Done) => format!("{uid}: {goal}"),
        Ok(End::AlreadyDone) => format!("{uid}: already done, {goal}"),
        Ok(End::Until(step)) => format!("{uid}: stopped after {step}"),
        Err(_) => String::new(),
    }
}

/// What happens after the last step.
struct Ending<'a> {
    job: &'a Job,
    goods: &'a Goods,
    report: &'a Report,
    shelf: &'a Folder,
    what: &'static str,
    verdict: String,
}

impl Ending<'_> {
    /// Closes the session, keeps the record and the flight recorder, says how it went.
    fn finish(
        self,
        session: Session,
        recording: &Recording,
        keeping: &Keeping,
        mut console: Console<'_>,
    ) -> Result<Exit, Trouble> {
        let station = Station {
            tool: TOOL.to_owned(),
            operator: keeping.operator.clone(),
            station: keeping.station.clone(),
            probe: session.probe_line(),
            simulated: session.clock().is_virtual(),
            trace: recording.trace.as_ref().map(|p| p.display().to_string()),
            what: self.what,
        };
        let closing = close(session, console.output);
        let kept = keeping.record.as_deref().map(|path| self.keep_record(path, &station, console.output));
        let kept = kept.transpose();
        let mut extra = Vec::new();
        if let Ok(closing) = &closing {
            extra.extend(closing.bill.clone().map(|bill| ("bill", bill)));
            extra.extend(closing.trace.as_ref().map(|t| ("trace", t.display().to_string())));
        }
        let record = keeping.record.as_ref().filter(|_| kept.is_ok());
        extra.extend(record.map(|r| ("record", r.display().to_string())));
        console.tail(self.report, &self.verdict, &extra);
        if let Err(failure) = &self.report.result {
            let uid = self.report.facts.uid.as_deref();
            let path = flight_file(recording.trace.as_ref(), keeping.record.as_ref(), &self.shelf.0, uid);
            tell(failure, &path, console.output);
            return Ok(failure.exit);
        }
        let ended = |trouble: Trouble| {
            let state = self.report.facts.state.map_or_else(|| "not known".to_owned(), |s| s.to_string());
            trouble.state(format!("{state}; the run itself ended well ({})", self.verdict)).next(
                "see to the files named above, then the same command again: it finds the part as it is and writes its record",
            )
        };
        closing.map_err(ended)?;
        kept.map_err(ended)?;
        Ok(Exit::Done)
    }

    /// A record that cannot be kept now is shown, so that it is not lost.
    fn keep_record(&self, path: &Path, station: &Station, output: &mut Output) -> Result<(), Trouble> {
        let record = record::record(self.job, self.goods, self.report, station);
        let kept = Book::open(path).and_then(|mut book| book.append(record.clone()));
        kept.map_err(|e| {
            output.say(&format!("the record could not be kept: {e}; here it is:"));
            output.say(&serde_json::Value::Object(record).to_string());
            // Much may have been written by now: this is no mistake on the command line.
            Trouble::new(Exit::Storage, e.to_string())
        })
    }
}

/// A failure on standard error, and the whole flight recorder in a file.
fn tell(failure: &Failure, path: &Path, output: &mut Output) {
    let interrupted = matches!(failure.error, RunError::Interrupted);
    let short = failure.short_flight(SHORT);
    if !short.is_empty() && !interrupted {
        output.say("the last accesses:");
        short.iter().for_each(|line| output.say(&format!("  {line}")));
    }
    output.say(&format!("error: {failure}"));
    if failure.flight.is_empty() {
        return;
    }
    let written = path.parent().map_or(Ok(()), std::fs::create_dir_all);
    match written.and_then(|()| std::fs::write(path, format!("{failure}\n\n{}", failure.flight))) {
        Ok(()) => output.say(&format!("  flight:      {}", path.display())),
        Err(e) => {
            output.say(&format!("  the flight recorder could not be written to {}: {e}", path.display()));
            failure.flight.lines().for_each(|line| output.say(&format!("  {line}")));
        }
    }
}

//! `cargo run -p ackwait-tests --bin fuzz -- TARGET --for 10min`: feeds a target mutated inputs until the time is over, or until
//! one brings it down. Then the input is made small, kept in a file, and the exit code is 1.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command prints what it does")]

use ackwait_tests::fuzz::{Input, Stop, TARGETS, Target, fuzz, target};
use pace::Patience;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

const USAGE: &str =
    "usage: fuzz TARGET|all|list [--for 10min] [--inputs N] [--seed N] [--out FOLDER] [--replay FILE]";

/// An input that takes longer is worth a look.
const SLOW: Duration = Duration::from_millis(250);

/// What was asked for.
struct Asked {
    target: String,
    stop: Stop,
    seed: u64,
    out: PathBuf,
    replay: Option<PathBuf>,
}

fn main() -> ExitCode {
    match asked(std::env::args().skip(1)).and_then(|asked| act(&asked)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::from(2)
        }
    }
}

fn asked(mut args: impl Iterator<Item = String>) -> Result<Asked, String> {
    let target = args.next().ok_or(USAGE)?;
    let stop = Stop { inputs: u64::MAX, time: Duration::from_secs(60) };
    let mut asked =
        Asked { target, stop, seed: 1, out: std::env::temp_dir().join("ackwait-fuzz"), replay: None };
    while let Some(option) = args.next() {
        let value = args.next().ok_or_else(|| format!("{option} takes a value; {USAGE}"))?;
        let number = || value.parse::<u64>().map_err(|e| format!("{option} {value}: {e}"));
        match option.as_str() {
            "--for" => asked.stop.time = time(&value)?,
            "--inputs" => asked.stop.inputs = number()?,
            "--seed" => asked.seed = number()?,
            "--out" => asked.out = value.into(),
            "--replay" => asked.replay = Some(value.into()),
            _ => return Err(format!("{option} is not known; {USAGE}")),
        }
    }
    Ok(asked)
}

/// `90s`, `10min`, and `10m` as people type it.
fn time(text: &str) -> Result<Duration, String> {
    let minutes = text.strip_suffix('m').map(|minutes| format!("{minutes}min"));
    match minutes.as_deref().unwrap_or(text).parse() {
        Ok(Patience::Time(time)) => Ok(time),
        _ => Err(format!("{text} is no time; 90s or 10min is one")),
    }
}

fn act(asked: &Asked) -> Result<bool, String> {
    match asked.target.as_str() {
        "list" => {
            TARGETS.iter().for_each(|target| println!("{:<14} {}", target.name, target.about));
            Ok(true)
        }
        "all" => TARGETS.iter().try_fold(true, |good, target| Ok(one(target, asked)? && good)),
        name => {
            one(target(name).ok_or_else(|| format!("no target is called {name}; try `fuzz list`"))?, asked)
        }
    }
}

fn one(target: &'static Target, asked: &Asked) -> Result<bool, String> {
    if let Some(file) = &asked.replay {
        let bytes = std::fs::read(file).map_err(|e| format!("{}: {e}", file.display()))?;
        let input = Input::from_file(&bytes).map_err(|e| format!("{}: {e}", file.display()))?;
        println!("{}: {:#018x}", target.name, (target.run)(&input).value());
        return Ok(true);
    }
    let Asked { stop, seed, out, .. } = asked;
    let (folder, name) = (out.clone(), target.name);
    std::panic::set_hook(Box::new(|_| ()));
    let report = fuzz(target, *seed, *stop, move |input| {
        eprintln!("{name}: does not end: {}", keep(&folder, name, "hang", &input));
        std::process::exit(1);
    });
    drop(std::panic::take_hook());
    let rate = report.inputs as f64 / report.took.as_secs_f64().max(1e-9);
    println!(
        "{name}: {} inputs in {:.0} s ({rate:.0}/s), {} features, corpus {}, slowest {:.1} ms, seed {seed}",
        report.inputs,
        report.took.as_secs_f64(),
        report.features,
        report.corpus,
        report.slowest.as_secs_f64() * 1e3,
    );
    if report.slowest > SLOW {
        println!("{name}: the slowest input: {}", keep(out, name, "slow", &report.slow));
    }
    let Some(finding) = report.finding else { return Ok(true) };
    println!("{name}: FOUND: {}", finding.what);
    println!(
        "  {} records, {} bytes: {}",
        finding.input.0.len(),
        finding.input.len(),
        keep(out, name, "panic", &finding.input)
    );
    Ok(false)
}

/// Keeps an input, and says where.
fn keep(folder: &Path, target: &str, kind: &str, input: &Input) -> String {
    let file = folder.join(format!("{target}-{kind}.bin"));
    let kept = std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&file, input.to_file()));
    match kept {
        Ok(()) => format!("kept in {}; again with --replay", file.display()),
        Err(error) => {
            format!("{} could not be written ({error}); the input is {:02X?}", file.display(), input.0)
        }
    }
}

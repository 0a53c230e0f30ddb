//! `ackwait`: the whole STM32H5 by hand.
//!
//! **What it is.** The command line over the ADI engine and the STM32H5 driver: list probes, say who is there and in which
//! state, read, write and watch registers and memory, control the core, reset; flash, option bytes, product state, OBK, OTP,
//! debug authentication by password and by certificates; what is wrong with probe, reset line and USB; `hunt` for the cause
//! of a write that times out; `survey` of what the notes claim. Each command opens the probe, attaches in hotplug mode unless
//! told otherwise, does what it was asked, and lets go. Data goes to standard output, everything else to standard error.
//!
//! **What it knows.** Flags, names of registers, how values are shown, what must be agreed to before it is done. `--dry-run`
//! rehearses a command on a simulated board in the state of the real one and shows its accesses.
//!
//! **What it must not know.** Which kinds of probes there are (the session does), what WAIT and FAULT mean (the engine does).
//!
//! **Specification.** Exit codes: `ackwait exit-codes`. JSON: one object with a `schema`, such as `ackwait.info/1`.
//!
//! **Not supported.** Secure and non-secure views of the core's own registers.

mod cert;
mod chip;
mod cli;
mod consent;
mod core;
mod da;
mod doctor;
mod dry;
mod flash;
mod given;
mod hunt;
mod info;
mod list;
mod man;
mod mem;
mod number;
mod ob;
mod obk;
mod otp;
mod output;
mod policy;
mod registers;
mod reset;
mod seq;
mod state;
mod status;
mod survey;
mod target;
#[cfg(test)]
mod tests;
mod trouble;
mod udev;
mod value;

pub use cli::Cli;
pub use output::Output;
pub use provision::Exit;

use clap::{CommandFactory as _, FromArgMatches as _};
use cli::{Command, Format};
use serde_json::json;
use std::ffi::OsString;
use std::io::{BufWriter, IsTerminal as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use trouble::Trouble;

/// Runs the tool as a process does: arguments, streams and signals are the process's own.
pub fn main() -> ExitCode {
    env_logger::init();
    let err = std::io::stderr();
    let out = std::io::stdout();
    let terminals = [out.is_terminal(), err.is_terminal()];
    let mut output = Output::new(Box::new(BufWriter::new(out)), Box::new(err));
    let [no_color, term] = ["NO_COLOR", "TERM"].map(std::env::var_os);
    output.terminal = terminals[1];
    output.colours = terminals.map(|on| output::colours(on, no_color.as_deref(), term.as_deref()));
    // They only raise a flag: the work stops at its next safe point and lets go of NRST. Every wait has an end.
    for signal in STOPS {
        if let Err(e) = signal_hook::flag::register(signal, Arc::clone(&output.stop)) {
            output.say(&format!("signal {signal} cannot be caught: {e}"));
        }
    }
    ExitCode::from(run_with(std::env::args_os(), &mut output).code())
}

/// The signals that ask to stop; the last one comes when a terminal is closed.
#[cfg(unix)]
const STOPS: [i32; 3] =
    [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM, signal_hook::consts::SIGHUP];
#[cfg(not(unix))]
const STOPS: [i32; 2] = [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM];

/// Runs the tool with these arguments and streams.
pub fn run_with(args: impl IntoIterator<Item = OsString>, output: &mut Output) -> Exit {
    let exit = match parse(args) {
        Ok((mut cli, files)) => {
            if let Some(other) = cli.how.trace.as_mut().and_then(session::name_recording) {
                output.say(&other);
            }
            dispatch(&cli, &files, output)
        }
        Err(e) if e.use_stderr() => {
            output.say(e.to_string().trim_end());
            Exit::Usage
        }
        Err(help) => {
            output.print(help.to_string().trim_end());
            Exit::Done
        }
    };
    match output.finish() {
        Ok(()) => exit,
        Err(e) => {
            output.say(&format!("error: the output cannot be written: {e}"));
            if exit == Exit::Done { Exit::Bug } else { exit }
        }
    }
}

/// The command line, and every file that it names beside the recording.
fn parse(args: impl IntoIterator<Item = OsString>) -> Result<(Cli, Vec<PathBuf>), clap::Error> {
    let mut command = cli::help::command();
    let matches = command.try_get_matches_from_mut(args)?;
    let cli = Cli::from_arg_matches(&matches).map_err(|e| e.format(&mut command))?;
    let (mut files, mut level) = (Vec::new(), Some(&matches));
    while let Some(matches) = level {
        for id in matches.ids().filter(|id| id.as_str() != "trace") {
            // What is no path is of another type.
            let paths = matches.try_get_many::<PathBuf>(id.as_str()).ok().flatten();
            files.extend(paths.into_iter().flatten().cloned());
        }
        level = matches.subcommand().map(|(_, matches)| matches);
    }
    files.extend(cli.how.policy.as_ref().map(PathBuf::from));
    Ok((cli, files))
}

fn dispatch(cli: &Cli, files: &[PathBuf], output: &mut Output) -> Exit {
    let spare = session::spare(cli.how.trace.as_deref(), files.iter().map(PathBuf::as_path));
    let done = spare.map_err(|e| Trouble::usage(e.to_string())).and_then(|()| obey(cli, output));
    match done {
        Ok(()) => Exit::Done,
        Err(trouble) => {
            report(&trouble, cli.how.format, output);
            trouble.exit
        }
    }
}

fn obey(cli: &Cli, output: &mut Output) -> Result<(), Trouble> {
    let how = &cli.how;
    match &cli.command {
        Command::List => list::list(how, output),
        Command::Info(args) => info::info(args, how, output),
        Command::Status(args) => status::status(args, how, output),
        Command::Flash(command) => flash::flash(command, how, output),
        Command::Ob(command) => ob::ob(command, how, output),
        Command::State(command) => state::state(command, how, output),
        Command::Obk(command) => obk::obk(command, how, output),
        Command::Otp(command) => otp::otp(command, how, output),
        Command::Da(command) => da::da(command, how, output),
        Command::Dp(command) => registers::dp(command, how, output),
        Command::Ap(command) => registers::ap(command, how, output),
        Command::Mem(command) => mem::mem(command, how, output),
        Command::Core(command) => core::core(command, how, output),
        Command::Reset(args) => reset::reset(args, how, output),
        Command::Hunt(command) => hunt::hunt(command, how, output),
        Command::Survey(args) => survey::survey(args, how, output),
        Command::Seq(args) => seq::seq(args, how, output),
        Command::Doctor(command) => doctor::doctor(command, how, output),
        Command::Man { out } => man::man(out, output),
        Command::Udev(command) => udev::udev(command, output),
        Command::Policy(command) => policy::policy(command, how, output),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "ackwait", &mut script);
            output.raw(&script);
            Ok(())
        }
        Command::ExitCodes => {
            exit_codes(how.format, output);
            Ok(())
        }
    }
}

/// An error goes to standard error; as JSON it goes to standard output too, where a program looks.
fn report(trouble: &Trouble, format: Format, output: &mut Output) {
    trouble.lines().iter().for_each(|line| output.say(line));
    if format == Format::Json && !trouble.told {
        let error = json!({
            "text": trouble.text, "code": trouble.exit.code(), "word": trouble.exit.word(), "state": trouble.state,
            "evidence": trouble.evidence, "recoverable": trouble.recoverable, "next": trouble.next,
        });
        output.data(format, "error", json!({ "error": error }), Vec::new);
    }
}

fn exit_codes(format: Format, output: &mut Output) {
    let codes = Exit::ALL.iter();
    let object = codes.clone().map(|e| json!({ "code": e.code(), "word": e.word(), "meaning": e.meaning() }));
    let object = json!({ "codes": object.collect::<Vec<_>>() });
    output.data(format, "exit-codes", object, || {
        codes.map(|e| format!("{:>3}  {:<16} {}", e.code(), e.word(), e.meaning())).collect()
    });
}

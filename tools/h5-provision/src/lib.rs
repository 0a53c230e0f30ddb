//! `h5-provision`: takes an STM32H5 from OPEN to CLOSED and back, and proves it.
//!
//! **What it is.** The command line around `provision`: it reads flags, opens a session, shows what happens, asks before what
//! cannot simply be taken back, and ends with an exit code that means one thing. Data goes to standard output, everything
//! else to standard error.
//!
//! **What it knows.** Flags, terminals, signals, where files go.
//!
//! **What it must not know.** Which kinds of probes there are (the session does), how a part is worked on.
//!
//! **Specification.** Exit codes: `h5-provision exit-codes`.
//!
//! **Not supported.** Several parts at once.

mod cli;
mod console;
mod discover;
mod job;
mod obk;
mod open;
mod plan;
mod run;
mod show;
#[cfg(test)]
mod tests;
mod trouble;

pub use cli::Cli;
pub use console::Output;

use clap::Parser as _;
use cli::Command;
use provision::Exit;
use std::ffi::OsString;
use std::io::IsTerminal as _;
use std::process::ExitCode;
use std::sync::Arc;
use trouble::Trouble;

/// Runs the tool as a process does: arguments, streams and signals are the process's own.
pub fn main() -> ExitCode {
    env_logger::init();
    no_core_dumps();
    let (out, err) = (std::io::stdout(), std::io::stderr());
    let terminal = err.is_terminal();
    let mut output = Output::new(Box::new(out), Box::new(err));
    output.terminal = terminal;
    output.asks = std::io::stdin().is_terminal();
    output.catch_signals = catch_signals;
    ExitCode::from(run_with(std::env::args_os(), &mut output).code())
}

/// They only raise a flag: the run stops at its next safe point and lets go of NRST. Every wait for a probe has an end, so it
/// comes. The wait for a file that is a pipe has none, which is why this happens after the files were read.
fn catch_signals(output: &mut Output) {
    for signal in STOPS {
        if let Err(e) = signal_hook::flag::register(signal, Arc::clone(&output.stop)) {
            output.say(&format!("signal {signal} cannot be caught: {e}"));
        }
    }
}

/// The signals that ask a run to stop; the last one comes when a terminal is closed.
#[cfg(unix)]
const STOPS: [i32; 3] =
    [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM, signal_hook::consts::SIGHUP];
#[cfg(not(unix))]
const STOPS: [i32; 2] = [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM];

/// Runs the tool with these arguments and streams.
pub fn run_with(args: impl IntoIterator<Item = OsString>, output: &mut Output) -> Exit {
    let mut cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(e) if e.use_stderr() => {
            output.say(e.to_string().trim_end());
            return Exit::Usage;
        }
        Err(help) => {
            output.print(help.to_string().trim_end());
            return told(Exit::Done, output);
        }
    };
    if let Some(other) = cli.command.trace().and_then(session::name_recording) {
        output.say(&other);
    }
    let done = match &cli.command {
        Command::Run(args) => run::run(args, output),
        Command::Regress(args) => run::regress(args, output),
        Command::Plan(args) => plan::plan(args, output),
        Command::Discover(args) => discover::discover(args, output),
        Command::Obk(args) => obk::obk(args, output),
        Command::Policy(args) => show::policy(args, output),
        Command::Record(args) => show::record(args, output),
        Command::ExitCodes(args) => show::exit_codes(args, output),
    };
    match done {
        Ok(exit) => told(exit, output),
        Err(Trouble { exit, text, state, next }) => {
            output.say(&format!("error: {text}"));
            if let Some(state) = state {
                output.say(&format!("  state now:   {state}"));
            }
            if let Some(next) = next {
                output.say(&format!("  next:        {next}"));
            }
            output.say(&format!("  exit code:   {exit}"));
            exit
        }
    }
}

/// What nobody could read is not done.
fn told(exit: Exit, output: &mut Output) -> Exit {
    let Some(e) = output.lost() else { return exit };
    let text =
        format!("error: standard output cannot be written: {e}; what the command did to a part stands");
    output.say(&text);
    if exit == Exit::Done { Exit::Storage } else { exit }
}

/// A core dump of this process could hold a password.
fn no_core_dumps() {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        if let Err(e) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
            log::warn!("core dumps cannot be switched off: {e}");
        }
    }
}

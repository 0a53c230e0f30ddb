//! `swdtrace`: shows and counts what happened between a host, a probe and a target.
//!
//! **What it is.** The command line over the `trace` crate; `main` only calls [`run`].
//!
//! **What it knows.** Arguments, layout of the output, exit codes.
//!
//! **What it must not know.** Formats and protocols: `trace` has them.
//!
//! **Specification.** Output: one line for each event, or one JSON object a line; data on standard output, warnings on
//! standard error.
//!
//! **Not supported.** Recording other programs, comparing two traces, exports.

mod show;
mod stat;

use clap::{Parser, Subcommand, ValueEnum};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use trace::read::Device;
use trace::{Options, Trace};

/// All went well.
const OK: u8 = 0;
/// The output could not be written.
const BUG: u8 = 1;
/// Wrong arguments, or a file that cannot be read or is no recording.
const USAGE: u8 = 2;
/// The recording is cut off; what it holds was shown.
const TRUNCATED: u8 = 61;

/// Shows and counts what happened between a host, a probe and a target.
#[derive(Debug, Parser)]
#[command(
    name = "swdtrace",
    version,
    after_help = "Exit codes:\n  0   done\n  1   the output could not be written\n  2   wrong arguments, a file that \
                  cannot be read, or no recording\n  61  the recording is cut off; what it holds was shown"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Shows what happened, one line for each event.
    Show(Show),
    /// Counts transactions, accesses, bytes and round trips.
    Stat(Stat),
}

#[derive(Debug, clap::Args)]
struct Input {
    /// The recording (pcapng or pcap with usbmon records), or - for standard input.
    file: PathBuf,
    /// Which device is the probe, as BUS.ADDRESS, where the recording holds several.
    #[arg(long, value_name = "BUS.ADDRESS")]
    device: Option<Device>,
}

#[derive(Debug, clap::Args)]
struct Show {
    #[command(flatten)]
    input: Input,
    /// 0 USB transfers, 1 probe commands, 2 SWD transactions, 3 memory accesses, 4 registers by name, 5 actions.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u8).range(0..=5))]
    level: u8,
    /// Leave out the marks that the driver wrote.
    #[arg(long, overrides_with = "_marks")]
    no_marks: bool,
    /// Show the marks that the driver wrote (default).
    #[arg(long = "marks", overrides_with = "no_marks")]
    _marks: bool,
    /// Below each action, show the accesses that it consists of.
    #[arg(long)]
    causes: bool,
    /// The form of the output.
    #[arg(long, value_enum, default_value_t = ShowFormat::Text)]
    format: ShowFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ShowFormat {
    /// Lines for a reader.
    Text,
    /// One JSON object a line.
    Jsonl,
}

#[derive(Debug, clap::Args)]
struct Stat {
    #[command(flatten)]
    input: Input,
    /// The form of the output.
    #[arg(long, value_enum, default_value_t = StatFormat::Text)]
    format: StatFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum StatFormat {
    /// Lines for a reader.
    Text,
    /// One JSON object.
    Json,
}

/// Why there is no output.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{}: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("{}: {source}", path.display())]
    Trace { path: PathBuf, source: trace::TraceError },
    #[error("output: {0}")]
    Output(#[from] io::Error),
}

/// Runs the command line `args` (the program's name first) and gives the exit code.
pub fn run<I, T>(args: I, out: &mut dyn Write, err: &mut dyn Write) -> u8
where
    I: IntoIterator<Item = T>,
    T: Into<std::ffi::OsString> + Clone,
{
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(e) => {
            let (to, code): (&mut dyn Write, u8) = if e.use_stderr() { (err, USAGE) } else { (out, OK) };
            // Nothing is left to do when even this cannot be written.
            let _ = write!(to, "{e}");
            return code;
        }
    };
    let done = match &cli.command {
        Command::Show(args) => open(&args.input, err).and_then(|trace| {
            let view = show::View {
                level: wire::Level::from_number(args.level).unwrap_or(wire::Level::Action),
                marks: !args.no_marks,
                causes: args.causes,
            };
            match args.format {
                ShowFormat::Text => show::text(&trace, &view, out)?,
                ShowFormat::Jsonl => show::jsonl(&trace, &view, out)?,
            }
            Ok(trace)
        }),
        Command::Stat(args) => open(&args.input, err).and_then(|trace| {
            match args.format {
                StatFormat::Text => stat::text(&trace, out)?,
                StatFormat::Json => stat::json(&trace, out)?,
            }
            Ok(trace)
        }),
    };
    match done.and_then(|trace| out.flush().map(|()| trace).map_err(Failure::from)) {
        Ok(trace) if trace.truncated_at().is_some() => TRUNCATED,
        Ok(_) => OK,
        // Whoever reads has seen enough.
        Err(Failure::Output(e)) if e.kind() == io::ErrorKind::BrokenPipe => OK,
        Err(failure) => {
            let _ = writeln!(err, "swdtrace: {failure}");
            if matches!(failure, Failure::Output(_)) { BUG } else { USAGE }
        }
    }
}

fn open(input: &Input, err: &mut dyn Write) -> Result<Trace, Failure> {
    let path = &input.file;
    let bytes = bytes(path).map_err(|source| Failure::Read { path: path.clone(), source })?;
    let options = Options { device: input.device };
    let trace =
        trace::open_with(&bytes, &options).map_err(|source| Failure::Trace { path: path.clone(), source })?;
    for warning in trace.warnings() {
        let _ = writeln!(err, "swdtrace: warning: {warning}");
    }
    Ok(trace)
}

fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    if path == Path::new("-") {
        let mut bytes = Vec::new();
        io::stdin().lock().read_to_end(&mut bytes)?;
        return Ok(bytes);
    }
    std::fs::read(path)
}

#[cfg(test)]
mod tests;

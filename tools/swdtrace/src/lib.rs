//! `swdtrace`: records, shows, counts, compares and hands on what happened between a host, a probe and a target.
//!
//! **What it is.** The command line over the `trace` crate; `main` only calls [`run`].
//!
//! **What it knows.** Arguments, layout of the output, exit codes.
//!
//! **What it must not know.** Formats and protocols: `trace` has them.
//!
//! **Specification.** Wireshark's extcap interface, by its developer's guide. Output: one line for each event, or one
//! JSON object a line; data on standard output, warnings on standard error.
//!
//! **Not supported.** Recording other programs anywhere but on Linux; a probe that gets another address while it is
//! recorded.

mod cost;
mod diff;
mod export;
mod extcap;
mod lint;
mod output;
mod progress;
mod reading;
mod record;
mod redact;
mod replay;
mod show;
mod stat;
mod wireshark;

use clap::{Parser, Subcommand, ValueEnum};
use pace::RealClock;
use progress::Progress;
use reading::Reading;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufReader, IsTerminal as _, Read, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use trace::read::Device;
use trace::{Channels, Options, Pieces, Trace, TraceError};

/// All went well.
const OK: u8 = 0;
/// The output could not be written.
const BUG: u8 = 1;
/// Two recordings differ, or something was found in one.
const DIFFERENT: u8 = 1;
/// Wrong arguments, or a file that cannot be read or is no recording.
const USAGE: u8 = 2;
/// Not everything is there: the recording is cut off or has holes, the form of an export has no place for something, or
/// something of a recording could not be looked at for secrets.
const INCOMPLETE: u8 = 61;

/// Shows, counts and compares what happened between a host, a probe and a target.
#[derive(Debug, Parser)]
#[command(
    name = "swdtrace",
    version,
    after_help = "Exit codes: 0 done, the same, nothing found; 1 different, something found;\n2 trouble; 61 not all is \
                  there; record: that of the command",
    after_long_help = "Exit codes:\n  \
                  0   done; diff: the same; lint: nothing found\n  \
                  1   diff: different; lint: something found; others: the output could not be\n      written\n  \
                  2   wrong arguments, a file that cannot be read, or no recording\n  \
                  61  not all is there: the recording is cut off or has holes (what it holds\n      \
                  was shown), an export has no place for something, or redact could not\n      \
                  look at everything; standard error says what\n\
                  record: that of the command; 2 when nothing was run; 61 when the command\n\
                  succeeded and the kernel lost records"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// What happened, one line for each event.
    Show(show::Args),
    /// How much, how long, what went wrong.
    Stat(Stat),
    /// What one recording does that the other does not.
    Diff(diff::Args),
    /// What works by luck, costs for nothing or touches what it should not.
    Lint(lint::Args),
    /// What was spent, beside the least that the same accesses need.
    Cost(cost::Args),
    /// The same in a form that other programs read.
    Export(export::Args),
    /// Record what a command says to a probe, whatever program it is.
    Record(record::Record),
    /// The same accesses again, as a script for OpenOCD or pyOCD.
    Replay(replay::Replay),
    /// Teach Wireshark marks and transactions, and to watch live.
    Wireshark(wireshark::Wireshark),
    /// Mask the secrets of a recording, so that others may have it.
    Redact(redact::Redact),
}

/// Over the options that say how a recording is read.
const READING: &str = "Reading";

#[derive(Debug, clap::Args)]
struct Input {
    /// The recording, capture of the pins or log; - for standard input
    ///
    /// A recording (pcapng or pcap with records of usbmon, USBPcap or macOS), logic capture (sigrok .sr, VCD, CSV of sigrok
    /// or Saleae, folder with Saleae's digital_N.bin) or text log (OpenOCD -d3/-d4, pyOCD's trace loggers, probe-rs with
    /// RUST_LOG=probe_rs=trace, STM32CubeProgrammer -vb 3, J-Link), or - for standard input. The content tells which.
    file: PathBuf,
    /// Which device is the probe, as BUS.ADDRESS, where the recording holds several.
    #[arg(long, value_name = "BUS.ADDRESS", hide_short_help = true, help_heading = READING)]
    device: Option<Device>,
    #[command(flatten)]
    pins: Pins,
    #[command(flatten)]
    reading: Reading,
}

/// Where the pins are in a logic capture.
#[derive(Debug, Clone, clap::Args)]
struct Pins {
    /// The channel of SWCLK in a logic capture, by name, by the number in its name, or by its place from 0 on, where its name
    /// does not say it.
    #[arg(long, value_name = "CHANNEL", hide_short_help = true, help_heading = READING)]
    swclk: Option<String>,
    /// The channel of SWDIO.
    #[arg(long, value_name = "CHANNEL", hide_short_help = true, help_heading = READING)]
    swdio: Option<String>,
    /// The channel of nRESET.
    #[arg(long, value_name = "CHANNEL", hide_short_help = true, help_heading = READING)]
    nrst: Option<String>,
}

#[derive(Debug, clap::Args)]
struct Stat {
    #[command(flatten)]
    input: Input,
    /// The form of the output.
    #[arg(long, value_enum, value_name = "FORM", default_value_t = StatFormat::Text)]
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
    File { path: PathBuf, source: io::Error },
    #[error("{}: {source}", path.display())]
    Trace { path: PathBuf, source: TraceError },
    #[error("{}: {source} (--swclk, --swdio, --nrst)", path.display())]
    Channel { path: PathBuf, source: TraceError },
    #[error("{}: {source}", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("{0}")]
    NotComparable(#[from] trace::diff::NotComparable),
    #[error("{} is what is read: it was not overwritten; give the output another name", .0.display())]
    SameFile(PathBuf),
    #[error("{}: no folder of Saleae's binary exports: there is no digital_N.bin in it; name a file", .0.display())]
    Folder(PathBuf),
    #[error("{}: nothing in it could be decoded", .0.display())]
    NothingDecoded(PathBuf),
    #[error("{0}")]
    Record(String),
    #[error("output: {0}")]
    Output(#[from] io::Error),
}

/// Runs the command line `args` (the program's name first) and gives the exit code.
pub fn run<I, T>(args: I, out: &mut dyn Write, err: &mut dyn Write) -> u8
where
    I: IntoIterator<Item = T>,
    T: Into<OsString>,
{
    let args: Vec<OsString> = args.into_iter().map(Into::into).collect();
    if extcap::is_meant(&args) {
        return extcap::run(&args, out, err);
    }
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
        Command::Show(args) => show::run(args, out, err),
        Command::Stat(args) => stat(args, out, err),
        Command::Diff(args) => diff::run(args, out, err),
        Command::Lint(args) => lint::run(args, out, err),
        Command::Cost(args) => cost::run(args, out, err),
        Command::Export(args) => export::run(args, out, err),
        Command::Record(args) => record::run(args, err),
        Command::Replay(args) => replay::run(args, out, err),
        Command::Wireshark(args) => wireshark::run(args, out, err),
        Command::Redact(args) => redact::run(args, err),
    };
    match done.and_then(|code| out.flush().map(|()| code).map_err(Failure::from)) {
        Ok(code) => code,
        // Whoever reads has seen enough.
        Err(Failure::Output(e)) if e.kind() == io::ErrorKind::BrokenPipe => OK,
        Err(failure) => {
            let _ = writeln!(err, "swdtrace: {failure}");
            if matches!(failure, Failure::Output(_))
                && !matches!(cli.command, Command::Diff(_) | Command::Lint(_))
            {
                BUG
            } else {
                USAGE
            }
        }
    }
}

fn stat(args: &Stat, out: &mut dyn Write, err: &mut dyn Write) -> Result<u8, Failure> {
    sum(&args.input, out, err, |counts: &mut trace::Counts, piece, out| {
        counts.add(piece);
        if piece.is_last() {
            let stat = std::mem::take(counts).stat(piece);
            match args.format {
                StatFormat::Text => stat::text(piece, stat, out)?,
                StatFormat::Json => json(&stat, out)?,
            }
        }
        Ok(())
    })
}

/// What pieces add up to: the sum, what is printed of it, what is warned of, and the exit code.
#[derive(Debug, Default)]
struct Sum<T> {
    sum: T,
    printed: Vec<u8>,
    warnings: Vec<u8>,
    code: u8,
}

/// Adds up the pieces of a recording, prints what `add` prints, and says whether the recording is complete.
fn sum<T: Default>(
    input: &Input,
    out: &mut dyn Write,
    err: &mut dyn Write,
    mut add: impl FnMut(&mut T, &Trace, &mut dyn Write) -> Result<(), Failure>,
) -> Result<u8, Failure> {
    let mut whole = Sum::default();
    let read = with_pieces(input, |pieces| {
        whole = pieces.sum(|all: &mut Sum<T>, piece| {
            if piece.is_last() {
                warn(piece, &mut 0, &mut all.warnings);
                all.code = complete(piece);
            }
            add(&mut all.sum, piece, &mut all.printed).map_err(Unread::Failure)
        })?;
        Ok(())
    });
    read.map_err(|unread| unread.about(&input.file))?;
    let _ = err.write_all(&whole.warnings);
    out.write_all(&whole.printed)?;
    Ok(whole.code)
}

/// One JSON object.
fn json(value: &impl serde::Serialize, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, value)?;
    writeln!(out)
}

fn complete(trace: &Trace) -> u8 {
    if trace.truncated_at().is_some() || trace.lost() > 0 { INCOMPLETE } else { OK }
}

/// Shows each piece of a recording in turn, and says whether the recording is complete. What is warned of is said before the
/// first piece, and what only the last one tells behind that.
fn pieces(
    input: &Input,
    err: &mut dyn Write,
    mut see: impl FnMut(&Trace) -> Result<ControlFlow<()>, Failure>,
) -> Result<u8, Failure> {
    let (mut told, mut code) = (0, OK);
    let read = with_pieces(input, |pieces| {
        pieces.each(|piece| {
            warn(piece, &mut told, err);
            code = complete(piece);
            see(piece).map_err(Unread::Failure)
        })
    });
    read.map_err(|unread| unread.about(&input.file)).map(|()| code)
}

/// Says what is warned of and was not said yet.
fn warn(trace: &Trace, told: &mut usize, err: &mut dyn Write) {
    for warning in trace.warnings().iter().skip(*told) {
        let _ = writeln!(err, "swdtrace: warning: {warning}");
    }
    *told = trace.warnings().len();
}

/// Opens a recording that has to be held whole.
fn open(input: &Input, err: &mut dyn Write) -> Result<Trace, Failure> {
    let trace = read(input).map_err(|unread| unread.about(&input.file))?;
    warn(&trace, &mut 0, err);
    Ok(trace)
}

/// Why a recording could not be read, without its path.
enum Unread {
    Io(io::Error),
    Trace(TraceError),
    /// A folder without a file for a channel.
    NoChannels,
    /// It could be read, and what came of it could not be used.
    Failure(Failure),
}

impl Unread {
    fn about(self, path: &Path) -> Failure {
        let path = path.to_owned();
        match self {
            Unread::Io(source) | Unread::Trace(TraceError::Source(source)) => Failure::Read { path, source },
            Unread::NoChannels => Failure::Folder(path),
            Unread::Trace(source @ TraceError::Channel { .. }) => Failure::Channel { path, source },
            Unread::Trace(source) => Failure::Trace { path, source },
            Unread::Failure(failure) => failure,
        }
    }
}

impl From<io::Error> for Unread {
    fn from(e: io::Error) -> Self {
        Unread::Io(e)
    }
}

impl From<TraceError> for Unread {
    fn from(e: TraceError) -> Self {
        Unread::Trace(e)
    }
}

fn options(input: &Input) -> Options {
    let Pins { swclk, swdio, nrst } = input.pins.clone();
    Options { device: input.device, channels: Channels { swclk, swdio, nrst }, ..input.reading.options() }
}

fn read(input: &Input) -> Result<Trace, Unread> {
    let (options, clock) = (options(input), RealClock::start());
    let mut terminal = io::stderr();
    let screen = terminal.is_terminal().then_some(&mut terminal as &mut (dyn Write + Send));
    if input.file == Path::new("-") {
        let mut stdin = Progress::new(io::stdin().lock(), None, &clock, screen);
        return Ok(trace::open_from(&mut stdin, &options)?);
    }
    if input.file.is_dir() {
        return folder(&input.file, &options);
    }
    let file = File::open(&input.file)?;
    let about = file.metadata()?;
    if about.is_file() {
        return Ok(trace::open_file(&mut Progress::new(file, Some(about.len()), &clock, screen), &options)?);
    }
    Ok(trace::open_from(&mut Progress::new(file, None, &clock, screen), &options)?)
}

/// Reads a recording piece by piece where it is a file of its own; whole otherwise.
fn with_pieces(
    input: &Input,
    look: impl FnOnce(&mut Pieces<'_>) -> Result<(), Unread>,
) -> Result<(), Unread> {
    if input.file == Path::new("-") || !std::fs::metadata(&input.file)?.is_file() {
        return look(&mut Pieces::of(read(input)?));
    }
    let (options, clock) = (options(input), RealClock::start());
    let mut terminal = io::stderr();
    let screen = terminal.is_terminal().then_some(&mut terminal as &mut (dyn Write + Send));
    let file = File::open(&input.file)?;
    let length = file.metadata()?.len();
    let mut file = Progress::new(file, Some(length), &clock, screen);
    look(&mut Pieces::open(&mut file, &options)?)
}

/// A folder with a file for each channel, named after it.
fn folder(path: &Path, options: &Options) -> Result<Trace, Unread> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path)? {
        let path = entry?.path();
        let name = path.file_stem().map(|name| name.to_string_lossy().into_owned());
        if let Some(name) = name.filter(|_| path.extension().is_some_and(|e| e == "bin")) {
            files.push((name, BufReader::new(File::open(&path)?)));
        }
    }
    if files.is_empty() {
        return Err(Unread::NoChannels);
    }
    files.sort_by(|(a, _), (b, _)| a.cmp(b));
    let all = files.iter_mut().map(|(name, file)| (name.clone(), file as &mut dyn Read)).collect();
    Ok(trace::open_channels(all, options)?)
}

#[cfg(test)]
mod tests;

//! `simprobe`: a simulated probe with a simulated board, for other programs.
//!
//! **What it is.** The command line over `sim`: it opens a probe, offers it through one front, and at the end writes what
//! the run has cost and what the board holds. `main` only calls [`run`].
//!
//! **What it knows.** Arguments, fronts, files, exit codes.
//!
//! **What it must not know.** What the programs on the other side do; how probe and chip behave (`sim` does).
//!
//! **Specification.** USB/IP as in `usbip`; the attributes of Linux' vhci_hcd (drivers/usb/usbip); OpenOCD's CMSIS-DAP over
//! TCP and remote_bitbang; the protocol of ST's server as OpenOCD speaks it; VCD of IEEE 1364.
//!
//! **Not supported.** Several probes in one process; several hosts at one probe over TCP (the next one waits); mass storage
//! and serial port of an ST-Link; trace data; remote_bitbang with JTAG.

mod attach;
mod bitbang;
mod cli;
mod dap_tcp;
mod device;
mod ends;
mod front;
mod guesses;
mod kind;
mod sockets;
mod stlink_tcp;
mod tape;
#[cfg(test)]
mod tests;
mod truth;
mod usb;
mod vcd;

pub use vcd::vcd;

use clap::Parser as _;
use cli::Cli;
use device::Offered;
use pace::{Clock, RealClock};
use sim::{SimError, SimProbe};
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};
use std::thread;

/// All went well.
const OK: u8 = 0;
/// A file could not be written.
const UNWRITTEN: u8 = 1;
/// Wrong arguments, or a scenario or board file that cannot be used.
const USAGE: u8 = 2;
/// The front cannot be opened.
const NO_FRONT: u8 = 12;

/// Why it did not begin or did not end well.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("--{flag} {value}: a comma separates the items of a scenario, so there can be none in it")]
    Comma { flag: &'static str, value: String },
    #[error("--{front} is for {needed}; --probe {probe} is none (`simprobe --help` has the list)")]
    OtherProbe { front: &'static str, needed: &'static str, probe: String },
    #[error(transparent)]
    Sim(#[from] SimError),
    #[error(transparent)]
    Front(#[from] FrontError),
    #[error("{}: {source}", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Trace(#[from] trace::TraceError),
    #[error("--dump: there is no SRAM or flash in all of 0x{at:08X}:{len}")]
    NoMemory { at: u32, len: u32 },
    #[error("standard output: {0}")]
    Output(io::Error),
}

/// Why a front cannot be opened.
#[derive(Debug, thiserror::Error)]
enum FrontError {
    #[error("{address} cannot be listened at: {source}")]
    Listen { address: String, source: io::Error },
    #[error("no USB host would take this device: {0}")]
    Description(#[from] usbip::DescriptionError),
    #[error(transparent)]
    Attach(#[from] attach::AttachError),
    #[error("the device did not come back from its front")]
    Lost,
}

impl From<attach::AttachError> for Failure {
    fn from(error: attach::AttachError) -> Failure {
        FrontError::from(error).into()
    }
}

impl Failure {
    fn code(&self) -> u8 {
        match self {
            Failure::Comma { .. } | Failure::OtherProbe { .. } | Failure::Sim(_) => USAGE,
            Failure::Front(_) => NO_FRONT,
            Failure::File { .. } | Failure::Trace(_) | Failure::NoMemory { .. } | Failure::Output(_) => {
                UNWRITTEN
            }
        }
    }
}

/// Sends when somebody presses Ctrl-C, closes the terminal or sends SIGTERM.
pub fn stop_on_signals(stop: Sender<()>) {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    let mut signals = match signal_hook::iterator::Signals::new([SIGINT, SIGTERM, SIGHUP]) {
        Ok(signals) => signals,
        Err(error) => return log::warn!("signals cannot be caught: {error}"),
    };
    thread::spawn(move || {
        for _ in &mut signals {
            if stop.send(()).is_err() {
                return;
            }
        }
    });
}

/// Runs the command line `args` (the program's name first) until something comes from `stop` or its other end is dropped,
/// and gives the exit code.
pub fn run<I, T>(args: I, out: &mut (dyn Write + Send), err: &mut dyn Write, stop: Receiver<()>) -> u8
where
    I: IntoIterator<Item = T>,
    T: Into<OsString> + Clone,
{
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(e) => {
            let text = e.to_string();
            // Nothing is left to do when even this cannot be written.
            let (written, code) = match e.use_stderr() {
                true => (err.write_all(text.as_bytes()), USAGE),
                false => (out.write_all(text.as_bytes()), OK),
            };
            let _ = written;
            return code;
        }
    };
    let failures = match cli.front.list_guesses {
        true => guesses::list(cli.format, out).map_err(Failure::Output).err().into_iter().collect(),
        false => simulate(&cli, out, stop),
    };
    for failure in &failures {
        let _ = writeln!(err, "simprobe: {failure}");
    }
    failures.first().map_or(OK, Failure::code)
}

/// The whole life of a simulated probe; everything that went wrong.
fn simulate(cli: &Cli, out: &mut (dyn Write + Send), stop: Receiver<()>) -> Vec<Failure> {
    let clock: Arc<dyn Clock> = Arc::new(RealClock::start());
    let device = match open(cli, &clock) {
        Ok(device) => device,
        Err(failure) => return vec![failure],
    };
    let started = front::serve(cli, device, &clock, out, stop);
    match started {
        Ok(device) => ends::write(cli, device, clock.now(), out),
        Err(failure) => vec![failure],
    }
}

fn open(cli: &Cli, clock: &Arc<dyn Clock>) -> Result<Offered, Failure> {
    front::check(cli)?;
    let mut further = Vec::new();
    if let Some(serial) = &cli.serial {
        further.push(item("serial", serial)?);
    }
    if let Some(path) = &cli.state {
        further.push(item("state", &path.to_string_lossy())?);
    }
    if !cli.truth.is_empty() {
        further.push("truth=on".to_owned());
    }
    let probe = SimProbe::open(&cli.probe.scenario(&cli.scenario, &further))?;
    let device = Offered::new(probe, cli.probe, Arc::clone(clock));
    match &cli.trace {
        Some(path) => Ok(device.recorded(path)?),
        None => Ok(device),
    }
}

fn item(flag: &'static str, value: &str) -> Result<String, Failure> {
    match value.contains(',') {
        true => Err(Failure::Comma { flag, value: value.to_owned() }),
        false => Ok(format!("{flag}={value}")),
    }
}

//! The command line.

use crate::kind::Kind;
use clap::{Args, Parser, ValueEnum};
use pace::Patience;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;
use usbip::Address;

const AFTER_HELP: &str = "\
When it can be used, one line is printed on standard output and flushed:
  ready FRONT ADDRESS BUSID SERIAL
FRONT    usbip, attach, dap-tcp, stlink-tcp, bitbang
ADDRESS  usbip: IP:PORT or unix:PATH. attach: the port of vhci_hcd, as vhci:PORT. Else IP:PORT
BUSID    the name by which a USB/IP host imports the probe; - where there is none
SERIAL   the probe's serial number
Everything else goes to standard error. Ctrl-C and SIGTERM end it: the files asked for are written then, whether or not
a host is still there.

Exit codes:
  0   ended by a signal or by --for; every file asked for is written
  1   ended, and a file could not be written
  2   wrong arguments, a scenario or board file that cannot be used, a front that this probe does not have
  12  the front cannot be opened: address in use, no vhci_hcd, no permission, no free port";

/// A simulated probe with a simulated board, for other programs, in real time.
#[derive(Debug, Parser)]
#[command(name = "simprobe", version, after_help = AFTER_HELP)]
pub(crate) struct Cli {
    /// The kind of probe. A `firmware=` in --scenario brings its own USB; this then says CMSIS-DAP only.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) probe: Kind,
    /// The probe's serial number; each kind has one of its own.
    #[arg(long, value_name = "TEXT")]
    pub(crate) serial: Option<String>,
    /// What follows `sim:` elsewhere: the part, then key=value items. An unknown key is answered with all of them.
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) scenario: String,
    /// The board's file: read if it is there, locked, written at the end.
    #[arg(long, value_name = "FILE")]
    pub(crate) state: Option<PathBuf>,
    /// How the probe is offered.
    #[command(flatten)]
    pub(crate) front: Front,
    /// At the end, everything that was on the wire: pcapng with a comment for each transaction (FILE.pcapng), or the pins
    /// SWCLK, SWDIO and nRESET (FILE.vcd). May be given again.
    #[arg(long, value_name = "FILE", value_parser = truth)]
    pub(crate) truth: Vec<Truth>,
    /// Record USB transfers, pcapng. Nothing is hidden: what a program writes to the part stands there.
    #[arg(long, value_name = "FILE")]
    pub(crate) trace: Option<PathBuf>,
    /// At the end, what the run has cost, as JSON; `-` for standard output.
    #[arg(long, value_name = "FILE")]
    pub(crate) bill: Option<PathBuf>,
    /// At the end, the bytes of SRAM or flash from ADDR on, as the chip holds them. May be given again.
    #[arg(long, value_name = "ADDR:LEN=FILE")]
    pub(crate) dump: Vec<Dump>,
    /// End by itself after this time (10s, 500ms).
    #[arg(long = "for", value_name = "DURATION", value_parser = span)]
    pub(crate) span: Option<Duration>,
    /// The form of --list-guesses.
    #[arg(long, value_enum, default_value_t = Format::Text, requires = "list_guesses")]
    pub(crate) format: Format,
}

/// How the probe is offered.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Front {
    /// As a USB/IP server at PORT, IP:PORT (port 0: any) or unix:PATH. Without authentication: keep it local.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) usbip: Option<Address>,
    /// As a USB device of this machine: vhci_hcd gets it (Linux, root; `modprobe vhci_hcd` first).
    #[arg(long)]
    pub(crate) attach: bool,
    /// As a CMSIS-DAP server at PORT or IP:PORT (OpenOCD: `cmsis-dap backend tcp`, usually 4441).
    #[arg(long, value_name = "ADDRESS", value_parser = socket)]
    pub(crate) dap_tcp: Option<SocketAddr>,
    /// As ST's server for one ST-Link at PORT or IP:PORT (OpenOCD: `st-link backend tcp`, usually 7184).
    #[arg(long, value_name = "ADDRESS", value_parser = socket)]
    pub(crate) stlink_tcp: Option<SocketAddr>,
    /// The bare pins, without the probe's firmware, at PORT or IP:PORT (OpenOCD: `remote_bitbang`, SWD).
    #[arg(long, value_name = "ADDRESS", value_parser = socket)]
    pub(crate) bitbang: Option<SocketAddr>,
    /// Print the settings whose right value nobody knows, and end.
    #[arg(long)]
    pub(crate) list_guesses: bool,
}

/// The form of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Lines for a reader.
    Text,
    /// One JSON array.
    Json,
}

/// A file for what was on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Truth {
    /// Transactions with comments.
    Pcapng(PathBuf),
    /// The pins.
    Vcd(PathBuf),
}

fn truth(text: &str) -> Result<Truth, String> {
    let path = PathBuf::from(text);
    match path.extension().and_then(|e| e.to_str()) {
        Some("pcapng") => Ok(Truth::Pcapng(path)),
        Some("vcd") => Ok(Truth::Vcd(path)),
        _ => Err(format!("`{text}` ends neither in .pcapng nor in .vcd")),
    }
}

/// A piece of memory and where it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Dump {
    pub(crate) at: u32,
    pub(crate) len: u32,
    pub(crate) file: PathBuf,
}

impl FromStr for Dump {
    type Err = String;

    fn from_str(text: &str) -> Result<Dump, String> {
        let wrong = || format!("`{text}` is no ADDR:LEN=FILE, such as 0x2000_0000:64k=sram.bin");
        let (range, file) = text.split_once('=').ok_or_else(wrong)?;
        let (at, len) = range.split_once(':').ok_or_else(wrong)?;
        let (at, len) = (number(at).ok_or_else(wrong)?, number(len).ok_or_else(wrong)?);
        if file.is_empty() || len == 0 {
            return Err(wrong());
        }
        Ok(Dump { at, len, file: file.into() })
    }
}

/// A port of this machine, or an address with a port.
fn socket(text: &str) -> Result<SocketAddr, String> {
    let local = |port| SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port);
    let port = text.parse::<u16>().ok().map(local);
    port.or_else(|| text.parse().ok()).ok_or_else(|| format!("`{text}` is neither PORT nor IP:PORT"))
}

/// A number, hexadecimal with `0x`, decimal, or in KiB with a `k` behind.
fn number(text: &str) -> Option<u32> {
    let text = text.replace('_', "");
    if let Some(digits) = text.strip_prefix("0x") {
        return u32::from_str_radix(digits, 16).ok();
    }
    match text.strip_suffix(['k', 'K']) {
        Some(digits) => digits.parse::<u32>().ok()?.checked_mul(1024),
        None => text.parse().ok(),
    }
}

fn span(text: &str) -> Result<Duration, String> {
    match text.parse()? {
        Patience::Time(span) => Ok(span),
        Patience::Tries(_) => Err(format!("`{text}` is a count, not a time")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dump_names_address_length_and_file() {
        let dump = |text: &str| text.parse::<Dump>();
        let expected = Dump { at: 0x2000_0000, len: 0x1_0000, file: "a=b.bin".into() };
        assert_eq!(dump("0x2000_0000:64k=a=b.bin"), Ok(expected.clone()));
        assert_eq!(dump("0x20000000:65536=a=b.bin"), Ok(expected));
        for wrong in ["", "0x0:4", "0x0=f", "0x0:0=f", "x:4=f", "0x0:9999999k=f", "0x0:4="] {
            assert!(dump(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn exactly_one_front_is_asked_for() {
        let parse = |args: &[&str]| Cli::try_parse_from([&["simprobe"], args].concat());
        assert!(parse(&[]).is_err());
        assert!(parse(&["--attach", "--usbip", "0"]).is_err());
        assert!(parse(&["--attach", "--for", "3x"]).is_err());
        assert!(parse(&["--attach", "--for", "3s"]).is_ok());
        assert!(parse(&["--list-guesses", "--format", "json"]).is_ok());
    }
}

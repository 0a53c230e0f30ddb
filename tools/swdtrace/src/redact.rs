//! `swdtrace redact`: a recording that can be shown to others.

use crate::output::{create, spare};
use crate::{Failure, INCOMPLETE, OK};
use std::io::Write;
use std::ops::Range;
use std::path::PathBuf;
use trace::Options;
use trace::read::Device;
use trace::redact::{Rules, redact};

const AFTER_HELP: &str = "\
Secret is what goes to or comes from OBK storage, what its provisioning service
is told to take, the answer to the challenge of the debug authentication, what
the recorder marked, and the same words wherever else they are moved.

Exit codes:
  0   every secret that was found is masked
  2   nothing was written: wrong arguments, no recording, or one whose secrets
      cannot be masked
  61  the output was written, and standard error says what a reader must know:
      what could not be looked at and was copied, what was cut off, or what was
      masked because the recording does not show where it went";

/// Arguments of `swdtrace redact`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = AFTER_HELP)]
pub(crate) struct Redact {
    /// The recording (pcapng or pcap).
    input: PathBuf,
    /// The recording without its secrets (pcapng).
    output: PathBuf,
    /// More addresses whose contents are secret, the end not included: 0x20000000..0x20001000. Can be repeated.
    #[arg(long, value_name = "ADDR..ADDR", value_parser = range)]
    also: Vec<Range<u32>>,
    /// Which device is the probe, as BUS.ADDRESS, where the recording holds several.
    #[arg(long, value_name = "BUS.ADDRESS")]
    device: Option<Device>,
}

fn range(text: &str) -> Result<Range<u32>, String> {
    let wrong = || format!("{text:?} is not ADDR..ADDR, for example 0x20000000..0x20001000");
    let number = |text: &str| {
        let digits = text.replace('_', "");
        match digits.strip_prefix("0x") {
            Some(hex) => u32::from_str_radix(hex, 16).ok(),
            None => digits.parse().ok(),
        }
    };
    let (start, end) = text.split_once("..").ok_or_else(wrong)?;
    let (start, end) = (number(start).ok_or_else(wrong)?, number(end).ok_or_else(wrong)?);
    if start < end { Ok(start..end) } else { Err(format!("{text:?} is empty: the end is not included")) }
}

pub(crate) fn run(args: &Redact, err: &mut dyn Write) -> Result<u8, Failure> {
    let path = || args.input.clone();
    spare(Some(&args.output), &[&args.input])?;
    let bytes = std::fs::read(&args.input).map_err(|source| Failure::Read { path: path(), source })?;
    let options = Options { device: args.device, ..Options::default() };
    let redacted = redact(&bytes, &Rules { also: args.also.clone() }, &options)
        .map_err(|source| Failure::Trace { path: path(), source })?;
    let named = |source| Failure::File { path: args.output.clone(), source };
    create(&args.output).and_then(|mut file| file.write_all(&redacted.bytes)).map_err(named)?;
    let _ = writeln!(err, "swdtrace: {} words were masked", redacted.words);
    for line in &redacted.left {
        let _ = writeln!(err, "swdtrace: warning: {line}");
    }
    Ok(if redacted.left.is_empty() { OK } else { INCOMPLETE })
}

//! `swdtrace replay`: a script with which another tool does again what a recording holds.

use crate::output::{create, spare};
use crate::{Failure, Input, complete, open};
use clap::ValueEnum;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use trace::export::{Tool, script};

/// Arguments of `swdtrace replay`. (A recording that plays a probe is `--probe replay:FILE` of our tools.)
#[derive(Debug, clap::Args)]
pub(crate) struct Replay {
    #[command(flatten)]
    input: Input,
    /// The tool that the script is for.
    #[arg(long = "as", value_name = "TOOL", value_enum)]
    tool: For,
    /// Where the script goes, instead of to standard output.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum For {
    /// Tcl: openocd -f ADAPTER.cfg -f SCRIPT
    Openocd,
    /// Python: python SCRIPT [UNIQUE-ID]
    Pyocd,
}

pub(crate) fn run(args: &Replay, out: &mut dyn Write, err: &mut dyn Write) -> Result<u8, Failure> {
    spare(args.output.as_deref(), &[&args.input.file])?;
    let trace = open(&args.input, err)?;
    let tool = match args.tool {
        For::Openocd => Tool::OpenOcd,
        For::Pyocd => Tool::PyOcd,
    };
    let notes = match &args.output {
        Some(path) => {
            let named = |source| Failure::File { path: path.clone(), source };
            let mut file = BufWriter::new(create(path).map_err(named)?);
            let notes = script(&trace, tool, &mut file).map_err(named)?;
            file.flush().map_err(named)?;
            notes
        }
        None => script(&trace, tool, out)?,
    };
    for note in notes {
        let _ = writeln!(err, "swdtrace: {note}");
    }
    Ok(complete(&trace))
}

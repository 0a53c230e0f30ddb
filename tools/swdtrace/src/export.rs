//! `swdtrace export`: a trace for other programs.

use crate::output::{create, spare};
use crate::{Failure, INCOMPLETE, Input, complete, open};
use clap::ValueEnum;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use trace::export::{Format, Wanted, export};

/// Arguments of `swdtrace export`.
#[derive(Debug, clap::Args)]
pub(crate) struct Export {
    #[command(flatten)]
    input: Input,
    /// The form.
    #[arg(long, value_enum, value_name = "FORM")]
    to: To,
    /// Where it goes, instead of to standard output.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Of jsonl and csv: the level, as in show.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u8).range(0..=5))]
    level: u8,
    /// Leave out the marks that the driver wrote.
    #[arg(long)]
    no_marks: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum To {
    /// For Wireshark: marks and transactions, with comments in words (`swdtrace wireshark` has a dissector).
    Pcapng,
    /// One JSON object a line.
    Jsonl,
    /// For spreadsheets.
    Csv,
    /// For ui.perfetto.dev: a track for each level.
    Perfetto,
    /// SWCLK, SWDIO and nRESET as a value change dump.
    Vcd,
    /// The same as a sigrok session.
    Sr,
}

impl To {
    const fn format(self) -> Format {
        match self {
            To::Pcapng => Format::Pcapng,
            To::Jsonl => Format::Jsonl,
            To::Csv => Format::Csv,
            To::Perfetto => Format::Perfetto,
            To::Vcd => Format::Vcd,
            To::Sr => Format::Sr,
        }
    }
}

pub(crate) fn run(args: &Export, out: &mut dyn Write, err: &mut dyn Write) -> Result<u8, Failure> {
    spare(args.output.as_deref(), &[&args.input.file])?;
    let trace = open(&args.input, err)?;
    let level = wire::Level::from_number(args.level).unwrap_or(wire::Level::Meaning);
    let wanted = Wanted { format: args.to.format(), level, marks: !args.no_marks };
    let told = match &args.output {
        Some(path) => {
            let named = |source| Failure::File { path: path.clone(), source };
            let mut file = BufWriter::new(create(path).map_err(named)?);
            let told = export(&trace, &wanted, &mut file).map_err(named)?;
            file.flush().map_err(named)?;
            told
        }
        None => export(&trace, &wanted, out)?,
    };
    for note in &told.made_up {
        let _ = writeln!(err, "swdtrace: {note}");
    }
    for left_out in &told.left_out {
        let _ = writeln!(err, "swdtrace: warning: {left_out}");
    }
    Ok(if told.left_out.is_empty() { complete(&trace) } else { INCOMPLETE })
}

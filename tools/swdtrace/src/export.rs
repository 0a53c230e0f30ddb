//! `swdtrace export`: a trace for other programs.

use crate::output::{create, spare};
use crate::{Failure, INCOMPLETE, Input, complete, open, pieces};
use clap::ValueEnum;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use trace::Trace;
use trace::export::{Export, Format, Told, Wanted};

/// Arguments of `swdtrace export`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
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

pub(crate) fn run(args: &Args, out: &mut dyn Write, err: &mut dyn Write) -> Result<u8, Failure> {
    spare(args.output.as_deref(), &[&args.input.file])?;
    let level = wire::Level::from_number(args.level).unwrap_or(wire::Level::Meaning);
    let wanted = Wanted { format: args.to.format(), level, marks: !args.no_marks };
    let mut to = Output { path: args.output.as_deref(), file: None, out };
    let mut export = Some(Export::new(wanted));
    let mut told = Told::default();
    let mut see = |piece: &Trace| {
        if let Some(export) = &mut export {
            to.write(|out| export.piece(piece, out))?;
        }
        if let Some(export) = export.take_if(|_| piece.is_last()) {
            told = export.told(piece);
        }
        Ok(ControlFlow::Continue(()))
    };
    let code = if wanted.format.goes_in_pieces() {
        pieces(&args.input, err, &mut see)?
    } else {
        let trace = open(&args.input, err)?;
        see(&trace).map(|_| complete(&trace))?
    };
    to.write(|out| out.flush())?;
    for note in &told.made_up {
        let _ = writeln!(err, "swdtrace: {note}");
    }
    for left_out in &told.left_out {
        let _ = writeln!(err, "swdtrace: warning: {left_out}");
    }
    Ok(if told.left_out.is_empty() { code } else { INCOMPLETE })
}

/// Where an export goes: a file, made when the first of it is there, or standard output.
struct Output<'a> {
    path: Option<&'a Path>,
    file: Option<BufWriter<File>>,
    out: &'a mut dyn Write,
}

impl Output<'_> {
    fn write(&mut self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Failure> {
        let Some(path) = self.path else { return Ok(write(self.out)?) };
        let made = match self.file.take() {
            Some(file) => Ok(file),
            None => create(path).map(BufWriter::new),
        };
        let done = made.and_then(|file| write(self.file.insert(file)));
        done.map_err(|source| Failure::File { path: path.to_owned(), source })
    }
}

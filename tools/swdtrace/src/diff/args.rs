//! Arguments of `swdtrace diff`.

use crate::reading::Reading;
use crate::show::time;
use crate::{Input, Pins};
use clap::ValueEnum;
use std::path::PathBuf;
use std::time::Duration;
use trace::diff::{Equality, Masks, mask};
use trace::read::Device;
use wire::Addr;

const AFTER_HELP: &str = "\
Reads are not compared by what they gave, unless --values is given, and then
without the bits that say nothing (BSY of an STM32H5, cycle counters, sticky
status of DHCSR). --mask REG=0xBITS names the bits of a register that do not
count, in place of those:
  swdtrace diff good.pcapng bad.pcapng --values --mask FLASH_OPSR=0xFFFFFFFF

Times are compared with --time-ratio alone, and make no difference to the exit
code:
  swdtrace diff good.pcapng bad.pcapng --level 4 --time-ratio 2

Exit codes: 0 the same, 1 different, 2 trouble";

#[derive(Debug, clap::Args)]
#[command(after_long_help = AFTER_HELP)]
pub(crate) struct Args {
    /// The first recording, A.
    pub(super) a: PathBuf,
    /// The second recording, B.
    pub(super) b: PathBuf,
    /// From 1 (transactions) to 5 (actions)
    ///
    /// What counts as equal: 1 transactions, 2 the same without repeated WAITs and redundant SELECT, CSW and TAR, 3 memory
    /// accesses however they are cut into blocks, 4 the same with polls folded, 5 actions.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=5))]
    level: u8,
    /// Times are shown, not compared (this is so in any case).
    #[arg(long = "ignore-time", hide_short_help = true)]
    _ignore_time: bool,
    /// What reads gave counts too
    ///
    /// Reads that are equal but for their value are a difference.
    #[arg(long)]
    pub(super) values: bool,
    /// Bits of a register's reads that do not count
    ///
    /// May be given again.
    #[arg(long, value_name = "REG=BITS", value_parser = mask)]
    mask: Vec<(Addr, u32)>,
    /// Tell what takes one so many times as long
    ///
    /// As long as the other.
    #[arg(long, value_name = "RATIO", value_parser = ratio)]
    pub(super) time_ratio: Option<f64>,
    /// Tell no shorter differences in time.
    #[arg(long, value_name = "TIME", default_value = "1ms", value_parser = time)]
    pub(super) time_least: Duration,
    /// Equal lines around each difference.
    #[arg(long, default_value_t = 3, value_name = "LINES")]
    pub(super) context: usize,
    /// Width of the text in columns.
    #[arg(long, default_value_t = 160, value_name = "COLUMNS", value_parser = clap::value_parser!(u16).range(80..))]
    pub(super) width: u16,
    /// Which device of A is the probe, as BUS.ADDRESS, where it holds several.
    #[arg(long, value_name = "BUS.ADDRESS", hide_short_help = true, help_heading = crate::READING)]
    device_a: Option<Device>,
    /// Which device of B is the probe.
    #[arg(long, value_name = "BUS.ADDRESS", hide_short_help = true, help_heading = crate::READING)]
    device_b: Option<Device>,
    #[command(flatten)]
    pins: Pins,
    #[command(flatten)]
    reading: Reading,
    /// The form of the output: text, unified, json, html
    ///
    /// text: A beside B; unified: lines with - and + as in a patch, without times; json: one object; html: a report for a
    /// browser.
    #[arg(long, value_enum, value_name = "FORM", default_value_t = Format::Text, hide_possible_values = true)]
    pub(super) format: Format,
    /// Write a report for a browser too, in one file.
    #[arg(long, value_name = "FILE")]
    pub(super) html: Option<PathBuf>,
}

/// The form of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// A beside B.
    Text,
    /// Lines with - and + as in a patch, without times.
    Unified,
    /// One JSON object.
    Json,
    /// A report for a browser.
    Html,
}

impl Args {
    pub(super) fn equality(&self) -> Equality {
        Equality::from_number(self.level).unwrap_or(Equality::Accesses)
    }

    pub(super) fn masks(&self) -> Masks {
        let mut masks = Masks::default();
        self.mask.iter().for_each(|(at, mask)| masks.set(*at, *mask));
        masks
    }

    pub(super) fn inputs(&self) -> [Input; 2] {
        let input = |file: &PathBuf, device| Input {
            file: file.clone(),
            device,
            pins: self.pins.clone(),
            reading: self.reading.clone(),
        };
        [input(&self.a, self.device_a), input(&self.b, self.device_b)]
    }
}

fn ratio(text: &str) -> Result<f64, String> {
    let ratio = text.parse::<f64>().ok().filter(|ratio| ratio.is_finite() && *ratio >= 1.0);
    ratio.ok_or_else(|| format!("`{text}` is no ratio of 1 or more"))
}

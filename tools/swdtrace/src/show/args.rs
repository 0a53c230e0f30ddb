//! Arguments of `swdtrace show`.

use super::View;
use crate::Input;
use clap::ValueEnum;
use std::ops::RangeInclusive;
use std::time::Duration;
use trace::filter::Filter;
use wire::{Ack, ApSel, Level};

const AFTER_HELP: &str = "\
Filters are asked of the accesses of level 3: a USB transfer passes when an
access that it brought does, an action when one that it consists of does.
Everything given must hold; of several --address and --register one.
  swdtrace show job.pcapng --until fault --context 5
  swdtrace show job.pcapng --register 'FLASH_*' --ack wait
  swdtrace show job.pcapng --level 2 --address 0x40022000+0x400 --from 1.5s";

#[derive(Debug, clap::Args)]
#[command(after_long_help = AFTER_HELP)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) input: Input,
    /// From 0 (USB) to 5 (actions)
    ///
    /// 0 USB transfers, 1 probe commands, 2 SWD transactions, 3 memory accesses, 4 registers by name, 5 actions.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u8).range(0..=5))]
    level: u8,
    /// Leave out the marks that the driver wrote.
    #[arg(long, overrides_with = "_marks", hide_short_help = true)]
    no_marks: bool,
    /// Show the marks that the driver wrote (default).
    #[arg(long = "marks", overrides_with = "no_marks", hide_short_help = true)]
    _marks: bool,
    /// Below each action, show the accesses that it consists of.
    #[arg(long, hide_short_help = true)]
    causes: bool,
    /// Below each row, show all that was folded into it
    ///
    /// Every access is numbered, as lint numbers them (from level 3 on).
    #[arg(long)]
    expand: bool,
    /// Only accesses there: A, A..B or A+LENGTH
    ///
    /// 0x40022000, 0x40022000..0x400223FF or 0x40022000+0x400. May be given again.
    #[arg(long, value_name = "RANGE", value_parser = addresses)]
    address: Vec<RangeInclusive<u32>>,
    /// Only this register, by name; `FLASH_*` takes all such
    ///
    /// Memory-mapped or of DP and AP, by name; `FLASH_*` takes all that begin so. May be given again.
    #[arg(long, value_name = "NAME")]
    register: Vec<String>,
    /// Only what went through this access port.
    #[arg(long, value_name = "N", hide_short_help = true)]
    ap: Option<u8>,
    /// Only what was answered ok, wait, fault, no-ack, parity
    ///
    /// wait takes too what was repeated until it was answered otherwise.
    #[arg(long, value_enum, hide_possible_values = true)]
    ack: Option<Answer>,
    /// Nothing before this time of the recording (1.5s, 20ms).
    #[arg(long, value_name = "TIME", value_parser = time)]
    from: Option<Duration>,
    /// Nothing after this time.
    #[arg(long, value_name = "TIME", value_parser = time)]
    to: Option<Duration>,
    /// Only behind marks that contain this text
    ///
    /// Each up to the next mark of its kind.
    #[arg(long, value_name = "TEXT")]
    mark: Option<String>,
    /// Show so many rows around each that passes.
    #[arg(long, default_value_t = 0, value_name = "ROWS")]
    context: usize,
    /// Stop behind the first that was answered so.
    #[arg(long, value_enum, value_name = "ACK", hide_possible_values = true)]
    until: Option<Answer>,
    /// The form of the output: text, jsonl
    #[arg(long, value_enum, value_name = "FORM", default_value_t = Format::Text, hide_possible_values = true)]
    pub(crate) format: Format,
}

/// The form of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Lines for a reader.
    Text,
    /// One JSON object a line.
    Jsonl,
}

/// How a transaction ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Answer {
    Ok,
    Wait,
    Fault,
    NoAck,
    Parity,
}

impl Answer {
    const fn ack(self) -> Ack {
        match self {
            Answer::Ok => Ack::OK,
            Answer::Wait => Ack::WAIT,
            Answer::Fault => Ack::FAULT,
            Answer::NoAck => Ack::NONE,
            Answer::Parity => Ack::PARITY,
        }
    }
}

impl Args {
    pub(crate) fn view(&self) -> View {
        View {
            level: Level::from_number(self.level).unwrap_or(Level::Action),
            marks: !self.no_marks,
            causes: self.causes,
            expand: self.expand,
            filter: Filter {
                addresses: self.address.clone(),
                registers: self.register.clone(),
                ap: self.ap.map(ApSel),
                ack: self.ack.map(Answer::ack),
                from: self.from,
                to: self.to,
                mark: self.mark.clone(),
            },
            context: self.context,
            until: self.until.map(Answer::ack),
        }
    }
}

/// Reads `0x40022000`, `A..B` (B included) or `A+LENGTH`; underscores are allowed.
fn addresses(text: &str) -> Result<RangeInclusive<u32>, String> {
    let number = |text: &str| {
        let plain = text.trim().replace('_', "");
        let parsed = match plain.strip_prefix("0x").or_else(|| plain.strip_prefix("0X")) {
            Some(digits) => u32::from_str_radix(digits, 16),
            None => plain.parse(),
        };
        parsed.map_err(|_| format!("`{text}` is no address"))
    };
    if let Some((from, to)) = text.split_once("..") {
        return Ok(number(from)?..=number(to.trim_start_matches('='))?);
    }
    let Some((from, length)) = text.split_once('+') else {
        return number(text).map(|at| at..=at);
    };
    let (from, length) = (number(from)?, number(length)?);
    let last = length.checked_sub(1).and_then(|rest| from.checked_add(rest));
    last.map(|last| from..=last).ok_or_else(|| format!("`{text}` is empty or too long"))
}

/// Reads `1.5s`, `20ms`, `300us`; a number alone counts seconds.
pub(crate) fn time(text: &str) -> Result<Duration, String> {
    let units = [("ms", 1e-3), ("us", 1e-6), ("µs", 1e-6), ("ns", 1e-9), ("s", 1.0), ("", 1.0)];
    let found = units.iter().find_map(|(unit, seconds)| Some((text.trim().strip_suffix(unit)?, *seconds)));
    let number = found.and_then(|(digits, seconds)| Some(digits.trim().parse::<f64>().ok()? * seconds));
    number
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or_else(|| format!("`{text}` is no time: 1.5s, 20ms, 300us"))
}

//! `swdtrace cost`: what was spent, beside the least that the same accesses need.

use super::{Failure, Input, StatFormat, json, sum};
use std::io::{self, Write};
use trace::cost::{Bill, Cost, Floor, UsbCost, WireCost};

const AFTER_HELP: &str = "\
The floor counts the same accesses in the same order, each once:
  data       one transaction for each access (several bytes of a packed transfer are one)
  registers  one for each DP or AP register that was asked for itself
  TAR        where neither auto-increment (inside 1 KiB), nor the same address
             again, nor a banked data register of the same 16 bytes gets there
  SELECT     where the access port or its bank changes
  CSW        where the width changes
  RDBUFF     one behind each run of reads, to fetch the last value
A transaction takes 44 clocks and two turnarounds, nothing idles, nothing is
answered WAIT. Over USB go 4 bytes for each word written or read, in packets as
large as the probe's, and each packet is answered by one. Connecting is not in
the floor, and neither is that a host must look at a value before it goes on: no
session reaches it.";

#[derive(Debug, clap::Args)]
#[command(after_long_help = AFTER_HELP)]
pub(crate) struct Args {
    #[command(flatten)]
    input: Input,
    /// The form of the output.
    #[arg(long, value_enum, value_name = "FORM", default_value_t = StatFormat::Text)]
    format: StatFormat,
}

pub(crate) fn run(args: &Args, out: &mut dyn Write, err: &mut dyn Write) -> Result<u8, Failure> {
    sum(&args.input, out, err, |bill: &mut Bill, piece, out| {
        if piece.protocol().is_none() {
            return Err(Failure::NothingDecoded(args.input.file.clone()));
        }
        bill.add(piece);
        if piece.is_last() {
            let cost = std::mem::take(bill).cost(piece);
            match args.format {
                StatFormat::Text => text(&cost, out)?,
                StatFormat::Json => json(&cost, out)?,
            }
        }
        Ok(())
    })
}

fn text(cost: &Cost, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{} accesses, {}", cost.accesses, cost.probe.as_deref().unwrap_or("not recognised"))?;
    writeln!(out, "{:<18} {:>12} {:>12} {:>9}", "", "spent", "floor", "times")?;
    if let Some(usb) = &cost.usb {
        self::usb(usb, cost.usb_floor.as_ref(), out)?;
    }
    match &cost.wire {
        Some(wire) => self::wire(wire, &cost.floor, out)?,
        None => writeln!(out, "what was spent on the wire is not shown by the source")?,
    }
    let Floor { data, registers, tar, select, csw, rdbuff, transactions, .. } = cost.floor;
    writeln!(
        out,
        "floor: {transactions} transactions = {data} data + {registers} registers + {tar} TAR + {select} SELECT + {csw} CSW + \
         {rdbuff} RDBUFF"
    )
}

fn line(name: &str, spent: u64, floor: Option<u64>, out: &mut dyn Write) -> io::Result<()> {
    let (least, times) = match floor {
        Some(floor @ 1..) => (floor.to_string(), format!("{:.2}", as_f64(spent) / as_f64(floor))),
        Some(0) => ("0".to_owned(), String::new()),
        None => ("?".to_owned(), String::new()),
    };
    writeln!(out, "{}", format!("{name:<18} {spent:>12} {least:>12} {times:>9}").trim_end())
}

#[expect(clippy::cast_precision_loss, reason = "a ratio with two digits")]
fn as_f64(count: u64) -> f64 {
    count as f64
}

fn usb(usb: &UsbCost, floor: Option<&UsbCost>, out: &mut dyn Write) -> io::Result<()> {
    line("USB transfers", usb.transfers, floor.map(|floor| floor.transfers), out)?;
    line("round trips", usb.round_trips, floor.map(|floor| floor.round_trips), out)?;
    line("USB bytes", usb.bytes, floor.map(|floor| floor.bytes), out)
}

fn wire(wire: &WireCost, floor: &Floor, out: &mut dyn Write) -> io::Result<()> {
    line("transactions", wire.transactions, Some(floor.transactions), out)?;
    line("SWCLK cycles", wire.clocks, Some(floor.clocks), out)?;
    line("  idle", wire.idle_clocks, Some(0), out)?;
    line("  sequences", wire.sequence_clocks, Some(0), out)?;
    if wire.other_clocks > 0 {
        line("  unreadable", wire.other_clocks, Some(0), out)?;
    }
    line("WAIT", wire.waits, Some(0), out)?;
    line("  their cycles", wire.wait_clocks, Some(0), out)?;
    line("housekeeping", wire.housekeeping, Some(floor.tar + floor.select + floor.csw), out)?;
    line("  redundant", wire.redundant, Some(0), out)
}

//! What is left of a run: bill, memory, recording, board file.

use crate::cli::{Cli, Dump};
use crate::device::Offered;
use crate::{Failure, truth};
use serde::Serialize;
use sim::Bill;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

/// The form of a bill's JSON.
#[derive(Debug, Serialize)]
struct BillText {
    schema: &'static str,
    probe: String,
    usb: Usb,
    swclk: Swclk,
    transactions: Transactions,
    flash_busy_ns: u64,
    time_ns: u64,
}

#[derive(Debug, Serialize)]
struct Usb {
    out: u64,
    #[serde(rename = "in")]
    input: u64,
    bytes: u64,
    round_trips: u64,
}

#[derive(Debug, Serialize)]
struct Swclk {
    ok: u64,
    wait: u64,
    other: u64,
    total: u64,
}

#[derive(Debug, Serialize)]
struct Transactions {
    ok: u64,
    wait: u64,
    fault: u64,
    no_ack: u64,
    parity: u64,
}

impl BillText {
    fn new(probe: String, bill: &Bill, round_trips: u64) -> BillText {
        let nanos = |span: Duration| u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
        BillText {
            schema: "ackwait.bill/1",
            probe,
            usb: Usb { out: bill.usb_out, input: bill.usb_in, bytes: bill.usb_bytes, round_trips },
            swclk: Swclk {
                ok: bill.swclk_ok,
                wait: bill.swclk_wait,
                other: bill.swclk_other,
                total: bill.swclk(),
            },
            transactions: Transactions {
                ok: bill.ok,
                wait: bill.wait,
                fault: bill.fault,
                no_ack: bill.no_ack,
                parity: bill.parity,
            },
            flash_busy_ns: nanos(bill.busy),
            time_ns: nanos(bill.time),
        }
    }
}

/// Writes everything that was asked for, and says what could not be written.
pub(crate) fn write(cli: &Cli, mut device: Offered, now: Duration, out: &mut dyn Write) -> Vec<Failure> {
    let mut failures = Vec::new();
    let mut keep = |result: Result<(), Failure>| failures.extend(result.err());
    keep(device.finish_recording().map_err(Failure::from));
    device.probe_mut().board_at(now);
    for dump in &cli.dump {
        keep(write_dump(dump, &device));
    }
    for file in &cli.truth {
        keep(truth::write(file, &device));
    }
    keep(device.probe_mut().save(now).map_err(Failure::from));
    if let Some(path) = &cli.bill {
        // Bare pins have no probe before them.
        let probe = if cli.front.bitbang.is_some() { "pins".to_owned() } else { cli.probe.word() };
        let bill = BillText::new(probe, &device.probe().bill(), device.round_trips());
        keep(write_bill(path, &bill, out));
    }
    failures
}

fn write_dump(dump: &Dump, device: &Offered) -> Result<(), Failure> {
    let Dump { at, len, file } = dump;
    let memory = device.probe().board().memory(*at, *len);
    let bytes = memory.ok_or(Failure::NoMemory { at: *at, len: *len })?;
    fs::write(file, bytes).map_err(|source| Failure::File { path: file.clone(), source })
}

fn write_bill(path: &Path, bill: &BillText, out: &mut dyn Write) -> Result<(), Failure> {
    // Numbers and strings only, so this cannot fail.
    let text = serde_json::to_string(bill).unwrap_or_default() + "\n";
    if path == Path::new("-") {
        return out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(Failure::Output);
    }
    fs::write(path, text).map_err(|source| Failure::File { path: path.to_owned(), source })
}

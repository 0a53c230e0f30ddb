//! `swdtrace stat`: counts.

use std::io::{self, Write};
use std::time::Duration;
use trace::{Protocol, Stat, Trace, Usb};

/// Lines for a reader.
pub(crate) fn text(trace: &Trace, out: &mut dyn Write) -> io::Result<()> {
    let Stat {
        schema: _,
        probe,
        duration_ns,
        events,
        marks,
        usb,
        transactions: t,
        memory,
        line_resets,
        unreadable,
        warnings: _,
    } = Stat::of(trace);
    match trace.protocol() {
        Some(Protocol::StLink) => {
            writeln!(
                out,
                "probe          ST-Link: what it does on the wire is hidden, but for single registers"
            )?;
        }
        _ => writeln!(out, "probe          {}", probe.as_deref().unwrap_or("not recognised"))?,
    }
    writeln!(out, "duration       {:.6} s", Duration::from_nanos(duration_ns).as_secs_f64())?;
    let [usb_events, commands, wire, accesses, _, actions] = events;
    let pins = trace.protocol() == Some(Protocol::Wire);
    if pins {
        writeln!(out, "events         {wire} on the wire, {accesses} accesses, {actions} actions")?;
    } else {
        writeln!(
            out,
            "events         {usb_events} USB transfers, {commands} commands, {wire} on the wire, \
             {accesses} accesses, {actions} actions, {marks} marks"
        )?;
        bus(&usb, out)?;
    }
    writeln!(
        out,
        "transactions   {} ({} added by the probe): {} OK, {} WAIT, {} FAULT, {} no ack, {} parity errors, {} other",
        t.total, t.implied, t.ok, t.wait, t.fault, t.no_ack, t.parity_errors, t.other
    )?;
    let all_seen = pins || trace.protocol() == Some(Protocol::JLink);
    let hidden =
        if all_seen { "" } else { "; what the probe repeated by itself is not in a recording of USB" };
    writeln!(out, "WAIT           longest run {}{hidden}", t.longest_wait_run)?;
    writeln!(out, "line           {line_resets} line resets, {} resets by pin", t.resets)?;
    if pins {
        writeln!(out, "unreadable     {unreadable} stretches")?;
    }
    writeln!(
        out,
        "memory         {} reads ({} bytes), {} writes ({} bytes), {} waits in the probe, {} refused",
        memory.reads, memory.bytes_read, memory.writes, memory.bytes_written, memory.matches, memory.refused
    )?;
    for (n, busy) in memory.busiest.iter().enumerate() {
        let lead = if n == 0 { "busiest" } else { "" };
        writeln!(out, "{lead:<14} {:>8} × {} {}", busy.accesses, busy.address, busy.name)?;
    }
    Ok(())
}

fn bus(usb: &Usb, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "USB            {} round trips, {} unanswered, {} stale, {} unreadable; {} bytes out, {} bytes in",
        usb.round_trips, usb.unanswered, usb.stale, usb.unreadable, usb.bytes_out, usb.bytes_in
    )
}

/// One JSON object.
pub(crate) fn json(trace: &Trace, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, &Stat::of(trace))?;
    writeln!(out)
}

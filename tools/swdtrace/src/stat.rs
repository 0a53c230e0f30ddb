//! `swdtrace stat`: counts.

use std::io::{self, Write};
use std::time::Duration;
use trace::{Protocol, Stat, Swclk, Trace, Usb, span};

/// Lines for a reader.
pub(crate) fn text(trace: &Trace, stat: Stat, out: &mut dyn Write) -> io::Result<()> {
    let Stat {
        schema: _,
        probe,
        target,
        duration_ns,
        events,
        marks,
        usb,
        transactions: t,
        memory,
        line_resets,
        unreadable,
        latency,
        waits,
        fault_count,
        faults,
        gaps,
        rates,
        swclk,
        warnings: _,
    } = stat;
    match trace.protocol() {
        Some(Protocol::StLink) => {
            writeln!(
                out,
                "probe          ST-Link: what it does on the wire is hidden, but for single registers"
            )?;
        }
        _ => {
            let hidden =
                if trace.hides_the_wire() { ": most of what was on the wire is not in it" } else { "" };
            writeln!(out, "probe          {}{hidden}", probe.as_deref().unwrap_or("not recognised"))?;
        }
    }
    writeln!(out, "target         {target}")?;
    writeln!(out, "duration       {:.6} s", Duration::from_nanos(duration_ns).as_secs_f64())?;
    let [usb_events, commands, wire, accesses, _, actions] = events;
    let pins = trace.shows_the_wire_alone();
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
    let all_seen = !trace.usb_hides_times() || trace.protocol() == Some(Protocol::JLink);
    let hidden =
        if all_seen { "" } else { "; what the probe repeated by itself is not in a recording of USB" };
    writeln!(
        out,
        "WAIT           {} runs, the longest {} at {:.6}, {} lost{hidden}",
        waits.runs,
        waits.longest_run,
        seconds(waits.longest_at_ns),
        time(waits.lost_ns)
    )?;
    for (n, fault) in faults.iter().enumerate() {
        let lead = if n == 0 { "FAULT" } else { "" };
        writeln!(
            out,
            "{lead:<14} {:.6} #{} {}: {}",
            seconds(fault.t_ns),
            fault.event,
            fault.what,
            fault.cause
        )?;
    }
    if fault_count > faults.len() {
        writeln!(out, "{:<14} … {fault_count} in all", "")?;
    }
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
    rate(&rates, pins, out)?;
    clock(&swclk, out)?;
    times(&latency, out)?;
    for (n, gap) in gaps.iter().enumerate() {
        let lead = if n == 0 { "silence" } else { "" };
        let mark = gap.mark.as_ref().map_or_else(String::new, |mark| format!(" ({mark})"));
        let (length, at) = (time(gap.duration_ns), seconds(gap.t_ns));
        writeln!(out, "{lead:<14} {length:>10} at {at:.6}{mark}, behind {}", gap.behind)?;
    }
    Ok(())
}

fn seconds(nanos: u64) -> f64 {
    Duration::from_nanos(nanos).as_secs_f64()
}

fn time(nanos: u64) -> String {
    span(Duration::from_nanos(nanos))
}

fn rate(rates: &trace::Rates, pins: bool, out: &mut dyn Write) -> io::Result<()> {
    let usb = if pins { String::new() } else { format!(", {} bytes over USB", rates.usb_bytes) };
    writeln!(
        out,
        "a second       {} bytes read, {} bytes written{usb}, {} transactions",
        rates.bytes_read, rates.bytes_written, rates.transactions
    )
}

fn clock(swclk: &Swclk, out: &mut dyn Write) -> io::Result<()> {
    let hz = |hz: u64| format!("{:.3} MHz", Duration::from_nanos(hz).as_secs_f64() * 1e3);
    let asked = swclk.asked_hz.map(|n| format!("asked for {}", hz(n)));
    let least = swclk.at_least_hz.map(|n| format!("at least {} in the busiest command", hz(n)));
    let measured = swclk.measured_hz.map(|n| format!("about {}", hz(n)));
    let all: Vec<String> = [asked, least, measured].into_iter().flatten().collect();
    if all.is_empty() { Ok(()) } else { writeln!(out, "SWCLK          {}", all.join(", ")) }
}

/// How long the events of each level take.
fn times(latency: &[trace::Latency], out: &mut dyn Write) -> io::Result<()> {
    for (n, l) in latency.iter().enumerate() {
        let lead = if n == 0 { "time" } else { "" };
        writeln!(
            out,
            "{lead:<14} {:<20} p50 {:>9}  p95 {:>9}  p99 {:>9}  max {:>9}  {}",
            l.of,
            time(l.p50_ns),
            time(l.p95_ns),
            time(l.p99_ns),
            time(l.max_ns),
            bars(&l.histogram)
        )?;
    }
    Ok(())
}

/// A histogram as `≤10.0 µs ▇ ≤20.0 µs ▂`: the share of each class by the height of its bar.
fn bars(histogram: &[(u64, usize)]) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let most = histogram.iter().map(|(_, count)| *count).max().unwrap_or(1).max(1);
    let bar = |count: usize| BARS.get((count * BARS.len()).div_ceil(most) - 1).copied().unwrap_or(' ');
    let all: Vec<String> = histogram
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(end, count)| format!("≤{} {}", time(*end), bar(*count)))
        .collect();
    all.join(" ")
}

fn bus(usb: &Usb, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "USB            {} round trips, {} unanswered, {} stale, {} unreadable; {} bytes out, {} bytes in",
        usb.round_trips, usb.unanswered, usb.stale, usb.unreadable, usb.bytes_out, usb.bytes_in
    )
}

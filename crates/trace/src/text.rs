//! Events as lines of text.

mod stlink;

pub(crate) use stlink::command as stlink_command;

use crate::decode::Command;
use crate::event::{Accessed, Body, Event, Match, OnWire, RegisterAccess, Repeats, Wired};
use crate::name;
use crate::read::Transfer;
use cmsis_dap::{Item, Request, Response};
use std::fmt::Write as _;
use std::ops::Range;
use std::time::Duration;
use wire::{Ack, Certainty, Level, Port, TransferKind, WireEvent};

/// Bytes of a packet that are printed.
const BYTES_SHOWN: usize = 32;

/// One line for an event, without its time.
pub fn line(event: &Event) -> String {
    let named = event.level >= Level::Meaning;
    let took = event.until.saturating_sub(event.at);
    let mut text = match &event.body {
        Body::Transfer(transfer) => usb(transfer),
        Body::Command(command) => self::command(command),
        Body::StLink(command) => stlink::exchange(command),
        Body::Wire(wired) => self::wired(wired),
        Body::Access(access) => self::access(access, named, took),
        Body::Register(register) => self::register(register, named, took),
        Body::Line(line) => wire_event(line),
        Body::Gap(records) => gap(*records),
        Body::ByProbe(done) => format!("by the probe: {}", done.text),
        Body::Action(action) => action.text.clone(),
    };
    match event.certainty {
        Certainty::Inferred => text.push_str(" [inferred]"),
        Certainty::Assumed => text.push_str(" [assumed]"),
        Certainty::Hidden => text.push_str(" [hidden in the probe]"),
        Certainty::Explicit | Certainty::Deterministic => {}
    }
    text
}

pub(crate) fn bytes(data: &[u8], secret: &[Range<usize>]) -> String {
    let mut text = String::new();
    for (n, byte) in data.iter().take(BYTES_SHOWN).enumerate() {
        let lead = if n == 0 { "" } else { " " };
        // Writing into a String cannot fail.
        let _ = if secret.iter().any(|range| range.contains(&n)) {
            write!(text, "{lead}··")
        } else {
            write!(text, "{lead}{byte:02X}")
        };
    }
    if data.len() > BYTES_SHOWN {
        text.push_str(" …");
    }
    text
}

fn usb(transfer: &Transfer) -> String {
    let kind = match transfer.kind {
        TransferKind::Interrupt => "interrupt",
        TransferKind::Control => "control",
        TransferKind::Bulk => "bulk",
    };
    let way = if transfer.is_in() { "IN" } else { "OUT" };
    let mut text =
        format!("{kind} {way} endpoint {:#04X}, {}", transfer.endpoint, count(transfer.data.len()));
    if !transfer.data.is_empty() {
        let _ = write!(text, ": {}", bytes(&transfer.data, &transfer.secret));
    }
    match transfer.status {
        Some(0) => {}
        Some(status) => {
            let _ = write!(text, ", status {status}");
        }
        None => text.push_str(", completion not recorded"),
    }
    if transfer.clipped {
        text.push_str(", clipped by the recorder");
    }
    text
}

fn count(bytes: usize) -> String {
    name::size(u64::try_from(bytes).unwrap_or(u64::MAX))
}

fn command(command: &Command) -> String {
    let asked = match &command.request {
        Some(request) => self::request(request),
        None if command.request_bytes.is_empty() => bytes(&command.response_bytes, &command.response_secret),
        None => bytes(&command.request_bytes, &command.request_secret),
    };
    let answered = match (&command.problem, command.response.as_ref().map(|r| &r.value)) {
        (Some(problem), _) => format!(" -> {problem}"),
        (None, Some(response)) => format!(" -> {}", self::response(response)),
        (None, None) => String::new(),
    };
    asked + &answered
}

pub(crate) fn request(request: &Request) -> String {
    let mut text = request.id().to_string();
    let _ = match request {
        Request::Info(id) => write!(text, " {id}"),
        Request::HostStatus { led, on } => write!(text, " {led} {on}"),
        Request::Connect(port) => write!(text, " {port}"),
        Request::TransferConfigure { idle_cycles, wait_retry, match_retry } => {
            write!(text, " idle {idle_cycles}, WAIT retries {wait_retry}, match retries {match_retry}")
        }
        Request::Transfer(transfer) => write!(text, " {}", items(&transfer.items)),
        Request::TransferBlock(block) => {
            let port = if block.request.reg().port == Port::Ap { "AP" } else { "DP" };
            let way = if block.request.is_read() { "read" } else { "write" };
            write!(text, " {way} {port} 0x{:X}, {} words", block.request.reg().a, block.count)
        }
        Request::WriteAbort { value, .. } => write!(text, " {}", name::hex(*value)),
        Request::Delay { micros } => write!(text, " {micros} µs"),
        Request::SwjPins { out, select, wait_micros } => {
            write!(text, " out {:#04X}, select {:#04X}, wait {wait_micros} µs", out.0, select.0)
        }
        Request::SwjClock(clock) => write!(text, " {clock}"),
        Request::SwjSequence(bits) => write!(text, " {} bits", bits.len),
        Request::SwdConfigure(config) => {
            write!(text, " turnaround {}, data phase {}", config.turnaround(), config.data_phase())
        }
        Request::SwdSequence(items) => write!(text, " {} items", items.len()),
        Request::ExecuteCommands(list) | Request::QueueCommands(list) => {
            let all: Vec<String> = list.iter().map(self::request).collect();
            write!(text, " [{}]", all.join("; "))
        }
        _ => Ok(()),
    };
    text
}

/// The items of a transfer in short: `write DP 0x8, read AP 0xC ×3`.
fn items(items: &[Item]) -> String {
    /// More than so many runs are not listed.
    const LISTED: usize = 6;
    let short = |item: &Item| {
        let reg = item.request.reg();
        let way = match item.request {
            r if r.is_mask() => return "set mask".to_owned(),
            r if r.is_match() => "match",
            r if r.is_read() => "read",
            _ => "write",
        };
        format!("{way} {} 0x{:X}", if reg.port == Port::Ap { "AP" } else { "DP" }, reg.a)
    };
    let mut runs: Vec<(String, usize)> = Vec::new();
    for item in items.iter().map(short) {
        match runs.last_mut() {
            Some((last, count)) if *last == item => *count += 1,
            _ => runs.push((item, 1)),
        }
    }
    let more = if runs.len() > LISTED { format!(", … ({} items)", items.len()) } else { String::new() };
    let all: Vec<String> = runs
        .into_iter()
        .take(LISTED)
        .map(|(item, count)| if count > 1 { format!("{item} ×{count}") } else { item })
        .collect();
    if all.is_empty() { "nothing".to_owned() } else { all.join(", ") + &more }
}

fn response(response: &Response) -> String {
    match response {
        Response::Status { status, .. } => format!("{status:?}"),
        Response::Info(data) => match data.text() {
            Some(text) if text.chars().all(|c| !c.is_control()) => format!("{text:?}"),
            _ => bytes(&data.0, &[]),
        },
        Response::Connect(port) => port.to_string(),
        Response::Transfer(reply) => {
            let mismatch = if reply.status.mismatch() { ", value mismatch" } else { "" };
            format!("{} done, {}{mismatch}", reply.count, reply.status.ack())
        }
        Response::TransferBlock(reply) => format!("{} done, {}", reply.count, reply.status.ack()),
        Response::SwjPins(pins) => format!("pins {:#04X}", pins.0),
        Response::Unimplemented => "not implemented".to_owned(),
        Response::ExecuteCommands(list) => {
            let all: Vec<String> = list.iter().map(self::response).collect();
            format!("[{}]", all.join("; "))
        }
        _ => "answered".to_owned(),
    }
}

pub(crate) fn wired(wired: &Wired) -> String {
    let mut text = match &wired.what {
        OnWire::Event(WireEvent::Transaction(t)) => {
            let port = if t.reg.port == Port::Ap { "AP" } else { "DP" };
            let way = if t.read { "read" } else { "write" };
            let data = match t.data {
                Some(_) if wired.secret => format!(" {}", name::SECRET),
                Some(data) => format!(" {}", name::hex(data)),
                None => String::new(),
            };
            format!("{port} {way} 0x{:X} {}{data}", t.reg.a, t.ack)
        }
        OnWire::Event(event) => wire_event(event),
        OnWire::Bits { count, data } => format!("{count} clocks: {}", bytes(data, &[])),
        OnWire::Lost => "no answer: what happened on the wire is not known".to_owned(),
        OnWire::Gap(records) => gap(*records),
        OnWire::Unreadable(u) => {
            let (count, tick, why) = (u.count, u.tick, u.why.words());
            format!("unreadable: {count} clocks from sample {tick} on, {}: {why}", bytes(&u.data, &[]))
        }
    };
    if let Some(matching) = &wired.matching {
        let _ = write!(text, ", repeated until {}", until(None, matching));
    }
    if wired.implied {
        text.push_str(" (added by the probe)");
    }
    text
}

fn gap(records: u64) -> String {
    format!("HOLE: {records} USB records at least are missing here; what they did is not known")
}

fn wire_event(event: &WireEvent) -> String {
    match event {
        WireEvent::Transaction(t) => format!("{t:?}"),
        WireEvent::LineReset => "line reset".to_owned(),
        WireEvent::Switch(name) => (*name).to_owned(),
        WireEvent::Reset(true) => "nRESET low".to_owned(),
        WireEvent::Reset(false) => "nRESET released".to_owned(),
        WireEvent::Idle(time) => format!("idle for {}", name::span(*time)),
    }
}

fn until(register: Option<&regs::Register>, matching: &Match) -> String {
    let reached = if matching.reached { "" } else { ", not reached" };
    format!("{}{reached}", name::condition(register, matching))
}

/// ` -> FAULT`, ` (3 WAIT)`, ` ×412 over 1.83 s`.
fn ending(text: &mut String, repeats: &Repeats, ack: Ack, took: Duration) {
    if repeats.same > 1 {
        let _ = write!(text, " ×{} over {}", repeats.same, name::span(took));
    }
    if repeats.waits > 0 {
        let _ = write!(text, " ({} WAIT)", repeats.waits);
    }
    if ack != Ack::OK {
        let _ = write!(text, " -> {ack}");
    }
}

fn access(a: &Accessed, named: bool, took: Duration) -> String {
    let way = if a.access.write { "write" } else { "read" };
    let place = if named { name::place(a.names, a.access.at) } else { a.access.at.to_string() };
    let mut text = if named { format!("{place} {way}") } else { format!("{} {way} {place}", a.access.ap) };
    let shown = |value: Option<u32>| match value {
        _ if named => name::value(a, value),
        Some(_) if a.secret => name::SECRET.to_owned(),
        Some(value) => name::hex_of(value, a.access.width),
        None => "?".to_owned(),
    };
    if let Some(matching) = &a.matching {
        let register = a.names.register(a.access.at).map(|hit| hit.register).filter(|_| named);
        let _ = write!(text, " by the probe until {}", until(register, matching));
    } else if a.run > 1 {
        let _ = write!(text, ", {}, first {}", name::size(a.bytes()), shown(a.access.value));
    } else if a.access.value.is_some() || a.ack == Ack::OK {
        let _ = write!(text, " {}", shown(a.access.value));
        if a.repeats.same > 1 && a.repeats.first != a.access.value {
            let _ = write!(text, ", first {}", shown(a.repeats.first));
        }
    }
    ending(&mut text, &a.repeats, a.ack, took);
    text
}

fn register(r: &RegisterAccess, named: bool, took: Duration) -> String {
    let way = if r.write { "write" } else { "read" };
    let mut text = match (named, r.port) {
        (false, Port::Dp) => format!("DP {way} {}", name::register_name(r)),
        (false, Port::Ap) => format!("{way} {}", name::register_name(r)),
        (true, _) => format!("{} {way}", name::register_name(r)),
    };
    let shown = |value: Option<u32>| match value {
        _ if named => name::register_value(r, value),
        Some(_) if r.secret => name::SECRET.to_owned(),
        Some(value) => name::hex(value),
        None => "?".to_owned(),
    };
    if let Some(matching) = &r.matching {
        let _ = write!(text, " by the probe until {}", until(None, matching));
    } else if r.value.is_some() || r.ack == Ack::OK {
        let _ = write!(text, " {}", shown(r.value));
        if r.repeats.same > 1 && r.repeats.first != r.value {
            let _ = write!(text, ", first {}", shown(r.repeats.first));
        }
    }
    ending(&mut text, &r.repeats, r.ack, took);
    if let Some(missing) = r.missing {
        let _ = write!(text, " ({})", missing.words());
    }
    text
}

//! probe-rs with `RUST_LOG=probe_rs=trace`, and `jaylink` with it for a J-Link.
//!
//! `TRACE attach: probe_rs::probe::cmsisdap::commands: Transmit buffer: [00, 02, 01]...`: a time where the log has one, how
//! bad it is, what it belongs to, the module, the text. Packets of CMSIS-DAP have a HID report number in front and are
//! shown without the zeros at their ends; of an ST-Link only the commands are shown.

use super::Lines;
use super::intake::Intake;
use super::line::{between, bytes, clock};
use crate::decode::driven;
use crate::event::Procedure;
use std::time::Duration;
use stlink::{Command, DapPort};
use wire::{Access, ApSel, Certainty, Width};

/// Zeros that may have been cut off, up to the longest packet that probe-rs uses.
const PADDED: usize = 1024;

/// Whether a line is one of probe-rs.
pub(super) fn is_line(line: &str) -> bool {
    let levels = ["TRACE ", "DEBUG ", " INFO ", "INFO ", " WARN ", "WARN ", "ERROR "];
    let module = line.contains(" probe_rs::") || line.contains(" jaylink:");
    module
        && levels
            .iter()
            .any(|level| line.starts_with(level) || line.contains(&format!("Z {}", level.trim_start())))
}

#[derive(Debug, Default)]
pub(super) struct ProbeRs;

impl Lines for ProbeRs {
    fn line(&mut self, line: &str, intake: &mut Intake) {
        if let Some(time) = line.split_whitespace().next().and_then(time) {
            intake.at(time);
        }
        let list = |behind: &str| bytes(between(line, behind, "]")?, ',');
        if let Some(packet) = list(": Transmit buffer: [") {
            intake.hides("zeros at the end of packets, which are put back");
            intake.sent(padded(packet.get(1..).unwrap_or_default()));
        } else if let Some(packet) = list(": Receive buffer: [") {
            intake.received(padded(&packet));
        } else if let Some(command) = list(": Sending command [") {
            intake.hides("what an ST-Link answered, and the data of blocks");
            st_link(&command, intake);
        } else if line.contains("jaylink") {
            intake.hides("transfers on endpoint 0");
            match (list(" write ").or_else(|| list(" bytes: [")), line.contains("write ")) {
                (Some(packet), true) => intake.sent(packet),
                (Some(packet), false) => intake.received(packet),
                (None, _) => {}
            }
        }
    }
}

fn padded(packet: &[u8]) -> Vec<u8> {
    let mut all = packet.to_vec();
    all.resize(all.len().max(PADDED), 0);
    all
}

/// `2024-05-01T12:00:00.123456Z`: the time of day.
fn time(word: &str) -> Option<Duration> {
    let (_, time) = word.strip_suffix('Z')?.split_once('T')?;
    let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let nanos = format!("{fraction:0<9}").get(..9)?.parse().ok()?;
    let mut parts = time.split(':');
    clock(parts.next()?, parts.next()?, parts.next()?, nanos)
}

/// A command of an ST-Link, without what came of it.
fn st_link(command: &[u8], intake: &mut Intake) {
    let mut packet = command.to_vec();
    packet.resize(stlink::PACKET, 0);
    let Ok(decoded) = Command::decode(&packet) else { return };
    let word = |ap, at, write, value| Access { ap: ApSel(ap), at, width: Width::Word, write, value };
    match decoded.value {
        Command::ReadDap { port, reg } => register(port, reg, false, None, intake),
        Command::WriteDap { port, reg, value } => register(port, reg, true, Some(value), intake),
        Command::ReadDebugReg { at, ap } => {
            intake.access(word(ap, at, false, None), 1, Certainty::Explicit);
        }
        Command::WriteDebugReg { at, value, ap } => {
            intake.access(word(ap, at, true, Some(value)), 1, Certainty::Explicit);
        }
        Command::Memory(memory) => {
            let (width, write) = (memory.op.width, memory.op.write);
            let access = Access { ap: ApSel(memory.ap), at: memory.at, width, write, value: None };
            intake.access(access, u32::from(memory.len) / width.bytes(), Certainty::Explicit);
        }
        Command::DriveNrst(level) => driven(level).iter().for_each(|low| intake.reset(*low)),
        Command::Enter(mode) => intake.procedure(Procedure::Connect, &format!("enter {mode}")),
        Command::InitAp { ap, .. } => intake.procedure(Procedure::OpenAp, &format!("open {}", ApSel(ap))),
        Command::CloseAp { ap } => intake.procedure(Procedure::OpenAp, &format!("close {}", ApSel(ap))),
        _ => {}
    }
}

fn register(port: DapPort, reg: u16, write: bool, value: Option<u32>, intake: &mut Intake) {
    let ([register, _], [ap, _]) = (reg.to_le_bytes(), port.0.to_le_bytes());
    intake.register((port != DapPort::DP).then_some(ApSel(ap)), register, write, value);
}

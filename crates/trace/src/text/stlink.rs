//! ST-Link commands as text.

use super::bytes;
use crate::decode::StLinkCommand;
use crate::name;
use std::fmt::Write as _;
use stlink::{Answer, Command, MiscOp, Phase, Version};
use wire::ApSel;

/// A command with its answer.
pub(super) fn exchange(exchange: &StLinkCommand) -> String {
    let mut text = match &exchange.command {
        Some(command) if command.value_at().is_some_and(|range| exchange.hides(range)) => {
            shown(command, |_| name::SECRET.to_owned())
        }
        Some(command) => self::command(command),
        None if exchange.bytes.is_empty() => bytes(&exchange.data, &exchange.data_secret),
        None => bytes(&exchange.bytes, &exchange.secret),
    };
    match exchange.command.map(|command| command.phase()) {
        Some(Phase::Out(_)) if !exchange.list().is_empty() => {
            let _ = write!(text, ": {}", list(exchange));
        }
        Some(Phase::Out(_)) if !exchange.data.is_empty() => {
            let _ = write!(text, ": {}", bytes(&exchange.data, &exchange.data_secret));
        }
        _ => {}
    }
    let answered = match (&exchange.problem, &exchange.answer) {
        (Some(problem), _) => format!(" -> {problem}"),
        (None, Some(answer)) => format!(" -> {}", self::answer(answer, exchange)),
        (None, None) => String::new(),
    };
    text + &answered
}

/// A command with its arguments.
pub(crate) fn command(command: &Command) -> String {
    shown(command, name::hex)
}

fn shown(command: &Command, value_text: impl Fn(u32) -> String) -> String {
    let mut text = command.name().to_owned();
    let _ = match *command {
        Command::Enter(mode) => write!(text, " {mode}"),
        Command::ReadReg { reg, ap } => write!(text, " {} {}", ApSel(ap), core(reg)),
        Command::WriteReg { reg, value, ap } => {
            write!(text, " {} {} := {}", ApSel(ap), core(reg), value_text(value))
        }
        Command::ReadAllRegs { ap } | Command::CloseAp { ap } => write!(text, " {}", ApSel(ap)),
        Command::InitAp { ap, core: 0 } => write!(text, " {}", ApSel(ap)),
        Command::InitAp { ap, core } => write!(text, " {}, core {core}", ApSel(ap)),
        Command::ReadDebugReg { at, ap } => write!(text, " {} {at}", ApSel(ap)),
        Command::WriteDebugReg { at, value, ap } => {
            write!(text, " {} {at} := {}", ApSel(ap), value_text(value))
        }
        Command::ReadDap { port, reg } => write!(text, " {port} 0x{reg:02X}"),
        Command::WriteDap { port, reg, value } => {
            write!(text, " {port} 0x{reg:02X} := {}", value_text(value))
        }
        Command::DriveNrst(level) => write!(text, " {level}"),
        Command::TraceStart { buffer, hz } => write!(text, " {hz} Hz, buffer of {buffer} bytes"),
        Command::SwdSetFreq(divisor) | Command::JtagSetFreq(divisor) => write!(text, " divisor {divisor}"),
        Command::Memory(memory) => {
            let size = name::size(u64::from(memory.len));
            let _ = write!(text, " {} {}, {size}", ApSel(memory.ap), memory.at);
            if memory.csw == 0 { Ok(()) } else { write!(text, ", CSW {}", name::hex(memory.csw)) }
        }
        Command::RwMiscOut { items } => write!(text, " {items} items"),
        Command::SetComFreq { port, khz } => write!(text, " {port} {khz} kHz"),
        Command::GetComFreq(port) => write!(text, " {port}"),
        Command::SwitchFreq(prescaler) => write!(text, " {prescaler}"),
        Command::Other(raw) => write!(text, ": {}", bytes(&raw, &[])),
        _ => Ok(()),
    };
    text
}

fn core(reg: u8) -> String {
    let number = u32::from(reg);
    regs::m33::core_register::name(number).map_or_else(|| format!("register {number}"), str::to_owned)
}

/// The items of a list in short: `AP1, 0x2000_0000 := 0x0000_0001, read 0xE000_ED00`.
fn list(exchange: &StLinkCommand) -> String {
    /// More items than so many are not listed.
    const LISTED: usize = 6;
    let items = exchange.list();
    let mut told: Vec<String> = Vec::new();
    for (n, item) in items.iter().enumerate().take(LISTED) {
        told.push(match item.op {
            MiscOp::APNUM => format!("AP{}", item.word),
            MiscOp::READ => format!("read {}", name::hex(item.word)),
            MiscOp::WRITE if exchange.hides_data(stlink::misc::word_at(items.len(), n)) => {
                format!("write {}", name::SECRET)
            }
            op => format!("{op} {}", name::hex(item.word)),
        });
    }
    if items.len() > LISTED {
        told.push("…".to_owned());
    }
    told.join(", ")
}

fn answer(answer: &Answer, exchange: &StLinkCommand) -> String {
    match answer {
        Answer::Version(raw) if raw.is_extended() => format!("hardware {}", raw.hardware()),
        Answer::Version(raw) => Version::from_raw(*raw).to_string(),
        Answer::VersionExt(version) => Version::from_ext(*version).to_string(),
        Answer::Mode(mode) => mode.to_string(),
        Answer::Voltage { .. } => match answer.millivolts() {
            Some(millivolts) => format!("{millivolts} mV"),
            None => "no reading".to_owned(),
        },
        Answer::Status(status) => status.to_string(),
        Answer::Value { status, .. } if exchange.hides_data(4..8) => format!("{status}, {}", name::SECRET),
        Answer::Value { status, value } => match exchange.command {
            Some(Command::SetComFreq { .. } | Command::SwitchFreq(_)) => format!("{status}, {value} kHz"),
            _ => format!("{status}, {}", name::hex(*value)),
        },
        Answer::Idcodes { status, first, second } => {
            format!("{status}, {} {}", name::hex(*first), name::hex(*second))
        }
        Answer::Registers { status, .. } => status.to_string(),
        Answer::RwStatus(rw) if rw.status == stlink::Status::OK => rw.status.to_string(),
        Answer::RwStatus(rw) => format!("{} at {}", rw.status, rw.fault),
        Answer::ComFreq { status, current, .. } => format!("{status}, {current} kHz"),
        Answer::TraceCount(count) => name::size(u64::from(*count)),
        Answer::Results(results) => match results.iter().find(|r| r.status() != stlink::Status::OK) {
            Some(failed) => format!("{} results, one is {}", results.len(), failed.status()),
            None => format!("{} results, all OK", results.len()),
        },
        Answer::Data(data) => bytes(data, &exchange.data_secret),
    }
}

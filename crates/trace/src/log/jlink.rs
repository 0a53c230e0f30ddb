//! The log of SEGGER's J-Link software: `-log` of J-Link Commander, or the DLL's log file.
//!
//! `T3E4C 000:008.421 JLINK_ReadMem(0x0002BCC6, 0x4 Bytes, ...)`: the thread, seconds and milliseconds, a call; below it,
//! indented, what the DLL did for it. Only its `CPU_` lines reached the target: much is answered from caches.

use super::Lines;
use super::intake::Intake;
use super::line::{after, between, bytes, decimal, number};
use crate::event::Procedure;
use std::collections::BTreeMap;
use std::time::Duration;
use wire::{Access, Addr, ApSel, Certainty, Width};

/// A line taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Line<'a> {
    thread: &'a str,
    at: Duration,
    text: &'a str,
}

impl<'a> Line<'a> {
    pub(super) fn of(line: &'a str) -> Option<Line<'a>> {
        let (thread, rest) = line.strip_prefix('T')?.split_once(' ')?;
        let (time, text) = rest.split_once(' ').unwrap_or((rest, ""));
        let (seconds, fraction) = time.split_once(':')?;
        let (millis, micros) = fraction.split_once('.')?;
        let digits = [seconds, millis, micros].iter().all(|part| part.bytes().all(|b| b.is_ascii_digit()));
        if !digits || micros.len() != 3 || !thread.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        let millis = u64::from(decimal(seconds)?) * 1000 + u64::from(decimal(millis)?);
        let at = Duration::from_millis(millis) + Duration::from_micros(u64::from(decimal(micros)?));
        Some(Line { thread, at, text: text.trim() })
    }
}

/// A call of a thread that has not returned.
#[derive(Debug, Default)]
struct Call {
    /// Where and how long, of a call about memory.
    memory: Option<(u32, u32)>,
    /// Access of the target, at the same place, whose data the log may show yet.
    read: Option<(u32, u32)>,
    /// A register of the DP (`None`) or of the current AP, to be read.
    register: Option<(bool, u8)>,
}

#[derive(Debug, Default)]
pub(super) struct JLink {
    calls: BTreeMap<String, Call>,
}

/// More threads than this have no calls.
const MOST_THREADS: usize = 256;

impl Lines for JLink {
    fn line(&mut self, line: &str, intake: &mut Intake) {
        let Some(line) = Line::of(line) else { return };
        intake.hides("transactions, which access port was used, and the data of longer blocks");
        intake.at(line.at);
        if self.calls.len() >= MOST_THREADS {
            self.calls.clear();
        }
        let call = self.calls.entry(line.thread.to_owned()).or_default();
        if let Some(api) = line.text.strip_prefix("JLINK_").or_else(|| line.text.strip_prefix("JLINKARM_")) {
            *call = Call::default();
            call.begin(api, intake);
        } else if line.text.starts_with("CPU_ReadMem(") || line.text.starts_with("CPU_WriteMem(") {
            call.reaches_the_target(line.text, intake);
        } else if let Some(data) = line.text.strip_prefix("Data:") {
            call.data(data, intake);
        } else if let Some(value) = after(line.text, "Value=").and_then(number) {
            call.value(value, intake);
        } else if line.text.starts_with("- ") {
            call.end(intake);
        }
    }

    fn end(&mut self, intake: &mut Intake) {
        self.calls.values_mut().for_each(|call| call.end(intake));
    }
}

impl Call {
    fn begin(&mut self, api: &str, intake: &mut Intake) {
        let Some((name, arguments)) = api.split_once('(') else { return };
        let mut numbers = arguments.split(',').map(number);
        let mut next = || numbers.next().flatten();
        match name {
            "ReadMem" | "ReadMemEx" | "WriteMem" | "WriteMemEx" => {
                self.memory = next().zip(next());
            }
            "ReadMemU32" => self.memory = next().zip(next().map(|items| items.saturating_mul(4))),
            "ReadMemU16" => self.memory = next().zip(next().map(|items| items.saturating_mul(2))),
            "ReadMemU8" => self.memory = next().zip(next()),
            "WriteU32" => self.memory = next().map(|at| (at, 4)),
            "WriteU16" => self.memory = next().map(|at| (at, 2)),
            "WriteU8" => self.memory = next().map(|at| (at, 1)),
            "CORESIGHT_ReadAPDPReg" | "CORESIGHT_WriteAPDPReg" => self.register(name, arguments, intake),
            "Halt" | "Go" | "Reset" | "Step" | "Connect" => intake.procedure(Procedure::Access, name),
            _ => {}
        }
    }

    /// `AP reg 0x03` and for a write `0x00000001`; registers are counted in words.
    fn register(&mut self, name: &str, arguments: &str, intake: &mut Intake) {
        let Some((port, rest)) = arguments.split_once(" reg ") else { return };
        let Some(register) = number(rest).and_then(|n| u8::try_from(n).ok()).filter(|n| *n < 4) else {
            return;
        };
        let is_ap = port.ends_with("AP");
        if name.ends_with("WriteAPDPReg") {
            let value = rest.split_once(',').and_then(|(_, value)| number(value));
            intake.register(is_ap.then_some(ApSel(0)), register * 4, true, value);
        } else {
            self.register = Some((is_ap, register * 4));
        }
    }

    /// `CPU_ReadMem(64 bytes @ 0x0002BCC0)`
    fn reaches_the_target(&mut self, text: &str, intake: &mut Intake) {
        self.end(intake);
        let bytes = between(text, "(", " bytes").and_then(decimal);
        let (Some(bytes), Some(at)) = (bytes, after(text, "@ ").and_then(number)) else { return };
        if self.memory == Some((at, bytes)) && matches!(bytes, 1 | 2 | 4) && text.starts_with("CPU_ReadMem") {
            self.read = self.memory;
        } else {
            let write = text.starts_with("CPU_WriteMem");
            intake.block(ApSel(0), Addr(at), bytes, write, Certainty::Inferred);
        }
    }

    /// What the call gave; of an access of just these bytes it is what that read.
    fn data(&mut self, data: &str, intake: &mut Intake) {
        let Some((at, length)) = self.read.take() else { return };
        let value =
            bytes(data, ' ').filter(|bytes| bytes.len() >= 4 || u32::try_from(bytes.len()) == Ok(length));
        let value =
            value.map(|bytes| bytes.iter().take(4).rev().fold(0, |all, byte| all << 8 | u32::from(*byte)));
        single(at, length, value, intake);
    }

    fn value(&mut self, value: u32, intake: &mut Intake) {
        if let Some((is_ap, register)) = self.register.take() {
            intake.register(is_ap.then_some(ApSel(0)), register, false, Some(value));
        }
    }

    /// What was read is not shown.
    fn end(&mut self, intake: &mut Intake) {
        if let Some((at, length)) = self.read.take() {
            single(at, length, None, intake);
        }
    }
}

fn single(at: u32, length: u32, value: Option<u32>, intake: &mut Intake) {
    let width = match length {
        1 => Width::Byte,
        2 => Width::Half,
        _ => Width::Word,
    };
    let access = Access { ap: ApSel(0), at: Addr(at), width, write: false, value };
    intake.access(access, 1, Certainty::Inferred);
}

//! pyOCD with its trace loggers on.
//!
//! `0049477 D   USB RD < (8) 00 06 32 2e 31 2e 32 00 [pyusb_v2_backend]`: milliseconds, a letter for how bad it is, the text,
//! the module. With the packets in it, all else follows from them; without, the loggers `dap` and `ap` show register and
//! memory accesses.

use super::Lines;
use super::intake::Intake;
use super::line::{after, between, bytes, decimal, hex, number};
use std::time::Duration;
use wire::{Access, Addr, ApSel, Certainty, Width};

/// A packet is not longer.
const LONGEST_PACKET: usize = 64 << 10;

const WITH_PACKETS: &str = "transfers on endpoint 0";
const WITHOUT_PACKETS: &str = "USB packets (-L '*.trace=debug' shows them), transactions and acks";

/// A line taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Line<'a> {
    at: Duration,
    text: &'a str,
    module: &'a str,
}

impl<'a> Line<'a> {
    pub(super) fn of(line: &'a str) -> Option<Line<'a>> {
        let (time, rest) = line.split_once(' ')?;
        let (bad, rest) = rest.split_once(' ')?;
        let known = time.len() >= 7 && time.bytes().all(|b| b.is_ascii_digit());
        if !known || !matches!(bad, "D" | "I" | "W" | "E" | "C") {
            return None;
        }
        let millis = time.parse().ok()?;
        let (text, module) = rest.rsplit_once('[').unwrap_or((rest, ""));
        Some(Line {
            at: Duration::from_millis(millis),
            text: text.trim(),
            module: module.trim_end_matches(']'),
        })
    }
}

#[derive(Debug, Default)]
pub(super) struct PyOcd {
    packets: bool,
    /// Memory accesses under way: the accesses to registers within them are how they are done.
    depth: u32,
}

impl Lines for PyOcd {
    fn line(&mut self, line: &str, intake: &mut Intake) {
        let Some(line) = Line::of(line) else { return };
        intake.at(line.at);
        if let Some((sent, data)) = packet(line.text) {
            if !std::mem::replace(&mut self.packets, true) {
                intake.hides(WITH_PACKETS);
            }
            return if sent { intake.sent(data) } else { intake.received(data) };
        }
        match line.module {
            "dap" if self.depth == 0 => register(line.text, intake),
            "ap" => self.memory(line.text, intake),
            _ => {}
        }
    }

    fn end(&mut self, intake: &mut Intake) {
        if !self.packets {
            intake.hides(WITHOUT_PACKETS);
        }
    }
}

/// `USB OUT> (2) 00 fe`. What is shorter than its length says ended with zeros.
fn packet(text: &str) -> Option<(bool, Vec<u8>)> {
    let rest = text.strip_prefix("USB ")?;
    let sent = rest.starts_with("OUT>") || rest.starts_with("CMD>");
    let known = sent || rest.starts_with("RD <") || rest.starts_with("IN <");
    let length = usize::try_from(decimal(between(rest, "(", ")").filter(|_| known)?)?).ok()?;
    let mut data = bytes(after(rest, ") ")?, ' ')?;
    data.resize(data.len().max(length.min(LONGEST_PACKET)), 0);
    Some((sent, data))
}

/// `read_ap:000008 (addr=0x010000fc) -> 0x84770001`, `write_dp:000011 (addr=0x00000008) = 0x020000f0`.
fn register(text: &str, intake: &mut Intake) {
    let Some((name, _)) = text.split_once(':') else { return };
    let (write, port_is_ap) = match name {
        "read_dp" => (false, false),
        "read_ap" => (false, true),
        "write_dp" => (true, false),
        "write_ap" => (true, true),
        _ => return,
    };
    let address = after(text, "addr=").and_then(hex);
    let value = after(text, if write { ") =" } else { ") ->" });
    // A read whose value comes later has a line of its own for that.
    let (Some(address), Some(value)) = (address, value.and_then(hex)) else { return };
    let [register, _, _, ap] = address.to_le_bytes();
    intake.register(port_is_ap.then_some(ApSel(ap)), register, write, Some(value));
}

impl PyOcd {
    /// `write_mem:000270 (ap=0x1; addr=0x20000000, size=32) = 0x12345678 {`, and `write_mem:000270 }` at its end.
    fn memory(&mut self, text: &str, intake: &mut Intake) {
        let Some((name, rest)) = text.split_once(':') else { return };
        let begins = rest.trim_end().ends_with('{');
        let ends = rest.trim_end().ends_with('}');
        // What is within another access is how that is done.
        let outer = self.depth == u32::from(ends);
        self.depth = (self.depth + u32::from(begins)).saturating_sub(u32::from(ends));
        let place = |key: &str| after(rest, key).and_then(number);
        let (Some(ap), Some(at), Some(size)) = (place("ap="), place("addr="), place("size=")) else { return };
        let Ok(ap) = u8::try_from(ap).map(ApSel) else { return };
        let at = Addr(at);
        match name {
            _ if !outer => {}
            "write_mem" if begins => {
                single(
                    Access { ap, at, width: Width::Word, write: true, value: behind(rest, ") =") },
                    size,
                    intake,
                );
            }
            "read_mem" if ends => {
                single(
                    Access { ap, at, width: Width::Word, write: false, value: behind(rest, ") ->") },
                    size,
                    intake,
                );
            }
            "_read_block32" if begins => {
                intake.block(ap, at, size.saturating_mul(4), false, Certainty::Explicit)
            }
            "_write_block32" if begins => {
                intake.block(ap, at, size.saturating_mul(4), true, Certainty::Explicit)
            }
            _ => {}
        }
    }
}

/// The number behind a text.
fn behind(text: &str, before: &str) -> Option<u32> {
    after(text, before).and_then(hex)
}

/// One access of so many bits.
fn single(access: Access, bits: u32, intake: &mut Intake) {
    let width = match bits {
        8 => Width::Byte,
        16 => Width::Half,
        32 => Width::Word,
        _ => return,
    };
    intake.access(Access { width, ..access }, 1, Certainty::Explicit);
}

//! OpenOCD with `-d3` or `-d4`.
//!
//! `Debug: 139 177 cmsis_dap.c:843 cmsis_dap_swd_write_from_queue(): DP read reg 0 0`: how bad, a number, milliseconds, where
//! in the source, the function, the text. Each driver says something else:
//!
//! - CMSIS-DAP lists what it queued, packet by packet, and later what came back. Both together are a DAP_Transfer, and what
//!   the firmware adds to it follows as from a recording.
//! - The bit-by-bit drivers show each transaction with its ack, as it was on the wire.
//! - ST-Link shows accesses to DP and AP registers; memory is known from the layer above, which shows single words.

use super::Lines;
use super::intake::{Intake, Place};
use super::line::{after, between, decimal, hex};
use crate::event::{OnWire, Procedure, Wired};
use cmsis_dap::{
    BlockReply, Decoded, Item, Model, Request, Response, Transfer, TransferBlock, TransferReply,
    TransferRequest, TransferStatus, expand,
};
use std::collections::VecDeque;
use std::time::Duration;
use wire::{Access, Ack, Addr, ApSel, Certainty, RegSel, Transaction, Width, WireEvent};

const CMSIS_DAP: &str =
    "DAP_WriteABORT, pins, line sequences other than switches, and what the probe repeated by itself";
const BITS: &str = "pins, and line sequences other than switches";
const ST_LINK: &str = "memory accesses other than single words, and how any was done";
const ACCESSES: &str =
    "transactions (-d4 shows them), and memory accesses other than single words and blocks without data";

/// A line taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Line<'a> {
    level: &'a str,
    at: Duration,
    function: &'a str,
    text: &'a str,
}

impl<'a> Line<'a> {
    pub(super) fn of(line: &'a str) -> Option<Line<'a>> {
        let (level, rest) = line.split_once(": ")?;
        let level = level.trim_end();
        if !matches!(level, "Debug" | "Info" | "Warn" | "Error" | "User") {
            return None;
        }
        let mut words = rest.splitn(4, ' ');
        decimal(words.next()?)?;
        let millis = decimal(words.next()?)?;
        words.next().filter(|place| place.contains(".c:") || place.contains(".h:"))?;
        let (function, text) = words.next()?.split_once("():")?;
        Some(Line { level, at: Duration::from_millis(u64::from(millis)), function, text: text.trim() })
    }
}

/// What the log turns out to show of the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Driver {
    #[default]
    None,
    CmsisDap,
    Bits,
    StLink,
}

#[derive(Debug, Default)]
pub(super) struct OpenOcd {
    driver: Driver,
    /// Packets that were sent, the last one still growing.
    sent: VecDeque<Packet>,
    /// The packet whose results come now.
    answered: Option<Packet>,
    /// The access port that the layer above uses.
    ap: u8,
}

/// A packet of transactions.
#[derive(Debug, Default)]
struct Packet {
    items: Vec<Item>,
    /// All are the same, and go as a block.
    same: bool,
    place: Place,
    values: Vec<u32>,
}

impl Lines for OpenOcd {
    fn line(&mut self, line: &str, intake: &mut Intake) {
        let Some(line) = Line::of(line) else { return };
        intake.at(line.at);
        let Line { level, function, text, .. } = line;
        if function.starts_with("cmsis_dap_swd_") {
            self.cmsis_dap(function, text, intake);
        } else if function.starts_with("bitbang_") {
            self.bits(text, intake);
        } else if function.starts_with("stlink_") {
            self.st_link(text, intake);
        } else if function.starts_with("target_") && self.shows_accesses() {
            self.access(function, text, intake);
        }
        if let Some(ap) = after(text, "refcount AP#").filter(|_| text.contains(" get ")).and_then(hex) {
            self.ap = ap.to_le_bytes()[0];
        }
        match (level, text.strip_prefix("command - ")) {
            (_, Some(command)) if !command.starts_with("ocd_find") => intake.note(command),
            ("Error" | "Warn", None) => intake.note(&format!("{}: {text}", level.to_lowercase())),
            _ => {}
        }
    }

    fn end(&mut self, intake: &mut Intake) {
        self.finish(intake);
        for packet in std::mem::take(&mut self.sent) {
            intake.wire(Wired::plain(OnWire::Lost), Certainty::Hidden, packet.place);
        }
        intake.hides(match self.driver {
            Driver::None => ACCESSES,
            Driver::CmsisDap => CMSIS_DAP,
            Driver::Bits => BITS,
            Driver::StLink => ST_LINK,
        });
    }
}

impl OpenOcd {
    /// Whether what the layer above says is not to be seen below.
    fn shows_accesses(&self) -> bool {
        matches!(self.driver, Driver::None | Driver::StLink)
    }

    fn cmsis_dap(&mut self, function: &str, text: &str, intake: &mut Intake) {
        if function == "cmsis_dap_swd_switch_seq" {
            self.finish(intake);
            return switch(text, intake);
        }
        if text.starts_with("Executing ") && text.contains("queued transactions") {
            self.driver = Driver::CmsisDap;
            let same = text.ends_with("same swd ops");
            self.sent.push_back(Packet { same, place: intake.place(), ..Packet::default() });
        } else if text.starts_with("refusing to enable sticky overrun") {
            let last = self.sent.back_mut().and_then(|packet| packet.items.last_mut());
            last.into_iter().for_each(|item| item.word &= !regs::dp::ctrl_stat::ORUNDETECT);
        } else if let Some(item) = listed(text) {
            self.sent.back_mut().into_iter().for_each(|packet| packet.items.push(item));
        } else if text.starts_with("Received results of") {
            self.finish(intake);
            self.answered = self.sent.pop_front();
        } else if let Some(value) = text.strip_prefix("Read result: ").and_then(hex) {
            self.answered.iter_mut().for_each(|packet| packet.values.push(value));
        } else if let Some(refused) = after(text, "ack not OK @ ") {
            self.finish(intake);
            let (count, word) = refused.split_once(' ').unwrap_or((refused, ""));
            if let Some(packet) = self.sent.pop_front() {
                packet.put(decimal(count).unwrap_or(0), ack(word).unwrap_or(Ack::NONE), intake);
            }
        }
    }

    /// All results of a packet are there.
    fn finish(&mut self, intake: &mut Intake) {
        if let Some(packet) = self.answered.take() {
            let count = u32::try_from(packet.items.len()).unwrap_or(u32::MAX);
            packet.put(count, Ack::OK, intake);
        }
    }

    /// `OK AP read reg C = 410fd214`
    fn bits(&mut self, text: &str, intake: &mut Intake) {
        let Some((start, value)) = text.split_once(" = ") else { return switch(text, intake) };
        let mut words = start.split_whitespace().skip_while(|word| ack(word).is_none());
        let Some(ack) = words.next().and_then(ack) else { return };
        let Some(item) = listed(&words.collect::<Vec<_>>().join(" ")) else { return };
        self.driver = Driver::Bits;
        let data = hex(value).filter(|_| ack == Ack::OK);
        let (reg, read) = (item.request.reg(), item.request.is_read());
        let refused = hex(value).filter(|_| ack != Ack::OK && !read);
        let transaction = Transaction { reg, read, ack, data };
        let what = OnWire::Event(WireEvent::Transaction(transaction));
        let wired = Wired { refused, ..Wired::plain(what) };
        intake.wire(wired, Certainty::Explicit, intake.place());
    }

    /// `dap_port_read = 65535, addr =  0x4, value = 0xf0000000`, `dap_write port = 1, addr = 0x0, value = 0xa2000000`
    fn st_link(&mut self, text: &str, intake: &mut Intake) {
        let write = text.starts_with("dap_write port");
        if write || text.starts_with("dap_port_read") {
            self.driver = Driver::StLink;
            let numbers = (after(text, "= ").and_then(decimal), after(text, "addr =").and_then(hex));
            let (Some(port), Some(address)) = numbers else { return };
            let [register, ..] = address.to_le_bytes();
            let ap = u8::try_from(port).ok().map(ApSel);
            intake.register(ap, register, write, after(text, "value =").and_then(hex));
        } else if let Some(ap) = between(text, "AP ", " enabled") {
            intake.procedure(Procedure::OpenAp, &format!("open AP{ap}"));
        } else if let Some(ap) = text.strip_prefix("close ap_num = ") {
            intake.procedure(Procedure::OpenAp, &format!("close AP{ap}"));
        }
    }

    /// `address: 0xe000ed00, value: 0x410fd214`, `writing buffer of 512 byte at 0x20001000`
    fn access(&self, function: &str, text: &str, intake: &mut Intake) {
        let ap = ApSel(self.ap);
        if let (Some(at), Some(bytes)) = (after(text, " byte at ").and_then(hex), after(text, "buffer of ")) {
            let write = function == "target_write_buffer";
            let bytes = decimal(bytes).unwrap_or(0);
            return intake.block(ap, Addr(at), bytes, write, Certainty::Inferred);
        }
        let width = match function.rsplit('_').next() {
            Some("u8") => Width::Byte,
            Some("u16") => Width::Half,
            Some("u32") => Width::Word,
            _ => return,
        };
        let (at, value) = (after(text, "address: ").and_then(hex), after(text, "value: ").and_then(hex));
        if let (Some(at), Some(_)) = (at, value) {
            let write = function.starts_with("target_write");
            // Which access port was used is known from the last that was taken into use.
            intake.access(Access { ap, at: Addr(at), width, write, value }, 1, Certainty::Inferred);
        }
    }
}

/// `DP write reg 8 10000f0`: port, direction, register, value.
fn listed(text: &str) -> Option<Item> {
    let mut words = text.split_whitespace();
    let (port, direction, reg, address) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let [a, ..] = hex(address).filter(|a| *a < 16 && reg == "reg")?.to_le_bytes();
    let reg = match port {
        "DP" => RegSel::dp(a),
        "AP" => RegSel::ap(a),
        _ => return None,
    };
    let word = words.next().and_then(hex).unwrap_or(0);
    match direction {
        "read" => Some(Item { request: TransferRequest::read(reg), word: 0 }),
        "write" => Some(Item { request: TransferRequest::write(reg), word }),
        _ => None,
    }
}

fn ack(word: &str) -> Option<Ack> {
    match word {
        "OK" => Some(Ack::OK),
        "WAIT" => Some(Ack::WAIT),
        "FAULT" => Some(Ack::FAULT),
        "JUNK" => Some(Ack::NONE),
        _ => None,
    }
}

/// A switch sequence, which OpenOCD puts between line resets.
fn switch(text: &str, intake: &mut Intake) {
    let (name, resets) = match text {
        "SWD line reset" => (None, [true, false]),
        "JTAG-to-SWD" => (Some("JTAG to SWD"), [true, true]),
        "SWD-to-JTAG" => (Some("SWD to JTAG"), [true, false]),
        "SWD-to-DORMANT" => (Some("SWD to dormant"), [true, false]),
        "DORMANT-to-SWD" => (Some("dormant to SWD"), [false, true]),
        _ => return,
    };
    let mut put = |event| {
        intake.wire(Wired::plain(OnWire::Event(event)), Certainty::Inferred, intake.place());
    };
    let [before, behind] = resets;
    before.then(|| put(WireEvent::LineReset));
    name.into_iter().for_each(|name| put(WireEvent::Switch(name)));
    behind.then(|| put(WireEvent::LineReset));
}

impl Packet {
    /// Puts down what the packet did, `count` items of it with this ack at the end.
    fn put(self, count: u32, ack: Ack, intake: &mut Intake) {
        let (place, items) = (self.place, self.items.clone());
        let status = TransferStatus::new(ack, false);
        let (request, response) =
            if self.same { self.block(count, status) } else { self.list(count, status) };
        for step in expand(&request, &Decoded { value: response, used: 0, padding: 0 }, Model::Arm) {
            let item = step.item.and_then(|item| items.get(item));
            let written = item.filter(|_| !step.transaction.read).map(|item| item.word);
            let what = OnWire::Event(WireEvent::Transaction(step.transaction));
            let refused = written.filter(|_| step.transaction.data.is_none());
            let wired = Wired { implied: step.item.is_none(), refused, ..Wired::plain(what) };
            intake.wire(wired, step.certainty, place);
        }
    }

    fn list(self, count: u32, status: TransferStatus) -> (Request, Response) {
        let count = u8::try_from(count).unwrap_or(u8::MAX);
        let transfer = Transfer { index: 0, items: self.items };
        (Request::Transfer(transfer), Response::Transfer(TransferReply { count, status, words: self.values }))
    }

    fn block(self, count: u32, status: TransferStatus) -> (Request, Response) {
        let (count, all) = (u16::try_from(count).unwrap_or(u16::MAX), self.items.len());
        let request = self.items.first().map_or(TransferRequest(0), |item| item.request);
        let words: Vec<u32> =
            self.items.iter().map(|item| item.word).filter(|_| !request.is_read()).collect();
        let block = TransferBlock { index: 0, count: u16::try_from(all).unwrap_or(u16::MAX), request, words };
        let reply = BlockReply { count, status, words: self.values };
        (Request::TransferBlock(block), Response::TransferBlock(reply))
    }
}

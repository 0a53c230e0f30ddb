//! Which device of a recording is the probe, and which of its endpoints carry commands.
//!
//! A device descriptor in the recording names an ST-Link by its numbers. Most captures begin after enumeration, so as a rule
//! the payload decides: a CMSIS-DAP answer repeats the command byte of its request, an ST-Link command has 16 bytes of which
//! the first is one of a few, and an answer of a known length; a shift of a J-Link says how long it and its answer are.
//! A probe that was plugged in again has another address; its descriptors say that it is the same.

use super::identity::Identities;
use super::{Device, Recording, Transfer, Warning};
use crate::TraceError;
use crate::decode::{WAITING, jlink};
use crate::quick::QuickMap;
use cmsis_dap::{CommandId, Decoded, InfoId, Model, Request, Response};
use std::collections::{BTreeMap, VecDeque};

/// HID class request SET_REPORT to an interface: how probes without an OUT endpoint are sent their reports.
const SET_REPORT: [u8; 2] = [0x21, 0x09];

/// Which protocol a probe speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// CMSIS-DAP: every transaction is listed.
    CmsisDap,
    /// ST-Link: memory commands; what the probe does on the wire is its own business.
    StLink,
    /// J-Link, driven bit by bit: every transaction is seen.
    JLink,
    /// None: a text log of a tool, which shows accesses but not what the probe was told.
    Log,
    /// None: the pins were captured, and every transaction is seen.
    Wire,
    /// None: what was on the wire stands there as a list, as an export or a simulator wrote it.
    List,
}

impl std::fmt::Display for Protocol {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Protocol::CmsisDap => "CMSIS-DAP",
            Protocol::StLink => "ST-Link",
            Protocol::JLink => "J-Link",
            Protocol::Log => "text log",
            Protocol::Wire => "SWD pins",
            Protocol::List => "list of transactions",
        })
    }
}

/// The endpoints that carry commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Choice {
    pub(crate) protocol: Protocol,
    pub(crate) device: Device,
    pub(crate) out: u8,
    pub(crate) answers: u8,
    /// Its firmware, by what it says of itself.
    pub(crate) model: Model,
}

/// Whether a transfer brings a packet to an OUT endpoint, or to endpoint 0 by SET_REPORT.
pub(crate) fn carries_out(transfer: &Transfer) -> bool {
    if transfer.is_in() || transfer.data.is_empty() {
        return false;
    }
    match transfer.setup {
        Some([kind, request, ..]) => [kind, request] == SET_REPORT,
        None => transfer.endpoint & 0x0F != 0,
    }
}

/// Whether a transfer brings a packet from an IN endpoint.
pub(crate) fn carries_in(transfer: &Transfer) -> bool {
    transfer.is_in() && transfer.endpoint & 0x0F != 0 && !transfer.data.is_empty()
}

#[derive(Debug, Default)]
struct Traffic {
    /// First two bytes of OUT packets that no answer has repeated, by endpoint.
    waiting: BTreeMap<u8, VecDeque<[u8; 2]>>,
    /// Answers that repeat the oldest request, by pair of endpoints.
    echoes: BTreeMap<(u8, u8), u64>,
    outs: BTreeMap<u8, u64>,
    ins: BTreeMap<u8, u64>,
    st_link: StLinkTraffic,
    j_link: JLinkTraffic,
    /// What the probe says of itself.
    texts: Vec<String>,
    transfers: u64,
}

/// What speaks for a J-Link that is driven bit by bit.
#[derive(Debug, Default)]
struct JLinkTraffic {
    /// Where the last shift was sent, and how long its answer is.
    awaits: Option<(u8, jlink::Size)>,
    /// Shifts with an answer as long as it must be, by pair of endpoints.
    shifts: BTreeMap<(u8, u8), u64>,
}

impl JLinkTraffic {
    fn take(&mut self, transfer: &Transfer) {
        if carries_out(transfer) {
            let size = jlink::Size::of(&transfer.data).filter(|size| size.command() == transfer.data.len());
            self.awaits = size.map(|size| (transfer.endpoint, size));
        } else if carries_in(transfer)
            && let Some((out, size)) = self.awaits.take()
            // The status may come by itself.
            && (transfer.data.len() == size.answer || transfer.data.len() == size.bytes)
        {
            *self.shifts.entry((out, transfer.endpoint)).or_default() += 1;
        }
    }

    fn best(&self) -> Option<((u8, u8), u64)> {
        let (pair, shifts) = self.shifts.iter().max_by_key(|(_, n)| **n)?;
        Some((*pair, shifts.saturating_mul(RIGHT_LENGTH)))
    }
}

/// What speaks for an ST-Link.
#[derive(Debug, Default)]
struct StLinkTraffic {
    /// Its product, from a device descriptor.
    product: Option<stlink::Device>,
    /// Commands, by endpoint.
    commands: BTreeMap<u8, u64>,
    /// The answer to the last command, if it has one.
    awaits: Option<stlink::Phase>,
    /// What speaks for an endpoint being that of the answers.
    answers: BTreeMap<u8, u64>,
}

/// An answer of the right length speaks so much more than one of another.
const RIGHT_LENGTH: u64 = 16;

/// GET_DESCRIPTOR of the device.
const GET_DEVICE: [u8; 4] = [0x80, 0x06, 0x00, 0x01];

impl StLinkTraffic {
    fn take(&mut self, transfer: &Transfer) {
        if let Some(setup) = transfer.setup {
            if let ([GET_DEVICE, _], Some([v0, v1, p0, p1])) =
                (setup.as_chunks::<4>().0, transfer.data.get(8..).and_then(<[u8]>::first_chunk))
                && u16::from_le_bytes([*v0, *v1]) == stlink::device::VID
            {
                self.product = stlink::device(u16::from_le_bytes([*p0, *p1]));
            }
        } else if carries_out(transfer) {
            if transfer.data.len() == stlink::PACKET
                && transfer.data.first().is_some_and(|first| matches!(first, 0xF1..=0xF5 | 0xF7 | 0xFB))
                && let Ok(decoded) = stlink::Command::decode(&transfer.data)
                && !matches!(decoded.value, stlink::Command::Other(_))
            {
                *self.commands.entry(transfer.endpoint).or_default() += 1;
                let phase = decoded.value.phase();
                self.awaits =
                    Some(phase).filter(|p| !matches!(p, stlink::Phase::None | stlink::Phase::Out(_)));
            }
        } else if carries_in(transfer)
            && let Some(phase) = self.awaits.take()
        {
            let right = phase == stlink::Phase::In(transfer.data.len());
            let weight = if right { RIGHT_LENGTH } else { 1 };
            *self.answers.entry(transfer.endpoint).or_default() += weight;
        }
    }

    /// Its endpoints and how much speaks for them. The product's own endpoints are believed first.
    fn best(&self) -> Option<((u8, u8), u64)> {
        if let Some(product) = self.product.filter(|product| !product.loader) {
            let commands = self.commands.get(&product.command_out).copied().unwrap_or(0);
            return Some(((product.command_out, product.answer_in), commands));
        }
        let (out, commands) = self.commands.iter().max_by_key(|(_, n)| **n)?;
        let answers = self.answers.iter().max_by_key(|(_, n)| **n);
        // All products answer at the same endpoint. [STL-15]
        Some(((*out, answers.map_or(0x81, |(endpoint, _)| *endpoint)), *commands))
    }
}

impl Traffic {
    fn take(&mut self, transfer: &Transfer) {
        self.transfers += 1;
        let Some(first) = transfer.data.first().copied() else { return };
        self.st_link.take(transfer);
        self.j_link.take(transfer);
        if carries_out(transfer) {
            if CommandId(first).name().is_none() {
                return;
            }
            *self.outs.entry(transfer.endpoint).or_default() += 1;
            let queue = self.waiting.entry(transfer.endpoint).or_default();
            queue.push_back([first, transfer.data.get(1).copied().unwrap_or(0)]);
            if queue.len() > WAITING {
                queue.pop_front();
            }
        } else if carries_in(transfer) {
            *self.ins.entry(transfer.endpoint).or_default() += 1;
            for (out, queue) in &mut self.waiting {
                if let Some(place) = queue.iter().position(|[sent, _]| *sent == first) {
                    let asked = queue.drain(..=place).next_back();
                    *self.echoes.entry((*out, transfer.endpoint)).or_default() += 1;
                    self.texts.extend(asked.and_then(|asked| said_of_itself(asked, &transfer.data)));
                }
            }
        }
    }

    /// The pair of endpoints that most likely carries CMSIS-DAP commands, with how much speaks for it.
    fn cmsis_dap(&self) -> Option<((u8, u8), u64)> {
        let by_echo = self.echoes.iter().max_by_key(|(_, n)| **n).map(|(pair, n)| (*pair, *n));
        by_echo.or_else(|| {
            let out = self.outs.iter().max_by_key(|(_, n)| **n)?;
            let inward = self.ins.iter().max_by_key(|(_, n)| **n).map_or(0x80, |(endpoint, _)| *endpoint);
            Some(((*out.0, inward), 0))
        })
    }

    /// What the device most likely speaks, where, and how much speaks for it.
    fn best(&self, device: Device) -> Option<(Choice, u64)> {
        let model = Model::default();
        let choice =
            |protocol, ((out, answers), score)| (Choice { protocol, device, out, answers, model }, score);
        let cmsis_dap = self.cmsis_dap().map(|found| choice(Protocol::CmsisDap, found));
        let st_link = self.st_link.best().map(|found| choice(Protocol::StLink, found));
        // Data that goes to memory may look like anything, so an ST-Link's may echo; a CMSIS-DAP probe never looks like one.
        let found = match (cmsis_dap, st_link) {
            (Some(one), Some(other)) if other.1 >= one.1 => Some(other),
            (one, other) => one.or(other),
        };
        let j_link = self.j_link.best().map(|found| choice(Protocol::JLink, found));
        j_link.filter(|one| found.is_none_or(|other| one.1 > other.1)).or(found)
    }
}

/// The text with which a probe answers DAP_Info.
fn said_of_itself([command, id]: [u8; 2], answer: &[u8]) -> Option<String> {
    if CommandId(command) != CommandId::INFO {
        return None;
    }
    match Response::decode(&Request::Info(InfoId(id)), answer) {
        Ok(Decoded { value: Response::Info(data), .. }) => data.text(),
        _ => None,
    }
}

/// What is known of the devices of a recording.
#[derive(Debug, Default)]
pub(super) struct Devices {
    traffic: QuickMap<Device, Traffic>,
    identities: Identities,
}

/// The probe.
#[derive(Debug, Default)]
pub(super) struct Chosen {
    /// `None` when nothing is there to decode.
    pub(super) choice: Option<Choice>,
    /// The addresses that it had.
    pub(super) kept: Vec<Device>,
}

impl Devices {
    pub(super) fn take(&mut self, transfer: &Transfer) {
        self.traffic.entry(transfer.device).or_default().take(transfer);
        self.identities.take(transfer);
    }

    /// Chooses the probe, and warns of what is to be left out.
    pub(super) fn choose(
        self,
        wanted: Option<Device>,
        warnings: &mut Vec<Warning>,
    ) -> Result<Chosen, TraceError> {
        let Devices { traffic, identities } = self;
        if let Some(device) = wanted.filter(|d| !traffic.is_empty() && !traffic.contains_key(d)) {
            return Err(TraceError::NoSuchDevice(device.to_string()));
        }
        let best = traffic
            .iter()
            .filter(|(device, _)| wanted.is_none_or(|w| w == **device))
            .map(|(device, traffic)| (*device, traffic.best(*device)))
            .max_by_key(|(device, best)| (best.map(|(_, score)| score), std::cmp::Reverse(*device)));
        let Some((device, best)) = best else { return Ok(Chosen::default()) };
        let mut kept = vec![device];
        kept.extend(identities.other_addresses(device));
        if let Some(others) = kept.get(1..).filter(|others| !others.is_empty()) {
            warnings.push(Warning::Moved { kept: device, others: others.to_vec() });
        }
        let left_out = traffic.iter().filter(|(device, _)| !kept.contains(device));
        let transfers = left_out.map(|(_, traffic)| traffic.transfers).sum();
        if transfers > 0 {
            warnings.push(Warning::OtherDevices { kept: device, transfers });
        }
        if best.is_none() {
            warnings.push(Warning::NotDecoded);
        }
        let texts = kept.iter().filter_map(|device| traffic.get(device)).flat_map(|t| &t.texts);
        let texts: Vec<&str> = texts.map(String::as_str).collect();
        let model = Model::guess(&texts.join(" "));
        Ok(Chosen { choice: best.map(|(choice, _)| Choice { model, ..choice }), kept })
    }
}

/// Chooses the probe, leaves out all other devices, and warns of what was left out. `None` when nothing is there to decode.
pub(crate) fn choose(
    recording: &mut Recording,
    wanted: Option<Device>,
) -> Result<Option<Choice>, TraceError> {
    let mut devices = Devices::default();
    recording.transfers.iter().for_each(|transfer| devices.take(transfer));
    let chosen = devices.choose(wanted, &mut recording.warnings)?;
    if chosen.kept.len() > 1 || recording.transfers.iter().any(|t| !chosen.kept.contains(&t.device)) {
        recording.transfers.retain(|transfer| chosen.kept.contains(&transfer.device));
    }
    Ok(chosen.choice)
}

//! Which device of a recording is the probe, and which of its endpoints carry commands.
//!
//! Descriptors may be missing (the capture began after enumeration), so the payload decides: a CMSIS-DAP answer repeats the
//! command byte of its request.

use super::{Device, Recording, Transfer, Warning};
use crate::TraceError;
use std::collections::{BTreeMap, HashMap, VecDeque};

/// HID class request SET_REPORT to an interface: how probes without an OUT endpoint are sent their reports.
const SET_REPORT: [u8; 2] = [0x21, 0x09];
/// More requests than this are never waiting; older ones were not answered.
const WAITING: usize = 256;

/// The endpoints that carry commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Choice {
    pub(crate) device: Device,
    pub(crate) out: u8,
    pub(crate) answers: u8,
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
    /// First bytes of OUT packets that no answer has repeated, by endpoint.
    waiting: BTreeMap<u8, VecDeque<u8>>,
    /// Answers that repeat the oldest request, by pair of endpoints.
    echoes: BTreeMap<(u8, u8), u64>,
    outs: BTreeMap<u8, u64>,
    ins: BTreeMap<u8, u64>,
    st_link: u64,
}

impl Traffic {
    fn take(&mut self, transfer: &Transfer) {
        let Some(first) = transfer.data.first().copied() else { return };
        if carries_out(transfer) {
            self.st_link += u64::from(transfer.data.len() == 16 && matches!(first, 0xF1..=0xF7 | 0xFB));
            if cmsis_dap::CommandId(first).name().is_none() {
                return;
            }
            *self.outs.entry(transfer.endpoint).or_default() += 1;
            let queue = self.waiting.entry(transfer.endpoint).or_default();
            queue.push_back(first);
            if queue.len() > WAITING {
                queue.pop_front();
            }
        } else if carries_in(transfer) {
            *self.ins.entry(transfer.endpoint).or_default() += 1;
            for (out, queue) in &mut self.waiting {
                if let Some(place) = queue.iter().position(|sent| *sent == first) {
                    queue.drain(..=place);
                    *self.echoes.entry((*out, transfer.endpoint)).or_default() += 1;
                }
            }
        }
    }

    /// The pair of endpoints that most likely carries commands, with how much speaks for it.
    fn best(&self) -> Option<((u8, u8), u64)> {
        let by_echo = self.echoes.iter().max_by_key(|(_, n)| **n).map(|(pair, n)| (*pair, *n));
        by_echo.or_else(|| {
            let out = self.outs.iter().max_by_key(|(_, n)| **n)?;
            let inward = self.ins.iter().max_by_key(|(_, n)| **n).map_or(0x80, |(endpoint, _)| *endpoint);
            Some(((*out.0, inward), 0))
        })
    }
}

/// Chooses the probe, leaves out all other devices, and warns of what was left out. `None` when nothing is there to decode.
pub(crate) fn choose(
    recording: &mut Recording,
    wanted: Option<Device>,
) -> Result<Option<Choice>, TraceError> {
    if recording.transfers.is_empty() {
        return Ok(None);
    }
    let mut devices: HashMap<Device, Traffic> = HashMap::new();
    for transfer in &recording.transfers {
        devices.entry(transfer.device).or_default().take(transfer);
    }
    if let Some(device) = wanted.filter(|d| !devices.contains_key(d)) {
        return Err(TraceError::NoSuchDevice(device.to_string()));
    }
    let best = devices
        .iter()
        .filter(|(device, _)| wanted.is_none_or(|w| w == **device))
        .map(|(device, traffic)| (*device, traffic, traffic.best()))
        .max_by_key(|(device, traffic, best)| {
            (best.map(|(_, score)| score), traffic.st_link, std::cmp::Reverse(*device))
        });
    let Some((device, traffic, best)) = best else { return Ok(None) };
    let before = recording.transfers.len();
    recording.transfers.retain(|t| t.device == device);
    let others = before - recording.transfers.len();
    if others > 0 {
        let transfers = u64::try_from(others).unwrap_or(u64::MAX);
        recording.warnings.push(Warning::OtherDevices { kept: device, transfers });
    }
    match best {
        Some(((out, answers), score)) if score >= traffic.st_link => {
            Ok(Some(Choice { device, out, answers }))
        }
        _ if traffic.st_link > 0 => {
            recording.warnings.push(Warning::NotDecoded("ST-Link"));
            Ok(None)
        }
        _ => {
            recording.warnings.push(Warning::NotDecoded("this device (no CMSIS-DAP command was seen)"));
            Ok(None)
        }
    }
}

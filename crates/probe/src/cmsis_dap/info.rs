//! What a probe says about itself.

use super::packets::{Packets, protocol};
use ::cmsis_dap::{Capabilities, DecodeError, InfoData, InfoId, Model, Request, Response};
use std::time::Duration;
use wire::{LinkError, Pipe};

/// What was learnt when the probe was opened. What it did not tell is `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DapInfo {
    /// Vendor name.
    pub vendor: Option<String>,
    /// Product name; the USB product string where the probe does not tell.
    pub product: String,
    /// Serial number; the USB serial number where the probe does not tell.
    pub serial: Option<String>,
    /// Protocol version, as it writes it. Old firmware gives its product version here, so nothing is concluded from it.
    pub protocol: Option<String>,
    /// Version of its own firmware.
    pub firmware: Option<String>,
    /// What it can do.
    pub capabilities: Capabilities,
    /// Largest packet, in bytes.
    pub packet_size: usize,
    /// Packets it can hold, at least 1.
    pub packet_count: usize,
    /// Which family of firmware it seems to be. A guess [DAP-12].
    pub model: Model,
}

/// The smallest packet size that the specification allows.
const SMALLEST_PACKET: usize = 64;
/// The largest packet size that the specification allows.
const LARGEST_PACKET: usize = 32_768;

impl DapInfo {
    /// It in words. What the probe did not tell is left out.
    pub(super) fn facts(&self) -> Vec<(&'static str, String)> {
        let told = [("vendor", &self.vendor), ("protocol", &self.protocol), ("firmware", &self.firmware)];
        let mut facts = vec![("speaks", "CMSIS-DAP".to_owned())];
        facts.extend(told.into_iter().filter_map(|(word, text)| Some((word, text.clone()?))));
        let DapInfo { packet_size, packet_count, .. } = self;
        facts.push(("packets", format!("{packet_count} of {packet_size} bytes")));
        facts
    }

    /// Asks for everything. `packet_size` is what it answered already.
    pub(super) fn ask<P: Pipe>(
        packets: &mut Packets<P>,
        packet_size: Option<u64>,
    ) -> Result<Self, LinkError> {
        let count = info(packets, InfoId::PACKET_COUNT)?.number();
        let capabilities = info(packets, InfoId::CAPABILITIES)?.capabilities();
        let protocol = info(packets, InfoId::PROTOCOL)?.text();
        let firmware = info(packets, InfoId::FIRMWARE)?.text();
        let vendor = info(packets, InfoId::VENDOR)?.text();
        let product = info(packets, InfoId::PRODUCT)?.text();
        let serial = info(packets, InfoId::SERIAL)?.text();
        let shape = packets.pipe.shape();
        let told = packet_size.and_then(|size| usize::try_from(size).ok()).filter(|size| *size > 0);
        let hints = [vendor.as_deref(), product.as_deref(), firmware.as_deref(), Some(&shape.product)];
        let model = Model::guess(&hints.into_iter().flatten().collect::<Vec<_>>().join(" "));
        Ok(DapInfo {
            product: product.unwrap_or_else(|| shape.product.clone()),
            serial: serial.or_else(|| shape.serial.clone()),
            packet_size: told
                .unwrap_or(shape.report.unwrap_or(shape.max_packet))
                .clamp(SMALLEST_PACKET, LARGEST_PACKET),
            packet_count: count.and_then(|count| usize::try_from(count).ok()).unwrap_or(1).max(1),
            vendor,
            protocol,
            firmware,
            capabilities,
            model,
        })
    }

    /// Whether it has SWD. A probe that tells no capabilities is given the benefit of the doubt.
    pub(super) fn does_swd(&self) -> bool {
        self.capabilities == Capabilities::default() || self.capabilities.has(Capabilities::SWD)
    }
}

/// One property. An answer that is cut off, refused or unknown counts as not available; one to another command does not.
fn info<P: Pipe>(packets: &mut Packets<P>, id: InfoId) -> Result<InfoData, LinkError> {
    match packets.try_ask(&Request::Info(id), Duration::ZERO)? {
        Ok(Response::Info(data)) => Ok(data),
        Err(error @ DecodeError::WrongId { .. }) => {
            packets.desynchronised = true;
            Err(protocol(error))
        }
        other => {
            log::debug!("DAP_Info {id}: {other:?}");
            Ok(InfoData::default())
        }
    }
}

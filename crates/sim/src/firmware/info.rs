//! DAP_Info.

use super::Firmware;
use crate::bus::Chip;
use bytes::Bytes;
use cmsis_dap::{Capabilities, InfoData, InfoId};

/// Manufacturer string, also in the USB descriptor.
pub(crate) const VENDOR: &str = "ackwait";
/// Version of the protocol, as the reference firmware has it.
const PROTOCOL: &str = "2.1.2";
/// Ticks of the timestamp in one second.
const TIMER_HZ: u32 = 1_000_000;

impl<C: Chip> Firmware<C> {
    pub(super) fn info(&self, id: InfoId) -> InfoData {
        let number = |bytes: &[u8]| InfoData(Bytes::copy_from_slice(bytes));
        match id {
            InfoId::VENDOR => InfoData::of_text(VENDOR),
            InfoId::PRODUCT => InfoData::of_text(self.profile.product),
            InfoId::SERIAL => InfoData::of_text(&self.serial),
            InfoId::PROTOCOL => InfoData::of_text(PROTOCOL),
            InfoId::FIRMWARE => InfoData::of_text(env!("CARGO_PKG_VERSION")),
            InfoId::CAPABILITIES => {
                let [low, _] =
                    (Capabilities::SWD.0 | Capabilities::ATOMIC.0 | Capabilities::TIMER.0).to_le_bytes();
                number(&[low])
            }
            InfoId::TIMER => number(&TIMER_HZ.to_le_bytes()),
            InfoId::PACKET_COUNT => number(&[self.profile.packet_count]),
            InfoId::PACKET_SIZE => number(&self.profile.packet_size.to_le_bytes()),
            _ => InfoData::default(),
        }
    }
}

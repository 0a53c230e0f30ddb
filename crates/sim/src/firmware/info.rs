//! DAP_Info.

use super::Deviation;
use super::{Firmware, Setup};
use crate::bus::Chip;
use bytes::Bytes;
use cmsis_dap::{InfoData, InfoId};

/// The capability of a timer.
const TIMER: u8 = 0x20;
/// Ticks of the timestamp in one second.
const TIMER_HZ: u32 = 1_000_000;

impl<C: Chip> Firmware<C> {
    pub(super) fn info(&self, id: InfoId) -> InfoData {
        let number = |bytes: &[u8]| InfoData(Bytes::copy_from_slice(bytes));
        let Setup { make, profile, serial, .. } = &self.setup;
        let texts = &make.texts;
        match id {
            InfoId::VENDOR => self.text(texts.vendor),
            InfoId::PRODUCT if make.identity.is_none() => self.text(profile.product),
            InfoId::PRODUCT => self.text(texts.product),
            InfoId::SERIAL if texts.serial => self.text(serial),
            InfoId::PROTOCOL => self.text(texts.protocol),
            InfoId::FIRMWARE => self.text(texts.firmware),
            InfoId::CAPABILITIES => number(&[make.capabilities]),
            InfoId::TIMER if make.capabilities & TIMER != 0 => number(&TIMER_HZ.to_le_bytes()),
            InfoId::PACKET_COUNT => number(&[profile.packet_count]),
            InfoId::PACKET_SIZE => number(&profile.packet_size.to_le_bytes()),
            _ => InfoData::default(),
        }
    }

    fn text(&self, text: &str) -> InfoData {
        if self.does(Deviation::TextsWithoutZero) {
            return InfoData(Bytes::copy_from_slice(text.as_bytes()));
        }
        InfoData::of_text(text)
    }
}

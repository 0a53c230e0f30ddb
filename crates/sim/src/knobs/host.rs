//! What may keep a write from coming to its end, beside what the bootloader does for USB. All of it guesses, off by default.

use super::{MS, US, flag, pick, time};
use crate::bus::Time;
use regs::h5::state::ProductState;

/// What the flash interface needs after a swap of OBK. [H5-TIMEOUT-4] [H5-TIMEOUT-13]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Again {
    /// Nothing.
    Free,
    /// A reset.
    Reset,
    /// Power.
    PowerOn,
}

/// The settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HostKnobs {
    /// Where chance begins.
    pub(crate) seed: u64,
    /// The product state of a factory-new board, if the scenario says so.
    pub(crate) product: Option<ProductState>,
    /// Flash registers keep the bus waiting while an operation runs. [H5-TIMEOUT-10]
    pub(crate) registers_stall: bool,
    /// OPTSTRT stays 1 and nothing happens, and for how many percent of the changes.
    pub(crate) start_stays: bool,
    pub(crate) start_stays_share: u8,
    /// After a swap of OBK.
    pub(crate) again: Again,
    /// A key written within this time of the opening of AP1 collides with the ROM. [H5-TIMEOUT-15]
    pub(crate) init: Time,
    /// How long an open option lock stays open.
    pub(crate) relock: Time,
    /// The slow mode of long operations, and how many percent of them are in it. [H5-TIMEOUT-5]
    pub(crate) slow: (Time, u8),
    /// How late answers of the probe are while a data cable is in, and how many percent of them. [H5-TIMEOUT-16]
    pub(crate) gap: (Time, u8),
}

impl Default for HostKnobs {
    fn default() -> Self {
        HostKnobs {
            seed: 0,
            product: None,
            registers_stall: false,
            start_stays: false,
            start_stays_share: 100,
            again: Again::Free,
            init: 0,
            relock: 200 * US,
            slow: (0, 0),
            gap: (0, 0),
        }
    }
}

impl HostKnobs {
    /// Sets one value. `None`: no such key here. `Some(false)`: the value does not fit.
    pub(super) fn set(&mut self, key: &str, value: &str) -> Option<bool> {
        let states = [("open", Some(ProductState::OPEN)), ("provisioning", Some(ProductState::PROVISIONING))];
        let again = [("free", Again::Free), ("reset", Again::Reset), ("power-on", Again::PowerOn)];
        Some(match key {
            "seed" => value.parse().map(|seed| self.seed = seed).is_ok(),
            "product" => pick(&mut self.product, value, &states),
            "flash.registers" => flag(&mut self.registers_stall, value, "answer", "stall"),
            "ob.start" => flag(&mut self.start_stays, value, "clears", "stays"),
            "ob.start.share" => share(&mut self.start_stays_share, value),
            "obk.again" => pick(&mut self.again, value, &again),
            "rom.init.ms" => time(&mut self.init, value, MS),
            "rom.relock.us" => time(&mut self.relock, value, US),
            "time.slow.ms" => time(&mut self.slow.0, value, MS),
            "time.slow.share" => share(&mut self.slow.1, value),
            "usb.gap.ms" => time(&mut self.gap.0, value, MS),
            "usb.gap.share" => share(&mut self.gap.1, value),
            _ => return None,
        })
    }

    /// A number that looks like chance and is the same for the same seed and occasion.
    pub(crate) fn chance(&self, occasion: u64) -> u64 {
        crate::chance::mixed(self.seed, occasion)
    }

    /// Whether OPTSTRT stays this time.
    pub(crate) fn start_stays_at(&self, now: Time) -> bool {
        self.start_stays && self.falls(self.start_stays_share, now)
    }

    /// Whether this occasion is one of so many percent.
    pub(crate) fn falls(&self, share: u8, occasion: u64) -> bool {
        self.chance(occasion) % 100 < u64::from(share)
    }
}

/// Percent.
fn share(slot: &mut u8, value: &str) -> bool {
    match value.parse() {
        Ok(percent) if percent <= 100 => {
            *slot = percent;
            true
        }
        _ => false,
    }
}

//! What kind of USB device the probe is. [DAP-8] [DAP-13]

use crate::bus::Time;
use wire::{Hz, TransferKind};

/// USB speed, packet sizes and times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Profile {
    /// The word in a scenario.
    pub(crate) name: &'static str,
    /// Product string.
    pub(crate) product: &'static str,
    /// Serial number, where a scenario names no other.
    pub(crate) serial: &'static str,
    /// Bulk (v2) or interrupt (v1, HID).
    pub(crate) kind: TransferKind,
    /// Largest CMSIS-DAP packet in bytes.
    pub(crate) packet_size: u16,
    /// Packets that the probe can hold.
    pub(crate) packet_count: u8,
    /// From the host's end of a transfer to the firmware, and back.
    pub(crate) latency: Time,
    /// Between two packets in the same direction.
    pub(crate) gap: Time,
    /// Fastest SWCLK.
    pub(crate) max_clock: Hz,
}

impl Profile {
    /// Bulk at high speed: the default.
    pub(crate) const HS: Profile = Profile {
        name: "hs",
        product: "Simulated CMSIS-DAP v2",
        serial: "SIM0001",
        kind: TransferKind::Bulk,
        packet_size: 512,
        packet_count: 4,
        latency: 125_000,
        gap: 10_000,
        max_clock: Hz(50_000_000),
    };

    /// Bulk at full speed.
    pub(crate) const FS: Profile = Profile {
        name: "fs",
        product: "Simulated CMSIS-DAP v2 (full speed)",
        serial: "SIM0002",
        kind: TransferKind::Bulk,
        packet_size: 64,
        packet_count: 8,
        latency: 1_000_000,
        gap: 55_000,
        max_clock: Hz(24_000_000),
    };

    /// HID at full speed: one report a millisecond and direction.
    pub(crate) const HID: Profile = Profile {
        name: "hid",
        product: "Simulated CMSIS-DAP",
        serial: "SIM0003",
        kind: TransferKind::Interrupt,
        packet_size: 64,
        packet_count: 4,
        latency: 1_000_000,
        gap: 1_000_000,
        max_clock: Hz(10_000_000),
    };

    /// The profile with this name.
    pub(crate) fn named(name: &str) -> Option<Profile> {
        [Profile::HS, Profile::FS, Profile::HID].into_iter().find(|p| p.name == name)
    }

    /// Whether packets are padded to full reports.
    pub(crate) fn is_hid(&self) -> bool {
        self.kind == TransferKind::Interrupt
    }
}

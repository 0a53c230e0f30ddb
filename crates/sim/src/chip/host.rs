//! What the ROM's bootloader does while a live USB host is on the board's connector, and what stays of it.
//!
//! Nobody outside ST knows. Each mechanism is a guess behind a setting, off by default; none knows which tool is at work.
//! [H5-TIMEOUT-1] to [H5-TIMEOUT-15]

use super::small;
use super::{H5, NEVER, Runs};
use crate::bus::Time;
use crate::knobs::{Again, MS, RomUsb, US};
use regs::h5::flash as f;
use regs::h5::state::ProductState;
use regs::m33::dhcsr;
use wire::Cable;

/// How much of each millisecond the bootloader owns the flash interface for a USB host (guess). [H5-TIMEOUT-2]
const OWNED_EACH_MS: Time = 300 * US;
/// Percent of the quad-words that go wrong with too few wait states (guess). [H5-TIMEOUT-14]
const UPSET_SHARE: u8 = 60;

/// From a swap of OBK until the interface is kept (guess); whoever swapped has seen the end by then. [H5-TIMEOUT-4]
const LATCHES_AFTER: Time = 15 * MS;

/// State of these mechanisms since the last reset.
#[derive(Debug, Clone, Default)]
pub(super) struct Host {
    /// The main loop has not come to raise the protection level. [H5-TIMEOUT-1]
    level_waits: bool,
    /// A quad-word was begun and not ended. [H5-TIMEOUT-6]
    half_written: bool,
    /// Since when the option lock is seen open. [H5-TIMEOUT-7]
    open_since: Option<Time>,
    /// When the next reset comes. [H5-TIMEOUT-3]
    pub(super) glitch: Option<Time>,
    /// A key came while the ROM set the flash interface up. [H5-TIMEOUT-15]
    collided: bool,
    /// When OBK was swapped, if the interface has not seen what it needs since. [H5-TIMEOUT-4] [H5-TIMEOUT-13]
    latched: Option<Time>,
}

impl Host {
    /// A reset begins.
    pub(super) fn reset(&mut self, again: Again) {
        *self = Host { latched: self.latched.filter(|_| again == Again::PowerOn), ..Host::default() };
    }

    /// OBK was swapped by somebody else than the ROM.
    pub(super) fn swapped(&mut self, again: Again, now: Time) {
        self.latched = (again != Again::Free).then_some(now);
    }
}

impl H5 {
    /// Until when the ROM's bootloader owns the flash interface, if it does. Only a reset in PROVISIONING starts the
    /// bootloader this way, and only a live USB host makes it do this. A guess, selectable. [H5-TIMEOUT-2] [H5-TIMEOUT-12]
    pub(super) fn claim(&self) -> Option<Time> {
        if self.host.collided || self.host.latched.is_some_and(|swapped| self.now > swapped + LATCHES_AFTER) {
            return Some(NEVER);
        }
        let since =
            self.rom.bootloader_since.filter(|_| self.rom.boot_state == ProductState::PROVISIONING)?;
        if self.pins.cable != Cable::Data {
            return None;
        }
        match self.knobs.rom_usb {
            RomUsb::SlowService if self.rom.enumerated => None,
            RomUsb::HaltedOwner if self.core.halted || self.core.runs != Runs::Bootloader => Some(NEVER),
            RomUsb::HaltedOwner => {
                let into = (self.now - since) % MS;
                (into < OWNED_EACH_MS).then_some(self.now - into + OWNED_EACH_MS)
            }
            RomUsb::SlowService => {
                let end = self.rom.released + self.knobs.rom_usb_time;
                (self.now < end).then_some(end)
            }
            _ => None,
        }
    }

    /// Whether a USB host is served now, and whether the bootloader has set USB up.
    pub(super) fn usb_view(&self) -> small::UsbView {
        let host = self.pins.cable == Cable::Data;
        let fast = self.knobs.rom_usb == RomUsb::FastClock && self.host_is_served();
        small::UsbView { on: self.rom.bootloader_since.is_some(), host, now: self.now, fast }
    }

    /// The bootloader runs in PROVISIONING and a live host talks to it.
    fn host_is_served(&self) -> bool {
        let boots = self.rom.bootloader_since.is_some() && self.rom.boot_state == ProductState::PROVISIONING;
        boots && self.pins.cable == Cable::Data
    }

    fn served_as(&self, what: RomUsb) -> bool {
        self.knobs.rom_usb == what && self.host_is_served()
    }

    /// Interrupts for USB leave the main loop no time, unless a debugger masks them. [H5-TIMEOUT-1]
    pub(super) fn starves(&self) -> bool {
        let masked = dhcsr::C_DEBUGEN | dhcsr::C_MASKINTS;
        self.served_as(RomUsb::Starved)
            && self.core.runs == Runs::Bootloader
            && self.core.control & masked != masked
    }

    /// The bootloader begins: its main loop raises the level, as soon as it runs.
    pub(crate) fn raise_level(&mut self) {
        self.host.level_waits = self.starves_at_start();
        if !self.host.level_waits {
            self.sbs.raise(self.knobs.rom_hdpl);
        }
    }

    fn starves_at_start(&self) -> bool {
        self.knobs.rom_usb == RomUsb::Starved
            && self.pins.cable == Cable::Data
            && self.rom.boot_state == ProductState::PROVISIONING
    }

    /// Reset was released.
    pub(super) fn host_begins(&mut self) {
        if self.knobs.rom_usb == RomUsb::Resets && self.pins.cable == Cable::Data {
            let span = self.knobs.rom_usb_time.max(MS);
            let after = span + self.knobs.host.chance(self.now) % span;
            self.host.glitch = Some(self.now + after);
        }
    }

    /// The ROM keeps AP1 shut. [H5-TIMEOUT-9]
    pub(super) fn host_shuts_port(&self) -> bool {
        self.knobs.rom_usb == RomUsb::ShutsPort && self.pins.cable == Cable::Data
    }

    /// No access through AP1 ends any more. [H5-TIMEOUT-10]
    pub(super) fn bus_is_stalled(&self) -> bool {
        self.served_as(RomUsb::StallsBus) && self.now >= self.rom.released + self.knobs.rom_usb_time
    }

    /// The next quad-word goes wrong. [H5-TIMEOUT-14]
    pub(super) fn upset(&self) -> bool {
        self.served_as(RomUsb::FastClock) && self.knobs.host.falls(UPSET_SHARE, self.now)
    }

    /// Nothing of all this is on, so nothing changes by itself.
    pub(super) fn host_is_quiet(&self) -> bool {
        self.knobs.rom_usb == RomUsb::Off && !self.knobs.host.registers_stall
    }

    /// What the bootloader has done meanwhile. Only somebody who looks can tell when, so it is done when somebody looks.
    pub(super) fn host_acts(&mut self) {
        if self.host.level_waits && !self.starves() && !self.core.halted && self.core.runs == Runs::Bootloader
        {
            self.host.level_waits = false;
            self.sbs.raise(self.knobs.rom_hdpl);
        }
        let late = self.now >= self.rom.released + self.knobs.rom_usb_time;
        if self.served_as(RomUsb::HalfWrite) && late && !self.host.half_written {
            self.host.half_written = true;
            self.flash.leave_half();
        }
        if self.served_as(RomUsb::Relocks) {
            self.lock_options_again();
        }
    }

    fn lock_options_again(&mut self) {
        if !self.flash.options_are_open() {
            self.host.open_since = None;
            return;
        }
        let since = *self.host.open_since.get_or_insert(self.now);
        if self.now - since >= self.knobs.host.relock {
            self.host.open_since = None;
            self.flash.lock_options();
        }
    }

    /// A word was written to the flash interface. [H5-TIMEOUT-15]
    pub(super) fn flash_was_written(&mut self, offset: u32) {
        let key = [f::NSKEYR, f::SECKEYR, f::OPTKEYR, f::NSOBKKEYR, f::SECOBKKEYR].contains(&offset);
        let end = self.rom.released + self.knobs.rom_open + self.knobs.host.init;
        let early = self.knobs.host.init > 0 && self.host_is_served() && self.now < end;
        self.host.collided |= key && early;
    }
}

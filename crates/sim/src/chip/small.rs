//! Peripherals of which a debugger only looks at a few words: RCC, USB, ICACHE, PWR. [H5-RCC-1]
//!
//! Named registers keep what is written; everything else in the peripheral range reads as zero.

use crate::knobs::US;
use regs::h5::{icache, pwr, rcc, usb};
use std::collections::BTreeMap;

/// First address of the peripheral range that is mapped here.
pub(crate) const PERIPHERALS: u32 = 0x4000_0000;
const PERIPHERALS_END: u32 = 0x4800_0000;
/// Microseconds of a USB frame.
const FRAME_US: u64 = 1000;

/// What the ROM bootloader does with USB, as far as registers show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct UsbView {
    /// The bootloader runs and has set USB up.
    pub(crate) on: bool,
    /// A live host is there.
    pub(crate) host: bool,
    /// Now, in nanoseconds.
    pub(crate) now: u64,
    /// It runs from its PLL.
    pub(crate) fast: bool,
}

/// The registers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Small {
    kept: BTreeMap<u32, u32>,
    /// RCC_RSR.
    pub(crate) reset_flags: u32,
}

impl Small {
    /// Whether `at` is in the peripheral range.
    pub(crate) fn covers(at: u32) -> bool {
        (PERIPHERALS..PERIPHERALS_END).contains(&at)
    }

    /// A system reset.
    pub(crate) fn reset(&mut self) {
        self.kept.clear();
    }

    /// Reads a word.
    pub(crate) fn read(&self, at: u32, view: UsbView) -> u32 {
        const RSR: u32 = rcc::BASE + rcc::RSR;
        let kept = self.kept.get(&at).copied().unwrap_or(0);
        let set = |bits: u32| kept | if view.on { bits } else { 0 };
        match at {
            RSR => self.reset_flags,
            _ if at == rcc::BASE + rcc::CR => set(rcc::cr::HSI48ON | rcc::cr::HSI48RDY),
            _ if at == rcc::BASE + rcc::CFGR1 && view.fast => kept | rcc::cfgr1::SWS,
            _ if at == rcc::BASE + rcc::APB2ENR => set(rcc::apb2enr::USBEN),
            _ if at == usb::BASE + usb::BCDR => set(usb::bcdr::DPPU),
            _ if at == usb::BASE + usb::DADDR && view.host => set(usb::daddr::EF | 1),
            _ if at == usb::BASE + usb::FNR && view.host && view.on => {
                // Lossless: eleven bits.
                let frame = ((view.now / US / FRAME_US) & u64::from(usb::fnr::FN)) as u32;
                usb::fnr::LCK | frame
            }
            _ => kept,
        }
    }

    /// Writes a word.
    pub(crate) fn write(&mut self, at: u32, value: u32) {
        if at == rcc::BASE + rcc::RSR {
            if value & rcc::rsr::RMVF != 0 {
                self.reset_flags = 0;
            }
        } else if is_named(at) {
            self.kept.insert(at, value);
        }
    }
}

fn is_named(at: u32) -> bool {
    [rcc::REGISTERS, usb::REGISTERS, icache::REGISTERS, pwr::REGISTERS]
        .iter()
        .any(|registers| registers.iter().any(|r| r.address == at))
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUIET: UsbView = UsbView { on: false, host: false, now: 0, fast: false };

    #[test]
    fn reset_flags_go_by_rmvf_only() {
        let mut small = Small { reset_flags: 0x0C00_0000, ..Small::default() };
        small.write(rcc::BASE + rcc::RSR, 0x0C00_0000);
        assert_eq!(small.read(rcc::BASE + rcc::RSR, QUIET), 0x0C00_0000);
        small.write(rcc::BASE + rcc::RSR, rcc::rsr::RMVF);
        assert_eq!(small.read(rcc::BASE + rcc::RSR, QUIET), 0);
    }

    #[test]
    fn the_frame_number_moves_with_a_live_host() {
        let small = Small::default();
        let frame = |ms: u64| {
            small.read(
                usb::BASE + usb::FNR,
                UsbView { on: true, host: true, now: ms * 1_000_000, fast: false },
            )
        };
        assert_ne!(frame(1), frame(2));
        assert_eq!(small.read(usb::BASE + usb::FNR, QUIET), 0);
    }

    #[test]
    fn unnamed_registers_read_as_zero() {
        let mut small = Small::default();
        small.write(0x4000_0000, 5);
        assert_eq!(small.read(0x4000_0000, QUIET), 0);
        small.write(icache::BASE + icache::CR, 1);
        assert_eq!(small.read(icache::BASE + icache::CR, QUIET), 1);
    }
}

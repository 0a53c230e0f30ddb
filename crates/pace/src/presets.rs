//! The presets: full literals, named after whom they imitate. The foreign numbers are notes [TOOL-1] to [TOOL-5]; where a
//! tool has no counterpart (it knows no STM32H5 option bytes, say) the preset keeps our default.

use crate::{
    AdiPatience, DaPatience, FlashPatience, Patience, Policy, PollPace, ProbePatience, ResetPace, UsbPatience,
};
use std::time::Duration;

const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

const fn us(n: u64) -> Duration {
    Duration::from_micros(n)
}

impl Policy {
    /// The names of all presets.
    pub const PRESETS: [&'static str; 5] = ["default", "openocd", "pyocd", "probe-rs", "bmda"];

    /// The preset with this name.
    pub fn preset(name: &str) -> Option<Policy> {
        let (usb, probe, adi) = match name {
            "default" => return Some(default()),
            // OpenOCD: 64 repeats, none in the engine, up to 4 packets under way, 6 s on USB because a host controller
            // was seen to stall for 5 s when the target's own USB device stops answering [TOOL-1].
            "openocd" => (
                UsbPatience { timeout: ms(6000), drain: ms(10), in_flight: 4 },
                ProbePatience { idle_cycles: 0, wait: Patience::Tries(64), matching: Patience::Tries(0) },
                AdiPatience { wait: Patience::Tries(0), abort: true, power_up: Patience::ms(100) },
            ),
            // pyOCD: 150 repeats, idle 2, as many packets as the probe takes [TOOL-2].
            "pyocd" => (
                UsbPatience { timeout: ms(10_000), drain: ms(10), in_flight: 255 },
                ProbePatience { idle_cycles: 2, wait: Patience::Tries(150), matching: Patience::Tries(0) },
                AdiPatience { wait: Patience::Tries(0), abort: true, power_up: Patience::ms(5000) },
            ),
            // probe-rs: 65535 repeats, one packet at a time, 1 s on USB [TOOL-3].
            "probe-rs" => (
                UsbPatience { timeout: ms(1000), drain: ms(1), in_flight: 1 },
                ProbePatience { idle_cycles: 0, wait: Patience::Tries(0xFFFF), matching: Patience::Tries(0) },
                AdiPatience { wait: Patience::Tries(0), abort: true, power_up: Patience::ms(1000) },
            ),
            // Black Magic Debug App: 128 repeats, then again until one second is over [TOOL-4].
            "bmda" => (
                UsbPatience { timeout: ms(1000), drain: ms(10), in_flight: 1 },
                ProbePatience { idle_cycles: 2, wait: Patience::Tries(128), matching: Patience::Tries(128) },
                AdiPatience { wait: Patience::ms(1000), abort: true, power_up: Patience::ms(250) },
            ),
            _ => return None,
        };
        Some(Policy { name: name.to_owned(), usb, probe, adi, ..default() })
    }
}

/// Our own numbers; the reasons stand in [`KEYS`](crate::KEYS).
pub(crate) fn default() -> Policy {
    Policy {
        name: "default".to_owned(),
        usb: UsbPatience { timeout: ms(6000), drain: ms(20), in_flight: 8 },
        probe: ProbePatience { idle_cycles: 0, wait: Patience::ms(80), matching: Patience::ms(80) },
        adi: AdiPatience { wait: Patience::ms(500), abort: true, power_up: Patience::ms(1000) },
        poll: PollPace { interval: us(200), ceiling: ms(10) },
        flash: FlashPatience {
            program: Patience::ms(50),
            erase: Patience::ms(1000),
            mass_erase: Patience::ms(30_000),
            option: Patience::ms(2000),
            obk: Patience::ms(2000),
            service: Patience::ms(5000),
        },
        da: DaPatience {
            boot: Patience::ms(5000),
            word: Patience::ms(500),
            reply: Patience::ms(3000),
            regression: Patience::ms(30_000),
        },
        reset: ResetPace { hold: ms(20), settle: ms(5), reconnect: Patience::ms(5000) },
    }
}

//! Notes of `vendor-notes/tools.md`.

use super::{Confidence, Note, note};

pub(super) const NOTES: &[Note] = &[
    note(
        "TOOL-1",
        Confidence::Verified,
        "OpenOCD: no idle clocks, WAIT retry 64, match retry 0; ST-Link 8 retries of 1 ms doubling (255 ms); USB 6 s; power-up 10 polls of 10 ms",
        "record a session and decode TransferConfigure",
    ),
    note(
        "TOOL-2",
        Confidence::Verified,
        "pyOCD: 2 idle clocks, WAIT retry 150, match retry 0; no retry above that; USB 10 s (ST-Link 1 s); power-up 5 s",
        "record a session and decode TransferConfigure",
    ),
    note(
        "TOOL-3",
        Confidence::Verified,
        "probe-rs: no idle clocks, WAIT retry 0xFFFF, match retry 0; ST-Link 13 tries of 100 µs doubling (0.82 s); USB 1 s; power-up 1 s",
        "record a session and decode TransferConfigure",
    ),
    note(
        "TOOL-4",
        Confidence::Verified,
        "Black Magic (BMDA): 2 idle clocks, WAIT retry 128, match retry 128, then a loop on WAIT; ST-Link until 1 s; USB 100 ms bulk, 1 s HID",
        "record a session and decode TransferConfigure",
    ),
    note(
        "TOOL-5",
        Confidence::Verified,
        "ST's OpenOCD waits 250 polls of 1 ms for an option change and for an erase, 50 for programming; ST's HAL waits 1000 ms",
        "record an option change that takes longer",
    ),
    note(
        "TOOL-6",
        Confidence::Verified,
        "ST's provisioning: 0x17 in hotplug, hard reset, -sdp in hotplug, hard reset, 0x72; all through AP1",
        "record CubeProgrammer with -vb 3",
    ),
    note(
        "TOOL-20",
        Confidence::Verified,
        "OpenOCD's remote_bitbang sends one character for each edge: O o drive or release SWDIO, d e f g SWCLK and SWDIO, c read, r s t u resets, B b blink, Z z sleep, Q quit",
        "`adapter driver remote_bitbang; transport select swd`",
    ),
    note(
        "TOOL-21",
        Confidence::Verified,
        "ST's server for sharing an ST-Link takes a command byte with arguments of a fixed length at port 7184: 0 refresh, 1 count, 2 device, 3 open, 4 close, 5 USB command, 6 version",
        "`adapter driver st-link; st-link backend tcp` against ST's server",
    ),
];

//! Notes of `vendor-notes/traces.md`.

use super::{Confidence, Note, note};

pub(super) const NOTES: &[Note] = &[
    note(
        "TRACE-1",
        Confidence::Verified,
        "usbmon records have a 64-byte header (link type 220), in the byte order of the capturing machine",
        "capture with usbmon and compare",
    ),
    note(
        "TRACE-2",
        Confidence::Verified,
        "pcapng: section header 0x0A0D0D0A with byte-order word 0x1A2B3C4D, interface description 1, enhanced packet 6; if_tsresol 9 means nanoseconds",
        "open a recording with capinfos",
    ),
    note(
        "TRACE-3",
        Confidence::Inferred,
        "What a probe's USB traffic proves about the wire has four grades: explicit, deterministic, inferred, hidden",
        "record USB and the wire at once and compare",
    ),
    note(
        "TRACE-4",
        Confidence::Verified,
        "Secrets are masked at recording by HMAC under a key that is never stored: equal inputs stay equal inside one trace",
        "search a recording for the password in any encoding",
    ),
    note(
        "TRACE-5",
        Confidence::Verified,
        "USBPcap records (link type 249) are little-endian: header length 0, IRP 2, USBD_STATUS 10, info 16 (bit 0: done), bus 17, device 19, endpoint 21, transfer 22, data length 23",
        "capture with USBPcap and compare",
    ),
    note(
        "TRACE-6",
        Confidence::Inferred,
        "macOS' USB records (link type 266) are little-endian: header length 2, kind 3 (0 submit, 1 complete), length 4, status 8, id 16, location 24, address 29, endpoint 30, kind of endpoint 31",
        "capture on macOS and compare",
    ),
    note(
        "TRACE-7",
        Confidence::Verified,
        "J-Link, raw: CE or CF, 0, bits (16), directions, levels; the answer has the levels seen, and with CF a status byte; a level seen stands on the line before the next clock",
        "record USB and the wire at once and compare",
    ),
    note(
        "TRACE-8",
        Confidence::Inferred,
        "Text logs of OpenOCD, pyOCD, probe-rs, STM32CubeProgrammer and SEGGER's software show accesses at different levels, none all of them",
        "record log and USB of one session and compare",
    ),
];

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
];

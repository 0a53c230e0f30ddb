//! Notes of `vendor-notes/usb.md`.

use super::{Confidence, Note, note};

pub(super) const NOTES: &[Note] = &[
    note(
        "USB-1",
        Confidence::Verified,
        "A CMSIS-DAP probe has the text CMSIS-DAP in its product string or in the string of its debug interface",
        "`lsusb -v`",
    ),
    note(
        "USB-2",
        Confidence::Verified,
        "CMSIS-DAP v2 is an interface of class FF/00/00 whose first endpoints are bulk OUT for commands and bulk IN for responses, in this order",
        "`lsusb -v`",
    ),
    note(
        "USB-3",
        Confidence::Verified,
        "CMSIS-DAP v1 is a HID interface of usage page FF00 without report ids, whose reports are as long as a packet",
        "read the report descriptor",
    ),
    note(
        "USB-4",
        Confidence::Verified,
        "Some products speak CMSIS-DAP and do not say so in the strings that count",
        "`lsusb -v`",
    ),
    note(
        "USB-5",
        Confidence::Verified,
        "CMSIS-DAP over TCP has an 8-byte header: 44 41 50 00, length as u16, type 1 request or 2 response, zero; port 4441",
        "`cmsis-dap backend tcp` in OpenOCD against a server",
    ),
    note(
        "USB-6",
        Confidence::Inferred,
        "A debugprobe older than release 2.20 can join two answers in one transfer when several packets are under way",
        "send two packets at once to an old debugprobe",
    ),
];

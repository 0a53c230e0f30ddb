//! Notes of `vendor-notes/stm32h5-timeout.md`.

use super::{Confidence, Note, note};

pub(super) const NOTES: &[Note] = &[
    note(
        "H5-TIMEOUT-0",
        Confidence::User,
        "The report: OBK or option-byte provisioning of an STM32H562 fails with the board's USB cable in and works without it; in hotplug mode it works with and without",
        "the 2 x 2 of USB cable (in, out) and connect mode (hotplug, reset and halt)",
    ),
    note(
        "H5-TIMEOUT-1",
        Confidence::Guess,
        "The bootloader serves USB and never gets to the request",
        "mask interrupts, or switch the USB clock off, or use a charge-only cable: it must work",
    ),
    note(
        "H5-TIMEOUT-2",
        Confidence::Guess,
        "The tool halts the core that must run the service",
        "leave the core running: it must work",
    ),
    note("H5-TIMEOUT-3", Confidence::Guess, "A reset hits the write", "watch NRST; another probe"),
    note(
        "H5-TIMEOUT-4",
        Confidence::Guess,
        "A power cycle is none while USB powers the board",
        "cut only VBUS of the cable, keep data",
    ),
    note(
        "H5-TIMEOUT-5",
        Confidence::Guess,
        "The flash operation is simply longer than the tool's patience",
        "wait 30 s",
    ),
    note(
        "H5-TIMEOUT-6",
        Confidence::Guess,
        "Another master left a half-filled write buffer",
        "USB off; refuse to start with WBNE or DBNE set; clear by reset",
    ),
    note(
        "H5-TIMEOUT-7",
        Confidence::Guess,
        "Somebody locked the option registers again, or the keys were used up",
        "read OPTLOCK directly before OPTSTRT; unlock, write and start in one packet",
    ),
    note(
        "H5-TIMEOUT-8",
        Confidence::Guess,
        "The request is illegal and the tool ignores the flags until its time is up",
        "read and decode NSSR",
    ),
    note(
        "H5-TIMEOUT-9",
        Confidence::Guess,
        "The access port is shut, or the wrong one is used",
        "poll DBGMCU_SR through AP0",
    ),
    note(
        "H5-TIMEOUT-10",
        Confidence::Guess,
        "The bus is stalled by the flash or a stopped clock",
        "poll a register that is not in flash; DAPABORT",
    ),
    note(
        "H5-TIMEOUT-11",
        Confidence::Guess,
        "The probe's WAIT count is too small at a high clock, or the signal is bad",
        "lower the clock; raise the count",
    ),
    note(
        "H5-TIMEOUT-12",
        Confidence::Guess,
        "The ROM is not ready yet: with USB in, start-up takes longer",
        "wait 2 s after reset; better, wait for the level, the program counter range and a stable state",
    ),
    note(
        "H5-TIMEOUT-13",
        Confidence::Guess,
        "The probe's NRST or firmware is at fault",
        "another probe; test NRST by RCC_RSR",
    ),
    note(
        "H5-TIMEOUT-14",
        Confidence::Guess,
        "The bootloader raised the clock for USB and the flash latency or write delay does not fit",
        "read ACR and RCC in both arms",
    ),
    note(
        "H5-TIMEOUT-15",
        Confidence::Guess,
        "Looking changes it: a blind run fails and an instrumented one passes, or the other way round",
        "run each arm both ways; inject delays",
    ),
    note(
        "H5-TIMEOUT-16",
        Confidence::Guess,
        "The host is late: the board's own USB shares hub or controller with the probe",
        "probe and board on different controllers",
    ),
];
